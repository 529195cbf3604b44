//===- Kinds.h - What the files of kinds share ------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_MACHINE_KINDS_KINDS_H
#define IMC_LIB_MACHINE_KINDS_KINDS_H

#include "imc/Machine/Kind.h"

#include <cmath>

namespace imc::machine {
namespace kinds {
// One function per file of this folder, called as the file.
#define IMC_KIND(FILE) const Kind &FILE();
#include "imc/Machine/Kinds.def"
} // namespace kinds

/// Energy of switching `load` at the supply of the machine.
inline units::Energy switched(const Operating &o, units::Capacitance load) {
  const units::Voltage nominal = units::V(o.machine.technology.vdd_nominal_v);
  return load * nominal * nominal * o.dynamic;
}

/// ceil(log2(n)), n >= 1.
inline int64_t log2Ceil(int64_t n) {
  return n <= 1 ? 0 : 64 - __builtin_clzll(static_cast<uint64_t>(n - 1));
}

/// Side of one group when `groups` of them share a chip, and wires of a length:
/// links of the network. Wires do not take part in E-NODE.
inline double groupSideUm(units::Mm2 chip, double groups) {
  const double um2PerMm2 = 1e6;
  return std::sqrt(chip.count * um2PerMm2) / std::sqrt(groups);
}
inline units::Energy linkWire(const Operating &o, double lengthUm) {
  const units::Voltage v = units::V(o.machine.technology.vdd_v);
  return units::fF(o.machine.noc.wire_ff_per_um * lengthUm) * v * v;
}

/// E-CELL of a resistive cell: mean conductance at the mean stored level, for
/// the time of the read pulse. Its supplies are those of the file, not Vdd.
CellPrice ohmicCell(const Operating &operating);

} // namespace imc::machine

#endif // IMC_LIB_MACHINE_KINDS_KINDS_H
