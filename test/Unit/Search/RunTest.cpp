//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Run.h"
#include "TestProblems.h"
#include "imc/Search/Algorithms/RandomSearch.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

using namespace imc::search;
using namespace imc::search::test;

static std::string refusalOf(const Problem &problem, const RunOptions &options,
                             const char *name = "random") {
  auto algorithm = makeAlgorithm(name);
  return refusal(run(problem, **algorithm, options));
}

TEST(Run, RefusesEmptyRequests) {
  const Bumpy problem(spaceOf({4, 4}));
  expectContains(refusalOf(problem, RunOptions(0, 1)),
                 "the search budget is 0 designs; allow at least 1");
  RunOptions noThreads(10, 1);
  noThreads.threads = 0;
  expectContains(refusalOf(problem, noThreads), "0 threads");
  expectContains(refusalOf(Bumpy(spaceOf({4, 4}), 0), RunOptions(10, 1)),
                 "no objective");
  EXPECT_EQ(problem.calls, 0u);
}

TEST(Run, RefusesAWrongScale) {
  const Bumpy problem(spaceOf({4, 4}), 2);
  RunOptions options(10, 1);
  options.scale = ObjectiveScale{{1}, {2, 3}, false};
  expectContains(refusalOf(problem, options),
                 "1 ideal and 2 nadir values for 2 objectives");
  options.scale = ObjectiveScale{{1, 0}, {2, 3}, true};
  expectContains(refusalOf(problem, options), "'f1' is not positive");
}

namespace {
/// Returns one fixed evaluation for every design, or throws.
class Fixed final : public Problem {
public:
  explicit Fixed(Evaluation answer, bool throws = false)
      : answer(std::move(answer)), throws(throws) {}
  const Space &space() const override { return knobs; }
  const std::vector<std::string> &objectiveNames() const override {
    return objectives;
  }
  const std::vector<std::string> &constraintNames() const override {
    return constraints;
  }
  void evaluate(const Genome *, std::size_t count,
                Evaluation *results) const override {
    if (throws)
      throw std::runtime_error("out of licences");
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(results[i].objectives.empty() && results[i].reasons.empty());
      results[i] = answer;
    }
  }

private:
  Evaluation answer;
  bool throws;
  Space knobs = spaceOf({4, 4});
  std::vector<std::string> objectives{"energy", "area"};
  std::vector<std::string> constraints{"too_hot"};
};
} // namespace

TEST(Run, RefusesEvaluationsThatBreakTheContract) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const struct {
    Evaluation evaluation;
    const char *expected;
  } cases[] = {
      {{{1, nan}, 0, {}}, "objective 'area' = nan"},
      {{{infinity, 1}, 0, {}}, "objective 'energy' = inf"},
      {{{1}, 0, {}}, "1 objective values instead of 2"},
      {{{}, 0, {}}, "0 objective values instead of 2"},
      {{{1, 2}, 0, {0}}, "violation 0 but 1 broken constraints"},
      {{{1, 2}, 3, {}}, "violation 3 without a reason"},
      {{{1, 2}, -1, {0}}, "violation -1"},
      {{{1, 2}, nan, {0}}, "violation nan"},
      {{{1, 2}, 1, {1}}, "reason 1, but the problem names 1 constraints"},
  };
  for (const auto &c : cases) {
    const std::string message =
        refusalOf(Fixed(c.evaluation), RunOptions(10, 1));
    expectContains(message, c.expected);
    expectContains(message, "design {k0="); // which design it was
  }
}

TEST(Run, AnInfeasibleDesignNeedsNoObjectives) {
  const RunResult result =
      runOrFail(Fixed({{}, 2, {0}}), "nsga2", RunOptions(16, 1));
  EXPECT_EQ(result.evaluated, 16u);
  EXPECT_EQ(result.feasible, 0u);
  EXPECT_TRUE(result.archive.empty());
  EXPECT_EQ(result.constraints[0].broken, 16u);
  EXPECT_FALSE(result.history.back().hypervolume);
  EXPECT_FALSE(result.scale);
}

TEST(Run, ReportsExceptionsAsErrors) {
  for (unsigned threads : {1, 3}) {
    RunOptions options(16, 1);
    options.threads = threads;
    expectContains(refusalOf(Fixed({}, /*throws=*/true), options),
                   "threw an exception (out of licences)");
  }
}

TEST(Run, LogarithmicHypervolumeNeedsPositiveObjectives) {
  RunOptions options(16, 1);
  options.logHypervolume = true;
  expectContains(refusalOf(Fixed({{1, -2}, 0, {}}), options),
                 "objective 'area' of design {k0=");
}

TEST(Run, CountsWhatEachConstraintRejects) {
  const Bumpy problem(spaceOf({10, 10, 10}));
  std::uint64_t broken[2] = {}, alone[2] = {}, feasible = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Evaluation evaluation;
    problem.price(problem.space().decode({0, i}), evaluation);
    feasible += evaluation.isFeasible();
    for (std::int32_t reason : evaluation.reasons) {
      ++broken[reason];
      alone[reason] += evaluation.reasons.size() == 1;
    }
  }
  const RunResult result =
      runOrFail(problem, "exhaustive", RunOptions(1000, 1));
  EXPECT_EQ(result.feasible, feasible);
  ASSERT_EQ(result.constraints.size(), 2u);
  EXPECT_EQ(result.constraints[0].name, "too_hot");
  for (int i = 0; i < 2; ++i) {
    EXPECT_GT(alone[i], 0u);
    EXPECT_LT(alone[i], broken[i]);
    EXPECT_EQ(result.constraints[i].broken, broken[i]);
    EXPECT_EQ(result.constraints[i].alone, alone[i]);
  }
}

TEST(Run, RecordsAHistoryThatNeverGetsWorse) {
  const Bumpy problem(spaceOf({9, 9, 5, 9, 9}));
  std::vector<Generation> reported;
  RunOptions options(2050, /*seed=*/2);
  options.onGeneration = [&](const Generation &g) {
    reported.push_back(g);
    return true;
  };
  const RunResult result = runOrFail(problem, "nsga2", options);
  ASSERT_EQ(result.history.size(), 21u);
  ASSERT_EQ(reported.size(), 21u);
  EXPECT_EQ(result.history[0].evaluated, 100u);
  EXPECT_EQ(result.history[20].evaluated,
            2050u); // the budget, not a whole batch
  EXPECT_EQ(result.history[20].frontSize, result.archive.size());
  EXPECT_EQ(result.history[20].feasible, result.feasible);
  EXPECT_EQ(*result.history[20].hypervolume,
            result.archive.hypervolume(*result.scale));
  for (std::size_t i = 1; i < 21; ++i) {
    EXPECT_EQ(result.history[i].index, i);
    EXPECT_GE(*result.history[i].hypervolume,
              *result.history[i - 1].hypervolume);
    EXPECT_EQ(reported[i].evaluated, result.history[i].evaluated);
  }
  EXPECT_GT(*result.history[20].hypervolume, *result.history[0].hypervolume);
}

TEST(Run, StopsWhenAsked) {
  const Bumpy problem(spaceOf({9, 9, 9, 9}));
  RunOptions options(5000, 1);
  options.onGeneration = [](const Generation &g) { return g.evaluated < 300; };
  const RunResult result = runOrFail(problem, "nsga2", options);
  EXPECT_TRUE(result.stopped);
  EXPECT_FALSE(result.spaceFinished);
  EXPECT_EQ(result.evaluated, 300u);
  EXPECT_FALSE(result.archive.empty());
}

TEST(Run, LeavesHypervolumeOutForManyObjectives) {
  const Bumpy problem(spaceOf({5, 5, 5, 5}), 4);
  EXPECT_FALSE(runOrFail(problem, "nsga2", RunOptions(200, 1))
                   .history.back()
                   .hypervolume);
  RunOptions options(200, 1);
  options.hypervolumeObjectives = 4;
  EXPECT_TRUE(runOrFail(problem, "nsga2", options).history.back().hypervolume);
}

TEST(Run, UsesSeveralThreads) {
  class Slow final : public Problem {
  public:
    const Space &space() const override { return knobs; }
    const std::vector<std::string> &objectiveNames() const override {
      return objectives;
    }
    const std::vector<std::string> &constraintNames() const override {
      return constraints;
    }
    void evaluate(const Genome *designs, std::size_t count,
                  Evaluation *results) const override {
      const int now = ++running;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      for (std::size_t i = 0; i < count; ++i)
        results[i].objectives = {double(designs[i][0])};
      --running;
    }
    mutable std::atomic<int> running{0}, most{0};

  private:
    Space knobs = spaceOf({64});
    std::vector<std::string> objectives{"f"}, constraints;
  };
  const Slow problem;
  RunOptions options(64, 1);
  options.threads = 4;
  const RunResult result = runOrFail(problem, "random", options);
  EXPECT_GT(problem.most, 1);
  EXPECT_LE(problem.most, 4);
  EXPECT_EQ(result.archive.front()[0].objectives[0], 0);
  EXPECT_GT(result.evaluationSeconds, 0);
  EXPECT_GE(result.seconds, result.evaluationSeconds);
}

TEST(Run, RefusesDesignsOutsideTheSpace) {
  class Stray final : public Algorithm {
    Status start(const SearchContext &) override { return {}; }
    Batch ask(std::size_t) override { return {0, {{1, 2, 99}}}; }
    Status tell(std::uint64_t, const Evaluation &) override { return {}; }
  };
  const Bumpy problem(spaceOf({4, 4, 4}));
  Stray algorithm;
  expectContains(refusal(run(problem, algorithm, RunOptions(10, 1))),
                 "proposed {k0=1, k1=2, k2=99}");
  EXPECT_EQ(problem.calls, 0u);
}

TEST(Run, TypedOptionsAreCheckedToo) {
  RandomSearchOptions options;
  options.batch = 0;
  expectContains(refusal(makeRandomSearch(options)), "batch is 0");
}
