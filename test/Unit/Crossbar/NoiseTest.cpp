//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors in closed form against products that were run.
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include "imc/Crossbar/Noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

using namespace imc::crossbar;
using namespace imc::crossbar::test;

/// Weights and inputs as layers have them: normal, and normal above 0.
static Case layerCase(std::mt19937 &random) {
  Case c;
  c.shape.k = pick(random, 40, 300);
  c.shape.n = pick(random, 8, 40);
  c.m = 96;
  c.arrays.encoding = random() % 2 ? Encoding::Differential : Encoding::Offset;
  c.arrays.weight_bits = pick(random, 5, 8);
  c.arrays.input_bits = pick(random, 5, 8);
  c.arrays.cell_bits = int64_t(1) << pick(random, 0, 2);
  c.arrays.dac_bits = pick(random, 1, 2);
  c.arrays.rows = int64_t(32) << pick(random, 0, 3);
  const double most = double((1 << (c.arrays.weight_bits - 1)) - 1);
  const double top = double((1 << c.arrays.input_bits) - 1);
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < c.shape.k * c.shape.n; ++i)
    c.weights.push_back(
        int8_t(std::clamp(normal(random) * most / 3, -most, most)));
  for (int64_t i = 0; i < c.m * c.shape.k; ++i)
    c.codes.push_back(uint8_t(std::clamp(normal(random) * top / 3, 0.0, top)));
  return c;
}

/// Groups that share arrays.
static Case packedCase(std::mt19937 &random) {
  Case c = layerCase(random);
  c.shape.k = pick(random, 9, 40);
  c.shape.n = pick(random, 1, 6);
  c.shape.groups = pick(random, 5, 16);
  c.shape.groups_per_pack = pick(random, 2, 5);
  std::normal_distribution<double> normal;
  const double most = double((1 << (c.arrays.weight_bits - 1)) - 1);
  c.weights.clear();
  for (int64_t w = 0; w < c.shape.groups * c.shape.k * c.shape.n; ++w)
    c.weights.push_back(
        int8_t(std::clamp(normal(random) * most / 3, -most, most)));
  const double top = double((1 << c.arrays.input_bits) - 1);
  c.codes.clear();
  for (int64_t x = 0; x < c.m * c.shape.groups * c.shape.k; ++x)
    c.codes.push_back(uint8_t(std::clamp(normal(random) * top / 3, 0.0, top)));
  return c;
}

/// Mean square of a run's errors, over results.
static double meanSquare(const Product &product, const Case &c,
                         const std::vector<int32_t> &exact) {
  std::vector<int32_t> y(exact.size());
  llvm::cantFail(product.run(c.codes.data(), c.m, y.data()));
  double sum = 0;
  for (size_t i = 0; i != y.size(); ++i)
    sum += std::pow(double(y[i]) - double(exact[i]), 2);
  return sum / double(y.size());
}

static Product productOf(const Case &c) {
  return llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
}
static SumStatistics statisticsOf(const Case &c) {
  return llvm::cantFail(
      SumStatistics::measure(productOf(c), c.codes.data(), c.m));
}

TEST(Noise, LosslessConvertersHaveNoError) {
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    const Case c = layerCase(random);
    const SumStatistics s = statisticsOf(c);
    Readout r;
    r.adc_bits = losslessBits(c.arrays);
    EXPECT_EQ(llvm::cantFail(s.error(r)).total(), 0) << c.describe();
    r.adc_bits -= 2;
    EXPECT_GT(llvm::cantFail(s.error(r)).total(), 0) << c.describe();
  }
}

/// The closed form on the windows that were counted. Slices and phases whose
/// errors depend on each other by more than a line are what it leaves out.
TEST(Noise, ConvertersErrAsOftenAsTheyDoInRuns) {
  std::mt19937 random(2);
  std::vector<double> decibels;
  for (int i = 0; i < 60; ++i) {
    const Case c = layerCase(random);
    const SumStatistics s = statisticsOf(c);
    Product product = productOf(c);
    const std::vector<int32_t> exact = exactProduct(c);
    Readout r;
    const int64_t lossless = losslessBits(c.arrays);
    r.adc_bits = std::max<int64_t>(3, lossless - pick(random, 1, 4));
    r.ties = Ties(random() % 2);
    if (random() % 2) {
      r.range = Range::Bits;
      r.range_bits = std::max<int64_t>(r.adc_bits, lossless - 2);
    }
    llvm::cantFail(product.setReadout(r));
    const double simulated = meanSquare(product, c, exact);
    const double predicted = llvm::cantFail(s.error(r)).total() * s.signal();
    if (simulated == 0) { // ranges that nothing leaves
      EXPECT_EQ(predicted, 0) << c.describe();
      continue;
    }
    decibels.push_back(std::abs(10 * std::log10(predicted / simulated)));
  }
  ASSERT_GT(decibels.size(), 40u);
  std::sort(decibels.begin(), decibels.end());
  EXPECT_LT(decibels[decibels.size() / 2], 0.3);
  EXPECT_LT(decibels[decibels.size() * 9 / 10], 1.0);
  EXPECT_LT(decibels.back(), 2.0);
}

/// Strips of fewer rows have ranges, and steps, of their own.
TEST(Noise, FilledRangesFollowTheRowsOfEachStrip) {
  std::mt19937 random(5);
  std::vector<double> decibels;
  int shorter = 0;
  for (int i = 0; i < 40; ++i) {
    const Case c = layerCase(random);
    const SumStatistics s = statisticsOf(c);
    Product product = productOf(c);
    const std::vector<int32_t> exact = exactProduct(c);
    Readout r;
    r.range = Range::Filled;
    r.step = i % 2 ? Step::Free : Step::PowerOfTwo;
    r.adc_bits = std::max<int64_t>(3, losslessBits(c.arrays) - 3);
    llvm::cantFail(product.setReadout(r));
    const double simulated = meanSquare(product, c, exact);
    const double predicted = llvm::cantFail(s.error(r)).total() * s.signal();
    if (simulated == 0) {
      EXPECT_EQ(predicted, 0) << c.describe();
      continue;
    }
    decibels.push_back(std::abs(10 * std::log10(predicted / simulated)));
    r.range = Range::Full;
    shorter += c.shape.k < c.arrays.rows && r.step == Step::PowerOfTwo &&
               llvm::cantFail(s.error(r)).total() * s.signal() > predicted;
  }
  ASSERT_GT(decibels.size(), 30u);
  std::sort(decibels.begin(), decibels.end());
  EXPECT_LT(decibels[decibels.size() / 2], 0.3);
  EXPECT_LT(decibels[decibels.size() * 9 / 10], 1.0);
  EXPECT_LT(decibels.back(), 2.0);
  EXPECT_GT(shorter, 0);
}

/// How far the closed form of `r` is from a run, in decibels; none where a run
/// has next to no error: single sums that saturate in several phases at once
/// are then all of it.
static std::optional<double> decibelsOff(const Case &c, const Readout &r) {
  Product product = productOf(c);
  if (isCalibrated(r.range))
    llvm::cantFail(product.calibrate(c.codes.data(), c.m, r.range));
  const SumStatistics s =
      llvm::cantFail(SumStatistics::measure(product, c.codes.data(), c.m, r));
  llvm::cantFail(product.setReadout(r));
  const double simulated = meanSquare(product, c, exactProduct(c));
  const double predicted = llvm::cantFail(s.error(r)).total() * s.signal();
  if (simulated == 0) {
    EXPECT_EQ(predicted, 0) << c.describe();
    return std::nullopt;
  }
  if (simulated < 1e-4 * s.signal()) {
    EXPECT_LT(predicted, 2e-4 * s.signal()) << c.describe();
    return std::nullopt;
  }
  return std::abs(10 * std::log10(predicted / simulated));
}

static void expectNear(std::vector<double> decibels) {
  ASSERT_GT(decibels.size(), 30u);
  std::sort(decibels.begin(), decibels.end());
  EXPECT_LT(decibels[decibels.size() / 2], 0.3);
  EXPECT_LT(decibels[decibels.size() * 9 / 10], 1.0);
  EXPECT_LT(decibels.back(), 2.0);
}

class CalibratedNoise : public testing::TestWithParam<Range> {};

/// Steps that follow from sums, one for all converters or for each array,
/// column, or slice and phase.
TEST_P(CalibratedNoise, ErrsAsOftenAsInRuns) {
  std::mt19937 random(6 + int(GetParam()));
  std::vector<double> decibels;
  for (int i = 0; i < 120; ++i) {
    const Case c = i % 5 == 4 ? packedCase(random) : layerCase(random);
    Readout r;
    r.range = GetParam();
    r.adc_bits = std::max<int64_t>(2, losslessBits(c.arrays) - 3 - i % 3);
    r.ties = Ties(random() % 3);
    // Sums of free steps lie between codes only in binary32.
    r.step = i % 2 ? Step::Free : Step::PowerOfTwo;
    if (i % 4 == 3)
      r.criterion = Criterion::SquaredError;
    else if (i % 4 == 2)
      r.quantile = 0.999;
    if (std::optional<double> off = decibelsOff(c, r))
      decibels.push_back(*off);
  }
  expectNear(std::move(decibels));
}

TEST_P(CalibratedNoise, PacksErrAsOftenAsInRuns) {
  std::mt19937 random(30 + int(GetParam()));
  std::vector<double> decibels;
  for (int i = 0; i < 160; ++i) {
    const Case c = packedCase(random);
    Readout r;
    r.range = GetParam();
    r.adc_bits = std::max<int64_t>(3, losslessBits(c.arrays) - 4);
    r.ties = Ties(random() % 2);
    r.step = i % 2 ? Step::Free : Step::PowerOfTwo;
    if (std::optional<double> off = decibelsOff(c, r))
      decibels.push_back(*off);
  }
  expectNear(std::move(decibels));
}

INSTANTIATE_TEST_SUITE_P(Ranges, CalibratedNoise,
                         testing::Values(Range::Layer, Range::Array,
                                         Range::Column, Range::Phase),
                         [](const auto &info) {
                           return std::string(rangeName(info.param));
                         });

/// Groups that share arrays fill strips together.
TEST(Noise, FilledRangesOfPacksFollowTheRowsOfAllTheirGroups) {
  std::mt19937 random(8);
  std::vector<double> decibels;
  for (int i = 0; i < 40; ++i) {
    const Case c = packedCase(random);
    Readout r;
    r.range = Range::Filled;
    r.step = i % 2 ? Step::Free : Step::PowerOfTwo;
    r.adc_bits = std::max<int64_t>(3, losslessBits(c.arrays) - 3);
    if (std::optional<double> off = decibelsOff(c, r))
      decibels.push_back(*off);
  }
  expectNear(std::move(decibels));
}

static RelativeError deviceError(const Case &c, const SumStatistics &s,
                                 const Readout &r, const Device &device) {
  const LevelMoments levels =
      llvm::cantFail(levelMoments(device, c.arrays.cell_bits, 0));
  return llvm::cantFail(s.error(r, &device, &levels));
}

/// Closed form over the mean of twelve draws, in decibels.
static double deviceDecibelsOff(const Case &c, const SumStatistics &s,
                                const Readout &r, const Device &device,
                                Product &product) {
  const std::vector<int32_t> exact = exactProduct(c);
  double simulated = 0;
  constexpr int64_t trials = 12;
  for (int64_t t = 0; t < trials; ++t) {
    Draw draw;
    draw.trial = t;
    llvm::cantFail(product.program(device, draw));
    simulated += meanSquare(product, c, exact) / trials;
  }
  return 10 * std::log10(deviceError(c, s, r, device).total() * s.signal() /
                         simulated);
}

/// Spread of cells that lossless converters read: variance over draws.
TEST(Noise, CellsSpreadAsInDraws) {
  std::mt19937 random(3);
  for (int i = 0; i < 6; ++i) {
    Case c = layerCase(random);
    c.arrays.rows = 64;
    const SumStatistics s = statisticsOf(c);
    Device device = idealDevice();
    (i % 2 ? device.sigma_log : device.sigma_relative) = 0.15;
    Readout r;
    r.adc_bits = losslessBits(c.arrays);
    Product product = productOf(c);
    llvm::cantFail(product.setReadout(r));
    EXPECT_GT(deviceError(c, s, r, device).noise, 0);
    EXPECT_NEAR(deviceDecibelsOff(c, s, r, device, product), 0, 1.0)
        << c.describe();
  }
}

/// Cells that spread, and converters with offsets or noise of as much as a
/// step, whichever that is. What falls below the first code is overrated.
TEST_P(CalibratedNoise, DevicesErrAsInDraws) {
  std::mt19937 random(20 + int(GetParam()));
  std::vector<double> decibels;
  for (int i = 0; i < 12; ++i) {
    Case c = layerCase(random);
    c.arrays.rows = 64;
    Device device = idealDevice();
    device.sigma_relative = 0.05;
    (i % 2 ? device.converter_offset_sigma_lsb
           : device.converter_noise_sigma_lsb) = 1;
    Readout r;
    r.range = GetParam();
    r.adc_bits = std::max<int64_t>(3, losslessBits(c.arrays) - 3);
    Product product = productOf(c);
    llvm::cantFail(product.calibrate(c.codes.data(), c.m, r.range));
    const SumStatistics s =
        llvm::cantFail(SumStatistics::measure(product, c.codes.data(), c.m, r));
    llvm::cantFail(product.setReadout(r));
    decibels.push_back(std::abs(deviceDecibelsOff(c, s, r, device, product)));
  }
  std::sort(decibels.begin(), decibels.end());
  EXPECT_LT(decibels[decibels.size() / 2], 2.5);
  EXPECT_LT(decibels.back(), 4);
}

TEST(Noise, WhatTheClosedFormDoesNotKnowIsRefused) {
  std::mt19937 random(4);
  const Case c = layerCase(random);
  const SumStatistics s = statisticsOf(c);
  Readout r;
  r.range = Range::Column;
  auto refused = [](auto value) {
    return value ? std::string() : llvm::toString(value.takeError());
  };
  EXPECT_NE(refused(s.error(r))
                .find("'column' of this criterion and quantile "
                      "was not counted"),
            std::string::npos);
  EXPECT_NE(
      refused(SumStatistics::measure(productOf(c), c.codes.data(), c.m, r))
          .find("'column' is calibrated: count sums with calibrate() first"),
      std::string::npos);
  Product calibrated = productOf(c);
  llvm::cantFail(calibrated.calibrate(c.codes.data(), c.m, Range::Array));
  EXPECT_NE(refused(SumStatistics::measure(calibrated, c.codes.data(), c.m, r))
                .find("counted for each array"),
            std::string::npos);
  r.range = Range::Array;
  const SumStatistics array = llvm::cantFail(
      SumStatistics::measure(calibrated, c.codes.data(), c.m, r));
  EXPECT_GT(llvm::cantFail(array.error(r)).total(), 0);
  EXPECT_GT(array.bytes(), s.bytes());
  r.quantile = 0.9;
  EXPECT_NE(refused(array.error(r)).find("was not counted"), std::string::npos);
  Case packed = c;
  packed.shape.groups = packed.shape.groups_per_pack = 2;
  packed.weights.insert(packed.weights.end(), c.weights.begin(),
                        c.weights.end());
  packed.codes.insert(packed.codes.end(), c.codes.begin(), c.codes.end());
  r = {};
  r.range = Range::Filled;
  r.adc_bits = 4;
  EXPECT_NE(refused(statisticsOf(packed).error(r)).find("was not counted"),
            std::string::npos);
  Device device = idealDevice();
  device.segment_ohm = 2;
  EXPECT_NE(refused(levelMoments(device, 2, 0)).find("line.segment_ohm"),
            std::string::npos);
  EXPECT_NE(refused(SumStatistics::measure(productOf(c), c.codes.data(), 0))
                .find("at least one window"),
            std::string::npos);
  std::vector<uint8_t> large = c.codes;
  large[0] = 255;
  Case fewer = c;
  fewer.arrays.input_bits = 5;
  EXPECT_NE(refused(SumStatistics::measure(productOf(fewer), large.data(), 1))
                .find("inputs have 5 bits"),
            std::string::npos);
}
