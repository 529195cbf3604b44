// RUN: imc-opt %s -split-input-file -verify-diagnostics

func.func @unfold_c1(%x: tensor<1x2x4x4xi8>, %e: tensor<1x4x1x32xi8>) {
  // expected-error @below {{(C1) kernel is [3], expected two values from 1 to 2147483647}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x4x1x32xi8>)
       kernel = [3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x32xi8>
  return
}

// -----

func.func @unfold_c2_channels(%x: tensor<1x2x4x4xi8>, %e: tensor<3x4x1x32xi8>) {
  // expected-error @below {{(C2) groups is 3, which does not divide the 2 channels of x}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<3x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 3 groups_per_pack = 1 -> tensor<3x4x1x32xi8>
  return
}

// -----

func.func @unfold_c2_pack(%x: tensor<1x2x4x4xi8>, %e: tensor<1x4x1x32xi8>) {
  // expected-error @below {{(C2) groups_per_pack is 3, expected 1 to 2 (groups)}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 2 groups_per_pack = 3 -> tensor<1x4x1x32xi8>
  return
}

// -----

func.func @unfold_c3(%x: tensor<4x16xi8>, %e: tensor<1x4x1x32xi8>) {
  // expected-error @below {{(C3) x has rank 2, expected kernel, strides, dilations and groups to be 1}}
  %u = imc.unfold ins(%x : tensor<4x16xi8>) outs(%e : tensor<1x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x32xi8>
  return
}

// -----

func.func @unfold_c4(%x: tensor<1x5x4x4xi8>, %e: tensor<2x4x1x32xi8>) {
  // expected-error @below {{(C4) number of packs P is 2, expected 3}}
  %u = imc.unfold ins(%x : tensor<1x5x4x4xi8>) outs(%e : tensor<2x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 5 groups_per_pack = 2 -> tensor<2x4x1x32xi8>
  return
}

// -----

func.func @unfold_c5_windows(%x: tensor<1x2x4x4xi8>, %e: tensor<1x16x1x32xi8>) {
  // expected-error @below {{(C5) number of windows M is 16, expected 4}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x16x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x16x1x32xi8>
  return
}

// -----

func.func @unfold_c5_none(%x: tensor<1x2x4x4xi8>, %e: tensor<1x1x1x64xi8>) {
  // expected-error @below {{(C5) no window fits into 'tensor<1x2x4x4xi8>'}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x1x1x64xi8>)
       kernel = [5, 5] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x1x1x64xi8>
  return
}

// -----

func.func @unfold_c6(%x: tensor<1x2x4x4xi8>, %e: tensor<1x4x1x16xi8>) {
  // expected-error @below {{(C6) there are 1 strips of 16 rows, but 18 rows need 2}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x4x1x16xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x16xi8>
  return
}

// -----

func.func @unfold_c6_no_rows(%x: tensor<1x2x4x4xi8>, %e: tensor<1x4x1x0xi8>) {
  // expected-error @below {{(C6) rows of an array are 0, expected at least 1}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x4x1x0xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x0xi8>
  return
}

// -----

func.func @encode_weights_c1_rank(%w: tensor<18x4xi8>, %e: tensor<2x1x1x32x32xi8>) {
  // expected-error @below {{(C1) groups is 2, expected 1 for a w of rank 2}}
  %c = imc.encode_weights ins(%w : tensor<18x4xi8>) outs(%e : tensor<2x1x1x32x32xi8>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 1> groups = 2 groups_per_pack = 1 -> tensor<2x1x1x32x32xi8>
  return
}

// -----

func.func @encode_weights_c1_groups(%w: tensor<4x1x3x3xi8>, %e: tensor<3x1x1x32x32xi8>) {
  // expected-error @below {{(C1) groups is 3, which does not divide the 4 output channels of w}}
  %c = imc.encode_weights ins(%w : tensor<4x1x3x3xi8>) outs(%e : tensor<3x1x1x32x32xi8>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 1> groups = 3 groups_per_pack = 1 -> tensor<3x1x1x32x32xi8>
  return
}

// -----

func.func @encode_weights_c2(%w: tensor<4x1x3x3xi8>, %e: tensor<1x1x1x32x32xi8>) {
  // expected-error @below {{(C2) number of packs P is 1, expected 4}}
  %c = imc.encode_weights ins(%w : tensor<4x1x3x3xi8>) outs(%e : tensor<1x1x1x32x32xi8>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 1> groups = 4 groups_per_pack = 1 -> tensor<1x1x1x32x32xi8>
  return
}

// -----

func.func @encode_weights_c3(%w: tensor<33x4xi8>, %e: tensor<1x1x1x32x32xi8>) {
  // expected-error @below {{(C3) there are 1 strips of 32 rows, but 33 rows need 2}}
  %c = imc.encode_weights ins(%w : tensor<33x4xi8>) outs(%e : tensor<1x1x1x32x32xi8>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 1> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x32x32xi8>
  return
}

// -----

// 4 weights of 7 magnitude bits, two columns per bit.
func.func @encode_weights_c4(%w: tensor<32x4xi8>, %e: tensor<1x1x1x32x32xi8>) {
  // expected-error @below {{(C4) there are 1 strips of 32 columns, but 56 columns need 2}}
  %c = imc.encode_weights ins(%w : tensor<32x4xi8>) outs(%e : tensor<1x1x1x32x32xi8>)
       encoding = #imc.encoding<differential, weight_bits = 8, cell_bits = 1> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x32x32xi8>
  return
}

// -----

func.func @mvm_c1(%u: tensor<1x4x2x32xi8>, %cells: tensor<1x1x1x32x16xi8>, %acc: tensor<1x4x1x16xi32>) {
  // expected-error @below {{(C1) number of row strips of the cells is 1, expected 2}}
  %a = imc.mvm ins(%u, %cells : tensor<1x4x2x32xi8>, tensor<1x1x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
       input = #imc.input<bits = 8, dac_bits = 1> readout = #imc.readout<adc_bits = 8, lossless_bits = 6, policy = full> -> tensor<1x4x1x16xi32>
  return
}

// -----

func.func @mvm_c1_rows(%u: tensor<1x4x1x32xi8>, %cells: tensor<1x1x1x64x16xi8>, %acc: tensor<1x4x1x16xi32>) {
  // expected-error @below {{(C1) number of rows of the cells is 64, expected 32}}
  %a = imc.mvm ins(%u, %cells : tensor<1x4x1x32xi8>, tensor<1x1x1x64x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
       input = #imc.input<bits = 8, dac_bits = 1> readout = #imc.readout<adc_bits = 8, lossless_bits = 6, policy = full> -> tensor<1x4x1x16xi32>
  return
}

// -----

func.func @mvm_c1_columns(%u: tensor<1x4x1x32xi8>, %cells: tensor<1x1x1x32x16xi8>, %acc: tensor<1x4x1x8xi32>) {
  // expected-error @below {{(C1) number of columns of the destination is 8, expected 16}}
  %a = imc.mvm ins(%u, %cells : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%acc : tensor<1x4x1x8xi32>)
       input = #imc.input<bits = 8, dac_bits = 1> readout = #imc.readout<adc_bits = 8, lossless_bits = 6, policy = full> -> tensor<1x4x1x8xi32>
  return
}

// -----

// 32 rows × 3 = 96 does not fit in 6 bits.
func.func @mvm_c2(%u: tensor<1x4x1x32xi8>, %cells: tensor<1x1x1x32x16xi8>, %acc: tensor<1x4x1x16xi32>) {
  // expected-error @below {{(C2) lossless_bits is 6, but sums of 32 rows driven with 2 bits need at least 7}}
  %a = imc.mvm ins(%u, %cells : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
       input = #imc.input<bits = 8, dac_bits = 2> readout = #imc.readout<adc_bits = 8, lossless_bits = 6, policy = full> -> tensor<1x4x1x16xi32>
  return
}

// -----

func.func @shift_add_c1_packs(%acc: tensor<1x4x1x16xi32>, %u: tensor<2x4x1x32xi8>, %e: tensor<1x4x2x2xi32>) {
  // expected-error @below {{(C1) number of packs of u is 2, expected 1}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<2x4x1x32xi8>) outs(%e : tensor<1x4x2x2xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
  return
}

// -----

func.func @shift_add_c1_windows(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x5x1x32xi8>, %e: tensor<1x4x2x2xi32>) {
  // expected-error @below {{(C1) number of windows of u is 5, expected 4}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x5x1x32xi8>) outs(%e : tensor<1x4x2x2xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
  return
}

// -----

func.func @shift_add_c2(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<1x4x2x2xi32>) {
  // expected-error @below {{(C2) groups is 3, which does not divide the 4 channels of y}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<1x4x2x2xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 3 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
  return
}

// -----

func.func @shift_add_c3(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<1x4x2x2xi32>) {
  // expected-error @below {{(C3) number of packs P is 1, expected 2}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<1x4x2x2xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 2 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
  return
}

// -----

func.func @shift_add_c4(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<1x4x3x3xi32>) {
  // expected-error @below {{(C4) number of windows M is 4, expected 9}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<1x4x3x3xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x3x3xi32>
  return
}

// -----

func.func @shift_add_c5(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<1x5x2x2xi32>) {
  // expected-error @below {{(C5) there are 1 strips of 16 columns, but 20 columns need 2}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<1x5x2x2xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x5x2x2xi32>
  return
}

// -----

func.func @shift_add_c6(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<4x4xi32>) {
  // expected-error @below {{(C6) there are 1 strips of 32 rows, but 40 rows need 2}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<4x4xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 40 -> tensor<4x4xi32>
  return
}

// -----

func.func @shift_add_c6_no_rows(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<4x4xi32>) {
  // expected-error @below {{(C6) group_rows is 0, expected 1 to 2147483647}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<4x4xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 0 -> tensor<4x4xi32>
  return
}

// -----

// Extents whose product does not fit in 64 bits are still compared.
func.func @unfold_c5_huge(%x: memref<4611686018427387904x2x4x4xi8>, %e: memref<1x4x1x32xi8>) {
  // expected-error @below {{(C5) number of windows M is 4, expected 9223372036854775807}}
  imc.unfold ins(%x : memref<4611686018427387904x2x4x4xi8>) outs(%e : memref<1x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1
  return
}

// -----

func.func @unfold_c7(%x: tensor<1x2x4x4xi16>, %e: tensor<1x4x1x32xi8>) {
  // expected-error @below {{(C7) x has elements of 'i16' and the destination of 'i8', expected the same}}
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi16>) outs(%e : tensor<1x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x32xi8>
  return
}

// -----

func.func @encode_weights_c5(%w: tensor<18x4xi8>, %e: tensor<1x1x1x32x32xi8>) {
  // expected-error @below {{(C5) w has elements of 'i8', expected i16 for 16 bits per weight}}
  %c = imc.encode_weights ins(%w : tensor<18x4xi8>) outs(%e : tensor<1x1x1x32x32xi8>)
       encoding = #imc.encoding<offset, weight_bits = 16, cell_bits = 2> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x32x32xi8>
  return
}

// -----

func.func @mvm_c3(%u: tensor<1x4x1x32xi16>, %cells: tensor<1x1x1x32x16xi8>, %acc: tensor<1x4x1x16xi32>) {
  // expected-error @below {{(C3) u has elements of 'i16' and the destination of 'i32', expected i16 and i64 for inputs of 16 bits}}
  %a = imc.mvm ins(%u, %cells : tensor<1x4x1x32xi16>, tensor<1x1x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
       input = #imc.input<bits = 16, dac_bits = 1> readout = #imc.readout<adc_bits = 8, lossless_bits = 8, policy = full> -> tensor<1x4x1x16xi32>
  return
}

// -----

func.func @shift_add_c7(%acc: tensor<1x4x1x32xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<4x4xi64>) {
  // expected-error @below {{(C7) sums have elements of 'i32' and 'i64', expected i64 for inputs of 'i8' and weights of 16 bits}}
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x32xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<4x4xi64>)
       encoding = #imc.encoding<offset, weight_bits = 16, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<4x4xi64>
  return
}
