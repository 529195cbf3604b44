//===- RunCommand.cpp - imc run -------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Execute/CrossbarEngine.h"
#include "imc/Execute/Executor.h"
#include "imc/Execute/ProgramEngine.h"
#include "imc/Execute/Run.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Transforms/ExportProgram.h"
#include "imc/Transforms/Phase.h"

#include "llvm/ADT/StringExtras.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct RunCommandOptions {
  std::string model, at = "imported", program, arrays = "compiled", device;
  std::string range, ties, step = "power_of_two";
  std::string criterion = "quantile";
  double quantile = 1;
  std::vector<std::string> rangeInputs;
  CalibrationArguments calibration;
  DesignOptions design;
  crossbar::Draw draw;
  int64_t threads = 1;
  bool writeAhead = false;
  execute::RunOptions run;
};

/// Index of `name` in `names`, or an error that lists them.
Expected<size_t> choose(StringRef option, StringRef name,
                        ArrayRef<StringRef> names) {
  for (size_t i = 0; i != names.size(); ++i)
    if (names[i] == name)
      return i;
  return createStringError(inconvertibleErrorCode(),
                           option + " takes " + join(names, ", ") + ", not '" +
                               name + "'");
}

/// Converters as the options say; without --adc-range the module's.
Expected<execute::CrossbarOptions>
convertersOf(const RunCommandOptions &options) {
  execute::CrossbarOptions converters;
  converters.threads = options.threads;
  converters.quantile = options.quantile;
  Error error = Error::success();
  auto take = [&](StringRef option, StringRef name,
                  ArrayRef<StringRef> names) -> size_t {
    Expected<size_t> value = choose(option, name, names);
    if (value)
      return *value;
    error = joinErrors(std::move(error), value.takeError());
    return 0;
  };
  // `clipped` is the range that machines state.
  constexpr std::optional<crossbar::Range> ranges[] = {
      crossbar::Range::Lossless, crossbar::Range::Full,
      crossbar::Range::Filled,   std::nullopt,
      crossbar::Range::Layer,    crossbar::Range::Array,
      crossbar::Range::Column,   crossbar::Range::Phase};
  if (!options.range.empty())
    converters.range = ranges[take("--adc-range", options.range,
                                   {"lossless", "full", "filled", "clipped",
                                    "layer", "array", "column", "phase"})];
  // In the order of the enumerations.
  if (!options.ties.empty())
    converters.ties = crossbar::Ties(
        take("--adc-ties", options.ties, {"half_up", "half_even", "floor"}));
  converters.step = crossbar::Step(
      take("--adc-step", options.step, {"power_of_two", "free"}));
  converters.criterion = crossbar::Criterion(take(
      "--adc-criterion", options.criterion, {"quantile", "squared_error"}));
  if (error)
    return std::move(error);
  return converters;
}

/// Counts the sums of the inputs that ranges are calibrated on.
Error calibrateRanges(execute::Executor &executor,
                      const RunCommandOptions &options,
                      execute::CrossbarEngine &engine) {
  Expected<std::vector<execute::Tensor>> inputs =
      execute::readTensors(options.rangeInputs, "input");
  if (!inputs)
    return inputs.takeError();
  engine.beginCalibration();
  Expected<std::vector<execute::Tensor>> outputs = executor.run(*inputs);
  if (!outputs)
    return outputs.takeError();
  return engine.finishCalibration();
}

/// The products by the simulator of arrays, the rest compiled.
int runOnArrays(ModuleOp module, const RunCommandOptions &options) {
  std::optional<crossbar::Device> device;
  if (!options.device.empty()) {
    Expected<crossbar::Device> loaded =
        crossbar::loadDevice(options.device, targetFolders());
    if (!loaded)
      return fail(loaded.takeError());
    device = std::move(*loaded);
  }
  Expected<execute::CrossbarOptions> converters = convertersOf(options);
  if (!converters)
    return fail(converters.takeError());
  execute::CrossbarEngine engine(*converters);
  execute::RunOptions run = options.run;
  run.executor.engine = &engine;
  run.compiled = [&](execute::Executor &executor) -> Error {
    if (engine.calibrates()) {
      if (options.rangeInputs.empty())
        return createStringError(
            inconvertibleErrorCode(),
            (options.range.empty() ? "pass.range"
                                   : "--adc-range " + options.range) +
                " is calibrated: give inputs with --adc-calibrate");
      if (Error error = calibrateRanges(executor, options, engine))
        return error;
    }
    return device ? engine.program(*device, options.draw) : Error::success();
  };
  const int status = execute::runCommand(module, run, outs(), errs());
  if (Error error = engine.takeError())
    return fail(std::move(error));
  if (status != 0)
    return status;
  crossbar::Proof proof;
  crossbar::Statistics statistics;
  for (int64_t i = 0; i < engine.size(); ++i) {
    const crossbar::Proof own = engine.product(i).proof();
    proof.columns += own.columns;
    proof.proved_columns += own.proved_columns;
    statistics.conversions += engine.statistics(i).conversions;
    statistics.saturated += engine.statistics(i).saturated;
  }
  outs() << "arrays: " << engine.size() << " products, " << proof.proved_columns
         << " of " << proof.columns << " converters proved lossless, "
         << statistics.saturated << " of " << statistics.conversions
         << " simulated conversions saturated\n";
  return status;
}

int runRun(const RunCommandOptions &options) {
  std::optional<Phase> at = symbolizePhase(options.at);
  if (!at)
    return fail(Twine("'") + options.at + "' is not a phase; --at takes " +
                listPhases());
  if (*at >= Phase::Tiled && options.design.target.empty())
    return fail(Twine("--at ") + options.at +
                " needs arrays: name a machine with --target");

  const bool simulated = options.arrays == "simulated";
  if (!simulated && options.arrays != "compiled")
    return fail(Twine("--arrays takes compiled or simulated, not '") +
                options.arrays + "'");
  if (simulated && *at < Phase::Tiled)
    return fail("--arrays simulated needs products on arrays: add --at tiled");
  if (simulated && !options.program.empty())
    return fail("--program computes the products already; leave out --arrays "
                "or --program");
  if (!simulated && !(options.device.empty() && options.range.empty()))
    return fail(Twine(options.device.empty() ? "--adc-range" : "--device") +
                " needs the simulator of arrays: add --arrays simulated");

  if (options.writeAhead && options.program.empty())
    return fail("--write-ahead is of a program: add --program layers");
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
  if (simulated)
    return runOnArrays(**module, options);
  if (!schedule)
    return execute::runCommand(**module, options.run, outs(), errs());

  // The products by the instructions of the cores, the rest compiled. The
  // program is that of the placements of the module, read against its machine.
  FailureOr<workload::Workload> workload =
      session.extract(**module, options.model);
  if (failed(workload))
    return 1;
  FailureOr<program::Program> program =
      exportProgram(**module, schedule, 0, options.writeAhead);
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
  command->add_flag("--write-ahead", options->writeAhead,
                    "Of --program layers: write swapped weights while an "
                    "earlier layer computes on other arrays");
  command->add_option("--arrays", options->arrays,
                      "How products on arrays are computed: compiled (the "
                      "default), or simulated, which is faster and knows "
                      "devices; --at tiled or later");
  command->add_option("--device", options->device,
                      "Cells and converters of --arrays simulated: a name of "
                      "targets/devices or a file");
  command->add_option("--seed", options->draw.seed,
                      "Seed of the device's random numbers");
  command->add_option("--adc-range", options->range,
                      "What converters of --arrays simulated cover: lossless, "
                      "full, filled, clipped (the machine's adc.clip_bits), or "
                      "what they see in each layer, array, column or phase "
                      "of --adc-calibrate; without it what the design says "
                      "(pass.range)");
  command->add_option("--adc-calibrate", options->rangeInputs,
                      "Inputs, as --input, that --adc-range is calibrated on");
  command->add_option("--adc-quantile", options->quantile,
                      "Share of the sums that a calibrated range holds "
                      "(default 1)");
  command->add_option("--adc-criterion", options->criterion,
                      "What calibration looks for: quantile (the default) or "
                      "squared_error");
  command->add_option("--adc-ties", options->ties,
                      "Sums between two codes: half_up, half_even or floor; "
                      "without it what the design says (pass.ties)");
  command->add_option("--adc-step", options->step,
                      "Steps with --adc-range: power_of_two (the default) or "
                      "free");
  command
      ->add_option("--trial", options->draw.trial, "Which draw of the device")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--time", options->draw.time_s,
                   "Seconds since the device was programmed")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--threads", options->threads,
                   "Threads of --arrays simulated; results are the same")
      ->check(CLI::PositiveNumber);
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
