// Zero point 3, codes 0 to 9, multipliers 0.5 and 2 (channel is dimension 1), bias 1 and 0:
// channel 0: v = 0.5 (4 + 1) = 2.5, 0.5 (-2 + 1) = -0.5, 0.5 (0 + 1) = 0.5, 0.5 (99 + 1) = 50;
// channel 1: v = 2 (-2) = -4, 2·1 = 2, 2·2 = 4, 2·(-1) = -2.
// Without a step (R8) the tie takes the zero point in: 5.5 -> 6, 2.5 -> 2, 3.5 -> 4, 53 -> 9; -1 -> 0, 5, 7, 1.
// With step 1 (R9) it does not: 2 + 3 = 5, 0 + 3 = 3, 0 + 3 = 3, 9; 0, 5, 7, 1.
// INPUT i32 1x2x4: 4 -2 0 99 -2 1 2 -1
// OUTPUT i8 1x2x4: 6 2 4 9 0 5 7 1
// OUTPUT i8 1x2x4: 5 3 3 9 0 5 7 1
func.func @main(%a: tensor<1x2x4xi32>) -> (tensor<1x2x4xi8>, tensor<1x2x4xi8>) {
  %b = arith.constant dense<[1, 0]> : tensor<2xi32>
  %m = arith.constant dense<[0.5, 2.0]> : tensor<2xf64>
  %z = arith.constant dense<3> : tensor<i32>
  %s = arith.constant dense<1.0> : tensor<f32>
  %e = tensor.empty() : tensor<1x2x4xi8>
  %q = imc.requantize ins(%a, %b, %m, %z : tensor<1x2x4xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>)
       outs(%e : tensor<1x2x4xi8>) codes = [0, 9] -> tensor<1x2x4xi8>
  %r = imc.requantize ins(%a, %b, %m, %z, %s : tensor<1x2x4xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>, tensor<f32>)
       outs(%e : tensor<1x2x4xi8>) codes = [0, 9] -> tensor<1x2x4xi8>
  return %q, %r : tensor<1x2x4xi8>, tensor<1x2x4xi8>
}
