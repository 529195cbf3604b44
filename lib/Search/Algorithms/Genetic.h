//===- Genetic.h - What genetic algorithms share ----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ask, tell, variation and the ranks of a population that never asks for a
// design twice. NSGA-II and NSGA-III differ in which individuals survive.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SEARCH_ALGORITHMS_GENETIC_H
#define IMC_LIB_SEARCH_ALGORITHMS_GENETIC_H

#include "Sampler.h"
#include "imc/Search/Algorithm.h"
#include "imc/Search/Random.h"

namespace imc::search {

/// Options of variation and size; meanings as in Algorithms/NSGA2.h.
struct GeneticOptions {
  std::size_t population;
  double difference, crossover, mutations;
  bool logObjectives;
};

/// Rows of a growing table, one per individual; flat, because copying 200 small
/// vectors per generation would dominate the driver's time.
struct Individuals {
  std::vector<std::int32_t> genes; // numKnobs per row
  std::vector<double> objectives;  // m per row, as told
  std::vector<double> levels;      // m per row, what distances are measured in
  std::vector<double> violation;

  std::size_t size() const { return violation.size(); }
};

class Genetic : public Algorithm {
public:
  using Index = std::uint32_t;

  Status start(const SearchContext &context) override;
  Batch ask(std::size_t limit) final;
  Status tell(std::uint64_t id, const Evaluation &evaluation) final;
  std::vector<Genome> population() const final;

  /// Refuses options out of range under the algorithm's name.
  static Status check(const std::string &name, const GeneticOptions &options);
  /// The options as text, and their reading; `defaults` are an Options of
  /// Algorithms/*.h.
  template <typename Options>
  static std::vector<AlgorithmInfo::Option> describe(const Options &defaults);
  template <typename Options>
  static Status read(const AlgorithmOptions &text, Options &options);

protected:
  Genetic(std::string name, const GeneticOptions &options)
      : options(options), name(std::move(name)) {}

  /// Chooses at most options.population rows of `all`, for which `rank` holds
  /// the fronts, and may set `crowding` (of all rows; larger is preferred among
  /// equal ranks when parents are chosen).
  virtual std::vector<Index> survivors(const Individuals &all) = 0;

  /// The feasible rows by front; without copies, see rankAll().
  const std::vector<std::vector<Index>> &fronts() const { return members; }
  std::size_t numObjectives() const { return names.size(); }
  std::uint64_t seedOf() const { return seed; }
  std::uint32_t generationNow() const { return generation; }

  const GeneticOptions options;
  std::vector<Index> rank;      // of the population; of all during survivors()
  std::vector<double> crowding; // likewise

private:
  void select();
  void rankAll(const Individuals &all);
  Index tournament(Stream &stream) const;
  bool makeChild(Index number, Genome &child);
  void crossGenes(Stream &stream, Index a, Index b, Genome &child) const;
  void addDifference(Stream &stream, Genome &child) const;
  bool sample(Genome &design);

  const std::string name;
  const Space *space = nullptr;
  std::vector<std::string> names;
  std::uint64_t seed = 0;
  std::uint32_t generation = 0;
  KeySet seen;
  Sampler sampler;
  Individuals individuals;
  std::vector<std::vector<Index>> members;

  // The batch that is out.
  Individuals offspring;
  std::vector<bool> answered;
  std::uint64_t firstId = 0;
  std::size_t outstanding = 0;
};

/// Moves one gene: an ordered knob by steps of all magnitudes, a categorical
/// one to any other value.
void mutateGene(Stream &stream, const Knob &knob, std::int32_t &gene);

template <typename Options>
std::vector<AlgorithmInfo::Option> Genetic::describe(const Options &defaults) {
  // std::to_string would write 0.300000.
  const auto text = [](double value) {
    std::string digits = std::to_string(value);
    digits.erase(digits.find_last_not_of('0') + 1);
    return digits;
  };
  return {{"population", std::to_string(defaults.population),
           "designs per generation"},
          {"crossover", text(defaults.crossover),
           "probability that any other child has two parents"},
          {"difference", text(defaults.difference),
           "probability that a child is moved by the difference of two others"},
          {"mutations", text(defaults.mutations),
           "expected number of mutated genes per child"},
          {"log_objectives", defaults.logObjectives ? "true" : "false",
           "measure distances between objectives in logarithms"}};
}

template <typename Options>
Status Genetic::read(const AlgorithmOptions &text, Options &options) {
  auto population = readUnsigned(text, "population", 4, 1000000);
  if (!population)
    return population.error();
  auto crossover = readReal(text, "crossover", 0, 1);
  if (!crossover)
    return crossover.error();
  auto difference = readReal(text, "difference", 0, 1);
  if (!difference)
    return difference.error();
  auto mutations = readReal(text, "mutations", 0, 1000);
  if (!mutations)
    return mutations.error();
  auto log = readFlag(text, "log_objectives");
  if (!log)
    return log.error();
  options.population = *population;
  options.crossover = *crossover;
  options.difference = *difference;
  options.mutations = *mutations;
  options.logObjectives = *log;
  return {};
}

} // namespace imc::search

#endif // IMC_LIB_SEARCH_ALGORITHMS_GENETIC_H
