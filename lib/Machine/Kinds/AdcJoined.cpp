//===- AdcJoined.cpp - One conversion per weight --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-ADC-7: the columns of one weight are joined by place value (weighted
// capacitors, currents or pulses) before one converter, which decides bit by
// bit. Counted per weight, booked on each of its columns.
static ConverterPrice price(const Operating &o, const double *own) {
  const auto used = static_cast<double>(o.precision.adc_bits);
  const auto built = static_cast<double>(o.machine.adc.bits);
  const auto columns = static_cast<double>(o.precision.columns_per_weight);
  ConverterPrice p;
  p.conversion = used * switched(o, fF(own[0])) / columns;
  p.area = um2(std::exp(2.302585092994046 * (own[1] + own[2] * built)) *
               std::exp2(built)) *
           o.shrink / columns;
  p.time = used * ns(own[3]) * o.slower;
  return p;
}

const Kind &kinds::AdcJoined() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Adc;
    k.name = "joined";
    k.doc = "one bit-by-bit converter for the joined columns of a weight";
    k.own = {{"joined_ff_per_bit", "fF", 0, 1e6, true, 0,
              "Capacitance switched per bit decided."},
             {"joined_area_log10", "", -10, 10, true, 0,
              "log10 of the area in um2 per level at 0 bits."},
             {"joined_area_log10_per_bit", "", -10, 10, true, 0,
              "Its slope per bit."},
             {"joined_ns_per_bit", "ns", 0, 1e3, true, 0, "Time per bit."}};
    k.needs = {"bits"};
    k.converter = &price;
    return k;
  }();
  return kind;
}
