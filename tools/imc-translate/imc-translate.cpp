//===- imc-translate.cpp - Translations into and out of MLIR --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-translate with our translations: --import-onnx, --print-onnx-ops.
//
//===----------------------------------------------------------------------===//

#ifdef WITH_IMCImportONNX
#include "imc/Import/ONNX.h"
#endif
#include "mlir/Support/LogicalResult.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int argc, char **argv) {
#ifdef WITH_IMCImportONNX
  imc::registerONNXTranslation();
#endif
  return mlir::failed(
      mlir::mlirTranslateMain(argc, argv, "imc-mlir translation tool\n"));
}
