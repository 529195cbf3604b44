//===- Verify.h - Whether a program is sound --------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors list the first 20 problems, one per line, as `rule: where: what`; the
// rules are listed in docs/isa.md.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_PROGRAM_VERIFY_H
#define IMC_PROGRAM_VERIFY_H

#include "imc/Program/Program.h"

#include "llvm/Support/Error.h"

namespace imc::program {

/// The tables hang together: numbers in range, indices of things that exist,
/// loops closed and at most two deep, nothing that overflows 2^53. What reads
/// programs (statistics, verifier, simulator) relies on it. Time and memory
/// O(program), whatever the loop counts.
llvm::Error check(const Program &program);

/// check(), and the program does what its tables say, in any order that the
/// chip may take. Knows nothing of how programs are made: it looks at the
/// tables and executes the streams once, without data. O(executed instructions
/// + cores * steps); programs of more than 2^28 executed instructions are
/// refused.
llvm::Error verify(const Program &program);

} // namespace imc::program

#endif // IMC_PROGRAM_VERIFY_H
