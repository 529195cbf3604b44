//===- DacTemporal.cpp - Input as the length of a pulse
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-TEMPORAL: up to 2^n - 1 unit pulses per phase; the line switches once.
static DriverPrice price(const Operating &o, const double *own) {
  const Dac &dac = o.machine.dac;
  const double perCell =
      dac.gate_ff_per_cell + dac.wire_ff_per_um * sqrt(o.cell).in(um);
  DriverPrice p;
  p.row = switched(o, fF(static_cast<double>(o.machine.array.cols) * perCell)) +
          fJ(own[0]) * static_cast<double>(dac.bits) * o.dynamic;
  p.area = um2(dac.row_area_um2) * o.shrink;
  p.pulses = std::exp2(static_cast<double>(dac.bits)) - 1;
  return p;
}

const Kind &kinds::DacTemporal() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Dac;
    k.name = "temporal";
    k.doc = "pulse-width converter: a phase lasts 2^bits - 1 read pulses";
    k.own = {{"temporal_counter_fj", "fJ", 0, 1e6, true, 0,
              "Energy of the row's counter, per phase and bit."}};
    k.needs = {"gate_ff_per_cell", "wire_ff_per_um", "row_area_um2"};
    k.driver = &price;
    return k;
  }();
  return kind;
}
