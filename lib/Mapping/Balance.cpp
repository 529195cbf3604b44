//===- Balance.cpp - Copies that equalise the products
//---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Mapping.h"

#include <algorithm>

using namespace imc::mapping;

/// Arrays when every product may take at most `t` windows per copy. Quotients
/// below 2^53 are exact in doubles, and their division is several times faster
/// than that of 64-bit integers; this loop dominates the search.
static double arraysFor(llvm::ArrayRef<Demand> demands, double t) {
  double sum = 0;
  for (const Demand &d : demands) {
    auto copies =
        static_cast<int64_t>((static_cast<double>(d.windows) + (t - 1)) / t);
    sum +=
        static_cast<double>(copies) * static_cast<double>(d.arrays * d.count);
  }
  return sum;
}

int64_t imc::mapping::balancedWindows(llvm::ArrayRef<Demand> demands,
                                      int64_t capacity) {
  double work = 0, arrays = 0;
  int64_t largest = 1;
  for (const Demand &d : demands) {
    double all = static_cast<double>(d.arrays * d.count);
    work += all * static_cast<double>(d.windows);
    arrays += all;
    largest = std::max(largest, d.windows);
  }
  auto limit = static_cast<double>(capacity);
  if (arrays > limit || demands.empty())
    return largest;
  // sum a*w/t <= sum a*ceil(w/t) < sum a*(w/t + 1) brackets the answer.
  double below = work / limit;
  int64_t low = std::max<int64_t>(0, static_cast<int64_t>(below) - 2);
  int64_t high = largest;
  if (limit > arrays) {
    double above = work / (limit - arrays);
    if (above + 2 < static_cast<double>(largest))
      high = static_cast<int64_t>(above) + 2;
  }
  // Invariant: low does not fit (0 never does), high fits.
  if (low > 0 && arraysFor(demands, static_cast<double>(low)) <= limit)
    low = 0;
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    if (arraysFor(demands, static_cast<double>(middle)) <= limit)
      high = middle;
    else
      low = middle;
  }
  return high;
}
