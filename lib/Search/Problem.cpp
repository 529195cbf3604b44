//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Problem.h"

#include <cmath>
#include <cstdio>

using namespace imc::search;

Problem::~Problem() = default;

static std::string text(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  return buffer;
}

Status imc::search::checkEvaluation(const Problem &problem,
                                    const Genome &design,
                                    const Evaluation &evaluation) {
  const std::vector<std::string> &objectives = problem.objectiveNames();
  const std::vector<std::string> &constraints = problem.constraintNames();
  std::string wrong;
  if (!(evaluation.violation >= 0) || !std::isfinite(evaluation.violation)) {
    wrong = "violation " + text(evaluation.violation) +
            "; it must be 0 (feasible) or positive and finite";
  } else if (evaluation.isFeasible()) {
    if (evaluation.objectives.size() != objectives.size())
      wrong = std::to_string(evaluation.objectives.size()) +
              " objective values instead of " +
              std::to_string(objectives.size());
    else if (!evaluation.reasons.empty())
      wrong = "violation 0 but " + std::to_string(evaluation.reasons.size()) +
              " broken constraints";
    else
      for (std::size_t i = 0; i < objectives.size(); ++i)
        if (!std::isfinite(evaluation.objectives[i]))
          wrong = "objective '" + objectives[i] +
                  "' = " + text(evaluation.objectives[i]) +
                  "; a design that cannot be priced must be infeasible with a "
                  "reason";
  } else if (evaluation.reasons.empty()) {
    wrong = "violation " + text(evaluation.violation) +
            " without a reason; name the broken constraint";
  }
  for (std::int32_t reason : evaluation.reasons)
    if (reason < 0 || std::size_t(reason) >= constraints.size())
      wrong = "reason " + std::to_string(reason) + ", but the problem names " +
              std::to_string(constraints.size()) + " constraints";
  if (wrong.empty())
    return {};
  return Error{"the evaluation of design {" + problem.space().describe(design) +
               "} has " + wrong};
}
