//===- Knobs.cpp - Pass decisions by name
//----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace imc;
using namespace imc::mapping;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static std::string describe(const KnobInfo &info) {
  if (!info.names.empty())
    return "one of " + llvm::join(info.names, ", ");
  return "an integer from " + std::to_string(info.min) + " to " +
         std::to_string(info.max);
}

bool imc::mapping::operator==(const Knobs &a, const Knobs &b) {
  return a.weight_bits == b.weight_bits && a.input_bits == b.input_bits &&
         a.adc_bits == b.adc_bits && a.encoding == b.encoding &&
         a.range == b.range && a.ties == b.ties &&
         a.group_packing == b.group_packing && a.replication == b.replication &&
         a.dynamic_products == b.dynamic_products &&
         a.residency == b.residency && a.segments == b.segments &&
         a.unfolding == b.unfolding;
}

const std::vector<KnobInfo> &imc::mapping::knobSchema() {
  static const std::vector<KnobInfo> table = {
      {"weight_bits", "Bits of a signed weight.", 2, 16, {}},
      {"input_bits", "Bits of an unsigned activation.", 1, 16, {}},
      {"adc_bits",
       "Resolution that the converters are used at; 0: the machine's.",
       0,
       16,
       {}},
      {"encoding",
       "How a signed weight becomes unsigned cells.",
       0,
       2,
       {"offset", "differential", "twos_complement"}},
      {"range",
       "Which sums converters cover.",
       0,
       6,
       {"full", "filled", "lossless", "layer", "array", "column", "phase"}},
      {"ties",
       "Where a sum half between two codes goes.",
       0,
       2,
       {"half_up", "half_even", "floor"}},
      {"group_packing",
       "How the groups of a grouped product share arrays.",
       0,
       2,
       {"single", "diagonal", "dense"}},
      {"replication",
       "Whether products get copies on arrays that would stay empty.",
       0,
       4,
       {"none", "balanced", "marginal_gain", "exact_bottleneck", "exact_sum"}},
      {"dynamic_products",
       "Where products of two activations run.",
       0,
       2,
       {"digital", "arrays", "auto"}},
      {"residency",
       "Whether the models of a set take turns on the chip or all stay on it.",
       0,
       1,
       {"alone", "together"}},
      {"segments",
       "What stays on a chip that is too small for all weights.",
       0,
       2,
       {"swap_all", "resident_best", "exact"}},
      {"unfolding",
       "How many positions of a convolution one load computes.",
       0,
       5,
       {"im2col", "sdk", "variable_window", "products", "steps", "auto"}},
  };
  return table;
}

const std::vector<KnobInfo> &imc::mapping::layerKnobSchema() {
  static const std::vector<KnobInfo> table = {
      {"weight_bits", "Bits of its signed weights.", 2, 16, {}},
      {"input_bits", "Bits of its unsigned activations.", 1, 16, {}},
      {"copies",
       "Copies of its weights, which stay on the chip and share its windows.",
       1,
       int64_t(1) << 32,
       {}},
      {"adc_bits",
       "Resolution that its conversions use, at most that of the others.",
       1,
       16,
       {}},
      {"unfolding", "How many positions of this convolution one load computes.",
       0, 5, findKnob("unfolding")->names},
  };
  return table;
}

bool imc::mapping::isLayerKnob(StringRef name) {
  return name.starts_with("layer.");
}

Expected<LayerKnob> imc::mapping::parseLayerKnob(StringRef name) {
  StringRef rest = name;
  auto [layer, field] = rest.consume_front("layer.")
                            ? rest.rsplit('.')
                            : std::pair<StringRef, StringRef>();
  std::string all;
  for (const KnobInfo &info : layerKnobSchema()) {
    if (field == info.name && !layer.empty())
      return LayerKnob{layer.str(), &info};
    all += std::string(all.empty() ? "" : ", ") + info.name;
  }
  return fail("'" + name.str() +
              "' is no knob of a layer; write layer.NAME.FIELD, or "
              "layer.MODEL:NAME.FIELD for one of several models, with FIELD "
              "one of " +
              all);
}

Expected<int64_t> imc::mapping::parseLayerValue(StringRef knob,
                                                const KnobInfo &field,
                                                StringRef text) {
  text = text.trim();
  if (auto name = llvm::find(field.names, text); name != field.names.end())
    return name - field.names.begin();
  int64_t value;
  if (!field.names.empty() || text.getAsInteger(10, value) ||
      value < field.min || value > field.max)
    return fail("'" + knob.str() + "' is '" + text.str() + "', must be " +
                describe(field));
  return value;
}

StringRef imc::mapping::layerOfModel(StringRef layer, StringRef model,
                                     size_t models) {
  StringRef name = layer;
  if (name.consume_front(model) && name.consume_front(":"))
    return name;
  return models == 1 ? layer : StringRef();
}

const KnobInfo *imc::mapping::findKnob(StringRef name) {
  name.consume_front("pass.");
  for (const KnobInfo &info : knobSchema())
    if (name == info.name)
      return &info;
  return nullptr;
}

static Expected<const KnobInfo *> lookup(StringRef name) {
  if (const KnobInfo *info = findKnob(name))
    return info;
  std::string all;
  for (const KnobInfo &info : knobSchema())
    all += std::string(all.empty() ? "pass." : ", pass.") + info.name;
  return fail("unknown knob '" + name.str() + "'; there are " + all);
}

std::string imc::mapping::formatKnob(const KnobInfo &info, int64_t value) {
  if (value >= 0 && value < static_cast<int64_t>(info.names.size()))
    return info.names[value];
  return std::to_string(value);
}

Error imc::mapping::setKnob(Knobs &knobs, StringRef name, int64_t value) {
  Expected<const KnobInfo *> found = lookup(name);
  if (!found)
    return found.takeError();
  const KnobInfo &info = **found;
  if (value < info.min || value > info.max)
    return fail("'pass." + std::string(info.name) + "' is " +
                std::to_string(value) + ", must be " + describe(info));
  StringRef known = info.name;
  if (known == "weight_bits")
    knobs.weight_bits = value;
  else if (known == "input_bits")
    knobs.input_bits = value;
  else if (known == "adc_bits")
    knobs.adc_bits = value;
  else if (known == "encoding")
    knobs.encoding = static_cast<Encoding>(value);
  else if (known == "range")
    knobs.range = static_cast<Range>(value);
  else if (known == "ties")
    knobs.ties = static_cast<Ties>(value);
  else if (known == "group_packing")
    knobs.group_packing = static_cast<GroupPacking>(value);
  else if (known == "replication")
    knobs.replication = static_cast<Replication>(value);
  else if (known == "dynamic_products")
    knobs.dynamic_products = static_cast<DynamicProducts>(value);
  else if (known == "residency")
    knobs.residency = static_cast<Residency>(value);
  else if (known == "segments")
    knobs.segments = static_cast<Segments>(value);
  else
    knobs.unfolding = static_cast<UnfoldingRule>(value);
  return Error::success();
}

Error imc::mapping::setKnob(Knobs &knobs, StringRef name, StringRef text) {
  Expected<const KnobInfo *> found = lookup(name);
  if (!found)
    return found.takeError();
  const KnobInfo &info = **found;
  text = text.trim();
  int64_t value = 0;
  if (!info.names.empty()) {
    for (auto [index, choice] : llvm::enumerate(info.names))
      if (text == choice)
        return setKnob(knobs, name, static_cast<int64_t>(index));
  } else if (!text.getAsInteger(10, value)) {
    return setKnob(knobs, name, value);
  }
  return fail("'pass." + std::string(info.name) + "' is '" + text.str() +
              "', must be " + describe(info));
}

Expected<int64_t> imc::mapping::getKnob(const Knobs &knobs, StringRef name) {
  Expected<const KnobInfo *> found = lookup(name);
  if (!found)
    return found.takeError();
  StringRef known = (*found)->name;
  if (known == "weight_bits")
    return knobs.weight_bits;
  if (known == "input_bits")
    return knobs.input_bits;
  if (known == "adc_bits")
    return knobs.adc_bits;
  if (known == "encoding")
    return static_cast<int64_t>(knobs.encoding);
  if (known == "range")
    return static_cast<int64_t>(knobs.range);
  if (known == "ties")
    return static_cast<int64_t>(knobs.ties);
  if (known == "group_packing")
    return static_cast<int64_t>(knobs.group_packing);
  if (known == "replication")
    return static_cast<int64_t>(knobs.replication);
  if (known == "dynamic_products")
    return static_cast<int64_t>(knobs.dynamic_products);
  if (known == "residency")
    return static_cast<int64_t>(knobs.residency);
  if (known == "segments")
    return static_cast<int64_t>(knobs.segments);
  return static_cast<int64_t>(knobs.unfolding);
}

Expected<std::string> imc::mapping::printKnob(const Knobs &knobs,
                                              StringRef name) {
  Expected<int64_t> value = getKnob(knobs, name);
  if (!value)
    return value.takeError();
  return formatKnob(*findKnob(name), *value);
}

const char *imc::mapping::ruleName(Rule rule) {
  switch (rule) {
  case Rule::Encoding:
    return "encoding";
  case Rule::AdcBits:
    return "adc_bits";
  case Rule::AdcRange:
    return "adc_range";
  case Rule::Capacity:
    return "capacity";
  case Rule::SupplyVoltage:
    return "supply_voltage";
  case Rule::CycleTime:
    return "cycle_time";
  case Rule::ExternalMemory:
    return "external_memory";
  case Rule::PowerDensity:
    return "power_density";
  case Rule::ModelBits:
    return "model_bits";
  case Rule::Accounting:
    return "accounting";
  case Rule::Endurance:
    return "endurance";
  case Rule::PeakPower:
    return "peak_power";
  case Rule::Residency:
    return "residency";
  }
  return "unknown";
}

const char *imc::mapping::ruleUnit(Rule rule) {
  switch (rule) {
  case Rule::Encoding:
  case Rule::AdcBits:
  case Rule::AdcRange:
  case Rule::ModelBits:
    return "bit";
  case Rule::Capacity:
    return "arrays";
  case Rule::SupplyVoltage:
    return "V";
  case Rule::CycleTime:
    return "ns";
  case Rule::ExternalMemory:
    return "bit";
  case Rule::PowerDensity:
  case Rule::PeakPower:
    return "W/mm2";
  case Rule::Accounting:
    return "products of two activations or with bits of their own";
  case Rule::Endurance:
    return "years";
  case Rule::Residency:
    return "copies";
  }
  return "";
}

std::vector<Violation> imc::mapping::check(const Knobs &knobs,
                                           const machine::Machine &machine) {
  std::vector<Violation> violations;
  if (knobs.encoding == Encoding::TwosComplement && machine.cell.bits != 1)
    violations.push_back({Rule::Encoding, double(machine.cell.bits), 1,
                          "pass.encoding = twos_complement"});
  // Adder trees have one width, that of their sums.
  const bool exact = machine::converterKind(machine).exact;
  const int64_t built = exact ? adcBits(knobs, machine) : machine.adc.bits;
  if (knobs.adc_bits > built ||
      (exact && knobs.adc_bits != 0 && knobs.adc_bits != built))
    violations.push_back({Rule::AdcBits, double(knobs.adc_bits), double(built),
                          "pass.adc_bits"});
  if (const int64_t least = leastAdcBits(knobs, machine);
      knobs.adc_bits != 0 && knobs.adc_bits < least)
    violations.push_back({Rule::AdcBits, double(knobs.adc_bits), double(least),
                          "pass.adc_bits"});
  // Less range than codes in steps of 1 take leaves codes without use.
  if (machine.adc.clip_bits > 0)
    if (const int64_t most = mostClipBits(knobs, machine);
        machine.adc.clip_bits > most)
      violations.push_back({Rule::AdcRange, double(machine.adc.clip_bits),
                            double(most), "machine.adc.clip_bits"});
  return violations;
}

std::optional<std::pair<int64_t, int64_t>>
imc::mapping::checkOwnAdcBits(const workload::Product &product,
                              const Knobs &knobs,
                              const machine::Machine &machine) {
  const int64_t bits = product.adc_bits;
  if (bits == 0)
    return std::nullopt;
  // Adder trees have one width, that of their sums.
  const int64_t most = adcBits(knobs, machine);
  const int64_t least = machine::converterKind(machine).exact
                            ? most
                            : leastAdcBits(knobsOf(product, knobs), machine);
  if (bits > most)
    return std::pair(bits, most);
  if (bits < least)
    return std::pair(bits, least);
  return std::nullopt;
}
