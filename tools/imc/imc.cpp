//===- imc.cpp - The driver: one sub-command per thing a user wants -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exit status: 0 done; 1 a diagnostic was printed; 2 wrong usage.
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <csignal>

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
#ifdef SIGXFSZ
  // A limit on file sizes is then an error of the write, which names the file.
  std::signal(SIGXFSZ, SIG_IGN);
#endif
  CLI::App app{"Compiles neural networks for in-memory-computing chips, prices "
               "them, and searches chips and compiler decisions jointly.",
               "imc"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("imc-mlir ") + IMC_VERSION);
  app.get_formatter()->column_width(36);

  int status = 0;
  imc::driver::addAccuracyCommand(app, status);
  imc::driver::addAccuracyModelCommand(app, status);
  imc::driver::addCompileCommands(app, status);
  imc::driver::addCostCommand(app, status);
  imc::driver::addProgramCommand(app, status);
  imc::driver::addQuantizeCommand(app, status);
  imc::driver::addRunCommand(app, status);
  imc::driver::addSearchCommands(app, status);
  imc::driver::addSimulateCommand(app, status);
  imc::driver::addSolveCommand(app, status);
  imc::driver::addSpaceCommand(app, status);
  imc::driver::addStudyCommand(app, status);
  imc::driver::addTargetsCommand(app, status);
  imc::driver::addValidateCommand(app, status);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // Help and version are not errors; everything else is wrong usage.
    return app.exit(error) == 0 ? 0 : 2;
  }
  return status;
}
