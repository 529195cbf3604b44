//===- WideFloat.h - Sums of 16-bit floats in 32 bits -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FLOAT16 and BFLOAT16 are storage types: sums of them run in f32 and are
// rounded once. Weights of these types become f32 at import, so that a product
// with them is a product like any other.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_WIDEFLOAT_H
#define IMC_LIB_IMPORT_ONNX_WIDEFLOAT_H

#include "Build.h"
#include "Node.h"

namespace imc::onnximport {

/// The type in which sums of `type` run: f32 for f16 and bf16, else itself.
mlir::Type wideType(mlir::Type type);

/// A float tensor in another float type; the value itself if it is its own.
mlir::Value castFloat(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, mlir::Type element);

/// Within a body.
mlir::Value castFloatScalar(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                            mlir::Type type);

/// A float binding as a tensor of `shape` whose element type is wide; a stored
/// one is converted at import.
mlir::FailureOr<mlir::Value> wideTensor(Node &node, const Binding &binding,
                                        llvm::ArrayRef<int64_t> shape);
mlir::FailureOr<mlir::Value> wideTensor(Node &node, const Binding &binding);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_WIDEFLOAT_H
