//===- ElementType.h - ONNX element types in MLIR ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An ONNX type is a TensorProto::DataType, kept as int so that only files that
// read protobuf messages include them. In IR, integers are signless: INT8 and
// UINT8 are both i8, and who needs the sign asks for the ONNX type. INT4 and
// UINT4 are stored one to a byte, as i8.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_ELEMENTTYPE_H
#define IMC_LIB_IMPORT_ONNX_ELEMENTTYPE_H

#include "mlir/IR/BuiltinTypes.h"
#include <string>

namespace imc::onnximport {

/// TensorProto::DataType by name; the numbers are those of the ONNX format.
namespace onnxtype {
enum : int {
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
  UInt4 = 21,
  Int4 = 22,
};
} // namespace onnxtype

/// Sets of ONNX types, for the table of ops.
enum TypeSet : unsigned {
  F32 = 1,
  F16 = 2, ///< FLOAT16 and BFLOAT16
  F64 = 4,
  SignedIntegers = 8,
  UnsignedIntegers = 16,
  Booleans = 32,
  Int4s = 64, ///< INT4 and UINT4

  Floats = F32 | F16 | F64,
  Integers = SignedIntegers | UnsignedIntegers,
  Numbers = Floats | Integers,
  AllTypes = Numbers | Booleans | Int4s,
};

/// The set that holds just this type; 0 for a type that is not read.
unsigned typeSetOf(int onnxType);

/// "FLOAT, DOUBLE, INT8 to INT64" for a set.
std::string describeTypes(unsigned set);

/// Element type in IR, or null for a type that is not read (STRING, FLOAT8…).
mlir::Type irType(mlir::MLIRContext *context, int onnxType);

/// The ONNX type that an IR type stands for unless something else is known:
/// signed integers, BOOL for i1. 0 for other types.
int defaultOnnxType(mlir::Type type);

bool isFloatType(int onnxType);
/// Integers of any width, without BOOL.
bool isIntegerType(int onnxType);
bool isUnsignedType(int onnxType);

/// Bytes that a constant holds per element (INT4 unpacked: 1), 0 for a type
/// that is not read.
int64_t bytesPerElement(int onnxType);

/// "FLOAT", "INT64", … or the number of an unknown type.
std::string onnxTypeName(int type);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_ELEMENTTYPE_H
