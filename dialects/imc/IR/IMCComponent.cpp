//===- IMCComponent.cpp - Knobs and components of a machine ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One parser, printer and verifier for all components, driven by the schema.
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <charconv>

using namespace mlir;
using namespace imc;
using imc::machine::Component;
using imc::machine::Field;
using imc::machine::FieldType;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Attribute imc::detail::fieldAttribute(MLIRContext *context, const Field &field,
                                      double value) {
  Builder b(context);
  switch (field.type) {
  case FieldType::Integer:
    return b.getI64IntegerAttr(static_cast<int64_t>(value));
  case FieldType::Real:
    return b.getF64FloatAttr(value);
  case FieldType::Enumeration:
    return b.getStringAttr(machine::formatValue(field, value));
  }
  llvm_unreachable("unknown field type");
}

static std::string text(Attribute attribute) {
  std::string result;
  llvm::raw_string_ostream(result) << attribute;
  return result;
}

llvm::Expected<double> imc::detail::fieldValue(const Field &field,
                                               Attribute value) {
  std::optional<double> number;
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    if (field.type == FieldType::Integer &&
        integer.getType().isSignlessInteger(64))
      number = static_cast<double>(integer.getInt());
  } else if (auto real = dyn_cast<FloatAttr>(value)) {
    if (field.type == FieldType::Real && real.getType().isF64())
      number = real.getValueAsDouble();
  } else if (auto name = dyn_cast<StringAttr>(value)) {
    if (field.type == FieldType::Enumeration)
      return machine::parseValue(field, name.getValue());
  }
  if (number) {
    if (llvm::Error error = machine::checkValue(field, *number))
      return std::move(error);
    return *number;
  }
  // Not of the field's type, so this names the range and fails, except for a
  // number in the wrong storage.
  llvm::Expected<double> parsed = machine::parseValue(field, text(value));
  if (!parsed)
    return parsed.takeError();
  return llvm::createStringError("'" + field.path() + "' is " + text(value) +
                                 ", must be of type " +
                                 (field.type == FieldType::Integer ? "i64"
                                  : field.type == FieldType::Real  ? "f64"
                                                                   : "string"));
}

/// Integers become numbers where numbers are wanted, so that `vdd_v = 1` works.
static Attribute toNumber(Attribute value) {
  auto integer = dyn_cast<IntegerAttr>(value);
  if (!integer || !integer.getType().isSignlessInteger(64))
    return value;
  return FloatAttr::get(Float64Type::get(value.getContext()),
                        static_cast<double>(integer.getInt()));
}

/// Shortest text that the parser reads back to the same value. MLIR's own form
/// of a float is not the shortest, and its lexer wants a point before an
/// exponent.
static void printValue(AsmPrinter &printer, Attribute value) {
  if (auto real = dyn_cast<FloatAttr>(value); real && real.getType().isF64()) {
    char buffer[64];
    auto end =
        std::to_chars(buffer, buffer + sizeof(buffer), real.getValueAsDouble());
    StringRef digits(buffer, end.ptr - buffer);
    if (digits.contains('.')) {
      printer << digits;
    } else {
      auto [mantissa, exponent] = digits.split('e');
      printer << mantissa << ".0";
      if (!exponent.empty())
        printer << 'e' << exponent;
    }
  } else {
    printer.printAttributeWithoutType(value);
  }
}

//===----------------------------------------------------------------------===//
// KnobAttr
//===----------------------------------------------------------------------===//

LogicalResult KnobAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<Attribute> values) {
  if (values.empty())
    return emitError() << "a knob needs at least one value";
  auto kind = [](Attribute value) {
    if (auto integer = dyn_cast<IntegerAttr>(value))
      return integer.getType().isSignlessInteger(64) ? 1 : 0;
    if (auto real = dyn_cast<FloatAttr>(value))
      return real.getType().isF64() ? 2 : 0;
    return isa<StringAttr>(value) ? 3 : 0;
  };
  llvm::SmallPtrSet<Attribute, 8> seen;
  for (Attribute value : values) {
    if (kind(value) == 0 || kind(value) != kind(values.front()))
      return emitError() << "values of a knob must all be integers (i64), all "
                            "numbers (f64) or all strings, but there are "
                         << values.front() << " and " << value;
    if (!seen.insert(value).second)
      return emitError() << "a knob has the value " << value << " twice";
  }
  return success();
}

Attribute KnobAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<Attribute> values;
  if (parser.parseLess())
    return {};
  if (succeeded(parser.parseOptionalLSquare())) {
    if (failed(parser.parseOptionalRSquare()) &&
        (parser.parseCommaSeparatedList(
             [&] { return parser.parseAttribute(values.emplace_back()); }) ||
         parser.parseRSquare()))
      return {};
    if (llvm::any_of(values, llvm::IsaPred<FloatAttr>))
      llvm::transform(values, values.begin(), toNumber);
  } else {
    // min = …, max = …, step|factor = …
    llvm::StringMap<double> bounds;
    bool integers = true;
    auto bound = [&]() -> ParseResult {
      StringRef name;
      Attribute value;
      SMLoc at = parser.getCurrentLocation();
      if (parser.parseKeyword(&name) || parser.parseEqual() ||
          parser.parseAttribute(value))
        return failure();
      if (!llvm::is_contained({"min", "max", "step", "factor"}, name))
        return parser.emitError(at)
               << "'" << name << "' is not min, max, step or factor";
      integers &= isa<IntegerAttr>(value);
      auto number = dyn_cast<FloatAttr>(toNumber(value));
      if (!number)
        return parser.emitError(at)
               << "'" << name << "' is " << value << ", must be a number";
      if (!bounds.try_emplace(name, number.getValueAsDouble()).second)
        return parser.emitError(at) << "'" << name << "' is given twice";
      return success();
    };
    if (parser.parseCommaSeparatedList(bound))
      return {};
    if (!bounds.count("min") || !bounds.count("max")) {
      parser.emitError(loc) << "a range needs min and max";
      return {};
    }
    llvm::Expected<std::vector<double>> range =
        machine::expandRange(bounds.lookup("min"), bounds.lookup("max"),
                             bounds.lookup("step"), bounds.lookup("factor"));
    if (!range) {
      parser.emitError(loc) << llvm::toString(range.takeError());
      return {};
    }
    for (double value : *range)
      values.push_back(
          integers ? Attribute(parser.getBuilder().getI64IntegerAttr(
                         static_cast<int64_t>(value)))
                   : Attribute(parser.getBuilder().getF64FloatAttr(value)));
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<KnobAttr>(loc, parser.getContext(),
                                     ArrayRef<Attribute>(values));
}

void KnobAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getValues(), printer.getStream(),
                        [&](Attribute value) { printValue(printer, value); });
  printer << "]>";
}

//===----------------------------------------------------------------------===//
// ComponentAttr
//===----------------------------------------------------------------------===//

LogicalResult
ComponentAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      StringRef name, DictionaryAttr fields) {
  const Component *component = machine::findComponent(name);
  if (!component)
    return emitError() << "unknown machine component '" << name << "'";
  for (NamedAttribute entry : fields) {
    const Field *field = component->find(entry.getName());
    if (!field) {
      InFlightDiagnostic diagnostic = emitError();
      diagnostic << "(C1) unknown field '" << entry.getName().getValue()
                 << "' of #imc." << name << "; its fields are ";
      llvm::interleaveComma(component->fields, diagnostic,
                            [&](const Field &f) { diagnostic << f.name; });
      return diagnostic;
    }
    SmallVector<Attribute> values = {entry.getValue()};
    if (auto knob = dyn_cast<KnobAttr>(entry.getValue()))
      values.assign(knob.getValues().begin(), knob.getValues().end());
    for (Attribute value : values) {
      llvm::Expected<double> number = imc::detail::fieldValue(*field, value);
      if (!number)
        return emitError() << "(C2) " << llvm::toString(number.takeError());
    }
  }
  // Some fields are for some kinds of the component only. Where the kinds of
  // others decide, the target checks.
  if (!component->owners.empty())
    return success();
  SmallVector<int64_t> kinds;
  if (const Field *kind = component->kindField()) {
    Attribute given = fields.get(kind->name);
    SmallVector<Attribute> values;
    if (auto knob = dyn_cast_if_present<KnobAttr>(given))
      values.assign(knob.getValues().begin(), knob.getValues().end());
    else if (given)
      values.push_back(given);
    for (Attribute value : values)
      kinds.push_back(static_cast<int64_t>(
          llvm::cantFail(imc::detail::fieldValue(*kind, value))));
    if (!given)
      kinds.push_back(static_cast<int64_t>(kind->default_value));
  }
  auto isUsed = [&](const Field &field) {
    return field.kinds.empty() || llvm::any_of(kinds, [&](int64_t kind) {
             return field.belongsTo(kind);
           });
  };
  for (const Field &field : component->fields)
    if (field.required && isUsed(field) && !fields.contains(field.name))
      return emitError() << "(C3) '" << field.path()
                         << "' is missing: " << field.doc;
  return success();
}

Attribute ComponentAttr::getField(StringRef name) const {
  if (Attribute value = getFields().get(name))
    return value;
  const Field *field = machine::findComponent(getComponent())->find(name);
  if (!field)
    return {};
  return imc::detail::fieldAttribute(getContext(), *field,
                                     field->default_value);
}

FailureOr<Attribute> ComponentAttr::query(DataLayoutEntryKey key) const {
  auto name = dyn_cast<StringAttr>(key);
  if (!name)
    return failure();
  if (Attribute value = getField(name))
    return value;
  return failure();
}

ComponentAttr ComponentAttr::parse(AsmParser &parser,
                                   const Component &component) {
  SMLoc loc = parser.getCurrentLocation();
  NamedAttrList fields;
  auto parseField = [&]() -> ParseResult {
    StringRef name, word;
    Attribute value;
    SMLoc at = parser.getCurrentLocation();
    if (parser.parseKeyword(&name) || parser.parseEqual())
      return failure();
    if (succeeded(parser.parseOptionalKeyword(&word)))
      value = parser.getBuilder().getStringAttr(word);
    else if (parser.parseAttribute(value))
      return failure();
    if (const Field *field = component.find(name);
        field && field->type == FieldType::Real) {
      value = toNumber(value);
      if (auto knob = dyn_cast<KnobAttr>(value)) {
        SmallVector<Attribute> values(
            llvm::map_range(knob.getValues(), toNumber));
        value = KnobAttr::get(parser.getContext(), values);
      }
    }
    if (fields.set(name, value))
      return parser.emitError(at) << "field '" << name << "' is given twice";
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseField))
    return {};
  return parser.getChecked<ComponentAttr>(
      loc, parser.getContext(), StringRef(component.name),
      fields.getDictionary(parser.getContext()));
}

void ComponentAttr::print(AsmPrinter &printer) const {
  printer << getComponent() << '<';
  bool first = true;
  for (const Field &field : machine::findComponent(getComponent())->fields) {
    Attribute value = getFields().get(field.name);
    if (!value)
      continue;
    printer << (first ? "" : ", ") << field.name << " = ";
    first = false;
    if (auto name = dyn_cast<StringAttr>(value))
      printer.printKeywordOrString(name.getValue());
    else if (isa<KnobAttr>(value))
      printer << value;
    else
      printValue(printer, value);
  }
  printer << '>';
}

//===----------------------------------------------------------------------===//
// The dialect's attribute syntax: own mnemonics, then the schema's components
//===----------------------------------------------------------------------===//

Attribute imc::detail::parseComponent(DialectAsmParser &parser,
                                      StringRef name) {
  if (const Component *component = machine::findComponent(name))
    return ComponentAttr::parse(parser, *component);
  parser.emitError(parser.getNameLoc())
      << "unknown attribute '#imc." << name << "'";
  return {};
}
