//===- CellSRAMCurrent.cpp - SRAM cell that discharges its bit line
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-CELL: conducting cells draw the charge of their share of the bit line down
// by a common swing; precharge restores it from the supply.
static CellPrice price(const Operating &o, const double *own) {
  const Cell &cell = o.machine.cell;
  const Activity &mean = o.machine.activity;
  const double swing = own[0] / o.machine.technology.vdd_v;
  CellPrice p;
  p.read = switched(o, fF(cell.capacitance_ff)) * swing * mean.input_density *
           (o.precision.paired_cells * mean.weight_density);
  p.write = pJ(cell.write_energy_pj) * o.dynamic;
  p.write_row = ns(cell.write_row_ns) * o.slower;
  p.read_time = ns(cell.read_pulse_ns) * o.slower;
  p.leakage = nW(cell.leakage_nw) * o.supply;
  return p;
}

const Kind &kinds::CellSRAMCurrent() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Cell;
    k.name = "sram_current";
    k.doc = "SRAM with current-domain products on the bit lines";
    k.own = {
        {"current_swing_v", "V", 0, 5, true, 0, "Full swing of a bit line."}};
    k.needs = {"capacitance_ff"};
    k.one_bit = true;
    k.cell = &price;
    return k;
  }();
  return kind;
}
