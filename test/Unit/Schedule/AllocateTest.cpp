//===- AllocateTest.cpp - Tensors in a buffer by lifetime -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Schedule/Allocate.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <random>

using namespace imc::schedule;

namespace {

constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();

/// Pairwise disjoint, inside, and sums that agree.
void expectValid(const std::vector<Lifetime> &lifetimes, int64_t capacity,
                 const Memory &memory) {
  ASSERT_EQ(memory.offsets.size(), lifetimes.size());
  int64_t peak = 0, outside = 0;
  for (size_t i = 0; i != lifetimes.size(); ++i) {
    const Lifetime &a = lifetimes[i];
    const int64_t at = memory.offsets[i];
    if (at == Memory::outside) {
      outside += a.size;
      continue;
    }
    ASSERT_GE(at, 0);
    ASSERT_LE(a.size, capacity - at);
    if (a.size > 0)
      peak = std::max(peak, at + a.size);
    for (size_t j = 0; j != i; ++j) {
      const Lifetime &b = lifetimes[j];
      const int64_t other = memory.offsets[j];
      if (other == Memory::outside || a.last < b.first || b.last < a.first)
        continue;
      EXPECT_TRUE(at + a.size <= other || other + b.size <= at)
          << i << " and " << j << " share bits";
    }
  }
  EXPECT_EQ(memory.peak, peak);
  EXPECT_EQ(memory.outside_bits, outside);
}

TEST(Allocate, NothingAndZero) {
  EXPECT_EQ(allocate({}, 10).peak, 0);
  EXPECT_EQ(peakOfSteps({}), 0);
  Memory memory = allocate({{0, 0, 5}, {0, 2, 2}}, 0);
  EXPECT_EQ(memory.peak, 0);
  EXPECT_EQ(memory.outside_bits, 0);
}

TEST(Allocate, StepsThatTouchAreShared) {
  // The last step of one is the first of the next: both are needed in it.
  EXPECT_EQ(peakOfSteps({{8, 0, 1}, {8, 1, 2}}), 16);
  EXPECT_EQ(allocate({{8, 0, 1}, {8, 1, 2}}, unlimited).peak, 16);
  EXPECT_EQ(peakOfSteps({{8, 0, 1}, {8, 2, 3}}), 8);
  EXPECT_EQ(allocate({{8, 0, 1}, {8, 2, 3}}, unlimited).peak, 8);
}

TEST(Allocate, AChainNeedsTwoBuffers) {
  std::vector<Lifetime> chain;
  for (int64_t i = 0; i != 50; ++i)
    chain.push_back({100, i, i + 1});
  Memory memory = allocate(chain, unlimited);
  expectValid(chain, unlimited, memory);
  EXPECT_EQ(memory.peak, 200);
}

TEST(Allocate, WhatIsTooLargeStaysOutside) {
  std::vector<Lifetime> lifetimes = {{100, 0, 3}, {10, 1, 2}, {10, 2, 3}};
  Memory memory = allocate(lifetimes, 50);
  expectValid(lifetimes, 50, memory);
  EXPECT_EQ(memory.offsets[0], Memory::outside);
  EXPECT_EQ(memory.outside_bits, 100);
  EXPECT_EQ(memory.peak, 20);
}

TEST(Allocate, RandomLifetimes) {
  std::mt19937_64 random(20261121);
  double excess = 0;
  const int runs = 300;
  for (int run = 0; run != runs; ++run) {
    std::vector<Lifetime> lifetimes(1 + random() % 60);
    for (Lifetime &l : lifetimes) {
      l.size = int64_t(random() % 1000);
      l.first = int64_t(random() % 40) - 1;
      l.last = l.first + int64_t(random() % 8);
    }
    const int64_t bound = peakOfSteps(lifetimes);
    Memory free = allocate(lifetimes, unlimited);
    expectValid(lifetimes, unlimited, free);
    EXPECT_EQ(free.outside_bits, 0);
    EXPECT_GE(free.peak, bound);
    excess += bound ? double(free.peak) / double(bound) - 1 : 0;
    // Its own peak is enough room; a bit less than the bound is not.
    Memory tight = allocate(lifetimes, free.peak);
    EXPECT_EQ(tight.outside_bits, 0);
    const int64_t small =
        std::max<int64_t>(0, bound - 1 - int64_t(random() % 500));
    Memory narrow = allocate(lifetimes, small);
    expectValid(lifetimes, small, narrow);
    if (bound > 0) {
      EXPECT_GT(narrow.outside_bits, 0);
    }
  }
  std::printf("peak above the lower bound: %.2f %% on average\n",
              100 * excess / runs);
  EXPECT_LT(excess / runs, 0.03); // 1.47 % when this was written
}

} // namespace
