// RUN: imc-opt %s -one-shot-bufferize -split-input-file -verify-diagnostics

func.func @mixed_operands(%x: tensor<4x8xf32>, %w: memref<8x2xf32>, %b: tensor<4x2xf32>) -> tensor<4x2xf32> {
  // expected-error @below {{mixes tensors and memrefs, which cannot be bufferized; use one or the other for all operands}}
  // expected-error @below {{failed to bufferize op}}
  %y = imc.matmul ins(%x, %w : tensor<4x8xf32>, memref<8x2xf32>) outs(%b : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// Only its digital implementation has a form on buffers.
func.func @choose_qparams(%x: tensor<4x8xf32>) -> (tensor<f32>, tensor<i32>) {
  // expected-error @below {{op was not bufferized}}
  %s, %z = imc.choose_qparams %x bits = 8 : tensor<4x8xf32> -> tensor<f32>, tensor<i32>
  return %s, %z : tensor<f32>, tensor<i32>
}
