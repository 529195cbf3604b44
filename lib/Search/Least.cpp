//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Bounds.h"
#include "imc/Search/Pareto.h"
#include "imc/Search/Problem.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <queue>

using namespace imc::search;

Bounds::~Bounds() = default;

Bound Bounds::boundBox(const Genome &) const { return {}; }

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();

/// What a cut without designs counts as, in powers of two.
constexpr double mostGain = 4;

/// A set of designs: those that agree with `design` where it is not negative.
struct Box {
  double bound;
  std::uint64_t number; // of its making: ties are broken alike everywhere
  Genome design;
  bool isSingle; // the bound is the value of the one design in it
};
struct Later {
  bool operator()(const Box &a, const Box &b) const {
    return a.bound != b.bound ? a.bound > b.bound : a.number > b.number;
  }
};

/// One objective of a problem.
class BestFirst {
public:
  BestFirst(const Problem &problem, const Bounds &bounds, std::size_t objective)
      : problem(problem), bounds(bounds), objective(objective),
        gain(problem.space().numKnobs(), 0), cuts(gain.size(), 0) {}

  /// A bound of the objective from so many sets more.
  double run(std::uint64_t boxes, double known);
  std::uint64_t made = 0;

private:
  std::optional<double> boundOf(const Genome &design, double above,
                                bool &isSingle);
  std::size_t chooseKnob(const Box &box);
  void cut(const Box &box, std::size_t knob, std::vector<Box> &parts);

  const Problem &problem;
  const Bounds &bounds;
  std::size_t objective;
  /// By how much cutting by a knob raised the least bound (log2), added up over
  /// the cuts by it.
  std::vector<double> gain;
  std::vector<std::uint64_t> cuts;
};
} // namespace

/// Nothing if no design of the set is feasible.
std::optional<double> BestFirst::boundOf(const Genome &design, double above,
                                         bool &isSingle) {
  ++made;
  isSingle = std::find(design.begin(), design.end(), -1) == design.end();
  if (isSingle) {
    // Knobs without effect have one value in the design that is meant.
    if (!problem.space().isCanonical(design))
      return std::nullopt;
    Evaluation evaluation;
    problem.evaluate(&design, 1, &evaluation);
    if (!evaluation.isFeasible())
      return std::nullopt;
    return evaluation.objectives[objective];
  }
  const Bound known = bounds.boundBox(design);
  if (known.broken >= 0)
    return std::nullopt;
  const double own =
      known.objectives.empty() ? -infinity : known.objectives[objective];
  // What holds above holds below.
  return std::max(own, above);
}

/// Cuts a box into parts.
void BestFirst::cut(const Box &box, std::size_t knob, std::vector<Box> &parts) {
  double least = infinity;
  parts.clear();
  Genome design = box.design;
  const std::int32_t count = problem.space().knobs()[knob].count;
  for (std::int32_t i = 0; i < count; ++i) {
    design[knob] = i;
    bool isSingle = false;
    if (std::optional<double> bound = boundOf(design, box.bound, isSingle)) {
      parts.push_back({*bound, made, design, isSingle});
      least = std::min(least, *bound);
    }
  }
  const double step = least == infinity   ? mostGain
                      : box.bound > 0     ? portableLog2(least / box.bound)
                      : least > box.bound ? 1
                                          : 0;
  gain[knob] += std::min(step, mostGain);
  ++cuts[knob];
}

/// Knobs that were not tried yet, in the order of the bounds, then what raised
/// bounds most.
std::size_t BestFirst::chooseKnob(const Box &box) {
  std::size_t best = box.design.size();
  double most = -1;
  for (std::size_t knob : bounds.order()) {
    if (box.design[knob] >= 0)
      continue;
    const double mean = cuts[knob] ? gain[knob] / double(cuts[knob]) : infinity;
    if (best == box.design.size() || mean > most) {
      best = knob;
      most = mean;
    }
  }
  return best;
}

double BestFirst::run(std::uint64_t boxes, double known) {
  std::priority_queue<Box, std::vector<Box>, Later> open;
  const Genome all(problem.space().numKnobs(), -1);
  bool isSingle = false;
  const std::optional<double> root = boundOf(all, -infinity, isSingle);
  if (!root)
    return infinity;
  open.push({*root, made, all, isSingle});
  std::vector<Box> parts;
  // Every knob by itself says how much it decides.
  for (std::size_t knob = 0; knob < all.size() && made < boxes; ++knob)
    cut(open.top(), knob, parts);
  while (!open.empty() && made < boxes && !open.top().isSingle &&
         open.top().bound < known) {
    const Box box = open.top();
    open.pop();
    cut(box, chooseKnob(box), parts);
    for (Box &part : parts)
      open.push(std::move(part));
  }
  // Nothing feasible is below; what is known is feasible.
  return open.empty() ? known : std::min(open.top().bound, known);
}

Least imc::search::leastObjectives(const Problem &problem,
                                   const LeastOptions &options) {
  Least result;
  const std::size_t count = problem.objectiveNames().size();
  result.bounds.assign(count, -infinity);
  if (!problem.bounds())
    return result;
  for (std::size_t j = 0; j < count; ++j) {
    BestFirst search(problem, *problem.bounds(), j);
    result.bounds[j] =
        search.run(options.boxes / count,
                   j < options.known.size() ? options.known[j] : infinity);
    result.boxes += search.made;
  }
  return result;
}
