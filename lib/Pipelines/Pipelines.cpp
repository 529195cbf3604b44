//===- Pipelines.cpp - From a model to any phase --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Pipelines/Pipelines.h"

#include "imc/Transforms/Passes.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace imc;

/// The options as strings, so that a value that no knob has reaches the pass,
/// which refuses it with a diagnostic.
namespace {
struct Decisions {
  int64_t weightBits, inputBits, adcBits;
  std::string activations, encoding, groupPacking, range, ties, replication,
      dynamicProducts, segments, unfolding;
  QuantizationOptions quantization;
};
} // namespace

static void build(OpPassManager &pm, Phase from, Phase to, bool verify,
                  const Decisions &decisions) {
  auto passes = [&](Phase phase) { return from < phase && phase <= to; };
  if (passes(Phase::Offloaded))
    pm.addPass(createOffloadPass());
  if (passes(Phase::Quantized)) {
    QuantizePassOptions options;
    options.weightBits = decisions.weightBits;
    options.inputBits = decisions.inputBits;
    options.activations = decisions.activations;
    const QuantizationOptions &quantization = decisions.quantization;
    options.weightGranularity = quantization.weightGranularity;
    options.weightScheme = quantization.weightScheme;
    options.weightRange = quantization.weightRange;
    options.inputGranularity = quantization.inputGranularity;
    options.inputScheme = quantization.inputScheme;
    options.outputBits = quantization.outputBits;
    pm.addPass(createQuantizePass(options));
  }
  if (passes(Phase::Tiled)) {
    UnfoldWindowsPassOptions options;
    options.unfolding = decisions.unfolding;
    options.encoding = decisions.encoding;
    options.groupPacking = decisions.groupPacking;
    options.adcBits = decisions.adcBits;
    options.replication = decisions.replication;
    options.dynamicProducts = decisions.dynamicProducts;
    options.segments = decisions.segments;
    pm.addPass(createUnfoldWindowsPass(options));
    TilePassOptions tile;
    tile.encoding = decisions.encoding;
    tile.groupPacking = decisions.groupPacking;
    tile.range = decisions.range;
    tile.ties = decisions.ties;
    tile.adcBits = decisions.adcBits;
    pm.addPass(createTilePass(tile));
  }
  if (passes(Phase::Placed)) {
    PlacePassOptions options;
    options.replication = decisions.replication;
    options.dynamicProducts = decisions.dynamicProducts;
    options.segments = decisions.segments;
    pm.addPass(createPlacePass(options));
  }
  if (passes(Phase::Scheduled))
    pm.addPass(createSchedulePass());
  if (passes(Phase::Costed))
    pm.addPass(createCostPass());
  if (verify) {
    VerifyPhasePassOptions options;
    options.phase = stringifyPhase(to).str();
    pm.addPass(createVerifyPhasePass(options));
  }
}

void imc::buildPipeline(OpPassManager &pm, Phase from, Phase to,
                        const CompileOptions &options) {
  auto text = [&](StringRef knob) {
    return llvm::cantFail(mapping::printKnob(options.knobs, knob));
  };
  Decisions decisions{options.knobs.weight_bits,
                      options.knobs.input_bits,
                      options.knobs.adc_bits,
                      options.activations,
                      text("encoding"),
                      text("group_packing"),
                      text("range"),
                      text("ties"),
                      text("replication"),
                      text("dynamic_products"),
                      text("segments"),
                      text("unfolding"),
                      options.quantization};
  build(pm, from, to, options.verify, decisions);
}

void imc::buildPipeline(OpPassManager &pm, Phase to,
                        const CompileOptions &options) {
  buildPipeline(pm, Phase::Imported, to, options);
}

LogicalResult imc::compileTo(ModuleOp module, Phase to,
                             const CompileOptions &options) {
  FailureOr<Phase> from = getPhase(module);
  if (failed(from))
    return failure();
  if (*from > to)
    return module.emitError("the module is in phase '")
           << stringifyPhase(*from) << "', past '" << stringifyPhase(to)
           << "'; start from an earlier one";
  if (options.target && failed(attachTarget(module, *options.target)))
    return failure();
  auto run = [&](Phase first, Phase last) {
    PassManager pm(module.getContext(), ModuleOp::getOperationName());
    buildPipeline(pm, first, last, options);
    return pm.run(module);
  };
  if (options.quantization.layers.empty())
    return run(*from, to);
  if (*from > Phase::Offloaded || to < Phase::Offloaded)
    return module.emitError("decisions about single layers are set between "
                            "phase "
                            "'imported' and 'quantized', not from '")
           << stringifyPhase(*from) << "' to '" << stringifyPhase(to) << "'";
  if (failed(run(*from, Phase::Offloaded)) ||
      failed(setLayerBits(module, options.quantization.layers)))
    return failure();
  return run(Phase::Offloaded, to);
}

bool QuantizationOptions::set(StringRef name, StringRef value) {
  std::string *text = llvm::StringSwitch<std::string *>(name)
                          .Case("weight_granularity", &weightGranularity)
                          .Case("weight_scheme", &weightScheme)
                          .Case("weight_range", &weightRange)
                          .Case("input_granularity", &inputGranularity)
                          .Case("input_scheme", &inputScheme)
                          .Default(nullptr);
  if (text)
    *text = value.str();
  return text || (name == "output_bits" && !value.getAsInteger(10, outputBits));
}

namespace {
/// Options of the textual pipelines, spelt like those of the passes.
struct PipelineOptions : public PassPipelineOptions<PipelineOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc(
          "Machine to attach: a name or a file; empty keeps imc.target"),
      llvm::cl::init("")};
  ListOption<std::string> set{
      *this, "set",
      llvm::cl::desc("Settings KNOB=VALUE of the machine's fields")};
  ListOption<std::string> dirs{*this, "dirs",
                               llvm::cl::desc("Folders with NAME/target.yaml")};
  Option<int64_t> weightBits{*this, "weight-bits",
                             llvm::cl::desc("Bits of a weight"),
                             llvm::cl::init(8)};
  Option<int64_t> inputBits{*this, "input-bits",
                            llvm::cl::desc("Bits of an activation"),
                            llvm::cl::init(8)};
  Option<int64_t> adcBits{
      *this, "adc-bits",
      llvm::cl::desc("Bits of the converter; 0: the machine's"),
      llvm::cl::init(0)};
  Option<std::string> activations{*this, "activations",
                                  llvm::cl::desc("dynamic or calibrated"),
                                  llvm::cl::init("dynamic")};
  Option<std::string> encoding{
      *this, "encoding",
      llvm::cl::desc("offset, differential or twos_complement"),
      llvm::cl::init("offset")};
  Option<std::string> groupPacking{*this, "group-packing",
                                   llvm::cl::desc("single, diagonal or dense"),
                                   llvm::cl::init("single")};
  Option<std::string> range{
      *this, "range",
      llvm::cl::desc("full, filled, lossless, layer, array, column or phase"),
      llvm::cl::init("full")};
  Option<std::string> ties{*this, "ties",
                           llvm::cl::desc("half_up, half_even or floor"),
                           llvm::cl::init("half_up")};
  Option<std::string> replication{
      *this, "replication",
      llvm::cl::desc("none, balanced, marginal_gain, "
                     "exact_bottleneck or exact_sum"),
      llvm::cl::init("none")};
  Option<std::string> dynamicProducts{*this, "dynamic-products",
                                      llvm::cl::desc("digital, arrays or auto"),
                                      llvm::cl::init("digital")};
  Option<std::string> segments{
      *this, "segments",
      llvm::cl::desc("What stays on a chip that is too small: swap_all, "
                     "resident_best or exact"),
      llvm::cl::init("swap_all")};
  Option<std::string> unfolding{
      *this, "unfolding",
      llvm::cl::desc("Positions of a convolution per load: im2col, sdk, "
                     "variable_window, products, steps or auto"),
      llvm::cl::init("im2col")};
  Option<bool> verify{*this, "verify",
                      llvm::cl::desc("Check the contract of the phase reached"),
                      llvm::cl::init(true)};
};
} // namespace

static void registerPipeline(Phase to) {
  std::string name = ("imc-to-" + stringifyPhase(to)).str();
  std::string description = ("From imported to " + stringifyPhase(to)).str();
  PassPipelineRegistration<PipelineOptions>(
      name, description,
      [to](OpPassManager &pm, const PipelineOptions &options) {
        if (!options.target.empty()) {
          AttachTargetPassOptions attach;
          attach.file = options.target;
          attach.set.assign(options.set.begin(), options.set.end());
          attach.dirs.assign(options.dirs.begin(), options.dirs.end());
          pm.addPass(createAttachTargetPass(attach));
        }
        Decisions decisions{options.weightBits,
                            options.inputBits,
                            options.adcBits,
                            options.activations,
                            options.encoding,
                            options.groupPacking,
                            options.range,
                            options.ties,
                            options.replication,
                            options.dynamicProducts,
                            options.segments,
                            options.unfolding,
                            {}};
        build(pm, Phase::Imported, to, options.verify, decisions);
      });
}

namespace imc {
void registerInputPipeline(); // InputPipeline.cpp
}

void imc::registerIMCPipelines() {
  for (Phase phase : {Phase::Offloaded, Phase::Quantized, Phase::Tiled,
                      Phase::Placed, Phase::Scheduled, Phase::Costed})
    registerPipeline(phase);
  registerInputPipeline();
}
