//===- ElementType.cpp - ONNX element types in MLIR -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementType.h"
#include "mlir/IR/Builders.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using onnx::TensorProto;

namespace imc::onnximport {

static_assert(int(onnxtype::Float) == int(TensorProto::FLOAT) &&
              int(onnxtype::UInt8) == int(TensorProto::UINT8) &&
              int(onnxtype::Int8) == int(TensorProto::INT8) &&
              int(onnxtype::UInt16) == int(TensorProto::UINT16) &&
              int(onnxtype::Int16) == int(TensorProto::INT16) &&
              int(onnxtype::Int32) == int(TensorProto::INT32) &&
              int(onnxtype::Int64) == int(TensorProto::INT64) &&
              int(onnxtype::Bool) == int(TensorProto::BOOL) &&
              int(onnxtype::Float16) == int(TensorProto::FLOAT16) &&
              int(onnxtype::Double) == int(TensorProto::DOUBLE) &&
              int(onnxtype::UInt32) == int(TensorProto::UINT32) &&
              int(onnxtype::UInt64) == int(TensorProto::UINT64) &&
              int(onnxtype::BFloat16) == int(TensorProto::BFLOAT16) &&
              int(onnxtype::UInt4) == int(TensorProto::UINT4) &&
              int(onnxtype::Int4) == int(TensorProto::INT4));

std::string onnxTypeName(int type) {
  if (TensorProto::DataType_IsValid(type))
    return TensorProto::DataType_Name(TensorProto::DataType(type));
  return "type " + std::to_string(type);
}

unsigned typeSetOf(int onnxType) {
  switch (onnxType) {
  case onnxtype::Float:
    return F32;
  case onnxtype::Float16:
  case onnxtype::BFloat16:
    return F16;
  case onnxtype::Double:
    return F64;
  case onnxtype::Int8:
  case onnxtype::Int16:
  case onnxtype::Int32:
  case onnxtype::Int64:
    return SignedIntegers;
  case onnxtype::UInt8:
  case onnxtype::UInt16:
  case onnxtype::UInt32:
  case onnxtype::UInt64:
    return UnsignedIntegers;
  case onnxtype::Bool:
    return Booleans;
  case onnxtype::Int4:
  case onnxtype::UInt4:
    return Int4s;
  default:
    return 0;
  }
}

std::string describeTypes(unsigned set) {
  SmallVector<StringRef> parts;
  if (set & F32)
    parts.push_back("FLOAT");
  if (set & F64)
    parts.push_back("DOUBLE");
  if (set & F16)
    parts.push_back("(B)FLOAT16");
  if ((set & Integers) == Integers)
    parts.push_back("(U)INT8-64");
  else if (set & SignedIntegers)
    parts.push_back("INT8-64");
  else if (set & UnsignedIntegers)
    parts.push_back("UINT8-64");
  if (set & Booleans)
    parts.push_back("BOOL");
  if (set & Int4s)
    parts.push_back("(U)INT4");
  return llvm::join(parts, ", ");
}

Type irType(MLIRContext *context, int onnxType) {
  Builder builder(context);
  switch (onnxType) {
  case onnxtype::Float:
    return builder.getF32Type();
  case onnxtype::Double:
    return builder.getF64Type();
  case onnxtype::Float16:
    return builder.getF16Type();
  case onnxtype::BFloat16:
    return builder.getBF16Type();
  case onnxtype::Bool:
    return builder.getI1Type();
  default:
    if (unsigned bytes = bytesPerElement(onnxType))
      return builder.getIntegerType(8 * bytes);
    return {};
  }
}

int defaultOnnxType(Type type) {
  if (type.isF32())
    return onnxtype::Float;
  if (type.isF64())
    return onnxtype::Double;
  if (type.isF16())
    return onnxtype::Float16;
  if (type.isBF16())
    return onnxtype::BFloat16;
  if (!type.isSignlessInteger())
    return 0;
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return onnxtype::Bool;
  case 8:
    return onnxtype::Int8;
  case 16:
    return onnxtype::Int16;
  case 32:
    return onnxtype::Int32;
  case 64:
    return onnxtype::Int64;
  default:
    return 0;
  }
}

bool isFloatType(int onnxType) { return typeSetOf(onnxType) & Floats; }

bool isIntegerType(int onnxType) {
  return typeSetOf(onnxType) & (Integers | Int4s);
}

bool isUnsignedType(int onnxType) {
  return (typeSetOf(onnxType) & UnsignedIntegers) ||
         onnxType == onnxtype::UInt4;
}

int64_t bytesPerElement(int onnxType) {
  switch (onnxType) {
  case onnxtype::Bool:
  case onnxtype::Int8:
  case onnxtype::UInt8:
  case onnxtype::Int4:
  case onnxtype::UInt4:
    return 1;
  case onnxtype::Int16:
  case onnxtype::UInt16:
  case onnxtype::Float16:
  case onnxtype::BFloat16:
    return 2;
  case onnxtype::Float:
  case onnxtype::Int32:
  case onnxtype::UInt32:
    return 4;
  case onnxtype::Double:
  case onnxtype::Int64:
  case onnxtype::UInt64:
    return 8;
  default:
    return 0;
  }
}

} // namespace imc::onnximport
