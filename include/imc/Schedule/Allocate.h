//===- Allocate.h - Tensors in a buffer by lifetime -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dynamic storage allocation with known lifetimes: two tensors may share bits
// of a buffer when no step needs both. The problem is NP-hard; first fit at the
// lowest free offset is tried in several orders (by size, by area in bits times
// steps, by start; Pisarchyk and Lee, arXiv:2001.03288, call the first of these
// greedy by size) and the best result is kept.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SCHEDULE_ALLOCATE_H
#define IMC_SCHEDULE_ALLOCATE_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace imc::schedule {

/// Bits that are needed in all steps from `first` to `last`, both included.
struct Lifetime {
  int64_t size = 0, first = 0, last = 0;
};

/// Where the lifetimes lie.
struct Memory {
  static constexpr int64_t outside = -1;
  std::vector<int64_t> offsets; ///< in bits, by lifetime; or `outside`
  int64_t peak = 0;             ///< end of the highest one inside
  int64_t outside_bits = 0;     ///< sum of the sizes outside
};

/// Most bits that any step needs at once: no allocation has a lower peak.
int64_t peakOfSteps(llvm::ArrayRef<Lifetime> lifetimes);

/// Gives every lifetime an offset so that what lives at once is disjoint and
/// ends within `capacity` bits; what finds no room stays outside. Of all orders
/// tried, the one that leaves the fewest bits outside, then the lowest peak.
/// Lifetimes of size 0 lie at 0. O(n^2) in the number of lifetimes.
Memory allocate(llvm::ArrayRef<Lifetime> lifetimes, int64_t capacity);

} // namespace imc::schedule

#endif // IMC_SCHEDULE_ALLOCATE_H
