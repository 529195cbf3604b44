//===- Sensitivity.cpp - What one step of each knob does ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Sensitivity.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace imc;
using namespace imc::cost;
using llvm::StringRef;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

using Neighbours = std::pair<std::optional<double>, std::optional<double>>;

// E-STEP
Neighbours imc::cost::neighbours(const machine::Field &field, double value,
                                 llvm::ArrayRef<double> list, double zero) {
  std::optional<double> down, up;
  auto offer = [&](double candidate) {
    if (candidate < value && (!down || candidate > *down))
      down = candidate;
    if (candidate > value && (!up || candidate < *up))
      up = candidate;
  };
  if (!list.empty()) {
    for (double candidate : list)
      offer(candidate);
    return {down, up};
  }
  if (field.type == machine::FieldType::Enumeration ||
      (field.type == machine::FieldType::Integer &&
       StringRef(field.unit) == "bit")) {
    offer(value - 1);
    offer(value + 1);
  } else if (StringRef(field.unit) == "V") {
    offer(std::round((value - 0.05) * 1000) / 1000);
    offer(std::round((value + 0.05) * 1000) / 1000);
  } else if (value == 0) {
    // Both sides of what 0 stands for.
    down = zero / 2;
    up = zero * 2;
  } else if (field.type == machine::FieldType::Integer) {
    offer(std::floor(value / 2));
    offer(value * 2);
  } else {
    offer(value / 2);
    offer(value * 2);
  }
  auto inRange = [&](std::optional<double> v) {
    return v && *v >= field.min && *v <= field.max && *v != value;
  };
  return {inRange(down) ? down : std::nullopt, inRange(up) ? up : std::nullopt};
}

/// The machine with a field changed, if it may be built.
static Step stepMachine(const Pricer &pricer, machine::Machine machine,
                        const mapping::Knobs &knobs,
                        const machine::Field &field,
                        std::optional<double> value) {
  Step step;
  if (!value)
    return step;
  step.value = machine::formatValue(field, *value);
  field.set(machine, *value);
  if (llvm::Error error = machine::check(machine))
    step.refused = llvm::toString(std::move(error));
  else
    pricer.price(machine, knobs, step.cost);
  return step;
}

static Step stepKnob(const Pricer &pricer, const machine::Machine &machine,
                     mapping::Knobs knobs, const mapping::KnobInfo &info,
                     int64_t value) {
  Step step;
  if (value < info.min || value > info.max)
    return step;
  step.value = mapping::formatKnob(info, value);
  if (llvm::Error error = mapping::setKnob(knobs, info.name, value))
    step.refused = llvm::toString(std::move(error));
  else
    pricer.price(machine, knobs, step.cost);
  return step;
}

Sensitivity imc::cost::sensitivity(const Pricer &pricer,
                                   const machine::Machine &machine,
                                   llvm::ArrayRef<machine::Knob> open,
                                   const mapping::Knobs &knobs) {
  Sensitivity s;
  pricer.price(machine, knobs, s.base);
  const Prices prices = priceDesign(machine, knobs);

  for (const machine::Component &component : machine::schema())
    for (const machine::Field &field : component.fields) {
      const std::string path = field.path();
      const machine::Knob *list = llvm::find_if(
          open, [&](const machine::Knob &knob) { return knob.path == path; });
      const bool isOpen = list != open.end();
      const bool isAliased =
          llvm::any_of(machine::aliases(), [&](const machine::Alias &alias) {
            return path == alias.path;
          });
      if ((!isOpen && !isAliased) || !component.has(field, machine))
        continue;
      const double value = field.get(machine);
      auto [down, up] = neighbours(
          field, value,
          isOpen ? llvm::ArrayRef(list->values) : llvm::ArrayRef<double>(),
          path == "timing.cycle_time_ns" ? prices.min_cycle_ns : 0);
      s.knobs.push_back({machine::knobPath(field),
                         machine::formatValue(field, value),
                         stepMachine(pricer, machine, knobs, field, down),
                         stepMachine(pricer, machine, knobs, field, up)});
    }

  for (const mapping::KnobInfo &info : mapping::knobSchema()) {
    const int64_t value = llvm::cantFail(mapping::getKnob(knobs, info.name));
    int64_t base = value;
    // 0 stands for what the machine has.
    if (StringRef(info.name) == "adc_bits" && value == 0)
      base = mapping::adcBits(knobs, machine);
    s.knobs.push_back({std::string("pass.") + info.name,
                       mapping::formatKnob(info, value),
                       stepKnob(pricer, machine, knobs, info, base - 1),
                       stepKnob(pricer, machine, knobs, info, base + 1)});
  }
  return s;
}

static double edap(const DesignCost &cost, size_t model) {
  const ModelFigures &m = cost.models[model];
  return m.energy_j * m.latency_s * cost.area_mm2;
}

static double relative(double from, double to) {
  return from > 0 ? to / from - 1 : 0;
}

double imc::cost::changeOfEdap(const Sensitivity &s, const Step &step,
                               size_t model) {
  return step.exists() ? relative(edap(s.base, model), edap(step.cost, model))
                       : 0;
}

std::vector<std::string> imc::cost::newViolations(const DesignCost &from,
                                                  const DesignCost &to,
                                                  size_t model) {
  std::vector<std::string> names;
  for (const RuleBroken &broken : to.violations) {
    const bool concerns =
        broken.model < 0 || static_cast<size_t>(broken.model) == model;
    const bool known =
        llvm::any_of(from.violations, [&](const RuleBroken &other) {
          return other.rule == broken.rule && other.model == broken.model;
        });
    const std::string name = mapping::ruleName(broken.rule);
    if (concerns && !known && !llvm::is_contained(names, name))
      names.push_back(name);
  }
  return names;
}

std::vector<std::string> imc::cost::changes(const Sensitivity &s,
                                            const Step &step) {
  std::vector<std::string> names;
  auto add = [&](bool changed, const char *name) {
    if (changed && !llvm::is_contained(names, name))
      names.push_back(name);
  };
  if (step.value.empty())
    return names;
  if (!step.refused.empty())
    return {"refused"};
  add(step.cost.area_mm2 != s.base.area_mm2, "area_mm2");
  for (size_t i = 0, e = s.base.models.size(); i != e; ++i) {
    const ModelFigures &a = s.base.models[i], &b = step.cost.models[i];
    add(a.energy_j != b.energy_j, "energy_j");
    add(a.latency_s != b.latency_s, "latency_s");
    add(a.sqnr_db != b.sqnr_db, "sqnr_db");
    add(a.adc_lost_bits != b.adc_lost_bits, "adc_lost_bits");
    add(!newViolations(s.base, step.cost, i).empty() ||
            !newViolations(step.cost, s.base, i).empty(),
        "violations");
  }
  return names;
}

/// Indices of the knobs, the one that can change most first.
static std::vector<size_t> ranked(const Sensitivity &s, size_t model) {
  std::vector<size_t> order(s.knobs.size());
  std::vector<double> size(s.knobs.size());
  for (size_t i = 0; i != order.size(); ++i) {
    order[i] = i;
    size[i] = std::max(std::abs(changeOfEdap(s, s.knobs[i].down, model)),
                       std::abs(changeOfEdap(s, s.knobs[i].up, model)));
  }
  llvm::sort(order, [&](size_t a, size_t b) {
    return size[a] != size[b] ? size[a] > size[b] : a < b;
  });
  return order;
}

static Value stepToJSON(const Sensitivity &s, const Step &step, size_t model) {
  if (step.value.empty())
    return nullptr;
  Object object{{"value", step.value}};
  if (!step.refused.empty()) {
    object["refused"] = step.refused;
    return object;
  }
  const ModelFigures &a = s.base.models[model], &b = step.cost.models[model];
  object["energy_j"] = b.energy_j;
  object["latency_s"] = b.latency_s;
  object["area_mm2"] = step.cost.area_mm2;
  object["edap_js_mm2"] = edap(step.cost, model);
  object["sqnr_db"] = b.sqnr_db;
  object["adc_lost_bits"] = b.adc_lost_bits;
  object["change"] =
      Object{{"energy_j", relative(a.energy_j, b.energy_j)},
             {"latency_s", relative(a.latency_s, b.latency_s)},
             {"area_mm2", relative(s.base.area_mm2, step.cost.area_mm2)},
             {"edap_js_mm2", changeOfEdap(s, step, model)},
             {"sqnr_db", b.sqnr_db - a.sqnr_db}};
  object["new_violations"] = Array(newViolations(s.base, step.cost, model));
  object["ended_violations"] = Array(newViolations(step.cost, s.base, model));
  return object;
}

Array imc::cost::toJSON(const Sensitivity &s, size_t model) {
  Array table;
  for (size_t i : ranked(s, model)) {
    const KnobSteps &knob = s.knobs[i];
    table.push_back(Object{{"knob", knob.knob},
                           {"value", knob.value},
                           {"down", stepToJSON(s, knob.down, model)},
                           {"up", stepToJSON(s, knob.up, model)}});
  }
  return table;
}

/// "+12.3 %", "x 4.56" beyond a factor of two, "=" without a change.
static std::string percent(double change) {
  if (change == 0)
    return "=";
  if (change > 1)
    return llvm::formatv("x {0:f2}", 1 + change).str();
  return llvm::formatv("{0}{1:f2} %", change > 0 ? "+" : "", 100 * change)
      .str();
}

void imc::cost::printSensitivity(const Sensitivity &s, size_t model,
                                 StringRef modelName, llvm::raw_ostream &os) {
  os << "\n"
     << modelName << ": one step of each knob, largest change of EDAP first\n"
     << llvm::formatv("  {0,-24} {1,26} {2,10} {3,10} {4,10} {5,10} {6,9}  "
                      "{7}\n",
                      "knob", "step", "EDAP", "energy", "latency", "area",
                      "SNR", "feasibility");
  for (size_t i : ranked(s, model))
    for (const Step *step : {&s.knobs[i].down, &s.knobs[i].up}) {
      const KnobSteps &knob = s.knobs[i];
      if (step->value.empty())
        continue;
      os << llvm::formatv("  {0,-24} {1,26}", knob.knob,
                          knob.value + " -> " + step->value);
      if (!step->refused.empty()) {
        os << "  refused: " << step->refused << "\n";
        continue;
      }
      const ModelFigures &a = s.base.models[model];
      const ModelFigures &b = step->cost.models[model];
      const double quality = b.sqnr_db - a.sqnr_db;
      os << llvm::formatv(
          " {0,10} {1,10} {2,10} {3,10} {4,9}",
          percent(changeOfEdap(s, *step, model)),
          percent(relative(a.energy_j, b.energy_j)),
          percent(relative(a.latency_s, b.latency_s)),
          percent(relative(s.base.area_mm2, step->cost.area_mm2)),
          quality == 0
              ? std::string("=")
              : llvm::formatv("{0}{1:f2} dB", quality > 0 ? "+" : "", quality)
                    .str());
      std::string text;
      for (const std::string &rule : newViolations(s.base, step->cost, model))
        text += " breaks " + rule;
      for (const std::string &rule : newViolations(step->cost, s.base, model))
        text += " repairs " + rule;
      os << " " << text << "\n";
    }
}
