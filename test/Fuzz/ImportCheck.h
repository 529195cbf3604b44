//===- ImportCheck.h - What every import must keep to -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Imports bytes that may be damaged and says whether the importer kept its
// promise: a model is imported without an error, or refused by a diagnostic of
// ours that names the node, or the part of the file where no node is at fault.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_FUZZ_IMPORTCHECK_H
#define IMC_TEST_FUZZ_IMPORTCHECK_H

#include "imc/Import/ONNX.h"
#include <string>

namespace imc::fuzz {

struct ImportOutcome {
  bool imported = false;
  /// True when the refusal is at a node, false when it is at the file.
  bool atNode = false;
  /// The first error, empty when imported.
  std::string error;
  /// A broken promise, empty when all is well.
  std::string complaint;
};

/// `print` also prints the module and reads the text again.
ImportOutcome checkImport(llvm::StringRef bytes, mlir::MLIRContext *context,
                          const ONNXImportOptions &options, bool print);

} // namespace imc::fuzz

#endif // IMC_TEST_FUZZ_IMPORTCHECK_H
