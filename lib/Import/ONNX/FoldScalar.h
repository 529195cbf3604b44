//===- FoldScalar.h - Scalar operations at import ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_FOLDSCALAR_H
#define IMC_LIB_IMPORT_ONNX_FOLDSCALAR_H

#include "Fold.h"

namespace imc::onnximport {

/// `value` rounded to the float type, to nearest even.
double roundTo(mlir::Type type, double value);

/// `value` cut to the width of an integer type and sign-extended; index stays.
int64_t cutTo(mlir::Type type, int64_t value);

/// An op of arith or math on scalars: the operands' values in, the result out.
/// Nothing when the op is not interpreted or has no defined result for these
/// operands (a division by zero).
std::optional<FoldedScalar> evaluateScalar(mlir::Operation *op,
                                           llvm::ArrayRef<FoldedScalar> x);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_FOLDSCALAR_H
