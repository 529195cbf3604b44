// RUN: imc-opt %s --split-input-file --imc-normalize-products --canonicalize | FileCheck %s

// Σ (x − 3)(w − 0) = Σ x·w − 3·Σ w; the sums of the columns, 4 and 6, join the zero of the destination.
// CHECK-LABEL: @matmul
// CHECK-DAG: %[[B:.*]] = arith.constant dense<[-12, -18]> : tensor<2xi32>
// CHECK: %[[I:.*]] = linalg.broadcast ins(%[[B]] : tensor<2xi32>) outs(%{{.*}} : tensor<5x2xi32>) dimensions = [0]
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<5x2xi8>, tensor<2x2xi8>) outs(%[[I]] : tensor<5x2xi32>)
// CHECK-NOT: linalg
// CHECK: return
func.func @matmul(%x: tensor<5x2xi8>) -> tensor<5x2xi32> {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %p = arith.constant 3 : i32
  %q = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x2xi32>
  %z = linalg.fill ins(%q : i32) outs(%e : tensor<5x2xi32>) -> tensor<5x2xi32>
  %y = linalg.quantized_matmul ins(%x, %w, %p, %q : tensor<5x2xi8>, tensor<2x2xi8>, i32, i32) outs(%z : tensor<5x2xi32>) -> tensor<5x2xi32>
  return %y : tensor<5x2xi32>
}

// -----

// As tosa.conv2d comes out: the bias of each filter takes the correction,
// 10 − (−5)·(1+2) + n·p·q and 20 − (−5)·(3+4), q = 0.
// CHECK-LABEL: @conv
// CHECK-DAG: %[[B:.*]] = arith.constant dense<[25, 55]> : tensor<2xi32>
// CHECK: %[[I:.*]] = linalg.broadcast ins(%[[B]] : tensor<2xi32>) outs(%{{.*}} : tensor<1x2x3x3xi32>) dimensions = [0, 2, 3]
// CHECK: linalg.conv_2d_nchw_fchw {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x2x3x3xi8>, tensor<2x2x1x1xi8>) outs(%[[I]] : tensor<1x2x3x3xi32>)
func.func @conv(%x: tensor<1x3x3x2xi8>) -> tensor<1x3x3x2xi32> {
  %w = arith.constant dense<[[[[1, 2]]], [[[3, 4]]]]> : tensor<2x1x1x2xi8>
  %b = arith.constant dense<[10, 20]> : tensor<2xi32>
  %p = arith.constant -5 : i32
  %q = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x3x3x2xi32>
  %i = linalg.broadcast ins(%b : tensor<2xi32>) outs(%e : tensor<1x3x3x2xi32>) dimensions = [0, 1, 2]
  %y = linalg.conv_2d_nhwc_fhwc_q {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%x, %w, %p, %q : tensor<1x3x3x2xi8>, tensor<2x1x1x2xi8>, i32, i32) outs(%i : tensor<1x3x3x2xi32>) -> tensor<1x3x3x2xi32>
  return %y : tensor<1x3x3x2xi32>
}

// -----

// A zero point of the weights costs a sum over each window, on the digital unit.
// CHECK-LABEL: @weight_zero
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4x4xi8>
// CHECK: %[[Y:.*]] = linalg.conv_2d_nchw_fchw
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[X]], %{{.*}} : tensor<1x2x4x4xi8>, tensor<2x3x3xi8>) outs(%{{.*}} : tensor<1x2x2xi32>)
// CHECK: linalg.generic {{.*}} ins(%[[Y]], %[[S]] : tensor<1x5x2x2xi32>, tensor<1x2x2xi32>)
// CHECK: arith.muli %{{.*}}, %c-7_i32
func.func @weight_zero(%x: tensor<1x2x4x4xi8>, %i: tensor<1x5x2x2xi32>) -> tensor<1x5x2x2xi32> {
  %w = arith.constant dense<1> : tensor<5x2x3x3xi8>
  %p = arith.constant 0 : i32
  %q = arith.constant 7 : i32
  %y = linalg.conv_2d_nchw_fchw_q {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%x, %w, %p, %q : tensor<1x2x4x4xi8>, tensor<5x2x3x3xi8>, i32, i32) outs(%i : tensor<1x5x2x2xi32>) -> tensor<1x5x2x2xi32>
  return %y : tensor<1x5x2x2xi32>
}
