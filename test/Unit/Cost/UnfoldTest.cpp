//===- UnfoldTest.cpp - pass.unfolding=auto -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Unfold.h"
#include "Common.h"

using namespace imc;
using namespace imc::cost;
using mapping::UnfoldingRule;
using mapping::unfolding::Pair;

static ModelCost priced(const workload::Workload &w,
                        llvm::ArrayRef<Pair> positions,
                        const machine::Machine &m, mapping::Knobs knobs) {
  knobs.unfolding = UnfoldingRule::Im2col;
  return evaluate({mapping::unfold(w, positions)}, m, knobs).models.front();
}

static ModelCost priced(const workload::Workload &w, const machine::Machine &m,
                        mapping::Knobs knobs, UnfoldingRule rule) {
  knobs.unfolding = rule;
  return evaluate({w}, m, knobs).models.front();
}

// With copies and without, `auto` takes no longer than any other rule, and on
// most designs it takes less than all of them.
TEST(Unfold, AutoIsNeverSlower) {
  std::mt19937_64 random(31);
  int designs = 0, faster = 0;
  const workload::Workload models[] = {test::resnet18(), test::alexnet(),
                                       test::mobilenetV3Large()};
  while (designs != 24) {
    const char *target = designs % 2 ? "rram-32nm" : "sram-32nm";
    test::Design d = test::randomDesign(test::shipped(target), random);
    d.knobs.group_packing = mapping::GroupPacking::Single;
    d.knobs.encoding = mapping::Encoding::Offset;
    d.machine.array.rows = d.machine.array.cols = 128 << random() % 3;
    d.machine.hierarchy.groups *= 8;
    const workload::Workload &w = models[designs % 3];
    mapping::Knobs plain = d.knobs;
    if (!mapping::check(plain, d.machine).empty() ||
        !mapping::plan(w, d.machine, plain).violations.empty())
      continue;
    ++designs;
    const ModelCost best = priced(w, d.machine, d.knobs, UnfoldingRule::Auto);
    bool least = true;
    for (UnfoldingRule rule : {UnfoldingRule::Im2col, UnfoldingRule::Sdk,
                               UnfoldingRule::VariableWindow,
                               UnfoldingRule::Products, UnfoldingRule::Steps}) {
      mapping::Knobs k = d.knobs;
      k.unfolding = rule;
      const workload::Workload u = cost::unfold(w, d.machine, k);
      // The published rules do not look at how many arrays there are.
      if (!mapping::plan(u, d.machine, d.knobs).violations.empty())
        continue;
      const ModelCost other = priced(w, d.machine, d.knobs, rule);
      EXPECT_LE(best.latency_s, other.latency_s) << target << " " << int(rule);
      least &= best.latency_s < other.latency_s;
    }
    faster += least;
    EXPECT_EQ(best.macs, w.macs());
  }
  EXPECT_GE(faster, 12);
}

// Among all pairs of positions of two small convolutions.
TEST(Unfold, AutoAgainstAllChoices) {
  std::mt19937_64 random(32);
  int optimal = 0, trials = 0;
  double worst = 1;
  while (trials != 60) {
    auto in = [&](int64_t from, int64_t to) {
      return from + int64_t(random() % uint64_t(to - from + 1));
    };
    workload::Workload w;
    w.name = "two";
    for (const char *name : {"a", "b"})
      w.layers.push_back(
          {name, "conv2d", "",
           workload::convolution(1, in(1, 12), in(5, 8), in(5, 8), in(1, 24),
                                 in(1, 3), in(1, 3), 1, 0)});
    machine::Machine m = test::shipped("rram-32nm");
    m.array.rows = m.array.cols = in(0, 1) ? 32 : 64;
    m.adc.share = in(0, 1) ? 8 : 32;
    m.hierarchy = {1, in(1, 3), in(2, 8)};
    mapping::Knobs k;
    k.replication = static_cast<mapping::Replication>(in(0, 2));
    if (!mapping::check(k, m).empty() ||
        !mapping::plan(w, m, k).violations.empty())
      continue;
    ++trials;
    double least = 1;
    const workload::Product &a = *w.layers[0].product(),
                            &b = *w.layers[1].product();
    for (int64_t h = 1; h <= a.output_rows; ++h)
      for (int64_t x = 1; x <= a.output_width; ++x)
        for (int64_t i = 1; i <= b.output_rows; ++i)
          for (int64_t j = 1; j <= b.output_width; ++j) {
            const Pair positions[] = {{h, x}, {i, j}};
            const workload::Workload u = mapping::unfold(w, positions);
            if (mapping::plan(u, m, k).violations.empty())
              least = std::min(least, priced(w, positions, m, k).latency_s);
          }
    const double found = priced(w, m, k, UnfoldingRule::Auto).latency_s;
    EXPECT_GE(found, least);
    optimal += found == least;
    worst = std::max(worst, found / least);
  }
  // One layer after the other does not always find the best of both.
  std::printf("auto: optimal in %d of %d, at worst %.3f of the optimum\n",
              optimal, trials, worst);
  EXPECT_GE(optimal, 48);
  EXPECT_LT(worst, 1.25);
}

/// Rules of their own for about half of the convolutions of `w`.
static void giveRules(workload::Workload &w, std::mt19937_64 &random) {
  for (const workload::Layer &layer : w.layers)
    if (layer.product() && layer.product()->hasImages() && random() % 2)
      llvm::cantFail(workload::setLayer(w, layer.name, "unfolding",
                                        int64_t(random() % 6)));
}

// Pricer and evaluation take the same positions, whoever asks for which rule.
TEST(Unfold, RulesOfSingleLayersAreTheSameInBothPaths) {
  std::mt19937_64 random(33);
  int feasible = 0, unlike = 0;
  for (int trial = 0; trial != 60; ++trial) {
    std::vector<workload::Workload> models = {test::alexnet(),
                                              test::resnet18()};
    for (workload::Workload &w : models)
      giveRules(w, random);
    test::Design d = test::randomDesign(
        test::shipped(trial % 2 ? "rram-32nm" : "sram-32nm"), random);
    d.knobs.unfolding = static_cast<UnfoldingRule>(random() % 5);
    d.knobs.replication = static_cast<mapping::Replication>(random() % 2);
    d.machine.array.rows = d.machine.array.cols = 128 << random() % 3;
    const Cost slow = evaluate(models, d.machine, d.knobs);
    const Pricer pricer(models);
    // The second time from what is kept.
    for (int again = 0; again != 2; ++again) {
      DesignCost fast;
      pricer.price(d.machine, d.knobs, fast);
      EXPECT_EQ(fast.feasible, slow.feasible);
      ASSERT_EQ(fast.models.size(), slow.models.size());
      for (size_t i = 0; i != models.size(); ++i) {
        EXPECT_EQ(fast.models[i].energy_j, slow.models[i].energy_j);
        EXPECT_EQ(fast.models[i].latency_s, slow.models[i].latency_s);
        EXPECT_EQ(fast.models[i].placed_arrays, slow.models[i].placed_arrays);
        EXPECT_EQ(fast.models[i].sqnr_db, slow.models[i].sqnr_db);
      }
    }
    feasible += slow.feasible;
    const Cost one =
        evaluate({test::alexnet(), test::resnet18()}, d.machine, d.knobs);
    unlike += one.models[1].latency_s != slow.models[1].latency_s;
    ASSERT_FALSE(HasFailure()) << trial;
  }
  EXPECT_GT(feasible, 5);
  EXPECT_GT(unlike, 40);
}

// Beside layers with other rules, `auto` is not slower than any rule in its
// place.
TEST(Unfold, AutoOfSingleLayersIsNeverSlower) {
  std::mt19937_64 random(34);
  int designs = 0, faster = 0;
  while (designs != 12) {
    test::Design d = test::randomDesign(test::shipped("rram-32nm"), random);
    d.knobs.group_packing = mapping::GroupPacking::Single;
    d.knobs.encoding = mapping::Encoding::Offset;
    d.knobs.replication = static_cast<mapping::Replication>(designs % 2);
    d.machine.array.rows = d.machine.array.cols = 128 << random() % 3;
    d.machine.hierarchy.groups *= 8;
    workload::Workload w = test::resnet18();
    for (size_t i = 0; i < w.layers.size(); ++i)
      if (const workload::Product *p = w.layers[i].product();
          p && p->hasImages() && i % 3)
        llvm::cantFail(workload::setLayer(w, w.layers[i].name, "unfolding",
                                          i % 3 == 1 ? 0 : 3));
    if (!mapping::check(d.knobs, d.machine).empty() ||
        !mapping::plan(w, d.machine, d.knobs).violations.empty())
      continue;
    ++designs;
    const ModelCost best = priced(w, d.machine, d.knobs, UnfoldingRule::Auto);
    bool least = true;
    for (UnfoldingRule rule : {UnfoldingRule::Im2col, UnfoldingRule::Sdk,
                               UnfoldingRule::VariableWindow}) {
      mapping::Knobs k = d.knobs;
      k.unfolding = rule;
      const workload::Workload u = cost::unfold(w, d.machine, k);
      if (!mapping::plan(u, d.machine, d.knobs).violations.empty())
        continue;
      const ModelCost other = priced(w, d.machine, d.knobs, rule);
      // The layers of `products` have what the others leave.
      EXPECT_EQ(other.macs, best.macs);
      if (rule == UnfoldingRule::Im2col)
        EXPECT_LE(best.latency_s, other.latency_s);
      least &= best.latency_s < other.latency_s;
    }
    faster += least;
  }
  EXPECT_GE(faster, 6);
}
