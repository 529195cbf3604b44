//===- Schedule.h - Programs from placed models -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns a model that has been placed on a chip (mapping::plan) into the program
// that its cores execute: copies become parts of cores, windows are shared out
// and cut into blocks that fit the tile buffers, activations get places in the
// global buffer by their lifetimes, and loops are written for every core.
// docs/scheduling.md explains the rules. Programs stay compact: their size
// depends on layers and parts, not on windows or inferences.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SCHEDULE_SCHEDULE_H
#define IMC_SCHEDULE_SCHEDULE_H

#include "imc/Machine/Machine.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Program/Program.h"
#include "imc/Workload/Workload.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>

namespace imc::schedule {

struct Options {
  program::Schedule kind = program::Schedule::Layers;
  /// Inferences of one run; 0: those that the workload does at once. `Pipeline`
  /// takes any multiple of these and makes that many passes. The others make
  /// one pass and take no other number: batch the workload
  /// (workload::batched).
  int64_t inferences = 0;
  /// Layers: weights that are swapped are written while an earlier layer
  /// computes on other arrays, where there is one since their arrays were used
  /// last. Fetches and writes stay the same.
  bool write_ahead = false;
};

/// "layers", "pipeline", "stream"; nothing for other names.
std::optional<program::Schedule> findSchedule(llvm::StringRef name);

/// The program of a planned model. `plan` must be one of this workload, machine
/// and knobs. Refused, with what is needed, what there is and the way out:
/// plans with violations, a block of windows that does not fit a tile buffer,
/// activations or weights that need an external memory where there is none,
/// and, for Pipeline and Stream, products whose weights do not stay.
llvm::Expected<program::Program> schedule(const workload::Workload &workload,
                                          const mapping::Plan &plan,
                                          const machine::Machine &machine,
                                          const mapping::Knobs &knobs,
                                          const Options &options = {});

} // namespace imc::schedule

#endif // IMC_SCHEDULE_SCHEDULE_H
