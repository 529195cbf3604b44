//===- ReadCost.h - What imc-cost wrote, as a struct ------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_READCOST_H
#define IMC_TRANSFORMS_READCOST_H

#include "imc/Cost/Cost.h"
#include "mlir/IR/BuiltinOps.h"

namespace imc {

/// The totals of the dictionary `imc.cost` of a module of phase `costed`: one
/// model without layers, in the units of cost::ModelCost, digit for digit as
/// imc-cost wrote them, and `feasible`; the violations stay in the IR. Fails,
/// with a diagnostic, when the dictionary or an entry is not there.
mlir::FailureOr<cost::Cost> readCost(mlir::ModuleOp module);

} // namespace imc

#endif // IMC_TRANSFORMS_READCOST_H
