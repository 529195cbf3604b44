// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=4' -imc-unfold-windows=unfolding=products -split-input-file | FileCheck %s
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=4' -imc-unfold-windows -split-input-file | FileCheck %s --check-prefix=PLAIN
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=4' -imc-unfold-windows=unfolding=products -imc-tile -imc-place -imc-schedule -imc-verify-phase -split-input-file | FileCheck %s --check-prefix=TILED
// PLAIN-NOT: linalg.transpose

module attributes {imc.phase = "quantized"} {
  // CHECK-LABEL: @main
  func.func @main(%x: tensor<1x20x1x5xf32>, %s: tensor<f32>, %z: tensor<i32>, %ws: tensor<1xf32>, %sum: tensor<1xi32>, %b: tensor<1xf32>) -> tensor<1x1x1x3xf32> {
    %w = imc.missing_weight "w" : tensor<1x20x1x3xi8>
    %e = tensor.empty() : tensor<1x20x1x5xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x20x1x5xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x20x1x5xi8>) bits = 6 -> tensor<1x20x1x5xi8>
    %i = arith.constant dense<0> : tensor<1x1x1x3xi32>
    // All three positions in one load: 5 columns of the image in 100 rows.
    // CHECK: %[[W:.*]] = imc.missing_weight "w" : tensor<3x20x1x5xi8>
    // CHECK: %[[Y:.*]] = imc.conv2d ins(%{{.*}}, %[[W]] : tensor<1x20x1x5xi8>, tensor<3x20x1x5xi8>)
    // CHECK-SAME: strides = [1, 3] dilations = [1, 1] groups = 1 {imc.weight_bits = 4 : i64, imc.zero_macs = 120 : i64} -> tensor<1x3x1x1xi32>
    // CHECK: %[[P:.*]] = tensor.expand_shape %[[Y]] {{.*}} into tensor<1x1x1x3x1x1x1xi32>
    // CHECK: %[[T:.*]] = linalg.transpose ins(%[[P]]
    // CHECK-SAME: permutation = [0, 1, 4, 5, 2, 6, 3]
    // CHECK: %[[C:.*]] = tensor.collapse_shape %{{.*}} into tensor<1x1x1x3xi32>
    // CHECK: imc.dequantize ins(%[[C]],
    // TILED: imc.shift_add {{.*}}imc.zero_macs = 120
    // TILED: linalg.transpose
    // TILED-NOT: imc.step
    // TILED: imc.dequantize
    // PLAIN: imc.conv2d {{.*}} -> tensor<1x1x1x3xi32>
    %y = imc.conv2d ins(%q, %w : tensor<1x20x1x5xi8>, tensor<1x20x1x3xi8>) outs(%i : tensor<1x1x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.weight_bits = 4 : i64} -> tensor<1x1x1x3xi32>
    %f = tensor.empty() : tensor<1x1x1x3xf32>
    %d = imc.dequantize ins(%y, %s, %z, %ws, %sum, %b : tensor<1x1x1x3xi32>, tensor<f32>, tensor<i32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>) outs(%f : tensor<1x1x1x3xf32>) -> tensor<1x1x1x3xf32>
    return %d : tensor<1x1x1x3xf32>
  }
}

// -----

// The weights of each position among zeros; of a kernel of one element, the
// inputs that it jumps over are left out.
module attributes {imc.phase = "quantized"} {
  // CHECK-LABEL: @jumps
  func.func @jumps(%x: tensor<1x1x1x5xf32>, %s: tensor<f32>, %z: tensor<i32>) -> tensor<1x2x1x3xi32> {
    // CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[\[\[5, 0, 0\]\]\], \[\[\[-3, 0, 0\]\]\], \[\[\[0, 5, 0\]\]\], \[\[\[0, -3, 0\]\]\], \[\[\[0, 0, 5\]\]\], \[\[\[0, 0, -3\]\]\]\]}}> : tensor<6x1x1x3xi8>
    // CHECK-DAG: %[[X:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 1, 1, 3] [1, 1, 1, 2]
    // CHECK: imc.conv2d ins(%[[X]], %[[W]] : {{.*}} strides = [1, 3]
    %w = arith.constant dense<[[[[5]]], [[[-3]]]]> : tensor<2x1x1x1xi8>
    %e = tensor.empty() : tensor<1x1x1x5xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x1x1x5xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x1x1x5xi8>) bits = 6 -> tensor<1x1x1x5xi8>
    %i = arith.constant dense<0> : tensor<1x2x1x3xi32>
    %y = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x1xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 2] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64} -> tensor<1x2x1x3xi32>
    return %y : tensor<1x2x1x3xi32>
  }
}
