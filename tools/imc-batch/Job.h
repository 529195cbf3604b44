//===- Job.h - One job of imc-batch -----------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one line of standard input asks for, and the work itself. The work runs
// in a child process, so it may crash, hang or run out of memory.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TOOLS_IMC_BATCH_JOB_H
#define IMC_TOOLS_IMC_BATCH_JOB_H

#include "Session.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace imc::batch {

/// One model to import, compile and run.
struct Job {
  /// Repeated in the result; the model's path when the line gives none.
  std::string id;
  /// .onnx, .mlir or .mlirbc.
  std::string model;
  /// Texts of `--shape`.
  std::vector<std::string> shapes;
  /// Files in graph order, or one folder with input_0.npy|pb, ….
  std::vector<std::string> inputs;
  /// Folder for output_0.npy, …; empty: nothing is written.
  std::string outputs;
  /// Phase to execute.
  std::string at = "imported";
  /// Machine and `--set` texts, for phases that need arrays.
  std::string target;
  std::vector<std::string> sets;
  /// Stop after the import.
  bool importOnly = false;
};

/// Reads one line. The error names the key that is wrong, and an unknown key is
/// an error.
llvm::Expected<Job> parseJob(llvm::StringRef line);

/// Does the work in the calling process. Returns 0 and fills `report` (keys
/// "outputs": name, type and shape of each, and "times": seconds of import,
/// compile and run), or 1 after messages on standard error.
int runJob(driver::Session &session, const Job &job,
           llvm::json::Object &report);

/// Compiles and runs a one-op module, so that children find code paged in,
/// symbols bound and the dialects loaded. Fails after a diagnostic.
llvm::LogicalResult warmUp(driver::Session &session);

} // namespace imc::batch

#endif // IMC_TOOLS_IMC_BATCH_JOB_H
