//===- RunCommand.cpp - imc run -------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Execute/ProgramEngine.h"
#include "imc/Execute/Run.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Transforms/ExportProgram.h"
#include "imc/Transforms/Phase.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct RunCommandOptions {
  std::string model, at = "imported", program;
  CalibrationArguments calibration;
  DesignOptions design;
  uint64_t seed = 0;
  execute::RunOptions run;
};

int runRun(const RunCommandOptions &options) {
  std::optional<Phase> at = symbolizePhase(options.at);
  if (!at)
    return fail(Twine("'") + options.at + "' is not a phase; --at takes " +
                listPhases());
  if (*at >= Phase::Tiled && options.design.target.empty())
    return fail(Twine("--at ") + options.at +
                " needs arrays: name a machine with --target");

  std::optional<program::Schedule> schedule;
  if (!options.program.empty()) {
    schedule = schedule::findSchedule(options.program);
    if (!schedule)
      return fail(Twine("--program takes layers, pipeline or stream, not '") +
                  options.program + "'");
    if (*at < Phase::Placed)
      return fail("--program executes placed products: add --at scheduled");
  }

  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return fail(design.takeError());

  FailureOr<OwningOpRef<ModuleOp>> module =
      session.loadModel(options.model, options.design.shapes);
  if (failed(module))
    return 1;
  CompileOptions compile = design->compileOptions();
  if (failed(calibrate(**module, *at, options.calibration, compile)))
    return 1;
  if (failed(compileTo(**module, *at, compile)))
    return 1;
  if (!schedule)
    return execute::runCommand(**module, options.run, outs(), errs());

  // The products by the instructions of the cores, the rest compiled. The
  // program is that of the placements of the module, read against its machine.
  FailureOr<workload::Workload> workload =
      session.extract(**module, options.model);
  if (failed(workload))
    return 1;
  FailureOr<program::Program> program = exportProgram(**module, schedule);
  if (failed(program))
    return 1;
  execute::ProgramEngine engine(*program);
  execute::RunOptions run = options.run;
  run.executor.engine = &engine;
  const int status = execute::runCommand(**module, run, outs(), errs());
  if (Error error = engine.takeError())
    return fail(std::move(error));
  if (status == 0)
    outs() << "program: " << engine.instructions() << " instructions on "
           << workload->layers.size() << " layers\n";
  return status;
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
  options->design.addTo(*command, /*targetRequired=*/false);
  options->calibration.addTo(*command);
  command->add_option("--program", options->program,
                      "Execute the products by the instructions of all cores: "
                      "layers, pipeline or stream; --at placed or later");
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
  command
      ->add_option("--repeat", options->run.repeat,
                   "Run the model this often and print the times")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--cache", options->run.executor.cacheDirectory,
                   "Folder that keeps compiled code between calls; code in it "
                   "is trusted")
      ->envname("IMC_CACHE");
  command->callback([options, &status] { status = runRun(*options); });
}

} // namespace imc::driver
