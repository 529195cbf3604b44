//===- KnobsMatterTest.cpp - No dead knobs
//----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

using namespace imc;
using namespace imc::cost;

static Cost priced(const machine::Machine &m,
                   const mapping::Knobs &knobs = {}) {
  return evaluate(test::networks(), m, knobs);
}

/// What a change of a knob moves, as letters: E(nergy), L(atency), A(rea),
/// V(iolations), S(qnr).
static std::string moved(const Cost &a, const Cost &b) {
  bool e = false, l = false, s = false;
  for (size_t i = 0; i < a.models.size(); ++i) {
    e |= a.models[i].energy_j != b.models[i].energy_j;
    l |= a.models[i].latency_s != b.models[i].latency_s;
    s |= a.models[i].sqnr_db != b.models[i].sqnr_db;
  }
  std::string text;
  if (e)
    text += 'E';
  if (l)
    text += 'L';
  if (a.area_mm2 != b.area_mm2)
    text += 'A';
  if (a.violations.size() != b.violations.size())
    text += 'V';
  if (s)
    text += 'S';
  return text;
}

// Each step of each list of the source paper (arXiv:2603.03880) changes energy,
// time, area, quality or feasibility.
TEST(Knobs, EveryStepOfThePaperListsMatters) {
  struct Case {
    const char *knob;
    std::vector<double> rram, sram;
  };
  const std::vector<double> volts = {0.5, 0.55, 0.6, 0.65,
                                     0.7, 0.75, 0.8, 0.85};
  const Case cases[] = {
      {"machine.vdd", volts, volts},
      {"machine.cell_bits", {1, 2, 3, 4, 5, 6, 7, 8}, {}},
      {"machine.cycle_time_ns", {1, 2, 4, 6, 8, 10}, {1, 2, 4, 6, 8, 10}},
      {"machine.rows", {32, 64, 128, 256, 512}, {16, 32, 64, 128, 256}},
      {"machine.cols", {32, 64, 128, 256, 512}, {16, 32, 64, 128, 256}},
      {"machine.groups", {1, 2, 4, 8, 16, 32}, {1, 2, 4, 6, 8, 16}},
      {"machine.tiles_per_group", {4, 8, 16, 32, 64}, {2, 4, 8, 16, 32}},
      {"machine.macros_per_tile", {4, 8, 16, 32, 64, 128}, {2, 4, 8, 16, 32}},
      {"machine.glb_mib", {0.5, 1, 2, 4, 8, 16, 32}, {1, 2, 4, 8, 16, 32, 64}},
      {"machine.adc_bits", {4, 5, 6, 7, 8, 9, 10}, {4, 5, 6, 7, 8}},
      {"machine.adc_share", {1, 2, 4, 8, 16, 32, 64}, {1, 2, 4, 8, 16, 32}},
      {"machine.dac_bits", {1, 2, 4, 8}, {1, 2, 4, 8}},
  };
  for (const char *target : {"rram-32nm", "sram-32nm"})
    for (const Case &c : cases) {
      machine::Machine m = test::shipped(target);
      bool isRram = machine::cellKind(m).nonvolatile;
      const std::vector<double> &values = isRram ? c.rram : c.sram;
      std::vector<Cost> costs;
      for (double value : values) {
        ASSERT_FALSE(bool(machine::setField(m, c.knob, value)));
        costs.push_back(priced(m));
      }
      for (size_t i = 1; i < costs.size(); ++i)
        EXPECT_NE(moved(costs[i - 1], costs[i]), "")
            << target << " " << c.knob << " " << values[i];
    }
}

TEST(Knobs, EveryPassKnobMatters) {
  // One input bit per phase and 1-bit cells, so that all encodings are legal
  // and 4 of the 9 lossless bits of 256 rows can be dropped.
  machine::Machine m = test::shipped("rram-32nm");
  m.cell.bits = 1;
  for (const mapping::KnobInfo &info : mapping::knobSchema()) {
    std::string name = info.name;
    // Nothing takes turns on cells that keep their weights. A price knows no
    // weights and no data, so that all ranges have the noise of the widest
    // (E-SQNR): what they gain is simulated (imc accuracy).
    if (name == "segments" || name == "range")
      continue;
    // One copy of all networks has to fit where a rule minds the chip, and
    // where a weight takes eight columns of few, no window that fills the
    // last array of a layer better is left.
    machine::Machine chip = m;
    if (name == "unfolding") {
      chip.hierarchy.groups *= 16;
      chip.cell.bits = 8;
      chip.array.rows = chip.array.cols = 512;
    }
    std::vector<int64_t> values;
    for (int64_t v = info.min; v <= info.max; ++v)
      if (name != "adc_bits" || v >= 4)
        values.push_back(v);
    std::vector<Cost> costs;
    for (int64_t v : values) {
      mapping::Knobs knobs;
      // Where converters lose nothing there are no ties.
      if (name == "ties")
        knobs.adc_bits = 5;
      ASSERT_FALSE(bool(mapping::setKnob(knobs, name, v)));
      costs.push_back(priced(chip, knobs));
    }
    for (size_t i = 1; i < costs.size(); ++i)
      EXPECT_NE(moved(costs[i - 1], costs[i]), "") << name << " " << values[i];
  }
}

// Only the full range can be clipped by bits: the others say themselves what
// converters cover.
TEST(Knobs, OnlyTheFullRangeIsClippedByBits) {
  machine::Machine m = test::shipped("rram-32nm");
  m.cell.bits = 1;
  m.adc.clip_bits = 2;
  mapping::Knobs knobs;
  knobs.adc_bits = 5;
  for (int64_t range = 0; range != 6; ++range) {
    ASSERT_FALSE(bool(mapping::setKnob(knobs, "range", range)));
    const Cost cost = priced(m, knobs);
    EXPECT_EQ(llvm::any_of(cost.violations,
                           [](const mapping::Violation &v) {
                             return v.rule == mapping::Rule::AdcRange;
                           }),
              knobs.range != mapping::Range::Full)
        << range;
  }
}

// On a chip that is too small for ResNet-18 fewer cells are written, and
// nothing else becomes less or more. Time may become more: fewer cores are left
// that write side by side.
TEST(Knobs, WhatStaysIsNotWritten) {
  machine::Machine m = test::shipped("sram-32nm");
  const std::vector<workload::Workload> one = {test::resnet18()};
  int smaller = 0, exacter = 0;
  for (int64_t macros : {8, 12, 16, 20, 24, 28, 32}) {
    m.hierarchy = {4, 16, macros};
    Cost costs[3];
    double written[3] = {}, fetched[3] = {};
    for (int rule = 0; rule != 3; ++rule) {
      mapping::Knobs k;
      k.segments = static_cast<mapping::Segments>(rule);
      const mapping::Plan plan = mapping::plan(one[0], m, k);
      EXPECT_EQ(llvm::toString(mapping::verify(plan, one[0], m)), "");
      costs[rule] = evaluate(one, m, k);
      for (const LayerCost &layer : costs[rule].models[0].layers) {
        written[rule] += layer.counts.cell_writes;
        fetched[rule] += layer.counts.reload_bits;
      }
    }
    const ModelCost &all = costs[0].models[0], &some = costs[2].models[0];
    if (written[0] == 0)
      continue; // it fits
    EXPECT_LE(written[1], written[0]);
    EXPECT_LE(written[2], written[1]);
    EXPECT_EQ(written[0] / fetched[0], written[2] / fetched[2]);
    smaller += written[2] < written[0];
    exacter += written[2] < written[1];
    for (size_t l = 0; l != all.layers.size(); ++l) {
      EXPECT_LE(some.layers[l].counts.cell_writes,
                all.layers[l].counts.cell_writes);
      EXPECT_EQ(some.layers[l].counts.serial_phases,
                all.layers[l].counts.serial_phases);
      EXPECT_EQ(some.layers[l].counts.noc_bits, all.layers[l].counts.noc_bits);
    }
    if (written[2] < written[0])
      EXPECT_LT(some.energy_j, all.energy_j) << macros;
  }
  EXPECT_GE(smaller, 3);
  EXPECT_GE(exacter, 1);
}

TEST(Knobs, MoreWeightBitsCostMoreAndQuantiseBetter) {
  machine::Machine m = test::shipped("rram-32nm");
  mapping::Knobs four, eight;
  four.weight_bits = 4;
  Cost a = priced(m, four), b = priced(m, eight);
  for (size_t i = 0; i < a.models.size(); ++i) {
    EXPECT_LT(a.models[i].energy_j, b.models[i].energy_j);
    EXPECT_LT(a.models[i].sqnr_db, b.models[i].sqnr_db);
    EXPECT_LT(a.models[i].logical_arrays, b.models[i].logical_arrays);
  }
}

TEST(Knobs, ReplicationNeverSlowsArraysDown) {
  for (const char *target : {"rram-32nm", "sram-32nm"}) {
    machine::Machine m = test::shipped(target);
    mapping::Knobs none, balanced;
    none.group_packing = balanced.group_packing =
        mapping::GroupPacking::Diagonal;
    balanced.replication = mapping::Replication::Balanced;
    Cost a = priced(m, none), b = priced(m, balanced);
    for (size_t i = 0; i < a.models.size(); ++i) {
      for (size_t l = 0; l < a.models[i].layers.size(); ++l)
        EXPECT_LE(b.models[i].layers[l].counts.serial_phases,
                  a.models[i].layers[l].counts.serial_phases);
      EXPECT_LE(b.models[i].latency_s, a.models[i].latency_s)
          << target << " " << b.models[i].name;
    }
  }
}

TEST(Knobs, VoltageTradesEnergyAgainstSpeed) {
  machine::Machine low = test::shipped("sram-32nm"), high = low;
  low.technology.vdd_v = 0.6;
  low.timing.cycle_time_ns = high.timing.cycle_time_ns = 10;
  Prices slow = priceDesign(low, {}), fast = priceDesign(high, {});
  EXPECT_GT(slow.min_cycle_ns, fast.min_cycle_ns);
  EXPECT_LT(slow.conversion, fast.conversion);
  EXPECT_LT(slow.cell_read, fast.cell_read);
  EXPECT_LT(slow.noc_bit, fast.noc_bit);
  EXPECT_LT(slow.leakage_w, fast.leakage_w);
}
