//===- ONNX.h - ONNX models as linalg on static shapes ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads an ONNX file (https://onnx.ai/onnx/repo-docs/IR.html) and builds the
// module of phase `imported` (docs/phases/imported.md): one `func.func @main`
// of linalg, tensor, arith and math ops on static f32 tensors, whose locations
// name the ONNX nodes. Neither ONNX nor protobuf types appear here, so nothing
// above this library depends on them.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_IMPORT_ONNX_H
#define IMC_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace imc {

/// Values for the symbolic dimensions of one graph input (`name` is the input,
/// `dims` its whole shape) or for one named dimension wherever it occurs
/// (`name` is the dimension, `dims` holds one value). An input's name wins
/// where both exist. Fixed dimensions may be repeated, not changed.
struct ONNXShapeBinding {
  std::string name;
  llvm::SmallVector<int64_t, 4> dims;
};

/// Parses the text of `--shape`: `input=1x3x224x224` or `N=1`. Dimensions are
/// elements, at least 1. The error says which part of the text is wrong.
llvm::Expected<ONNXShapeBinding> parseONNXShapeBinding(llvm::StringRef text);

struct ONNXImportOptions {
  /// Every binding must name an input or a symbolic dimension of the model; a
  /// binding that matches nothing, or two that disagree, are errors.
  std::vector<ONNXShapeBinding> shapes;

  /// Value of every input's first dimension that is symbolic and bound by
  /// nothing: for callers that bring samples one by one. 0: it is refused.
  int64_t batch = 0;

  /// The folder that external data must lie in. `importONNX` sets it to the
  /// model's folder. Empty (the default for buffers): no file is opened, and
  /// external tensors become `imc.missing_weight`.
  std::string folder;
};

/// Loads the dialects that an imported module consists of.
void registerONNXImportDialects(mlir::DialectRegistry &registry);

/// Imports the model at `path`.
///
/// The result is verified. Its module attributes are `imc.phase = "imported"`
/// and `imc.parameters` (i64: elements of the trained weights and biases, each
/// stored tensor counted once); its symbol name is the file's stem. Weights are
/// `arith.constant dense_resource<…>` whose bytes stay where they were read
/// (moved out of the parsed file, or mapped from the external-data file), so a
/// model is not held in memory twice; only a transposed weight is copied.
/// A weight whose external file does not exist becomes `imc.missing_weight`.
///
/// Errors are MLIR diagnostics, at `"path":<node index>:0` where a node is
/// concerned; the text names file, node, op and opset, the value that is wrong
/// and the way out. Refused are, among others: ops that are not in
/// docs/reference/onnx-ops.md, dimensions left symbolic, files over 2 GiB
/// (protobuf's limit: store weights as external data), external data outside
/// the model's folder, tensors whose bytes do not match their shape, names
/// defined twice, graphs that are not sorted, more than 2^34 elements in one
/// tensor. No input, however broken, may crash this function.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::StringRef path, mlir::MLIRContext *context,
           const ONNXImportOptions &options = {});

/// The same from bytes in memory (fuzzing, standard input). `name` is what
/// diagnostics and locations call the file.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importONNXFromBuffer(llvm::StringRef bytes, llvm::StringRef name,
                     mlir::MLIRContext *context,
                     const ONNXImportOptions &options = {});

/// Writes docs/reference/onnx-ops.md: the table of ops, versions and limits,
/// from the same table that the importer obeys.
void printONNXOpReference(llvm::raw_ostream &os);

/// Registers `imc-translate --import-onnx` (with `--shape`, repeatable) and
/// `imc-translate --print-onnx-ops`, which ignores its input. Call once, from a
/// tool's main function: it creates command-line options.
void registerONNXTranslation();

} // namespace imc

#endif // IMC_IMPORT_ONNX_H
