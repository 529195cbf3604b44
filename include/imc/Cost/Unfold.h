//===- Unfold.h - Positions per load by price -------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// pass.unfolding with all of its rules: those of mapping::chooseUnfolding,
// which count arrays and loads, and `auto`, which asks the cost model.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_COST_UNFOLD_H
#define IMC_COST_UNFOLD_H

#include "imc/Mapping/Unfold.h"

namespace imc::cost {

/// Positions per load of each layer. By `auto`, what evaluate() gives the least
/// latency, of equals the least energy, with the copies that the knobs ask for
/// and within the arrays of the chip: never more than by any other rule. It
/// begins with what the other rules choose, also within 1/2, 1/4, ... of the
/// arrays, which leaves some for copies; then takes one layer after the other
/// (equal ones together) through what any of these chose for it, and through
/// one position more or less down and across, until that saves nothing. With
/// exact replication this search copies by marginal gain. Layers with other
/// rules are decided before those with `auto`. Deterministic.
std::vector<mapping::unfolding::Pair>
chooseUnfolding(const workload::Workload &workload,
                const machine::Machine &machine, const mapping::Knobs &knobs);

/// Whether there is anything to choose: pass.unfolding is not im2col, or a
/// layer has a rule of its own.
bool unfolds(const workload::Workload &workload, const mapping::Knobs &knobs);

/// The workload with the products that chooseUnfolding decides, none of which
/// has a rule of its own any more: what the pass imc-unfold-windows makes of a
/// module.
workload::Workload unfold(workload::Workload workload,
                          const machine::Machine &machine,
                          const mapping::Knobs &knobs);

} // namespace imc::cost

#endif // IMC_COST_UNFOLD_H
