//===- LegacyAllocation.h - Loops on the levels of a chip -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which loops of a product run on the rows and columns of an array, on macros,
// tiles and groups in the accounting of the source paper (E-LEG-3, E-LEG-4,
// docs/spec/legacy.md): the mapper of its tools fills levels from the inside
// out, and cuts a loop unevenly when that fills a level better.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_LEGACYALLOCATION_H
#define IMC_LIB_COST_LEGACYALLOCATION_H

#include "imc/Machine/Machine.h"
#include "imc/Workload/Workload.h"

namespace imc::cost::detail {

struct LegacyAllocation {
  int64_t cycles = 1;  ///< vectors one after another
  int64_t copies = 1;  ///< of the weights, which share the windows
  int64_t weights = 0; ///< fetched and written for one copy (E-LEG-6)
};

/// Allocates a product whose weights take `columnsPerWeight` columns each.
LegacyAllocation allocate(const workload::Product &product,
                          int64_t columnsPerWeight,
                          const machine::Machine &machine);

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_LEGACYALLOCATION_H
