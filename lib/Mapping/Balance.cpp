//===- Balance.cpp - Copies that equalise the products
//---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Mapping.h"

#include "llvm/ADT/SmallVector.h"

#include <algorithm>

using namespace imc::mapping;

// Counts are doubles here: quotients below 2^53 are exact in them, and their
// division is several times faster than that of 64-bit integers. This file
// dominates the search.
static double floorOf(double x) {
  return static_cast<double>(static_cast<int64_t>(x));
}

namespace {

/// Next fit (Cores.h), product by product.
struct Cursor {
  double core;      ///< arrays of a core
  double begin = 0; ///< of the core that the cursor stands in
  double used = 0;  ///< arrays of it that are taken

  Cursor(double core, double cursor) : core(core) {
    if (cursor > 0) {
      begin = floorOf(cursor / core) * core;
      used = cursor - begin;
    }
  }
  double end() const { return begin + used; }

  /// Copies of `arrays` <= core arrays, `perCore` to an empty core.
  void placeSmall(double copies, double arrays, double perCore) {
    if (used > 0) {
      const double rest = core - used;
      if (copies * arrays <= rest) {
        used += copies * arrays;
        return;
      }
      if (arrays <= rest)
        copies -= floorOf(rest / arrays);
      begin += core;
    }
    const double full =
        perCore > 1 ? floorOf((copies - 1) / perCore) : copies - 1;
    begin += full * core;
    used = (copies - full * perCore) * arrays;
  }
  /// Copies of `arrays` > core arrays, which fill `full` arrays of whole cores.
  void placeLarge(double copies, double arrays, double full) {
    begin += (used > 0 ? core : 0) + full +
             (copies - 1) * (full < arrays ? full + core : full);
    used = arrays - full;
  }
};

/// A demand, prepared for many cursors.
struct Item {
  double windows, count, arrays;
  double perCore; ///< copies in an empty core, 0: larger than one
  double full;    ///< arrays of the whole cores that a larger copy fills
  double aligned; ///< arrays of a copy when cores hold one product only

  Item() = default;
  Item(const Demand &d, double core)
      : windows(static_cast<double>(d.windows)),
        count(static_cast<double>(d.count)),
        arrays(static_cast<double>(d.arrays)) {
    if (arrays > core) {
      perCore = 0;
      full = floorOf(arrays / core) * core;
      aligned = full < arrays ? full + core : full;
    } else {
      perCore = floorOf(core / arrays);
      full = 0;
      aligned = core / perCore;
    }
  }
  double copies(double t) const {
    return floorOf((windows + (t - 1)) / t) * count;
  }
  void place(Cursor &cursor, double copies) const {
    if (perCore > 0)
      cursor.placeSmall(copies, arrays, perCore);
    else
      cursor.placeLarge(copies, arrays, full);
  }
};

} // namespace

int64_t imc::mapping::endOfCopies(llvm::ArrayRef<Demand> demands,
                                  int64_t windowsPerCopy, int64_t core,
                                  int64_t cursor) {
  Cursor at(static_cast<double>(core), static_cast<double>(cursor));
  for (const Demand &d : demands) {
    const Item item(d, at.core);
    item.place(at, item.copies(static_cast<double>(windowsPerCopy)));
  }
  return static_cast<int64_t>(at.end());
}

int64_t imc::mapping::endOfOneCopy(llvm::ArrayRef<Demand> demands, int64_t core,
                                   int64_t cursor) {
  Cursor at(static_cast<double>(core), static_cast<double>(cursor));
  for (const Demand &d : demands) {
    const Item item(d, at.core);
    item.place(at, item.count);
  }
  return static_cast<int64_t>(at.end());
}

int64_t imc::mapping::balancedWindows(llvm::ArrayRef<Demand> demands,
                                      int64_t capacity, int64_t core) {
  if (demands.empty())
    return 1;
  const auto limit = static_cast<double>(capacity),
             size = static_cast<double>(core);
  llvm::SmallVector<Item, 128> items;
  // Arrays that all copies of one window each would take, one copy, and by how
  // much products that share cores may take less or leave more empty.
  double work = 0, arrays = 0, less = 0, more = 0;
  int64_t largest = 1;
  for (const Demand &d : demands) {
    items.emplace_back(d, size);
    const Item &item = items.back();
    work += item.aligned * item.count * item.windows;
    arrays += item.aligned * item.count;
    if (item.perCore > 0) {
      less += 2 * (size - item.perCore * item.arrays);
      more += item.arrays;
    } else {
      less += item.aligned - item.arrays;
      more += size;
    }
    largest = std::max(largest, d.windows);
  }
  // The first and last core of a product hold others, too: it takes `less`
  // there at best, and what is too short before it stays empty.
  auto fits = [&](double t) {
    double sum = 0;
    for (const Item &item : items)
      sum += item.copies(t) * item.aligned;
    if (sum + more <= limit)
      return true;
    if (sum - less > limit + 1) // quotients round
      return false;
    Cursor cursor(size, 0);
    for (const Item &item : items)
      item.place(cursor, item.copies(t));
    return cursor.end() <= limit;
  };
  // sum a w/t <= sum a ceil(w/t) < sum a (w/t + 1) brackets the answer.
  int64_t low =
      std::max<int64_t>(0, static_cast<int64_t>(work / (limit + less)) - 2);
  int64_t high = largest;
  if (const double room = limit - arrays - more; room > 0)
    if (const double above = work / room;
        above + 2 < static_cast<double>(largest))
      high = static_cast<int64_t>(above) + 2;
  // Invariant: low does not fit (0 never does), high fits.
  if (low > 0 && fits(static_cast<double>(low)))
    low = 0;
  // Half a copy per product is lost to rounding on average: the answer is near
  // where that leads, and steps that double away from there enclose it.
  const double guess = work / std::max(limit - arrays / 2, limit / 2);
  int64_t middle =
      guess < static_cast<double>(high) ? static_cast<int64_t>(guess) : high;
  int64_t step = middle / 32 + 1;
  bool sawFit = false, sawMiss = false;
  while (high - low > 1) {
    if (sawFit && sawMiss)
      middle = low + (high - low) / 2;
    else
      middle = std::clamp(middle, low + 1, high - 1);
    if (fits(static_cast<double>(middle))) {
      high = middle;
      sawFit = true;
      middle -= step;
    } else {
      low = middle;
      sawMiss = true;
      middle += step;
    }
    step *= 2;
  }
  return high;
}
