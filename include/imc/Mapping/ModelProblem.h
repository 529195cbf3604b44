//===- ModelProblem.h - Mapping problems of a model -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The problems that a model poses on a machine, from the same tiling that the
// passes and the search use. Products with stored weights take part. The knobs
// must be legal (check).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_MODELPROBLEM_H
#define IMC_MAPPING_MODELPROBLEM_H

#include "imc/Mapping/Mapping.h"
#include "imc/Mapping/Packing.h"
#include "imc/Mapping/Replication.h"

namespace imc::mapping {

/// Copies of the products on the arrays of the machine. The time of a window is
/// the turns of the product's fullest array; all products take equally many
/// input phases per turn.
replication::Problem replicationOf(const workload::Workload &workload,
                                   const machine::Machine &machine,
                                   const Knobs &knobs,
                                   replication::Objective objective);

/// What the products' tiles use of arrays with as many rows as are driven at
/// once. Products run one after the other: each is a step.
packing::Problem packingOf(const workload::Workload &workload,
                           const machine::Machine &machine, const Knobs &knobs);

} // namespace imc::mapping

#endif // IMC_MAPPING_MODELPROBLEM_H
