//===- NocMesh.cpp - Mesh of routers
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

/// E-NOC: mean number of routers from the global buffer to a group. The groups
/// fill the rows of a mesh one after the other; the buffer stands before the
/// middle router of the first row.
static double meanHops(int64_t groups) {
  auto width = static_cast<int64_t>(std::sqrt(static_cast<double>(groups)));
  while (width * width < groups)
    ++width;
  // Steps to the side: those of a full row, and of the last one.
  auto triangle = [](int64_t n) { return n * (n + 1) / 2; };
  const int64_t middle = width / 2;
  const int64_t full = groups / width, rest = groups % width;
  const int64_t left = std::min(rest, middle + 1);
  const int64_t aside =
      full * (triangle(middle) + triangle(width - 1 - middle)) + left * middle -
      triangle(left - 1) + triangle(rest - left);
  const int64_t down = width * triangle(full - 1) + rest * full;
  return 1 + static_cast<double>(aside + down) / static_cast<double>(groups);
}

static Mm2 area(const Operating &o, const double *) {
  const auto groups = static_cast<double>(o.machine.hierarchy.groups);
  return {groups * o.machine.noc.router_area_mm2 * o.shrink};
}

// E-NOC: square mesh of square groups, the global buffer at the middle of an
// edge; inside a group a bus of half its side. Every group has a link of its
// own.
static NetworkPrice price(const Operating &o, Mm2 chip, const double *) {
  const Noc &noc = o.machine.noc;
  const auto groups = static_cast<double>(o.machine.hierarchy.groups);
  const double hops = meanHops(o.machine.hierarchy.groups);
  const Energy wire = linkWire(o, groupSideUm(chip, groups));
  NetworkPrice p;
  p.bit = hops * (pJ(noc.router_pj_per_bit) * o.dynamic + wire) + 0.5 * wire;
  p.links = groups;
  p.hop_cycles = std::ceil(hops) * static_cast<double>(noc.hop_cycles);
  return p;
}

const Kind &kinds::NocMesh() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Noc;
    k.name = "mesh";
    k.usual = true;
    k.doc = "mesh with a router per group";
    k.needs = {"router_pj_per_bit", "router_area_mm2"};
    k.network_area = &area;
    k.network = &price;
    return k;
  }();
  return kind;
}
