//===- Oracle.h - Programs executed on marked data --------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes a program in a random order of those that the chip may take, element
// by element: every word of the global buffer carries a mark that says which
// element of which pass of which tensor it is. A result gets its mark only
// where everything that it is made of had the right one. What the oracle finds
// harmless has been computed right in this order.
//
// It shares no code with the verifier and decides by data, not by rules.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_PROGRAM_ORACLE_H
#define IMC_TEST_UNIT_PROGRAM_ORACLE_H

#include "imc/Program/Program.h"

#include <random>
#include <string>

namespace imc::program::test {

/// What went wrong; empty where nothing did. check() must accept the program.
std::string harm(const Program &program, std::mt19937_64 &generator);

} // namespace imc::program::test

#endif // IMC_TEST_UNIT_PROGRAM_ORACLE_H
