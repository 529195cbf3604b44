//===- Measure.h - What accuracy is left ------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs a model over labelled samples and says how often it is right, and how
// much noise each product adds. Steps of one measurement: the float model, the
// same with integer products, the arrays of a machine, and draws of devices.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_MEASURE_H
#define IMC_ACCURACY_MEASURE_H

#include "imc/Accuracy/Dataset.h"
#include "imc/Execute/ArrayEngine.h"
#include "imc/Execute/Executor.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace imc::accuracy {

/// How often a model is right. Shares lie in [0, 1].
struct Score {
  int64_t samples = 0, right = 0, right5 = 0;
  /// Whether there are more than five classes, so that top-5 says something.
  bool has_top5 = false;
  double top1() const { return double(right) / double(samples); }
  double top5() const { return double(right5) / double(samples); }
  /// The class of each sample: the first of the largest outputs, as NumPy's
  /// argmax; a NaN counts as larger than all numbers.
  std::vector<int64_t> predictions;
};

/// Outputs of all samples, row-major samples x classes.
struct Outputs {
  int64_t samples = 0, classes = 0;
  std::vector<double> values;
};

/// Scores outputs. A label that is no class is an error that names the sample.
llvm::Expected<Score> score(const Outputs &outputs,
                            llvm::ArrayRef<int64_t> labels);

/// Runs `executor` on all batches and gathers its first output, whose shape is
/// batch x classes up to extents of 1; anything else is refused by shape.
llvm::Expected<Outputs> runAll(execute::Executor &executor,
                               const Dataset &data);

/// Signal and error energy of one product over all its executions.
struct ProductError {
  std::string name;
  double signal = 0;     ///< Σ y², y exact
  double error = 0;      ///< Σ (y' − y)²
  int64_t results = 0;   ///< how many y
  int64_t differing = 0; ///< how many y' are not y
  int64_t largest = 0;   ///< max |y' − y|

  /// 10 log₁₀(signal / error); infinite without error.
  double snrDb() const;
};

/// Puts two engines side by side: results come from `arrays`, and their error
/// against `exact` is added up by product. Products may be switched to `exact`,
/// whose results are not counted.
class ErrorMeter final : public execute::ArrayEngine {
public:
  ErrorMeter(execute::ArrayEngine &arrays, execute::ArrayEngine &exact)
      : arrays(arrays), exact(exact) {}

  llvm::Error prepare(int64_t index,
                      const execute::ArrayProduct &product) override;
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override;
  bool takesWide() const override {
    return arrays.takesWide() && exact.takesWide();
  }
  void runWide(int64_t index, const void *inputs, int64_t *results) override;

  /// Every product from the arrays (the start), none, or one alone.
  void useArrays() { which = all; }
  void useExact() { which = none; }
  void useArraysFor(int64_t product) { which = product; }
  /// Begins to count anew.
  void reset();
  llvm::ArrayRef<ProductError> errors() const { return products; }

private:
  execute::ArrayEngine &arrays, &exact;
  static constexpr int64_t all = -1, none = -2;
  int64_t which = all;
  std::vector<ProductError> products;
  /// By product; of wide ones in the second.
  std::vector<std::vector<int32_t>> wanted;
  std::vector<std::vector<int64_t>> wideWanted;

  template <typename T>
  void count(int64_t index, llvm::ArrayRef<T> want, const T *results);
};

/// Label and wrong class, and how often it happened.
struct Confusion {
  int64_t label = 0, predicted = 0, count = 0;
};

/// The most frequent pairs of label and wrong class, at most `limit`; equal
/// counts by label, then class.
std::vector<Confusion> confusions(const Score &score,
                                  llvm::ArrayRef<int64_t> labels, size_t limit);

/// Mean and standard deviation (n − 1) of trials; the latter 0 for one.
struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread(llvm::ArrayRef<double> values);

} // namespace imc::accuracy

#endif // IMC_ACCURACY_MEASURE_H
