//===- OpTable.h - The supported ONNX ops -----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One line per op: the versions that the lowering knows, how many inputs and
// outputs it takes, the function that lowers it, and the text of the reference
// page. The importer obeys this table and docs/reference/onnx-ops.md prints it.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_OPTABLE_H
#define IMC_LIB_IMPORT_ONNX_OPTABLE_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace imc::onnximport {

class Node;

/// Opsets of the default domain that are read. Below 7 broadcasting had other
/// rules; above, ops may have changed without our knowing.
constexpr int64_t kMinOpset = 7;
constexpr int64_t kMaxOpset = 28;

struct OpEntry {
  llvm::StringRef name;
  /// The "since versions" that the lowering implements, ascending. The one that
  /// applies is the last that does not exceed the model's opset.
  std::vector<int> versions;
  int minInputs;
  int maxInputs; ///< -1: any number
  int outputs;   ///< later outputs are refused when they are used
  mlir::LogicalResult (*lower)(Node &);
  llvm::StringRef becomes;
  llvm::StringRef limits;
};

/// All supported ops in alphabetical order.
llvm::ArrayRef<OpEntry> opTable();

/// The entry of `name`, or null.
const OpEntry *findOp(llvm::StringRef name);

/// Why an op that is not in the table is not there, and what to do instead.
llvm::StringRef explainUnsupported(llvm::StringRef name);

// The lowering functions, one per op or family (Ops*.cpp).
#define IMC_ONNX_LOWERING(NAME) mlir::LogicalResult lower##NAME(Node &node);
IMC_ONNX_LOWERING(Arithmetic) // Add, Sub, Mul, Div
IMC_ONNX_LOWERING(AveragePool)
IMC_ONNX_LOWERING(BatchNormalization)
IMC_ONNX_LOWERING(Cast)
IMC_ONNX_LOWERING(Clip)
IMC_ONNX_LOWERING(Concat)
IMC_ONNX_LOWERING(Constant)
IMC_ONNX_LOWERING(ConstantOfShape)
IMC_ONNX_LOWERING(Conv)
IMC_ONNX_LOWERING(Dropout)
IMC_ONNX_LOWERING(Flatten)
IMC_ONNX_LOWERING(Gather)
IMC_ONNX_LOWERING(Gemm)
IMC_ONNX_LOWERING(GlobalAveragePool)
IMC_ONNX_LOWERING(Identity)
IMC_ONNX_LOWERING(MatMul)
IMC_ONNX_LOWERING(MaxPool)
IMC_ONNX_LOWERING(Pad)
IMC_ONNX_LOWERING(ReduceMean)
IMC_ONNX_LOWERING(Reshape)
IMC_ONNX_LOWERING(Shape)
IMC_ONNX_LOWERING(Slice)
IMC_ONNX_LOWERING(Softmax)
IMC_ONNX_LOWERING(Squeeze)
IMC_ONNX_LOWERING(Transpose)
IMC_ONNX_LOWERING(Unary) // Relu, Sigmoid, HardSwish, …
IMC_ONNX_LOWERING(Unsqueeze)
#undef IMC_ONNX_LOWERING

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_OPTABLE_H
