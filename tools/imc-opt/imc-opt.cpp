//===- imc-opt.cpp - mlir-opt with the imc dialect and passes -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that mlir-opt offers (textual pipelines, -verify-diagnostics,
// plugins, bytecode, timing, reproducers) over the upstream dialects and ours.
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"
#include "imc/Conversion/Passes.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Transforms/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<imc::IMCDialect>();
  mlir::registerAllPasses();
  imc::registerIMCTransformsPasses();
  imc::registerIMCConversionPasses();
  imc::registerIMCPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "imc-mlir optimizer driver\n", registry));
}
