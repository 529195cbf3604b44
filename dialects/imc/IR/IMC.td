//===- IMC.td - All of the imc dialect --------------------------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TD
#define IMC_TD

include "dialects/imc/IR/IMCOps.td"
include "dialects/imc/IR/IMCTarget.td"

#endif // IMC_TD
