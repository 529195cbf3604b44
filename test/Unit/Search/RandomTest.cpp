//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Random.h"
#include "TestProblems.h"

#include <set>

using namespace imc::search;
using namespace imc::search::test;

// The known answers of the generator's authors (Random123, kat_vectors).
TEST(Random, PhiloxGivesThePublishedNumbers) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                   {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                   {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, StreamsDependOnEveryCoordinate) {
  std::set<std::uint32_t> first;
  first.insert(Stream(1, 0, 0).next());
  first.insert(Stream(std::uint64_t(1) << 32, 0, 0).next());
  first.insert(Stream(1, 1, 0).next());
  first.insert(Stream(1, 0, 1).next());
  first.insert(Stream(1, 0, 0, 1).next());
  EXPECT_EQ(first.size(), 5u);
  Stream a(7, 8, 9), b(7, 8, 9);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(a.next(), b.next());
}

TEST(Random, BelowIsUniform) {
  Stream stream(11, 0, 0);
  constexpr int draws = 60000, sides = 6;
  int count[sides] = {};
  for (int i = 0; i < draws; ++i)
    ++count[stream.below(sides)];
  double chiSquared = 0;
  for (int c : count)
    chiSquared +=
        (c - draws / sides) * double(c - draws / sides) / (draws / sides);
  EXPECT_LT(chiSquared, 20.5); // 0.1 % point for 5 degrees of freedom
  EXPECT_EQ(Stream(1, 2, 3).below(1), 0u);
}

TEST(Random, PermutationVisitsEveryKeyOnce) {
  for (std::uint64_t size : {1, 2, 3, 5, 16, 17, 1000, 4097}) {
    const KeyPermutation order(/*seed=*/size, Key{0, size - 1});
    std::vector<bool> seen(size);
    std::uint64_t inPlace = 0;
    for (std::uint64_t i = 0; i < size; ++i) {
      const Key key = order.at({0, i});
      ASSERT_EQ(key.hi, 0u);
      ASSERT_LT(key.lo, size);
      EXPECT_FALSE(seen[key.lo]);
      seen[key.lo] = true;
      inPlace += key.lo == i;
    }
    if (size >= 1000) {
      EXPECT_LT(inPlace, 10u); // 1 expected
    }
  }
}

TEST(Random, PermutationsOf128BitKeysDoNotCollide) {
  for (Key last : {Key{~std::uint64_t(0), ~std::uint64_t(0)}, Key{3, 5},
                   Key{0x12345, 99}}) {
    const KeyPermutation order(3, last);
    std::set<Key> seen;
    bool large = false;
    for (std::uint64_t i = 0; i < 2000; ++i) {
      const Key key = order.at({0, i});
      EXPECT_FALSE(last < key);
      EXPECT_TRUE(seen.insert(key).second);
      large = large || key.hi != 0;
    }
    EXPECT_TRUE(large);
  }
}

TEST(Random, SeedsGiveDifferentOrders) {
  const KeyPermutation a(1, {0, 999}), b(2, {0, 999});
  int equal = 0;
  for (std::uint64_t i = 0; i < 1000; ++i)
    equal += a.at({0, i}) == b.at({0, i});
  EXPECT_LT(equal, 10);
}
