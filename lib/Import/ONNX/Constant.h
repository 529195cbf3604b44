//===- Constant.h - Tensors known at import ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tensor whose value is known while importing: a weight (f32, bytes shared
// with whatever holds them) or the integers of shape arithmetic. Reshaping
// shares the bytes; only transposing and scaling copy them.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_CONSTANT_H
#define IMC_LIB_IMPORT_ONNX_CONSTANT_H

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
  /// The resource that these bytes became in the module, once they have.
  mlir::DenseResourceElementsAttr resource;
};

class Constant {
public:
  enum class Kind {
    Float,       ///< f32 with bytes
    Missing,     ///< f32 whose bytes are absent; shape only
    Integer,     ///< any integer or boolean type, widened to int64
    Unsupported, ///< a type that no supported op takes (f16, string, …)
  };

  static Constant makeFloat(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                            std::shared_ptr<Blob> blob);
  static Constant makeFloats(llvm::StringRef name,
                             llvm::ArrayRef<int64_t> shape,
                             std::vector<float> values);
  static Constant makeMissing(llvm::StringRef name,
                              llvm::ArrayRef<int64_t> shape);
  static Constant makeIntegers(llvm::StringRef name,
                               llvm::ArrayRef<int64_t> shape,
                               std::vector<int64_t> values, int onnxType);
  static Constant makeUnsupported(llvm::StringRef name,
                                  llvm::ArrayRef<int64_t> shape, int onnxType);

  Kind kind() const { return kindValue; }
  bool isFloat() const { return kindValue == Kind::Float || isMissing(); }
  bool isMissing() const { return kindValue == Kind::Missing; }
  bool isInteger() const { return kindValue == Kind::Integer; }
  llvm::StringRef name() const { return nameText; }
  llvm::ArrayRef<int64_t> shape() const { return dims; }
  int64_t numElements() const { return *countElements(dims); }
  /// TensorProto::DataType of the source.
  int onnxType() const { return type; }

  /// The values; only of kind Float.
  llvm::ArrayRef<float> floats() const;
  /// The values; only of kind Integer.
  llvm::ArrayRef<int64_t> integers() const { return ints; }

  /// The same values in another shape of as many elements.
  Constant reshaped(llvm::ArrayRef<int64_t> shape) const;
  /// result[…, i_permutation[d], …] as in ONNX Transpose: dimension d of the
  /// result is dimension permutation[d] of this.
  Constant transposed(llvm::ArrayRef<int64_t> permutation) const;
  /// Every value times `factor` (one f32 rounding).
  Constant scaled(float factor) const;

  /// Writes the tensor into the module: `arith.constant` (a resource for
  /// weights, inline for one element and for integers) or `imc.missing_weight`.
  mlir::Value materialize(mlir::OpBuilder &builder, mlir::Location loc) const;

private:
  Kind kindValue = Kind::Unsupported;
  int type = 0;
  std::string nameText;
  llvm::SmallVector<int64_t, 4> dims;
  std::shared_ptr<Blob> blob;
  std::vector<int64_t> ints;
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_CONSTANT_H
