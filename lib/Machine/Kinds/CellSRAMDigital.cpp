//===- CellSRAMDigital.cpp - SRAM cell with a gate per product
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-CELL: one NOR per cell and input bit of the phase multiplies; the stored
// weight stands still, so half of the gate's inputs switch.
static CellPrice price(const Operating &o, const double *own) {
  const Cell &cell = o.machine.cell;
  const Activity &mean = o.machine.activity;
  const auto bits = static_cast<double>(o.machine.dac.bits);
  CellPrice p;
  p.read = bits * switched(o, fF(cell.capacitance_ff)) * mean.input_density *
           mean.weight_density;
  p.write = pJ(cell.write_energy_pj) * o.dynamic;
  p.write_row = ns(cell.write_row_ns) * o.slower;
  p.read_time = ns(cell.read_pulse_ns) * o.slower;
  p.settle = ns(own[0] + own[2]) * o.slower;
  // A multiplier serves all row sets of a column.
  p.area =
      bits * um2(own[1]) * o.shrink / static_cast<double>(o.machine.rowSets());
  p.leakage = nW(cell.leakage_nw) * o.supply;
  return p;
}

const Kind &kinds::CellSRAMDigital() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Cell;
    k.name = "sram_digital";
    k.doc = "SRAM with one multiplying gate per cell, for adder trees";
    k.own = {{"digital_gate_ns", "ns", 0, 1e3, true, 0,
              "Delay of the multiplying gate."},
             {"digital_gate_um2", "um2", 0, 1e3, true, 0,
              "Area of the multiplying gate of one cell and input bit."},
             {"digital_access_ns", "ns", 0, 1e3, false, 0,
              "Access time of the cell in front of the gate."}};
    k.needs = {"capacitance_ff"};
    k.one_bit = true;
    k.cell = &price;
    return k;
  }();
  return kind;
}
