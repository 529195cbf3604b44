// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=32,machine.cols=64,machine.cell.bits=2' -imc-tile | FileCheck %s
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=32,machine.cols=64,machine.cell.bits=2' -imc-tile | imc-opt | FileCheck %s

// CHECK: module attributes {imc.phase = "tiled"
module attributes {imc.phase = "quantized"} {
  // 70 rows are 3 strips of 32; 20 columns of 4 cells are 2 strips of 64: 6 arrays, two loops.
  // CHECK-LABEL: @matmul
  func.func @matmul(%x: tensor<5x70xf32>, %s: tensor<f32>, %z: tensor<i32>, %w: tensor<70x20xi8>) -> tensor<5x20xi32> {
    // CHECK: %[[Q:.*]] = imc.quantize
    // CHECK: %[[U:.*]] = imc.unfold ins(%[[Q]] : tensor<5x70xi8>) outs(%{{.*}} : tensor<1x5x3x32xi8>)
    // CHECK-SAME: kernel = [1, 1] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1
    // CHECK: %[[C:.*]] = imc.encode_weights ins(%{{.*}} : tensor<70x20xi8>) outs(%{{.*}} : tensor<1x3x2x32x64xi8>)
    // CHECK-SAME: encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2>
    // CHECK: %[[ZERO:.*]] = linalg.fill
    // CHECK: %[[ACC:.*]] = scf.for %[[S:[a-z0-9]+]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%{{.*}} = %[[ZERO]])
    // CHECK: scf.for %[[T:[a-z0-9]+]] =
    // CHECK: %[[US:.*]] = tensor.extract_slice %[[U]][0, 0, %[[S]], 0] [1, 5, 1, 32]
    // CHECK: %[[CS:.*]] = tensor.extract_slice %[[C]][0, %[[S]], %[[T]], 0, 0] [1, 1, 1, 32, 64]
    // CHECK: imc.mvm ins(%[[US]], %[[CS]] : tensor<1x5x1x32xi8>, tensor<1x1x1x32x64xi8>)
    // CHECK-SAME: input = #imc.input<bits = 8, dac_bits = 1>
    // The largest sum of 32 rows of 2-bit cells is 96: 7 bits.
    // CHECK-SAME: readout = #imc.readout<adc_bits = 10, lossless_bits = 7, policy = full>
    // CHECK: %[[Y:.*]] = imc.shift_add ins(%[[ACC]], %[[U]] :
    // CHECK-SAME: groups = 1 groups_per_pack = 1 group_rows = 70
    // CHECK: return %[[Y]]
    // CHECK-NOT: imc.matmul
    %e = tensor.empty() : tensor<5x70xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<5x70xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<5x70xi8>) bits = 8 -> tensor<5x70xi8>
    %c0 = arith.constant 0 : i32
    %f = tensor.empty() : tensor<5x20xi32>
    %i = linalg.fill ins(%c0 : i32) outs(%f : tensor<5x20xi32>) -> tensor<5x20xi32>
    %y = imc.matmul ins(%q, %w : tensor<5x70xi8>, tensor<70x20xi8>) outs(%i : tensor<5x20xi32>) -> tensor<5x20xi32>
    return %y : tensor<5x20xi32>
  }

  // One array: no loop. Windows are batch x output positions, 2 x 3 x 3.
  // CHECK-LABEL: @conv
  func.func @conv(%x: tensor<2x3x7x7xf32>, %s: tensor<f32>, %z: tensor<i32>, %w: tensor<4x3x3x3xi8>) -> tensor<2x4x3x3xi32> {
    // CHECK: imc.unfold ins(%{{.*}} : tensor<2x3x7x7xi8>) outs(%{{.*}} : tensor<1x18x1x32xi8>)
    // CHECK-SAME: kernel = [3, 3] strides = [2, 2] dilations = [1, 1]
    // CHECK-NOT: scf.for
    // CHECK: imc.mvm
    // CHECK: imc.shift_add {{.*}} -> tensor<2x4x3x3xi32>
    %e = tensor.empty() : tensor<2x3x7x7xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<2x3x7x7xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<2x3x7x7xi8>) bits = 8 -> tensor<2x3x7x7xi8>
    %i = arith.constant dense<0> : tensor<2x4x3x3xi32>
    %y = imc.conv2d ins(%q, %w : tensor<2x3x7x7xi8>, tensor<4x3x3x3xi8>) outs(%i : tensor<2x4x3x3xi32>)
      strides = [2, 2] dilations = [1, 1] groups = 1 -> tensor<2x4x3x3xi32>
    return %y : tensor<2x4x3x3xi32>
  }
}
