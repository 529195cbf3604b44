//===- SegmentsTest.cpp - Weights that take turns on a chip ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Segments.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

using namespace imc::mapping::segments;

/// Empty if there is none.
static std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// Blocks written, by a solution that was verified.
static int64_t written(const Problem &p, llvm::StringRef algorithm) {
  EXPECT_EQ(text(check(p)), "");
  llvm::Expected<Solution> s = solve(p, algorithm);
  if (!s) {
    ADD_FAILURE() << algorithm.str() << ": " << text(s.takeError());
    return -1;
  }
  EXPECT_EQ(text(verify(p, *s)), "") << algorithm.str();
  return objective(p, *s);
}

static Problem sweep(int64_t blocks, int64_t places, int64_t rounds) {
  Problem p;
  p.places = places;
  p.rounds = rounds;
  for (int64_t i = 0; i != blocks; ++i) {
    p.blocks.push_back({"b" + std::to_string(i), 1});
    p.order.push_back(i);
  }
  return p;
}

TEST(Segments, CyclicSweep) {
  // Counts of cim-mlir's placement pass, recomputed independently.
  const int64_t belady[] = {8, 4370, 8538, 24776, 56895};
  const int64_t lru[] = {8, 12000, 16000, 32000, 64000};
  size_t i = 0;
  for (int64_t n : {8, 12, 16, 32, 64}) {
    Problem p = sweep(n, 8, 1000);
    EXPECT_EQ(written(p, "belady"), belady[i]);
    EXPECT_EQ(written(p, "lru"), lru[i]);
    EXPECT_EQ(written(p, "fifo"), lru[i]);
    EXPECT_EQ(written(p, "fixed"), n == 8 ? 8 : 7 + (n - 7) * 1000);
    ++i;
  }
}

/// Fewest writes over all choices: contents (bits of blocks) to writes, use
/// after use. Writing a block before it is used never helps.
static int64_t exhaustive(const Problem &p) {
  std::map<uint32_t, int64_t> states{{0u, 0}};
  for (int64_t use = 0; use != p.uses(); ++use) {
    const uint32_t bit = 1u << p.order[use % p.order.size()];
    std::map<uint32_t, int64_t> next;
    auto reach = [&](uint32_t contents, int64_t writes) {
      auto [at, isNew] = next.try_emplace(contents, writes);
      at->second = std::min(at->second, writes);
    };
    for (auto [contents, writes] : states) {
      if (contents & bit) {
        reach(contents, writes);
        continue;
      }
      if (__builtin_popcount(contents) < p.places)
        reach(contents | bit, writes + 1);
      for (uint32_t rest = contents; rest; rest &= rest - 1)
        reach((contents & ~(rest & -rest)) | bit, writes + 1);
    }
    states.swap(next);
  }
  int64_t best = INT64_MAX;
  for (auto [contents, writes] : states)
    best = std::min(best, writes);
  return best;
}

TEST(Segments, BeladyIsTheOptimum) {
  std::mt19937_64 random(5);
  int better = 0;
  for (int i = 0; i != 500; ++i) {
    Problem p = sweep(int64_t(2 + random() % 7), int64_t(1 + random() % 5),
                      int64_t(1 + random() % 3));
    p.order.resize(1 + random() % 14);
    for (int64_t &block : p.order)
      block = int64_t(random() % p.blocks.size());
    const int64_t optimum = exhaustive(p);
    ASSERT_EQ(written(p, "belady"), optimum) << i;
    const int64_t lru = written(p, "lru"), fifo = written(p, "fifo");
    ASSERT_GE(lru, optimum);
    ASSERT_GE(fifo, optimum);
    better += optimum < std::min(lru, fifo);
  }
  EXPECT_GT(better, 50);
}

TEST(Segments, FixedIsTheOptimumOfRoundsThatAreAlike) {
  // Every set of blocks that stays; the others are written in each round. They
  // need a place that is not taken.
  for (int64_t n = 1; n != 7; ++n)
    for (int64_t places = 1; places != 8; ++places) {
      int64_t best = INT64_MAX;
      for (uint32_t stay = 0; stay != 1u << n; ++stay) {
        const int64_t kept = __builtin_popcount(stay);
        if (kept + (kept < n) <= places)
          best = std::min(best, kept + (n - kept) * 9);
      }
      EXPECT_EQ(written(sweep(n, places, 9), "fixed"), best)
          << n << " " << places;
    }
}

TEST(Segments, FixedRefusesABlockThatComesTwice) {
  Problem p = sweep(3, 2, 4);
  p.order = {0, 1, 2, 1};
  EXPECT_EQ(text(solve(p, "fixed").takeError()),
            "fixed needs a round that uses each block once: blocks[1] 'b1' is "
            "'order[1]' and 'order[3]'; use belady");
  EXPECT_EQ(text(solve(p, "opt").takeError()),
            "unknown algorithm 'opt'; there are fifo, lru, fixed, belady");
}

TEST(Segments, Check) {
  auto wrong = [](auto change) {
    Problem p = sweep(3, 2, 4);
    change(p);
    return text(check(p));
  };
  EXPECT_EQ(wrong([](Problem &p) { p.blocks[1].arrays = 0; }),
            "blocks[1] 'b1' takes 0 arrays, a place has 1; cut it into blocks "
            "that fit");
  EXPECT_EQ(
      wrong([](Problem &p) { p.blocks[2].arrays = 5, p.place_arrays = 4; }),
      "blocks[2] 'b2' takes 5 arrays, a place has 4; cut it into blocks "
      "that fit");
  // Smaller blocks are fine.
  EXPECT_EQ(
      wrong([](Problem &p) { p.blocks[2].arrays = 3, p.place_arrays = 4; }),
      "");
  EXPECT_EQ(wrong([](Problem &p) { p.places = 0; }),
            "'places' is 0, must be from 1 to 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.rounds = -1; }),
            "'rounds' is -1, must be from 1 to 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.rounds = 10'000'000; }),
            "'order' x 'rounds' has 3 x 10000000 uses, must be at most 2^24");
  EXPECT_EQ(wrong([](Problem &p) { p.order = {0, 3}; }),
            "'order[1]' is 3, must be from 0 to 2, an index into 'blocks'");
  EXPECT_EQ(wrong([](Problem &p) { p.order.clear(); }),
            "'order' is empty: no block is used");
}

TEST(Segments, Verify) {
  Problem p = sweep(3, 2, 1);
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {1, 1, 1}, {2, 0, 2}}})), "");
  // Ahead of its use, over a block that is not needed any more.
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {1, 0, 1}, {1, 1, 2}}})), "");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {1, 1, 1}}})),
            "use 2: blocks[2] 'b2' is in no place");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 0, 1}, {2, 1, 2}}})),
            "use 0: blocks[0] 'b0' is in no place");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {1, 2, 1}, {2, 1, 2}}})),
            "'writes[1]' names place 2 of 2");
  EXPECT_EQ(text(verify(p, {{{0, 0, 3}}})), "'writes[0]' names block 3 of 3");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {1, 1, 1}, {2, 0, 2}, {3, 0, 1}}})),
            "'writes[3]' is before use 3: writes must be in the order of uses, "
            "the last of which is 2");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {2, 0, 2}, {1, 1, 1}}})),
            "use 1: blocks[1] 'b1' is in no place");
}

TEST(Segments, Text) {
  Problem p = sweep(3, 2, 5);
  p.blocks[1].arrays = 2;
  p.place_arrays = 3;
  p.order = {2, 0, 1, 0};
  llvm::Expected<Problem> again = Problem::parse(toJSON(p));
  ASSERT_TRUE(bool(again)) << text(again.takeError());
  EXPECT_EQ(toJSON(*again), toJSON(p));
  Solution s = llvm::cantFail(solve(p, "belady"));
  llvm::Expected<Solution> same = Solution::parse(toJSON(s));
  ASSERT_TRUE(bool(same)) << text(same.takeError());
  EXPECT_EQ(toJSON(*same), toJSON(s));

  auto wrong = [](const char *json) {
    return text(
        Problem::parse(llvm::cantFail(llvm::json::parse(json))).takeError());
  };
  EXPECT_EQ(wrong(R"({"problem": "segments"})"), "'places' is missing");
  EXPECT_EQ(wrong(R"({"problem": "segments", "places": 1, "blocks": [],
                      "order": [1, "a"]})"),
            "'order[1]' must be an integer");
  EXPECT_EQ(text(Solution::parse(llvm::cantFail(llvm::json::parse(
                                     R"({"solution": "segments",
                                         "writes": [[0, 0]]})")))
                     .takeError()),
            "'writes[0]' must be a list of 3 integers");
}
