//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Guarded.h"

#include <cmath>
#include <cstdio>
#include <exception>

using namespace imc::search;

const char *Guarded::name(Failure failure) {
  static const char *const names[numFailures] = {
      "evaluator_threw", "evaluator_not_finite", "evaluator_not_positive",
      "evaluator_malformed"};
  return names[std::size_t(failure)];
}

Guarded::Guarded(const Problem &inner, bool positive)
    : inner(inner), positive(positive), constraints(inner.constraintNames()) {
  for (std::size_t i = 0; i < numFailures; ++i)
    constraints.push_back(name(Failure(i)));
}

void Guarded::fail(Failure failure, const Genome &design,
                   const std::string &what, Evaluation &result) const {
  result.clear();
  result.violate(
      std::int32_t(inner.constraintNames().size() + std::size_t(failure)),
      violation);
  std::lock_guard<std::mutex> lock(mutex);
  std::string &message = messages[std::size_t(failure)];
  if (message.empty())
    message = "{" + space().describe(design) + "}: " + what;
}

std::string Guarded::firstMessage(Failure failure) const {
  std::lock_guard<std::mutex> lock(mutex);
  return messages[std::size_t(failure)];
}

void Guarded::inspect(const Genome &design, Evaluation &result) const {
  const auto text = [](double value) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%g", value);
    return std::string(buffer);
  };
  const std::vector<std::string> &names = objectiveNames();
  if (!(result.violation >= 0) || !std::isfinite(result.violation))
    return fail(Failure::Malformed, design,
                "violation " + text(result.violation), result);
  for (std::int32_t reason : result.reasons)
    if (reason < 0 || std::size_t(reason) >= inner.constraintNames().size())
      return fail(Failure::Malformed, design,
                  "reason " + std::to_string(reason), result);
  if (result.isFeasible() != result.reasons.empty())
    return fail(Failure::Malformed, design,
                result.reasons.empty() ? "infeasible without a reason"
                                       : "feasible with a reason",
                result);
  if (!result.isFeasible()) {
    // What could be computed may be shown, but only if it is a number.
    for (double value : result.objectives)
      if (!std::isfinite(value)) {
        result.objectives.clear();
        break;
      }
    return;
  }
  if (result.objectives.size() != names.size())
    return fail(Failure::Malformed, design,
                std::to_string(result.objectives.size()) + " objectives",
                result);
  for (std::size_t j = 0; j < names.size(); ++j) {
    const double value = result.objectives[j];
    if (!std::isfinite(value))
      return fail(Failure::NotFinite, design, names[j] + " = " + text(value),
                  result);
    if (positive && !(value > 0))
      return fail(Failure::NotPositive, design, names[j] + " = " + text(value),
                  result);
  }
}

void Guarded::evaluate(const Genome *designs, std::size_t count,
                       Evaluation *results) const {
  // What an exception leaves behind in the results means nothing; so a batch
  // that throws is evaluated again, and only the culprits fail.
  const auto attempt = [&](std::size_t begin, std::size_t n,
                           std::string &what) {
    try {
      inner.evaluate(designs + begin, n, results + begin);
      return true;
    } catch (const std::exception &e) {
      what = e.what();
    } catch (...) {
      what = "an exception of unknown type";
    }
    return false;
  };
  std::string what;
  const bool whole = attempt(0, count, what);
  for (std::size_t i = 0; i < count; ++i) {
    bool succeeded = whole;
    if (!whole) {
      results[i].clear();
      succeeded = attempt(i, 1, what);
    }
    if (succeeded)
      inspect(designs[i], results[i]);
    else
      fail(Failure::Threw, designs[i], what, results[i]);
  }
}
