// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=1,machine.tiles_per_group=2,machine.macros_per_tile=8' -imc-offload -imc-quantize -imc-tile -imc-place=replication=balanced | FileCheck %s --check-prefix=BALANCED
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=7' -imc-offload -imc-quantize -imc-tile -imc-place=replication=marginal_gain | FileCheck %s --check-prefix=EXACT
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=7' -imc-offload -imc-quantize -imc-tile -imc-place=replication=exact_bottleneck | FileCheck %s --check-prefix=EXACT
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=7' -imc-offload -imc-quantize -imc-tile -imc-place=replication=exact_sum | FileCheck %s --check-prefix=EXACT
// RUN: imc-opt %s -imc-attach-target='file=sram-32nm set=machine.rows=64,machine.cols=64,machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=4' -imc-offload -imc-quantize -imc-tile -imc-place -imc-verify-phase=placed | FileCheck %s --check-prefix=RELOAD
// RUN: imc-opt %s -imc-attach-target='file=sram-32nm set=machine.rows=64,machine.cols=64,machine.groups=1,machine.tiles_per_group=5,machine.macros_per_tile=1' -imc-offload -imc-quantize -imc-tile -imc-place=segments=exact -imc-verify-phase=placed -imc-schedule -imc-cost | FileCheck %s --check-prefix=STAY
// RUN: imc-opt %s -imc-attach-target='file=sram-32nm set=machine.rows=64,machine.cols=64,machine.groups=1,machine.tiles_per_group=5,machine.macros_per_tile=1' -imc-offload -imc-quantize -imc-tile -imc-place=segments=resident_best -imc-verify-phase=placed | FileCheck %s --check-prefix=STAY
// RUN: imc-opt %s -imc-attach-target='file=sram-32nm set=machine.rows=64,machine.cols=64,machine.groups=1,machine.tiles_per_group=5,machine.macros_per_tile=1' -imc-offload -imc-quantize -imc-tile -imc-place=segments=exact | imc-translate --export-program | FileCheck %s --check-prefix=PROGRAM

// 16 arrays for 9 windows on 1 array and 1 window on 1 array: 9 copies of the first.
// BALANCED: placement = #imc.placement<first_array = 0, copies = 9, packs = 1, row_strips = 1, column_strips = 1, macros_per_tile = 8>
// BALANCED: placement = #imc.placement<first_array = 9, copies = 1, packs = 1, row_strips = 1, column_strips = 1, macros_per_tile = 8>

// 7 arrays leave 6 for the first; 5 copies are as fast, 2 windows each.
// EXACT: placement = #imc.placement<first_array = 0, copies = 5, packs = 1, row_strips = 1, column_strips = 1, macros_per_tile = 7>
// EXACT: placement = #imc.placement<first_array = 5, copies = 1, packs = 1, row_strips = 1, column_strips = 1, macros_per_tile = 7>

// One bit per cell: 64 columns of weights take 8 arrays, the chip has 4. SRAM is written again for each product.
// RELOAD: placement = #imc.placement<first_array = 0, copies = 1, packs = 1, row_strips = 1, column_strips = 1, macros_per_tile = 4>
// RELOAD: placement = #imc.placement<first_array = 0, copies = 1, packs = 1, row_strips = 1, column_strips = 8, macros_per_tile = 4>

// 5 arrays: 8 take two rounds of 4 at least, so one stays, and only the others are written.
// STAY: placement = #imc.placement<first_array = 0, copies = 1, packs = 1, row_strips = 1, column_strips = 1>
// STAY: placement = #imc.placement<first_array = 1, copies = 1, packs = 1, row_strips = 1, column_strips = 8>
// PROGRAM-NOT: product 0 {{.*}}rounds=
// PROGRAM: product 1 {{.*}}rounds=2
// PROGRAM-NOT: write p0
// PROGRAM: write p1
module @m {
  func.func @main(%x: tensor<9x8xf32>, %u: tensor<1x8xf32>) -> (tensor<9x8xf32>, tensor<1x64xf32>) {
    %w = imc.missing_weight "a" : tensor<8x8xf32>
    %v = imc.missing_weight "b" : tensor<8x64xf32>
    %i = arith.constant dense<0.0> : tensor<9x8xf32>
    %j = arith.constant dense<0.0> : tensor<1x64xf32>
    %y = linalg.matmul ins(%x, %w : tensor<9x8xf32>, tensor<8x8xf32>) outs(%i : tensor<9x8xf32>) -> tensor<9x8xf32>
    %z = linalg.matmul ins(%u, %v : tensor<1x8xf32>, tensor<8x64xf32>) outs(%j : tensor<1x64xf32>) -> tensor<1x64xf32>
    return %y, %z : tensor<9x8xf32>, tensor<1x64xf32>
  }
}
