//===- Legacy.h - The accounting of arXiv:2603.03880 ------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prices of machines whose file says `accounting: {model: source-2026}`: the
// closed forms of area, cycles and energy that the published designs of
// arXiv:2603.03880 follow (E-LEG-*, docs/spec/legacy.md). They exist to
// reproduce those records. Most couplings of the closed cost model are missing
// by construction: every layer may replicate over the whole chip, reads take
// one clock whatever the pulse, nothing leaks, nothing waits for a memory. The
// limits `capacity` and `power_density` stay on.
//
// `cost::evaluate` and `cost::Pricer` come here by themselves.
//
// Units: J, s, mm2.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_COST_LEGACY_H
#define IMC_COST_LEGACY_H

#include "imc/Cost/Pricer.h"

namespace imc::cost {

/// True if the machine asks for the accounting of arXiv:2603.03880.
inline bool usesLegacy(const machine::Machine &machine) {
  return machine.accounting.model == machine::AccountingModel::Source2026;
}

LegacyCounts legacyCounts(const workload::Product &product,
                          const machine::Machine &machine,
                          const mapping::Knobs &knobs);

/// E-LEG-2: growth of row drivers towards the threshold, 1 at the nominal
/// supply. 10 mV above the threshold and below, the value 10 mV above it.
double legacySupplyFactor(const machine::Machine &machine);

/// Area, energy and time of models that use the chip in turn. Products of two
/// activations have no price here: the violation `accounting` says so.
Cost evaluateLegacy(llvm::ArrayRef<workload::Workload> workloads,
                    const machine::Machine &machine,
                    const mapping::Knobs &knobs);

/// The figures of the machine by itself: a vector per clock on all arrays.
Figures legacyFigures(const machine::Machine &machine,
                      const mapping::Knobs &knobs);

} // namespace imc::cost

#endif // IMC_COST_LEGACY_H
