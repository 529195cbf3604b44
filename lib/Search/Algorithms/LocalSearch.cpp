//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/LocalSearch.h"
#include "Algorithms/Batched.h"
#include "Algorithms/Sampler.h"
#include "imc/Search/Archive.h"

#include <limits>

using namespace imc::search;

namespace {
class LocalSearch final : public Batched {
public:
  explicit LocalSearch(const LocalSearchOptions &options)
      : Batched("local_search"), options(options), archive(1) {}

private:
  struct Candidate {
    Genome design;
    std::vector<double> objectives; // empty: infeasible
    double violation;
  };

  Status begin() override {
    archive = Archive(names.size());
    waiting.clear();
    neighbours.clear();
    seen.clear();
    sampler.start(*space, seed);
    leastViolation = std::numeric_limits<double>::infinity();
    return {};
  }

  /// A candidate is worth expanding if nothing better is known meanwhile.
  bool isCurrent(const Candidate &candidate) {
    if (candidate.objectives.empty())
      return archive.empty() && candidate.violation <= leastViolation;
    return archive.insert(candidate.design, space->encode(candidate.design),
                          candidate.objectives);
  }

  void expand(const Genome &design) {
    for (std::size_t k = 0; k < design.size(); ++k) {
      const Knob &knob = space->knobs()[k];
      for (std::int32_t value = 0; value < knob.count; ++value) {
        if (value == design[k] ||
            (knob.isOrdered() && std::abs(value - design[k]) != 1))
          continue;
        Genome other = design;
        other[k] = value;
        space->canonicalize(other);
        if (seen.insert(space->encode(other)))
          neighbours.push_back(std::move(other));
      }
    }
  }

  void propose(std::size_t limit, std::vector<Genome> &designs) override {
    const std::size_t wanted = std::min(limit, options.batch);
    Stream stream(seed, round, 0, /*purpose=*/0x4C4F4341u);
    while (neighbours.size() < wanted && !waiting.empty()) {
      // In random order, so that no end of the front is favoured.
      const std::size_t pick = stream.below(std::uint32_t(waiting.size()));
      std::swap(waiting[pick], waiting.back());
      const Candidate candidate = std::move(waiting.back());
      waiting.pop_back();
      if (isCurrent(candidate))
        expand(candidate.design);
    }
    if (!neighbours.empty()) {
      const std::size_t count = std::min(wanted, neighbours.size());
      designs.assign(neighbours.begin(), neighbours.begin() + count);
      neighbours.erase(neighbours.begin(), neighbours.begin() + count);
      return;
    }
    // Each start climbs by itself: against an archive of all of them, random
    // designs would be dominated and nothing would be walked from.
    archive = Archive(names.size());
    leastViolation = std::numeric_limits<double>::infinity();
    Genome design;
    while (designs.size() < std::min(limit, options.starts) &&
           sampler.next(design, seen))
      designs.push_back(design);
  }

  void learn(const std::vector<Genome> &designs,
             const std::vector<Evaluation> &evaluations) override {
    for (std::size_t i = 0; i < designs.size(); ++i) {
      const Evaluation &answer = evaluations[i];
      if (!answer.isFeasible()) {
        if (archive.empty() && answer.violation < leastViolation) {
          leastViolation = answer.violation;
          waiting.push_back({designs[i], {}, answer.violation});
        }
        continue;
      }
      const bool isNew = archive.insert(designs[i], space->encode(designs[i]),
                                        answer.objectives);
      if (isNew)
        waiting.push_back({designs[i], answer.objectives, 0});
    }
  }

  LocalSearchOptions options;
  Archive archive;
  std::vector<Candidate> waiting;
  std::vector<Genome> neighbours;
  KeySet seen;
  Sampler sampler;
  double leastViolation = 0;
};
} // namespace

Expected<std::unique_ptr<Algorithm>>
imc::search::makeLocalSearch(const LocalSearchOptions &options) {
  if (options.starts < 1 || options.batch < 1)
    return Error{"local_search: starts is " + std::to_string(options.starts) +
                 " and batch " + std::to_string(options.batch) +
                 "; choose at least 1"};
  return std::unique_ptr<Algorithm>(new LocalSearch(options));
}

namespace imc::search {
AlgorithmInfo describeLocalSearch() {
  AlgorithmInfo info;
  info.name = "local_search";
  info.summary = "Pareto local search: all neighbours of every non-dominated "
                 "design, with restarts";
  const LocalSearchOptions defaults;
  info.options = {
      {"starts", std::to_string(defaults.starts), "random designs of a start"},
      {"batch", std::to_string(defaults.batch), "designs per batch"}};
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    auto starts = readUnsigned(text, "starts", 1, 1u << 30);
    if (!starts)
      return starts.error();
    auto batch = readUnsigned(text, "batch", 1, 1u << 30);
    if (!batch)
      return batch.error();
    LocalSearchOptions options;
    options.starts = *starts;
    options.batch = *batch;
    return makeLocalSearch(options);
  };
  return info;
}
} // namespace imc::search
