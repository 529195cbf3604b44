// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=1,machine.tiles_per_group=2,machine.macros_per_tile=8' -imc-offload -imc-quantize -imc-tile -imc-place | FileCheck %s
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=8,machine.groups=1,machine.tiles_per_group=2,machine.macros_per_tile=8' -imc-offload -imc-quantize -imc-tile -imc-place -imc-verify-phase=placed -o /dev/null

// The chip has 16 arrays. Product a takes 2 strips of rows and 1 of columns, b 1 and 2, in program order.
// CHECK: module @m attributes {{.*}}imc.phase = "placed"
module @m {
  // CHECK-LABEL: @main
  // CHECK: placement = #imc.placement<first_array = 0, copies = 1, packs = 1, row_strips = 2, column_strips = 1, macros_per_tile = 8>
  // CHECK: placement = #imc.placement<first_array = 2, copies = 1, packs = 1, row_strips = 1, column_strips = 2, macros_per_tile = 8>
  func.func @main(%x: tensor<4x100xf32>) -> tensor<4x128xf32> {
    %w = imc.missing_weight "a" : tensor<100x64xf32>
    %v = imc.missing_weight "b" : tensor<64x128xf32>
    %i = arith.constant dense<0.0> : tensor<4x64xf32>
    %j = arith.constant dense<0.0> : tensor<4x128xf32>
    %y = linalg.matmul ins(%x, %w : tensor<4x100xf32>, tensor<100x64xf32>) outs(%i : tensor<4x64xf32>) -> tensor<4x64xf32>
    %z = linalg.matmul ins(%y, %v : tensor<4x64xf32>, tensor<64x128xf32>) outs(%j : tensor<4x128xf32>) -> tensor<4x128xf32>
    return %z : tensor<4x128xf32>
  }
}
