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

#include "imc/Machine/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <string>
#include <vector>

namespace imc {

#define GEN_PASS_DECL
#include "imc/Transforms/Passes.h.inc"

/// What imc-attach-target does after reading the file: writes `spec` to the
/// module as `imc.target`. Fails, with a diagnostic, when fields contradict
/// each other.
mlir::LogicalResult attachTarget(mlir::ModuleOp module,
                                 const machine::TargetSpec &spec);

/// Where machines are looked up by name when no folder is given: targets/ of
/// the source tree that the library was built from.
std::vector<std::string> getDefaultTargetDirs();

/// `registerIMCTransformsPasses()` makes all passes known to textual pipelines.
#define GEN_PASS_REGISTRATION
#include "imc/Transforms/Passes.h.inc"

} // namespace imc

#endif // IMC_TRANSFORMS_PASSES_H
