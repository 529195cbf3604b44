//===- SharedProblem.h - One search by several processes ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Processes that joined one study all replay the same algorithm, so they ask
// for the same designs in the same order; only the evaluations are divided.
// Each process claims a few designs of the generation at a time in the study,
// prices them, and reads the others' answers from it. A claim whose owner no
// longer runs is taken over. The result is that of one process.
//
// All processes run on one machine (SQLite's write-ahead mode needs shared
// memory); an owner is named by boot, process and start time, never by a clock.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_SHAREDPROBLEM_H
#define IMC_LIB_EXPLORE_SHAREDPROBLEM_H

#include "imc/Explore/Study.h"
#include "imc/Search/Problem.h"

#include <mutex>

namespace imc::explore {

/// The owner that this process writes into claims.
std::string processName();
/// False when the process that `name` stands for has ended.
bool isProcessAlive(llvm::StringRef name);

class SharedProblem final : public search::Problem {
public:
  /// Both must outlive this.
  SharedProblem(const search::Problem &problem, Study &study)
      : problem(problem), study(study), owner(processName()) {}

  const search::Space &space() const override { return problem.space(); }
  const std::vector<std::string> &objectiveNames() const override {
    return problem.objectiveNames();
  }
  const std::vector<std::string> &constraintNames() const override {
    return problem.constraintNames();
  }
  /// Throws std::runtime_error when the study fails; search::run reports it.
  void evaluate(const search::Genome *designs, size_t count,
                search::Evaluation *results) const override;

private:
  const search::Problem &problem;
  Study &study;
  std::string owner;
  mutable std::mutex mutex; ///< guards `study`
};

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_SHAREDPROBLEM_H
