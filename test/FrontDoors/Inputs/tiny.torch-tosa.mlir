// torch-mlir 20261001
module {
  func.func @tiny(%arg0: tensor<1x3x8x8xf32>) -> tensor<1x5xf32> {
    %0 = "tosa.const"() <{values = dense<[2.500000e-01, -3.750000e-01, -6.250000e-01, -7.500000e-01]> : tensor<4xf32>}> : () -> tensor<4xf32>
    %1 = "tosa.const"() <{values = dense<[1.250000e-01, -7.500000e-01, 7.500000e-01, 7.500000e-01]> : tensor<4xf32>}> : () -> tensor<4xf32>
    %2 = "tosa.const"() <{values = dense<[-5.000000e-01, 1.250000e-01, -1.000000e+00, -6.250000e-01, -2.500000e-01, 8.750000e-01]> : tensor<6xf32>}> : () -> tensor<6xf32>
    %3 = "tosa.const"() <{values = dense<0.000000e+00> : tensor<1xf32>}> : () -> tensor<1xf32>
    %4 = tosa.const_shape  {values = dense<[1, 4, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %5 = tosa.const_shape  {values = dense<[3, 1, 1, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %6 = tosa.const_shape  {values = dense<3> : tensor<1xindex>} : () -> !tosa.shape<1>
    %7 = tosa.const_shape  {values = dense<0> : tensor<4xindex>} : () -> !tosa.shape<4>
    %8 = tosa.const_shape  {values = dense<0> : tensor<1xindex>} : () -> !tosa.shape<1>
    %9 = tosa.const_shape  {values = dense<[0, 0, 0, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %10 = tosa.const_shape  {values = dense<[3, 0, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %11 = tosa.const_shape  {values = dense<[1, 1, 6]> : tensor<3xindex>} : () -> !tosa.shape<3>
    %12 = tosa.const_shape  {values = dense<[1, 5]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %13 = "tosa.const"() <{values = dense<"0x0000803F0000C0BE000040BF0000803E000000BF000000BE0000C03E0000403F0000203F0000603F0000603F0000C0BE0000003E000080BF0000C0BE0000203F00000000000000BF0000403F0000203F0000003F000020BF000040BF000000BF000080BF0000203F0000803F000000BE0000C03E0000803E000000000000803E000060BF000000000000C0BE000080BF0000003E0000803F000000BE0000003E000000BE000080BF00000000000020BF000040BF0000803F0000403F000000000000203F000040BF0000803F0000203F0000403F000000BE0000203F000000BF0000003F0000603F0000803F000080BE0000203F000080BF000000000000803E000060BF000080BF000000BE000020BF0000803E000000000000803F0000403F000000BF0000C03E0000C03E000000000000403F000040BF000080BE000020BF0000003E000000BF000080BF0000403F0000803F0000003F0000C03E0000403F00000000000080BE000020BF000060BF0000803E00000000000000BF0000803E0000603F0000003E000060BF0000403F0000003F000060BF0000003F000000000000C03E0000803E0000803E000080BE"> : tensor<4x3x3x3xf32>}> : () -> tensor<4x3x3x3xf32>
    %14 = "tosa.const"() <{values = dense<[[[[-2.500000e-01], [2.500000e-01], [-2.500000e-01], [-6.250000e-01]], [[6.250000e-01], [-1.250000e-01], [-5.000000e-01], [-1.000000e+00]], [[-2.500000e-01], [2.500000e-01], [-1.000000e+00], [3.750000e-01]]], [[[-2.500000e-01], [1.250000e-01], [-2.500000e-01], [-1.000000e+00]], [[1.250000e-01], [3.750000e-01], [7.500000e-01], [-3.750000e-01]], [[1.000000e+00], [1.000000e+00], [-8.750000e-01], [0.000000e+00]]], [[[-2.500000e-01], [-7.500000e-01], [-2.500000e-01], [7.500000e-01]], [[2.500000e-01], [1.250000e-01], [1.000000e+00], [-8.750000e-01]], [[-1.250000e-01], [-1.250000e-01], [1.000000e+00], [3.750000e-01]]]]> : tensor<3x3x4x1xf32>}> : () -> tensor<3x3x4x1xf32>
    %15 = "tosa.const"() <{values = dense<[[[[0.000000e+00, 1.000000e+00]]], [[[2.500000e-01, 8.750000e-01]]], [[[1.000000e+00, 1.250000e-01]]], [[[-5.000000e-01, -7.500000e-01]]], [[[1.250000e-01, -6.250000e-01]]], [[[5.000000e-01, 8.750000e-01]]]]> : tensor<6x1x1x2xf32>}> : () -> tensor<6x1x1x2xf32>
    %16 = "tosa.const"() <{values = dense<[[[1.000000e+00, 1.000000e+00, 1.000000e+00, 0.000000e+00, 5.000000e-01], [2.500000e-01, -2.500000e-01, 7.500000e-01, -3.750000e-01, -2.500000e-01], [1.250000e-01, -6.250000e-01, 1.250000e-01, -1.250000e-01, 6.250000e-01], [1.250000e-01, -5.000000e-01, -1.250000e-01, 5.000000e-01, -1.000000e+00], [-8.750000e-01, 5.000000e-01, 5.000000e-01, -1.000000e+00, 8.750000e-01], [-2.500000e-01, -1.000000e+00, 1.250000e-01, -1.000000e+00, -7.500000e-01]]]> : tensor<1x6x5xf32>}> : () -> tensor<1x6x5xf32>
    %17 = "tosa.const"() <{values = dense<[[-1.250000e-01, 1.000000e+00, -8.750000e-01, 3.750000e-01, 5.000000e-01]]> : tensor<1x5xf32>}> : () -> tensor<1x5xf32>
    %18 = tosa.transpose %arg0 {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32>
    %19 = tosa.conv2d %18, %13, %0, %3, %3 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x8x8x3xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x8x8x4xf32>
    %20 = tosa.clamp %19 {max_val = 3.40282347E+38 : f32, min_val = 0.000000e+00 : f32} : (tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
    %21 = tosa.depthwise_conv2d %20, %14, %1, %3, %3 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x8x8x4xf32>, tensor<3x3x4x1xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x8x8x4xf32>
    %22 = tosa.add %20, %21 : (tensor<1x8x8x4xf32>, tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
    %23 = tosa.max_pool2d %22 {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x8x8x4xf32>) -> tensor<1x4x4x4xf32>
    %24 = tosa.slice %23, %7, %4 : (tensor<1x4x4x4xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x4x4x2xf32>
    %25 = tosa.slice %15, %7, %5 : (tensor<6x1x1x2xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<3x1x1x2xf32>
    %26 = tosa.slice %2, %8, %6 : (tensor<6xf32>, !tosa.shape<1>, !tosa.shape<1>) -> tensor<3xf32>
    %27 = tosa.conv2d %24, %25, %26, %3, %3 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<3x1x1x2xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x3xf32>
    %28 = tosa.slice %23, %9, %4 : (tensor<1x4x4x4xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x4x4x2xf32>
    %29 = tosa.slice %15, %10, %5 : (tensor<6x1x1x2xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<3x1x1x2xf32>
    %30 = tosa.slice %2, %6, %6 : (tensor<6xf32>, !tosa.shape<1>, !tosa.shape<1>) -> tensor<3xf32>
    %31 = tosa.conv2d %28, %29, %30, %3, %3 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<3x1x1x2xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x3xf32>
    %32 = tosa.concat %27, %31 {axis = 3 : i32} : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) -> tensor<1x4x4x6xf32>
    %33 = tosa.avg_pool2d %32, %3, %3 {acc_type = f32, kernel = array<i64: 4, 4>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x6xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x6xf32>
    %34 = tosa.reshape %33, %11 : (tensor<1x1x1x6xf32>, !tosa.shape<3>) -> tensor<1x1x6xf32>
    %35 = tosa.matmul %34, %16, %3, %3 : (tensor<1x1x6xf32>, tensor<1x6x5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x5xf32>
    %36 = tosa.reshape %35, %12 : (tensor<1x1x5xf32>, !tosa.shape<2>) -> tensor<1x5xf32>
    %37 = tosa.add %36, %17 : (tensor<1x5xf32>, tensor<1x5xf32>) -> tensor<1x5xf32>
    return %37 : tensor<1x5xf32>
  }
}

