//===- TargetsCommand.cpp - imc targets -----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Cost/Cost.h"
#include "imc/Support/OutputFile.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

#include <CLI/CLI.hpp>

using namespace llvm;

namespace imc::driver {
namespace {

struct TargetsOptions {
  std::string name, json;
  bool schema = false, yaml = false, mlir = false;
};

int listAll() {
  for (const std::string &name : machine::listTargets(targetFolders())) {
    Expected<machine::TargetSpec> spec =
        machine::loadTarget(name, targetFolders());
    if (!spec)
      return fail(spec.takeError());
    outs() << name << "  " << spec->description << "\n";
  }
  return 0;
}

int runTargets(const TargetsOptions &options) {
  if (options.schema) {
    outs() << formatv("{0:2}", machine::jsonSchema()) << "\n";
    return 0;
  }
  if (options.name.empty())
    return listAll();

  Session session;
  Expected<machine::TargetSpec> spec = session.loadTarget(options.name);
  if (!spec)
    return fail(spec.takeError());
  if (options.yaml) {
    outs() << machine::toYAML(*spec);
    return 0;
  }
  if (options.mlir) {
    outs() << TargetAttr::get(&session.context(), *spec) << "\n";
    return 0;
  }
  Expected<machine::Machine> machine = spec->machine();
  if (!machine)
    return fail(machine.takeError());
  json::Object figures = cost::toJSON(cost::figures(*machine));
  json::Object expected;
  for (const machine::ExpectedFigure &figure : spec->expected)
    expected[figure.name] = json::Object{{"value", figure.value},
                                         {"source", figure.source},
                                         {"error", figure.error}};
  if (options.json.empty()) {
    outs() << spec->name << ": " << spec->description << "\n";
    if (!spec->citation.empty())
      outs() << "  " << spec->citation << "\n";
    for (const auto &[name, value] : figures)
      outs() << format("  %-22s %12.6g\n", name.str().c_str(),
                       value.getAsNumber().value_or(0));
    return 0;
  }
  json::Object root{{"name", spec->name},
                    {"figures", std::move(figures)},
                    {"expected", std::move(expected)}};
  if (Error error = writeFile(options.json, [&](raw_ostream &os) {
        os << formatv("{0:2}", json::Value(std::move(root))) << "\n";
      }))
    return fail(std::move(error));
  return 0;
}

} // namespace

void addTargetsCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<TargetsOptions>();
  CLI::App *command = app.add_subcommand(
      "targets", "List the machines, or show one with its own figures");
  command->add_option("NAME", options->name, "A machine, by name or file");
  command->add_option("--json", options->json,
                      "Write the figures as JSON to a file, or - for stdout");
  command->add_flag("--schema", options->schema,
                    "Print the JSON schema of machine files");
  command->add_flag("--yaml", options->yaml,
                    "Print the machine as one YAML document");
  command->add_flag("--mlir", options->mlir,
                    "Print the machine as an #imc.target attribute");
  command->callback([options, &status] { status = runTargets(*options); });
}

} // namespace imc::driver
