//===- ModelProblem.cpp - Mapping problems of a model ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/ModelProblem.h"

#include <algorithm>

using namespace imc;
using namespace imc::mapping;

replication::Problem
imc::mapping::replicationOf(const workload::Workload &workload,
                            const machine::Machine &machine, const Knobs &knobs,
                            replication::Objective objective) {
  replication::Problem problem;
  problem.objective = objective;
  problem.arrays = machine.arrays();
  problem.core = machine.hierarchy.macros_per_tile;
  for (const workload::Layer &layer : workload.layers)
    if (const workload::Product *product = layer.product()) {
      const Tiling t = tile(*product, machine, knobs);
      problem.layers.push_back({layer.name, product->windows, t.arrays(),
                                t.turns() * product->trips, 1,
                                product->copies});
    }
  return problem;
}

packing::Problem imc::mapping::packingOf(const workload::Workload &workload,
                                         const machine::Machine &machine,
                                         const Knobs &knobs) {
  packing::Problem problem;
  problem.rows = machine.drivenRows();
  problem.cols = machine.array.cols;
  int64_t step = 0;
  for (const workload::Layer &layer : workload.layers) {
    const workload::Product *product = layer.product();
    if (!product)
      continue;
    const Tiling t = tile(*product, machine, knobs);
    for (int64_t pack = 0; pack != t.packs; ++pack) {
      // The last pack may have fewer groups.
      const int64_t groups = std::min(
          t.groups_per_pack, product->groups - pack * t.groups_per_pack);
      const int64_t rows = groups * product->rows;
      const int64_t cols = groups * product->cols * t.columns_per_weight;
      for (int64_t r = 0; r < rows; r += t.rows)
        for (int64_t c = 0; c < cols; c += t.cols)
          problem.tiles.push_back({layer.name, std::min(t.rows, rows - r),
                                   std::min(t.cols, cols - c), step});
    }
    ++step;
  }
  return problem;
}

std::vector<int64_t> imc::mapping::replicate(llvm::ArrayRef<Demand> demands,
                                             int64_t capacity, int64_t core,
                                             Replication rule) {
  replication::Problem problem;
  problem.objective = rule == Replication::ExactBottleneck
                          ? replication::Objective::Bottleneck
                          : replication::Objective::Sum;
  problem.arrays = capacity;
  problem.core = core;
  for (const Demand &d : demands)
    problem.layers.push_back(
        {"", d.windows, d.arrays, d.turns, d.count, d.copies});
  return rule == Replication::MarginalGain ? marginalGain(problem)
                                           : exact(problem);
}
