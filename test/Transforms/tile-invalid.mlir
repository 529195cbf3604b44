// RUN: imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile -split-input-file -verify-diagnostics -o /dev/null
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile=encoding=sign -split-input-file 2>&1 | FileCheck %s --check-prefix=ENCODING
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile=group-packing=tight -split-input-file 2>&1 | FileCheck %s --check-prefix=PACKING
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile=adc-bits=2 -split-input-file 2>&1 | FileCheck %s --check-prefix=ADC
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile=adc-bits=12 -split-input-file 2>&1 | FileCheck %s --check-prefix=LIMIT
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.cell.bits=2' -imc-tile=encoding=twos_complement -split-input-file 2>&1 | FileCheck %s --check-prefix=TWOS
// RUN: not imc-opt %s -imc-tile -split-input-file 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.adc.bits=6,machine.adc.clip_bits=6' -imc-tile -split-input-file 2>&1 | FileCheck %s --check-prefix=CLIP
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.adc.clip_bits=1' -imc-tile=adc-bits=10 -split-input-file 2>&1 | FileCheck %s --check-prefix=WASTE
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.adc.clip_bits=32' -split-input-file 2>&1 | FileCheck %s --check-prefix=RANGE
// CLIP: imc-tile: machine.adc.clip_bits breaks rule 'adc_range': 6.{{[0-9e+]*}} with a limit of {{.*}} bit
// WASTE: imc-tile: machine.adc.clip_bits breaks rule 'adc_range': 1.{{[0-9e+]*}} with a limit of 0.{{[0-9e+]*}} bit
// RANGE: 'adc.clip_bits' is 32, must be an integer from 0 to 31 bit
// ENCODING: imc-tile: 'pass.encoding' is 'sign', must be one of offset, differential, twos_complement
// PACKING: imc-tile: 'pass.group_packing' is 'tight', must be one of single, diagonal, dense
// The survey's fit begins at 4 bits.
// ADC: imc-tile: pass.adc_bits breaks rule 'adc_bits': 2.{{[0-9e+]*}} with a limit of 4.{{[0-9e+]*}} bit
// LIMIT: imc-tile: pass.adc_bits breaks rule 'adc_bits': {{.*}} with a limit of {{.*}} bit
// TWOS: imc-tile: pass.encoding = twos_complement breaks rule 'encoding'
// TARGET: error: {{.*}}imc.target

module attributes {imc.phase = "quantized"} {
  func.func @nothing_to_do() {
    return
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @floats(%x: tensor<1x2xf32>, %w: tensor<2x1xf32>, %i: tensor<1x1xf32>) -> tensor<1x1xf32> {
    // expected-error @below {{cannot be tiled: its operands are 'tensor<1x2xf32>', not tensors of i8 or i16; run imc-quantize}}
    %y = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x1xf32>) outs(%i : tensor<1x1xf32>) -> tensor<1x1xf32>
    return %y : tensor<1x1xf32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @unknown_bits(%q: tensor<1x2xi8>, %w: tensor<2x1xi8>) -> tensor<1x1xi32> {
    %i = arith.constant dense<0> : tensor<1x1xi32>
    // expected-error @below {{cannot be tiled: its input does not come from imc.quantize, so the number of its bits is unknown; run imc-quantize}}
    %y = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) -> tensor<1x1xi32>
    return %y : tensor<1x1xi32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @not_from_zero(%q: tensor<1x2xi8>, %w: tensor<2x1xi8>, %i: tensor<1x1xi32>) -> tensor<1x1xi32> {
    // expected-error @below {{cannot be tiled: its sums do not start from zero; add the initial value after imc.dequantize}}
    %y = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) -> tensor<1x1xi32>
    return %y : tensor<1x1xi32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @weight_bits_beyond(%x: tensor<1x2xf32>, %s: tensor<f32>, %z: tensor<i32>, %w: tensor<2x1xi8>) -> tensor<1x1xi32> {
    %e = tensor.empty() : tensor<1x2xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x2xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x2xi8>) bits = 8 -> tensor<1x2xi8>
    %i = arith.constant dense<0> : tensor<1x1xi32>
    // expected-error @below {{cannot be tiled: 'pass.weight_bits' is 17, must be an integer from 2 to 16}}
    %y = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.weight_bits = 17 : i64} -> tensor<1x1xi32>
    return %y : tensor<1x1xi32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @weight_bits(%x: tensor<1x2xf32>, %s: tensor<f32>, %z: tensor<i32>, %w: tensor<2x1xi8>) -> tensor<1x1xi32> {
    %e = tensor.empty() : tensor<1x2xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x2xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x2xi8>) bits = 8 -> tensor<1x2xi8>
    %i = arith.constant dense<0> : tensor<1x1xi32>
    // expected-error @below {{cannot be tiled: its weights have 9 bits in elements of 'i8', expected i16; run imc-quantize}}
    %y = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.weight_bits = 9 : i64} -> tensor<1x1xi32>
    return %y : tensor<1x1xi32>
  }
}

// -----

// expected-error @below {{imc-tile takes a module in phase 'quantized', but imc.phase says 'placed'; start again from the module in phase 'quantized'}}
module attributes {imc.phase = "placed"} {
}
