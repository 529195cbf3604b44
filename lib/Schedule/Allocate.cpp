//===- Allocate.cpp - Tensors in a buffer by lifetime ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Schedule/Allocate.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace imc::schedule;

int64_t imc::schedule::peakOfSteps(llvm::ArrayRef<Lifetime> lifetimes) {
  std::vector<std::pair<int64_t, int64_t>> changes; // (step, bits)
  for (const Lifetime &l : lifetimes) {
    changes.push_back({l.first, l.size});
    changes.push_back({l.last + 1, -l.size});
  }
  // At equal steps what ends goes first: negative changes sort before.
  llvm::sort(changes);
  int64_t now = 0, peak = 0;
  for (auto [step, bits] : changes)
    peak = std::max(peak, now += bits);
  return peak;
}

static Memory firstFit(llvm::ArrayRef<Lifetime> lifetimes, int64_t capacity,
                       llvm::ArrayRef<size_t> order) {
  Memory memory;
  memory.offsets.assign(lifetimes.size(), 0);
  std::vector<size_t> placed; // by offset
  for (size_t i : order) {
    const Lifetime &l = lifetimes[i];
    if (l.size == 0)
      continue;
    int64_t offset = 0;
    for (size_t other : placed) {
      const Lifetime &o = lifetimes[other];
      if (o.last < l.first || o.first > l.last)
        continue;
      if (offset + l.size <= memory.offsets[other])
        break; // the gap before this one is large enough
      offset = std::max(offset, memory.offsets[other] + o.size);
    }
    if (l.size > capacity || offset > capacity - l.size) {
      memory.offsets[i] = Memory::outside;
      memory.outside_bits += l.size;
      continue;
    }
    memory.offsets[i] = offset;
    memory.peak = std::max(memory.peak, offset + l.size);
    placed.insert(llvm::upper_bound(placed, offset,
                                    [&](int64_t value, size_t index) {
                                      return value < memory.offsets[index];
                                    }),
                  i);
  }
  return memory;
}

Memory imc::schedule::allocate(llvm::ArrayRef<Lifetime> lifetimes,
                               int64_t capacity) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0);
  Memory best = firstFit(lifetimes, capacity, order);
  auto attempt = [&](auto key) {
    llvm::sort(order, [&](size_t a, size_t b) {
      return std::pair(key(lifetimes[a]), a) < std::pair(key(lifetimes[b]), b);
    });
    Memory memory = firstFit(lifetimes, capacity, order);
    if (std::tie(memory.outside_bits, memory.peak) <
        std::tie(best.outside_bits, best.peak))
      best = std::move(memory);
  };
  attempt([](const Lifetime &l) { return -l.size; });
  attempt([](const Lifetime &l) {
    return -static_cast<double>(l.size) *
           static_cast<double>(l.last - l.first + 1);
  });
  attempt([](const Lifetime &l) { return l.first; });
  attempt([](const Lifetime &l) { return l.first - l.last; });
  return best;
}
