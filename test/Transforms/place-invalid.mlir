// RUN: imc-opt %s -split-input-file -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=2' -imc-offload -imc-quantize -imc-tile -imc-place -verify-diagnostics -o /dev/null
// RUN: not imc-opt %s -split-input-file -imc-attach-target='file=rram-32nm set=machine.cell.bits=8' -imc-offload -imc-quantize -imc-tile -imc-place=replication=all 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not imc-opt %s -split-input-file -imc-attach-target=file=rram-32nm -imc-place 2>&1 | FileCheck %s --check-prefix=PHASE
// Tiled for another machine than the one that is attached now.
// RUN: not imc-opt %s -split-input-file -imc-attach-target='file=rram-32nm set=machine.cell.bits=8' -imc-offload -imc-quantize -imc-tile -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cell.bits=8' -imc-place 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not imc-opt %s -split-input-file -imc-attach-target='file=rram-32nm set=machine.cell.bits=8' -imc-offload -imc-quantize -imc-tile -imc-attach-target='file=rram-32nm set=machine.cell.bits=1' -imc-place 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not imc-opt %s -split-input-file -imc-attach-target='file=rram-32nm set=machine.cell.bits=8,machine.adc.clip_bits=2' -imc-offload -imc-quantize -imc-tile -imc-attach-target='file=rram-32nm set=machine.cell.bits=8,machine.adc.clip_bits=1' -imc-place 2>&1 | FileCheck %s --check-prefix=CLIP
// RUN: not imc-opt %s -split-input-file -imc-attach-target='file=rram-32nm set=machine.cell.bits=8' -imc-offload -imc-quantize -imc-tile -imc-place=segments=belady 2>&1 | FileCheck %s --check-prefix=SEGMENTS
// SEGMENTS: imc-place: 'pass.segments' is 'belady', must be one of swap_all, resident_best, exact
// OPTION: imc-place: 'pass.replication' is 'all', must be one of none, balanced
// PHASE: imc-place takes a module in phase 'tiled', but imc.phase says 'imported'; run the passes up to 'tiled' first, e.g. with the pipeline imc-to-tiled
// ROWS: was made for machine.array.rows = 256, but imc.target has 64; attach the machine before imc-tile and tile again
// CLIP: was made for machine.adc.clip_bits = 2, but imc.target has 1; attach the machine before imc-tile and tile again
// BITS: was made for machine.cell.bits = 8, but imc.target has 1; attach the machine before imc-tile and tile again

// Three arrays on a chip of two, whose cells keep their weights.
// expected-error @below {{imc-place: one copy of the model takes 3 arrays (those included that alignment to tiles leaves empty), the machine has 2 that keep their weights; take more or larger arrays (machine.groups, machine.rows, ...) or more bits per cell}}
module @m {
  func.func @main(%x: tensor<4x100xf32>) -> tensor<4x8xf32> {
    %w = imc.missing_weight "a" : tensor<100x64xf32>
    %v = imc.missing_weight "b" : tensor<64x8xf32>
    %i = arith.constant dense<0.0> : tensor<4x64xf32>
    %j = arith.constant dense<0.0> : tensor<4x8xf32>
    // expected-note @below {{alone takes 2}}
    %y = linalg.matmul ins(%x, %w : tensor<4x100xf32>, tensor<100x64xf32>) outs(%i : tensor<4x64xf32>) -> tensor<4x64xf32>
    %z = linalg.matmul ins(%y, %v : tensor<4x64xf32>, tensor<64x8xf32>) outs(%j : tensor<4x8xf32>) -> tensor<4x8xf32>
    return %z : tensor<4x8xf32>
  }
}
