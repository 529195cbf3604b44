//===- CrossbarEngine.h - Products on simulated arrays ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes the products of a module on arrays with converters and devices
// (imc/Crossbar), the rest compiled. Without options it computes what the
// module's ops say, bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_CROSSBARENGINE_H
#define IMC_EXECUTE_CROSSBARENGINE_H

#include "imc/Crossbar/Crossbar.h"
#include "imc/Crossbar/Device.h"
#include "imc/Crossbar/Wide.h"
#include "imc/Execute/ArrayEngine.h"
#include "imc/Execute/Windows.h"

#include <optional>
#include <string>
#include <vector>

namespace imc::execute {

struct CrossbarOptions {
  /// Instead of the range and the ties that the ops state.
  std::optional<crossbar::Range> range;
  std::optional<crossbar::Ties> ties;
  crossbar::Step step = crossbar::Step::PowerOfTwo;
  crossbar::Criterion criterion = crossbar::Criterion::Quantile;
  double quantile = 1;
  int64_t threads = 1;
};

/// One product at a time; not thread safe from outside. The first error of a
/// run is kept for takeError(), and results are zero from there on.
class CrossbarEngine final : public ArrayEngine {
public:
  explicit CrossbarEngine(const CrossbarOptions &options) : options(options) {}

  llvm::Error prepare(int64_t index, const ArrayProduct &product) override;
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override;
  bool takesWide() const override { return true; }
  void runWide(int64_t index, const void *inputs, int64_t *results) override;

  /// Whether a product has a calibrated range (Layer, Array, Column, Phase),
  /// and runs need a calibration before them. Known once all products are
  /// prepared.
  bool calibrates() const;
  /// While on, ideal arrays compute exactly and count their sums; finish()
  /// then fixes the ranges.
  void beginCalibration() { calibrating = true; }
  /// Refused where a product never ran.
  llvm::Error finishCalibration();

  /// One draw of a device for all products; `layer` of the draw is the number
  /// of the product.
  llvm::Error program(const crossbar::Device &device,
                      const crossbar::Draw &draw);

  int64_t size() const { return int64_t(ready.size()); }
  const crossbar::Product &product(int64_t index) const {
    return ready[size_t(index)].product;
  }
  /// Conversions and saturated ones since the last call of program() or
  /// finishCalibration().
  const crossbar::Statistics &statistics(int64_t index) const {
    return ready[size_t(index)].statistics;
  }
  llvm::Error takeError();

private:
  struct Ready {
    std::string name;
    Windows windows;
    crossbar::Product product;
    crossbar::Readout readout;
    crossbar::Statistics statistics;
    int64_t ran = 0; ///< windows since programming
    /// Of wide products, whose pieces `product` computes (X-WIDE).
    std::optional<crossbar::Cut> cut;
    bool wide_inputs = false;
  };

  /// Windows of codes through the arrays of a product; false after an error.
  bool convert(Ready &r, const uint8_t *codes, int64_t windows, int32_t *sums);

  /// Keeps the first error of a run.
  void keep(llvm::Error error);

  CrossbarOptions options;
  bool calibrating = false;
  std::vector<Ready> ready;
  std::vector<uint8_t> codes;
  std::vector<int32_t> scratch;
  std::vector<uint16_t> wideCodes;
  std::vector<int64_t> wideScratch;
  std::string problem;
};

} // namespace imc::execute

#endif // IMC_EXECUTE_CROSSBARENGINE_H
