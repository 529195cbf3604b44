//===- Results.cpp - What was executed, counted and priced ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <set>

using namespace imc;
using namespace imc::simulate;

const char *imc::simulate::name(Stall stall) {
  static const char *const names[numStalls] = {
      "global_buffer", "link",        "tile_buffer", "latency",
      "peer",          "programming", "tensor",      "step"};
  return names[static_cast<size_t>(stall)];
}

std::map<int64_t, double>
imc::simulate::secondsByLayer(const program::Program &program,
                              const Result &result) {
  std::map<int64_t, int64_t> layerOf;
  for (const program::Product &p : program.products)
    for (int64_t r = 0; r < std::max<int64_t>(1, p.rounds); ++r)
      layerOf[p.step + r] = p.layer;
  for (const program::Kernel &k : program.kernels)
    layerOf[k.step] = k.layer;
  std::map<int64_t, double> seconds;
  for (const StepResult &step : result.steps)
    if (auto of = layerOf.lower_bound(step.index); of != layerOf.end())
      seconds[of->second] += step.seconds;
  return seconds;
}

/// What a part did, from its work per window and the windows it executed.
void Simulator::countPart(const PartState &part, cost::Counts &c) const {
  const PartWork &w = *part.work;
  const program::Chip &chip = program.chip;
  const int64_t phases = part.product->tiling.phases;
  const int64_t word = program.inputBits(*part.product),
                sum = chip.accumulator_bits;
  c.row_drives += double(part.windows * phases * w.driven);
  c.cell_reads += double(part.windows * phases * w.cells);
  c.idle_reads += double(part.windows * phases * w.idle);
  c.conversions += double(part.windows * phases * w.columns);
  c.strip_adds +=
      double(part.windows * w.additions + part.received * w.received);

  const int64_t inputs = part.elements * word;
  const int64_t sent = part.sent * w.sent * sum;
  const int64_t stored = part.stored * w.stored;
  c.tile_writes += double(inputs + part.windows * w.outputs * sum);
  c.tile_reads += double(part.windows * part.read_bits + sent + stored * sum);
  c.global_reads += double(inputs);
  c.global_writes += double(stored * word);
  c.noc_bits += double(inputs + stored * word + sent);
  if (part.writes == 0)
    return;
  c.cell_writes += double(part.writes * part.copies * w.cells);
  if (part.product->operand >= 0) {
    const double moved = double(part.writes * w.elements * word);
    c.global_reads += double(part.writes * w.owned * word);
    c.noc_bits += moved;
    c.tile_writes += moved;
    c.tile_reads += moved;
  }
}

void Simulator::countProduct(int64_t index, WorkResult &work) const {
  const program::Product &product = program.products[size_t(index)];
  cost::Counts &c = work.counts;
  // Rows that a core writes one after the other, products that an array does.
  std::map<int64_t, int64_t> rows, serial;
  std::set<int64_t> busy, groups;
  std::vector<std::pair<int64_t, int64_t>> arrays;
  for (int64_t p : partsOf[size_t(index)]) {
    const PartState &part = parts[size_t(p)];
    if (part.windows == 0 && part.writes == 0)
      continue;
    countPart(part, c);
    const int64_t first = program.parts[size_t(p)].first_array;
    rows[part.core] += part.writes * rowsWritten(part);
    serial[first] += part.serial;
    arrays.emplace_back(first, first + part.copies * part.work->arrays);
    busy.insert(part.core);
    groups.insert(part.group);
  }
  for (auto [core, n] : rows)
    c.row_writes = std::max(c.row_writes, double(n));
  for (auto [array, n] : serial)
    c.serial_products = std::max(c.serial_products, double(n));
  c.serial_phases = c.serial_products * double(product.tiling.phases);
  c.phase_columns = double(std::min(
      {machine.adc.share, product.tiling.cols, product.tiling.pack_cols}));
  // Rounds use the same arrays again.
  std::sort(arrays.begin(), arrays.end());
  int64_t end = 0, held = 0;
  for (auto [from, to] : arrays) {
    held += std::max<int64_t>(0, to - std::max(from, end));
    end = std::max(end, to);
  }
  c.arrays = double(held);
  c.tiles = double(std::max<size_t>(1, busy.size()));
  c.groups = double(std::max<size_t>(1, groups.size()));
  c.reload_bits = double(fetched[size_t(index)]);
}

void Simulator::countKernel(int64_t index, WorkResult &work) const {
  const program::Kernel &k = program.kernels[size_t(index)];
  const double all = double(k.pieces) * double(program.chip.cores);
  const double times = double(kernels[size_t(index)].shares) / all;
  cost::Counts &c = work.counts;
  c.operations = double(k.operations) * times;
  c.macs = double(k.macs) * times;
  c.tile_reads = double(k.tile_read_bits) * times;
  c.tile_writes = double(k.tile_write_bits) * times;
  c.global_reads = double(k.global_read_bits) * times;
  c.global_writes = double(k.global_write_bits) * times;
  c.noc_bits = c.global_reads + c.global_writes;
  c.tiles = double(program.chip.cores);
  c.groups = double(links.size());
}

Result Simulator::result() {
  Result r;
  r.seconds = now;
  r.instructions = executed;
  r.inferences = program.inferences;
  partsOf.resize(program.products.size());
  for (const PartState &part : parts)
    partsOf[size_t(part.product_index)].push_back(part.index);
  for (size_t p = 0; p != productWork.size(); ++p)
    countProduct(int64_t(p), productWork[p]);
  for (size_t k = 0; k != kernelWork.size(); ++k)
    countKernel(int64_t(k), kernelWork[k]);

  // What overflows belongs to the work of its step, or to the last before it.
  for (const auto &spill : spilled) {
    const int64_t step = spill.first;
    WorkResult *best = nullptr;
    int64_t at = std::numeric_limits<int64_t>::min();
    auto offer = [&](WorkResult &work, int64_t begins) {
      if (begins <= step && begins > at) {
        at = begins;
        best = &work;
      }
    };
    for (size_t p = 0; p != productWork.size(); ++p)
      offer(productWork[p], program.products[p].step);
    for (size_t k = 0; k != kernelWork.size(); ++k)
      offer(kernelWork[k], program.kernels[k].step);
    if (best)
      best->counts.spill_bits += double(spill.second);
  }

  const auto leakage = size_t(cost::Energy::Leakage);
  const auto adc = size_t(cost::Energy::Adc);
  for (std::vector<WorkResult> *list : {&productWork, &kernelWork})
    for (WorkResult &work : *list) {
      work.start = std::max(work.start, 0.0);
      cost::LayerCost priced;
      cost::priceLayer(work.counts, prices, priced);
      work.energy_j = priced.energy_j;
      work.energy_j[leakage] = 0;
      // prepare() has seen that all resolutions have a price.
      if (list == &productWork)
        if (const int64_t bits =
                program.products[size_t(&work - list->data())].adc_bits)
          work.energy_j[adc] =
              work.counts.conversions * options.conversions.at(bits);
      for (size_t e = 0; e != cost::numEnergies; ++e)
        r.energy_j[e] += work.energy_j[e];
    }
  // E-LEAK: converters only while their arrays compute.
  double standby = prices.leakage_w * r.seconds;
  for (const PartState &part : parts) {
    standby += double(part.copies * part.work->arrays) *
               prices.array_leakage_w * part.arrays.work;
    r.parts.push_back({part.index, part.arrays.work, part.stalls});
  }
  r.energy_j[leakage] = standby;
  for (double e : r.energy_j)
    r.total_energy_j += e;

  for (StepResult &step : steps) {
    step.bound_by = static_cast<cost::Time>(
        std::max_element(step.busy.begin(), step.busy.end()) -
        step.busy.begin());
    r.steps.push_back(step);
  }
  for (const Core &core : cores)
    r.cores.push_back(
        {core.port.work, core.lanes.work, core.programming.work, core.stalls});
  r.cores.pop_back(); // the controller
  r.global_buffer = global.work;
  r.memory = memory.work;
  for (const Server &link : links)
    r.links.push_back(link.work);
  r.products = std::move(productWork);
  r.kernels = std::move(kernelWork);
  r.trace_events = traced;
  return r;
}
