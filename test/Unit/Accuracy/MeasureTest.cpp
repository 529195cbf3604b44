//===- MeasureTest.cpp - Scores, errors of products, spread ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Measure.h"
#include "imc/Execute/Windows.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace imc;
using namespace imc::accuracy;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(Score, CountsTop1AndTop5) {
  Outputs out{3,
              6,
              {0, 1, 2, 3, 4, 5,   // predicted 5
               9, 8, 7, 6, 5, 4,   // predicted 0
               0, 0, 1, 0, 0, 0}}; // predicted 2
  llvm::Expected<Score> s = score(out, {5, 5, 1});
  ASSERT_TRUE(!!s);
  EXPECT_EQ(s->right, 1);
  EXPECT_TRUE(s->has_top5);
  // The second label comes sixth, the third third: behind 2 and 0.
  EXPECT_EQ(s->right5, 2);
  EXPECT_EQ(s->predictions, (std::vector<int64_t>{5, 0, 2}));
  EXPECT_DOUBLE_EQ(s->top1(), 1. / 3);
}

TEST(Score, TiesGoToTheFirstClassAndNaNWins) {
  Outputs out{2, 3, {1, 1, 0, 5, nan, 7}};
  llvm::Expected<Score> s = score(out, {1, 1});
  ASSERT_TRUE(!!s);
  EXPECT_EQ(s->predictions, (std::vector<int64_t>{0, 1}));
  EXPECT_FALSE(s->has_top5);
}

TEST(Score, RefusesLabelsThatAreNoClass) {
  for (int64_t label : {-1, 3}) {
    llvm::Expected<Score> s = score({1, 3, {1, 2, 3}}, {label});
    ASSERT_FALSE(!!s);
    EXPECT_EQ(llvm::toString(s.takeError()),
              "label " + std::to_string(label) +
                  " of sample 0 is none of the model's 3 classes");
  }
}

TEST(Score, RefusesAnotherNumberOfLabels) {
  llvm::Expected<Score> s = score({2, 1, {1, 2}}, {0});
  EXPECT_TRUE(llvm::errorToBool(s.takeError()));
}

/// Adds a constant to what is exact.
struct Shifted : execute::ArrayEngine {
  execute::IntegerEngine exact;
  int32_t by = 0;
  llvm::Error prepare(int64_t index, const execute::ArrayProduct &p) override {
    return exact.prepare(index, p);
  }
  void run(int64_t index, const uint8_t *in, int32_t *out) override {
    exact.run(index, in, out);
    out[0] += by;
  }
};

TEST(ErrorMeter, AddsUpErrorsByProduct) {
  const std::vector<int8_t> weights = {1, 2, 3, 4};
  execute::ArrayProduct p;
  p.name = "dense";
  p.kernel = p.strides = p.dilations = {1, 1};
  p.input_shape = {1, 2};
  p.weight_shape = {2, 2};
  p.output_shape = {1, 2};
  p.weights = weights;
  Shifted arrays;
  execute::IntegerEngine exact;
  ErrorMeter meter(arrays, exact);
  ASSERT_FALSE(llvm::errorToBool(meter.prepare(0, p)));
  ASSERT_FALSE(llvm::errorToBool(meter.prepare(1, p)));
  const uint8_t inputs[] = {1, 1};
  int32_t out[2];
  meter.run(0, inputs, out);
  EXPECT_EQ(meter.errors()[0].differing, 0);
  EXPECT_TRUE(std::isinf(meter.errors()[0].snrDb()));

  arrays.by = -2;
  meter.reset();
  meter.run(0, inputs, out);
  EXPECT_EQ(out[0], 4 - 2);
  EXPECT_EQ(out[1], 6);
  const ProductError &e = meter.errors()[0];
  EXPECT_EQ(e.name, "dense");
  EXPECT_EQ(e.signal, 16 + 36);
  EXPECT_EQ(e.error, 4);
  EXPECT_EQ(e.results, 2);
  EXPECT_EQ(e.differing, 1);
  EXPECT_EQ(e.largest, 2);
  EXPECT_DOUBLE_EQ(e.snrDb(), 10 * std::log10(13));

  // Only the other product is on arrays: this one is exact and not counted.
  meter.useArraysFor(1);
  meter.reset();
  meter.run(0, inputs, out);
  EXPECT_EQ(out[0], 4);
  EXPECT_EQ(meter.errors()[0].results, 0);
  meter.run(1, inputs, out);
  EXPECT_EQ(out[0], 2);

  meter.useExact();
  meter.run(1, inputs, out);
  EXPECT_EQ(out[0], 4);
}

TEST(Confusions, MostFrequentFirst) {
  Score s;
  s.predictions = {1, 1, 0, 2, 2, 2};
  const std::vector<int64_t> labels = {0, 0, 1, 2, 0, 1};
  std::vector<Confusion> pairs = confusions(s, labels, 3);
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs[0].label, 0);
  EXPECT_EQ(pairs[0].predicted, 1);
  EXPECT_EQ(pairs[0].count, 2);
  EXPECT_EQ(pairs[1].label, 0);
  EXPECT_EQ(pairs[1].predicted, 2);
  EXPECT_EQ(pairs[2].label, 1);
  EXPECT_EQ(pairs[2].predicted, 0);
}

TEST(Spread, MeanAndSampleDeviation) {
  Spread s = spread({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(s.mean, 2.5);
  EXPECT_DOUBLE_EQ(s.deviation, std::sqrt(5. / 3));
  EXPECT_EQ(spread({7}).deviation, 0);
}

} // namespace
