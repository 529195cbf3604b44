//===- Evaluate.h - From the float model to drawn devices -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One measurement in steps, so that a loss can be told apart: the model as it
// was imported, the same with integer products, arrays with converters, and
// draws of devices.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_EVALUATE_H
#define IMC_ACCURACY_EVALUATE_H

#include "imc/Accuracy/Measure.h"
#include "imc/Crossbar/Device.h"
#include "imc/Execute/CrossbarEngine.h"

#include <optional>
#include <vector>

namespace imc::accuracy {

struct EvaluateOptions {
  execute::CrossbarOptions arrays;
  /// Leading samples of the data whose sums fix calibrated ranges.
  int64_t calibration_samples = 32;
  /// Draws of this device; without one, cells and converters are ideal and
  /// there is one trial.
  std::optional<crossbar::Device> device;
  int64_t trials = 1;
  uint64_t seed = 0;
  double time_s = 0; ///< since programming
  /// So many products of the lowest signal-to-noise ratio are run alone.
  int64_t worst = 3;
};

/// One product of the model over all trials.
struct LayerReport {
  ProductError error;
  crossbar::Proof proof;           ///< of ideal cells
  crossbar::Statistics converters; ///< of the last trial
};

/// The model with one product on arrays, the others exact.
struct AloneReport {
  int64_t layer = 0; ///< in Evaluation::layers
  Score score;
  std::vector<Confusion> confusions;
};

struct Evaluation {
  Score host;     ///< the imported model
  Score integers; ///< products in integers, nothing lost on arrays
  std::vector<Score> trials;
  std::vector<Outputs> outputs; ///< by trial
  /// Against the integers' outputs, over all trials.
  ProductError output;
  /// Share of samples whose class is that of the integers, over all trials.
  double agreement = 0;
  std::vector<LayerReport> layers;
  std::vector<AloneReport> worst;    ///< lowest signal-to-noise ratio first
  std::vector<Confusion> confusions; ///< of the first trial

  Spread top1() const;
  Spread top5() const;
};

/// Evaluates `tiled`, the module `imported` at phase `tiled` (or a later one
/// with the same products). Errors of compiling are diagnostics and an empty
/// message here.
llvm::Expected<Evaluation> evaluate(mlir::ModuleOp imported,
                                    mlir::ModuleOp tiled, const Dataset &data,
                                    const EvaluateOptions &options);

} // namespace imc::accuracy

#endif // IMC_ACCURACY_EVALUATE_H
