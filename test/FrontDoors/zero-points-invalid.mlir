// RUN: imc-opt %s --split-input-file --verify-diagnostics --imc-normalize-products

func.func @dynamic_point(%x: tensor<5x2xi8>, %p: i32, %z: tensor<5x2xi32>) -> tensor<5x2xi32> {
  %w = arith.constant dense<1> : tensor<2x2xi8>
  %q = arith.constant 0 : i32
  // expected-error@+1 {{its input zero point is computed at run time; arrays need it when they are written: give a constant, or quantize the operand before the product}}
  %y = linalg.quantized_matmul ins(%x, %w, %p, %q : tensor<5x2xi8>, tensor<2x2xi8>, i32, i32) outs(%z : tensor<5x2xi32>) -> tensor<5x2xi32>
  return %y : tensor<5x2xi32>
}

// -----

func.func @dynamic_weight_point(%x: tensor<5x2xi8>, %q: i32, %z: tensor<5x2xi32>) -> tensor<5x2xi32> {
  %w = arith.constant dense<1> : tensor<2x2xi8>
  %p = arith.constant 0 : i32
  // expected-error@+1 {{its weight zero point is computed at run time}}
  %y = linalg.quantized_matmul ins(%x, %w, %p, %q : tensor<5x2xi8>, tensor<2x2xi8>, i32, i32) outs(%z : tensor<5x2xi32>) -> tensor<5x2xi32>
  return %y : tensor<5x2xi32>
}

// -----

func.func @accumulator(%x: tensor<5x2xi8>, %z: tensor<5x2xi64>) -> tensor<5x2xi64> {
  %w = arith.constant dense<1> : tensor<2x2xi8>
  %p = arith.constant 1 : i64
  // expected-error@+1 {{accumulates in 'i64'; integer products accumulate in i32}}
  %y = linalg.quantized_matmul ins(%x, %w, %p, %p : tensor<5x2xi8>, tensor<2x2xi8>, i64, i64) outs(%z : tensor<5x2xi64>) -> tensor<5x2xi64>
  return %y : tensor<5x2xi64>
}

// -----

// expected-error@+1 {{imc-normalize-products takes a module in phase 'imported', but imc.phase says 'offloaded'}}
module attributes {imc.phase = "offloaded"} {}
