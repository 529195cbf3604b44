//===- Constant.h - Tensors known at import ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tensor whose value is known while importing: a weight (its bytes shared
// with whatever holds them) or the numbers of shape arithmetic. Reshaping
// shares the bytes; only transposing and scaling copy them.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_CONSTANT_H
#define IMC_LIB_IMPORT_ONNX_CONSTANT_H

#include "ElementType.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class OpBuilder;
} // namespace mlir

namespace imc::onnximport {

/// Largest number of elements that any tensor may have. Far above what fits the
/// memory of a machine, and small enough that no product of a few such numbers
/// leaves 64 bits.
constexpr int64_t kMaxElements = int64_t(1) << 34;

/// Largest number of dimensions of a computed tensor.
constexpr size_t kMaxRank = 16;

/// Number of elements, or nothing when a dimension is negative or the product
/// exceeds `kMaxElements`. Rank 0 has one element.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// "1x3x224x224"; "scalar" for rank 0.
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// Bytes with the object that keeps them alive.
struct Blob {
  std::shared_ptr<const void> owner;
  llvm::ArrayRef<char> data;
  /// The bytes lie in a file that is mapped for reading.
  bool mapped = false;
  /// They have been counted (ImportState), as stored or as computed.
  bool counted = false;
  /// The resource that these bytes became in the module, once they have.
  mlir::DenseResourceElementsAttr resource;
};

/// Gives pages of a mapped file back that were read only to be copied; they are
/// read again where they are needed again. Nothing for other bytes.
void releasePages(const Blob &blob);

class Constant {
public:
  enum class Kind {
    Data,        ///< elements of a number type or BOOL
    Missing,     ///< FLOAT whose bytes are absent; shape only
    Unsupported, ///< a type that is not read (string, 8-bit float, …)
  };

  /// `blob` holds bytesPerElement(onnxType) bytes per element in the order of
  /// the host, aligned to their size; INT4 and UINT4 unpacked and extended.
  static Constant make(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                       int onnxType, std::shared_ptr<Blob> blob);
  static Constant makeFloats(llvm::StringRef name,
                             llvm::ArrayRef<int64_t> shape,
                             std::vector<float> values);
  static Constant makeMissing(llvm::StringRef name,
                              llvm::ArrayRef<int64_t> shape);
  /// Integers of any type or BOOL; each value is cut to the type's width.
  static Constant makeIntegers(llvm::StringRef name,
                               llvm::ArrayRef<int64_t> shape,
                               llvm::ArrayRef<int64_t> values,
                               int onnxType = onnxtype::Int64);
  static Constant makeUnsupported(llvm::StringRef name,
                                  llvm::ArrayRef<int64_t> shape, int onnxType);

  Kind kind() const { return kindValue; }
  bool hasData() const { return kindValue == Kind::Data; }
  bool isMissing() const { return kindValue == Kind::Missing; }
  /// FLOAT, with data or missing.
  bool isFloat() const {
    return type == onnxtype::Float && kindValue != Kind::Unsupported;
  }
  /// An integer type or BOOL, with data.
  bool isInteger() const {
    return hasData() && (isIntegerType(type) || type == onnxtype::Bool);
  }
  llvm::StringRef name() const { return nameText; }
  llvm::ArrayRef<int64_t> shape() const { return dims; }
  int64_t numElements() const { return *countElements(dims); }
  /// TensorProto::DataType.
  int onnxType() const { return type; }

  /// The values; only FLOAT with data.
  llvm::ArrayRef<float> floats() const;
  /// The values of an integer type or BOOL, widened; UINT64 wraps.
  llvm::SmallVector<int64_t, 4> integers() const;
  /// Element `i` (row-major) of an integer type or BOOL, widened.
  int64_t integer(int64_t i) const;
  /// Element `i` of a float type.
  double real(int64_t i) const;
  /// The bytes; only with data.
  llvm::ArrayRef<char> bytes() const { return blob->data; }
  /// The number of bytes the first time, then and without data 0.
  int64_t takeCount() const;

  Constant renamed(llvm::StringRef name) const;
  /// The same values in another shape of as many elements.
  Constant reshaped(llvm::ArrayRef<int64_t> shape) const;
  /// Entries [begin, begin + count) of the first dimension; shares the bytes.
  Constant rows(int64_t begin, int64_t count) const;
  /// result[…, i_permutation[d], …] as in ONNX Transpose: dimension d of the
  /// result is dimension permutation[d] of this.
  Constant transposed(llvm::ArrayRef<int64_t> permutation) const;
  /// The same shape with the order along each of `axes` reversed.
  Constant flipped(llvm::ArrayRef<int64_t> axes) const;
  /// Every value of a FLOAT tensor times `factor` (one f32 rounding).
  Constant scaled(float factor) const;

  /// Writes the tensor into the module: `arith.constant` (inline for one
  /// element and for up to 64 integers, else a resource) or
  /// `imc.missing_weight`.
  mlir::Value materialize(mlir::OpBuilder &builder, mlir::Location loc) const;

private:
  Kind kindValue = Kind::Unsupported;
  int type = 0;
  std::string nameText;
  llvm::SmallVector<int64_t, 4> dims;
  std::shared_ptr<Blob> blob;
};

/// A blob that owns `values`.
template <typename T>
std::shared_ptr<Blob> makeBlob(std::vector<T> values) {
  auto owner = std::make_shared<std::vector<T>>(std::move(values));
  auto blob = std::make_shared<Blob>();
  blob->data = llvm::ArrayRef<char>(
      reinterpret_cast<const char *>(owner->data()), owner->size() * sizeof(T));
  blob->owner = owner;
  return blob;
}

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_CONSTANT_H
