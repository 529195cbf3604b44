//===- AssignmentTest.cpp - Blocks on the cores of a mesh -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Assignment.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

using namespace imc::mapping::assignment;

/// Empty if there is none.
static std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// A chain of blocks that comes from and goes to the global buffer.
static Problem chain(int64_t blocks, int64_t cores, int64_t width) {
  Problem p;
  p.cores = cores;
  p.width = width;
  p.traffic.push_back({-1, 0, 10});
  for (int64_t i = 0; i != blocks; ++i) {
    p.blocks.push_back({"b" + std::to_string(i), 1});
    p.traffic.push_back({i, i + 1 == blocks ? -1 : i + 1, 10});
  }
  return p;
}

TEST(Assignment, Hops) {
  Problem p = chain(1, 8, 3);
  // 0 1 2 / 3 4 5 / 6 7, the buffer before core 1.
  EXPECT_EQ(p.hops(0, 0), 0);
  EXPECT_EQ(p.hops(0, 1), 1);
  EXPECT_EQ(p.hops(2, 3), 3);
  EXPECT_EQ(p.hops(7, 2), 3);
  EXPECT_EQ(p.hops(-1, 1), 1);
  EXPECT_EQ(p.hops(-1, 0), 2);
  EXPECT_EQ(p.hops(6, -1), 4);
  EXPECT_EQ(p.hops(-1, -1), 0);
}

TEST(Assignment, HandWorked) {
  // Two blocks that talk, at both ends of a row of three; a third beside them.
  Problem p;
  p.cores = p.width = 3;
  p.blocks = {{"a", 1}, {"b", 1}, {"c", 1}};
  p.traffic = {{0, 2, 5}, {1, 2, 1}};
  EXPECT_EQ(objective(p, {{0, 1, 2}}), 11);
  EXPECT_EQ(objective(p, {{0, 2, 1}}), 6);
  EXPECT_EQ(objective(p, llvm::cantFail(solve(p, "linear"))), 11);
  // c in the first core, a beside it.
  EXPECT_EQ(objective(p, llvm::cantFail(solve(p, "greedy"))), 7);
  EXPECT_EQ(objective(p, llvm::cantFail(solve(p, "local_search"))), 6);
  // Together in one core nothing travels.
  p.arrays_per_core = 3;
  EXPECT_EQ(objective(p, llvm::cantFail(solve(p, "greedy"))), 0);
}

static int64_t bruteForce(const Problem &p) {
  int64_t best = INT64_MAX;
  Solution s{std::vector<int64_t>(p.blocks.size())};
  std::vector<int64_t> left(p.cores, p.arrays_per_core);
  std::function<void(size_t)> fill = [&](size_t i) {
    if (i == p.blocks.size()) {
      best = std::min(best, objective(p, s));
      return;
    }
    for (int64_t core = 0; core != p.cores; ++core)
      if (left[core] >= p.blocks[i].arrays) {
        left[core] -= p.blocks[i].arrays;
        s.cores[i] = core;
        fill(i + 1);
        left[core] += p.blocks[i].arrays;
      }
  };
  fill(0);
  return best;
}

TEST(Assignment, AgainstBruteForce) {
  std::mt19937_64 random(9);
  int solved = 0, optimal = 0, greedyOptimal = 0, refused = 0;
  for (int i = 0; i != 300; ++i) {
    Problem p;
    p.cores = int64_t(2 + random() % 5);
    p.width = int64_t(1 + random() % p.cores);
    p.arrays_per_core = int64_t(1 + random() % 3);
    int64_t left = p.cores * p.arrays_per_core;
    for (int n = 0; n != 5 && left > 0; ++n) {
      p.blocks.push_back(
          {"b", std::min(left, int64_t(1 + random() % p.arrays_per_core))});
      left -= p.blocks.back().arrays;
    }
    for (uint64_t n = random() % 9; n != 0; --n)
      p.traffic.push_back({int64_t(random() % (p.blocks.size() + 1)) - 1,
                           int64_t(random() % (p.blocks.size() + 1)) - 1,
                           int64_t(random() % 20)});
    ASSERT_EQ(text(check(p)), "");
    const int64_t optimum = bruteForce(p);
    int64_t found[3];
    bool all = true;
    for (auto [n, name] : llvm::enumerate(Problem::algorithms())) {
      llvm::Expected<Solution> s = solve(p, name);
      if (!s) {
        ASSERT_NE(text(s.takeError()).find("finds no core with room"),
                  std::string::npos);
        all = false;
        continue;
      }
      ASSERT_EQ(text(verify(p, *s)), "") << name.str();
      found[n] = objective(p, *s);
      ASSERT_GE(found[n], optimum);
    }
    if (!all) {
      ++refused;
      continue;
    }
    ++solved;
    ASSERT_LE(found[2], std::min(found[0], found[1]));
    optimal += found[2] == optimum;
    greedyOptimal += found[1] == optimum;
  }
  EXPECT_GT(solved, 200);
  EXPECT_GT(refused, 0);
  EXPECT_GT(optimal, solved * 9 / 10);
  EXPECT_GT(optimal, greedyOptimal);
}

TEST(Assignment, LargeMesh) {
  // A chain of 64 blocks on 8 x 8: row after row jumps back 7 at each end.
  Problem p = chain(64, 64, 8);
  const int64_t linear = objective(p, llvm::cantFail(solve(p, "linear")));
  // Rows of 7 hops, 7 jumps of 8, 5 hops in and 1 + 3 + 7 out.
  EXPECT_EQ(linear, 10 * (8 * 7 + 7 * 8 + 5 + 11));
  Solution s = llvm::cantFail(solve(p, "local_search"));
  EXPECT_EQ(text(verify(p, s)), "");
  EXPECT_LT(objective(p, s), linear * 3 / 4);
  // 63 hops between neighbours, 1 and 2 at the buffer.
  EXPECT_GE(objective(p, s), 10 * (63 + 3));
}

TEST(Assignment, Check) {
  auto wrong = [](auto change) {
    Problem p = chain(3, 4, 2);
    change(p);
    return text(check(p));
  };
  EXPECT_EQ(wrong([](Problem &) {}), "");
  EXPECT_EQ(wrong([](Problem &p) { p.cores = 0; }),
            "'cores' is 0, must be from 1 to 65536");
  EXPECT_EQ(wrong([](Problem &p) { p.width = 5; }),
            "'width' is 5, must be from 1 to 4");
  EXPECT_EQ(wrong([](Problem &p) { p.arrays_per_core = 0; }),
            "'arrays_per_core' is 0, must be from 1 to 2^53 on all cores");
  EXPECT_EQ(wrong([](Problem &p) { p.blocks.clear(); }), "'blocks' is empty");
  EXPECT_EQ(wrong([](Problem &p) { p.blocks[2].arrays = 2; }),
            "blocks[2] 'b2' has 2 arrays, must have 1 to 1, those of a core");
  EXPECT_EQ(wrong([](Problem &p) { p.cores = 2; }),
            "the blocks have 1 arrays more than the 2 cores together");
  EXPECT_EQ(wrong([](Problem &p) { p.traffic[1].to = 3; }),
            "'traffic[1]' names block 3, must be from 0 to 2, or -1 for the "
            "global buffer");
  EXPECT_EQ(wrong([](Problem &p) { p.traffic[0].bits = -1; }),
            "'traffic[0]' has -1 bits, must be 0 or more, and less than 2^53 "
            "bits x hops in all");
  EXPECT_EQ(wrong([](Problem &p) { p.traffic[2].bits = int64_t(1) << 52; }),
            "'traffic[2]' has 4503599627370496 bits, must be 0 or more, and "
            "less than 2^53 bits x hops in all");
}

TEST(Assignment, Verify) {
  Problem p = chain(3, 4, 2);
  EXPECT_EQ(text(verify(p, {{3, 0, 1}})), "");
  EXPECT_EQ(text(verify(p, {{3, 0}})), "'cores' has 2 entries for 3 blocks");
  EXPECT_EQ(text(verify(p, {{3, 0, 4}})), "blocks[2] 'b2' is on core 4 of 4");
  EXPECT_EQ(text(verify(p, {{3, 0, 3}})),
            "blocks[2] 'b2': core 3 would hold 2 arrays of 1");
}

TEST(Assignment, Refused) {
  Problem p;
  p.cores = 2, p.width = 2, p.arrays_per_core = 4;
  p.blocks = {{"a", 2}, {"b", 3}, {"c", 2}};
  EXPECT_EQ(text(solve(p, "linear").takeError()),
            "linear finds no core with room for blocks[2] 'c' of 2 arrays; use "
            "another algorithm, or more cores");
  EXPECT_EQ(text(solve(p, "best").takeError()),
            "unknown algorithm 'best'; there are linear, greedy, local_search");
}

TEST(Assignment, Text) {
  Problem p = chain(3, 4, 2);
  llvm::Expected<Problem> again = Problem::parse(toJSON(p));
  ASSERT_TRUE(bool(again)) << text(again.takeError());
  EXPECT_EQ(toJSON(*again), toJSON(p));
  llvm::Expected<Solution> same = Solution::parse(toJSON(Solution{{3, 0, 1}}));
  ASSERT_TRUE(bool(same)) << text(same.takeError());
  EXPECT_EQ(same->cores, (std::vector<int64_t>{3, 0, 1}));
  // A square mesh unless the width is given.
  llvm::Expected<Problem> square = Problem::parse(
      llvm::cantFail(llvm::json::parse(R"({"problem": "assignment", "cores": 10,
                            "blocks": [{}], "traffic": []})")));
  ASSERT_TRUE(bool(square)) << text(square.takeError());
  EXPECT_EQ(square->width, 4);
  EXPECT_EQ(text(Problem::parse(llvm::cantFail(llvm::json::parse(
                                    R"({"problem": "assignment", "cores": 10,
                                        "blocks": [], "traffic": [[0, 1]]})")))
                     .takeError()),
            "'traffic[0]' must be a list of 3 integers");
}
