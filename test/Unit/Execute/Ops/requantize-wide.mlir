// Payloads of 16 bits, NaN and infinity (R10). Multipliers 1e300 and NaN: 1e300·1 saturates at 65535 (widened as unsigned),
// -1e300 at 1; NaN becomes the lowest code 1. The same with a step: f32(1e300) is infinite.
// INPUT i32 2x2: 1 5 -1 5
// OUTPUT i32 2x2: 65535 1 1 1
// OUTPUT i32 2x2: 65535 1 1 1
func.func @main(%a: tensor<2x2xi32>) -> (tensor<2x2xi32>, tensor<2x2xi32>) {
  %b = arith.constant dense<0> : tensor<2xi32>
  %m = arith.constant dense<[1.0e300, 0x7FF8000000000000]> : tensor<2xf64>
  %z = arith.constant dense<2> : tensor<i32>
  %s = arith.constant dense<0.5> : tensor<f32>
  %e = tensor.empty() : tensor<2x2xi16>
  %q = imc.requantize ins(%a, %b, %m, %z : tensor<2x2xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>)
       outs(%e : tensor<2x2xi16>) codes = [1, 65535] -> tensor<2x2xi16>
  %r = imc.requantize ins(%a, %b, %m, %z, %s : tensor<2x2xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>, tensor<f32>)
       outs(%e : tensor<2x2xi16>) codes = [1, 65535] -> tensor<2x2xi16>
  %f = tensor.empty() : tensor<2x2xi32>
  %q32 = linalg.map { arith.extui } ins(%q : tensor<2x2xi16>) outs(%f : tensor<2x2xi32>)
  %r32 = linalg.map { arith.extui } ins(%r : tensor<2x2xi16>) outs(%f : tensor<2x2xi32>)
  return %q32, %r32 : tensor<2x2xi32>, tensor<2x2xi32>
}
