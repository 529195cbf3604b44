//===- ModelProblemTest.cpp - Mapping problems of a model -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/ModelProblem.h"

#include "imc/Machine/Kind.h"
#include "test/Unit/Models/Networks.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

using namespace imc;
using namespace imc::mapping;

static machine::Machine chip(int64_t rows, int64_t cols, int64_t active) {
  machine::Machine m;
  m.array.rows = rows;
  m.array.cols = cols;
  m.array.active_rows = active;
  m.cell.kind = machine::kindIndex(machine::Slot::Cell, "rram");
  m.cell.bits = 2;
  m.dac.bits = 1;
  return m;
}

TEST(ModelProblem, ReplicationHasTheTilingsOfThePlan) {
  const workload::Workload network = test::mobilenetV3Large();
  for (int64_t active : {0, 32}) {
    const machine::Machine m = chip(128, 64, active);
    Knobs knobs;
    replication::Problem p =
        replicationOf(network, m, knobs, replication::Objective::Sum);
    const Plan placed = plan(network, m, knobs);
    ASSERT_EQ(p.layers.size(), placed.products.size());
    EXPECT_EQ(p.arrays, m.arrays());
    for (size_t i = 0; i != p.layers.size(); ++i) {
      const Tiling &t = placed.products[i].tiling;
      EXPECT_EQ(p.layers[i].arrays, t.arrays());
      EXPECT_EQ(p.layers[i].time, t.turns());
      EXPECT_EQ(p.layers[i].windows,
                network.layers[placed.products[i].layer].product()->windows);
    }
  }
}

TEST(ModelProblem, TilesHoldEveryCellOnce) {
  std::mt19937_64 random(4);
  for (int trial = 0; trial != 200; ++trial) {
    const machine::Machine m =
        chip(int64_t(8 + random() % 60), int64_t(8 + random() % 60), 0);
    Knobs knobs;
    knobs.group_packing = static_cast<GroupPacking>(random() % 3);
    workload::Workload network;
    for (uint64_t n = 1 + random() % 4; n != 0; --n) {
      const auto groups = int64_t(1 + random() % 9);
      network.layers.push_back(
          {"conv", "conv2d", "",
           workload::convolution(1, groups * int64_t(1 + random() % 3), 8, 8,
                                 groups * int64_t(1 + random() % 9), 3, 3, 1, 1,
                                 groups)});
    }
    const packing::Problem p = packingOf(network, m, knobs);
    ASSERT_EQ(llvm::toString(packing::check(p)), "");
    std::map<int64_t, int64_t> cells, tiles; // by step
    for (const packing::Tile &t : p.tiles) {
      cells[t.step] += t.rows * t.cols;
      ++tiles[t.step];
    }
    for (size_t i = 0; i != network.layers.size(); ++i) {
      const workload::Product &product = *network.layers[i].product();
      const Tiling t = tile(product, m, knobs);
      EXPECT_LE(tiles[int64_t(i)], t.tiles());
      // A pack of g groups holds g x g blocks, zeros included.
      int64_t expected = 0;
      for (int64_t left = product.groups; left > 0; left -= t.groups_per_pack) {
        const int64_t g = std::min(left, t.groups_per_pack);
        expected += g * g * product.rows * product.cols * t.columns_per_weight;
      }
      EXPECT_EQ(cells[int64_t(i)], expected);
    }
  }
}
