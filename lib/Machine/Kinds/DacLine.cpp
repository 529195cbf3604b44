//===- DacLine.cpp - Row driver and converter per bit
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-DRIVE: the row line across all columns, and the converter beyond 1 bit.
static DriverPrice price(const Operating &o, const double *) {
  const Dac &dac = o.machine.dac;
  const auto bits = static_cast<double>(dac.bits);
  const double perCell =
      dac.gate_ff_per_cell + dac.wire_ff_per_um * sqrt(o.cell).in(um);
  DriverPrice p;
  p.row = switched(o, fF(static_cast<double>(o.machine.array.cols) * perCell)) *
          o.machine.activity.input_density;
  if (dac.bits > 1)
    p.row += fJ(dac.energy_fj_per_bit) * bits * o.dynamic;
  p.area = um2(dac.row_area_um2 + dac.area_um2_per_level * std::exp2(bits)) *
           o.shrink;
  return p;
}

const Kind &kinds::DacLine() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Dac;
    k.name = "line";
    k.usual = true;
    k.doc = "row driver; beyond 1 bit a converter with energy per bit";
    k.needs = {"energy_fj_per_bit", "area_um2_per_level", "gate_ff_per_cell",
               "wire_ff_per_um", "row_area_um2"};
    k.driver = &price;
    return k;
  }();
  return kind;
}
