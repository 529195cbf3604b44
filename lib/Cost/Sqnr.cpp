//===- Sqnr.cpp - Noise of converters, prepared per design ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slices and phases come in at most two kinds each: those of all bits of a cell
// or of a driver, and a last one of the bits that are left. Sums of the same
// kinds have the same distribution, so at most four are looked at.
//
//===----------------------------------------------------------------------===//

#include "Sqnr.h"

#include <algorithm>

using namespace imc;
using namespace imc::cost;
using mapping::Encoding;

namespace {

/// Means of the first four powers of a digit that is uniform over 0 to `top`.
struct Moments {
  explicit Moments(double top)
      : power{top / 2, top * (2 * top + 1) / 6, top * top * (top + 1) / 4,
              top * (2 * top + 1) * (3 * top * top + 3 * top - 1) / 30} {}
  double power[4];
};

/// Digits of `bits` bits each at places 2^(step i): what they count for.
struct Digits {
  Moments digit{0};
  double sum = 0;     ///< of the places
  double squares = 0; ///< of the places
};

/// 2^bits; runs for every design that a search looks at.
double power(int64_t bits) { return static_cast<double>(int64_t(1) << bits); }

/// The places of a number of `all` bits in digits of `bits` bits; `kinds` gets
/// the full digits and the last one, if it is shorter. Returns how many kinds.
int cut(int64_t all, int64_t bits, Digits (&kinds)[2]) {
  int count = 0;
  const int64_t full = all / bits;
  if (full > 0) {
    Digits &d = kinds[count++];
    d.digit = Moments(power(bits) - 1);
    // Geometric sums: quotients of whole numbers without a rest.
    d.sum = (power(bits * full) - 1) / (power(bits) - 1);
    d.squares = (power(2 * bits * full) - 1) / (power(2 * bits) - 1);
  }
  if (all % bits != 0) {
    Digits &d = kinds[count++];
    d.digit = Moments(power(all % bits) - 1);
    d.sum = power(bits * full);
    d.squares = d.sum * d.sum;
  }
  return count;
}

} // namespace

void cost::detail::prepareNoise(const machine::Machine &m,
                                const mapping::Knobs &k, ConverterNoise &c) {
  c.kinds = 0;
  if (mapping::lostBits(k, m) == 0)
    return;
  const int64_t range = mapping::rangeBits(m), adc = mapping::adcBits(k, m);
  const int64_t dropped = std::max<int64_t>(0, range - adc);
  const double step = power(dropped);
  c.last = (power(std::min(range, adc)) - 1) * step;
  // Ties that go up leave the residues 0 to 2^k - 1 off by 1/2 on average.
  const bool floors = k.ties == mapping::Ties::Floor;
  c.step_mean = dropped == 0 || k.ties == mapping::Ties::HalfEven ? 0
                : floors ? (1 - step) / 2
                         : 0.5;
  c.step_square = dropped == 0 ? 0
                  : floors     ? (step - 1) * (2 * step - 1) / 6
                               : (step * step + 2) / 12;

  // E-SQNR: the signal of one row, 4^n / 12 times the mean square 4^m / 3.
  const double signal =
      power(2 * k.weight_bits) / 12 * power(2 * k.input_bits) / 3;
  const bool paired = k.encoding == Encoding::Differential;
  Digits slices[2], phases[2];
  const int numSlices =
      cut(paired ? k.weight_bits - 1 : k.weight_bits,
          std::min(m.cell.bits, paired ? k.weight_bits - 1 : k.weight_bits),
          slices);
  const int numPhases =
      cut(k.input_bits, std::min(m.dac.bits, k.input_bits), phases);
  // The highest bit of two's complement counts for less than nothing.
  if (k.encoding == Encoding::TwosComplement)
    slices[0].sum -= power(k.weight_bits);
  // Share of the weights whose magnitude a cell of a pair holds.
  const double held =
      paired ? power(k.weight_bits - 1) / (power(k.weight_bits) - 1) : 1;
  const double signs = paired ? 2 : 1;

  const auto driven = static_cast<double>(m.drivenRows());
  const double meanScale = paired ? 0 : 1 / std::sqrt(signal);
  double largest = 0; ///< what one row adds at most
  for (int s = 0; s != numSlices; ++s)
    for (int p = 0; p != numPhases; ++p) {
      ConverterNoise::Sum &sum = c.sums[c.kinds++];
      sum.square_weight =
          signs * slices[s].squares * phases[p].squares / signal;
      // The means of a pair cancel.
      sum.mean_weight = slices[s].sum * phases[p].sum * meanScale;
      // Digits have mean top / 2.
      largest = std::max(largest, 4 * slices[s].digit.power[0] *
                                      phases[p].digit.power[0]);
    }
  c.quiet = {0, 0};
  for (int i = 0; i != c.kinds; ++i) {
    const ConverterNoise::Sum &sum = c.sums[i];
    c.quiet.variance +=
        sum.square_weight * (c.step_square - c.step_mean * c.step_mean);
    c.quiet.mean += sum.mean_weight * c.step_mean;
  }
  c.quiet_rows = m.drivenRows();
  c.full = c.quiet;
  if (driven * largest <= c.last)
    return; // no sum is above the last code

  // E-CLIP: cumulants of what one row adds to a sum.
  for (int s = 0; s != numSlices; ++s)
    for (int p = 0; p != numPhases; ++p) {
      ConverterNoise::Sum &sum = c.sums[s * numPhases + p];
      const double *x = phases[p].digit.power, *u = slices[s].digit.power;
      double v[4];
      for (int i = 0; i != 4; ++i)
        v[i] = x[i] * u[i] * held;
      const double var = v[1] - v[0] * v[0];
      const double third = v[2] - 3 * v[0] * v[1] + 2 * v[0] * v[0] * v[0];
      const double fourth = v[3] - 4 * v[0] * v[2] + 6 * v[0] * v[0] * v[1] -
                            3 * v[0] * v[0] * v[0] * v[0];
      sum.mean = v[0];
      sum.deviation = std::sqrt(var);
      sum.skewness = third / (var * sum.deviation);
      sum.excess = fourth / (var * var) - 3;
      // Rows of which no sum, or one of 10^15, is above the last code.
      const double root =
          (std::sqrt(64 * var + 4 * v[0] * c.last) - 8 * sum.deviation) /
          (2 * v[0]);
      const double rows = std::max(root * root, c.last / (4 * x[0] * u[0]));
      if (rows < static_cast<double>(c.quiet_rows))
        c.quiet_rows = static_cast<int64_t>(rows);
    }
  if (m.drivenRows() <= c.quiet_rows)
    return;

  // E-CLIP: sums that share inputs or cells are clipped together.
  for (auto &row : c.covariance)
    std::fill(std::begin(row), std::end(row), 0.0);
  for (int s = 0; s != numSlices; ++s)
    for (int t = 0; t != numSlices; ++t) {
      const double ss = slices[s].digit.power[0] * slices[t].digit.power[0];
      const double other =
          slices[s].sum * slices[t].sum - (s == t ? slices[s].squares : 0);
      const double opposite = slices[s].sum * slices[t].sum;
      for (int p = 0; p != numPhases; ++p)
        for (int o = 0; o != numPhases; ++o) {
          const double *x = phases[p].digit.power, *y = phases[o].digit.power;
          const double xx = x[0] * y[0];
          // The same phase: other slices of the same inputs.
          double sum = 0;
          if (p == o) {
            const double apart = xx * ss * held * held;
            sum +=
                phases[p].squares * signs * other * (x[1] * ss * held - apart);
            if (paired)
              sum += phases[p].squares * signs * opposite * apart;
          }
          // Other phases: the same cell, or other cells of the same weight.
          const double rest =
              phases[p].sum * phases[o].sum - (p == o ? phases[p].squares : 0);
          if (s == t)
            sum += signs * slices[s].squares * rest * xx *
                   (held * slices[s].digit.power[1] - ss * held * held);
          if (paired)
            sum += signs * rest * xx *
                   (other * (held * ss - ss * held * held) +
                    opposite * ss * held * held);
          c.covariance[s * numPhases + p][t * numPhases + o] += sum / signal;
        }
    }

  c.full = converterNoise(c, driven);
}

// E-CLIP: A-NORMAL with the first two terms of Edgeworth's series, which the
// tail needs; its integrals against (z - t)+ and (z - t)+^2 are polynomials
// times the density at t.
ConverterNoise::Strip cost::detail::converterNoise(const ConverterNoise &c,
                                                   double rows) {
  const double root = std::sqrt(rows);
  ConverterNoise::Strip strip = {0, 0};
  double above[4];
  for (int i = 0; i != c.kinds; ++i) {
    const ConverterNoise::Sum &sum = c.sums[i];
    const double sigma = sum.deviation * root;
    const double t = (c.last - rows * sum.mean) / sigma;
    const double density =
        0.3989422804014327 * std::exp(-t * t / 2); // 1 / sqrt(2 pi)
    const double tail = 0.5 * std::erfc(t * 0.7071067811865476);
    const double g = sum.skewness / root, e = sum.excess / rows;
    const double t2 = t * t, t3 = t2 * t;
    const double g6 = g / 6, e24 = e / 24, g72 = g * g / 72;
    const double share = tail + density * (g6 * (t2 - 1) + e24 * (t3 - 3 * t) +
                                           g72 * (t2 * t3 - 10 * t3 + 15 * t));
    const double first =
        density - t * tail +
        density * (g6 * t + e24 * (t2 - 1) + g72 * (t2 * t2 - 6 * t2 + 3));
    const double second = (1 + t2) * tail - t * density +
                          density * 2 * (g6 + e24 * t + g72 * (t3 - 3 * t));
    // Series end somewhere; probabilities have bounds.
    above[i] = std::clamp(share, 0.0, 1.0);
    const double excess = std::max(first, 0.0);
    const double mean = c.step_mean * (1 - above[i]) - sigma * excess;
    const double square = c.step_square * (1 - above[i]) +
                          sigma * sigma * std::max(second, excess * excess);
    strip.variance += sum.square_weight * std::max(0.0, square - mean * mean);
    strip.mean += sum.mean_weight * mean;
  }
  double together = 0;
  for (int i = 0; i != c.kinds; ++i)
    for (int j = 0; j != c.kinds; ++j)
      together += c.covariance[i][j] * above[i] * above[j];
  strip.variance = std::max(0.0, strip.variance + rows * together);
  return strip;
}

double cost::detail::ownNoise(const workload::Product &p,
                              const mapping::Tiling &t, const Prices &prices,
                              const machine::Machine &m,
                              const mapping::Knobs &k) {
  if (!p.hasOwnBits())
    return noise(p, t, prices);
  const mapping::Knobs bits = mapping::knobsOf(p, k);
  Prices own = prices;
  own.noise_base = roundingNoise(bits);
  prepareNoise(m, bits, own.converters);
  return noise(p, t, own);
}
