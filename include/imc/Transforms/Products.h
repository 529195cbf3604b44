//===- Products.h - Products among linalg ops -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decides which linalg ops multiply matrices, and which of these have a matrix
// that is constant. imc-offload, the phase verifier and the extraction of
// workloads share this one classification.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_PRODUCTS_H
#define IMC_TRANSFORMS_PRODUCTS_H

#include "imc/Transforms/Constants.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace imc {

/// A linalg op that is a matrix product or a convolution.
struct LinalgProduct {
  enum class Kind { Matmul, Conv };

  mlir::linalg::LinalgOp op;
  Kind kind = Kind::Matmul;
  /// The constant operand in the layout of imc.matmul (K×N) or imc.conv2d
  /// (F×(C/groups)×KH×KW); nullopt when both operands are activations.
  std::optional<ConstantView> weight;
  /// Of convolutions only.
  llvm::SmallVector<int64_t, 2> strides, dilations;
  int64_t groups = 1;
  /// i8 × i8 → i32 with signed weights, in place of f32; the input is signed
  /// or unsigned.
  bool integer = false, signedInput = false;
};

/// Classifies `op`: nullopt for what is no product (element-wise work, pooling,
/// reductions), a LinalgProduct otherwise. Fails, with a diagnostic at the op,
/// for a product with a constant operand in a form that no imc op has.
mlir::FailureOr<std::optional<LinalgProduct>>
matchProduct(mlir::linalg::LinalgOp op);

/// Multiply-accumulates of a product: the size of its iteration domain.
int64_t countMacs(mlir::linalg::LinalgOp op);

/// The zero point of every sum: true when `value` is a tensor filled with
/// zeros.
bool isZeroFilled(mlir::Value value);

} // namespace imc

#endif // IMC_TRANSFORMS_PRODUCTS_H
