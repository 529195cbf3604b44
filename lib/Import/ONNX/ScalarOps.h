//===- ScalarOps.h - Scalar operations of any element type ------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the bodies of elementwise and reducing ops consist of, for floats and
// for integers. IR integers have no sign, so who calls says which is meant.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_SCALAROPS_H
#define IMC_LIB_IMPORT_ONNX_SCALAROPS_H

#include "ElementType.h"
#include "mlir/IR/Builders.h"

namespace imc::onnximport {

/// `arith.constant` of any float, integer or index type; integers are cut.
mlir::Value scalar(mlir::OpBuilder &b, mlir::Location l, mlir::Type type,
                   double value);
mlir::Value integerScalar(mlir::OpBuilder &b, mlir::Location l, mlir::Type type,
                          int64_t value);

/// The least and the greatest value of a type (infinities for floats): where a
/// maximum and a minimum start.
mlir::TypedAttr lowestValue(mlir::Type type, bool isUnsigned);
mlir::TypedAttr highestValue(mlir::Type type, bool isUnsigned);

mlir::Value add(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                mlir::Value y);
mlir::Value subtract(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                     mlir::Value y);
mlir::Value multiply(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                     mlir::Value y);
/// Integers round toward zero; a division by zero gives 0, as NumPy's, and the
/// least value divided by -1 itself: neither stops the program.
mlir::Value divide(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                   mlir::Value y, bool isUnsigned);
/// NaN wins over any number.
mlir::Value maximum(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                    mlir::Value y, bool isUnsigned);
mlir::Value minimum(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                    mlir::Value y, bool isUnsigned);

enum class Comparison {
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual
};

/// i1; false when a float is NaN, except NotEqual.
mlir::Value compare(mlir::OpBuilder &b, mlir::Location l, Comparison how,
                    mlir::Value x, mlir::Value y, bool isUnsigned);

/// ONNX Cast between two types that are read (onnxtype): floats to integers
/// toward zero, anything to BOOL as "is not zero". Integers are cut.
mlir::Value convert(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                    int fromOnnx, int toOnnx);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_SCALAROPS_H
