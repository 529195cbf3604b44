//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/BranchAndBound.h"
#include "Algorithms/Batched.h"
#include "imc/Search/Archive.h"
#include "imc/Search/Pareto.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace imc::search;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();

class BranchAndBound final : public Batched {
public:
  explicit BranchAndBound(const BranchAndBoundOptions &options)
      : Batched("branch_and_bound"), options(options), archive(1) {}

  std::optional<Proof> proof() const override {
    Proof result = done;
    result.complete = true;
    for (const Level &level : stack)
      result.complete = result.complete && level.next == level.children.size();
    // Every feasible design is in the archive, under it, or below an open node.
    result.lowerBounds = archive.ideal();
    result.lowerBounds.resize(names.size(), infinity);
    const auto lower = [&](const std::vector<double> &bound) {
      for (std::size_t j = 0; j < names.size(); ++j)
        result.lowerBounds[j] = std::min(result.lowerBounds[j],
                                         bound.empty() ? -infinity : bound[j]);
    };
    for (const Level &level : stack)
      for (std::size_t i = level.next; i < level.children.size(); ++i)
        lower(level.children[i].bound.empty() ? level.bound
                                              : level.children[i].bound);
    // A design that was asked but not learnt of yet is as good as its parent's
    // bound says.
    for (const std::vector<double> &bound : unanswered)
      lower(bound);
    return result;
  }

private:
  struct Child {
    std::int32_t index;
    double score; // sum of logarithms or values of the bound
    std::vector<double> bound;
  };
  /// The values of one knob that are left to visit.
  struct Level {
    std::vector<Child> children;
    std::size_t next = 0;
    std::vector<double> bound; // of the node whose children these are
  };

  Status begin() override {
    archive = Archive(names.size());
    done = Proof();
    stack.clear();
    unanswered.clear();
    const std::size_t k = space->numKnobs();
    order.resize(k);
    std::iota(order.begin(), order.end(), 0);
    if (bounds)
      order = bounds->order();
    std::vector<std::size_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < std::max(k, sorted.size()); ++i)
      if (sorted.size() != k || sorted[i] != i)
        return Error{"branch_and_bound: the order of the problem's bounds is "
                     "not a permutation of its " +
                     std::to_string(k) + " knobs; correct Bounds::order()"};
    // Index combinations below a node of each depth.
    below.assign(k + 1, 1);
    for (std::size_t i = k; i-- > 0;)
      below[i] = below[i + 1] * double(space->knobs()[order[i]].count);
    design.assign(k, 0);
    descend({});
    return {};
  }

  /// Opens the level of the next knob below the node that `design` stands for.
  void descend(std::vector<double> bound) {
    const std::size_t depth = stack.size();
    const std::size_t knob = order[depth];
    Level level;
    for (std::int32_t i = 0; i < space->knobs()[knob].count; ++i) {
      Child child{i, 0, {}};
      // The last knob decides the design: evaluating it says more than a bound.
      if (bounds && depth + 1 < order.size()) {
        design[knob] = i;
        ++done.nodes;
        Bound known = bounds->bound(design, depth + 1);
        if (known.broken >= 0) {
          exclude(depth + 1, done.infeasible);
          if (done.byConstraint.size() <= std::size_t(known.broken))
            done.byConstraint.resize(known.broken + 1, 0);
          done.byConstraint[known.broken] += below[depth + 1];
          continue;
        }
        // What holds above holds below.
        for (std::size_t j = 0; j < bound.size(); ++j) {
          if (known.objectives.empty())
            known.objectives = bound;
          known.objectives[j] = std::max(known.objectives[j], bound[j]);
        }
        for (double value : known.objectives)
          child.score +=
              value > 0 ? portableLog2(std::min(value, 1e308)) : -1e4;
        child.bound = std::move(known.objectives);
      }
      level.children.push_back(std::move(child));
    }
    // Best bound first: what is found early prunes most.
    std::sort(level.children.begin(), level.children.end(),
              [](const Child &a, const Child &b) {
                return a.score != b.score ? a.score < b.score
                                          : a.index < b.index;
              });
    level.bound = std::move(bound);
    stack.push_back(std::move(level));
  }

  void exclude(std::size_t depth, double &count) { count += below[depth]; }

  void propose(std::size_t limit, std::vector<Genome> &designs) override {
    const std::size_t wanted = std::min(limit, options.batch);
    while (!stack.empty() && designs.size() < wanted) {
      Level &level = stack.back();
      const std::size_t depth = stack.size();
      if (level.next == level.children.size()) {
        stack.pop_back();
        continue;
      }
      Child child = std::move(level.children[level.next++]);
      design[order[depth - 1]] = child.index;
      if (options.dominance && isDominated(child.bound)) {
        exclude(depth, done.dominated);
        continue;
      }
      if (depth < order.size()) {
        descend(std::move(child.bound));
      } else if (space->isCanonical(design)) {
        designs.push_back(design);
        unanswered.push_back(level.bound);
      }
    }
  }

  /// True if some design beats everything that has this bound. Equality is not
  /// enough: of equal designs the archive keeps the smallest key.
  bool isDominated(const std::vector<double> &bound) {
    return !bound.empty() && archive.beats(bound);
  }

  void learn(const std::vector<Genome> &designs,
             const std::vector<Evaluation> &evaluations) override {
    for (std::size_t i = 0; i < designs.size(); ++i)
      if (evaluations[i].isFeasible())
        archive.insert(designs[i], space->encode(designs[i]),
                       evaluations[i].objectives);
    unanswered.clear();
  }

  BranchAndBoundOptions options;
  Archive archive;
  Proof done;
  std::vector<std::size_t> order;
  std::vector<double> below;
  std::vector<Level> stack;
  Genome design;
  std::vector<std::vector<double>> unanswered;
};
} // namespace

Expected<std::unique_ptr<Algorithm>>
imc::search::makeBranchAndBound(const BranchAndBoundOptions &options) {
  if (options.batch == 0)
    return Error{"branch_and_bound: batch is 0; ask for at least 1 design at a "
                 "time"};
  return std::unique_ptr<Algorithm>(new BranchAndBound(options));
}

namespace imc::search {
AlgorithmInfo describeBranchAndBound() {
  AlgorithmInfo info;
  info.name = "branch_and_bound";
  info.summary =
      "exact: leaves out what bounds of the problem exclude; gives a "
      "gap when its budget ends before the proof";
  const BranchAndBoundOptions defaults;
  info.options = {
      {"batch", std::to_string(defaults.batch), "designs per batch"},
      {"dominance", "true",
       "leave out dominated subtrees too; false counts all feasible designs"}};
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    auto batch = readUnsigned(text, "batch", 1, 1u << 30);
    if (!batch)
      return batch.error();
    auto dominance = readFlag(text, "dominance");
    if (!dominance)
      return dominance.error();
    BranchAndBoundOptions options;
    options.batch = *batch;
    options.dominance = *dominance;
    return makeBranchAndBound(options);
  };
  return info;
}
} // namespace imc::search
