//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Archive.h"
#include "TestProblems.h"
#include "imc/Search/Pareto.h"

using namespace imc::search;
using namespace imc::search::test;

static std::vector<ArchivedDesign> randomDesigns(std::size_t n, std::size_t m,
                                                 std::uint64_t levels) {
  std::vector<ArchivedDesign> designs;
  for (std::size_t i = 0; i < n; ++i) {
    ArchivedDesign design{{std::int32_t(i)}, {0, i}, {}};
    for (std::size_t j = 0; j < m; ++j)
      design.objectives.push_back(
          double(scramble(i * 10 + j + levels * 7919) % levels));
    designs.push_back(design);
  }
  return designs;
}

static Archive archiveOf(const std::vector<ArchivedDesign> &designs,
                         std::size_t m) {
  Archive archive(m);
  for (const ArchivedDesign &d : designs)
    archive.insert(d.design, d.key, d.objectives);
  return archive;
}

TEST(Archive, KeepsExactlyTheNonDominatedDesigns) {
  for (std::size_t m = 1; m <= 4; ++m)
    for (std::uint64_t levels : {3, 20, 1000, 1000000}) {
      const std::vector<ArchivedDesign> all = randomDesigns(600, m, levels);
      std::vector<ArchivedDesign> expected;
      for (const ArchivedDesign &a : all) {
        bool kept = true;
        for (const ArchivedDesign &b : all)
          if (covers(b.objectives.data(), a.objectives.data(), m) &&
              (a.objectives != b.objectives || b.key < a.key))
            kept = false;
        if (kept)
          expected.push_back(a);
      }
      std::sort(expected.begin(), expected.end(),
                [](const ArchivedDesign &a, const ArchivedDesign &b) {
                  return a.objectives < b.objectives;
                });
      const Archive archive = archiveOf(all, m);
      EXPECT_EQ(archive.size(), expected.size());
      EXPECT_TRUE(archive.front() == expected) << "m=" << m << " " << levels;
    }
}

TEST(Archive, DoesNotDependOnTheOrder) {
  std::vector<ArchivedDesign> all = randomDesigns(2000, 3, 40);
  const Archive forward = archiveOf(all, 3);
  std::reverse(all.begin(), all.end());
  EXPECT_TRUE(archiveOf(all, 3).front() == forward.front());

  // Shards merge to the same archive, whichever goes first.
  const std::vector<ArchivedDesign> a(all.begin(), all.begin() + 700),
      b(all.begin() + 700, all.end());
  Archive ab = archiveOf(a, 3), ba = archiveOf(b, 3);
  ab.merge(archiveOf(b, 3));
  ba.merge(archiveOf(a, 3));
  EXPECT_TRUE(ab.front() == forward.front());
  EXPECT_TRUE(ba.front() == forward.front());
}

TEST(Archive, OfEqualObjectivesTheSmallestKeyStays) {
  Archive archive(2);
  EXPECT_TRUE(archive.insert({5}, {0, 5}, {1, 1}));
  EXPECT_FALSE(archive.insert({7}, {0, 7}, {1, 1}));
  EXPECT_TRUE(archive.insert({2}, {0, 2}, {1, 1}));
  EXPECT_TRUE(archive.insert({9}, {0, 9}, {0, 2}));
  EXPECT_FALSE(archive.insert({8}, {0, 8}, {1, 3}));
  ASSERT_EQ(archive.size(), 2u);
  EXPECT_EQ(archive.front()[1].design, (Genome{2}));
}

TEST(Archive, OneDesignCanReplaceAll) {
  Archive archive(3);
  for (int i = 0; i < 5000; ++i) // one large front
    archive.insert({i}, {0, std::uint64_t(i)},
                   {double(i), double(5000 - i), double(scramble(i) % 100)});
  EXPECT_EQ(archive.size(), 5000u);
  EXPECT_TRUE(archive.insert({-1}, {0, 6000}, {-1, -1, -1}));
  EXPECT_EQ(archive.size(), 1u);
  EXPECT_EQ(archive.ideal(), (std::vector<double>{-1, -1, -1}));
}

// A list would need 5e9 comparisons for this front; the tree takes well under a
// second.
TEST(Archive, HoldsLargeFronts) {
  Archive archive(3);
  for (std::uint64_t i = 0; i < 100000; ++i) {
    const double x = double(scramble(i) % 1000003),
                 y = double(scramble(~i) % 1000003);
    archive.insert({std::int32_t(i)}, {0, i}, {x, y, 3e6 - x - y});
  }
  EXPECT_EQ(archive.size(), 100000u);
}

TEST(Archive, HypervolumeInAScale) {
  Archive archive(2);
  EXPECT_EQ(archive.hypervolume({{1, 1}, {2, 2}, false}), 0);
  archive.insert({0}, {0, 0}, {1, 100});
  archive.insert({1}, {0, 1}, {10, 10});
  archive.insert({2}, {0, 2}, {100, 1});
  EXPECT_EQ(archive.nadir(), (std::vector<double>{100, 100}));
  // In logarithms: (0, 1), (0.5, 0.5), (1, 0) against (1.1, 1.1).
  EXPECT_NEAR(archive.hypervolume({{1, 1}, {100, 100}, true}),
              1.1 * 0.1 + 0.6 * 0.5 + 0.1 * 0.5, 1e-12);
  // Linear: (0, 99), (9, 9), (99, 0), each over 99.
  EXPECT_NEAR(archive.hypervolume({{1, 1}, {100, 100}, false}),
              1.1 * 0.1 + (1.1 - 9 / 99.0) * (1 - 9 / 99.0) + 0.1 * 9 / 99.0,
              1e-12);
  // A span of zero counts as one.
  EXPECT_NEAR(archive.hypervolume({{1, 1}, {1, 100}, false}), 1.1 * 0.1, 1e-12);
}
