// RUN: imc-opt %s -split-input-file -verify-diagnostics

func.func @choose_qparams_c1(%x: tensor<4x8xf32>) {
  // expected-error @below {{(C1) bits is 17, expected 1 to 16}}
  %s, %z = imc.choose_qparams %x bits = 17 : tensor<4x8xf32> -> tensor<f32>, tensor<i32>
  return
}

// -----

func.func @choose_qparams_in_buffers(%x: memref<4x8xf32>) {
  // expected-error @below {{invalid kind of type specified: expected builtin.tensor, but found 'memref<4x8xf32>'}}
  %s, %z = imc.choose_qparams %x bits = 8 : memref<4x8xf32> -> tensor<f32>, tensor<i32>
  return
}

// -----

func.func @quantize_c1(%x: tensor<4x8xf32>, %s: tensor<f32>, %z: tensor<i32>, %e: tensor<4x9xi8>) {
  // expected-error @below {{(C1) x is 'tensor<4x8xf32>' and the destination 'tensor<4x9xi8>', expected the same shape}}
  %q = imc.quantize ins(%x, %s, %z : tensor<4x8xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<4x9xi8>) bits = 8 -> tensor<4x9xi8>
  return
}

// -----

func.func @quantize_c2(%x: tensor<4x8xf32>, %s: tensor<f32>, %z: tensor<i32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{(C2) bits is 0, expected 1 to 8 in i8}}
  %q = imc.quantize ins(%x, %s, %z : tensor<4x8xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<4x8xi8>) bits = 0 -> tensor<4x8xi8>
  return
}

// -----

func.func @quantize_c2_wide(%x: tensor<4x8xf32>, %s: tensor<f32>, %z: tensor<i32>, %e: tensor<4x8xi16>) {
  // expected-error @below {{(C2) bits is 8, expected 9 to 16 in i16}}
  %q = imc.quantize ins(%x, %s, %z : tensor<4x8xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<4x8xi16>) bits = 8 -> tensor<4x8xi16>
  return
}

// -----

func.func @dequantize_c1_shape(%acc: tensor<4x8xi32>, %xs: tensor<f32>, %xz: tensor<i32>, %ws: tensor<8xf32>, %wsum: tensor<8xi32>,
                               %bias: tensor<8xf32>, %e: tensor<5x8xf32>) {
  // expected-error @below {{(C1) acc is 'tensor<4x8xi32>' and the destination 'tensor<5x8xf32>', expected the same shape of rank >= 2}}
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<4x8xi32>, tensor<f32>, tensor<i32>, tensor<8xf32>, tensor<8xi32>, tensor<8xf32>)
       outs(%e : tensor<5x8xf32>) -> tensor<5x8xf32>
  return
}

// -----

func.func @dequantize_c1_rank(%acc: tensor<8xi32>, %xs: tensor<f32>, %xz: tensor<i32>, %ws: tensor<8xf32>, %wsum: tensor<8xi32>,
                              %bias: tensor<8xf32>, %e: tensor<8xf32>) {
  // expected-error @below {{(C1) acc is 'tensor<8xi32>' and the destination 'tensor<8xf32>', expected the same shape of rank >= 2}}
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<8xi32>, tensor<f32>, tensor<i32>, tensor<8xf32>, tensor<8xi32>, tensor<8xf32>)
       outs(%e : tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @dequantize_c2_scale(%acc: tensor<4x8xi32>, %xs: tensor<f32>, %xz: tensor<i32>, %ws: tensor<4xf32>, %wsum: tensor<8xi32>,
                               %bias: tensor<8xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{(C2) size of w_scale is 4, expected 8}}
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<4x8xi32>, tensor<f32>, tensor<i32>, tensor<4xf32>, tensor<8xi32>, tensor<8xf32>)
       outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_c2_sum(%acc: tensor<4x8xi32>, %xs: tensor<f32>, %xz: tensor<i32>, %ws: tensor<8xf32>, %wsum: tensor<4xi32>,
                             %bias: tensor<8xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{(C2) size of w_sum is 4, expected 8}}
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<4x8xi32>, tensor<f32>, tensor<i32>, tensor<8xf32>, tensor<4xi32>, tensor<8xf32>)
       outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_c2_bias(%acc: tensor<4x8xi32>, %xs: tensor<f32>, %xz: tensor<i32>, %ws: tensor<8xf32>, %wsum: tensor<8xi32>,
                              %bias: tensor<4xf32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{(C2) size of bias is 4, expected 8}}
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<4x8xi32>, tensor<f32>, tensor<i32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>)
       outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @requantize_c1_shape(%acc: tensor<4x8xi32>, %b: tensor<8xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %e: tensor<4x9xi8>) {
  // expected-error @below {{(C1) acc is 'tensor<4x8xi32>' and the destination 'tensor<4x9xi8>', expected the same shape of rank >= 2}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<4x8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<i32>) outs(%e : tensor<4x9xi8>) codes = [0, 255] -> tensor<4x9xi8>
  return
}

// -----

func.func @requantize_c1_rank(%acc: tensor<8xi32>, %b: tensor<8xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %e: tensor<8xi8>) {
  // expected-error @below {{(C1) acc is 'tensor<8xi32>' and the destination 'tensor<8xi8>', expected the same shape of rank >= 2}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<i32>) outs(%e : tensor<8xi8>) codes = [0, 255] -> tensor<8xi8>
  return
}

// -----

func.func @requantize_c2_bias(%acc: tensor<4x8xi32>, %b: tensor<4xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{(C2) size of bias is 4, expected 8}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<4x8xi32>, tensor<4xi32>, tensor<8xf64>, tensor<i32>) outs(%e : tensor<4x8xi8>) codes = [0, 255] -> tensor<4x8xi8>
  return
}

// -----

func.func @requantize_c2_multiplier(%acc: tensor<4x8xi32>, %b: tensor<8xi32>, %m: tensor<1xf64>, %z: tensor<i32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{(C2) size of multiplier is 1, expected 8}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<4x8xi32>, tensor<8xi32>, tensor<1xf64>, tensor<i32>) outs(%e : tensor<4x8xi8>) codes = [0, 255] -> tensor<4x8xi8>
  return
}

// -----

func.func @requantize_c3_mixed(%acc: tensor<4x8xi32>, %b: tensor<8xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{(C3) codes are [-1, 128], expected lo <= hi in [-128, 127] or in [0, 255]}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<4x8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<i32>) outs(%e : tensor<4x8xi8>) codes = [-1, 128] -> tensor<4x8xi8>
  return
}

// -----

func.func @requantize_c3_order(%acc: tensor<4x8xi32>, %b: tensor<8xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %s: tensor<f32>, %e: tensor<4x8xi16>) {
  // expected-error @below {{(C3) codes are [1, 0], expected lo <= hi in [-32768, 32767] or in [0, 65535]}}
  %q = imc.requantize ins(%acc, %b, %m, %z, %s : tensor<4x8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<i32>, tensor<f32>) outs(%e : tensor<4x8xi16>) codes = [1, 0] -> tensor<4x8xi16>
  return
}

// -----

func.func @requantize_c3_count(%acc: tensor<4x8xi32>, %b: tensor<8xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{(C3) codes are [0], expected lo <= hi in [-128, 127] or in [0, 255]}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<4x8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<i32>) outs(%e : tensor<4x8xi8>) codes = [0] -> tensor<4x8xi8>
  return
}

// -----

func.func @requantize_multiplier_type(%acc: tensor<4x8xi32>, %b: tensor<8xi32>, %m: tensor<8xf32>, %z: tensor<i32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{operand #2 must be}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<4x8xi32>, tensor<8xi32>, tensor<8xf32>, tensor<i32>) outs(%e : tensor<4x8xi8>) codes = [0, 255] -> tensor<4x8xi8>
  return
}

// -----

func.func @requantize_c4_bias(%acc: tensor<4x8xi64>, %b: tensor<8xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %e: tensor<4x8xi16>) {
  // expected-error @below {{(C4) bias has elements of 'i32' and acc of 'i64', expected the same}}
  %q = imc.requantize ins(%acc, %b, %m, %z : tensor<4x8xi64>, tensor<8xi32>, tensor<8xf64>, tensor<i32>) outs(%e : tensor<4x8xi16>) codes = [0, 255] -> tensor<4x8xi16>
  return
}

// -----

func.func @symmetric_bits(%x: tensor<4x8xf32>) {
  // expected-error @below {{(C1) symmetric codes take at least 2 bits, not 1}}
  %s, %z = imc.choose_qparams %x bits = 1 symmetric : tensor<4x8xf32> -> tensor<f32>, tensor<i32>
  return
}

// -----

func.func @rows_of_an_image(%x: tensor<1x4x8x8xf32>) {
  // expected-error @below {{(C2) per_row needs a matrix, x is 'tensor<1x4x8x8xf32>'}}
  %s, %z = imc.choose_qparams %x bits = 8 per_row : tensor<1x4x8x8xf32> -> tensor<1xf32>, tensor<1xi32>
  return
}

// -----

func.func @rows_missing(%x: tensor<4x8xf32>) {
  // expected-error @below {{(C2) a result is 'tensor<f32>', expected one element per row of x}}
  %s, %z = imc.choose_qparams %x bits = 8 per_row : tensor<4x8xf32> -> tensor<f32>, tensor<i32>
  return
}

// -----

func.func @rows_not_asked_for(%x: tensor<4x8xf32>) {
  // expected-error @below {{(C2) a result is 'tensor<4xf32>', expected rank 0}}
  %s, %z = imc.choose_qparams %x bits = 8 : tensor<4x8xf32> -> tensor<4xf32>, tensor<4xi32>
  return
}

// -----

func.func @scale_without_zero_points(%x: tensor<4x8xf32>, %s: tensor<4xf32>, %z: tensor<i32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{(C3) scale is 'tensor<4xf32>' and zero point 'tensor<i32>', expected the same shape}}
  %q = imc.quantize ins(%x, %s, %z : tensor<4x8xf32>, tensor<4xf32>, tensor<i32>) outs(%e : tensor<4x8xi8>) bits = 8 -> tensor<4x8xi8>
  return
}

// -----

func.func @wrong_rows(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %z: tensor<8xi32>, %e: tensor<4x8xi8>) {
  // expected-error @below {{(C3) 'tensor<8xf32>' holds one scale per row, which 'tensor<4x8xf32>' does not have}}
  %q = imc.quantize ins(%x, %s, %z : tensor<4x8xf32>, tensor<8xf32>, tensor<8xi32>) outs(%e : tensor<4x8xi8>) bits = 8 -> tensor<4x8xi8>
  return
}

// -----

func.func @rows_of_sums(%acc: tensor<1x8x2x2xi32>, %xs: tensor<1xf32>, %xz: tensor<1xi32>, %ws: tensor<8xf32>, %wsum: tensor<8xi32>, %bias: tensor<8xf32>, %e: tensor<1x8x2x2xf32>) {
  // expected-error @below {{(C3) 'tensor<1xf32>' holds one scale per row, which 'tensor<1x8x2x2xi32>' does not have}}
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<1x8x2x2xi32>, tensor<1xf32>, tensor<1xi32>, tensor<8xf32>, tensor<8xi32>, tensor<8xf32>)
      outs(%e : tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
  return
}
