//===- Process.h - Evaluators that are programs ----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prices a design by running a program: a simulator, a synthesis flow, a
// script. One process per design, with the design as arguments NAME=VALUE after
// the given ones; it prints one line,
//
//   <value> <value> ...        the objectives in order, or
//   infeasible NAME AMOUNT     a constraint by its name and by how much (> 0)
//
// and exits with 0. Whatever else it does (another status, a signal, no such
// line, no end within the time limit) makes the design infeasible under a
// reason of its own. A process that runs out of time is killed with all that it
// started. POSIX only.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_PROCESS_H
#define IMC_SEARCH_PROCESS_H

#include "imc/Search/Problem.h"

#include <memory>

namespace imc::search {

struct ProcessOptions {
  /// Program and first arguments; a program without '/' is looked up in PATH.
  std::vector<std::string> command;
  std::vector<std::string> objectives;  ///< at least one name
  std::vector<std::string> constraints; ///< what the program may report
  /// Text of a value of a knob; without it, its index.
  std::function<std::string(std::size_t knob, std::int32_t index)> valueText;
  double timeoutSeconds = 60; ///< per design, > 0
};

class ProcessProblem final : public Problem {
public:
  /// Refuses: no command, no objective, a time limit that is not positive.
  static Expected<std::unique_ptr<ProcessProblem>>
  create(Space space, ProcessOptions options);

  const Space &space() const override { return knobs; }
  const std::vector<std::string> &objectiveNames() const override {
    return options.objectives;
  }
  /// Those of the options, then "evaluator_failed" (status, signal, no answer)
  /// and "evaluator_timed_out". Values that are not finite or not positive are
  /// for Guarded.
  const std::vector<std::string> &constraintNames() const override {
    return constraints;
  }
  void evaluate(const Genome *designs, std::size_t count,
                Evaluation *results) const override;

private:
  ProcessProblem(Space space, ProcessOptions options);

  Space knobs;
  ProcessOptions options;
  std::vector<std::string> constraints;
};

} // namespace imc::search

#endif // IMC_SEARCH_PROCESS_H
