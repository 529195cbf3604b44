//===- Session.cpp - What the driver's commands share ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/ModuleText.h"
#include "imc/Accuracy/Dataset.h"
#include "imc/Cost/Legacy.h"
#include "imc/Execute/BiasCorrection.h"
#include "imc/Execute/Calibrate.h"
#include "imc/Execute/Executor.h"
#include "imc/Import/ONNX.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Extract.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {

int fail(const Twine &message) {
  outs().flush();
  errs() << "error: " << message << "\n";
  return 1;
}

int fail(Error error) { return fail(toString(std::move(error))); }

static void printDiagnostic(Diagnostic &diagnostic) {
  StringRef kind = "error";
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    break;
  case DiagnosticSeverity::Warning:
    kind = "warning";
    break;
  case DiagnosticSeverity::Note:
    kind = "note";
    break;
  case DiagnosticSeverity::Remark:
    kind = "remark";
    break;
  }
  outs().flush();
  errs() << kind << ": ";
  if (!isa<UnknownLoc>(diagnostic.getLocation())) {
    std::string location;
    raw_string_ostream(location) << diagnostic.getLocation();
    // loc("conv1"("m.onnx":3:0)) reads better without the wrapper.
    StringRef text = location;
    if (text.consume_front("loc("))
      text.consume_back(")");
    errs() << text << ": ";
  }
  errs() << diagnostic << "\n";
  for (Diagnostic &note : diagnostic.getNotes())
    printDiagnostic(note);
}

Session::Session() {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<IMCDialect>();
  execute::registerExecutionDialects(registry);
  mlirContext =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  mlirContext->loadDialect<IMCDialect>();
  // Locations name the node already; the op itself would bury the message.
  mlirContext->printOpOnDiagnostic(false);
  handler = std::make_unique<ScopedDiagnosticHandler>(
      mlirContext.get(), [](Diagnostic &diagnostic) {
        printDiagnostic(diagnostic);
        return success();
      });
}

FailureOr<OwningOpRef<ModuleOp>>
Session::loadModel(StringRef path, ArrayRef<std::string> shapes,
                   int64_t batch) {
  StringRef extension = sys::path::extension(path);
  if (!sys::fs::exists(path)) {
    fail(Twine("cannot read '") + path +
         "': no such file; give a model (.onnx, .mlir or .mlirbc)");
    return failure();
  }
  if (extension == ".onnx") {
    ONNXImportOptions options;
    options.batch = batch;
    for (const std::string &text : shapes) {
      Expected<ONNXShapeBinding> binding = parseONNXShapeBinding(text);
      if (!binding) {
        fail(binding.takeError());
        return failure();
      }
      options.shapes.push_back(std::move(*binding));
    }
    return importONNX(path, mlirContext.get(), options);
  }
  if (!shapes.empty()) {
    fail(Twine("--shape binds dimensions of ONNX models; '") + path +
         "' has static shapes already: leave the option out");
    return failure();
  }
  if (extension != ".mlir" && extension != ".mlirbc") {
    fail(Twine("'") + path +
         "' is neither .onnx, .mlir nor .mlirbc; rename or convert the model");
    return failure();
  }
  // Dialects of other front ends are parsed in MLIR's generic form, to be
  // recognised or refused by name.
  mlirContext->allowUnregisteredDialects();
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(path, ParserConfig(mlirContext.get()));
  mlirContext->allowUnregisteredDialects(false);
  if (!module || failed(normalizeInput(*module)))
    return failure();
  return module;
}

FailureOr<workload::Workload> Session::extract(ModuleOp module,
                                               StringRef path) {
  FailureOr<workload::Workload> workload = extractWorkload(module);
  if (succeeded(workload))
    workload->name = sys::path::stem(path).str();
  return workload;
}

FailureOr<workload::Workload>
Session::loadWorkload(StringRef path, ArrayRef<std::string> shapes) {
  FailureOr<OwningOpRef<ModuleOp>> module = loadModel(path, shapes);
  if (failed(module))
    return failure();
  return extract(**module, path);
}

Expected<machine::TargetSpec> Session::loadTarget(StringRef nameOrPath) {
  if (sys::path::extension(nameOrPath) != ".mlir")
    return machine::loadTarget(nameOrPath, targetFolders());
  auto buffer = MemoryBuffer::getFile(nameOrPath);
  if (!buffer)
    return createStringError(buffer.getError(),
                             Twine("cannot read target file '") + nameOrPath +
                                 "': " + buffer.getError().message());
  Attribute attribute =
      parseAttribute((*buffer)->getBuffer(), mlirContext.get());
  auto target = dyn_cast_or_null<TargetAttr>(attribute);
  if (!target)
    return createStringError(inconvertibleErrorCode(),
                             Twine("'") + nameOrPath +
                                 "' does not hold one #imc.target attribute; "
                                 "`imc targets NAME --mlir` prints one");
  return target.getSpec();
}

void DesignOptions::addTo(CLI::App &command, bool targetRequired) {
  command
      .add_option("--target", target,
                  "A machine: a name from `imc targets` or a file")
      ->required(targetRequired);
  command.add_option("--set", sets,
                     "KNOB=VALUE, as in machine.rows=128 or "
                     "pass.replication=balanced");
  command.add_option("--layer-bits", layerBits,
                     "JSON with decisions about single layers (weight_bits, "
                     "input_bits, copies, adc_bits, unfolding), as in "
                     "{\"conv1\": {\"weight_bits\": 4, \"copies\": 2}}; --set "
                     "layer.conv1.copies=2 is the same for one, --set "
                     "layer.MODEL:conv1.copies=2 for one of several models");
  command.add_option("--shape", shapes,
                     "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
}

Expected<Design> Session::loadDesign(const DesignOptions &options) {
  Design design;
  if (!options.target.empty()) {
    Expected<machine::TargetSpec> target = loadTarget(options.target);
    if (!target)
      return target.takeError();
    design.target = std::move(*target);
  }
  if (!options.layerBits.empty()) {
    Expected<std::vector<LayerBits>> layers = readLayerBits(options.layerBits);
    if (!layers)
      return layers.takeError();
    design.quantization.layers = std::move(*layers);
  }
  for (const std::string &assignment : options.sets)
    if (Error error = design.set(assignment))
      return std::move(error);
  if (!design.quantization.layers.empty() && design.target &&
      cost::usesLegacy(design.target->values))
    return createStringError(
        inconvertibleErrorCode(),
        "target '" + design.target->name +
            "' is priced as its source does, which decides for all layers at "
            "once; layer '" +
            design.quantization.layers.front().layer +
            "' cannot have its own: leave --set layer.* and --layer-bits out");
  return design;
}

Error Session::writeModule(ModuleOp module, StringRef path) {
  return writeFile(path, [&](raw_ostream &os) {
    if (sys::path::extension(path) == ".mlirbc")
      (void)writeBytecodeToFile(module, os);
    else
      printModuleText(module, os, OpPrintingFlags().enableDebugInfo());
    if (sys::path::extension(path) != ".mlirbc")
      os << "\n";
  });
}

std::string programPath() {
  return sys::fs::getMainExecutable(nullptr,
                                    reinterpret_cast<void *>(&programPath));
}

std::string sharedFile(StringRef name) {
  SmallString<128> path(programPath());
  sys::path::remove_filename(path);
  sys::path::append(path, "..", "share", "imc", name);
  sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return std::string(path);
}

std::vector<std::string> targetFolders() {
  std::vector<std::string> folders;
  if (std::optional<std::string> extra =
          sys::Process::GetEnv("IMC_TARGETS_PATH")) {
    SmallVector<StringRef> parts;
    StringRef(*extra).split(parts, ':', -1, /*KeepEmpty=*/false);
    for (StringRef part : parts)
      folders.push_back(part.str());
  }
  folders.push_back(sharedFile("targets"));
  return folders;
}

Error Design::set(StringRef assignment) {
  auto [name, value] = assignment.split('=');
  if (name.empty() || value.empty())
    return createStringError(inconvertibleErrorCode(),
                             Twine("--set takes KNOB=VALUE, not '") +
                                 assignment + "'");
  if (name.starts_with("layer.")) {
    Expected<LayerBits> bits = parseLayerBits(assignment);
    if (!bits)
      return bits.takeError();
    quantization.layers.push_back(std::move(*bits));
    return Error::success();
  }
  if (StringRef option = name;
      option.consume_front("pass.") && quantization.set(option, value))
    return Error::success();
  if (name.starts_with("pass."))
    return mapping::setKnob(knobs, name, value);
  if (name.starts_with("machine.") && !target)
    return createStringError(inconvertibleErrorCode(),
                             Twine("--set ") + assignment +
                                 " changes a machine: name it with --target");
  if (name.starts_with("machine."))
    return target->resolve(name, value);
  return createStringError(inconvertibleErrorCode(),
                           Twine("knob '") + name +
                               "' starts with none of 'machine.', 'pass.' and "
                               "'layer.'; `imc targets "
                               "--schema` lists the fields of a machine");
}

Error Design::setLayers(workload::Workload &workload,
                        ArrayRef<std::string> models) const {
  Expected<std::vector<LayerBits>> own =
      layersOfModel(quantization.layers, workload.name, models);
  if (!own)
    return own.takeError();
  for (const LayerBits &layer : *own)
    for (auto [field, value] : fieldsOf(layer))
      if (Error error = workload::setLayer(workload, layer.layer, field, value))
        return error;
  return Error::success();
}

Error Design::refuseLayerBits(StringRef command) const {
  auto own = find_if(quantization.layers,
                     [](const LayerBits &layer) { return layer.hasBits(); });
  if (own == quantization.layers.end())
    return Error::success();
  return createStringError(
      inconvertibleErrorCode(),
      Twine("`imc ") + command +
          "` gives all products the bits of pass.weight_bits and "
          "pass.input_bits; layer '" +
          own->layer +
          "' cannot have its own: leave its bits out of --set layer.* and "
          "--layer-bits");
}

Expected<CompileOptions>
Design::compileOptions(StringRef model, ArrayRef<std::string> models) const {
  CompileOptions options = compileOptions();
  Expected<std::vector<LayerBits>> own =
      layersOfModel(quantization.layers, model, models);
  if (!own)
    return own.takeError();
  options.quantization.layers = std::move(*own);
  return options;
}

CompileOptions Design::compileOptions() const {
  CompileOptions options;
  options.target = target;
  options.knobs = knobs;
  options.quantization = quantization;
  return options;
}

void CalibrationArguments::addTo(CLI::App &command) {
  command.add_option("--calibrate", inputs,
                     "Inputs that fix the ranges of activations (a folder, "
                     "files, or a .npz file as for imc accuracy); without, "
                     "ranges are measured at run time");
  command.add_option("--calibration", rule,
                     "How ranges follow from the inputs of --calibrate: minmax "
                     "(the default), percentile[=99.99], mse or kl");
  command.add_flag("--bias-correction", biasCorrection,
                   "Add to each bias what the results of its product are too "
                   "small on average over the inputs of --calibrate");
}

Expected<std::vector<std::vector<execute::Tensor>>>
CalibrationArguments::samples(ModuleOp module) const {
  if (inputs.size() == 1 && sys::path::extension(inputs.front()) == ".npz") {
    Expected<accuracy::Dataset> data =
        accuracy::readDataset(module, inputs.front());
    if (!data)
      return data.takeError();
    return std::move(data->batches);
  }
  Expected<std::vector<execute::Tensor>> tensors =
      execute::readTensors(inputs, "input");
  if (!tensors)
    return tensors.takeError();
  return execute::splitSamples(module, *tensors);
}

Expected<execute::CalibrationOptions>
CalibrationArguments::options(const CompileOptions &compile) const {
  execute::CalibrationOptions result;
  result.inputBits = compile.knobs.input_bits;
  result.symmetric = compile.quantization.inputScheme == "symmetric";
  if (rule.empty())
    return result;
  Expected<execute::RangeRule> parsed = execute::parseRangeRule(rule);
  if (!parsed)
    return parsed.takeError();
  result.rule = *parsed;
  return result;
}

LogicalResult calibrate(ModuleOp module, Phase to,
                        const CalibrationArguments &arguments,
                        CompileOptions &options) {
  auto refuse = [](Error error) {
    fail(std::move(error));
    return failure();
  };
  if (arguments.inputs.empty()) {
    if (arguments.rule.empty() && !arguments.biasCorrection)
      return success();
    const std::string what =
        arguments.rule.empty()
            ? "--bias-correction measures errors"
            : "--calibration " + arguments.rule + " chooses ranges";
    fail(Twine(what) + " from data: give inputs with --calibrate");
    return failure();
  }
  Expected<execute::CalibrationOptions> calibration =
      arguments.options(options);
  if (!calibration)
    return refuse(calibration.takeError());
  if (to < Phase::Quantized) {
    fail("--calibrate finds ranges for integers; go to phase quantized or a "
         "later one");
    return failure();
  }
  if (failed(compileTo(module, Phase::Offloaded, options)))
    return failure();
  Expected<std::vector<std::vector<execute::Tensor>>> samples =
      arguments.samples(module);
  if (!samples)
    return refuse(samples.takeError());
  options.activations = "calibrated";
  // They are on the products now.
  options.quantization.layers.clear();
  if (failed(execute::calibrate(module, *samples, *calibration)))
    return failure();
  if (!arguments.biasCorrection)
    return success();
  OwningOpRef<ModuleOp> original = module.clone();
  return failure(failed(compileTo(module, Phase::Quantized, options)) ||
                 failed(execute::correctBiases(*original, module, *samples)));
}

std::function<FailureOr<OwningOpRef<ModuleOp>>(int64_t, int64_t)>
tileWith(ModuleOp imported, machine::TargetSpec target) {
  target.knobs.clear();
  return [imported, target = std::move(target)](
             int64_t weightBits,
             int64_t inputBits) -> FailureOr<OwningOpRef<ModuleOp>> {
    OwningOpRef<ModuleOp> module = ModuleOp(imported).clone();
    CompileOptions compile;
    compile.target = target;
    compile.knobs.weight_bits = weightBits;
    compile.knobs.input_bits = inputBits;
    if (failed(compileTo(*module, Phase::Tiled, compile)))
      return failure();
    return module;
  };
}

std::string modelName(StringRef path) { return sys::path::stem(path).str(); }

std::vector<std::string> modelNames(ArrayRef<std::string> paths) {
  std::vector<std::string> names;
  for (const std::string &path : paths)
    names.push_back(modelName(path));
  return names;
}

} // namespace imc::driver
