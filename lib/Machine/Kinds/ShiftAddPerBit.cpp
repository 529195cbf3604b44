//===- ShiftAddPerBit.cpp - Accumulator with energy per bit
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-ADD
static AdderPrice price(const Operating &o, const double *) {
  const ShiftAdd &add = o.machine.shift_add;
  AdderPrice p;
  p.conversion = p.strip_add = fJ(add.energy_fj_per_bit) *
                               static_cast<double>(add.accumulator_bits) *
                               o.dynamic;
  p.area = um2(add.area_um2) * o.shrink;
  return p;
}

const Kind &kinds::ShiftAddPerBit() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::ShiftAdd;
    k.name = "per_bit";
    k.usual = true;
    k.doc = "one accumulator per converter, energy per bit of its width";
    k.needs = {"energy_fj_per_bit", "area_um2"};
    k.adder = &price;
    return k;
  }();
  return kind;
}
