//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products on programmed arrays: distributions of results, and that nothing
// depends on how a run is cut.
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include "imc/Crossbar/Device.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace imc::crossbar;
using namespace imc::crossbar::test;

static std::vector<int32_t> run(const Product &product, const Case &c,
                                const Options &options = {}) {
  std::vector<int32_t> y(size_t(c.m * c.shape.groups * c.shape.n), -1);
  llvm::cantFail(product.run(c.codes.data(), c.m, y.data(), options));
  return y;
}

static Product programmed(const Case &c, const Readout &readout,
                          const Device &device, const Draw &draw = {}) {
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  llvm::cantFail(product.setReadout(readout));
  llvm::cantFail(product.program(device, draw, 2));
  return product;
}

/// A device without errors is ideal, bit for bit, whatever the readout.
TEST(Programmed, IdealDevicesAreIdeal) {
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    Case c = randomCase(random);
    // Sums that binary32 holds.
    c.arrays.cell_bits = std::min<int64_t>(c.arrays.cell_bits, 4);
    c.arrays.dac_bits = std::min<int64_t>(c.arrays.dac_bits, 4);
    Readout r;
    r.adc_bits = pick(random, 2, losslessBits(c.arrays) + 1);
    r.ties = Ties(random() % 3);
    r.step = Step(random() % 2);
    Product product =
        llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
    llvm::cantFail(product.setReadout(r));
    const std::vector<int32_t> ideal = run(product, c);
    Device device = idealDevice();
    if (random() % 2) {
      // A finite ratio of on and off, taken away by a column of cells.
      device.min_us = 5;
      device.reference_column = true;
    }
    llvm::cantFail(product.program(device, {}));
    ASSERT_EQ(run(product, c), ideal) << c.describe() << " adc " << r.adc_bits;
    product.erase();
    ASSERT_EQ(run(product, c), ideal);
  }
}

static Device everything() {
  Device device = idealDevice();
  device.min_us = 2;
  device.sigma_relative = 0.05;
  device.read_sigma_relative = 0.03;
  device.stuck_off_rate = device.stuck_on_rate = 0.01;
  device.converter_gain_sigma_relative = 0.01;
  device.converter_offset_sigma_lsb = 0.3;
  device.converter_noise_sigma_lsb = 0.2;
  device.driver_gain_sigma_relative = 0.01;
  device.driver_offset_sigma_lsb = 0.01;
  return device;
}

/// Traps 5 and beyond: batches, orders, threads, instruction sets.
TEST(Programmed, ResultsDoNotDependOnTheRun) {
  std::mt19937 random(12);
  for (int i = 0; i < 40; ++i) {
    Case c = randomCase(random);
    c.m = 30;
    c.arrays.dac_bits = std::min<int64_t>(c.arrays.dac_bits, 4);
    c.fill(random);
    Device device = everything();
    if (i % 4 == 3)
      device.segment_ohm = 2;
    if (i % 8 == 7)
      device.idle_rows_grounded = true;
    Readout r;
    r.adc_bits = pick(random, 3, 8);
    r.ties = Ties(random() % 3);
    r.step = Step(random() % 2);
    Draw draw;
    draw.seed = uint64_t(i);
    draw.layer = i % 7;
    const Product product = programmed(c, r, device, draw);
    const std::vector<int32_t> once = run(product, c);
    for (Isa isa : {Isa::Portable, Isa::AVX2, Isa::AVX512}) {
      Options options;
      options.isa = isa;
      options.threads = 3;
      if (isSupported(isa)) {
        ASSERT_EQ(run(product, c, options), once)
            << c.describe() << " " << isaName(isa);
      }
    }
    // Windows one by one, the last one first.
    const int64_t width = c.shape.groups * c.shape.k,
                  outputs = c.shape.groups * c.shape.n;
    std::vector<int32_t> parts(once.size());
    for (int64_t w = c.m; w-- > 0;) {
      Options options;
      options.first_window = w;
      llvm::cantFail(product.run(&c.codes[size_t(w * width)], 1,
                                 &parts[size_t(w * outputs)], options));
    }
    ASSERT_EQ(parts, once) << c.describe();
    // Programmed again with other threads: the same device.
    ASSERT_EQ(run(programmed(c, r, device, draw), c), once);
    // Another seed is another device.
    draw.seed += 1000;
    Case large = c;
    large.shape.k = 64;
    large.shape.n = 16;
    large.arrays.rows = 64;
    large.fill(random);
    const Product one = programmed(large, r, device, draw);
    ++draw.seed;
    EXPECT_NE(run(one, large), run(programmed(large, r, device, draw), large));
  }
}

/// Faults reach the cells of a product: one-hot inputs read single cells.
TEST(Programmed, FaultsInArrays) {
  Case c;
  c.shape.k = 128;
  c.shape.n = 512;
  c.m = 128;
  c.arrays.weight_bits = 2; // one cell, level = weight + 2
  c.arrays.input_bits = 1;
  c.weights.assign(size_t(128 * 512), -1);
  c.codes.assign(128 * 128, 0);
  for (size_t r = 0; r < 128; ++r)
    c.codes[r * 128 + r] = 1;
  Device device = idealDevice();
  device.stuck_off_rate = 0.02;
  device.stuck_on_rate = 0.05;
  Readout r;
  r.adc_bits = 9;
  const std::vector<int32_t> y = run(programmed(c, r, device), c);
  const double n = 128 * 512;
  int64_t off = 0, on = 0;
  for (int32_t v : y) {
    off += v == -2;
    on += v == 1;
    ASSERT_TRUE(v == -2 || v == -1 || v == 1);
  }
  EXPECT_NEAR(double(off), 0.02 * n, 3 * std::sqrt(0.02 * 0.98 * n));
  EXPECT_NEAR(double(on), 0.05 * n, 3 * std::sqrt(0.05 * 0.95 * n));
}

/// Cells of single levels read one by one spread as the closed form says.
TEST(Programmed, SpreadInArrays) {
  Case c;
  c.shape.k = 128;
  c.shape.n = 512;
  c.m = 128;
  c.arrays.weight_bits = 8;
  c.arrays.cell_bits = 8;
  c.arrays.input_bits = 1;
  c.weights.assign(size_t(128 * 512), 72); // level 200
  c.codes.assign(128 * 128, 0);
  for (size_t r = 0; r < 128; ++r)
    c.codes[r * 128 + r] = 1;
  Device device = idealDevice();
  device.sigma_relative = 0.05;
  Readout r;
  r.adc_bits = 15;
  const std::vector<int32_t> y = run(programmed(c, r, device), c);
  double mean = 0, square = 0;
  for (int32_t v : y) {
    mean += double(v + 128) / double(y.size());
    square += double(v + 128) * double(v + 128) / double(y.size());
  }
  EXPECT_NEAR(mean, 200, 0.15);
  // The converter's steps of 1 add 1/12.
  EXPECT_NEAR(std::sqrt(square - mean * mean - 1.0 / 12) / 10, 1, 0.02);
}

/// Output-referred read noise has the variance of independent noise in every
/// cell: sum_r x_r^2 s_r^2 for each phase and column.
TEST(Programmed, ReadNoiseHasTheVarianceOfItsCells) {
  std::mt19937 random(13);
  for (int64_t d : {1, 2, 4}) {
    Case c;
    c.shape.k = 100;
    c.shape.n = 8;
    c.m = 4000;
    c.arrays.dac_bits = d;
    c.arrays.cell_bits = 4;
    c.fill(random);
    // The same window again and again.
    for (int64_t w = 1; w < c.m; ++w)
      std::copy(c.codes.begin(), c.codes.begin() + 100,
                c.codes.begin() + w * 100);
    Device device = idealDevice();
    device.read_sigma_relative = 0.2;
    Readout r;
    r.adc_bits = losslessBits(c.arrays);
    const std::vector<int32_t> y = run(programmed(c, r, device), c);
    for (int64_t n = 0; n < 8; ++n) {
      double expected = 0, converters = 0;
      for (int64_t p = 0; p < 8 / d; ++p)
        for (int64_t j = 0; j < 2; ++j) {
          double variance = 0;
          for (int64_t row = 0; row < 100; ++row) {
            const double x =
                double(c.codes[size_t(row)] >> (d * p) & ((1 << d) - 1));
            const double level =
                double((c.weights[size_t(row * 8 + n)] + 128) >> (4 * j) & 15);
            variance += 0.04 * x * x * level * level;
          }
          const double weight = std::ldexp(1.0, int(d * p + 4 * j));
          expected += weight * weight * variance;
          converters += weight * weight / 12;
        }
      double mean = 0, square = 0;
      for (int64_t w = 0; w < c.m; ++w) {
        const double v = double(y[size_t(w * 8 + n)]);
        mean += v / double(c.m);
        square += v * v / double(c.m);
      }
      const double sigma = std::sqrt(expected + converters);
      // 4 standard errors of a variance of 4,000 samples.
      EXPECT_NEAR((square - mean * mean) / (sigma * sigma), 1,
                  4 * std::sqrt(2.0 / double(c.m)));
      double exact = 0;
      for (int64_t row = 0; row < 100; ++row)
        exact += double(c.codes[size_t(row)]) *
                 double(c.weights[size_t(row * 8 + n)]);
      EXPECT_NEAR(mean, exact, 4 * sigma / std::sqrt(double(c.m)));
    }
  }
}

/// Results of one window in many reads: columns and windows are independent.
TEST(Programmed, ReadNoiseIsIndependent) {
  Case c;
  c.shape.k = 64;
  c.shape.n = 16;
  c.m = 4000;
  c.arrays.input_bits = 1;
  c.arrays.weight_bits = 2;
  c.weights.assign(64 * 16, 1);
  c.codes.assign(size_t(64 * c.m), 1);
  Device device = idealDevice();
  device.read_sigma_relative = 0.5;
  Readout r;
  r.adc_bits = 8;
  const std::vector<int32_t> y = run(programmed(c, r, device), c);
  auto at = [&](int64_t w, int64_t n) {
    return double(y[size_t(w * 16 + n)]) - 64;
  };
  double variance = 0, columns = 0, windows = 0;
  for (int64_t w = 0; w + 1 < c.m; ++w)
    for (int64_t n = 0; n + 1 < 16; ++n) {
      variance += at(w, n) * at(w, n);
      columns += at(w, n) * at(w, n + 1);
      windows += at(w, n) * at(w + 1, n);
    }
  const double bound = 4 / std::sqrt(double(c.m) * 15);
  EXPECT_LT(std::abs(columns / variance), bound);
  EXPECT_LT(std::abs(windows / variance), bound);
}

/// Gains and offsets of converters and drivers arrive as stated.
TEST(Programmed, ConvertersAndDrivers) {
  Case c;
  c.shape.k = 100;
  c.shape.n = 1000;
  c.m = 1;
  c.arrays.input_bits = 1;
  c.arrays.weight_bits = 2;
  c.arrays.rows = 100;
  c.weights.assign(100 * 1000, 0); // level 2
  c.codes.assign(100, 1);
  Readout r;
  r.adc_bits = 9;
  auto moments = [&](const Device &device) {
    const std::vector<int32_t> y = run(programmed(c, r, device), c);
    double mean = 0, square = 0;
    for (int32_t v : y) {
      mean += double(v + 200) / double(y.size());
      square += double(v + 200) * double(v + 200) / double(y.size());
    }
    return std::pair<double, double>(
        mean, std::sqrt(std::max(0.0, square - mean * mean)));
  };
  Device device = idealDevice();
  device.converter_gain_relative = 0.1;
  EXPECT_NEAR(moments(device).first, 220, 1e-6);
  device = idealDevice();
  device.converter_offset_lsb = -7;
  EXPECT_NEAR(moments(device).first, 193, 1e-6);
  device = idealDevice();
  device.converter_gain_sigma_relative = 0.05;
  EXPECT_NEAR(moments(device).second, 10, 10 * 4 / std::sqrt(2000.));
  device = idealDevice();
  device.converter_offset_sigma_lsb = 10;
  EXPECT_NEAR(moments(device).second, 10, 10 * 4 / std::sqrt(2000.));
  device = idealDevice();
  device.converter_noise_sigma_lsb = 10;
  EXPECT_NEAR(moments(device).second, 10, 10 * 4 / std::sqrt(2000.));
  // Drivers are shared by all columns: the results move together.
  device = idealDevice();
  device.driver_gain_sigma_relative = 0.1;
  EXPECT_NEAR(moments(device).second, 0, 1e-3);
  EXPECT_GT(std::abs(moments(device).first - 200), 0.5);
  EXPECT_NEAR(moments(device).first, 200, 4 * 2 * 0.1 * 10);
  device = idealDevice();
  device.driver_offset_sigma_lsb = 0.1;
  EXPECT_NEAR(moments(device).second, 0, 1e-3);
  EXPECT_GT(std::abs(moments(device).first - 200), 0.5);
}

/// Without a reference column a finite ratio of on and off shifts every sum by
/// what the cells of level 0 conduct; pairs subtract it.
TEST(Programmed, FiniteRatioOfOnAndOff) {
  std::mt19937 random(14);
  Case c;
  c.shape.k = 120;
  c.shape.n = 9;
  c.m = 5;
  c.fill(random);
  for (int8_t &w : c.weights)
    w = std::max<int8_t>(w, -127);
  Device device = idealDevice();
  device.min_us = 25; // a third of a level's distance of 75 / 3
  Readout r;
  r.adc_bits = 10; // sums up to 120 * 4: beyond the lossless 9 bits
  const Product offset = programmed(c, r, device);
  const std::vector<int32_t> exact = exactProduct(c);
  // All four slices of a weight see the sum of inputs once more: 1 + 4 + 16 +
  // 64 times, where converters do not saturate.
  const std::vector<int32_t> y = run(offset, c);
  int64_t shifted = 0;
  for (int64_t w = 0; w < c.m; ++w) {
    int32_t sum = 0;
    for (int64_t row = 0; row < 120; ++row)
      sum += c.codes[size_t(w * 120 + row)];
    for (int64_t n = 0; n < 9; ++n)
      shifted += y[size_t(w * 9 + n)] == exact[size_t(w * 9 + n)] + 85 * sum;
  }
  EXPECT_EQ(shifted, c.m * 9);
  for (bool pairs : {false, true}) {
    c.arrays.encoding = Encoding::Differential;
    c.arrays.one_converter_per_pair = pairs;
    EXPECT_EQ(run(programmed(c, r, device), c), exact) << pairs;
  }
}

//===----------------------------------------------------------------------===//
// Bit lines
//===----------------------------------------------------------------------===//

/// Current into the converter by nodal analysis: the full linear system, by
/// elimination, with `ohm` between neighbours and below the last row.
static double lineCurrent(const std::vector<double> &siemens,
                          const std::vector<double> &volts, double ohm) {
  const size_t n = siemens.size();
  std::vector<std::vector<double>> a(n, std::vector<double>(n + 1, 0));
  for (size_t r = 0; r != n; ++r) {
    a[r][r] = siemens[r] + (r ? 1 / ohm : 0) + 1 / ohm;
    if (r)
      a[r][r - 1] = -1 / ohm;
    if (r + 1 < n)
      a[r][r + 1] = -1 / ohm;
    a[r][n] = siemens[r] * volts[r];
  }
  for (size_t r = 0; r != n; ++r)
    for (size_t below = r + 1; below != n; ++below) {
      const double factor = a[below][r] / a[r][r];
      for (size_t k = r; k <= n; ++k)
        a[below][k] -= factor * a[r][k];
    }
  return a[n - 1][n] / a[n - 1][n - 1] / ohm;
}

TEST(BitLines, EqualNodalAnalysis) {
  std::mt19937 random(15);
  for (double ohm : {0.5, 5., 50., 300.})
    for (bool grounded : {false, true})
      for (int64_t rows : {40, 64}) { // 40 of 64 rows used, or all
        Case c;
        c.shape.k = rows;
        c.shape.n = 5;
        c.m = 3;
        c.arrays.rows = 64;
        c.arrays.weight_bits = 4;
        c.arrays.cell_bits = 4;
        c.arrays.input_bits = c.arrays.dac_bits = 2;
        c.fill(random);
        Device device = idealDevice();
        device.min_us = 1;
        device.segment_ohm = ohm;
        device.idle_rows_grounded = grounded;
        Readout r;
        r.adc_bits = losslessBits(c.arrays);
        const std::vector<int32_t> y = run(programmed(c, r, device), c);
        double drop = 0;
        for (int64_t w = 0; w < c.m; ++w)
          for (int64_t n = 0; n < 5; ++n) {
            std::vector<double> siemens(64, 0), volts(64, 0);
            double sum = 0, ideal = 0;
            for (int64_t row = 0; row < rows; ++row) {
              const double x = double(c.codes[size_t(w * rows + row)]);
              const double level = double(c.weights[size_t(row * 5 + n)]) + 8;
              const double g = (1 + 99 * level / 15) * 1e-6;
              siemens[size_t(row)] = x > 0 || grounded ? g : 0;
              volts[size_t(row)] = x;
              sum += x;
              ideal += x * g;
            }
            const double current = lineCurrent(siemens, volts, ohm);
            drop = std::max(drop, 1 - current / ideal);
            const double value = std::floor(current / 6.6e-6 + 0.5);
            const double got = double(y[size_t(w * 5 + n)]) + 8 * sum;
            // Binary32 may round a value near a half the other way.
            EXPECT_NEAR(
                got, value,
                1.01 * (std::abs(current / 6.6e-6 + 0.5 -
                                 std::round(current / 6.6e-6 + 0.5)) < 1e-3))
                << ohm << " " << grounded << " " << rows;
          }
        if (ohm >= 50) { // there is something to see
          EXPECT_GT(drop, 0.01);
        }
      }
}

TEST(BitLines, ThinResistanceIsNone) {
  std::mt19937 random(16);
  Case c;
  c.shape.k = 128;
  c.shape.n = 20;
  c.m = 10;
  c.fill(random);
  Device device = idealDevice();
  device.segment_ohm = 1e-4;
  Readout r;
  r.adc_bits = 9;
  EXPECT_EQ(run(programmed(c, r, device), c), exactProduct(c));
  device.min_us = 10;
  device.reference_column = true;
  EXPECT_EQ(run(programmed(c, r, device), c), exactProduct(c));
}

TEST(Programmed, Refusals) {
  Case c;
  c.shape.k = 4;
  c.shape.n = 1;
  c.weights.assign(4, 1);
  c.arrays.dac_bits = 8;
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  auto refused = [&](const Device &device, const Draw &draw) {
    return llvm::toString(product.program(device, draw));
  };
  Device device = idealDevice();
  EXPECT_EQ(refused(device, {}), "");
  device.read_sigma_relative = 0.1;
  EXPECT_EQ(refused(device, {}),
            "read noise needs the squares of digits; 'dac_bits' is 8, must be "
            "at most 7");
  device = idealDevice();
  device.stuck_on_rate = 2;
  EXPECT_EQ(refused(device, {}),
            "device 'ideal': 'faults.stuck_on_rate' is 2, must be 0 to 1");
  Draw draw;
  draw.layer = 4096;
  EXPECT_EQ(refused(idealDevice(), draw), "'layer' is 4096, must be 0 to 4095");
  draw = {};
  draw.trial = -1;
  EXPECT_EQ(refused(idealDevice(), draw),
            "'trial' is -1, must be 0 to 1048575");
  draw = {};
  draw.time_s = -1;
  EXPECT_EQ(refused(idealDevice(), draw),
            "device 'ideal': the time is -1 s, must not be negative");
}
