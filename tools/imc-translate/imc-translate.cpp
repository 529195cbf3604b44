//===- imc-translate.cpp - mlir-translate with the ONNX importer ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Import/ONNX.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int argc, char **argv) {
  mlir::registerAllTranslations();
  imc::registerONNXTranslation();
  return mlir::failed(
      mlir::mlirTranslateMain(argc, argv, "imc-mlir translation driver"));
}
