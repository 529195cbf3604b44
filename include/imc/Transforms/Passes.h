//===- Passes.h - Passes from imported to costed --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constructors, option structs and registration of the passes; Passes.td holds
// their documentation. For each pass P there are `imc::createP()` and, where it
// has options, `imc::createP(POptions)`. IMCPipelines strings them together.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_PASSES_H
#define IMC_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace imc {

#define GEN_PASS_DECL
#include "imc/Transforms/Passes.h.inc"

/// `registerIMCTransformsPasses()` makes all passes known to textual pipelines.
#define GEN_PASS_REGISTRATION
#include "imc/Transforms/Passes.h.inc"

} // namespace imc

#endif // IMC_TRANSFORMS_PASSES_H
