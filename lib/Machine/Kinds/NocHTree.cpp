//===- NocHTree.cpp - H-tree from the middle of the chip
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

/// Levels of branches between the root and a group.
static int64_t levels(const Operating &o) {
  return log2Ceil(o.machine.hierarchy.groups);
}

static Mm2 area(const Operating &o, const double *own) {
  const auto branches = static_cast<double>(o.machine.hierarchy.groups - 1);
  const auto bits = static_cast<double>(o.machine.noc.link_bits);
  return {branches * bits * own[1] * 1e-6 * o.shrink};
}

// E-HTREE: the global buffer in the middle; branches halve the chip by turns
// across and along, so that every group is equally far: sides/4, sides/4,
// sides/8, sides/8, ... Branches off the way stand still. The root carries one
// message at a time.
static NetworkPrice price(const Operating &o, Mm2 chip, const double *own) {
  const Noc &noc = o.machine.noc;
  const auto groups = static_cast<double>(o.machine.hierarchy.groups);
  const double side = groupSideUm(chip, 1);
  double length = groupSideUm(chip, groups) / 2; // inside the group
  for (int64_t i = 0; i != levels(o); ++i)
    length += std::ldexp(side, -static_cast<int>(i / 2) - 2);
  const auto branches = static_cast<double>(levels(o));
  NetworkPrice p;
  p.bit = branches * switched(o, fF(own[0])) + linkWire(o, length);
  p.links = 1;
  p.hop_cycles = branches * static_cast<double>(noc.hop_cycles);
  return p;
}

const Kind &kinds::NocHTree() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Noc;
    k.name = "htree";
    k.doc = "binary H-tree with the global buffer at its root";
    k.own = {{"htree_branch_ff_per_bit", "fF", 0, 1e6, true, 0,
              "Load of a branch: multiplexer, demultiplexer and register."},
             {"htree_branch_um2_per_bit", "um2", 1e-6, 1e6, true, 0,
              "Area of a branch per bit of the link."}};
    k.network_area = &area;
    k.network = &price;
    return k;
  }();
  return kind;
}
