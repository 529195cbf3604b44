//===- Exhaustive.h - Every design of a space -------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counts through all keys, last knob fastest, and skips designs that are not
// canonical. Its archive is the exact Pareto front: a proof, and the yardstick
// for everything else on spaces that can be enumerated. It never stops
// half-way: a budget below the number of designs is refused with that number,
// because a truncated enumeration says nothing about the rest of the space.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_EXHAUSTIVE_H
#define IMC_SEARCH_ALGORITHMS_EXHAUSTIVE_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

struct ExhaustiveOptions {
  /// Designs per batch, at least 1.
  std::size_t batch = 4096;
};

/// The algorithm with checked options.
Expected<std::unique_ptr<Algorithm>>
makeExhaustive(const ExhaustiveOptions &options);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_EXHAUSTIVE_H
