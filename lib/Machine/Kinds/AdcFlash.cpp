//===- AdcFlash.cpp - Sense amplifiers
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-ADC-4: 2^b - 1 comparators decide at once; one bit is a sense amplifier.
static ConverterPrice price(const Operating &o, const double *own) {
  auto comparators = [](int64_t bits) {
    return std::exp2(static_cast<double>(bits)) - 1;
  };
  ConverterPrice p;
  p.conversion = comparators(o.precision.adc_bits) * fJ(own[0]) * o.dynamic;
  p.area = comparators(o.machine.adc.bits) * um2(own[1]) * o.shrink;
  p.time = ns(own[2]) * o.slower;
  return p;
}

const Kind &kinds::AdcFlash() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Adc;
    k.name = "flash";
    k.doc = "sense amplifiers: one comparator per level";
    k.own = {{"flash_fj", "fJ", 0, 1e6, true, 0,
              "Energy of one comparator's decision at the nominal supply."},
             {"flash_um2", "um2", 0, 1e6, true, 0, "Area of one comparator."},
             {"flash_ns", "ns", 0, 1e3, true, 0, "Time of a decision."}};
    k.needs = {"bits"};
    k.converter = &price;
    return k;
  }();
  return kind;
}
