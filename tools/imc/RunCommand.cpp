//===- RunCommand.cpp - imc run -------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Execute/Calibrate.h"
#include "imc/Execute/Run.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Transforms/Phase.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct RunCommandOptions {
  std::string model, at = "imported", target;
  std::vector<std::string> sets, shapes, calibrate;
  uint64_t seed = 0;
  execute::RunOptions run;
};

int runRun(const RunCommandOptions &options) {
  std::optional<Phase> at = symbolizePhase(options.at);
  if (!at)
    return fail(Twine("'") + options.at + "' is not a phase; --at takes " +
                listPhases());
  if (*at >= Phase::Tiled && options.target.empty())
    return fail(Twine("--at ") + options.at +
                " needs arrays: name a machine with --target");

  Session session;
  Design design;
  if (!options.target.empty()) {
    Expected<machine::TargetSpec> target = session.loadTarget(options.target);
    if (!target)
      return fail(target.takeError());
    design.target = std::move(*target);
  }
  for (const std::string &assignment : options.sets)
    if (Error error = design.set(assignment))
      return fail(std::move(error));

  FailureOr<OwningOpRef<ModuleOp>> module =
      session.loadModel(options.model, options.shapes);
  if (failed(module))
    return 1;
  CompileOptions compile = design.compileOptions(!options.target.empty());
  if (!options.calibrate.empty()) {
    if (*at < Phase::Quantized)
      return fail("--calibrate finds ranges for integers; add --at quantized "
                  "or a later phase");
    if (failed(compileTo(**module, Phase::Offloaded, compile)))
      return 1;
    Expected<std::vector<execute::Tensor>> tensors =
        execute::readTensors(options.calibrate, "input");
    if (!tensors)
      return fail(tensors.takeError());
    Expected<std::vector<std::vector<execute::Tensor>>> samples =
        execute::splitSamples(**module, *tensors);
    if (!samples)
      return fail(samples.takeError());
    if (failed(execute::calibrate(**module, *samples)))
      return 1;
    compile.activations = "calibrated";
  }
  if (failed(compileTo(**module, *at, compile)))
    return 1;
  return execute::runCommand(**module, options.run, outs(), errs());
}

} // namespace

void addRunCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<RunCommandOptions>();
  CLI::App *command = app.add_subcommand(
      "run", "Execute a model at one of the phases, write or compare outputs");
  command
      ->add_option("MODEL", options->model, "The model (.onnx, .mlir, .mlirbc)")
      ->required();
  command
      ->add_option("--input", options->run.inputs,
                   "A folder with input_0.npy|pb, ..., or files in graph order")
      ->required();
  command->add_option("--at", options->at,
                      "imported (the default), offloaded, quantized, tiled, "
                      "placed, scheduled or costed");
  command->add_option("--target", options->target,
                      "A machine, from phase tiled on");
  command->add_option("--set", options->sets,
                      "KNOB=VALUE, as in machine.adc_bits=8 or "
                      "pass.weight_bits=6");
  command->add_option("--shape", options->shapes,
                      "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
  command->add_option("--calibrate", options->calibrate,
                      "Inputs that fix the ranges of activations (a folder or "
                      "files); without, ranges are measured at run time");
  command->add_option("--seed", options->seed,
                      "Seed of device noise; the ideal devices simulated so "
                      "far draw none, so it changes nothing");
  command->add_option("--output", options->run.outputDirectory,
                      "Folder for output_0.npy, ...");
  command->add_option("--compare", options->run.compareDirectory,
                      "Folder with references output_0.npy|pb, ...; exit 1 "
                      "past the tolerance");
  command
      ->add_option("--rtol", options->run.relativeTolerance,
                   "Relative tolerance")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--atol", options->run.absoluteTolerance,
                   "Absolute tolerance")
      ->check(CLI::NonNegativeNumber);
  command->callback([options, &status] { status = runRun(*options); });
}

} // namespace imc::driver
