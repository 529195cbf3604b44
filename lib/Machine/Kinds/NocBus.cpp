//===- NocBus.cpp - One bus for all groups
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

static Mm2 area(const Operating &o, const double *own) {
  const auto groups = static_cast<double>(o.machine.hierarchy.groups);
  return {groups * own[1] * 1e-6 * o.shrink};
}

// E-BUS: a comb, its spine along one side of the chip and a tooth past every
// row of groups. A message charges all of it and nobody else may speak.
static NetworkPrice price(const Operating &o, Mm2 chip, const double *own) {
  const Noc &noc = o.machine.noc;
  const auto groups = static_cast<double>(o.machine.hierarchy.groups);
  const double columns = std::ceil(std::sqrt(groups));
  const double rows = std::ceil(groups / columns);
  NetworkPrice p;
  p.bit =
      pJ(own[0]) * o.dynamic + linkWire(o, (1 + rows) * groupSideUm(chip, 1));
  p.links = 1;
  p.hop_cycles = static_cast<double>(noc.hop_cycles);
  return p;
}

const Kind &kinds::NocBus() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Noc;
    k.name = "bus";
    k.doc = "one bus past all groups, one message at a time";
    k.own = {{"bus_pj_per_bit", "pJ", 0, 1e3, true, 0,
              "Energy of drivers, receivers and the wires inside a group."},
             {"bus_um2_per_group", "um2", 1e-6, 1e8, true, 0,
              "Area of the drivers and receivers of a group."}};
    k.network_area = &area;
    k.network = &price;
    return k;
  }();
  return kind;
}
