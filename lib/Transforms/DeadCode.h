//===- DeadCode.h - Erases what a rewrite has made unused -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_TRANSFORMS_DEADCODE_H
#define IMC_LIB_TRANSFORMS_DEADCODE_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace imc::detail {

/// Erases those of `candidates` that are dead, and then what fed them, as far
/// as nothing else uses it. An op stands in the list once, however many ways
/// lead to it. `onErase` is told of each op before it goes.
inline void eraseDead(mlir::RewriterBase &rewriter,
                      llvm::SetVector<mlir::Operation *> candidates,
                      llvm::function_ref<void(mlir::Operation *)> onErase) {
  while (!candidates.empty()) {
    mlir::Operation *op = candidates.pop_back_val();
    if (!mlir::isOpTriviallyDead(op))
      continue;
    for (mlir::Value operand : op->getOperands())
      if (mlir::Operation *producer = operand.getDefiningOp())
        candidates.insert(producer);
    onErase(op);
    rewriter.eraseOp(op);
  }
}

} // namespace imc::detail

#endif // IMC_LIB_TRANSFORMS_DEADCODE_H
