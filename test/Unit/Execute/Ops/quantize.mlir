// Scale 2, zero point 3, three bits (codes 0 to 7). x / 2 = 0.5 1.5 -2.5 100 -100
// rounds half to even to 0 2 -2, then + 3; the last ones saturate, NaN is code 0.
// INPUT f32 6: 1 3 -5 200 -200 nan
// INPUT f32 -: 2
// INPUT i32 -: 3
// OUTPUT u8 6: 3 5 1 7 0 0
func.func @main(%x: tensor<6xf32>, %s: tensor<f32>, %z: tensor<i32>) -> tensor<6xi8> {
  %e = tensor.empty() : tensor<6xi8>
  %q = imc.quantize ins(%x, %s, %z : tensor<6xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<6xi8>) bits = 3 -> tensor<6xi8>
  return %q : tensor<6xi8>
}
