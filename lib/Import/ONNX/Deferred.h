//===- Deferred.h - Real numbers that may never be computed -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quantized model says DequantizeLinear, a float op, QuantizeLinear where it
// means an op on integers. So the real numbers between the two are described
// first, and computed only when something needs them as such:
//   Dequantized   f32(x − zero) · scale, of codes x
//   ScaledSums    clamp(f32(f64(acc + bias) · multiplier), lo, hi), of the
//                 integer sums acc of a product (rule R7 of
//                 docs/phases/rounding.md)
// Lowerings other than those of quantized nodes never see one: Node computes it
// on the first ordinary access.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_DEFERRED_H
#define IMC_LIB_IMPORT_ONNX_DEFERRED_H

#include "Node.h"
#include <limits>

namespace imc::onnximport {

/// Codes and what they stand for, (x − zero) · scale; of type FLOAT.
struct Dequantized {
  Binding x;
  /// One of each, or one per index of dimension `axis`.
  std::vector<float> scale;
  std::vector<int64_t> zero;
  int64_t axis = 0;

  bool perTensor() const { return scale.size() == 1 && zero.size() == 1; }
  float scaleAt(int64_t i) const { return scale[scale.size() == 1 ? 0 : i]; }
  int64_t zeroAt(int64_t i) const { return zero[zero.size() == 1 ? 0 : i]; }
};

/// Integer sums with their channels in dimension 1, and what they stand for.
struct ScaledSums {
  mlir::Value acc;                ///< i32 or i64
  std::vector<int64_t> bias;      ///< per channel, modulo the width of acc
  std::vector<double> multiplier; ///< per channel
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
};

struct Deferred {
  /// Shape of the numbers; sums are reshaped to it.
  llvm::SmallVector<int64_t, 4> shape;
  mlir::Location loc;
  std::variant<Dequantized, ScaledSums> what;
  Binding computed;

  const Dequantized *dequantized() const {
    return std::get_if<Dequantized>(&what);
  }
  const ScaledSums *sums() const { return std::get_if<ScaledSums>(&what); }
  /// Whether its numbers are known at import.
  bool isKnown() const;
};

/// A binding for numbers that are computed when they are needed.
Binding defer(llvm::ArrayRef<int64_t> shape, mlir::Location loc,
              std::variant<Dequantized, ScaledSums> what);

/// The numbers: a constant if they are known, else a tensor of the program,
/// made once.
Binding compute(mlir::OpBuilder &builder, Deferred &deferred);

/// Lowers a node with uncomputed inputs on the integers behind them, if it can:
/// true when it did, false when nothing was done.
mlir::FailureOr<bool> lowerOnIntegers(Node &node);

/// What QuantizeLinear does with an uncomputed input, if it can do better than
/// to divide numbers: the codes, or an empty binding. `zero` is a code of
/// `onnxType`.
mlir::FailureOr<Binding> quantizeDeferred(Node &node, Deferred &x, float scale,
                                          int64_t zero, int onnxType);

/// Codes of a type that quantization knows (4, 8 or 16 bits): its range.
/// Nothing for other types.
std::optional<std::pair<int64_t, int64_t>> codeRange(int onnxType);

/// A constant vector of the program.
mlir::Value vectorOf(mlir::OpBuilder &builder, mlir::Location loc,
                     llvm::ArrayRef<double> values);
/// Integers, cut to the width of `element`.
mlir::Value vectorOf(mlir::OpBuilder &builder, mlir::Location loc,
                     llvm::ArrayRef<int64_t> values, mlir::Type element);
/// A constant of rank 0.
mlir::Value scalarOf(mlir::OpBuilder &builder, mlir::Location loc,
                     int32_t value);
mlir::Value scalarOf(mlir::OpBuilder &builder, mlir::Location loc, float value);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_DEFERRED_H
