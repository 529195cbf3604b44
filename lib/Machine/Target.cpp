//===- Target.cpp - Machine descriptions with open fields
//------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Target.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace imc::machine;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

const Knob *TargetSpec::findKnob(StringRef path) const {
  const Field *field = findField(path);
  if (!field)
    return nullptr;
  std::string wanted = field->path();
  for (const Knob &knob : knobs)
    if (knob.path == wanted)
      return &knob;
  return nullptr;
}

Expected<Machine> TargetSpec::machine() const {
  if (!knobs.empty()) {
    std::string open;
    for (const Knob &knob : knobs)
      open += (open.empty() ? "" : ", ") + knobPath(*findField(knob.path));
    return fail("target '" + name + "' leaves " + open + " open; set " +
                (knobs.size() == 1 ? "it" : "each") + " (--set " +
                knobPath(*findField(knobs.front().path)) + "=" +
                formatValue(*findField(knobs.front().path),
                            knobs.front().values.front()) +
                ") or let `imc search` choose");
  }
  if (Error error = check(values))
    return fail("target '" + name + "': " + llvm::toString(std::move(error)));
  return values;
}

Error TargetSpec::resolve(StringRef path, double value) {
  Expected<const Field *> field = lookupField(path);
  if (!field)
    return field.takeError();
  if (Error error = checkValue(**field, value))
    return error;
  std::string wanted = (*field)->path();
  auto open = llvm::find_if(
      knobs, [&](const Knob &knob) { return knob.path == wanted; });
  if (open != knobs.end()) {
    if (!llvm::is_contained(open->values, value)) {
      std::string list;
      for (double v : open->values)
        list += (list.empty() ? "" : ", ") + formatValue(**field, v);
      return fail("'" + wanted + "' is " + formatValue(**field, value) +
                  ", target '" + name + "' allows " + list);
    }
    knobs.erase(open);
  }
  (*field)->set(values, value);
  return Error::success();
}

Error TargetSpec::resolve(StringRef path, StringRef text) {
  Expected<const Field *> field = lookupField(path);
  if (!field)
    return field.takeError();
  Expected<double> value = parseValue(**field, text);
  if (!value)
    return value.takeError();
  return resolve(path, *value);
}

void TargetSpec::resolveAll() {
  for (const Knob &knob : knobs)
    findField(knob.path)->set(values, knob.values.front());
  knobs.clear();
}

Expected<std::vector<double>>
imc::machine::expandRange(double min, double max, double step, double factor) {
  constexpr size_t most = 4096;
  if (!std::isfinite(min) || !std::isfinite(max) || min > max)
    return fail("a range needs finite min <= max");
  if (!std::isfinite(step) || !std::isfinite(factor))
    return fail("step and factor of a range must be finite");
  if ((step != 0) == (factor != 0))
    return fail("a range needs either step or factor");
  if (step != 0 && !(step > 0))
    return fail("the step of a range must be above 0");
  if (factor != 0 && (!(factor > 1) || !(min > 0)))
    return fail("the factor of a range must be above 1 and its min above 0");
  std::vector<double> values;
  double limit = max + 1e-9 * std::abs(max);
  for (size_t i = 0;; ++i) {
    // From the index, so that errors do not add up; rounded to 12 digits, so
    // that 0.5 + 3 * 0.05 is 0.65.
    double value = step != 0 ? min + step * static_cast<double>(i)
                             : min * std::pow(factor, static_cast<double>(i));
    if (value > limit)
      break;
    if (values.size() == most)
      return fail("a range may have at most " + std::to_string(most) +
                  " values");
    char digits[64];
    std::snprintf(digits, sizeof(digits), "%.12g", value);
    double rounded = value;
    if (!StringRef(digits).getAsDouble(rounded))
      value = rounded;
    values.push_back(value);
  }
  return values;
}

bool imc::machine::operator==(const TargetSpec &a, const TargetSpec &b) {
  auto sameKnobs = [](const Knob &x, const Knob &y) {
    return x.path == y.path && x.values == y.values;
  };
  auto sameFigures = [](const ExpectedFigure &x, const ExpectedFigure &y) {
    return x.name == y.name && x.value == y.value && x.source == y.source &&
           x.error == y.error;
  };
  return a.name == b.name && a.description == b.description &&
         a.citation == b.citation && a.values == b.values &&
         a.sources == b.sources && llvm::equal(a.knobs, b.knobs, sameKnobs) &&
         llvm::equal(a.expected, b.expected, sameFigures);
}
