//===- Cost.h - Energy, time and area of a design ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What models cost on a machine under given pass decisions. The way is always
//
//   actions(layer, tiling, ...) -> Counts       how often things happen
//   priceDesign(machine, knobs) -> Prices       what each thing costs, once
//   priceLayer(counts, prices)  -> LayerCost    energy and time of one layer
//
// `evaluate` walks it with names and breakdowns; `Pricer` (Pricer.h) walks the
// same functions in the same order for the search and yields the same doubles.
// Equations carry labels (E-...) that docs/spec/cost-model.md explains;
// assumptions carry labels (A-...) of docs/spec/assumptions.md. Constants come
// from the machine file only.
//
// Units: J, s, mm2, W. Execution is layer by layer (A-SEQ).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_COST_COST_H
#define IMC_COST_COST_H

#include "imc/Machine/Kind.h"
#include "imc/Machine/Target.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Workload/Workload.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace imc::cost {

/// Where energy goes.
enum class Energy {
  Cells,
  Drivers, ///< converters and drivers of the rows
  Adc,
  ShiftAdd,
  TileBuffer,
  GlobalBuffer,
  Noc,
  Memory,      ///< outside the chip
  Programming, ///< writing cells during an inference
  Digital,
  Leakage, ///< standby power times the time of the layer
};
constexpr size_t numEnergies = 11;
const char *name(Energy component);

/// What takes the time of a layer.
enum class Time {
  Compute, ///< input phases and conversions of the arrays
  TileBuffer,
  GlobalBuffer,
  Noc,
  Memory,
  Programming,
  Digital,
  Chain, ///< partial sums that pass from core to core, behind the last products
  Fill,  ///< first loads and last stores, while nothing else runs
};
constexpr size_t numTimes = 9;
const char *name(Time component);

/// Where area goes.
enum class Area {
  Cells,
  Drivers,
  Adc,
  ShiftAdd,
  Control, ///< of the arrays
  TileBuffer,
  GlobalBuffer,
  Noc,
  Digital,
};
constexpr size_t numAreas = 9;
const char *name(Area component);

/// How often things happen during one layer (E-COUNT). All are whole numbers,
/// held as doubles; they depend on the design only through the tiling.
struct Counts {
  double row_drives = 0;      ///< rows driven, over all phases and arrays
  double cell_reads = 0;      ///< programmed cells read
  double idle_reads = 0;      ///< cells at level 0 between packed groups
  double conversions = 0;     ///< ADC conversions
  double strip_adds = 0;      ///< additions of partial sums of row strips
  double tile_reads = 0;      ///< bits read from tile buffers
  double tile_writes = 0;     ///< bits written to tile buffers
  double global_reads = 0;    ///< bits read from the global buffer
  double global_writes = 0;   ///< bits written to it
  double noc_bits = 0;        ///< bits over the network
  double spill_bits = 0;      ///< activations that overflow the global buffer
  double reload_bits = 0;     ///< weights fetched from outside
  double cell_writes = 0;     ///< cells written
  double row_writes = 0;      ///< rows written one after the other
  double operations = 0;      ///< digital operations
  double macs = 0;            ///< digital multiply-accumulates
  double serial_products = 0; ///< matrix-vector products of the busiest array
  double serial_phases = 0;   ///< their input phases
  double phase_columns = 0;   ///< columns that its converters serve per phase
  double arrays = 0;          ///< arrays at work; the others are gated (A-GATE)
  double tiles = 1;           ///< tiles at work
  double groups = 1;          ///< groups at work
};

/// E-PART: what the cores that hold one copy of a product take of a window,
/// added over the cores (A-ORDER, A-CORE): what two of them share counts twice.
struct Shares {
  double channels; ///< whose inputs they load
  double rows;     ///< of K that they read
  double outputs;  ///< to which they add
};

/// What the price of a product needs of the way in which arrays and cores of
/// one size cut it, whatever else the design says.
struct Geometry {
  Shares shares;
  int64_t groups_per_pack, packs, strips, column_tiles; ///< as in its Tiling
  double cut_weights; ///< cuts between arrays that go through a weight
  double full_strips; ///< strips of a group that fill all rows of an array
  int64_t last_rows;  ///< of the strip behind them
};

/// What the converters of a design make of column sums (E-SQNR, E-CLIP), over
/// the signal of one row of a product; made and read by lib/Cost/Sqnr.h.
struct ConverterNoise {
  /// Error of a product that one strip of rows is to blame for.
  struct Strip {
    double variance; ///< over the signal
    double mean;     ///< over its root; the means of all strips add up
  };
  /// Sums of one kind of slice in one kind of input phase.
  struct Sum {
    /// Of what one row adds: mean, standard deviation, and the third and
    /// fourth cumulant in units of the latter.
    double mean, deviation, skewness, excess;
    /// Squares of what these sums count for, added; what they count for, added.
    double square_weight, mean_weight;
  };
  int kinds; ///< of sums; 0: nothing is lost
  Sum sums[4];
  double covariance[4][4]; ///< of the kinds' sums, weighed, per row
  double last;             ///< largest value that the converter reports
  /// Mean and mean square of the rounding error.
  double step_mean, step_square;
  Strip full;         ///< a strip of all rows that an array drives
  Strip quiet;        ///< a strip that is never clipped
  int64_t quiet_rows; ///< rows of the largest such strip
};

/// What things cost on one design: everything of the cost model that does not
/// depend on the layer. Energies in J per action, times in s, areas in mm2.
struct Prices {
  // Energy per action.
  double row_drive, cell_read, idle_read, conversion, shift_add, strip_add;
  double tile_read_bit, tile_write_bit, global_read_bit, global_write_bit;
  double noc_bit, memory_bit, cell_write, operation, mac;
  double leakage_w;       ///< of what is never gated
  double array_leakage_w; ///< of the converters of one array at work
  // Time per action.
  double cycle, setup, read_cycles, tile_bit, global_bit, noc_bit_time,
      noc_hops;
  double noc_links; ///< messages side by side
  double memory_bit_time, row_write, lane_operation;
  // The design as a whole.
  std::array<double, numAreas> area;
  double area_mm2;
  double min_cycle_ns; ///< shortest clock at this supply
  bool has_memory;
  // Noise over signal of a product (E-SQNR): of weights and inputs, and what
  // the converters add.
  double noise_base;
  ConverterNoise converters;
};

/// What the time of a product needs of it whatever the design.
struct Sizes {
  explicit Sizes(const workload::Product &product);
  double windows, rows, outputs;         ///< M, GK, GN
  double groups, group_rows, group_cols; ///< G, K, N
  double weights, input_elements, output_elements;
  double input_channels;                 ///< of all groups, whole
  double line;                           ///< elements of an input row
  double result;                         ///< elements stored per window
  double channels;                       ///< of the input
  double inverse_windows, inverse_width; ///< 1 / M, 1 / windows of a row
};

/// Prices of a design.
Prices priceDesign(const machine::Machine &machine,
                   const mapping::Knobs &knobs);

/// Joule of a conversion that uses `bits` bits on the chip of a design
/// (E-MIXED).
double conversionEnergy(const machine::Machine &machine,
                        const mapping::Knobs &knobs, int64_t bits);

/// `prices` of the design for a product that may have conversions of its own.
Prices pricesOf(const workload::Product &product, Prices prices,
                const machine::Machine &machine, const mapping::Knobs &knobs);

/// What a design can do at most (E-ROOF); 0 where it has no such part.
struct Ceilings {
  double array_macs_per_s = 0;   ///< one array, every cell used
  double lane_macs_per_s = 0;    ///< all lanes
  double global_bytes_per_s = 0; ///< global buffer
  double memory_bytes_per_s = 0; ///< outside the chip
};

/// Energy and time of one layer.
struct LayerCost {
  Counts counts;
  /// What each stream would take alone, weights that are fetched or written
  /// before the layer left out (E-TIME-1 to E-TIME-3); what the chain and the
  /// first and last blocks add (E-TIME-8, E-TIME-9) ...
  std::array<double, numTimes> alone_s{};
  double drain_s = 0; ///< of alone_s[Fill], behind the last product
  /// ... and what fetching and writing them takes (E-TIME-5).
  double fetch_s = 0, write_s = 0;
  std::array<double, numEnergies> energy_j{};
  /// Time by what bounds it; the entries add up to latency_s.
  std::array<double, numTimes> latency_by_s{};
  double total_energy_j = 0;
  double latency_s = 0;
  Time bound_by = Time::Compute; ///< the largest entry
  int64_t macs = 0;              ///< per inference
  int64_t run_macs = 0;          ///< of the whole run
  int64_t arrays = 0;            ///< of one copy; 0 on the digital unit
  double programmed_cells = 0;   ///< of one copy
  int64_t copies = 0;
  int64_t mvms = 0;
};

/// One model on the design. Energy and time are those of one run of the
/// workload, which does `batch` inferences; MACs are per inference.
struct ModelCost {
  std::string name;
  int64_t parameters = 0;
  int64_t macs = 0;
  double energy_j = 0;
  double latency_s = 0;
  double throughput_per_s = 0;
  double power_w = 0;
  double edp_js = 0;
  double edap_js_mm2 = 0;
  double power_density_w_mm2 = 0;
  double peak_power_density_w_mm2 = 0; ///< of the hottest layer
  int64_t logical_arrays = 0;
  int64_t placed_arrays = 0;
  int64_t capacity = 0;
  double utilization = 0; ///< programmed cells / cells of logical arrays
  int64_t mvms = 0;
  /// Closed-form proxy of the arithmetic quality (E-SQNR), not an accuracy:
  /// signal to quantisation noise of the whole chain of products, in dB.
  double sqnr_db = 0;
  /// Bits of the largest sum that the converters drop or clip (E-LOST), 0:
  /// none.
  int64_t adc_lost_bits = 0;
  /// Largest error of one matrix-vector product that dropped bits can cause,
  /// over its largest result (E-DROP); 0 when nothing is dropped.
  double adc_error_bound = 0;
  /// Writing all weights once, before the first inference (not in energy_j
  /// and latency_s).
  double load_energy_j = 0;
  double load_latency_s = 0;
  std::array<double, numEnergies> energy_by_component_j{};
  std::array<double, numTimes> latency_by_component_s{};
  std::vector<LayerCost> layers; ///< parallel to Workload::layers
  Ceilings ceilings;             ///< of the design
  double array_cells = 0;        ///< of one array
};

/// Models on the design.
struct Cost {
  bool feasible = true;
  std::vector<mapping::Violation> violations;
  double area_mm2 = 0;
  std::array<double, numAreas> area_by_component_mm2{};
  std::vector<ModelCost> models;
};

/// Prices one model under a given plan. Violations of machine, knobs, plan and
/// physics are collected; numbers stay finite then, but mean nothing where the
/// design cannot exist.
Cost evaluate(const workload::Workload &workload, const mapping::Plan &plan,
              const machine::Machine &machine, const mapping::Knobs &knobs);

/// Plans and prices several models that use the chip in turn (A-ALONE).
Cost evaluate(llvm::ArrayRef<workload::Workload> workloads,
              const machine::Machine &machine, const mapping::Knobs &knobs);

/// Figures of the machine by itself: all arrays at work on weights and inputs
/// of the given bits (E-FIG). Tera-operations count two per
/// multiply-accumulate.
struct Figures {
  double area_mm2 = 0;
  double cycle_time_ns = 0;
  double energy_per_cycle_pj = 0;
  double tops = 0;
  double tops_per_w = 0;
  double tops_per_mm2 = 0;
  double fj_per_mac = 0;
};
Figures figures(const machine::Machine &machine, const mapping::Knobs &knobs);
/// At `activity.figure_weight_bits` and `figure_input_bits`.
Figures figures(const machine::Machine &machine);

/// Where a design works: supply, node, clock (E-VDD, E-NODE, E-CYCLE).
/// `machine` must outlive the result.
machine::Operating operate(const machine::Machine &machine,
                           const mapping::Knobs &knobs);

/// Shortest clock period that the components allow (E-CYCLE).
units::Time shortestCycle(const machine::Operating &operating);

/// Delay at this supply over delay at the nominal one (E-DELAY). 10 mV above
/// the threshold and below, the value 10 mV above it: such designs are refused
/// by Rule::SupplyVoltage.
double delayFactor(const machine::Technology &technology);

/// Counts one layer. `tiling` is ignored for digital work. `rounds` > 0 says
/// that the cells are written for this layer, that many times over the chip
/// from array `firstArray` on (E-STAY); 0 that the weights are there already.
Counts actions(const workload::Layer &layer, const mapping::Tiling &tiling,
               int64_t copies, int64_t rounds, const machine::Machine &machine,
               const mapping::Knobs &knobs, int64_t firstArray = 0);

/// Counts a product of two activations whose right operand is written into
/// `arrays` arrays, in rounds where it has more.
Counts writtenActions(const workload::DynamicProduct &product,
                      const mapping::Tiling &tiling, int64_t arrays,
                      const machine::Machine &machine,
                      const mapping::Knobs &knobs);

/// Prices what was counted as work that streams in one piece; fills energies,
/// times and totals.
void priceLayer(const Counts &counts, const Prices &prices, LayerCost &cost);

/// Counts and prices a layer; the blocks of a product as they follow each other
/// (E-TIME-6 to E-TIME-9).
void priceLayer(const workload::Layer &layer, const mapping::Tiling &tiling,
                int64_t copies, int64_t rounds, const machine::Machine &machine,
                const mapping::Knobs &knobs, const Prices &prices,
                LayerCost &cost, int64_t firstArray = 0);

/// The same for a product of two activations whose right operand is written
/// into `arrays` arrays.
void priceWritten(const workload::DynamicProduct &product,
                  const mapping::Tiling &tiling, int64_t arrays,
                  const machine::Machine &machine, const mapping::Knobs &knobs,
                  const Prices &prices, LayerCost &cost);

/// Noise over signal of one product (E-SQNR), a pure number.
double noiseToSignal(const workload::Product &product,
                     const mapping::Tiling &tiling, const Prices &prices);

/// Largest error of a product over its largest result that its converters can
/// cause (E-DROP), a pure number; 0 where they lose nothing.
double errorBound(const machine::Machine &machine, const mapping::Knobs &knobs);

/// The object of `imc cost --json` without the keys "version" and "target",
/// which belong to the caller. Entries of one node are merged under its name.
/// `workloads` are those that `cost` was made from, in order.
llvm::json::Object toJSON(const Cost &cost,
                          llvm::ArrayRef<workload::Workload> workloads);

/// The complete object: `version`, target name and the knobs that differ from
/// the target's file or that the user set, as printed names and values.
llvm::json::Value
toJSON(const Cost &cost, llvm::ArrayRef<workload::Workload> workloads,
       llvm::StringRef version, llvm::StringRef target,
       llvm::ArrayRef<std::pair<std::string, std::string>> knobs);

/// The object of `imc targets NAME --json`, key "figures".
llvm::json::Object toJSON(const Figures &figures);

/// The complete object of `imc targets NAME --json`: name, figures, and what
/// the machine's file expects.
llvm::json::Object toJSON(const machine::TargetSpec &spec,
                          const Figures &figures);

} // namespace imc::cost

#endif // IMC_COST_COST_H
