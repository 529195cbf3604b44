//===- Pipeline.h - What a pipeline takes -----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The schedule `pipeline` in closed form (E-TIME-10, E-TIME-11): every level of
// the model works on an inference of its own. Units: s. O(parts + beats *
// cores), and of products that wait for the global buffer O(their number
// squared) per beat.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_COST_PIPELINE_H
#define IMC_COST_PIPELINE_H

#include "imc/Cost/Cost.h"

#include <vector>

namespace imc::cost {

/// Levels of the layers: a product stands one above what it reads, digital work
/// on that of the digital work before it.
std::vector<int64_t> pipelineLevels(const workload::Workload &workload);

struct PipelineCost {
  int64_t inferences = 0, levels = 0;
  double seconds = 0; ///< fill + steady + drain
  double fill_s = 0;  ///< beats before the last level begins
  double steady_s = 0;
  double drain_s = 0; ///< beats after the last inference has begun
  double beat_s = 0;  ///< the longest beat: time per inference of many
  Time bound_by = Time::Compute; ///< of that beat; Compute: its slowest product
  std::vector<double> beats;     ///< each of them
};

/// For models whose weights stay (Plan::resident), without a batch.
PipelineCost pipelineCost(const workload::Workload &workload,
                          const mapping::Plan &plan,
                          const machine::Machine &machine,
                          const mapping::Knobs &knobs, int64_t inferences);

} // namespace imc::cost

#endif // IMC_COST_PIPELINE_H
