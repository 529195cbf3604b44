//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// X-SPREAD and X-STAT: moments of levels, and sums that are counted.
//
//===----------------------------------------------------------------------===//

#include "imc/Crossbar/Noise.h"

#include "NoiseRanges.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <tuple>

using namespace imc::crossbar;

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

llvm::Expected<LevelMoments> imc::crossbar::levelMoments(const Device &device,
                                                         int64_t bits,
                                                         double timeS,
                                                         int64_t count) {
  if (device.segment_ohm > 0)
    return fail("the closed form does not know the resistance of bit lines, "
                "'line.segment_ohm' of device '" +
                device.name + "' is " + std::to_string(device.segment_ohm) +
                "; simulate it with imc accuracy --noise");
  const int64_t levels = int64_t(1) << bits;
  const double step = (device.max_us - device.min_us) / double(levels - 1);
  // Level 0 counts as min_us unless a column of such cells is subtracted.
  const double zero = device.reference_column ? device.min_us : 0;
  LevelMoments out;
  std::vector<float> g(size_t(count), 0), read(size_t(count), 0);
  Draw draw;
  draw.time_s = timeS;
  for (int64_t u = 0; u < levels; ++u) {
    draw.trial = u;
    if (llvm::Error error = drawCells(device, device.min_us + double(u) * step,
                                      draw, count, g.data(), read.data()))
      return std::move(error);
    double sum = 0, square = 0, reads = 0;
    for (int64_t i = 0; i < count; ++i) {
      const double v = (double(g[size_t(i)]) - zero) / step - double(u);
      const double r = double(read[size_t(i)]) / step;
      sum += v;
      square += v * v;
      reads += r * r;
    }
    const double mean = sum / double(count);
    out.mean.push_back(mean);
    out.variance.push_back(std::max(0.0, square / double(count) - mean * mean));
    out.read.push_back(reads / double(count));
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Counting (X-STAT)
//===----------------------------------------------------------------------===//

/// Outputs whose correlations are measured, and bins of sums at most.
static constexpr int64_t maxOutputs = 64, maxBins = int64_t(1) << 14;

std::vector<std::pair<double, double>>
imc::crossbar::occurred(const std::vector<uint64_t> &bins, int64_t lowest,
                        int64_t shift) {
  std::vector<std::pair<double, double>> counts;
  for (size_t b = 0; b != bins.size(); ++b)
    if (bins[b])
      counts.emplace_back(
          double((int64_t(b) + lowest) * (int64_t(1) << shift)) +
              0.5 * double((int64_t(1) << shift) - 1),
          double(bins[b]));
  return counts;
}

std::pair<double, double>
imc::crossbar::momentsOf(const std::vector<std::pair<double, double>> &counts) {
  double count = 0, sum = 0, square = 0;
  for (const auto &[v, f] : counts) {
    count += f;
    sum += f * v;
    square += f * v * v;
  }
  if (count == 0)
    return {0, 0};
  const double mean = sum / count;
  return {mean, square / count - mean * mean};
}

llvm::Expected<SumStatistics> SumStatistics::measure(const Product &product,
                                                     const uint8_t *codes,
                                                     int64_t m,
                                                     const Readout &readout) {
  const Product::Impl &i = *product.impl;
  if (m < 1)
    return fail("statistics of sums need at least one window");
  if (llvm::Error error = i.checkCodes(codes, m))
    return std::move(error);
  const Kernels &kernels = imc::crossbar::kernels(Isa::Best);
  const std::shared_ptr<const Plan> plan =
      i.idealPlan(/*useProofs=*/false, kernels.bytes != nullptr);

  SumStatistics s;
  s.arrays = i.arrays;
  s.shape = i.shape;
  s.weights = i.weights;
  s.windows = m;
  s.isSigned = i.is_signed;
  const int64_t width = i.shape.groups * i.shape.k,
                outputs = i.shape.groups * i.shape.n;
  const auto numPhases = int64_t(i.phases.size());
  const int64_t numConverters = i.numConverters();
  const int64_t perKind = numConverters * numPhases;
  int64_t most = 0, bound = 1;
  for (const ConvertedPart &part : plan->converted)
    most = std::max(most, part.rows);
  for (int32_t b : i.bounds)
    bound = std::max<int64_t>(bound, b);
  int64_t binShift = 0;
  while (((bound >> binShift) + 1) * (i.is_signed ? 2 : 1) > maxBins)
    ++binShift;
  const int64_t lowest = i.is_signed ? -(bound >> binShift) - 1 : 0;
  const auto bins = size_t((bound >> binShift) - lowest + 1);
  std::vector<std::vector<uint64_t>> counters;

  // Full strips, and shorter ones where there are some.
  const bool two = llvm::any_of(
      plan->converted, [&](const ConvertedPart &p) { return p.rows != most; });
  for (int64_t kind = 0; kind < (two ? 2 : 1); ++kind)
    for (int64_t j = 0; j < numConverters; ++j)
      for (int64_t p = 0; p < numPhases; ++p) {
        Class c;
        c.converter = j;
        c.phase = p;
        c.rows = most;
        c.place = double(i.slices.converters[size_t(j)].coefficient) *
                  double(i.phases[size_t(p)].weight);
        counters.emplace_back(bins, 0);
        s.classes.push_back(std::move(c));
      }
  const size_t numClasses = s.classes.size();

  const int64_t stride = std::max<int64_t>(1, outputs / maxOutputs);
  const int64_t chosen = (outputs + stride - 1) / stride;
  llvm::Expected<RangeCounter> ranges =
      RangeCounter::create(i, readout, numClasses, stride, binShift);
  if (!ranges)
    return ranges.takeError();
  std::vector<float> totals(size_t(m * chosen) * numClasses, 0);
  Product::Impl::Scratch scratch;
  AlignedVector<int32_t> sums;
  for (auto [u, part] : llvm::enumerate(plan->converted)) {
    const int64_t kind = part.rows == most ? 0 : 1;
    const int64_t block =
        std::max<int64_t>(1, (int64_t(1) << 18) / (numPhases * part.cols));
    const auto locals = int64_t(part.outputs.size());
    for (int64_t w0 = 0; w0 < m; w0 += block) {
      const int64_t count = std::min(block, m - w0);
      sums.resize(size_t(count * numPhases * part.cols));
      i.idealSums(part, kernels, codes + w0 * width + part.first_row, count,
                  width, scratch, sums.data());
      for (int64_t w = 0; w < count; ++w)
        for (int64_t p = 0; p < numPhases; ++p)
          for (int64_t j = 0; j < numConverters; ++j) {
            const int32_t *row = &sums[size_t((w * numPhases + p) * part.cols +
                                              j * part.stride)];
            const auto at = size_t(kind * perKind + j * numPhases + p);
            uint64_t *counts = counters[at].data() - lowest;
            for (int64_t n = 0; n < locals; ++n)
              ++counts[row[n] >> binShift];
            if (!ranges->isUniform())
              ranges->count(u, j, p, row, locals);
            for (int64_t n = 0; n < locals; ++n)
              if (const int64_t o = part.outputs[size_t(n)]; o % stride == 0)
                totals[size_t((w0 + w) * chosen + o / stride) * numClasses +
                       at] += float(row[n]);
          }
    }
    for (int64_t c = kind * perKind; c < (kind + 1) * perKind; ++c) {
      s.classes[size_t(c)].strips += double(locals) / double(outputs);
      s.classes[size_t(c)].rows = part.rows;
    }
  }
  for (size_t at = 0; at != numClasses; ++at) {
    Class &c = s.classes[at];
    c.counts = occurred(counters[at], lowest, binShift);
    std::tie(c.mean, c.variance) = momentsOf(c.counts);
  }

  // Moments of the totals, and the exact results that they belong to.
  std::vector<double> exact(size_t(m * chosen));
  for (int64_t w = 0; w < m; ++w)
    for (int64_t o = 0; o < chosen; ++o) {
      const int64_t output = o * stride, g = output / i.shape.n,
                    n = output % i.shape.n;
      const uint8_t *x = codes + w * width + g * i.shape.k;
      int64_t y = 0;
      for (int64_t k = 0; k < i.shape.k; ++k)
        y += int64_t(i.arrays.signed_inputs ? int(int8_t(x[k])) : int(x[k])) *
             i.weight(g, k, n);
      exact[size_t(w * chosen + o)] = double(y);
    }
  for (int64_t o = 0; o < chosen; ++o) {
    double mean = 0;
    for (int64_t w = 0; w < m; ++w)
      mean += exact[size_t(w * chosen + o)];
    mean /= double(m);
    for (int64_t w = 0; w < m; ++w)
      exact[size_t(w * chosen + o)] -= mean;
  }
  std::vector<float> matrix(numClasses * numClasses, 0);
  s.products.assign(numClasses * numClasses, 0);
  s.meanOf.assign(numClasses, 0);
  s.withSignal.assign(numClasses, 0);
  std::vector<double> meanByOutput(size_t(chosen) * numClasses, 0);
  for (int64_t r = 0; r < m * chosen; ++r) {
    const float *row = &totals[size_t(r) * numClasses];
    s.signalSquare += exact[size_t(r)] * exact[size_t(r)];
    for (size_t c = 0; c != numClasses; ++c) {
      s.meanOf[c] += double(row[c]);
      meanByOutput[size_t(r % chosen) * numClasses + c] += double(row[c]);
      s.withSignal[c] += double(row[c]) * exact[size_t(r)];
      float *to = &matrix[c * numClasses];
      const float v = row[c];
      for (size_t d = 0; d <= c; ++d)
        to[d] += v * row[d];
    }
    // Short runs in binary32, their sums in binary64.
    if (r % 64 == 63 || r + 1 == m * chosen)
      for (size_t k = 0; k != matrix.size(); ++k) {
        s.products[k] += double(matrix[k]);
        matrix[k] = 0;
      }
  }
  const double all = double(m * chosen);
  for (size_t c = 0; c != numClasses; ++c) {
    s.meanOf[c] /= all;
    s.withSignal[c] /= all;
    for (size_t d = 0; d <= c; ++d)
      s.products[d * numClasses + c] = s.products[c * numClasses + d] /= all;
  }
  s.signalSquare /= all;
  s.between.assign(numClasses * numClasses, 0);
  for (int64_t o = 0; o < chosen; ++o) {
    double *row = &meanByOutput[size_t(o) * numClasses];
    for (size_t c = 0; c != numClasses; ++c)
      row[c] = row[c] / double(m) - s.meanOf[c];
    for (size_t c = 0; c != numClasses; ++c)
      for (size_t d = 0; d != numClasses; ++d)
        s.between[c * numClasses + d] += row[c] * row[d] / double(chosen);
  }

  // Cells see codes and digits.
  s.codes.assign(codes, codes + m * width);
  s.codeSquare.assign(size_t(width), 0);
  s.codeMean.assign(size_t(width), 0);
  s.digitSquare.assign(size_t(numPhases * width), 0);
  for (int64_t w = 0; w < m; ++w)
    for (int64_t r = 0; r < width; ++r) {
      const uint8_t code = codes[w * width + r];
      const double x =
          i.arrays.signed_inputs ? double(int8_t(code)) : double(code);
      s.codeSquare[size_t(r)] += x * x / double(m);
      s.codeMean[size_t(r)] += x / double(m);
      for (int64_t p = 0; p < numPhases; ++p) {
        const Phase &phase = i.phases[size_t(p)];
        const double digit =
            double(code >> phase.first_bit & ((1 << phase.bits) - 1));
        s.digitSquare[size_t(p * width + r)] += digit * digit / double(m);
      }
    }
  s.phaseWeights.clear();
  for (const Phase &phase : i.phases)
    s.phaseWeights.push_back(double(phase.weight));
  s.ranges = ranges->finish(std::move(totals), std::move(exact));
  return s;
}

size_t SumStatistics::bytes() const {
  auto of = [](const auto &v) { return v.size() * sizeof(v[0]); };
  size_t all = of(classes) + of(products) + of(meanOf) + of(between) +
               of(withSignal) + of(weights) + of(codes) + of(digitSquare) +
               of(codeSquare) + of(codeMean);
  for (const Class &c : classes)
    all += of(c.counts);
  all += of(ranges->sources) + of(ranges->groups) + of(ranges->uses) +
         of(ranges->first) + of(ranges->totals) + of(ranges->exact);
  for (const Ranges::Source &source : ranges->sources)
    all += of(source.histogram.bins);
  for (const Ranges::Group &g : ranges->groups)
    all += of(g.counts);
  return all;
}
