//===- Sobol.h - Evenly spread designs --------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The sequence of Sobol (USSR Comput. Math. Math. Phys. 7(4), 1967) with the
// direction numbers of Joe and Kuo (SIAM J. Sci. Comput. 30(5), 2008), in the
// order of Antonov and Saleev, shifted by one random digital vector per seed.
// Fills the space more evenly than chance: for sensitivity studies, starting
// sets and as a baseline. Points that fall on a design that was asked before
// are left out; when they nearly all do, the rest is walked through at random.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_SOBOL_H
#define IMC_SEARCH_ALGORITHMS_SOBOL_H

#include "imc/Search/Algorithm.h"

#include <array>

namespace imc::search {

struct SobolOptions {
  std::size_t batch = 256; ///< designs per batch, at least 1
};

/// The algorithm with checked options. start() refuses more than
/// SobolSequence::maxDimensions knobs.
Expected<std::unique_ptr<Algorithm>> makeSobol(const SobolOptions &options);

/// The sequence itself: coordinates are multiples of 2^-32, given as integers.
class SobolSequence {
public:
  static constexpr std::size_t maxDimensions = 128;

  /// 1 <= dimensions <= maxDimensions.
  explicit SobolSequence(std::size_t dimensions);
  /// Point number 0, 1, …; the first is 0 everywhere.
  const std::vector<std::uint32_t> &point() const { return x; }
  /// Moves on; after 2^32 points it begins anew.
  void advance();

private:
  std::vector<std::array<std::uint32_t, 32>> directions;
  std::vector<std::uint32_t> x;
  std::uint32_t index = 0;
};

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_SOBOL_H
