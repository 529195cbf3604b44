// What stops one more copy, and what converters drop.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=5,machine.adc_bits=8' -imc-offload -imc-quantize -imc-tile -imc-place=replication=balanced -remarks-filter='imc-.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=BALANCED
// BALANCED: [Missed] ConverterRange | Category:imc-tile | {{.*}}Reason="the sum of 256 rows of 2-bit cells and 1-bit inputs takes 10 bits; the lowest 2 are dropped", Suggestion="machine.adc.bits=10, or fewer rows at once", adc_bits=8, layer=a, lossless_bits=10
// BALANCED: [Passed] Copies {{.*}}Reason="6 windows, 2 arrays per copy, 5 arrays on the chip, 2 for one copy of the model", arrays=4, copies=2, layer=a, rounds=0, windows_per_copy=3
// BALANCED: [Missed] Replication {{.*}}Reason="2 windows per copy instead of 3 take 7 arrays for all products in tiles of 5, the machine has 5 for them", Suggestion="more or larger arrays (machine.groups, machine.rows, ...), or more bits per cell", copies=2, layer=a

// The rules that count time say what the next faster number of copies takes.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=5,machine.adc_bits=8' -imc-offload -imc-quantize -imc-tile -imc-place=replication=exact_sum -remarks-filter='imc-.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=EXACT
// EXACT: [Passed] Copies {{.*}}copies=2, layer=a, rounds=0, windows_per_copy=3
// EXACT: [Missed] Replication {{.*}}Reason="3 copies, which would be faster, take 2 arrays more; 1 of the machine's 5 stay empty", Suggestion="more or larger arrays

// A copy for every window: nothing is missed.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm' -imc-offload -imc-quantize -imc-tile -imc-place=replication=balanced -remarks-filter='imc-.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=FULL --implicit-check-not=Missed
// FULL: [Passed] Copies {{.*}}copies=6, layer=a, rounds=0, windows_per_copy=1

// Volatile cells are written again for each use, one after the other.
// RUN: imc-opt %s -imc-attach-target='file=sram-32nm set=machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=2' -imc-offload -imc-quantize -imc-tile -imc-place=replication=balanced -remarks-filter='imc-place' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REWRITE
// REWRITE: [Missed] Residence {{.*}}Reason="1 arrays are missing for one copy of the model, so every product is written before it runs", {{.*}}arrays=3, capacity=2
// REWRITE: [Passed] Copies {{.*}}copies=1, layer=a, rounds=2
// REWRITE: [Missed] Replication {{.*}}Reason="the product has the chip for itself, and 2 copies of 3 arrays are more than its 2 in tiles of 2"

// Adder trees have no resolution to choose.
// RUN: imc-opt %s -imc-to-costed=target=zigzag-dimc-28nm -remarks-filter='imc-cost' -o /dev/null 2>&1 | FileCheck %s --check-prefix=DIGITAL --implicit-check-not=ConverterBit
// DIGITAL: [Analysis] Layer
module @m {
  func.func @main(%x: tensor<6x300xf32>) -> tensor<6x10xf32> {
    %w = imc.missing_weight "w" : tensor<300x10xf32>
    %i = arith.constant dense<0.0> : tensor<6x10xf32>
    %y = linalg.matmul ins(%x, %w : tensor<6x300xf32>, tensor<300x10xf32>) outs(%i : tensor<6x10xf32>) -> tensor<6x10xf32> loc("a")
    return %y : tensor<6x10xf32>
  }
}
