//===- Balance.cpp - Copies that equalise the products
//---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Mapping.h"

#include "imc/Support/Clones.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Compiler.h"

#include <algorithm>
#include <limits>

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

  /// Copies that the rest of the core has room for: true.
  bool placeInRest(double copies, double arrays) {
    if (copies * arrays > core - used)
      return false;
    used += copies * arrays;
    return true;
  }
  /// More copies of `arrays` <= core arrays, `perCore` to an empty core.
  void placeSmall(double copies, double arrays, double perCore) {
    if (used > 0) {
      if (const double rest = core - used; arrays <= rest)
        copies -= floorOf(rest / arrays);
      begin += core;
    }
    const double full =
        perCore > 1 ? floorOf((copies - 1) / perCore) : copies - 1;
    begin += full * core;
    used = (copies - full * perCore) * arrays;
  }
  /// `count` products of `copies` copies each of `arrays` <= core arrays, of
  /// which an empty core holds `perCore`: in bundles.
  void placeBundles(double count, double copies, double arrays,
                    double perCore) {
    // All copies are one bundle.
    if (copies <= perCore) {
      const double bundle = copies * arrays;
      if (!placeInRest(count, bundle))
        placeSmall(count, bundle,
                   copies > 1 ? floorOf(core / bundle) : perCore);
      return;
    }
    // Nothing else fits behind a full bundle, and no full bundle behind
    // the last of another product.
    auto coresOf = [&](double n) {
      return perCore > 1 ? floorOf((n + perCore - 1) / perCore) : n;
    };
    double first = copies;
    if (used > 0) {
      if (perCore * arrays <= core - used)
        first -= perCore;
      begin += core;
    }
    const double last = count > 1 ? copies : first;
    const double ofLast = coresOf(last);
    begin +=
        (count > 1 ? coresOf(first) + (count - 1) * ofLast - 1 : ofLast - 1) *
        core;
    used = (last - (ofLast - 1) * perCore) * arrays;
  }
  /// placeBundles of one product: most are, and this is half of their time.
  void placeOne(double copies, double arrays, double perCore) {
    if (copies <= perCore) {
      const double bundle = copies * arrays;
      const bool here = bundle <= core - used;
      begin += here ? 0 : core;
      used = here ? used + bundle : bundle;
      return;
    }
    const bool begun = used > 0;
    copies -= begun && perCore * arrays <= core - used ? perCore : 0;
    const double full = floorOf((copies - 1) / perCore);
    begin += (begun ? core : 0) + full * core;
    used = (copies - full * perCore) * arrays;
  }
  /// Copies of `arrays` > core arrays, which fill `full` arrays of whole cores.
  void placeLarge(double copies, double arrays, double full) {
    begin += (used > 0 ? core : 0) + full +
             (copies - 1) * (full < arrays ? full + core : full);
    used = arrays - full;
  }
  void place(double copies, double arrays) {
    if (arrays > core)
      placeLarge(copies, arrays, floorOf(arrays / core) * core);
    else if (!placeInRest(copies, arrays))
      placeSmall(copies, arrays, floorOf(core / arrays));
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
      aligned = perCore > 1 ? core / perCore : core;
    }
  }
  /// Of one of the products.
  double copies(double t) const { return floorOf((windows + (t - 1)) / t); }
  IMC_INLINE void place(Cursor &cursor, double copies) const {
    if (perCore == 0)
      cursor.placeLarge(copies * count, arrays, full);
    else if (count == 1)
      cursor.placeOne(copies, arrays, perCore);
    else
      cursor.placeBundles(count, copies, arrays, perCore);
  }
};

} // namespace

int64_t imc::mapping::endOfCopies(llvm::ArrayRef<Demand> demands,
                                  int64_t windowsPerCopy, int64_t core,
                                  int64_t cursor) {
  Cursor at(static_cast<double>(core), static_cast<double>(cursor));
  for (const Demand &d : demands) {
    const Item item(d, at.core);
    item.place(at, d.copies ? static_cast<double>(d.copies)
                            : item.copies(static_cast<double>(windowsPerCopy)));
  }
  return static_cast<int64_t>(at.end());
}

IMC_CLONES int64_t imc::mapping::endOfOneCopy(llvm::ArrayRef<Demand> demands,
                                              int64_t core, int64_t cursor) {
  Cursor at(static_cast<double>(core), static_cast<double>(cursor));
  for (const Demand &d : demands)
    if (LLVM_LIKELY(d.copies <= 1))
      at.place(static_cast<double>(d.count), static_cast<double>(d.arrays));
    else
      Item(d, at.core).place(at, static_cast<double>(d.copies));
  return static_cast<int64_t>(at.end());
}

/// Where copies of some were decided before: bisection, without the brackets
/// below.
static int64_t balancedRest(llvm::ArrayRef<Demand> demands, int64_t capacity,
                            int64_t core) {
  int64_t low = 0, high = 1;
  for (const Demand &d : demands)
    if (!d.copies)
      high = std::max(high, d.windows);
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (endOfCopies(demands, middle, core) <= capacity ? high : low) = middle;
  }
  return high;
}

IMC_CLONES int64_t imc::mapping::balancedWindows(llvm::ArrayRef<Demand> demands,
                                                 int64_t capacity,
                                                 int64_t core) {
  if (demands.empty())
    return 1;
  for (const Demand &d : demands)
    if (LLVM_UNLIKELY(d.copies > 0))
      return balancedRest(demands, capacity, core);
  const auto limit = static_cast<double>(capacity),
             size = static_cast<double>(core);
  llvm::SmallVector<Item, 128> items;
  llvm::SmallVector<double, 128> windowsOf, alignedOf, copies;
  // Arrays that all copies of one window each would take, one copy, and by how
  // much products that share cores may take less or leave more empty.
  double work = 0, arrays = 0, less = 0, more = 0;
  int64_t largest = 1;
  for (const Demand &d : demands) {
    items.emplace_back(d, size);
    const Item &item = items.back();
    const double all = item.aligned * item.count;
    work += all * item.windows;
    windowsOf.push_back(item.windows);
    alignedOf.push_back(all);
    arrays += all;
    if (item.perCore > 0) {
      less += 2 * (size - item.perCore * item.arrays) * item.count;
    } else {
      less += (item.aligned - item.arrays) * item.count;
    }
    more += size * item.count;
    largest = std::max(largest, d.windows);
  }
  // Arrays of t windows per copy if cores held one product only. The first and
  // last core of a product hold others, too: it takes `less` there at best. At
  // worst all of a core stays empty, since bundles are not parted.
  double sum = 0;
  const size_t n = items.size();
  copies.resize(n);
  auto fits = [&](double t) {
    if (largest <= std::numeric_limits<int32_t>::max())
      for (size_t i = 0; i != n; ++i) // two at a time
        copies[i] = static_cast<int32_t>((windowsOf[i] + (t - 1)) / t);
    else
      for (size_t i = 0; i != n; ++i)
        copies[i] = floorOf((windowsOf[i] + (t - 1)) / t);
    sum = 0;
    for (size_t i = 0; i != n; ++i)
      sum += copies[i] * alignedOf[i];
    if (sum + more <= limit)
      return true;
    if (sum - less > limit + 1) // quotients round
      return false;
    Cursor cursor(size, 0);
    for (size_t i = 0; i != n; ++i)
      items[i].place(cursor, copies[i]);
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
  // Invariant: low does not fit (0 never does; the margin is for rounding),
  // high fits. Half a copy per product is lost to rounding on average, which
  // leads to a first guess; the sum there to a second one. From there steps
  // that double enclose the answer, and bisection finds it.
  double guess = work / std::max(limit - arrays / 2, limit / 2);
  int64_t step = 0;
  bool sawFit = false, sawMiss = false;
  int64_t middle = 0;
  while (high - low > 1) {
    if (step == 0)
      middle = guess < static_cast<double>(high) ? static_cast<int64_t>(guess)
                                                 : high;
    middle = sawFit && sawMiss ? low + (high - low) / 2
                               : std::clamp(middle, low + 1, high - 1);
    const bool fit = fits(static_cast<double>(middle));
    (fit ? high : low) = middle;
    (fit ? sawFit : sawMiss) = true;
    if (step == 0) {
      // Only what is shared out among the windows shrinks with t.
      const double fixed = arrays / 2;
      guess = static_cast<double>(middle) * std::max(sum - fixed, 1.0) /
              std::max(limit - fixed, 1.0);
      const auto next =
          static_cast<int64_t>(std::min(guess, static_cast<double>(largest)));
      step = std::max<int64_t>(1, middle / 128);
      middle = fit ? std::min(next, high - 1) : std::max(next, low + 1);
      continue;
    }
    if (!sawFit || !sawMiss) {
      middle += fit ? -step : step;
      step *= 4;
    }
  }
  return high;
}
