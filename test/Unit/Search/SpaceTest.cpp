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
  std::vector<Knob> wrong = knobsOf({2, 3});
  wrong[0].conditions = {{1, {0}}};
  expectContains(refusal(Space::create(wrong)),
                 "knob 'k0' depends on a knob that does not stand before it");
  wrong = knobsOf({2, 3});
  wrong[1].conditions = {{0, {2}}};
  expectContains(refusal(Space::create(wrong)),
                 "depends on index 2 of 'k0', which has 2 values");
}

TEST(Space, KeysBeyond128BitsAreFingerprints) {
  EXPECT_TRUE(spaceOf(std::vector<std::int32_t>(128, 2)).hasExactKeys());
  const Space space = spaceOf(std::vector<std::int32_t>(30, 1001));
  EXPECT_FALSE(space.hasExactKeys());
  EXPECT_EQ(space.size(), UINT64_MAX);
  EXPECT_EQ(space.sizeText(), "about 10^90");
  // Neighbours, permutations and single changes all differ, in both halves.
  std::set<Key> keys;
  std::set<std::uint64_t> high, low;
  std::size_t designs = 0;
  for (std::int32_t value = 0; value < 1001; ++value)
    for (std::size_t knob = 0; knob < 30; ++knob) {
      Genome design(30, 500);
      if (value == 500 && knob > 0)
        continue;
      design[knob] = value;
      const Key key = space.encode(design);
      keys.insert(key);
      high.insert(key.hi);
      low.insert(key.lo);
      ++designs;
    }
  EXPECT_EQ(keys.size(), designs);
  EXPECT_EQ(high.size(), designs);
  EXPECT_EQ(low.size(), designs);
}

TEST(Space, ConditionalKnobsHaveNoEffectWhereTheirConditionFails) {
  // k1 needs k0 = 1 or 2, k2 needs k1 = 1 (and so k0 as well).
  std::vector<Knob> knobs = knobsOf({3, 2, 4});
  knobs[1].conditions = {{0, {1, 2}}};
  knobs[2].conditions = {{1, {1}}};
  auto space = Space::create(knobs);
  ASSERT_TRUE(space) << space.message();
  EXPECT_TRUE(space->hasCanonicalizer());
  Genome design{0, 1, 3};
  space->canonicalize(design);
  EXPECT_EQ(design, (Genome{0, 0, 0}));
  design = {1, 0, 3};
  space->canonicalize(design);
  EXPECT_EQ(design, (Genome{1, 0, 0}));
  EXPECT_TRUE(space->isCanonical({2, 1, 3}));
  std::size_t canonical = 0;
  for (std::uint64_t i = 0; i < space->size(); ++i)
    canonical += space->isCanonical(space->decode({0, i}));
  EXPECT_EQ(canonical, 1u + 2 * (1 + 4));
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
