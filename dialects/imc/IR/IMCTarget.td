//===- IMCTarget.td - The machine as an attribute ---------------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Components and fields are not listed here: the schema of the machine
// (include/imc/Machine/Schema.h) is, once, and these attributes walk it.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TARGET_TD
#define IMC_TARGET_TD

include "dialects/imc/IR/IMCAttributes.td"
include "dialects/imc/IR/IMCInterfaces.td"
include "mlir/Interfaces/DataLayoutInterfaces.td"

def IMC_KnobAttr : IMC_Attr<"Knob", "knob"> {
  let summary = "A value that is still open, with what it may become";
  let description = [{
    Stands where a field of a machine has a value. Passes refuse a machine with open fields; the
    search, or `--set`, closes them. A range may be written for a list:
    `min`, `min` + `step`, … or `min`·`factor`^i, up to and including `max`.

    Constraints:
    - (C1) There is at least one value, and none twice.
    - (C2) All values are integers (i64), or numbers (f64), or strings.

    Example:

    ```mlir
    #imc.knob<[64, 128, 256]>
    #imc.knob<min = 0.5, max = 0.85, step = 0.05>
    #imc.knob<min = 32, max = 512, factor = 2>
    #imc.knob<["rram", "sram"]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::Attribute">:$values);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def IMC_ComponentAttr : AttrDef<IMC_Dialect, "Component", [DLTIQueryInterface]> {
  // The mnemonic is the name of the component, which the dialect's parser looks up.
  let attrName = "imc.component";
  let summary = "One component of a machine";
  let description = [{
    Written `#imc.<component><field = value, …>` for every component of the machine's schema: `technology`,
    `cell`, `array`, `dac`, `adc`, `shift_add`, `hierarchy`, `tile_buffer`, `global_buffer`, `buffer_fit`,
    `noc`, `memory`, `digital`, `timing`, `activity`, `accounting`. `imc targets --schema` lists their fields with type,
    unit, range, default and meaning. A field is an integer, a number or a name, or an `#imc.knob` of such
    values.

    Constraints:
    - (C1) The component has a field of this name.
    - (C2) The value, or every value of the knob, has the field's type and lies in its range.
    - (C3) Fields without a default are given, if the component is of a kind that has them.

    `query` answers with the value of a field, or its default.

    Example:

    ```mlir
    #imc.array<rows = #imc.knob<[64, 128, 256]>, cols = 128, control_area_um2 = 100>
    ```
  }];
  let parameters = (ins
    StringRefParameter<"name in the schema">:$component,
    "::mlir::DictionaryAttr":$fields);
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The value, knob or default of a field; null if there is no such field.
    ::mlir::Attribute getField(::llvm::StringRef name) const;
    ::mlir::FailureOr<::mlir::Attribute> query(::mlir::DataLayoutEntryKey key) const;
    static ComponentAttr parse(::mlir::AsmParser &parser, const ::imc::machine::Component &component);
    void print(::mlir::AsmPrinter &printer) const;
  }];
}

def IMC_TargetAttr : IMC_Attr<"Target", "target", [
    DLTIQueryInterface, DeclareAttrInterfaceMethods<IMC_TargetAttrInterface>]> {
  let summary = "A machine";
  let description = [{
    A chip with in-memory-computing arrays: a name, all components of the machine's schema, and where the
    numbers come from. It says the same as a machine file (`imc-attach-target{file=…}` reads one) and is
    converted to and from `machine::TargetSpec` without loss. As `imc.target` of a module it is where
    every pass reads its numbers.

    `sources` gives, per field, who says so; `expected` are figures that the source of the machine reports.

    Constraints:
    - (C1) Every component of the schema is given once.
    - (C2) `sources` maps `"component.field"` to strings.
    - (C3) `expected` lists dictionaries with `name`, `value`, `source` and `error`.
    - (C4) Without open fields, no two fields contradict each other (an SRAM cell with 2 bits, …).
    - (C5) Fields without a default that the kind of another component calls for are given (`buffer_fit`
      for buffers of kind `fit`).

    `query` answers with `"name"` or a component, so that `transform.dlti.query ["array", "rows"] at %op`
    works.

    Example (sketch):

    ```mlir
    #imc.target<"rram-32nm", technology = #imc.technology<node_nm = 32, …>, cell = #imc.cell<kind = rram, …>, …,
                sources = {adc.bits = "table 2"}>
    ```
  }];
  let parameters = (ins
    "::mlir::StringAttr":$name,
    "::mlir::StringAttr":$description,
    "::mlir::StringAttr":$citation,
    ArrayRefParameter<"::imc::ComponentAttr">:$components,
    "::mlir::DictionaryAttr":$sources,
    "::mlir::ArrayAttr":$expected);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins "const ::imc::machine::TargetSpec &":$spec), [{
    return $_get($_ctxt, ::mlir::StringAttr::get($_ctxt, spec.name),
                 ::mlir::StringAttr::get($_ctxt, spec.description),
                 ::mlir::StringAttr::get($_ctxt, spec.citation),
                 ::llvm::ArrayRef<::imc::ComponentAttr>(::imc::detail::targetComponents($_ctxt, spec)),
                 ::imc::detail::targetSources($_ctxt, spec),
                 ::imc::detail::targetExpectations($_ctxt, spec));
  }]>];
  let extraClassDeclaration = [{
    /// The component of this name.
    ComponentAttr getComponent(::llvm::StringRef name) const;
    /// The same description as a plain struct (without a file name).
    ::imc::machine::TargetSpec getSpec() const;
    /// The machine; an error that names the open fields, if there are any.
    ::llvm::Expected<::imc::machine::Machine> getMachine() const;
    ::mlir::FailureOr<::mlir::Attribute> query(::mlir::DataLayoutEntryKey key) const;
  }];
}

#endif // IMC_TARGET_TD
