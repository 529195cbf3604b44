//===- DynamicTest.cpp - Products of two activations ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

using namespace imc;
using namespace imc::cost;
using mapping::DynamicProducts;
using mapping::Rule;

/// `groups` heads of windows x rows times rows x cols.
static workload::DynamicProduct heads(int64_t groups, int64_t windows,
                                      int64_t rows, int64_t cols) {
  return {groups * windows * rows * cols,
          groups * rows * (windows + cols),
          groups * windows * cols,
          windows,
          rows,
          cols,
          groups};
}

/// A projection, then Q times K and the attention times V of 12 heads of 64,
/// then a single-window product that is not worth writing.
static workload::Workload attention() {
  workload::Workload w;
  w.name = "attention";
  w.parameters = 768 * 768;
  w.layers = {{"qkv", "matmul", "", workload::matmul(1024, 768, 768)},
              {"scores", "batch_matmul", "", heads(12, 1024, 64, 1024)},
              {"softmax", "softmax", "",
               workload::Digital{62914560, 12582912, 12582912}},
              {"values", "batch_matmul", "", heads(12, 1024, 1024, 64)},
              {"one", "batch_matmul", "", heads(12, 1, 1024, 64)}};
  llvm::cantFail(workload::check(w));
  return w;
}

static mapping::Knobs with(DynamicProducts choice) {
  mapping::Knobs knobs;
  knobs.dynamic_products = choice;
  return knobs;
}

/// An SRAM chip that has arrays to spare and converters that lose nothing.
static machine::Machine sram() {
  machine::Machine m = test::shipped("sram-32nm");
  m.hierarchy = {16, 16, 16};
  return m;
}

TEST(Dynamic, ArraysAreWrittenEachTime) {
  Cost digital =
      evaluate({attention()}, sram(), with(DynamicProducts::Digital));
  Cost arrays = evaluate({attention()}, sram(), with(DynamicProducts::Arrays));
  ASSERT_TRUE(digital.feasible && arrays.feasible);
  const LayerCost &lanes = digital.models[0].layers[1];
  const LayerCost &cells = arrays.models[0].layers[1];
  EXPECT_EQ(lanes.arrays, 0);
  EXPECT_EQ(lanes.counts.macs, 12.0 * 1024 * 64 * 1024);
  EXPECT_EQ(lanes.energy_j[size_t(Energy::Programming)], 0);
  EXPECT_GT(cells.arrays, 0);
  EXPECT_EQ(cells.counts.macs, 0);
  // 8 columns of one bit per weight, every cell of every head once.
  EXPECT_EQ(cells.counts.cell_writes, 12.0 * 64 * 1024 * 8);
  EXPECT_GT(cells.energy_j[size_t(Energy::Programming)], 0);
  EXPECT_GT(cells.latency_by_s[size_t(Time::Programming)], 0);
  EXPECT_EQ(cells.counts.reload_bits, 0);
  // Products with stored weights stay what they are.
  EXPECT_EQ(digital.models[0].layers[0].total_energy_j,
            arrays.models[0].layers[0].total_energy_j);
  EXPECT_EQ(arrays.models[0].macs, digital.models[0].macs);
  // What is written is quantised.
  EXPECT_LT(arrays.models[0].sqnr_db, digital.models[0].sqnr_db);
}

TEST(Dynamic, AutoTakesTheBetterPerLayer) {
  auto edp = [](const LayerCost &l) { return l.total_energy_j * l.latency_s; };
  int onArrays = 0, onLanes = 0;
  for (int64_t lanes : {1, 16, 256, 4096}) {
    machine::Machine m = sram();
    m.digital.lanes_per_tile = lanes;
    Cost digital = evaluate({attention()}, m, with(DynamicProducts::Digital));
    Cost arrays = evaluate({attention()}, m, with(DynamicProducts::Arrays));
    Cost best = evaluate({attention()}, m, with(DynamicProducts::Auto));
    for (size_t i : {1, 3, 4}) {
      const LayerCost &d = digital.models[0].layers[i];
      const LayerCost &a = arrays.models[0].layers[i];
      const LayerCost &b = best.models[0].layers[i];
      EXPECT_EQ(edp(b), std::min(edp(d), edp(a))) << lanes << " " << i;
      ++(b.arrays > 0 ? onArrays : onLanes);
    }
  }
  EXPECT_GT(onArrays, 0);
  EXPECT_GT(onLanes, 0);
}

TEST(Dynamic, NonVolatileCellsWearOut) {
  machine::Machine m = test::shipped("rram-32nm");
  ASSERT_EQ(m.cell.endurance_writes, 1e6);
  ASSERT_EQ(m.technology.min_lifetime_years, 3);
  EXPECT_TRUE(
      evaluate({attention()}, m, with(DynamicProducts::Digital)).feasible);
  Cost cost = evaluate({attention()}, m, with(DynamicProducts::Arrays));
  ASSERT_EQ(cost.violations.size(), 1u);
  const mapping::Violation &v = cost.violations[0];
  EXPECT_EQ(v.rule, Rule::Endurance);
  EXPECT_STREQ(mapping::ruleName(v.rule), "endurance");
  EXPECT_STREQ(mapping::ruleUnit(v.rule), "years");
  EXPECT_EQ(v.limit, 3);
  // Three layers write the last arrays once per run, 10^6 times in all.
  const double seconds = 1e6 / 3 * cost.models[0].latency_s;
  EXPECT_NEAR(v.value, seconds / (365.25 * 86400), 1e-9 * v.value);
  EXPECT_EQ(v.where, "attention");
  // Enough writes, or a life short enough: no violation.
  m.cell.endurance_writes = 1e6 * 3 / v.value * 1.001;
  EXPECT_TRUE(
      evaluate({attention()}, m, with(DynamicProducts::Arrays)).feasible);
  m.cell.endurance_writes = 1e6;
  m.technology.min_lifetime_years = v.value * 0.999;
  EXPECT_TRUE(
      evaluate({attention()}, m, with(DynamicProducts::Arrays)).feasible);
  // The automatic choice leaves cells alone that wear out.
  Cost best = evaluate({attention()}, m, with(DynamicProducts::Auto));
  EXPECT_EQ(best.models[0].energy_j,
            evaluate({attention()}, m, with(DynamicProducts::Digital))
                .models[0]
                .energy_j);
}

TEST(Dynamic, RewrittenWeightsWearOutToo) {
  // A volatile chip that does not hold the model is written in every layer.
  machine::Machine m = test::shipped("sram-32nm");
  m.hierarchy = {1, 2, 4};
  m.cell.endurance_writes = 1e6;
  Cost cost = evaluate({attention()}, m, {});
  ASSERT_EQ(cost.violations.size(), 1u);
  EXPECT_EQ(cost.violations[0].rule, Rule::Endurance);
  m.cell.endurance_writes = 0;
  EXPECT_TRUE(evaluate({attention()}, m, {}).feasible);
}

TEST(Dynamic, CopiesLeaveArraysFree) {
  machine::Machine m = sram();
  mapping::Knobs digital = with(DynamicProducts::Digital),
                 arrays = with(DynamicProducts::Arrays);
  digital.replication = arrays.replication = mapping::Replication::Balanced;
  workload::Workload w = attention();
  mapping::Plan without = mapping::plan(w, m, digital),
                plan = mapping::plan(w, m, arrays);
  EXPECT_TRUE(without.dynamics.empty());
  ASSERT_EQ(plan.dynamics.size(), 3u);
  int64_t most = 0;
  for (const mapping::PlacedDynamic &d : plan.dynamics)
    most = std::max(most, d.arrays);
  EXPECT_GT(most, 0);
  EXPECT_LE(plan.placed_arrays + most, plan.capacity);
  EXPECT_GT(without.placed_arrays, plan.placed_arrays);
}

// A chip that its weights fill has no array left: a volatile one is written
// for every layer, a non-volatile one is refused.
TEST(Dynamic, FullChips) {
  workload::Workload w = attention();
  machine::Machine m = test::shipped("rram-32nm");
  m.cell.endurance_writes = 0;
  const int64_t logical = mapping::plan(w, m, {}).logical_arrays;
  m.hierarchy = {1, 1, logical};
  EXPECT_TRUE(mapping::plan(w, m, {}).violations.empty());
  mapping::Plan full = mapping::plan(w, m, with(DynamicProducts::Arrays));
  ASSERT_EQ(full.violations.size(), 1u);
  EXPECT_EQ(full.violations[0].rule, Rule::Capacity);
  EXPECT_EQ(full.violations[0].value, double(logical + 1));
  EXPECT_TRUE(
      mapping::plan(w, m, with(DynamicProducts::Auto)).violations.empty());
  // Nothing is left, so that the automatic choice is the digital unit.
  Cost best = evaluate({w}, m, with(DynamicProducts::Auto));
  EXPECT_EQ(best.models[0].layers[1].arrays, 0);
  machine::Machine s = test::shipped("sram-32nm");
  s.hierarchy = {1, 1, mapping::plan(w, s, {}).logical_arrays};
  EXPECT_TRUE(mapping::plan(w, s, {}).resident);
  EXPECT_FALSE(mapping::plan(w, s, with(DynamicProducts::Arrays)).resident);
}

TEST(Dynamic, FastPathIsTheDetailedOne) {
  std::vector<workload::Workload> models = test::networks();
  models.push_back(attention());
  const Pricer pricer(models);
  DesignCost fast;
  std::mt19937_64 random(7);
  int arrays = 0, worn = 0;
  for (const char *target : {"rram-32nm", "sram-32nm"})
    for (int trial = 0; trial < 300; ++trial) {
      test::Design d = test::randomDesign(test::shipped(target), random);
      d.knobs.dynamic_products = static_cast<DynamicProducts>(random() % 3);
      if (random() % 3 == 0)
        d.machine.cell.endurance_writes = random() % 2 ? 0 : 1e14;
      Cost slow = evaluate(pricer.workloads(), d.machine, d.knobs);
      pricer.price(d.machine, d.knobs, fast);
      ASSERT_EQ(slow.violations.size(), fast.violations.size());
      for (size_t i = 0; i < slow.violations.size(); ++i) {
        EXPECT_EQ(slow.violations[i].rule, fast.violations[i].rule);
        EXPECT_EQ(slow.violations[i].value, fast.violations[i].value);
        worn += slow.violations[i].rule == Rule::Endurance;
      }
      for (size_t i = 0; i < slow.models.size(); ++i) {
        EXPECT_EQ(slow.models[i].energy_j, fast.models[i].energy_j);
        EXPECT_EQ(slow.models[i].latency_s, fast.models[i].latency_s);
        EXPECT_EQ(slow.models[i].sqnr_db, fast.models[i].sqnr_db);
        EXPECT_EQ(slow.models[i].adc_lost_bits, fast.models[i].adc_lost_bits);
      }
      for (const LayerCost &layer : slow.models.back().layers)
        arrays += layer.arrays > 0 && layer.counts.cell_writes > 0;
      ASSERT_FALSE(::testing::Test::HasFailure()) << target << " " << trial;
    }
  EXPECT_GT(arrays, 100);
  EXPECT_GT(worn, 50);
}
