//===- Machine.h - The chip as a plain struct
//------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An in-memory-computing chip as a hierarchy of components, each a struct of
// numbers and enumerations. Members carry the very names that machine files,
// the `#imc.target` attribute and knob paths use ("machine.adc.bits" is
// `Machine::adc.bits`), with the unit as the last part of the name. What a
// member means, its range and its default stand once, in the schema
// (Schema.h); this header only lays out the storage.
//
// A Machine holds resolved numbers only. A description in which some fields
// are still open is a TargetSpec (Target.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MACHINE_MACHINE_H
#define IMC_MACHINE_MACHINE_H

#include <array>
#include <cstddef>
#include <cstdint>

namespace imc::machine {

/// Room for what the kinds of one component have of their own (Kind.h).
template <size_t Room>
using Own = std::array<double, Room>;

/// Whose accounting prices the machine: this project's closed physics, or the
/// closed forms of arXiv:2603.03880 (docs/spec/legacy.md), for regression.
enum class AccountingModel { Closed, Source2026 };

/// How the energy of a circuit changes with the node (Scaling.h).
enum class NodeLaw { StillmakerBaas, Capacitance };

/// Process and supply. Dynamic energies in the file are quoted at
/// vdd_nominal_v and scale with (vdd / nominal)^energy_exponent, delays with
/// the alpha-power law of threshold_v and alpha. Energies, delays and areas of
/// circuits are quoted at quoted_node_nm (0: node_nm) and scale to node_nm.
struct Technology {
  double node_nm = 0, quoted_node_nm = 0;
  NodeLaw node_law = NodeLaw::StillmakerBaas;
  double vdd_v = 0, vdd_nominal_v = 0, threshold_v = 0, alpha = 0;
  double energy_exponent = 2;
  double max_power_density_w_mm2 = 0, max_peak_power_density_w_mm2 = 1e4;
  double min_lifetime_years = 3;
};

/// One memory cell; the resistances belong to RRAM, the capacitance to SRAM.
struct Cell {
  int64_t kind = 0; ///< index into kindsOf(Slot::Cell)
  int64_t bits = 1;
  double area_f2 = 0;
  double read_pulse_ns = 0, read_voltage_v = 0;
  double on_resistance_ohm = 0, off_resistance_ohm = 0;
  double capacitance_ff = 0;
  double write_energy_pj = 0, write_row_ns = 0;
  double endurance_writes = 0; ///< 0: unlimited
  double leakage_nw = 0;
  Own<48> own{};
};

/// One crossbar ("macro"): rows are driven, columns are sensed. `active_rows`
/// of the rows are driven at once (0: all); the row sets take turns at the
/// drivers and converters of the array.
struct Array {
  int64_t rows = 0, cols = 0;
  int64_t active_rows = 0;
  double control_area_um2 = 0;
};

/// Digital-to-analog converters and drivers, one per row.
struct Dac {
  int64_t kind = 0;
  int64_t bits = 1;
  double energy_fj_per_bit = 0, area_um2_per_level = 0;
  double gate_ff_per_cell = 0, wire_ff_per_um = 0;
  double row_area_um2 = 0;
  Own<48> own{};
};

/// Analog-to-digital converters; one serves `share` columns one after the
/// other.
struct Adc {
  int64_t kind = 0;
  int64_t bits = 0, share = 1;
  int64_t clip_bits = 0; ///< leading bits of the largest sum not covered
  double column_area_um2 = 0;
  Own<48> own{};
};

/// Recombination of input phases and bit slices behind each ADC.
struct ShiftAdd {
  int64_t kind = 0;
  int64_t accumulator_bits = 0;
  double energy_fj_per_bit = 0, area_um2 = 0;
  Own<48> own{};
};

/// groups x tiles_per_group x macros_per_tile arrays on the chip.
struct Hierarchy {
  int64_t groups = 1, tiles_per_group = 1, macros_per_tile = 1;
};

/// Buffer of one tile.
struct TileBuffer {
  int64_t kind = 0; ///< index into kindsOf(Slot::Buffer), as below
  double size_kib = 0;
  int64_t width_bits = 0;
  Own<16> own{};
};

/// Buffer of the chip.
struct GlobalBuffer {
  int64_t kind = 0;
  double size_mib = 0;
  int64_t width_bits = 0;
  Own<16> own{};
};

/// Power-law fit of SRAM buffers: quantity = factor * KiB^size * bits^width.
/// Of buffers of kind `fit`.
struct BufferFit {
  double read_pj = 0, read_size_exponent = 0, read_width_exponent = 0;
  double write_pj = 0, write_size_exponent = 0, write_width_exponent = 0;
  double area_mm2 = 0, area_size_exponent = 0, area_width_exponent = 0;
  double leakage_mw = 0, leakage_size_exponent = 0;
  double access_ns = 0, access_size_exponent = 0;
};

/// What joins the groups and the global buffer; router_* belong to the mesh.
struct Noc {
  int64_t kind = 0;
  int64_t link_bits = 0;
  double router_pj_per_bit = 0, wire_ff_per_um = 0;
  int64_t hop_cycles = 0;
  double router_area_mm2 = 0;
  Own<16> own{};
};

/// Memory outside the chip. Kind 0 is none: the chip holds everything itself.
struct Memory {
  int64_t kind = 0;
  double energy_pj_per_bit = 0, bandwidth_gb_s = 0;
  Own<24> own{};
};

/// Digital units of the tiles: everything that is not a product with stored
/// weights. The fields belong to the lanes.
struct Digital {
  int64_t kind = 0;
  int64_t lanes_per_tile = 0;
  double operation_pj = 0, mac_pj = 0;
  double lane_area_um2 = 0, lane_leakage_uw = 0;
  Own<16> own{};
};

/// Clock of the chip, the shortest one that its logic allows at the nominal
/// supply, and the time before the first input phase of every product.
struct Timing {
  double cycle_time_ns = 0, logic_delay_ns = 0, setup_ns = 0;
};

/// Mean values that energies depend on, as shares of full scale.
struct Activity {
  double input_density = 0, weight_density = 0;
  /// Bits at which the machine's own figures are quoted (cost::figures).
  int64_t figure_weight_bits = 8, figure_input_bits = 8;
};

/// Constants of the accounting `model` where it is not the closed one; the
/// narrow_* members and the powers of the supply are explained by E-LEG-2.
struct Accounting {
  AccountingModel model = AccountingModel::Closed;
  double chip_area_mm2 = 0, buffer_area_mm2_per_mib = 0;
  double group_area_mm2 = 0, tile_area_mm2 = 0, array_area_um2 = 0;
  double row_area_um2 = 0, column_area_um2 = 0, cell_area_um2 = 0;
  double narrow_row_area_um2 = 0;
  double cell_pj = 0, row_pj = 0, column_pj = 0, conversion_pj = 0;
  double addition_pj = 0, write_pj = 0, narrow_row_pj = 0;
  double narrow_exponent = 0;
};

/// The whole chip. Value type; equality is member-wise.
struct Machine {
  Technology technology;
  Cell cell;
  Array array;
  Dac dac;
  Adc adc;
  ShiftAdd shift_add;
  Hierarchy hierarchy;
  TileBuffer tile_buffer;
  GlobalBuffer global_buffer;
  BufferFit buffer_fit;
  Noc noc;
  Memory memory;
  Digital digital;
  Timing timing;
  Activity activity;
  Accounting accounting;

  /// Tiles on the chip.
  int64_t tiles() const { return hierarchy.groups * hierarchy.tiles_per_group; }
  /// Arrays on the chip.
  int64_t arrays() const { return tiles() * hierarchy.macros_per_tile; }
  /// Rows driven at once: those of a tile of a product.
  int64_t drivenRows() const {
    return array.active_rows ? array.active_rows : array.rows;
  }
  /// Tiles of products that one array holds.
  int64_t rowSets() const { return array.rows / drivenRows(); }
  /// Columns that one ADC serves: it never serves more than one array.
  int64_t columnsPerAdc() const {
    return adc.share < array.cols ? adc.share : array.cols;
  }
  /// ADCs of one array.
  int64_t adcsPerArray() const {
    int64_t columns = columnsPerAdc();
    return (array.cols + columns - 1) / columns;
  }
};

bool operator==(const Machine &a, const Machine &b);
inline bool operator!=(const Machine &a, const Machine &b) { return !(a == b); }

} // namespace imc::machine

#endif // IMC_MACHINE_MACHINE_H
