// RUN: imc-opt %s | imc-opt | FileCheck %s
// RUN: imc-opt %s -emit-bytecode | imc-opt | FileCheck %s

// CHECK-LABEL: @attributes
func.func private @attributes() attributes {
  // CHECK-SAME: a = #imc.encoding<offset, weight_bits = 8, cell_bits = 2>
  a = #imc.encoding<offset, weight_bits = 8, cell_bits = 2>,
  // CHECK-SAME: b = #imc.encoding<differential, weight_bits = 4, cell_bits = 1>
  b = #imc.encoding<differential, weight_bits = 4, cell_bits = 1>,
  // CHECK-SAME: c = #imc.encoding<twos_complement, weight_bits = 8, cell_bits = 1>
  c = #imc.encoding<twos_complement, weight_bits = 8, cell_bits = 1>,
  // CHECK-SAME: d = #imc.input<bits = 8, dac_bits = 3>
  d = #imc.input<bits = 8, dac_bits = 3>,
  // CHECK-SAME: e = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = full>
  e = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = full>,
  // The range is written where it is not that of all sums; order does not matter.
  // CHECK-SAME: e1 = #imc.readout<adc_bits = 6, lossless_bits = 9, range_bits = 7, policy = full>
  e1 = #imc.readout<policy = full, range_bits = 7, lossless_bits = 9, adc_bits = 6>,
  // CHECK-SAME: e2 = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = full>
  e2 = #imc.readout<adc_bits = 6, lossless_bits = 9, range_bits = 9, policy = full>,
  // CHECK-SAME: e3 = #imc.readout<adc_bits = 8, lossless_bits = 8, range_bits = 1, policy = full>
  e3 = #imc.readout<adc_bits = 8, lossless_bits = 8, range_bits = 1, policy = full>,
  // CHECK-SAME: e4 = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = filled>
  e4 = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = filled, ties = half_up>,
  // CHECK-SAME: e5 = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = lossless>
  e5 = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = lossless>,
  // CHECK-SAME: e6 = #imc.readout<adc_bits = 4, lossless_bits = 9, policy = layer, ties = half_even>
  e6 = #imc.readout<ties = half_even, adc_bits = 4, lossless_bits = 9, policy = layer>,
  // CHECK-SAME: e7 = #imc.readout<adc_bits = 4, lossless_bits = 9, policy = array, ties = floor>
  e7 = #imc.readout<adc_bits = 4, lossless_bits = 9, policy = array, ties = floor>,
  // CHECK-SAME: e8 = #imc.readout<adc_bits = 4, lossless_bits = 9, policy = column>
  e8 = #imc.readout<adc_bits = 4, lossless_bits = 9, policy = column>,
  // CHECK-SAME: f = #imc.placement<first_array = 12, copies = 2, packs = 1, row_strips = 5, column_strips = 4>
  f = #imc.placement<first_array = 12, copies = 2, packs = 1, row_strips = 5, column_strips = 4>,
  // CHECK-SAME: g = #imc.knob<[64, 128, 256]>
  g = #imc.knob<[64, 128, 256]>,
  // One number among integers makes all of them numbers.
  // CHECK-SAME: h = #imc.knob<[0.5, 1.0]>
  h = #imc.knob<[0.5, 1]>,
  // CHECK-SAME: i = #imc.knob<["rram", "sram"]>
  i = #imc.knob<["rram", "sram"]>,
  // CHECK-SAME: j = #imc.knob<[0.5, 0.55, 0.6, 0.65]>
  j = #imc.knob<min = 0.5, max = 0.65, step = 0.05>,
  // CHECK-SAME: k = #imc.knob<[32, 64, 128]>
  k = #imc.knob<min = 32, max = 200, factor = 2>,
  // CHECK-SAME: l = #imc.array<rows = #imc.knob<[64, 128]>, cols = 128, control_area_um2 = 100.0>
  l = #imc.array<cols = 128, rows = #imc.knob<[64, 128]>, control_area_um2 = 100>,
  // Integers where numbers are wanted, in a knob too; a default that is not written is not made up.
  // CHECK-SAME: m = #imc.memory<kind = hbm2, energy_pj_per_bit = 6.25, bandwidth_gb_s = #imc.knob<[64.0, 128.0]>>
  m = #imc.memory<kind = hbm2, energy_pj_per_bit = 6.25, bandwidth_gb_s = #imc.knob<[64, 128]>>
}
