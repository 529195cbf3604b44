//===- ReplicationTest.cpp - Copies of layers on a budget of arrays -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Replication.h"

#include "imc/Mapping/Mapping.h"
#include "test/Unit/Models/Networks.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <queue>
#include <random>

using namespace imc;
using namespace imc::mapping::replication;
using Copies = std::vector<int64_t>;

/// Empty if there is none.
static std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

static Solution solved(const Problem &p, llvm::StringRef algorithm) {
  llvm::Expected<Solution> s = solve(p, algorithm);
  if (s)
    return *s;
  ADD_FAILURE() << algorithm.str() << ": " << text(s.takeError());
  return {};
}

/// Every vector of copies, one after the other; what verify() accepts counts.
static int64_t bruteForce(const Problem &p) {
  int64_t best = INT64_MAX;
  Solution s{std::vector<int64_t>(p.layers.size())};
  std::function<void(size_t, int64_t)> fill = [&](size_t i, int64_t left) {
    if (i == p.layers.size()) {
      const int64_t value = objective(p, s);
      if (value < best && text(verify(p, s)).empty())
        best = value;
      return;
    }
    const Layer &l = p.layers[i];
    for (int64_t c = 1; c <= l.windows && c * l.count * l.arrays <= left; ++c) {
      s.copies[i] = c;
      fill(i + 1, left - c * l.count * l.arrays);
    }
  };
  fill(0, p.arrays);
  return best;
}

static Problem randomProblem(std::mt19937_64 &random) {
  auto draw = [&](int64_t low, int64_t high) {
    return low + int64_t(random() % uint64_t(high - low + 1));
  };
  Problem p;
  p.objective = draw(0, 1) ? Objective::Sum : Objective::Bottleneck;
  for (int64_t i = 0, n = draw(1, 5); i != n; ++i) {
    // Every other layer is like the one before.
    if (i > 0 && draw(0, 1))
      p.layers.push_back(p.layers.back());
    else
      p.layers.push_back({"l" + std::to_string(i), draw(1, 14), draw(1, 5),
                          draw(0, 2) ? 1 : draw(1, 9),
                          draw(0, 3) ? 1 : draw(1, 3)});
  }
  if (draw(0, 1))
    p.core = draw(2, 9);
  p.arrays = endOf(p, Copies(p.layers.size(), 1)) + draw(0, 24);
  return p;
}

/// Every algorithm answers rightly, `exact` with the optimum and none with
/// less.
static void expectOptimum(const Problem &p, int64_t optimum) {
  for (llvm::StringRef name : Problem::algorithms()) {
    Solution s = solved(p, name);
    ASSERT_EQ(text(verify(p, s)), "") << name.str();
    if (name == "exact")
      ASSERT_EQ(objective(p, s), optimum);
    else
      ASSERT_GE(objective(p, s), optimum) << name.str();
  }
}

TEST(Replication, ExactIsTheOptimum) {
  std::mt19937_64 random(6);
  int better = 0, improved = 0;
  for (int i = 0; i != 600; ++i) {
    Problem p = randomProblem(random);
    ASSERT_EQ(text(check(p)), "");
    const int64_t optimum = bruteForce(p);
    ASSERT_NO_FATAL_FAILURE(expectOptimum(p, optimum)) << i;
    better += objective(p, solved(p, "balanced")) > optimum;
    improved += objective(p, solved(p, "marginal_gain")) > optimum;
  }
  // The instances tell the algorithms apart.
  EXPECT_GT(better, 100);
  EXPECT_GT(improved, 10);
}

TEST(Replication, DecidedCopiesAreKept) {
  std::mt19937_64 random(16);
  int decided = 0;
  for (int i = 0; i != 400; ++i) {
    Problem p = randomProblem(random);
    for (Layer &l : p.layers)
      if (random() % 3 == 0)
        l.copies =
            int64_t(1 + random() % uint64_t(std::min<int64_t>(4, l.windows)));
    p.arrays = endOf(p, fewestCopies(p)) + int64_t(random() % 20);
    ASSERT_EQ(text(check(p)), "");
    ASSERT_NO_FATAL_FAILURE(expectOptimum(p, bruteForce(p))) << i;
    for (const Layer &l : p.layers)
      decided += l.copies > 1;
  }
  EXPECT_GT(decided, 100);
  // What was decided is part of the problem.
  Problem p;
  p.layers = {{"a", 4, 1}, {"b", 4, 1, 1, 1, 2}};
  p.arrays = 2;
  EXPECT_NE(text(check(p)).find("1 more than 'arrays' = 2"), std::string::npos);
  p.arrays = 6;
  EXPECT_NE(text(verify(p, {{1, 1}})).find("must have the 2"),
            std::string::npos);
  p.layers[1].copies = 5;
  EXPECT_NE(text(check(p)).find("its 4 windows"), std::string::npos);
}

TEST(Replication, GreedyIsExactForTheBottleneck) {
  std::mt19937_64 random(7);
  for (int i = 0; i != 300; ++i) {
    Problem p = randomProblem(random);
    p.objective = Objective::Bottleneck;
    EXPECT_EQ(objective(p, solved(p, "marginal_gain")),
              objective(p, solved(p, "exact")));
  }
}

/// Large instances: for each first free array the least time, layer by layer
/// and copy by copy.
static int64_t tableSum(const Problem &p) {
  constexpr int64_t none = INT64_MAX / 2;
  Copies best(p.arrays + 1, none), next;
  best[0] = 0;
  for (const Layer &l : p.layers) {
    next.assign(p.arrays + 1, none);
    for (int64_t begin = 0; begin <= p.arrays; ++begin) {
      if (best[begin] == none)
        continue;
      for (int64_t c = 1; c <= l.windows; ++c) {
        int64_t end = begin;
        const int64_t together = std::max<int64_t>(1, p.core / l.arrays);
        for (int64_t left = c; left > 0; left -= together) {
          const int64_t bundle = std::min(left, together) * l.arrays;
          if (end / p.core != (end + bundle - 1) / p.core)
            end = (end + p.core - 1) / p.core * p.core;
          end += bundle;
        }
        if (end > p.arrays)
          break;
        next[end] =
            std::min(next[end], best[begin] + (l.windows + c - 1) / c * l.time);
      }
    }
    best.swap(next);
  }
  return *std::min_element(best.begin(), best.end());
}

TEST(Replication, ExactSumOfManyLayers) {
  std::mt19937_64 random(8);
  for (int i = 0; i != 60; ++i) {
    Problem p;
    p.objective = Objective::Sum;
    for (int n = 0; n != 12; ++n) {
      p.layers.push_back({"", int64_t(1 + random() % 60),
                          int64_t(1 + random() % 20),
                          int64_t(1 + random() % 100)});
    }
    if (i % 2)
      p.core = int64_t(2 + random() % 30);
    p.arrays = endOf(p, Copies(p.layers.size(), 1)) + int64_t(random() % 1500);
    ASSERT_EQ(objective(p, solved(p, "exact")), tableSum(p)) << i;
  }
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

/// One cell per weight, 128 x 128, grouped layers as if they were dense.
static Problem problemOf(const workload::Workload &network, int64_t arrays) {
  Problem p;
  p.arrays = arrays;
  for (const workload::Layer &layer : network.layers)
    if (const workload::Product *product = layer.product()) {
      auto tiles = [](int64_t n) { return (n + 127) / 128; };
      p.layers.push_back(
          {layer.name, product->windows,
           tiles(product->rows) * tiles(product->cols * product->groups)});
    }
  return p;
}

TEST(Replication, NeverWorseOnNetworks) {
  for (int64_t core : {1, 8, 12, 96})
    for (const workload::Workload &network :
         {test::alexnet(), test::resnet18(), test::resnet50(), test::vgg16(),
          test::mobilenetV3Large()})
      for (int64_t percent : {100, 110, 200, 1000, 5000})
        for (Objective goal : {Objective::Bottleneck, Objective::Sum}) {
          Problem p = problemOf(network, 0);
          p.objective = goal;
          p.core = core;
          p.arrays = endOf(p, Copies(p.layers.size(), 1)) * percent / 100;
          Solution best = solved(p, "exact");
          EXPECT_EQ(text(verify(p, best)), "");
          for (llvm::StringRef name : Problem::algorithms())
            EXPECT_LE(objective(p, best), objective(p, solved(p, name)))
                << network.name << " " << percent << " " << name.str() << core;
        }
}

/// The "balance" rule of PIMCOMP (Sun et al., DAC 2023), bug included: the
/// first copy of convolutions is never charged. Fully connected layers are
/// charged and take no part. Ties are broken as std::priority_queue does.
static std::vector<int64_t> pimcompBalance(const Problem &p) {
  int64_t budget = p.arrays;
  for (const Layer &l : p.layers)
    if (l.windows == 1)
      budget -= l.arrays;
  const int64_t margin = budget / 2;
  std::vector<int64_t> copies(p.layers.size(), 1);
  auto fewer = [](const std::pair<int64_t, size_t> &a,
                  const std::pair<int64_t, size_t> &b) {
    return a.first < b.first;
  };
  std::priority_queue<std::pair<int64_t, size_t>,
                      std::vector<std::pair<int64_t, size_t>>, decltype(fewer)>
      heap(fewer);
  for (size_t i = 0; i != p.layers.size(); ++i)
    if (p.layers[i].windows > 1)
      heap.emplace(p.layers[i].windows, i);
  while (budget > p.layers[heap.top().second].arrays && budget > margin) {
    size_t i = heap.top().second;
    heap.pop();
    ++copies[i];
    budget -= p.layers[i].arrays;
    heap.emplace((p.layers[i].windows + copies[i] - 1) / copies[i], i);
  }
  return copies;
}

/// The AlexNet of the Caffe zoo as PIMCOMP ships it: 224 pixels, no padding in
/// front, groups taken as dense.
static workload::Workload caffeAlexnet() {
  test::NetworkBuilder b("alexnet");
  b.conv(96, 11, 4, 0);
  b.pool(3, 2);
  b.conv(256, 5, 1, 2);
  b.pool(3, 2);
  b.conv(384, 3, 1, 1);
  b.conv(384, 3, 1, 1);
  b.conv(256, 3, 1, 1);
  b.fc(256 * 6 * 6, 4096);
  b.fc(4096, 4096);
  b.fc(4096, 1000);
  return b.network;
}

TEST(Replication, PimcompBalanceVectors) {
  // 12 x 12 cores of 64 arrays.
  auto vector = [](const workload::Workload &network) {
    return pimcompBalance(problemOf(network, 12 * 12 * 64));
  };
  EXPECT_EQ(vector(test::resnet18()),
            Copies({381, 96, 96, 96, 96, 24, 24, 24, 24, 24, 6,
                    6,   6,  7,  6,  2,  2,  2,  2,  2,  1}));
  EXPECT_EQ(vector(caffeAlexnet()), Copies({139, 34, 8, 7, 7, 1, 1, 1}));
  EXPECT_EQ(vector(test::vgg16()),
            Copies({60, 60, 16, 16, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(Replication, WhatPimcompAborts) {
  // Its VGG16 asks for 9288 of 9216 arrays; ours fits.
  Problem p = problemOf(test::vgg16(), 12 * 12 * 64);
  Solution theirs{pimcompBalance(p)};
  EXPECT_EQ(text(verify(p, theirs)), ("the copies take 9288 arrays, 72 more "
                                      "than there are"));
  Solution ours = solved(p, "exact");
  EXPECT_EQ(text(verify(p, ours)), "");
  EXPECT_EQ(objective(p, theirs), 837);
  EXPECT_EQ(objective(p, ours), 965);
}

//===----------------------------------------------------------------------===//
// Input, solutions, text
//===----------------------------------------------------------------------===//

static Problem small() {
  Problem p;
  p.arrays = 10;
  p.layers = {{"a", 6, 2}, {"b", 4, 1, 3}};
  return p;
}

TEST(Replication, Check) {
  auto wrong = [](auto change) {
    Problem p = small();
    change(p);
    return text(check(p));
  };
  EXPECT_EQ(wrong([](Problem &) {}), "");
  EXPECT_EQ(wrong([](Problem &p) { p.layers.clear(); }), "'layers' is empty");
  EXPECT_EQ(wrong([](Problem &p) { p.layers[1].windows = 0; }),
            "layers[1] 'b': 'windows' is 0, must be from 1 to 2^53");
  EXPECT_EQ(
      wrong([](Problem &p) { p.layers[1].windows = (int64_t(1) << 32) - 5; }),
      "layers[1] 'b': the layers up to here have more than 2^32 windows");
  EXPECT_EQ(wrong([](Problem &p) { p.layers[0].arrays = -3; }),
            "layers[0] 'a': 'arrays' is -3, must be from 1 to 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.layers[1].time = 0; }),
            "layers[1] 'b': 'time' is 0, must be from 1 to 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.arrays = 2; }),
            "one copy of each layer takes 3 arrays, 1 more than 'arrays' = 2");
  EXPECT_EQ(wrong([](Problem &p) { p.layers[1].time = int64_t(1) << 52; }),
            "layers[1] 'b': windows x time of the layers up to here add up to "
            "more than 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.layers[0].arrays = int64_t(1) << 52; }),
            "layers[0] 'a': windows x arrays of the layers up to here add up "
            "to more than 2^53");
}

TEST(Replication, CopiesAreAlignedToCores) {
  // Cores of 5 arrays: three copies of 2 take 2 + 2, then 2 of the next core;
  // three copies of 1 behind them end at 10, four of them begin a core.
  Problem p = small();
  p.core = 5;
  EXPECT_EQ(endOf(p, {3, 3}), 10);
  EXPECT_EQ(text(verify(p, {{3, 3}})), "");
  EXPECT_EQ(text(verify(p, {{3, 4}})),
            "the copies take 14 arrays, 4 more than there are");
  // A copy that is larger than a core begins one.
  p.layers = {{"a", 6, 2}, {"b", 4, 7, 1}};
  p.arrays = 19;
  EXPECT_EQ(endOf(p, {1, 1}), 12);
  EXPECT_EQ(text(verify(p, {{2, 1}})), "");
  EXPECT_EQ(text(verify(p, {{2, 2}})),
            "the copies take 22 arrays, 3 more than there are");
  p.arrays = 11;
  EXPECT_EQ(
      text(check(p)),
      "one copy of each layer takes 12 arrays, 1 more than 'arrays' = 11");
}

TEST(Replication, EqualLayers) {
  Problem p = small();
  p.layers[0].count = 2;
  EXPECT_EQ(text(verify(p, {{2, 2}})), "");
  EXPECT_EQ(text(verify(p, {{2, 3}})),
            "the copies take 11 arrays, 1 more than there are");
  EXPECT_EQ(objective(p, {{2, 2}}), 6);
  p.objective = Objective::Sum;
  EXPECT_EQ(objective(p, {{2, 2}}), 3 + 3 + 6);
}

TEST(Replication, Verify) {
  Problem p = small();
  EXPECT_EQ(text(verify(p, {{3, 4}})), "");
  EXPECT_EQ(text(verify(p, {{3}})), "'copies' has 1 entries for 2 layers");
  EXPECT_EQ(text(verify(p, {{0, 1}})),
            "layers[0] 'a' has 0 copies, must have 1 to 6, one per window");
  EXPECT_EQ(text(verify(p, {{1, 5}})),
            "layers[1] 'b' has 5 copies, must have 1 to 4, one per window");
  EXPECT_EQ(text(verify(p, {{4, 3}})),
            "the copies take 11 arrays, 1 more than there are");
}

TEST(Replication, Objective) {
  Problem p = small();
  EXPECT_EQ(objective(p, {{4, 2}}), 6);
  EXPECT_EQ(objective(p, {{4, 1}}), 12);
  p.objective = Objective::Sum;
  EXPECT_EQ(objective(p, {{4, 2}}), 8);
  EXPECT_EQ(text(solve(p, "best").takeError()),
            "unknown algorithm 'best'; there are none, balanced, "
            "marginal_gain, exact");
}

TEST(Replication, Text) {
  Problem p = small();
  p.objective = Objective::Sum;
  llvm::Expected<Problem> again = Problem::parse(toJSON(p));
  ASSERT_TRUE(bool(again)) << text(again.takeError());
  EXPECT_EQ(toJSON(*again), toJSON(p));
  Solution s{{4, 2}};
  llvm::Expected<Solution> same = Solution::parse(toJSON(s));
  ASSERT_TRUE(bool(same)) << text(same.takeError());
  EXPECT_EQ(same->copies, s.copies);

  auto wrong = [](const char *json) {
    return text(
        Problem::parse(llvm::cantFail(llvm::json::parse(json))).takeError());
  };
  EXPECT_EQ(wrong(R"([1])"), "the text is no JSON object");
  EXPECT_EQ(wrong(R"({"problem": "replication"})"), "'objective' is missing");
  EXPECT_EQ(wrong(R"({"problem": "replication", "objective": "mean"})"),
            "'objective' is 'mean', must be one of bottleneck, sum");
  EXPECT_EQ(wrong(R"({"problem": "replication", "objective": "sum",
                      "arrays": 2.5, "layers": []})"),
            "'arrays' must be an integer");
  EXPECT_EQ(wrong(R"({"problem": "replication", "objective": "sum",
                      "arrays": 2, "layers": {}})"),
            "'layers' must be a list of objects");
  EXPECT_EQ(wrong(R"({"problem": "replication", "objective": "sum",
                      "arrays": 2, "layers": [{"windows": 1, "arrays": 1},
                      {"windows": "x", "arrays": 1}]})"),
            "'layers[1].windows' must be an integer");
  EXPECT_EQ(wrong(R"({"problem": "replication", "objective": "sum",
                      "arrays": 2, "layers": [{"windows": 1, "arrays": 1,
                      "copy": 3}]})"),
            "'layers[0].copy' is not known; there are name, windows, "
            "arrays, time, count, copies");
  EXPECT_EQ(wrong(R"({"problem": "replication", "objective": "sum",
                      "arrays": 2, "layers": [], "budget": 3})"),
            "'budget' is not known; there are problem, objective, arrays, "
            "core, layers");
}
