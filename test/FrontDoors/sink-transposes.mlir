// RUN: imc-opt %s --split-input-file --imc-sink-transposes --canonicalize --cse | FileCheck %s
// RUN: imc-opt %s --split-input-file --imc-sink-transposes=fold-bias=false --canonicalize --cse | FileCheck %s --check-prefix=SUM

// Through element-wise work (with a value per channel), padding, a slice and
// pooling; back at the end, the last transpose meets its inverse.
// CHECK-LABEL: @chain
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x8x8xf32>, %[[S:.*]]: tensor<3xf32>
// CHECK-NOT: linalg.transpose
// CHECK: %[[E:.*]] = linalg.generic {indexing_maps = [#[[ID:.*]], #[[CH:.*]], #[[ID]]]
// CHECK-SAME: ins(%[[X]], %[[S]] : tensor<1x3x8x8xf32>, tensor<3xf32>) outs(%{{.*}} : tensor<1x3x8x8xf32>)
// CHECK: tensor.pad %[[E]] low[0, 0, 1, 1] high[0, 0, 0, 0]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 1, 0] [1, 3, 8, 9] [1, 1, 1, 1] : tensor<1x3x9x9xf32> to tensor<1x3x8x9xf32>
// CHECK: linalg.pooling_nchw_max {{.*}} outs(%{{.*}} : tensor<1x3x7x8xf32>)
// CHECK-NOT: linalg.transpose
// CHECK: return
func.func @chain(%x: tensor<1x3x8x8xf32>, %s: tensor<3xf32>) -> tensor<1x3x7x8xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e0 = tensor.empty() : tensor<1x8x8x3xf32>
  %t = linalg.transpose ins(%x : tensor<1x3x8x8xf32>) outs(%e0 : tensor<1x8x8x3xf32>) permutation = [0, 2, 3, 1]
  %0 = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%t, %s : tensor<1x8x8x3xf32>, tensor<3xf32>) outs(%e0 : tensor<1x8x8x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<1x8x8x3xf32>
  %1 = tensor.pad %0 low[0, 1, 1, 0] high[0, 0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x8x8x3xf32> to tensor<1x9x9x3xf32>
  %2 = tensor.extract_slice %1[0, 1, 0, 0] [1, 8, 9, 3] [1, 1, 1, 1] : tensor<1x9x9x3xf32> to tensor<1x8x9x3xf32>
  %e1 = tensor.empty() : tensor<1x7x8x3xf32>
  %init = linalg.fill ins(%low : f32) outs(%e1 : tensor<1x7x8x3xf32>) -> tensor<1x7x8x3xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %3 = linalg.pooling_nhwc_max {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%2, %window : tensor<1x8x9x3xf32>, tensor<2x2xf32>) outs(%init : tensor<1x7x8x3xf32>) -> tensor<1x7x8x3xf32>
  %e2 = tensor.empty() : tensor<1x3x7x8xf32>
  %4 = linalg.transpose ins(%3 : tensor<1x7x8x3xf32>) outs(%e2 : tensor<1x3x7x8xf32>) permutation = [0, 3, 1, 2]
  return %4 : tensor<1x3x7x8xf32>
}

// -----

// A residual that was not transposed is read through its map; a reduction reads
// its input so, and needs no transpose at all.
// CHECK-LABEL: @mixed
// CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x3x4x4xf32>, tensor<1x4x4x3xf32>) outs(%{{.*}} : tensor<1x3x4x4xf32>)
// CHECK-NOT: linalg.transpose
// CHECK: linalg.generic {{.*}} ins(%[[R]] : tensor<1x3x4x4xf32>) outs(%{{.*}} : tensor<3xf32>)
func.func @mixed(%x: tensor<1x3x4x4xf32>, %r: tensor<1x4x4x3xf32>, %init: tensor<3xf32>) -> tensor<3xf32> {
  %e0 = tensor.empty() : tensor<1x4x4x3xf32>
  %t = linalg.transpose ins(%x : tensor<1x3x4x4xf32>) outs(%e0 : tensor<1x4x4x3xf32>) permutation = [0, 2, 3, 1]
  %0 = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%t, %r : tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) outs(%e0 : tensor<1x4x4x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.addf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<1x4x4x3xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (c)>], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
    ins(%0 : tensor<1x4x4x3xf32>) outs(%init : tensor<3xf32>) {
  ^bb0(%a: f32, %out: f32):
    %m = arith.addf %a, %out : f32
    linalg.yield %m : f32
  } -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// A transpose that moves only a dimension of extent 1 is a reshape.
// CHECK-LABEL: @unit
// CHECK-NOT: linalg.transpose
// CHECK: tensor.{{collapse|expand}}_shape
func.func @unit(%x: tensor<2x64x1x1xf32>) -> tensor<2x1x1x64xf32> {
  %e = tensor.empty() : tensor<2x1x1x64xf32>
  %t = linalg.transpose ins(%x : tensor<2x64x1x1xf32>) outs(%e : tensor<2x1x1x64xf32>) permutation = [0, 2, 3, 1]
  return %t : tensor<2x1x1x64xf32>
}

// -----

// The transpose of a weight stays where it is: it is folded with the weight.
// CHECK-LABEL: @weight
// CHECK: linalg.transpose
func.func @weight(%x: tensor<2x4xf32>, %i: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = imc.missing_weight "w" : tensor<3x4xf32>
  %e = tensor.empty() : tensor<4x3xf32>
  %t = linalg.transpose ins(%w : tensor<3x4xf32>) outs(%e : tensor<4x3xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %t : tensor<2x4xf32>, tensor<4x3xf32>) outs(%i : tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// The sum after a product is its bias, also through the reshape of groups.
// CHECK-LABEL: @bias
// CHECK-DAG: %[[B:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<3xf32>
// CHECK-DAG: %[[G:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: %[[I:.*]] = linalg.broadcast ins(%[[B]] : tensor<3xf32>) outs(%{{.*}} : tensor<2x3xf32>) dimensions = [0]
// CHECK-DAG: %[[J:.*]] = linalg.broadcast ins(%[[G]] : tensor<2x2xf32>) outs(%{{.*}} : tensor<1x2x2x3x3xf32>) dimensions = [0, 3, 4]
// CHECK-DAG: linalg.matmul {{.*}} outs(%[[I]] : tensor<2x3xf32>)
// CHECK-DAG: linalg.conv_2d_ngchw_gfchw {{.*}} outs(%[[J]] : tensor<1x2x2x3x3xf32>)
// CHECK-NOT: linalg.generic
// CHECK: return
// SUM-LABEL: @bias
// SUM: linalg.matmul
// SUM: linalg.generic
func.func @bias(%x: tensor<2x4xf32>, %g: tensor<1x2x1x3x3xf32>) -> (tensor<2x3xf32>, tensor<1x4x3x3xf32>) {
  %w = imc.missing_weight "w" : tensor<4x3xf32>
  %v = imc.missing_weight "v" : tensor<2x2x1x1x1xf32>
  %b = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %c = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = linalg.matmul ins(%x, %w : tensor<2x4xf32>, tensor<4x3xf32>) outs(%z : tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (0, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
    ins(%y, %b : tensor<2x3xf32>, tensor<1x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x3xf32>
  %f = tensor.empty() : tensor<1x2x2x3x3xf32>
  %h = linalg.fill ins(%zero : f32) outs(%f : tensor<1x2x2x3x3xf32>) -> tensor<1x2x2x3x3xf32>
  %k = linalg.conv_2d_ngchw_gfchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%g, %v : tensor<1x2x1x3x3xf32>, tensor<2x2x1x1x1xf32>) outs(%h : tensor<1x2x2x3x3xf32>) -> tensor<1x2x2x3x3xf32>
  %l = tensor.collapse_shape %k [[0], [1, 2], [3], [4]] : tensor<1x2x2x3x3xf32> into tensor<1x4x3x3xf32>
  %m = tensor.empty() : tensor<1x4x3x3xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(n, c, i, j) -> (c)>, affine_map<(n, c, i, j) -> (n, c, i, j)>, affine_map<(n, c, i, j) -> (n, c, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%c, %l : tensor<4xf32>, tensor<1x4x3x3xf32>) outs(%m : tensor<1x4x3x3xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<1x4x3x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<1x4x3x3xf32>
}
