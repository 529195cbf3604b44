//===- PackingTest.cpp - Tiles of several products in one array -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Packing.h"

#include "imc/Mapping/Mapping.h"
#include "test/Unit/Models/Networks.h"

#include <gtest/gtest.h>

#include <random>

using namespace imc;
using namespace imc::mapping::packing;

/// Empty if there is none.
static std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// Arrays of a solution that was verified.
static int64_t arrays(const Problem &p, llvm::StringRef algorithm) {
  EXPECT_EQ(text(check(p)), "");
  llvm::Expected<Solution> s = solve(p, algorithm);
  if (!s) {
    ADD_FAILURE() << algorithm.str() << ": " << text(s.takeError());
    return -1;
  }
  EXPECT_EQ(text(verify(p, *s)), "") << algorithm.str();
  return objective(p, *s);
}

TEST(Packing, HandWorked) {
  // Four quarters: one array if they work one after the other, two along the
  // diagonals if at once.
  Problem p{
      4, 4, {{"a", 2, 2, 0}, {"b", 2, 2, 1}, {"c", 2, 2, 2}, {"d", 2, 2, 3}}};
  EXPECT_EQ(arrays(p, "one_per_array"), 4);
  EXPECT_EQ(arrays(p, "diagonal"), 2);
  EXPECT_EQ(arrays(p, "shelf"), 1);
  EXPECT_EQ(lowerBound(p), 1);
  for (Tile &t : p.tiles)
    t.step = 0;
  EXPECT_EQ(arrays(p, "shelf"), 2);
  EXPECT_EQ(lowerBound(p), 2);
  // Two steps of two: each along its own diagonal.
  p.tiles[2].step = p.tiles[3].step = 1;
  EXPECT_EQ(arrays(p, "shelf"), 1);
}

TEST(Packing, RandomTilesVerify) {
  std::mt19937_64 random(3);
  int shelves = 0, optimal = 0;
  for (int i = 0; i != 400; ++i) {
    Problem p;
    p.rows = int64_t(1 + random() % 40);
    p.cols = int64_t(1 + random() % 40);
    const uint64_t steps = 1 + random() % 8, part = 1 + random() % 6;
    for (uint64_t n = 1 + random() % 60; n != 0; --n)
      p.tiles.push_back({"t", int64_t(1 + random() % p.rows) / int64_t(part),
                         int64_t(1 + random() % p.cols) / int64_t(part),
                         int64_t(random() % steps)});
    for (Tile &t : p.tiles) {
      t.rows = std::max<int64_t>(1, t.rows);
      t.cols = std::max<int64_t>(1, t.cols);
    }
    const int64_t alone = arrays(p, "one_per_array");
    const int64_t diagonal = arrays(p, "diagonal"), shelf = arrays(p, "shelf");
    ASSERT_EQ(alone, int64_t(p.tiles.size()));
    ASSERT_LE(diagonal, alone);
    ASSERT_LE(shelf, alone);
    ASSERT_GE(std::min(diagonal, shelf), lowerBound(p));
    shelves += shelf < diagonal;
    optimal += shelf == lowerBound(p);
  }
  EXPECT_GT(shelves, 100);
  EXPECT_GT(optimal, 100);
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

static machine::Machine chip(int64_t size) {
  machine::Machine m;
  m.array.rows = m.array.cols = size;
  m.cell.bits = 8;
  m.dac.bits = 1;
  return m;
}

/// Arrays of the grouped products of a network, one cell per weight.
static int64_t groupedArrays(const workload::Workload &network,
                             mapping::GroupPacking packing, int64_t size) {
  mapping::Knobs knobs;
  knobs.group_packing = packing;
  int64_t sum = 0;
  for (const workload::Layer &layer : network.layers)
    if (const workload::Product *p = layer.product(); p && p->groups > 1)
      sum += mapping::tile(*p, chip(size), knobs).arrays();
  return sum;
}

TEST(Packing, DepthwiseLayersOfMobileNet) {
  using mapping::GroupPacking;
  const workload::Workload network = test::mobilenetV3Large();
  const int64_t dense = groupedArrays(network, GroupPacking::Dense, 128);
  const int64_t single = groupedArrays(network, GroupPacking::Single, 128);
  const int64_t diagonal = groupedArrays(network, GroupPacking::Diagonal, 128);
  EXPECT_EQ(dense, 4416);
  EXPECT_EQ(single, 5016); // one channel each
  EXPECT_EQ(diagonal, 739);
  EXPECT_GE(dense, 3 * diagonal);
}

TEST(Packing, DiagonalAgreesWithTheTiling) {
  // The channels of one layer work at once; packed as rectangles they take the
  // arrays that the closed form of `pass.group_packing=diagonal` says.
  mapping::Knobs knobs;
  knobs.group_packing = mapping::GroupPacking::Diagonal;
  for (const workload::Layer &layer : test::mobilenetV3Large().layers) {
    const workload::Product *product = layer.product();
    if (product->groups == 1)
      continue;
    Problem p{128, 128, {}};
    p.tiles.assign(product->groups, {layer.name, product->rows, product->cols});
    EXPECT_EQ(arrays(p, "diagonal"),
              mapping::tile(*product, chip(128), knobs).arrays())
        << layer.name;
    EXPECT_EQ(arrays(p, "shelf"), arrays(p, "diagonal")) << layer.name;
  }
}

TEST(Packing, LayersShareArrays) {
  // Layer by layer: each layer is a step, and its tiles may lie beside those of
  // others.
  mapping::Knobs knobs;
  knobs.group_packing = mapping::GroupPacking::Diagonal;
  Problem p{128, 128, {}};
  int64_t step = 0;
  for (const workload::Layer &layer : test::mobilenetV3Large().layers) {
    const workload::Product *product = layer.product();
    if (product->groups > 1)
      p.tiles.insert(p.tiles.end(), product->groups,
                     {layer.name, product->rows, product->cols, step});
    ++step;
  }
  const int64_t diagonal = groupedArrays(test::mobilenetV3Large(),
                                         mapping::GroupPacking::Diagonal, 128);
  EXPECT_LE(arrays(p, "diagonal"), diagonal);
  EXPECT_EQ(arrays(p, "shelf"), 192);
  EXPECT_EQ(lowerBound(p), 188);
}

//===----------------------------------------------------------------------===//
// Input, solutions, text
//===----------------------------------------------------------------------===//

TEST(Packing, Check) {
  auto wrong = [](auto change) {
    Problem p{4, 6, {{"a", 2, 2}, {"b", 4, 6, 1}}};
    change(p);
    return text(check(p));
  };
  EXPECT_EQ(wrong([](Problem &) {}), "");
  EXPECT_EQ(wrong([](Problem &p) { p.rows = 0; }),
            "'rows' is 0, must be from 1 to 2^22");
  EXPECT_EQ(wrong([](Problem &p) { p.cols = 1 << 21; }),
            "'rows' x 'cols' is 8388608, must be at most 2^22 cells");
  EXPECT_EQ(wrong([](Problem &p) { p.tiles.clear(); }), "'tiles' is empty");
  EXPECT_EQ(wrong([](Problem &p) { p.tiles[1].cols = 7; }),
            "tiles[1] 'b' has 4 x 7 cells, must have 1 x 1 to 4 x 6; cut it "
            "into tiles that fit");
  EXPECT_EQ(wrong([](Problem &p) { p.tiles[0].rows = 0; }),
            "tiles[0] 'a' has 0 x 2 cells, must have 1 x 1 to 4 x 6; cut it "
            "into tiles that fit");
  EXPECT_EQ(wrong([](Problem &p) { p.tiles[0].step = -1; }),
            "tiles[0] 'a': 'step' is -1, must be 0 or more");
}

TEST(Packing, Verify) {
  Problem p{4, 4, {{"a", 2, 2}, {"b", 2, 2}, {"c", 2, 2, 1}}};
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 2, 2}, {0, 0, 2}}})), "");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {7, 0, 0}, {7, 2, 2}}})), "");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 2, 2}}})),
            "'positions' has 2 entries for 3 tiles");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 3, 2}, {0, 0, 2}}})),
            "tiles[1] 'b' at array 0, row 3, column 2 is not inside");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 2, 2}, {-1, 0, 2}}})),
            "tiles[2] 'c' at array -1, row 0, column 2 is not inside");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 0, 2}, {0, 2, 2}}})),
            "tiles[1] 'b' and tiles[0] 'a' share row 0 of array 0");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 2, 1}, {1, 2, 2}}})),
            "tiles[1] 'b' and tiles[0] 'a' share column 1 of array 0");
  EXPECT_EQ(text(verify(p, {{{0, 0, 0}, {0, 2, 2}, {0, 1, 2}}})),
            "tiles[2] 'c' and tiles[1] 'b' share a cell of row 2 of array 0");
}

TEST(Packing, Text) {
  Problem p{4, 6, {{"a", 2, 2}, {"b", 4, 6, 1}}};
  llvm::Expected<Problem> again = Problem::parse(toJSON(p));
  ASSERT_TRUE(bool(again)) << text(again.takeError());
  EXPECT_EQ(toJSON(*again), toJSON(p));
  Solution s{{{0, 1, 2}, {1, 0, 0}}};
  llvm::Expected<Solution> same = Solution::parse(toJSON(s));
  ASSERT_TRUE(bool(same)) << text(same.takeError());
  EXPECT_EQ(toJSON(*same), toJSON(s));
  auto wrong = [](const char *json) {
    return text(
        Problem::parse(llvm::cantFail(llvm::json::parse(json))).takeError());
  };
  EXPECT_EQ(wrong(R"({"problem": "packing", "rows": 4, "cols": 4,
                      "tiles": [{"rows": 3}]})"),
            "'tiles[0].cols' is missing");
  EXPECT_EQ(wrong(R"({"problem": "packing", "rows": 4, "cols": 4,
                      "tiles": [3]})"),
            "'tiles[0]' is no JSON object");
  EXPECT_EQ(text(solve(p, "best").takeError()),
            "unknown algorithm 'best'; there are one_per_array, diagonal, "
            "shelf");
}
