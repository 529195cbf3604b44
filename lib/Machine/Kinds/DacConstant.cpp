//===- DacConstant.cpp - Row driver with figures of its own
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-DRIVE: what a data sheet says of one row and phase.
static DriverPrice price(const Operating &o, const double *own) {
  DriverPrice p;
  p.row = pJ(own[0]) * o.dynamic;
  p.area = um2(own[1]) * o.shrink;
  return p;
}

const Kind &kinds::DacConstant() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Dac;
    k.name = "constant";
    k.doc = "row driver and converter with published energy and area";
    k.own = {{"constant_row_pj", "pJ", 0, 1e4, true, 0,
              "Energy of one row and phase at the nominal supply."},
             {"constant_row_um2", "um2", 0, 1e6, true, 0,
              "Area of one row's driver and converter."}};
    k.driver = &price;
    return k;
  }();
  return kind;
}
