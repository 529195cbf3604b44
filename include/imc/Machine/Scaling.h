//===- Scaling.h - Circuits at another node ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E-NODE: energy, area and delay of CMOS circuits at one node relative to
// another (Stillmaker and Baas, Integration 58, 2017; the table is data,
// lib/Machine/Data/stillmaker-baas.def). Between the nodes of the table values
// are interpolated linearly in the node. Beyond its ends energy goes with the
// root of the node and area with the node. Delay goes with the node. Energies
// are compared at 0.8 V: supply is a law of its own (E-VDD).
//
// The law `capacitance` takes area and delay from the same table, but energy as
// that of a capacitance of given layout: in proportion to the node in planar
// processes, with its root below 22 nm.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MACHINE_SCALING_H
#define IMC_MACHINE_SCALING_H

#include "imc/Machine/Machine.h"

namespace imc::machine {

/// Factors by which energy, area and delay change.
struct NodeScale {
  double energy = 1, area = 1, delay = 1;
};

/// From circuits quoted at `fromNm` to the same circuits at `toNm`, both above
/// 0; equal nodes give exactly 1.
NodeScale scaleNode(double fromNm, double toNm,
                    NodeLaw law = NodeLaw::StillmakerBaas);

} // namespace imc::machine

#endif // IMC_MACHINE_SCALING_H
