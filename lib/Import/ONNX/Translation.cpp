//===- Translation.cpp - Entry points of the ONNX importer --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-translate/Translation.h"
#include "GraphImporter.h"
#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/ModuleText.h"
#include "imc/Import/ONNX.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "onnx-ml.pb.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace mlir;

namespace imc {

llvm::Expected<ONNXShapeBinding> parseONNXShapeBinding(StringRef text) {
  auto error = [&](const Twine &why) {
    return llvm::createStringError("shape '" + text + "': " + why +
                                   "; write input=1x3x224x224 or N=1");
  };
  // Names of inputs may hold '='; dimensions never do.
  size_t equals = text.rfind('=');
  if (equals == StringRef::npos || equals == 0)
    return error("has no name before '='");
  ONNXShapeBinding binding;
  binding.name = text.take_front(equals).str();
  SmallVector<StringRef> parts;
  text.drop_front(equals + 1).split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim < 0)
      return error("'" + part + "' is not a dimension of at least 0");
    binding.dims.push_back(dim);
  }
  return binding;
}

void registerONNXImportDialects(DialectRegistry &registry) {
  registry.insert<IMCDialect, arith::ArithDialect, func::FuncDialect,
                  linalg::LinalgDialect, math::MathDialect, scf::SCFDialect,
                  tensor::TensorDialect>();
}

FailureOr<OwningOpRef<ModuleOp>>
importONNXFromBuffer(StringRef bytes, StringRef name, MLIRContext *context,
                     const ONNXImportOptions &options) {
  context->loadDialect<IMCDialect, arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       scf::SCFDialect, tensor::TensorDialect>();
  auto error = [&] {
    return emitError(FileLineColLoc::get(context, name, 0, 0));
  };
  if (bytes.size() > size_t(std::numeric_limits<int32_t>::max())) {
    error() << "the file has " << bytes.size()
            << " bytes, more than the 2 GiB that protobuf can read; save the "
               "model with external data";
    return failure();
  }
  onnx::ModelProto model;
  google::protobuf::io::ArrayInputStream stream(bytes.data(),
                                                int(bytes.size()));
  // Partial: ONNX has no required fields, and this does not print to stderr.
  if (!model.ParsePartialFromZeroCopyStream(&stream)) {
    error() << "is not an ONNX model, or the file is truncated or damaged";
    return failure();
  }
  return onnximport::GraphImporter(model, name, context, options).import();
}

FailureOr<OwningOpRef<ModuleOp>> importONNX(StringRef path,
                                            MLIRContext *context,
                                            const ONNXImportOptions &options) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(FileLineColLoc::get(context, path, 0, 0))
        << "cannot read the model: " << buffer.getError().message();
    return failure();
  }
  ONNXImportOptions complete = options;
  if (complete.folder.empty()) {
    StringRef folder = llvm::sys::path::parent_path(path);
    complete.folder = folder.empty() ? "." : folder.str();
  }
  return importONNXFromBuffer((*buffer)->getBuffer(), path, context, complete);
}

void registerONNXTranslation() {
  static llvm::cl::list<std::string> shapes(
      "shape",
      llvm::cl::desc("ONNX import: shape of an input (input=1x3x224x224) or "
                     "value of a symbolic dimension (N=1)"),
      llvm::cl::value_desc("name=dims"));
  // Not TranslateToMLIRRegistration: it would print weights through strings.
  static TranslateRegistration import(
      "import-onnx", "import an ONNX model as linalg on static shapes",
      [](const std::shared_ptr<llvm::SourceMgr> &source, raw_ostream &output,
         MLIRContext *context) -> LogicalResult {
        DialectRegistry dialects;
        registerONNXImportDialects(dialects);
        context->appendDialectRegistry(dialects);
        const llvm::MemoryBuffer *buffer =
            source->getMemoryBuffer(source->getMainFileID());
        StringRef path = buffer->getBufferIdentifier();
        ONNXImportOptions options;
        if (path != "<stdin>" && path != "-") {
          StringRef folder = llvm::sys::path::parent_path(path);
          options.folder = folder.empty() ? "." : folder.str();
        }
        for (const std::string &text : shapes) {
          llvm::Expected<ONNXShapeBinding> shape = parseONNXShapeBinding(text);
          if (!shape) {
            emitError(FileLineColLoc::get(context, path, 0, 0))
                << llvm::toString(shape.takeError());
            return failure();
          }
          options.shapes.push_back(*shape);
        }
        auto module =
            importONNXFromBuffer(buffer->getBuffer(), path, context, options);
        if (failed(module) || failed(verify(**module)))
          return failure();
        printModuleText(**module, output);
        return success();
      });
  static TranslateRegistration reference(
      "print-onnx-ops", "print the table of supported ONNX ops (Markdown)",
      [](std::shared_ptr<llvm::SourceMgr>, raw_ostream &output, MLIRContext *) {
        printONNXOpReference(output);
        return success();
      });
}

} // namespace imc
