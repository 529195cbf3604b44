// RUN: imc-opt %s | imc-opt | FileCheck %s
// RUN: imc-opt %s -emit-bytecode | imc-opt | FileCheck %s

// A complete machine: integers, numbers, names, and fields left to their default. Other tests take this
// file and break one thing (target-invalid.test), or ask it (target-query.mlir).

// CHECK: module attributes {imc.target = #imc.target<"test-chip", description = "for tests", citation = "nobody 2026",
// CHECK-SAME: technology = #imc.technology<node_nm = 32.0, vdd_v = 1.0,
// CHECK-SAME: cell = #imc.cell<kind = rram, bits = 2,
// CHECK-SAME: on_resistance_ohm = 10000.0, off_resistance_ohm = 1.0e+06, write_energy_pj = 0.0, write_row_ns = 0.0>
// CHECK-SAME: array = #imc.array<rows = 128, cols = 64, control_area_um2 = 0.0>
// CHECK-SAME: fit_energy = -4.5, fit_energy_ln_node = 1.0e-07,
// CHECK-SAME: sources = {adc.bits = "table 2", array.rows = "section 3"}
// CHECK-SAME: expected = [{error = 5.000000e-02 : f64, name = "area_mm2", source = "table 5", value = 1.234560e+02 : f64}]
module attributes {imc.target = #imc.target<"test-chip", description = "for tests", citation = "nobody 2026",
  technology = #imc.technology<node_nm = 32, vdd_v = 1, vdd_nominal_v = 1.0, threshold_v = 0.0, alpha = 1.0,
    max_power_density_w_mm2 = 1.0>,
  cell = #imc.cell<
  kind = rram, bits = 2, area_f2 = 1.0, read_pulse_ns = 0.0, read_voltage_v = 0.2, on_resistance_ohm = 1.0e4,
    off_resistance_ohm = 1000000.0, write_energy_pj = 0.0, write_row_ns = 0.0>,
  array = #imc.array<rows = 128, cols = 64, control_area_um2 = 0.0>,
  dac = #imc.dac<bits = 1, energy_fj_per_bit = 0.5, area_um2_per_level = 0.1, gate_ff_per_cell = 0.0,
    wire_ff_per_um = 0.0, row_area_um2 = 0.0>,
  adc = #imc.adc<bits = 8, share = 8, fit_fom_db = 0.0, fit_fom_db_per_ln_hz = 0.0, fit_cap_db = 0.0,
    fit_cap_db_per_bit = 0.0, fit_sndr_db = 0.0, fit_sndr_db_per_bit = 6.02, fit_energy = -4.5,
    fit_energy_ln_node = 1.0e-7, fit_energy_ln_bits = 0.1, fit_area = 12, fit_area_ln_node = 1.0,
    fit_area_ln_rate = 0.25, fit_area_ln_energy = 0.5, leakage_share = 0.0, column_area_um2 = 0.0>,
  shift_add = #imc.shift_add<accumulator_bits = 24, energy_fj_per_bit = 0.0, area_um2 = 0.0>,
  hierarchy = #imc.hierarchy<groups = 8, tiles_per_group = 8, macros_per_tile = 8>,
  tile_buffer = #imc.tile_buffer<size_kib = 1.0, width_bits = 8>,
  global_buffer = #imc.global_buffer<size_mib = 1.0, width_bits = 8>,
  buffer_fit = #imc.buffer_fit<read_pj = 0.0, read_size_exponent = 0.0, read_width_exponent = 0.0, write_pj =
    0.0, write_size_exponent = 0.0, write_width_exponent = 0.0, area_mm2 = 0.0, area_size_exponent = 0.0,
    area_width_exponent = 0.0, leakage_mw = 0.0, leakage_size_exponent = 0.0, access_ns = 0.0,
    access_size_exponent = 0.0>,
  noc = #imc.noc<link_bits = 8, router_pj_per_bit = 0.0, wire_ff_per_um = 0.0, hop_cycles = 8, router_area_mm2
    = 0.0>,
  memory = #imc.memory<kind = none>,
  digital = #imc.digital<lanes_per_tile = 8, operation_pj = 0.0, mac_pj = 0.0, lane_area_um2 = 0.0,
    lane_leakage_uw = 0.0>,
  timing = #imc.timing<cycle_time_ns = 1.0, logic_delay_ns = 0.0>,
  activity = #imc.activity<input_density = 0.0, weight_density = 0.0>,
  sources = {adc.bits = "table 2", array.rows = "section 3"},
  expected = [{name = "area_mm2", value = 123.456 : f64, source = "table 5", error = 0.05 : f64}]
>} {
}
