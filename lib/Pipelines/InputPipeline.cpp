//===- InputPipeline.cpp - From another front end to imported -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Pipelines/Pipelines.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Transforms/Passes.h"
#include "mlir/Conversion/TosaToArith/TosaToArith.h"
#include "mlir/Conversion/TosaToLinalg/TosaToLinalg.h"
#include "mlir/Conversion/TosaToTensor/TosaToTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void imc::buildInputPipeline(OpPassManager &pm, StringRef entry) {
  AdoptModulePassOptions adopt;
  adopt.entry = entry.str();
  pm.addPass(createAdoptModulePass(adopt));
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  pm.addPass(createCanonicalizerPass());
  // Names and numbers of weights are those of the ops that came in.
  pm.addPass(createNameLayersPass());

  OpPassManager &function = pm.nest<func::FuncOp>();
  function.addPass(tosa::createTosaOptionalDecompositionsPass());
  function.addPass(tosa::createTosaMakeBroadcastablePass());
  function.addPass(tosa::createTosaToLinalgNamed());
  function.addPass(tosa::createTosaToLinalg());
  TosaToArithPassOptions arith;
  arith.includeApplyRescale = true;
  function.addPass(createTosaToArithPass(arith));
  function.addPass(createTosaToTensorPass());

  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createNormalizeProductsPass());
  pm.addPass(createSinkTransposesPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  VerifyPhasePassOptions verify;
  verify.phase = stringifyPhase(Phase::Imported).str();
  pm.addPass(createVerifyPhasePass(verify));
}

LogicalResult imc::normalizeInput(ModuleOp module, StringRef entry) {
  if (module->hasAttr(IMCDialect::phaseAttrName))
    return success();
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  buildInputPipeline(pm, entry);
  return pm.run(module);
}

namespace {
struct InputPipelineOptions : public PassPipelineOptions<InputPipelineOptions> {
  Option<std::string> entry{
      *this, "entry",
      llvm::cl::desc(
          "Function that becomes main; empty takes the only public one"),
      llvm::cl::init("")};
};
} // namespace

namespace imc {
void registerInputPipeline() {
  PassPipelineRegistration<InputPipelineOptions>(
      "imc-normalize-input",
      "From TOSA, or linalg in any layout, to phase imported",
      [](OpPassManager &pm, const InputPipelineOptions &options) {
        buildInputPipeline(pm, options.entry);
      });
}
} // namespace imc
