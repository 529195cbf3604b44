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
