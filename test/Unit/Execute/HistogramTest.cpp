//===- HistogramTest.cpp - Rules that choose ranges -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small cases whose answer is known; test/python/test_calibration.py compares
// all rules with NumPy on the activations of networks.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Histogram.h"

#include "gtest/gtest.h"

#include <numeric>
#include <random>

using namespace imc::execute;

using Range = std::pair<double, double>;

TEST(RangeRule, Parses) {
  auto rule = parseRangeRule("percentile=99.9");
  ASSERT_TRUE(static_cast<bool>(rule));
  EXPECT_EQ(rule->method, RangeMethod::Percentile);
  EXPECT_EQ(rule->percentile, 99.9);
  EXPECT_EQ(llvm::cantFail(parseRangeRule("percentile")).percentile, 99.99);
  EXPECT_EQ(llvm::cantFail(parseRangeRule("minmax")).method,
            RangeMethod::MinMax);
  EXPECT_EQ(llvm::cantFail(parseRangeRule("mse")).method, RangeMethod::MSE);
  EXPECT_EQ(llvm::cantFail(parseRangeRule("kl")).method, RangeMethod::KL);
}

TEST(RangeRule, RefusesByName) {
  auto message = [](llvm::StringRef text) {
    return llvm::toString(parseRangeRule(text).takeError());
  };
  for (const char *text : {"", "entropy", "MSE", "=3"})
    EXPECT_NE(message(text).find("is unknown; use minmax, percentile[=VALUE]"),
              std::string::npos)
        << text;
  for (const char *text : {"mse=3", "kl=", "minmax=1"})
    EXPECT_NE(message(text).find("takes no value"), std::string::npos) << text;
  for (const char *text :
       {"percentile=", "percentile=0", "percentile=-1", "percentile=100.5",
        "percentile=nan", "percentile=99%"})
    EXPECT_NE(message(text).find("above 0 and up to 100"), std::string::npos)
        << text;
}

TEST(Histogram, CountsEverySignApart) {
  Histogram histogram(-2, 4);
  histogram.add({0.0f, -0.0f, 4.0f, 2.0f, -2.0f, 0.001f});
  EXPECT_EQ(histogram.width(), 4.0 / 2048);
  EXPECT_EQ(histogram.zeros(), 2u);
  EXPECT_EQ(histogram.positive()[2047], 1u); // the largest value itself
  EXPECT_EQ(histogram.positive()[1024], 1u);
  EXPECT_EQ(histogram.positive()[0], 1u);
  EXPECT_EQ(histogram.negative()[1024], 1u);
}

TEST(Histogram, PercentileIsAShareOfMagnitudes) {
  Histogram histogram(-1, 10);
  std::vector<float> values(999, 1.0f);
  for (size_t i = 0; i < values.size(); i += 2)
    values[i] = -1.0f;
  values.push_back(10.0f);
  histogram.add(values);
  RangeRule rule{RangeMethod::Percentile, 99.9};
  Range range = histogram.range(rule, 8);
  EXPECT_EQ(range.first, -1);
  EXPECT_NEAR(range.second, 1, histogram.width());
  rule.percentile = 99.91;
  EXPECT_EQ(histogram.range(rule, 8), Range(-1, 10));
  rule.percentile = 100;
  EXPECT_EQ(histogram.range(rule, 8), Range(-1, 10));
}

TEST(Histogram, OrderAndSplittingDoNotMatter) {
  std::mt19937 engine(7);
  std::normal_distribution<float> normal(0.2f, 1.0f);
  std::vector<float> values(20000);
  for (float &value : values)
    value = std::max(-4.0f, std::min(5.0f, normal(engine)));
  Histogram whole(-4, 5), parts(-4, 5);
  whole.add(values);
  llvm::ArrayRef<float> all(values);
  parts.add(all.drop_front(777));
  parts.add(all.take_front(777));
  for (RangeMethod method :
       {RangeMethod::Percentile, RangeMethod::MSE, RangeMethod::KL})
    EXPECT_EQ(whole.range({method, 99}, 4), parts.range({method, 99}, 4));
}

TEST(Histogram, ClipsALoneOutlierAndKeepsFlatData) {
  // 10,000 values spread over [0, 1) and one at 30: few codes are better spent
  // on the many.
  Histogram histogram(0, 30);
  std::vector<float> values(10000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i) / static_cast<float>(values.size());
  values.push_back(30.0f);
  histogram.add(values);
  Range mse = histogram.range({RangeMethod::MSE}, 4);
  EXPECT_EQ(mse.first, 0);
  EXPECT_LT(mse.second, 8);
  EXPECT_GT(mse.second, 0.9);
  EXPECT_EQ(histogram.range({RangeMethod::MinMax}, 4), Range(0, 30));

  Histogram flat(0, 1);
  flat.add(llvm::ArrayRef(values).drop_back());
  for (RangeMethod method : {RangeMethod::MSE, RangeMethod::KL})
    EXPECT_NEAR(flat.range({method}, 8).second, 1, 1.0 / 64);
}

TEST(Histogram, ConstantZeroHasAnEmptyRange) {
  Histogram histogram(0, 0);
  histogram.add({0.0f, 0.0f});
  for (RangeMethod method : {RangeMethod::MinMax, RangeMethod::Percentile,
                             RangeMethod::MSE, RangeMethod::KL})
    EXPECT_EQ(histogram.range({method}, 8), Range(0, 0));
}

TEST(Histogram, NegativeDataIsClippedBelow) {
  Histogram histogram(-3, -0.5);
  histogram.add({-3.0f, -1.0f, -1.0f, -1.0f, -0.5f});
  Range range = histogram.range({RangeMethod::Percentile, 80}, 8);
  EXPECT_NEAR(range.first, -1, histogram.width());
  EXPECT_EQ(range.second, 0);
}
