//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which designs a model of accuracy is fitted to.
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Choose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace imc::accuracy;
using Indices = std::vector<size_t>;

TEST(Choose, ValuesAreSpreadEvenly) {
  const std::vector<double> values = {0.9, 0.1, 0.88, 0.52, 0.11, 0.3};
  EXPECT_EQ(spreadOver(values, 3), (Indices{1, 3, 0}));
  EXPECT_EQ(spreadOver(values, 1), Indices{1});
  EXPECT_EQ(spreadOver(values, 9).size(), values.size());
  EXPECT_EQ(spreadOver({0.5, 0.5, 0.5}, 2), (Indices{0, 1}));
  EXPECT_TRUE(spreadOver({}, 2).empty());
}

TEST(Choose, PlacesAreFarFromWhatIsKnown) {
  const std::vector<Kriging::Place> places = {{0, 0}, {1, 0}, {0, 5}, {4, 4}};
  // 5 from the origin, then 4.1 from that and 5.7 from the origin.
  EXPECT_EQ(farthest({{0, 0}}, places, 2), (Indices{3, 2}));
  EXPECT_EQ(farthest({{4, 4}}, places, 1), Indices{0});
  EXPECT_EQ(farthest({}, places, 2), (Indices{0, 3}));
  EXPECT_EQ(farthest({}, places, 9).size(), places.size());
  EXPECT_TRUE(farthest({}, {}, 2).empty());
}

/// No place is farther from the chosen ones than these are from each other.
TEST(Choose, FarPlacesCoverAllOthers) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform;
  std::vector<Kriging::Place> places;
  for (int i = 0; i < 300; ++i)
    places.push_back({uniform(random), uniform(random), uniform(random)});
  const Indices chosen = farthest({}, places, 30);
  auto apart = [&](size_t a, size_t b) {
    double square = 0;
    for (size_t k = 0; k < 3; ++k)
      square += std::pow(places[a][k] - places[b][k], 2);
    return std::sqrt(square);
  };
  double closest = 10, uncovered = 0;
  for (size_t i = 0; i < chosen.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      closest = std::min(closest, apart(chosen[i], chosen[j]));
  for (size_t p = 0; p < places.size(); ++p) {
    double nearest = 10;
    for (size_t c : chosen)
      nearest = std::min(nearest, apart(p, c));
    uncovered = std::max(uncovered, nearest);
  }
  EXPECT_LE(uncovered, closest);
  EXPECT_GT(closest, 0.1);
}

TEST(Choose, HopelessDesignsNeedNotBeCovered) {
  Model m;
  m.chance = 0.1;
  m.integers = 0.9;
  Prediction p;
  p.top1 = 0.43;
  EXPECT_TRUE(isWorthCovering(m, p));
  p.top1 = 0.41;
  EXPECT_FALSE(isWorthCovering(m, p));
}
