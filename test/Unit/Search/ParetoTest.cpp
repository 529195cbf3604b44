//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Pareto.h"
#include "TestProblems.h"
#include "lib/Search/Sorting.h"

#include <cmath>
#include <limits>

using namespace imc::search;
using namespace imc::search::test;

/// n rows of m values 0 … levels − 1: few levels mean many ties.
static std::vector<double> table(std::size_t n, std::size_t m,
                                 std::uint64_t levels, std::uint64_t salt) {
  std::vector<double> rows;
  for (std::size_t i = 0; i < n * m; ++i)
    rows.push_back(double(scramble(i + salt * 1000000) % levels));
  return rows;
}

/// Straight from the definition: peel off what nothing left dominates.
static std::vector<std::uint32_t> peel(const std::vector<double> &rows,
                                       std::size_t n, std::size_t m) {
  std::vector<std::uint32_t> rank(n, UINT32_MAX);
  for (std::uint32_t front = 0;; ++front) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < n; ++i) {
      bool dominated = rank[i] != UINT32_MAX;
      for (std::size_t j = 0; j < n && !dominated; ++j)
        dominated =
            rank[j] == UINT32_MAX && dominates(&rows[j * m], &rows[i * m], m);
      if (!dominated)
        found.push_back(i);
    }
    if (found.empty())
      return rank;
    for (std::size_t i : found)
      rank[i] = front;
  }
}

TEST(Pareto, DominanceNeedsOneStrictImprovement) {
  const double a[] = {1, 2}, b[] = {1, 3}, c[] = {0, 9};
  EXPECT_TRUE(dominates(a, b, 2));
  EXPECT_FALSE(dominates(b, a, 2));
  EXPECT_FALSE(dominates(a, a, 2));
  EXPECT_FALSE(dominates(a, c, 2));
  EXPECT_FALSE(dominates(c, a, 2));
}

TEST(Pareto, BothSortsAgreeWithTheDefinition) {
  std::uint64_t salt = 0;
  for (std::size_t m = 1; m <= 5; ++m)
    for (std::size_t n : {1, 2, 3, 7, 40, 150})
      for (std::uint64_t levels : {2, 5, 30, 100000}) {
        const std::vector<double> rows = table(n, m, levels, ++salt);
        const std::vector<std::uint32_t> expected = peel(rows, n, m);
        if (m <= 3) {
          EXPECT_EQ(detail::sortByStaircases(rows.data(), n, m), expected)
              << "m=" << m << " n=" << n << " levels=" << levels;
        }
        if (m >= 2) {
          EXPECT_EQ(detail::sortByDivision(rows.data(), n, m), expected)
              << "m=" << m << " n=" << n << " levels=" << levels;
        }
        EXPECT_EQ(nonDominatedSort(rows.data(), n, m), expected);
      }
}

TEST(Pareto, BothSortsAgreeOnLargeSets) {
  for (std::size_t m : {2, 3}) {
    const std::vector<double> rows = table(20000, m, 1000, 77 + m);
    EXPECT_EQ(detail::sortByStaircases(rows.data(), 20000, m),
              detail::sortByDivision(rows.data(), 20000, m));
  }
}

// Rows of the plane x + y + z = constant are one front: a pairwise sort needs
// 6.4e9 comparisons here, minutes instead of a fraction of a second.
TEST(Pareto, SortingOneLargeFrontIsNotQuadratic) {
  std::vector<double> rows;
  const std::size_t n = 80000;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = double(scramble(i) % 1000000),
                 y = double(scramble(i + n) % 1000000);
    rows.insert(rows.end(), {x, y, 3e6 - x - y, x - y});
  }
  const std::vector<std::uint32_t> rank = nonDominatedSort(rows.data(), n, 4);
  EXPECT_EQ(*std::max_element(rank.begin(), rank.end()), 0u);
}

TEST(Pareto, EmptySetsAreNoProblem) {
  EXPECT_TRUE(nonDominatedSort(nullptr, 0, 3).empty());
  EXPECT_TRUE(nonDominatedSort(nullptr, 0, 4).empty());
  EXPECT_TRUE(crowdingDistance(nullptr, 3, {}).empty());
  EXPECT_EQ(hypervolume(nullptr, 0, 3, nullptr), 0);
}

TEST(Pareto, CrowdingSumsTheGapsBetweenNeighbours) {
  // x: 0 1 3 10, y: 10 6 5 0, each over a range of 10.
  const double rows[] = {0, 10, 1, 6, 3, 5, 10, 0};
  const std::vector<double> d = crowdingDistance(rows, 2, {0, 1, 2, 3});
  EXPECT_TRUE(std::isinf(d[0]));
  EXPECT_DOUBLE_EQ(d[1], 0.3 + 0.5);
  EXPECT_DOUBLE_EQ(d[2], 0.9 + 0.6);
  EXPECT_TRUE(std::isinf(d[3]));
  // A constant objective adds nothing.
  const double flat[] = {1, 0, 1, 4, 1, 9};
  EXPECT_DOUBLE_EQ(crowdingDistance(flat, 2, {0, 1, 2})[1], 1.0);
}

TEST(Pareto, HypervolumeOfBoxesByHand) {
  const double reference[] = {4, 4, 4};
  const double one[] = {1, 2, 3};
  EXPECT_EQ(hypervolume(one, 1, 1, reference), 3);
  EXPECT_EQ(hypervolume(one, 1, 2, reference), 3 * 2);
  EXPECT_EQ(hypervolume(one, 1, 3, reference), 3 * 2 * 1);
  // Two overlapping boxes: 6 + 6 - 4 in the plane.
  const double two[] = {1, 2, 2, 1};
  EXPECT_EQ(hypervolume(two, 2, 2, reference), 8);
  // Outside, on the border, repeated and dominated rows add nothing.
  const double more[] = {1, 2, 2, 1, 4, 0, 5, 0, 2, 1, 3, 3};
  EXPECT_EQ(hypervolume(more, 6, 2, reference), 8);
}

// Points of a 257-level grid; the expected values are moocore 0.3.2's.
TEST(Pareto, HypervolumeEqualsMoocore) {
  const struct {
    std::size_t m, n;
    double expected;
  } cases[] = {{2, 40, 0.9703521728515625},
               {3, 60, 0.8827726244926453},
               {4, 60, 0.765249653486535},
               {5, 40, 0.6980896398426921}};
  for (const auto &c : cases) {
    std::vector<double> rows;
    for (std::size_t i = 0; i < c.n; ++i)
      for (std::size_t j = 0; j < c.m; ++j)
        rows.push_back(
            double((i * 7919 + j * 104729 + i * i * 31 * (j + 1)) % 257) / 256);
    const std::vector<double> reference(c.m, 1.0);
    EXPECT_NEAR(hypervolume(rows.data(), c.n, c.m, reference.data()),
                c.expected, 1e-12)
        << "m=" << c.m;
  }
}

// Counting the cells of a small integer grid is exact and shares no code.
TEST(Pareto, HypervolumeEqualsCellCounting) {
  constexpr int size = 6;
  for (std::size_t m = 1; m <= 5; ++m)
    for (std::uint64_t salt = 0; salt < 20; ++salt) {
      const std::size_t n = 1 + salt;
      const std::vector<double> rows =
          table(n, m, size + 1, 500 + 31 * m + salt);
      std::size_t cells = 1, covered = 0;
      for (std::size_t k = 0; k < m; ++k)
        cells *= size;
      for (std::size_t cell = 0; cell < cells; ++cell) {
        double corner[5];
        std::size_t rest = cell;
        for (std::size_t k = 0; k < m; ++k, rest /= size)
          corner[k] = double(rest % size);
        for (std::size_t i = 0; i < n; ++i)
          if (covers(&rows[i * m], corner, m)) {
            ++covered;
            break;
          }
      }
      const std::vector<double> reference(m, size);
      EXPECT_DOUBLE_EQ(hypervolume(rows.data(), n, m, reference.data()),
                       double(covered))
          << "m=" << m << " salt=" << salt;
    }
}

TEST(Pareto, PortableLog2) {
  for (double x : {1.0, 2.0, 0.5, 1024.0, 0x1p-1000})
    EXPECT_EQ(portableLog2(x), std::log2(x));
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double x = std::ldexp(1.0 + double(scramble(i) >> 12) * 0x1p-52,
                                int(scramble(i + 20000) % 200) - 100);
    EXPECT_NEAR(portableLog2(x), std::log2(x),
                0x1p-50 * std::max(1.0, std::fabs(std::log2(x))));
  }
}
