//===- Bounds.h - What holds for many designs at once -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Branch and bound decides knob after knob and leaves out whole subtrees: those
// of which a bound says that nothing in them is feasible, or that nothing in
// them can beat what is known. A problem that can say such things implements
// this interface; a bound that is wrong makes a proof wrong, so bounds belong
// beside the formulas that they bound, with a test that samples designs.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_BOUNDS_H
#define IMC_SEARCH_BOUNDS_H

#include "imc/Search/Space.h"

namespace imc::search {

/// Of all designs that agree in some knobs.
struct Bound {
  /// The constraint (index in Problem::constraintNames()) that every one of
  /// them breaks; -1 if some may be feasible.
  std::int32_t broken = -1;
  /// Of those that are feasible: no objective is smaller than this. Empty if
  /// nothing is known, else one value per objective (-infinity: nothing known
  /// of this one).
  std::vector<double> objectives;
};

class Bounds {
public:
  virtual ~Bounds();

  /// The order in which knobs are decided: a permutation of 0 to numKnobs()
  /// - 1. Those that decide most about feasibility come first.
  virtual std::vector<std::size_t> order() const = 0;
  /// What holds for all designs that agree with `design` in the first `fixed`
  /// knobs of order(); the other indices of `design` have no meaning. Tighter
  /// with every knob. Called from one thread.
  virtual Bound bound(const Genome &design, std::size_t fixed) const = 0;
  /// What holds for all designs that agree with `design` in the knobs whose
  /// index is not negative. Nothing is known unless it is overridden.
  virtual Bound boundBox(const Genome &design) const;
};

/// Lower bounds of single objectives over a whole space.
struct LeastOptions {
  /// Sets of designs that are bounded, over all objectives.
  std::uint64_t boxes = 10'000;
  /// The best value of each objective that is known, or infinity: sets that
  /// hold nothing better are not looked into.
  std::vector<double> known;
};
struct Least {
  /// No feasible design is below, by objective; -infinity: nothing is known,
  /// infinity: no design is feasible.
  std::vector<double> bounds;
  std::uint64_t boxes = 0;
};
class Problem;

/// Best first: the set of designs with the least bound is cut by one more knob,
/// again and again; single designs are evaluated. Whenever it ends, the least
/// bound of an open set is a bound of the objective. Of problems without
/// bounds nothing is known.
Least leastObjectives(const Problem &problem, const LeastOptions &options);

/// How much of a space an algorithm has settled.
struct Proof {
  /// Every design was evaluated or is excluded by a bound: the archive holds
  /// all Pareto-optimal designs.
  bool complete = false;
  /// Index combinations excluded without evaluation, because each breaks a
  /// constraint, and because each is dominated by a design that was evaluated.
  double infeasible = 0, dominated = 0;
  /// Of `infeasible`, by constraint.
  std::vector<double> byConstraint;
  /// Subtrees looked at.
  std::uint64_t nodes = 0;
  /// No feasible design is smaller in this objective; one value per objective,
  /// infinity if nothing is feasible. After a complete search the ideal point
  /// of the archive.
  std::vector<double> lowerBounds;
};

} // namespace imc::search

#endif // IMC_SEARCH_BOUNDS_H
