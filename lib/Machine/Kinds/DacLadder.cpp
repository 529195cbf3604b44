//===- DacLadder.cpp - Capacitive or resistive 2-to-1 ladder
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-LADDER: the nodes v of an n-bit ladder with equal legs follow from
// (4, -2 / -2, 5, -2 / ... / -2, 3) v = V b for the input bits b; a leg that is
// on draws X V (V - v_i). The system is linear, so the mean over all codes
// needs its inverse only: E[b_i b_j] = 1/4, and 1/2 on the diagonal.
static double meanLegs(int64_t bits) {
  double sum = 0;
  const auto n = static_cast<size_t>(bits);
  for (size_t j = 0; j != n; ++j) {
    // Thomas's algorithm for column j of the inverse.
    double scale[8], x[8];
    for (size_t i = 0; i != n; ++i) {
      // A single leg has its own and the terminating one.
      const double diagonal = n == 1 ? 2 : i == 0 ? 4 : i + 1 == n ? 3 : 5;
      const double left = i == 0 ? 0 : -2;
      const double pivot = diagonal - left * (i == 0 ? 0 : scale[i - 1]);
      scale[i] = -2 / pivot;
      x[i] = ((i == j ? 1.0 : 0.0) - left * (i == 0 ? 0 : x[i - 1])) / pivot;
    }
    for (size_t i = n - 1; i-- != 0;)
      x[i] -= scale[i] * x[i + 1];
    for (size_t i = 0; i != n; ++i)
      sum -= x[i] * (i == j ? 0.5 : 0.25);
  }
  return sum + 0.5 * static_cast<double>(bits);
}

static DriverPrice price(const Operating &o, const double *own) {
  const Dac &dac = o.machine.dac;
  const auto bits = static_cast<double>(dac.bits);
  const double perCell =
      dac.gate_ff_per_cell + dac.wire_ff_per_um * sqrt(o.cell).in(um);
  DriverPrice p;
  p.row = switched(o, fF(own[0])) * meanLegs(dac.bits) +
          switched(o, fF(own[1])) * bits +
          switched(o, fF(static_cast<double>(o.machine.array.cols) * perCell)) *
              o.machine.activity.input_density;
  p.area = um2(dac.row_area_um2 + own[2] * bits) * o.shrink;
  return p;
}

const Kind &kinds::DacLadder() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Dac;
    k.name = "ladder";
    k.doc = "C-2C or R-2R ladder, energy averaged over all codes";
    k.own = {{"ladder_ff", "fF", 0, 1e6, true, 0,
              "Capacitance of one leg (resistors: hold time / resistance)."},
             {"ladder_control_ff", "fF", 0, 1e6, false, 0,
              "Switched capacitance of the control, per bit."},
             {"ladder_um2_per_bit", "um2", 0, 1e6, true, 0,
              "Area per row and bit."}};
    k.needs = {"gate_ff_per_cell", "wire_ff_per_um", "row_area_um2"};
    k.driver = &price;
    return k;
  }();
  return kind;
}
