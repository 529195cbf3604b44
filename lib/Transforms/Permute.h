//===- Permute.h - Tensors in another order or shape ------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builders that give a tensor another layout with as little work as its
// producer allows: what is filled or broadcast is filled or broadcast anew, a
// transpose of a transpose is one transpose, and moving dimensions of extent 1
// is a reshape. All tensors have static shapes.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_TRANSFORMS_PERMUTE_H
#define IMC_LIB_TRANSFORMS_PERMUTE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace imc::detail {

/// The permutation p with p[permutation[i]] = i.
llvm::SmallVector<int64_t> inverse(llvm::ArrayRef<int64_t> permutation);

bool isIdentity(llvm::ArrayRef<int64_t> permutation);

/// True when the permutation moves no dimension of extent other than 1 past
/// another one: the elements keep their order in memory.
bool keepsOrder(llvm::ArrayRef<int64_t> shape,
                llvm::ArrayRef<int64_t> permutation);

/// Dimension i of the result is dimension permutation[i] of `value`.
mlir::Value permute(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value value, llvm::ArrayRef<int64_t> permutation);

/// The same elements in the same order under another shape of as many elements.
mlir::Value reshape(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value value, llvm::ArrayRef<int64_t> shape);

/// A tensor of `type` filled with one value.
mlir::Value filled(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::RankedTensorType type, mlir::Value scalar);

/// `value` repeated along `dimensions` of a tensor of `shape`.
mlir::Value broadcast(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<int64_t> dimensions);

} // namespace imc::detail

#endif // IMC_LIB_TRANSFORMS_PERMUTE_H
