//===- Design.h - One point of a search space, as text and numbers --------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A design is a list of (knob, value) pairs. Values are kept as the text that
// `--set KNOB=VALUE` takes, so that the search, the study, the front file and
// the command line that rebuilds a design cannot disagree about a digit.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_DESIGN_H
#define IMC_EXPLORE_DESIGN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <utility>
#include <vector>

namespace imc::explore {

/// (canonical knob name, value as text) in the order of the space file.
using Design = std::vector<std::pair<std::string, std::string>>;

/// (name, value) in a fixed order; used for metrics, components and objectives.
/// Units are part of the names (`energy_j`, `latency_s`, `area_mm2`, ...).
using NamedNumbers = std::vector<std::pair<std::string, double>>;

/// The value of `name`, or null.
const double *find(const NamedNumbers &numbers, llvm::StringRef name);
/// The value of knob `name`, or null.
const std::string *find(const Design &design, llvm::StringRef name);

/// Shortest decimal text that reads back as exactly `value` ("0.55", "128",
/// "1e-09"); never depends on the locale.
std::string shortest(double value);

/// A number when `text` is one (so that JSON readers can compute with it),
/// otherwise a string.
llvm::json::Value knobValueToJSON(llvm::StringRef text);
/// The text of a JSON number, string or Boolean; other kinds give "".
std::string knobValueFromJSON(const llvm::json::Value &value);

llvm::json::Object toJSON(const NamedNumbers &numbers);

/// An error whose text is printed as it stands.
llvm::Error makeError(const llvm::Twine &message);

/// Reads a whole file; the error names it.
llvm::Expected<std::string> readTextFile(llvm::StringRef path);

} // namespace imc::explore

#endif // IMC_EXPLORE_DESIGN_H
