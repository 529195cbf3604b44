// RUN: imc-opt %s -split-input-file -imc-attach-target='file=rram-32nm set=machine.rows=32,machine.cols=16' -imc-cost -verify-diagnostics -o /dev/null
// RUN: not imc-opt %s -split-input-file -imc-cost 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: error: {{.*}}imc.target

module attributes {imc.phase = "scheduled"} {
  func.func @nothing() {
    return
  }
}

// -----

// expected-error @below {{imc-cost takes a module in phase 'scheduled', but imc.phase says 'tiled'; run the passes up to 'scheduled' first, e.g. with the pipeline imc-to-scheduled}}
module attributes {imc.phase = "tiled"} {
}

// -----

module attributes {imc.phase = "scheduled"} {
  func.func @not_tiled(%x: tensor<1x2xi8>, %w: tensor<2x1xi8>, %i: tensor<1x1xi32>) -> tensor<1x1xi32> {
    // expected-error @below {{is a product that is not cut into arrays yet; run imc-tile}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) -> tensor<1x1xi32>
    return %y : tensor<1x1xi32>
  }
}

// -----

module attributes {imc.phase = "scheduled"} {
  func.func @not_placed(%x: tensor<4x18xi8>, %w: tensor<18x4xi8>, %i: tensor<1x4x1x16xi32>, %e: tensor<4x4xi32>) -> tensor<4x4xi32> {
    %eu = tensor.empty() : tensor<1x4x1x32xi8>
    %u = imc.unfold ins(%x : tensor<4x18xi8>) outs(%eu : tensor<1x4x1x32xi8>) kernel = [1, 1] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x32xi8>
    %ec = tensor.empty() : tensor<1x1x1x32x16xi8>
    %c = imc.encode_weights ins(%w : tensor<18x4xi8>) outs(%ec : tensor<1x1x1x32x16xi8>) encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x32x16xi8>
    // expected-error @below {{has no placement; run imc-place}}
    %a = imc.mvm ins(%u, %c : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%i : tensor<1x4x1x16xi32>)
      input = #imc.input<bits = 8, dac_bits = 1> readout = #imc.readout<adc_bits = 8, lossless_bits = 7, policy = full> -> tensor<1x4x1x16xi32>
    %y = imc.shift_add ins(%a, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<4x4xi32>)
      encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<4x4xi32>
    return %y : tensor<4x4xi32>
  }
}
