// RUN: imc-opt %s --imc-lower-to-linalg --split-input-file --verify-diagnostics

func.func @one_weight_without_data() -> tensor<2x2xf32> {
  // expected-error @below {{cannot run: the data of weight 'fc.weight' ('tensor<2x2xf32>') is not there; put the model's external data file beside the model (a structural model is hydrated first) and import it again}}
  %w = imc.missing_weight "fc.weight" : tensor<2x2xf32>
  return %w : tensor<2x2xf32>
}

// -----

func.func @several_weights_without_data() -> (tensor<2xf32>, tensor<3xf32>) {
  // expected-error @below {{the data of weight 'a' ('tensor<2xf32>') is not there, nor that of 1 more;}}
  %a = imc.missing_weight "a" : tensor<2xf32>
  %b = imc.missing_weight "b" : tensor<3xf32>
  return %a, %b : tensor<2xf32>, tensor<3xf32>
}

// -----

func.func @dynamic_shape(%x: tensor<?x3xf32>, %w: tensor<3x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'imc.matmul' op cannot be lowered to linalg: 'tensor<?x3xf32>' is not a tensor of static shape; bind symbolic dimensions at import (--shape)}}
  %0 = imc.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x4xf32>) outs(%y : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

func.func @memref(%x: memref<2x3xf32>, %w: memref<3x4xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'memref<2x3xf32>' is not a tensor of static shape}}
  imc.matmul ins(%x, %w : memref<2x3xf32>, memref<3x4xf32>) outs(%y : memref<2x4xf32>)
  return
}
