//===- Figures.cpp - A machine by itself
//-----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Legacy.h"

#include <algorithm>

using namespace imc;
using namespace imc::cost;

// E-FIG: one input phase of all arrays, filled to the last cell; buffers, links
// and memory idle.
Figures imc::cost::figures(const machine::Machine &machine,
                           const mapping::Knobs &knobs) {
  if (usesLegacy(machine))
    return legacyFigures(machine, knobs);
  const Prices p = priceDesign(machine, knobs);
  const auto arrays = static_cast<double>(machine.arrays());
  const auto rows = static_cast<double>(machine.drivenRows());
  const auto cols = static_cast<double>(machine.array.cols);
  const int64_t perWeight = mapping::columnsPerWeight(knobs, machine.cell.bits);
  const auto weights = static_cast<double>(machine.array.cols / perWeight);
  const auto phases = static_cast<double>(
      (knobs.input_bits + machine.dac.bits - 1) / machine.dac.bits);
  const double phaseCycles =
      std::max(p.read_cycles, static_cast<double>(machine.columnsPerAdc()));
  const double phaseTime = phaseCycles * p.cycle;

  const double phaseEnergy =
      arrays * (rows * p.row_drive + rows * cols * p.cell_read +
                cols * (p.conversion + p.shift_add)) +
      (p.leakage_w + arrays * p.array_leakage_w) * phaseTime;
  const double macsPerPhase = arrays * rows * weights / phases;

  Figures f;
  f.area_mm2 = p.area_mm2;
  f.cycle_time_ns = p.cycle * 1e9;
  f.energy_per_cycle_pj = phaseEnergy / phaseCycles * 1e12;
  f.tops = 2 * macsPerPhase / phaseTime * 1e-12;
  f.tops_per_w = 2 * macsPerPhase / phaseEnergy * 1e-12;
  f.tops_per_mm2 = f.tops / f.area_mm2;
  // An array narrower than one weight holds no whole weight.
  f.fj_per_mac = macsPerPhase > 0 ? phaseEnergy / macsPerPhase * 1e15 : 0;
  return f;
}
