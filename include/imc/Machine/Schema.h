//===- Schema.h - What the fields of a machine mean -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table names every field of a machine with type, unit, range, default and
// meaning. Reading and writing of files, checks, knob paths, the JSON schema
// and the `#imc.target` attribute all walk this table, so a field added here
// exists everywhere.
//
// Field values travel as `double`: integers exactly (ranges lie far below
// 2^53), enumerations as the index of their name.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MACHINE_SCHEMA_H
#define IMC_MACHINE_SCHEMA_H

#include "imc/Machine/Machine.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <functional>
#include <string>
#include <vector>

namespace imc::machine {

enum class FieldType { Integer, Real, Enumeration };

/// One field of one component.
struct Field {
  const char *component;           ///< "adc"
  const char *name;                ///< "bits"
  FieldType type;                  ///<
  const char *unit;                ///< "nm"; "" for pure numbers
  double min, max;                 ///< inclusive; 0..n-1 for names
  bool required;                   ///< no default
  double default_value;            ///< when not required
  const char *doc;                 ///< one sentence
  std::vector<const char *> names; ///< of an enumeration, in order
  std::function<double(const Machine &)> get;
  /// `value` must have passed checkValue.
  std::function<void(Machine &, double value)> set;
  /// Kinds of the component, or of its owners (Kind.h), that have this field;
  /// empty: all. Such a field is required or not for machines of these kinds
  /// only.
  std::vector<int64_t> kinds = {};

  /// A component of kind `kind` has this field.
  bool belongsTo(int64_t kind) const;

  /// "adc.bits", as in machine files.
  std::string path() const;
};

/// One component with its fields in declaration order.
struct Component {
  const char *name;
  const char *doc;
  std::vector<Field> fields;
  /// Components whose kinds decide what this one has, when that is not its own
  /// kind: the power laws of buffers serve tile and global buffers.
  std::vector<const char *> owners = {};

  /// The field that says which kind the component is, or null: the component
  /// comes in one kind, or its owners in several.
  const Field *kindField() const;
  /// The fields that decide which fields this component has: its own kind, or
  /// those of its owners.
  std::vector<const Field *> kindFields() const;
  /// Whether this component has `field` in `machine`.
  bool has(const Field &field, const Machine &machine) const;

  /// The field called `name`, or null.
  const Field *find(llvm::StringRef name) const;
};

/// The table: components in the order of struct Machine.
const std::vector<Component> &schema();

/// A short name of a field that searches and command lines use often.
struct Alias {
  const char *alias; ///< "rows", used as "machine.rows"
  const char *path;  ///< "array.rows"
};
const std::vector<Alias> &aliases();

/// The component called `name`, or null.
const Component *findComponent(llvm::StringRef name);

/// The field behind a path in any accepted spelling: "machine.array.rows",
/// "array.rows", "machine.rows". Null when there is none.
const Field *findField(llvm::StringRef path);

/// As findField; the error lists fields of similar names.
llvm::Expected<const Field *> lookupField(llvm::StringRef path);

/// The knob path that results print: the alias if there is one
/// ("machine.rows"), otherwise "machine.<component>.<field>".
std::string knobPath(const Field &field);

/// Reads "128", "0.8" or the name of an enumeration; checks type and range.
llvm::Expected<double> parseValue(const Field &field, llvm::StringRef text);

/// Shortest text that parseValue reads back to the same value.
std::string formatValue(const Field &field, double value);

/// Type and range of one value. The message names field, value, unit and the
/// allowed range.
llvm::Error checkValue(const Field &field, double value);

/// Reads and writes by path.
llvm::Expected<double> getField(const Machine &machine, llvm::StringRef path);
llvm::Error setField(Machine &machine, llvm::StringRef path, double value);
llvm::Error setField(Machine &machine, llvm::StringRef path,
                     llvm::StringRef text);

/// Every field in range, and no two fields that contradict each other
/// (an RRAM cell without resistances, SRAM with more than one bit, ...).
llvm::Error check(const Machine &machine);

/// The table as a JSON schema (draft 2020-12) of machine files.
llvm::json::Value jsonSchema();

/// The table as a page for people, docs/reference/machine-fields.md.
std::string schemaMarkdown();

} // namespace imc::machine

#endif // IMC_MACHINE_SCHEMA_H
