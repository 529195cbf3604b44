//===- Histogram.h - Ranges of activations from histograms ------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How post-training calibration chooses the range of an activation. Data is
// counted, not kept: a first pass finds the extremes, a second one fills the
// histogram between them. Counts are integers, so the result does not depend on
// the order of the samples. The rules, with labels, are in
// docs/phases/quantized.md.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_HISTOGRAM_H
#define IMC_EXECUTE_HISTOGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace imc::execute {

/// How the range of an activation follows from its values.
enum class RangeMethod {
  MinMax,     ///< smallest and largest value
  Percentile, ///< a share of the magnitudes lies inside
  MSE,        ///< least mean squared error of rounding and clipping
  KL,         ///< least Kullback-Leibler divergence, the method of TensorRT
};

/// What `--calibration METHOD[=VALUE]` says.
struct RangeRule {
  RangeMethod method = RangeMethod::MinMax;
  /// Percent of the magnitudes inside the range, above 0 and at most 100; of
  /// Percentile only.
  double percentile = 99.99;
};

/// Parses `minmax`, `percentile`, `percentile=99.9`, `mse` or `kl`. The error
/// says what is wrong and lists the methods.
llvm::Expected<RangeRule> parseRangeRule(llvm::StringRef text);

/// Counts of the values of one activation between two extremes.
class Histogram {
public:
  /// Bins for each sign. They are of one width, amax / numBins, with amax the
  /// larger of |lo| and |hi|; zero is an edge.
  static constexpr int64_t numBins = 2048;

  /// For finite values in [lo, hi], lo <= hi.
  Histogram(double lo, double hi);

  /// Counts values, which must be finite and lie in [lo, hi].
  void add(llvm::ArrayRef<float> values);

  /// The range [lo', hi'] that `rule` chooses for codes of `bits` bits (1 to
  /// 16; 2 if `symmetric`), which MSE and KL depend on; it lies in
  /// [min(0, lo), max(0, hi)].
  std::pair<double, double> range(const RangeRule &rule, int64_t bits,
                                  bool symmetric = false) const;

  /// Values of magnitude [i, i + 1) * width; exact zeros are counted apart.
  llvm::ArrayRef<uint64_t> positive() const { return up; }
  llvm::ArrayRef<uint64_t> negative() const { return down; }
  uint64_t zeros() const { return numZeros; }
  double width() const { return amax / static_cast<double>(numBins); }

private:
  std::pair<double, double> within(double threshold) const;
  double percentileThreshold(double percent) const;
  double klThreshold(int64_t bits, bool symmetric) const;
  std::pair<double, double> mseRange(int64_t bits, bool symmetric) const;

  double lo, hi, amax, binsPerUnit;
  std::vector<uint64_t> up, down;
  uint64_t numZeros = 0;
};

} // namespace imc::execute

#endif // IMC_EXECUTE_HISTOGRAM_H
