//===- Legacy.cpp - The accounting of arXiv:2603.03880
//---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Legacy.h"

#include "Layer.h"
#include "LegacyAllocation.h"
#include "LegacyPrices.h"

using namespace imc;
using namespace imc::cost;
using imc::cost::detail::ceilDiv;
using imc::cost::detail::LegacyPriced;
using imc::cost::detail::LegacyPrices;
using imc::cost::detail::real;
using imc::machine::Accounting;
using imc::machine::Machine;
using mapping::Rule;

// Prefixes of the units in machine files.
static constexpr double pico = 1e-12, nano = 1e-9, um2PerMm2 = 1e6;

/// E-LEG-3 to E-LEG-6 of a product that is cut already.
static LegacyCounts count(const workload::Product &p, const mapping::Tiling &t,
                          const Machine &m, const mapping::Knobs &k) {
  LegacyCounts c;
  c.arrays = t.arrays();
  const detail::LegacyAllocation allocation =
      detail::allocate(p, t.columns_per_weight, m);
  c.cycles = allocation.cycles * p.trips;
  c.copies = allocation.copies;

  const double vectors = real(p.windows * p.trips);
  const double held = real(p.weight_elements * t.columns_per_weight);
  const double results = vectors * real(p.groups * p.cols);
  c.cells = vectors * held;
  c.rows = vectors * real(t.packs * t.pack_rows * t.column_tiles);
  c.columns = vectors * real(c.arrays * t.cols);
  c.conversions = results * real(t.columns_per_weight * t.strips);
  c.additions = results * real(t.strips - 1);
  // E-LEG-6: a volatile chip fetches its weights once per inference.
  if (!machine::cellKind(m).nonvolatile) {
    const double weights = real(allocation.weights);
    c.cell_writes = weights * real(t.columns_per_weight) * real(c.copies);
    c.memory_bits = weights * real(k.weight_bits);
  }
  return c;
}

LegacyCounts imc::cost::legacyCounts(const workload::Product &product,
                                     const Machine &machine,
                                     const mapping::Knobs &knobs) {
  return count(product, mapping::tile(product, machine, knobs), machine, knobs);
}

double imc::cost::legacySupplyFactor(const Machine &machine) {
  const machine::Technology &t = machine.technology;
  const double least = 0.01;
  const double nominal = std::max(t.vdd_nominal_v - t.threshold_v, least);
  const double overdrive = std::max(t.vdd_v - t.threshold_v, least);
  return std::pow(nominal / overdrive, machine.accounting.narrow_exponent);
}

LegacyPrices imc::cost::detail::legacyPrices(const Machine &m,
                                             const mapping::Knobs &k) {
  const Accounting &a = m.accounting;
  LegacyPrices p{};
  // Noise terms and external memory are those of the closed model.
  p.design = priceDesign(m, k);
  // No limit of the clock: the paper's clock is free of supply and pulse.
  p.design.min_cycle_ns = 0;

  const double rows = real(m.array.rows), cols = real(m.array.cols);
  const double arrays = real(m.arrays());
  const double supply = m.technology.vdd_v / m.technology.vdd_nominal_v;
  const double narrow = legacySupplyFactor(m) / cols;

  // E-LEG-1: what the paper does not tell apart stands under the component
  // that it grows with.
  p.design.area.fill(0);
  auto area = [&](Area component) -> double & {
    return p.design.area[static_cast<size_t>(component)];
  };
  area(Area::Cells) = arrays * rows * cols * a.cell_area_um2 / um2PerMm2;
  area(Area::Drivers) = arrays * rows *
                        (a.row_area_um2 + a.narrow_row_area_um2 * narrow) /
                        um2PerMm2;
  area(Area::Adc) = arrays * cols * a.column_area_um2 / um2PerMm2;
  area(Area::Control) = a.chip_area_mm2 + arrays * a.array_area_um2 / um2PerMm2;
  area(Area::TileBuffer) = real(m.tiles()) * a.tile_area_mm2;
  area(Area::GlobalBuffer) =
      m.global_buffer.size_mib * a.buffer_area_mm2_per_mib;
  area(Area::Noc) = real(m.hierarchy.groups) * a.group_area_mm2;
  p.design.area_mm2 = 0;
  for (double part : p.design.area)
    p.design.area_mm2 += part;

  // E-LEG-5
  const double swing = machine::cellKind(m).nonvolatile ? 1 : supply * supply;
  p.cell = a.cell_pj * swing * pico;
  p.row = (a.row_pj + a.narrow_row_pj * narrow / cols) * pico;
  p.column = a.column_pj * swing * pico;
  p.conversion = a.conversion_pj * pico;
  p.addition = a.addition_pj * pico * supply * supply;
  p.write = a.write_pj * pico * supply * supply;
  p.memory_bit =
      machine::memoryKind(m).absent ? 0 : m.memory.energy_pj_per_bit * pico;
  p.cycle = m.timing.cycle_time_ns * nano;
  return p;
}

LegacyPriced imc::cost::detail::priceLegacy(const LegacyCounts &c,
                                            const LegacyPrices &p) {
  LegacyPriced priced;
  auto energy = [&](Energy component) -> double & {
    return priced.energy[static_cast<size_t>(component)];
  };
  energy(Energy::Cells) = c.cells * p.cell;
  energy(Energy::Drivers) = c.rows * p.row;
  energy(Energy::Adc) = c.conversions * p.conversion + c.columns * p.column;
  energy(Energy::ShiftAdd) = c.additions * p.addition;
  energy(Energy::Memory) = c.memory_bits * p.memory_bit;
  energy(Energy::Programming) = c.cell_writes * p.write;
  for (double part : priced.energy)
    priced.total += part;
  priced.latency = real(c.cycles) * p.cycle;
  return priced;
}

/// Prices one model and appends it to `cost`.
static void addModel(const workload::Workload &workload, const Machine &machine,
                     const mapping::Knobs &knobs, const LegacyPrices &prices,
                     Cost &cost) {
  ModelCost model;
  model.name = workload.name;
  model.parameters = workload.parameters;
  model.macs = workload.macs();
  model.capacity = machine.arrays();
  model.array_cells = real(machine.array.rows * machine.array.cols);
  // A vector per clock; nothing else bounds a layer.
  model.ceilings.array_macs_per_s =
      model.array_cells /
      (real(mapping::columnsPerWeight(knobs, machine.cell.bits)) *
       prices.cycle);
  const mapping::Tiling none;
  detail::LegacyNeeds needs;
  double noise = 0, held = 0;
  for (const workload::Layer &layer : workload.layers) {
    LayerCost entry;
    entry.run_macs = layer.macs();
    entry.macs = entry.run_macs / workload.batch;
    if (const workload::Product *product = layer.product()) {
      const mapping::Tiling t = mapping::tile(*product, machine, knobs);
      const LegacyCounts c = count(*product, t, machine, knobs);
      const LegacyPriced priced = detail::priceLegacy(c, prices);
      needs.add(layer, t, c, 1);
      Counts &counts = entry.counts;
      counts.row_drives = c.rows;
      counts.cell_reads = c.cells;
      counts.conversions = c.conversions;
      counts.strip_adds = c.additions;
      counts.cell_writes = c.cell_writes;
      counts.reload_bits = c.memory_bits;
      counts.serial_phases = real(c.cycles);
      counts.arrays = real(std::min(c.arrays * c.copies, model.capacity));
      entry.energy_j = priced.energy;
      entry.total_energy_j = priced.total;
      entry.latency_s = priced.latency;
      entry.latency_by_s[static_cast<size_t>(Time::Compute)] = priced.latency;
      entry.alone_s = entry.latency_by_s;
      entry.arrays = c.arrays;
      entry.copies = c.copies;
      entry.mvms = t.mvms(product->windows) * product->trips;
      model.mvms += entry.mvms;
      model.logical_arrays += c.arrays;
      // Every product has the chip for itself.
      model.placed_arrays = std::max(
          model.placed_arrays, std::min(c.arrays * c.copies, model.capacity));
      model.adc_lost_bits =
          std::max(model.adc_lost_bits, mapping::lostBits(knobs, machine));
      noise += noiseToSignal(*product, t, prices.design);
      entry.programmed_cells =
          real(product->weight_elements * t.columns_per_weight);
      held += entry.programmed_cells;
    } else {
      needs.add(layer, none, {}, 1);
    }
    detail::addLayer(model, std::move(entry), cost.area_mm2);
  }
  detail::deriveFigures(model, workload.batch, noise, held, machine, knobs,
                        cost.area_mm2);
  detail::checkLegacyModel(
      workload, machine, knobs, prices, needs, model.power_density_w_mm2,
      [&](Rule rule, double value, double limit) {
        cost.violations.push_back({rule, value, limit, workload.name});
      });
  cost.models.push_back(std::move(model));
}

Cost imc::cost::evaluateLegacy(llvm::ArrayRef<workload::Workload> workloads,
                               const Machine &machine,
                               const mapping::Knobs &knobs) {
  const LegacyPrices prices = detail::legacyPrices(machine, knobs);
  Cost cost;
  cost.area_mm2 = prices.design.area_mm2;
  cost.area_by_component_mm2 = prices.design.area;
  detail::checkDesign(machine, knobs, prices.design,
                      [&](Rule rule, double value, double limit) {
                        cost.violations.push_back(
                            {rule, value, limit, detail::placeOf(rule)});
                      });
  for (const workload::Workload &workload : workloads)
    addModel(workload, machine, knobs, prices, cost);
  cost.feasible = cost.violations.empty();
  return cost;
}

void Pricer::priceLegacy(const Machine &machine, const mapping::Knobs &knobs,
                         DesignCost &result) const {
  const LegacyPrices prices = detail::legacyPrices(machine, knobs);
  result.area_mm2 = prices.design.area_mm2;
  result.capacity = machine.arrays();
  result.models.resize(models.size());
  result.violations.clear();
  int where = -1;
  auto report = [&](Rule rule, double value, double limit) {
    result.violations.push_back({rule, where, value, limit});
  };
  detail::checkDesign(machine, knobs, prices.design, report);

  // E-LEG-3 to E-LEG-6 look at nothing else of a design.
  const std::array<int64_t, 11> key = {
      static_cast<int64_t>(number),
      machine.array.rows,
      machine.drivenRows(),
      machine.array.cols,
      machine.hierarchy.macros_per_tile,
      machine.hierarchy.tiles_per_group,
      machine.hierarchy.groups,
      mapping::columnsPerWeight(knobs, machine.cell.bits),
      static_cast<int64_t>(knobs.group_packing),
      knobs.weight_bits,
      machine::cellKind(machine).nonvolatile};
  const bool known =
      result.legacy.key == key && result.legacy.counts.size() == uniqueProducts;
  if (!known) {
    result.legacy.key = key;
    result.legacy.counts.clear();
  }
  size_t next = 0; // product over all models

  const mapping::Tiling none;
  for (size_t i = 0, e = prepared.size(); i != e; ++i) {
    const Model &model = prepared[i];
    ModelFigures figures;
    const size_t products = model.products.size();
    result.layers.resize(
        std::max(result.layers.size(), model.slots + model.others.size()));
    DesignCost::Layer *slot = result.layers.data();
    detail::LegacyNeeds needs;
    for (size_t u = 0; u != products; ++u) {
      const Shape &shape = model.products[u];
      const workload::Product &product = *shape.layer->product();
      const mapping::Tiling t = mapping::tile(product, machine, knobs);
      if (!known)
        result.legacy.counts.push_back(count(product, t, machine, knobs));
      const LegacyCounts &c = result.legacy.counts[next++];
      const LegacyPriced priced = detail::priceLegacy(c, prices);
      needs.add(*shape.layer, t, c, shape.count);
      slot = std::fill_n(
          slot, shape.count,
          DesignCost::Layer{priced.total, priced.latency,
                            detail::noise(product, t, prices.design)});
      figures.logical_arrays += c.arrays * shape.count;
      figures.placed_arrays =
          std::max(figures.placed_arrays,
                   std::min(c.arrays * c.copies, result.capacity));
      figures.adc_lost_bits =
          std::max(figures.adc_lost_bits, mapping::lostBits(knobs, machine));
    }
    for (size_t u = 0; u != model.others.size(); ++u) {
      needs.add(*model.others[u].layer, none, {}, model.others[u].count);
      *slot++ = {0, 0, 0};
    }
    // Program order, as in the detailed evaluation.
    double noise = 0;
    for (uint32_t index : model.order) {
      const DesignCost::Layer &layer = result.layers[index];
      figures.energy_j += layer.energy_j;
      figures.latency_s += layer.latency_s;
      noise += layer.noise;
    }
    figures.sqnr_db = detail::sqnrDb(noise);
    figures.power_density_w_mm2 = detail::powerDensity(
        figures.energy_j, figures.latency_s, result.area_mm2);
    result.models[i] = figures;
    where = static_cast<int>(i);
    detail::checkLegacyModel(models[i], machine, knobs, prices, needs,
                             figures.power_density_w_mm2, report);
  }
  result.feasible = result.violations.empty();
}

// E-LEG-8: a vector per clock on all arrays, every cell used.
Figures imc::cost::legacyFigures(const Machine &machine,
                                 const mapping::Knobs &knobs) {
  const LegacyPrices p = detail::legacyPrices(machine, knobs);
  const double arrays = real(machine.arrays());
  const double rows = real(machine.array.rows);
  const double cols = real(machine.array.cols);
  const auto weights = real(
      machine.array.cols / mapping::columnsPerWeight(knobs, machine.cell.bits));
  const double energy = arrays * (rows * cols * p.cell + rows * p.row +
                                  cols * (p.column + p.conversion));
  const double macs = arrays * rows * weights;
  Figures f;
  f.area_mm2 = p.design.area_mm2;
  f.cycle_time_ns = machine.timing.cycle_time_ns;
  f.energy_per_cycle_pj = energy / pico;
  f.tops = 2 * macs / p.cycle * pico;
  f.tops_per_w = 2 * macs / energy * pico;
  f.tops_per_mm2 = f.tops / f.area_mm2;
  f.fj_per_mac = macs > 0 ? energy / macs * 1e15 : 0;
  return f;
}
