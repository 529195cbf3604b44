// Sums in i64 (operands of 9 to 16 bits), exact in binary64 as R7 has it: (2^40 + 3)·2^-41 and (2^52 + 1)·2^-53 lie above one half and become 1.
// With a step the number is rounded to binary32 before, to a tie, and the even code is 0.
// INPUT i64 2x2: 1099511627776 4503599627370496 -1099511627779 -1
// OUTPUT i32 2x2: 1 1 0 0
// OUTPUT i32 2x2: 0 0 0 0
func.func @main(%a: tensor<2x2xi64>) -> (tensor<2x2xi32>, tensor<2x2xi32>) {
  %b = arith.constant dense<[3, 1]> : tensor<2xi64>
  %m = arith.constant dense<[4.547473508864641189575195312500E-13, 1.1102230246251565404236316680908203125E-16]> : tensor<2xf64>
  %z = arith.constant dense<0> : tensor<i32>
  %s = arith.constant dense<1.0> : tensor<f32>
  %e = tensor.empty() : tensor<2x2xi16>
  %q = imc.requantize ins(%a, %b, %m, %z : tensor<2x2xi64>, tensor<2xi64>, tensor<2xf64>, tensor<i32>)
       outs(%e : tensor<2x2xi16>) codes = [-32768, 32767] -> tensor<2x2xi16>
  %r = imc.requantize ins(%a, %b, %m, %z, %s : tensor<2x2xi64>, tensor<2xi64>, tensor<2xf64>, tensor<i32>, tensor<f32>)
       outs(%e : tensor<2x2xi16>) codes = [-32768, 32767] -> tensor<2x2xi16>
  %f = tensor.empty() : tensor<2x2xi32>
  %q32 = linalg.map { arith.extsi } ins(%q : tensor<2x2xi16>) outs(%f : tensor<2x2xi32>)
  %r32 = linalg.map { arith.extsi } ins(%r : tensor<2x2xi16>) outs(%f : tensor<2x2xi32>)
  return %q32, %r32 : tensor<2x2xi32>, tensor<2x2xi32>
}
