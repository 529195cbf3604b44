//===- SpaceFile.cpp - What a joint search may change ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/SpaceFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <yaml-cpp/yaml.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

using namespace imc::explore;
namespace machine = imc::machine;
namespace mapping = imc::mapping;
using llvm::StringRef;
using std::to_string;

std::string KnobChoices::text(size_t i) const {
  return field ? machine::formatValue(*field, values[i])
               : mapping::formatKnob(*pass, static_cast<int64_t>(values[i]));
}

bool KnobChoices::isOrdered() const {
  return field ? field->type != machine::FieldType::Enumeration
               : pass->names.empty();
}

std::string Constraint::text() const {
  return metric + (atMost ? " <= " : " >= ") + shortest(limit);
}

double Constraint::violation(double value) const {
  double outside = atMost ? value - limit : limit - value;
  // Written so that a NaN counts as outside, not as kept.
  if (outside <= 0)
    return 0;
  if (!std::isfinite(outside))
    return 1e6;
  return outside / std::max(std::abs(limit), 1e-12);
}

bool SpaceFile::isActive(size_t k, llvm::ArrayRef<int32_t> choices) const {
  return llvm::all_of(knobs[k].conditions, [&](const KnobCondition &c) {
    return isActive(c.knob, choices) &&
           llvm::is_contained(c.choices, size_t(choices[c.knob]));
  });
}

double SpaceFile::size() const {
  // Only knobs that others depend on are enumerated; the rest multiplies.
  std::vector<size_t> parents;
  for (const KnobChoices &knob : knobs)
    for (const KnobCondition &c : knob.conditions)
      if (!llvm::is_contained(parents, c.knob))
        parents.push_back(c.knob);
  llvm::sort(parents);
  std::vector<int32_t> choices(knobs.size(), 0);
  double total = 0;
  std::function<void(size_t)> count = [&](size_t at) {
    if (at == parents.size()) {
      double product = 1;
      for (size_t k = 0; k < knobs.size(); ++k)
        if (!llvm::is_contained(parents, k) && isActive(k, choices))
          product *= double(knobs[k].values.size());
      total += product;
      return;
    }
    size_t k = parents[at];
    size_t n = isActive(k, choices) ? knobs[k].values.size() : 1;
    for (choices[k] = 0; size_t(choices[k]) < n; ++choices[k])
      count(at + 1);
    choices[k] = 0;
  };
  count(0);
  return total;
}

namespace {
/// Leaves the reader; becomes an llvm::Error at the border of the library.
struct Problem {
  std::string message;
};

class Reader {
public:
  Reader(StringRef text, StringRef file) {
    space.file = file.str();
    space.source = text.str();
  }
  SpaceFile read();

private:
  SpaceFile space;

  [[noreturn]] void fail(const YAML::Mark &mark, const std::string &message) {
    throw Problem{space.file + ":" +
                  to_string(mark.is_null() ? 1 : mark.line + 1) + ": " +
                  message};
  }
  [[noreturn]] void fail(const YAML::Node &node, const std::string &message) {
    fail(node.Mark(), message);
  }
  /// Wraps the text of an error of a lower library.
  void check(const YAML::Node &at, const std::string &what, llvm::Error error) {
    if (error)
      fail(at, what + ": " + llvm::toString(std::move(error)));
  }
  template <typename T>
  T take(const YAML::Node &at, const std::string &what,
         llvm::Expected<T> value) {
    if (!value)
      fail(at, what + ": " + llvm::toString(value.takeError()));
    return std::move(*value);
  }
  std::string scalar(const YAML::Node &node, const std::string &what) {
    if (!node.IsScalar())
      fail(node, what + ": expected text or a number");
    return node.Scalar();
  }
  double number(const YAML::Node &node, const std::string &what) {
    double value = 0;
    if (StringRef(scalar(node, what)).getAsDouble(value) ||
        !std::isfinite(value))
      fail(node, what + ": '" + node.Scalar() + "' is not a number");
    return value;
  }
  /// Calls body(key, key node, value) per entry; refuses repeated keys.
  template <typename Body>
  void eachEntry(const YAML::Node &map, const std::string &what, Body body) {
    if (!map.IsMap())
      fail(map, what + ": expected a map of 'name: value'");
    std::set<std::string> seen;
    for (const auto &entry : map) {
      std::string key = scalar(entry.first, "a key of " + what);
      if (!seen.insert(key).second)
        fail(entry.first, what + ": '" + key + "' stands twice; keep one");
      body(key, entry.first, entry.second);
    }
  }

  void readKnob(const std::string &name, const YAML::Node &key,
                const YAML::Node &node);
  void addValue(KnobChoices &knob, const YAML::Node &at, StringRef text);
  void readRange(KnobChoices &knob, const YAML::Node &node);
  void readCondition(KnobChoices &knob, const YAML::Node &node);
  void readConstraint(const std::string &name, const YAML::Node &key,
                      const YAML::Node &node);
  void readModels(const YAML::Node &node);
};
} // namespace

/// The nearest of `names`, as " (did you mean 'x'?)", or nothing.
static std::string didYouMean(StringRef name,
                              const std::vector<std::string> &names) {
  unsigned least = std::max<size_t>(2, name.size() / 3) + 1;
  std::string best;
  for (const std::string &candidate : names) {
    unsigned distance = name.edit_distance(candidate, true, least);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best.empty() ? "" : " (did you mean '" + best + "'?)";
}

static std::vector<std::string> knobNames() {
  std::vector<std::string> names;
  for (const auto &component : imc::machine::schema())
    for (const auto &field : component.fields)
      names.push_back(imc::machine::knobPath(field));
  for (const auto &info : imc::mapping::knobSchema())
    names.push_back(std::string("pass.") + info.name);
  return names;
}

static std::string passNames() {
  std::vector<std::string> names;
  for (const auto &info : imc::mapping::knobSchema())
    names.push_back(std::string("pass.") + info.name);
  return llvm::join(names, ", ");
}

void SpaceFile::keepModels(llvm::ArrayRef<std::string> names) {
  const size_t all = models.empty() ? names.size() : models.size();
  llvm::erase_if(weights, [&](const auto &weight) {
    return !llvm::is_contained(names, weight.first);
  });
  // Nothing depends on a knob of a layer, but conditions count the knobs.
  std::vector<size_t> places;
  std::vector<KnobChoices> kept;
  for (KnobChoices &knob : knobs) {
    places.push_back(kept.size());
    if (knob.layer.empty() || llvm::any_of(names, [&](const auto &name) {
          return !mapping::layerOfModel(knob.layer, name, all).empty();
        }))
      kept.push_back(std::move(knob));
  }
  for (KnobChoices &knob : kept)
    for (KnobCondition &condition : knob.conditions)
      condition.knob = places[condition.knob];
  knobs = std::move(kept);
}

/// Finds the knob of any spelling; false when there is none.
static bool resolveKnob(StringRef name, KnobChoices &knob) {
  if (mapping::isLayerKnob(name)) {
    llvm::Expected<mapping::LayerKnob> known = mapping::parseLayerKnob(name);
    if (!known) {
      llvm::consumeError(known.takeError());
      return false;
    }
    knob.pass = known->field;
    knob.layer = std::move(known->layer);
    knob.name = name.str();
    return true;
  }
  if (name.starts_with("pass.")) {
    knob.pass = imc::mapping::findKnob(name);
    if (knob.pass)
      knob.name = std::string("pass.") + knob.pass->name;
  } else if (name.starts_with("machine.")) {
    knob.field = imc::machine::findField(name);
    if (knob.field)
      knob.name = imc::machine::knobPath(*knob.field);
  }
  return knob.pass || knob.field;
}

void Reader::addValue(KnobChoices &knob, const YAML::Node &at, StringRef text) {
  double value = 0;
  if (knob.field) {
    value = take(at, knob.name, machine::parseValue(*knob.field, text));
  } else if (!knob.layer.empty()) {
    value = double(take(at, knob.name,
                        mapping::parseLayerValue(knob.name, *knob.pass, text)));
  } else {
    mapping::Knobs scratch;
    check(at, knob.name, mapping::setKnob(scratch, knob.pass->name, text));
    value =
        double(take(at, knob.name, mapping::getKnob(scratch, knob.pass->name)));
  }
  if (llvm::is_contained(knob.values, value))
    fail(at, knob.name + ": '" + text.str() + "' stands twice; keep one");
  knob.values.push_back(value);
}

void Reader::readRange(KnobChoices &knob, const YAML::Node &node) {
  if (!knob.isOrdered())
    fail(node, knob.name + ": is a choice of names and takes a list, not a "
                           "range");
  double min = 0, max = 0, step = 0, factor = 0;
  std::set<std::string> given;
  eachEntry(node, "range of " + knob.name,
            [&](const std::string &key, const YAML::Node &at,
                const YAML::Node &value) {
              double number = this->number(value, knob.name + " " + key);
              given.insert(key);
              if (key == "min")
                min = number;
              else if (key == "max")
                max = number;
              else if (key == "step")
                step = number;
              else if (key == "factor")
                factor = number;
              else
                fail(at, knob.name + ": unknown key '" + key +
                             "'; a range has min, max and step or factor");
            });
  if (!given.count("min") || !given.count("max"))
    fail(node, knob.name + ": a range needs min and max");
  if (min > max)
    fail(node, knob.name + ": the range is empty: min " + shortest(min) +
                   " is above max " + shortest(max));
  for (double value :
       take(node, knob.name, machine::expandRange(min, max, step, factor)))
    addValue(knob, node, shortest(value));
}

void Reader::readCondition(KnobChoices &knob, const YAML::Node &node) {
  eachEntry(node, "when of " + knob.name,
            [&](const std::string &name, const YAML::Node &key,
                const YAML::Node &list) {
              KnobChoices wanted;
              if (!resolveKnob(name, wanted))
                fail(key, knob.name + ": when names the unknown knob '" + name +
                              "'" + didYouMean(name, knobNames()));
              if (!wanted.layer.empty())
                fail(key, knob.name + ": when cannot name '" + name +
                              "', a knob of a single layer; name knobs of the "
                              "machine or of the passes");
              KnobCondition condition;
              while (condition.knob < space.knobs.size() &&
                     space.knobs[condition.knob].name != wanted.name)
                ++condition.knob;
              if (condition.knob == space.knobs.size())
                fail(key, knob.name + ": depends on '" + name +
                              "', which must stand before it under knobs");
              const KnobChoices &other = space.knobs[condition.knob];
              if (list.IsSequence())
                for (const YAML::Node &item : list)
                  addValue(wanted, item, scalar(item, "a value of " + name));
              else
                addValue(wanted, list, scalar(list, "a value of " + name));
              for (size_t i = 0; i < wanted.values.size(); ++i) {
                auto at = llvm::find(other.values, wanted.values[i]);
                if (at == other.values.end())
                  fail(list, knob.name + ": '" + other.name + "' is never " +
                                 wanted.text(i) +
                                 "; list it there or drop it here");
                condition.choices.push_back(at - other.values.begin());
              }
              if (condition.choices.empty())
                fail(list, knob.name + ": no value of '" + name +
                               "' at which it has an effect");
              knob.conditions.push_back(std::move(condition));
            });
}

void Reader::readKnob(const std::string &name, const YAML::Node &key,
                      const YAML::Node &node) {
  KnobChoices knob;
  if (mapping::isLayerKnob(name))
    take(key, "knobs", mapping::parseLayerKnob(name));
  if (!resolveKnob(name, knob))
    fail(key, "unknown knob '" + name + "'" + didYouMean(name, knobNames()) +
                  "; knobs are machine.<component>.<field> (imc targets "
                  "--schema lists them) and " +
                  passNames());
  for (const KnobChoices &other : space.knobs)
    if (other.name == knob.name)
      fail(key, "'" + name + "' is the knob '" + knob.name +
                    "', which stands above already; keep one");
  if (node.IsSequence()) {
    for (const YAML::Node &item : node)
      addValue(knob, item, scalar(item, "a value of " + knob.name));
  } else if (node.IsMap() && node["values"]) {
    eachEntry(node, knob.name,
              [&](const std::string &part, const YAML::Node &at,
                  const YAML::Node &value) {
                if (part == "values" && value.IsMap())
                  readRange(knob, value);
                else if (part == "values" && value.IsSequence())
                  for (const YAML::Node &item : value)
                    addValue(knob, item, scalar(item, "a value of " + name));
                else if (part == "when")
                  readCondition(knob, value);
                else
                  fail(at, knob.name + ": unknown key '" + part +
                               "'; there are values (a list or a range) and "
                               "when");
              });
  } else if (node.IsMap()) {
    readRange(knob, node);
  } else if (node.IsScalar()) {
    addValue(knob, node, node.Scalar()); // one value: fixed for the search
  }
  if (knob.values.empty())
    fail(key, knob.name + ": the list of values is empty; give at least one, "
                          "or leave the knob out to keep the target's value");
  space.knobs.push_back(std::move(knob));
}

void Reader::readConstraint(const std::string &name, const YAML::Node &key,
                            const YAML::Node &node) {
  Constraint bound;
  bound.metric = name;
  KnobChoices knob;
  const MetricInfo *metric = findMetric(name);
  if (metric) {
    bound.unit = metric->unit;
  } else if (resolveKnob(name, knob)) {
    if (!knob.layer.empty())
      fail(key, "constraint on '" + name +
                    "', a knob of a single layer: list the allowed values "
                    "under knobs");
    if (!knob.isOrdered())
      fail(key, "constraint on '" + name +
                    "': it is a choice of names and has "
                    "no order; list the allowed ones under knobs");
    bound.metric = knob.name;
    bound.unit = knob.field ? knob.field->unit : "";
  } else {
    std::vector<std::string> names = knobNames();
    std::string known;
    for (const MetricInfo &info : metrics()) {
      names.push_back(info.name);
      known += std::string(known.empty() ? "" : ", ") + info.name;
    }
    fail(key, "constraint on unknown metric '" + name + "'" +
                  didYouMean(name, names) + "; there are " + known +
                  " and the knobs machine.* and pass.*");
  }

  std::vector<YAML::Node> texts;
  if (node.IsSequence())
    for (const YAML::Node &item : node)
      texts.push_back(item);
  else
    texts.push_back(node);
  if (texts.empty())
    fail(key, name + ": no bound given; write \"<= LIMIT\" or \">= LIMIT\"");
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  for (const YAML::Node &item : texts) {
    std::string written = item.IsScalar() ? item.Scalar() : std::string();
    StringRef text = StringRef(written).trim();
    bool most = text.consume_front("<="),
         least = !most && text.consume_front(">=");
    double limit = 0;
    if ((!most && !least) || text.trim().getAsDouble(limit) ||
        !std::isfinite(limit))
      fail(item, name + ": the bound '" + written +
                     "' is not \"<= NUMBER\" or \">= NUMBER\"");
    bound.atMost = most;
    bound.limit = limit;
    (most ? high : low) = limit;
    space.constraints.push_back(bound);
  }
  if (low > high)
    fail(key, name + ": the bounds contradict each other: at least " +
                  shortest(low) + " and at most " + shortest(high));
  // All metrics are positive except the ratio in dB; lost bits may be zero.
  bool positive = metric && StringRef(metric->name) != "sqnr_db";
  if (positive && (high < 0 || (high == 0 && name != "adc_lost_bits")))
    fail(key, name + ": no design can have at most " + shortest(high) + " " +
                  bound.unit + "; raise the limit");
}

void Reader::readModels(const YAML::Node &node) {
  eachEntry(node, "models",
            [&](const std::string &name, const YAML::Node &,
                const YAML::Node &value) {
              double weight = 1;
              if (!value.IsNull())
                eachEntry(
                    value, "model '" + name + "'",
                    [&](const std::string &key, const YAML::Node &at,
                        const YAML::Node &item) {
                      if (key != "weight")
                        fail(at, "model '" + name + "': unknown key '" + key +
                                     "'; there is weight");
                      weight = number(item, "weight of model '" + name + "'");
                      if (weight <= 0)
                        fail(item,
                             "weight of model '" + name + "' is " +
                                 item.Scalar() +
                                 ", must be positive; leave the model off "
                                 "the command line to ignore it");
                    });
              space.weights.emplace_back(name, weight);
            });
}

llvm::Error
imc::explore::checkObjectives(llvm::ArrayRef<std::string> objectives) {
  std::vector<std::string> known;
  for (const MetricInfo &info : metrics())
    if (info.objective)
      known.push_back(info.name);
  if (objectives.empty())
    return makeError("no objectives: name at least one of " +
                     llvm::join(known, ", "));
  for (size_t i = 0; i < objectives.size(); ++i) {
    if (!llvm::is_contained(known, objectives[i]))
      return makeError("unknown objective '" + objectives[i] + "'" +
                       didYouMean(objectives[i], known) + "; there are " +
                       llvm::join(known, ", "));
    if (llvm::is_contained(objectives.take_front(i), objectives[i]))
      return makeError("objective '" + objectives[i] +
                       "' is given twice; keep one");
  }
  return llvm::Error::success();
}

SpaceFile Reader::read() {
  YAML::Node root = YAML::Load(space.source);
  if (!root.IsMap() || root.size() == 0)
    fail(root, "a search space is a map with target, knobs, constraints, "
               "objectives and models");
  bool knobs = false, objectives = false;
  eachEntry(root, "the search space",
            [&](const std::string &key, const YAML::Node &at,
                const YAML::Node &value) {
              if (key == "target") {
                space.target = scalar(value, "target");
              } else if (key == "knobs") {
                knobs = true;
                eachEntry(value, "knobs",
                          [&](const std::string &name, const YAML::Node &k,
                              const YAML::Node &v) { readKnob(name, k, v); });
              } else if (key == "constraints") {
                if (!value.IsNull())
                  eachEntry(
                      value, "constraints",
                      [&](const std::string &name, const YAML::Node &k,
                          const YAML::Node &v) { readConstraint(name, k, v); });
              } else if (key == "objectives") {
                objectives = true;
                if (!value.IsSequence())
                  fail(value, "objectives: expected a list of metrics");
                for (const YAML::Node &item : value)
                  space.objectives.push_back(scalar(item, "an objective"));
                check(at, "objectives", checkObjectives(space.objectives));
              } else if (key == "models") {
                if (!value.IsNull())
                  readModels(value);
              } else if (key == "switching") {
                eachEntry(value, "switching",
                          [&](const std::string &name, const YAML::Node &k,
                              const YAML::Node &v) {
                            if (name != "inferences")
                              fail(k, "switching: unknown key '" + name +
                                          "'; there is inferences");
                            double n = number(v, "inferences per switch");
                            if (!(n >= 1))
                              fail(v, "switching: " + shortest(n) +
                                          " inferences of a model in a row: "
                                          "at least 1");
                            space.inferencesPerSwitch = n;
                          });
              } else {
                fail(at, "unknown key '" + key +
                             "'; there are target, knobs, constraints, "
                             "objectives, models");
              }
            });
  if (space.target.empty())
    fail(root, "no target: name one of 'imc targets' or a machine file");
  if (!knobs || space.knobs.empty())
    fail(root, "no knobs: the space is empty; list at least one machine.* or "
               "pass.* knob");
  if (!objectives)
    space.objectives = {"energy_j", "latency_s", "area_mm2"};

  // A bound that leaves a knob without values would only show after the whole
  // budget is spent.
  for (const Constraint &bound : space.constraints)
    for (const KnobChoices &knob : space.knobs)
      if (knob.name == bound.metric &&
          llvm::none_of(knob.values,
                        [&](double v) { return bound.violation(v) == 0; }))
        fail(root["constraints"], bound.text() + ": none of the values of '" +
                                      knob.name +
                                      "' meets it; change the list or the "
                                      "bound");

  // A machine file beside the space file is found from any working folder.
  llvm::SmallString<128> beside(llvm::sys::path::parent_path(space.file));
  llvm::sys::path::append(beside, space.target);
  if (StringRef(space.target).contains('/') ||
      StringRef(space.target).ends_with(".yaml"))
    if (llvm::sys::path::is_relative(space.target) &&
        llvm::sys::fs::exists(beside))
      space.target = beside.str().str();
  return std::move(space);
}

llvm::Expected<SpaceFile> imc::explore::parseSpace(StringRef text,
                                                   StringRef file) {
  try {
    return Reader(text, file).read();
  } catch (const Problem &problem) {
    return makeError(problem.message);
  } catch (const YAML::Exception &error) {
    return makeError(
        file + ":" +
        llvm::Twine(error.mark.is_null() ? 1 : error.mark.line + 1) +
        ": not valid YAML: " + error.msg);
  }
}

llvm::Expected<SpaceFile> imc::explore::readSpaceFile(StringRef file) {
  auto text = readTextFile(file);
  if (!text)
    return text.takeError();
  return parseSpace(*text, file);
}

llvm::Error imc::explore::checkForAccuracy(const SpaceFile &space) {
  for (const KnobChoices &knob : space.knobs) {
    const StringRef name = knob.pass ? StringRef(knob.pass->name) : "";
    if (!knob.layer.empty() && name != "copies")
      return makeError(space.file + ": '" + knob.name +
                       "': models of accuracy know one setting for all "
                       "layers; leave out the knob or what is asked of "
                       "accuracy");
    const bool isBits = name == "weight_bits" || name == "input_bits";
    auto beyond = [&](double value) {
      return isBits ? value > 8 : name == "unfolding" && value != 0;
    };
    if (llvm::any_of(knob.values, beyond))
      return makeError(space.file + ": '" + knob.name +
                       "': models of accuracy know only " +
                       (isBits ? "up to 8 bits" : "im2col") +
                       "; leave out its other values or what is asked of "
                       "accuracy");
  }
  return llvm::Error::success();
}
