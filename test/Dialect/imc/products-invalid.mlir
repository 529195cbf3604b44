// RUN: imc-opt %s -split-input-file -verify-diagnostics

func.func @missing_weight_c1() {
  // expected-error @below {{(C1) result type is 'tensor<?x3xf32>', expected a static shape}}
  %w = imc.missing_weight "w" : tensor<?x3xf32>
  return
}

// -----

func.func @missing_weight_c2() {
  // expected-error @below {{(C2) name is empty}}
  %w = imc.missing_weight "" : tensor<4x3xf32>
  return
}

// -----

func.func @matmul_c1_rows_of_w(%x: tensor<4x8xf32>, %w: tensor<9x2xf32>, %b: tensor<4x2xf32>) {
  // expected-error @below {{(C1) number of rows of w is 9, expected 8}}
  %y = imc.matmul ins(%x, %w : tensor<4x8xf32>, tensor<9x2xf32>) outs(%b : tensor<4x2xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @matmul_c1_rows_of_y(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %b: tensor<3x2xf32>) {
  // expected-error @below {{(C1) number of rows of y is 3, expected 4}}
  %y = imc.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x2xf32>) outs(%b : tensor<3x2xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @matmul_c1_columns_of_y(%x: memref<4x8xf32>, %w: memref<8x2xf32>, %b: memref<4x1xf32>) {
  // expected-error @below {{(C1) number of columns of y is 1, expected 2}}
  imc.matmul ins(%x, %w : memref<4x8xf32>, memref<8x2xf32>) outs(%b : memref<4x1xf32>)
  return
}

// -----

func.func @matmul_c2(%x: tensor<4x8xi8>, %w: tensor<8x2xi8>, %b: tensor<4x2xf32>) {
  // expected-error @below {{(C2) element types are 'i8', 'i8', 'f32', expected f32, f32, f32 or i8, i8, i32 (i64 where an operand is i16)}}
  %y = imc.matmul ins(%x, %w : tensor<4x8xi8>, tensor<8x2xi8>) outs(%b : tensor<4x2xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @matmul_c2_wide(%x: tensor<4x8xi16>, %w: tensor<8x2xi8>, %b: tensor<4x2xi32>) {
  // expected-error @below {{(C2) element types are 'i16', 'i8', 'i32', expected f32, f32, f32 or i8, i8, i32 (i64 where an operand is i16)}}
  %y = imc.matmul ins(%x, %w : tensor<4x8xi16>, tensor<8x2xi8>) outs(%b : tensor<4x2xi32>) -> tensor<4x2xi32>
  return
}

// -----

func.func @matmul_rank(%x: tensor<1x4x8xf32>, %w: tensor<8x2xf32>, %b: tensor<4x2xf32>) {
  // expected-error @below {{operand #0 must be 2D tensor of 32-bit float or 8-bit signless integer or 16-bit signless integer values or 2D memref}}
  %y = imc.matmul ins(%x, %w : tensor<1x4x8xf32>, tensor<8x2xf32>) outs(%b : tensor<4x2xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @matmul_without_result(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %b: tensor<4x2xf32>) {
  // expected-error @below {{expected the number of tensor results (0) to be equal to the number of output tensors (1)}}
  imc.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x2xf32>) outs(%b : tensor<4x2xf32>)
  return
}

// -----

func.func @conv2d_c1_strides(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C1) strides is [1, 0], expected two values from 1 to 2147483647}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 0] dilations = [1, 1] groups = 1 -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @conv2d_c1_dilations(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C1) dilations is [1], expected two values from 1 to 2147483647}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 1] dilations = [1] groups = 1 -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @conv2d_c2_zero_groups(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C2) groups is 0, expected 1 to 2147483647}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 0 -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @conv2d_c2_groups(%x: tensor<1x3x8x8xf32>, %w: tensor<4x1x3x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C2) groups is 3, which does not divide the 4 output channels of w}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x1x3x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 3 -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @conv2d_c2_channels(%x: tensor<1x4x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C2) number of input channels of w is 3, expected 2}}
  %y = imc.conv2d ins(%x, %w : tensor<1x4x8x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 2 -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @conv2d_c2_kernel(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x?x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C2) w is 'tensor<4x3x?x3xf32>', expected a static kernel}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x?x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @conv2d_c2_static_groups(%x: tensor<1x4x8x8xf32>, %w: tensor<?x2x3x3xf32>, %b: tensor<1x?x6x6xf32>) {
  // expected-error @below {{(C2) w is 'tensor<?x2x3x3xf32>', expected a static kernel, and with several groups a static shape}}
  %y = imc.conv2d ins(%x, %w : tensor<1x4x8x8xf32>, tensor<?x2x3x3xf32>) outs(%b : tensor<1x?x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 2 -> tensor<1x?x6x6xf32>
  return
}

// -----

func.func @conv2d_c3_batch(%x: tensor<2x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C3) batch of y is 1, expected 2}}
  %y = imc.conv2d ins(%x, %w : tensor<2x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @conv2d_c3_channels(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x5x6x6xf32>) {
  // expected-error @below {{(C3) number of channels of y is 5, expected 4}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x5x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x5x6x6xf32>
  return
}

// -----

func.func @conv2d_c4_width(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x3x4xf32>) {
  // expected-error @below {{(C4) output width is 4, expected 3}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x3x4xf32>)
       strides = [2, 2] dilations = [1, 1] groups = 1 -> tensor<1x4x3x4xf32>
  return
}

// -----

func.func @conv2d_c4_no_window(%x: tensor<1x3x4x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x1x4xf32>) {
  // expected-error @below {{(C4) no window fits: the input height is 4, the kernel's 3 with dilation 2}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x4x8xf32>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x1x4xf32>)
       strides = [1, 1] dilations = [2, 2] groups = 1 -> tensor<1x4x1x4xf32>
  return
}

// -----

func.func @conv2d_c5(%x: tensor<1x3x8x8xi8>, %w: tensor<4x3x3x3xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @below {{(C5) element types are 'i8', 'f32', 'f32', expected f32, f32, f32 or i8, i8, i32 (i64 where an operand is i16)}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x8x8xi8>, tensor<4x3x3x3xf32>) outs(%b : tensor<1x4x6x6xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x4x6x6xf32>
  return
}
