//===- Dataset.h - Labelled samples of a model ------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_DATASET_H
#define IMC_ACCURACY_DATASET_H

#include "imc/Execute/Tensor.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace imc::accuracy {

/// Inputs of a model in groups of its own batch, and what they are.
struct Dataset {
  /// Each a list of inputs in graph order with the model's shapes and types.
  std::vector<std::vector<execute::Tensor>> batches;
  /// One class per sample; batches.size() times the model's batch.
  std::vector<int64_t> labels;
  /// What was decided for the data and should be said, one sentence each.
  std::vector<std::string> notes;

  int64_t batchSize() const {
    return batches.empty() ? 0 : int64_t(labels.size() / batches.size());
  }
};

struct DatasetOptions {
  /// At most so many samples, from the first; 0 takes all.
  int64_t samples = 0;
  /// Leading samples that are left out (they may have been calibrated on).
  int64_t skip = 0;
};

/// Fits the arrays of an archive to the inputs of `module`'s main:
///  - input NAME is the array `NAME` or `in:NAME`; the only input of a model
///    may also be called `x`. The first extent counts samples; the others are
///    the model's, up to extents of 1.
///  - labels are the integer array `y`, `labels` or `label`, one per sample.
///  - integers become the model's type; u8 for an f32 input is an image and
///    divided by 255 (as float32), which is noted.
///  - more labels than samples: the first ones count, which is noted.
/// Anything else is refused, naming array, shape and what was expected; so is a
/// number of samples that the model's batch does not divide.
llvm::Expected<Dataset>
makeDataset(mlir::ModuleOp module,
            const std::map<std::string, execute::Tensor> &arrays,
            const DatasetOptions &options = {});

/// makeDataset of a `.npz` file; errors name it.
llvm::Expected<Dataset> readDataset(mlir::ModuleOp module, llvm::StringRef path,
                                    const DatasetOptions &options = {});

} // namespace imc::accuracy

#endif // IMC_ACCURACY_DATASET_H
