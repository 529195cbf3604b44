// -1 to 14 in 15 steps: scale 1, zero point 1. 5 to 30: zero belongs to the
// range, so 30 / 15 = 2 and 0. All zero: scale 1.
// INPUT f32 3: -1 14 2
// INPUT f32 2: 5 30
// INPUT f32 1x2: 0 0
// OUTPUT f32 -: 1
// OUTPUT i32 -: 1
// OUTPUT f32 -: 2
// OUTPUT i32 -: 0
// OUTPUT f32 -: 1
// OUTPUT i32 -: 0
func.func @main(%a: tensor<3xf32>, %b: tensor<2xf32>, %c: tensor<1x2xf32>) -> (tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>) {
  %sa, %za = imc.choose_qparams %a bits = 4 : tensor<3xf32> -> tensor<f32>, tensor<i32>
  %sb, %zb = imc.choose_qparams %b bits = 4 : tensor<2xf32> -> tensor<f32>, tensor<i32>
  %sc, %zc = imc.choose_qparams %c bits = 4 : tensor<1x2xf32> -> tensor<f32>, tensor<i32>
  return %sa, %za, %sb, %zb, %sc, %zc : tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>
}
