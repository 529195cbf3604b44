//===- QuantizeWeights.cpp - The rounding rules on plain arrays -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/QuantizeWeights.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace imc;

/// Q2 for one weight. std::nearbyint rounds half to even in the default mode.
static int16_t round(float value, float scale, float top) {
  float q = std::nearbyint(value / scale);
  return static_cast<int16_t>(std::clamp(q, -top, top));
}

namespace {
/// Walks values in memory order and tells the channel of each.
class Channels {
public:
  Channels(int64_t channels, int64_t size, bool channelFirst)
      : channels(channels), rows(channels ? size / channels : 0),
        channelFirst(channelFirst) {}

  template <typename Function>
  void forEach(Function &&see) const {
    int64_t i = 0;
    if (channelFirst) {
      for (int64_t n = 0; n < channels; ++n)
        for (int64_t k = 0; k < rows; ++k)
          see(i++, n);
      return;
    }
    for (int64_t k = 0; k < rows; ++k)
      for (int64_t n = 0; n < channels; ++n)
        see(i++, n);
  }

private:
  int64_t channels, rows;
  bool channelFirst;
};
} // namespace

/// Q1: a maximum so small that its scale underflows counts as zero.
static float toScale(float maximum, float top) {
  const float scale = maximum / top;
  return scale == 0.0f ? 1.0f : scale;
}

/// Q7: `scale` holds the maxima and receives the scales.
static void chooseLeastError(llvm::ArrayRef<float> values,
                             const Channels &order, bool perTensor, float top,
                             llvm::MutableArrayRef<float> scale) {
  constexpr int steps = 128;
  const std::vector<float> maximum(scale.begin(), scale.end());
  std::vector<double> best(scale.size(),
                           std::numeric_limits<double>::infinity());
  std::vector<float> candidate(scale.size());
  std::vector<double> error(scale.size());
  for (int k = steps; k >= 1; --k) {
    const float share = static_cast<float>(k) / static_cast<float>(steps);
    for (size_t n = 0; n < scale.size(); ++n)
      candidate[n] = toScale(maximum[n] * share, top);
    std::fill(error.begin(), error.end(), 0.0);
    order.forEach([&](int64_t i, int64_t n) {
      const double d =
          static_cast<double>(values[i]) -
          static_cast<double>(round(values[i], candidate[n], top)) *
              static_cast<double>(candidate[n]);
      error[perTensor ? 0 : n] += d * d;
    });
    for (size_t n = 0; n < scale.size(); ++n)
      if (double e = error[perTensor ? 0 : n]; e < best[n]) {
        best[n] = e;
        scale[n] = candidate[n];
      }
  }
}

template <typename Integer>
static void quantizeTo(llvm::ArrayRef<float> values, int64_t channels,
                       bool channelFirst, const WeightRule &rule,
                       Integer *weight, float *scale, int32_t *sum) {
  assert(rule.bits >= 2 && rule.bits <= int64_t(8 * sizeof(Integer)) &&
         "weights fit their integers");
  const float top = static_cast<float>((1 << (rule.bits - 1)) - 1);
  const Channels order(channels, static_cast<int64_t>(values.size()),
                       channelFirst);
  std::fill_n(scale, channels, 0.0f);
  std::fill_n(sum, channels, 0);
  // `scale` holds the maxima first.
  order.forEach([&](int64_t i, int64_t n) {
    scale[n] = std::max(scale[n], std::fabs(values[i]));
  });
  if (rule.perTensor && channels)
    std::fill_n(scale, channels, *std::max_element(scale, scale + channels));
  if (rule.leastError)
    chooseLeastError(values, order, rule.perTensor, top,
                     llvm::MutableArrayRef<float>(scale, channels));
  else
    for (int64_t n = 0; n < channels; ++n)
      scale[n] = toScale(scale[n], top);
  order.forEach([&](int64_t i, int64_t n) {
    const int16_t q = round(values[i], scale[n], top);
    weight[i] = static_cast<Integer>(q);
    sum[n] += q;
  });
}

void imc::quantizeWeights(llvm::ArrayRef<float> values, int64_t channels,
                          bool channelFirst, const WeightRule &rule,
                          int8_t *weight, float *scale, int32_t *sum) {
  quantizeTo(values, channels, channelFirst, rule, weight, scale, sum);
}

void imc::quantizeWeights(llvm::ArrayRef<float> values, int64_t channels,
                          bool channelFirst, const WeightRule &rule,
                          int16_t *weight, float *scale, int32_t *sum) {
  quantizeTo(values, channels, channelFirst, rule, weight, scale, sum);
}

float imc::chooseScale(float lo, float hi, int64_t bits, int32_t &zeroPoint,
                       bool symmetric) {
  lo = std::min(lo, 0.0f);
  hi = std::max(hi, 0.0f);
  if (symmetric) {
    assert(bits >= 2 && "one bit has no middle");
    zeroPoint = 1 << (bits - 1);
    const float scale =
        std::max(-lo, hi) / static_cast<float>((1 << (bits - 1)) - 1);
    return scale == 0.0f ? 1.0f : scale;
  }
  const float top = static_cast<float>((1 << bits) - 1);
  float scale = (hi - lo) / top;
  // Also covers a range so small that its scale underflows.
  if (scale == 0.0f)
    scale = 1.0f;
  zeroPoint =
      static_cast<int32_t>(std::clamp(std::nearbyint(-lo / scale), 0.0f, top));
  return scale;
}

std::optional<size_t> imc::findNonFinite(llvm::ArrayRef<float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    // On the bits: a comparison per element would not vectorise with NaN rules.
    uint32_t bits;
    std::memcpy(&bits, &values[i], sizeof(bits));
    if ((bits & 0x7f800000u) == 0x7f800000u)
      return i;
  }
  return std::nullopt;
}
