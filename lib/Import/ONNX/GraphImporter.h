//===- GraphImporter.h - ONNX graph to module -*- C++ -* ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Walks a graph once in its own order, keeps what every value name stands for,
// and lets the op table lower each node.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define IMC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "Node.h"
#include "imc/Import/ONNX.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "onnx-ml.pb.h"

namespace imc::onnximport {

class GraphImporter {
public:
  GraphImporter(onnx::ModelProto &model, llvm::StringRef file,
                mlir::MLIRContext *context, const ONNXImportOptions &options);

  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> import();

private:
  /// Names and versions that a list of nodes sees: the graph's, or those of one
  /// call of a function.
  struct Scope {
    SymbolTable symbols;
    int64_t opset = 0;
    /// Before the names of nodes within a call ("layer1/").
    std::string prefix;
    /// Value name -> index of its node, to tell a cycle from a missing value.
    llvm::StringMap<int> producers;
    /// Values that are read although no node of the list reads them.
    llvm::StringSet<> outputs;
    /// Values that a node of the list reads.
    llvm::StringSet<> inputs;
    int depth = 0;
  };

  /// The whole file, for errors that no node causes.
  mlir::Location fileLoc() const;
  mlir::InFlightDiagnostic error() const;

  mlir::LogicalResult checkModel();
  /// Sorts the bindings into inputs and dimensions; refuses those that match
  /// nothing or contradict each other.
  mlir::LogicalResult resolveBindings();
  mlir::LogicalResult
  findProducers(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &,
                Scope &scope);
  mlir::LogicalResult readInitializers(onnx::GraphProto &graph, Scope &scope);
  void countParameters();
  mlir::FailureOr<llvm::SmallVector<int64_t, 4>>
  inputShape(const onnx::ValueInfoProto &input);
  mlir::LogicalResult createFunction();
  mlir::LogicalResult importNode(onnx::NodeProto &proto, int index,
                                 Scope &scope);
  mlir::LogicalResult
  checkArity(const onnx::NodeProto &proto, const OpEntry &entry,
             const Scope &scope,
             llvm::function_ref<mlir::InFlightDiagnostic()> error);
  /// A node that calls one of the model's own functions.
  mlir::LogicalResult importCall(const onnx::NodeProto &call,
                                 const onnx::FunctionProto &callee,
                                 Scope &scope, llvm::StringRef name,
                                 mlir::Location loc);
  /// `If` with a known condition becomes the nodes of the branch taken.
  mlir::LogicalResult importIf(onnx::NodeProto &proto, Scope &scope,
                               llvm::StringRef name, mlir::Location loc);
  mlir::LogicalResult checkInputs(const onnx::NodeProto &node, int index,
                                  const Scope &scope, llvm::StringRef nodeName,
                                  mlir::Location loc);
  mlir::LogicalResult finish();
  void checkOutputShape(const onnx::ValueInfoProto &output, mlir::Value value);

  /// The name of a node in locations: its own, or its first output's; made
  /// unique, because passes tell layers apart by it.
  std::string nodeName(const onnx::NodeProto &node, int index,
                       llvm::StringRef prefix);
  /// What the nodes within node `name` have before theirs.
  static std::string innerPrefix(llvm::StringRef name);

  onnx::ModelProto &model;
  onnx::GraphProto &graph;
  std::string file;
  mlir::MLIRContext *context;
  const ONNXImportOptions &options;
  TensorReader reader;
  ImportState state;
  mlir::OpBuilder builder;

  Scope top;
  int64_t parameters = 0;
  /// Nodes of called functions, and the bytes that calls have copied.
  int64_t inlinedNodes = 0;
  int64_t inlinedBytes = 0;
  /// Bytes of all functions in the file.
  int64_t functionBytes = 0;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  /// Names in use, with how often each was asked for again.
  llvm::StringMap<unsigned> nodeNames;
  llvm::StringMap<llvm::SmallVector<int64_t, 4>> inputBindings;
  llvm::StringMap<int64_t> dimBindings;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
