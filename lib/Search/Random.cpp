//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Random.h"

using namespace imc::search;

std::array<std::uint32_t, 4>
imc::search::philox(std::array<std::uint32_t, 4> c,
                    std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(c[0]) * 0xD2511F53u;
    const std::uint64_t b = std::uint64_t(c[2]) * 0xCD9E8D57u;
    c = {std::uint32_t(b >> 32) ^ c[1] ^ k[0], std::uint32_t(b),
         std::uint32_t(a >> 32) ^ c[3] ^ k[1], std::uint32_t(a)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

/// Mixes 64 bits so that each input bit flips half of the output bits (the
/// finalizer of SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
static std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9u;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

static unsigned bitLength(std::uint64_t x) {
  unsigned bits = 0;
  for (; x; x >>= 1)
    ++bits;
  return bits;
}

KeyPermutation::KeyPermutation(std::uint64_t seed, Key last) : last(last) {
  const unsigned bits = last.hi ? 64 + bitLength(last.hi) : bitLength(last.lo);
  halfBits = bits < 2 ? 1 : (bits + 1) / 2;
  mask =
      halfBits == 64 ? ~std::uint64_t(0) : (std::uint64_t(1) << halfBits) - 1;
  // The purpose (last word) keeps these numbers apart from those of any Stream.
  Stream stream(seed, 0, 0, 0x5045524Du);
  for (std::uint64_t &key : roundKeys) {
    key = std::uint64_t(stream.next()) << 32;
    key |= stream.next();
  }
}

Key KeyPermutation::at(Key index) const {
  assert(!(last < index) && "position beyond the last key");
  const unsigned h = halfBits;
  do {
    std::uint64_t left =
        h == 64 ? index.hi : index.lo >> h | index.hi << (64 - h);
    std::uint64_t right = index.lo & mask;
    left &= mask;
    for (std::uint64_t key : roundKeys) {
      const std::uint64_t next = left ^ (mix(right + key) & mask);
      left = right;
      right = next;
    }
    if (h == 64)
      index = {left, right};
    else
      index = {left >> (64 - h), left << h | right};
  } while (last < index);
  return index;
}
