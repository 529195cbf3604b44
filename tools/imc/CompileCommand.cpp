//===- CompileCommand.cpp - imc import, imc compile -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Remarks.h"
#include "Session.h"

#include "imc/Pipelines/Pipelines.h"
#include "imc/Program/IO.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/ExportProgram.h"
#include "imc/Transforms/Phase.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct ImportOptions {
  std::string model, output = "-";
  std::vector<std::string> shapes;
};

int runImport(const ImportOptions &options) {
  if (Error error = checkWritable(options.output))
    return fail(std::move(error));
  Session session;
  FailureOr<OwningOpRef<ModuleOp>> module =
      session.loadModel(options.model, options.shapes);
  if (failed(module))
    return 1;
  if (Error error = session.writeModule(**module, options.output))
    return fail(std::move(error));
  return 0;
}

struct CompileCommandOptions {
  std::vector<std::string> models;
  CalibrationArguments calibration;
  std::string to, output; ///< empty: not given
  std::string program, schedule = "layers";
  int64_t inferences = 0;
  bool writeAhead = false;
  DesignOptions design;
  RemarkOptions remarks;
};

/// Compiles and writes the models of the command line.
int compileAll(Session &session, const Design &design, Phase to,
               const CompileCommandOptions &options) {
  for (const std::string &model : options.models) {
    FailureOr<OwningOpRef<ModuleOp>> module =
        session.loadModel(model, options.design.shapes);
    if (failed(module))
      return 1;
    Expected<CompileOptions> own =
        design.compileOptions(modelName(model), modelNames(options.models));
    if (!own)
      return fail(own.takeError());
    CompileOptions compile = std::move(*own);
    if (failed(calibrate(**module, to, options.calibration, compile)))
      return 1;
    if (failed(compileTo(**module, to, compile)))
      return 1;
    if (!options.program.empty()) {
      FailureOr<program::Program> program =
          exportProgram(**module, schedule::findSchedule(options.schedule),
                        options.inferences, options.writeAhead);
      if (failed(program))
        return 1;
      if (Error error = writeFile(options.program, [&](raw_ostream &os) {
            if (StringRef(options.program).ends_with(".imcp"))
              program::writeBinary(*program, os);
            else
              program::printText(*program, os);
          }))
        return fail(std::move(error));
      if (options.output.empty())
        continue;
    }
    SmallString<128> path(options.output.empty() ? "-" : options.output);
    if (options.models.size() > 1)
      sys::path::append(path, modelName(model) + ".mlir");
    if (Error error = session.writeModule(**module, path))
      return fail(std::move(error));
  }
  return 0;
}

int runCompile(const CompileCommandOptions &options) {
  const bool exports = !options.program.empty();
  if (options.writeAhead && !exports)
    return fail("--write-ahead is of a program: name its file with "
                "--program");
  // Costs are of no use to a program.
  std::optional<Phase> to = symbolizePhase(
      options.to.empty()
          ? (exports && options.output.empty() ? "scheduled" : "costed")
          : options.to);
  if (!to)
    return fail(Twine("'") + options.to + "' is not a phase; --to takes " +
                listPhases());
  if (exports) {
    if (*to < Phase::Placed)
      return fail(Twine("--program needs a placed module, --to says '") +
                  options.to + "'; take placed, scheduled or costed");
    if (options.models.size() > 1)
      return fail("--program takes one model");
    if (!schedule::findSchedule(options.schedule))
      return fail(Twine("there is no schedule '") + options.schedule +
                  "'; --schedule takes layers, pipeline or stream");
    if (Error error = checkWritable(options.program))
      return fail(std::move(error));
  }
  // Several models go to a folder, one file each.
  bool many = options.models.size() > 1;
  if (many && (options.output.empty() || options.output == "-"))
    return fail("several models need -o FOLDER, one file for each");
  if (many) {
    if (std::error_code code = sys::fs::create_directories(options.output))
      return fail(Twine("cannot create folder '") + options.output +
                  "': " + code.message());
  } else if (Error error =
                 checkWritable(options.output.empty() ? "-" : options.output)) {
    return fail(std::move(error));
  }

  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return fail(design.takeError());

  RemarkOutput remarks;
  if (Error error = remarks.enable(session.context(), options.remarks))
    return fail(std::move(error));
  int status = compileAll(session, *design, *to, options);
  // Remarks on a model that was refused say why.
  if (Error error = remarks.finish())
    return fail(std::move(error));
  return status;
}

} // namespace

void addCompileCommands(CLI::App &app, int &status) {
  auto import = std::make_shared<ImportOptions>();
  CLI::App *command = app.add_subcommand(
      "import",
      "Read a model into linalg, tensor and arith IR (phase imported)");
  command
      ->add_option("MODEL", import->model, "The model (.onnx, .mlir, .mlirbc)")
      ->required();
  command->add_option("--shape", import->shapes,
                      "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
  command->add_option("-o", import->output,
                      "Output file (.mlir or .mlirbc), or - for stdout");
  command->callback([import, &status] { status = runImport(*import); });

  auto compile = std::make_shared<CompileCommandOptions>();
  command = app.add_subcommand(
      "compile", "Lower a model to one of the phases for a machine");
  command
      ->add_option("MODEL", compile->models,
                   "The model (.onnx, .mlir, .mlirbc); several go to a folder")
      ->required();
  compile->design.addTo(*command, /*targetRequired=*/true);
  command->add_option("--to", compile->to,
                      "imported, offloaded, quantized, tiled, placed, "
                      "scheduled or costed (the default)");
  command->add_option("--program", compile->program,
                      "Write the program of the cores to a file (binary where "
                      "it ends in .imcp, text otherwise) or, as text, to - ; "
                      "the module is then written only with -o");
  command->add_option(
      "--schedule", compile->schedule,
      "Schedule of the program: layers (one after the other, "
      "the default), pipeline (throughput) or stream (latency)");
  command
      ->add_option("--inferences", compile->inferences,
                   "Inferences of one run of the program (0: those that the "
                   "model does at once)")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--write-ahead", compile->writeAhead,
                    "Schedule layers: write swapped weights while an earlier "
                    "layer computes on other arrays");
  compile->calibration.addTo(*command);
  command->add_option("-o", compile->output,
                      "Output file (.mlir or .mlirbc), - for stdout, or a "
                      "folder for several models");
  compile->remarks.addTo(*command);
  command->callback([compile, &status] { status = runCompile(*compile); });
}

} // namespace imc::driver
