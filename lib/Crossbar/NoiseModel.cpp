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

#include "NoiseRanges.h"

#include <algorithm>
#include <cmath>

using namespace imc::crossbar;

/// Outputs that mean errors are measured on.
static constexpr int64_t maxOutputs = 64;

/// Code of a sum, in binary32 as converters compute it (X-TIE): with steps that
/// are no integers many sums lie between two codes only after rounding.
static double codeOf(double sum, double step, Ties ties) {
  const float t = float(sum) / float(step);
  switch (ties) {
  case Ties::HalfUp:
    return double(std::floor(t + 0.5f));
  case Ties::HalfEven:
    return double(std::nearbyint(t));
  case Ties::Floor:
    break;
  }
  return double(std::floor(t));
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
        std::clamp(codeOf(sum, step, ties), low, high) * step - sum;
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
    for (const Class &c : classes)
      steps.push_back(
          double(filledStep(arrays, readout, c.rows, int64_t(high))));
    return steps;
  }
  case Range::Layer:
    step = ranges->stepOf(0, arrays, readout, high);
    break;
  case Range::Array:
  case Range::Column:
  case Range::Phase:
    break; // By group.
  }
  return std::vector<double>(classes.size(), step);
}

/// How converters of one step read sums: Q(S + nu) = S + offset + slope S +
/// pass nu + rest; nu, of mean square `noise`, is what cells add to a sum.
SumStatistics::Line
SumStatistics::lineOf(const std::vector<std::pair<double, double>> &counts,
                      double mean, double variance, double noise,
                      double noiseMean, double step, const Readout &readout,
                      double high) const {
  const double low = isSigned ? -high - 1 : 0;
  double e1 = 0, e2 = 0, es = 0, through = 0, nu = 0, count = 0;
  for (const auto &[v, f] : counts) {
    // More current, more noise: of unsigned sums, in proportion.
    const double own =
        isSigned || noiseMean <= 0 ? noise : noise * v / noiseMean;
    const Converted e =
        convert(v, std::sqrt(own), step, low, high, readout.ties);
    count += f;
    e1 += f * e.mean;
    e2 += f * e.square;
    es += f * e.mean * v;
    through += f * e.slope * own;
    nu += f * own;
  }
  Line line;
  line.count = count;
  if (count == 0)
    return line;
  e1 /= count;
  line.pass = nu > 0 ? through / nu : 1;
  line.slope = variance > 0 ? (es / count - e1 * mean) / variance : 0;
  line.mean = e1;
  line.rest =
      std::max(0.0, e2 / count - e1 * e1 - line.slope * line.slope * variance -
                        line.pass * line.pass * nu / count);
  return line;
}

SumStatistics::Followed
SumStatistics::follow(const std::vector<Line> &lines) const {
  const size_t n = classes.size();
  std::vector<double> slopes(n);
  double constant = 0;
  for (size_t c = 0; c != n; ++c) {
    const Class &k = classes[c];
    slopes[c] = lines[c].slope * k.place;
    constant += k.place * k.strips * (lines[c].mean - lines[c].slope * k.mean);
  }
  Followed out{constant, constant * constant, 0, 0};
  for (size_t c = 0; c != n; ++c) {
    if (slopes[c] == 0)
      continue;
    out.mean += slopes[c] * meanOf[c];
    out.along += slopes[c] * withSignal[c];
    out.square += 2 * constant * slopes[c] * meanOf[c];
    for (size_t d = 0; d != n; ++d) {
      out.square += slopes[c] * slopes[d] * products[c * n + d];
      out.bias += slopes[c] * slopes[d] * between[c * n + d];
    }
  }
  return out;
}

SumStatistics::Followed
SumStatistics::followGroups(const std::vector<Line> &lines,
                            double &rest) const {
  const Ranges &r = *ranges;
  const size_t n = classes.size(), outputs = size_t(r.outputs);
  // Of each output its own lines: a slope for all strips of a class, as its
  // sums are kept, and what the mean of the sums is off.
  std::vector<float> slopes(n);
  Followed out;
  double unfollowed = 0;
  for (size_t o = 0; o != outputs; ++o) {
    double constant = 0;
    for (size_t c = 0; c != n; ++c) {
      const Ranges::Use *const from = r.uses.data() + r.first[o * n + c],
                               *const to =
                                   r.uses.data() + r.first[o * n + c + 1];
      double along = 0, variance = 0;
      for (const Ranges::Use *use = from; use != to; ++use) {
        const double own = use->strips * r.groups[use->group].variance;
        along += own * lines[use->group].slope;
        variance += own;
      }
      const double slope = variance > 0 ? along / variance : 0,
                   place = classes[c].place;
      for (const Ranges::Use *use = from; use != to; ++use) {
        const Line &line = lines[use->group];
        const Ranges::Group &g = r.groups[use->group];
        constant += place * use->strips * (line.mean - slope * g.mean);
        unfollowed += place * place * use->strips * g.variance *
                      (line.slope - slope) * (line.slope - slope);
      }
      slopes[c] = float(place * slope);
    }
    double mean = 0;
    for (int64_t w = 0; w < windows; ++w) {
      const size_t at = size_t(w) * outputs + o;
      const float *totals = &r.totals[at * n];
      double e = constant;
      for (size_t c = 0; c != n; ++c)
        e += double(slopes[c]) * double(totals[c]);
      mean += e;
      out.square += e * e;
      out.along += e * r.exact[at];
    }
    mean /= double(windows);
    out.mean += mean;
    out.bias += mean * mean;
  }
  const auto all = double(outputs);
  out.mean /= all;
  out.bias = out.bias / all - out.mean * out.mean;
  out.square /= all * double(windows);
  out.along /= all * double(windows);
  rest += unfollowed / all;
  return out;
}

llvm::Expected<RelativeError>
SumStatistics::error(const Readout &readout, const Device *device,
                     const LevelMoments *levels) const {
  const bool grouped =
      readout.range == Range::Array || readout.range == Range::Column ||
      readout.range == Range::Phase ||
      (readout.range == Range::Filled && shape.groups_per_pack > 1);
  if ((grouped || readout.range == Range::Layer) && !countedFor(readout))
    return fail(std::string("the range '") + rangeName(readout.range) +
                "' of this criterion and quantile was not counted: give "
                "measure() this readout");
  const int64_t lossless = losslessBits(arrays);
  const int64_t bits = readout.range == Range::Lossless && !readout.adc_bits
                           ? lossless
                           : std::min(readout.adc_bits, lossless);
  const double high = std::ldexp(1.0, int(isSigned ? bits - 1 : bits)) - 1;
  const Slices slices(arrays);
  const size_t numPhases = phaseWeights.size();
  const size_t numConverters = slices.converters.size();
  CellSpread cells;
  double strips = 0;
  if (device) {
    cells = cellSpread(*levels);
    for (size_t c = 0; c < classes.size(); c += numConverters * numPhases)
      strips += classes[c].strips;
  }
  RelativeError out;
  std::vector<Converters> converters;
  if (grouped) {
    for (const Ranges::Group &g : ranges->groups)
      converters.push_back(
          {g.of, g.strips, ranges->stepOf(g.source, arrays, readout, high)});
  } else {
    const std::vector<double> steps = stepsOf(readout, bits, high);
    for (size_t c = 0; c != classes.size(); ++c)
      converters.push_back({c, classes[c].strips, steps[c]});
  }
  std::vector<double> pass(numConverters * numPhases),
      seen(numConverters * numPhases);
  std::vector<Line> lines;
  double rest = 0;
  for (size_t i = 0; i != converters.size(); ++i) {
    const Class &k = classes[converters[i].of];
    const size_t at = size_t(k.converter) * numPhases + size_t(k.phase);
    const double noise =
        device ? (cells.cells[at] + cells.reads[at]) / strips : 0;
    const Ranges::Group *g = grouped ? &ranges->groups[i] : nullptr;
    const Line line = lineOf(g ? g->counts : k.counts, g ? g->mean : k.mean,
                             g ? g->variance : k.variance, noise, k.mean,
                             converters[i].step, readout, high);
    pass[at] += line.pass * line.count;
    seen[at] += line.count;
    rest += k.place * k.place * converters[i].strips * line.rest;
    lines.push_back(line);
  }
  Followed followed = grouped ? followGroups(lines, rest) : follow(lines);
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
    const CellError others = otherError(*device, *levels, converters);
    draws += others.variance;
    out.noise = draws / signalSquare;
    out.noise_bias = shared / signalSquare;
    rest += draws;
    followed.mean += others.mean;
    followed.along += others.along;
    followed.square += others.square;
  }
  out.gain = followed.along / signalSquare;
  out.offset = followed.mean / std::sqrt(signalSquare);
  const double bias = std::max(0.0, followed.bias);
  out.bias = bias / signalSquare + out.noise_bias;
  out.residual = std::max(0.0, followed.square - followed.mean * followed.mean -
                                   followed.along * out.gain - bias) /
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
                          const std::vector<Converters> &converters) const {
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
  // Mean squares of steps, over the converters of each class.
  std::vector<double> squares(classes.size()), means(classes.size());
  for (const Converters &c : converters) {
    squares[c.of] += c.strips * c.step * c.step;
    means[c.of] += c.strips * c.step;
  }
  for (size_t i = 0; i != classes.size(); ++i) {
    const Class &c = classes[i];
    out.variance += c.place * c.place * eachLsb * eachLsb * squares[i];
    if (c.phase != 0 || c.strips <= 0)
      continue;
    // An offset is the same in all phases, in steps of each.
    double all = 0;
    for (size_t p = 0; p != phaseWeights.size(); ++p)
      all += phaseWeights[p] * std::sqrt(squares[i + p] / c.strips);
    const double coefficient = c.place / phaseWeights[0];
    out.variance += coefficient * coefficient * c.strips * offsetLsb *
                    offsetLsb * all * all;
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
    constant += classes[i].place * device.converter_offset_lsb * means[i];
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
