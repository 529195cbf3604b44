//===- Build.h - Small builders of linalg and tensor ops --------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The few shapes of IR that all lowerings consist of. Types are static; callers
// have checked that shapes fit.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_BUILD_H
#define IMC_LIB_IMPORT_ONNX_BUILD_H

#include "ScalarOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace imc::onnximport {

class Node;

/// Shape of a ranked tensor.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// `tensor.empty`.
mlir::Value empty(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::RankedTensorType type);

/// A tensor with every element `value` (`tensor.empty` + `linalg.fill`).
mlir::Value filled(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::RankedTensorType type, double value);
mlir::Value filled(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::RankedTensorType type, mlir::TypedAttr value);

/// The same elements in another shape: nothing, `tensor.collapse_shape`,
/// `tensor.expand_shape`, or both through one dimension.
mlir::Value reshape(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value value, llvm::ArrayRef<int64_t> shape);

/// `tensor.pad` with a constant; the value itself when nothing is padded.
mlir::Value pad(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
                mlir::TypedAttr padding);

/// `linalg.transpose`.
mlir::Value transpose(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, llvm::ArrayRef<int64_t> permutation);

/// `linalg.broadcast` of `value` to `type`; `added` are the dimensions of the
/// result that `value` lacks.
mlir::Value broadcast(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, mlir::RankedTensorType type,
                      llvm::ArrayRef<int64_t> added);

/// An operand of `elementwise`: dimension d of `value` runs with dimension
/// `dims[d]` of the result. `dims` ascends.
struct Operand {
  mlir::Value value;
  llvm::SmallVector<int64_t, 4> dims;
};

/// The operand whose dimensions are those of the result, in order.
Operand whole(mlir::Value value);

/// One parallel `linalg.generic` over `type`; `body` gets the elements of the
/// operands and returns the element of the result.
mlir::Value
elementwise(mlir::OpBuilder &builder, mlir::Location loc,
            mlir::RankedTensorType type, llvm::ArrayRef<Operand> operands,
            llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                           mlir::ValueRange)>
                body);

using Combine = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::Value, mlir::Value)>;

/// `linalg.reduce` over ascending `axes`, which disappear from the shape.
mlir::Value reduce(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value value, llvm::ArrayRef<int64_t> axes,
                   mlir::TypedAttr start, Combine combine);
mlir::Value reduce(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value value, llvm::ArrayRef<int64_t> axes,
                   double start, Combine combine);

/// Mean of floats over `axes`, which keep size 1 if `keep`.
mlir::Value mean(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Value value, llvm::ArrayRef<int64_t> axes, bool keep);

/// The shape that NumPy's rule gives two shapes, or nothing.
std::optional<llvm::SmallVector<int64_t, 4>>
broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

/// Input `i` of `node` as an operand for a result of shape `shape`, to which it
/// broadcasts by NumPy's rule: dimensions of size 1 that are stretched are
/// dropped, so that the indexing map stays a projection.
mlir::FailureOr<Operand> broadcastInput(Node &node, unsigned i,
                                        llvm::ArrayRef<int64_t> shape);
/// The same with the input first reshaped to `from`, of as many elements.
mlir::FailureOr<Operand> broadcastInput(Node &node, unsigned i,
                                        llvm::ArrayRef<int64_t> from,
                                        llvm::ArrayRef<int64_t> shape);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_BUILD_H
