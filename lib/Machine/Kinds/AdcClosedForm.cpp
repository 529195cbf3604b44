//===- AdcClosedForm.cpp - Closed form of ZigZag-IMC
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-ADC-5: a capacitive successive-approximation converter whose switched
// capacitance is a term per bit and one per level squared (noise); its time
// grows with the rows that load the bit line. Where several columns of a weight
// share a converter or a column has several, they are counted per weight and
// booked on each of its columns.
static ConverterPrice price(const Operating &o, const double *own) {
  const auto used = static_cast<double>(o.precision.adc_bits);
  const auto built = static_cast<double>(o.machine.adc.bits);
  const auto rows = static_cast<double>(o.machine.drivenRows());
  // Converters per column.
  const double share =
      own[6] > 0 ? own[6] / static_cast<double>(o.precision.columns_per_weight)
                 : 1;
  const double active = own[7] > 0 ? o.machine.activity.weight_density : 1;
  ConverterPrice p;
  p.conversion = switched(o, fF(own[0] * used + own[1] * std::exp2(2 * used))) *
                 share * active;
  p.area = um2(std::exp(2.302585092994046 * (own[2] + own[3] * built)) *
               std::exp2(built)) *
           o.shrink * share;
  p.time = used * ns(own[4] * rows + own[5]) * o.slower;
  return p;
}

const Kind &kinds::AdcClosedForm() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Adc;
    k.name = "closed_form";
    k.doc = "closed form of ZigZag-IMC for successive approximation";
    k.own = {
        {"form_ff_per_bit", "fF", 0, 1e6, true, 0,
         "Switched capacitance per bit."},
        {"form_ff_per_square", "fF", 0, 1e6, true, 0,
         "Switched capacitance per 4^bits."},
        {"form_area_log10", "", -10, 10, true, 0,
         "log10 of the area in um2 per level at 0 bits."},
        {"form_area_log10_per_bit", "", -10, 10, true, 0, "Its slope per bit."},
        {"form_ns_per_bit_row", "ns", 0, 1e3, true, 0,
         "Time per bit and driven row."},
        {"form_ns_per_bit", "ns", 0, 1e3, true, 0, "Time per bit."},
        {"form_per_weight", "", 0, 1e3, false, 0,
         "Converters per weight; 0: one per column."},
        {"form_gated", "", 0, 1, false, 0,
         "1: converters of weights at 0 stand still; 0: all convert."}};
    k.needs = {"bits"};
    k.converter = &price;
    return k;
  }();
  return kind;
}
