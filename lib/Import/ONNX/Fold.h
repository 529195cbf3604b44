//===- Fold.h - Evaluation of what is known at import -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters compute shapes, masks and positions with ordinary ops. A node whose
// inputs are all known is lowered like any other, and what it became is
// interpreted here: structured ops of linalg through their loops and bodies,
// and the tensor ops that move data. So each ONNX op has one meaning, that of
// its lowering, whether it runs at import or on the machine.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_FOLD_H
#define IMC_LIB_IMPORT_ONNX_FOLD_H

#include "Node.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>
#include <optional>

namespace imc::onnximport {

/// Tensors with more elements are left to the program.
constexpr int64_t kMaxFoldedElements = int64_t(1) << 18;

/// Scalar operations that all folding of one import may cost.
constexpr int64_t kFoldBudget = int64_t(1) << 25;

/// A number during evaluation: `i` for integers and index (sign-extended from
/// the width of the type), `f` for floats (a value of the type).
union FoldedScalar {
  int64_t i;
  double f;
};

/// A tensor during evaluation, row-major.
struct FoldedArray {
  mlir::Type element;
  llvm::SmallVector<int64_t, 4> shape;
  /// Read in place when set, else the elements are in `values`.
  const Constant *known = nullptr;
  std::vector<FoldedScalar> values;

  FoldedScalar at(int64_t i) const;
};

class Evaluator {
public:
  /// `budget` goes down by the operations spent.
  Evaluator(const Placeholders &known, int64_t &budget)
      : known(known), budget(budget) {}

  /// The value, or nothing when it depends on something that is not known, is
  /// produced by an op that is not interpreted, or is too large.
  std::optional<Constant> evaluate(mlir::Value value, llvm::StringRef name,
                                   int onnxType);

private:
  /// Null when it cannot be evaluated; tried once.
  const FoldedArray *get(mlir::Value value);
  std::optional<FoldedArray> compute(mlir::OpResult result);
  std::optional<FoldedArray> computeLinalg(mlir::OpResult result);
  /// Reserves an array and its cost.
  std::optional<FoldedArray> start(mlir::Type type, int64_t cost = 0);
  bool spend(int64_t operations);

  const Placeholders &known;
  int64_t &budget;
  llvm::DenseMap<mlir::Value, std::unique_ptr<FoldedArray>> arrays;
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_FOLD_H
