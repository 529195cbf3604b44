//===- Tensor.h - Dense tensors and their files -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A dense host tensor in row-major order and the two file forms in which
// models' inputs and outputs travel:
//  - NumPy's .npy (format versions 1 to 3; NEP 1 of NumPy): little endian, C
//    order, element types f2, f4, f8, i1 to i8, u1 to u8 and b1. NumPy has no
//    bfloat16: such tensors are written as f4, which holds every bfloat16;
//  - ONNX's .pb (one serialized TensorProto of onnx.proto3): the same element
//    types and bfloat16, as raw_data or as the typed repeated fields. The two
//    values that int4 and uint4 pack into a byte are unpacked to i8 and u8.
// Anything else (Fortran order, big endian, complex numbers, strings, external
// data, truncated files) is refused by an error that names the file, what was
// found and what to do. Reading never allocates more than a small multiple of
// the file's size.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_TENSOR_H
#define IMC_EXECUTE_TENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace imc::execute {

/// Element types that models read and write. `Bool` is one byte, 0 or 1.
enum class ElementType {
  F16,
  BF16,
  F32,
  F64,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64,
  U64,
  Bool
};

/// Bytes of one element: the digits of the name divided by 8, or 1.
int64_t byteWidth(ElementType type);

/// "f16", "bf16", …, "u64" or "bool", as messages spell it.
llvm::StringRef toString(ElementType type);

/// One of f16, bf16, f32 and f64.
bool isFloat(ElementType type);

/// A dense tensor that owns its elements in row-major order.
struct Tensor {
  ElementType type = ElementType::F32;
  /// Extents, outermost first; empty for a scalar. An extent may be zero.
  std::vector<int64_t> shape;
  /// numElements() * byteWidth(type) bytes in the host's order.
  std::vector<char> data;

  /// A tensor of zeros.
  static Tensor zeros(ElementType type, llvm::ArrayRef<int64_t> shape);

  /// Product of the extents; 1 for a scalar.
  int64_t numElements() const;

  /// The elements as `T`, whose size must be byteWidth(type).
  template <typename T>
  llvm::MutableArrayRef<T> as() {
    return {reinterpret_cast<T *>(data.data()), data.size() / sizeof(T)};
  }
  template <typename T>
  llvm::ArrayRef<T> as() const {
    return {reinterpret_cast<const T *>(data.data()), data.size() / sizeof(T)};
  }

  /// Element `index` (row-major) as a double; 64-bit integers beyond 2^53
  /// round.
  double at(int64_t index) const;

  /// Shape and type as in "1x3x224x224xf32"; "f32" for a scalar.
  std::string describe() const;
};

/// Reads a tensor; the form follows the extension, `.npy` or `.pb`.
llvm::Expected<Tensor> readTensor(llvm::StringRef path);

/// Decodes the bytes of a `.npy` file; `name` is used in messages.
llvm::Expected<Tensor> parseNpy(llvm::StringRef bytes, llvm::StringRef name);

/// Decodes a serialized ONNX TensorProto; `name` is used in messages.
llvm::Expected<Tensor> parseTensorProto(llvm::StringRef bytes,
                                        llvm::StringRef name);

/// The bytes of a version 1.0 `.npy` file; a bfloat16 tensor is widened to
/// float32.
std::string serializeNpy(const Tensor &tensor);

/// Writes `.npy` files as a whole: every tensor goes to a temporary file beside
/// its target first, and only when all of them are complete are they renamed,
/// so that a failure leaves no partial file and no half-written set.
/// `paths` and `tensors` have the same length.
llvm::Error writeNpyFiles(llvm::ArrayRef<std::string> paths,
                          llvm::ArrayRef<Tensor> tensors);

/// Reads a list of tensors. `paths` are either single files, taken in the
/// given order, or exactly one directory, whose `<prefix>_0.npy|pb`,
/// `<prefix>_1.npy|pb`, … are taken up to the first missing number (the layout
/// of ONNX's own test data). Refuses a directory without `<prefix>_0` and a
/// number that is there in both forms.
llvm::Expected<std::vector<Tensor>>
readTensors(llvm::ArrayRef<std::string> paths, llvm::StringRef prefix);

} // namespace imc::execute

#endif // IMC_EXECUTE_TENSOR_H
