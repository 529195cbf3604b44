//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/NSGA2.h"
#include "Algorithms/Genetic.h"
#include "imc/Search/Pareto.h"

#include <algorithm>
#include <numeric>

using namespace imc::search;

namespace {
class NSGA2 final : public Genetic {
public:
  explicit NSGA2(const GeneticOptions &options) : Genetic("nsga2", options) {}

private:
  /// Best front first, in the last one that fits the least crowded.
  std::vector<Index> survivors(const Individuals &all) override {
    for (const std::vector<Index> &front : fronts()) {
      const std::vector<double> distance =
          crowdingDistance(all.levels.data(), numObjectives(), front);
      for (std::size_t i = 0; i < front.size(); ++i)
        crowding[front[i]] = distance[i];
    }
    std::vector<Index> best(all.size());
    std::iota(best.begin(), best.end(), 0);
    std::sort(best.begin(), best.end(), [&](Index a, Index b) {
      if (rank[a] != rank[b])
        return rank[a] < rank[b];
      if (crowding[a] != crowding[b])
        return crowding[a] > crowding[b];
      return a < b;
    });
    if (best.size() > options.population)
      best.resize(options.population);
    return best;
  }
};
} // namespace

Expected<std::unique_ptr<Algorithm>>
imc::search::makeNSGA2(const NSGA2Options &options) {
  const GeneticOptions shared{options.population, options.difference,
                              options.crossover, options.mutations,
                              options.logObjectives};
  if (Status status = Genetic::check("nsga2", shared); !status)
    return status.error();
  return std::unique_ptr<Algorithm>(new NSGA2(shared));
}

namespace imc::search {
AlgorithmInfo describeNSGA2() {
  AlgorithmInfo info;
  info.name = "nsga2";
  info.summary = "NSGA-II for mixed discrete spaces, feasibility first, no "
                 "design twice";
  info.options = Genetic::describe(NSGA2Options());
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    NSGA2Options options;
    if (Status status = Genetic::read(text, options); !status)
      return status.error();
    return makeNSGA2(options);
  };
  return info;
}
} // namespace imc::search
