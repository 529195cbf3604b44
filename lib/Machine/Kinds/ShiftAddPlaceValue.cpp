//===- ShiftAddPlaceValue.cpp - Adders of place values and accumulator
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc::machine;
using namespace imc::units;

// E-PLACE: partial results of different place value (bit slices behind analog
// converters, input bits behind adder trees) are added by a tree, then
// accumulated over the input phases. Counted per weight, booked on each of its
// columns. Structures of another shape say their adders, their accumulators and
// their longest path.
static AdderPrice price(const Operating &o, const double *own) {
  const auto weight = static_cast<double>(o.precision.weight_bits);
  const auto columns = static_cast<double>(o.precision.columns_per_weight);
  const auto input = static_cast<double>(o.precision.input_bits);
  const auto bits = static_cast<double>(o.machine.dac.bits);
  const auto levels = static_cast<double>(log2Ceil(o.machine.drivenRows()));
  const bool digital = converterKind(o.machine).exact;
  // What is added: `count` results, each `width` bits.
  const double count = digital ? bits : columns;
  const double width =
      digital ? weight + levels : static_cast<double>(o.precision.adc_bits);
  const double accumulator =
      input + (digital ? weight + levels
                       : static_cast<double>(o.precision.adc_bits) + weight);
  const bool accumulates = bits < input;
  double placeAdders =
      count > 1 ? width * (count - 1) + count * (std::log2(count) - 0.5) : 0;
  if (own[8] >= 0)
    placeAdders = own[8];
  double sumAdders = accumulates ? accumulator : 0;
  if (own[9] >= 0)
    sumAdders = own[9];
  const double registers = sumAdders + own[11];
  const double sumWidth = count > 1 ? width + count : width;
  const Energy adder = switched(o, fF(own[0]));
  const Activity &mean = o.machine.activity;
  double active = digital ? mean.input_density * mean.weight_density : 1;
  if (own[12] > 0)
    active = own[12];
  AdderPrice p;
  p.conversion = (adder * (placeAdders * active + sumAdders) +
                  switched(o, fF(own[6])) * registers) /
                 columns;
  p.strip_add = (adder + switched(o, fF(own[6]))) * accumulator / columns;
  p.area = (um2(own[1]) * (placeAdders + sumAdders) + um2(own[7]) * registers) *
           o.shrink / columns;
  double gates = 0;
  if (count > 1)
    gates += (std::log2(count) - 1) * own[3] + own[4] + (count - 1) * own[5];
  if (accumulates)
    gates += own[4] + (accumulator - sumWidth - 1) * own[5];
  if (own[10] > 0)
    gates = own[10];
  p.time = ns(own[2]) * o.slower * gates;
  p.registered = own[13] > 0;
  return p;
}

const Kind &kinds::ShiftAddPlaceValue() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::ShiftAdd;
    k.name = "place_value";
    k.doc = "adder tree over place values, then an accumulator over phases";
    k.own = {
        {"place_adder_ff", "fF", 0, 1e3, true, 0,
         "Switched capacitance of a full adder."},
        {"place_adder_um2", "um2", 0, 1e4, true, 0, "Area of a full adder."},
        {"place_gate_ns", "ns", 0, 1e3, true, 0,
         "Delay of a NAND2 at the nominal supply."},
        {"place_sum_gates", "", 0, 100, true, 0,
         "Gate delays from an adder's input to its sum."},
        {"place_carry_in_gates", "", 0, 100, true, 0,
         "Gate delays from an adder's input to its carry."},
        {"place_carry_gates", "", 0, 100, true, 0,
         "Gate delays from carry to carry."},
        {"place_register_ff", "fF", 0, 1e3, true, 0,
         "Switched capacitance of a flip-flop."},
        {"place_register_um2", "um2", 0, 1e4, true, 0, "Area of a flip-flop."},
        {"place_adders", "", -1, 1e6, false, -1,
         "Full adders per weight that join place values; -1: E-PLACE."},
        {"place_accumulator_bits", "bit", -1, 1e6, false, -1,
         "Accumulator bits per weight, an adder and a flip-flop each; -1: "
         "E-PLACE."},
        {"place_gates", "", 0, 1e4, false, 0,
         "Gate delays through adders and accumulator; 0: E-PLACE."},
        {"place_registers", "", 0, 1e6, false, 0,
         "Pipeline flip-flops per weight."},
        {"place_activity", "", 0, 1, false, 0,
         "Share of the adders that switches; 0: E-PLACE."},
        {"place_pipelined", "", 0, 1, false, 0,
         "1: a register stands in front, so that the slower side bounds the "
         "clock."}};
    k.adder = &price;
    return k;
  }();
  return kind;
}
