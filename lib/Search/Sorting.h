//===- Sorting.h - The two ways of sorting into fronts ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// nonDominatedSort() picks between them by size; tests call both.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_LIB_SEARCH_SORTING_H
#define IMC_LIB_SEARCH_SORTING_H

#include "imc/Search/Pareto.h"

namespace imc::search::detail {

/// For 1 to 3 objectives; short inner loops, quick up to some 10^4 rows.
std::vector<std::uint32_t> sortByStaircases(const double *rows, std::size_t n,
                                            std::size_t m);

/// For 2 objectives and more; O(n log^(m-1) n).
std::vector<std::uint32_t> sortByDivision(const double *rows, std::size_t n,
                                          std::size_t m);

} // namespace imc::search::detail

#endif // IMC_LIB_SEARCH_SORTING_H
