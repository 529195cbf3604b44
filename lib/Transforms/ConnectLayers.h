//===- ConnectLayers.h - Which layers read whose results ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_TRANSFORMS_CONNECTLAYERS_H
#define IMC_LIB_TRANSFORMS_CONNECTLAYERS_H

#include "imc/Workload/Workload.h"
#include "mlir/IR/BuiltinOps.h"

namespace imc {

/// Fills inputs, right_inputs, carried, loop, output and rowwise of the layers
/// of `workload` and counts the elements of the arguments; `ops` stand for the
/// layers, in order. Products whose iterations follow one another get trips.
void connectLayers(mlir::ModuleOp module, llvm::ArrayRef<mlir::Operation *> ops,
                   workload::Workload &workload);

} // namespace imc

#endif // IMC_LIB_TRANSFORMS_CONNECTLAYERS_H
