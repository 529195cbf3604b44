//===- JSON.cpp - Results as an object ------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Simulate/Simulate.h"

using namespace imc;
using namespace imc::simulate;
using llvm::json::Array;
using llvm::json::Object;

static Object stalls(const std::array<double, numStalls> &values) {
  Object o;
  for (size_t i = 0; i != numStalls; ++i)
    if (values[i] > 0)
      o[name(static_cast<Stall>(i))] = values[i];
  return o;
}

static Object energies(const std::array<double, cost::numEnergies> &values) {
  Object o;
  for (size_t i = 0; i != cost::numEnergies; ++i)
    o[cost::name(static_cast<cost::Energy>(i))] = values[i];
  return o;
}

static Object counts(const cost::Counts &c) {
  return Object{{"row_drives", c.row_drives},
                {"cell_reads", c.cell_reads},
                {"idle_reads", c.idle_reads},
                {"conversions", c.conversions},
                {"strip_adds", c.strip_adds},
                {"tile_reads", c.tile_reads},
                {"tile_writes", c.tile_writes},
                {"global_reads", c.global_reads},
                {"global_writes", c.global_writes},
                {"noc_bits", c.noc_bits},
                {"spill_bits", c.spill_bits},
                {"reload_bits", c.reload_bits},
                {"cell_writes", c.cell_writes},
                {"row_writes", c.row_writes},
                {"operations", c.operations},
                {"macs", c.macs},
                {"serial_products", c.serial_products},
                {"serial_phases", c.serial_phases},
                {"phase_columns", c.phase_columns},
                {"arrays", c.arrays},
                {"tiles", c.tiles},
                {"groups", c.groups}};
}

Object imc::simulate::toJSON(const Result &result,
                             const program::Program &program) {
  Array steps, work, parts;
  for (const StepResult &s : result.steps) {
    Object busy;
    for (size_t i = 0; i != cost::numTimes; ++i)
      if (s.busy[i] > 0)
        busy[cost::name(static_cast<cost::Time>(i))] = s.busy[i];
    steps.push_back(Object{{"step", s.index},
                           {"executions", s.executions},
                           {"start_s", s.start},
                           {"end_s", s.end},
                           {"seconds", s.seconds},
                           {"bound_by", cost::name(s.bound_by)},
                           {"busy_s", std::move(busy)}});
  }
  for (const auto *list : {&result.products, &result.kernels})
    for (const WorkResult &w : *list)
      work.push_back(Object{{"name", w.name},
                            {"op", w.op},
                            {"layer", w.layer},
                            {"start_s", w.start},
                            {"end_s", w.end},
                            {"counts", counts(w.counts)},
                            {"energy_j", energies(w.energy_j)}});
  for (const PartResult &p : result.parts) {
    const program::Part &part = program.parts[size_t(p.part)];
    parts.push_back(
        Object{{"part", p.part},
               {"product", program.products[size_t(part.product)].name},
               {"core", part.core},
               {"busy_s", p.busy},
               {"stalls_s", stalls(p.stalls)}});
  }
  std::array<double, numStalls> waits{};
  for (const CoreResult &core : result.cores)
    for (size_t i = 0; i != numStalls; ++i)
      waits[i] += core.stalls[i];
  double links = 0;
  for (double link : result.links)
    links += link;
  return Object{{"model", program.model},
                {"seconds", result.seconds},
                {"inferences", result.inferences},
                {"instructions", result.instructions},
                {"total_energy_j", result.total_energy_j},
                {"energy_j", energies(result.energy_j)},
                {"steps", std::move(steps)},
                {"work", std::move(work)},
                {"parts", std::move(parts)},
                {"core_stalls_s", stalls(waits)},
                {"global_buffer_busy_s", result.global_buffer},
                {"memory_busy_s", result.memory},
                {"links_busy_s", links},
                {"trace_events", result.trace_events}};
}
