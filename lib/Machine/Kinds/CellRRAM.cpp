//===- CellRRAM.cpp - Resistive cell with an access transistor
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-CELL
CellPrice imc::machine::ohmicCell(const Operating &o) {
  const Cell &cell = o.machine.cell;
  const Conductance off = 1.0 / ohm(cell.off_resistance_ohm);
  const Conductance on = 1.0 / ohm(cell.on_resistance_ohm);
  const Voltage read = V(cell.read_voltage_v);
  const double x = o.machine.activity.input_density;
  const double level =
      o.precision.paired_cells * o.machine.activity.weight_density;
  CellPrice p;
  p.read_time = ns(cell.read_pulse_ns);
  p.read = read * read * (off + (on - off) * level) * p.read_time * x;
  p.idle = read * read * off * p.read_time * x;
  p.write = pJ(cell.write_energy_pj);
  p.write_row = ns(cell.write_row_ns);
  p.leakage = nW(cell.leakage_nw) * o.supply;
  return p;
}

static CellPrice price(const Operating &o, const double *) {
  return ohmicCell(o);
}

const Kind &kinds::CellRRAM() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Cell;
    k.name = "rram";
    k.usual = true;
    k.doc = "metal-oxide resistive memory, one transistor per cell";
    k.needs = {"read_voltage_v", "on_resistance_ohm", "off_resistance_ohm"};
    k.nonvolatile = true;
    k.cell = &price;
    return k;
  }();
  return kind;
}
