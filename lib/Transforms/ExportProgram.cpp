//===- ExportProgram.cpp - From placed IR to a program --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/ExportProgram.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Program/IO.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;
using namespace imc;

FailureOr<program::Program>
imc::exportProgram(ModuleOp module, std::optional<program::Schedule> kind,
                   int64_t inferences, bool writeAhead) {
  FailureOr<Phase> phase = getPhase(module);
  if (failed(phase))
    return failure();
  if (*phase < Phase::Placed)
    return module.emitError("a program needs a module in phase 'placed' or "
                            "later, but imc.phase says '")
           << stringifyPhase(*phase)
           << "'; run the passes up to 'placed' first, e.g. with the pipeline "
              "imc-to-scheduled";
  FailureOr<machine::Machine> machine = getMachine(module);
  if (failed(machine))
    return failure();
  FailureOr<Design> design = extractDesign(module, *machine);
  if (failed(design))
    return failure();
  FailureOr<mapping::Plan> plan = extractPlan(*design, *machine);
  if (failed(plan))
    return failure();

  schedule::Options options;
  if (auto name =
          module->getAttrOfType<StringAttr>(IMCDialect::scheduleAttrName)) {
    // The dialect knows the same names.
    options.kind =
        schedule::findSchedule(name.getValue()).value_or(options.kind);
  }
  options.kind = kind.value_or(options.kind);
  options.inferences = inferences;
  options.write_ahead = writeAhead;
  if (writeAhead && options.kind != program::Schedule::Layers)
    return module.emitError("writes ahead in schedule 'layers' only, not in '")
           << program::name(options.kind) << "', where all weights stay";
  // All but the pipeline do all inferences at once.
  workload::Workload workload = design->workload;
  if (options.kind != program::Schedule::Pipeline && inferences > 1) {
    if (inferences % workload.batch != 0)
      return module.emitError("does ")
             << workload.batch << " inferences at once; " << inferences
             << " is no multiple of them";
    workload = workload::batched(workload, inferences / workload.batch);
  }
  llvm::Expected<program::Program> program =
      schedule::schedule(workload, *plan, *machine, design->knobs, options);
  if (!program) {
    module.emitError() << llvm::toString(program.takeError());
    return failure();
  }
  if (auto target =
          module->getAttrOfType<TargetAttr>(IMCDialect::targetAttrName))
    program->chip.target = target.getName().str();
  return std::move(*program);
}

void imc::registerProgramTranslation() {
  static llvm::cl::opt<int64_t> inferences(
      "inferences", llvm::cl::init(0),
      llvm::cl::desc("Program export: inferences of one run (0: those that "
                     "the module does at once)"));
  static llvm::cl::opt<bool> writeAhead(
      "write-ahead", llvm::cl::init(false),
      llvm::cl::desc("Program export: write swapped weights while an earlier "
                     "layer computes on other arrays"));
  static llvm::cl::opt<bool> binary(
      "program-binary", llvm::cl::init(false),
      llvm::cl::desc("Program export: the binary form instead of text"));
  static TranslateFromMLIRRegistration registration(
      "export-program", "export the program of a placed module",
      [](ModuleOp module, llvm::raw_ostream &os) -> LogicalResult {
        FailureOr<program::Program> program =
            exportProgram(module, std::nullopt, inferences, writeAhead);
        if (failed(program))
          return failure();
        if (binary)
          program::writeBinary(*program, os);
        else
          program::printText(*program, os);
        return success();
      },
      [](DialectRegistry &registry) {
        registry.insert<IMCDialect, arith::ArithDialect, func::FuncDialect,
                        linalg::LinalgDialect, math::MathDialect,
                        scf::SCFDialect, tensor::TensorDialect>();
      });
}
