//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What is special to single algorithms; what all of them promise is asked in
// AlgorithmTest.cpp.

#include "ContinuousProblems.h"
#include "IMCMix.h"
#include "TestProblems.h"
#include "imc/Search/Algorithms/NSGA3.h"
#include "imc/Search/Algorithms/Sobol.h"
#include "imc/Search/Importance.h"
#include "imc/Search/Pareto.h"

#include <cmath>
#include <limits>
#include <set>

using namespace imc::search;
using namespace imc::search::test;

//===----------------------------------------------------------------------===//
// Quality: the bars of docs/search.md on a few of the eleven seeds
//===----------------------------------------------------------------------===//

/// Hypervolume of the last population, reference point 1.1 everywhere.
static double finalHypervolume(const std::string &problem,
                               const std::string &name, std::uint64_t seed) {
  const Continuous function(problem);
  auto algorithm = makeAlgorithm(name);
  EXPECT_TRUE(algorithm) << algorithm.message();
  RunOptions options(20000, seed);
  options.hypervolumeObjectives = 0;
  auto result = run(function, **algorithm, options);
  EXPECT_TRUE(result) << result.message();
  (*algorithm)->ask(1); // lets the last batch join
  const std::size_t m = function.objectiveNames().size();
  std::vector<double> rows, reference(m, 1.1);
  const std::vector<Genome> population = (*algorithm)->population();
  EXPECT_LE(population.size(), 100u);
  for (const Genome &design : population) {
    double f[3];
    function.price(design, f);
    rows.insert(rows.end(), f, f + m);
  }
  return hypervolume(rows.data(), population.size(), m, reference.data());
}

TEST(NSGA2, ReachesTheBarsOfContinuousProblems) {
  const struct {
    const char *problem;
    double median;
  } bars[] = {{"zdt1", 0.8673}, {"zdt2", 0.5336}, {"zdt3", 1.3247}};
  for (const auto &bar : bars)
    for (std::uint64_t seed = 1; seed <= 2; ++seed)
      EXPECT_GE(finalHypervolume(bar.problem, "nsga2", seed), bar.median)
          << bar.problem << " seed " << seed;
}

TEST(NSGA3, ReachesTheBarOfDTLZ2) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_GE(finalHypervolume("dtlz2", "nsga3", seed), 0.739) << seed;
}

TEST(NSGA3, DirectionsCoverTheSimplexEvenly) {
  const std::vector<double> rows = dasDennisDirections(3, 100);
  EXPECT_EQ(rows.size(), 3 * 91u); // 12 divisions
  std::set<std::vector<double>> distinct;
  for (std::size_t i = 0; i < rows.size(); i += 3) {
    EXPECT_NEAR(rows[i] + rows[i + 1] + rows[i + 2], 1, 1e-12);
    distinct.insert({rows[i], rows[i + 1], rows[i + 2]});
    for (int j = 0; j < 3; ++j)
      EXPECT_NEAR(std::remainder(rows[i + j] * 12, 1), 0, 1e-9);
  }
  EXPECT_EQ(distinct.size(), 91u);
  EXPECT_EQ(dasDennisDirections(1, 100), std::vector<double>{1});
  EXPECT_EQ(dasDennisDirections(2, 100).size(), 2 * 100u);
  // Eight objectives and 156 points: three divisions outside, two inside, as
  // in the paper.
  EXPECT_EQ(dasDennisDirections(8, 156).size(), 8 * 156u);
}

TEST(NSGA3, DoesNotDependOnUnits) {
  /// Objectives of another problem times powers of two.
  class Scaled final : public Problem {
  public:
    Scaled(const Bumpy &inner, std::vector<double> units)
        : inner(inner), units(std::move(units)) {}
    const Space &space() const override { return inner.space(); }
    const std::vector<std::string> &objectiveNames() const override {
      return inner.objectiveNames();
    }
    const std::vector<std::string> &constraintNames() const override {
      return inner.constraintNames();
    }
    void evaluate(const Genome *designs, std::size_t count,
                  Evaluation *results) const override {
      inner.evaluate(designs, count, results);
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < results[i].objectives.size(); ++j)
          results[i].objectives[j] *= units[j];
    }

  private:
    const Bumpy &inner;
    std::vector<double> units;
  };
  const Bumpy plain(spaceOf({8, 8, 5, 6, 5}));
  const Scaled scaled(plain, {0x1p-40, 1, 0x1p30});
  std::vector<Key> keys[2];
  for (int i = 0; i < 2; ++i) {
    RunOptions options(1500, /*seed=*/1);
    options.onEvaluated = [&](const EvaluatedDesign &d) -> Status {
      keys[i].push_back(d.key);
      return {};
    };
    if (i == 0)
      runOrFail(plain, "nsga3", options);
    else
      runOrFail(scaled, "nsga3", options);
  }
  EXPECT_TRUE(keys[0] == keys[1]);
}

TEST(NSGA3, RefusesAPopulationBelowTheObjectives) {
  const Bumpy problem(spaceOf({3, 3}), 6);
  auto algorithm = makeAlgorithm("nsga3", {{"population", "5"}});
  ASSERT_TRUE(algorithm);
  expectContains(refusal(run(problem, **algorithm, RunOptions(9, 1))),
                 "population 5 is below the number of objectives, 6");
}

//===----------------------------------------------------------------------===//
// Sobol
//===----------------------------------------------------------------------===//

// Values of an independent implementation with the same direction numbers
// (SciPy 1.16, unscrambled, 32 bits).
TEST(Sobol, EqualsThePublishedSequence) {
  const std::size_t points[] = {1, 2, 3, 7, 20, 63};
  const struct {
    std::size_t dimension;
    std::uint32_t values[6];
  } expected[] = {
      {0,
       {2147483648, 3221225472, 1073741824, 536870912, 2013265920, 67108864}},
      {1,
       {2147483648, 1073741824, 3221225472, 2684354560, 402653184, 3422552064}},
      {5,
       {2147483648, 3221225472, 1073741824, 1610612736, 3623878656, 603979776}},
      {31,
       {2147483648, 1073741824, 3221225472, 3758096384, 2013265920,
        3959422976}},
      {100,
       {2147483648, 1073741824, 3221225472, 1610612736, 939524096, 2483027968}},
      {127,
       {2147483648, 1073741824, 3221225472, 1610612736, 4160749568,
        2751463424}}};
  SobolSequence sequence(128);
  std::size_t at = 0, column = 0;
  for (std::size_t point : points) {
    for (; at < point; ++at)
      sequence.advance();
    for (const auto &e : expected)
      EXPECT_EQ(sequence.point()[e.dimension], e.values[column])
          << "point " << point << " dimension " << e.dimension;
    ++column;
  }
}

TEST(Sobol, SpreadsBetterThanChance) {
  // 64 points of an 8 x 8 grid of two knobs that have 64 values each.
  const Bumpy problem(spaceOf({64, 64}), 2);
  std::size_t cells[2];
  const char *names[] = {"sobol", "random"};
  for (int i = 0; i < 2; ++i) {
    std::set<std::pair<int, int>> hit;
    RunOptions options(64, /*seed=*/1);
    options.onEvaluated = [&](const EvaluatedDesign &d) -> Status {
      hit.insert({d.design[0] / 8, d.design[1] / 8});
      return {};
    };
    runOrFail(problem, names[i], options);
    cells[i] = hit.size();
  }
  EXPECT_EQ(cells[0], 64u);
  EXPECT_LT(cells[1], 50u); // 1 - 1/e of them
}

TEST(Sobol, RefusesMoreKnobsThanThereAreDirectionNumbers) {
  const Bumpy problem(spaceOf(std::vector<std::int32_t>(129, 2)), 2);
  auto algorithm = makeAlgorithm("sobol");
  ASSERT_TRUE(algorithm);
  expectContains(refusal(run(problem, **algorithm, RunOptions(9, 1))),
                 "129 knobs, but direction numbers are known for 128");
}

//===----------------------------------------------------------------------===//
// One objective
//===----------------------------------------------------------------------===//

TEST(RegularizedEvolution, BeatsChanceOnTheProductOfObjectives) {
  const IMCMix problem;
  double best[2] = {1e300, 1e300};
  for (int i = 0; i < 2; ++i) {
    RunOptions options(3000, /*seed=*/1);
    options.hypervolumeObjectives = 0;
    const RunResult result =
        i == 0 ? runOrFail(problem, "regularized_evolution", options,
                           {{"log_objectives", "true"}})
               : runOrFail(problem, "random", options);
    for (const ArchivedDesign &d : result.archive.front())
      best[i] = std::min(best[i],
                         d.objectives[0] * d.objectives[1] * d.objectives[2]);
  }
  EXPECT_LT(best[0], 1.15 * 375762.4408);
  EXPECT_LT(best[0], 0.7 * best[1]);
}

TEST(LocalSearch, EndsInAnOptimumOfItsNeighbourhood) {
  const Bumpy problem(spaceOf({9, 9, 4, 9, 9, 4}), 1);
  const RunResult result =
      runOrFail(problem, "local_search", RunOptions(4000, 1));
  ASSERT_EQ(result.archive.size(), 1u);
  const ArchivedDesign best = result.archive.front().front();
  for (std::size_t k = 0; k < best.design.size(); ++k)
    for (int step : {-1, 1}) {
      Genome other = best.design;
      other[k] += step;
      if (!problem.space().contains(other))
        continue;
      Evaluation evaluation;
      problem.price(other, evaluation);
      if (evaluation.isFeasible()) {
        EXPECT_GE(evaluation.objectives[0], best.objectives[0]);
      }
    }
}

//===----------------------------------------------------------------------===//
// Branch and bound
//===----------------------------------------------------------------------===//

namespace {
/// Exact bounds of another problem by looking at everything below a node.
class Bounded final : public Problem, public Bounds {
public:
  Bounded(const Bumpy &inner, std::vector<std::size_t> knobOrder)
      : inner(inner), knobOrder(std::move(knobOrder)) {}

  const Space &space() const override { return inner.space(); }
  const std::vector<std::string> &objectiveNames() const override {
    return inner.objectiveNames();
  }
  const std::vector<std::string> &constraintNames() const override {
    return inner.constraintNames();
  }
  void evaluate(const Genome *designs, std::size_t count,
                Evaluation *results) const override {
    inner.evaluate(designs, count, results);
  }
  const Bounds *bounds() const override { return this; }

  std::vector<std::size_t> order() const override { return knobOrder; }
  Bound bound(const Genome &design, std::size_t fixed) const override {
    Bound bound;
    bool someHot = false, someFeasible = false;
    for (std::uint64_t i = 0; i < space().size(); ++i) {
      const Genome other = space().decode({0, i});
      bool below = true;
      for (std::size_t f = 0; f < fixed; ++f)
        below = below && other[knobOrder[f]] == design[knobOrder[f]];
      if (!below)
        continue;
      Evaluation evaluation;
      inner.price(other, evaluation);
      someHot = someHot || evaluation.reasons == std::vector<std::int32_t>{0};
      if (!evaluation.isFeasible())
        continue;
      if (!someFeasible)
        bound.objectives = evaluation.objectives;
      someFeasible = true;
      for (std::size_t j = 0; j < bound.objectives.size(); ++j)
        bound.objectives[j] =
            std::min(bound.objectives[j], evaluation.objectives[j]);
    }
    if (!someFeasible)
      bound.broken = someHot ? 0 : 1;
    return bound;
  }

private:
  const Bumpy &inner;
  std::vector<std::size_t> knobOrder;
};
} // namespace

TEST(BranchAndBound, EqualsBruteForceAndLeavesOutMuch) {
  for (std::size_t m = 1; m <= 3; ++m)
    for (std::uint64_t salt = 1; salt <= 4; ++salt) {
      const Bumpy inner(spaceOf({5, 4, 3, 4, 2}), m, salt);
      const Bounded problem(inner, {4, 1, 0, 3, 2});
      for (const char *dominance : {"true", "false"}) {
        const RunResult result =
            runOrFail(problem, "branch_and_bound", RunOptions(100000, 1),
                      {{"batch", "4"}, {"dominance", dominance}});
        EXPECT_TRUE(result.archive.front() == bruteForceFront(inner));
        EXPECT_TRUE(result.spaceFinished);
        ASSERT_TRUE(result.proof);
        EXPECT_TRUE(result.proof->complete);
        EXPECT_EQ(result.proof->lowerBounds, result.archive.ideal());
        EXPECT_EQ(double(result.evaluated) + result.proof->infeasible +
                      result.proof->dominated,
                  480);
        double byConstraint = 0;
        for (double count : result.proof->byConstraint)
          byConstraint += count;
        EXPECT_EQ(byConstraint, result.proof->infeasible);
        if (std::string(dominance) == "false") {
          std::uint64_t feasible = 0;
          for (std::uint64_t i = 0; i < 480; ++i) {
            Evaluation evaluation;
            inner.price(inner.space().decode({0, i}), evaluation);
            feasible += evaluation.isFeasible();
          }
          EXPECT_EQ(result.feasible, feasible);
          EXPECT_EQ(result.proof->dominated, 0);
        } else if (m == 1) {
          EXPECT_LT(result.evaluated, 48u) << "exact bounds prune nearly all";
        }
      }
    }
}

// Stopped by its budget at any moment it never claims more than is true.
TEST(BranchAndBound, LowerBoundsHoldWheneverItStops) {
  const Bumpy inner(spaceOf({5, 4, 3, 4, 2}), 2, 7);
  const Bounded problem(inner, {0, 1, 2, 3, 4});
  const std::vector<double> ideal =
      runOrFail(inner, "exhaustive", RunOptions(480, 1)).archive.ideal();
  std::vector<double> before(2, -1e300);
  bool sawIncomplete = false;
  for (std::uint64_t budget = 1; budget < 480; budget += 7) {
    const RunResult result = runOrFail(problem, "branch_and_bound",
                                       RunOptions(budget, 1), {{"batch", "3"}});
    ASSERT_TRUE(result.proof);
    ASSERT_EQ(result.proof->lowerBounds.size(), 2u);
    for (int j = 0; j < 2; ++j) {
      EXPECT_LE(result.proof->lowerBounds[j], ideal[j]);
      EXPECT_GE(result.proof->lowerBounds[j], before[j]) << "bounds got worse";
    }
    before = result.proof->lowerBounds;
    sawIncomplete = sawIncomplete || !result.proof->complete;
    if (result.proof->complete) {
      EXPECT_TRUE(result.archive.front() == bruteForceFront(inner));
    }
  }
  EXPECT_TRUE(sawIncomplete);
  EXPECT_EQ(before, ideal);
}

TEST(BranchAndBound, RefusesAnOrderThatIsNone) {
  const Bumpy inner(spaceOf({3, 3}), 1);
  for (const std::vector<std::size_t> &order :
       {std::vector<std::size_t>{0, 0}, {0}, {0, 1, 2}}) {
    const Bounded problem(inner, order);
    auto algorithm = makeAlgorithm("branch_and_bound");
    ASSERT_TRUE(algorithm);
    expectContains(refusal(run(problem, **algorithm, RunOptions(9, 1))),
                   "not a permutation of its 2 knobs");
  }
}

TEST(BranchAndBound, SaysThatNothingIsFeasible) {
  class Impossible final : public Problem, public Bounds {
  public:
    const Space &space() const override { return knobs; }
    const std::vector<std::string> &objectiveNames() const override {
      return objectives;
    }
    const std::vector<std::string> &constraintNames() const override {
      return constraints;
    }
    void evaluate(const Genome *, std::size_t count,
                  Evaluation *results) const override {
      for (std::size_t i = 0; i < count; ++i)
        results[i].violate(0, 1);
    }
    const Bounds *bounds() const override { return this; }
    std::vector<std::size_t> order() const override {
      std::vector<std::size_t> all(knobs.numKnobs());
      for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = i;
      return all;
    }
    Bound bound(const Genome &design, std::size_t) const override {
      Bound bound;
      bound.broken = design[0] == 0 ? -1 : 0;
      return bound;
    }

  private:
    Space knobs = spaceOf(std::vector<std::int32_t>{4, 6});
    std::vector<std::string> objectives{"f"}, constraints{"never"};
  };
  const RunResult result =
      runOrFail(Impossible(), "branch_and_bound", RunOptions(100, 1));
  EXPECT_EQ(result.evaluated, 6u);
  EXPECT_TRUE(result.proof->complete);
  EXPECT_EQ(result.proof->infeasible, 18);
  EXPECT_EQ(result.proof->lowerBounds,
            std::vector<double>{std::numeric_limits<double>::infinity()});
}

//===----------------------------------------------------------------------===//
// Importance
//===----------------------------------------------------------------------===//

TEST(Importance, RanksKnobsByTheirEffect) {
  // Scores are 10 times knob 1, plus knob 2, plus a little of everything.
  const Space space = spaceOf({4, 6, 6, 4, 1});
  std::vector<Genome> designs;
  std::vector<double> scores;
  for (std::uint64_t i = 0; i < space.size(); ++i) {
    designs.push_back(space.decode({0, i}));
    scores.push_back(10 * designs.back()[1] + designs.back()[2] +
                     double(scramble(i) % 100) / 100);
  }
  const std::vector<double> importance = knobImportance(space, designs, scores);
  double sum = 0;
  for (double value : importance)
    sum += value;
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_GT(importance[1], 0.5);
  EXPECT_GT(importance[2], 10 * importance[0]);
  EXPECT_GT(importance[2], 10 * importance[3]);
  EXPECT_EQ(importance[4], 0);
  // Equal scores: every design is among the best, and no knob stands out.
  EXPECT_EQ(
      knobImportance(space, designs, std::vector<double>(designs.size(), 1)),
      std::vector<double>(5, 0));
  EXPECT_EQ(knobImportance(space, {}, {}), std::vector<double>(5, 0));
}
