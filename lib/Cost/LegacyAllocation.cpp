//===- LegacyAllocation.cpp - Loops on the levels of a chip ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LegacyAllocation.h"

#include "Layer.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <array>
#include <tuple>

using namespace imc;
using namespace imc::cost::detail;

namespace {

enum Loop {
  Bits, ///< columns of one weight
  Channels,
  KernelRows,
  KernelCols,
  Outputs, ///< columns of the product
  Groups,
  ImageRows,
  ImageCols,
  NumLoops
};

/// Loops that are considered together; at most three.
using Bracket = llvm::SmallVector<Loop, 3>;
using Sizes = std::array<int64_t, 3>;

/// E-LEG-4 for one bracket and one capacity.
class Choice {
public:
  /// How much of each loop fits, and the mean number of places in use.
  struct Cut {
    Sizes factors{1, 1, 1};
    double use = 1;
  };

  /// What is left of the loops after some factors also says how much capacity
  /// is left: `sizes` alone is the key.
  Cut best(const Sizes &sizes, int64_t capacity) {
    Cut cut;
    if (capacity <= 1)
      return cut;
    // Whatever fits whole cannot be used better.
    double all = 1;
    for (int64_t size : sizes)
      all *= static_cast<double>(size);
    if (all <= static_cast<double>(capacity)) {
      cut.factors = sizes;
      cut.use = all;
      return cut;
    }
    const auto key = std::make_tuple(sizes[0], sizes[1], sizes[2]);
    if (auto known = cuts.find(key); known != cuts.end())
      return known->second;
    for (size_t i = 0; i != sizes.size(); ++i) {
      const int64_t size = sizes[i];
      if (size > capacity) {
        const int64_t pieces = ceilDiv(size, capacity);
        const int64_t piece = ceilDiv(size, pieces);
        const double use =
            static_cast<double>(piece * (pieces - 1) + size % piece) /
            static_cast<double>(pieces);
        if (use > cut.use) {
          cut.use = use;
          cut.factors = {1, 1, 1};
          cut.factors[i] = piece;
        }
      }
      int64_t rest = size;
      for (int64_t prime = 2; rest > 1; ++prime) {
        if (prime * prime > rest)
          prime = rest;
        if (prime > capacity)
          break;
        if (rest % prime != 0)
          continue;
        while (rest % prime == 0)
          rest /= prime;
        Sizes left = sizes;
        left[i] /= prime;
        Cut inner = best(left, capacity / prime);
        inner.use *= static_cast<double>(prime);
        inner.factors[i] *= prime;
        if (inner.use > cut.use)
          cut = inner;
      }
    }
    cuts.try_emplace(key, cut);
    return cut;
  }

private:
  llvm::DenseMap<std::tuple<int64_t, int64_t, int64_t>, Cut> cuts;
};

/// What the levels hold of each loop, and what is left for time.
struct Nest {
  std::array<int64_t, NumLoops> whole, left, held, innermost;

  explicit Nest(const std::array<int64_t, NumLoops> &sizes)
      : whole(sizes), left(sizes) {
    held.fill(1);
    innermost.fill(0);
  }

  void fill(int64_t capacity, llvm::ArrayRef<Bracket> brackets) {
    for (const Bracket &bracket : brackets) {
      Sizes sizes{1, 1, 1};
      for (size_t i = 0; i != bracket.size(); ++i)
        sizes[i] = left[bracket[i]];
      const Sizes factors = Choice().best(sizes, capacity).factors;
      for (size_t i = 0; i != bracket.size(); ++i) {
        const Loop loop = bracket[i];
        left[loop] = ceilDiv(left[loop], factors[i]);
        held[loop] *= factors[i];
        if (innermost[loop] == 0)
          innermost[loop] = factors[i];
        capacity /= factors[i];
      }
    }
  }

  /// E-LEG-6: a round writes all that the levels hold, the last of several
  /// rounds ends with its last array.
  int64_t written(Loop loop) const {
    const int64_t rounds = whole[loop] / held[loop];
    const int64_t rest = whole[loop] % held[loop];
    if (rounds == 0)
      return held[loop];
    return rounds * held[loop] +
           ceilDiv(rest, innermost[loop]) * innermost[loop];
  }
};

} // namespace

LegacyAllocation imc::cost::detail::allocate(const workload::Product &p,
                                             int64_t columnsPerWeight,
                                             const machine::Machine &machine) {
  std::array<int64_t, NumLoops> sizes;
  sizes[Bits] = columnsPerWeight;
  sizes[Channels] = p.rows / p.kernel_elements;
  sizes[KernelRows] = p.kernel_elements / p.kernel_width;
  sizes[KernelCols] = p.kernel_width;
  sizes[Outputs] = p.cols;
  sizes[Groups] = p.groups;
  sizes[ImageRows] = p.windows / p.output_width;
  sizes[ImageCols] = p.output_width;

  Nest nest(sizes);
  nest.fill(machine.array.rows, {{Channels, KernelRows, KernelCols}});
  nest.fill(machine.array.cols, {{Bits, Outputs}});
  for (int64_t level :
       {machine.hierarchy.macros_per_tile, machine.hierarchy.tiles_per_group,
        machine.hierarchy.groups})
    nest.fill(level, {{Bits},
                      {KernelRows, KernelCols},
                      {Outputs, Channels},
                      {Groups},
                      {ImageRows, ImageCols}});

  LegacyAllocation allocation;
  for (int64_t left : nest.left)
    allocation.cycles *= left;
  allocation.copies = nest.held[ImageRows] * nest.held[ImageCols];
  allocation.weights = 1;
  for (Loop loop : {Channels, KernelRows, KernelCols, Outputs, Groups})
    allocation.weights *= nest.written(loop);
  return allocation;
}
