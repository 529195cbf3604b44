// RUN: imc-opt %s -split-input-file -verify-diagnostics -imc-offload='' -imc-quantize=weight-bits=6

func.func @unsigned_weights(%x: tensor<2x3xi8>, %y: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %w = arith.constant dense<1> : tensor<3x2xi8>
  // expected-error @below {{its weights are unsigned; subtract 128 from them and add 128 times the sum of the inputs}}
  %0 = linalg.matmul {cast = #linalg.type_fn<cast_unsigned>} ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi8>) outs(%y : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

func.func @zero_point(%x: tensor<2x3xi8>, %y: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %w = arith.constant dense<1> : tensor<3x2xi8>
  %c = arith.constant 3 : i32
  // expected-error @below {{its body does more than widen, multiply and add; take zero points off the sums instead}}
  %0 = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi8>) outs(%y : tensor<2x2xi32>) {
    ^bb0(%l: i8, %r: i8, %o: i32):
      %a = arith.extsi %l : i8 to i32
      %z = arith.muli %a, %c : i32
      %b = arith.extsi %r : i8 to i32
      %p = arith.muli %a, %b : i32
      %s = arith.addi %o, %p : i32
      linalg.yield %s : i32
  } -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

func.func @wide(%x: tensor<2x3xi32>, %y: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %w = arith.constant dense<1> : tensor<3x2xi32>
  // expected-error @below {{element type 'i32'; imc products start from f32, or from i8 with sums in i32}}
  %0 = linalg.matmul ins(%x, %w : tensor<2x3xi32>, tensor<3x2xi32>) outs(%y : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

module attributes {imc.phase = "imported"} {
func.func @bits(%x: tensor<2x3xi8>, %y: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %w = arith.constant dense<1> : tensor<3x2xi8>
  // expected-error @below {{is a product in integers of the model, with 8 bits per weight and 8 per activation; weight-bits = 6 and input-bits = 8 cannot change them: use 8 and 8, or import a float model}}
  %0 = linalg.matmul ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi8>) outs(%y : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}
}

// -----

func.func @unsigned_wide_weights(%x: tensor<2x3xi16>, %y: tensor<2x2xi64>) -> tensor<2x2xi64> {
  %w = arith.constant dense<1> : tensor<3x2xi16>
  // expected-error @below {{its weights are unsigned; subtract 32768 from them and add 32768 times the sum of the inputs}}
  %0 = linalg.matmul {cast = #linalg.type_fn<cast_unsigned>} ins(%x, %w : tensor<2x3xi16>, tensor<3x2xi16>) outs(%y : tensor<2x2xi64>) -> tensor<2x2xi64>
  return %0 : tensor<2x2xi64>
}

// -----

// Sums of 16-bit operands in 32 bits may wrap where the arrays' do not.
func.func @narrow_sums(%x: tensor<2x3xi16>, %y: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %w = arith.constant dense<1> : tensor<3x2xi8>
  // expected-error @below {{element type 'i16'; imc products start from f32, or from i8 with sums in i32 (i64 where an operand is i16)}}
  %0 = linalg.matmul ins(%x, %w : tensor<2x3xi16>, tensor<3x2xi8>) outs(%y : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

// A chip for the most bits of the model's products takes all of them; no other does.
module attributes {imc.phase = "imported"} {
func.func @wide_bits(%x: tensor<2x3xi16>, %y: tensor<2x2xi64>, %u: tensor<2x3xi8>, %v: tensor<2x2xi32>) -> (tensor<2x2xi64>, tensor<2x2xi32>) {
  %w = arith.constant dense<1> : tensor<3x2xi16>
  %z = arith.constant dense<1> : tensor<3x2xi8>
  // expected-error @below {{is a product in integers of the model, with 16 bits per weight and 16 per activation; weight-bits = 6 and input-bits = 8 cannot change them: use 16 and 16, or import a float model}}
  %0 = linalg.matmul ins(%x, %w : tensor<2x3xi16>, tensor<3x2xi16>) outs(%y : tensor<2x2xi64>) -> tensor<2x2xi64>
  // expected-error @below {{with 8 bits per weight and 8 per activation; weight-bits = 6 and input-bits = 8 cannot change them: use 16 and 16, the most that products of the model have, or import a float model}}
  %1 = linalg.matmul ins(%u, %z : tensor<2x3xi8>, tensor<3x2xi8>) outs(%v : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %0, %1 : tensor<2x2xi64>, tensor<2x2xi32>
}
}
