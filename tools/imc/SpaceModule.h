//===- SpaceModule.h - A search space as a module ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The long form of a space file: knobs of machine and passes are
// `transform.tune.knob` ops of the sequence @space, conditions their attribute
// `imc.when`; target, constraints, objectives, models and switching are the
// module attribute `imc.space`. Both forms are read by one checker: a module is
// written as YAML whose line numbers are those of its ops.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TOOLS_SPACEMODULE_H
#define IMC_TOOLS_SPACEMODULE_H

#include "imc/Explore/SpaceFile.h"

namespace imc::driver {

class Session;

/// Reads a space: YAML, or a module (.mlir, .mlirbc). `selected`, if given,
/// gets the values that a module has chosen already (`= V from options`).
/// MLIR's own diagnostics were printed; the error then says so.
llvm::Expected<explore::SpaceFile>
readSpace(Session &session, llvm::StringRef file,
          explore::Design *selected = nullptr);

/// The module of a space as text; with values for knobs in `selected` those are
/// chosen.
std::string printSpaceModule(const explore::SpaceFile &space,
                             const explore::Design &selected = {});
/// The space as YAML; parsing it gives the same space.
std::string printSpaceYAML(const explore::SpaceFile &space);

} // namespace imc::driver

#endif // IMC_TOOLS_SPACEMODULE_H
