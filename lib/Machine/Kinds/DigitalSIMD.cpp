//===- DigitalSIMD.cpp - Vector unit that splits its words
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc;
using namespace imc::machine;
using namespace imc::units;

namespace {
enum {
  Width,
  Least,
  Add,
  Multiply,
  Register,
  Instruction,
  AddArea,
  MultiplyArea,
  RegisterArea,
  Leakage
};
} // namespace

// E-SIMD: a datapath of so many bits that is cut into elements as wide as the
// words of the network, but not narrower than it is built for. Adders and
// registers grow with the width, multipliers with its square; an instruction is
// fetched once for all elements.
static LanePrice price(const Operating &o, const double *own) {
  const double um2PerMm2 = 1e6;
  const auto tiles = static_cast<double>(o.machine.tiles());
  const double bits =
      std::max(own[Least], static_cast<double>(o.precision.input_bits));
  // A word wider than the datapath takes several cycles.
  const double fit = own[Width] / bits;
  const double elements = fit >= 1 ? std::floor(fit) : fit;
  const auto accumulator =
      static_cast<double>(o.machine.shift_add.accumulator_bits);
  const Energy share = pJ(own[Instruction]) / elements;
  LanePrice p;
  // Two operands and a result.
  p.operation = (fJ(own[Add]) * bits + fJ(own[Register]) * (3 * bits) + share) *
                o.dynamic;
  p.mac = (fJ(own[Multiply]) * (bits * bits) + fJ(own[Add]) * accumulator +
           fJ(own[Register]) * (2 * bits + accumulator) + share) *
          o.dynamic;
  p.per_cycle = tiles * elements;
  // Built for elements of the least width; wider ones join several.
  p.area.count =
      tiles * own[Width] *
      (own[AddArea] + own[Least] * own[MultiplyArea] + 3 * own[RegisterArea]) *
      o.shrink / um2PerMm2;
  p.leakage = tiles * own[Width] * nW(own[Leakage]);
  return p;
}

const Kind &kinds::DigitalSIMD() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Digital;
    k.name = "simd";
    k.doc = "vector unit that splits its words into elements";
    k.own = {{"simd_width_bits", "bit", 1, 65536, true, 0,
              "Bits of a tile's datapath."},
             {"simd_least_bits", "bit", 1, 64, true, 0, "Narrowest element."},
             {"simd_add_fj_per_bit", "fJ", 0, 1e6, true, 0,
              "Energy of an adder per bit at the nominal supply."},
             {"simd_multiply_fj_per_bit2", "fJ", 0, 1e6, true, 0,
              "Energy of a multiplier per squared bit."},
             {"simd_register_fj_per_bit", "fJ", 0, 1e6, true, 0,
              "Energy of a register per bit."},
             {"simd_instruction_pj", "pJ", 0, 1e6, true, 0,
              "Energy to fetch and decode an instruction."},
             {"simd_add_um2_per_bit", "um2", 0, 1e6, true, 0,
              "Area of an adder per bit."},
             {"simd_multiply_um2_per_bit2", "um2", 0, 1e6, true, 0,
              "Area of a multiplier per squared bit."},
             {"simd_register_um2_per_bit", "um2", 0, 1e6, true, 0,
              "Area of a register per bit."},
             {"simd_leakage_nw_per_bit", "nW", 0, 1e6, true, 0,
              "Standby power per bit of the datapath."}};
    k.lanes = &price;
    return k;
  }();
  return kind;
}
