//===- Guarded.h - Evaluators that fail ------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// run() ends with an error when a problem breaks its contract: right for a cost
// model, where that is a defect, wrong for a simulator that fails on one design
// of a thousand. Guarded stands before such a problem and turns failures into
// infeasible designs with a reason of their own, which is counted, stored and
// reported as any other constraint: a failure never enters the front and never
// looks cheap. The released search of arXiv:2603.03880 shows what happens
// otherwise: a failed mapping counted as energy 0 and won.
//
// Evaluators that hang need a process of their own: Process.h.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_GUARDED_H
#define IMC_SEARCH_GUARDED_H

#include "imc/Search/Problem.h"

#include <array>
#include <mutex>

namespace imc::search {

class Guarded final : public Problem {
public:
  /// Why an evaluation counts as failed; a constraint name each, after those of
  /// the inner problem.
  enum class Failure { Threw, NotFinite, NotPositive, Malformed };
  static constexpr std::size_t numFailures = 4;
  /// "evaluator_threw", "evaluator_not_finite", "evaluator_not_positive",
  /// "evaluator_malformed" (wrong number of objectives, a reason that does not
  /// exist, a negative violation, infeasible without a reason).
  static const char *name(Failure failure);
  /// Violation of a failed design: beyond what constraints reach.
  static constexpr double violation = 1e9;

  /// `inner` must outlive this. `positive`: objectives of feasible designs must
  /// be above zero, as energy, latency and area are.
  explicit Guarded(const Problem &inner, bool positive = true);

  const Space &space() const override { return inner.space(); }
  const std::vector<std::string> &objectiveNames() const override {
    return inner.objectiveNames();
  }
  const std::vector<std::string> &constraintNames() const override {
    return constraints;
  }
  /// Passes the batch on; when that throws, one design after the other.
  void evaluate(const Genome *designs, std::size_t count,
                Evaluation *results) const override;
  const Bounds *bounds() const override { return inner.bounds(); }

  /// What the first failure of a kind was: the design and the exception's text
  /// or the value; empty if there was none.
  std::string firstMessage(Failure failure) const;

private:
  void fail(Failure failure, const Genome &design, const std::string &what,
            Evaluation &result) const;
  void inspect(const Genome &design, Evaluation &result) const;

  const Problem &inner;
  bool positive;
  std::vector<std::string> constraints;
  mutable std::mutex mutex;
  mutable std::array<std::string, numFailures> messages;
};

} // namespace imc::search

#endif // IMC_SEARCH_GUARDED_H
