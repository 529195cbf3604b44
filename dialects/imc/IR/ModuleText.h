//===- ModuleText.h - Modules as text, in little memory -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR prints a resource (a weight) through two strings of its hexadecimal
// digits, four times its bytes. Here the digits go to the stream in pieces of
// a fixed size; the text is the same to the byte.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_DIALECT_MODULETEXT_H
#define IMC_DIALECT_MODULETEXT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OperationSupport.h"

namespace imc {

/// Prints what `module->print(os, flags)` prints. Holds the text of the ops in
/// memory, but nothing in proportion to a resource unless `flags` limit the
/// length of resources (MLIR then needs to know it).
void printModuleText(mlir::ModuleOp module, llvm::raw_ostream &os,
                     mlir::OpPrintingFlags flags = {});

} // namespace imc

#endif // IMC_DIALECT_MODULETEXT_H
