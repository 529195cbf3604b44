// RUN: imc-opt %s -imc-quantize=activations=calibrated -split-input-file -verify-diagnostics
// RUN: not imc-opt %s -imc-quantize=weight-bits=1 -split-input-file 2>&1 | FileCheck %s --check-prefix=WBITS
// RUN: not imc-opt %s -imc-quantize=input-bits=17 -split-input-file 2>&1 | FileCheck %s --check-prefix=IBITS
// RUN: not imc-opt %s -imc-quantize=activations=static -split-input-file 2>&1 | FileCheck %s --check-prefix=ACT
// RUN: not imc-opt %s -imc-quantize=weight-scheme=affine -split-input-file 2>&1 | FileCheck %s --check-prefix=AFFINE
// RUN: not imc-opt %s -imc-quantize=weight-granularity=per_block -split-input-file 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not imc-opt %s -imc-quantize='input-granularity=per_token activations=calibrated' -split-input-file 2>&1 | FileCheck %s --check-prefix=TOKEN
// RUN: not imc-opt %s -imc-quantize='input-scheme=symmetric input-bits=1' -split-input-file 2>&1 | FileCheck %s --check-prefix=MIDDLE
// RUN: not imc-opt %s -imc-quantize=output-bits=8 -split-input-file 2>&1 | FileCheck %s --check-prefix=OUTPUT
// RUN: not imc-opt %s -imc-quantize=input-granularity=per_token -split-input-file 2>&1 | FileCheck %s --check-prefix=CONV
// AFFINE: imc-quantize: weight-scheme = affine cannot be stored: arrays take one offset off all columns (imc.encode_weights), not a zero point per channel; use symmetric
// BLOCK: imc-quantize: weight-granularity = 'per_block' is unknown; use per_channel or per_tensor
// TOKEN: imc-quantize: input-granularity = per_token measures each row at run time; use activations = dynamic, or per_tensor with calibrated ranges
// MIDDLE: imc-quantize: input-scheme = symmetric takes at least 2 input-bits, not 1
// OUTPUT: imc-quantize: output-bits = 8 is refused: products of a float model return f32
// CONV: cannot be quantized: input-granularity = per_token needs rows, and the windows of a convolution share their inputs; use per_tensor
// WBITS: imc-quantize: weight-bits = 1 is out of range; a weight takes 2 to 16 bits (pass.weight_bits)
// IBITS: imc-quantize: input-bits = 17 is out of range; an activation takes 1 to 16 bits (pass.input_bits)
// ACT: imc-quantize: activations = 'static' is unknown; use dynamic (range measured at run time) or calibrated (imc.range)

module attributes {imc.phase = "offloaded"} {
  func.func @no_range(%x: tensor<1x2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
    %w = imc.missing_weight "w" : tensor<2x2xf32>
    // expected-error @below {{has no attribute imc.range = [lo, hi], which activations=calibrated needs; write it with `imc run --calibrate`, or use activations=dynamic}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @no_constant(%x: tensor<1x2xf32>, %w: tensor<2x2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
    // expected-error @below {{cannot be quantized: its weight is no constant; run imc-offload}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2xf32>) {imc.range = [0.0, 1.0]} -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @not_finite(%x: tensor<1x2xf32>, %init: tensor<1x1xf32>) -> tensor<1x1xf32> {
    %w = arith.constant dense<[[1.0], [0x7F800000]]> : tensor<2x1xf32>
    // expected-error-re @below {{cannot be quantized: weight 'weight' holds {{.*}} at element 1; weights must be finite}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x1xf32>) outs(%init : tensor<1x1xf32>) {imc.range = [0.0, 1.0]} -> tensor<1x1xf32>
    return %y : tensor<1x1xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @no_data(%x: tensor<1x2xf32>, %init: tensor<1x1xf32>) -> tensor<1x1xf32> {
    %w = arith.constant dense_resource<absent> : tensor<2x1xf32>
    // expected-error @below {{cannot be quantized: weight 'absent' of type 'tensor<2x1xf32>' has no data; give the model with its weights, or import it without them}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x1xf32>) outs(%init : tensor<1x1xf32>) {imc.range = [0.0, 1.0]} -> tensor<1x1xf32>
    return %y : tensor<1x1xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @integers(%x: tensor<1x2xi8>, %init: tensor<1x1xi32>) -> tensor<1x1xi32> {
    %w = imc.missing_weight "w" : tensor<2x1xi8>
    // expected-error @below {{cannot be quantized: its operands are 'tensor<1x2xi8>', not tensors of f32}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%init : tensor<1x1xi32>) -> tensor<1x1xi32>
    return %y : tensor<1x1xi32>
  }
}

// -----

// expected-error @below {{imc-quantize takes a module in phase 'offloaded', but imc.phase says 'imported'; run the passes up to 'offloaded' first, e.g. with the pipeline imc-to-offloaded}}
module {
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @reversed(%x: tensor<1x2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
    %w = imc.missing_weight "w" : tensor<2x2xf32>
    // expected-error @below {{'imc.range' is [1.000000e+00, 0.000000e+00], expected [lo, hi], finite f64, lo <= hi}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2xf32>) {imc.range = [1.0, 0.0]} -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @bits_of_a_layer(%x: tensor<1x2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
    %w = imc.missing_weight "w" : tensor<2x2xf32>
    // expected-error @below {{cannot be quantized: 'imc.weight_bits' is 17, expected 2 to 16}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2xf32>) {imc.range = [0.0, 1.0], imc.weight_bits = 17 : i64} -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @no_range_conv(%x: tensor<1x1x4x4xf32>, %init: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
    %w = imc.missing_weight "w" : tensor<1x1x1x1xf32>
    // expected-error @below {{has no attribute imc.range = [lo, hi]}}
    %y = imc.conv2d ins(%x, %w : tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) outs(%init : tensor<1x1x4x4xf32>) strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x1x4x4xf32>
    return %y : tensor<1x1x4x4xf32>
  }
}

// -----

module attributes {imc.phase = "offloaded"} {
  func.func @sum_of_a_channel(%x: tensor<1x70000xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
    %w = imc.missing_weight "w" : tensor<70000x2xf32>
    // expected-error @below {{cannot be quantized: a channel has 70000 weights of 16 bits, whose sum may leave 32 bits; take fewer bits (pass.weight_bits), 65538 weights of this many always fit}}
    %y = imc.matmul ins(%x, %w : tensor<1x70000xf32>, tensor<70000x2xf32>) outs(%init : tensor<1x2xf32>) {imc.range = [0.0, 1.0], imc.weight_bits = 16 : i64} -> tensor<1x2xf32>
    return %y : tensor<1x2xf32>
  }
}
