// Three groups of one channel, two per pack, kernel 1x2: K = 2. Pack 0 holds groups
// 0 and 1 in two strips of 3 rows (4 used), pack 1 group 2 alone. Windows start at
// columns 0 and 1.
// INPUT i8 1x3x1x3: 1 2 3 4 5 6 7 8 9
// OUTPUT i8 2x2x2x3: 1 2 4 5 0 0 2 3 5 6 0 0 7 8 0 0 0 0 8 9 0 0 0 0
// A matrix: rows of 3 inputs in two strips of 2.
// INPUT i8 2x3: 1 2 3 4 5 6
// OUTPUT i8 1x2x2x2: 1 2 3 0 4 5 6 0
func.func @main(%x: tensor<1x3x1x3xi8>, %m: tensor<2x3xi8>) -> (tensor<2x2x2x3xi8>, tensor<1x2x2x2xi8>) {
  %e = tensor.empty() : tensor<2x2x2x3xi8>
  %u = imc.unfold ins(%x : tensor<1x3x1x3xi8>) outs(%e : tensor<2x2x2x3xi8>)
       kernel = [1, 2] strides = [1, 1] dilations = [1, 1] groups = 3 groups_per_pack = 2 -> tensor<2x2x2x3xi8>
  %f = tensor.empty() : tensor<1x2x2x2xi8>
  %v = imc.unfold ins(%m : tensor<2x3xi8>) outs(%f : tensor<1x2x2x2xi8>)
       kernel = [1, 1] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x2x2x2xi8>
  return %u, %v : tensor<2x2x2x3xi8>, tensor<1x2x2x2xi8>
}
