//===- Observe.h - Values inside a model while it runs ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXECUTE_OBSERVE_H
#define IMC_LIB_EXECUTE_OBSERVE_H

#include "imc/Execute/Executor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <memory>
#include <vector>

namespace imc::execute {

/// A compiled copy of a module whose `main` returns, beside its results, f32
/// values from within.
class Observer {
public:
  /// `pick` names the values in the `main` of the copy; it fails with a
  /// diagnostic. Values that are named twice are returned once. Values in
  /// `scf.for` are returned for all iterations, which become the first
  /// dimension.
  static llvm::FailureOr<Observer>
  compile(mlir::ModuleOp module,
          llvm::function_ref<
              llvm::FailureOr<llvm::SmallVector<mlir::Value>>(mlir::ModuleOp)>
              pick);

  /// Calls `see(i, tensor)` for value i, in order, of every sample; errors are
  /// diagnostics of `module`.
  llvm::LogicalResult
  run(mlir::ModuleOp module, llvm::ArrayRef<std::vector<Tensor>> samples,
      llvm::function_ref<llvm::LogicalResult(size_t, const Tensor &)> see);

  /// The value that stands for each that was named.
  std::vector<size_t> value;
  size_t numValues = 0;

private:
  std::unique_ptr<Executor> executor;
  size_t first = 0;
};

} // namespace imc::execute

#endif // IMC_LIB_EXECUTE_OBSERVE_H
