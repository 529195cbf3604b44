//===- QuantizeWeightsTest.cpp - The rounding rules -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/QuantizeWeights.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <vector>

using namespace imc;

namespace {

struct Result {
  std::vector<int8_t> weight;
  std::vector<float> scale;
  std::vector<int32_t> sum;
};

Result quantize(std::vector<float> values, int64_t channels, bool channelFirst,
                WeightRule rule) {
  Result r{std::vector<int8_t>(values.size()), std::vector<float>(channels),
           std::vector<int32_t>(channels)};
  quantizeWeights(values, channels, channelFirst, rule, r.weight.data(),
                  r.scale.data(), r.sum.data());
  return r;
}

Result quantize(std::vector<float> values, int64_t channels, bool channelFirst,
                int64_t bits) {
  return quantize(std::move(values), channels, channelFirst, WeightRule{bits});
}

// Q2: with 3 bits and a maximum of 3 the scale is 1, so that halves show the
// rule.
TEST(QuantizeWeights, RoundsHalfToEven) {
  Result r = quantize({3.0f, 2.5f, 1.5f, 0.5f, -0.5f, -1.5f, -2.5f, -3.0f}, 1,
                      true, 3);
  EXPECT_EQ(r.scale[0], 1.0f);
  EXPECT_EQ(r.weight, (std::vector<int8_t>{3, 2, 2, 0, 0, -2, -2, -3}));
  EXPECT_EQ(r.sum[0], 0);
}

// Both layouts give the same numbers for the same channel.
TEST(QuantizeWeights, LayoutsAgree) {
  std::vector<float> filter, matrix(12);
  for (int i = 0; i < 12; ++i)
    filter.push_back(std::sin(float(i)));
  for (int n = 0; n < 3; ++n)
    for (int k = 0; k < 4; ++k)
      matrix[k * 3 + n] = filter[n * 4 + k];
  Result a = quantize(filter, 3, true, 8), b = quantize(matrix, 3, false, 8);
  EXPECT_EQ(a.scale, b.scale);
  EXPECT_EQ(a.sum, b.sum);
  for (int n = 0; n < 3; ++n)
    for (int k = 0; k < 4; ++k)
      EXPECT_EQ(a.weight[n * 4 + k], b.weight[k * 3 + n]);
}

// Q1: a channel of zeros, and one whose scale underflows, have scale 1 and
// weights 0.
TEST(QuantizeWeights, VanishingChannels) {
  float tiny = std::numeric_limits<float>::denorm_min();
  Result r = quantize({0.0f, -0.0f, tiny, -tiny}, 2, true, 8);
  EXPECT_EQ(r.scale, (std::vector<float>{1.0f, 1.0f}));
  EXPECT_EQ(r.weight, (std::vector<int8_t>{0, 0, 0, 0}));
}

// The extremes of every width are reached and never passed.
TEST(QuantizeWeights, StaysWithinItsBits) {
  for (int64_t bits = 2; bits <= 8; ++bits) {
    Result r = quantize({-7.3f, 7.3f, 0.1f}, 1, true, bits);
    int top = (1 << (bits - 1)) - 1;
    EXPECT_EQ(r.weight[0], -top);
    EXPECT_EQ(r.weight[1], top);
    EXPECT_EQ(r.sum[0], r.weight[2]);
  }
}

// Q4: the range is widened to hold zero, which is then represented exactly.
// Above 8 bits the same rules in int16.
TEST(QuantizeWeights, TakesSixteenBits) {
  const std::vector<float> values = {1.0f, 0.25f, -0.5f, 0.0f};
  std::vector<int16_t> weight(4);
  float scale = 0;
  int32_t sum = 0;
  for (auto [bits, top] : {std::pair<int64_t, int>{16, 32767}, {9, 255}}) {
    quantizeWeights(values, 1, true, WeightRule{bits}, weight.data(), &scale,
                    &sum);
    EXPECT_EQ(scale, 1.0f / float(top));
    EXPECT_EQ(weight[0], top);
    EXPECT_EQ(weight[1], int(std::nearbyint(0.25f / scale)));
    EXPECT_EQ(weight[2], int(std::nearbyint(-0.5f / scale)));
    EXPECT_EQ(sum, weight[0] + weight[1] + weight[2]);
  }
  // Any sum of so many fits, one more does not.
  EXPECT_LE(longestChannel(16) * 32767, (int64_t(1) << 31) - 1);
  EXPECT_GT((longestChannel(16) + 1) * 32767, (int64_t(1) << 31) - 1);
}

TEST(ChooseScale, HoldsZero) {
  int32_t zero = -1;
  EXPECT_EQ(chooseScale(-1.0f, 2.0f, 4, zero), 0.2f);
  EXPECT_EQ(zero, 5);
  EXPECT_EQ(chooseScale(1.0f, 3.0f, 4, zero), 0.2f);
  EXPECT_EQ(zero, 0);
  EXPECT_EQ(chooseScale(-3.0f, -1.0f, 4, zero), 0.2f);
  EXPECT_EQ(zero, 15);
  EXPECT_EQ(chooseScale(0.0f, 0.0f, 8, zero), 1.0f);
  EXPECT_EQ(zero, 0);
}

TEST(FindNonFinite, FindsTheFirst) {
  float inf = std::numeric_limits<float>::infinity(),
        nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(findNonFinite({1.0f, -2.0f}), std::nullopt);
  EXPECT_EQ(findNonFinite({1.0f, -inf, nan}), std::optional<size_t>(1));
  EXPECT_EQ(findNonFinite({nan}), std::optional<size_t>(0));
}

// Q6: one scale for all channels, that of the largest weight.
TEST(QuantizeWeights, PerTensorSharesTheScale) {
  Result r = quantize({3.0f, 1.4f, -0.6f, 0.4f}, 2, true, WeightRule{3, true});
  EXPECT_EQ(r.scale, (std::vector<float>{1, 1}));
  EXPECT_EQ(r.weight, (std::vector<int8_t>{3, 1, -1, 0}));
  EXPECT_EQ(r.sum, (std::vector<int32_t>{4, -1}));
}

// Q7: an outlier is clipped when that serves the others.
TEST(QuantizeWeights, LeastErrorClips) {
  std::vector<float> values(200, 1.0f);
  for (size_t i = 0; i < values.size(); i += 2)
    values[i] = -1.0f;
  values[0] = 8.0f;
  // With two bits the codes are -1, 0 and 1: max/top would round all but the
  // outlier to 0.
  Result widest = quantize(values, 1, true, WeightRule{2, false, false});
  EXPECT_EQ(widest.scale[0], 8.0f);
  Result best = quantize(values, 1, true, WeightRule{2, false, true});
  // 199 values at 1 and one at 8: the mean, 206/200, on the grid of 8/128.
  EXPECT_NEAR(best.scale[0], 1.03, 8.0 / 128);
  auto error = [&](const Result &r) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i)
      sum += std::pow(values[i] - r.weight[i] * r.scale[0], 2);
    return sum;
  };
  EXPECT_LT(error(best), 0.3 * error(widest));
}

TEST(QuantizeWeights, LeastErrorIsNeverWorseInAnyLayout) {
  std::vector<float> matrix(40 * 7);
  for (size_t i = 0; i < matrix.size(); ++i)
    matrix[i] =
        std::sin(static_cast<float>(i * i)) * (1 + static_cast<float>(i % 7));
  for (int64_t bits : {2, 3, 4, 8})
    for (bool perTensor : {false, true})
      for (bool channelFirst : {false, true}) {
        double errors[2];
        for (bool least : {false, true}) {
          Result r = quantize(matrix, 7, channelFirst,
                              WeightRule{bits, perTensor, least});
          errors[least] = 0;
          for (size_t i = 0; i < matrix.size(); ++i) {
            float scale = r.scale[channelFirst ? i / 40 : i % 7];
            errors[least] += std::pow(matrix[i] - r.weight[i] * scale, 2);
          }
        }
        EXPECT_LE(errors[true], errors[false]);
      }
}

// R2S: zero is the middle code.
TEST(ChooseScale, SymmetricKeepsTheMiddle) {
  int32_t zeroPoint = 0;
  EXPECT_EQ(chooseScale(-1.0f, 2.54f, 8, zeroPoint, true), 2.54f / 127.0f);
  EXPECT_EQ(zeroPoint, 128);
  EXPECT_EQ(chooseScale(0.0f, 3.0f, 3, zeroPoint, true), 1.0f);
  EXPECT_EQ(zeroPoint, 4);
  EXPECT_EQ(chooseScale(0.0f, 0.0f, 8, zeroPoint, true), 1.0f);
  EXPECT_EQ(zeroPoint, 128);
}

} // namespace
