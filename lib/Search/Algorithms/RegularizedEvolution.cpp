//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/RegularizedEvolution.h"
#include "Algorithms/Batched.h"
#include "Algorithms/Genetic.h"
#include "imc/Search/Pareto.h"

#include <deque>

using namespace imc::search;

namespace {
class RegularizedEvolution final : public Batched {
public:
  explicit RegularizedEvolution(const RegularizedEvolutionOptions &options)
      : Batched("regularized_evolution"), options(options) {}

  std::vector<Genome> population() const override {
    std::vector<Genome> designs;
    for (const Individual &individual : alive)
      designs.push_back(individual.design);
    return designs;
  }

private:
  struct Individual {
    Genome design;
    double violation, score;
  };

  Status begin() override {
    alive.clear();
    seen.clear();
    sampler.start(*space, seed);
    return {};
  }

  void propose(std::size_t limit, std::vector<Genome> &designs) override {
    const bool filling = alive.size() < options.population;
    std::size_t wanted = std::min(limit, options.batch);
    if (filling)
      wanted = std::min(limit, options.population - alive.size());
    Genome design;
    for (std::uint32_t i = 0; i < wanted; ++i) {
      if (!(filling ? sampler.next(design, seen) : makeChild(i, design)))
        return;
      designs.push_back(design);
    }
  }

  bool makeChild(std::uint32_t number, Genome &child) {
    Stream stream(seed, round, number);
    const std::uint32_t n = std::uint32_t(alive.size());
    const Individual *parent = nullptr;
    for (std::size_t i = 0; i < options.sample; ++i) {
      const Individual &other = alive[stream.below(n)];
      if (!parent || other.violation < parent->violation ||
          (other.violation == parent->violation && other.score < parent->score))
        parent = &other;
    }
    child = parent->design;
    // Known designs walk on until they are new; a neighbourhood that is used up
    // ends in a random design.
    const std::uint32_t k = std::uint32_t(child.size());
    for (int i = 0; i < 64; ++i) {
      const std::uint32_t gene = stream.below(k);
      mutateGene(stream, space->knobs()[gene], child[gene]);
      space->canonicalize(child);
      if (seen.insert(space->encode(child)))
        return true;
    }
    return sampler.next(child, seen);
  }

  void learn(const std::vector<Genome> &designs,
             const std::vector<Evaluation> &evaluations) override {
    for (std::size_t i = 0; i < designs.size(); ++i) {
      double score = 0;
      if (evaluations[i].isFeasible())
        for (double value : evaluations[i].objectives)
          score += options.logObjectives ? portableLog2(value) : value;
      alive.push_back({designs[i], evaluations[i].violation, score});
    }
    while (alive.size() > options.population)
      alive.pop_front();
  }

  Status check(const Genome &design,
               const Evaluation &evaluation) const override {
    if (options.logObjectives && evaluation.isFeasible())
      for (std::size_t j = 0; j < names.size(); ++j)
        if (!(evaluation.objectives[j] > 0))
          return Error{name + ": objective '" + names[j] + "' is " +
                       std::to_string(evaluation.objectives[j]) +
                       " for design {" + space->describe(design) +
                       "}, but logarithms need positive values; set "
                       "log_objectives=false"};
    return {};
  }

  RegularizedEvolutionOptions options;
  std::deque<Individual> alive; // oldest first
  KeySet seen;
  Sampler sampler;
};
} // namespace

Expected<std::unique_ptr<Algorithm>> imc::search::makeRegularizedEvolution(
    const RegularizedEvolutionOptions &options) {
  if (options.population < 2 || options.sample < 1 || options.batch < 1)
    return Error{"regularized_evolution: population is " +
                 std::to_string(options.population) + ", sample " +
                 std::to_string(options.sample) + ", batch " +
                 std::to_string(options.batch) +
                 "; choose at least 2, 1 and 1"};
  return std::unique_ptr<Algorithm>(new RegularizedEvolution(options));
}

namespace imc::search {
AlgorithmInfo describeRegularizedEvolution() {
  AlgorithmInfo info;
  info.name = "regularized_evolution";
  info.summary = "mutates the best of small samples; the oldest design leaves";
  const RegularizedEvolutionOptions defaults;
  info.options = {
      {"population", std::to_string(defaults.population), "designs alive"},
      {"sample", std::to_string(defaults.sample),
       "designs of which the best is mutated"},
      {"batch", std::to_string(defaults.batch), "designs per batch"},
      {"log_objectives", "false",
       "steer by the product of the objectives instead of their sum"}};
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    auto population = readUnsigned(text, "population", 2, 1000000);
    if (!population)
      return population.error();
    auto sample = readUnsigned(text, "sample", 1, 1000000);
    if (!sample)
      return sample.error();
    auto batch = readUnsigned(text, "batch", 1, 1u << 30);
    if (!batch)
      return batch.error();
    auto log = readFlag(text, "log_objectives");
    if (!log)
      return log.error();
    RegularizedEvolutionOptions options;
    options.population = *population;
    options.sample = *sample;
    options.batch = *batch;
    options.logObjectives = *log;
    return makeRegularizedEvolution(options);
  };
  return info;
}
} // namespace imc::search
