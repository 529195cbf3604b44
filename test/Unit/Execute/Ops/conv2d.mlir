// Two groups of one channel, kernel 1x2, stride 2 and dilation 2 along the rows.
// Group 0: x0[2o] + 10 x0[2o + 2] = 1 + 30, 3 + 50. Group 1: -x1[2o].
// INPUT f32 1x2x1x5: 1 2 3 4 5 6 7 8 9 10
// OUTPUT f32 1x2x1x2: 31 53 -6 -8
// In integers: 255·(-1) + 1·127, with the sum's start in the destination.
// INPUT u8 1x1x1x2: 255 1
// OUTPUT i32 1x1x1x1: -123
func.func @main(%x: tensor<1x2x1x5xf32>, %q: tensor<1x1x1x2xi8>) -> (tensor<1x2x1x2xf32>, tensor<1x1x1x1xi32>) {
  %w = arith.constant dense<[[[[1.0, 10.0]]], [[[-1.0, 0.0]]]]> : tensor<2x1x1x2xf32>
  %z = arith.constant dense<0.0> : tensor<1x2x1x2xf32>
  %y = imc.conv2d ins(%x, %w : tensor<1x2x1x5xf32>, tensor<2x1x1x2xf32>) outs(%z : tensor<1x2x1x2xf32>)
       strides = [1, 2] dilations = [1, 2] groups = 2 -> tensor<1x2x1x2xf32>
  %wq = arith.constant dense<[[[[-1, 127]]]]> : tensor<1x1x1x2xi8>
  %five = arith.constant dense<5> : tensor<1x1x1x1xi32>
  %yq = imc.conv2d ins(%q, %wq : tensor<1x1x1x2xi8>, tensor<1x1x1x2xi8>) outs(%five : tensor<1x1x1x1xi32>)
        strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x1x1x1xi32>
  return %y, %yq : tensor<1x2x1x2xf32>, tensor<1x1x1x1xi32>
}
