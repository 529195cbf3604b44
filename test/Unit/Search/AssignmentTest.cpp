//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Assignment.h"
#include "TestProblems.h"

#include <chrono>
#include <cmath>
#include <limits>

using namespace imc::search;
using namespace imc::search::test;

/// The least cost within the cap, infinity if nothing fits.
static double bruteForce(const std::vector<std::vector<Choice>> &layers,
                         double cap, std::size_t layer = 0, double cost = 0,
                         double weight = 0) {
  if (layer == layers.size())
    return weight <= cap * (1 + 1e-12)
               ? cost
               : std::numeric_limits<double>::infinity();
  double best = std::numeric_limits<double>::infinity();
  for (const Choice &choice : layers[layer])
    best = std::min(best, bruteForce(layers, cap, layer + 1, cost + choice.cost,
                                     weight + choice.weight));
  return best;
}

/// Uniform in [0, 1).
static double draw(std::uint64_t &state) {
  state += 0x9E3779B97F4A7C15u;
  return double(scramble(state) >> 11) * 0x1p-53;
}

/// Costs fall with weight, as latency does with area, with noise or exactly.
static std::vector<std::vector<Choice>>
instance(std::size_t layers, std::size_t choices, std::uint64_t seed) {
  std::vector<std::vector<Choice>> all(layers);
  std::uint64_t state = seed * 1000003;
  for (std::vector<Choice> &layer : all) {
    const double size = std::exp(4 * draw(state));
    for (std::size_t i = 0; i < choices; ++i) {
      const double copies = std::exp(4 * draw(state));
      switch (seed % 3) {
      case 0: // unrelated
        layer.push_back({draw(state), draw(state)});
        break;
      case 1: // work over copies, copies times size
        layer.push_back({100 * size / copies, size * copies});
        break;
      default: // whole numbers with many ties, cost nearly the reverse of
               // weight
        layer.push_back({std::floor(100 - 90 * draw(state)), 0});
        layer.back().weight =
            std::floor(110 - layer.back().cost + 4 * draw(state));
      }
    }
  }
  return all;
}

static double lightest(const std::vector<std::vector<Choice>> &layers) {
  double sum = 0;
  for (const std::vector<Choice> &layer : layers) {
    double least = layer[0].weight;
    for (const Choice &choice : layer)
      least = std::min(least, choice.weight);
    sum += least;
  }
  return sum;
}

TEST(Assignment, EqualsBruteForceOnFiftyInstances) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto layers = instance(2 + seed % 5, 3 + seed % 6, seed);
    for (double room : {1.0, 1.3, 2.0, 5.0, 100.0}) {
      const double cap = room * lightest(layers);
      auto result = assignLayers(layers, cap);
      ASSERT_TRUE(result) << result.message();
      ASSERT_TRUE(*result);
      const Assignment &found = **result;
      EXPECT_NEAR(found.cost, bruteForce(layers, cap), 1e-9 * found.cost)
          << "seed " << seed << " room " << room;
      EXPECT_LE(found.weight, cap * (1 + 1e-12));
      EXPECT_TRUE(found.proven);
      double cost = 0, weight = 0;
      for (std::size_t i = 0; i < layers.size(); ++i) {
        cost += layers[i][found.choices[i]].cost;
        weight += layers[i][found.choices[i]].weight;
      }
      EXPECT_EQ(found.cost, cost);
      EXPECT_EQ(found.weight, weight);
    }
  }
}

TEST(Assignment, SettlesSeventyTwoChoicesOfTwentyOneLayers) {
  for (std::uint64_t seed = 1; seed <= 9; ++seed) {
    const auto layers = instance(21, 72, seed);
    for (double room : {1.2, 2.0, 8.0}) {
      const auto before = std::chrono::steady_clock::now();
      auto result = assignLayers(layers, room * lightest(layers));
      const double seconds = std::chrono::duration<double>(
                                 std::chrono::steady_clock::now() - before)
                                 .count();
      ASSERT_TRUE(result && *result);
      EXPECT_TRUE((*result)->proven) << "seed " << seed << " room " << room;
      std::printf("seed %d room %.1f: cost %.4f, %d partial sums, %.4f s\n",
                  int(seed), room, (*result)->cost, int((*result)->states),
                  seconds);
      EXPECT_LT(seconds, 5); // 1 s is the bar of an idle machine
    }
  }
}

TEST(Assignment, SaysHowFarWhereMemoryEnds) {
  const auto layers = instance(21, 72, 2);
  const double cap = 2 * lightest(layers);
  auto exact = assignLayers(layers, cap), cut = assignLayers(layers, cap, 1);
  ASSERT_TRUE(exact && *exact && cut && *cut);
  EXPECT_LE((*cut)->lowerBound, (*exact)->cost * (1 + 1e-12));
  EXPECT_GE((*cut)->cost, (*exact)->cost * (1 - 1e-12));
  if ((*cut)->proven) {
    EXPECT_NEAR((*cut)->cost, (*exact)->cost, 1e-9);
  }
}

TEST(Assignment, RefusesWhatIsNoProblem) {
  expectContains(refusal(assignLayers({}, 1)), "has no layers");
  expectContains(refusal(assignLayers({{{1, 1}}, {}}, 1)),
                 "layer 1 has no choices");
  expectContains(refusal(assignLayers({{{1, -1}}}, 1)), "weight -1");
  expectContains(refusal(assignLayers({{{NAN, 1}}}, 1)), "cost nan");
  expectContains(refusal(assignLayers({{{1, 1}}}, NAN)), "not a number");
  auto none = assignLayers({{{1, 2}}, {{1, 2}}}, 3.9);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none) << "4 do not fit into 3.9";
}
