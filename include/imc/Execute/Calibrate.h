//===- Calibrate.h - Measure the ranges of activations ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Post-training calibration: the float model runs on example inputs, and every
// product that an array will compute learns the range of its input.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_CALIBRATE_H
#define IMC_EXECUTE_CALIBRATE_H

#include "imc/Execute/Histogram.h"
#include "imc/Execute/Tensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace imc::execute {

struct CalibrationOptions {
  RangeRule rule;
  /// Bits of an activation (1 to 8), which RangeMethod::MSE and KL minimise the
  /// error for; a product's `imc.input_bits` goes before.
  int64_t inputBits = 8;
  /// Zero points will be the middle code (rule R2S).
  bool symmetric = false;
};

/// What the inputs of a module's products are like on given samples.
class Calibration {
public:
  /// Runs `module` (phase `offloaded`) on every sample, a list of inputs in
  /// graph order, and observes the first input of each `imc.matmul` and
  /// `imc.conv2d` in f32, zeros around an image left out. Methods other than
  /// MinMax run the samples twice.
  ///
  /// Fails with a diagnostic when there is no sample, when a product lies
  /// in another region than `scf.for` (its input cannot be observed), when an
  /// input is not finite, and when the model cannot be run.
  static llvm::FailureOr<Calibration>
  measure(mlir::ModuleOp module, llvm::ArrayRef<std::vector<Tensor>> samples,
          RangeMethod method);

  /// Sets `imc.range = [lo, hi]` (f64) on the products of `module`, which is
  /// the one that was measured or a copy, as `options` choose it. Minimum and
  /// maximum are not widened to include zero here; quantization does that (rule
  /// R1 of docs/phases/rounding.md). Fails with a diagnostic when the products
  /// are not those that were measured.
  llvm::LogicalResult assign(mlir::ModuleOp module,
                             const CalibrationOptions &options) const;

private:
  /// The activation that each product reads; products may share one.
  std::vector<size_t> activation;
  std::vector<std::pair<double, double>> extremes;
  std::vector<Histogram> histograms; ///< empty after MinMax
};

/// measure and assign; the module is unchanged after a failure.
llvm::LogicalResult calibrate(mlir::ModuleOp module,
                              llvm::ArrayRef<std::vector<Tensor>> samples,
                              const CalibrationOptions &options = {});

/// Cuts `tensors` into samples for a model whose inputs have the shapes of
/// `module`'s `main`: each tensor holds n times the model's first extent (500
/// images for a model that takes one: 500 samples), with the same n for all.
/// Tensors that have the model's shapes are one sample. The error names the
/// input and both shapes.
llvm::Expected<std::vector<std::vector<Tensor>>>
splitSamples(mlir::ModuleOp module, llvm::ArrayRef<Tensor> tensors);

} // namespace imc::execute

#endif // IMC_EXECUTE_CALIBRATE_H
