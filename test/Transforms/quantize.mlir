// RUN: imc-opt %s -split-input-file -imc-quantize | FileCheck %s
// RUN: imc-opt %s -split-input-file -imc-quantize | imc-opt -split-input-file | FileCheck %s

// Channel 0: max|w| = 1, scale 1/127, weights 127 and round(31.75) = 32, sum 159.
// Channel 1: max|w| = 2, scale 2/127, weights round(-31.75) = -32 and 127, sum 95.
// CHECK: module attributes {imc.phase = "quantized"}
module attributes {imc.phase = "offloaded"} {
  // CHECK-LABEL: @matmul
  // CHECK-SAME: %[[X:.*]]: tensor<3x2xf32>, %[[B:.*]]: tensor<2xf32>
  func.func @matmul(%x: tensor<3x2xf32>, %b: tensor<2xf32>) -> tensor<3x2xf32> {
    // CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[}}127, -32], [32, 127]]> : tensor<2x2xi8>
    // CHECK-DAG: %[[WS:.*]] = arith.constant dense<[0.00787401571, 0.0157480314]> : tensor<2xf32>
    // CHECK-DAG: %[[SUM:.*]] = arith.constant dense<[159, 95]> : tensor<2xi32>
    // CHECK: %[[S:.*]], %[[Z:.*]] = imc.choose_qparams %[[X]] bits = 8
    // CHECK: %[[Q:.*]] = imc.quantize ins(%[[X]], %[[S]], %[[Z]] : {{.*}} bits = 8
    // CHECK: %[[ZERO:.*]] = linalg.fill
    // CHECK: %[[ACC:.*]] = imc.matmul ins(%[[Q]], %[[W]] : {{.*}}) outs(%[[ZERO]] : tensor<3x2xi32>)
    // CHECK: %[[Y:.*]] = imc.dequantize ins(%[[ACC]], %[[S]], %[[Z]], %[[WS]], %[[SUM]], %[[B]] :
    // CHECK: return %[[Y]]
    // CHECK-NOT: linalg.broadcast
    %w = arith.constant dense<[[1.0, -0.5], [0.25, 2.0]]> : tensor<2x2xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %init = linalg.broadcast ins(%b : tensor<2xf32>) outs(%e : tensor<3x2xf32>) dimensions = [0]
    %y = imc.matmul ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%init : tensor<3x2xf32>) -> tensor<3x2xf32>
    return %y : tensor<3x2xf32>
  }

  // A filter has its channels in front. A fill becomes a constant bias; a channel of zeros has scale 1.
  // CHECK-LABEL: @conv
  func.func @conv(%x: tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32> {
    // CHECK-DAG: arith.constant dense<{{\[\[\[\[}}-127]]], {{\[\[\[}}0]]]]> : tensor<2x1x1x1xi8>
    // CHECK-DAG: %[[WS:.*]] = arith.constant dense<1.000000e+00> : tensor<2xf32>
    // CHECK-DAG: %[[SUM:.*]] = arith.constant dense<[-127, 0]> : tensor<2xi32>
    // CHECK: imc.conv2d
    // CHECK-SAME: strides = [1, 1] dilations = [1, 1] groups = 1
    // CHECK: %[[BIAS:.*]] = arith.constant dense<5.000000e-01> : tensor<2xf32>
    // CHECK: imc.dequantize ins(%{{.*}}, %{{.*}}, %{{.*}}, %[[WS]], %[[SUM]], %[[BIAS]] :
    %w = arith.constant dense<[[[[-127.0]]], [[[0.0]]]]> : tensor<2x1x1x1xf32>
    %half = arith.constant 0.5 : f32
    %e = tensor.empty() : tensor<1x2x2x2xf32>
    %init = linalg.fill ins(%half : f32) outs(%e : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
    %y = imc.conv2d ins(%x, %w : tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) outs(%init : tensor<1x2x2x2xf32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x2x2x2xf32>
    return %y : tensor<1x2x2x2xf32>
  }

  // Two products of one input share its quantization; an init that is no bias is added afterwards.
  // CHECK-LABEL: @shared
  // CHECK-SAME: %[[X:.*]]: tensor<1x2xf32>, %[[R:.*]]: tensor<1x2xf32>
  func.func @shared(%x: tensor<1x2xf32>, %r: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
    // CHECK: imc.missing_weight "w" : tensor<2x2xi8>
    // CHECK: imc.missing_weight "w.scale" : tensor<2xf32>
    // CHECK: imc.missing_weight "w.sum" : tensor<2xi32>
    // CHECK: imc.quantize
    // CHECK-NOT: imc.quantize
    // CHECK: imc.dequantize
    // CHECK: %[[Y:.*]] = imc.dequantize
    // CHECK: linalg.add ins(%[[Y]], %[[R]] :
    %w = imc.missing_weight "w" : tensor<2x2xf32>
    %zero = arith.constant dense<0.0> : tensor<1x2xf32>
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
    %z = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%r : tensor<1x2xf32>) -> tensor<1x2xf32>
    return %y, %z : tensor<1x2xf32>, tensor<1x2xf32>
  }

  // A bias that stands in two dimensions, groups and channels of a group.
  // CHECK-LABEL: @grouped_bias
  func.func @grouped_bias(%x: tensor<1x2x1x1xf32>) -> tensor<1x4x1x1xf32> {
    // CHECK: %[[B:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>
    // CHECK: imc.dequantize ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[B]] :
    %w = imc.missing_weight "w" : tensor<4x1x1x1xf32>
    %b = arith.constant dense<[[1., 2.], [3., 4.]]> : tensor<2x2xf32>
    %e = tensor.empty() : tensor<1x2x2x1x1xf32>
    %b5 = linalg.broadcast ins(%b : tensor<2x2xf32>) outs(%e : tensor<1x2x2x1x1xf32>) dimensions = [0, 3, 4]
    %b4 = tensor.collapse_shape %b5 [[0], [1, 2], [3], [4]] : tensor<1x2x2x1x1xf32> into tensor<1x4x1x1xf32>
    %y = imc.conv2d ins(%x, %w : tensor<1x2x1x1xf32>, tensor<4x1x1x1xf32>) outs(%b4 : tensor<1x4x1x1xf32>)
      strides = [1, 1] dilations = [1, 1] groups = 2 -> tensor<1x4x1x1xf32>
    return %y : tensor<1x4x1x1xf32>
  }

  // A product that feeds another one directly.
  // CHECK-LABEL: @chain
  func.func @chain(%x: tensor<1x2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
    // CHECK: %[[Y:.*]] = linalg.add
    // CHECK: imc.choose_qparams %[[Y]]
    // CHECK: imc.quantize ins(%[[Y]],
    %w = imc.missing_weight "w" : tensor<2x2xf32>
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
    %z = imc.matmul ins(%y, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
    return %z : tensor<1x2xf32>
  }

  // The weight of one product is the bias of another; the f32 values go when both are quantized.
  // CHECK-LABEL: @weight_and_bias
  func.func @weight_and_bias(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
    // CHECK: imc.missing_weight "c" : tensor<2x2xi8>
    // CHECK: linalg.add ins(%{{.*}}, %[[C:.*]] :
    %c = imc.missing_weight "c" : tensor<2x2xf32>
    %y = imc.matmul ins(%x, %c : tensor<2x2xf32>, tensor<2x2xf32>) outs(%c : tensor<2x2xf32>) -> tensor<2x2xf32>
    return %y : tensor<2x2xf32>
  }
}
