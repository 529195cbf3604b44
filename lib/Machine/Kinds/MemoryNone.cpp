//===- MemoryNone.cpp - No memory outside the chip
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

static MemoryPrice price(const Operating &, const double *) { return {}; }

const Kind &kinds::MemoryNone() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Memory;
    k.name = "none";
    k.usual = true;
    k.doc = "everything has to fit on the chip";
    k.absent = true;
    k.memory = &price;
    return k;
  }();
  return kind;
}
