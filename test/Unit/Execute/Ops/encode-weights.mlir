// One row, weights 5 and -3, four bits each; the input only orders the run.
// INPUT i8 1x2: 5 -3
// offset, 2 bits per cell: 5 + 8 = 13 = 3·4 + 1; -3 + 8 = 5 = 1·4 + 1.
// OUTPUT i8 1x1x1x1x4: 1 3 1 1
// differential, 2 bits per cell: 5 = 1·4 + 1 as pairs (1, 0), (1, 0);
// 3 = 0·4 + 3 negative as (0, 3), (0, 0). Eight columns in two strips of five.
// OUTPUT i8 1x1x2x1x5: 1 0 1 0 0 3 0 0 0 0
// two's complement: 0101 and 1101, least significant first.
// OUTPUT i8 1x1x1x1x8: 1 0 1 0 1 0 1 1
// Two groups of one weight in one pack: a block diagonal of 3x4 cells.
// INPUT i8 2x1x1x1: 7 -8
// OUTPUT i8 1x1x1x3x4: 3 3 0 0 0 0 0 0 0 0 0 0
func.func @main(%w: tensor<1x2xi8>, %g: tensor<2x1x1x1xi8>) -> (tensor<1x1x1x1x4xi8>, tensor<1x1x2x1x5xi8>, tensor<1x1x1x1x8xi8>, tensor<1x1x1x3x4xi8>) {
  %e0 = tensor.empty() : tensor<1x1x1x1x4xi8>
  %c0 = imc.encode_weights ins(%w : tensor<1x2xi8>) outs(%e0 : tensor<1x1x1x1x4xi8>)
        encoding = #imc.encoding<offset, weight_bits = 4, cell_bits = 2> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x1x4xi8>
  %e1 = tensor.empty() : tensor<1x1x2x1x5xi8>
  %c1 = imc.encode_weights ins(%w : tensor<1x2xi8>) outs(%e1 : tensor<1x1x2x1x5xi8>)
        encoding = #imc.encoding<differential, weight_bits = 4, cell_bits = 2> groups = 1 groups_per_pack = 1 -> tensor<1x1x2x1x5xi8>
  %e2 = tensor.empty() : tensor<1x1x1x1x8xi8>
  %c2 = imc.encode_weights ins(%w : tensor<1x2xi8>) outs(%e2 : tensor<1x1x1x1x8xi8>)
        encoding = #imc.encoding<twos_complement, weight_bits = 4, cell_bits = 1> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x1x8xi8>
  %e3 = tensor.empty() : tensor<1x1x1x3x4xi8>
  %c3 = imc.encode_weights ins(%g : tensor<2x1x1x1xi8>) outs(%e3 : tensor<1x1x1x3x4xi8>)
        encoding = #imc.encoding<offset, weight_bits = 4, cell_bits = 2> groups = 2 groups_per_pack = 2 -> tensor<1x1x1x3x4xi8>
  return %c0, %c1, %c2, %c3 : tensor<1x1x1x1x4xi8>, tensor<1x1x2x1x5xi8>, tensor<1x1x1x1x8xi8>, tensor<1x1x1x3x4xi8>
}
