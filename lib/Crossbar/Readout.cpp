//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Impl.h"

#include <algorithm>
#include <cmath>

using namespace imc::crossbar;

//===----------------------------------------------------------------------===//
// Ranges and steps
//===----------------------------------------------------------------------===//

/// Smallest k with high * 2^k >= most.
static float powerStep(double most, int64_t high) {
  int64_t k = 0;
  while (double(high << k) < most)
    ++k;
  return float(int64_t(1) << k);
}

static float freeStep(double most, int64_t high) {
  return std::max(1.0f, float(most) / float(high));
}

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

/// Upper end of a bin of calibration.
static int64_t edgeOf(size_t bin, int64_t binShift) {
  return (int64_t(bin + 1) << binShift) - 1;
}

void imc::crossbar::keepQuantile(Histogram &histogram, double quantile) {
  if (!histogram.total)
    return;
  const double wanted = quantile * double(histogram.total);
  uint64_t seen = 0;
  size_t bin = 0, last = 0;
  for (size_t i = 0; i != histogram.bins.size(); ++i)
    if (histogram.bins[i])
      last = i;
  for (; bin != last; ++bin) {
    seen += histogram.bins[bin];
    if (double(seen) >= wanted)
      break;
  }
  histogram.bins.assign(bin + 1, 0);
  histogram.bins[bin] = histogram.total = 1;
}

float imc::crossbar::calibratedStep(const Histogram &histogram,
                                    int64_t binShift, const Readout &readout,
                                    int64_t high) {
  if (!histogram.total)
    return 1;
  const bool powers = readout.step == Step::PowerOfTwo;
  if (readout.criterion == Criterion::Quantile) {
    Histogram kept = histogram;
    keepQuantile(kept, readout.quantile);
    const int64_t most = edgeOf(kept.bins.size() - 1, binShift);
    return powers ? powerStep(most, high) : freeStep(most, high);
  }
  const std::vector<uint64_t> &bins = histogram.bins;
  size_t last = 0;
  for (size_t bin = 0; bin != bins.size(); ++bin)
    if (bins[bin])
      last = bin;
  const int64_t most = edgeOf(last, binShift);
  // The step of least squared error: all powers of two up to the one that holds
  // everything, or 64 equal parts of the range.
  float best = 1;
  double least = -1;
  const int64_t candidates =
      powers ? int64_t(std::log2(powerStep(double(most), high))) + 1 : 64;
  for (int64_t i = 0; i < candidates; ++i) {
    const float step =
        powers ? float(int64_t(1) << i)
               : freeStep(double(ceilDiv(most * (i + 1), candidates)), high);
    double error = 0;
    for (size_t bin = 0; bin <= last; ++bin) {
      const double v = double(int64_t(bin) << binShift) +
                       0.5 * double((int64_t(1) << binShift) - 1);
      const double code =
          std::min(roundBy(v / double(step), readout.ties), double(high));
      const double e = code * double(step) - v;
      error += double(bins[bin]) * e * e;
    }
    if (least < 0 || error < least) {
      least = error;
      best = step;
    }
  }
  return best;
}

float imc::crossbar::filledStep(const Arrays &arrays, const Readout &readout,
                                int64_t rows, int64_t high) {
  if (rows == 0)
    return 1;
  if (readout.step == Step::Free)
    return freeStep(double(structuralBound(arrays, rows)), high);
  Arrays filled = arrays;
  filled.rows = rows;
  return float(int64_t(1) << std::max<int64_t>(0, losslessBits(filled) -
                                                      readout.adc_bits));
}

size_t Product::Impl::histogramOf(Range range, int64_t pack, int64_t strip,
                                  int64_t j, int64_t output,
                                  size_t phase) const {
  switch (range) {
  case Range::Array:
    return size_t((pack * strips + strip) * tiles + tileOf(output, j));
  case Range::Column:
    return entry(pack, strip, j, output);
  case Range::Phase:
    return size_t((pack * strips + strip) * numConverters() + j) *
               phases.size() +
           phase;
  default:
    return 0;
  }
}

const char *imc::crossbar::rangeName(Range range) {
  switch (range) {
  case Range::Lossless:
    return "lossless";
  case Range::Full:
    return "full";
  case Range::Filled:
    return "filled";
  case Range::Bits:
    return "bits";
  case Range::Given:
    return "given";
  case Range::Layer:
    return "layer";
  case Range::Array:
    return "array";
  case Range::Column:
    return "column";
  case Range::Phase:
    return "phase";
  }
  return "";
}

bool imc::crossbar::isCalibrated(Range range) {
  return range == Range::Layer || range == Range::Array ||
         range == Range::Column || range == Range::Phase;
}

llvm::Error Product::Impl::checkCounted(Range range) const {
  if (histograms.empty())
    return fail(std::string("the range '") + rangeName(range) +
                "' is calibrated: count sums with calibrate() first");
  if (counted != range)
    return fail(std::string("the range '") + rangeName(range) +
                "' needs sums counted for each " + rangeName(range) +
                ", they were counted for each " + rangeName(counted));
  return llvm::Error::success();
}

llvm::Error Product::setReadout(const Readout &r) {
  Impl &i = *impl;
  const int64_t needed = losslessBits(i.arrays);
  Readout readout = r;
  if (readout.adc_bits == 0 && readout.range == Range::Lossless)
    readout.adc_bits = needed;
  const int64_t least = i.is_signed ? 2 : 1;
  if (readout.adc_bits < least || readout.adc_bits > 30)
    return fail("'adc_bits' is " + std::to_string(r.adc_bits) + ", must be " +
                std::to_string(least) + " to 30" +
                (readout.range == Range::Lossless
                     ? ", or 0 for as many as needed"
                     : ""));
  if (!(readout.quantile > 0) || readout.quantile > 1)
    return fail("'quantile' is " + std::to_string(readout.quantile) +
                ", must be above 0 and at most 1");
  // No sum needs codes beyond the lossless ones.
  int64_t high = (int64_t(1) << (std::min(readout.adc_bits, needed) -
                                 (i.is_signed ? 1 : 0))) -
                 1;
  int64_t low = i.is_signed ? -high - 1 : 0;
  const bool powers = readout.step == Step::PowerOfTwo;
  float uniform = 1;
  switch (readout.range) {
  case Range::Lossless:
    for (const Segment &s : i.segments)
      for (int64_t n = 0; n < i.shape.n; ++n)
        for (int64_t j = 0; j < i.numConverters(); ++j) {
          const int64_t bound = columnBound(s.group, n, j, s.strip);
          if (bound > high)
            return fail(
                "converter " + std::to_string(j) + " of column " +
                std::to_string(n) + ", group " + std::to_string(s.group) +
                ", strip " + std::to_string(s.strip) + " may read sums up to " +
                std::to_string(bound) + ", a lossless range of " +
                std::to_string(readout.adc_bits) + " bits ends at " +
                std::to_string(high) + "; give it more bits, or another range");
        }
    break;
  case Range::Full:
    // Of powers of two: the range of losslessBits(), as #imc.readout has it.
    uniform = powers ? float(int64_t(1)
                             << std::max<int64_t>(0, needed - readout.adc_bits))
                     : freeStep(structuralBound(i.arrays, i.arrays.rows), high);
    break;
  case Range::Filled: // By strip, below.
    break;
  case Range::Bits: {
    if (readout.range_bits < least || readout.range_bits > needed)
      return fail("'range_bits' is " + std::to_string(readout.range_bits) +
                  ", must be " + std::to_string(least) + " to " +
                  std::to_string(needed) + ", the lossless bits");
    const int64_t most =
        (int64_t(1) << (readout.range_bits - (i.is_signed ? 1 : 0))) - 1;
    uniform = powers ? float(int64_t(1) << std::max<int64_t>(
                                 0, readout.range_bits - readout.adc_bits))
                     : freeStep(most, high);
    high = std::min(high, most);
    low = i.is_signed ? -high - 1 : 0;
    break;
  }
  case Range::Given:
    if (!(readout.full_scale > 0) || readout.full_scale >= 2147483648.0)
      return fail("'full_scale' is " + std::to_string(readout.full_scale) +
                  ", must be above 0 and below 2^31");
    uniform = powers ? powerStep(readout.full_scale, high)
                     : freeStep(readout.full_scale, high);
    break;
  case Range::Layer:
  case Range::Array:
  case Range::Column:
  case Range::Phase:
    if (llvm::Error error = i.checkCounted(readout.range))
      return error;
    break;
  }
  i.programmed.reset();
  i.plans.clear();
  i.readout = readout;
  i.low = low;
  i.high = high;
  i.steps.assign(i.bounds.size(), uniform);
  i.phase_steps.clear();
  if (readout.range == Range::Filled) {
    for (int64_t p = 0; p < i.packs; ++p)
      for (int64_t s = 0; s < i.strips; ++s)
        std::fill_n(i.steps.begin() + std::ptrdiff_t(i.entry(p, s, 0, 0)),
                    i.cols,
                    filledStep(i.arrays, readout, i.filledRows(p, s), high));
    return llvm::Error::success();
  }
  if (!isCalibrated(readout.range))
    return llvm::Error::success();
  std::vector<float> steps;
  for (const Histogram &histogram : i.histograms)
    steps.push_back(calibratedStep(histogram, i.bin_shift, readout, high));
  if (readout.range == Range::Phase)
    i.phase_steps = steps;
  for (int64_t p = 0; p < i.packs; ++p)
    for (int64_t s = 0; s < i.strips; ++s)
      for (int64_t o = 0; o < i.groupsOf(p) * i.shape.n; ++o)
        for (int64_t j = 0; j < i.numConverters(); ++j)
          for (size_t f = 0; f != i.phases.size(); ++f) {
            float &step = i.steps[i.entry(p, s, j, o)];
            step = std::max(f ? step : 1.0f,
                            steps[i.histogramOf(readout.range, p, s, j, o, f)]);
          }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

llvm::Error Product::calibrate(const uint8_t *codes, int64_t m, Range range,
                               const Options &options) {
  Impl &i = *impl;
  if (!isCalibrated(range))
    return fail(std::string("sums are counted for each layer, array, column "
                            "or phase, not for '") +
                rangeName(range) + "'");
  if (llvm::Error error = i.checkCodes(codes, m))
    return error;
  if (i.counted != range) {
    i.counted = range;
    i.histograms.clear();
    i.bin_shift = 0;
    while ((structuralBound(i.arrays, i.arrays.rows) >> i.bin_shift) >= 512)
      ++i.bin_shift;
    const size_t count =
        range == Range::Layer   ? 1
        : range == Range::Array ? size_t(i.packs * i.strips * i.tiles)
        : range == Range::Column
            ? i.bounds.size()
            : size_t(i.packs * i.strips * i.numConverters()) * i.phases.size();
    const size_t bins =
        size_t(structuralBound(i.arrays, i.arrays.rows) >> i.bin_shift) + 1;
    i.histograms.assign(count, {});
    for (Histogram &h : i.histograms)
      h.bins.assign(bins, 0);
  }
  const Kernels &k = kernels(options.isa);
  std::shared_ptr<const Plan> plan = i.idealPlan(false, k.bytes != nullptr);
  std::mutex mutex;
  const int64_t width = i.shape.groups * i.shape.k;
  parallelFor(options.threads, int64_t(plan->converted.size()), [&](int64_t u) {
    const ConvertedPart &part = plan->converted[size_t(u)];
    const Segment &segment = i.segments[size_t(u)];
    AlignedVector<int32_t> sums(i.phases.size() * size_t(part.cols));
    // Counters of this thread: one, of columns, or of slices and phases.
    const auto numPhases = i.phases.size();
    auto counter = [&](int64_t j, int64_t n, size_t p) -> size_t {
      if (range == Range::Layer)
        return 0;
      return range == Range::Phase ? size_t(j) * numPhases + p
                                   : size_t(j * part.stride + n);
    };
    std::vector<std::vector<uint32_t>> counts(
        range == Range::Layer   ? 1
        : range == Range::Phase ? size_t(i.numConverters()) * numPhases
                                : size_t(part.cols));
    for (auto &count : counts)
      count.assign(i.histograms.front().bins.size(), 0);
    auto flush = [&] {
      std::lock_guard<std::mutex> lock(mutex);
      for (int64_t j = 0; j < i.numConverters(); ++j)
        for (int64_t n = 0; n < i.shape.n; ++n)
          for (size_t p = 0; p != numPhases; ++p) {
            // What several share goes in once.
            if (range == Range::Phase ? n != 0 : p != 0)
              continue;
            if (range == Range::Layer && (j || n))
              continue;
            std::vector<uint32_t> &count = counts[counter(j, n, p)];
            Histogram &h = i.histograms[i.histogramOf(
                range, segment.pack, segment.strip, j,
                segment.local_group * i.shape.n + n, p)];
            for (size_t bin = 0; bin != count.size(); ++bin) {
              h.bins[bin] += count[bin];
              h.total += count[bin];
              count[bin] = 0;
            }
          }
    };
    Impl::Scratch scratch;
    for (int64_t w = 0; w < m; ++w) {
      i.idealSums(part, k, codes + w * width + part.first_row, 1, width,
                  scratch, sums.data());
      for (size_t p = 0; p != i.phases.size(); ++p)
        for (int64_t j = 0; j < i.numConverters(); ++j)
          for (int64_t n = 0; n < i.shape.n; ++n) {
            const int64_t c = j * part.stride + n;
            const int32_t sum = sums[p * size_t(part.cols) + size_t(c)];
            ++counts[counter(j, n, p)]
                    [size_t((sum < 0 ? -sum : sum) >> i.bin_shift)];
          }
      // Before a counter of 32 bits may run over.
      if (w % 4096 == 4095)
        flush();
    }
    flush();
  });
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Proofs
//===----------------------------------------------------------------------===//

int64_t Product::columnBound(int64_t g, int64_t n, int64_t j,
                             int64_t strip) const {
  return impl->bounds[impl->entryOf(g, n, j, strip)];
}

bool Product::isColumnProved(int64_t g, int64_t n, int64_t j,
                             int64_t strip) const {
  return impl->isProved(impl->entryOf(g, n, j, strip));
}

double Product::step(int64_t g, int64_t n, int64_t j, int64_t strip,
                     int64_t phase) const {
  return double(impl->stepAt(impl->entryOf(g, n, j, strip), size_t(phase)));
}

bool Product::isArrayProved(int64_t pack, int64_t strip, int64_t tile) const {
  for (int64_t o = 0; o < impl->groupsOf(pack) * impl->shape.n; ++o)
    for (int64_t j = 0; j < impl->numConverters(); ++j)
      if (impl->tileOf(o, j) == tile &&
          !impl->isProved(impl->entry(pack, strip, j, o)))
        return false;
  return true;
}

Proof Product::proof() const {
  const Impl &i = *impl;
  Proof proof;
  for (const Segment &s : i.segments)
    for (int64_t n = 0; n < i.shape.n; ++n)
      for (int64_t j = 0; j < i.numConverters(); ++j) {
        ++proof.columns;
        proof.proved_columns += isColumnProved(s.group, n, j, s.strip);
      }
  // One pass over all converters, arrays by arrays.
  std::vector<uint8_t> lost(size_t(numArrays()), 0);
  for (int64_t p = 0; p < i.packs; ++p)
    for (int64_t s = 0; s < i.strips; ++s)
      for (int64_t o = 0; o < i.groupsOf(p) * i.shape.n; ++o)
        for (int64_t j = 0; j < i.numConverters(); ++j)
          if (!i.isProved(i.entry(p, s, j, o)))
            lost[i.histogramOf(Range::Array, p, s, j, o, 0)] = 1;
  proof.arrays = numArrays();
  proof.proved_arrays =
      proof.arrays - std::count(lost.begin(), lost.end(), uint8_t(1));
  return proof;
}

double Product::errorBound(int64_t g, int64_t n) const {
  const Impl &i = *impl;
  double total = 0;
  for (const Segment &s : i.segments) {
    if (s.group != g)
      continue;
    for (int64_t j = 0; j < i.numConverters(); ++j) {
      const size_t entry = i.entryOf(g, n, j, s.strip);
      if (i.isProved(entry))
        continue;
      double each = 0;
      for (size_t f = 0; f != i.phases.size(); ++f) {
        const double step = double(i.stepAt(entry, f));
        const double rounding =
            step == 1.0 ? 0 : (i.readout.ties == Ties::Floor ? step : step / 2);
        const double beyond = double(i.bounds[entry]) - double(i.high) * step;
        each += std::abs(double(i.phases[f].weight)) *
                std::max({rounding, beyond, 0.0});
      }
      total +=
          std::abs(double(i.slices.converters[size_t(j)].coefficient)) * each;
    }
  }
  // What is no integer is rounded at last (X-SUM), and quotients of binary32
  // may cross a tie by a rounding of theirs.
  return i.readout.step == Step::Free && total > 0 ? total * 1.000001 + 0.5
                                                   : total;
}
