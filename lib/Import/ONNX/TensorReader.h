//===- TensorReader.h - TensorProto to Constant -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the tensors of an ONNX file: typed fields, raw bytes, and external data
// (https://onnx.ai/onnx/repo-docs/ExternalData.html). Everything is checked
// against the shape before a byte is used, and nothing is allocated that the
// file does not back.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_TENSORREADER_H
#define IMC_LIB_IMPORT_ONNX_TENSORREADER_H

#include "Constant.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <string>

namespace llvm {
class MemoryBuffer;
} // namespace llvm
namespace onnx {
class TensorProto;
} // namespace onnx

namespace imc::onnximport {

class TensorReader {
public:
  /// `folder` bounds external data; empty: no file is opened.
  explicit TensorReader(std::string folder) : folder(std::move(folder)) {}

  /// Takes the bytes out of `tensor` (raw_data is moved, not copied). `what`
  /// starts the error messages ("initializer 'conv1.weight'"); `name` is the
  /// name of the result.
  mlir::FailureOr<Constant> read(onnx::TensorProto &tensor,
                                 llvm::StringRef name, const std::string &what,
                                 mlir::Location loc);

private:
  /// The bytes of an external tensor; a null owner with success: no such file.
  mlir::FailureOr<Blob> readExternal(const onnx::TensorProto &tensor,
                                     int64_t bytes, const std::string &what,
                                     mlir::Location loc);
  /// Opens a file of external data once; null: it does not exist.
  mlir::FailureOr<std::shared_ptr<llvm::MemoryBuffer>>
  openExternal(llvm::StringRef location, const std::string &what,
               mlir::Location loc);

  std::string folder;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_TENSORREADER_H
