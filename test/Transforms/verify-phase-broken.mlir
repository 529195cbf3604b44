// A correct module is broken in one place; the verifier names the constraint. The locations of layers matter for
// steps, so modules are printed with them.
// RUN: imc-opt %s -imc-to-costed='target=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8' -mlir-print-debuginfo -o %t.mlir
// RUN: imc-opt %t.mlir -imc-verify-phase -o /dev/null

// P4: another machine; too few iterations.
// RUN: not imc-opt %t.mlir -imc-attach-target='file=rram-32nm set=machine.rows=32,machine.cols=64' -imc-verify-phase=tiled 2>&1 | FileCheck %s --check-prefix=SIZE
// SIZE: P4 (tiled): reads an array of 64x64, the machine's have 32x64
// RUN: sed -e 's/arith.constant 2 : index/arith.constant 1 : index/' %t.mlir | not imc-opt -imc-verify-phase 2>&1 | FileCheck %s --check-prefix=TRIPS
// TRIPS: P4 (costed): is repeated 1 times for 2 arrays

// P5: no placement; one for other tiles.
// RUN: sed -e 's/placement = #imc.placement<[^>]*>//' %t.mlir | not imc-opt -imc-verify-phase=placed 2>&1 | FileCheck %s --check-prefix=UNPLACED
// UNPLACED: P5 (placed): has no placement; run imc-place
// RUN: sed -e 's/row_strips = 2/row_strips = 1/' %t.mlir | not imc-opt -imc-verify-phase=placed 2>&1 | FileCheck %s --check-prefix=TILES
// TILES: P5 (placed): placement #imc.placement<{{.*}}> is for other tiles than the 1x2x1 of its weights

// P6: two tiles on one array; an array that is not there.
// RUN: sed -e 's/first_array = 2/first_array = 1/' %t.mlir | not imc-opt -imc-verify-phase=placed 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: P6 (placed): array 1 is placed twice
// TWICE: it already holds a tile of this product
// RUN: sed -e 's/first_array = 2/first_array = 16384/' %t.mlir | not imc-opt -imc-verify-phase=placed 2>&1 | FileCheck %s --check-prefix=BEYOND
// BEYOND: P6 (placed): copy 0 is placed on array 16384, the machine has 16384 (0 to 16383)
// RUN: sed -e 's/copies = 1, packs/copies = 3, packs/' %t.mlir | not imc-opt -imc-verify-phase=placed 2>&1 | FileCheck %s --check-prefix=COPIES
// COPIES: P6 (placed): array {{[0-9]+}} is placed twice
// Tiles of another size than those of the machine.
// RUN: not imc-opt %t.mlir -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.macros_per_tile=32' -imc-verify-phase=placed 2>&1 | FileCheck %s --check-prefix=CORE
// CORE: P5 (placed): placement #imc.placement<{{.*}}> is for tiles of 64 arrays, the machine's have 32
// A chip of 2^48 arrays is checked without a table of them.
// RUN: sed -e 's/macros_per_tile = 64>/macros_per_tile = 65536>/' %t.mlir | imc-opt -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=65536,machine.tiles_per_group=65536,machine.macros_per_tile=65536' -imc-verify-phase=placed -o /dev/null

// P7: an op without a step; a layer with two; a step that nobody has.
// RUN: sed -e 's/imc.step = 2 : i64/imc.weight_bits = 8 : i64/' %t.mlir | not imc-opt -imc-verify-phase=scheduled 2>&1 | FileCheck %s --check-prefix=STEP
// STEP: P7 (scheduled): has no imc.step; run imc-schedule
// RUN: sed -e '/imc.dequantize/s/imc.step = 0/imc.step = 1/' %t.mlir | not imc-opt -imc-verify-phase=scheduled 2>&1 | FileCheck %s --check-prefix=SPLIT
// SPLIT: P7 (scheduled): layer 'fc0' has step 1 here
// SPLIT: and step 0 here
// RUN: sed -e 's/imc.step = 2/imc.step = 5/' %t.mlir | not imc-opt -imc-verify-phase=scheduled 2>&1 | FileCheck %s --check-prefix=GAP
// GAP: P7 (scheduled): no layer has step 2 of 6

// P8: the second layer before the first.
// RUN: sed -e 's/imc.step = 0/imc.step = 9/;s/imc.step = 1/imc.step = 0/;s/imc.step = 9/imc.step = 1/' %t.mlir | not imc-opt -imc-verify-phase=scheduled 2>&1 | FileCheck %s --check-prefix=ORDER
// ORDER: P8 (scheduled): step 0 uses a result of step 1

// P9: costs that are missing or do not add up.
// RUN: sed -e '/linalg.exp/s/energy_j = /energy_x = /' %t.mlir | not imc-opt -imc-verify-phase 2>&1 | FileCheck %s --check-prefix=NOCOST
// NOCOST: P9 (costed): has no imc.cost with energy_j; run imc-cost
// RUN: sed -e '/^module/s/ energy_j = [0-9.E-]*/ energy_j = 1.0/' %t.mlir | not imc-opt -imc-verify-phase 2>&1 | FileCheck %s --check-prefix=SUM
// SUM: P9 (costed): energy_j of the layers adds up to {{.*}}, the module says 1.000000e+00 : f64

module @m {
  func.func @main(%x: tensor<4x100xf32>) -> tensor<4x32xf32> {
    %w = imc.missing_weight "a" : tensor<100x64xf32> loc("fc0")
    %v = imc.missing_weight "b" : tensor<64x32xf32> loc("fc1")
    %i = arith.constant dense<0.0> : tensor<4x64xf32>
    %j = arith.constant dense<0.0> : tensor<4x32xf32>
    %y = linalg.matmul ins(%x, %w : tensor<4x100xf32>, tensor<100x64xf32>) outs(%i : tensor<4x64xf32>) -> tensor<4x64xf32> loc("fc0")
    %z = linalg.matmul ins(%y, %v : tensor<4x64xf32>, tensor<64x32xf32>) outs(%j : tensor<4x32xf32>) -> tensor<4x32xf32> loc("fc1")
    %e = linalg.exp ins(%z : tensor<4x32xf32>) outs(%j : tensor<4x32xf32>) -> tensor<4x32xf32> loc("exp")
    return %e : tensor<4x32xf32>
  }
}
