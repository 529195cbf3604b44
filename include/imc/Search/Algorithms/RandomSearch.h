//===- RandomSearch.h - Random designs without repetition -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks through a pseudo-random order of all designs: uniform, no repetition,
// no memory, and complete when the budget covers the space. The yardstick that
// any other algorithm must beat, and a fair sample for sensitivity studies.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_RANDOMSEARCH_H
#define IMC_SEARCH_ALGORITHMS_RANDOMSEARCH_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

struct RandomSearchOptions {
  /// Designs per batch, at least 1; the designs and their order do not depend
  /// on it.
  std::size_t batch = 256;
};

/// The algorithm with checked options.
Expected<std::unique_ptr<Algorithm>>
makeRandomSearch(const RandomSearchOptions &options);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_RANDOMSEARCH_H
