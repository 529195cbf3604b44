//===- MergeTest.cpp - Parts of a core beside each other ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Schedule/Merge.h"

#include "Random.h"

#include <gtest/gtest.h>

using namespace imc;
using schedule::detail::Round;
using schedule::detail::Strand;

namespace {

double timeOf(const std::vector<Round> &rounds) {
  double time = 0;
  for (const Round &round : rounds)
    time += double(round.iterations) * round.time;
  return time;
}

TEST(Merge, EqualStrandsAreOneLoop) {
  const std::vector<Round> rounds =
      schedule::detail::planRounds({{64, 3}, {64, 1}, {64, 2}});
  ASSERT_EQ(rounds.size(), 1u);
  EXPECT_EQ(rounds[0].iterations, 64);
  EXPECT_EQ(rounds[0].blocks, (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(timeOf(rounds), 64 * 3);
}

TEST(Merge, PacesThatDifferShareIterations) {
  // In step the 16 slow blocks would hold up 16 of the fast ones: 16 * 4 + 48.
  const std::vector<Strand> strands{{64, 1}, {16, 4}};
  EXPECT_EQ(schedule::detail::timeInStep(strands), 112);
  const std::vector<Round> rounds = schedule::detail::planRounds(strands);
  ASSERT_EQ(rounds.size(), 1u);
  EXPECT_EQ(rounds[0].iterations, 16);
  EXPECT_EQ(rounds[0].blocks, (std::vector<int64_t>{4, 1}));
  EXPECT_EQ(timeOf(rounds), 64);
  // The slow block stands in the middle of the fast ones.
  EXPECT_EQ(schedule::detail::orderOf(rounds[0]),
            (std::vector<size_t>{0, 0, 1, 0, 0}));
}

TEST(Merge, NothingToDo) {
  EXPECT_TRUE(schedule::detail::planRounds({}).empty());
  EXPECT_TRUE(schedule::detail::planRounds({{0, 1}}).empty());
  EXPECT_EQ(schedule::detail::timeInStep({}), 0);
}

TEST(Merge, EveryBlockOnce) {
  test::Random random(7);
  for (int i = 0; i != 2000; ++i) {
    std::vector<Strand> strands;
    double slowest = 0, sum = 0;
    for (int64_t n = random.in(1, 12); n > 0; --n) {
      strands.push_back({random.in(1, random.pick<int64_t>({1, 8, 64, 300})),
                         double(random.in(1, 50))});
      const double time = double(strands.back().blocks) * strands.back().time;
      slowest = std::max(slowest, time);
      sum += time;
    }
    const std::vector<Round> rounds = schedule::detail::planRounds(strands);
    std::vector<int64_t> blocks(strands.size(), 0);
    for (const Round &round : rounds) {
      ASSERT_GE(round.iterations, 1);
      int64_t all = 0;
      for (size_t s = 0; s != strands.size(); ++s) {
        blocks[s] += round.iterations * round.blocks[s];
        all += round.blocks[s];
      }
      EXPECT_EQ(schedule::detail::orderOf(round).size(), size_t(all));
      EXPECT_LE(all, 48);
    }
    for (size_t s = 0; s != strands.size(); ++s)
      EXPECT_EQ(blocks[s], strands[s].blocks);
    EXPECT_GE(timeOf(rounds), slowest * (1 - 1e-12));
    EXPECT_LE(timeOf(rounds), sum * (1 + 1e-12));
    EXPECT_LE(timeOf(rounds),
              schedule::detail::timeInStep(strands) * (1 + 1e-12));
  }
}

} // namespace
