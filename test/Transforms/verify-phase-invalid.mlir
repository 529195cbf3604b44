// RUN: imc-opt %s -split-input-file -imc-verify-phase -verify-diagnostics -o /dev/null
// RUN: not imc-opt %s -split-input-file -imc-verify-phase=packed 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: imc-verify-phase: 'packed' is no phase; phases are imported, offloaded, quantized, tiled, placed, scheduled, costed

func.func @dialect(%x: vector<4xf32>) -> vector<4xf32> {
  // expected-error @below {{P1 (imported): op 'vector.broadcast' is of none of the dialects func, linalg, tensor, arith, math, scf and imc; lower it to linalg first}}
  %y = vector.broadcast %x : vector<4xf32> to vector<4xf32>
  return %y : vector<4xf32>
}

// -----

func.func @shape(%n: index) {
  // expected-error @below {{P1 (imported): type 'tensor<?xf32>' is not static; bind symbolic dimensions at import}}
  %e = tensor.empty(%n) : tensor<?xf32>
  return
}

// -----

func.func @too_early(%x: tensor<1x4xf32>) {
  // expected-error @below {{P2 (imported): op 'imc.choose_qparams' belongs to a later phase}}
  %s, %z = imc.choose_qparams %x bits = 8 : tensor<1x4xf32> -> tensor<f32>, tensor<i32>
  return
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @linalg_product(%x: tensor<1x4xf32>, %i: tensor<1x2xf32>) -> tensor<1x2xf32> {
    %w = imc.missing_weight "w" : tensor<4x2xf32>
    // expected-error @below {{P2 (offloaded): product with constant weights is still a linalg op; run imc-offload}}
    %y = linalg.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) outs(%i : tensor<1x2xf32>) -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @unmarked(%x: tensor<1x4xf32>, %w: tensor<4x2xf32>, %i: tensor<1x2xf32>) -> tensor<1x2xf32> {
    // expected-error @below {{P2 (offloaded): product of two activations has no attribute imc.dynamic_product; run imc-offload}}
    %y = linalg.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) outs(%i : tensor<1x2xf32>) -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @no_constant(%x: tensor<1x4xf32>, %w: tensor<4x2xf32>, %i: tensor<1x2xf32>) -> tensor<1x2xf32> {
    // expected-error @below {{P2 (offloaded): weight is no constant}}
    %y = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) outs(%i : tensor<1x2xf32>) -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @floats(%x: tensor<1x4xf32>, %i: tensor<1x2xf32>) -> tensor<1x2xf32> {
    %w = imc.missing_weight "w" : tensor<4x2xf32>
    // expected-error @below {{P2 (quantized): product with f32 operands; run imc-quantize}}
    %y = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) outs(%i : tensor<1x2xf32>) -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @integers(%x: tensor<1x2xi8>, %i: tensor<1x2xi32>) -> tensor<1x2xi32> {
    %w = arith.constant dense<[[1, -8], [7, 0]]> : tensor<2x2xi8>
    // expected-error @below {{P3 (quantized): input does not come from imc.quantize}}
    // expected-error @below {{P3 (quantized): integer sums are used by 'func.return'; only imc.dequantize may}}
    // expected-error @below {{P3 (quantized): weight -8 lies outside ±7 of 4 bits}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xi8>, tensor<2x2xi8>) outs(%i : tensor<1x2xi32>) {imc.weight_bits = 4 : i64} -> tensor<1x2xi32>
    return %y : tensor<1x2xi32>
  }
}

// -----

module attributes {imc.phase = "tiled"} {
  func.func @not_tiled(%x: tensor<1x2xi8>, %i: tensor<1x2xi32>) {
    %w = imc.missing_weight "w" : tensor<2x2xi8>
    // expected-error @below {{P2 (tiled): product is not cut into arrays; run imc-tile}}
    // expected-error @below {{P3 (tiled): input does not come from imc.quantize}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xi8>, tensor<2x2xi8>) outs(%i : tensor<1x2xi32>) -> tensor<1x2xi32>
    return
  }
}
