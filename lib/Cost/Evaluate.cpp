//===- Evaluate.cpp - Detailed cost of models on a design
//------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Explain.h"

#include "Layer.h"
#include "Limits.h"
#include "imc/Cost/Legacy.h"
#include "imc/Cost/Unfold.h"

using namespace imc;
using namespace imc::cost;
using mapping::Rule;

/// Prices one model and appends it to `cost`.
static void addModel(const workload::Workload &workload,
                     const mapping::Plan &plan, const machine::Machine &machine,
                     const mapping::Knobs &knobs, const Prices &prices,
                     Cost &cost) {
  ModelCost model;
  model.name = workload.name;
  model.parameters = workload.parameters;
  model.macs = workload.macs();
  model.logical_arrays = plan.logical_arrays;
  model.placed_arrays = plan.placed_arrays;
  model.capacity = plan.capacity;
  model.ceilings = ceilings(machine, knobs, prices);
  model.array_cells =
      static_cast<double>(machine.array.rows * machine.array.cols);

  const mapping::Tiling none;
  double noise = 0, memoryBits = 0, cells = 0, writes = 0;
  double errors = 0; ///< E-DROP of products with a resolution of their own
  auto next = plan.products.begin();
  auto nextDynamic = plan.dynamics.begin();
  for (size_t i = 0, e = workload.layers.size(); i != e; ++i) {
    const workload::Layer &layer = workload.layers[i];
    LayerCost entry;
    entry.run_macs = layer.macs();
    entry.macs = entry.run_macs / workload.batch;
    if (const workload::Product *product = layer.product()) {
      const mapping::PlacedProduct &placed = *next++;
      const mapping::Tiling &t = placed.tiling;
      auto price = [&](const Prices &own) {
        priceLayer(layer, t, placed.copies, placed.rounds, machine, knobs, own,
                   entry, placed.first_array);
      };
      if (product->adc_bits) {
        price(pricesOf(*product, prices, machine, knobs));
        mapping::Knobs own = knobs;
        own.adc_bits = product->adc_bits;
        if (mapping::lostBits(own, machine) > 0)
          errors = std::max(errors, errorBound(machine, own));
      } else {
        price(prices);
      }
      entry.arrays = t.arrays();
      entry.copies = placed.copies;
      entry.mvms = t.mvms(product->windows) * product->trips;
      model.mvms += entry.mvms;
      noise += detail::ownNoise(*product, t, prices, machine, knobs);
      writes +=
          static_cast<double>(placed.rounds * product->writings(placed.rounds));
      model.adc_lost_bits = std::max(
          model.adc_lost_bits,
          mapping::lostBits(mapping::knobsOf(*product, knobs), machine));
      const double programmed =
          static_cast<double>(product->weight_elements * t.columns_per_weight);
      entry.programmed_cells = programmed;
      cells += programmed;
      model.load_energy_j +=
          programmed * static_cast<double>(placed.copies) * prices.cell_write;
    } else if (nextDynamic != plan.dynamics.end() && nextDynamic->layer == i) {
      const mapping::PlacedDynamic &placed = *nextDynamic++;
      const workload::DynamicProduct &dynamic = *layer.dynamicProduct();
      Counts counts;
      detail::Priced priced;
      if (detail::priceDynamic(dynamic, placed, machine, knobs, prices, counts,
                               priced)) {
        const mapping::Tiling &t = placed.tiling;
        entry.arrays = t.arrays();
        entry.copies = 1;
        entry.mvms = t.mvms(dynamic.windows);
        entry.programmed_cells = static_cast<double>(
            dynamic.stored().weight_elements * t.columns_per_weight);
        model.mvms += entry.mvms;
        noise += noiseToSignal(dynamic.stored(), t, prices);
        writes += detail::real(detail::ceilDiv(t.arrays(), placed.arrays));
        model.adc_lost_bits =
            std::max(model.adc_lost_bits, mapping::lostBits(knobs, machine));
      }
      detail::describe(counts, priced, entry);
    } else {
      priceLayer(layer, none, 1, 0, machine, knobs, prices, entry);
    }
    memoryBits += entry.counts.spill_bits + entry.counts.reload_bits;
    detail::addLayer(model, std::move(entry), cost.area_mm2);
  }

  detail::deriveFigures(model, workload.batch, noise, cells, machine, knobs,
                        cost.area_mm2);
  model.adc_error_bound = std::max(model.adc_error_bound, errors);
  // A-WRITE: the arrays of a tile are written one after the other.
  const int64_t perTile =
      std::min(plan.placed_arrays, machine.hierarchy.macros_per_tile);
  model.load_latency_s =
      static_cast<double>(perTile * machine.array.rows) * prices.row_write;

  const bool overflows = !plan.violations.empty();
  const int64_t needed =
      overflows ? static_cast<int64_t>(plan.violations.front().value)
                : plan.logical_arrays;
  detail::checkModel(
      workload, machine, knobs, prices, needed, overflows, memoryBits,
      model.power_density_w_mm2, model.peak_power_density_w_mm2,
      model.latency_s, writes, [&](Rule rule, double value, double limit) {
        cost.violations.push_back({rule, value, limit, workload.name});
      });
  cost.models.push_back(std::move(model));
}

/// Everything that does not depend on a model.
static Cost startCost(const machine::Machine &machine,
                      const mapping::Knobs &knobs, const Prices &prices) {
  Cost cost;
  cost.area_mm2 = prices.area_mm2;
  cost.area_by_component_mm2 = prices.area;
  detail::checkDesign(
      machine, knobs, prices, [&](Rule rule, double value, double limit) {
        cost.violations.push_back({rule, value, limit, detail::placeOf(rule)});
      });
  return cost;
}

Cost imc::cost::evaluate(const workload::Workload &workload,
                         const mapping::Plan &plan,
                         const machine::Machine &machine,
                         const mapping::Knobs &knobs) {
  if (usesLegacy(machine))
    return evaluateLegacy(workload, machine, knobs);
  const Prices prices = priceDesign(machine, knobs);
  Cost cost = startCost(machine, knobs, prices);
  addModel(workload, plan, machine, knobs, prices, cost);
  cost.feasible = cost.violations.empty();
  return cost;
}

Cost imc::cost::evaluate(llvm::ArrayRef<workload::Workload> workloads,
                         const machine::Machine &machine,
                         const mapping::Knobs &knobs) {
  if (llvm::any_of(workloads, [&](const workload::Workload &workload) {
        return unfolds(workload, knobs);
      })) {
    std::vector<workload::Workload> wide;
    for (const workload::Workload &workload : workloads)
      wide.push_back(cost::unfold(workload, machine, knobs));
    mapping::Knobs done = knobs;
    done.unfolding = mapping::UnfoldingRule::Im2col;
    return evaluate(wide, machine, done);
  }
  if (usesLegacy(machine))
    return evaluateLegacy(workloads, machine, knobs);
  const Prices prices = priceDesign(machine, knobs);
  Cost cost = startCost(machine, knobs, prices);
  int64_t arrays = 0;
  for (const workload::Workload &workload : workloads) {
    const mapping::Plan plan = mapping::plan(workload, machine, knobs);
    addModel(workload, plan, machine, knobs, prices, cost);
    if (knobs.residency == mapping::Residency::Together)
      for (const mapping::ProductGroup &group :
           mapping::groupProducts(workload, plan.products))
        arrays = mapping::endOfOneCopy(
            group.demand, machine.hierarchy.macros_per_tile, arrays);
  }
  detail::checkSet(machine, knobs, workloads.size(), arrays,
                   [&](Rule rule, double value, double limit) {
                     cost.violations.push_back(
                         {rule, value, limit, "all models"});
                   });
  cost.feasible = cost.violations.empty();
  return cost;
}
