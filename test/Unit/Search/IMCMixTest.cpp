//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The acceptance figures of the search on IMC-MIX (IMCMix.h).
//
//===----------------------------------------------------------------------===//

#include "IMCMix.h"
#include "imc/Search/Run.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cstdio>
#include <set>

using namespace imc::search;
using namespace imc::search::test;

TEST(IMCMix, ExhaustiveSearchReturnsTheExactFront) {
  const IMCMix problem;
  auto algorithm = makeAlgorithm("exhaustive");
  ASSERT_TRUE(algorithm) << algorithm.message();
  RunOptions options(5'400'000, /*seed=*/1);
  options.hypervolumeObjectives = 0;
  auto result = run(problem, **algorithm, options);
  ASSERT_TRUE(result) << result.message();
  EXPECT_EQ(result->evaluated, 5'400'000u);
  EXPECT_EQ(result->feasible, 714'390u);
  EXPECT_EQ(result->archive.size(), 1074u);
  EXPECT_NEAR(result->archive.hypervolume(IMCMix::exactScale()),
              IMCMix::exactHypervolume(), 1e-12);

  double best = 1e300;
  Genome design;
  for (const ArchivedDesign &member : result->archive.front()) {
    const std::vector<double> &f = member.objectives;
    if (f[0] * f[1] * f[2] < best) {
      best = f[0] * f[1] * f[2];
      design = member.design;
    }
  }
  EXPECT_NEAR(best, 375762.4408, 1e-4);
  // SRAM, 64x128, 1 b cells, 2 b DAC, 5 b ADC shared by 2, 16 arrays x 64
  // tiles, 0.8 V, full duplication, im2col.
  EXPECT_EQ(design, (Genome{0, 1, 2, 0, 1, 1, 1, 3, 4, 1, 2, 0}));
}

// Prices of fixed designs by the problem's definition in NumPy: energy,
// latency, area, then the three constraint values.
TEST(IMCMix, PricesAreThoseOfTheDefinition) {
  const struct {
    Genome design;
    std::array<double, 6> expected;
  } cases[] = {
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
       {4288.027264038508, 122.45324037032032, 3.108704, -0.9, 0.0, 0.0}},
      {{1, 4, 4, 2, 2, 4, 4, 3, 4, 3, 2, 1},
       {37055.7852150283, 2.7162107422910067, 112.22510336, 6.0, 0.0, 0.0}},
      {{0, 1, 2, 0, 1, 1, 1, 3, 4, 1, 2, 0},
       {1951.693844551785, 7.760500939556613, 24.809152, -0.1, 0.0, 0.0}},
      {{1, 2, 2, 0, 1, 2, 3, 3, 4, 2, 1, 1},
       {5065.121813457548, 56.22741006871862, 17.89258496, -0.3, 0.0, 0.0}},
      {{0, 4, 3, 1, 0, 3, 2, 1, 2, 3, 0, 0},
       {27396.90750224976, 143.2080014581597, 10.266048, 0.5, 0.0, 1.0}},
      {{1, 1, 3, 1, 2, 4, 0, 2, 1, 0, 2, 1},
       {37410.34264735927, 43.639053018282304, 17.59021056, 0.6, 0.0, 0.0}},
      {{0, 3, 1, 0, 1, 3, 2, 2, 3, 2, 1, 0},
       {15032.002347623222, 93.78609914029292, 10.282688, -0.3, 0.0, 0.0}},
      {{1, 0, 1, 0, 1, 0, 0, 3, 4, 1, 2, 1},
       {1181.3864429205703, 35.63420221695927, 15.83213312, -0.1, 0.0, 0.0}},
  };
  const IMCMix problem;
  for (const auto &c : cases) {
    const std::array<double, 6> found = problem.price(c.design);
    for (int i = 0; i < 6; ++i)
      EXPECT_NEAR(found[i], c.expected[i], 1e-11 * std::max(1.0, c.expected[i]))
          << problem.space().describe(c.design) << " value " << i;
  }
}

// Share of the exact hypervolume over eleven seeds: the bars are what the best
// driver known reached when this problem was defined.
TEST(IMCMix, NSGA2ReachesTheBarsOfElevenSeeds) {
  const struct {
    std::uint64_t evaluations;
    double median, worst;
  } bars[] = {{2000, 0.95, 0.92}, {5000, 0.985, 0.978}, {10000, 0.993, 0.990}};
  const IMCMix problem;
  std::vector<std::vector<double>> shares(3);
  for (std::uint64_t seed = 1; seed <= 11; ++seed) {
    auto algorithm = makeAlgorithm("nsga2", {{"log_objectives", "true"}});
    ASSERT_TRUE(algorithm);
    RunOptions options(10000, seed);
    options.scale = IMCMix::exactScale();
    std::set<Key> distinct;
    options.onEvaluated = [&](const EvaluatedDesign &seen) -> Status {
      EXPECT_TRUE(distinct.insert(seen.key).second) << "asked twice";
      return {};
    };
    auto result = run(problem, **algorithm, options);
    ASSERT_TRUE(result) << result.message();
    EXPECT_EQ(distinct.size(), 10000u);
    for (int i = 0; i < 3; ++i)
      for (const Generation &g : result->history)
        if (g.evaluated == bars[i].evaluations)
          shares[i].push_back(*g.hypervolume / IMCMix::exactHypervolume());
  }
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(shares[i].size(), 11u);
    std::sort(shares[i].begin(), shares[i].end());
    EXPECT_GE(shares[i][5], bars[i].median) << bars[i].evaluations;
    EXPECT_GE(shares[i][0], bars[i].worst) << bars[i].evaluations;
    EXPECT_LE(shares[i][10], 1.0) << "beyond the exact front";
    std::printf("%6llu evaluations: median %.4f, worst %.4f, best %.4f\n",
                (unsigned long long)bars[i].evaluations, shares[i][5],
                shares[i][0], shares[i][10]);
  }
}
