//===- Machine.cpp - Access and checks by schema
//---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Machine/Schema.h"
#include "imc/Machine/Unset.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <charconv>
#include <cmath>

using namespace imc::machine;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

std::string Field::path() const { return std::string(component) + "." + name; }

const Field *Component::find(StringRef wanted) const {
  for (const Field &field : fields)
    if (wanted == field.name)
      return &field;
  return nullptr;
}

bool imc::machine::operator==(const Machine &a, const Machine &b) {
  for (const Component &component : schema())
    for (const Field &field : component.fields)
      if (const double x = field.get(a), y = field.get(b);
          x != y && !(isUnset(x) && isUnset(y)))
        return false;
  return true;
}

const Component *imc::machine::findComponent(StringRef name) {
  for (const Component &component : schema())
    if (name == component.name)
      return &component;
  return nullptr;
}

const Field *imc::machine::findField(StringRef path) {
  path.consume_front("machine.");
  auto [component, field] = path.split('.');
  if (field.empty()) {
    for (const Alias &alias : aliases())
      if (path == alias.alias)
        return findField(alias.path);
    return nullptr;
  }
  const Component *found = findComponent(component);
  return found ? found->find(field) : nullptr;
}

Expected<const Field *> imc::machine::lookupField(StringRef path) {
  if (const Field *field = findField(path))
    return field;
  // Offer what is close: a wrong name is mostly a typing slip.
  std::string near;
  auto offer = [&](const std::string &name) {
    near += (near.empty() ? "" : ", ") + name;
  };
  StringRef bare = path;
  bare.consume_front("machine.");
  for (const Alias &alias : aliases())
    if (bare.edit_distance(alias.alias, true, 3) <= 2)
      offer(std::string("machine.") + alias.alias);
  for (const Component &component : schema())
    for (const Field &field : component.fields)
      if (bare.edit_distance(field.path(), true, 4) <= 3 ||
          bare.split('.').second == field.name)
        offer("machine." + field.path());
  return fail("unknown machine field '" + path.str() + "'" +
              (near.empty() ? std::string("; `imc targets --schema` lists all")
                            : "; did you mean " + near + "?"));
}

std::string imc::machine::knobPath(const Field &field) {
  std::string path = field.path();
  for (const Alias &alias : aliases())
    if (path == alias.path)
      return std::string("machine.") + alias.alias;
  return "machine." + path;
}

std::string imc::machine::formatValue(const Field &field, double value) {
  if (field.type == FieldType::Enumeration) {
    auto index = static_cast<size_t>(value);
    return index < field.names.size() ? field.names[index]
                                      : std::to_string(index);
  }
  char buffer[64];
  // 900000, not 9e+05.
  if (std::abs(value) < 1e9 && value == std::floor(value)) {
    auto end = std::to_chars(buffer, buffer + sizeof(buffer),
                             static_cast<int64_t>(value));
    return std::string(buffer, end.ptr);
  }
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

/// "1 to 8 bit" or "one of rram, sram".
static std::string describeRange(const Field &field) {
  if (field.type == FieldType::Enumeration)
    return "one of " + llvm::join(field.names, ", ");
  std::string text =
      field.type == FieldType::Integer ? "an integer from " : "a number from ";
  text +=
      formatValue(field, field.min) + " to " + formatValue(field, field.max);
  if (*field.unit)
    text += std::string(" ") + field.unit;
  return text;
}

Error imc::machine::checkValue(const Field &field, double value) {
  bool whole = field.type == FieldType::Real || value == std::floor(value);
  if (std::isfinite(value) && whole && value >= field.min && value <= field.max)
    return Error::success();
  Field plain = field;
  plain.type = FieldType::Real; // print what was given, not its rounding
  return fail("'" + field.path() + "' is " + formatValue(plain, value) +
              ", must be " + describeRange(field));
}

Expected<double> imc::machine::parseValue(const Field &field, StringRef text) {
  text = text.trim();
  if (field.type == FieldType::Enumeration) {
    for (auto [index, name] : llvm::enumerate(field.names))
      if (text == name)
        return static_cast<double>(index);
    return fail("'" + field.path() + "' is '" + text.str() + "', must be " +
                describeRange(field));
  }
  double value = 0;
  // from_chars, not strtod: independent of the locale of the process.
  auto parsed = std::from_chars(text.begin(), text.end(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.end())
    return fail("'" + field.path() + "' is '" + text.str() + "', must be " +
                describeRange(field));
  if (Error error = checkValue(field, value))
    return Expected<double>(std::move(error));
  return value;
}

Expected<double> imc::machine::getField(const Machine &machine,
                                        StringRef path) {
  Expected<const Field *> field = lookupField(path);
  if (!field)
    return field.takeError();
  return (*field)->get(machine);
}

Error imc::machine::setField(Machine &machine, StringRef path, double value) {
  Expected<const Field *> field = lookupField(path);
  if (!field)
    return field.takeError();
  if (Error error = checkValue(**field, value))
    return error;
  (*field)->set(machine, value);
  return Error::success();
}

Error imc::machine::setField(Machine &machine, StringRef path, StringRef text) {
  Expected<const Field *> field = lookupField(path);
  if (!field)
    return field.takeError();
  Expected<double> value = parseValue(**field, text);
  if (!value)
    return value.takeError();
  (*field)->set(machine, *value);
  return Error::success();
}

Error imc::machine::checkGiven(const Machine &machine) {
  for (const Component &component : schema()) {
    std::vector<const Field *> missing;
    for (const Field &field : component.fields)
      if (component.has(field, machine) &&
          (isUnset(field.get(machine)) ||
           // Whole numbers cannot be unset; their 0 is none that is allowed.
           (field.required && !field.kinds.empty() &&
            field.type == FieldType::Integer && field.get(machine) == 0 &&
            field.min > 0)))
        missing.push_back(&field);
    if (missing.empty())
      continue;
    std::string text;
    for (const Field *field : missing) {
      std::string about = field->doc;
      if (!about.empty() && about.back() == '.')
        about.pop_back();
      text += (text.empty() ? "'" : ", '") + field->path() + "' (" + about +
              (*field->unit ? std::string(", ") + field->unit : "") + ")";
    }
    std::string kinds;
    for (const Field *kind : component.kindFields())
      if (missing.front()->belongsTo(static_cast<int64_t>(kind->get(machine))))
        kinds += (kinds.empty() ? "'" : " and '") + kind->path() + "' is " +
                 formatValue(*kind, kind->get(machine));
    return fail(text + (missing.size() == 1 ? " is" : " are") +
                " missing, but " + kinds + ", which needs " +
                (missing.size() == 1 ? "it" : "them") + ": give " +
                (missing.size() == 1 ? "it" : "each") + " (--set machine." +
                missing.front()->path() + "=...) or keep the kind");
  }
  return Error::success();
}

Error imc::machine::check(const Machine &machine) {
  if (Error error = checkGiven(machine))
    return error;
  for (const Component &component : schema())
    for (const Field &field : component.fields)
      if (component.has(field, machine))
        if (Error error = checkValue(field, field.get(machine)))
          return error;
  const Cell &cell = machine.cell;
  const Kind &kind = cellKind(machine);
  if (kind.one_bit && cell.bits != 1)
    return fail("'cell.bits' is " + std::to_string(cell.bits) +
                " but 'cell.kind' is " + kind.name +
                ": an SRAM cell stores 1 bit; set cell.bits to 1 or cell.kind "
                "to rram");
  if (kind.nonvolatile) {
    if (cell.on_resistance_ohm <= 0 || cell.read_voltage_v <= 0)
      return fail("'cell.on_resistance_ohm' or 'cell.read_voltage_v' is 0 but "
                  "'cell.kind' is " +
                  kind.name + ": give both above 0");
    if (cell.off_resistance_ohm <= cell.on_resistance_ohm)
      return fail("'cell.off_resistance_ohm' must be above "
                  "'cell.on_resistance_ohm'; the levels of a cell lie between "
                  "them");
  } else if (cell.capacitance_ff <= 0) {
    return fail("'cell.capacitance_ff' is 0 but 'cell.kind' is " + kind.name +
                ": give the capacitance that one cell switches");
  }
  if (machine.array.rows % machine.drivenRows() != 0)
    return fail(
        "'array.active_rows' is " + std::to_string(machine.array.active_rows) +
        ", must divide 'array.rows', " + std::to_string(machine.array.rows));
  // Adder trees multiply by single bits, so a weight bit is a cell.
  const bool digital = converterKind(machine).exact;
  if (digital != (kind.name == "sram_digital"))
    return fail("'adc.kind' is " + converterKind(machine).name +
                " but 'cell.kind' is " + kind.name +
                ": adder trees and cells of kind sram_digital go together");
  if (converterKind(machine).name == "survey" && machine.adc.bits < 4) {
    Expected<double> sense = getField(machine, "adc.sense_fj");
    if (!sense)
      return sense.takeError();
    if (*sense <= 0)
      return fail("'adc.bits' is " + std::to_string(machine.adc.bits) +
                  " but the survey has no converters below 4 bits: give "
                  "'adc.sense_fj' and 'adc.sense_um2' of one comparator, or "
                  "adc.bits of 4 and more");
  }
  if (std::string text = contradictionOf(machine); !text.empty())
    return fail(text);
  const Accounting &accounting = machine.accounting;
  if (accounting.model == AccountingModel::Source2026 &&
      (accounting.cell_area_um2 <= 0 || accounting.column_area_um2 <= 0 ||
       accounting.cell_pj <= 0))
    return fail("'accounting.cell_area_um2', 'accounting.column_area_um2' or "
                "'accounting.cell_pj' is 0 but 'accounting.model' is "
                "source-2026: give all three above 0 or set accounting.model "
                "to closed");
  // The published fit has a tile term below zero.
  const auto rows = static_cast<double>(machine.array.rows);
  const auto cols = static_cast<double>(machine.array.cols);
  const double arraysMm2 =
      static_cast<double>(machine.hierarchy.macros_per_tile) *
      (accounting.array_area_um2 + rows * accounting.row_area_um2 +
       cols * accounting.column_area_um2 +
       rows * cols * accounting.cell_area_um2) *
      1e-6;
  if (accounting.model == AccountingModel::Source2026 &&
      arraysMm2 + accounting.tile_area_mm2 <= 0)
    return fail("'accounting.tile_area_mm2' is " +
                formatValue(*findField("accounting.tile_area_mm2"),
                            accounting.tile_area_mm2) +
                " mm2, more than the arrays of a tile take: the fit does not "
                "reach so small tiles; give them more or larger arrays");
  return Error::success();
}

llvm::json::Value imc::machine::jsonSchema() {
  using llvm::json::Array;
  using llvm::json::Object;
  Object components;
  for (const Component &component : schema()) {
    Object fields;
    Array required;
    for (const Field &field : component.fields) {
      Object plain;
      switch (field.type) {
      case FieldType::Enumeration: {
        Array names;
        for (const char *name : field.names)
          names.push_back(name);
        plain["enum"] = std::move(names);
        break;
      }
      case FieldType::Integer:
        plain["type"] = "integer";
        plain["minimum"] = static_cast<int64_t>(field.min);
        plain["maximum"] = static_cast<int64_t>(field.max);
        break;
      case FieldType::Real:
        plain["type"] = "number";
        plain["minimum"] = field.min;
        plain["maximum"] = field.max;
        break;
      }
      // A value, a value with its source, or an open knob.
      Object list{{"type", "array"}, {"items", Object(plain)}, {"minItems", 1}};
      Object range{
          {"type", "object"},
          {"properties", Object{{"min", Object{{"type", "number"}}},
                                {"max", Object{{"type", "number"}}},
                                {"step", Object{{"type", "number"}}},
                                {"factor", Object{{"type", "number"}}}}},
          {"required", Array{"min", "max"}},
          {"additionalProperties", false}};
      Object wrapped{
          {"type", "object"},
          {"properties",
           Object{{"value", Object(plain)},
                  {"source", Object{{"type", "string"}}},
                  {"knob", Object{{"anyOf", Array{std::move(list),
                                                  std::move(range)}}}}}},
          {"additionalProperties", false}};
      Object entry{{"description", field.doc},
                   {"unit", field.unit},
                   {"anyOf", Array{std::move(plain), std::move(wrapped)}}};
      if (!field.required)
        entry["default"] = field.default_value;
      fields[field.name] = std::move(entry);
      if (field.required && field.kinds.empty())
        required.push_back(field.name);
    }
    // Required fields may come from an included file, so they are named here
    // for readers and not enforced by the JSON schema of one file.
    components[component.name] = Object{{"type", "object"},
                                        {"description", component.doc},
                                        {"properties", std::move(fields)},
                                        {"x-required", std::move(required)},
                                        {"additionalProperties", false}};
  }
  Object text{{"type", "string"}};
  components["name"] = Object(text);
  components["description"] = Object(text);
  components["citation"] = Object(text);
  components["include"] = Object{{"type", "array"}, {"items", Object(text)}};
  components["expected"] = Object{
      {"type", "object"},
      {"additionalProperties",
       Object{{"type", "object"},
              {"properties", Object{{"value", Object{{"type", "number"}}},
                                    {"source", Object(text)},
                                    {"error", Object{{"type", "number"}}}}},
              {"required", Array{"value"}},
              {"additionalProperties", false}}}};
  return Object{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "imc machine file"},
                {"type", "object"},
                {"properties", std::move(components)},
                {"additionalProperties", false}};
}

std::string imc::machine::schemaMarkdown() {
  std::string page =
      "# Fields of a machine\n\n"
      "Generated from the schema (`lib/Machine/Schema.cpp`); do not edit. "
      "`machine.<component>.<field>` is the path of a\n"
      "field for `--set` and for searches; short names in brackets.\n";
  for (const Component &component : schema()) {
    page += std::string("\n## ") + component.name + "\n\n" + component.doc +
            "\n\n| field | type | unit | range | default | meaning |\n"
            "|---|---|---|---|---|---|\n";
    for (const Field &field : component.fields) {
      std::string path = "machine." + field.path();
      page += std::string("| `") + field.name + "`";
      if (knobPath(field) != path)
        page += " (`" + knobPath(field) + "`)";
      bool isNamed = field.type == FieldType::Enumeration;
      page += isNamed                            ? " | name | "
              : field.type == FieldType::Integer ? " | integer | "
                                                 : " | real | ";
      page += std::string(field.unit) + " | ";
      page += isNamed ? llvm::join(field.names, ", ")
                      : formatValue(field, field.min) + " to " +
                            formatValue(field, field.max);
      page += " | " +
              (field.required ? std::string("required")
                              : formatValue(field, field.default_value)) +
              " | " + field.doc;
      if (!field.kinds.empty()) {
        std::vector<std::string> names;
        for (int64_t kind : field.kinds)
          names.push_back("`" +
                          std::string(component.kindFields()
                                          .front()
                                          ->names[static_cast<size_t>(kind)]) +
                          "`");
        page += " Of kind " + llvm::join(names, ", ") + ".";
      }
      page += " |\n";
    }
  }
  return page;
}
