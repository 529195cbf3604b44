//===- MemoryLPDDR4.cpp - Memory by energy per bit and bandwidth
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

// E-MEM: what the table of an interface says. The kinds differ in their names
// only; the numbers stand in the file.
static MemoryPrice price(const Operating &o, const double *) {
  const Memory &memory = o.machine.memory;
  const double bitsPerGb = 8e9;
  MemoryPrice p;
  p.bit = pJ(memory.energy_pj_per_bit);
  p.bit_time = s(1 / (memory.bandwidth_gb_s * bitsPerGb));
  return p;
}

static std::string contradiction(const Machine &m, const double *) {
  if (m.memory.energy_pj_per_bit > 0 && m.memory.bandwidth_gb_s > 0)
    return {};
  return "'memory.energy_pj_per_bit' or 'memory.bandwidth_gb_s' is 0 but "
         "'memory.kind' is not none: give both above 0 or set memory.kind to "
         "none";
}

const Kind &kinds::MemoryLPDDR4() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Memory;
    k.name = "lpddr4";
    k.siblings = {"ddr3", "hbm2", "hbm3"};
    k.doc = "memory with energy per bit and sustained bandwidth";
    k.needs = {"energy_pj_per_bit", "bandwidth_gb_s"};
    k.memory = &price;
    k.contradiction = &contradiction;
    return k;
  }();
  return kind;
}
