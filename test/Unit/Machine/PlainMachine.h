//===- PlainMachine.h - A machine of zeros ----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_MACHINE_PLAINMACHINE_H
#define IMC_TEST_UNIT_MACHINE_PLAINMACHINE_H

#include "imc/Machine/Kind.h"
#include "imc/Machine/Target.h"

#include "gtest/gtest.h"

namespace imc::test {
using machine::Machine;
using machine::setField;

/// A machine with everything 0 but what the test sets; 1 V, 100 nm, 10 rows of
/// 10 columns.
inline Machine plain() {
  Machine m;
  m.technology.node_nm = 100;
  m.technology.vdd_v = m.technology.vdd_nominal_v = 1;
  m.array.rows = m.array.cols = 10;
  m.dac.bits = 1;
  m.adc.bits = 4;
  m.activity.input_density = m.activity.weight_density = 1;
  return m;
}

inline void set(Machine &m, const char *field, const char *value) {
  llvm::Error error = setField(m, field, llvm::StringRef(value));
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

/// As above, by number.
inline void set(Machine &m, const char *field, double value) {
  llvm::Error error = setField(m, field, value);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_MACHINE_PLAINMACHINE_H
