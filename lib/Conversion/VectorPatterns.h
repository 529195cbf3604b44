//===- VectorPatterns.h - Upstream's transforms of small ops ----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_CONVERSION_VECTORPATTERNS_H
#define IMC_LIB_CONVERSION_VECTORPATTERNS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

namespace imc {

/// The canonicalizations of the ops that tiling and vectorizing leave.
void addCanonicalizations(mlir::RewritePatternSet &patterns);

/// Replaces linalg ops that are small enough by ops on vectors. Fails where
/// linalg::vectorize does.
mlir::LogicalResult vectorizeAll(mlir::RewriterBase &rewriter,
                                 mlir::func::FuncOp function);

/// Makes vector code of the contractions (m, n, k) in `function`: linalg ops on
/// memrefs of static m and n, a register tile. k becomes a loop, linalg's
/// vectorizer and the lowerings of contractions make outer products of its
/// body, and the sums stay in registers. Fails where upstream does.
mlir::LogicalResult vectorizeTiles(mlir::func::FuncOp function);

} // namespace imc

#endif // IMC_LIB_CONVERSION_VECTORPATTERNS_H
