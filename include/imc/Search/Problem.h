//===- Problem.h - What is to be minimised ----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A problem owns a space and prices designs. It knows nothing of algorithms,
// threads or storage; those know nothing of what a design means.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_PROBLEM_H
#define IMC_SEARCH_PROBLEM_H

#include "imc/Search/Bounds.h"

namespace imc::search {

/// What is known of one design.
///
/// Feasible: `violation` is 0, `reasons` is empty, `objectives` has one finite
/// value per objective (smaller is better, any unit).
/// Infeasible: `violation` is positive and finite (how far outside; the sum
/// over the broken constraints, scaled so that sums make sense), `reasons`
/// lists the broken constraints by their index in Problem::constraintNames(),
/// `objectives` may be empty or hold what could be computed. A design that
/// cannot be priced at all (compiler failure, time-out) is infeasible with a
/// constraint of its own: a failure never looks cheap.
struct Evaluation {
  std::vector<double> objectives;
  double violation = 0;
  std::vector<std::int32_t> reasons;

  bool isFeasible() const { return violation == 0; }
  /// Empties it but keeps the memory, as the driver does between batches.
  void clear() {
    objectives.clear();
    violation = 0;
    reasons.clear();
  }
  /// Adds one broken constraint: its index and by how much (> 0).
  void violate(std::int32_t reason, double amount) {
    reasons.push_back(reason);
    violation += amount;
  }
};

/// The interface that a user of the library implements.
class Problem {
public:
  virtual ~Problem();

  /// The same object for the whole life of the problem.
  virtual const Space &space() const = 0;
  /// At least one name.
  virtual const std::vector<std::string> &objectiveNames() const = 0;
  /// The reasons that evaluations may give; empty if every design is feasible.
  virtual const std::vector<std::string> &constraintNames() const = 0;

  /// Prices designs[0 … count) into results[0 … count), which arrive cleared.
  /// Called from several threads at once with disjoint ranges; each result may
  /// depend only on its own design, since how a batch is cut into ranges
  /// depends on the number of threads. Must not throw (what still does is
  /// reported as an error of the run).
  virtual void evaluate(const Genome *designs, std::size_t count,
                        Evaluation *results) const = 0;

  /// Bounds for exact algorithms; must live as long as the problem.
  virtual const Bounds *bounds() const { return nullptr; }
};

/// Checks an evaluation against the contract above; the error names the design,
/// the objective or constraint, and the value.
Status checkEvaluation(const Problem &problem, const Genome &design,
                       const Evaluation &evaluation);

} // namespace imc::search

#endif // IMC_SEARCH_PROBLEM_H
