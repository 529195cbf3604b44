//===- ZeroPoints.h - Products of integers with zero points -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_TRANSFORMS_ZEROPOINTS_H
#define IMC_LIB_TRANSFORMS_ZEROPOINTS_H

#include "mlir/IR/BuiltinOps.h"

namespace imc::detail {

/// Takes the zero points out of linalg's quantized products (`…_q`,
/// `quantized_matmul`, `quantized_batch_matmul`), so that the product itself is
/// one of the payloads:
///
///   Σ (x − p)(w − q) = Σ x·w − p·Σ w − q·Σ x + n·p·q
///
/// exact in the wrap-around arithmetic of the accumulator. Σ w of a constant
/// weight is computed here and joins the bias; a zero point of 0 leaves
/// nothing. Returns the number of products. Fails, with a diagnostic at the op,
/// when a zero point is not constant.
mlir::FailureOr<int64_t> separateZeroPoints(mlir::ModuleOp module);

} // namespace imc::detail

#endif // IMC_LIB_TRANSFORMS_ZEROPOINTS_H
