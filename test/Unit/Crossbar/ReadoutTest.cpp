//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Converters that round and saturate, against one cell at a time.
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include "imc/Crossbar/Device.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace imc::crossbar;
using namespace imc::crossbar::test;

static std::vector<int32_t> run(const Product &product, const Case &c,
                                const Options &options,
                                Statistics *statistics = nullptr) {
  std::vector<int32_t> y(size_t(c.m * c.shape.groups * c.shape.n), -1);
  llvm::cantFail(
      product.run(c.codes.data(), c.m, y.data(), options, statistics));
  return y;
}

static bool isSigned(const Arrays &a) { return a.one_converter_per_pair; }

/// The codes of uniform ranges, from their definition.
static Codes codesOf(const Arrays &a, const Readout &r) {
  Codes codes;
  const int64_t sign = isSigned(a) ? 1 : 0, lossless = losslessBits(a);
  const int64_t covered = r.range == Range::Bits ? r.range_bits : lossless;
  codes.shift = std::max<int64_t>(0, covered - r.adc_bits);
  codes.high = (int64_t(1) << (std::min(covered, r.adc_bits) - sign)) - 1;
  codes.low = sign ? -codes.high - 1 : 0;
  codes.ties = r.ties;
  return codes;
}

static void expectOracle(const Case &c, const Readout &readout) {
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  llvm::cantFail(product.setReadout(readout));
  int64_t saturated = 0;
  const std::vector<int32_t> expected =
      convertedProduct(c, codesOf(c.arrays, readout), &saturated);
  const std::vector<int32_t> exact = exactProduct(c);
  for (Isa isa : {Isa::Portable, Isa::AVX2, Isa::AVX512}) {
    if (!isSupported(isa))
      continue;
    for (bool proofs : {true, false}) {
      Options options;
      options.isa = isa;
      options.use_proofs = proofs;
      Statistics statistics;
      ASSERT_EQ(run(product, c, options, &statistics), expected)
          << c.describe() << " adc " << readout.adc_bits << " range "
          << readout.range_bits << " ties " << int(readout.ties) << " "
          << isaName(isa) << " proofs " << proofs;
      ASSERT_EQ(statistics.saturated, saturated);
    }
  }
  for (int64_t g = 0, i = 0; g < c.shape.groups; ++g)
    for (int64_t n = 0; n < c.shape.n; ++n, ++i)
      for (int64_t w = 0; w < c.m; ++w) {
        const size_t at = size_t(w * c.shape.groups * c.shape.n + i);
        ASSERT_LE(std::abs(double(expected[at]) - double(exact[at])),
                  product.errorBound(g, n))
            << c.describe();
      }
}

TEST(Readout, RangesAndTiesEqualTheirDefinition) {
  std::mt19937 random(4);
  for (int i = 0; i < 1500; ++i) {
    const Case c = randomCase(random);
    Readout r;
    const int64_t lossless = losslessBits(c.arrays), least = 2;
    r.adc_bits = pick(random, least, lossless + 1);
    if (random() % 2 && lossless >= least) {
      r.range = Range::Bits;
      r.range_bits = pick(random, least, lossless);
    }
    r.ties = Ties(random() % 3);
    ASSERT_NO_FATAL_FAILURE(expectOracle(c, r));
  }
}

/// docs/Architecture.md, section 3: code = min((sum + 2^(k-1)) >> k, 2^adc -
/// 1).
TEST(Readout, FullIsTheRuleOfTheDialect) {
  std::mt19937 random(5);
  Case c;
  c.shape.k = 300;
  c.shape.n = 30;
  c.m = 20;
  c.fill(random);
  for (int64_t adc = 1; adc <= 10; ++adc) {
    Readout r;
    r.adc_bits = adc;
    Product product =
        llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
    llvm::cantFail(product.setReadout(r));
    const int64_t k = std::max<int64_t>(0, 9 - adc);
    std::vector<int32_t> expected(size_t(c.m * c.shape.n));
    for (int64_t w = 0; w < c.m; ++w)
      for (int64_t n = 0; n < c.shape.n; ++n) {
        int64_t y = 0;
        for (int64_t first = 0; first < 300; first += 128)
          for (int64_t j = 0; j < 4; ++j)
            for (int64_t p = 0; p < 8; ++p) {
              int64_t sum = 0;
              for (int64_t row = first;
                   row < std::min<int64_t>(300, first + 128); ++row)
                sum += (c.codes[size_t(w * 300 + row)] >> p & 1) *
                       ((c.weights[size_t(row * 30 + n)] + 128) >> (2 * j) & 3);
              const int64_t code = std::min<int64_t>(
                  (sum + (k ? int64_t(1) << (k - 1) : 0)) >> k,
                  (int64_t(1) << adc) - 1);
              y += (code << k) << (p + 2 * j);
            }
        for (int64_t row = 0; row < 300; ++row)
          y -= 128 * c.codes[size_t(w * 300 + row)];
        expected[size_t(w * 30 + n)] = int32_t(y);
      }
    EXPECT_EQ(run(product, c, {}), expected) << adc;
  }
}

TEST(Readout, ZeroSumsAreZero) {
  std::mt19937 random(6);
  for (int i = 0; i < 60; ++i) {
    Case c = randomCase(random);
    std::fill(c.codes.begin(), c.codes.end(), 0);
    Product product =
        llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
    Readout r;
    r.adc_bits = pick(random, 2, losslessBits(c.arrays) + 1);
    r.ties = Ties(random() % 3);
    r.step = Step(random() % 2);
    llvm::cantFail(product.setReadout(r));
    for (int32_t y : run(product, c, {}))
      ASSERT_EQ(y, 0) << c.describe();
  }
}

/// Columns with small weights are proved where others saturate, and the two
/// ways to compute them meet.
TEST(Readout, ProvesColumnsByTheirWeights) {
  std::mt19937 random(7);
  Case c;
  c.arrays.encoding = Encoding::Differential;
  c.shape.k = 256;
  c.shape.n = 40;
  c.m = 50;
  c.fill(random);
  for (int64_t r = 0; r < 256; ++r)
    for (int64_t n = 0; n < 40; ++n)
      if (n % 3 && !(r >= 128 && n == 1))
        c.weights[size_t(r * 40 + n)] =
            int8_t(r % 8 ? 0 : c.weights[size_t(r * 40 + n)]);
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  Readout r;
  r.adc_bits = 6;
  r.range = Range::Bits;
  r.range_bits = 6;
  llvm::cantFail(product.setReadout(r));
  const Proof proof = product.proof();
  EXPECT_FALSE(proof.lossless());
  EXPECT_EQ(proof.columns, 2 * 40 * 8);
  int64_t proved = 0;
  for (int64_t strip = 0; strip < 2; ++strip)
    for (int64_t n = 0; n < 40; ++n)
      for (int64_t j = 0; j < 8; ++j) {
        int64_t bound = 0;
        for (int64_t row = 128 * strip; row < 128 * (strip + 1); ++row) {
          const int64_t w = c.weights[size_t(row * 40 + n)];
          bound +=
              (j % 2 ? std::max<int64_t>(-w, 0) : std::max<int64_t>(w, 0)) >>
                  (j / 2 * 2) &
              3;
        }
        EXPECT_EQ(product.columnBound(0, n, j, strip), bound);
        EXPECT_EQ(product.isColumnProved(0, n, j, strip), bound <= 63);
        proved += bound <= 63;
      }
  EXPECT_EQ(proof.proved_columns, proved);
  EXPECT_GT(proved, 0);
  EXPECT_LT(proved, proof.columns);
  EXPECT_TRUE(product.isColumnProved(0, 1, 0, 0));
  EXPECT_FALSE(product.isColumnProved(0, 1, 0, 1));
  EXPECT_EQ(product.errorBound(0, 2), 0);
  EXPECT_GT(product.errorBound(0, 0), 0);
  ASSERT_NO_FATAL_FAILURE(expectOracle(c, r));
  Statistics some, all;
  Options options;
  run(product, c, options, &some);
  options.use_proofs = false;
  run(product, c, options, &all);
  EXPECT_LT(some.conversions, all.conversions);
  EXPECT_EQ(all.conversions, 50 * 8 * 2 * 40 * 8);
}

/// Arrays are proved when all their converters are.
TEST(Readout, ProvesArrays) {
  Case c;
  c.arrays.cell_bits = 8;
  c.arrays.cols = 4;
  c.arrays.rows = 4;
  c.shape.k = 8;
  c.shape.n = 6;
  c.weights.assign(48, -128); // level 0
  c.weights[0] = 127;         // level 255 in row 0, column 0
  c.weights[4 * 6 + 5] = 127; // second strip, second tile
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  Readout r;
  r.adc_bits = 4;
  r.range = Range::Bits;
  r.range_bits = 4;
  llvm::cantFail(product.setReadout(r));
  EXPECT_EQ(product.numArrays(), 4);
  EXPECT_FALSE(product.isArrayProved(0, 0, 0));
  EXPECT_TRUE(product.isArrayProved(0, 0, 1));
  EXPECT_TRUE(product.isArrayProved(0, 1, 0));
  EXPECT_FALSE(product.isArrayProved(0, 1, 1));
  EXPECT_EQ(product.proof().proved_arrays, 2);
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

static int64_t phasesOf(const Arrays &a) {
  return (a.input_bits - (a.signed_inputs ? 1 : 0) + a.dac_bits - 1) /
             a.dac_bits +
         (a.signed_inputs ? 1 : 0);
}

static Product calibrated(const Case &c, Range range, const Readout &readout) {
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  llvm::cantFail(product.calibrate(c.codes.data(), c.m, range));
  llvm::cantFail(product.setReadout(readout));
  return product;
}

TEST(Calibration, HoldsTheLargestSumOfALayer) {
  Case c;
  c.shape.k = 128;
  c.shape.n = 3;
  c.m = 2;
  c.weights.assign(384, -128 + 3); // level 3 of slice 0, 0 of the others
  c.codes.assign(256, 0);
  std::fill(c.codes.begin(), c.codes.begin() + 40, 1); // sum 120
  Readout r;
  r.range = Range::Layer;
  for (auto [adc, step] :
       {std::pair<int64_t, double>{7, 1}, {6, 2}, {5, 4}, {3, 32}}) {
    r.adc_bits = adc;
    EXPECT_EQ(calibrated(c, Range::Layer, r).step(0, 2, 3, 0), step);
  }
  r.step = Step::Free;
  r.adc_bits = 6;
  EXPECT_EQ(float(calibrated(c, Range::Layer, r).step(0, 2, 3, 0)),
            120.0f / 63.0f);
  r.adc_bits = 8;
  EXPECT_EQ(calibrated(c, Range::Layer, r).step(0, 2, 3, 0), 1);
}

TEST(Calibration, IsForEachArrayOrColumn) {
  Case c;
  c.shape.k = 128;
  c.shape.n = 64;
  c.m = 1;
  c.weights.assign(128 * 64, -128);
  for (int64_t row = 0; row < 128; ++row)
    c.weights[size_t(row * 64 + 40)] = -128 + 3; // sums of 3 x 100 in tile 1
  c.codes.assign(128, 0);
  std::fill(c.codes.begin(), c.codes.begin() + 100, 1);
  Readout r;
  r.adc_bits = 6;
  r.range = Range::Array;
  Product product = calibrated(c, Range::Array, r);
  EXPECT_EQ(product.columnTiles(), 2);
  EXPECT_EQ(product.step(0, 10, 0, 0), 1);
  EXPECT_EQ(product.step(0, 41, 1, 0), 8);
  r.range = Range::Column;
  product = calibrated(c, Range::Column, r);
  EXPECT_EQ(product.step(0, 41, 1, 0), 1);
  EXPECT_EQ(product.step(0, 40, 0, 0), 8);
  EXPECT_EQ(product.step(0, 40, 1, 0), 1);
}

/// Bit 0 is set in 100 rows of the codes, bit 1 in 20, the others in none.
TEST(Calibration, IsForEachSliceAndPhase) {
  Case c;
  c.shape.k = 128;
  c.shape.n = 64;
  c.m = 1;
  c.weights.assign(128 * 64, -128);
  for (int64_t row = 0; row < 128; ++row)
    c.weights[size_t(row * 64 + 40)] = -128 + 3; // slice 0 alone
  c.codes.assign(128, 0);
  for (size_t row = 0; row != 100; ++row)
    c.codes[row] = row < 20 ? 3 : 1;
  Readout r;
  r.adc_bits = 4;
  r.range = Range::Phase;
  r.step = Step::Free;
  const Product product = calibrated(c, Range::Phase, r);
  for (int64_t n : {0, 40}) {
    EXPECT_EQ(float(product.step(0, n, 0, 0, 0)), 300.0f / 15.0f);
    EXPECT_EQ(float(product.step(0, n, 0, 0, 1)), 60.0f / 15.0f);
    EXPECT_EQ(product.step(0, n, 0, 0, 2), 1);
    EXPECT_EQ(product.step(0, n, 1, 0, 0), 1);
  }
  // Each phase reads its own range without loss.
  EXPECT_EQ(run(product, c, {})[40], 3 * (80 + 3 * 20) - 128 * (80 + 3 * 20));
  // A range of 4 bits for both loses the second phase: 60 is 2 steps of 32.
  r.range = Range::Layer;
  r.step = Step::PowerOfTwo;
  EXPECT_EQ(calibrated(c, Range::Layer, r).step(0, 40, 0, 0), 32);
}

/// Programmed cells without spread are those of before, phase by phase; no
/// result is further away than proved.
TEST(Calibration, OfPhasesHoldsOnDevicesAndIsBounded) {
  std::mt19937 random(21);
  for (int i = 0; i < 60; ++i) {
    const Case c = randomCase(random);
    Readout r;
    r.range = Range::Phase;
    r.adc_bits = 2 + i % 4;
    r.step = i % 2 ? Step::Free : Step::PowerOfTwo;
    r.quantile = 0.9;
    Product product = calibrated(c, Range::Phase, r);
    const std::vector<int32_t> ideal = run(product, c, {});
    Readout lossless;
    lossless.adc_bits = 0;
    lossless.range = Range::Lossless;
    Product exact =
        llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
    llvm::cantFail(exact.setReadout(lossless));
    const std::vector<int32_t> wanted = run(exact, c, {});
    for (size_t at = 0; at != ideal.size(); ++at) {
      const auto column = int64_t(at) % (c.shape.groups * c.shape.n);
      ASSERT_LE(std::abs(double(ideal[at]) - double(wanted[at])),
                product.errorBound(column / c.shape.n, column % c.shape.n))
          << c.describe();
    }
    for (Isa isa : {Isa::Portable, Isa::AVX2, Isa::AVX512})
      if (isSupported(isa)) {
        Options options;
        options.isa = isa;
        options.threads = 2;
        EXPECT_EQ(run(product, c, options), ideal) << isaName(isa);
        options.use_proofs = false;
        EXPECT_EQ(run(product, c, options), ideal) << isaName(isa);
      }
    llvm::cantFail(product.program(idealDevice(), {}));
    EXPECT_EQ(run(product, c, {}), ideal) << c.describe();
  }
}

TEST(Calibration, LeavesOutliersOut) {
  Case c;
  c.shape.k = 128;
  c.shape.n = 1;
  c.arrays.input_bits = 1;
  c.arrays.weight_bits = 2;
  c.weights.assign(128, 1); // level 3
  c.m = 100;
  c.codes.assign(12800, 0);
  for (int64_t w = 0; w < 100; ++w)
    std::fill_n(c.codes.begin() + w * 128, w == 7 ? 128 : 10, 1);
  Readout r;
  r.adc_bits = 5;
  r.range = Range::Layer;
  EXPECT_EQ(calibrated(c, Range::Layer, r).step(0, 0, 0, 0), 16);
  r.quantile = 0.99;
  EXPECT_EQ(calibrated(c, Range::Layer, r).step(0, 0, 0, 0), 1);
  r.quantile = 0.991;
  EXPECT_EQ(calibrated(c, Range::Layer, r).step(0, 0, 0, 0), 16);
  // 99 sums of 30 and one of 384: keeping 30 exact costs (384 - 31 s)^2 once.
  r.criterion = Criterion::SquaredError;
  const double step = calibrated(c, Range::Layer, r).step(0, 0, 0, 0);
  double best = -1, least = 0;
  for (int64_t s = 1; s <= 16; s *= 2) {
    const double a = 30 - double(s) * std::floor(30 / double(s) + 0.5);
    const double b = 384 - double(s) * std::min(31.0, 384 / double(s));
    const double error = 99 * a * a + b * b;
    if (best < 0 || error < least) {
      best = double(s);
      least = error;
    }
  }
  EXPECT_EQ(step, best);
}

/// In parts, with threads: the same counts.
TEST(Calibration, DoesNotDependOnTheRun) {
  std::mt19937 random(8);
  for (int i = 0; i < 20; ++i) {
    const Case c = randomCase(random);
    for (Range range :
         {Range::Layer, Range::Array, Range::Column, Range::Phase}) {
      Readout r;
      r.range = range;
      r.adc_bits = 3;
      r.step = Step::Free;
      r.quantile = 0.9;
      const Product once = calibrated(c, range, r);
      Product parts =
          llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
      for (int64_t w = c.m; w-- > 0;) {
        Options options;
        options.threads = 3;
        llvm::cantFail(
            parts.calibrate(&c.codes[size_t(w * c.shape.groups * c.shape.k)], 1,
                            range, options));
      }
      llvm::cantFail(parts.setReadout(r));
      for (int64_t g = 0; g < c.shape.groups; ++g)
        for (int64_t n = 0; n < c.shape.n; ++n)
          for (int64_t j = 0; j < convertersPerWeight(c.arrays); ++j)
            for (int64_t s = 0; s < once.strips(); ++s)
              for (int64_t f = 0; f < phasesOf(c.arrays); ++f)
                ASSERT_EQ(once.step(g, n, j, s, f), parts.step(g, n, j, s, f));
      EXPECT_EQ(run(once, c, {}), run(parts, c, {}));
    }
  }
}
