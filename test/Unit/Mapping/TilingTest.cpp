//===- TilingTest.cpp - Crossbar counts against closed forms
//---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Mapping.h"
#include "test/Unit/Models/Networks.h"

#include <gtest/gtest.h>

using namespace imc;
using namespace imc::mapping;

static machine::Machine arrays(int64_t rows, int64_t cols, int64_t cellBits,
                               int64_t dacBits = 1) {
  machine::Machine m;
  m.array.rows = rows;
  m.array.cols = cols;
  m.cell.bits = cellBits;
  m.dac.bits = dacBits;
  return m;
}

namespace {
struct Totals {
  int64_t arrays = 0, mvms = 0;
};
} // namespace

static Totals totals(const workload::Workload &network,
                     const machine::Machine &m, const Knobs &knobs) {
  Totals sum;
  for (const workload::Layer &layer : network.layers)
    if (const workload::Product *product = layer.product()) {
      Tiling t = tile(*product, m, knobs);
      sum.arrays += t.arrays();
      sum.mvms += t.mvms(product->windows);
    }
  return sum;
}

TEST(Networks, MacsAndWeights) {
  // MACs of the structural models; weights = published parameters without
  // biases and normalisation.
  EXPECT_EQ(test::resnet18().macs(), 1814073344);
  EXPECT_EQ(test::resnet50().macs(), 4089184256);
  EXPECT_EQ(test::vgg16().macs(), 15470264320);
  EXPECT_EQ(test::alexnet().macs(), 714188480);
  EXPECT_EQ(test::mobilenetV3Large().macs(), 216589760);
  EXPECT_EQ(test::resnet18().layers.size(), 21u);
  EXPECT_EQ(test::mobilenetV3Large().layers.size(), 64u);
}

// Counts of other tools, at one cell per weight and one copy: crossbars and
// matrix-vector products (windows x row strips).
TEST(Tiling, LogicalCrossbars) {
  struct Case {
    workload::Workload network;
    int64_t size, crossbars, mvms;
  };
  const Case cases[] = {
      {test::resnet18(), 128, 727, 132500},
      {test::resnet18(), 256, 201, 74678},
      {test::resnet18(), 512, 75, 52382},
      {test::resnet50(), 128, 1576, 193664},
      {test::resnet50(), 256, 422, 112512},
      {test::resnet50(), 512, 155, 84480},
      {test::vgg16(), 128, 8454, 709780},
      {test::vgg16(), 256, 2121, 419178},
      {test::vgg16(), 512, 543, 277405},
      {test::alexnet(), 128, 3745, 28659},
      {test::alexnet(), 256, 942, 16291},
      {test::alexnet(), 512, 245, 8679},
  };
  for (const Case &c : cases) {
    Totals sum = totals(c.network, arrays(c.size, c.size, 8), Knobs());
    EXPECT_EQ(sum.arrays, c.crossbars) << c.network.name << " " << c.size;
    EXPECT_EQ(sum.mvms, c.mvms) << c.network.name << " " << c.size;
  }
}

TEST(Tiling, GroupedLayersTakenAsDense) {
  Knobs dense;
  dense.group_packing = GroupPacking::Dense;
  struct Case {
    int64_t size, crossbars, mvms;
  };
  for (const Case &c : {Case{128, 4848, 222329}, Case{256, 1260, 141548},
                        Case{512, 401, 109197}}) {
    Totals sum =
        totals(test::mobilenetV3Large(), arrays(c.size, c.size, 8), dense);
    EXPECT_EQ(sum.arrays, c.crossbars) << c.size;
    EXPECT_EQ(sum.mvms, c.mvms) << c.size;
  }
}

TEST(Tiling, SlicesMultiplyColumns) {
  // 8-bit weights on 2-bit cells: 4 columns each. Published totals at 128 x
  // 128: ResNet-18 2864, ResNet-50 6260, VGG16 33804.
  machine::Machine m = arrays(128, 128, 2);
  EXPECT_EQ(totals(test::resnet18(), m, Knobs()).arrays, 2864);
  EXPECT_EQ(totals(test::resnet50(), m, Knobs()).arrays, 6260);
  EXPECT_EQ(totals(test::vgg16(), m, Knobs()).arrays, 33804);
}

TEST(Tiling, ColumnsPerWeight) {
  struct Case {
    Encoding encoding;
    int64_t weightBits, cellBits, columns;
  };
  const Case cases[] = {
      {Encoding::Offset, 8, 1, 8},       {Encoding::Offset, 8, 2, 4},
      {Encoding::Offset, 8, 3, 3},       {Encoding::Offset, 8, 8, 1},
      {Encoding::Offset, 5, 8, 1},       {Encoding::Differential, 8, 1, 14},
      {Encoding::Differential, 8, 4, 4}, {Encoding::Differential, 2, 1, 2},
      {Encoding::Differential, 8, 7, 2}, {Encoding::TwosComplement, 8, 1, 8},
  };
  for (const Case &c : cases) {
    Knobs knobs;
    knobs.encoding = c.encoding;
    knobs.weight_bits = c.weightBits;
    EXPECT_EQ(columnsPerWeight(knobs, c.cellBits), c.columns)
        << int(c.encoding) << " " << c.weightBits << "b on " << c.cellBits;
  }
}

TEST(Tiling, LosslessBits) {
  // 128 rows of 1-bit cells and inputs sum up to 128: 8 bits. 127 rows: 7.
  EXPECT_EQ(losslessBits(128, 1, 1), 8);
  EXPECT_EQ(losslessBits(127, 1, 1), 7);
  // 256 * 3 = 768 needs 10 bits; 512 * 1 * 255 = 130560 needs 17.
  EXPECT_EQ(losslessBits(256, 1, 2), 10);
  EXPECT_EQ(losslessBits(512, 1, 8), 17);
  EXPECT_EQ(losslessBits(1, 1, 1), 1);
  EXPECT_EQ(losslessBits(8192, 8, 8), 29);
}

TEST(Tiling, Phases) {
  Knobs knobs;
  workload::Product p = workload::matmul(1, 10, 10);
  EXPECT_EQ(tile(p, arrays(64, 64, 1, 1), knobs).phases, 8);
  EXPECT_EQ(tile(p, arrays(64, 64, 1, 3), knobs).phases, 3);
  knobs.input_bits = 4;
  EXPECT_EQ(tile(p, arrays(64, 64, 1, 8), knobs).phases, 1);
}

// 960 depthwise 3 x 3 kernels: 9 rows and, with 8-bit cells, 1 column each.
TEST(Tiling, GroupPacking) {
  workload::Product depthwise =
      workload::convolution(1, 960, 7, 7, 960, 3, 3, 1, 1, 960);
  ASSERT_EQ(depthwise.rows, 9);
  machine::Machine m = arrays(128, 128, 8);
  Knobs knobs;
  Tiling single = tile(depthwise, m, knobs);
  EXPECT_EQ(single.packs, 960);
  EXPECT_EQ(single.arrays(), 960);
  EXPECT_EQ(single.mvms(49), 49 * 960);

  // floor(128 / 9) = 14 groups on the diagonal; ceil(960 / 14) = 69 arrays.
  knobs.group_packing = GroupPacking::Diagonal;
  Tiling diagonal = tile(depthwise, m, knobs);
  EXPECT_EQ(diagonal.groups_per_pack, 14);
  EXPECT_EQ(diagonal.arrays(), 69);

  // One pack of 8640 rows and 960 columns: 68 x 8 arrays.
  knobs.group_packing = GroupPacking::Dense;
  Tiling dense = tile(depthwise, m, knobs);
  EXPECT_EQ(dense.packs, 1);
  EXPECT_EQ(dense.strips, 68);
  EXPECT_EQ(dense.column_tiles, 8);

  // A group that does not fit an array falls back to one group per pack.
  machine::Machine small = arrays(8, 128, 8);
  knobs.group_packing = GroupPacking::Diagonal;
  Tiling tall = tile(depthwise, small, knobs);
  EXPECT_EQ(tall.groups_per_pack, 1);
  EXPECT_EQ(tall.strips, 2);
}

TEST(Tiling, UngroupedProductsIgnorePacking) {
  for (GroupPacking packing :
       {GroupPacking::Single, GroupPacking::Diagonal, GroupPacking::Dense}) {
    Knobs knobs;
    knobs.group_packing = packing;
    Tiling t = tile(workload::matmul(1, 300, 40), arrays(128, 128, 8), knobs);
    EXPECT_EQ(t.groups_per_pack, 1);
    EXPECT_EQ(t.strips, 3);
    EXPECT_EQ(t.column_tiles, 1);
  }
}
