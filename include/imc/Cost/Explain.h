//===- Explain.h - Why a price is what it is --------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads a cost backwards: what binds a layer and what would bind it next
// (E-BOUND), and how far it is below the roofs of the machine (E-ROOF; Williams
// et al., CACM 52(4), 2009). Units: s, B, MAC/s.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_COST_EXPLAIN_H
#define IMC_COST_EXPLAIN_H

#include "imc/Cost/Cost.h"

namespace imc::cost {

/// What a design can do at most.
Ceilings ceilings(const machine::Machine &machine, const mapping::Knobs &knobs,
                  const Prices &prices);

/// Time by what bounds it when `free` takes no time (numTimes: nothing is
/// free); adds up to the latency that is left.
std::array<double, numTimes> latencyWithout(const LayerCost &layer,
                                            size_t free = numTimes);

/// What binds, and what happens when it is made faster.
struct Binding {
  Time by = Time::Compute;   ///< takes most of the time
  Time next = Time::Compute; ///< takes most of it when `by` takes none
  double slack_s = 0;        ///< by how much the latency falls then
};
/// Of layers that run one after the other.
Binding binding(llvm::ArrayRef<const LayerCost *> layers);

/// One way for data. The bandwidth is that of the parts at work; 0 when there
/// is none.
struct RooflineLevel {
  double bytes = 0;
  double bytes_per_s = 0;
  double macs_per_byte = 0; ///< operational intensity; 0 without bytes
  double macs_per_s = 0; ///< the roof: intensity x bandwidth; 0 without bytes
};

struct Roofline {
  double peak_macs_per_s = 0; ///< arrays held, or lanes of dynamic products
  double attained_macs_per_s = 0;
  RooflineLevel tile_buffer, global_buffer, noc, memory;
  Time roof = Time::Compute; ///< the lowest; Digital: the peak of the lanes
  double roof_macs_per_s = 0;
};

/// The time of layers, phase by phase (E-PHASE); adds up to their latency.
struct Phases {
  double program_s = 0; ///< weights fetched, cells written
  double fill_s = 0;    ///< first loads, before the first products
  double steady_s = 0;  ///< what binds is busy
  double chain_s = 0;   ///< partial sums pass the parts of a copy
  double drain_s = 0;   ///< last stores, behind the last products
};
Phases phasesOf(llvm::ArrayRef<const LayerCost *> layers);

/// All entries of one node of the model: its product with the digital work
/// around it.
struct NodeCost {
  std::string name;
  std::string op, shape; ///< of the product where there is one
  int64_t macs = 0, arrays = 0, copies = 0, mvms = 0;
  double energy_j = 0, latency_s = 0;
  Time bound_by = Time::Compute; ///< what takes most of latency_s
  Binding binding;               ///< the same, and what comes next
  std::array<double, numEnergies> energy_by_j{};
  /// What each stream would take alone, weights fetched and written included.
  std::array<double, numTimes> alone_s{};
  Phases phases;            ///< of latency_s
  double utilization = 0;   ///< programmed cells / cells of its arrays
  double compute_share = 0; ///< of latency_s, during which arrays compute
  Roofline roofline;
};

/// The layers of a model merged by node name, in the order in which the nodes
/// first appear. `workload` is the one that `model` was made from.
std::vector<NodeCost> costByNode(const ModelCost &model,
                                 const workload::Workload &workload);

/// Of the whole model.
Phases phasesOf(const ModelCost &model);
llvm::json::Object toJSON(const Phases &phases);
/// "fill 1.2 us, steady 3.4 us, ...": those that take any time.
std::string describe(const Phases &phases);

/// The whole model against the peak of all arrays that it occupies.
Roofline roofline(const ModelCost &model, const workload::Workload &workload);

llvm::json::Object toJSON(const Roofline &roofline);

/// "1.234 mJ" and the like: four digits and a prefix that suits them.
std::string withPrefix(double value, llvm::StringRef unit);

/// The tables of `imc cost --explain`: per layer its components by energy, its
/// streams by time, what binds and what comes next, and the roofs.
void printExplanation(const ModelCost &model,
                      const workload::Workload &workload,
                      llvm::raw_ostream &os);

} // namespace imc::cost

#endif // IMC_COST_EXPLAIN_H
