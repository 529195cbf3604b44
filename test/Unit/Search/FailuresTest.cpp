//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Evaluators that throw, hang, die, or return what is no price: none of it
// enters a front, and the reason is counted.

#include "TestProblems.h"
#include "imc/Search/Guarded.h"
#include "imc/Search/Process.h"

#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>

using namespace imc::search;
using namespace imc::search::test;

namespace {
/// Knob 0 says what goes wrong; knob 1 is what the design costs.
class Faulty final : public Problem {
public:
  enum {
    Fine,
    Throws,
    ThrowsInt,
    NaN,
    Infinite,
    Negative,
    Zero,
    TooFew,
    NoReason,
    BadReason,
    NegativeViolation,
    numKinds
  };
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
      Evaluation &result = results[i];
      // Failures would be the best designs if they counted.
      result.objectives = {0.5, 0.5};
      switch (designs[i][0]) {
      case Fine:
        result.objectives = {1.0 + designs[i][1], 10.0 - designs[i][1]};
        break;
      case Throws:
        throw std::runtime_error("no licence");
      case ThrowsInt:
        throw 7;
      case NaN:
        result.objectives[1] = std::nan("");
        break;
      case Infinite:
        result.objectives[0] = std::numeric_limits<double>::infinity();
        break;
      case Negative:
        result.objectives[0] = -1;
        break;
      case Zero:
        result.objectives = {0, 0};
        break;
      case TooFew:
        result.objectives.pop_back();
        break;
      case NoReason:
        result.violation = 1;
        break;
      case BadReason:
        result.violate(3, 1);
        break;
      case NegativeViolation:
        result.violation = -1;
        break;
      }
    }
  }

private:
  Space knobs = spaceOf({numKinds, 6});
  std::vector<std::string> objectives{"energy", "latency"};
  std::vector<std::string> constraints{"area"};
};

std::uint64_t broken(const RunResult &result, const std::string &name) {
  for (const ConstraintCount &count : result.constraints)
    if (count.name == name)
      return count.broken;
  ADD_FAILURE() << "no constraint " << name;
  return 0;
}
} // namespace

TEST(Guarded, FailuresAreInfeasibleWithAReason) {
  const Faulty faulty;
  const Guarded guarded(faulty);
  for (const char *name : {"exhaustive", "nsga2", "local_search"})
    for (unsigned threads : {1, 3}) {
      RunOptions options(66, /*seed=*/1);
      options.threads = threads;
      const RunResult result = runOrFail(guarded, name, options);
      EXPECT_EQ(result.evaluated, 66u);
      EXPECT_EQ(result.feasible, 6u);
      EXPECT_EQ(broken(result, "evaluator_threw"), 12u);
      EXPECT_EQ(broken(result, "evaluator_not_finite"), 12u);
      EXPECT_EQ(broken(result, "evaluator_not_positive"), 12u);
      EXPECT_EQ(broken(result, "evaluator_malformed"), 24u);
      EXPECT_EQ(broken(result, "area"), 0u);
      EXPECT_EQ(result.archive.size(), 6u);
      for (const ArchivedDesign &d : result.archive.front())
        EXPECT_EQ(d.design[0], Faulty::Fine);
    }
  const std::string threw = guarded.firstMessage(Guarded::Failure::Threw);
  EXPECT_TRUE(threw.find("no licence") != std::string::npos ||
              threw.find("unknown type") != std::string::npos)
      << threw;
  expectContains(guarded.firstMessage(Guarded::Failure::NotPositive), "energy");
}

TEST(Guarded, ZeroAndNegativeAreFineWhereTheyAreAllowed) {
  const Faulty faulty;
  const Guarded guarded(faulty, /*positive=*/false);
  const RunResult result = runOrFail(guarded, "exhaustive", RunOptions(66, 1));
  EXPECT_EQ(broken(result, "evaluator_not_positive"), 0u);
  EXPECT_EQ(result.feasible, 18u);
}

// Without the guard the first failure ends the run and names the design.
TEST(Guarded, ARunWithoutItStops) {
  const Faulty faulty;
  auto algorithm = makeAlgorithm("exhaustive");
  ASSERT_TRUE(algorithm);
  expectContains(refusal(run(faulty, **algorithm, RunOptions(66, 1))),
                 "threw an exception (no licence)");
}

/// A program of the shell: $1 is "k0=I", $2 is "k1=J".
static std::unique_ptr<ProcessProblem>
shell(const std::string &script, double seconds, std::int32_t kinds) {
  ProcessOptions options;
  options.command = {"sh", "-c", script, "evaluator"};
  options.objectives = {"energy", "latency"};
  options.constraints = {"area"};
  options.timeoutSeconds = seconds;
  auto problem = ProcessProblem::create(spaceOf({kinds, 3}), options);
  EXPECT_TRUE(problem) << problem.message();
  return std::move(*problem);
}

TEST(Process, ProgramsThatFailOrHangAreInfeasibleWithAReason) {
  // The fifth leaves a child behind that holds the output open.
  auto problem = shell(R"(j=${2#k1=}
case $1 in
  k0=0) echo $((j + 1)) $((9 - j)).5 ;;
  k0=1) exit 3 ;;
  k0=2) kill -9 $$ ;;
  k0=3) sleep 30 ;;
  k0=4) sleep 30 & echo 0.1 0.1 ;;
  k0=5) echo infeasible area 0.$((j + 1)) ;;
  k0=6) echo infeasible volume 1 ;;
  k0=7) echo cheap ;;
  k0=8) : ;;
  k0=9) echo nan 0.1 ;;
  k0=10) echo 0 0 ;;
esac)",
                       /*seconds=*/0.4, 11);
  const Guarded guarded(*problem);
  const auto before = std::chrono::steady_clock::now();
  RunOptions options(33, /*seed=*/1);
  options.threads = 4;
  const RunResult result = runOrFail(guarded, "exhaustive", options);
  EXPECT_LT(std::chrono::steady_clock::now() - before,
            std::chrono::seconds(20));
  EXPECT_EQ(result.evaluated, 33u);
  EXPECT_EQ(result.feasible, 3u);
  EXPECT_EQ(result.archive.size(), 3u);
  EXPECT_EQ(broken(result, "evaluator_timed_out"), 6u);
  EXPECT_EQ(broken(result, "evaluator_failed"), 15u); // kinds 1, 2, 6, 7, 8
  EXPECT_EQ(broken(result, "area"), 3u);
  EXPECT_EQ(broken(result, "evaluator_not_finite"), 3u);
  EXPECT_EQ(broken(result, "evaluator_not_positive"), 3u);
  EXPECT_EQ(result.archive.front().front().objectives,
            (std::vector<double>{1, 9.5}));
}

TEST(Process, AProgramThatIsNotThereFails) {
  ProcessOptions options;
  options.command = {"no-such-evaluator-program"};
  options.objectives = {"f"};
  auto problem = ProcessProblem::create(spaceOf({2}), options);
  ASSERT_TRUE(problem);
  const RunResult result = runOrFail(**problem, "random", RunOptions(2, 1));
  EXPECT_EQ(broken(result, "evaluator_failed"), 2u);
  EXPECT_EQ(result.archive.size(), 0u);
}

TEST(Process, RefusesWhatCannotRun) {
  ProcessOptions options;
  options.objectives = {"f"};
  expectContains(refusal(ProcessProblem::create(spaceOf({2}), options)),
                 "no command");
  options.command = {"true"};
  options.timeoutSeconds = 0;
  expectContains(refusal(ProcessProblem::create(spaceOf({2}), options)),
                 "time limit");
  options.timeoutSeconds = 1;
  options.objectives.clear();
  expectContains(refusal(ProcessProblem::create(spaceOf({2}), options)),
                 "no objective");
}
