// RUN: imc-opt %s --split-input-file --imc-normalize-products --canonicalize --cse | FileCheck %s
// RUN: imc-opt %s --split-input-file --imc-normalize-products --imc-offload --imc-verify-phase -o /dev/null

// CHECK: module attributes {imc.phase = "imported"}
// CHECK-LABEL: @nhwc_hwcf
// CHECK-SAME: (%[[X:.*]]: tensor<1x6x7x2xf32>
// The weight is a constant of the new layout: element (f, c, h, w) was (h, w, c, f).
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[\[\[}}0.000000e+00, 4.000000e+00], [8.000000e+00, 1.200000e+01]], {{\[\[}}2.000000e+00,
// CHECK-DAG: %[[B:.*]] = arith.constant dense<[5.000000e+00, 6.000000e+00]>
// CHECK-DAG: %[[XT:.*]] = linalg.transpose ins(%[[X]] : {{.*}} permutation = [0, 3, 1, 2]
// CHECK-DAG: %[[INIT:.*]] = linalg.broadcast ins(%[[B]] : tensor<2xf32>) outs(%{{.*}} : tensor<1x2x5x3xf32>) dimensions = [0, 2, 3]
// CHECK: %[[Y:.*]] = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<[1, 2]> : tensor<2xi64>} ins(%[[XT]], %[[W]] : tensor<1x2x6x7xf32>, tensor<2x2x2x2xf32>) outs(%[[INIT]] : tensor<1x2x5x3xf32>)
// CHECK: linalg.transpose ins(%[[Y]] : {{.*}} permutation = [0, 2, 3, 1]
func.func @nhwc_hwcf(%x: tensor<1x6x7x2xf32>) -> tensor<1x5x3x2xf32> {
  %w = arith.constant dense<[[[[0.,1.],[2.,3.]],[[4.,5.],[6.,7.]]],[[[8.,9.],[10.,11.]],[[12.,13.],[14.,15.]]]]> : tensor<2x2x2x2xf32>
  %b = arith.constant dense<[5., 6.]> : tensor<2xf32>
  %e = tensor.empty() : tensor<1x5x3x2xf32>
  // The bias as TOSA's lowering repeats it.
  %i = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%b : tensor<2xf32>) outs(%e : tensor<1x5x3x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<1x5x3x2xf32>
  %y = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<[1, 2]> : tensor<2xi64>}
    ins(%x, %w : tensor<1x6x7x2xf32>, tensor<2x2x2x2xf32>) outs(%i : tensor<1x5x3x2xf32>) -> tensor<1x5x3x2xf32>
  return %y : tensor<1x5x3x2xf32>
}

// -----

// Several filters per channel are groups; the multiplier is their dimension F.
// CHECK-LABEL: @depthwise_multiplier
// CHECK: linalg.conv_2d_ngchw_gfchw {dilations = dense<2> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%{{.*}}, %{{.*}} : tensor<1x3x1x6x6xf32>, tensor<3x2x1x2x2xf32>) outs(%{{.*}} : tensor<1x3x2x4x4xf32>)
func.func @depthwise_multiplier(%x: tensor<1x6x6x3xf32>) -> tensor<1x4x4x3x2xf32> {
  %w = imc.missing_weight "dw" : tensor<2x2x3x2xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4x4x3x2xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4x4x3x2xf32>) -> tensor<1x4x4x3x2xf32>
  %y = linalg.depthwise_conv_2d_nhwc_hwcm {dilations = dense<2> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x6x6x3xf32>, tensor<2x2x3x2xf32>) outs(%i : tensor<1x4x4x3x2xf32>) -> tensor<1x4x4x3x2xf32>
  return %y : tensor<1x4x4x3x2xf32>
}

// -----

// CHECK-LABEL: @depthwise_nhwc
// CHECK: imc.missing_weight "dw" : tensor<3x2x2xf32>
// CHECK: linalg.depthwise_conv_2d_nchw_chw {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x3x6x6xf32>, tensor<3x2x2xf32>) outs(%{{.*}} : tensor<1x3x5x5xf32>)
func.func @depthwise_nhwc(%x: tensor<1x6x6x3xf32>, %i: tensor<1x5x5x3xf32>) -> tensor<1x5x5x3xf32> {
  %w = imc.missing_weight "dw" : tensor<2x2x3xf32>
  %y = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x6x6x3xf32>, tensor<2x2x3xf32>) outs(%i : tensor<1x5x5x3xf32>) -> tensor<1x5x5x3xf32>
  return %y : tensor<1x5x5x3xf32>
}

// -----

// One dimension becomes two.
// CHECK-LABEL: @conv_1d
// CHECK: linalg.conv_2d_nchw_fchw {dilations = dense<[2, 1]> : tensor<2xi64>, strides = dense<[3, 1]> : tensor<2xi64>} ins(%{{.*}}, %{{.*}} : tensor<2x4x11x1xf32>, tensor<5x4x3x1xf32>) outs(%{{.*}} : tensor<2x5x3x1xf32>)
func.func @conv_1d(%x: tensor<2x4x11xf32>, %i: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %w = imc.missing_weight "w" : tensor<5x4x3xf32>
  %y = linalg.conv_1d_ncw_fcw {dilations = dense<2> : tensor<1xi64>, strides = dense<3> : tensor<1xi64>}
    ins(%x, %w : tensor<2x4x11xf32>, tensor<5x4x3xf32>) outs(%i : tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  return %y : tensor<2x5x3xf32>
}

// -----

// A convolution spelt out, channels last, with a 1x1 kernel that has no loops.
// CHECK-LABEL: @generic_conv
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 4, 5, 5] [1, 1, 1, 1] : tensor<1x4x7x7xf32> to tensor<1x4x5x5xf32>
// CHECK: linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins(%{{.*}}, %{{.*}} : tensor<1x4x5x5xf32>, tensor<8x4x1x1xf32>)
func.func @generic_conv(%x: tensor<1x7x7x4xf32>, %i: tensor<1x3x3x8xf32>) -> tensor<1x3x3x8xf32> {
  %w = imc.missing_weight "w" : tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, f, c) -> (n, h * 2, w * 2, c)>, affine_map<(n, h, w, f, c) -> (c, f)>, affine_map<(n, h, w, f, c) -> (n, h, w, f)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%x, %w : tensor<1x7x7x4xf32>, tensor<4x8xf32>) outs(%i : tensor<1x3x3x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %b, %a : f32
    %s = arith.addf %p, %acc : f32
    linalg.yield %s : f32
  } -> tensor<1x3x3x8xf32>
  return %y : tensor<1x3x3x8xf32>
}

// -----

// A constant on the left changes sides.
// CHECK-LABEL: @matvec
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<1x8xf32>, tensor<8x4xf32>) outs(%{{.*}} : tensor<1x4xf32>)
func.func @matvec(%x: tensor<8xf32>, %i: tensor<4xf32>) -> tensor<4xf32> {
  %w = imc.missing_weight "w" : tensor<4x8xf32>
  %y = linalg.matvec ins(%w, %x : tensor<4x8xf32>, tensor<8xf32>) outs(%i : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// As tosa.matmul comes out: one matrix in a batch of one.
// CHECK-LABEL: @batch_of_one
// CHECK-NOT: linalg.transpose
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<6x4xf32>, tensor<4x8xf32>)
func.func @batch_of_one(%x: tensor<1x6x4xf32>, %i: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  %w = imc.missing_weight "w" : tensor<1x4x8xf32>
  %y = linalg.batch_matmul ins(%x, %w : tensor<1x6x4xf32>, tensor<1x4x8xf32>) outs(%i : tensor<1x6x8xf32>) -> tensor<1x6x8xf32>
  return %y : tensor<1x6x8xf32>
}

// -----

// A matrix for each element of the batch: groups of a 1x1 convolution.
// CHECK-LABEL: @batch_of_matrices
// CHECK: linalg.conv_2d_ngchw_gfchw {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x3x4x6x1xf32>, tensor<3x8x4x1x1xf32>) outs(%{{.*}} : tensor<1x3x8x6x1xf32>)
func.func @batch_of_matrices(%x: tensor<3x6x4xf32>, %i: tensor<3x6x8xf32>) -> tensor<3x6x8xf32> {
  %w = imc.missing_weight "w" : tensor<3x4x8xf32>
  %y = linalg.batch_matmul ins(%x, %w : tensor<3x6x4xf32>, tensor<3x4x8xf32>) outs(%i : tensor<3x6x8xf32>) -> tensor<3x6x8xf32>
  return %y : tensor<3x6x8xf32>
}

// -----

// An einsum with two dimensions to sum and two columns, activation transposed.
// CHECK-LABEL: @einsum
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<5x12xf32>, tensor<12x6xf32>) outs(%{{.*}} : tensor<5x6xf32>)
func.func @einsum(%x: tensor<3x5x4xf32>, %i: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %w = imc.missing_weight "w" : tensor<4x2x3x3xf32>
  %y = linalg.contract indexing_maps = [affine_map<(a, m, b, c, d) -> (a, m, b)>, affine_map<(a, m, b, c, d) -> (b, c, a, d)>, affine_map<(a, m, b, c, d) -> (c, m, d)>]
    ins(%x, %w : tensor<3x5x4xf32>, tensor<4x2x3x3xf32>) outs(%i : tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  return %y : tensor<2x5x3xf32>
}

// -----

// torch-mlir repeats the matrix of a batched product: it is one matrix.
// CHECK-LABEL: @repeated_matrix
// CHECK-NOT: linalg.broadcast
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<18x4xf32>, tensor<4x8xf32>) outs(%{{.*}} : tensor<18x8xf32>)
func.func @repeated_matrix(%x: tensor<3x6x4xf32>, %i: tensor<3x6x8xf32>) -> tensor<3x6x8xf32> {
  %w = imc.missing_weight "w" : tensor<4x8xf32>
  %e = tensor.empty() : tensor<3x4x8xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(b, k, n) -> (k, n)>, affine_map<(b, k, n) -> (b, k, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%w : tensor<4x8xf32>) outs(%e : tensor<3x4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<3x4x8xf32>
  %y = linalg.batch_matmul ins(%x, %b : tensor<3x6x4xf32>, tensor<3x4x8xf32>) outs(%i : tensor<3x6x8xf32>) -> tensor<3x6x8xf32>
  return %y : tensor<3x6x8xf32>
}

// -----

// A slice of a weight is a weight.
// CHECK-LABEL: @slice
// CHECK-NOT: tensor.extract_slice
// CHECK-DAG: arith.constant dense<{{\[\[}}2.000000e+00], [4.000000e+00]]> : tensor<2x1xf32>
// CHECK-DAG: imc.missing_weight "w" : tensor<2x1xf32>
func.func @slice(%x: tensor<3x2xf32>, %i: tensor<3x1xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>) {
  %c = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %w = imc.missing_weight "w" : tensor<2x2xf32>
  %0 = tensor.extract_slice %c[0, 1] [2, 1] [1, 1] : tensor<2x2xf32> to tensor<2x1xf32>
  %1 = tensor.extract_slice %w[0, 1] [2, 1] [1, 1] : tensor<2x2xf32> to tensor<2x1xf32>
  %y = linalg.matmul ins(%x, %0 : tensor<3x2xf32>, tensor<2x1xf32>) outs(%i : tensor<3x1xf32>) -> tensor<3x1xf32>
  %z = linalg.matmul ins(%x, %1 : tensor<3x2xf32>, tensor<2x1xf32>) outs(%i : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y, %z : tensor<3x1xf32>, tensor<3x1xf32>
}

// -----

// What is in form already stays, and so do products of two activations, pooling
// and element-wise products.
// CHECK-LABEL: @stays
// CHECK-NOT: linalg.transpose
// CHECK: linalg.matmul {{.*}}"keep"
// CHECK: linalg.batch_matmul
// CHECK: linalg.pooling_nhwc_sum
// CHECK: linalg.mul
// CHECK: linalg.dot
func.func @stays(%x: tensor<2x4xf32>, %a: tensor<3x2x4xf32>, %b: tensor<3x4x2xf32>, %v: tensor<4xf32>, %p: tensor<1x4x4x1xf32>, %i: tensor<2x4xf32>, %j: tensor<3x2x2xf32>, %k: tensor<1x3x3x1xf32>, %s: tensor<f32>)
    -> (tensor<2x4xf32>, tensor<3x2x2xf32>, tensor<1x3x3x1xf32>, tensor<2x4xf32>, tensor<f32>) {
  %w = imc.missing_weight "w" : tensor<4x4xf32>
  %u = imc.missing_weight "u" : tensor<2x4xf32>
  %t = imc.missing_weight "t" : tensor<4xf32>
  %0 = linalg.matmul {tag = "keep"} ins(%x, %w : tensor<2x4xf32>, tensor<4x4xf32>) outs(%i : tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = linalg.batch_matmul ins(%a, %b : tensor<3x2x4xf32>, tensor<3x4x2xf32>) outs(%j : tensor<3x2x2xf32>) -> tensor<3x2x2xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %2 = linalg.pooling_nhwc_sum {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%p, %window : tensor<1x4x4x1xf32>, tensor<2x2xf32>) outs(%k : tensor<1x3x3x1xf32>) -> tensor<1x3x3x1xf32>
  %3 = linalg.mul ins(%x, %u : tensor<2x4xf32>, tensor<2x4xf32>) outs(%i : tensor<2x4xf32>) -> tensor<2x4xf32>
  %4 = linalg.dot ins(%v, %t : tensor<4xf32>, tensor<4xf32>) outs(%s : tensor<f32>) -> tensor<f32>
  return %0, %1, %2, %3, %4 : tensor<2x4xf32>, tensor<3x2x2xf32>, tensor<1x3x3x1xf32>, tensor<2x4xf32>, tensor<f32>
}
