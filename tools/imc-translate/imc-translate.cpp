//===- imc-translate.cpp - mlir-translate with our formats ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Import/ONNX.h"
#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"
#include "imc/Transforms/ExportProgram.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using Write = void (*)(const imc::program::Program &, llvm::raw_ostream &);

/// Reads a program in either form and writes it in one.
static mlir::TranslateFunction convert(Write write) {
  return [write](const std::shared_ptr<llvm::SourceMgr> &source,
                 llvm::raw_ostream &output, mlir::MLIRContext *) {
    const llvm::MemoryBuffer *buffer =
        source->getMemoryBuffer(source->getMainFileID());
    llvm::StringRef file = buffer->getBufferIdentifier();
    auto fail = [&](llvm::Error error) {
      llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
      return mlir::failure();
    };
    llvm::Expected<imc::program::Program> program =
        imc::program::parse(buffer->getBuffer(), file);
    if (!program)
      return fail(program.takeError());
    if (llvm::Error error = imc::program::check(*program))
      return fail(llvm::createStringError(file + ": " +
                                          llvm::toString(std::move(error))));
    write(*program, output);
    return mlir::success();
  };
}

static void registerProgramTranslations() {
  static mlir::TranslateRegistration toText(
      "program-to-text", "disassemble a program of a chip's cores",
      convert(imc::program::printText));
  static mlir::TranslateRegistration toBinary(
      "program-to-binary", "assemble a program of a chip's cores",
      convert(imc::program::writeBinary));
}

int main(int argc, char **argv) {
  mlir::registerAllTranslations();
  imc::registerONNXTranslation();
  registerProgramTranslations();
  imc::registerProgramTranslation();
  return mlir::failed(
      mlir::mlirTranslateMain(argc, argv, "imc-mlir translation driver"));
}
