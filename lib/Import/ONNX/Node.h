//===- Node.h - One ONNX node while it is lowered ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a lowering function sees: inputs as tensors or as known integers, typed
// attributes, the place for results, and errors that name node, op and opset.
// Every attribute that a lowering reads is marked, so that one which nobody
// read can be refused instead of being silently dropped.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_NODE_H
#define IMC_LIB_IMPORT_ONNX_NODE_H

#include "Constant.h"
#include "TensorReader.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <variant>

namespace onnx {
class AttributeProto;
class NodeProto;
} // namespace onnx

namespace imc::onnximport {

struct OpEntry;

/// What an ONNX value name stands for.
using Binding = std::variant<mlir::Value, Constant>;
using SymbolTable = llvm::StringMap<Binding>;

class Node {
public:
  Node(onnx::NodeProto &proto, const OpEntry &entry, int64_t opset,
       llvm::StringRef name, mlir::Location loc, mlir::OpBuilder &builder,
       SymbolTable &symbols, TensorReader &reader)
      : loc(loc), builder(builder), proto(proto), entry(entry), opset(opset),
        name(name.str()), symbols(symbols), reader(reader) {}

  /// Location of everything that the node becomes.
  const mlir::Location loc;
  mlir::OpBuilder &builder;

  /// An error at the node; starts with "node 'conv1' (Conv, opset 17): ".
  mlir::InFlightDiagnostic error() const;
  /// The version of the op that the model's opset means ("since version").
  int64_t version() const;
  /// The op's name, for functions that lower a family.
  llvm::StringRef op() const;

  //===-- Inputs ---------------------------------------------------------===//

  unsigned numInputs() const;
  unsigned numOutputs() const;
  /// True unless the input is left out (absent at the end, or an empty name).
  bool hasInput(unsigned i) const;
  /// True when something may use output `i`.
  bool hasOutput(unsigned i) const;
  /// The input if it is known while importing, else null.
  const Constant *constant(unsigned i) const;
  /// Shape of any input.
  mlir::FailureOr<llvm::SmallVector<int64_t, 4>> shape(unsigned i) const;
  /// The input as a tensor of f32; a constant is materialized. Integers are
  /// refused: they only occur in shape arithmetic.
  mlir::FailureOr<mlir::Value> tensor(unsigned i) const;
  /// The same, reshaped (a constant is reshaped before it is materialized).
  mlir::FailureOr<mlir::Value> tensor(unsigned i,
                                      llvm::ArrayRef<int64_t> shape) const;
  /// The input as integers that must be known; refused when computed at run
  /// time. `what` names it in the error ("shape").
  mlir::FailureOr<llvm::SmallVector<int64_t, 4>>
  integers(unsigned i, const char *what) const;
  /// The input as one f32 that must be known.
  mlir::FailureOr<float> scalar(unsigned i, const char *what) const;

  //===-- Attributes: `value` holds the default, is replaced when present
  //--===//

  bool hasAttribute(llvm::StringRef name) const;
  mlir::LogicalResult attribute(llvm::StringRef name, int64_t &value);
  mlir::LogicalResult attribute(llvm::StringRef name, float &value);
  mlir::LogicalResult attribute(llvm::StringRef name, std::string &value);
  mlir::LogicalResult attribute(llvm::StringRef name,
                                llvm::SmallVector<int64_t, 4> &value);
  mlir::LogicalResult attribute(llvm::StringRef name,
                                std::vector<float> &value);
  mlir::FailureOr<Constant> tensorAttribute(llvm::StringRef name);
  /// Reads and drops an attribute that has no meaning in inference.
  void ignoreAttribute(llvm::StringRef name) { used.insert(name); }
  /// Refuses attributes that no call above asked for, and those given twice.
  mlir::LogicalResult checkAttributes() const;

  //===-- Results --------------------------------------------------------===//

  /// `shape` of f32, refused when a dimension is below 1 or it is too large.
  mlir::FailureOr<mlir::RankedTensorType>
  type(llvm::ArrayRef<int64_t> shape) const;
  mlir::LogicalResult result(mlir::Value value, unsigned i = 0);
  mlir::LogicalResult result(Constant value, unsigned i = 0);

  /// `axis` in [-rank, rank) counted from the front, or an error.
  mlir::FailureOr<int64_t> axis(int64_t axis, int64_t rank) const;
  /// The same for a list; duplicates are refused.
  mlir::LogicalResult axes(llvm::SmallVectorImpl<int64_t> &axes,
                           int64_t rank) const;

private:
  const onnx::AttributeProto *find(llvm::StringRef name, int type,
                                   mlir::LogicalResult &status);
  mlir::LogicalResult bind(Binding value, unsigned i);

  onnx::NodeProto &proto;
  const OpEntry &entry;
  int64_t opset;
  std::string name;
  SymbolTable &symbols;
  TensorReader &reader;
  llvm::StringSet<> used;
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_NODE_H
