//===- SpaceCommand.cpp - imc space ---------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "SpaceModule.h"

#include "imc/Explore/JointProblem.h"
#include "imc/Support/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <CLI/CLI.hpp>

using namespace llvm;

namespace imc::driver {
namespace {

struct SpaceOptions {
  std::string file, emit, json, replay, output = "-";
  std::vector<std::string> models, shapes;
};

/// Every knob with an effect has one of its values, and no other is set.
Error checkDesign(const explore::SpaceFile &space,
                  const explore::Design &design) {
  std::vector<int32_t> choices;
  for (size_t k = 0; k < space.knobs.size(); ++k) {
    const explore::KnobChoices &knob = space.knobs[k];
    const std::string *text = explore::find(design, knob.name);
    bool active = space.isActive(k, choices);
    choices.push_back(0);
    if (!text && !active)
      continue;
    if (!text)
      return explore::makeError("the design has no value for '" + knob.name +
                                "'");
    if (!active)
      return explore::makeError(
          "the design sets '" + knob.name +
          "', which has no effect beside the values before it: leave it out");
    size_t i = 0;
    while (i < knob.values.size() && knob.text(i) != *text)
      ++i;
    if (i == knob.values.size())
      return explore::makeError("'" + knob.name + "' = " + *text +
                                " is not a value of the space");
    choices.back() = int32_t(i);
  }
  for (const auto &setting : design)
    if (none_of(space.knobs, [&](const explore::KnobChoices &knob) {
          return knob.name == setting.first;
        }))
      return explore::makeError("the design sets '" + setting.first +
                                "', which is no knob of the space");
  return Error::success();
}

/// A design file: an object of knobs, or a front point with "design".
Expected<explore::Design> readDesign(StringRef file) {
  auto text = explore::readTextFile(file);
  if (!text)
    return text.takeError();
  auto value = json::parse(*text);
  if (!value)
    return explore::makeError("'" + file +
                              "' is no JSON: " + toString(value.takeError()));
  const json::Object *object = value->getAsObject();
  if (object && object->getObject("design"))
    object = object->getObject("design");
  if (!object)
    return explore::makeError("'" + file +
                              "' is no design: an object of knobs and values");
  explore::Design design;
  for (const auto &[name, choice] : *object)
    design.emplace_back(name.str(), explore::knobValueFromJSON(choice));
  return design;
}

json::Value toJSON(const explore::SpaceFile &space) {
  json::Array knobs, constraints;
  for (const explore::KnobChoices &knob : space.knobs) {
    json::Array values;
    for (size_t i = 0; i < knob.values.size(); ++i)
      values.push_back(explore::knobValueToJSON(knob.text(i)));
    json::Object when;
    for (const explore::KnobCondition &c : knob.conditions) {
      json::Array among;
      for (size_t i : c.choices)
        among.push_back(explore::knobValueToJSON(space.knobs[c.knob].text(i)));
      when[space.knobs[c.knob].name] = std::move(among);
    }
    knobs.push_back(json::Object{{"name", knob.name},
                                 {"kind", knob.field           ? "machine"
                                          : knob.layer.empty() ? "pass"
                                                               : "layer"},
                                 {"ordered", knob.isOrdered()},
                                 {"unit", knob.field ? knob.field->unit : ""},
                                 {"values", std::move(values)},
                                 {"when", std::move(when)}});
  }
  for (const explore::Constraint &c : space.constraints)
    constraints.push_back(c.text());
  json::Object models;
  for (const auto &[name, weight] : space.weights)
    models[name] = json::Object{{"weight", weight}};
  return json::Object{{"target", space.target},
                      {"size", space.size()},
                      {"knobs", std::move(knobs)},
                      {"constraints", std::move(constraints)},
                      {"objectives", json::Array(space.objectives)},
                      {"models", std::move(models)},
                      {"inferences_per_switch", space.inferencesPerSwitch}};
}

/// The layers that knobs name are there, and may have all the values.
Error checkLayers(Session &session, explore::SpaceFile space,
                  const machine::TargetSpec &target,
                  const SpaceOptions &options) {
  std::vector<workload::Workload> workloads;
  for (const std::string &path : options.models) {
    FailureOr<workload::Workload> workload =
        session.loadWorkload(path, options.shapes);
    if (failed(workload))
      return explore::makeError("'" + path + "' cannot be read (see above)");
    workloads.push_back(std::move(*workload));
  }
  // What is asked of accuracy needs no models of it here.
  space.constraints.clear();
  return explore::JointProblem::create(
             std::move(space), target, std::move(workloads),
             explore::Goal{{"energy_j"}, explore::Aggregate::Mean, {}})
      .takeError();
}

Error run(const SpaceOptions &options) {
  Session session;
  explore::Design selected;
  auto space = readSpace(session, options.file, &selected);
  if (!space)
    return space.takeError();
  // The target must know the knobs that the space lists, and exist.
  auto target = session.loadTarget(space->target);
  if (!target)
    return target.takeError();
  if (!options.models.empty())
    if (Error error = checkLayers(session, *space, *target, options))
      return error;
  explore::Design design;
  bool replay = !options.replay.empty() || !selected.empty();
  if (!options.replay.empty()) {
    auto read = readDesign(options.replay);
    if (!read)
      return read.takeError();
    selected = std::move(*read);
  }
  if (replay) {
    if (Error error = checkDesign(*space, selected))
      return error;
    // In the order of the space, as commands have it.
    for (const explore::KnobChoices &knob : space->knobs)
      if (const std::string *text = explore::find(selected, knob.name))
        design.emplace_back(knob.name, *text);
  }
  auto write = [&](const std::string &text) {
    return writeFile(options.output, [&](raw_ostream &out) { out << text; });
  };
  if (options.emit == "mlir")
    return write(printSpaceModule(*space, design));
  if (options.emit == "yaml")
    return write(printSpaceYAML(*space));
  if (!options.emit.empty())
    return explore::makeError("--emit '" + options.emit +
                              "': there are mlir and yaml");
  if (!options.json.empty())
    return writeFile(options.json, [&](raw_ostream &out) {
      out << formatv("{0:2}\n", toJSON(*space));
    });
  if (replay) {
    std::string line = "--target " + space->target;
    for (const auto &[knob, value] : design)
      line += " --set " + knob + "=" + value;
    return write(line + "\n");
  }
  size_t conditional = count_if(
      space->knobs, [](const auto &knob) { return !knob.conditions.empty(); });
  double size = space->size();
  return write(formatv("{0}: {1} knobs ({2} conditional), {3} designs, {4} "
                       "constraints, objectives {5}, target {6}\n",
                       options.file, space->knobs.size(), conditional,
                       size < 1e15 ? formatv("{0:f0}", size).str()
                                   : formatv("{0:e4}", size).str(),
                       space->constraints.size(), join(space->objectives, ", "),
                       space->target)
                   .str());
}
} // namespace

void addSpaceCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<SpaceOptions>();
  CLI::App *command = app.add_subcommand(
      "space", "Check, count, print or replay a search space");
  command->add_option("SPACE", options->file, "YAML, or a module (.mlir)")
      ->required();
  command->add_option("--emit", options->emit,
                      "Print the space as mlir (a module) or yaml");
  command->add_option("--json", options->json,
                      "Knobs, conditions and size as JSON to a file, or -");
  command->add_option("--replay", options->replay,
                      "A design (JSON): check it and print its --set words, "
                      "or with --emit mlir the module that has chosen it");
  command->add_option("--model", options->models,
                      "Models of the search: check that the layers which the "
                      "space names are there");
  command->add_option("--shape", options->shapes,
                      "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
  command->add_option("-o", options->output, "Output file (default: -)");
  command->callback([options, &status] {
    Error error = run(*options);
    status = error ? fail(std::move(error)) : 0;
  });
}

} // namespace imc::driver
