//===- Unset.h - Figures that a machine file does not give ------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file gives the figures of the kinds that its components are of. Those of
// other kinds are unset: not 0, which would be a price, but nothing that a
// check lets pass once the kind is changed (--set, a search, one step of a
// knob).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MACHINE_UNSET_H
#define IMC_MACHINE_UNSET_H

#include "imc/Machine/Schema.h"

#include <cmath>

namespace imc::machine {

/// What `field` holds where no file speaks of it: the default, or a value that
/// checkValue refuses if there is none.
inline double unsetValue(const Field &field) {
  return field.required && field.type == FieldType::Real ? std::nan("")
                                                         : field.default_value;
}
inline bool isUnset(double value) { return std::isnan(value); }

/// Every figure that the kinds of the components call for is given. The message
/// starts with the first field that is missing, in quotes, names the others,
/// and the kind that wants them.
llvm::Error checkGiven(const Machine &machine);

} // namespace imc::machine

#endif // IMC_MACHINE_UNSET_H
