// RUN: imc-opt %s -imc-offload -split-input-file -verify-diagnostics

func.func @layout(%x: tensor<1x9x9x3xf32>, %b: tensor<1x7x7x4xf32>) -> tensor<1x7x7x4xf32> {
  %w = imc.missing_weight "w" : tensor<3x3x3x4xf32>
  // expected-error @below {{'linalg.conv_2d_nhwc_hwcf' op is a product with constant weights that imc-offload cannot take: this layout is not supported; use linalg.conv_2d_nchw_fchw}}
  %y = linalg.conv_2d_nhwc_hwcf
    ins(%x, %w : tensor<1x9x9x3xf32>, tensor<3x3x3x4xf32>) outs(%b : tensor<1x7x7x4xf32>) -> tensor<1x7x7x4xf32>
  return %y : tensor<1x7x7x4xf32>
}

// -----

func.func @element_type(%x: tensor<1x3xf64>, %b: tensor<1x2xf64>) -> tensor<1x2xf64> {
  %w = arith.constant dense<1.0> : tensor<3x2xf64>
  // expected-error @below {{element type 'f64'; imc products start from f32}}
  %y = linalg.matmul ins(%x, %w : tensor<1x3xf64>, tensor<3x2xf64>) outs(%b : tensor<1x2xf64>) -> tensor<1x2xf64>
  return %y : tensor<1x2xf64>
}

// -----

func.func @dynamic_shape(%x: tensor<?x3xf32>, %b: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1.0> : tensor<3x2xf32>
  // expected-error @below {{its operands are not all tensors of static shape; bind symbolic dimensions at import}}
  %y = linalg.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x2xf32>) outs(%b : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @left_constant(%x: tensor<3x2xf32>, %b: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  // expected-error @below {{the constant is the left operand; transpose the product so that it is the right one}}
  %y = linalg.matmul ins(%w, %x : tensor<4x3xf32>, tensor<3x2xf32>) outs(%b : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

func.func @batched(%x: tensor<2x1x3xf32>, %b: tensor<2x1x2xf32>) -> tensor<2x1x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x3x2xf32>
  // expected-error @below {{it has 1 batch dimension(s), a matrix for each; use one linalg.matmul per matrix}}
  %y = linalg.batch_matmul ins(%x, %w : tensor<2x1x3xf32>, tensor<2x3x2xf32>) outs(%b : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
  return %y : tensor<2x1x2xf32>
}

// -----

func.func @permuted(%x: tensor<3x2xf32>, %b: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<3x4xf32>
  // expected-error @below {{rows, reduction or columns of an activation are permuted; transpose it before the product}}
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %w : tensor<3x2xf32>, tensor<3x4xf32>) outs(%b : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @matrix_per_row(%x: tensor<2x3x5xf32>, %b: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<3x5x4xf32>
  // expected-error @below {{it has 1 row, 1 column and 2 reduction dimensions; reshape it to one or more, one and one}}
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, j, k) -> (m, j, k)>, affine_map<(m, n, j, k) -> (j, k, n)>, affine_map<(m, n, j, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<2x3x5xf32>, tensor<3x5x4xf32>) outs(%b : tensor<2x4xf32>) {
    ^bb0(%l: f32, %r: f32, %o: f32):
      %p = arith.mulf %l, %r : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
  } -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// expected-error @below {{imc-offload takes a module in phase 'imported', but imc.phase says 'quantized'; start again from the module in phase 'imported'}}
module attributes {imc.phase = "quantized"} {
}

// -----

// Nothing changes when one product is refused: the first one would have been taken.
func.func @no_data(%x: tensor<1x2xf32>, %b: tensor<1x3xf32>) -> tensor<1x3xf32> {
  // expected-note @below {{the constant is here}}
  %w = arith.constant dense_resource<absent> : tensor<3x2xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %t = linalg.transpose ins(%w : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) permutation = [1, 0]
  // expected-error @below {{weight 'absent' of type 'tensor<3x2xf32>' has no readable data; give the model with its weights, or import it without them}}
  %y = linalg.matmul ins(%x, %t : tensor<1x2xf32>, tensor<2x3xf32>) outs(%b : tensor<1x3xf32>) -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}
