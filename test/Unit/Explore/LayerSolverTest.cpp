//===- LayerSolverTest.cpp - Decisions about layers, exactly --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Explore/LayerSolver.h"
#include "SearchTestUtil.h"
#include "imc/Search/Run.h"
#include "test/Unit/Models/Networks.h"

#include <limits>

using namespace imc::explore;
using namespace imc;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Chips of several sizes; copies and bits of layers, some with conditions.
const char *const kSpace = R"(
knobs:
  machine.groups: [1, 2]
  machine.tiles_per_group: [2, 8]
  machine.macros_per_tile: [4, 16, 64]
  machine.rows: [128]
  machine.cols: [128]
  pass.weight_bits: [8]
  pass.replication: [none, balanced]
  layer.cnn:conv1.copies: [1, 2, 4, 8]
  layer.cnn:conv2.copies: {values: [1, 2, 4], when: {machine.macros_per_tile: [16, 64]}}
  layer.cnn:conv2.weight_bits: [4, 6, 8]
  layer.cnn:fc.input_bits: [5, 8]
  layer.mlp:fc1.copies: [1, 2, 4]
  layer.mlp:fc1.adc_bits: [5, 8]
  layer.mlp:fc2.weight_bits: [4, 8]
)";

/// The least objective of every outer design, by pricing all combinations.
std::map<std::string, double> enumerate(const JointProblem &problem,
                                        const OuterProblem &outer,
                                        const std::vector<bool> &ofLayer) {
  auto made = search::makeAlgorithm("exhaustive", {});
  search::RunOptions options(1u << 30, /*seed=*/1);
  std::map<std::string, double> best;
  options.onEvaluated = [&](const search::EvaluatedDesign &seen) {
    search::Genome design = seen.design;
    for (size_t i = 0; i < design.size(); ++i)
      if (ofLayer[i])
        design[i] = 0;
    double &least =
        best.try_emplace(outer.space().encode(design).str(), kInfinity)
            .first->second;
    if (seen.evaluation.isFeasible())
      least = std::min(least, seen.evaluation.objectives[0]);
    return search::Status();
  };
  auto all = search::run(problem, **made, options);
  EXPECT_TRUE(bool(all)) << all.message();
  return best;
}

TEST(LayerSolver, EqualsEnumeration) {
  int designs = 0, feasible = 0, chosen = 0;
  for (const char *target : {"rram-32nm", "sram-32nm"})
    for (const char *constraints :
         {"", "constraints: {sqnr_db: \">= 20\"}\n",
          "constraints: {power_density_w_mm2: \"<= 0.02\"}\n"})
      for (const char *objective : {"edap_js_mm2", "latency_s", "energy_j"}) {
        auto problem = problemOf(
            std::string("target: ") + target + kSpace + constraints +
                "objectives: [energy_j]\n",
            {smallCNN(), smallMLP()},
            {{objective},
             *objective == 'e' ? Aggregate::Geomean : Aggregate::Max});
        auto outer = must(OuterProblem::create(*problem));
        std::vector<bool> ofLayer;
        for (const search::Knob &knob : problem->space().knobs())
          ofLayer.push_back(llvm::StringRef(knob.name).starts_with("layer."));
        const auto best = enumerate(*problem, *outer, ofLayer);
        auto made = search::makeAlgorithm("exhaustive", {});
        search::RunOptions options(1000, /*seed=*/1);
        options.threads = 2;
        options.onEvaluated = [&](const search::EvaluatedDesign &seen) {
          const LayerSolver::Solution s = outer->solutionOf(seen.design);
          EXPECT_TRUE(s.proven);
          const double expected = best.at(seen.key.str());
          ++designs;
          EXPECT_EQ(s.evaluation.isFeasible(), expected < kInfinity)
              << target << ' ' << constraints << objective;
          if (s.evaluation.isFeasible()) {
            ++feasible;
            EXPECT_EQ(s.evaluation.objectives[0], expected)
                << target << ' ' << constraints << objective << ' '
                << problem->space().describe(s.design);
            chosen += s.design != seen.design;
          }
          return search::Status();
        };
        EXPECT_TRUE(bool(search::run(*outer, **made, options)));
      }
  EXPECT_EQ(designs, 2 * 3 * 3 * 24);
  EXPECT_GT(feasible, designs / 4);
  EXPECT_LT(feasible, designs);
  EXPECT_GT(chosen, feasible / 2) << "the first values are not the best";
}

/// Copies of every layer of ResNet-18.
std::string copiesOf(const workload::Workload &model) {
  std::string text = "target: rram-32nm\nknobs:\n  machine.groups: [4, 8]\n";
  for (const workload::Layer &layer : model.layers)
    if (layer.product())
      text += "  layer." + layer.name +
              (layer.product()->windows > 1 ? ".copies: [1, 7, 49]\n"
                                            : ".copies: [1]\n");
  return text + "objectives: [latency_s]\n";
}

// 3^20 combinations for each of two chips. The answer is at most that of any
// sample and of any change of one layer.
TEST(LayerSolver, SettlesTheCopiesOfResNet18) {
  const workload::Workload resnet = test::resnet18();
  auto problem =
      problemOf(copiesOf(resnet), {resnet}, {{"latency_s"}, Aggregate::Max});
  auto outer = must(OuterProblem::create(*problem));
  EXPECT_EQ(outer->space().size(), 2u);
  double before = kInfinity;
  for (int32_t groups : {0, 1}) {
    search::Genome design(problem->space().numKnobs(), 0);
    design[0] = groups;
    const LayerSolver::Solution s = outer->solutionOf(design);
    ASSERT_TRUE(s.evaluation.isFeasible());
    EXPECT_LT(s.gap, 0.02);
    const double found = s.evaluation.objectives[0];
    EXPECT_LT(found, before) << "more arrays, more copies";
    before = found;
    for (size_t k = 1; k < s.design.size(); ++k)
      for (int32_t v = 0; v < problem->space().knobs()[k].count; ++v) {
        search::Genome other = s.design;
        other[k] = v;
        search::Evaluation e;
        problem->evaluate(&other, 1, &e);
        if (e.isFeasible())
          EXPECT_GE(e.objectives[0], s.proven ? found : found / (1 + s.gap));
      }
  }
}

TEST(LayerSolver, RefusesWhatLayersDoNotDecide) {
  auto refused = [&](const std::string &text, Goal goal,
                     std::vector<workload::Workload> models) {
    auto problem = problemOf(text, std::move(models), std::move(goal));
    return errorOf(OuterProblem::create(*problem));
  };
  const std::string space =
      std::string("target: rram-32nm") + kSpace + "objectives: [energy_j]\n";
  const std::vector<workload::Workload> both = {smallCNN(), smallMLP()};
  EXPECT_HAS(refused(space, {{"energy_j", "latency_s"}, Aggregate::Max}, both),
             "give one objective, not 2");
  EXPECT_HAS(refused(space, {{"area_mm2"}, Aggregate::Max}, both),
             "not by area_mm2");
  EXPECT_HAS(refused(space, {{"energy_j"}, Aggregate::Regret}, both),
             "take another --aggregate");
  EXPECT_HAS(refused(space + "switching: {inferences: 10}\n",
                     {{"energy_j"}, Aggregate::Max}, both),
             "'switching' writes the copies of all layers");
  EXPECT_HAS(refused("target: rram-32nm\nknobs:\n  machine.rows: [64]\n"
                     "objectives: [energy_j]\n",
                     {{"energy_j"}, Aggregate::Max}, {smallCNN()}),
             "no knob of the space is one of a layer");
  EXPECT_HAS(refused("target: rram-32nm\nknobs:\n"
                     "  layer.fc.copies: [1]\n  pass.unfolding: [sdk]\n"
                     "objectives: [energy_j]\n",
                     {{"energy_j"}, Aggregate::Max}, {smallCNN()}),
             "'pass.unfolding' looks at all layers");
}

TEST(LayerSolver, SearchReportsProvenLayers) {
  TestSearch search(std::string("target: rram-32nm") + kSpace +
                    "objectives: [edap_js_mm2]\n");
  const std::vector<workload::Workload> workloads = {smallCNN(), smallMLP()};
  const CompileDesign compile = [&](size_t m, const Decoded &d,
                                    llvm::StringRef) {
    workload::Workload w = workloads[m];
    for (const LayerValue &value : d.layers)
      if (value.model == m)
        llvm::cantFail(
            workload::setLayer(w, value.layer, value.field->name, value.value));
    return llvm::Expected<cost::Cost>(cost::evaluate({w}, d.machine, d.knobs));
  };
  search.options.algorithm = "exhaustive";
  search.options.budget = 100000;
  ASSERT_EQ(search.run(workloads, compile), 0) << search.log;
  const Front all = search.front();
  EXPECT_EQ(all.search.optimum, "proven");

  search.options.exactLayers = true;
  search.options.study = search.folder.file("s.db");
  search.options.budget = 24;
  ASSERT_EQ(search.run(workloads, compile), 0) << search.log;
  const Front exact = search.front();
  EXPECT_EQ(exact.search.optimum, "proven");
  EXPECT_EQ(exact.search.evaluated, 24u);
  EXPECT_EQ(exact.search.layersProven, 24u);
  EXPECT_EQ(exact.search.layersBounded, 0u);
  EXPECT_EQ(*find(exact.points[0].metrics, "edap_js_mm2"),
            *find(all.points[0].metrics, "edap_js_mm2"));
  EXPECT_EQ(exact.search.verified, 1u);
  EXPECT_HAS(search.log, "best values proven for 24 of 24 designs");
  EXPECT_HAS(exact.points[0].command, "layer.cnn:conv1.copies=");

  // Resumed, it ends at the same; without the option it is another search.
  const std::string points = search.points();
  search.options.resume = true;
  ASSERT_EQ(search.run(workloads, compile), 0) << search.log;
  EXPECT_EQ(search.points(), points);
  search.options.exactLayers = false;
  EXPECT_EQ(search.run(workloads, compile), 1);
  EXPECT_HAS(search.log, "made with another algorithm");
}

} // namespace
