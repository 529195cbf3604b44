//===- ValidateCommand.cpp - imc validate ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Support/OutputFile.h"
#include "imc/Validate/Validate.h"
#include "llvm/Support/FormatVariadic.h"

#include <CLI/CLI.hpp>

using namespace llvm;

namespace imc::driver {
namespace {

struct ValidateOptions {
  std::string points, json, table;
};

int runValidate(const ValidateOptions &options) {
  Expected<std::vector<validate::Point>> points =
      validate::readPoints(options.points);
  if (!points)
    return fail(points.takeError());
  Expected<std::vector<validate::Result>> results =
      validate::validate(std::move(*points), targetFolders());
  if (!results)
    return fail(results.takeError());
  if (!options.json.empty())
    if (Error error = writeFile(options.json, [&](raw_ostream &os) {
          os << formatv("{0:2}", validate::toJSON(*results, IMC_VERSION))
             << "\n";
        }))
      return fail(std::move(error));
  if (!options.table.empty())
    if (Error error = writeFile(options.table, [&](raw_ostream &os) {
          validate::printOwn(*results, os);
        }))
      return fail(std::move(error));
  if (options.json != "-" && options.table != "-")
    validate::print(*results, outs());
  return 0;
}

} // namespace

void addValidateCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<ValidateOptions>();
  CLI::App *command = app.add_subcommand(
      "validate", "Price published chips and compare with what they report");
  command
      ->add_option(
          "POINTS", options->points,
          "Published points, a CSV file as targets/validation/points.csv")
      ->required();
  command->add_option(
      "--json", options->json,
      "Write rows and summary as JSON to a file, or - for stdout");
  command->add_option(
      "--table", options->table,
      "Write the rows that name a target as a table in Markdown to a file, or "
      "- for stdout");
  command->callback([options, &status] { status = runValidate(*options); });
}

} // namespace imc::driver
