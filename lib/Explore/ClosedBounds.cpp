//===- ClosedBounds.cpp - Least energy and time of the closed model -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProofBounds.h"

#include "imc/Machine/Kind.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::explore;
namespace search = imc::search;
namespace machine = imc::machine;
namespace mapping = imc::mapping;
namespace cost = imc::cost;

/// Designs below a node for each combination of knobs that is priced: a bound
/// must cost less than what it may save.
constexpr double leastDesigns = 8;

std::vector<cost::ModelFigures>
ProofBounds::leastFigures(const machine::Machine &m, const mapping::Knobs &k,
                          const cost::Prices &prices, double arrays,
                          bool copies, bool digital, double &needed) const {
  std::vector<cost::ModelFigures> models;
  const double cells = real(m.array.rows) * real(m.array.cols);
  for (const workload::Workload &workload : problem.workloads()) {
    cost::ModelFigures figures;
    // Of all products that share the arrays: roots of time x arrays.
    double alone = 0, roots = 0, held = 0;
    for (const workload::Layer &layer : workload.layers) {
      if (const workload::Digital *d = layer.digital())
        figures.energy_j += real(d->operations) * prices.operation;
      if (const workload::DynamicProduct *d = layer.dynamicProduct())
        figures.energy_j += digital ? real(d->macs) * prices.mac : 0;
      const workload::Product *p = layer.product();
      if (!p)
        continue;
      // Packing decides about strips and tiles, not about these two.
      const mapping::Tiling t = mapping::tile(*p, m, k);
      // Iterations of a loop follow one another (E-LOOP).
      const double windows = real(p->windows * p->trips),
                   phases = real(t.phases);
      const double width = real(p->cols) * real(t.columns_per_weight);
      const double columns = real(p->groups) * width;
      const double strips = std::ceil(real(p->rows) / real(t.rows));
      const double reads = windows * phases;
      figures.energy_j +=
          reads * real(p->groups * p->rows) * prices.row_drive +
          reads * real(p->rows) * columns * prices.cell_read +
          reads * strips * columns * (prices.conversion + prices.shift_add);
      // E-TIME-1 of one window on one copy.
      const double shared =
          std::min({real(m.adc.share), real(m.array.cols), width});
      const double seconds =
          phases * std::max(prices.read_cycles, shared) * prices.cycle +
          prices.setup;
      const double least = std::ceil(real(p->rows) * columns / cells);
      held += least;
      const double most =
          copies ? std::clamp(std::floor(arrays / least), 1.0, real(p->windows))
                 : 1;
      alone += windows / most * seconds;
      roots += std::sqrt(windows * seconds * least);
    }
    figures.latency_s = alone;
    // Copies of all products are on a non-volatile chip at once. The least sum
    // of time_i / copies_i with arrays_i x copies_i adding up to all arrays is
    // that of Cauchy and Schwarz.
    if (copies && machine::cellKind(m).nonvolatile)
      figures.latency_s = std::max(alone, roots * roots / arrays);
    figures.energy_j += prices.leakage_w * figures.latency_s;
    needed = std::max(needed, held);
    models.push_back(figures);
  }
  return models;
}

void ProofBounds::boundClosed(const search::Genome &design,
                              double mostCombinations,
                              search::Bound &bound) const {
  std::vector<size_t> deciding;
  double combinations = 1, designs = 1;
  for (size_t i = 0; i < design.size(); ++i) {
    const size_t count = countValues(design, i);
    designs *= real(int64_t(count));
    const int knob = static_cast<int>(i);
    if (count == 1 || roles[i] == Role::Mapping || knob == groups ||
        knob == tiles || knob == macros || knob == buffer)
      continue;
    deciding.push_back(i);
    combinations *= real(int64_t(count));
  }
  if (combinations > mostCombinations || combinations * leastDesigns > designs)
    return;
  const machine::Hierarchy &h = problem.base.hierarchy;
  auto most = [&](int knob, int64_t otherwise) {
    return knob >= 0 ? largest(design, static_cast<size_t>(knob))
                     : real(otherwise);
  };
  const double arrays = most(groups, h.groups) *
                        most(tiles, h.tiles_per_group) *
                        most(macros, h.macros_per_tile);
  const bool copies = most(replication, 0) > 0;
  const bool digital = most(dynamic, 0) == 0;

  int broken = -1;
  bool some = false;
  std::vector<double> low(problem.objectives.size(), infinity);
  forEach(design, deciding, [&] {
    if (!decodeValid(design)) {
      std::fill(low.begin(), low.end(), -infinity);
      some = true;
      return;
    }
    if (auto broke = mapping::check(scratch.knobs, scratch.machine);
        !broke.empty()) {
      broken = static_cast<int>(broke.front().rule);
      return;
    }
    const machine::Technology &t = scratch.machine.technology;
    if (t.vdd_v <= t.threshold_v) {
      broken = static_cast<int>(mapping::Rule::SupplyVoltage);
      return;
    }
    cost::Prices prices = cost::priceDesign(scratch.machine, scratch.knobs);
    if (prices.cycle * 1e9 < prices.min_cycle_ns * slack) {
      broken = static_cast<int>(mapping::Rule::CycleTime);
      return;
    }
    double needed = 0;
    const std::vector<cost::ModelFigures> models =
        leastFigures(scratch.machine, scratch.knobs, prices, arrays, copies,
                     digital, needed);
    // Non-volatile chips have arrays for all weights; the area of arrays is
    // their number times that of one.
    if (machine::cellKind(scratch.machine).nonvolatile) {
      if (needed > arrays) {
        broken = static_cast<int>(mapping::Rule::Capacity);
        return;
      }
      const double fewest = real(scratch.machine.arrays());
      double ofArrays = 0;
      for (cost::Area part :
           {cost::Area::Cells, cost::Area::Drivers, cost::Area::Adc,
            cost::Area::ShiftAdd, cost::Area::Control})
        ofArrays += prices.area[static_cast<size_t>(part)];
      if (needed > fewest)
        prices.area_mm2 += ofArrays * (needed / fewest - 1);
    }
    if (areaConstraint >= 0 && prices.area_mm2 * slack > areaLimit) {
      broken = areaConstraint;
      return;
    }
    some = true;
    const std::vector<double> here =
        lowObjectives({prices.area_mm2, models, {}});
    for (size_t j = 0; j < low.size(); ++j)
      low[j] = std::min(low[j], here[j]);
  });
  if (some)
    bound.objectives = std::move(low);
  else
    bound.broken = broken;
}
