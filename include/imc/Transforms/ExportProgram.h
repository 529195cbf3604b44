//===- ExportProgram.h - From placed IR to a program ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_EXPORTPROGRAM_H
#define IMC_TRANSFORMS_EXPORTPROGRAM_H

#include "imc/Program/Program.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

#include <optional>

namespace imc {

/// The program of a module of phase `placed` or later on its `imc.target`:
/// workload, knobs and placements are read from the IR (Extract.h) and handed
/// to schedule::schedule. `kind` is that of `imc.schedule` on the module when
/// it is not given, and `layers` without one. Of `inferences`, 0 means one run
/// of the module. Fails, with a diagnostic on the module, on what cannot be
/// read or scheduled. `writeAhead` is schedule::Options::write_ahead.
mlir::FailureOr<program::Program>
exportProgram(mlir::ModuleOp module,
              std::optional<program::Schedule> kind = std::nullopt,
              int64_t inferences = 0, bool writeAhead = false);

/// Registers `imc-translate --export-program`.
void registerProgramTranslation();

} // namespace imc

#endif // IMC_TRANSFORMS_EXPORTPROGRAM_H
