//===- ONNX.h - Quantized models as ONNX ------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes what `imc-quantize` decided back into the ONNX model that it came
// from: QuantizeLinear and DequantizeLinear stand around the operands of every
// product, and the rest of the graph is as it was. Other runtimes then compute
// what phase `quantized` computes, up to the rounding of their float sums.
// Neither ONNX nor protobuf types appear here.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPORT_ONNX_H
#define IMC_EXPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace imc {

/// What an export did.
struct ONNXExportSummary {
  int64_t products = 0; ///< nodes whose operands are quantized now
  int64_t integers = 0; ///< products that were in integers before
  /// What was decided and should be said, one sentence each.
  std::vector<std::string> notes;
};

/// Writes the model at `source` to `path` with the integers of `module`, which
/// is `source` at phase `quantized` with constant ranges (imc.range).
///
/// Weights become INT8 initializers (INT4 for 4 bits and fewer from opset 21
/// on) behind a DequantizeLinear with one scale per channel, or one for all
/// where all are equal. Inputs pass QuantizeLinear and DequantizeLinear in
/// UINT8; products with the same input, scale and zero point share them. Fewer
/// than 8 bits are UINT4 (4 bits, from opset 21 on) or a Clip before. The opset
/// is raised to 13 for scales per channel, and to 11 for Clip, where no node of
/// the graph means something else there.
///
/// LSTM, GRU and RNN of one direction and two products keep their state in
/// float, which ONNX cannot round; a note says so.
///
/// Errors are diagnostics that name the node: one that is several other
/// products or whose weight is no stored operand 1, a weight that is not FLOAT,
/// a range measured at run time, an opset that cannot be raised, external data
/// when `path` lies in another folder. Nothing is written then.
mlir::FailureOr<ONNXExportSummary>
exportQDQ(mlir::ModuleOp module, llvm::StringRef source, llvm::StringRef path);

} // namespace imc

#endif // IMC_EXPORT_ONNX_H
