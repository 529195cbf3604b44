// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm' -imc-tile='range=wide' 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm' -imc-tile='ties=up' 2>&1 | FileCheck %s --check-prefix=TIES
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.adc.bits=6,machine.adc.clip_bits=2' -imc-tile='range=layer' 2>&1 | FileCheck %s --check-prefix=CLIP
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm' -imc-tile='range=array' -imc-lower-to-linalg 2>&1 | FileCheck %s --check-prefix=LOWER

// RANGE: error: imc-tile: 'pass.range' is 'wide', must be one of full, filled, lossless, layer, array, column, phase
// TIES: error: imc-tile: 'pass.ties' is 'up', must be one of half_up, half_even, floor
// Other ranges say themselves what is covered.
// CLIP: error: imc-tile: machine.adc.clip_bits breaks rule 'adc_range': 2.{{[0-9e+]*}} with a limit of 0.{{[0-9e+]*}} bit
// LOWER: error: 'imc.mvm' op cannot be lowered to linalg: policy = array leaves the steps of converters to simulated arrays; use imc accuracy or imc run --arrays simulated, or tile with range=full or range=lossless
module attributes {imc.phase = "quantized"} {
  func.func @main(%x: tensor<1x5xf32>, %s: tensor<f32>, %z: tensor<i32>, %w: tensor<5x2xi8>) -> tensor<1x2xi32> {
    %e = tensor.empty() : tensor<1x5xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x5xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x5xi8>) bits = 8 -> tensor<1x5xi8>
    %i = arith.constant dense<0> : tensor<1x2xi32>
    %y = imc.matmul ins(%q, %w : tensor<1x5xi8>, tensor<5x2xi8>) outs(%i : tensor<1x2xi32>) -> tensor<1x2xi32>
    return %y : tensor<1x2xi32>
  }
}
