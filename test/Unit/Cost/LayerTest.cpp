//===- LayerTest.cpp - Counts and times of layers, worked by hand
//----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

using namespace imc;
using namespace imc::cost;

/// 128 x 128 arrays of 2-bit cells, 4 per tile, 1-bit inputs, 32-bit sums.
static machine::Machine chip() {
  machine::Machine m = test::shipped("rram-32nm");
  m.array.rows = m.array.cols = 128;
  m.hierarchy = {4, 4, 4};
  m.adc.share = 16;
  return m;
}

static Counts count(const workload::Product &p, const machine::Machine &m,
                    const mapping::Knobs &k, int64_t copies = 1,
                    int64_t rounds = 0) {
  workload::Layer layer{"l", "conv2d", "", p};
  return actions(layer, mapping::tile(p, m, k), copies, rounds, m, k);
}

TEST(Counts, OneArray) {
  // 10 windows, 100 rows, 30 weights of 4 columns = 120 columns: 1 array.
  Counts c = count(workload::matmul(10, 100, 30), chip(), {});
  EXPECT_EQ(c.row_drives, 10 * 8 * 100);
  EXPECT_EQ(c.cell_reads, 10 * 8 * 100 * 120);
  EXPECT_EQ(c.idle_reads, 0);
  EXPECT_EQ(c.conversions, 10 * 8 * 120);
  EXPECT_EQ(c.strip_adds, 0);
  EXPECT_EQ(c.serial_phases, 80);
  EXPECT_EQ(c.phase_columns, 16);
  EXPECT_EQ(c.global_reads, 10 * 100 * 8);
  EXPECT_EQ(c.global_writes, 10 * 30 * 8);
  EXPECT_EQ(c.tile_writes, 10 * 100 * 8 + 10 * 30 * 32);
  EXPECT_EQ(c.tile_reads, 10 * 100 * 8 + 10 * 30 * 32);
  EXPECT_EQ(c.noc_bits, 10 * 100 * 8 + 10 * 30 * 8);
  EXPECT_EQ(c.spill_bits, 0);
  EXPECT_EQ(c.reload_bits + c.cell_writes + c.row_writes, 0);
  EXPECT_EQ(c.arrays, 1);
  EXPECT_EQ(c.tiles, 1);
  EXPECT_EQ(c.groups, 1);
}

TEST(Counts, StripsAndColumnTiles) {
  // 300 rows: 3 strips. 100 weights x 4 = 400 columns: 4 tiles across; with 4
  // macros per tile a strip fills one tile and 3 tiles stack up.
  machine::Machine m = chip();
  Counts c = count(workload::matmul(1, 300, 100), m, {});
  EXPECT_EQ(c.row_drives, 8 * 300 * 4);
  EXPECT_EQ(c.conversions, 8 * 3 * 400);
  EXPECT_EQ(c.strip_adds, 100 * 2);
  EXPECT_EQ(c.arrays, 12);
  EXPECT_EQ(c.tiles, 3);
  EXPECT_EQ(c.noc_bits, 300 * 8 + 100 * 8 + 2 * 100 * 32);
  // 2 macros per tile: a strip spreads over 2 tiles, inputs go to both.
  m.hierarchy.macros_per_tile = 2;
  c = count(workload::matmul(1, 300, 100), m, {});
  EXPECT_EQ(c.tiles, 6);
  EXPECT_EQ(c.groups, 2);
  EXPECT_EQ(c.tile_writes, 300 * 8 * 2 + 3 * 100 * 32);
  EXPECT_EQ(c.noc_bits, 2 * 300 * 8 + 100 * 8 + 2 * 100 * 32);
}

TEST(Counts, CopiesShareWindows) {
  // 10 windows over 3 copies: the busiest has 4.
  Counts one = count(workload::matmul(10, 100, 30), chip(), {});
  Counts three = count(workload::matmul(10, 100, 30), chip(), {}, 3);
  EXPECT_EQ(three.serial_phases, 4 * 8);
  EXPECT_EQ(three.conversions, one.conversions);
  EXPECT_EQ(three.arrays, 3);
}

TEST(Counts, DiagonalPackingReadsEmptyCells) {
  // 28 groups of 9 x 4 columns: 14 groups per 128-row array, 2 packs. Each row
  // crosses 56 columns, 4 of them its own.
  mapping::Knobs knobs;
  knobs.group_packing = mapping::GroupPacking::Diagonal;
  workload::Product p = workload::convolution(1, 28, 5, 5, 28, 3, 3, 1, 1, 28);
  Counts c = count(p, chip(), knobs);
  EXPECT_EQ(c.row_drives, 25 * 8 * 28 * 9);
  EXPECT_EQ(c.cell_reads, 25 * 8 * 28 * 9 * 4);
  EXPECT_EQ(c.idle_reads, 25 * 8 * 28 * 9 * (56 - 4));
  EXPECT_EQ(c.conversions, 25 * 8 * 28 * 4);
  EXPECT_EQ(c.arrays, 2);
}

TEST(Counts, ReloadOfVolatileCells) {
  // 12 arrays on a chip of 8: 2 rounds. 30000 weights x 8 bits fetched; 4
  // columns each written once. The first tile is full in both rounds: 8 x 128
  // rows one after the other.
  machine::Machine m = chip();
  m.hierarchy = {1, 2, 4};
  Counts c = count(workload::matmul(5, 300, 100), m, {}, 1, 2);
  EXPECT_EQ(c.reload_bits, 30000 * 8);
  EXPECT_EQ(c.cell_writes, 30000 * 4);
  EXPECT_EQ(c.row_writes, 8 * 128);
  EXPECT_EQ(c.serial_phases, 5 * 8 * 2);
  EXPECT_EQ(c.arrays, 8);
}

TEST(Counts, SpillOfTheGlobalBuffer) {
  // 1/128 MiB = 65536 bits; 1000 x 100 inputs and 1000 x 10 outputs of 8 bits.
  machine::Machine m = chip();
  m.global_buffer.size_mib = 0.0078125;
  Counts c = count(workload::matmul(1000, 100, 10), m, {});
  EXPECT_EQ(c.spill_bits, (100000 + 10000) * 8 - 65536);
}

TEST(Counts, DigitalAndDynamic) {
  machine::Machine m = chip();
  mapping::Tiling none;
  workload::Layer relu{"r", "relu", "", workload::Digital{500, 400, 300}};
  Counts c = actions(relu, none, 1, 0, m, {});
  EXPECT_EQ(c.operations, 500);
  EXPECT_EQ(c.tile_reads, 3200);
  EXPECT_EQ(c.tile_writes, 2400);
  EXPECT_EQ(c.conversions + c.global_reads + c.serial_phases, 0);
  EXPECT_EQ(c.tiles, 16);
  workload::Layer attention{"a", "batch_matmul", "",
                            workload::DynamicProduct{9000, 200, 100}};
  c = actions(attention, none, 1, 0, m, {});
  EXPECT_EQ(c.macs, 9000);
  EXPECT_EQ(c.global_reads, 1600);
  EXPECT_EQ(c.global_writes, 800);
}

/// Prices that make each term readable.
static Prices unitPrices() {
  Prices p{};
  p.cycle = 1;
  p.read_cycles = 5;
  return p;
}

TEST(Time, ReadAndConversionOverlap) {
  // 80 phases of max(5 cycles read, 16 conversions), and the first read.
  Prices p = unitPrices();
  Counts c;
  c.serial_phases = 80;
  c.phase_columns = 16;
  LayerCost cost;
  priceLayer(c, p, cost);
  EXPECT_EQ(cost.latency_s, 80 * 16 + 5);
  EXPECT_EQ(cost.bound_by, Time::Compute);
  c.phase_columns = 2; // the read is longer
  priceLayer(c, p, cost);
  EXPECT_EQ(cost.latency_s, 80 * 5 + 2);
}

TEST(Time, SlowestStreamBounds) {
  struct Case {
    Time bound;
    void (*set)(Counts &, Prices &);
    double seconds;
  };
  const Case cases[] = {
      {Time::TileBuffer,
       [](Counts &c, Prices &p) {
         c.tile_reads = 3000;
         c.tile_writes = 1000;
         c.tiles = 2;
         p.tile_bit = 1;
       },
       2000},
      {Time::GlobalBuffer,
       [](Counts &c, Prices &p) {
         c.global_reads = 2000;
         c.global_writes = 500;
         p.global_bit = 1;
       },
       2500},
      {Time::Noc,
       [](Counts &c, Prices &p) {
         c.noc_bits = 9000;
         c.groups = 3;
         p.noc_bit_time = 1;
         p.noc_links = 5; // a mesh: as many as there are groups
         p.noc_hops = 7;
       },
       3007},
      {Time::Noc,
       [](Counts &c, Prices &p) {
         c.noc_bits = 9000;
         c.groups = 3;
         p.noc_bit_time = 1;
         p.noc_links = 1; // a bus
         p.noc_hops = 7;
       },
       9007},
      {Time::Memory,
       [](Counts &c, Prices &p) {
         c.spill_bits = 4000;
         p.memory_bit_time = 1;
       },
       4000},
      {Time::Digital,
       [](Counts &c, Prices &p) {
         c.operations = 3000;
         c.macs = 2000;
         p.lane_operation = 1;
       },
       5000},
  };
  for (const Case &test : cases) {
    Prices p = unitPrices();
    Counts c;
    c.serial_phases = 100; // 100 x 10 + 5: always less
    c.phase_columns = 10;
    test.set(c, p);
    LayerCost cost;
    priceLayer(c, p, cost);
    EXPECT_EQ(cost.bound_by, test.bound) << name(test.bound);
    EXPECT_EQ(cost.latency_s, test.seconds) << name(test.bound);
    EXPECT_EQ(cost.latency_by_s[size_t(test.bound)], test.seconds);
    EXPECT_EQ(cost.latency_by_s[size_t(Time::Compute)], 0);
  }
}

TEST(Time, WritingComesBeforeComputing) {
  Prices p = unitPrices();
  p.memory_bit_time = 1;
  p.row_write = 10;
  Counts c;
  c.serial_phases = 10;
  c.phase_columns = 10;
  c.reload_bits = 500;
  c.row_writes = 20; // 200 s: hidden behind the fetch
  LayerCost cost;
  priceLayer(c, p, cost);
  EXPECT_EQ(cost.latency_s, 105 + 500);
  EXPECT_EQ(cost.latency_by_s[size_t(Time::Memory)], 500);
  EXPECT_EQ(cost.bound_by, Time::Memory);
  c.row_writes = 70; // 700 s
  priceLayer(c, p, cost);
  EXPECT_EQ(cost.latency_s, 105 + 700);
  EXPECT_EQ(cost.latency_by_s[size_t(Time::Programming)], 700);
}

TEST(EnergyTerms, EachCountHasItsPrice) {
  Prices p = unitPrices();
  p.row_drive = 2;
  p.cell_read = 3;
  p.idle_read = 5;
  p.conversion = 7;
  p.shift_add = p.strip_add = 11;
  p.tile_read_bit = 13;
  p.tile_write_bit = 17;
  p.global_read_bit = 19;
  p.global_write_bit = 23;
  p.noc_bit = 29;
  p.memory_bit = 31;
  p.cell_write = 37;
  p.operation = 41;
  p.mac = 43;
  p.leakage_w = 47;
  p.array_leakage_w = 53;
  Counts c;
  c.row_drives = c.cell_reads = c.idle_reads = c.conversions = 1;
  c.strip_adds = c.tile_reads = c.tile_writes = 1;
  c.global_reads = c.global_writes = c.noc_bits = 1;
  c.spill_bits = c.reload_bits = c.cell_writes = 1;
  c.operations = c.macs = 1;
  c.serial_phases = 1;
  c.phase_columns = 10; // 15 s
  c.arrays = 2;
  LayerCost cost;
  priceLayer(c, p, cost);
  const std::array<double, numEnergies> expected = {3 + 5,
                                                    2,
                                                    7,
                                                    2 * 11,
                                                    13 + 17,
                                                    19 + 23,
                                                    29,
                                                    2 * 31,
                                                    37,
                                                    41 + 43,
                                                    47 * 15 + 2 * 53 * 15.0};
  EXPECT_EQ(cost.energy_j, expected);
  double sum = 0;
  for (double e : expected)
    sum += e;
  EXPECT_EQ(cost.total_energy_j, sum);
}

TEST(EnergyTerms, WaitingConvertersAreGated) {
  Prices p = unitPrices();
  p.leakage_w = 1;
  p.array_leakage_w = 1;
  p.tile_bit = 1;
  Counts c;
  c.serial_phases = 1;
  c.phase_columns = 10; // 15 s of computing
  c.arrays = 1;
  c.tile_reads = 1000; // 1000 s of waiting
  LayerCost cost;
  priceLayer(c, p, cost);
  EXPECT_EQ(cost.energy_j[size_t(Energy::Leakage)], 1000 + 15);
}
