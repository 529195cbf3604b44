//===- ProductSample.h - A product on a sample of windows -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What converters and cells do to one product, on the windows that a model of
// accuracy keeps of it. Errors of ideal cells are measured: the windows run
// through the arrays. Those of devices follow in closed form from counted sums
// (imc/Crossbar/Noise.h), as they are wanted of all draws, not of one.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_ACCURACY_PRODUCTSAMPLE_H
#define IMC_LIB_ACCURACY_PRODUCTSAMPLE_H

#include "imc/Accuracy/Model.h"

#include <memory>

namespace imc::accuracy {

/// Whether the range follows from sums that were seen, or differs between
/// strips, rather than from the arrays alone.
bool isCounted(const ArraySettings &settings);

/// Exact results of all windows, windows x G*N, at 8 bits.
llvm::Expected<std::vector<int32_t>> resultsOf(const LayerData &layer);

class ProductSample {
public:
  /// At the bits, encoding and arrays of `settings`, and for its range where
  /// that is counted. `results8` is resultsOf(layer); `device`: of devices.
  static llvm::Expected<ProductSample> create(const LayerData &layer,
                                              const ArraySettings &settings,
                                              llvm::ArrayRef<int32_t> results8,
                                              bool device);
  ProductSample(ProductSample &&);
  ~ProductSample();

  /// Errors relative to the exact results at these bits. Thread safe. Refused:
  /// what Product::setReadout and SumStatistics::error refuse.
  llvm::Expected<crossbar::RelativeError>
  error(const crossbar::Readout &readout, const crossbar::Device *device,
        const crossbar::LevelMoments *levels) const;
  /// Error over signal of fewer bits than 8.
  double rounding() const;
  /// Memory that this takes.
  size_t bytes() const;

private:
  struct Arrays;
  ProductSample(std::unique_ptr<Arrays> arrays);
  std::unique_ptr<Arrays> arrays;
};

} // namespace imc::accuracy

#endif // IMC_LIB_ACCURACY_PRODUCTSAMPLE_H
