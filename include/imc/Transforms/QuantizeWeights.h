//===- QuantizeWeights.h - The rounding rules on plain arrays -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The arithmetic of imc-quantize (rules Q1 to Q7 of docs/phases/quantized.md),
// without any IR. All real numbers are f32, and every operation rounds to
// nearest even, so that the results are the same on every machine.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_QUANTIZEWEIGHTS_H
#define IMC_TRANSFORMS_QUANTIZEWEIGHTS_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <optional>

namespace imc {

/// How weights become integers.
struct WeightRule {
  int64_t bits = 8;
  /// One scale for all channels (Q6) in place of one per channel.
  bool perTensor = false;
  /// The scale with the least squared error (Q7) in place of the one that the
  /// largest weight needs.
  bool leastError = false;
};

/// Quantizes weights, symmetrically around zero.
///
/// `values` is an F×K matrix when `channelFirst` (a filter, F = channels), a
/// K×N matrix otherwise (N = channels), row-major. With top = 2^(bits−1) − 1
/// and per channel n:
///   Q1: scale[n] = max|w| / top, and 1 for a channel of zeros;
///   Q6: per tensor, the maximum is over all channels;
///   Q7: scale[n] = (max|w| · k/128) / top with the k of 1 to 128 for which the
///       sum of squared errors (f64, memory order) is least, the largest of
///       equals;
///   Q2: weight = clamp(round_half_even(w / scale[n]), −top, top);
///   Q3: sum[n] = Σ weight over the channel.
/// The outputs have values.size(), channels and channels elements; 2 ≤ bits
/// ≤ 8, or 16 for weights in int16. All values must be finite, and the sums
/// fit: at most longestChannel(bits) weights per channel.
void quantizeWeights(llvm::ArrayRef<float> values, int64_t channels,
                     bool channelFirst, const WeightRule &rule, int8_t *weight,
                     float *scale, int32_t *sum);
void quantizeWeights(llvm::ArrayRef<float> values, int64_t channels,
                     bool channelFirst, const WeightRule &rule, int16_t *weight,
                     float *scale, int32_t *sum);

/// Weights of a channel whose sum fits an int32 whatever they are.
constexpr int64_t longestChannel(int64_t bits) {
  return ((int64_t(1) << 31) - 1) / ((int64_t(1) << (bits - 1)) - 1);
}

/// Scale of an activation with range [lo, hi], and its zero point (Q4):
/// the range is widened to hold 0; scale = (hi − lo) / (2^bits − 1), and 1 when
/// hi = lo; zeroPoint = clamp(round_half_even(−lo / scale), 0, 2^bits − 1).
/// `symmetric` (R2S): scale = max(−lo, hi) / (2^(bits−1) − 1), and 1 when that
/// is 0; zeroPoint = 2^(bits−1); bits ≥ 2.
float chooseScale(float lo, float hi, int64_t bits, int32_t &zeroPoint,
                  bool symmetric = false);

/// Index of the first infinity or NaN; nullopt when there is none.
std::optional<size_t> findNonFinite(llvm::ArrayRef<float> values);

} // namespace imc

#endif // IMC_TRANSFORMS_QUANTIZEWEIGHTS_H
