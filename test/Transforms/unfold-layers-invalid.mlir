// RUN: imc-opt %s -imc-attach-target=file=rram-32nm -imc-unfold-windows -split-input-file -verify-diagnostics -o /dev/null
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile -split-input-file 2>&1 | FileCheck %s
// CHECK: error: 'imc.conv2d' op cannot be tiled: it is to be unfolded by "steps"; run imc-unfold-windows before

// expected-error @below {{only a convolution without copies of its own has several positions per load}}
module attributes {imc.phase = "quantized"} {
  func.func @copies(%q: tensor<1x1x1x5xi8>) -> tensor<1x2x1x3xi32> {
    %w = imc.missing_weight "w" : tensor<2x1x1x3xi8>
    %i = arith.constant dense<0> : tensor<1x2x1x3xi32>
    %y = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.copies = 3 : i64, imc.input_bits = 6 : i64, imc.unfolding = "sdk"} -> tensor<1x2x1x3xi32>
    return %y : tensor<1x2x1x3xi32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @no_constant(%q: tensor<1x1x1x5xi8>, %w: tensor<2x1x1x3xi8>) -> tensor<1x2x1x3xi32> {
    %i = arith.constant dense<0> : tensor<1x2x1x3xi32>
    // expected-error @below {{cannot be unfolded: its weight is no constant; use unfolding=im2col}}
    %y = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64, imc.unfolding = "steps"} -> tensor<1x2x1x3xi32>
    return %y : tensor<1x2x1x3xi32>
  }
}
