//===- Constants.h - Constant weights behind reshapes and transposes ------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight is an `arith.constant` of a tensor or an `imc.missing_weight`,
// possibly seen through tensor.collapse_shape, tensor.expand_shape and
// linalg.transpose. ConstantView describes such a value without touching its
// data; materialize() makes one constant of it. Reshapes share the data of the
// original; only a transpose copies.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_CONSTANTS_H
#define IMC_TRANSFORMS_CONSTANTS_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <vector>

namespace imc {

class ConstantView {
public:
  /// The view of `value`, or nullopt when it does not come from a constant.
  static std::optional<ConstantView> match(mlir::Value value);

  /// The defining `arith.constant` or `imc.missing_weight`.
  mlir::Operation *getRoot() const { return root; }

  /// Type of the viewed value, after all steps.
  mlir::RankedTensorType getType() const { return type; }

  /// True when the data is not there (`imc.missing_weight`).
  bool isMissing() const;

  /// True when the view permutes dimensions: its constant needs a copy of the
  /// data.
  bool movesData() const;

  /// Views the value with another shape of the same number of elements.
  ConstantView &reshape(llvm::ArrayRef<int64_t> shape);

  /// Dimension i of the new view is dimension permutation[i] of the old one, as
  /// in linalg.transpose.
  ConstantView &transpose(llvm::ArrayRef<int64_t> permutation);

  /// Same root and same steps.
  bool operator==(const ConstantView &other) const;

  /// True when materialize() finds all that it needs.
  bool hasData() const;

  /// Fails, with an error at `user`, when materialize() would need data that is
  /// not there (a constant whose resource is not in the file).
  mlir::LogicalResult checkData(mlir::Operation *user) const;

  /// Makes a constant with the type of the view and the location of the root at
  /// the insertion point; returns the root's own result when there is no step
  /// to do. The view must have passed checkData().
  mlir::Value materialize(mlir::OpBuilder &builder) const;

private:
  /// A permutation (reshape only when empty), then the shape that follows.
  struct Step {
    llvm::SmallVector<int64_t, 4> permutation;
    llvm::SmallVector<int64_t, 4> shape;
    bool operator==(const Step &other) const {
      return permutation == other.permutation && shape == other.shape;
    }
  };

  mlir::Operation *root = nullptr;
  mlir::RankedTensorType type;
  llvm::SmallVector<Step, 2> steps;
};

/// Raw data of a tensor constant, row-major. `storage` keeps splats expanded.
/// Returns an empty reference, without a diagnostic, when the resource has no
/// blob.
llvm::ArrayRef<char> getRawData(mlir::ElementsAttr attr,
                                std::vector<char> &storage);

/// Elements up to which makeConstantData keeps values in the attribute itself.
constexpr int64_t kMaxInlineElements = 64;

/// The attribute of a tensor constant with the bytes of `blob` (row-major).
/// More than kMaxInlineElements elements become a resource that takes the blob
/// over without a copy; `name` is the key wished for, made unique by the
/// context.
mlir::ElementsAttr makeConstantData(mlir::RankedTensorType type,
                                    llvm::StringRef name,
                                    mlir::AsmResourceBlob blob);

/// Name of a weight: the key of its resource, or the name of the missing
/// weight, or "weight".
llvm::StringRef getWeightName(mlir::Operation *root);

} // namespace imc

#endif // IMC_TRANSFORMS_CONSTANTS_H
