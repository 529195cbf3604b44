//===- MetricsTest.cpp - Aggregates by hand -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Metrics.h"

#include "TestUtil.h"

#include <cmath>
#include <vector>

using namespace imc::explore;

namespace {

TEST(Aggregate, ByHand) {
  std::vector<double> values{2, 8}, ones{1, 1}, weights{3, 1}, best{1, 8};
  auto of = [&](Aggregate how, const std::vector<double> &w) {
    return aggregate(how, values, w, best);
  };
  EXPECT_DOUBLE_EQ(of(Aggregate::Max, ones), 8);
  EXPECT_DOUBLE_EQ(of(Aggregate::Mean, ones), 5);
  EXPECT_DOUBLE_EQ(of(Aggregate::Geomean, ones), 4);
  EXPECT_DOUBLE_EQ(of(Aggregate::Product, ones), 16);
  EXPECT_DOUBLE_EQ(of(Aggregate::Regret, ones), 2);

  EXPECT_DOUBLE_EQ(of(Aggregate::Max, weights), 8);    // 3*2, 1*8
  EXPECT_DOUBLE_EQ(of(Aggregate::Mean, weights), 3.5); // (6 + 8) / 4
  EXPECT_DOUBLE_EQ(of(Aggregate::Geomean, weights),    // (2^3 * 8)^(1/4)
                   std::sqrt(8));
  EXPECT_DOUBLE_EQ(of(Aggregate::Product, weights), 64); // 2^3 * 8
  EXPECT_DOUBLE_EQ(of(Aggregate::Regret, weights), 6);   // 3*2, 1*1
}

TEST(Aggregate, OneModelIsExact) {
  double value = 0.1 + 0.2;
  for (Aggregate how : {Aggregate::Max, Aggregate::Mean, Aggregate::Geomean,
                        Aggregate::Product})
    EXPECT_EQ(aggregate(how, {value}, {1.0}, {}), value);
  EXPECT_EQ(aggregate(Aggregate::Geomean, {value}, {3.0}, {}), value);
  EXPECT_DOUBLE_EQ(aggregate(Aggregate::Product, {2.0}, {3.0}, {}), 8);
}

TEST(Aggregate, NamesRoundTripAndUnknownIsRefused) {
  for (const char *name : {"max", "mean", "geomean", "product", "regret"})
    EXPECT_STREQ(aggregateName(must(parseAggregate(name))), name);
  EXPECT_HAS(errorOf(parseAggregate("median")), "'median'");
}

} // namespace
