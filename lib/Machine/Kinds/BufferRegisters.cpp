//===- BufferRegisters.cpp - Registers behind a tree of multiplexers
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

// E-REG: W flip-flops per word, and per bit of the port a tree of 2:1
// multiplexers over the words; a read switches one path through it.
static BufferPrice price(const Operating &o, BufferShape shape,
                         const double *own) {
  const double bits = shape.kib * 8 * 1024;
  const double words =
      std::max(1.0, std::ceil(bits / static_cast<double>(shape.width_bits)));
  const auto levels =
      static_cast<double>(log2Ceil(static_cast<int64_t>(words)));
  const Voltage v = V(o.machine.technology.vdd_nominal_v);
  BufferPrice p;
  p.read_bit = levels * (fF(own[0]) * v * v);
  p.write_bit = fJ(own[1]);
  p.area.count = bits * own[2] * 1e-6;
  p.leakage = bits * nW(own[3]);
  p.access.count = levels * own[4];
  return p;
}

const Kind &kinds::BufferRegisters() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Buffer;
    k.name = "registers";
    k.doc = "flip-flops read through multiplexers";
    k.own = {{"register_mux_ff", "fF", 0, 1e3, true, 0,
              "Load switched by a bit in one 2:1 multiplexer."},
             {"register_write_fj_per_bit", "fJ", 1e-6, 1e6, true, 0,
              "Energy to write a bit at the nominal supply."},
             {"register_um2_per_bit", "um2", 1e-6, 1e4, true, 0,
              "Area of a flip-flop and its multiplexer."},
             {"register_leakage_nw_per_bit", "nW", 0, 1e6, true, 0,
              "Standby power of a bit at the nominal supply."},
             {"register_mux_ns", "ns", 0, 1e3, true, 0,
              "Delay of a 2:1 multiplexer at the nominal supply."}};
    k.buffer = &price;
    return k;
  }();
  return kind;
}
