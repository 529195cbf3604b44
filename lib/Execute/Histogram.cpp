//===- Histogram.cpp - Ranges of activations from histograms --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The labels H1 to H4 are those of docs/phases/quantized.md. All arithmetic is
// binary64, but for the scale of a candidate, which is what quantization takes.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Histogram.h"

#include "imc/Transforms/QuantizeWeights.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

using namespace imc::execute;

llvm::Expected<RangeRule> imc::execute::parseRangeRule(llvm::StringRef text) {
  auto refuse = [&](const llvm::Twine &what) {
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "calibration '" + text + "' " + what +
            "; use minmax, percentile[=VALUE], mse or kl");
  };
  auto [name, value] = text.split('=');
  RangeRule rule;
  const bool hasValue = text.contains('=');
  if (name == "minmax")
    rule.method = RangeMethod::MinMax;
  else if (name == "percentile")
    rule.method = RangeMethod::Percentile;
  else if (name == "mse")
    rule.method = RangeMethod::MSE;
  else if (name == "kl")
    rule.method = RangeMethod::KL;
  else
    return refuse("is unknown");
  if (!hasValue)
    return rule;
  if (rule.method != RangeMethod::Percentile)
    return refuse("takes no value");
  if (value.getAsDouble(rule.percentile) || !(rule.percentile > 0) ||
      rule.percentile > 100)
    return refuse("has no percentile above 0 and up to 100");
  return rule;
}

Histogram::Histogram(double lo, double hi)
    : lo(std::min(lo, 0.0)), hi(std::max(hi, 0.0)),
      amax(std::max(-this->lo, this->hi)),
      binsPerUnit(amax > 0 ? static_cast<double>(numBins) / amax : 0),
      up(numBins), down(numBins) {
  assert(lo <= hi && std::isfinite(lo) && std::isfinite(hi));
}

void Histogram::add(llvm::ArrayRef<float> values) {
  for (float value : values) {
    if (value == 0.0f) {
      ++numZeros;
      continue;
    }
    const double magnitude = std::fabs(static_cast<double>(value));
    const auto bin = std::min<int64_t>(
        static_cast<int64_t>(magnitude * binsPerUnit), numBins - 1);
    ++(value > 0 ? up : down)[bin];
  }
}

std::pair<double, double> Histogram::within(double threshold) const {
  return {std::max(lo, -threshold), std::min(hi, threshold)};
}

/// H2: the upper edge of the bin in which the share is reached.
double Histogram::percentileThreshold(double percent) const {
  const uint64_t total = std::accumulate(
      up.begin(), up.end(),
      std::accumulate(down.begin(), down.end(), numZeros, std::plus<>()),
      std::plus<>());
  const double wanted = static_cast<double>(total) * percent / 100;
  uint64_t seen = numZeros;
  for (int64_t i = 0; i < numBins; ++i) {
    seen += up[i] + down[i];
    if (static_cast<double>(seen) >= wanted)
      return static_cast<double>(i + 1) * width();
  }
  return amax;
}

/// H3. Every threshold is an edge of a bin. The counts beyond it join the last
/// bin inside, which is what clipping does to them; the quantized distribution
/// spreads the counts of a level evenly over its bins that are not empty.
double Histogram::klThreshold(int64_t bits, bool symmetric) const {
  std::vector<double> counts(numBins);
  for (int64_t i = 0; i < numBins; ++i)
    counts[i] = static_cast<double>(up[i]) + static_cast<double>(down[i]);
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  // Codes are shared by both signs where both occur or have codes.
  const int64_t levels =
      std::min<int64_t>(int64_t(1) << (symmetric || (lo < 0 && hi > 0)
                                           ? std::max<int64_t>(bits - 1, 0)
                                           : bits),
                        numBins);
  double best = std::numeric_limits<double>::infinity(), inside = 0;
  int64_t chosen = numBins;
  std::vector<double> levelCount(levels);
  std::vector<int64_t> levelBins(levels);
  inside = std::accumulate(counts.begin(), counts.begin() + levels - 1, 0.0);
  for (int64_t n = levels; n <= numBins; ++n) {
    inside += counts[n - 1];
    const double outside = total - inside;
    // Nothing may be clipped into a bin to which the codes give no weight.
    if (inside == 0 || (outside > 0 && counts[n - 1] == 0))
      continue;
    std::fill(levelCount.begin(), levelCount.end(), 0.0);
    std::fill(levelBins.begin(), levelBins.end(), 0);
    for (int64_t i = 0; i < n; ++i)
      if (counts[i] > 0) {
        levelCount[i * levels / n] += counts[i];
        ++levelBins[i * levels / n];
      }
    double divergence = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (counts[i] == 0)
        continue;
      const int64_t level = i * levels / n;
      const double p = (counts[i] + (i == n - 1 ? outside : 0)) / total;
      const double q =
          levelCount[level] / static_cast<double>(levelBins[level]) / inside;
      divergence += p * std::log(p / q);
    }
    // Of equals the widest range.
    if (divergence <= best) {
      best = divergence;
      chosen = n;
    }
  }
  return static_cast<double>(chosen) * width();
}

/// H4: both ends on a grid of 128 parts, one after the other, until neither
/// moves. The centre of a bin stands for its values.
std::pair<double, double> Histogram::mseRange(int64_t bits,
                                              bool symmetric) const {
  constexpr int64_t steps = 128;
  const double top = static_cast<double>((int64_t(1) << bits) - 1);
  auto error = [&](double low, double high) {
    int32_t zeroPoint;
    const double scale =
        imc::chooseScale(static_cast<float>(low), static_cast<float>(high),
                         bits, zeroPoint, symmetric);
    double sum = 0;
    for (int sign : {-1, 1})
      for (int64_t i = 0; i < numBins; ++i) {
        const uint64_t count = (sign < 0 ? down : up)[i];
        if (count == 0)
          continue;
        const double x = sign * (static_cast<double>(i) + 0.5) * width();
        const double code =
            std::clamp(std::nearbyint(x / scale) + zeroPoint, 0.0, top);
        const double d = x - (code - zeroPoint) * scale;
        sum += static_cast<double>(count) * d * d;
      }
    return sum;
  };
  std::pair<double, double> range{lo, hi};
  double best = error(lo, hi);
  for (bool moved = true; moved;) {
    moved = false;
    for (bool high : {true, false}) {
      const double end = high ? hi : lo;
      if (end == 0)
        continue;
      for (int64_t k = steps; k >= 1; --k) {
        const double to =
            end * (static_cast<double>(k) / static_cast<double>(steps));
        const std::pair<double, double> candidate =
            high ? std::pair(range.first, to) : std::pair(to, range.second);
        if (double e = error(candidate.first, candidate.second); e < best) {
          best = e;
          range = candidate;
          moved = true;
        }
      }
    }
  }
  return range;
}

std::pair<double, double> Histogram::range(const RangeRule &rule, int64_t bits,
                                           bool symmetric) const {
  assert(bits >= 1 && bits <= 16);
  if (amax == 0)
    return {0, 0};
  switch (rule.method) {
  case RangeMethod::MinMax:
    return {lo, hi};
  case RangeMethod::Percentile:
    return within(percentileThreshold(rule.percentile));
  case RangeMethod::MSE:
    return mseRange(bits, symmetric);
  case RangeMethod::KL:
    return within(klThreshold(bits, symmetric));
  }
  llvm_unreachable("a method of the enumeration");
}
