//===- KeySet.h - Designs seen so far ---------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A grow-only set of keys with open addressing: 16 bytes per slot, one cache
// line per look-up as a rule. std::unordered_set allocates per element, which
// alone would be a tenth of the driver's time per design.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_LIB_SEARCH_KEYSET_H
#define IMC_LIB_SEARCH_KEYSET_H

#include "imc/Search/Space.h"

namespace imc::search {

class KeySet {
public:
  KeySet() : slots(64, empty()) {}

  std::size_t size() const { return count + hasEmpty; }

  /// True if the key was not in the set before.
  bool insert(Key key) {
    // The marker of a free slot is itself a legal key; it is remembered apart.
    if (key == empty()) {
      const bool isNew = !hasEmpty;
      hasEmpty = true;
      return isNew;
    }
    if (2 * (count + 1) > slots.size())
      grow();
    Key &slot = find(key);
    if (slot == key)
      return false;
    slot = key;
    ++count;
    return true;
  }

  void clear() { *this = KeySet(); }

private:
  static Key empty() { return {~std::uint64_t(0), ~std::uint64_t(0)}; }

  static std::uint64_t hash(Key key) {
    std::uint64_t x = key.lo ^ (key.hi * 0x9E3779B97F4A7C15u);
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 32;
    x *= 0x94D049BB133111EBu;
    return x ^ x >> 29;
  }

  /// The slot that holds the key, or the free one where it belongs.
  Key &find(Key key) {
    const std::size_t mask = slots.size() - 1;
    std::size_t i = hash(key) & mask;
    while (slots[i] != key && slots[i] != empty())
      i = (i + 1) & mask;
    return slots[i];
  }

  void grow() {
    std::vector<Key> old(slots.size() * 2, empty());
    old.swap(slots);
    for (Key key : old)
      if (key != empty())
        find(key) = key;
  }

  std::vector<Key> slots;
  std::size_t count = 0;
  bool hasEmpty = false;
};

} // namespace imc::search

#endif // IMC_LIB_SEARCH_KEYSET_H
