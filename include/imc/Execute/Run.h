//===- Run.h - Run a module on tensors from files ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `imc run` does once the module is at the wanted phase: read the inputs,
// run, write the outputs, compare them with references.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_RUN_H
#define IMC_EXECUTE_RUN_H

#include "imc/Execute/Executor.h"
#include "imc/Execute/Tensor.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

#include <functional>
#include <string>
#include <vector>

namespace imc::execute {

struct RunOptions {
  /// One directory with input_0.npy|pb, …, or a list of files in graph order.
  std::vector<std::string> inputs;
  /// Where output_0.npy, … go; created if missing. Empty: nothing is written.
  std::string outputDirectory;
  /// A directory with references output_0.npy|pb, …. Empty: no comparison.
  std::string compareDirectory;
  /// An element passes if |got − want| ≤ absolute + relative · |want|. The
  /// defaults are those of ONNX's own backend test runner.
  double relativeTolerance = 1e-3;
  double absoluteTolerance = 1e-7;
  /// How often the model runs. With more than one, a line with the seconds of
  /// compiling and the median and smallest seconds of a run is written.
  unsigned repeat = 1;
  ExecutorOptions executor;
  /// Called once the model is compiled, before it runs: to calibrate or program
  /// an array engine. May be empty.
  std::function<llvm::Error(Executor &)> compiled;
};

/// How one output differs from its reference.
struct Difference {
  /// Largest |got − want|; infinite where exactly one of the two is not a
  /// number or they are different infinities.
  double largestAbsolute = 0;
  /// Largest |got − want| / |want|; infinite where want is 0 and got is not.
  double largestRelative = 0;
  /// Row-major position of the largest absolute difference.
  int64_t position = 0;
  /// Elements past the tolerance.
  int64_t failures = 0;
};

/// Compares two tensors of one shape; element types may differ, values are
/// compared as numbers.
Difference compare(const Tensor &got, const Tensor &want,
                   double relativeTolerance, double absoluteTolerance);

/// Runs `module` as the options say. Writes one line per output to `out`: with
/// a comparison, the largest absolute and relative difference; otherwise the
/// smallest and largest value. Errors go to `err` as "error: …"; those of the
/// compiler are diagnostics of the module's context.
///
/// Returns 0 when done, 1 after an error or when an output is past the
/// tolerance. Outputs are written before they are compared, and all or none of
/// them appear.
int runCommand(mlir::ModuleOp module, const RunOptions &options,
               llvm::raw_ostream &out, llvm::raw_ostream &err);

/// As above with inputs that are already there; `options.inputs` is not read.
int runCommand(mlir::ModuleOp module, llvm::ArrayRef<Tensor> inputs,
               const RunOptions &options, llvm::raw_ostream &out,
               llvm::raw_ostream &err);

} // namespace imc::execute

#endif // IMC_EXECUTE_RUN_H
