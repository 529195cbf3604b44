//===- import_model.cpp - Time and memory of the ONNX importer ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// import_model MODEL.onnx [REPEATS]: file to verified module, in this process.
// Prints one JSON object; import_model.py runs it beside torch-mlir.
//
//===----------------------------------------------------------------------===//

#include "imc/Import/ONNX.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cstdlib>
#include <sys/resource.h>

int main(int argc, char **argv) {
  if (argc < 2) {
    llvm::errs() << "usage: import_model MODEL.onnx [REPEATS]\n";
    return 2;
  }
  int repeats = argc > 2 ? std::max(1, std::atoi(argv[2])) : 5;
  llvm::json::Array seconds;
  int64_t operations = 0;
  for (int i = 0; i < repeats; ++i) {
    // Each in a context of its own: uniqued types and attributes of an earlier
    // import would make the next one cheaper.
    auto start = std::chrono::steady_clock::now();
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    auto module = imc::importONNX(argv[1], &context);
    auto end = std::chrono::steady_clock::now();
    if (failed(module))
      return 1;
    seconds.push_back(std::chrono::duration<double>(end - start).count());
    operations = 0;
    (*module)->walk([&](mlir::Operation *) { ++operations; });
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  llvm::json::Object report{{"seconds", std::move(seconds)},
                            {"operations", operations},
                            {"peak_mib", int64_t(usage.ru_maxrss / 1024)}};
  llvm::outs() << llvm::json::Value(std::move(report)) << "\n";
  return 0;
}
