//===- ProgramCommand.cpp - imc program -----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Program/IO.h"
#include "imc/Program/Statistics.h"
#include "imc/Program/Verify.h"
#include "imc/Support/OutputFile.h"

#include <CLI/CLI.hpp>

using namespace llvm;

namespace imc::driver {
namespace {

struct ProgramOptions {
  std::string file, output;
  bool verify = false, statistics = false, text = false, binary = false;
};

/// One line per problem, all with the file's name.
int failAll(const std::string &file, Error error) {
  std::string problems = toString(std::move(error));
  StringRef rest = problems;
  while (!rest.empty()) {
    auto [line, left] = rest.split('\n');
    fail(file + ": " + line);
    rest = left;
  }
  return 1;
}

int runProgram(const ProgramOptions &options) {
  if (!options.output.empty() && !options.text && !options.binary)
    return fail("-o writes a program: say --text or --binary, too");
  Expected<program::Program> program = program::read(options.file);
  if (!program)
    return fail(program.takeError());
  const std::string name = options.file == "-" ? "<stdin>" : options.file;
  if (Error error = program::check(*program))
    return failAll(name, std::move(error));
  if (options.verify)
    if (Error error = program::verify(*program))
      return failAll(name, std::move(error));

  const std::string output = options.output.empty() ? "-" : options.output;
  if (options.text || options.binary)
    if (Error error = writeFile(output, [&](raw_ostream &os) {
          options.text ? program::printText(*program, os)
                       : program::writeBinary(*program, os);
        }))
      return fail(std::move(error));
  if (options.statistics)
    program::print(program::statistics(*program), outs());
  if (!options.text && !options.binary && !options.statistics)
    outs() << name << ": " << program->products.size() << " products, "
           << program->parts.size() << " parts, " << program->kernels.size()
           << " kernels, " << program->streams.size() << " streams, schedule "
           << program::name(program->schedule)
           << (options.verify ? ", verified\n" : "\n");
  return 0;
}

} // namespace

void addProgramCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<ProgramOptions>();
  CLI::App *command = app.add_subcommand(
      "program", "Verify, convert, or count the programs of a chip's cores");
  command
      ->add_option("FILE", options->file,
                   "A program in either form, or - for stdin")
      ->required();
  command->add_flag("--verify", options->verify,
                    "Prove that the program is sound (docs/isa.md)");
  CLI::Option *text = command->add_flag("--text", options->text,
                                        "Write it as text (disassemble)");
  command->add_flag("--binary", options->binary, "Write it as bytes (assemble)")
      ->excludes(text);
  command->add_option("-o", options->output,
                      "File that --text or --binary write; default: stdout");
  command->add_flag("--stats", options->statistics,
                    "Print how many instructions it has and executes, and the "
                    "peaks of the buffers");
  command->callback([options, &status] { status = runProgram(*options); });
}

} // namespace imc::driver
