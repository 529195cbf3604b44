//===- Assignment.h - One choice per layer under a cap ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every layer takes one of its choices (bits, copies, converter bits); costs
// and weights (area, arrays) add up over layers; the weight has a cap. This is
// the multiple-choice knapsack problem (Kellerer, Pferschy, Pisinger: Knapsack
// Problems, 2004, chapter 11).
//
// Solved exactly by dynamic programming over partial sums of which none is both
// heavier and dearer than another, cut by bounds: the linear relaxation of the
// layers that are left, whose solution is greedy over the convex hulls of their
// choices (Sinha, Zoltners, Operations Research 27(3), 1979), against the best
// complete assignment known, which the same greedy solutions improve. Time is
// exponential in the worst case; 21 layers of 72 choices take milliseconds
// (docs/search.md).
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ASSIGNMENT_H
#define IMC_SEARCH_ASSIGNMENT_H

#include "imc/Search/Expected.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace imc::search {

/// What one choice of a layer adds to the sums.
struct Choice {
  double cost = 0;   ///< finite
  double weight = 0; ///< finite and >= 0
};

struct Assignment {
  std::vector<std::size_t> choices; ///< index per layer
  double cost = 0, weight = 0;      ///< sums in order of the layers
  /// The cost is the least that there is, but for rounding of sums (1e-12
  /// relative); otherwise `statesLimit` was reached, and no assignment costs
  /// less than `lowerBound`.
  bool proven = true;
  double lowerBound = 0;
  std::uint64_t states = 0; ///< partial sums kept, over all layers
};

/// The assignment of least cost and weight <= cap (but for rounding of sums,
/// 1e-12 relative); nothing if there is none. Refuses: no layer, a layer
/// without choices, a cost or weight that is not finite, a negative weight.
/// `statesLimit` bounds the partial sums of one layer (memory: 24 bytes each
/// over all layers).
Expected<std::optional<Assignment>>
assignLayers(const std::vector<std::vector<Choice>> &layers, double cap,
             std::size_t statesLimit = 2'000'000);

} // namespace imc::search

#endif // IMC_SEARCH_ASSIGNMENT_H
