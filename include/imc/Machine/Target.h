//===- Target.h - Machine files ---------------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A machine description as people write it: a YAML file (JSON is a subset)
// with one map per component. A value is one of
//
//   rows: 128                                     a number or a name
//   rows: {value: 128, source: "who says so"}     with its provenance
//   rows: {knob: [64, 128, 256]}                  open: a list of values
//   vdd_v: {knob: {min: 0.5, max: 0.85, step: 0.05}}   open: a range
//   rows: {knob: {min: 32, max: 512, factor: 2}}  open: a geometric range
//
// `include: [file, ...]` merges component files first, relative to the file
// that names them; the including file may override them, two included files
// must not disagree. Top-level keys beside components: name, description,
// citation, include, expected.
//
// All errors carry file:line, field, value and allowed range.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MACHINE_TARGET_H
#define IMC_MACHINE_TARGET_H

#include "imc/Machine/Schema.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <map>
#include <string>
#include <vector>

namespace imc::machine {

/// A field left open, with the values that it may take (ascending as written,
/// without duplicates; enumerations as indices).
struct Knob {
  std::string path; ///< "array.rows"
  std::vector<double> values;
};

/// A figure that the source of a machine reports for its reference operating
/// point, to compare the model with.
struct ExpectedFigure {
  std::string name; ///< "area_mm2", ...; see cost::figures
  double value = 0;
  std::string source; ///< who measured or computed it
  double error = 0;   ///< relative error claimed or accepted; 0: exact
};

/// A machine description in which fields may be open.
class TargetSpec {
public:
  std::string name;
  std::string description;
  std::string citation;
  std::string file; ///< where it was read; empty when made in memory
  std::vector<ExpectedFigure> expected;

  /// Values of all fields that are not open. Open ones hold their first value,
  /// so never read this without asking `machine()`.
  Machine values;

  /// Open fields, in schema order.
  std::vector<Knob> knobs;

  /// "component.field" -> source string, where the file states one.
  std::map<std::string, std::string> sources;

  /// The machine; an error naming the open knobs and how to set them, or the
  /// contradiction between fields.
  llvm::Expected<Machine> machine() const;

  /// The open knob of this path (any spelling), or null.
  const Knob *findKnob(llvm::StringRef path) const;

  /// Sets a field and closes its knob. A value outside an open knob's list is
  /// an error; a field that was never open may be set to anything in range.
  llvm::Error resolve(llvm::StringRef path, double value);
  llvm::Error resolve(llvm::StringRef path, llvm::StringRef text);

  /// Closes all knobs with their first value.
  void resolveAll();
};

/// The values of a range: min, min+step, ... (or times factor) up to max, which
/// is included when a step lands on it within 1e-9. Exactly one of `step` and
/// `factor` must be given (the other 0). At most 4096 values.
llvm::Expected<std::vector<double>> expandRange(double min, double max,
                                                double step, double factor);

/// Reads a machine description from text. `file` is used in messages and to
/// resolve includes (the folder of `file`).
llvm::Expected<TargetSpec> parseTarget(llvm::StringRef text,
                                       llvm::StringRef file);

/// Reads a machine file.
llvm::Expected<TargetSpec> loadTargetFile(llvm::StringRef file);

/// `nameOrPath` is a file (it has a '/' or ends in .yaml, .yml or .json) or a
/// name NAME, searched as DIR/NAME/target.yaml in `searchDirs` in order. The
/// error lists the names that there are.
llvm::Expected<TargetSpec> loadTarget(llvm::StringRef nameOrPath,
                                      llvm::ArrayRef<std::string> searchDirs);

/// Names of all DIR/NAME/target.yaml, sorted, without duplicates.
std::vector<std::string> listTargets(llvm::ArrayRef<std::string> searchDirs);

/// The description as one self-contained YAML document (includes merged);
/// parseTarget reads it back to an equal description.
std::string toYAML(const TargetSpec &spec);

/// Two descriptions say the same: name, fields, knobs, sources, expectations
/// (the file name does not count).
bool operator==(const TargetSpec &a, const TargetSpec &b);

} // namespace imc::machine

#endif // IMC_MACHINE_TARGET_H
