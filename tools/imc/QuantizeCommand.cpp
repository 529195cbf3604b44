//===- QuantizeCommand.cpp - imc quantize ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Accuracy/Dataset.h"
#include "imc/Execute/LayerSensitivity.h"
#include "imc/Export/ONNX.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Phase.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct QuantizeOptions {
  std::string model, output;
  CalibrationArguments calibration;
  DesignOptions design;
  bool sensitivity = false;
  int64_t layerBits = 4;
  std::string labels, data;
};

/// What each layer costs in accuracy when it alone has fewer bits.
int printSensitivity(ModuleOp module, const Design &design,
                     const QuantizeOptions &options) {
  CompileOptions compile = design.compileOptions();
  execute::SensitivityOptions sensitivity;
  Expected<execute::CalibrationOptions> calibration =
      options.calibration.options(compile);
  if (!calibration)
    return fail(calibration.takeError());
  sensitivity.calibration = *calibration;
  sensitivity.layerBits = options.layerBits;
  if (!options.data.empty()) {
    Expected<accuracy::Dataset> data =
        accuracy::readDataset(module, options.data);
    if (!data)
      return fail(data.takeError());
    for (const std::string &note : data->notes)
      outs() << "note: " << note << "\n";
    sensitivity.labels = std::move(data->labels);
  }
  if (!options.labels.empty()) {
    Expected<execute::Tensor> labels = execute::readTensor(options.labels);
    if (!labels)
      return fail(labels.takeError());
    if (execute::isFloat(labels->type))
      return fail(Twine("'") + options.labels + "' holds " +
                  labels->describe() +
                  "; labels are one integer per row of outputs");
    for (int64_t i = 0, e = labels->numElements(); i < e; ++i)
      sensitivity.labels.push_back(static_cast<int64_t>(labels->at(i)));
  }
  if (failed(compileTo(module, Phase::Offloaded, compile)))
    return 1;
  compile.quantization.layers.clear(); // on the products now
  compile.activations = "calibrated";
  sensitivity.quantize = [&](ModuleOp copy) {
    return compileTo(copy, Phase::Quantized, compile);
  };
  Expected<std::vector<std::vector<execute::Tensor>>> samples =
      options.calibration.samples(module);
  if (!samples)
    return fail(samples.takeError());
  FailureOr<std::vector<execute::LayerSensitivity>> layers =
      execute::layerSensitivity(module, *samples, sensitivity);
  if (failed(layers))
    return 1;
  const bool labelled = !sensitivity.labels.empty();
  outs() << formatv("{0,-34} {1,9} {2,10}", "layer", "SNR (dB)", "agreement");
  if (labelled)
    outs() << formatv(" {0,8} {1,8}", "top-1", "loss");
  outs() << "\n";
  const double rows = static_cast<double>(layers->front().error.rows);
  const double best = static_cast<double>(layers->front().error.right) / rows;
  for (auto [i, entry] : llvm::enumerate(*layers)) {
    const std::string name = i == 0 ? "(float)"
                             : i == 1
                                 ? "(all layers as given)"
                                 : StringRef(entry.layer).take_back(34).str();
    const std::string snr =
        i == 0 ? "-" : formatv("{0:f1}", entry.error.snrDb).str();
    outs() << formatv("{0,-34} {1,9} {2,9:f2}%", name, snr,
                      100 * static_cast<double>(entry.error.agreeing) / rows);
    if (labelled) {
      const double right = static_cast<double>(entry.error.right) / rows;
      outs() << formatv(" {0,7:f2}% {1,7:f2}%", 100 * right,
                        100 * (best - right));
    }
    outs() << "\n";
  }
  return 0;
}

int runQuantize(const QuantizeOptions &given) {
  QuantizeOptions options = given;
  if (!options.data.empty()) {
    if (!options.calibration.inputs.empty() || !options.labels.empty())
      return fail("--data holds inputs and labels: leave --calibrate and "
                  "--labels out");
    options.calibration.inputs = {options.data};
  }
  if (options.output.empty() && !options.sensitivity)
    return fail("name the output with -o (.onnx, .mlir or .mlirbc), or ask for "
                "--sensitivity");
  if (options.sensitivity && options.calibration.inputs.empty())
    return fail("--sensitivity runs the model on data: give inputs with "
                "--calibrate or --data");
  if (options.sensitivity && options.calibration.biasCorrection)
    return fail("--sensitivity compares models without --bias-correction; "
                "leave one of them out");
  if (!options.output.empty())
    if (Error error = checkWritable(options.output))
      return fail(std::move(error));
  const bool exports = sys::path::extension(options.output) == ".onnx";
  if (exports && sys::path::extension(options.model) != ".onnx")
    return fail(Twine("'") + options.output +
                "' is written into the graph of an ONNX model, which '" +
                options.model + "' is not; write .mlir, or start from .onnx");
  if (exports && options.calibration.inputs.empty())
    return fail("ONNX holds ranges as constants: give inputs that fix them "
                "with --calibrate or --data");

  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return fail(design.takeError());
  FailureOr<OwningOpRef<ModuleOp>> module =
      session.loadModel(options.model, options.design.shapes, /*batch=*/1);
  if (failed(module))
    return 1;
  if (options.sensitivity) {
    OwningOpRef<ModuleOp> copy = (*module)->clone();
    if (int status = printSensitivity(*copy, *design, options);
        status || options.output.empty())
      return status;
  }
  CompileOptions compile = design->compileOptions();
  if (failed(calibrate(**module, Phase::Quantized, options.calibration,
                       compile)) ||
      failed(compileTo(**module, Phase::Quantized, compile)))
    return 1;
  if (!exports) {
    if (Error error = session.writeModule(**module, options.output))
      return fail(std::move(error));
    return 0;
  }
  FailureOr<ONNXExportSummary> summary =
      exportQDQ(**module, options.model, options.output);
  if (failed(summary))
    return 1;
  for (const std::string &note : summary->notes)
    outs() << "note: " << note << "\n";
  outs() << options.output << ": " << summary->products
         << " products quantized";
  if (summary->integers)
    outs() << ", " << summary->integers << " in integers before";
  outs() << "\n";
  return 0;
}

} // namespace

void addQuantizeCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App *command = app.add_subcommand(
      "quantize", "Make the products of a model integers, and write it as ONNX "
                  "with QuantizeLinear and DequantizeLinear");
  command
      ->add_option("MODEL", options->model, "The model (.onnx, .mlir, .mlirbc)")
      ->required();
  command->add_option("--data", options->data,
                      "A .npz file with inputs and labels as for imc accuracy, "
                      "in place of --calibrate and --labels");
  options->calibration.addTo(*command);
  options->design.addTo(*command, /*targetRequired=*/false);
  command->add_option("-o", options->output,
                      "Output: .onnx, or .mlir and .mlirbc for the module of "
                      "phase quantized");
  command->add_flag("--sensitivity", options->sensitivity,
                    "Print how far outputs move, and how many classes change, "
                    "when one layer alone has --sensitivity-bits");
  command
      ->add_option("--sensitivity-bits", options->layerBits,
                   "Bits of weights and inputs of that layer")
      ->check(CLI::Range(2, 16));
  command->add_option("--labels", options->labels,
                      "Classes of the inputs (.npy, integers): --sensitivity "
                      "prints the loss of accuracy, too");
  command->callback([options, &status] { status = runQuantize(*options); });
}

} // namespace imc::driver
