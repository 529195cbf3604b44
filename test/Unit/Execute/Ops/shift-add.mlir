// Two columns per weight, 2 bits each; the group's inputs are 200 and 3.
// offset: 10 + 4·20 - 8·203 = -1534.
// differential (3 bits of magnitude: pairs of digits): 10 - 20 + 4·(5 - 1) = 6.
// two's complement of two bits: 10 - 2·20 = -30.
// INPUT i32 1x1x1x4: 10 20 5 1
// INPUT u8 1x1x1x3: 200 3 0
// OUTPUT i32 1x1: -1534
// OUTPUT i32 1x1: 6
// OUTPUT i32 1x1: -30
func.func @main(%a: tensor<1x1x1x4xi32>, %u: tensor<1x1x1x3xi8>) -> (tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>) {
  %e = tensor.empty() : tensor<1x1xi32>
  %o = imc.shift_add ins(%a, %u : tensor<1x1x1x4xi32>, tensor<1x1x1x3xi8>) outs(%e : tensor<1x1xi32>)
       encoding = #imc.encoding<offset, weight_bits = 4, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 2 -> tensor<1x1xi32>
  %d = imc.shift_add ins(%a, %u : tensor<1x1x1x4xi32>, tensor<1x1x1x3xi8>) outs(%e : tensor<1x1xi32>)
       encoding = #imc.encoding<differential, weight_bits = 4, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 2 -> tensor<1x1xi32>
  %t = imc.shift_add ins(%a, %u : tensor<1x1x1x4xi32>, tensor<1x1x1x3xi8>) outs(%e : tensor<1x1xi32>)
       encoding = #imc.encoding<twos_complement, weight_bits = 2, cell_bits = 1> groups = 1 groups_per_pack = 1 group_rows = 2 -> tensor<1x1xi32>
  return %o, %d, %t : tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>
}
