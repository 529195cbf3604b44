//===- StatisticsTest.cpp - Size of a program -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/Statistics.h"
#include "imc/Program/Verify.h"

#include <gtest/gtest.h>

using namespace imc::program;
using namespace imc::program::test;

static int64_t executed(const Statistics &s, Opcode opcode) {
  return s.executed_by_opcode[static_cast<size_t>(opcode)];
}

TEST(StatisticsTest, CountsLoopsWithoutRunningThem) {
  Program p = pipelined();
  Statistics s = statistics(p);
  // 5 inferences; conv1 36 windows, conv2 36, fc 1, one copy each, blocks of 1.
  EXPECT_EQ(executed(s, Opcode::Mvm), 5 * (36 + 36 + 1));
  EXPECT_EQ(executed(s, Opcode::Load), executed(s, Opcode::Mvm));
  EXPECT_EQ(executed(s, Opcode::Vector), 5 * p.chip.cores);
  // Beats 0 to 7 on every core.
  EXPECT_EQ(executed(s, Opcode::Step), 8 * p.chip.cores);
  EXPECT_EQ(s.steps, 8);
  EXPECT_LT(s.instructions, s.executed);
}

TEST(StatisticsTest, StreamsOfIdleCoresCountForEach) {
  Program p = pipelined();
  const Statistics before = statistics(p);
  p.chip.cores += 1000;
  p.streams.push_back({Stream::idleCores, {{Opcode::Step, 5, 0, {0, 0}, 0}}});
  const int64_t idle =
      p.chip.cores - static_cast<int64_t>(coresWithParts(p).size());
  EXPECT_GE(idle, 1000);
  EXPECT_EQ(statistics(p).executed, before.executed + idle);
  EXPECT_EQ(statistics(p).instructions, before.instructions + 1);
}

TEST(StatisticsTest, LargeLoopsTakeNoTime) {
  Program p = convolutions();
  const int64_t large = int64_t(1) << 24;
  p.streams.push_back({Stream::allCores,
                       {{Opcode::Loop, 0, 0, {0, 0}, large},
                        {Opcode::Step, 5, 0, {3, 0}, 0},
                        {Opcode::Loop, 0, 0, {0, 0}, large},
                        {Opcode::Load, 0, 0, {0, 0}, 1},
                        {Opcode::End},
                        {Opcode::End}}});
  ASSERT_EQ(llvm::toString(check(p)), "");
  Statistics s = statistics(p);
  EXPECT_GE(executed(s, Opcode::Load), 8 * large * large);
  EXPECT_EQ(s.steps, 5 + 3 * (large - 1) + 1);
  EXPECT_EQ(stepsOfParts(p)[0].second, s.steps - 1);
}

TEST(StatisticsTest, PeaksAreOfWhatIsAliveAtOnce) {
  Program p = convolutions();
  Statistics s = statistics(p);
  // Tensors of step 3 (depthwise): conv2 waits for the last layer.
  int64_t peak = 0;
  for (int64_t step = -1; step < s.steps; ++step) {
    int64_t now = 0;
    for (const Tensor &t : p.tensors)
      now += t.first_step <= step && step <= t.last_step ? t.region.size : 0;
    peak = std::max(peak, now);
  }
  EXPECT_EQ(s.global_buffer_peak, peak);
  int64_t fullest = 0;
  for (int64_t core = 0; core < p.chip.cores; ++core)
    for (int64_t step = 0; step < s.steps; ++step) {
      int64_t now = 0;
      for (const Part &part : p.parts)
        if (part.core == core && p.products[part.product].step == step)
          now += part.lines.size + part.accumulators.size;
      fullest = std::max(fullest, now);
    }
  EXPECT_EQ(s.tile_buffer_peak, fullest);
}
