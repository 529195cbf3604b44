//===- Pareto.h - Dominance, ranks, crowding, hypervolume -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Points are rows of m objectives, minimised, stored row after row. Everything
// here is deterministic and exact up to rounding; no randomness, no tolerance.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_PARETO_H
#define IMC_SEARCH_PARETO_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace imc::search {

/// True if a is no worse than b in every objective (equal rows cover each
/// other).
inline bool covers(const double *a, const double *b, std::size_t m) {
  for (std::size_t i = 0; i < m; ++i)
    if (a[i] > b[i])
      return false;
  return true;
}

/// True if a is no worse than b everywhere and better somewhere.
inline bool dominates(const double *a, const double *b, std::size_t m) {
  return covers(a, b, m) && !covers(b, a, m);
}

/// Front numbers of n rows: 0 = dominated by no row, k = dominated by a row of
/// front k − 1 but by none of front k or later. Equal rows share a number.
/// Up to three objectives and 16,384 rows: one sweep in lexicographic order,
/// each front a staircase of the remaining two objectives, found by bisection.
/// Beyond: divide and conquer in O(n log^(m−1) n) (Jensen, IEEE TEC 7(5), 2003,
/// with the treatment of ties of Fortin, Grenier, Parizeau, GECCO 2013).
std::vector<std::uint32_t> nonDominatedSort(const double *rows, std::size_t n,
                                            std::size_t m);

/// Crowding distances (Deb, Pratap, Agarwal, Meyarivan: NSGA-II, IEEE TEC 6(2),
/// 2002) of the rows named by `members`: the sum over objectives of the gap
/// between both neighbours divided by the range; infinity at the extremes.
std::vector<double> crowdingDistance(const double *rows, std::size_t m,
                                     const std::vector<std::uint32_t> &members);

/// Volume dominated by n rows and bounded by `reference` (m values). Rows that
/// do not beat the reference in every objective contribute nothing; dominated
/// and repeated rows are allowed. Two and three objectives by sweeps in
/// O(n log n); more by WFG (While, Bradstreet, Barone, IEEE TEC 16(1), 2012),
/// whose time grows exponentially with m. No objective: 0.
double hypervolume(const double *rows, std::size_t n, std::size_t m,
                   const double *reference);

/// log2 from the four basic operations only, correct to about 2^-51: the libm
/// versions differ between platforms in the last digit, which is enough to send
/// a search down another path. x must be positive and finite.
double portableLog2(double x);

} // namespace imc::search

#endif // IMC_SEARCH_PARETO_H
