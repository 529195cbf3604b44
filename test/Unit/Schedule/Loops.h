//===- Loops.h - Recurrent networks to schedule -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_SCHEDULE_LOOPS_H
#define IMC_TEST_UNIT_SCHEDULE_LOOPS_H

#include "Random.h"

#include <algorithm>

namespace imc::test {

/// Lets the layers of `w` from `first` to `last` be a loop of `trips`
/// iterations, each of which was one run of them: the first layer also reads
/// what the last one made in the iteration before.
inline void closeLoop(workload::Workload &w, size_t first, size_t last,
                      int64_t trips, int64_t number = 0) {
  int64_t products = 0;
  for (size_t i = first; i <= last; ++i)
    products += w.layers[i].product() != nullptr;
  for (size_t i = first; i <= last; ++i) {
    workload::Layer &layer = w.layers[i];
    layer.loop = number;
    layer.rowwise = false;
    if (auto *p = std::get_if<workload::Product>(&layer.work)) {
      p->trips = trips;
      p->alternates = products > 1;
    } else if (auto *d = std::get_if<workload::Digital>(&layer.work)) {
      *d = {d->operations * trips, d->input_elements * trips,
            d->output_elements * trips, trips};
    } else {
      auto &m = std::get<workload::DynamicProduct>(layer.work);
      m.macs *= trips;
      m.input_elements *= trips;
      m.output_elements *= trips;
      m.windows = m.rows = m.cols = m.groups = 0;
      m.trips = trips;
    }
  }
  auto add = [](std::vector<int64_t> &edges, int64_t edge) {
    if (std::find(edges.begin(), edges.end(), edge) == edges.end())
      edges.insert(std::upper_bound(edges.begin(), edges.end(), edge), edge);
  };
  add(w.layers[first].inputs, int64_t(last));
  add(w.layers[first].carried, int64_t(last));
}

/// Closes loops around random layers; returns how many.
inline int64_t giveLoops(Random &random, workload::Workload &w) {
  int64_t loops = 0;
  for (size_t first = 0; first < w.layers.size(); ++first) {
    const size_t last =
        std::min<size_t>(w.layers.size() - 1, first + size_t(random.in(0, 4)));
    bool any = false;
    for (size_t i = first; i <= last; ++i)
      any |= w.layers[i].product() != nullptr;
    if (!any || random.chance(30))
      continue;
    closeLoop(w, first, last, random.in(2, 5), loops++);
    // A state that is older than what the same iteration made of it.
    if (last > first && random.chance(40)) {
      workload::Layer &layer = w.layers[last];
      layer.inputs = {int64_t(first), int64_t(last) - 1, int64_t(last)};
      layer.inputs.erase(std::unique(layer.inputs.begin(), layer.inputs.end()),
                         layer.inputs.end());
      layer.right_inputs.clear();
      layer.carried = {int64_t(first), int64_t(last)};
    }
    first = last;
  }
  return loops;
}

/// LSTM: the projection of the whole sequence (unless `inputs` is 0), then for
/// each step codes of the state, the recurrent product and the gates, and a
/// dense layer on all states (unless `outputs` is 0).
inline workload::Workload lstm(int64_t steps, int64_t batch, int64_t inputs,
                               int64_t hidden, int64_t outputs) {
  workload::Workload w;
  w.name = "lstm";
  w.input_elements = steps * batch * std::max(inputs, 4 * hidden);
  const int64_t state = batch * hidden;
  int64_t gates = -1; // what stands for the projection
  if (inputs > 0) {
    gates = 0;
    w.layers.push_back({"project",
                        "matmul",
                        "",
                        workload::matmul(steps * batch, inputs, 4 * hidden),
                        {-1}});
  }
  const auto first = int64_t(w.layers.size());
  w.layers.push_back({"state",
                      "quantize",
                      "",
                      workload::Digital{5 * state, state, state},
                      {}});
  w.layers.push_back({"recur",
                      "matmul",
                      "",
                      workload::matmul(batch, hidden, 4 * hidden),
                      {first}});
  w.layers.push_back({"gates",
                      "generic",
                      "",
                      workload::Digital{30 * state, 9 * state, 2 * state},
                      {gates, first + 1}});
  closeLoop(w, size_t(first), size_t(first) + 2, steps);
  workload::Layer &cell = w.layers.back();
  cell.inputs.push_back(first + 2);
  cell.carried = {first + 2};
  if (outputs > 0)
    w.layers.push_back({"dense",
                        "matmul",
                        "",
                        workload::matmul(steps * batch, hidden, outputs),
                        {first + 2}});
  w.layers.back().output = true;
  return w;
}

/// GRU whose reset gate scales the state before the product of the candidate:
/// two products in the loop.
inline workload::Workload gru(int64_t steps, int64_t batch, int64_t inputs,
                              int64_t hidden) {
  workload::Workload w;
  w.name = "gru";
  w.input_elements = steps * batch * inputs;
  const int64_t state = batch * hidden;
  w.layers = {
      {"project",
       "matmul",
       "",
       workload::matmul(steps * batch, inputs, 3 * hidden),
       {-1}},
      {"state", "quantize", "", workload::Digital{5 * state, state, state}, {}},
      {"recur", "matmul", "", workload::matmul(batch, hidden, 2 * hidden), {1}},
      {"reset",
       "generic",
       "",
       workload::Digital{12 * state, 3 * state, state},
       {0, 2}},
      {"candidate", "matmul", "", workload::matmul(batch, hidden, hidden), {3}},
      {"blend",
       "generic",
       "",
       workload::Digital{25 * state, 5 * state, state},
       {0, 2, 4}}};
  closeLoop(w, 1, 5, steps);
  for (size_t layer : {3, 5}) {
    w.layers[layer].inputs.push_back(5);
    w.layers[layer].carried = {5};
  }
  w.layers.back().output = true;
  return w;
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_SCHEDULE_LOOPS_H
