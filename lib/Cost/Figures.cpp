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

// E-FIG: one product of all arrays, filled to the last cell; buffers, links and
// memory idle.
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
  const double time = phases * phaseCycles * p.cycle + p.setup;

  const double energy = phases * arrays *
                            (rows * p.row_drive + rows * cols * p.cell_read +
                             cols * (p.conversion + p.shift_add)) +
                        (p.leakage_w + arrays * p.array_leakage_w) * time;
  const double macs = arrays * rows * weights;

  Figures f;
  f.area_mm2 = p.area_mm2;
  f.cycle_time_ns = p.cycle * 1e9;
  f.energy_per_cycle_pj = energy / (time / p.cycle) * 1e12;
  f.tops = 2 * macs / time * 1e-12;
  f.tops_per_w = 2 * macs / energy * 1e-12;
  f.tops_per_mm2 = f.area_mm2 > 0 ? f.tops / f.area_mm2 : 0;
  // An array narrower than one weight holds no whole weight.
  f.fj_per_mac = macs > 0 ? energy / macs * 1e15 : 0;
  return f;
}

Figures imc::cost::figures(const machine::Machine &machine) {
  mapping::Knobs knobs;
  knobs.weight_bits = machine.activity.figure_weight_bits;
  knobs.input_bits = machine.activity.figure_input_bits;
  return figures(machine, knobs);
}
