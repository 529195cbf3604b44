//===- Remarks.h - Options for optimization remarks -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The options of mlir-opt, for the driver.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TOOLS_IMC_REMARKS_H
#define IMC_TOOLS_IMC_REMARKS_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace imc::driver {

struct RemarkOptions {
  /// Regular expressions of categories; empty: none.
  std::string all, passed, missed, analyse, failed;
  std::string format = "emitRemark", policy = "all", output;

  void addTo(CLI::App &command);
};

/// Remarks of a context while it is alive.
class RemarkOutput {
public:
  RemarkOutput();
  ~RemarkOutput();
  /// Turns remarks on if `options` ask for any. Refuses what does not go
  /// together, and files that cannot be written.
  llvm::Error enable(mlir::MLIRContext &context, const RemarkOptions &options);
  /// Turns them off again and writes the file, whole or not at all.
  llvm::Error finish();

private:
  struct File;
  mlir::MLIRContext *context = nullptr;
  std::unique_ptr<File> file;
};

} // namespace imc::driver

#endif // IMC_TOOLS_IMC_REMARKS_H
