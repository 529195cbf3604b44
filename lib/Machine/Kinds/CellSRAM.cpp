//===- CellSRAM.cpp - SRAM cell that shares charge
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-CELL: the charge of the cell's load, when input and weight are set.
static CellPrice price(const Operating &o, const double *own) {
  const Cell &cell = o.machine.cell;
  const Activity &mean = o.machine.activity;
  CellPrice p;
  p.read = switched(o, fF(cell.capacitance_ff)) * mean.input_density *
           (o.precision.paired_cells * mean.weight_density);
  p.write = pJ(cell.write_energy_pj) * o.dynamic;
  p.write_row = ns(cell.write_row_ns) * o.slower;
  p.read_time = ns(cell.read_pulse_ns) * o.slower;
  p.settle = ns(own[0]) * o.slower;
  p.leakage = nW(cell.leakage_nw) * o.supply;
  return p;
}

const Kind &kinds::CellSRAM() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Cell;
    k.name = "sram";
    k.doc = "SRAM with charge-domain products";
    k.own = {{"charge_settle_ns", "ns", 0, 1e3, false, 0,
              "Delay of the multiplying gate, part of the clock period."}};
    k.needs = {"capacitance_ff"};
    k.one_bit = true;
    k.cell = &price;
    return k;
  }();
  return kind;
}
