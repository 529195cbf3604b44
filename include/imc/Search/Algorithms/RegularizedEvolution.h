//===- RegularizedEvolution.h - Evolution in which all die ------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Real, Aggarwal, Huang, Le: Regularized evolution for image classifier
// architecture search (AAAI 2019): the best of a small random sample is
// mutated, and the oldest individual leaves, however good it is. Forgetting
// keeps it from clinging to one lucky design; no crossover.
//
// It steers by one number: of one objective its value, of several the sum (of
// logarithms: the product, EDAP for energy, latency and area). The archive of
// the run still holds every non-dominated design that it passed.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_REGULARIZEDEVOLUTION_H
#define IMC_SEARCH_ALGORITHMS_REGULARIZEDEVOLUTION_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

struct RegularizedEvolutionOptions {
  std::size_t population = 100; ///< alive at a time, at least 2
  std::size_t sample = 25;      ///< of which the best is mutated, at least 1
  std::size_t batch = 16;       ///< children per batch, at least 1
  /// Sum logarithms of the objectives; needs positive ones (tell() says so).
  bool logObjectives = false;
};

/// The algorithm with checked options.
Expected<std::unique_ptr<Algorithm>>
makeRegularizedEvolution(const RegularizedEvolutionOptions &options);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_REGULARIZEDEVOLUTION_H
