//===- compile_design.cpp - Time of the passes for one design -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How long the real passes take to bring structural ResNet-18 from imported,
// offloaded and quantized to costed, machine attached and phase checked. The
// goal is 100 ms a design; the last line says whether it is met.
//
//   compile_design [--benchmark_...]     needs ../shared/models or IMC_SHARED
//
//===----------------------------------------------------------------------===//

#include "imc/Import/ONNX.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/AllInterfaces.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/TensorTilingInterfaceImpl.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace mlir;
using namespace imc;

namespace {

struct Setup {
  MLIRContext context;
  OwningOpRef<ModuleOp> model;
  CompileOptions options;
};

bool prepare(Setup &setup) {
  DialectRegistry registry;
  registry.insert<IMCDialect, scf::SCFDialect>();
  registerONNXImportDialects(registry);
  linalg::registerAllDialectInterfaceImplementations(registry);
  tensor::registerTilingInterfaceExternalModels(registry);
  setup.context.appendDialectRegistry(registry);
  setup.context.loadAllAvailableDialects();
  const char *shared = std::getenv("IMC_SHARED");
  std::string folder =
      shared ? shared : std::string(IMC_SOURCE_DIR) + "/../shared";
  FailureOr<OwningOpRef<ModuleOp>> model =
      importONNX(folder + "/models/resnet18.onnx", &setup.context);
  if (failed(model))
    return false;
  setup.model = std::move(*model);
  setup.options.target =
      llvm::cantFail(machine::loadTarget("rram-32nm", getDefaultTargetDirs()));
  setup.options.knobs.replication = mapping::Replication::Balanced;
  return true;
}

/// The model at phase `from`.
OwningOpRef<ModuleOp> start(Setup &setup, Phase from) {
  OwningOpRef<ModuleOp> module = setup.model->clone();
  if (failed(compileTo(*module, from, setup.options)))
    return nullptr;
  return module;
}

void compileDesign(benchmark::State &state, Setup &setup, Phase from) {
  OwningOpRef<ModuleOp> module = start(setup, from);
  for (auto _ : state) {
    state.PauseTiming();
    OwningOpRef<ModuleOp> copy = module->clone();
    state.ResumeTiming();
    if (failed(compileTo(*copy, Phase::Costed, setup.options)))
      state.SkipWithError("the passes refused the design");
  }
  state.SetLabel(("from " + stringifyPhase(from)).str());
}

} // namespace

int main(int argc, char **argv) {
  Setup setup;
  if (!prepare(setup)) {
    std::fprintf(stderr, "compile_design: no structural ResNet-18; put the "
                         "models beside the checkout or set IMC_SHARED\n");
    return 1;
  }
  for (Phase from : {Phase::Imported, Phase::Offloaded, Phase::Quantized})
    benchmark::RegisterBenchmark("compile_design", [&setup,
                                                    from](benchmark::State &s) {
      compileDesign(s, setup, from);
    })->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();

  constexpr int runs = 10;
  double seconds = 0;
  for (int i = 0; i < runs; ++i) {
    OwningOpRef<ModuleOp> module = start(setup, Phase::Quantized);
    auto begin = std::chrono::steady_clock::now();
    if (failed(compileTo(*module, Phase::Costed, setup.options)))
      return 1;
    seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
            .count();
  }
  double milliseconds = 1e3 * seconds / runs;
  std::printf("real passes, quantized to costed, ResNet-18: %.1f ms a design "
              "(goal: 100 ms, %s)\n",
              milliseconds, milliseconds <= 100 ? "met" : "MISSED");
  return 0;
}
