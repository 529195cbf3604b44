//===- LayerSensitivity.h - Which layers need their bits --------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of one layer after another get fewer bits, all others keep
// theirs, and the outputs of the model are compared with those of the float
// model.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_LAYERSENSITIVITY_H
#define IMC_EXECUTE_LAYERSENSITIVITY_H

#include "imc/Execute/Calibrate.h"

#include <functional>
#include <string>
#include <vector>

namespace imc::execute {

/// Outputs of a quantized model beside those of the float one, over all
/// samples.
struct OutputError {
  /// 10 log10(sum y^2 / sum (y' - y)^2) of the first output; infinite without
  /// error.
  double snrDb = 0;
  /// Rows of the last dimension, and how many have their largest element where
  /// the float model has it.
  int64_t rows = 0, agreeing = 0;
  /// How many have it at the label; without labels 0.
  int64_t right = 0;
};

struct LayerSensitivity {
  std::string layer; ///< empty: no layer has fewer bits
  OutputError error;
};

struct SensitivityOptions {
  CalibrationOptions calibration;
  int64_t layerBits = 4; ///< of weights and inputs of the layer in turn
  /// One class per row of the first output; empty without labels.
  std::vector<int64_t> labels;
  /// Brings a copy of the module from phase `offloaded` to `quantized`.
  std::function<llvm::LogicalResult(mlir::ModuleOp)> quantize;
};

/// The float model first (error 0, for `right`), then the model with the bits
/// of `quantize` for all layers, then one entry per layer with a float product,
/// in program order. `module` (phase `offloaded`) stays as it is. Ranges are
/// chosen anew from one measurement for each. Fails with a diagnostic where
/// Calibration::measure, `quantize` or a run does, and when labels are not as
/// many as rows.
llvm::FailureOr<std::vector<LayerSensitivity>>
layerSensitivity(mlir::ModuleOp module,
                 llvm::ArrayRef<std::vector<Tensor>> samples,
                 const SensitivityOptions &options);

} // namespace imc::execute

#endif // IMC_EXECUTE_LAYERSENSITIVITY_H
