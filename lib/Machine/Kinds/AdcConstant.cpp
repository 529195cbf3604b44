//===- AdcConstant.cpp - Converter with figures of its own
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-ADC-6: what a data sheet says of one conversion. Stopping early at fewer
// bits saves energy and time in proportion (successive approximation).
static ConverterPrice price(const Operating &o, const double *own) {
  const double used = static_cast<double>(o.precision.adc_bits) /
                      static_cast<double>(o.machine.adc.bits);
  ConverterPrice p;
  p.conversion = pJ(own[0]) * o.dynamic * used;
  p.area = um2(own[1]) * o.shrink;
  p.time = ns(own[2]) * o.slower * used;
  p.leakage = uW(own[3]) * o.supply;
  return p;
}

const Kind &kinds::AdcConstant() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Adc;
    k.name = "constant";
    k.doc = "converter with published energy, area and time";
    k.own = {{"constant_pj", "pJ", 0, 1e4, true, 0,
              "Energy of one conversion at the nominal supply."},
             {"constant_um2", "um2", 0, 1e7, true, 0, "Area."},
             {"constant_ns", "ns", 0, 1e6, false, 0,
              "Time of one conversion at the nominal supply."},
             {"constant_leakage_uw", "uW", 0, 1e6, false, 0,
              "Standby power while its array is at work."}};
    k.needs = {"bits"};
    k.converter = &price;
    return k;
  }();
  return kind;
}
