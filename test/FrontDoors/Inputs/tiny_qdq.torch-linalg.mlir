// torch-mlir 20261001
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map1 = affine_map<(d0) -> (d0)>
#map2 = affine_map<(d0, d1) -> (d0, d1)>
#map3 = affine_map<(d0, d1) -> (d1)>
module {
  func.func @tiny_qdq(%arg0: tensor<1x3x4x4xf32>) -> tensor<1x5xf32> {
    %cst = arith.constant -1.280000e+02 : f32
    %cst_0 = arith.constant 1.270000e+02 : f32
    %cst_1 = arith.constant -2.14748365E+9 : f32
    %cst_2 = arith.constant 2.14748365E+9 : f32
    %c5_i64 = arith.constant 5 : i64
    %c0_i32 = arith.constant 0 : i32
    %cst_3 = arith.constant 3.125000e-02 : f32
    %cst_4 = arith.constant -3.000000e+00 : f32
    %cst_5 = arith.constant 4.8828125E-4 : f32
    %cst_6 = arith.constant 0.000000e+00 : f32
    %c-3_i32 = arith.constant -3 : i32
    %cst_7 = arith.constant 2.500000e-01 : f32
    %cst_8 = arith.constant 5.000000e+00 : f32
    %cst_9 = arith.constant 3.906250e-03 : f32
    %c5_i32 = arith.constant 5 : i32
    %cst_10 = arith.constant 5.000000e-01 : f32
    %cst_11 = arith.constant dense<[-34, 24, -20, 46]> : tensor<4xi32>
    %cst_12 = arith.constant dense<[[-60, -67, -90, -6, -58], [-40, 84, 63, 68, 19], [-78, 50, 21, 82, -4], [-66, 19, -9, 32, -25], [-39, -75, 93, 51, -7], [-53, 26, -18, 27, -82], [-64, 47, -88, 36, -18], [-100, 53, 40, 63, 79], [46, 69, -78, 84, 83], [39, 61, 48, 76, 78], [5, 64, 84, -41, -91], [-66, -94, -13, -96, -48], [-50, 42, -51, 90, -63], [95, 13, -51, -93, -39], [18, -79, -67, -77, 36], [-83, -96, -9, -38, 14]]> : tensor<16x5xi8>
    %cst_13 = arith.constant dense<[88, 72, 8, 29, 63]> : tensor<5xi32>
    %cst_14 = arith.constant dense<"0xF2AB05F34B25E1A712D42549E3510406353A5264BAEE57D99D0F33313E1DB746F0463F5F9E4A1AFD3B5B03AD2DCAC9C2C352E4B1C0EBE1DA5A4A0F62E0B7D2AD5BC8F5C461BB035B04505036310F1043F15A4CE7EE2B55AFA9CDF2BC04085B31CE3A3E2423DA2CB71A555FD7"> : tensor<4x3x3x3xi8>
    %0 = tensor.empty() : tensor<1x3x4x4xi8>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%arg0 : tensor<1x3x4x4xf32>) outs(%0 : tensor<1x3x4x4xi8>) {
    ^bb0(%in: f32, %out: i8):
      %26 = arith.divf %in, %cst_3 : f32
      %27 = math.roundeven %26 : f32
      %28 = arith.addf %27, %cst_4 : f32
      %29 = arith.maximumf %28, %cst : f32
      %30 = arith.minimumf %29, %cst_0 : f32
      %31 = arith.fptosi %30 : f32 to i8
      linalg.yield %31 : i8
    } -> tensor<1x3x4x4xi8>
    %2 = tensor.empty() : tensor<4xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%cst_11 : tensor<4xi32>) outs(%2 : tensor<4xf32>) {
    ^bb0(%in: i32, %out: f32):
      %26 = arith.sitofp %in : i32 to f32
      %27 = arith.mulf %26, %cst_5 : f32
      linalg.yield %27 : f32
    } -> tensor<4xf32>
    %4 = tensor.empty() : tensor<4xi32>
    %5 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%3 : tensor<4xf32>) outs(%4 : tensor<4xi32>) {
    ^bb0(%in: f32, %out: i32):
      %26 = arith.divf %in, %cst_5 : f32
      %27 = math.roundeven %26 : f32
      %28 = arith.addf %27, %cst_6 : f32
      %29 = arith.maximumf %28, %cst_1 : f32
      %30 = arith.minimumf %29, %cst_2 : f32
      %31 = arith.fptosi %30 : f32 to i32
      linalg.yield %31 : i32
    } -> tensor<4xi32>
    %6 = tensor.empty() : tensor<1x4x2x2xi32>
    %broadcasted = linalg.broadcast ins(%5 : tensor<4xi32>) outs(%6 : tensor<1x4x2x2xi32>) dimensions = [0, 2, 3] 
    %7 = linalg.conv_2d_nchw_fchw_q {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%1, %cst_14, %c-3_i32, %c0_i32 : tensor<1x3x4x4xi8>, tensor<4x3x3x3xi8>, i32, i32) outs(%broadcasted : tensor<1x4x2x2xi32>) -> tensor<1x4x2x2xi32>
    %8 = tensor.empty() : tensor<1x4x2x2xf32>
    %9 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%7 : tensor<1x4x2x2xi32>) outs(%8 : tensor<1x4x2x2xf32>) {
    ^bb0(%in: i32, %out: f32):
      %26 = arith.sitofp %in : i32 to f32
      %27 = arith.mulf %26, %cst_5 : f32
      linalg.yield %27 : f32
    } -> tensor<1x4x2x2xf32>
    %10 = tensor.empty() : tensor<1x4x2x2xi8>
    %11 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%9 : tensor<1x4x2x2xf32>) outs(%10 : tensor<1x4x2x2xi8>) {
    ^bb0(%in: f32, %out: i8):
      %26 = arith.divf %in, %cst_7 : f32
      %27 = math.roundeven %26 : f32
      %28 = arith.addf %27, %cst_8 : f32
      %29 = arith.maximumf %28, %cst : f32
      %30 = arith.minimumf %29, %cst_0 : f32
      %31 = arith.fptosi %30 : f32 to i8
      linalg.yield %31 : i8
    } -> tensor<1x4x2x2xi8>
    %12 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%11 : tensor<1x4x2x2xi8>) outs(%8 : tensor<1x4x2x2xf32>) {
    ^bb0(%in: i8, %out: f32):
      %26 = arith.extsi %in : i8 to i64
      %27 = arith.subi %26, %c5_i64 : i64
      %28 = arith.sitofp %27 : i64 to f32
      %29 = arith.mulf %28, %cst_7 : f32
      linalg.yield %29 : f32
    } -> tensor<1x4x2x2xf32>
    %collapsed = tensor.collapse_shape %12 [[0], [1, 2, 3]] : tensor<1x4x2x2xf32> into tensor<1x16xf32>
    %13 = tensor.empty() : tensor<1x16xi8>
    %14 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel"]} ins(%collapsed : tensor<1x16xf32>) outs(%13 : tensor<1x16xi8>) {
    ^bb0(%in: f32, %out: i8):
      %26 = arith.divf %in, %cst_7 : f32
      %27 = math.roundeven %26 : f32
      %28 = arith.addf %27, %cst_8 : f32
      %29 = arith.maximumf %28, %cst : f32
      %30 = arith.minimumf %29, %cst_0 : f32
      %31 = arith.fptosi %30 : f32 to i8
      linalg.yield %31 : i8
    } -> tensor<1x16xi8>
    %15 = tensor.empty() : tensor<5xf32>
    %16 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%cst_13 : tensor<5xi32>) outs(%15 : tensor<5xf32>) {
    ^bb0(%in: i32, %out: f32):
      %26 = arith.sitofp %in : i32 to f32
      %27 = arith.mulf %26, %cst_9 : f32
      linalg.yield %27 : f32
    } -> tensor<5xf32>
    %17 = tensor.empty() : tensor<1x5xi32>
    %18 = linalg.fill ins(%c0_i32 : i32) outs(%17 : tensor<1x5xi32>) -> tensor<1x5xi32>
    %19 = linalg.quantized_matmul ins(%14, %cst_12, %c5_i32, %c0_i32 : tensor<1x16xi8>, tensor<16x5xi8>, i32, i32) outs(%18 : tensor<1x5xi32>) -> tensor<1x5xi32>
    %20 = tensor.empty() : tensor<1x5xf32>
    %21 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel"]} ins(%19 : tensor<1x5xi32>) outs(%20 : tensor<1x5xf32>) {
    ^bb0(%in: i32, %out: f32):
      %26 = arith.sitofp %in : i32 to f32
      %27 = arith.mulf %26, %cst_9 : f32
      linalg.yield %27 : f32
    } -> tensor<1x5xf32>
    %22 = linalg.generic {indexing_maps = [#map2, #map3, #map2], iterator_types = ["parallel", "parallel"]} ins(%21, %16 : tensor<1x5xf32>, tensor<5xf32>) outs(%20 : tensor<1x5xf32>) {
    ^bb0(%in: f32, %in_15: f32, %out: f32):
      %26 = arith.addf %in, %in_15 : f32
      linalg.yield %26 : f32
    } -> tensor<1x5xf32>
    %23 = tensor.empty() : tensor<1x5xi8>
    %24 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel"]} ins(%22 : tensor<1x5xf32>) outs(%23 : tensor<1x5xi8>) {
    ^bb0(%in: f32, %out: i8):
      %26 = arith.divf %in, %cst_10 : f32
      %27 = math.roundeven %26 : f32
      %28 = arith.addf %27, %cst_6 : f32
      %29 = arith.maximumf %28, %cst : f32
      %30 = arith.minimumf %29, %cst_0 : f32
      %31 = arith.fptosi %30 : f32 to i8
      linalg.yield %31 : i8
    } -> tensor<1x5xi8>
    %25 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel"]} ins(%24 : tensor<1x5xi8>) outs(%20 : tensor<1x5xf32>) {
    ^bb0(%in: i8, %out: f32):
      %26 = arith.sitofp %in : i8 to f32
      %27 = arith.mulf %26, %cst_10 : f32
      linalg.yield %27 : f32
    } -> tensor<1x5xf32>
    return %25 : tensor<1x5xf32>
  }
}

