//===- SpaceModule.cpp - A search space as a module -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SpaceModule.h"

#include "Session.h"

#include "mlir/Dialect/Transform/IR/TransformOps.h"
#include "mlir/Dialect/Transform/TuneExtension/TuneExtensionOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace mlir;

namespace imc::driver {

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// A number or text as YAML (and JSON) writes it; "" when it is neither.
static std::string scalarOf(Attribute value) {
  if (auto text = dyn_cast<StringAttr>(value)) {
    std::string quoted;
    raw_string_ostream(quoted) << json::Value(text.getValue());
    return quoted;
  }
  if (auto truth = dyn_cast<BoolAttr>(value))
    return truth.getValue() ? "true" : "false";
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return std::to_string(integer.getInt());
  if (auto real = dyn_cast<FloatAttr>(value))
    return explore::shortest(real.getValueAsDouble());
  return "";
}

/// Flow YAML of an attribute made of dictionaries, arrays and scalars.
static LogicalResult flow(Attribute value, raw_ostream &out) {
  if (auto dictionary = dyn_cast<DictionaryAttr>(value)) {
    out << '{';
    bool first = true;
    for (NamedAttribute entry : dictionary) {
      out << (first ? "\"" : ", \"") << entry.getName().getValue() << "\": ";
      first = false;
      if (failed(flow(entry.getValue(), out)))
        return failure();
    }
    out << '}';
    return success();
  }
  if (auto array = dyn_cast<ArrayAttr>(value)) {
    out << '[';
    for (size_t i = 0; i < array.size(); ++i) {
      out << (i ? ", " : "");
      if (failed(flow(array[i], out)))
        return failure();
    }
    out << ']';
    return success();
  }
  std::string text = scalarOf(value);
  out << text;
  return success(!text.empty());
}

/// The line of an op in its file, or 0.
static unsigned lineOf(Operation *op) {
  auto location = op->getLoc()->findInstanceOf<FileLineColLoc>();
  return location ? location.getLine() : 0;
}

static FailureOr<std::string> yamlOf(ModuleOp module,
                                     explore::Design *selected) {
  auto attribute = module->getAttrOfType<DictionaryAttr>("imc.space");
  if (!attribute)
    return module.emitError("has no 'imc.space': it is no search space; write "
                            "one with imc space FILE.yaml --emit mlir"),
           failure();
  std::string text;
  raw_string_ostream out(text);
  unsigned line = 1;
  auto go = [&](Operation *op) {
    for (unsigned to = lineOf(op); line < to; ++line)
      out << '\n';
    out << ' '; // what begins a line at its margin would end the flow
  };
  go(module);
  out << '{';
  for (NamedAttribute entry : attribute) {
    out << '"' << entry.getName().getValue() << "\": ";
    if (failed(flow(entry.getValue(), out)))
      return module.emitError("'imc.space' holds ")
                 << entry.getValue() << " under '" << entry.getName().getValue()
                 << "': dictionaries, lists, numbers and strings make a space",
             failure();
    out << ", ";
  }
  out << "\"knobs\": {";
  WalkResult walk = module.walk([&](Operation *op) {
    if (isa<ModuleOp, transform::NamedSequenceOp, transform::YieldOp>(op))
      return WalkResult::advance();
    auto knob = dyn_cast<transform::tune::KnobOp>(op);
    if (!knob) {
      op->emitError("is no knob: a space holds transform.tune.knob ops in one "
                    "transform.named_sequence");
      return WalkResult::interrupt();
    }
    auto options = dyn_cast<ArrayAttr>(knob.getOptions());
    if (!options) {
      knob.emitError("options of knob '")
          << knob.getName().getValue() << "' are " << knob.getOptions()
          << ", expected a list of values";
      return WalkResult::interrupt();
    }
    go(op);
    out << '"' << knob.getName().getValue() << "\": {\"values\": ";
    bool good = succeeded(flow(options, out));
    if (auto when = op->getAttrOfType<DictionaryAttr>("imc.when")) {
      out << ", \"when\": ";
      good &= succeeded(flow(when, out));
    }
    if (!good) {
      knob.emitError("values of knob '")
          << knob.getName().getValue() << "' must be numbers or strings";
      return WalkResult::interrupt();
    }
    out << "}, ";
    if (selected && knob.getSelected()) {
      auto name = dyn_cast<StringAttr>(*knob.getSelected());
      selected->emplace_back(knob.getName().getValue().str(),
                             name ? name.getValue().str()
                                  : scalarOf(*knob.getSelected()));
    }
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  out << "}}\n";
  return text;
}

Expected<explore::SpaceFile> readSpace(Session &session, StringRef file,
                                       explore::Design *selected) {
  StringRef extension = sys::path::extension(file);
  if (extension != ".mlir" && extension != ".mlirbc")
    return explore::readSpaceFile(file);
  auto module =
      parseSourceFile<ModuleOp>(file, ParserConfig(&session.context()));
  FailureOr<std::string> text =
      module ? yamlOf(*module, selected) : FailureOr<std::string>();
  if (failed(text))
    return explore::makeError("'" + file + "' is no search space (see above)");
  return explore::parseSpace(*text, file);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// "64 : i64", "0.55 : f64" or "\"offset\"".
static std::string attributeText(StringRef text) {
  json::Value value = explore::knobValueToJSON(text);
  if (auto integer = value.getAsInteger())
    return std::to_string(*integer);
  if (auto real = value.getAsNumber()) {
    // MLIR wants digits on both sides of a point.
    std::string number = explore::shortest(*real);
    size_t e = number.find('e');
    if (number.find('.') == std::string::npos)
      number.insert(e == std::string::npos ? number.size() : e, ".0");
    return number + " : f64";
  }
  return "\"" + text.str() + "\"";
}

static std::string listOf(const explore::KnobChoices &knob,
                          ArrayRef<size_t> choices) {
  std::string text = "[";
  for (size_t i : choices)
    text += (text.size() > 1 ? ", " : "") + attributeText(knob.text(i));
  return text + "]";
}

static SmallVector<size_t> allOf(const explore::KnobChoices &knob) {
  SmallVector<size_t> all;
  for (size_t i = 0; i < knob.values.size(); ++i)
    all.push_back(i);
  return all;
}

/// Bounds per metric in order of appearance, as texts without the metric.
static std::vector<std::pair<std::string, std::vector<std::string>>>
boundsOf(const explore::SpaceFile &space) {
  std::vector<std::pair<std::string, std::vector<std::string>>> bounds;
  for (const explore::Constraint &c : space.constraints) {
    if (bounds.empty() || bounds.back().first != c.metric)
      bounds.push_back({c.metric, {}});
    bounds.back().second.push_back((c.atMost ? "<= " : ">= ") +
                                   explore::shortest(c.limit));
  }
  return bounds;
}

std::string printSpaceModule(const explore::SpaceFile &space,
                             const explore::Design &selected) {
  std::string text;
  raw_string_ostream out(text);
  out << "module attributes {\n  imc.space = {\n    target = \"" << space.target
      << "\",\n    objectives = [";
  for (size_t i = 0; i < space.objectives.size(); ++i)
    out << (i ? ", " : "") << '"' << space.objectives[i] << '"';
  out << ']';
  if (!space.constraints.empty()) {
    out << ",\n    constraints = {";
    ListSeparator comma;
    for (const auto &[metric, bounds] : boundsOf(space)) {
      out << comma << '"' << metric << "\" = [";
      ListSeparator inner;
      for (const std::string &bound : bounds)
        out << inner << '"' << bound << '"';
      out << ']';
    }
    out << '}';
  }
  if (!space.weights.empty()) {
    out << ",\n    models = {";
    ListSeparator comma;
    for (const auto &[name, weight] : space.weights)
      out << comma << '"' << name
          << "\" = {weight = " << attributeText(explore::shortest(weight))
          << '}';
    out << '}';
  }
  if (space.inferencesPerSwitch > 0)
    out << ",\n    switching = {inferences = "
        << attributeText(explore::shortest(space.inferencesPerSwitch)) << '}';
  out << "\n  },\n  transform.with_named_sequence\n} {\n"
         "  transform.named_sequence @space(%model: !transform.any_op "
         "{transform.readonly}) {\n";
  for (size_t k = 0; k < space.knobs.size(); ++k) {
    const explore::KnobChoices &knob = space.knobs[k];
    out << "    %" << k << " = transform.tune.knob<\"" << knob.name << "\"> ";
    if (const std::string *value = explore::find(selected, knob.name))
      out << "= " << attributeText(*value) << " from ";
    out << "options = " << listOf(knob, allOf(knob));
    if (!knob.conditions.empty()) {
      out << " {imc.when = {";
      ListSeparator comma;
      for (const explore::KnobCondition &c : knob.conditions)
        out << comma << '"' << space.knobs[c.knob].name
            << "\" = " << listOf(space.knobs[c.knob], c.choices);
      out << "}}";
    }
    out << " -> !transform.any_param\n";
  }
  out << "    transform.yield\n  }\n}\n";
  return text;
}

std::string printSpaceYAML(const explore::SpaceFile &space) {
  std::string text;
  raw_string_ostream out(text);
  auto list = [&](const explore::KnobChoices &knob, ArrayRef<size_t> choices) {
    out << '[';
    ListSeparator comma;
    for (size_t i : choices)
      out << comma << knob.text(i);
    out << ']';
  };
  out << "target: " << space.target << "\nknobs:\n";
  for (const explore::KnobChoices &knob : space.knobs) {
    // Names of layers may hold anything.
    if (knob.layer.empty())
      out << "  " << knob.name << ": ";
    else
      out << "  " << json::Value(knob.name) << ": ";
    if (knob.conditions.empty()) {
      list(knob, allOf(knob));
    } else {
      out << "{values: ";
      list(knob, allOf(knob));
      out << ", when: {";
      ListSeparator comma;
      for (const explore::KnobCondition &c : knob.conditions) {
        out << comma << space.knobs[c.knob].name << ": ";
        list(space.knobs[c.knob], c.choices);
      }
      out << "}}";
    }
    out << '\n';
  }
  if (!space.constraints.empty())
    out << "constraints:\n";
  for (const auto &[metric, bounds] : boundsOf(space)) {
    out << "  " << metric << ": [";
    ListSeparator comma;
    for (const std::string &bound : bounds)
      out << comma << '"' << bound << '"';
    out << "]\n";
  }
  out << "objectives: [" << join(space.objectives, ", ") << "]\n";
  if (!space.weights.empty())
    out << "models:\n";
  for (const auto &[name, weight] : space.weights)
    out << "  " << name << ": {weight: " << explore::shortest(weight) << "}\n";
  if (space.inferencesPerSwitch > 0)
    out << "switching: {inferences: "
        << explore::shortest(space.inferencesPerSwitch) << "}\n";
  return text;
}

} // namespace imc::driver
