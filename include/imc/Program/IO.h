//===- IO.h - Text and binary form of programs ------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both forms hold everything; reading either back gives the same program.
// docs/isa.md describes them. Input may be anything: what cannot be read is
// refused with its place, and no more memory is taken than the input is long
// (times a small constant). Readers look at form only; check() (Verify.h) looks
// at what the numbers say.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_PROGRAM_IO_H
#define IMC_PROGRAM_IO_H

#include "imc/Program/Program.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace imc::program {

/// Assembly with tables. Loops must be balanced (check()).
void printText(const Program &program, llvm::raw_ostream &os);

/// The text of printText. Errors read `file:line:column: ...` and name the
/// token and the way out.
llvm::Expected<Program> parseText(llvm::StringRef text, llvm::StringRef file);

/// "IMCP", version, tables and streams as LEB128 numbers, CRC-32.
void writeBinary(const Program &program, llvm::raw_ostream &os);

/// The bytes of writeBinary. Errors read `file: byte n: ...`.
llvm::Expected<Program> readBinary(llvm::StringRef bytes, llvm::StringRef file);

/// Either form, told apart by the first four bytes.
llvm::Expected<Program> parse(llvm::StringRef bytes, llvm::StringRef file);

/// Reads a file in either form; `-` is standard input.
llvm::Expected<Program> read(llvm::StringRef path);

/// Word of the text form: "load".
llvm::StringRef name(Opcode opcode);
llvm::StringRef name(Schedule schedule);

} // namespace imc::program

#endif // IMC_PROGRAM_IO_H
