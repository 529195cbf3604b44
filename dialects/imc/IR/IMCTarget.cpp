//===- IMCTarget.cpp - The machine as an attribute ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"
#include "imc/Machine/Unset.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace imc;
using imc::machine::Component;
using imc::machine::Field;

#include "dialects/imc/IR/IMCInterfaces.cpp.inc"

//===----------------------------------------------------------------------===//
// From the plain struct
//===----------------------------------------------------------------------===//

SmallVector<ComponentAttr>
imc::detail::targetComponents(MLIRContext *context,
                              const machine::TargetSpec &spec) {
  SmallVector<ComponentAttr> components;
  for (const Component &component : machine::schema()) {
    NamedAttrList fields;
    for (const Field &field : component.fields) {
      if (const machine::Knob *knob = spec.findKnob(field.path())) {
        SmallVector<Attribute> values;
        for (double value : knob->values)
          values.push_back(fieldAttribute(context, field, value));
        fields.set(field.name, KnobAttr::get(context, values));
        continue;
      }
      double value = field.get(spec.values);
      // A default says nothing; leaving it out keeps the text short.
      bool isRequired = field.required && component.has(field, spec.values);
      if (isRequired ||
          (value != field.default_value && !machine::isUnset(value)))
        fields.set(field.name, fieldAttribute(context, field, value));
    }
    components.push_back(ComponentAttr::get(context, component.name,
                                            fields.getDictionary(context)));
  }
  return components;
}

DictionaryAttr imc::detail::targetSources(MLIRContext *context,
                                          const machine::TargetSpec &spec) {
  NamedAttrList sources;
  for (const auto &[path, source] : spec.sources)
    sources.set(path, StringAttr::get(context, source));
  return sources.getDictionary(context);
}

ArrayAttr imc::detail::targetExpectations(MLIRContext *context,
                                          const machine::TargetSpec &spec) {
  Builder b(context);
  SmallVector<Attribute> figures;
  for (const machine::ExpectedFigure &figure : spec.expected) {
    NamedAttrList entry;
    entry.set("name", b.getStringAttr(figure.name));
    entry.set("value", b.getF64FloatAttr(figure.value));
    entry.set("source", b.getStringAttr(figure.source));
    entry.set("error", b.getF64FloatAttr(figure.error));
    figures.push_back(entry.getDictionary(context));
  }
  return b.getArrayAttr(figures);
}

//===----------------------------------------------------------------------===//
// To the plain struct
//===----------------------------------------------------------------------===//

/// Reads verified components.
static void readComponents(ArrayRef<ComponentAttr> components,
                           machine::TargetSpec &spec) {
  for (const Component &component : machine::schema()) {
    const auto *attribute =
        llvm::find_if(components, [&](ComponentAttr candidate) {
          return candidate.getComponent() == component.name;
        });
    for (const Field &field : component.fields) {
      Attribute value = attribute->getFields().get(field.name);
      // Other kinds of the component may have no use for it, so its default
      // need not be a value that it could be given.
      if (!value) {
        field.set(spec.values, machine::unsetValue(field));
        continue;
      }
      SmallVector<Attribute> values = {value};
      auto knob = dyn_cast<KnobAttr>(value);
      if (knob)
        values.assign(knob.getValues().begin(), knob.getValues().end());
      std::vector<double> numbers;
      for (Attribute v : values)
        numbers.push_back(llvm::cantFail(imc::detail::fieldValue(field, v)));
      field.set(spec.values, numbers.front());
      if (knob)
        spec.knobs.push_back({field.path(), std::move(numbers)});
    }
  }
}

machine::TargetSpec TargetAttr::getSpec() const {
  machine::TargetSpec spec;
  spec.name = getName().str();
  spec.description = getDescription().str();
  spec.citation = getCitation().str();
  readComponents(getComponents(), spec);
  for (NamedAttribute source : getSources())
    spec.sources[source.getName().str()] =
        cast<StringAttr>(source.getValue()).str();
  for (auto entry : getExpected().getAsRange<DictionaryAttr>())
    spec.expected.push_back(
        {entry.getAs<StringAttr>("name").str(),
         entry.getAs<FloatAttr>("value").getValueAsDouble(),
         entry.getAs<StringAttr>("source").str(),
         entry.getAs<FloatAttr>("error").getValueAsDouble()});
  return spec;
}

llvm::Expected<machine::Machine> TargetAttr::getMachine() const {
  return getSpec().machine();
}

ComponentAttr TargetAttr::getComponent(StringRef name) const {
  for (ComponentAttr component : getComponents())
    if (component.getComponent() == name)
      return component;
  return {};
}

FailureOr<Attribute> TargetAttr::query(DataLayoutEntryKey key) const {
  auto name = dyn_cast<StringAttr>(key);
  if (!name)
    return failure();
  if (name.getValue() == "name")
    return Attribute(getName());
  if (ComponentAttr component = getComponent(name))
    return Attribute(component);
  return failure();
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringAttr name, StringAttr description,
                                 StringAttr citation,
                                 ArrayRef<ComponentAttr> components,
                                 DictionaryAttr sources, ArrayAttr expected) {
  for (const Component &component : machine::schema()) {
    int64_t given = llvm::count_if(components, [&](ComponentAttr candidate) {
      return candidate.getComponent() == component.name;
    });
    if (given != 1)
      return emitError() << "(C1) target " << name << " has " << given
                         << " components '" << component.name
                         << "', expected one: " << component.doc;
  }
  for (NamedAttribute source : sources) {
    const Field *field = machine::findField(source.getName());
    if (!field || field->path() != source.getName().getValue())
      return emitError() << "(C2) target " << name
                         << " gives a source for unknown field '"
                         << source.getName().getValue() << "'";
    if (!isa<StringAttr>(source.getValue()))
      return emitError() << "(C2) source of '" << source.getName().getValue()
                         << "' is " << source.getValue()
                         << ", expected a string";
  }
  for (Attribute entry : expected) {
    auto figure = dyn_cast<DictionaryAttr>(entry);
    auto number = [&](StringRef key) {
      auto value = figure.getAs<FloatAttr>(key);
      return value && value.getType().isF64();
    };
    if (!figure || figure.size() != 4 || !figure.getAs<StringAttr>("name") ||
        !figure.getAs<StringAttr>("source") || !number("value") ||
        !number("error"))
      return emitError() << "(C3) expected figure is " << entry
                         << ", must be {name = string, value = f64, source = "
                            "string, error = f64}";
  }
  // While fields are open, contradictions may still be resolved.
  machine::TargetSpec spec;
  readComponents(components, spec);
  auto mayHave = [&](const Component &component, const Field &field) {
    return llvm::any_of(component.kindFields(), [&](const Field *kind) {
      const machine::Knob *knob = spec.findKnob(kind->path());
      return llvm::any_of(knob ? knob->values
                               : std::vector<double>{kind->get(spec.values)},
                          [&](double value) {
                            return field.belongsTo(static_cast<int64_t>(value));
                          });
    });
  };
  // What a component has to say may depend on the kinds of others.
  for (ComponentAttr attr : components) {
    const Component &component = *machine::findComponent(attr.getComponent());
    for (const Field &field : component.fields)
      if (!component.owners.empty() && field.required &&
          !attr.getFields().contains(field.name) && mayHave(component, field))
        return emitError() << "(C5) target " << name << ": '" << field.path()
                           << "' is missing: " << field.doc;
  }
  if (!spec.knobs.empty())
    return success();
  if (llvm::Error error = machine::check(spec.values))
    return emitError() << "(C4) target " << name << ": "
                       << llvm::toString(std::move(error));
  return success();
}

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

Attribute TargetAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  Builder &b = parser.getBuilder();
  StringAttr name, description = b.getStringAttr(""), citation = description;
  DictionaryAttr sources = b.getDictionaryAttr({});
  ArrayAttr expected = b.getArrayAttr({});
  SmallVector<ComponentAttr> components;
  if (parser.parseLess() || parser.parseAttribute(name))
    return {};
  llvm::StringSet<> seen;
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc at = parser.getCurrentLocation();
    StringRef key;
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return {};
    if (!seen.insert(key).second) {
      parser.emitError(at) << "'" << key << "' is given twice";
      return {};
    }
    ParseResult parsed = success();
    if (key == "description") {
      parsed = parser.parseAttribute(description);
    } else if (key == "citation") {
      parsed = parser.parseAttribute(citation);
    } else if (key == "sources") {
      parsed = parser.parseAttribute(sources);
    } else if (key == "expected") {
      parsed = parser.parseAttribute(expected);
    } else if (machine::findComponent(key)) {
      ComponentAttr component;
      parsed = parser.parseAttribute(component);
      if (succeeded(parsed) && component.getComponent() != key)
        parsed = parser.emitError(at)
                 << "component '" << key << "' is #imc."
                 << component.getComponent() << ", expected #imc." << key;
      components.push_back(component);
    } else {
      InFlightDiagnostic diagnostic = parser.emitError(at);
      diagnostic << "unknown key '" << key << "' of #imc.target; keys are "
                 << "description, citation, ";
      for (const Component &component : machine::schema())
        diagnostic << component.name << ", ";
      diagnostic << "sources, expected";
      return {};
    }
    if (failed(parsed))
      return {};
  }
  if (parser.parseGreater())
    return {};
  // A component of defaults may be left out.
  for (const Component &component : machine::schema())
    if (!seen.contains(component.name) &&
        (!component.owners.empty() ||
         llvm::none_of(component.fields,
                       [](const Field &field) { return field.required; })))
      components.push_back(ComponentAttr::get(
          parser.getContext(), component.name, b.getDictionaryAttr({})));
  // In the order of the schema, whatever the order of the text, so that equal
  // targets are one attribute.
  auto position = [](ComponentAttr component) {
    return machine::findComponent(component.getComponent()) -
           machine::schema().data();
  };
  llvm::sort(components, [&](ComponentAttr x, ComponentAttr y) {
    return position(x) < position(y);
  });
  return parser.getChecked<TargetAttr>(
      loc, parser.getContext(), name, description, citation,
      ArrayRef<ComponentAttr>(components), sources, expected);
}

void TargetAttr::print(AsmPrinter &printer) const {
  printer << '<' << getName();
  if (!getDescription().empty())
    printer << ", description = " << getDescription();
  if (!getCitation().empty())
    printer << ", citation = " << getCitation();
  for (ComponentAttr component : getComponents())
    if (!component.getFields().empty())
      printer << ", " << component.getComponent() << " = " << component;
  if (!getSources().empty())
    printer << ", sources = " << getSources();
  if (!getExpected().empty())
    printer << ", expected = " << getExpected();
  printer << '>';
}

//===----------------------------------------------------------------------===//
// TargetAttrInterface
//===----------------------------------------------------------------------===//

static FailureOr<machine::Machine>
closedMachine(TargetAttr target, function_ref<InFlightDiagnostic()> emitError) {
  llvm::Expected<machine::Machine> machine = target.getMachine();
  if (machine)
    return *machine;
  emitError() << llvm::toString(machine.takeError());
  return failure();
}

FailureOr<ArrayShape>
TargetAttr::getArrayShape(function_ref<InFlightDiagnostic()> emitError) const {
  FailureOr<machine::Machine> machine = closedMachine(*this, emitError);
  if (failed(machine))
    return failure();
  return ArrayShape{machine->drivenRows(), machine->array.cols};
}

FailureOr<int64_t>
TargetAttr::getCapacity(function_ref<InFlightDiagnostic()> emitError) const {
  FailureOr<machine::Machine> machine = closedMachine(*this, emitError);
  if (failed(machine))
    return failure();
  return machine->arrays();
}

FailureOr<int64_t>
TargetAttr::getSlicesPerWeight(function_ref<InFlightDiagnostic()> emitError,
                               EncodingKind kind, int64_t weightBits) const {
  FailureOr<machine::Machine> machine = closedMachine(*this, emitError);
  if (failed(machine))
    return failure();
  auto encoding =
      EncodingAttr::getChecked(emitError, getContext(), kind, weightBits,
                               kind == EncodingKind::TwosComplement
                                   ? 1
                                   : std::min(machine->cell.bits, weightBits));
  if (!encoding)
    return failure();
  return encoding.columnsPerWeight();
}

LogicalResult TargetAttr::verifyArrayOp(Operation *op) const {
  auto mvm = cast<MVMOp>(op);
  FailureOr<machine::Machine> machine =
      closedMachine(*this, [&] { return op->emitOpError(); });
  if (failed(machine))
    return failure();
  auto cells = cast<ShapedType>(mvm.getCells().getType());
  ArrayRef<int64_t> shape = cells.getShape();
  if (shape !=
      ArrayRef<int64_t>{1, 1, 1, machine->drivenRows(), machine->array.cols})
    return op->emitOpError("has cells of type ")
           << cells << ", but an array of target " << getName() << " has 1x1x1x"
           << machine->drivenRows() << "x" << machine->array.cols;
  if (mvm.getInput().getDacBits() != machine->dac.bits)
    return op->emitOpError("drives ")
           << mvm.getInput().getDacBits() << " bits per phase, but target "
           << getName() << " has drivers of " << machine->dac.bits << " bits";
  return success();
}

//===----------------------------------------------------------------------===//
// The target of an op
//===----------------------------------------------------------------------===//

TargetAttr imc::getTarget(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto target = op->getAttrOfType<TargetAttr>(IMCDialect::targetAttrName))
      return target;
  return {};
}

FailureOr<machine::Machine> imc::getMachine(Operation *op) {
  TargetAttr target = getTarget(op);
  if (!target)
    return op->emitError() << "there is no machine: give the module an '"
                           << IMCDialect::targetAttrName
                           << "' attribute, for example by imc-attach-target";
  return closedMachine(target, [&] { return op->emitError(); });
}
