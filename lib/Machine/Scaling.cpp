//===- Scaling.cpp - Circuits at another node -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Scaling.h"

#include "llvm/ADT/ArrayRef.h"

#include <cmath>
#include <cstddef>

using namespace imc::machine;

namespace {
struct Node {
  double nm, a, b, c, area;
  /// At the voltage of comparison (see the header).
  double energy() const { return (a * 0.8 + b) * 0.8 + c; }
};
constexpr Node nodes[] = {
#define IMC_NODE(NM, A, B, C, AREA) {NM, A, B, C, AREA},
#include "Data/stillmaker-baas.def"
};
struct At {
  double energy, area;
};
} // namespace

static At at(double nm) {
  constexpr size_t count = sizeof(nodes) / sizeof(nodes[0]);
  const Node &first = nodes[0], &last = nodes[count - 1];
  for (const Node *end : {&first, &last})
    if (end == &first ? nm <= first.nm : nm >= last.nm)
      return {end->energy() * std::sqrt(nm / end->nm),
              end->area * (nm / end->nm)};
  size_t i = 1;
  while (nodes[i].nm < nm)
    ++i;
  const Node &low = nodes[i - 1], &high = nodes[i];
  const double t = (nm - low.nm) / (high.nm - low.nm);
  return {low.energy() + t * (high.energy() - low.energy()),
          low.area + t * (high.area - low.area)};
}

/// Relative capacitance of one layout, 1 at the last planar node.
static double capacitance(double nm) {
  constexpr double planar = 22;
  return nm >= planar ? nm / planar : std::sqrt(nm / planar);
}

// E-NODE
NodeScale imc::machine::scaleNode(double fromNm, double toNm, NodeLaw law) {
  if (fromNm == toNm)
    return {};
  const At from = at(fromNm), to = at(toNm);
  const double energy = law == NodeLaw::Capacitance
                            ? capacitance(toNm) / capacitance(fromNm)
                            : to.energy / from.energy;
  return {energy, to.area / from.area, toNm / fromNm};
}
