//===- ImportCheck.cpp - What every import must keep to -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportCheck.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace imc::fuzz {

/// Errors at a node start with its name; the importer says nothing else there.
static void checkError(Diagnostic &diagnostic, ImportOutcome &outcome) {
  std::string text = diagnostic.str();
  bool atNode = isa<NameLoc>(diagnostic.getLocation());
  if (outcome.error.empty()) {
    outcome.error = text;
    outcome.atNode = atNode;
  }
  if (!outcome.complaint.empty())
    return;
  StringRef message(text);
  if (message.starts_with("'") && message.contains(" op "))
    outcome.complaint = "a verifier found it first: " + text;
  else if (atNode && !message.starts_with("node '"))
    outcome.complaint = "does not name the node: " + text;
  else if (message.size() < 20)
    outcome.complaint = "explains nothing: " + text;
}

ImportOutcome checkImport(StringRef bytes, MLIRContext *context,
                          const ONNXImportOptions &options, bool print) {
  ImportOutcome outcome;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      checkError(diagnostic, outcome);
    return success();
  });
  auto module = importONNXFromBuffer(bytes, "mutant.onnx", context, options);
  outcome.imported = succeeded(module);
  if (outcome.imported != outcome.error.empty() && outcome.complaint.empty())
    outcome.complaint = outcome.imported
                            ? "imported in spite of: " + outcome.error
                            : "refused without a diagnostic";
  if (!outcome.imported || !print || !outcome.complaint.empty())
    return outcome;

  std::string text;
  llvm::raw_string_ostream stream(text);
  OpPrintingFlags flags;
  flags.enableDebugInfo();
  (*module)->print(stream, flags);
  OwningOpRef<ModuleOp> again = parseSourceString<ModuleOp>(text, context);
  if (!again)
    outcome.complaint = "the printed module does not parse: " + outcome.error;
  return outcome;
}

} // namespace imc::fuzz
