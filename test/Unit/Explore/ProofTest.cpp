//===- ProofTest.cpp - Bounds that hold, optima that are proven -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchTestUtil.h"
#include "imc/Search/Assignment.h"
#include "imc/Search/Random.h"
#include "imc/Search/Run.h"
#include "test/Unit/Models/Networks.h"

#include <cmath>
#include <limits>

using namespace imc::explore;
using namespace imc;

namespace {

/// A shipped space with the paper's four networks.
std::unique_ptr<JointProblem> sourcePaper(const char *name, Goal goal) {
  const std::string path =
      std::string(IMC_SOURCE_DIR "/spaces/") + name + ".yaml";
  SpaceFile file = must(readSpaceFile(path));
  return must(JointProblem::create(file, testTarget(file.target),
                                   {test::resnet18(), test::vgg16(),
                                    test::alexnet(), test::mobilenetV3Large()},
                                   std::move(goal)));
}

search::RunResult solve(const JointProblem &problem, const char *algorithm,
                        const search::AlgorithmOptions &options = {}) {
  auto made = search::makeAlgorithm(algorithm, options);
  EXPECT_TRUE(bool(made)) << made.message();
  auto result =
      search::run(problem, **made, search::RunOptions(1u << 30, /*seed=*/1));
  EXPECT_TRUE(bool(result)) << result.message();
  return std::move(*result);
}

/// Random nodes of the tree, and random designs below each: what the bound says
/// holds for all of them. Returns how many nodes were excluded and how many had
/// objectives.
std::pair<int, int> sampleBounds(const JointProblem &problem, uint32_t nodes) {
  const search::Bounds &bounds = *problem.bounds();
  const search::Space &space = problem.space();
  const std::vector<size_t> order = bounds.order();
  int excluded = 0, bounded = 0;
  for (uint32_t n = 0; n < nodes; ++n) {
    search::Stream stream(/*seed=*/7, 0, n);
    search::Genome node(space.numKnobs());
    auto draw = [&](size_t knob) {
      return int32_t(stream.below(uint32_t(space.knobs()[knob].count)));
    };
    for (size_t i = 0; i < node.size(); ++i)
      node[i] = draw(i);
    const size_t fixed = 1 + stream.below(uint32_t(node.size()));
    const search::Bound bound = bounds.bound(node, fixed);
    excluded += bound.broken >= 0;
    bounded += !bound.objectives.empty();
    for (int sample = 0; sample < 6; ++sample) {
      search::Genome design = node;
      for (size_t i = fixed; i < order.size(); ++i)
        design[order[i]] = draw(order[i]);
      search::Evaluation e;
      problem.evaluate(&design, 1, &e);
      if (bound.broken >= 0) {
        EXPECT_FALSE(e.isFeasible())
            << space.describe(design) << " excluded by "
            << problem.constraintNames()[bound.broken] << " of " << fixed;
      } else if (e.isFeasible()) {
        for (size_t j = 0; j < bound.objectives.size(); ++j)
          EXPECT_GE(e.objectives[j], bound.objectives[j])
              << space.describe(design) << " fixed " << fixed;
      }
    }
  }
  return {excluded, bounded};
}

const Goal kThree = {{"energy_j", "latency_s", "area_mm2"}, Aggregate::Max};

/// A legacy space in which designs are feasible, for a small model.
const char *const kLegacySpace = R"(target: source-2026-sram
knobs:
  machine.rows: [16, 64, 256]
  machine.cols: [16, 64, 256]
  machine.groups: [1, 4, 16]
  machine.macros_per_tile: [2, 16]
  machine.vdd: [0.5, 0.6, 0.85]
  machine.glb_mib: [8, 1, 2]
  machine.cycle_time_ns: [4, 1]
  machine.technology.max_power_density_w_mm2: [1000]
constraints:
  area_mm2: "<= 60"
)";

TEST(Proof, BoundsOfTheSourcePapersAccountingHold) {
  auto sram = problemOf(std::string(kLegacySpace) + "objectives: [energy_j]\n",
                        {smallCNN(), smallMLP()},
                        {{"energy_j", "latency_s", "area_mm2", "edap_js_mm2"},
                         Aggregate::Geomean});
  auto [excluded, bounded] = sampleBounds(*sram, 800);
  EXPECT_GT(excluded, 10);
  EXPECT_GT(bounded, 100);
  auto rram = sourcePaper("source-2026-rram", kThree);
  EXPECT_GT(sampleBounds(*rram, 200).first, 50);
}

TEST(Proof, BoundsOfTheClosedModelHold) {
  auto problem =
      problemOf(std::string(kSmallSpace) + "objectives: [edap_js_mm2]\n",
                {smallCNN(), smallMLP()}, kThree);
  auto [excluded, bounded] = sampleBounds(*problem, 1500);
  EXPECT_GT(excluded, 3);
  EXPECT_GT(bounded, 100);
}

/// Volatile and non-volatile, with all that a bound looks at.
const char *const kClosedSpace = R"(
knobs:
  machine.rows: [32, 128, 512]
  machine.cols: [64, 256]
  machine.cell_bits: [1, 4]
  machine.macros_per_tile: [1, 8, 64]
  machine.tiles_per_group: [1, 4, 64]
  machine.groups: [1, 2, 16]
  machine.vdd: [0.5, 0.7, 0.85]
  machine.cycle_time_ns: [1, 4, 10]
  machine.glb_mib: [0.5, 4]
  pass.replication: [none, balanced, exact_sum]
  pass.group_packing: [single, dense]
  pass.dynamic_products: [digital, arrays]
  machine.adc_share: {values: [1, 16], when: {pass.replication: [balanced]}}
  pass.encoding: {values: [offset, differential], when: {machine.vdd: [0.7, 0.85]}}
  machine.dac_bits: {values: [1, 2], when: {pass.encoding: [differential], machine.groups: [2, 16]}}
constraints:
  area_mm2: "<= 800"
)";

TEST(Proof, BoundsOfTheClosedModelHoldWithConditions) {
  const Goal goals[] = {
      kThree,
      {{"energy_j", "latency_s", "area_mm2", "edap_js_mm2"}, Aggregate::Mean}};
  for (const char *target : {"rram-32nm", "sram-32nm"})
    for (const Goal &goal : goals) {
      auto small = problemOf(std::string("target: ") + target + kClosedSpace,
                             {smallCNN(), smallMLP()}, goal);
      auto [excluded, bounded] = sampleBounds(*small, 800);
      EXPECT_GT(excluded, 100);
      EXPECT_GT(bounded, 150);
      auto large =
          problemOf(std::string("target: ") + target + kClosedSpace,
                    {test::mobilenetV3Large(), test::resnet18()}, goal);
      EXPECT_GT(sampleBounds(*large, 60).second, 5);
    }
}

TEST(Proof, AStoppedSearchHasAGap) {
  auto problem =
      problemOf(std::string(kSmallSpace) + "objectives: [edap_js_mm2]\n",
                {smallCNN(), smallMLP()}, {{"edap_js_mm2"}, Aggregate::Max});
  auto made = search::makeAlgorithm("branch_and_bound", {});
  auto stopped =
      search::run(*problem, **made, search::RunOptions(300, /*seed=*/1));
  ASSERT_TRUE(stopped && stopped->proof && !stopped->proof->complete);
  const double found = stopped->archive.ideal()[0];
  const double bound = stopped->proof->lowerBounds[0];
  EXPECT_GT(bound, 0);
  EXPECT_LE(bound, found);
  // The optimum lies between the two.
  const double optimum = solve(*problem, "branch_and_bound").archive.ideal()[0];
  EXPECT_LE(bound, optimum);
  EXPECT_LE(optimum, found);
}

TEST(Proof, BranchAndBoundEqualsEnumeration) {
  const std::pair<std::string, Goal> cases[] = {
      {std::string(kLegacySpace) + "objectives: [energy_j]\n", kThree},
      {std::string(kLegacySpace) + "objectives: [energy_j]\n",
       {{"edap_js_mm2"}, Aggregate::Mean}},
      {std::string(kSmallSpace) + "objectives: [energy_j]\n", kThree},
      {std::string(kSmallSpace) + "objectives: [energy_j]\n",
       {{"edap_js_mm2"}, Aggregate::Max}}};
  for (const auto &[text, goal] : cases) {
    auto problem = problemOf(text, {smallCNN(), smallMLP()}, goal);
    const search::RunResult all = solve(*problem, "exhaustive");
    for (const char *dominance : {"true", "false"}) {
      const search::RunResult proven =
          solve(*problem, "branch_and_bound", {{"dominance", dominance}});
      ASSERT_TRUE(proven.proof && proven.proof->complete);
      EXPECT_TRUE(proven.archive.front() == all.archive.front());
      EXPECT_LT(proven.evaluated, all.evaluated);
      EXPECT_GT(proven.archive.size(), 0u);
      if (std::string(dominance) == "false") {
        EXPECT_EQ(proven.feasible, all.feasible);
      }
    }
  }
}

// The published space: 735 chips of 8-bit cells x 8 supplies x 6 clocks are
// feasible. The archived genetic search ended at 1.217e-8 (max) and 1.758e-9
// (mean) J s cm2 after 20 hours.
TEST(Proof, SettlesTheSpaceOfTheSourcePaper) {
  const std::pair<Aggregate, double> cases[] = {{Aggregate::Max, 1.2067e-8},
                                                {Aggregate::Mean, 1.7285e-9}};
  for (auto [aggregate, expected] : cases) {
    auto problem =
        sourcePaper("source-2026-rram", {kThree.objectives, aggregate});
    EXPECT_EQ(problem->spaceFile().size(), 12096000);
    const search::RunResult result =
        solve(*problem, "branch_and_bound", {{"dominance", "false"}});
    ASSERT_TRUE(result.proof);
    EXPECT_TRUE(result.proof->complete);
    EXPECT_EQ(result.feasible, 35280u);
    EXPECT_EQ(double(result.evaluated) + result.proof->infeasible, 12096000);
    double best = 1e300;
    Design chip;
    for (const search::ArchivedDesign &d : result.archive.front()) {
      const double score =
          d.objectives[0] * d.objectives[1] * d.objectives[2] * 1e-2;
      if (score < best) {
        best = score;
        chip = problem->designOf(d.design);
      }
    }
    EXPECT_NEAR(best / expected, 1, 1e-3);
    EXPECT_EQ(*find(chip, "machine.rows"), "512");
    EXPECT_EQ(*find(chip, "machine.cols"), "32");
    EXPECT_EQ(*find(chip, "machine.cell_bits"), "8");
  }
}

TEST(Proof, SearchSaysProvenOrHowFar) {
  TestSearch search(std::string(kLegacySpace) + "objectives: [edap_js_mm2]\n");
  search.options.algorithm = "branch_and_bound";
  search.options.budget = 1000000;
  ASSERT_EQ(search.run(), 0) << search.log;
  Front front = search.front();
  EXPECT_EQ(front.search.optimum, "proven");
  EXPECT_EQ(front.search.gap, 0.0);
  EXPECT_LT(front.search.evaluated, 972u);
  EXPECT_NE(search.log.find("optimum proven"), std::string::npos) << search.log;

  // Stopped early: a gap that is at least as large as the true distance.
  const double best = *find(front.points.front().metrics, "edap_js_mm2");
  TestSearch stopped(std::string(kLegacySpace) + "objectives: [edap_js_mm2]\n");
  stopped.options.algorithm = "branch_and_bound";
  stopped.options.algorithmOptions["batch"] = "1";
  stopped.options.budget = 5;
  ASSERT_EQ(stopped.run(), 0) << stopped.log;
  const Front partial = stopped.front();
  ASSERT_FALSE(partial.points.empty()) << stopped.log;
  EXPECT_EQ(partial.search.optimum, "bound");
  ASSERT_TRUE(partial.search.gap);
  const double found = *find(partial.points.front().metrics, "edap_js_mm2");
  EXPECT_GE(*partial.search.gap * (1 + 1e-9), found / best - 1);
  EXPECT_LT(*partial.search.gap, 1e4);
  EXPECT_NE(stopped.log.find("% of a proven bound"), std::string::npos);
}

// Bits of the weights and copies of every layer of ResNet-18 under a cap on the
// area of arrays: 6 x 12 choices of 21 layers, priced by the cost model.
TEST(Proof, AssignsBitsAndCopiesToTheLayersOfResNet18) {
  const workload::Workload resnet = test::resnet18();
  const machine::Machine chip = testTarget("rram-32nm").values;
  std::vector<std::vector<search::Choice>> layers;
  for (const workload::Layer &layer : resnet.layers) {
    if (!layer.product())
      continue;
    workload::Workload alone;
    alone.name = layer.name;
    alone.layers = {layer};
    layers.emplace_back();
    for (int64_t bits = 3; bits <= 8; ++bits) {
      mapping::Knobs knobs;
      knobs.weight_bits = bits;
      const cost::Cost cost = cost::evaluate({alone}, chip, knobs);
      const double arrays = static_cast<double>(
          mapping::tile(*layer.product(), chip, knobs).arrays());
      const double area =
          cost.area_mm2 / static_cast<double>(chip.arrays()) * arrays;
      // Latency that copies divide, and rounding of the weights at 1 us per
      // share of the signal.
      for (int64_t copies : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64})
        layers.back().push_back(
            {cost.models[0].latency_s / static_cast<double>(copies) +
                 1e-6 * std::ldexp(1.0, static_cast<int>(-2 * bits)),
             area * static_cast<double>(copies)});
    }
  }
  ASSERT_EQ(layers.size(), 21u);
  ASSERT_EQ(layers[0].size(), 72u);
  double before = std::numeric_limits<double>::infinity();
  for (double cap : {100.0, 200.0, 400.0, 800.0}) {
    auto result = search::assignLayers(layers, cap);
    ASSERT_TRUE(bool(result)) << result.message();
    if (!*result)
      continue; // one copy of three bits is too large
    EXPECT_TRUE((*result)->proven) << cap;
    EXPECT_LE((*result)->weight, cap * (1 + 1e-12));
    EXPECT_LT((*result)->cost, before) << "more area helps";
    // No single layer can be improved within what is left of the cap.
    for (size_t i = 0; i < layers.size(); ++i) {
      const search::Choice &now = layers[i][(*result)->choices[i]];
      for (const search::Choice &other : layers[i])
        if ((*result)->weight - now.weight + other.weight <= cap) {
          EXPECT_GE(other.cost, now.cost * (1 - 1e-9));
        }
    }
    before = (*result)->cost;
  }
  EXPECT_LT(before, std::numeric_limits<double>::infinity());
}

} // namespace
