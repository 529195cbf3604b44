//===- BiasCorrection.h - Mean errors go into biases ------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_BIASCORRECTION_H
#define IMC_EXECUTE_BIASCORRECTION_H

#include "imc/Execute/Tensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace imc::execute {

struct BiasCorrection {
  int64_t products = 0;
  /// Root mean square over all channels of the mean error, each relative to the
  /// standard deviation of its channel in the float model; before and after.
  double before = 0, after = 0;
};

/// Adds to the bias of every product what its results are too small on average:
/// rule B1 of docs/phases/quantized.md, `rounds` times for all products at
/// once. `quantized` is `original` (phase `offloaded`) at phase `quantized`.
/// Fails with a diagnostic when a bias is not constant, when a product lies
/// inside another op, and when a model cannot be run; biases may be partly
/// corrected then.
llvm::FailureOr<BiasCorrection>
correctBiases(mlir::ModuleOp original, mlir::ModuleOp quantized,
              llvm::ArrayRef<std::vector<Tensor>> samples, int64_t rounds = 3);

} // namespace imc::execute

#endif // IMC_EXECUTE_BIASCORRECTION_H
