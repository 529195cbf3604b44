//===- PricerTest.cpp - The fast path is the detailed one
//------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "test/Unit/Schedule/Loops.h"

#include <cmath>
#include <thread>

using namespace imc;
using namespace imc::cost;

/// Every figure that both give is the same double; returns whether the design
/// was feasible.
static bool expectSame(const Cost &slow, const DesignCost &fast) {
  EXPECT_EQ(slow.feasible, fast.feasible);
  EXPECT_EQ(slow.area_mm2, fast.area_mm2);
  EXPECT_EQ(slow.models.size(), fast.models.size());
  for (size_t i = 0; i < slow.models.size(); ++i) {
    const ModelCost &a = slow.models[i];
    const ModelFigures &b = fast.models[i];
    EXPECT_EQ(a.energy_j, b.energy_j) << a.name;
    EXPECT_EQ(a.latency_s, b.latency_s) << a.name;
    EXPECT_EQ(a.power_density_w_mm2, b.power_density_w_mm2) << a.name;
    EXPECT_EQ(a.sqnr_db, b.sqnr_db) << a.name;
    EXPECT_EQ(a.adc_lost_bits, b.adc_lost_bits) << a.name;
    EXPECT_EQ(a.logical_arrays, b.logical_arrays) << a.name;
    EXPECT_EQ(a.placed_arrays, b.placed_arrays) << a.name;
    EXPECT_EQ(a.capacity, fast.capacity) << a.name;
    EXPECT_TRUE(std::isfinite(a.energy_j) && a.energy_j > 0) << a.name;
    EXPECT_TRUE(std::isfinite(a.latency_s) && a.latency_s > 0) << a.name;
  }
  EXPECT_EQ(slow.violations.size(), fast.violations.size());
  for (size_t i = 0; i < slow.violations.size(); ++i) {
    EXPECT_EQ(slow.violations[i].rule, fast.violations[i].rule);
    EXPECT_EQ(slow.violations[i].value, fast.violations[i].value);
    EXPECT_EQ(slow.violations[i].limit, fast.violations[i].limit);
    if (fast.violations[i].model >= 0) {
      EXPECT_EQ(slow.violations[i].where,
                slow.models[size_t(fast.violations[i].model)].name);
    }
  }
  return slow.feasible;
}

TEST(Pricer, EqualsDetailedEvaluationToTheLastDigit) {
  const Pricer pricer(test::networks());
  EXPECT_LT(pricer.uniqueLayers(), pricer.totalLayers());
  DesignCost fast;
  int feasible = 0, resident = 0, replicated = 0;
  for (const char *target : {"rram-32nm", "sram-32nm"}) {
    std::mt19937_64 random(2026);
    const machine::Machine start = test::shipped(target);
    for (int trial = 0; trial < 600; ++trial) {
      test::Design d = test::randomDesign(start, random);
      Cost slow = evaluate(pricer.workloads(), d.machine, d.knobs);
      pricer.price(d.machine, d.knobs, fast);
      feasible += expectSame(slow, fast);
      for (const ModelCost &model : slow.models) {
        resident += model.logical_arrays <= model.capacity;
        replicated += model.placed_arrays > model.logical_arrays;
      }
      ASSERT_FALSE(::testing::Test::HasFailure()) << target << " " << trial;
    }
  }
  // The random designs reach every kind of case.
  EXPECT_GT(feasible, 50);
  EXPECT_GT(resident, 200);
  EXPECT_GT(replicated, 50);
}

TEST(Pricer, CopiesOfSingleLayersAreTheSame) {
  std::mt19937_64 random(11);
  std::vector<workload::Workload> models = test::networks();
  for (workload::Workload &model : models)
    for (workload::Layer &layer : model.layers)
      if (const workload::Product *p = layer.product();
          p && random() % 8 == 0) {
        const int64_t most = std::min<int64_t>(4, p->windows);
        const int64_t perCopy =
            (p->windows + most - 1) / int64_t(1 + random() % uint64_t(most));
        const int64_t copies = (p->windows + perCopy - 1) / perCopy;
        ASSERT_FALSE(
            bool(workload::setLayer(model, layer.name, "copies", copies)));
      }
  const Pricer pricer(models);
  DesignCost fast;
  int feasible = 0;
  for (const char *target : {"rram-32nm", "sram-32nm"}) {
    const machine::Machine start = test::shipped(target);
    for (int trial = 0; trial < 500; ++trial) {
      test::Design d = test::randomDesign(start, random);
      const Cost slow = evaluate(pricer.workloads(), d.machine, d.knobs);
      pricer.price(d.machine, d.knobs, fast);
      feasible += expectSame(slow, fast);
      ASSERT_FALSE(::testing::Test::HasFailure()) << target << " " << trial;
    }
  }
  EXPECT_GT(feasible, 5);
}

TEST(Pricer, LoopsAreTheSame) {
  const Pricer pricer({test::lstm(24, 1, 200, 256, 40), test::gru(9, 8, 64, 96),
                       test::lstm(5, 2, 0, 700, 0)});
  std::mt19937_64 random(12);
  DesignCost fast;
  int feasible = 0;
  for (const char *target : {"rram-32nm", "sram-32nm"}) {
    const machine::Machine start = test::shipped(target);
    for (int trial = 0; trial < 300; ++trial) {
      test::Design d = test::randomDesign(start, random);
      const Cost slow = evaluate(pricer.workloads(), d.machine, d.knobs);
      pricer.price(d.machine, d.knobs, fast);
      feasible += expectSame(slow, fast);
      ASSERT_FALSE(::testing::Test::HasFailure()) << target << " " << trial;
    }
  }
  EXPECT_GT(feasible, 50);
}

TEST(Pricer, EvaluateOfOnePlanAgrees) {
  std::vector<workload::Workload> one = {test::resnet18()};
  machine::Machine m = test::shipped("rram-32nm");
  mapping::Knobs knobs;
  knobs.replication = mapping::Replication::Balanced;
  Cost cost = evaluate(one[0], mapping::plan(one[0], m, knobs), m, knobs);
  const Pricer pricer(std::move(one));
  DesignCost fast;
  pricer.price(m, knobs, fast);
  EXPECT_TRUE(expectSame(cost, fast));
}

TEST(Pricer, BreakdownsAddUp) {
  machine::Machine m = test::shipped("sram-32nm");
  mapping::Knobs knobs;
  std::vector<workload::Workload> models = test::networks();
  Cost cost = evaluate(models, m, knobs);
  auto near = [](double a, double b) { EXPECT_NEAR(a, b, 1e-9 * std::abs(b)); };
  double area = 0;
  for (double part : cost.area_by_component_mm2)
    area += part;
  near(area, cost.area_mm2);
  for (size_t i = 0; i < models.size(); ++i) {
    const ModelCost &model = cost.models[i];
    EXPECT_EQ(model.macs, models[i].macs());
    ASSERT_EQ(model.layers.size(), models[i].layers.size());
    double energy = 0, latency = 0, ofLayers = 0;
    for (double part : model.energy_by_component_j)
      energy += part;
    for (double part : model.latency_by_component_s)
      latency += part;
    for (const LayerCost &layer : model.layers) {
      ofLayers += layer.total_energy_j;
      double times = 0;
      for (double part : layer.latency_by_s)
        times += part;
      near(times, layer.latency_s);
    }
    near(energy, model.energy_j);
    near(latency, model.latency_s);
    EXPECT_EQ(ofLayers, model.energy_j);
    near(model.power_w * model.latency_s, model.energy_j);
    near(model.edp_js, model.energy_j * model.latency_s);
    near(model.edap_js_mm2, model.edp_js * cost.area_mm2);
    near(model.throughput_per_s * model.latency_s, 1);
  }
}

TEST(Pricer, ThreadsAgree) {
  const Pricer pricer(test::networks());
  const machine::Machine start = test::shipped("rram-32nm");
  auto work = [&](std::vector<double> &out) {
    std::mt19937_64 random(5);
    DesignCost result;
    for (int i = 0; i < 50; ++i) {
      test::Design d = test::randomDesign(start, random);
      pricer.price(d.machine, d.knobs, result);
      for (const ModelFigures &f : result.models)
        out.push_back(f.energy_j * f.latency_s);
    }
  };
  std::vector<double> first, second;
  std::thread other([&] { work(second); });
  work(first);
  other.join();
  EXPECT_EQ(first, second);
}

TEST(Pricer, ReusedResultForgetsTheLastDesign) {
  const Pricer pricer(test::networks());
  machine::Machine good = test::shipped("rram-32nm"), bad = good;
  bad.hierarchy.groups = 1;
  bad.technology.vdd_v = 0.3;
  mapping::Knobs knobs;
  knobs.group_packing = mapping::GroupPacking::Diagonal;
  DesignCost fresh, reused;
  pricer.price(good, knobs, fresh);
  pricer.price(bad, knobs, reused);
  EXPECT_FALSE(reused.feasible);
  EXPECT_FALSE(reused.violations.empty());
  pricer.price(good, knobs, reused);
  EXPECT_TRUE(reused.feasible);
  EXPECT_TRUE(reused.violations.empty());
  EXPECT_EQ(fresh.models[3].energy_j, reused.models[3].energy_j);
}

TEST(Pricer, OneResultServesSeveralPricers) {
  const Pricer all(test::networks()), few({test::networks().front()});
  const machine::Machine chip = test::shipped("sram-32nm");
  DesignCost fresh, reused;
  few.price(chip, {}, fresh);
  all.price(chip, {}, reused);
  few.price(chip, {}, reused);
  EXPECT_EQ(fresh.models[0].energy_j, reused.models[0].energy_j);
  EXPECT_EQ(fresh.models[0].latency_s, reused.models[0].latency_s);
}

TEST(GeometryMemo, KeepsWhatItWasGiven) {
  GeometryMemo memo;
  const GeometryMemo::Key a{128, 128, 4, 0, 8, 1}, b{128, 128, 4, 0, 16, 1};
  auto find = [&](uint64_t owner, const GeometryMemo::Key &key) {
    return memo.find(owner, 2, 3, key);
  };
  GeometryMemo::Row row = find(1, a);
  EXPECT_TRUE(row.fresh);
  row.products[1] = {1, 2, 3};
  row.ends[2] = 7;
  row = find(1, b);
  EXPECT_TRUE(row.fresh);
  row.products[1] = {4, 5, 6};
  row.ends[2] = 8;
  row = find(1, a);
  EXPECT_FALSE(row.fresh);
  EXPECT_EQ(row.products[1].rows, 2u);
  EXPECT_EQ(row.ends[2], 7);
  row = find(1, b);
  EXPECT_FALSE(row.fresh);
  EXPECT_EQ(row.products[1].rows, 5u);
  EXPECT_EQ(row.ends[2], 8);
  // Those of another pricer.
  EXPECT_TRUE(find(2, a).fresh);
  memo.clear();
  EXPECT_TRUE(find(2, a).fresh);
}

TEST(GeometryMemo, StartsAnewWhenFull) {
  GeometryMemo memo;
  const size_t products = 100000; // 2.4 MB
  auto fresh = [&](int64_t rows) {
    return memo.find(1, products, 1, {rows, 128, 4, 0, 8, 1}).fresh;
  };
  for (int64_t rows = 1; rows <= 6; ++rows)
    EXPECT_TRUE(fresh(rows));
  EXPECT_FALSE(fresh(1));
  EXPECT_TRUE(fresh(7)); // beyond 16 MiB
  EXPECT_TRUE(fresh(1));
  EXPECT_FALSE(fresh(7));
}

/// Numbers that the memo has no room for are computed for each design.
TEST(Pricer, HugeProductsAreNotKept) {
  workload::Product p;
  p.windows = 4;
  p.rows = int64_t(1) << 34;
  p.cols = 16;
  p.weight_elements = p.rows * p.cols;
  p.input_elements = p.rows * p.windows;
  p.output_elements = p.cols * p.windows;
  workload::Workload model;
  model.name = "huge";
  model.layers.push_back({"a", "matmul", "", p});
  const Pricer pricer({model});
  const machine::Machine chip = test::shipped("sram-32nm");
  const Cost slow = evaluate(pricer.workloads(), chip, {});
  DesignCost fast;
  for (int time = 0; time != 2; ++time) {
    pricer.price(chip, {}, fast);
    EXPECT_EQ(slow.models[0].energy_j, fast.models[0].energy_j);
    EXPECT_EQ(slow.models[0].latency_s, fast.models[0].latency_s);
  }
}

TEST(Pricer, NoModels) {
  const Pricer pricer({});
  DesignCost result;
  pricer.price(test::shipped("rram-32nm"), {}, result);
  EXPECT_TRUE(result.feasible);
  EXPECT_TRUE(result.models.empty());
  EXPECT_GT(result.area_mm2, 0);
}
