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

namespace onnx {
class GraphProto;
class ModelProto;
class ValueInfoProto;
} // namespace onnx

namespace imc::onnximport {

class GraphImporter {
public:
  GraphImporter(onnx::ModelProto &model, llvm::StringRef file,
                mlir::MLIRContext *context, const ONNXImportOptions &options);

  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> import();

private:
  /// The whole file, for errors that no node causes.
  mlir::Location fileLoc() const;
  mlir::InFlightDiagnostic error() const;

  mlir::LogicalResult checkModel();
  /// Sorts the bindings into inputs and dimensions; refuses those that match
  /// nothing or contradict each other.
  mlir::LogicalResult resolveBindings();
  mlir::LogicalResult readInitializers();
  mlir::FailureOr<llvm::SmallVector<int64_t, 4>>
  inputShape(const onnx::ValueInfoProto &input);
  mlir::LogicalResult createFunction();
  mlir::LogicalResult importNode(int index);
  mlir::LogicalResult checkInputs(const onnx::NodeProto &node, int index,
                                  llvm::StringRef nodeName, mlir::Location loc);
  mlir::LogicalResult finish();
  void checkOutputShape(const onnx::ValueInfoProto &output, mlir::Value value);

  /// The name of a node in locations: its own, or its first output's; made
  /// unique, because passes tell layers apart by it.
  std::string nodeName(const onnx::NodeProto &node, int index);

  onnx::ModelProto &model;
  onnx::GraphProto &graph;
  std::string file;
  mlir::MLIRContext *context;
  const ONNXImportOptions &options;
  TensorReader reader;
  mlir::OpBuilder builder;

  int64_t opset = 0;
  int64_t parameters = 0;
  SymbolTable symbols;
  llvm::StringMap<int> producers; ///< value name -> index of its node
  llvm::StringSet<> nodeNames;
  llvm::StringMap<llvm::SmallVector<int64_t, 4>> inputBindings;
  llvm::StringMap<int64_t> dimBindings;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
