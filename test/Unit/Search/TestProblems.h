//===- TestProblems.h - Small problems for the tests of Search --*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef IMC_TEST_UNIT_SEARCH_TESTPROBLEMS_H
#define IMC_TEST_UNIT_SEARCH_TESTPROBLEMS_H

#include "imc/Search/Problem.h"
#include "imc/Search/Run.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <atomic>

namespace imc::search::test {

/// Knobs k0, k1, … with the given numbers of values; every third is
/// categorical.
inline std::vector<Knob> knobsOf(const std::vector<std::int32_t> &counts) {
  std::vector<Knob> knobs;
  for (std::size_t i = 0; i < counts.size(); ++i)
    knobs.push_back({"k" + std::to_string(i), counts[i],
                     i % 3 == 2 ? KnobKind::Categorical : KnobKind::Ordinal});
  return knobs;
}

inline Space spaceOf(const std::vector<std::int32_t> &counts,
                     Space::Canonicalizer canonicalizer = {}) {
  auto space = Space::create(knobsOf(counts), std::move(canonicalizer));
  EXPECT_TRUE(space) << space.message();
  return *space;
}

/// 64 well-mixed bits, for tables of arbitrary but fixed values.
inline std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ x >> 31) * 0x7FB5D329728EA185u;
  x = (x ^ x >> 27) * 0x81DADEF4BC2DD44Du;
  return x ^ x >> 33;
}

/// Objectives that are positive, conflicting and bumpy, with many exact ties;
/// two constraints, of which a design may break either or both.
class Bumpy final : public Problem {
public:
  explicit Bumpy(Space space, std::size_t numObjectives = 3,
                 std::uint64_t salt = 1)
      : knobs(std::move(space)), salt(salt) {
    for (std::size_t i = 0; i < numObjectives; ++i)
      objectives.push_back("f" + std::to_string(i));
  }

  const Space &space() const override { return knobs; }
  const std::vector<std::string> &objectiveNames() const override {
    return objectives;
  }
  const std::vector<std::string> &constraintNames() const override {
    return constraints;
  }
  void evaluate(const Genome *designs, std::size_t count,
                Evaluation *results) const override {
    for (std::size_t i = 0; i < count; ++i)
      price(designs[i], results[i]);
    calls += count;
  }

  void price(const Genome &design, Evaluation &result) const {
    std::int64_t sum = 0;
    for (std::int32_t gene : design)
      sum += gene;
    const Key key = knobs.encode(design);
    for (std::size_t j = 0; j < objectives.size(); ++j) {
      std::int64_t pull = 0;
      for (std::size_t i = j; i < design.size(); i += objectives.size())
        pull += design[i];
      const std::uint64_t bump =
          scramble(key.lo ^ salt * 1000003 ^ j * 7777777) % 4;
      result.objectives.push_back(1.0 + double(sum - 2 * pull + bump) +
                                  2.0 * double(pull) / (j + 1) + 100);
    }
    const std::uint64_t bits = scramble(key.lo + salt) % 16;
    if (bits < 3)
      result.violate(0, 1.0 + double(bits));
    if (bits == 2 || bits == 3)
      result.violate(1, 0.5);
  }

  mutable std::atomic<std::uint64_t> calls{0};

private:
  Space knobs;
  std::uint64_t salt;
  std::vector<std::string> objectives;
  std::vector<std::string> constraints{"too_hot", "too_large"};
};

/// The non-dominated feasible designs by comparing all with all; of equal
/// objectives the smallest key, by ascending objectives.
inline std::vector<ArchivedDesign> bruteForceFront(const Bumpy &problem) {
  std::vector<ArchivedDesign> all, front;
  const Space &space = problem.space();
  for (Key key;; key = key.next()) {
    const Genome design = space.decode(key);
    if (space.isCanonical(design)) {
      Evaluation evaluation;
      problem.price(design, evaluation);
      if (evaluation.isFeasible())
        all.push_back({design, key, evaluation.objectives});
    }
    if (key == space.lastKey())
      break;
  }
  for (const ArchivedDesign &a : all) {
    bool kept = true;
    for (const ArchivedDesign &b : all) {
      bool noWorse = true;
      for (std::size_t j = 0; j < a.objectives.size(); ++j)
        noWorse = noWorse && b.objectives[j] <= a.objectives[j];
      if (noWorse && (a.objectives != b.objectives || b.key < a.key))
        kept = false;
    }
    if (kept)
      front.push_back(a);
  }
  std::sort(front.begin(), front.end(),
            [](const ArchivedDesign &a, const ArchivedDesign &b) {
              return a.objectives < b.objectives;
            });
  return front;
}

/// Builds and runs an algorithm; a refusal fails the test.
inline RunResult runOrFail(const Problem &problem, const std::string &name,
                           const RunOptions &options,
                           const AlgorithmOptions &algorithmOptions = {}) {
  auto algorithm = makeAlgorithm(name, algorithmOptions);
  EXPECT_TRUE(algorithm) << algorithm.message();
  if (!algorithm)
    return RunResult(problem.objectiveNames().size());
  auto result = run(problem, **algorithm, options);
  EXPECT_TRUE(result) << result.message();
  if (!result)
    return RunResult(problem.objectiveNames().size());
  return std::move(*result);
}

/// The message of a refusal, or a note that there was none.
template <typename Result>
std::string refusal(const Result &result) {
  return result ? "(not refused)" : result.message();
}

inline void expectContains(const std::string &text, const std::string &part) {
  EXPECT_NE(text.find(part), std::string::npos)
      << "'" << part << "' is not in: " << text;
}

} // namespace imc::search::test

#endif // IMC_TEST_UNIT_SEARCH_TESTPROBLEMS_H
