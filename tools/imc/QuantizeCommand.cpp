//===- QuantizeCommand.cpp - imc quantize ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Export/ONNX.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Phase.h"
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
};

int runQuantize(const QuantizeOptions &options) {
  if (Error error = checkWritable(options.output))
    return fail(std::move(error));
  const bool exports = sys::path::extension(options.output) == ".onnx";
  if (exports && sys::path::extension(options.model) != ".onnx")
    return fail(Twine("'") + options.output +
                "' is written into the graph of an ONNX model, which '" +
                options.model + "' is not; write .mlir, or start from .onnx");
  if (exports && options.calibration.inputs.empty())
    return fail("ONNX holds ranges as constants: give inputs that fix them "
                "with --calibrate");

  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return fail(design.takeError());
  FailureOr<OwningOpRef<ModuleOp>> module =
      session.loadModel(options.model, options.design.shapes);
  if (failed(module))
    return 1;
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
  options->calibration.addTo(*command);
  options->design.addTo(*command, /*targetRequired=*/false);
  command
      ->add_option("-o", options->output,
                   "Output: .onnx, or .mlir and .mlirbc for the module of "
                   "phase quantized")
      ->required();
  command->callback([options, &status] { status = runQuantize(*options); });
}

} // namespace imc::driver
