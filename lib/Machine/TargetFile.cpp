//===- TargetFile.cpp - Reads and writes machine files
//---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Target.h"
#include "imc/Machine/Unset.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <set>

using namespace imc::machine;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {

/// What stops the reading of a file; turned into an llvm::Error at the border
/// of the library.
struct Problem {
  std::string message;
};

/// Reads one file and what it includes into one description.
class Reader {
public:
  TargetSpec spec;

  void readText(StringRef text, StringRef file, unsigned depth);
  void readFile(StringRef file, unsigned depth);
  void finish(StringRef file);

private:
  /// Where a field got its value: for messages, and to tell an override (the
  /// including file speaks last) from a contradiction between siblings.
  struct Origin {
    std::string place;
    unsigned depth;
    std::string file;
  };
  std::map<std::string, Origin> origins;
  std::map<std::string, Knob> open;
  std::vector<std::string> stack; // files being read, to refuse cycles
  std::string current;

  [[noreturn]] void fail(const YAML::Node &node, const std::string &message) {
    fail(node.Mark(), message);
  }
  [[noreturn]] void fail(const YAML::Mark &mark, const std::string &message) {
    throw Problem{place(mark) + ": " + message};
  }
  std::string place(const YAML::Mark &mark) const {
    return current + ":" + std::to_string(mark.is_null() ? 1 : mark.line + 1);
  }
  std::string scalar(const YAML::Node &node, const std::string &what) {
    if (!node.IsScalar())
      fail(node, what + " must be text or a number");
    return node.Scalar();
  }
  void noDuplicates(const YAML::Node &map, const std::string &what);
  void readComponent(const Component &component, const YAML::Node &node,
                     unsigned depth);
  void readField(const Field &field, const YAML::Node &node, unsigned depth);
  void readKnob(const Field &field, const YAML::Node &node);
  void readExpected(const YAML::Node &node);
  bool isUsed(const Component &component, const Field &field);
  void dropUnused(const Component &component, const Field &field);
  double number(const YAML::Node &node, const std::string &what);
};

} // namespace

void Reader::noDuplicates(const YAML::Node &map, const std::string &what) {
  std::set<std::string> seen;
  for (const auto &entry : map) {
    std::string key = scalar(entry.first, "a key of " + what);
    if (!seen.insert(key).second)
      fail(entry.first, "'" + key + "' stands twice in " + what);
  }
}

double Reader::number(const YAML::Node &node, const std::string &what) {
  double value = 0;
  if (StringRef(scalar(node, what)).getAsDouble(value) || !std::isfinite(value))
    fail(node, what + " is '" + node.Scalar() + "', must be a number");
  return value;
}

void Reader::readKnob(const Field &field, const YAML::Node &node) {
  Knob knob;
  knob.path = field.path();
  auto add = [&](const YAML::Node &at, Expected<double> value) {
    if (!value)
      fail(at, llvm::toString(value.takeError()));
    if (!llvm::is_contained(knob.values, *value))
      knob.values.push_back(*value);
  };
  if (node.IsSequence()) {
    for (const YAML::Node &item : node)
      add(item,
          parseValue(field, scalar(item, "a value of '" + knob.path + "'")));
  } else if (node.IsMap() && field.type != FieldType::Enumeration) {
    double min = 0, max = 0, step = 0, factor = 0;
    std::string what = "the range of '" + knob.path + "'";
    noDuplicates(node, what);
    for (const auto &entry : node) {
      std::string key = entry.first.Scalar();
      double value = number(entry.second, "'" + key + "' of " + what);
      if (key == "min")
        min = value;
      else if (key == "max")
        max = value;
      else if (key == "step")
        step = value;
      else if (key == "factor")
        factor = value;
      else
        fail(entry.first, "unknown key '" + key + "' in " + what +
                              "; there are min, max, step, factor");
    }
    if (!node["min"] || !node["max"])
      fail(node, what + " needs min and max");
    Expected<std::vector<double>> values = expandRange(min, max, step, factor);
    if (!values)
      fail(node, "'" + knob.path + "': " + llvm::toString(values.takeError()));
    for (double value : *values) {
      if (Error error = checkValue(field, value))
        fail(node, llvm::toString(std::move(error)));
      knob.values.push_back(value);
    }
  } else {
    fail(node, "the knob of '" + knob.path +
                   "' must be a list of values or {min, max, step|factor}");
  }
  if (knob.values.empty())
    fail(node, "the knob of '" + knob.path + "' has no values");
  field.set(spec.values, knob.values.front());
  open[knob.path] = std::move(knob);
}

void Reader::readField(const Field &field, const YAML::Node &node,
                       unsigned depth) {
  std::string path = field.path();
  auto known = origins.find(path);
  Machine before = spec.values;
  bool wasOpen = open.erase(path) != 0;
  spec.sources.erase(path);
  auto setPlain = [&](const YAML::Node &value) {
    Expected<double> parsed =
        parseValue(field, scalar(value, "'" + path + "'"));
    if (!parsed)
      fail(value, llvm::toString(parsed.takeError()));
    field.set(spec.values, *parsed);
  };
  if (node.IsMap()) {
    std::string what = "'" + path + "'";
    noDuplicates(node, what);
    for (const auto &entry : node) {
      std::string key = entry.first.Scalar();
      if (key == "source")
        spec.sources[path] = scalar(entry.second, "the source of " + what);
      else if (key != "value" && key != "knob")
        fail(entry.first, "unknown key '" + key + "' in " + what +
                              "; there are value, source, knob");
    }
    bool hasValue = node["value"].IsDefined();
    bool hasKnob = node["knob"].IsDefined();
    if (hasValue == hasKnob)
      fail(node, what + " needs either value or knob");
    if (hasValue)
      setPlain(node["value"]);
    else
      readKnob(field, node["knob"]);
  } else if (node.IsScalar()) {
    setPlain(node);
  } else {
    fail(node, "'" + path + "' must be a value, {value, source} or {knob}");
  }
  // Two files on the same level must not disagree; the includer overrides.
  if (known != origins.end() && known->second.depth == depth &&
      (known->second.file != current) &&
      (wasOpen || open.count(path) ||
       field.get(before) != field.get(spec.values)))
    fail(node, "'" + path + "' contradicts " + known->second.place +
                   "; set it in the file that includes both");
  origins[path] = {place(node.Mark()), depth, current};
}

void Reader::readComponent(const Component &component, const YAML::Node &node,
                           unsigned depth) {
  std::string what = std::string("'") + component.name + "'";
  if (!node.IsMap())
    fail(node, what + " must be a map of fields");
  noDuplicates(node, what);
  for (const auto &entry : node) {
    std::string key = entry.first.Scalar();
    const Field *field = component.find(key);
    if (!field) {
      std::vector<std::string> names;
      for (const Field &f : component.fields)
        names.push_back(f.name);
      fail(entry.first, "unknown field '" + key + "' in " + what +
                            "; there are " + llvm::join(names, ", "));
    }
    readField(*field, entry.second, depth);
  }
}

void Reader::readExpected(const YAML::Node &node) {
  if (!node.IsMap())
    fail(node, "'expected' must be a map of figures");
  noDuplicates(node, "'expected'");
  for (const auto &entry : node) {
    ExpectedFigure figure;
    figure.name = entry.first.Scalar();
    std::string what = "'expected." + figure.name + "'";
    if (!entry.second.IsMap() || !entry.second["value"].IsDefined())
      fail(entry.first, what + " must be {value, source, error}");
    noDuplicates(entry.second, what);
    for (const auto &part : entry.second) {
      std::string key = part.first.Scalar();
      if (key == "value")
        figure.value = number(part.second, what + " value");
      else if (key == "error")
        figure.error = number(part.second, what + " error");
      else if (key == "source")
        figure.source = scalar(part.second, what + " source");
      else
        fail(part.first, "unknown key '" + key + "' in " + what +
                             "; there are value, source, error");
    }
    spec.expected.push_back(std::move(figure));
  }
}

void Reader::readText(StringRef text, StringRef file, unsigned depth) {
  stack.push_back(file.str());
  std::string outer = current;
  current = file.str();
  YAML::Node root;
  try {
    root = YAML::Load(text.str());
  } catch (const YAML::ParserException &e) {
    fail(e.mark, "not readable as YAML: " + e.msg);
  }
  if (!root.IsMap())
    fail(root, "a machine file must be a map of components");
  noDuplicates(root, "the file");
  // Included files first, wherever the key stands: this file overrides them.
  if (YAML::Node include = root["include"]) {
    if (!include.IsSequence())
      fail(include, "'include' must be a list of files");
    for (const YAML::Node &item : include) {
      llvm::SmallString<128> path(llvm::sys::path::parent_path(file));
      std::string name = scalar(item, "an included file");
      llvm::sys::path::append(path, name);
      llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
      if (depth == 8 || llvm::is_contained(stack, path.str().str()))
        fail(item, "'include' of '" + name +
                       "' leads back here, or more than 8 files deep; remove "
                       "it");
      if (!llvm::sys::fs::exists(path))
        fail(item, "included file '" + name + "' does not exist");
      readFile(path, depth + 1);
    }
  }
  for (const auto &entry : root) {
    std::string key = entry.first.Scalar();
    if (key == "include")
      continue;
    if (const Component *component = findComponent(key)) {
      readComponent(*component, entry.second, depth);
      continue;
    }
    // Component files may describe themselves; the machine's own words win.
    if (key == "name")
      spec.name = scalar(entry.second, "'name'");
    else if (key == "description")
      spec.description = scalar(entry.second, "'description'");
    else if (key == "citation")
      spec.citation = scalar(entry.second, "'citation'");
    else if (key == "expected")
      readExpected(entry.second);
    else {
      std::vector<std::string> names = {"name", "description", "citation",
                                        "include", "expected"};
      for (const Component &c : schema())
        names.push_back(c.name);
      fail(entry.first, "unknown component '" + key + "'; there are " +
                            llvm::join(names, ", "));
    }
  }
  current = outer;
  stack.pop_back();
}

void Reader::readFile(StringRef file, unsigned depth) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
  if (!buffer)
    throw Problem{file.str() + ": " + buffer.getError().message()};
  readText((*buffer)->getBuffer(), file, depth);
}

void Reader::finish(StringRef file) {
  spec.file = file.str();
  if (spec.name.empty())
    throw Problem{file.str() + ":1: 'name' is missing; a machine needs one"};
  for (const Component &component : schema())
    for (const Field &field : component.fields) {
      std::string path = field.path();
      if (!isUsed(component, field)) {
        dropUnused(component, field);
        continue;
      }
      if (auto knob = open.find(path); knob != open.end()) {
        spec.knobs.push_back(knob->second);
        continue;
      }
      if (origins.count(path))
        continue;
      if (field.required)
        throw Problem{file.str() + ":1: '" + path + "' is missing (" +
                      field.doc +
                      " Unit: " + (*field.unit ? field.unit : "none") +
                      "); give it here or include a component file that does"};
      field.set(spec.values, field.default_value);
    }
  // Contradictions can only be judged once nothing is open.
  if (spec.knobs.empty())
    if (Error error = check(spec.values)) {
      // The message starts with the field in question.
      std::string message = llvm::toString(std::move(error));
      std::string field =
          StringRef(message).split('\'').second.split('\'').first.str();
      auto origin = origins.find(field);
      throw Problem{
          (origin == origins.end() ? file.str() + ":1" : origin->second.place) +
          ": " + message};
    }
}

/// Whether a machine of this kind (of one of these kinds, if that is open) has
/// the field.
bool Reader::isUsed(const Component &component, const Field &field) {
  if (field.kinds.empty())
    return true;
  return llvm::any_of(component.kindFields(), [&](const Field *kind) {
    auto knob = open.find(kind->path());
    const std::vector<double> values =
        knob == open.end() ? std::vector<double>{kind->get(spec.values)}
                           : knob->second.values;
    return llvm::any_of(values, [&](double value) {
      return field.belongsTo(static_cast<int64_t>(value));
    });
  });
}

/// Component files speak of several kinds; the machine's own file that sets a
/// field of another kind is mistaken.
void Reader::dropUnused(const Component &component, const Field &field) {
  auto origin = origins.find(field.path());
  if (origin != origins.end() && origin->second.depth == 0) {
    std::vector<std::string> kinds, given;
    for (const Field *kind : component.kindFields())
      given.push_back("'" + kind->path() + "' is " +
                      formatValue(*kind, kind->get(spec.values)));
    for (int64_t k : field.kinds)
      kinds.push_back(
          component.kindFields().front()->names[static_cast<size_t>(k)]);
    throw Problem{origin->second.place + ": '" + field.path() +
                  "' belongs to kind " + llvm::join(kinds, ", ") + ", but " +
                  llvm::join(given, " and ") +
                  "; remove the field or change the kind"};
  }
  open.erase(field.path());
  spec.sources.erase(field.path());
  field.set(spec.values, unsetValue(field));
}

/// Runs `body` and turns what it throws into an error.
template <typename Body>
static Expected<TargetSpec> guarded(StringRef file, Body body) {
  Reader reader;
  try {
    body(reader);
    reader.finish(file);
  } catch (const Problem &problem) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   problem.message);
  } catch (const YAML::Exception &e) {
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        file.str() + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg);
  }
  return std::move(reader.spec);
}

Expected<TargetSpec> imc::machine::parseTarget(StringRef text, StringRef file) {
  return guarded(file, [&](Reader &r) { r.readText(text, file, 0); });
}

Expected<TargetSpec> imc::machine::loadTargetFile(StringRef file) {
  return guarded(file, [&](Reader &r) { r.readFile(file, 0); });
}

std::vector<std::string>
imc::machine::listTargets(llvm::ArrayRef<std::string> searchDirs) {
  std::set<std::string> names;
  for (const std::string &dir : searchDirs) {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(dir, error), end;
         it != end && !error; it.increment(error))
      if (llvm::sys::fs::exists(it->path() + "/target.yaml"))
        names.insert(llvm::sys::path::filename(it->path()).str());
  }
  return {names.begin(), names.end()};
}

Expected<TargetSpec>
imc::machine::loadTarget(StringRef nameOrPath,
                         llvm::ArrayRef<std::string> searchDirs) {
  if (nameOrPath.contains('/') || nameOrPath.ends_with(".yaml") ||
      nameOrPath.ends_with(".yml") || nameOrPath.ends_with(".json"))
    return loadTargetFile(nameOrPath);
  for (const std::string &dir : searchDirs) {
    std::string file = dir + "/" + nameOrPath.str() + "/target.yaml";
    if (llvm::sys::fs::exists(file))
      return loadTargetFile(file);
  }
  std::string all = llvm::join(listTargets(searchDirs), ", ");
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      "unknown target '" + nameOrPath.str() + "'; there " +
          (all.empty() ? "are none in " + llvm::join(searchDirs, ", ")
                       : "are " + all + ", or give a file"));
}

std::string imc::machine::toYAML(const TargetSpec &spec) {
  YAML::Emitter out;
  out.SetDoublePrecision(17);
  auto text = [&](const char *key, const std::string &value) {
    if (!value.empty())
      out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
  };
  out << YAML::BeginMap;
  text("name", spec.name);
  text("description", spec.description);
  text("citation", spec.citation);
  // A default says nothing, and a component of defaults neither.
  for (const Component &component : schema()) {
    auto says = [&](const Field &field) {
      return (field.required && component.has(field, spec.values)) ||
             spec.findKnob(field.path()) || spec.sources.count(field.path()) ||
             (field.get(spec.values) != field.default_value &&
              !isUnset(field.get(spec.values)));
    };
    if (llvm::none_of(component.fields, says))
      continue;
    out << YAML::Key << component.name << YAML::Value << YAML::BeginMap;
    for (const Field &field : component.fields) {
      if (!says(field))
        continue;
      const Knob *knob = spec.findKnob(field.path());
      auto source = spec.sources.find(field.path());
      bool hasSource = source != spec.sources.end();
      double value = field.get(spec.values);
      out << YAML::Key << field.name << YAML::Value;
      if (!knob && !hasSource) {
        out << formatValue(field, value);
        continue;
      }
      out << YAML::Flow << YAML::BeginMap;
      if (knob) {
        out << YAML::Key << "knob" << YAML::Value << YAML::BeginSeq;
        for (double v : knob->values)
          out << formatValue(field, v);
        out << YAML::EndSeq;
      } else {
        out << YAML::Key << "value" << YAML::Value << formatValue(field, value);
      }
      if (hasSource)
        text("source", source->second);
      out << YAML::EndMap;
    }
    out << YAML::EndMap;
  }
  if (!spec.expected.empty()) {
    out << YAML::Key << "expected" << YAML::Value << YAML::BeginMap;
    const Field plain{"", "", FieldType::Real, "",      0, 0, false, 0,
                      "", {}, nullptr,         nullptr, {}};
    for (const ExpectedFigure &figure : spec.expected) {
      out << YAML::Key << figure.name << YAML::Value << YAML::Flow
          << YAML::BeginMap << YAML::Key << "value" << YAML::Value
          << formatValue(plain, figure.value);
      text("source", figure.source);
      if (figure.error != 0)
        out << YAML::Key << "error" << YAML::Value
            << formatValue(plain, figure.error);
      out << YAML::EndMap;
    }
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}
