// torch-mlir 20261001
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map1 = affine_map<(d0, d1) -> (d0, d1)>
#map2 = affine_map<(d0, d1) -> (d1)>
module {
  func.func @tiny(%arg0: tensor<1x3x8x8xf32>) -> tensor<1x5xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant dense<"0x0000803F0000803E0000C03E0000603F0000003E0000203F0000403F000020BF000080BF0000C0BE000000BF0000403F0000603F000080BF000000000000203F000040BF0000203F000040BF000000BE0000203F0000C0BE0000C0BE000000BF0000003F000000BF0000803F000000BE00000000000000000000003E0000003E000000000000803F0000203F0000203F0000C03E0000803E0000C0BE0000803F000000BE000020BF0000403F000040BF0000403F0000803E000060BF000080BF000000BE000080BF000040BF000000000000803F000000BE0000203F0000603F0000203F0000803E000000BE00000000000000BF00000000000080BE000000BF0000803F000080BF000060BF000020BF0000803F0000C03E0000403F000020BF0000003F000080BE00000000000080BF0000803E0000403F0000C03E000040BF0000003E000000BF0000803F0000403F000020BF000000000000603F0000403F0000003F0000803E000080BF0000003F00000000000060BF000000BF0000003E0000003F000000000000803E0000403F0000C03E000080BE0000803E0000803E000060BF000060BF0000C03E000080BE"> : tensor<4x3x3x3xf32>
    %cst_2 = arith.constant dense<[2.500000e-01, -3.750000e-01, -6.250000e-01, -7.500000e-01]> : tensor<4xf32>
    %cst_3 = arith.constant dense<[1.250000e-01, -7.500000e-01, 7.500000e-01, 7.500000e-01]> : tensor<4xf32>
    %cst_4 = arith.constant dense<[-5.000000e-01, 1.250000e-01, -1.000000e+00, -6.250000e-01, -2.500000e-01, 8.750000e-01]> : tensor<6xf32>
    %cst_5 = arith.constant dense<[[1.000000e+00, 2.500000e-01, 1.250000e-01, 1.250000e-01, -8.750000e-01, -2.500000e-01], [1.000000e+00, -2.500000e-01, -6.250000e-01, -5.000000e-01, 5.000000e-01, -1.000000e+00], [1.000000e+00, 7.500000e-01, 1.250000e-01, -1.250000e-01, 5.000000e-01, 1.250000e-01], [0.000000e+00, -3.750000e-01, -1.250000e-01, 5.000000e-01, -1.000000e+00, -1.000000e+00], [5.000000e-01, -2.500000e-01, 6.250000e-01, -1.000000e+00, 8.750000e-01, -7.500000e-01]]> : tensor<5x6xf32>
    %cst_6 = arith.constant dense<[-1.250000e-01, 1.000000e+00, -8.750000e-01, 3.750000e-01, 5.000000e-01]> : tensor<5xf32>
    %cst_7 = arith.constant dense<[[[-2.500000e-01, 6.250000e-01, -2.500000e-01], [-2.500000e-01, 1.250000e-01, 1.000000e+00], [-2.500000e-01, 2.500000e-01, -1.250000e-01]], [[2.500000e-01, -1.250000e-01, 2.500000e-01], [1.250000e-01, 3.750000e-01, 1.000000e+00], [-7.500000e-01, 1.250000e-01, -1.250000e-01]], [[-2.500000e-01, -5.000000e-01, -1.000000e+00], [-2.500000e-01, 7.500000e-01, -8.750000e-01], [-2.500000e-01, 1.000000e+00, 1.000000e+00]], [[-6.250000e-01, -1.000000e+00, 3.750000e-01], [-1.000000e+00, -3.750000e-01, 0.000000e+00], [7.500000e-01, -8.750000e-01, 3.750000e-01]]]> : tensor<4x3x3xf32>
    %cst_8 = arith.constant dense<[[[[[0.000000e+00]], [[1.000000e+00]]], [[[2.500000e-01]], [[8.750000e-01]]], [[[1.000000e+00]], [[1.250000e-01]]]], [[[[-5.000000e-01]], [[-7.500000e-01]]], [[[1.250000e-01]], [[-6.250000e-01]]], [[[5.000000e-01]], [[8.750000e-01]]]]]> : tensor<2x3x2x1x1xf32>
    %cst_9 = arith.constant 1.600000e+01 : f32
    %padded = tensor.pad %arg0 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg1: index, %arg2: index, %arg3: index, %arg4: index):
      tensor.yield %cst : f32
    } : tensor<1x3x8x8xf32> to tensor<1x3x10x10xf32>
    %0 = tensor.empty() : tensor<1x4x8x8xf32>
    %broadcasted = linalg.broadcast ins(%cst_2 : tensor<4xf32>) outs(%0 : tensor<1x4x8x8xf32>) dimensions = [0, 2, 3] 
    %1 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded, %cst_1 : tensor<1x3x10x10xf32>, tensor<4x3x3x3xf32>) outs(%broadcasted : tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
    %2 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%1 : tensor<1x4x8x8xf32>) outs(%0 : tensor<1x4x8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %21 = arith.cmpf ugt, %in, %cst : f32
      %22 = arith.select %21, %in, %cst : f32
      linalg.yield %22 : f32
    } -> tensor<1x4x8x8xf32>
    %padded_10 = tensor.pad %2 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg1: index, %arg2: index, %arg3: index, %arg4: index):
      tensor.yield %cst : f32
    } : tensor<1x4x8x8xf32> to tensor<1x4x10x10xf32>
    %broadcasted_11 = linalg.broadcast ins(%cst_3 : tensor<4xf32>) outs(%0 : tensor<1x4x8x8xf32>) dimensions = [0, 2, 3] 
    %3 = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_10, %cst_7 : tensor<1x4x10x10xf32>, tensor<4x3x3xf32>) outs(%broadcasted_11 : tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%2, %3 : tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) outs(%0 : tensor<1x4x8x8xf32>) {
    ^bb0(%in: f32, %in_15: f32, %out: f32):
      %21 = arith.addf %in, %in_15 : f32
      linalg.yield %21 : f32
    } -> tensor<1x4x8x8xf32>
    %5 = tensor.empty() : tensor<1x4x4x4xf32>
    %6 = linalg.fill ins(%cst_0 : f32) outs(%5 : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
    %7 = tensor.empty() : tensor<2x2xf32>
    %8 = linalg.pooling_nchw_max {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%4, %7 : tensor<1x4x8x8xf32>, tensor<2x2xf32>) outs(%6 : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
    %9 = tensor.empty() : tensor<1x6x4x4xf32>
    %broadcasted_12 = linalg.broadcast ins(%cst_4 : tensor<6xf32>) outs(%9 : tensor<1x6x4x4xf32>) dimensions = [0, 2, 3] 
    %expanded = tensor.expand_shape %8 [[0], [1, 2], [3], [4]] output_shape [1, 2, 2, 4, 4] : tensor<1x4x4x4xf32> into tensor<1x2x2x4x4xf32>
    %expanded_13 = tensor.expand_shape %broadcasted_12 [[0], [1, 2], [3], [4]] output_shape [1, 2, 3, 4, 4] : tensor<1x6x4x4xf32> into tensor<1x2x3x4x4xf32>
    %10 = linalg.conv_2d_ngchw_gfchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%expanded, %cst_8 : tensor<1x2x2x4x4xf32>, tensor<2x3x2x1x1xf32>) outs(%expanded_13 : tensor<1x2x3x4x4xf32>) -> tensor<1x2x3x4x4xf32>
    %collapsed = tensor.collapse_shape %10 [[0], [1, 2], [3], [4]] : tensor<1x2x3x4x4xf32> into tensor<1x6x4x4xf32>
    %11 = tensor.empty() : tensor<1x6x1x1xf32>
    %12 = linalg.fill ins(%cst : f32) outs(%11 : tensor<1x6x1x1xf32>) -> tensor<1x6x1x1xf32>
    %13 = tensor.empty() : tensor<4x4xf32>
    %14 = linalg.pooling_nchw_sum {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%collapsed, %13 : tensor<1x6x4x4xf32>, tensor<4x4xf32>) outs(%12 : tensor<1x6x1x1xf32>) -> tensor<1x6x1x1xf32>
    %15 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%14 : tensor<1x6x1x1xf32>) outs(%11 : tensor<1x6x1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %21 = arith.divf %in, %cst_9 : f32
      linalg.yield %21 : f32
    } -> tensor<1x6x1x1xf32>
    %collapsed_14 = tensor.collapse_shape %15 [[0], [1, 2, 3]] : tensor<1x6x1x1xf32> into tensor<1x6xf32>
    %16 = tensor.empty() : tensor<6x5xf32>
    %transposed = linalg.transpose ins(%cst_5 : tensor<5x6xf32>) outs(%16 : tensor<6x5xf32>) permutation = [1, 0] 
    %17 = tensor.empty() : tensor<1x5xf32>
    %18 = linalg.fill ins(%cst : f32) outs(%17 : tensor<1x5xf32>) -> tensor<1x5xf32>
    %19 = linalg.matmul ins(%collapsed_14, %transposed : tensor<1x6xf32>, tensor<6x5xf32>) outs(%18 : tensor<1x5xf32>) -> tensor<1x5xf32>
    %20 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel"]} ins(%19, %cst_6 : tensor<1x5xf32>, tensor<5xf32>) outs(%17 : tensor<1x5xf32>) {
    ^bb0(%in: f32, %in_15: f32, %out: f32):
      %21 = arith.addf %in, %in_15 : f32
      linalg.yield %21 : f32
    } -> tensor<1x5xf32>
    return %20 : tensor<1x5xf32>
  }
}

