//===- LegacyTest.cpp - Archived records of arXiv:2603.03880
//----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every archived design whose knobs are known. The names are those of
// docs/spec/legacy.md.
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Legacy.h"
#include "Common.h"
#include "test/Unit/Models/SourcePaper.h"

using namespace imc;
using namespace imc::cost;

namespace {

/// What the archive says of one network on one design.
struct Record {
  const char *network;
  double energy_mj;
  double latency_ns;        ///< 0: not archived
  double latency_least = 1; ///< model over archive; never above 1
};

struct ArchivedDesign {
  const char *name, *target;
  double vdd;
  int64_t rows, cols, groups, tiles, macros;
  double buffer_mib;
  double area_mm2; ///< 0: not archived
  std::vector<Record> records;
};

const std::vector<ArchivedDesign> &archive() {
  static const char rram[] = "source-2026-rram", sram[] = "source-2026-sram";
  // Archived SRAM mappings are no faster than the allocation.
  static const std::vector<ArchivedDesign> designs = {
      {"R1",
       rram,
       0.60,
       512,
       32,
       8,
       64,
       32,
       1,
       481.598,
       {{"resnet18", 1.92534, 22},
        {"vgg16", 15.99583, 118},
        {"alexnet", 0.74379, 9},
        {"mobilenet_v3_large", 0.36184, 158}}},
      {"R3",
       rram,
       0.50,
       512,
       128,
       4,
       32,
       32,
       2,
       452.921,
       {{"resnet18", 1.91339, 28},
        {"vgg16", 15.73688, 137},
        {"alexnet", 0.73572, 9},
        {"mobilenet_v3_large", 0.43521, 488}}},
      {"S1",
       sram,
       0.55,
       256,
       128,
       1,
       32,
       8,
       1,
       34.919,
       {{"resnet18", 1.44126, 3046, 0.949},
        {"vgg16", 13.08700, 25374, 0.995},
        {"alexnet", 4.24297, 1051},
        {"mobilenet_v3_large", 0.61845, 7335, 0.956}}},
      {"S3",
       sram,
       0.70,
       256,
       256,
       1,
       32,
       64,
       8,
       513.427,
       {{"resnet18", 1.89047, 603, 0.33}, {"vgg16", 13.73484, 1899, 0.77}}},
      {"S9",
       sram,
       0.50,
       512,
       512,
       1,
       2,
       16,
       1,
       19.726,
       {{"resnet18", 1.0694, 3515, 0.946},
        {"vgg16", 10.961, 27558},
        {"mobilenet_v3_large", 0.7071, 49797, 0.993},
        {"GPT-2 medium", 31.942, 86600},
        {"MobileBERT", 1.9745, 6443},
        {"DenseNet201", 2.1465, 10061, 0.915},
        {"ResNet50", 4.3049, 14786, 0.98},
        {"ViT", 8.9174, 23873}}},
      // ResNet-18 over the supply.
      {"V50",
       sram,
       0.50,
       256,
       32,
       4,
       16,
       32,
       2,
       152.5,
       {{"resnet18", 9.88, 0}}},
      {"V55", sram, 0.55, 256, 32, 4, 16, 32, 2, 0, {{"resnet18", 4.38, 0}}},
      {"V60", sram, 0.60, 256, 32, 4, 16, 32, 2, 0, {{"resnet18", 3.11, 0}}},
      {"V65", sram, 0.65, 256, 32, 4, 16, 32, 2, 0, {{"resnet18", 2.65, 0}}},
      {"V70", sram, 0.70, 256, 32, 4, 16, 32, 2, 0, {{"resnet18", 2.46, 0}}},
      {"V75", sram, 0.75, 256, 32, 4, 16, 32, 2, 0, {{"resnet18", 2.395, 0}}},
      {"V80", sram, 0.80, 256, 32, 4, 16, 32, 2, 0, {{"resnet18", 2.392, 0}}},
      {"V85",
       sram,
       0.85,
       256,
       32,
       4,
       16,
       32,
       2,
       73.4,
       {{"resnet18", 2.433, 0}}},
  };
  return designs;
}

machine::Machine machineOf(const ArchivedDesign &d) {
  machine::Machine m = test::shipped(d.target);
  m.technology.vdd_v = d.vdd;
  m.array.rows = d.rows;
  m.array.cols = d.cols;
  m.hierarchy = {d.groups, d.tiles, d.macros};
  m.global_buffer.size_mib = d.buffer_mib;
  return m;
}

/// The nine networks of the paper.
std::vector<workload::Workload> paperNetworks() {
  return {
      test::resnet18(),         test::vgg16(),         test::alexnet(),
      test::mobilenetV3Large(), test::paperResnet50(), test::densenet201(),
      test::paperMobilebert(),  test::paperVit(),      test::paperGpt2Medium()};
}

workload::Workload networkOf(llvm::StringRef name) {
  for (workload::Workload &w : paperNetworks())
    if (w.name == name)
      return w;
  ADD_FAILURE() << "no network " << name.str();
  return {};
}

} // namespace

TEST(Legacy, NetworksHaveThePublishedSums) {
  struct Sums {
    const char *network;
    size_t layers;
    int64_t bits; ///< at 8 bits, groups not counted
    double gmacs;
  };
  for (const Sums &s : {Sums{"alexnet", 8, 488723968, 0.714},
                        {"vgg16", 16, 1106753024, 15.47},
                        {"resnet18", 21, 93431296, 1.814},
                        {"mobilenet_v3_large", 64, 42879160, 0.217},
                        {"ResNet50", 62, 384302848, 7.49},
                        {"DenseNet201", 201, 158270976, 4.29},
                        {"MobileBERT", 409, 166568640, 2.82},
                        {"ViT", 98, 695275872, 16.86},
                        {"GPT-2 medium", 145, 2843353088, 90.5}}) {
    workload::Workload w = networkOf(s.network);
    EXPECT_FALSE(bool(workload::check(w))) << s.network;
    EXPECT_EQ(w.layers.size(), s.layers) << s.network;
    int64_t bits = 0;
    for (const workload::Layer &layer : w.layers)
      bits += 8 * layer.product()->rows * layer.product()->cols;
    EXPECT_EQ(bits, s.bits) << s.network;
    EXPECT_NEAR(double(w.macs()) * 1e-9, s.gmacs, 0.003 * s.gmacs) << s.network;
  }
}

TEST(Legacy, ArchivedRecords) {
  printf("| record | network | area mm2 | error | cycles | error | energy mJ | "
         "error |\n|---|---|---|---|---|---|---|---|\n");
  for (const ArchivedDesign &d : archive()) {
    const machine::Machine m = machineOf(d);
    for (const Record &r : d.records) {
      const Cost cost = evaluate({networkOf(r.network)}, m, {});
      const ModelCost &model = cost.models[0];
      const double ns = model.latency_s * 1e9, mj = model.energy_j * 1e3;
      printf("| %s | %s | %.2f |", d.name, r.network, cost.area_mm2);
      if (d.area_mm2 > 0) {
        EXPECT_NEAR(cost.area_mm2, d.area_mm2, 0.012 * d.area_mm2) << d.name;
        printf(" %+.2f %%", (cost.area_mm2 / d.area_mm2 - 1) * 100);
      }
      printf(" | %.0f |", ns);
      if (r.latency_ns > 0) {
        const double ratio = ns / r.latency_ns;
        EXPECT_GE(ratio, r.latency_least - 1e-9) << d.name << " " << r.network;
        EXPECT_LE(ratio, 1 + 1e-9) << d.name << " " << r.network;
        printf(" %+.1f %%", (ratio - 1) * 100);
      }
      EXPECT_NEAR(mj, r.energy_mj, 0.05 * r.energy_mj)
          << d.name << " " << r.network;
      printf(" | %.4g | %+.2f %% |\n", mj, (mj / r.energy_mj - 1) * 100);
    }
  }
}

// E-LEG-3, E-LEG-4 and E-LEG-6 by hand, on the arrays of S9.
TEST(Legacy, LoopsAreCutUnevenlyAndArraysFetchedWhole) {
  const machine::Machine m = test::shipped("source-2026-sram");
  ASSERT_EQ(m.array.rows, 512);
  ASSERT_EQ(m.array.cols, 512);
  ASSERT_EQ(m.arrays(), 32);
  struct Case {
    workload::Product product;
    int64_t cycles, copies, weights;
  };
  const Case cases[] = {
      // One array; 16 x 2 copies share 197 windows.
      {workload::matmul(197, 512, 64), 7, 32, 512 * 64},
      // 512 + 256 rows on two arrays of two tiles; 12 arrays for 64 outputs
      // each.
      {workload::matmul(197, 768, 768), 197, 1, 1024 * 768},
      // 1,000 outputs on 16 arrays of 63.
      {workload::matmul(1, 512, 1000), 1, 1, 512 * 1008},
      // 56 channels x 3 x 3 on an array, four of them at a time: 224 of 256
      // channels, then 32 that fill one more array. 64 outputs x 8.
      {workload::convolution(1, 256, 14, 14, 512, 3, 3, 2, 1), 2 * 7 * 7, 1,
       (224 + 56) * 9 * 512},
  };
  for (const Case &c : cases) {
    const LegacyCounts counts = legacyCounts(c.product, m, {});
    const auto where = std::to_string(c.product.rows);
    EXPECT_EQ(counts.cycles, c.cycles) << where;
    EXPECT_EQ(counts.copies, c.copies) << where;
    EXPECT_EQ(counts.memory_bits, 8.0 * double(c.weights)) << where;
    EXPECT_EQ(counts.cell_writes, 8.0 * double(c.weights * c.copies)) << where;
    // What computes is counted as it is.
    EXPECT_EQ(counts.cells, 8.0 * double(c.product.macs())) << where;
  }
  const LegacyCounts rram =
      legacyCounts(cases[1].product, test::shipped("source-2026-rram"), {});
  EXPECT_EQ(rram.memory_bits, 0);
  EXPECT_EQ(rram.cell_writes, 0);
}

// What the source says of single terms.
TEST(Legacy, TermsLieInPublishedRanges) {
  // Row term of SRAM near the threshold and far from it, um2, narrow arrays.
  machine::Machine m = test::shipped("source-2026-sram");
  const machine::Accounting &a = m.accounting;
  m.technology.vdd_v = 0.5;
  const double low =
      a.row_area_um2 + a.narrow_row_area_um2 * legacySupplyFactor(m) / 32;
  EXPECT_GT(low, 130);
  EXPECT_LT(low, 230);
  for (double vdd : {0.7, 0.75, 0.8, 0.85})
    for (double cols : {32, 128, 512}) {
      m.technology.vdd_v = vdd;
      const double row =
          a.row_area_um2 + a.narrow_row_area_um2 * legacySupplyFactor(m) / cols;
      EXPECT_GE(row, 13) << vdd;
      EXPECT_LE(row, 22) << vdd;
    }
  // Every weight once from LPDDR4: AlexNet's floor, below its best energy.
  const Cost sram = evaluate({test::alexnet()}, m, {});
  const auto memory = static_cast<size_t>(Energy::Memory);
  EXPECT_GT(sram.models[0].energy_by_component_j[memory], 3.9095e-3);
  EXPECT_LT(sram.models[0].energy_by_component_j[memory], 4.067e-3);

  // RRAM: 6.2 % more from 0.50 to 0.85 V; time does not depend on the supply,
  // energy not on the clock.
  machine::Machine r3 = machineOf(archive()[1]);
  const Cost at50 = evaluate({test::resnet18()}, r3, {});
  r3.technology.vdd_v = 0.85;
  const Cost at85 = evaluate({test::resnet18()}, r3, {});
  EXPECT_NEAR(at85.models[0].energy_j / at50.models[0].energy_j, 1.062, 0.01);
  EXPECT_EQ(at85.models[0].latency_s, at50.models[0].latency_s);
  r3.timing.cycle_time_ns = 10;
  const Cost slow = evaluate({test::resnet18()}, r3, {});
  EXPECT_EQ(slow.models[0].energy_j, at85.models[0].energy_j);
  EXPECT_NEAR(slow.models[0].latency_s, 280e-9, 1e-15);
  // 0.9 pJ per used cell are 85 % of the energy.
  const auto cells = static_cast<size_t>(Energy::Cells);
  EXPECT_NEAR(at50.models[0].energy_by_component_j[cells] /
                  at50.models[0].energy_j,
              0.85, 0.03);
}

// The published optimum by area: 2^28 cells of 8 bits, 2^29 of 3 to 7, 2^30 of
// 2 and 2^31 of 1 are the fewest that a grid of powers of two offers VGG16.
TEST(Legacy, SmallestRramChipsHaveTheArchivedAreas) {
  struct Case {
    int64_t bits;
    double least, most;
  };
  for (const Case &c : {Case{8, 436, 446},
                        {7, 870, 895},
                        {3, 870, 895},
                        {2, 1740, 1790},
                        {1, 3480, 3560}}) {
    machine::Machine m = test::shipped("source-2026-rram");
    m.cell.bits = c.bits;
    m.global_buffer.size_mib = 0.5;
    double smallest = 1e9;
    const Pricer pricer({test::vgg16()});
    DesignCost result;
    for (int64_t x : {32, 64, 128, 256, 512})
      for (int64_t y : {32, 64, 128, 256, 512})
        for (int64_t g : {1, 2, 4, 8, 16, 32})
          for (int64_t t : {4, 8, 16, 32, 64})
            for (int64_t n : {4, 8, 16, 32, 64, 128}) {
              // Cheap to refuse: a chip of other capacity never wins.
              if (x * y * g * t * n < (int64_t(1) << 28) ||
                  x * y * g * t * n > (int64_t(1) << 31) || x < 512)
                continue;
              m.array.rows = x;
              m.array.cols = y;
              m.hierarchy = {g, t, n};
              pricer.price(m, {}, result);
              bool holds = true;
              for (const RuleBroken &v : result.violations)
                holds &= v.rule != mapping::Rule::Capacity;
              if (holds)
                smallest = std::min(smallest, result.area_mm2);
            }
    EXPECT_GT(smallest, c.least) << c.bits << " bits";
    EXPECT_LT(smallest, c.most) << c.bits << " bits";
  }
}

TEST(Legacy, LimitsStayOn) {
  for (const ArchivedDesign &d : archive()) {
    if (d.target != llvm::StringRef("source-2026-rram"))
      continue;
    const Cost cost = evaluate({test::resnet18()}, machineOf(d), {});
    EXPECT_FALSE(cost.feasible);
    ASSERT_EQ(cost.violations.size(), 1u) << d.name;
    EXPECT_STREQ(mapping::ruleName(cost.violations[0].rule), "power_density");
    EXPECT_EQ(cost.violations[0].limit, 1);
    if (d.name == llvm::StringRef("R1")) {
      EXPECT_NEAR(cost.violations[0].value, 182, 4);
    }
  }
  // The archived design of least regret (0.5 V, 512 x 32, 8/32/64, 4 MiB).
  machine::Machine regret = test::shipped("source-2026-rram");
  regret.technology.vdd_v = 0.5;
  regret.hierarchy = {8, 32, 64};
  regret.global_buffer.size_mib = 4;
  const Cost refused = evaluate({test::resnet18()}, regret, {});
  ASSERT_EQ(refused.violations.size(), 1u);
  EXPECT_EQ(refused.violations[0].rule, mapping::Rule::PowerDensity);
  // Capacity is counted in cells, as the paper does, and without groups.
  machine::Machine small = test::shipped("source-2026-rram");
  small.hierarchy = {4, 32, 32};
  const Cost cost = evaluate({test::vgg16()}, small, {});
  auto capacity = llvm::find_if(cost.violations, [](const auto &v) {
    return v.rule == mapping::Rule::Capacity;
  });
  ASSERT_NE(capacity, cost.violations.end());
  EXPECT_EQ(capacity->value, 138344128.0 / (512 * 32));
  EXPECT_EQ(capacity->limit, 4096);
  EXPECT_EQ(capacity->where, "vgg16");
}

TEST(Legacy, ProductsOfTwoActivationsAreRefused) {
  const Cost cost =
      evaluate(test::networks(), test::shipped("source-2026-sram"), {});
  auto refused = llvm::find_if(cost.violations, [](const auto &v) {
    return v.rule == mapping::Rule::Accounting;
  });
  ASSERT_NE(refused, cost.violations.end());
  EXPECT_EQ(refused->value, 1);
  EXPECT_EQ(refused->where, "resnet18");
}

TEST(Legacy, MachineWithoutConstantsIsRefused) {
  machine::Machine m = test::shipped("rram-32nm");
  m.accounting.model = machine::AccountingModel::Source2026;
  EXPECT_NE(llvm::toString(machine::check(m)).find("accounting.cell_pj"),
            std::string::npos);
  // One small array per tile is outside the fit, whose tile term is negative.
  m = test::shipped("source-2026-rram");
  m.hierarchy.macros_per_tile = 1;
  m.array.rows = m.array.cols = 4;
  EXPECT_NE(llvm::toString(machine::check(m)).find("tile_area_mm2' is -0.0055"),
            std::string::npos);
}

TEST(Legacy, PricerAgreesToTheLastDigit) {
  const Pricer pricer(test::networks());
  DesignCost fast;
  for (const char *target : {"source-2026-rram", "source-2026-sram"}) {
    std::mt19937_64 random(7);
    const machine::Machine start = test::shipped(target);
    for (int trial = 0; trial < 150; ++trial) {
      test::Design d = test::randomDesign(start, random);
      Cost slow = evaluate(pricer.workloads(), d.machine, d.knobs);
      pricer.price(d.machine, d.knobs, fast);
      EXPECT_EQ(slow.area_mm2, fast.area_mm2);
      EXPECT_EQ(slow.feasible, fast.feasible);
      ASSERT_EQ(slow.violations.size(), fast.violations.size());
      for (size_t i = 0; i < slow.violations.size(); ++i) {
        EXPECT_EQ(slow.violations[i].rule, fast.violations[i].rule);
        EXPECT_EQ(slow.violations[i].value, fast.violations[i].value);
        EXPECT_EQ(slow.violations[i].limit, fast.violations[i].limit);
      }
      for (size_t i = 0; i < slow.models.size(); ++i) {
        const ModelCost &a = slow.models[i];
        const ModelFigures &b = fast.models[i];
        EXPECT_EQ(a.energy_j, b.energy_j);
        EXPECT_EQ(a.latency_s, b.latency_s);
        EXPECT_EQ(a.power_density_w_mm2, b.power_density_w_mm2);
        EXPECT_EQ(a.sqnr_db, b.sqnr_db);
        EXPECT_EQ(a.adc_lost_bits, b.adc_lost_bits);
        EXPECT_EQ(a.logical_arrays, b.logical_arrays);
        EXPECT_EQ(a.placed_arrays, b.placed_arrays);
      }
      ASSERT_FALSE(::testing::Test::HasFailure()) << target << " " << trial;
    }
  }
}

// The enumeration of the source finds this optimum in its own closed forms; 1 %
// better than what its search found (R1, 1.217e-8 J s cm2).
TEST(Legacy, EnumerationFindsThePublishedOptimum) {
  const Pricer pricer({test::resnet18(), test::vgg16(), test::alexnet(),
                       test::mobilenetV3Large()});
  machine::Machine m = test::shipped("source-2026-rram");
  m.technology.max_power_density_w_mm2 = 1e3;
  DesignCost result;
  double best = 1e9;
  machine::Machine found;
  int feasible = 0;
  for (int64_t x : {32, 64, 128, 256, 512})
    for (int64_t y : {32, 64, 128, 256, 512})
      for (int64_t g : {1, 2, 4, 8, 16, 32})
        for (int64_t t : {4, 8, 16, 32, 64})
          for (int64_t n : {4, 8, 16, 32, 64, 128}) {
            if (x * y * g * t * n < (int64_t(1) << 27))
              continue;
            m.array.rows = x;
            m.array.cols = y;
            m.hierarchy = {g, t, n};
            pricer.price(m, {}, result);
            if (!result.feasible || result.area_mm2 > 800)
              continue;
            ++feasible;
            double energy = 0, latency = 0;
            for (const ModelFigures &f : result.models) {
              energy = std::max(energy, f.energy_j);
              latency = std::max(latency, f.latency_s);
            }
            double score = energy * latency * result.area_mm2 * 1e-2;
            if (score < best) {
              best = score;
              found = m;
            }
          }
  // 735 published points over seven sizes of the global buffer.
  EXPECT_EQ(feasible, 105);
  EXPECT_NEAR(best, 1.205e-8, 0.04e-8);
  EXPECT_EQ(found.array.rows, 512);
  EXPECT_EQ(found.array.cols, 32);
  EXPECT_EQ(found.hierarchy.groups, 32);
  EXPECT_EQ(found.hierarchy.tiles_per_group, 64);
  EXPECT_EQ(found.hierarchy.macros_per_tile, 8);
}

// The same designs under closed physics.
TEST(Legacy, ClosedPhysicsIsSlower) {
  machine::Machine m = test::shipped("rram-32nm");
  m.technology.vdd_v = 0.5;
  m.cell.bits = 8;
  m.timing.cycle_time_ns = 1;
  m.array.rows = 512;
  m.array.cols = 128;
  m.hierarchy = {4, 32, 32};
  m.global_buffer.size_mib = 2;
  mapping::Knobs knobs;
  knobs.replication = mapping::Replication::Balanced;
  Cost cost = evaluate({test::resnet18()}, m, knobs);
  EXPECT_GT(cost.models[0].latency_s, 10 * 28e-9);
  // Every array of the plan belongs to one layer.
  mapping::Plan plan = mapping::plan(test::resnet18(), m, knobs);
  EXPECT_FALSE(bool(mapping::verify(plan, test::resnet18(), m)));
}

TEST(Legacy, FewerArraysThanTilesCostMore) {
  machine::Machine fits = test::shipped("sram-32nm"), small = fits;
  fits.hierarchy = {16, 16, 32};
  small.hierarchy = {4, 16, 16};
  for (auto replication :
       {mapping::Replication::None, mapping::Replication::Balanced}) {
    mapping::Knobs knobs;
    knobs.replication = replication;
    const workload::Workload w = test::resnet18();
    ASSERT_TRUE(mapping::plan(w, fits, knobs).resident);
    ASSERT_FALSE(mapping::plan(w, small, knobs).resident);
    Cost a = evaluate({w}, fits, knobs), b = evaluate({w}, small, knobs);
    EXPECT_GT(b.models[0].energy_j, a.models[0].energy_j);
    // With copies, the small chip has all arrays for the layer that runs, which
    // may win back the time of fetching it.
    if (replication == mapping::Replication::None) {
      EXPECT_GT(b.models[0].latency_s, a.models[0].latency_s);
    }
  }
}

TEST(Legacy, FiguresAreOfTheSameAccounting) {
  const machine::Machine m = test::shipped("source-2026-rram");
  const Figures f = figures(m);
  EXPECT_NEAR(f.area_mm2, 481.598, 0.012 * 481.598);
  // 16384 arrays x 512 x 32 products per nanosecond.
  EXPECT_DOUBLE_EQ(f.tops, 2 * 16384.0 * 512 * 32 / 1e-9 * 1e-12);
}
