//===- Passes.h - Conversions from imc to upstream dialects -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes of Passes.td: `imc-lower-to-linalg`, the executable meaning of the
// imc dialect, and `imc-externalize-constants`, which keeps weights out of
// compiled code.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_CONVERSION_PASSES_H
#define IMC_CONVERSION_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace imc {

/// Argument attribute (an ElementsAttr) that `imc-externalize-constants` leaves
/// on each argument that it adds: the value that callers pass.
inline constexpr llvm::StringLiteral externalConstantAttrName =
    "execute.constant";

#define GEN_PASS_DECL
#include "imc/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "imc/Conversion/Passes.h.inc"

} // namespace imc

#endif // IMC_CONVERSION_PASSES_H
