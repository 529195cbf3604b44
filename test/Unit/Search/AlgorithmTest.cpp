//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The questions that every registered algorithm answers: what it refuses,
// whether it repeats itself for the same seed, stays inside the space, survives
// being interrupted, and does not care for threads. A new algorithm is tested
// here by being in the list of lib/Search/CMakeLists.txt; what is special to it
// goes into a test of its own.

#include "TestProblems.h"

#include <cmath>
#include <map>
#include <set>

using namespace imc::search;
using namespace imc::search::test;

namespace {
/// 3 * 4 * 5 * 2 * 4 * 3 = 1,440 index combinations, 990 canonical designs.
Space conditionalSpace() {
  return spaceOf({3, 4, 5, 2, 4, 3}, [](Genome &design) {
    if (design[3] == 1 && design[0] != 2)
      design[4] = 0;
    if (design[1] == 0)
      design[5] = std::min(design[5], 1);
  });
}

std::uint64_t countCanonical(const Space &space) {
  std::uint64_t count = 0;
  for (std::uint64_t i = 0; i < space.size(); ++i)
    count += space.isCanonical(space.decode({0, i}));
  return count;
}

class EveryAlgorithm : public ::testing::TestWithParam<std::string> {
protected:
  std::unique_ptr<Algorithm> make(const AlgorithmOptions &options = {}) {
    auto algorithm = makeAlgorithm(GetParam(), options);
    EXPECT_TRUE(algorithm) << algorithm.message();
    return std::move(*algorithm);
  }
  const AlgorithmInfo &info() {
    for (const AlgorithmInfo &info : algorithms())
      if (info.name == GetParam())
        return info;
    ADD_FAILURE() << "not registered";
    return algorithms().front();
  }
};

/// Keys and values of everything a run evaluated, in order.
struct Log {
  std::vector<Key> keys;
  std::vector<std::vector<double>> objectives;

  Status operator()(const EvaluatedDesign &seen) {
    keys.push_back(seen.key);
    objectives.push_back(seen.evaluation.objectives);
    return {};
  }
};
} // namespace

TEST_P(EveryAlgorithm, SaysWhatItIs) {
  EXPECT_FALSE(info().summary.empty());
  for (const AlgorithmInfo::Option &option : info().options) {
    EXPECT_FALSE(option.meaning.empty()) << option.name;
    // The default is itself a legal value.
    make({{option.name, option.defaultValue}});
  }
}

TEST_P(EveryAlgorithm, RefusesWrongOptions) {
  const std::string unknown =
      refusal(makeAlgorithm(GetParam(), {{"no_such_option", "1"}}));
  expectContains(unknown, "'no_such_option'");
  expectContains(unknown, "its options are: ");
  for (const AlgorithmInfo::Option &option : info().options)
    for (const char *value : {"", "banana", "-1", "1e99", "7 "}) {
      const std::string message =
          refusal(makeAlgorithm(GetParam(), {{option.name, value}}));
      expectContains(message, option.name);
      expectContains(message, std::string("'") + value + "'");
    }
}

TEST_P(EveryAlgorithm, RefusesAnswersThatNobodyAskedFor) {
  const Bumpy problem(conditionalSpace());
  auto algorithm = make();
  ASSERT_TRUE(algorithm->start(
      {problem.space(), problem.objectiveNames(), /*seed=*/1, 10000}));
  Evaluation evaluation;
  evaluation.objectives = {1, 2, 3};
  expectContains(refusal(algorithm->tell(0, evaluation)), "design 0");
  const Batch batch = algorithm->ask(3);
  ASSERT_FALSE(batch.designs.empty());
  expectContains(refusal(algorithm->tell(batch.firstId + batch.designs.size(),
                                         evaluation)),
                 "design");
}

TEST_P(EveryAlgorithm, RepeatsItselfForTheSameSeed) {
  const Bumpy problem(conditionalSpace());
  std::vector<Log> logs(3);
  for (int i = 0; i < 3; ++i) {
    RunOptions options(1440, /*seed=*/i == 2 ? 6 : 5);
    options.onEvaluated = [&](const EvaluatedDesign &d) { return logs[i](d); };
    runOrFail(problem, GetParam(), options);
  }
  EXPECT_TRUE(logs[0].keys == logs[1].keys);
  EXPECT_EQ(logs[0].objectives, logs[1].objectives);
  if (GetParam() != "exhaustive" && GetParam() != "branch_and_bound") {
    EXPECT_FALSE(logs[0].keys == logs[2].keys);
  }
}

TEST_P(EveryAlgorithm, CanBeStartedAgain) {
  const Bumpy problem(conditionalSpace());
  auto algorithm = make();
  auto first = run(problem, *algorithm, RunOptions(1440, 5));
  auto second = run(problem, *algorithm, RunOptions(1440, 5));
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->archive.front() == second->archive.front());
  EXPECT_EQ(first->evaluated, second->evaluated);
}

TEST_P(EveryAlgorithm, AsksEveryCanonicalDesignOnceAndStops) {
  const Bumpy problem(conditionalSpace());
  const Space &space = problem.space();
  std::set<Key> seen;
  RunOptions options(1'000'000, /*seed=*/3);
  options.onEvaluated = [&](const EvaluatedDesign &d) -> Status {
    EXPECT_TRUE(space.contains(d.design));
    EXPECT_TRUE(space.isCanonical(d.design)) << space.describe(d.design);
    EXPECT_TRUE(d.key == space.encode(d.design));
    EXPECT_TRUE(seen.insert(d.key).second) << space.describe(d.design);
    EXPECT_EQ(d.index + 1, seen.size());
    return {};
  };
  const RunResult result = runOrFail(problem, GetParam(), options);
  EXPECT_TRUE(result.spaceFinished);
  EXPECT_EQ(result.evaluated, countCanonical(space));
  EXPECT_EQ(problem.calls, countCanonical(space));
  // Having seen all, it has the exact front.
  EXPECT_TRUE(result.archive.front() == bruteForceFront(problem));
}

TEST_P(EveryAlgorithm, FindsTheOnlyDesign) {
  const Bumpy problem(spaceOf({1, 1}), 2, /*salt=*/3);
  const RunResult result = runOrFail(problem, GetParam(), RunOptions(10, 1));
  EXPECT_EQ(result.evaluated, 1u);
  EXPECT_TRUE(result.spaceFinished);
}

TEST_P(EveryAlgorithm, DoesNotDependOnTheNumberOfThreads) {
  const Bumpy problem(conditionalSpace());
  std::vector<Log> logs(3);
  std::vector<RunResult> results;
  const unsigned threads[] = {1, 2, 4};
  for (int i = 0; i < 3; ++i) {
    RunOptions options(1440, /*seed=*/9);
    options.threads = threads[i];
    options.onEvaluated = [&](const EvaluatedDesign &d) { return logs[i](d); };
    results.push_back(runOrFail(problem, GetParam(), options));
    EXPECT_TRUE(logs[i].keys == logs[0].keys);
    EXPECT_EQ(logs[i].objectives, logs[0].objectives);
    EXPECT_TRUE(results[i].archive.front() == results[0].archive.front());
    EXPECT_EQ(results[i].feasible, results[0].feasible);
    EXPECT_EQ(results[i].history.back().hypervolume,
              results[0].history.back().hypervolume);
  }
}

TEST_P(EveryAlgorithm, DoesNotDependOnTheOrderOfAnswers) {
  const Bumpy problem(conditionalSpace());
  const SearchContext context{problem.space(), problem.objectiveNames(), 4,
                              1440};
  auto forward = make(), backward = make();
  ASSERT_TRUE(forward->start(context));
  ASSERT_TRUE(backward->start(context));
  for (int generation = 0; generation < 8; ++generation) {
    const Batch a = forward->ask(150), b = backward->ask(150);
    ASSERT_EQ(a.designs, b.designs);
    ASSERT_EQ(a.firstId, b.firstId);
    std::vector<Evaluation> answers(a.designs.size());
    problem.evaluate(a.designs.data(), a.designs.size(), answers.data());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ASSERT_TRUE(forward->tell(a.firstId + i, answers[i]));
      const std::size_t j = answers.size() - 1 - i;
      ASSERT_TRUE(backward->tell(b.firstId + j, answers[j]));
    }
  }
}

// A study stores what was evaluated; a run that is killed at any moment and
// resumed from the store ends like the one that was never interrupted.
TEST_P(EveryAlgorithm, SurvivesBeingInterrupted) {
  const Bumpy problem(conditionalSpace());
  Log whole;
  RunOptions options(1440, /*seed=*/12);
  options.onEvaluated = [&](const EvaluatedDesign &d) { return whole(d); };
  const RunResult expected = runOrFail(problem, GetParam(), options);

  for (std::uint64_t stored : {1, 99, 100, 101, 357, 989}) {
    std::map<Key, Evaluation> store;
    Log log;
    RunOptions first(1440, 12);
    first.onEvaluated = [&](const EvaluatedDesign &d) -> Status {
      if (store.size() == stored)
        return Error{"killed"};
      store[d.key] = d.evaluation;
      return log(d);
    };
    auto killed = run(problem, *make(), first);
    ASSERT_FALSE(killed);
    EXPECT_EQ(killed.message(), "killed");

    RunOptions second(1440, 12);
    second.lookup = [&](const Genome &, Key key) -> std::optional<Evaluation> {
      auto found = store.find(key);
      if (found == store.end())
        return std::nullopt;
      return found->second;
    };
    second.onEvaluated = [&](const EvaluatedDesign &d) { return log(d); };
    const RunResult resumed = runOrFail(problem, GetParam(), second);
    EXPECT_EQ(resumed.lookedUp, stored);
    EXPECT_EQ(resumed.evaluated, expected.evaluated);
    EXPECT_EQ(resumed.feasible, expected.feasible);
    EXPECT_TRUE(log.keys == whole.keys);
    EXPECT_EQ(log.objectives, whole.objectives);
    EXPECT_TRUE(resumed.archive.front() == expected.archive.front());
    ASSERT_EQ(resumed.history.size(), expected.history.size());
    for (std::size_t i = 0; i < expected.history.size(); ++i)
      EXPECT_EQ(resumed.history[i].hypervolume,
                expected.history[i].hypervolume);
  }
}

// Other compilers, libraries and processors must ask for the very same designs.
// The numbers change when an algorithm is changed, and only then: after such a
// change take the new one from the failure message.
TEST_P(EveryAlgorithm, AsksTheSameOnEveryMachine) {
  static const std::map<std::string, std::uint64_t> expected = {
      {"branch_and_bound", 3029434238043542702u},
      {"exhaustive", 3029434238043542702u},
      {"local_search", 14504544460669123606u},
      {"nsga2", 7051008767000544466u},
      {"nsga3", 15458756843568686532u},
      {"random", 10058709429418396551u},
      {"regularized_evolution", 809082091080072830u},
      {"sobol", 13688243151062235139u}};
  const Bumpy problem(conditionalSpace());
  AlgorithmOptions algorithmOptions;
  for (const AlgorithmInfo::Option &option : info().options)
    if (option.name == "log_objectives")
      algorithmOptions["log_objectives"] = "true";
  std::uint64_t digest = 0;
  RunOptions options(1440, /*seed=*/2026);
  options.onEvaluated = [&](const EvaluatedDesign &d) -> Status {
    digest = scramble(digest ^ d.key.lo) + d.index;
    return {};
  };
  runOrFail(problem, GetParam(), options, algorithmOptions);
  ASSERT_TRUE(expected.count(GetParam())) << "add the digest " << digest;
  EXPECT_EQ(digest, expected.at(GetParam()));
}

// So a study can be resumed with more designs than it was begun with.
TEST_P(EveryAlgorithm, ALargerBudgetContinuesASmallerOne) {
  const Bumpy problem(conditionalSpace());
  Log whole;
  RunOptions large(1440, /*seed=*/8);
  large.onEvaluated = [&](const EvaluatedDesign &d) { return whole(d); };
  runOrFail(problem, GetParam(), large);
  for (std::uint64_t budget : {1, 57, 250, 640}) {
    Log part;
    RunOptions small(budget, 8);
    small.onEvaluated = [&](const EvaluatedDesign &d) { return part(d); };
    if (!run(problem, *make(), small))
      continue; // refused as a whole, so there is nothing to continue
    ASSERT_EQ(part.keys.size(), budget);
    EXPECT_TRUE(
        std::equal(part.keys.begin(), part.keys.end(), whole.keys.begin()));
  }
}

static std::vector<std::string> algorithmNames() {
  std::vector<std::string> names;
  for (const AlgorithmInfo &info : algorithms())
    names.push_back(info.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Search, EveryAlgorithm,
                         ::testing::ValuesIn(algorithmNames()),
                         [](const auto &info) { return info.param; });

TEST(Algorithms, AreListedByName) {
  EXPECT_EQ(algorithmNames(),
            (std::vector<std::string>{
                "branch_and_bound", "exhaustive", "local_search", "nsga2",
                "nsga3", "random", "regularized_evolution", "sobol"}));
}

TEST(Algorithms, AnUnknownNameListsTheKnownOnes) {
  EXPECT_EQ(refusal(makeAlgorithm("annealing")),
            "unknown search algorithm 'annealing'; choose one of: "
            "branch_and_bound, exhaustive, local_search, nsga2, nsga3, random, "
            "regularized_evolution, sobol");
}

TEST(Exhaustive, RefusesABudgetBelowTheSize) {
  const Bumpy problem(spaceOf({30, 30, 6}));
  auto algorithm = makeAlgorithm("exhaustive");
  ASSERT_TRUE(algorithm);
  const std::string message =
      refusal(run(problem, **algorithm, RunOptions(5399, 1)));
  expectContains(message, "all 5400 designs");
  expectContains(message, "budget is 5399");
  expectContains(message, "nsga2");
  EXPECT_EQ(problem.calls, 0u);
  EXPECT_TRUE(run(problem, **algorithm, RunOptions(5400, 1)));

  const Bumpy huge(spaceOf(std::vector<std::int32_t>(40, 9)));
  expectContains(refusal(run(huge, **algorithm, RunOptions(UINT64_MAX, 1))),
                 "about 10^38 designs");
}

TEST(Exhaustive, CountsOnlyCanonicalDesigns) {
  const Bumpy problem(conditionalSpace());
  const std::uint64_t count = countCanonical(problem.space());
  ASSERT_LT(count, problem.space().size());
  auto algorithm = makeAlgorithm("exhaustive");
  ASSERT_TRUE(algorithm);
  EXPECT_TRUE(run(problem, **algorithm, RunOptions(count, 1)));
  expectContains(refusal(run(problem, **algorithm, RunOptions(count - 1, 1))),
                 "all " + std::to_string(count) + " designs");
}

TEST(Exhaustive, EqualsBruteForceOnSmallSpaces) {
  const std::vector<std::vector<std::int32_t>> shapes = {
      {2},
      {7, 3},
      {4, 4, 4, 4},
      {10, 10, 10},
      {2, 3, 2, 3, 2, 3, 2, 3},
      {5, 1, 9, 20}};
  for (std::size_t m = 1; m <= 4; ++m)
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const Bumpy problem(spaceOf(shapes[i]), m, /*salt=*/i + 10 * m);
      const RunResult result =
          runOrFail(problem, "exhaustive", RunOptions(10000, 1));
      EXPECT_EQ(result.evaluated, problem.space().size());
      EXPECT_TRUE(result.archive.front() == bruteForceFront(problem))
          << "m=" << m << " shape " << i;
    }
}

// A heuristic may miss designs of the front, but what it reports is consistent
// with it: each member is on the exact front or dominated by a member of it,
// none dominates it, and members do not dominate each other.
TEST(NSGA2, FrontIsConsistentWithTheExactOne) {
  for (std::uint64_t salt = 1; salt <= 5; ++salt) {
    const Bumpy problem(spaceOf({8, 8, 5, 6, 5}), 3, salt); // 9,600 designs
    const std::vector<ArchivedDesign> exact = bruteForceFront(problem);
    const RunResult result =
        runOrFail(problem, "nsga2", RunOptions(1500, salt));
    EXPECT_EQ(result.evaluated, 1500u);
    std::size_t onFront = 0;
    for (const ArchivedDesign &member : result.archive.front()) {
      bool covered = false;
      for (const ArchivedDesign &best : exact) {
        bool noWorse = true, noBetter = true;
        for (int j = 0; j < 3; ++j) {
          noWorse = noWorse && best.objectives[j] <= member.objectives[j];
          noBetter = noBetter && best.objectives[j] >= member.objectives[j];
        }
        covered = covered || noWorse;
        onFront += noWorse && noBetter;
        EXPECT_FALSE(noBetter && !noWorse) << "better than the exact front";
      }
      EXPECT_TRUE(covered);
    }
    // 16 % of the space suffice for most of the front.
    EXPECT_GE(2 * onFront, exact.size()) << "salt " << salt;
  }
}

// ZDT1 (Zitzler, Deb, Thiele, Evolutionary Computation 8(2), 2000) with ten
// variables on a grid of 1,001 values each. Its exact hypervolume is 0.8767;
// pymoo 0.6.2 on the continuous problem has 0.859 after as many evaluations.
TEST(NSGA2, ConvergesOnAFineGrid) {
  class ZDT1 final : public Problem {
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
      for (std::size_t i = 0; i < count; ++i) {
        double rest = 0;
        for (std::size_t j = 1; j < 10; ++j)
          rest += designs[i][j] / 1000.0;
        const double f = designs[i][0] / 1000.0, g = 1 + rest;
        results[i].objectives = {f, g * (1 - std::sqrt(f / g))};
      }
    }

  private:
    Space knobs = [] {
      std::vector<Knob> list;
      for (int i = 0; i < 10; ++i)
        list.push_back({"x" + std::to_string(i), 1001, KnobKind::Real});
      return *Space::create(list);
    }();
    std::vector<std::string> objectives{"f1", "f2"}, constraints;
  };
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    RunOptions options(5000, seed);
    options.scale = ObjectiveScale{{0, 0}, {1, 1}, false};
    const RunResult result = runOrFail(ZDT1(), "nsga2", options);
    EXPECT_GE(*result.history.back().hypervolume, 0.870) << "seed " << seed;
  }
}

TEST(NSGA2, LogarithmsRefuseWhatIsNotPositive) {
  const Bumpy problem(spaceOf({3, 3}), 2);
  auto algorithm = makeAlgorithm("nsga2", {{"log_objectives", "true"}});
  ASSERT_TRUE(algorithm);
  ASSERT_TRUE(
      (*algorithm)->start({problem.space(), problem.objectiveNames(), 1, 9}));
  const Batch batch = (*algorithm)->ask(9);
  Evaluation evaluation;
  evaluation.objectives = {1, 0};
  const std::string message =
      refusal((*algorithm)->tell(batch.firstId, evaluation));
  expectContains(message, "objective 'f1' is 0");
  expectContains(message, "log_objectives=false");
}

TEST(NSGA2, WaitsForOutstandingAnswers) {
  const Bumpy problem(spaceOf({9, 9, 9}), 2);
  auto algorithm = makeAlgorithm("nsga2", {{"population", "10"}});
  ASSERT_TRUE(algorithm);
  ASSERT_TRUE(
      (*algorithm)->start({problem.space(), problem.objectiveNames(), 1, 900}));
  const Batch batch = (*algorithm)->ask(900);
  ASSERT_EQ(batch.designs.size(), 10u);
  std::vector<Evaluation> answers(10);
  problem.evaluate(batch.designs.data(), 10, answers.data());
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_TRUE((*algorithm)->ask(900).designs.empty());
    EXPECT_TRUE((*algorithm)->tell(i, answers[i]));
  }
  EXPECT_EQ((*algorithm)->ask(900).firstId, 10u);
  expectContains(refusal((*algorithm)->tell(3, answers[3])), "not outstanding");
}

TEST(NSGA2, PrefersFeasibleAndThenNearlyFeasibleDesigns) {
  // One design in about 10^4 is feasible: the sum of distances to a corner must
  // vanish but for two steps.
  class Corner final : public Problem {
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
      for (std::size_t i = 0; i < count; ++i) {
        double distance = 0;
        for (std::int32_t gene : designs[i])
          distance += 7 - gene;
        results[i].objectives = {distance + 1, 10 - distance};
        if (distance > 2)
          results[i].violate(0, distance - 2);
      }
    }

  private:
    Space knobs = spaceOf({8, 8, 8, 8, 8, 8});
    std::vector<std::string> objectives{"near", "far"};
    std::vector<std::string> constraints{"distance"};
  };
  const RunResult result = runOrFail(Corner(), "nsga2", RunOptions(1500, 1));
  EXPECT_EQ(result.archive.size(), 3u);
  EXPECT_GE(result.feasible, 20u); // 28 of 262,144 are
  EXPECT_EQ(result.constraints[0].broken, 1500 - result.feasible);
}
