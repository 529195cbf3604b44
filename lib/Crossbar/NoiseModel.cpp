//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// X-MODEL: what converters and cells make of counted sums.
//
//===----------------------------------------------------------------------===//

#include "imc/Crossbar/Noise.h"

#include "Impl.h"

#include <algorithm>
#include <cmath>

using namespace imc::crossbar;

/// Outputs that mean errors are measured on.
static constexpr int64_t maxOutputs = 64;

static double roundBy(double t, Ties ties) {
  switch (ties) {
  case Ties::HalfUp:
    return std::floor(t + 0.5);
  case Ties::HalfEven:
    return std::nearbyint(t);
  case Ties::Floor:
    break;
  }
  return std::floor(t);
}

/// Step of a converter that holds `most` with codes up to `high`.
static double stepFor(double most, double high, Step step) {
  if (step == Step::Free)
    return std::max(1.0, most / high);
  double s = 1;
  while (high * s < most)
    s *= 2;
  return s;
}

namespace {
/// Error of a converter that reads a sum with normal noise on it: mean, mean
/// square, and how much of a small change of the sum is passed on.
struct Converted {
  double mean, square, slope;
};
} // namespace

static Converted convert(double sum, double sigma, double step, double low,
                         double high, Ties ties) {
  if (sigma <= 0) {
    const double e =
        std::clamp(roundBy(sum / step, ties), low, high) * step - sum;
    return {e, e * e, 0};
  }
  // Thresholds lie half a step below codes, those of floor at them.
  const double shift = ties == Ties::Floor ? 0 : 0.5;
  auto below = [&](double code) { // P(reads less than this code)
    return 0.5 * std::erfc((sum - (code - shift) * step) / sigma *
                           0.7071067811865476);
  };
  constexpr double far = 4.5; // deviations that matter
  if (sigma > 1.5 * step) {
    // Rounding is noise of its own then; what is left is saturation.
    const double last = (high + 0.5) * step, first = (low - 0.5) * step;
    if (sum + far * sigma < last && (low == 0 || sum - far * sigma > first)) {
      const double bias = ties == Ties::Floor ? -step / 2 : 0;
      if (low < 0 || sum > far * sigma)
        return {bias, sigma * sigma + step * step / 12 + bias * bias, 1};
    }
  }
  const double from = std::clamp(std::floor((sum - far * sigma) / step), low,
                                 high),
               to = std::clamp(std::ceil((sum + far * sigma) / step) + 1, low,
                               high);
  Converted out{0, 0, 0};
  double before = 0;
  for (double code = from; code <= to; ++code) {
    const double until = code == to ? 1 : below(code + 1);
    const double share = until - before, e = code * step - sum;
    out.mean += share * e;
    out.square += share * e * e;
    before = until;
    if (code != to) {
      const double z = (sum - (code + 1 - shift) * step) / sigma;
      out.slope += step * 0.3989422804014327 * std::exp(-z * z / 2) / sigma;
    }
  }
  return out;
}

std::vector<double> SumStatistics::stepsOf(const Readout &readout, int64_t bits,
                                           double high) const {
  const bool powers = readout.step == Step::PowerOfTwo;
  // Of a range that sums of `needed` bits fill.
  auto stepOf = [&](int64_t needed) {
    return powers
               ? std::ldexp(1.0, int(std::max<int64_t>(0, needed - bits)))
               : stepFor(std::ldexp(1.0, int(isSigned ? needed - 1 : needed)) -
                             1,
                         high, readout.step);
  };
  double step = 1;
  switch (readout.range) {
  case Range::Lossless:
    break;
  case Range::Full:
    step = stepOf(losslessBits(arrays));
    break;
  case Range::Bits:
    step = stepOf(readout.range_bits);
    break;
  case Range::Given:
    step = stepFor(readout.full_scale, high, readout.step);
    break;
  case Range::Filled: {
    std::vector<double> steps;
    for (const Class &c : classes) {
      Arrays filled = arrays;
      filled.rows = c.rows;
      // As Product has it: free steps hold the largest sum of these rows.
      const double most = double(c.rows) *
                          double((int64_t(1) << arrays.dac_bits) - 1) *
                          double((int64_t(1) << arrays.cell_bits) - 1);
      steps.push_back(powers ? stepOf(losslessBits(filled))
                             : stepFor(most, high, readout.step));
    }
    return steps;
  }
  default:
    step = stepFor(double(largest), high, readout.step);
  }
  return std::vector<double>(classes.size(), step);
}

llvm::Expected<RelativeError>
SumStatistics::error(const Readout &readout, const Device *device,
                     const LevelMoments *levels) const {
  if (readout.range == Range::Array || readout.range == Range::Column ||
      readout.range == Range::Phase)
    return fail("the closed form knows one range for a product; ranges of each "
                "array, column or phase need imc accuracy");
  if (readout.range == Range::Filled && shape.groups_per_pack > 1)
    return fail("the closed form knows the range 'filled' of arrays that hold "
                "one group, not " +
                std::to_string(shape.groups_per_pack) +
                "; take group_packing = single, or another range");
  const int64_t lossless = losslessBits(arrays);
  const int64_t bits = readout.range == Range::Lossless && !readout.adc_bits
                           ? lossless
                           : std::min(readout.adc_bits, lossless);
  const double high = std::ldexp(1.0, int(isSigned ? bits - 1 : bits)) - 1;
  const double low = isSigned ? -high - 1 : 0;
  const std::vector<double> steps = stepsOf(readout, bits, high);

  const size_t n = classes.size();
  const Slices slices(arrays);
  const size_t numPhases = phaseWeights.size();
  const size_t numConverters = slices.converters.size();
  CellSpread cells;
  double strips = 0;
  if (device) {
    cells = cellSpread(*levels);
    for (size_t c = 0; c < n; c += numConverters * numPhases)
      strips += classes[c].strips;
  }
  RelativeError out;
  // Q(S + nu) = S + offset + slope S + pass nu + rest, by class; nu is what the
  // cells add to a sum.
  std::vector<double> follow(n), pass(numConverters * numPhases),
      seen(numConverters * numPhases);
  double constant = 0, rest = 0;
  for (size_t c = 0; c != n; ++c) {
    const Class &k = classes[c];
    const size_t at = size_t(k.converter) * numPhases + size_t(k.phase);
    const double all =
        device ? (cells.cells[at] + cells.reads[at]) / strips : 0;
    double e1 = 0, e2 = 0, es = 0, through = 0, nu = 0, count = 0;
    for (const auto &[v, f] : k.counts) {
      // More current, more noise: of unsigned sums, in proportion.
      const double variance = isSigned || k.mean <= 0 ? all : all * v / k.mean;
      const Converted e =
          convert(v, std::sqrt(variance), steps[c], low, high, readout.ties);
      count += f;
      e1 += f * e.mean;
      e2 += f * e.square;
      es += f * e.mean * v;
      through += f * e.slope * variance;
      nu += f * variance;
    }
    if (count == 0)
      continue;
    e1 /= count;
    e2 /= count;
    es /= count;
    const double gained = nu > 0 ? through / nu : 1;
    pass[at] += gained * count;
    seen[at] += count;
    const double variance = k.square - k.mean * k.mean;
    const double slope = variance > 0 ? (es - e1 * k.mean) / variance : 0;
    const double left = std::max(0.0, e2 - e1 * e1 - slope * slope * variance -
                                          gained * gained * nu / count);
    follow[c] = slope * k.place;
    constant += k.place * k.strips * (e1 - slope * k.mean);
    rest += k.place * k.place * k.strips * left;
  }
  double square = constant * constant, mean = constant, along = 0, bias = 0;
  for (size_t c = 0; c != n; ++c) {
    if (follow[c] == 0)
      continue;
    mean += follow[c] * meanOf[c];
    along += follow[c] * withSignal[c];
    square += 2 * constant * follow[c] * meanOf[c];
    for (size_t d = 0; d != n; ++d) {
      square += follow[c] * follow[d] * products[c * n + d];
      bias += follow[c] * follow[d] * between[c * n + d];
    }
  }
  if (signalSquare <= 0)
    return out;
  if (device) {
    // Errors of a cell are the same in all phases, those of its reads are not.
    double draws = 0, shared = 0;
    for (size_t j = 0; j != numConverters; ++j) {
      const double coefficient = double(slices.converters[j].coefficient);
      double weights = 0, passed = 0;
      for (size_t p = 0; p != numPhases; ++p) {
        const size_t at = j * numPhases + p;
        const double through = seen[at] > 0 ? pass[at] / seen[at] : 1;
        weights += std::abs(phaseWeights[p]);
        passed += std::abs(phaseWeights[p]) * through;
        rest += coefficient * coefficient * phaseWeights[p] * phaseWeights[p] *
                through * through * cells.reads[at];
      }
      passed /= weights;
      const double factor = coefficient * coefficient * passed * passed;
      draws += factor * (cells.codes[j] - cells.means[j]);
      shared += factor * cells.means[j];
    }
    const CellError others = otherError(*device, *levels, steps);
    draws += others.variance;
    out.noise = draws / signalSquare;
    out.noise_bias = shared / signalSquare;
    rest += draws;
    mean += others.mean;
    along += others.along;
    square += others.square;
  }
  out.gain = along / signalSquare;
  out.offset = mean / std::sqrt(signalSquare);
  bias = std::max(0.0, bias);
  out.bias = bias / signalSquare + out.noise_bias;
  out.residual = std::max(0.0, square - mean * mean - along * out.gain - bias) /
                     signalSquare +
                 rest / signalSquare;
  return out;
}

SumStatistics::CellSpread
SumStatistics::cellSpread(const LevelMoments &levels) const {
  const Slices slices(arrays);
  const size_t numPhases = phaseWeights.size(),
               numConverters = slices.converters.size();
  const auto width = size_t(shape.groups * shape.k);
  CellSpread out;
  out.cells.assign(numConverters * numPhases, 0);
  out.reads = out.cells;
  out.codes.assign(numConverters, 0);
  out.means = out.codes;
  std::vector<double> cells(numConverters), reads(numConverters);
  for (size_t row = 0; row != width; ++row) {
    std::fill(cells.begin(), cells.end(), 0);
    std::fill(reads.begin(), reads.end(), 0);
    for (int64_t n = 0; n < shape.n; ++n) {
      const auto w =
          size_t(int(weights[row * size_t(shape.n) + size_t(n)]) + 128);
      for (size_t j = 0; j != numConverters; ++j) {
        const Slices::Converter &c = slices.converters[j];
        for (int64_t column : {c.plus, c.minus})
          if (column >= 0) {
            const uint8_t u = slices.levels[size_t(column)][w];
            cells[j] += levels.variance[u];
            reads[j] += levels.read[u];
          }
      }
    }
    for (size_t j = 0; j != numConverters; ++j) {
      out.codes[j] += codeSquare[row] * cells[j];
      out.means[j] += codeMean[row] * codeMean[row] * cells[j];
      for (size_t p = 0; p != numPhases; ++p) {
        const double digit = digitSquare[p * width + row];
        out.cells[j * numPhases + p] += digit * cells[j];
        out.reads[j * numPhases + p] += digit * reads[j];
      }
    }
  }
  const auto outputs = double(shape.groups * shape.n);
  for (std::vector<double> *list :
       {&out.cells, &out.reads, &out.codes, &out.means})
    for (double &v : *list)
      v /= outputs;
  return out;
}

SumStatistics::CellError
SumStatistics::otherError(const Device &device, const LevelMoments &levels,
                          const std::vector<double> &steps) const {
  const Slices slices(arrays);
  double mean[256] = {}; ///< error of a weight
  for (int w = int(slices.least); w <= int(slices.most); ++w)
    for (const Slices::Converter &c : slices.converters) {
      const auto factor = double(c.coefficient);
      mean[w + 128] +=
          factor * levels.mean[slices.levels[size_t(c.plus)][size_t(w + 128)]];
      if (c.minus >= 0)
        mean[w + 128] -=
            factor *
            levels.mean[slices.levels[size_t(c.minus)][size_t(w + 128)]];
    }

  CellError out;
  const int64_t width = shape.groups * shape.k,
                outputs = shape.groups * shape.n;
  const double driverGain =
      device.driver_gain_sigma_relative * device.driver_gain_sigma_relative;
  double places = 0;
  for (double p : phaseWeights)
    places += p;
  const double driverOffset =
      std::pow(device.driver_offset_sigma_lsb * places, 2);
  for (int64_t g = 0; g < shape.groups; ++g)
    for (int64_t k = 0; k < shape.k; ++k) {
      const auto row = size_t(g * shape.k + k);
      for (int64_t n = 0; n < shape.n; ++n) {
        const auto w = double(weights[row * size_t(shape.n) + size_t(n)]);
        out.variance += w * w * (driverGain * codeSquare[row] + driverOffset);
      }
    }
  out.variance /= double(outputs);

  // Converters: one gain and offset each, noise of each conversion.
  const double gain = device.converter_gain_sigma_relative,
               offsetLsb = device.converter_offset_sigma_lsb,
               eachLsb = device.converter_noise_sigma_lsb;
  for (size_t i = 0; i != classes.size(); ++i) {
    const Class &c = classes[i];
    const double offset = offsetLsb * steps[i], each = eachLsb * steps[i];
    out.variance += c.place * c.place * c.strips * each * each;
    if (c.phase == 0) {
      const double coefficient = c.place / phaseWeights[0];
      out.variance += coefficient * coefficient * c.strips * offset * offset *
                      places * places;
    }
  }
  if (gain > 0)
    for (size_t c = 0; c != classes.size(); ++c)
      for (size_t d = 0; d != classes.size(); ++d)
        if (classes[c].converter == classes[d].converter &&
            classes[c].strips == classes[d].strips && classes[c].strips > 0)
          out.variance += gain * gain * classes[c].place * classes[d].place *
                          products[c * classes.size() + d] / classes[c].strips;

  // The mean error: a product with the mean deviation of each weight.
  bool any =
      device.converter_gain_relative != 0 || device.converter_offset_lsb != 0;
  for (double v : mean)
    any |= v != 0;
  if (!any)
    return out;
  double constant = 0;
  for (size_t i = 0; i != classes.size(); ++i)
    constant += classes[i].place * classes[i].strips *
                device.converter_offset_lsb * steps[i];
  const int64_t stride = std::max<int64_t>(1, outputs / maxOutputs);
  double count = 0;
  std::vector<double> y(static_cast<size_t>(windows)),
      e(static_cast<size_t>(windows));
  for (int64_t o = 0; o < outputs; o += stride) {
    const int64_t g = o / shape.n, n = o % shape.n;
    double average = 0;
    for (int64_t w = 0; w < windows; ++w) {
      const uint8_t *x = &codes[size_t(w * width + g * shape.k)];
      const int8_t *column = &weights[size_t(g * shape.k * shape.n + n)];
      double exact = 0, error = 0;
      for (int64_t k = 0; k < shape.k; ++k) {
        const int8_t v = column[k * shape.n];
        const double code = arrays.signed_inputs ? double(int8_t(x[k])) : x[k];
        exact += code * double(v);
        error += code * mean[size_t(int(v) + 128)];
      }
      y[size_t(w)] = exact;
      e[size_t(w)] = error + device.converter_gain_relative * exact + constant;
      average += exact / double(windows);
    }
    for (int64_t w = 0; w < windows; ++w) {
      out.mean += e[size_t(w)];
      out.square += e[size_t(w)] * e[size_t(w)];
      out.along += e[size_t(w)] * (y[size_t(w)] - average);
      ++count;
    }
  }
  out.mean /= count;
  out.square /= count;
  out.along /= count;
  return out;
}
