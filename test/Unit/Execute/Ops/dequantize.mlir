// Channel is dimension 1. (acc - 2 wsum) · (0.5 wscale) + bias:
// channel 0: (10 - 2·3)·(0.5·2) + 1 = 5 and (6 - 6)·1 + 1 = 1;
// channel 1: (-4 - 2·(-1))·(0.5·4) - 1 = -5 and (0 + 2)·2 - 1 = 3.
// INPUT i32 1x2x2: 10 6 -4 0
// OUTPUT f32 1x2x2: 5 1 -5 3
func.func @main(%a: tensor<1x2x2xi32>) -> tensor<1x2x2xf32> {
  %xs = arith.constant dense<0.5> : tensor<f32>
  %xz = arith.constant dense<2> : tensor<i32>
  %ws = arith.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %wsum = arith.constant dense<[3, -1]> : tensor<2xi32>
  %b = arith.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %e = tensor.empty() : tensor<1x2x2xf32>
  %y = imc.dequantize ins(%a, %xs, %xz, %ws, %wsum, %b : tensor<1x2x2xi32>, tensor<f32>, tensor<i32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>)
       outs(%e : tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  return %y : tensor<1x2x2xf32>
}
