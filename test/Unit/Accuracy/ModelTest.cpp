//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models of accuracy: what they predict, and their files.
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Model.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace imc;
using namespace imc::accuracy;

static Model twoLayers() {
  std::mt19937 random(7);
  Model m;
  m.name = "two";
  m.modelDigest = "a";
  m.dataDigest = "b";
  m.samples = 100;
  m.integers = 0.9;
  m.chance = 0.1;
  for (int64_t l = 0; l < 2; ++l) {
    LayerData layer;
    layer.name = "layer" + std::to_string(l);
    layer.shape.k = 90;
    layer.shape.n = 10;
    layer.windows = 32;
    layer.gain = 1 + double(l);
    for (int64_t i = 0; i < layer.shape.k * layer.shape.n; ++i)
      layer.weights.push_back(int8_t(int(random() % 255) - 127));
    for (int64_t i = 0; i < layer.windows * layer.shape.k; ++i)
      layer.codes.push_back(uint8_t(random() % 256));
    layer.calibrationWindows = 8;
    layer.calibration.assign(layer.codes.begin(),
                             layer.codes.begin() + 8 * layer.shape.k);
    m.layers.push_back(std::move(layer));
  }
  m.shared.assign(16, 0);
  for (size_t i = 0; i < 4; ++i)
    m.shared[i * 5] = 0.1;
  return m;
}

static ArraySettings settings(int64_t adcBits) {
  ArraySettings s;
  s.arrays.rows = 128;
  s.readout.adc_bits = adcBits;
  return s;
}

static Prediction predict(const Model &m, const ArraySettings &s) {
  return llvm::cantFail(m.predict(s));
}

TEST(Model, FewerBitsOfConvertersNeverHelp) {
  const Model m = twoLayers();
  const int64_t lossless = crossbar::losslessBits(settings(8).arrays);
  double last = predict(m, settings(lossless)).top1;
  EXPECT_EQ(last, m.integers);
  for (int64_t bits = lossless - 1; bits > 3; --bits) {
    const Prediction p = predict(m, settings(bits));
    EXPECT_LT(p.top1, last) << bits;
    EXPECT_GT(p.top1, m.chance);
    last = p.top1;
  }
}

TEST(Model, FewerBitsOfInputsAreNoiseOrWhatWasMeasured) {
  Model m = twoLayers();
  ArraySettings s = settings(9);
  s.arrays.input_bits = 4;
  const Prediction p = predict(m, s);
  EXPECT_GT(p.rounding, 0);
  EXPECT_EQ(p.noise, p.rounding);
  EXPECT_LT(p.top1, m.integers);
  m.integersAt[{8, 4}] = 0.7;
  EXPECT_EQ(predict(twoLayers(), s).top1, p.top1);
  Model other = twoLayers();
  other.integersAt[{8, 4}] = 0.7;
  EXPECT_EQ(predict(other, s).top1, 0.7);
}

/// Simulations made by another curve and weights are met again.
TEST(Model, FitMeetsSimulations) {
  Model truth = twoLayers();
  truth.midpoint = 3;
  truth.steepness = 2;
  std::vector<std::pair<ArraySettings, SimulatedDesign>> designs;
  for (int64_t bits = 2; bits <= 8; ++bits)
    for (int64_t rows : {32, 64, 128}) {
      ArraySettings s = settings(bits);
      s.arrays.rows = rows;
      SimulatedDesign d;
      d.text = std::to_string(bits);
      d.top1 = predict(truth, s).top1;
      designs.emplace_back(s, d);
    }
  Model m = twoLayers();
  llvm::cantFail(m.fit(designs));
  ASSERT_EQ(m.fitted.size(), designs.size());
  for (const auto &[s, d] : designs)
    EXPECT_NEAR(predict(m, s).top1, d.top1, 0.01);
}

/// What no sum of terms has is learned too, and designs that lose nothing stay
/// what was measured.
TEST(Model, TheCorrectionMeetsWhatTheCurveCannot) {
  const Model truth = twoLayers();
  auto top1 = [&](const Prediction &p) {
    return p.top1 - 0.1 * std::exp(-std::pow(std::log(p.noise / 0.1), 2));
  };
  std::vector<std::pair<ArraySettings, SimulatedDesign>> designs, others;
  for (int64_t bits = 2; bits <= 8; ++bits)
    for (int64_t rows = 24; rows <= 128; rows += 8) {
      ArraySettings s = settings(bits);
      s.arrays.rows = rows;
      SimulatedDesign d;
      d.text = std::to_string(bits) + " " + std::to_string(rows);
      const Prediction p = predict(truth, s);
      if (p.noise == 0)
        continue;
      d.top1 = top1(p);
      (rows % 16 ? designs : others).emplace_back(s, d);
    }
  Model m = twoLayers();
  llvm::cantFail(m.fit(designs));
  EXPECT_FALSE(m.correction.empty());
  double curve = 0, corrected = 0;
  for (const auto &[s, d] : others) {
    const Prediction p = predict(m, s);
    curve += std::pow(p.uncorrected - d.top1, 2);
    corrected += std::pow(p.top1 - d.top1, 2);
  }
  EXPECT_LT(corrected, 0.5 * curve);
  const int64_t lossless = crossbar::losslessBits(settings(8).arrays);
  EXPECT_EQ(predict(m, settings(lossless)).top1, m.integers);
}

/// One after the other in one model: statistics of one are not taken for those
/// of another.
TEST(Model, EveryRangeHasItsOwnStatistics) {
  const Model m = twoLayers();
  std::vector<double> noises;
  for (crossbar::Range range :
       {crossbar::Range::Full, crossbar::Range::Filled, crossbar::Range::Layer,
        crossbar::Range::Array, crossbar::Range::Column,
        crossbar::Range::Phase}) {
    ArraySettings s = settings(4);
    s.arrays.cols = 32;
    s.readout.range = range;
    s.readout.step = crossbar::Step::Free;
    const double noise = predict(m, s).noise;
    EXPECT_EQ(predict(twoLayers(), s).noise, noise);
    noises.push_back(noise);
    s.readout.step = crossbar::Step::PowerOfTwo;
    EXPECT_NE(predict(m, s).noise, noise);
    s.readout.adc_bits = crossbar::losslessBits(s.arrays);
    EXPECT_EQ(predict(m, s).top1, m.integers);
  }
  // Ever finer ranges of these products have ever smaller steps.
  for (size_t i = 1; i != noises.size(); ++i)
    EXPECT_NE(noises[i], noises[i - 1]) << i;
  EXPECT_LT(noises[5], 0.5 * noises[0]);

  // Powers of two would be the same.
  ArraySettings s = settings(4);
  s.readout.range = crossbar::Range::Column;
  s.readout.step = crossbar::Step::Free;
  const double all = predict(m, s).noise;
  s.readout.quantile = 0.9;
  EXPECT_NE(predict(m, s).noise, all);
  s.readout.criterion = crossbar::Criterion::SquaredError;
  EXPECT_LT(predict(m, s).noise, all);
}

/// Ideal cells: by the definition of RelativeError, on all windows.
TEST(Model, ErrorsOfConvertersAreThoseOfTheWindows) {
  const Model m = twoLayers();
  for (crossbar::Range range :
       {crossbar::Range::Full, crossbar::Range::Phase}) {
    ArraySettings s = settings(4);
    s.readout.range = range;
    const crossbar::RelativeError got = predict(m, s).layers[1];
    const LayerData &l = m.layers[1];
    crossbar::Product product =
        llvm::cantFail(crossbar::Product::create(l.shape, s.arrays, l.weights));
    if (isCalibrated(range))
      llvm::cantFail(
          product.calibrate(l.calibration.data(), l.calibrationWindows, range));
    llvm::cantFail(product.setReadout(s.readout));
    const int64_t count = l.windows * l.shape.n;
    std::vector<int32_t> results(static_cast<size_t>(count));
    llvm::cantFail(product.run(l.codes.data(), l.windows, results.data()));
    std::vector<double> y, e;
    for (int64_t i = 0; i != count; ++i) {
      const int64_t w = i / l.shape.n, n = i % l.shape.n;
      int64_t exact = 0;
      for (int64_t k = 0; k != l.shape.k; ++k)
        exact += int64_t(l.codes[size_t(w * l.shape.k + k)]) *
                 l.weights[size_t(k * l.shape.n + n)];
      y.push_back(double(exact));
      e.push_back(double(results[size_t(i)] - exact));
    }
    // Around means by output.
    double signal = 0, along = 0, mean = 0, rest = 0, square = 0;
    for (int64_t n = 0; n != l.shape.n; ++n) {
      double ym = 0, em = 0;
      for (int64_t w = 0; w != l.windows; ++w) {
        ym += y[size_t(w * l.shape.n + n)] / double(l.windows);
        em += e[size_t(w * l.shape.n + n)] / double(l.windows);
      }
      mean += em / double(l.shape.n);
      square += em * em / double(l.shape.n);
      for (int64_t w = 0; w != l.windows; ++w) {
        const auto at = size_t(w * l.shape.n + n);
        y[at] -= ym;
        e[at] -= em;
        signal += y[at] * y[at];
        along += y[at] * e[at];
      }
    }
    const double gain = along / signal, each = signal / double(count);
    for (size_t i = 0; i != y.size(); ++i)
      rest += (e[i] - gain * y[i]) * (e[i] - gain * y[i]);
    EXPECT_NEAR(got.gain, gain, 1e-9);
    EXPECT_NEAR(got.offset, mean / std::sqrt(each), 1e-9);
    EXPECT_NEAR(got.residual, rest / signal, 1e-9);
    EXPECT_GT(got.residual, 0.001);
    EXPECT_NEAR(got.bias,
                std::max(0.0, (square - mean * mean) / each -
                                  rest / signal / double(l.windows)),
                1e-9);
  }
}

TEST(Model, RangesFollowTheWindowsOfCalibration) {
  Model m = twoLayers();
  ArraySettings s = settings(5);
  s.readout.range = crossbar::Range::Phase;
  const double noise = predict(m, s).noise;
  const Model read = llvm::cantFail(
      Model::parse(llvm::formatv("{0}", m.toJSON()).str(), "m.json"));
  EXPECT_EQ(predict(read, s).noise, noise);
  // Windows that are all dark leave converters with a range of nothing.
  Model dark = twoLayers();
  dark.layers[1].calibration.assign(dark.layers[1].calibration.size(), 0);
  EXPECT_GT(predict(dark, s).noise, 2 * noise);
  Model none = twoLayers();
  none.layers[1].calibrationWindows = 0;
  none.layers[1].calibration.clear();
  auto refused = none.predict(s);
  ASSERT_FALSE(bool(refused));
  EXPECT_NE(llvm::toString(refused.takeError())
                .find("product 'layer1': no windows to calibrate the range "
                      "'phase' on"),
            std::string::npos);
  s.readout.range = crossbar::Range::Full;
  EXPECT_EQ(predict(none, s).noise, predict(twoLayers(), s).noise);
}

TEST(Model, GroupsThatShareArraysFillThem) {
  Model m = twoLayers();
  for (LayerData &layer : m.layers) {
    layer.shape.groups = 9;
    layer.shape.k = 10;
    layer.shape.n = 10;
  }
  ArraySettings s = settings(4);
  s.readout.range = crossbar::Range::Filled;
  const double single = predict(m, s).noise;
  // 12 rows of 10 are filled, or all 90.
  s.packing = mapping::GroupPacking::Dense;
  EXPECT_GT(predict(m, s).noise, 2 * single);
}

TEST(Model, YieldIsTheShareOfDrawsAboveTheFloor) {
  Prediction p;
  p.top1 = 0.8;
  EXPECT_EQ(p.yield(0.8), 1);
  EXPECT_EQ(p.yield(0.81), 0);
  p.deviation = 0.02;
  EXPECT_NEAR(p.yield(0.8), 0.5, 1e-12);
  EXPECT_NEAR(p.yield(0.78), 0.8413, 1e-4);
}

static std::string text(const Model &m) {
  std::string out;
  llvm::raw_string_ostream(out) << m.toJSON();
  return out;
}

TEST(Model, FilesPredictTheSame) {
  Model m = twoLayers();
  m.integersAt[{8, 8}] = 0.9;
  m.fitted.push_back({"a=1", 0.5, 0.6, 0.01, 3, 0.55});
  m.layers[1].offsetWeight = 2;
  m.correction.setBlocks(m.placeBlocks());
  m.correction.scales[2] = 0.5;
  for (int64_t bits : {4, 6})
    m.correction.centres.push_back(
        {m.placeOf(predict(twoLayers(), settings(bits))), 0.01});
  const Model read = llvm::cantFail(Model::parse(text(m), "m.json"));
  EXPECT_EQ(text(read), text(m));
  for (int64_t bits : {3, 5, 7})
    EXPECT_EQ(predict(read, settings(bits)).top1,
              predict(m, settings(bits)).top1);
}

/// Errors that all images share tell designs of a device apart.
TEST(Model, WhatDrawsChangeIsACoordinate) {
  Model m = twoLayers();
  const size_t plain = m.placeOf(predict(m, settings(6))).size();
  m.deviceText = "name: spread\ndescription: d\ncitation: c\n"
                 "cell: {min_us: 1, max_us: 100}\n"
                 "programming: {sigma_relative: 0.1}\n";
  m.device = llvm::cantFail(crossbar::parseDevice(m.deviceText, "spread"));
  const Model other = llvm::cantFail(Model::parse(text(m), "m.json"));
  const Prediction p = predict(other, settings(6));
  const std::vector<double> place = other.placeOf(p);
  ASSERT_EQ(place.size(), plain + 2);
  for (size_t l = 0; l < 2; ++l) {
    EXPECT_GT(p.layers[l].noise, 0);
    EXPECT_NEAR(place[plain + l],
                std::log10(1e-3 + p.layers[l].noise + p.layers[l].noise_bias) /
                    std::sqrt(2.0),
                1e-12);
  }
  m.correction.setBlocks(m.placeBlocks());
  m.correction.centres.push_back({place, 0.01});
  const Model read = llvm::cantFail(Model::parse(text(m), "m.json"));
  EXPECT_EQ(text(read), text(m));
  EXPECT_EQ(read.correction.at(place), 0.01);
  // A file whose centres leave draws out.
  m.correction.centres.back().place.resize(plain);
  auto old = Model::parse(text(m), "m.json");
  ASSERT_FALSE(bool(old));
  EXPECT_NE(llvm::toString(old.takeError()).find("centres of 12 numbers"),
            std::string::npos);
}

TEST(Model, DamagedFilesAreRefused) {
  const std::string good = text(twoLayers());
  auto refusal = [&](const std::string &from, const std::string &to) {
    std::string bad = good;
    const size_t at = bad.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    auto m = Model::parse(bad, "m.json");
    return m ? std::string() : llvm::toString(m.takeError());
  };
  EXPECT_NE(refusal("imc accuracy model 3", "x")
                .find("m.json: is no model of accuracy"),
            std::string::npos);
  EXPECT_NE(refusal("\"rows\":90", "\"rows\":91")
                .find("model.layers[0].weights: expected 910 bytes, not 900"),
            std::string::npos);
  EXPECT_NE(refusal("\"calibration_windows\":8", "\"calibration_windows\":9")
                .find("model.layers[0].calibration: expected 810 bytes, not "
                      "720"),
            std::string::npos);
  EXPECT_NE(refusal("\"rows\":90", "\"rows\":-1").find("whole number"),
            std::string::npos);
  EXPECT_NE(refusal("\"cols\":10", "\"cols\":99999999").find("1 to 1048576"),
            std::string::npos);
  EXPECT_NE(refusal("\"midpoint\":1", "\"midpoint\":0").find("positive"),
            std::string::npos);
  EXPECT_NE(refusal("\"shared\":[", "\"shared\":[1,").find("shared of 16"),
            std::string::npos);
  EXPECT_NE(refusal("{", "[").find("m.json: "), std::string::npos);
}
