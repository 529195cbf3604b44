//===- import_fuzzer.cpp - libFuzzer on the ONNX importer -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bytes -> importONNXFromBuffer. Half of the mutations are libFuzzer's own, the
// other half edit the parsed message (ModelMutator), because random bytes
// rarely get past protobuf's framing. docs/howto/fuzz-the-importer.md.
//
//===----------------------------------------------------------------------===//

#include "ImportCheck.h"
#include "ModelMutator.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <cstring>

using namespace imc;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/// Read from the corpus folders on the command line, for the mutator.
static fuzz::Vocabulary &vocabulary() {
  static fuzz::Vocabulary words;
  return words;
}

extern "C" int LLVMFuzzerInitialize(int *argc, char ***argv) {
  for (int i = 1; i < *argc; ++i) {
    if ((*argv)[i][0] == '-' || !llvm::sys::fs::is_directory((*argv)[i]))
      continue;
    std::error_code error;
    int files = 0;
    for (llvm::sys::fs::directory_iterator it((*argv)[i], error), end;
         it != end && !error && files < 4000; it.increment(error), ++files) {
      auto buffer = llvm::MemoryBuffer::getFile(it->path());
      onnx::ModelProto model;
      if (buffer && model.ParsePartialFromArray((*buffer)->getBufferStart(),
                                                (*buffer)->getBufferSize()))
        vocabulary().collect(model);
    }
  }
  vocabulary().finish();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t most, unsigned int seed) {
  onnx::ModelProto model;
  if (seed % 2 == 0 || !model.ParsePartialFromArray(data, int(size)))
    return LLVMFuzzerMutate(data, size, most);
  fuzz::ModelMutator mutator(vocabulary(), seed);
  std::string kind;
  mutator.mutate(model, kind);
  std::string bytes = model.SerializePartialAsString();
  if (bytes.size() > most)
    return LLVMFuzzerMutate(data, size, most);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context for some inputs: making one costs more than most imports, and
  // one alone would keep the weights of all.
  static std::unique_ptr<mlir::MLIRContext> context;
  static int inputs = 0;
  if (inputs++ % 64 == 0)
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  fuzz::ImportOutcome outcome =
      fuzz::checkImport(bytes, context.get(), ONNXImportOptions(),
                        /*print=*/false);
  if (!outcome.complaint.empty()) {
    llvm::errs() << outcome.complaint << "\n";
    std::abort();
  }
  return 0;
}
