// Inputs are unsigned, weights signed: 200·(-128) + 255·1 + 1000 = -24345,
// 200·2 + 255·127 - 1 = 32784.
// INPUT u8 1x2: 200 255
// OUTPUT i32 1x2: -24345 32784
func.func @main(%x: tensor<1x2xi8>) -> tensor<1x2xi32> {
  %w = arith.constant dense<[[-128, 2], [1, 127]]> : tensor<2x2xi8>
  %i = arith.constant dense<[[1000, -1]]> : tensor<1x2xi32>
  %y = imc.matmul ins(%x, %w : tensor<1x2xi8>, tensor<2x2xi8>) outs(%i : tensor<1x2xi32>) -> tensor<1x2xi32>
  return %y : tensor<1x2xi32>
}
