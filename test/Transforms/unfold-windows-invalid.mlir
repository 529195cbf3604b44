// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=4' -imc-unfold-windows=unfolding=products -split-input-file -verify-diagnostics -o /dev/null
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-unfold-windows=unfolding=wide -split-input-file 2>&1 | FileCheck %s --check-prefix=RULE
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-unfold-windows='unfolding=sdk encoding=sign' -split-input-file 2>&1 | FileCheck %s --check-prefix=ENCODING
// RUN: not imc-opt %s -imc-unfold-windows=unfolding=sdk -split-input-file 2>&1 | FileCheck %s --check-prefix=TARGET
// RULE: imc-unfold-windows: 'pass.unfolding' is 'wide', must be one of im2col, sdk, variable_window, products, steps
// ENCODING: imc-unfold-windows: 'pass.encoding' is 'sign', must be one of offset, differential, twos_complement
// TARGET: error: {{.*}}imc.target

module attributes {imc.phase = "quantized"} {
  func.func @nothing_to_do() {
    return
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @no_constant(%q: tensor<1x1x1x5xi8>, %w: tensor<2x1x1x3xi8>) -> tensor<1x2x1x3xi32> {
    %i = arith.constant dense<0> : tensor<1x2x1x3xi32>
    // expected-error @below {{cannot be unfolded: its weight is no constant; use unfolding=im2col}}
    %y = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64} -> tensor<1x2x1x3xi32>
    return %y : tensor<1x2x1x3xi32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @no_data(%q: tensor<1x1x1x5xi8>) -> tensor<1x2x1x3xi32> {
    %w = arith.constant dense_resource<elsewhere> : tensor<2x1x1x3xi8>
    %i = arith.constant dense<0> : tensor<1x2x1x3xi32>
    // expected-error @below {{cannot be unfolded: the data of its weight 'elsewhere' are not in the file; use unfolding=im2col}}
    %y = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64} -> tensor<1x2x1x3xi32>
    return %y : tensor<1x2x1x3xi32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @not_from_zero(%q: tensor<1x1x1x5xi8>, %i: tensor<1x2x1x3xi32>) -> tensor<1x2x1x3xi32> {
    %w = arith.constant dense<1> : tensor<2x1x1x3xi8>
    // expected-error @below {{cannot be unfolded: its sums do not start from zero; add the initial value after imc.dequantize}}
    %y = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64} -> tensor<1x2x1x3xi32>
    return %y : tensor<1x2x1x3xi32>
  }
}
