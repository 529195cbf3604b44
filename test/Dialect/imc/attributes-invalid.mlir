// RUN: imc-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{weight_bits is 1, expected 2 to 16}}
func.func private @encoding_c1() attributes {a = #imc.encoding<offset, weight_bits = 1, cell_bits = 1>}

// -----

// expected-error @below {{cell_bits is 5, expected 1 to 4}}
func.func private @encoding_c2() attributes {a = #imc.encoding<offset, weight_bits = 4, cell_bits = 5>}

// -----

// expected-error @below {{cell_bits is 9, expected 1 to 8}}
func.func private @encoding_c2_wide() attributes {a = #imc.encoding<offset, weight_bits = 16, cell_bits = 9>}

// -----

// expected-error @below {{cell_bits is 2, expected 1: twos_complement gives the sign bit a column of its own}}
func.func private @encoding_c3() attributes {a = #imc.encoding<twos_complement, weight_bits = 8, cell_bits = 2>}

// -----

// expected-error @below {{expected ::imc::EncodingKind to be one of: offset, differential, twos_complement}}
// expected-error @below {{failed to parse IMC_EncodingAttr parameter 'kind'}}
func.func private @encoding_unknown() attributes {a = #imc.encoding<ternary, weight_bits = 8, cell_bits = 2>}

// -----

// expected-error @below {{bits is 17, expected 1 to 16}}
func.func private @input_c1() attributes {a = #imc.input<bits = 17, dac_bits = 1>}

// -----

// expected-error @below {{dac_bits is 0, expected 1 to 8}}
func.func private @input_c2() attributes {a = #imc.input<bits = 8, dac_bits = 0>}

// -----

// expected-error @below {{adc_bits is 32, expected 1 to 31}}
func.func private @readout_c1() attributes {a = #imc.readout<adc_bits = 32, lossless_bits = 8, policy = full>}

// -----

// expected-error @below {{lossless_bits is 0, expected 1 to 31}}
func.func private @readout_c2() attributes {a = #imc.readout<adc_bits = 8, lossless_bits = 0, policy = full>}

// -----

// expected-error @below {{range_bits is 0, expected 1 to 8, the lossless_bits}}
func.func private @readout_c3_least() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, range_bits = 0, policy = full>}

// -----

// expected-error @below {{range_bits is 9, expected 1 to 8, the lossless_bits}}
func.func private @readout_c3_most() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, range_bits = 9, policy = full>}

// -----

// expected-error @below {{'range_bits' is given twice}}
func.func private @readout_twice() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, range_bits = 6, range_bits = 6, policy = full>}

// -----

// expected-error @below {{a readout has no 'clip_bits', expected adc_bits, lossless_bits, range_bits, policy or ties}}
func.func private @readout_unknown() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, clip_bits = 2, policy = full>}

// -----

// expected-error @below {{a readout needs 'adc_bits'}}
func.func private @readout_incomplete() attributes {a = #imc.readout<lossless_bits = 8, range_bits = 6, policy = full>}

// -----

// expected-error @below {{a readout needs 'policy'}}
func.func private @readout_without_policy() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8>}

// -----

// expected-error @below {{policy is 'floor', expected full, filled, lossless, layer, array, column or phase}}
func.func private @readout_policy() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, policy = floor>}

// -----

// expected-error @below {{ties is 'up', expected half_up, half_even or floor}}
func.func private @readout_ties() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, policy = full, ties = up>}

// -----

// expected-error @below {{'ties' is given twice}}
func.func private @readout_ties_twice() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, policy = full, ties = floor, ties = floor>}

// -----

// expected-error @below {{'policy' is given twice}}
func.func private @readout_policy_twice() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, policy = full, policy = full>}

// -----

// expected-error @below {{range_bits is 6 with policy = column, which says itself what is covered; only full takes a part of the 8 lossless_bits}}
func.func private @readout_c4() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, range_bits = 6, policy = column>}

// -----

// expected-error @below {{range_bits is 6 with policy = lossless, which says itself what is covered}}
func.func private @readout_c4_lossless() attributes {a = #imc.readout<adc_bits = 6, lossless_bits = 8, range_bits = 6, policy = lossless>}

// -----

// expected-error @below {{first_array is -1, expected at least 0}}
func.func private @placement_c1() attributes {a = #imc.placement<first_array = -1, copies = 1, packs = 1, row_strips = 1, column_strips = 1>}

// -----

// expected-error @below {{copies is 0, expected at least 1}}
func.func private @placement_c2_copies() attributes {a = #imc.placement<first_array = 0, copies = 0, packs = 1, row_strips = 1, column_strips = 1>}

// -----

// expected-error @below {{column_strips is 0, expected at least 1}}
func.func private @placement_c2_strips() attributes {a = #imc.placement<first_array = 0, copies = 1, packs = 1, row_strips = 1, column_strips = 0>}

// -----

// expected-error @below {{macros_per_tile is 0, expected at least 1}}
func.func private @placement_c2_tile() attributes {a = #imc.placement<first_array = 0, copies = 1, packs = 1, row_strips = 1, column_strips = 1, macros_per_tile = 0>}

// -----

// expected-error @below {{copies of 3 arrays cannot begin at array 6 of tiles of 8 arrays: as many as fit into a tile lie in one}}
func.func private @placement_c4_small() attributes {a = #imc.placement<first_array = 6, copies = 1, packs = 1, row_strips = 3, column_strips = 1, macros_per_tile = 8>}

// -----

// expected-error @below {{copies of 9 arrays cannot begin at array 6 of tiles of 8 arrays: a copy begins a tile}}
func.func private @placement_c4_large() attributes {a = #imc.placement<first_array = 6, copies = 1, packs = 9, row_strips = 1, column_strips = 1, macros_per_tile = 8>}

// -----

// expected-error @below {{there are more arrays than 64 bits can number}}
func.func private @placement_c3() attributes {a = #imc.placement<first_array = 0, copies = 4294967296, packs = 4294967296, row_strips = 1, column_strips = 1>}

// -----

// expected-error @below {{a knob needs at least one value}}
func.func private @knob_c1_empty() attributes {a = #imc.knob<[]>}

// -----

// expected-error @below {{a knob has the value 64 : i64 twice}}
func.func private @knob_c1_twice() attributes {a = #imc.knob<[64, 128, 64]>}

// -----

// expected-error @below {{values of a knob must all be integers (i64), all numbers (f64) or all strings, but there are 64 : i64 and "rram"}}
func.func private @knob_c2() attributes {a = #imc.knob<[64, "rram"]>}

// -----

// expected-error @below {{a range needs min and max}}
func.func private @knob_range_without_max() attributes {a = #imc.knob<min = 1, step = 2>}

// -----

// expected-error @below {{a range needs either step or factor}}
func.func private @knob_range_without_step() attributes {a = #imc.knob<min = 1, max = 2>}

// -----

// expected-error @below {{'min' is "a", must be a number}}
func.func private @knob_range_of_strings() attributes {a = #imc.knob<min = "a", max = "b", step = 1>}

// -----

// expected-error @below {{'min' is given twice}}
func.func private @knob_range_twice() attributes {a = #imc.knob<min = 1, min = 2, max = 3, step = 1>}

// -----

// expected-error @below {{'upto' is not min, max, step or factor}}
func.func private @knob_range_unknown() attributes {a = #imc.knob<min = 1, upto = 2>}

// -----

// expected-error @below {{unknown attribute '#imc.arrays'}}
func.func private @component_unknown() attributes {a = #imc.arrays<rows = 128>}

// -----

// expected-error @below {{(C1) unknown field 'columns' of #imc.array; its fields are rows, active_rows, cols, control_area_um2}}
func.func private @component_c1() attributes {a = #imc.array<rows = 128, columns = 128>}

// -----

// expected-error @below {{(C2) 'array.rows' is 9000, must be an integer from 1 to 8192}}
func.func private @component_c2_range() attributes {a = #imc.array<rows = 9000, cols = 128, control_area_um2 = 0>}

// -----

// expected-error @below {{(C2) 'array.rows' is '1.285000e+02 : f64', must be an integer from 1 to 8192}}
func.func private @component_c2_type() attributes {a = #imc.array<rows = 128.5, cols = 128, control_area_um2 = 0>}

// -----

// expected-error @below {{(C2) 'array.rows' is '128 : i32', must be an integer from 1 to 8192}}
func.func private @component_c2_storage() attributes {a = #imc.array<rows = 128 : i32, cols = 128, control_area_um2 = 0>}

// -----

// expected-error @below {{(C2) 'memory.kind' is 'paper', must be one of none, lpddr4, ddr3, hbm2, hbm3}}
func.func private @component_c2_name() attributes {a = #imc.memory<kind = paper>}

// -----

// expected-error @below {{(C2) 'array.rows' is 0, must be an integer from 1 to 8192}}
func.func private @component_c2_knob() attributes {a = #imc.array<rows = #imc.knob<[64, 0]>, cols = 128, control_area_um2 = 0>}

// -----

// expected-error @below {{(C3) 'array.cols' is missing: Columns.}}
func.func private @component_c3() attributes {a = #imc.array<rows = 128, control_area_um2 = 0>}

// -----

// expected-error @below {{field 'rows' is given twice}}
func.func private @component_twice() attributes {a = #imc.array<rows = 128, rows = 64, cols = 128>}

// -----

// expected-error @below {{unknown key 'crossbar' of #imc.target; keys are description, citation, technology, cell, array,}}
func.func private @target_key() attributes {a = #imc.target<"t", crossbar = 3>}

// -----

// expected-error @below {{'memory' is given twice}}
func.func private @target_twice() attributes {a = #imc.target<"t", memory = #imc.memory<kind = none>, memory = #imc.memory<kind = none>>}

// -----

// expected-error @below {{component 'array' is #imc.memory, expected #imc.array}}
func.func private @target_other_component() attributes {a = #imc.target<"t", array = #imc.memory<kind = none>>}

// -----

// expected-error @below {{(C1) target "t" has 0 components 'technology', expected one: Process and supply voltage of the chip.}}
func.func private @target_c1() attributes {a = #imc.target<"t", memory = #imc.memory<kind = none>>}
