//===- AdcAdderTree.cpp - Digital adder tree
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include <algorithm>

using namespace imc::machine;
using namespace imc::units;

// E-TREE: the products of the driven rows of one weight column are added by a
// binary tree of ripple-carry adders, one tree per input bit of the phase.
// Nothing is converted, so nothing is lost. A tree serves the columns of one
// weight; its figures are booked on each of them. Trees of another shape (per
// bit column, recoded, in stages) say their adders and their longest path.
static ConverterPrice price(const Operating &o, const double *own) {
  const auto weight = static_cast<double>(o.precision.weight_bits);
  const auto columns = static_cast<double>(o.precision.columns_per_weight);
  const auto bits = static_cast<double>(o.machine.dac.bits);
  const auto rows = static_cast<double>(o.machine.drivenRows());
  const auto levels = static_cast<double>(log2Ceil(o.machine.drivenRows()));
  const double adders =
      (own[7] > 0 ? own[7]
                  : bits * (rows * (weight + 1) - (weight + levels + 1))) /
      columns;
  const Activity &mean = o.machine.activity;
  const double width = weight + levels;
  ConverterPrice p;
  p.conversion = adders * switched(o, fF(own[0])) * mean.input_density *
                 mean.weight_density;
  p.area = adders * um2(own[1]) * o.shrink;
  const double path = own[8] > 0 ? own[8]
                                 : std::max(levels - 1, 0.0) * own[3] + own[4] +
                                       (width - 2) * own[5];
  p.time = ns(own[2]) * o.slower * (path + own[6]);
  return p;
}

const Kind &kinds::AdcAdderTree() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Adc;
    k.name = "adder_tree";
    k.doc = "digital sum of the rows: exact at any resolution";
    k.own = {
        {"tree_adder_ff", "fF", 0, 1e3, true, 0,
         "Switched capacitance of a full adder."},
        {"tree_adder_um2", "um2", 0, 1e4, true, 0, "Area of a full adder."},
        {"tree_gate_ns", "ns", 0, 1e3, true, 0,
         "Delay of a NAND2 at the nominal supply."},
        {"tree_sum_gates", "", 0, 100, true, 0,
         "Gate delays from an adder's input to its sum."},
        {"tree_carry_in_gates", "", 0, 100, true, 0,
         "Gate delays from an adder's input to its carry."},
        {"tree_carry_gates", "", 0, 100, true, 0,
         "Gate delays from carry to carry."},
        {"tree_register_gates", "", 0, 100, false, 0,
         "Gate delays of the pipeline register behind the tree."},
        {"tree_adders", "", 0, 1e6, false, 0,
         "Full adders per weight of a tree of another shape; 0: E-TREE."},
        {"tree_gates", "", 0, 1e4, false, 0,
         "Gate delays through it; 0: E-TREE."}};
    k.exact = true;
    k.converter = &price;
    return k;
  }();
  return kind;
}
