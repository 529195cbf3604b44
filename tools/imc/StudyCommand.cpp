//===- StudyCommand.cpp - imc study ---------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Explore/StudyFiles.h"
#include "imc/Support/OutputFile.h"

#include <CLI/CLI.hpp>

using namespace llvm;

namespace imc::driver {
namespace {
struct StudyOptions {
  std::vector<std::string> studies;
  std::string output = "-", format;
};

int finish(Error error) {
  if (!error)
    return 0;
  errs() << "error: " << toString(std::move(error)) << '\n';
  return 1;
}

Error check(const StudyOptions &options) {
  auto study = explore::Study::open(options.studies[0]);
  if (!study)
    return study.takeError();
  auto text = explore::checkStudy(*study);
  if (!text)
    return text.takeError();
  outs() << *text << '\n';
  return Error::success();
}

Error exportTo(const StudyOptions &options) {
  StringRef format = options.format;
  if (format.empty())
    format = StringRef(options.output).rsplit('.').second;
  auto parsed = explore::parseExportFormat(format);
  if (!parsed)
    return parsed.takeError();
  auto study = explore::Study::open(options.studies[0]);
  if (!study)
    return study.takeError();
  // A damaged row must not leave half a file.
  std::string text;
  raw_string_ostream stream(text);
  if (Error error = explore::exportStudy(*study, *parsed, stream))
    return error;
  return writeFile(options.output, [&](raw_ostream &out) { out << text; });
}
} // namespace

void addStudyCommand(CLI::App &app, int &status) {
  CLI::App *study =
      app.add_subcommand("study", "Check, export and merge studies");
  study->require_subcommand(1);
  auto options = std::make_shared<StudyOptions>();

  CLI::App *command =
      study->add_subcommand("check", "Read every row and compare checksums");
  command->add_option("STUDY", options->studies, "A study (.db)")
      ->required()
      ->expected(1);
  command->callback([options, &status] { status = finish(check(*options)); });

  command = study->add_subcommand("export", "Write all evaluations");
  command->add_option("STUDY", options->studies, "A study (.db)")
      ->required()
      ->expected(1);
  command->add_option("-o", options->output, "File (.csv, .json), or -")
      ->required();
  command->add_option("--format", options->format,
                      "csv or json (default: by the file's name)");
  command->callback(
      [options, &status] { status = finish(exportTo(*options)); });

  command = study->add_subcommand(
      "merge", "Make one study of shards; their order does not matter");
  command
      ->add_option("STUDIES", options->studies, "Ended studies of one problem")
      ->required();
  command->add_option("-o", options->output, "The merged study (.db)")
      ->required();
  command->callback([options, &status] {
    status = finish(explore::mergeStudies(options->studies, options->output));
  });
}

} // namespace imc::driver
