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
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <variant>

namespace onnx {
class AttributeProto;
class NodeProto;
} // namespace onnx

namespace imc::onnximport {

struct Deferred;
struct OpEntry;

/// What an ONNX value name stands for: a tensor of the program, one known at
/// import, or one not computed yet (Deferred.h), which only the lowering of
/// quantized nodes sees. Empty for an optional input that is left out.
class Binding {
public:
  Binding() = default;
  Binding(Constant constant)
      : what(std::move(constant)), type(std::get<Constant>(what).onnxType()) {}
  Binding(mlir::Value value, int onnxType) : what(value), type(onnxType) {}

  Binding(std::shared_ptr<Deferred> deferred);

  bool empty() const { return std::holds_alternative<std::monostate>(what); }
  const Constant *constant() const { return std::get_if<Constant>(&what); }
  /// Null unless it is a tensor of the program.
  mlir::Value value() const {
    const mlir::Value *found = std::get_if<mlir::Value>(&what);
    return found ? *found : mlir::Value();
  }
  /// Null unless it is not computed yet.
  Deferred *deferred() const {
    auto *found = std::get_if<std::shared_ptr<Deferred>>(&what);
    return found ? found->get() : nullptr;
  }
  int onnxType() const { return type; }
  llvm::ArrayRef<int64_t> shape() const;

private:
  std::variant<std::monostate, mlir::Value, Constant, std::shared_ptr<Deferred>>
      what;
  int type = 0;
};

using SymbolTable = llvm::StringMap<Binding>;

/// Tensors of the program that stand for known ones, in the order of creation.
using Placeholders = llvm::MapVector<mlir::Value, Constant>;

/// What all nodes of one import share.
struct ImportState {
  TensorReader &reader;
  /// Scalar operations that constant folding may still spend in this import.
  int64_t foldBudget;
  /// While a node whose inputs are all known is lowered: what its operands in
  /// the program stand for (see Fold.h).
  Placeholders placeholders;
  bool folding = false;
  /// Bytes that copies of known tensors may still take: some for each import,
  /// and as many as the file's tensors have.
  int64_t copyBudget = int64_t(1) << 27;
  /// Bytes of tensors that the file stores, and of those that were computed
  /// from them (transposed, tabulated, folded): see `Node::count`.
  int64_t storedBytes = 0;
  int64_t computedBytes = 0;
};

/// Computed tensors may take this much and 8 times what the file stores. Some
/// bytes of a file can ask for a table of millions, many times over.
constexpr int64_t kMaxComputedBytes = int64_t(1) << 28;

/// An attribute given to `Node::call`.
struct CallAttribute {
  llvm::StringRef name;
  std::variant<int64_t, float, std::string, llvm::SmallVector<int64_t, 4>>
      value;
};

class Node {
public:
  Node(onnx::NodeProto &proto, const OpEntry &entry, int64_t opset,
       llvm::StringRef name, mlir::Location loc, mlir::OpBuilder &builder,
       SymbolTable &symbols, ImportState &state)
      : loc(loc), builder(builder), proto(proto), entry(entry), opset(opset),
        name(name.str()), symbols(symbols), state(state) {}

  /// Location of everything that the node becomes.
  const mlir::Location loc;
  mlir::OpBuilder &builder;

  /// Checks the input types against the table, lowers the node, folds what is
  /// known, and refuses attributes that nothing read.
  mlir::LogicalResult lower();

  /// An error at the node; starts with "node 'conv1' (Conv, opset 17): ".
  mlir::InFlightDiagnostic error() const;
  /// The version of the op that the model's opset means ("since version").
  int64_t version() const;
  /// The op's name, for functions that lower a family.
  llvm::StringRef op() const;
  /// Whether the table lets input 0 have this type.
  bool takes(int onnxType) const;

  //===-- Inputs ---------------------------------------------------------===//

  unsigned numInputs() const;
  unsigned numOutputs() const;
  /// True unless the input is left out (absent at the end, or an empty name).
  bool hasInput(unsigned i) const;
  /// True when something may use output `i`.
  bool hasOutput(unsigned i) const;
  /// The input, to hand it on to `call`; empty when it is left out.
  Binding input(unsigned i) const;
  /// The same, left uncomputed if it is.
  Binding uncomputed(unsigned i) const;
  /// The input if it is known while importing, else null.
  const Constant *constant(unsigned i) const;
  /// Shape of any input.
  mlir::FailureOr<llvm::SmallVector<int64_t, 4>> shape(unsigned i) const;
  /// TensorProto::DataType of any input.
  int elementType(unsigned i) const;
  bool isUnsigned(unsigned i) const { return isUnsignedType(elementType(i)); }
  /// The input as a tensor of the program; a constant is materialized.
  mlir::FailureOr<mlir::Value> tensor(unsigned i) const;
  /// The same, reshaped (a constant is reshaped before it is materialized).
  mlir::FailureOr<mlir::Value> tensor(unsigned i,
                                      llvm::ArrayRef<int64_t> shape) const;
  /// Any binding as a tensor of the program.
  mlir::FailureOr<mlir::Value> tensor(const Binding &binding) const;
  mlir::FailureOr<mlir::Value> tensor(const Binding &binding,
                                      llvm::ArrayRef<int64_t> shape) const;
  /// The input as integers that must be known; refused when computed at run
  /// time. `what` names it in the error ("shape").
  mlir::FailureOr<llvm::SmallVector<int64_t, 4>>
  integers(unsigned i, const char *what) const;
  /// The input as one number (any float, integer or BOOL) that must be known.
  mlir::FailureOr<double> scalar(unsigned i, const char *what) const;

  //===-- Attributes: `value` holds the default, is replaced when present ===//

  bool hasAttribute(llvm::StringRef name) const;
  mlir::LogicalResult attribute(llvm::StringRef name, int64_t &value);
  mlir::LogicalResult attribute(llvm::StringRef name, float &value);
  mlir::LogicalResult attribute(llvm::StringRef name, std::string &value);
  mlir::LogicalResult attribute(llvm::StringRef name,
                                llvm::SmallVector<int64_t, 4> &value);
  mlir::LogicalResult attribute(llvm::StringRef name,
                                std::vector<float> &value);
  mlir::LogicalResult attribute(llvm::StringRef name,
                                std::vector<std::string> &value);
  mlir::FailureOr<Constant> tensorAttribute(llvm::StringRef name);
  /// Reads and drops an attribute that has no meaning in inference.
  void ignoreAttribute(llvm::StringRef name) { used.insert(name); }

  //===-- Results --------------------------------------------------------===//

  /// `shape` of the element type of input 0 (f32 without inputs) or of
  /// `onnxType`; refused when a dimension is negative or it is too large.
  mlir::FailureOr<mlir::RankedTensorType>
  type(llvm::ArrayRef<int64_t> shape) const;
  mlir::FailureOr<mlir::RankedTensorType> type(llvm::ArrayRef<int64_t> shape,
                                               int onnxType) const;
  /// Output `i`. Without `onnxType` it has the type of input 0 when that has
  /// the same type in IR, else the signed type.
  mlir::LogicalResult result(mlir::Value value, unsigned i = 0,
                             int onnxType = 0);
  mlir::LogicalResult result(Constant value, unsigned i = 0);
  mlir::LogicalResult result(Binding value, unsigned i = 0);

  /// Lowers this same node, with its attributes, for another input 0; gives
  /// its first output.
  mlir::FailureOr<Binding> on(Binding input0);

  /// Lowers another op of the table as a part of this one, with the meaning of
  /// its newest version, and gives its outputs (`outputs` of them). For ops
  /// that ONNX defines by a function body.
  mlir::FailureOr<llvm::SmallVector<Binding, 1>>
  callMany(llvm::StringRef op, llvm::ArrayRef<Binding> inputs,
           llvm::ArrayRef<CallAttribute> attributes, unsigned outputs);
  /// The same for one output.
  mlir::FailureOr<Binding> call(llvm::StringRef op,
                                llvm::ArrayRef<Binding> inputs,
                                llvm::ArrayRef<CallAttribute> attributes = {});

  /// Whether a known tensor of `elements` of `onnxType` may be made at import
  /// by copying; counts it. What may not stays in the program.
  bool mayCopy(int64_t elements, int onnxType) const;

  /// One number of type `onnxType` (rank 0), for `call`.
  Binding number(double value, int onnxType) const;
  /// INT64 integers in one dimension, for `call`.
  Binding list(llvm::ArrayRef<int64_t> values) const;

  /// `axis` in [-rank, rank) counted from the front, or an error.
  mlir::FailureOr<int64_t> axis(int64_t axis, int64_t rank) const;
  /// The same for a list; duplicates are refused.
  mlir::LogicalResult axes(llvm::SmallVectorImpl<int64_t> &axes,
                           int64_t rank) const;

private:
  const onnx::AttributeProto *find(llvm::StringRef name, int type,
                                   mlir::LogicalResult &status);
  mlir::LogicalResult checkTypes() const;
  /// Refuses attributes that no call above asked for, and those given twice.
  mlir::LogicalResult checkAttributes() const;
  /// Input `i` after it has been computed.
  const Binding &computed(unsigned i) const;
  bool allInputsKnown() const;
  /// Counts a computed tensor; refuses it beyond `kMaxComputedBytes`.
  mlir::LogicalResult count(const Constant &constant) const;
  /// Evaluates the outputs (Fold.h); those that cannot be stay in the program.
  void fold(mlir::Block *block, mlir::Operation *before);

  onnx::NodeProto &proto;
  const OpEntry &entry;
  int64_t opset;
  std::string name;
  /// "Attention -> " in the error of an op that is part of another.
  std::string caller;
  SymbolTable &symbols;
  ImportState &state;
  llvm::StringSet<> used;
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_NODE_H
