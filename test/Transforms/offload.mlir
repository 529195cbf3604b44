// RUN: imc-opt %s -imc-offload | FileCheck %s
// RUN: imc-opt %s -imc-offload | imc-opt | FileCheck %s

// CHECK: module attributes {imc.parameters = {{[0-9]+}} : i64, imc.phase = "offloaded"}

// Strides and dilations are kept; so is the bias in the destination.
// CHECK-LABEL: @conv
// CHECK-SAME: %[[X:.*]]: tensor<1x3x9x9xf32>, %[[B:.*]]: tensor
func.func @conv(%x: tensor<1x3x9x9xf32>, %b: tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32> {
  // CHECK: %[[W:.*]] = imc.missing_weight "w" : tensor<4x3x3x2xf32>
  // CHECK: imc.conv2d ins(%[[X]], %[[W]] : {{.*}}) outs(%[[B]] : {{.*}}) strides = [2, 3] dilations = [1, 2] groups = 1
  // CHECK-NOT: linalg
  %w = imc.missing_weight "w" : tensor<4x3x3x2xf32>
  %y = linalg.conv_2d_nchw_fchw {strides = dense<[2, 3]> : tensor<2xi64>, dilations = dense<[1, 2]> : tensor<2xi64>}
    ins(%x, %w : tensor<1x3x9x9xf32>, tensor<4x3x3x2xf32>) outs(%b : tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
  return %y : tensor<1x4x4x3xf32>
}

// One group per channel; the filter gets the dimension of its single input channel.
// CHECK-LABEL: @depthwise
func.func @depthwise(%x: tensor<1x2x4x4xf32>, %b: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  // CHECK: %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<2x1x3x3xf32>
  // CHECK: imc.conv2d ins(%{{.*}}, %[[W]] : {{.*}} groups = 2
  %w = arith.constant dense<1.5> : tensor<2x3x3xf32>
  %y = linalg.depthwise_conv_2d_nchw_chw
    ins(%x, %w : tensor<1x2x4x4xf32>, tensor<2x3x3xf32>) outs(%b : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

// The reshapes to and from five dimensions disappear.
// CHECK-LABEL: @grouped
// CHECK-SAME: %[[X:.*]]: tensor<1x4x5x5xf32>, %[[B:.*]]: tensor
func.func @grouped(%x: tensor<1x4x5x5xf32>, %b: tensor<1x6x3x3xf32>) -> tensor<1x6x3x3xf32> {
  // CHECK: %[[W:.*]] = imc.missing_weight "w" : tensor<6x2x3x3xf32>
  // CHECK-NEXT: %[[Y:.*]] = imc.conv2d ins(%[[X]], %[[W]] : {{.*}}) outs(%[[B]] : {{.*}} groups = 2
  // CHECK-NEXT: return %[[Y]]
  %w = imc.missing_weight "w" : tensor<2x3x2x3x3xf32>
  %x5 = tensor.expand_shape %x [[0], [1, 2], [3], [4]] output_shape [1, 2, 2, 5, 5] : tensor<1x4x5x5xf32> into tensor<1x2x2x5x5xf32>
  %b5 = tensor.expand_shape %b [[0], [1, 2], [3], [4]] output_shape [1, 2, 3, 3, 3] : tensor<1x6x3x3xf32> into tensor<1x2x3x3x3xf32>
  %y5 = linalg.conv_2d_ngchw_gfchw
    ins(%x5, %w : tensor<1x2x2x5x5xf32>, tensor<2x3x2x3x3xf32>) outs(%b5 : tensor<1x2x3x3x3xf32>) -> tensor<1x2x3x3x3xf32>
  %y = tensor.collapse_shape %y5 [[0], [1, 2], [3], [4]] : tensor<1x2x3x3x3xf32> into tensor<1x6x3x3xf32>
  return %y : tensor<1x6x3x3xf32>
}

// A transpose of a constant is done at compile time.
// CHECK-LABEL: @transposed
func.func @transposed(%x: tensor<1x3xf32>, %b: tensor<1x2xf32>) -> tensor<1x2xf32> {
  // CHECK: %[[W:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]>
  // CHECK-NOT: linalg.transpose
  // CHECK: imc.matmul ins(%{{.*}}, %[[W]] :
  %w = arith.constant dense<[[1., 2., 3.], [4., 5., 6.]]> : tensor<2x3xf32>
  %e = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %t : tensor<1x3xf32>, tensor<3x2xf32>) outs(%b : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// A generic op that contracts; the constant is stored N×K; leading dimensions are rows.
// CHECK-LABEL: @generic
func.func @generic(%x: tensor<2x5x3xf32>, %b: tensor<2x5x4xf32>) -> tensor<2x5x4xf32> {
  // CHECK: %[[W:.*]] = imc.missing_weight "w" : tensor<3x4xf32>
  // CHECK: %[[X:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]] : tensor<2x5x3xf32> into tensor<10x3xf32>
  // CHECK: imc.matmul ins(%[[X]], %[[W]] :
  // CHECK: tensor.expand_shape
  %w = imc.missing_weight "w" : tensor<4x3xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(a, b, n, k) -> (a, b, k)>, affine_map<(a, b, n, k) -> (n, k)>, affine_map<(a, b, n, k) -> (a, b, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x5x3xf32>, tensor<4x3xf32>) outs(%b : tensor<2x5x4xf32>) {
    ^bb0(%l: f32, %r: f32, %o: f32):
      %p = arith.mulf %l, %r : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
  } -> tensor<2x5x4xf32>
  return %y : tensor<2x5x4xf32>
}

// A weight that two products use is rewritten once.
// CHECK-LABEL: @shared
func.func @shared(%x: tensor<1x3xf32>, %b: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  // CHECK: %[[W:.*]] = imc.missing_weight "w" : tensor<3x2xf32>
  // CHECK-NOT: missing_weight
  // CHECK-COUNT-2: imc.matmul ins(%{{.*}}, %[[W]] :
  %w = imc.missing_weight "w" : tensor<6xf32>
  %t = tensor.expand_shape %w [[0, 1]] output_shape [3, 2] : tensor<6xf32> into tensor<3x2xf32>
  %y = linalg.matmul ins(%x, %t : tensor<1x3xf32>, tensor<3x2xf32>) outs(%b : tensor<1x2xf32>) -> tensor<1x2xf32>
  %z = linalg.matmul ins(%x, %t : tensor<1x3xf32>, tensor<3x2xf32>) outs(%b : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %y, %z : tensor<1x2xf32>, tensor<1x2xf32>
}

// One constant on both sides, and as the start of the sums.
// CHECK-LABEL: @one_constant
func.func @one_constant() -> tensor<2x2xf32> {
  // CHECK: %[[C:.*]] = imc.missing_weight "c" : tensor<2x2xf32>
  // CHECK: imc.matmul ins(%[[C]], %[[C]] : {{.*}}) outs(%[[C]] :
  %c = imc.missing_weight "c" : tensor<2x2xf32>
  %y = linalg.matmul ins(%c, %c : tensor<2x2xf32>, tensor<2x2xf32>) outs(%c : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// Both operands are activations: stays, marked.
// CHECK-LABEL: @dynamic
func.func @dynamic(%q: tensor<2x4x3xf32>, %k: tensor<2x3x4xf32>, %b: tensor<2x4x4xf32>) -> tensor<2x4x4xf32> {
  // CHECK: linalg.batch_matmul {imc.dynamic_product}
  %y = linalg.batch_matmul ins(%q, %k : tensor<2x4x3xf32>, tensor<2x3x4xf32>) outs(%b : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  return %y : tensor<2x4x4xf32>
}

// Pooling and element-wise products with a constant are no matrix products.
// CHECK-LABEL: @digital
func.func @digital(%x: tensor<1x2x4x4xf32>, %b: tensor<1x2x2x2xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x4x4xf32>) {
  // CHECK: linalg.pooling_nchw_max
  // CHECK: linalg.mul
  // CHECK-NOT: imc.
  %window = tensor.empty() : tensor<2x2xf32>
  %y = linalg.pooling_nchw_max {strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
    ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>) outs(%b : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %c = arith.constant dense<2.0> : tensor<1x2x4x4xf32>
  %z = linalg.mul ins(%x, %c : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) outs(%x : tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %y, %z : tensor<1x2x2x2xf32>, tensor<1x2x4x4xf32>
}
