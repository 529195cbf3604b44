// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=1' -imc-tile | FileCheck %s --check-prefixes=CHECK,SINGLE
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=1' -imc-tile='group-packing=diagonal encoding=differential adc-bits=5' | FileCheck %s --check-prefixes=CHECK,DIAGONAL
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=1' -imc-tile='group-packing=dense encoding=twos_complement' | FileCheck %s --check-prefixes=CHECK,DENSE
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.cell.bits=8,machine.dac.bits=8' -imc-tile | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=1,machine.adc.bits=5,machine.adc.clip_bits=2' -imc-tile | FileCheck %s --check-prefixes=CHECK,CLIP

module attributes {imc.phase = "quantized"} {
  // Ten channels of 3x3, 4-bit weights, 6-bit inputs.
  // CHECK-LABEL: @depthwise
  func.func @depthwise(%x: tensor<1x10x5x5xf32>, %s: tensor<f32>, %z: tensor<i32>, %w: tensor<10x1x3x3xi8>) -> tensor<1x10x3x3xi32> {
    // One channel per array, 4 columns of 1 bit each.
    // SINGLE: imc.encode_weights {{.*}} outs(%{{.*}} : tensor<10x1x1x64x64xi8>) encoding = #imc.encoding<offset, weight_bits = 4, cell_bits = 1> groups = 10 groups_per_pack = 1
    // SINGLE: input = #imc.input<bits = 6, dac_bits = 1> readout = #imc.readout<adc_bits = 10, lossless_bits = 7, policy = full>
    // The largest sum has 7 bits, the converters leave the highest two out.
    // CLIP: readout = #imc.readout<adc_bits = 5, lossless_bits = 7, range_bits = 5, policy = full>
    // Rows allow 64 / 9 = 7 channels, columns 64 / 6 = 10: 7 per array, 2 packs; 3 magnitude bits in pairs.
    // DIAGONAL: imc.encode_weights {{.*}} outs(%{{.*}} : tensor<2x1x1x64x64xi8>) encoding = #imc.encoding<differential, weight_bits = 4, cell_bits = 1> groups = 10 groups_per_pack = 7
    // DIAGONAL: readout = #imc.readout<adc_bits = 5,
    // All ten: 90 rows in 2 strips.
    // DENSE: imc.encode_weights {{.*}} outs(%{{.*}} : tensor<1x2x1x64x64xi8>) encoding = #imc.encoding<twos_complement, weight_bits = 4, cell_bits = 1> groups = 10 groups_per_pack = 10
    // Cells and converters wider than the numbers are used in part.
    // WIDE: cell_bits = 4>
    // WIDE: input = #imc.input<bits = 6, dac_bits = 6>
    %e = tensor.empty() : tensor<1x10x5x5xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x10x5x5xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x10x5x5xi8>) bits = 6 -> tensor<1x10x5x5xi8>
    %i = arith.constant dense<0> : tensor<1x10x3x3xi32>
    %y = imc.conv2d ins(%q, %w : tensor<1x10x5x5xi8>, tensor<10x1x3x3xi8>) outs(%i : tensor<1x10x3x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 10 {imc.weight_bits = 4 : i64} -> tensor<1x10x3x3xi32>
    return %y : tensor<1x10x3x3xi32>
  }
}
