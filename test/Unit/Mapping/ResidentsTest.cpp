//===- ResidentsTest.cpp - Blocks that stay on a chip that is too small ---===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Residents.h"

#include <gtest/gtest.h>

#include <random>

using namespace imc::mapping::residents;

/// Empty if there is none.
static std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// Cells of a solution that was verified.
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

static Problem three() {
  return {10, 2, {{"a", 5, 50}, {"b", 4, 48}, {"c", 4, 47}}};
}

TEST(Residents, HandWorked) {
  Problem p = three();
  EXPECT_EQ(written(p, "sweep"), 145);
  EXPECT_EQ(written(p, "in_order"), 95);
  EXPECT_EQ(written(p, "greedy"), 50);
  EXPECT_EQ(written(p, "exact"), 50);
  p.blocks[1].cells = 60;
  p.arrays = 7; // b alone, or a alone
  EXPECT_EQ(written(p, "in_order"), 107);
  EXPECT_EQ(written(p, "exact"), 97);
  p.arrays = 13; // everything
  EXPECT_EQ(written(p, "exact"), 0);
  EXPECT_EQ(written(p, "in_order"), 0);
}

TEST(Residents, ExactIsTheOptimum) {
  std::mt19937_64 random(2);
  int better = 0;
  for (int i = 0; i != 400; ++i) {
    Problem p;
    p.arrays = int64_t(1 + random() % 40);
    p.shared = int64_t(1 + random() % p.arrays);
    for (uint64_t n = 1 + random() % 9; n != 0; --n)
      p.blocks.push_back(
          {"b", int64_t(1 + random() % 15), int64_t(1 + random() % 100)});
    int64_t best = INT64_MAX;
    for (uint32_t set = 0; set != 1u << p.blocks.size(); ++set) {
      Solution s;
      for (size_t b = 0; b != p.blocks.size(); ++b)
        if (set >> b & 1)
          s.stay.push_back(int64_t(b));
      if (text(verify(p, s)).empty())
        best = std::min(best, objective(p, s));
    }
    ASSERT_EQ(written(p, "exact"), best) << i;
    ASSERT_GE(written(p, "greedy"), best);
    ASSERT_GE(written(p, "in_order"), best);
    better += written(p, "greedy") > best;
  }
  EXPECT_GT(better, 20);
}

TEST(Residents, Check) {
  auto wrong = [](auto change) {
    Problem p = three();
    change(p);
    return text(check(p));
  };
  EXPECT_EQ(wrong([](Problem &) {}), "");
  EXPECT_EQ(wrong([](Problem &p) { p.arrays = 0; }),
            "'arrays' is 0, must be from 1 to 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.shared = 11; }),
            "'shared' is 11, must be from 1 to 10, the arrays of the chip");
  EXPECT_EQ(wrong([](Problem &p) { p.blocks.clear(); }), "'blocks' is empty");
  EXPECT_EQ(wrong([](Problem &p) { p.blocks[1].cells = 0; }),
            "blocks[1] 'b': 'cells' is 0, must be at least 1, and 2^53 in all "
            "blocks");
  EXPECT_EQ(wrong([](Problem &p) { p.blocks[2].arrays = int64_t(1) << 53; }),
            "blocks[2] 'c': 'arrays' is 9007199254740992, must be at least 1, "
            "and 2^53 in all blocks");
}

TEST(Residents, Verify) {
  Problem p = three();
  EXPECT_EQ(text(verify(p, {{1, 2}})), "");
  EXPECT_EQ(text(verify(p, {{0, 1}})),
            "what stays takes 9 arrays, 1 more than the others leave");
  EXPECT_EQ(text(verify(p, {{0, 1, 2}})),
            "what stays takes 13 arrays, 3 more than there are");
  EXPECT_EQ(text(verify(p, {{1, 1}})),
            "'stay[1]' is 1, must be less than 3 and larger than the entry "
            "before");
  EXPECT_EQ(text(verify(p, {{3}})),
            "'stay[0]' is 3, must be less than 3 and larger than the entry "
            "before");
}

TEST(Residents, RefusedAndText) {
  Problem p = three();
  p.arrays = int64_t(1) << 40;
  p.blocks[0].arrays = int64_t(1) << 41;
  EXPECT_EQ(text(solve(p, "exact").takeError()),
            "exact needs a table of 3 blocks x 1099511627775 arrays, more than "
            "2^32 entries; use greedy");
  EXPECT_EQ(text(solve(p, "best").takeError()),
            "unknown algorithm 'best'; there are sweep, in_order, greedy, "
            "exact");
  llvm::Expected<Problem> again = Problem::parse(toJSON(p));
  ASSERT_TRUE(bool(again)) << text(again.takeError());
  EXPECT_EQ(toJSON(*again), toJSON(p));
  llvm::Expected<Solution> same = Solution::parse(toJSON(Solution{{0, 2}}));
  ASSERT_TRUE(bool(same)) << text(same.takeError());
  EXPECT_EQ(same->stay, (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(text(Problem::parse(llvm::cantFail(llvm::json::parse(
                                    R"({"problem": "residents", "arrays": 3,
                                        "blocks": [{"arrays": 1}]})")))
                     .takeError()),
            "'blocks[0].cells' is missing");
}
