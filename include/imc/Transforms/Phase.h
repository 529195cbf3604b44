//===- Phase.h - Phases of a module and their contracts -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module moves through seven phases (docs/Architecture.md, section 2). The
// phase that it has reached stands in its attribute `imc.phase`; a module
// without the attribute, such as linalg from another front end, counts as
// imported.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_PHASE_H
#define IMC_TRANSFORMS_PHASE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace imc {

/// In the order in which a module reaches them.
enum class Phase {
  Imported,
  Offloaded,
  Quantized,
  Tiled,
  Placed,
  Scheduled,
  Costed
};

/// The phase's name as written in `imc.phase` and on command lines.
llvm::StringRef stringifyPhase(Phase phase);

/// Inverse of stringifyPhase; nullopt for any other text.
std::optional<Phase> symbolizePhase(llvm::StringRef text);

/// The names of all phases, for messages: "imported, offloaded, ...".
std::string listPhases();

/// Reads `imc.phase`. Fails, with a diagnostic, when the attribute is neither
/// absent nor the name of a phase.
mlir::FailureOr<Phase> getPhase(mlir::ModuleOp module);

/// Writes `imc.phase`.
void setPhase(mlir::ModuleOp module, Phase phase);

/// Fails, with a diagnostic that names the pass and the way out, unless the
/// module is exactly at `expected`.
mlir::LogicalResult requirePhase(mlir::ModuleOp module, Phase expected,
                                 llvm::StringRef passName);

/// Checks the contract of `phase` (constraints P1... in docs/phases) and
/// reports every op that breaks it. Shares no code with the passes that
/// establish it.
mlir::LogicalResult verifyPhase(mlir::ModuleOp module, Phase phase);

} // namespace imc

#endif // IMC_TRANSFORMS_PHASE_H
