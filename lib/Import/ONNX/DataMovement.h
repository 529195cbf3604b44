//===- DataMovement.h - Reading elements at positions -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What ops that only move data have in common: results whose elements are read
// at positions known at import (slices, padding, nearest neighbours) or at
// positions computed at run time (gathers). A position at run time never leads
// outside of a tensor, whatever the data are.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_DATAMOVEMENT_H
#define IMC_LIB_IMPORT_ONNX_DATAMOVEMENT_H

#include "Build.h"
#include "Node.h"
#include "ScalarOps.h"

namespace imc::onnximport {

/// Most positions of one axis that are kept in a table.
constexpr int64_t kMaxPositions = int64_t(1) << 20;

/// Where the elements of a result lie along one axis of the source: at
/// `start + i * step`, or, when `table` has values, at `table[i]`.
struct Positions {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
  llvm::SmallVector<int64_t, 4> table;

  static Positions all(int64_t size) { return {0, 1, size, {}}; }
  /// Positions by number; a table only when they are not evenly spaced.
  static Positions of(llvm::ArrayRef<int64_t> positions);
  int64_t at(int64_t i) const {
    return table.empty() ? start + i * step : table[i];
  }
};

/// The elements of `source` at one `Positions` per axis, all of which are
/// valid: `tensor.extract_slice` when they ascend evenly, else a
/// `linalg.generic` that reads. A known source that does not grow is copied at
/// import, so that parts of weights stay weights.
mlir::FailureOr<Binding> take(Node &node, const Binding &source,
                              llvm::ArrayRef<Positions> positions);

/// `tensor.extract`.
mlir::Value extract(mlir::OpBuilder &b, mlir::Location l, mlir::Value tensor,
                    mlir::ValueRange indices);

/// The indices of the loops around, one per dimension, of the body of
/// `elementwise`.
llvm::SmallVector<mlir::Value, 4> loopIndices(mlir::OpBuilder &b,
                                              mlir::Location l, size_t rank);

/// An index of a dimension of `size` elements from an integer of the data:
/// negative ones count from the end. What is outside becomes the nearest index.
mlir::Value wrappedIndex(mlir::OpBuilder &b, mlir::Location l,
                         mlir::Value integer, bool isUnsigned, int64_t size);

/// The same without the last step: outside of [0, size) when the integer is.
mlir::Value rawIndex(mlir::OpBuilder &b, mlir::Location l, mlir::Value integer,
                     bool isUnsigned, int64_t size);

/// `index` limited to [0, size).
mlir::Value clampedIndex(mlir::OpBuilder &b, mlir::Location l,
                         mlir::Value index, int64_t size);

/// i1: 0 <= index < size.
mlir::Value isInside(mlir::OpBuilder &b, mlir::Location l, mlir::Value index,
                     int64_t size);

/// Refuses indices known at import that are outside of [-size, size), where the
/// sizes take turns.
mlir::LogicalResult checkIndices(Node &node, unsigned input,
                                 llvm::ArrayRef<int64_t> sizes);

/// The first element of a known tensor as an attribute of its type in IR.
mlir::TypedAttr firstElement(mlir::MLIRContext *context, const Constant &known);

/// `tensor.extract_slice` with steps of 1; the value itself when it is whole.
mlir::Value slice(mlir::OpBuilder &b, mlir::Location l, mlir::Value value,
                  llvm::ArrayRef<int64_t> offsets,
                  llvm::ArrayRef<int64_t> sizes);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_DATAMOVEMENT_H
