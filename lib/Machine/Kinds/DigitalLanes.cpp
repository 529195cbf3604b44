//===- DigitalLanes.cpp - Lanes with an energy per operation
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

// E-LANES: one operation, or multiply-accumulate, per lane and cycle whatever
// its bits.
static LanePrice price(const Operating &o, const double *) {
  const Digital &digital = o.machine.digital;
  const double um2PerMm2 = 1e6;
  const double lanes = static_cast<double>(o.machine.tiles()) *
                       static_cast<double>(digital.lanes_per_tile);
  LanePrice p;
  p.operation = pJ(digital.operation_pj) * o.dynamic;
  p.mac = pJ(digital.mac_pj) * o.dynamic;
  p.per_cycle = lanes;
  p.area.count = lanes * digital.lane_area_um2 * o.shrink / um2PerMm2;
  p.leakage = uW(lanes * digital.lane_leakage_uw);
  return p;
}

const Kind &kinds::DigitalLanes() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Digital;
    k.name = "lanes";
    k.usual = true;
    k.doc = "lanes of one width with an energy per operation";
    k.needs = {"lanes_per_tile", "operation_pj", "mac_pj", "lane_area_um2",
               "lane_leakage_uw"};
    k.lanes = &price;
    return k;
  }();
  return kind;
}
