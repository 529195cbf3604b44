//===- CellPCM.cpp - Phase-change cell
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-CELL: reads as any resistor; level 0 is the amorphous (reset) state.
static CellPrice price(const Operating &o, const double *) {
  return ohmicCell(o);
}

const Kind &kinds::CellPCM() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Cell;
    k.name = "pcm";
    k.doc = "phase-change memory, one transistor per cell";
    k.needs = {"read_voltage_v", "on_resistance_ohm", "off_resistance_ohm"};
    k.nonvolatile = true;
    k.cell = &price;
    return k;
  }();
  return kind;
}
