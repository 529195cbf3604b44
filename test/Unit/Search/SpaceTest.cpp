//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Space.h"
#include "TestProblems.h"

#include <set>

using namespace imc::search;
using namespace imc::search::test;

TEST(Space, KeysCountThroughTheSpaceLastKnobFastest) {
  const Space space = spaceOf({3, 1, 4, 2});
  EXPECT_EQ(space.size(), 24u);
  EXPECT_EQ(space.sizeText(), "24");
  EXPECT_EQ(space.decode({0, 1}), (Genome{0, 0, 0, 1}));
  EXPECT_EQ(space.decode({0, 2}), (Genome{0, 0, 1, 0}));
  EXPECT_EQ(space.decode(space.lastKey()), (Genome{2, 0, 3, 1}));
  for (std::uint64_t i = 0; i < 24; ++i)
    EXPECT_EQ(space.encode(space.decode({0, i})), (Key{0, i}));
}

TEST(Space, KeysAreExactBeyond64Bits) {
  // 40 knobs of 9 values: 9^40 is about 1.5e38, just below 2^127.
  const Space space = spaceOf(std::vector<std::int32_t>(40, 9));
  EXPECT_EQ(space.size(), UINT64_MAX);
  EXPECT_EQ(space.sizeText(), "about 10^38");
  EXPECT_NE(space.lastKey().hi, 0u);
  Genome design(40);
  for (std::uint64_t trial = 0; trial < 1000; ++trial) {
    for (std::size_t i = 0; i < 40; ++i)
      design[i] = std::int32_t(scramble(trial * 100 + i) % 9);
    const Key key = space.encode(design);
    EXPECT_FALSE(space.lastKey() < key);
    EXPECT_EQ(space.decode(key), design);
  }
  EXPECT_EQ(space.encode(Genome(40, 8)), space.lastKey());
  // The successor of a key is the next combination, across the 64-bit border.
  EXPECT_EQ((Key{3, ~std::uint64_t(0)}.next()), (Key{4, 0}));
}

TEST(Space, HoldsExactlyTwoToThe128) {
  const Space space = spaceOf(std::vector<std::int32_t>(128, 2));
  EXPECT_EQ(space.lastKey(), (Key{~std::uint64_t(0), ~std::uint64_t(0)}));
  EXPECT_EQ(space.lastKey().str(), "ffffffffffffffffffffffffffffffff");
  EXPECT_EQ((Key{0, 255}.str()), "000000000000000000000000000000ff");
}

TEST(Space, RefusesWhatCannotBeSearched) {
  expectContains(refusal(Space::create({})), "search space is empty");
  const std::string noValues =
      refusal(Space::create({{"rows", 4}, {"vdd", 0}}));
  expectContains(noValues, "knob 'vdd' has 0 values");
  expectContains(refusal(Space::create({{"rows", 4}, {"rows", 2}})),
                 "knob 'rows' is listed twice");
  std::vector<Knob> many = knobsOf(std::vector<std::int32_t>(129, 2));
  const std::string tooMany = refusal(Space::create(many));
  expectContains(tooMany, "more than 2^128 designs");
  expectContains(tooMany, "'k128'");
}

TEST(Space, ContainsOnlyItsDesigns) {
  const Space space = spaceOf({3, 4});
  EXPECT_TRUE(space.contains({2, 3}));
  EXPECT_FALSE(space.contains({3, 3}));
  EXPECT_FALSE(space.contains({2, -1}));
  EXPECT_FALSE(space.contains({2}));
  EXPECT_FALSE(space.contains({2, 3, 0}));
  EXPECT_EQ(space.describe({2, 3}), "k0=2, k1=3");
}

TEST(Space, InactiveKnobsTakeTheirCanonicalIndex) {
  // Knob 1 matters only if knob 0 has index 1.
  const Space space = spaceOf({2, 5}, [](Genome &design) {
    if (design[0] != 1)
      design[1] = 0;
  });
  Genome design{0, 3};
  EXPECT_FALSE(space.isCanonical(design));
  space.canonicalize(design);
  EXPECT_EQ(design, (Genome{0, 0}));
  EXPECT_TRUE(space.isCanonical(design));
  EXPECT_TRUE(space.isCanonical({1, 3}));
}

TEST(Space, RefusesABrokenCanonicalizer) {
  expectContains(refusal(Space::create(knobsOf({3, 3}),
                                       [](Genome &design) { design[1] = 3; })),
                 "which leaves the space");
  expectContains(refusal(Space::create(
                     knobsOf({3, 3}),
                     [](Genome &design) { design[0] = (design[0] + 1) % 3; })),
                 "changes when canonicalized again");
}
