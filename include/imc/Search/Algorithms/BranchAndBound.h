//===- BranchAndBound.h - Exact search with bounds --------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decides knob after knob in the order of the problem's bounds (Bounds.h), best
// bound first among the values of a knob, and leaves out subtrees in which
// nothing is feasible, or of which the bound is dominated by a design that is
// known. What remains is evaluated. A search that runs to its end has proven
// its archive: it equals that of `exhaustive`, copies of objectives included.
// One that is stopped by its budget still has lower bounds, and so a gap.
//
// Without bounds from the problem it is an exhaustive search that accepts any
// budget. Memory grows with the depth of the tree, not with the space, and
// spaces without exact keys are fine.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_BRANCHANDBOUND_H
#define IMC_SEARCH_ALGORITHMS_BRANCHANDBOUND_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

struct BranchAndBoundOptions {
  /// Designs per batch, at least 1. What a batch finds prunes from the next one
  /// on; so a large one evaluates more.
  std::size_t batch = 256;
  /// Leave out subtrees that are dominated. Off: every feasible design is
  /// evaluated and so counted.
  bool dominance = true;
};

/// The algorithm with checked options.
Expected<std::unique_ptr<Algorithm>>
makeBranchAndBound(const BranchAndBoundOptions &options);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_BRANCHANDBOUND_H
