//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Importance.h"

#include <algorithm>

using namespace imc::search;

std::vector<double>
imc::search::knobImportance(const Space &space,
                            const std::vector<Genome> &designs,
                            const std::vector<double> &scores, double share) {
  assert(designs.size() == scores.size() && share > 0 && share < 1);
  std::vector<double> importance(space.numKnobs(), 0);
  if (designs.empty())
    return importance;
  std::vector<double> sorted = scores;
  const std::size_t wanted =
      std::min(sorted.size() - 1, std::size_t(share * double(sorted.size())));
  std::nth_element(sorted.begin(), sorted.begin() + wanted, sorted.end());
  const double border = sorted[wanted];

  double sum = 0;
  for (std::size_t k = 0; k < importance.size(); ++k) {
    const std::size_t count = std::size_t(space.knobs()[k].count);
    std::vector<double> all(count, 1 / double(count)), best = all;
    double numAll = 1, numBest = 1;
    for (std::size_t i = 0; i < designs.size(); ++i) {
      all[designs[i][k]] += 1;
      numAll += 1;
      if (scores[i] <= border) {
        best[designs[i][k]] += 1;
        numBest += 1;
      }
    }
    for (std::size_t v = 0; v < count; ++v) {
      const double p = all[v] / numAll, q = best[v] / numBest;
      importance[k] += (q / p - 1) * (q / p - 1) * p;
    }
    sum += importance[k];
  }
  for (double &value : importance)
    value = sum > 0 ? value / sum : 0;
  return importance;
}
