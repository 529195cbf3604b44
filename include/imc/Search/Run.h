//===- Run.h - Drive an algorithm over a problem ----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   auto algorithm = makeAlgorithm("nsga2", {{"log_objectives", "true"}});
//   auto result = run(problem, **algorithm, RunOptions(/*budget=*/10000,
//   /*seed=*/1));
//
// The driver asks, looks designs up in what is already known, evaluates the
// rest on threads, tells, and keeps the archive and the books. Batches are cut
// over threads but answered in the order asked, so the result is the same for
// any number of threads.
//
// Resuming is replaying: the same algorithm, options, budget and seed ask for
// the same designs, `lookup` answers those that a study has stored, and the run
// goes on where the store ends. The final result equals the uninterrupted one.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_RUN_H
#define IMC_SEARCH_RUN_H

#include "imc/Search/Algorithm.h"
#include "imc/Search/Archive.h"

#include <optional>

namespace imc::search {

/// The state after one batch (a generation, for algorithms that have them).
struct Generation {
  std::uint64_t index = 0; ///< 0, 1, 2, …
  std::uint64_t evaluated =
      0;                      ///< designs answered so far, stored ones included
  std::uint64_t lookedUp = 0; ///< of those, answered by `lookup`
  std::uint64_t feasible = 0; ///< of `evaluated`
  std::size_t frontSize = 0;  ///< members of the archive
  /// In RunResult::scale; never decreases. Absent before the first feasible
  /// design and above RunOptions::hypervolumeObjectives objectives.
  std::optional<double> hypervolume;
};

/// One answered design, as callbacks see it.
struct EvaluatedDesign {
  std::uint64_t index;      ///< 0, 1, … in the order asked
  std::uint64_t generation; ///< Generation::index of its batch
  const Genome &design;
  Key key;
  const Evaluation &evaluation;
};

/// Budget and seed have no default on purpose: a run states both.
struct RunOptions {
  RunOptions(std::uint64_t budget, std::uint64_t seed)
      : budget(budget), seed(seed) {}

  /// Designs answered at most, stored ones included, so that a resumed run ends
  /// where the uninterrupted one would. 0 is refused.
  std::uint64_t budget;
  std::uint64_t seed;

  /// Evaluation threads; 1 evaluates on the caller's thread. 0 is refused.
  unsigned threads = 1;

  /// Returns a known evaluation of the design, or nothing. Called on the
  /// caller's thread, once per design.
  std::function<std::optional<Evaluation>(const Genome &, Key)> lookup;
  /// Sees every newly evaluated (not looked up) design, on the caller's thread,
  /// in the order asked, before the algorithm is told. An error ends the run.
  std::function<Status(const EvaluatedDesign &)> onEvaluated;
  /// After every batch. Returning false ends the run; what was found is kept.
  std::function<bool(const Generation &)> onGeneration;

  /// Scale of the recorded hypervolumes. Without it the run takes ideal and
  /// nadir of the feasible designs of the first batch that has any and keeps
  /// them, with `logHypervolume` saying whether logarithms are taken first.
  std::optional<ObjectiveScale> scale;
  bool logHypervolume = false;
  /// Hypervolumes are recorded up to this number of objectives: with four or
  /// more they can cost more than the search.
  std::size_t hypervolumeObjectives = 3;
};

/// How many designs broke one constraint.
struct ConstraintCount {
  std::string name;
  std::uint64_t broken = 0; ///< designs that gave this reason
  std::uint64_t alone = 0;  ///< of those, designs that gave no other
};

struct RunResult {
  explicit RunResult(std::size_t numObjectives) : archive(numObjectives) {}

  Archive archive;
  std::vector<Generation> history;          ///< one entry per batch
  std::vector<ConstraintCount> constraints; ///< in order of constraintNames()
  std::uint64_t evaluated = 0;              ///< designs answered
  std::uint64_t lookedUp = 0;               ///< of those, answered by `lookup`
  std::uint64_t feasible = 0;
  bool stopped = false;       ///< onGeneration asked to end
  bool spaceFinished = false; ///< the algorithm had nothing more to ask
  std::optional<Proof> proof; ///< of algorithms that prove something
  std::optional<ObjectiveScale> scale; ///< of the recorded hypervolumes
  double seconds = 0;                  ///< wall time of the run
  double evaluationSeconds = 0;        ///< of that, inside Problem::evaluate
};

/// Runs `algorithm` (started by this call) on `problem`. Errors: budget or
/// threads 0, no objective, a scale of the wrong length, whatever the algorithm
/// refuses, an evaluation that breaks its contract, an error from onEvaluated.
Expected<RunResult> run(const Problem &problem, Algorithm &algorithm,
                        const RunOptions &options);

} // namespace imc::search

#endif // IMC_SEARCH_RUN_H
