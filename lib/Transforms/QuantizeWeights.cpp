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

using namespace imc;

/// Q2 for one weight. std::nearbyint rounds half to even in the default mode.
static int8_t round(float value, float scale, float top) {
  float q = std::nearbyint(value / scale);
  return static_cast<int8_t>(std::clamp(q, -top, top));
}

void imc::quantizeWeights(llvm::ArrayRef<float> values, int64_t channels,
                          bool channelFirst, int64_t bits, int8_t *weight,
                          float *scale, int32_t *sum) {
  assert(bits >= 2 && bits <= 8 && "weights have 2 to 8 bits");
  const float top = static_cast<float>((1 << (bits - 1)) - 1);
  const int64_t rows =
      channels ? static_cast<int64_t>(values.size()) / channels : 0;
  std::fill_n(scale, channels, 0.0f);
  std::fill_n(sum, channels, 0);
  // Both layouts are walked in memory order; `scale` holds the maxima first.
  auto toScales = [&] {
    for (int64_t n = 0; n < channels; ++n) {
      scale[n] = scale[n] / top;
      // A maximum so small that its scale underflows counts as zero.
      if (scale[n] == 0.0f)
        scale[n] = 1.0f;
    }
  };
  if (channelFirst) {
    for (int64_t n = 0; n < channels; ++n)
      for (int64_t k = 0; k < rows; ++k)
        scale[n] = std::max(scale[n], std::fabs(values[n * rows + k]));
    toScales();
    for (int64_t n = 0; n < channels; ++n)
      for (int64_t k = 0; k < rows; ++k)
        sum[n] += weight[n * rows + k] =
            round(values[n * rows + k], scale[n], top);
    return;
  }
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t n = 0; n < channels; ++n)
      scale[n] = std::max(scale[n], std::fabs(values[k * channels + n]));
  toScales();
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t n = 0; n < channels; ++n)
      sum[n] += weight[k * channels + n] =
          round(values[k * channels + n], scale[n], top);
}

float imc::chooseScale(float lo, float hi, int64_t bits, int32_t &zeroPoint) {
  lo = std::min(lo, 0.0f);
  hi = std::max(hi, 0.0f);
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
