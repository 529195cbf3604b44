//===- Random.h - Reproducible random numbers -------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random numbers are a function of (seed, generation, individual, position) and
// not of how many numbers somebody else drew before, so that no schedule,
// thread count or resumed run can shift them. The generator is Philox4x32-10
// (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC
// 2011). The distributions are our own because the standard ones differ between
// libraries.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_RANDOM_H
#define IMC_SEARCH_RANDOM_H

#include "imc/Search/Space.h"

#include <array>

namespace imc::search {

/// The Philox4x32-10 block function: 128 random bits per counter value.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// The random numbers that belong to one individual of one generation.
/// `purpose` separates unrelated uses of the same coordinates.
class Stream {
public:
  Stream(std::uint64_t seed, std::uint32_t generation, std::uint32_t individual,
         std::uint32_t purpose = 0)
      : key{std::uint32_t(seed), std::uint32_t(seed >> 32)},
        counter{0, individual, generation, purpose} {}

  /// 32 uniform bits.
  std::uint32_t next() {
    if (used == 4) {
      block = philox(counter, key);
      ++counter[0];
      used = 0;
    }
    return block[used++];
  }

  /// Uniform in [0, n), without bias (Lemire, ACM TOMACS 29(1), 2019); n > 0.
  std::uint32_t below(std::uint32_t n) {
    std::uint64_t product = std::uint64_t(next()) * n;
    if (std::uint32_t(product) < n) {
      const std::uint32_t threshold = (0u - n) % n;
      while (std::uint32_t(product) < threshold)
        product = std::uint64_t(next()) * n;
    }
    return std::uint32_t(product >> 32);
  }

  /// Uniform in [0, 1), a multiple of 2^-32.
  double unit() { return next() * 0x1p-32; }
  /// True with probability p.
  bool chance(double p) { return unit() < p; }

private:
  std::array<std::uint32_t, 2> key;
  std::array<std::uint32_t, 4> counter;
  std::array<std::uint32_t, 4> block{};
  unsigned used = 4;
};

/// A pseudo-random order of the keys 0 … last, each exactly once, without
/// memory: a Feistel network over the next even number of bits, walked on until
/// it falls inside (Black, Rogaway: Ciphers with arbitrary finite domains;
/// CT-RSA 2002). at() takes below four network passes on average.
class KeyPermutation {
public:
  KeyPermutation(std::uint64_t seed, Key last);
  /// The key at position `index`, 0 <= index <= last.
  Key at(Key index) const;

private:
  Key last;
  unsigned halfBits;
  std::uint64_t mask;
  std::array<std::uint64_t, 8> roundKeys;
};

} // namespace imc::search

#endif // IMC_SEARCH_RANDOM_H
