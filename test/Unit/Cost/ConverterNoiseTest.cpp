//===- ConverterNoiseTest.cpp - E-SQNR against drawn sums -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Draws uniform weights and inputs, computes products cell by cell and phase by
// phase with the readout of docs/phases/rounding.md, R6, and compares the mean
// square of the error with the closed form. IMC_NOISE_CASES sets the number.
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "imc/Cost/Cost.h"

#include <cmath>
#include <cstdlib>

using namespace imc;
using namespace imc::cost;
using mapping::Encoding;

namespace {

struct Case {
  machine::Machine machine;
  mapping::Knobs knobs;
  int64_t rows = 0; ///< K

  int64_t lossless() const { return mapping::losslessBits(machine); }
  int64_t adc() const { return machine.adc.bits; }
  int64_t range() const { return lossless() - machine.adc.clip_bits; }
  int64_t step() const {
    return std::max<int64_t>(1, (int64_t(1) << range()) >> adc());
  }
  int64_t read(int64_t sum) const {
    const int64_t s = step();
    int64_t code = sum / s;
    const int64_t twice = sum % s * 2;
    if (s > 1 && knobs.ties != mapping::Ties::Floor &&
        (twice > s || (twice == s &&
                       (knobs.ties == mapping::Ties::HalfUp || code % 2 == 1))))
      ++code;
    return std::min(code, (int64_t(1) << range()) / s - 1) * s;
  }
  /// Coefficient and level of every cell of a weight.
  std::vector<std::pair<int64_t, int64_t>> cells(int64_t w) const {
    const int64_t n = knobs.weight_bits, b = machine.cell.bits;
    const int64_t mask = (int64_t(1) << b) - 1;
    std::vector<std::pair<int64_t, int64_t>> out;
    if (knobs.encoding == Encoding::Differential)
      for (int64_t low = 0; low < n - 1; low += b)
        for (int64_t sign : {1, -1})
          out.emplace_back(sign * (int64_t(1) << low),
                           std::max<int64_t>(sign * w, 0) >> low & mask);
    else if (knobs.encoding == Encoding::Offset)
      for (int64_t low = 0; low < n; low += b)
        out.emplace_back(int64_t(1) << low,
                         (w + (int64_t(1) << (n - 1))) >> low & mask);
    else
      for (int64_t bit = 0; bit < n; ++bit)
        out.emplace_back(bit == n - 1 ? -(int64_t(1) << bit)
                                      : int64_t(1) << bit,
                         w >> bit & 1);
    return out;
  }
  std::string text() const {
    auto s = [](int64_t v) { return std::to_string(v); };
    return "encoding " + s(int64_t(knobs.encoding)) + " ties " +
           s(int64_t(knobs.ties)) + " weight bits " + s(knobs.weight_bits) +
           " input bits " + s(knobs.input_bits) + " K " + s(rows) + " R " +
           s(machine.array.rows) + " d " + s(machine.dac.bits) + " b " +
           s(machine.cell.bits) + " lossless " + s(lossless()) + " adc " +
           s(adc()) + " clip " + s(machine.adc.clip_bits);
  }
};

/// Mean square of the error of drawn products over that of the products.
double drawn(const Case &c, std::mt19937_64 &random) {
  const int64_t n = c.knobs.weight_bits, m = c.knobs.input_bits,
                d = std::min(c.machine.dac.bits, m), R = c.machine.array.rows;
  const int64_t outputs = 128, windows = 96;
  const int64_t least = c.knobs.encoding == Encoding::Differential
                            ? 1 - (int64_t(1) << (n - 1))
                            : -(int64_t(1) << (n - 1));
  const auto weights = uint64_t((int64_t(1) << (n - 1)) - least);
  std::vector<int32_t> x(size_t(windows * c.rows));
  for (int32_t &v : x)
    v = int32_t(random() % (uint64_t(1) << m));
  const size_t slices = c.cells(0).size();
  std::vector<std::vector<int32_t>> levels(slices,
                                           std::vector<int32_t>(c.rows));
  double squares = 0;
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t r = 0; r < c.rows; ++r) {
      const auto cells = c.cells(least + int64_t(random() % weights));
      for (size_t j = 0; j != slices; ++j)
        levels[j][size_t(r)] = int32_t(cells[j].second);
    }
    const auto coefficients = c.cells(0);
    for (int64_t w = 0; w < windows; ++w) {
      double error = 0;
      for (int64_t low = 0; low < m; low += d)
        for (size_t j = 0; j != slices; ++j)
          for (int64_t first = 0; first < c.rows; first += R) {
            int32_t sum = 0;
            const int64_t end = std::min(first + R, c.rows);
            const int32_t *in = x.data() + w * c.rows;
            for (int64_t r = first; r < end; ++r)
              sum += ((in[r] >> low) & ((1 << d) - 1)) * levels[j][size_t(r)];
            error += double(coefficients[j].first) * std::exp2(double(low)) *
                     double(c.read(sum) - sum);
          }
      squares += error * error;
    }
  }
  return squares / double(outputs * windows) /
         (double(c.rows) * std::exp2(double(2 * n)) / 12 *
          std::exp2(double(2 * m)) / 3);
}

double closed(const Case &c) {
  const Prices p = priceDesign(c.machine, c.knobs);
  workload::Product product{};
  product.windows = product.cols = product.groups = 1;
  product.rows = c.rows;
  const mapping::Tiling t = mapping::tile(product, c.machine, c.knobs);
  return noiseToSignal(product, t, p) - p.noise_base;
}

/// Steps are at most two standard deviations of every sum, the range within
/// which E-SQNR claims to hold.
bool fine(const Case &c) {
  const int64_t n = c.knobs.weight_bits, m = c.knobs.input_bits;
  const bool paired = c.knobs.encoding == Encoding::Differential;
  auto narrowest = [](int64_t all, int64_t bits) {
    return all % bits ? all % bits : bits;
  };
  auto top = [](int64_t bits) { return std::exp2(double(bits)) - 1; };
  const double x = top(narrowest(m, std::min(c.machine.dac.bits, m)));
  const int64_t stored = paired ? n - 1 : n;
  const double u =
      top(narrowest(stored, std::min(c.machine.cell.bits, stored)));
  const double held = paired ? 0.5 : 1;
  const double mean = x / 2 * u / 2 * held;
  const double square = x * (2 * x + 1) / 6 * u * (2 * u + 1) / 6 * held;
  const int64_t last = c.rows % c.machine.array.rows;
  const int64_t rows = last ? last : std::min(c.rows, c.machine.array.rows);
  return double(c.step()) <=
         2 * std::sqrt(double(rows) * (square - mean * mean));
}

Case randomCase(std::mt19937_64 &random) {
  auto pick = [&](int64_t low, int64_t high) {
    return low + int64_t(random() % uint64_t(high - low + 1));
  };
  static const machine::Machine start = test::shipped("rram-32nm");
  Case c;
  c.machine = start;
  c.machine.array.active_rows = 0;
  c.knobs.encoding = Encoding(random() % 3);
  c.knobs.weight_bits = pick(4, 8);
  c.knobs.input_bits = pick(4, 8);
  c.machine.cell.bits =
      c.knobs.encoding == Encoding::TwosComplement ? 1 : pick(1, 4);
  c.machine.dac.bits = pick(1, 3);
  c.machine.array.rows = int64_t(1) << pick(5, 8);
  c.rows = c.machine.array.rows * pick(1, 3) -
           (random() % 2 ? pick(0, c.machine.array.rows / 2) : 0);
  c.machine.adc.bits = pick(3, c.lossless());
  c.machine.adc.clip_bits = pick(0, c.lossless() - c.machine.adc.bits);
  // Clipping is compared with the rule that it was derived for.
  if (c.machine.adc.clip_bits == 0)
    c.knobs.ties = mapping::Ties((c.rows + c.machine.adc.bits) % 3);
  return c;
}

/// Compares `count` cases in which it is the converters that matter: between 0
/// and 40 dB.
void compare(int count, bool clipped, double tolerance) {
  std::mt19937_64 random(clipped ? 7 : 8);
  double worst = 0, mean = 0;
  for (int n = 0; n != count;) {
    Case c = randomCase(random);
    if ((c.machine.adc.clip_bits > 0) != clipped || !fine(c))
      continue;
    const double expected = closed(c);
    if (expected > 1 || expected < 1e-4)
      continue;
    ++n;
    const double db = 10 * std::log10(drawn(c, random) / expected);
    EXPECT_NEAR(db, 0, tolerance) << c.text();
    worst = std::max(worst, std::abs(db));
    mean += std::abs(db) / count;
  }
  EXPECT_LE(mean, tolerance / 5);
  std::printf("%d cases: mean %.2f dB, worst %.2f dB\n", count, mean, worst);
}

int cases(int usual) {
  const char *set = std::getenv("IMC_NOISE_CASES");
  return set ? std::atoi(set) : usual;
}

} // namespace

TEST(ConverterNoise, StepsAddWhatDrawnProductsShow) {
  compare(cases(60), /*clipped=*/false, 0.5);
}

TEST(ConverterNoise, ClippedSumsAddWhatDrawnProductsShow) {
  compare(cases(100), /*clipped=*/true, 2.0);
}
