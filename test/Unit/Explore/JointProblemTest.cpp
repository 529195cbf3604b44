//===- JointProblemTest.cpp - Designs, rules, aggregated objectives -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/JointProblem.h"
#include "imc/Explore/Compare.h"

#include "SearchTestUtil.h"

#include "llvm/ADT/STLExtras.h"

using namespace imc::explore;
using namespace imc;

namespace {

std::unique_ptr<JointProblem> problem(llvm::StringRef space,
                                      Goal goal = {{}, Aggregate::Mean}) {
  SpaceFile file = must(parseSpace(space, "s.yaml"));
  return must(JointProblem::create(file, testTarget(file.target),
                                   {smallCNN(), smallMLP()}, goal));
}

std::vector<std::string> broken(const JointProblem &p,
                                const search::Evaluation &e) {
  std::vector<std::string> names;
  for (int32_t reason : e.reasons)
    names.push_back(p.constraintNames()[reason]);
  return names;
}

search::Evaluation evaluate(const JointProblem &p, search::Genome genome) {
  search::Evaluation e;
  p.evaluate(&genome, 1, &e);
  EXPECT_TRUE(bool(search::checkEvaluation(p, genome, e)));
  return e;
}

TEST(JointProblem, ObjectivesAreTheAggregatedDetailedCost) {
  auto p = problem(kSmallSpace);
  size_t feasible = 0;
  for (int32_t i = 0; i < 5; ++i) {
    search::Genome genome{i, 2, 1, 4, 2, 1, 0, 1, 2};
    search::Evaluation e = evaluate(*p, genome);
    if (!e.isFeasible())
      continue;
    ++feasible;
    Decoded d = p->decode(genome);
    EXPECT_EQ(d.machine.array.rows, 32 << i);
    EXPECT_EQ(d.machine.array.cols, 128);
    EXPECT_EQ(d.knobs.weight_bits, 8);
    cost::Cost full = cost::evaluate(p->workloads(), d.machine, d.knobs);
    EXPECT_EQ(e.objectives[0],
              (full.models[0].energy_j + full.models[1].energy_j) / 2);
    EXPECT_EQ(e.objectives[1],
              (full.models[0].latency_s + full.models[1].latency_s) / 2);
    EXPECT_EQ(e.objectives[2], full.area_mm2);
    NamedNumbers metrics = p->metricsOf(full, d.knobs);
    EXPECT_EQ(e.objectives[0], *find(metrics, "energy_j"));
    // Constraint-only metrics are those of the worst model.
    EXPECT_EQ(*find(metrics, "sqnr_db"),
              std::min(full.models[0].sqnr_db, full.models[1].sqnr_db));
    EXPECT_EQ(*find(metrics, "edap_js_mm2"),
              (full.models[0].edap_js_mm2 + full.models[1].edap_js_mm2) / 2);
  }
  EXPECT_GT(feasible, 0u);
}

TEST(JointProblem, DesignsRoundTrip) {
  auto p = problem(kSmallSpace);
  search::Genome genome{3, 1, 2, 0, 2, 1, 1, 0, 1};
  Design design = p->designOf(genome);
  EXPECT_EQ(*find(design, "machine.rows"), "256");
  EXPECT_EQ(*find(design, "pass.encoding"), "differential");
  EXPECT_EQ(must(p->genomeOf(design)), genome);
  design[0].second = "77";
  EXPECT_HAS(errorOf(p->genomeOf(design)), "77");
}

const char *const kLayerSpace = R"(target: rram-32nm
knobs:
  machine.rows: [64, 128]
  pass.replication: [none, balanced]
  layer.cnn:conv1.copies: [1, 2, 4]
  layer.mlp:fc1.copies: {values: [1, 4], when: {pass.replication: [none]}}
)";

TEST(JointProblem, LayersHaveKnobsOfTheirOwn) {
  auto p = problem(kLayerSpace);
  EXPECT_EQ(p->spaceFile().size(), 2 * (3 * 2 + 3));
  search::Genome genome{1, 0, 2, 1};
  Design design = p->designOf(genome);
  EXPECT_EQ(*find(design, "layer.cnn:conv1.copies"), "4");
  EXPECT_EQ(must(p->genomeOf(design)), genome);
  Decoded d = p->decode(genome);
  std::vector<workload::Workload> models = p->workloadsOf(d);
  EXPECT_EQ(models[0].layers[0].product()->copies, 4);
  EXPECT_EQ(models[1].layers[0].product()->copies, 4);
  EXPECT_EQ(models[1].layers[2].product()->copies, 0);
  cost::Cost full = cost::evaluate(models, d.machine, d.knobs);
  EXPECT_EQ(full.models[0].layers[0].copies, 4);
  EXPECT_EQ(full.models[0].layers[2].copies, 1);
  search::Evaluation e = evaluate(*p, genome);
  ASSERT_TRUE(e.isFeasible());
  EXPECT_EQ(e.objectives[0],
            (full.models[0].energy_j + full.models[1].energy_j) / 2);
  EXPECT_EQ(e.objectives[1],
            (full.models[0].latency_s + full.models[1].latency_s) / 2);
  // More copies of a layer are faster, and one is what the pass gives.
  search::Evaluation one = evaluate(*p, {1, 0, 0, 0});
  EXPECT_GT(one.objectives[1], e.objectives[1]);
  auto plain = problem("target: rram-32nm\nknobs: {machine.rows: [128]}\n");
  EXPECT_EQ(evaluate(*plain, {0}).objectives, one.objectives);
}

TEST(JointProblem, LayersHaveBitsOfTheirOwn) {
  auto p = problem(R"(target: rram-32nm
knobs:
  machine.cell_bits: [2]
  layer.cnn:conv2.weight_bits: [4, 8]
  layer.cnn:conv2.input_bits: [6, 8]
)");
  search::Evaluation most = evaluate(*p, {0, 1, 1});
  auto plain = problem("target: rram-32nm\nknobs: {machine.cell_bits: [2]}\n");
  EXPECT_EQ(evaluate(*plain, {0}).objectives, most.objectives);
  for (const search::Genome &fewer :
       {search::Genome{0, 0, 1}, search::Genome{0, 1, 0}}) {
    search::Evaluation e = evaluate(*p, fewer);
    ASSERT_TRUE(e.isFeasible());
    EXPECT_LT(e.objectives[0], most.objectives[0]);
    Decoded d = p->decode(fewer);
    cost::Cost full = cost::evaluate(p->workloadsOf(d), d.machine, d.knobs);
    EXPECT_EQ(e.objectives[0],
              (full.models[0].energy_j + full.models[1].energy_j) / 2);
  }
}

TEST(JointProblem, LayersHaveConversionsOfTheirOwn) {
  auto p = problem(R"(target: rram-32nm
knobs:
  pass.adc_bits: [0, 6]
  layer.cnn:conv2.adc_bits: [4, 6, 8]
)");
  auto plain = problem("target: rram-32nm\nknobs: {pass.adc_bits: [0, 6]}\n");
  const double all = evaluate(*plain, {0}).objectives[0];
  const double four = evaluate(*p, {0, 0}).objectives[0],
               six = evaluate(*p, {0, 1}).objectives[0];
  EXPECT_LT(four, six);
  EXPECT_LT(six, all);
  // Those of all layers say it, too.
  EXPECT_EQ(evaluate(*p, {1, 1}).objectives, evaluate(*plain, {1}).objectives);
  // At most those that the chip is built for.
  EXPECT_FALSE(evaluate(*p, {1, 2}).isFeasible());
  Design design = p->designOf({0, 0});
  EXPECT_EQ(*find(design, "layer.cnn:conv2.adc_bits"), "4");
}

TEST(JointProblem, LayersAreUnfoldedByRulesOfTheirOwn) {
  auto p = problem(R"(target: rram-32nm
knobs:
  pass.unfolding: [im2col, products]
  layer.cnn:conv2.unfolding: [im2col, steps, auto]
)");
  auto plain =
      problem("target: rram-32nm\nknobs: {pass.unfolding: [im2col]}\n");
  EXPECT_EQ(evaluate(*p, {0, 0}).objectives, evaluate(*plain, {0}).objectives);
  Design design = p->designOf({0, 2});
  EXPECT_EQ(*find(design, "layer.cnn:conv2.unfolding"), "auto");
  EXPECT_EQ(must(p->genomeOf(design)), (search::Genome{0, 2}));
  const double latency = evaluate(*p, {0, 2}).objectives[1];
  EXPECT_LT(latency, evaluate(*p, {0, 0}).objectives[1]);
  EXPECT_LE(latency, evaluate(*p, {0, 1}).objectives[1]);
  const search::Evaluation mixed = evaluate(*p, {1, 0});
  EXPECT_NE(mixed.objectives, evaluate(*p, {1, 1}).objectives);
  Decoded d = p->decode({1, 0});
  cost::Cost full = cost::evaluate(p->workloadsOf(d), d.machine, d.knobs);
  EXPECT_EQ(mixed.objectives[1],
            (full.models[0].latency_s + full.models[1].latency_s) / 2);
}

TEST(JointProblem, RefusesLayersThatAreNotThere) {
  auto refusal = [](llvm::StringRef knob) {
    SpaceFile file = must(parseSpace(
        ("target: rram-32nm\nknobs:\n  machine.rows: [64]\n  " + knob + "\n")
            .str(),
        "s.yaml"));
    return errorOf(JointProblem::create(file, testTarget(file.target),
                                        {smallCNN(), smallMLP()},
                                        {{}, Aggregate::Mean}));
  };
  EXPECT_HAS(refusal("layer.conv1.copies: [2]"),
             "with several models a layer is MODEL:NAME, and the models are "
             "cnn, mlp");
  EXPECT_HAS(refusal("layer.cnn:conv7.copies: [2]"),
             "those with some are 'conv1', 'conv2', 'fc'");
  EXPECT_HAS(refusal("layer.cnn:relu1.copies: [2]"), "no layer 'relu1'");
  EXPECT_HAS(refusal("layer.mlp:fc1.copies: [1, 3]"), "take 2");
  EXPECT_HAS(refusal("layer.mlp:fc1.unfolding: [sdk]"), "is no convolution");
  EXPECT_HAS(refusal("layer.cnn:conv1.unfolding: [sdk]\n"
                     "  layer.cnn:conv1.copies: [1]"),
             "does not go with 'layer.cnn:conv1.unfolding' above");
  EXPECT_HAS(
      errorOf(parseSpace("target: a\nknobs: {layer.x.size: [1]}\n", "s")),
      "FIELD one of weight_bits, input_bits, copies");
  EXPECT_HAS(
      errorOf(parseSpace("target: a\nknobs: {layer.x.copies: [0]}\n", "s")),
      "must be an integer from 1");
  EXPECT_HAS(errorOf(parseSpace("target: a\nknobs: {layer.x.copies: [1]}\n"
                                "constraints: {layer.x.copies: \"<= 2\"}\n",
                                "s")),
             "list the allowed values");
}

TEST(JointProblem, LayersOfOtherModelsAreLeftOut) {
  auto p = problem(kLayerSpace);
  SpaceFile alone = p->spaceFile();
  alone.keepModels({"mlp"});
  ASSERT_EQ(alone.knobs.size(), 3u);
  EXPECT_EQ(alone.knobs[2].name, "layer.mlp:fc1.copies");
  EXPECT_EQ(alone.knobs[2].conditions[0].knob, 1u);
  auto single = must(JointProblem::create(alone, testTarget("rram-32nm"),
                                          {smallMLP()}, {{}, Aggregate::Mean}));
  EXPECT_EQ(single->decode({0, 0, 1}).layers[0].layer, "fc1");
}

TEST(Compare, StagesKeepConditions) {
  SpaceFile space = must(parseSpace(R"(target: rram-32nm
knobs:
  machine.rows: [64, 128]
  machine.cell_bits: {values: [1, 2, 4], when: {machine.rows: [128]}}
  pass.encoding: [offset, differential]
  pass.weight_bits: {values: [6, 7, 8], when: {machine.cell_bits: [2]}}
  pass.adc_bits: {values: [0, 4], when: {pass.encoding: [differential]}}
  machine.cols: {values: [32, 64], when: {pass.encoding: [offset]}}
)",
                                    "s.yaml"));
  machine::Machine base;
  base.cell.bits = 8;
  auto size = [&](llvm::StringRef keep, const Design &fixed) {
    return stageOf(space, base, keep, fixed).size();
  };
  // By the passes' own encoding, offset, columns have an effect.
  EXPECT_EQ(size("machine.", {}), (1 + 3) * 2);
  EXPECT_EQ(size("machine.", {{"pass.encoding", "differential"}}), 1 + 3);
  // Cells of 8 bits are none of the condition's; those that are fixed may be.
  EXPECT_EQ(size("pass.", {}), 1 + 2);
  EXPECT_EQ(
      size("pass.", {{"machine.rows", "128"}, {"machine.cell_bits", "2"}}),
      (1 + 2) * 3);
  EXPECT_EQ(size("pass.", {{"machine.rows", "64"}, {"machine.cell_bits", "2"}}),
            1 + 2);
  EXPECT_EQ(
      size("pass.", {{"machine.rows", "128"}, {"machine.cell_bits", "4"}}),
      1 + 2);
}

TEST(JointProblem, NamesTheRulesThatADesignBreaks) {
  auto p = problem(R"(target: rram-32nm
knobs:
  machine.macros_per_tile: [1, 64]
  machine.groups: [1, 16]
  machine.tiles_per_group: [1, 16]
  machine.vdd: [0.35, 0.85]
  pass.encoding: [offset, twos_complement]
  pass.adc_bits: [0, 16]
constraints:
  area_mm2: "<= 1"
  machine.groups: "<= 1"
)");
  auto has = [&](search::Genome genome, const char *rule) {
    return llvm::is_contained(broken(*p, evaluate(*p, genome)), rule);
  };
  search::Genome good{1, 0, 1, 1, 0, 0};
  EXPECT_FALSE(has(good, "capacity"));
  EXPECT_TRUE(has({0, 0, 0, 1, 0, 0}, "capacity"));
  // Two's complement wants cells of one bit; the target has two.
  EXPECT_TRUE(
      has({1, 0, 1, 1, 1, 0}, mapping::ruleName(mapping::Rule::Encoding)));
  EXPECT_TRUE(
      has({1, 0, 1, 1, 0, 1}, mapping::ruleName(mapping::Rule::AdcBits)));
  EXPECT_TRUE(
      has({1, 0, 1, 0, 0, 0}, mapping::ruleName(mapping::Rule::SupplyVoltage)));
  // Bounds of the space, each under its own text.
  EXPECT_TRUE(has({1, 1, 1, 1, 0, 0}, "machine.groups <= 1"));
  EXPECT_FALSE(has(good, "machine.groups <= 1"));
  EXPECT_TRUE(has({1, 1, 1, 1, 0, 0}, "area_mm2 <= 1"));
}

TEST(JointProblem, ABoundHoldsForEveryModel) {
  // A limit between the two models' energies rejects the design.
  auto free = problem(kSmallSpace);
  search::Genome genome{2, 2, 1, 4, 2, 1, 0, 1, 2};
  ASSERT_TRUE(evaluate(*free, genome).isFeasible());
  Decoded d = free->decode(genome);
  cost::Cost full = cost::evaluate(free->workloads(), d.machine, d.knobs);
  double a = full.models[0].energy_j, b = full.models[1].energy_j;
  ASSERT_NE(a, b);
  std::string limit = shortest((a + b) / 2);
  auto bound =
      problem(std::string(kSmallSpace) + "  energy_j: \"<= " + limit + "\"\n");
  EXPECT_EQ(broken(*bound, evaluate(*bound, genome)),
            (std::vector<std::string>{"energy_j <= " + limit}));
}

TEST(JointProblem, RegretDividesByTheBestOfEachModel) {
  auto p = problem(kSmallSpace, {{"energy_j"}, Aggregate::Regret});
  search::Genome genome{2, 2, 1, 4, 2, 1, 0, 1, 2};
  Decoded d = p->decode(genome);
  cost::Cost full = cost::evaluate(p->workloads(), d.machine, d.knobs);
  std::vector<std::vector<double>> best(metrics().size(), {1, 1});
  best[0] = {full.models[0].energy_j / 2, full.models[1].energy_j / 3};
  p->setBest(best);
  EXPECT_DOUBLE_EQ(evaluate(*p, genome).objectives[0], 3);
}

TEST(JointProblem, RefusesWhatDoesNotFitTogether) {
  auto create = [&](llvm::StringRef text, std::vector<workload::Workload> w) {
    SpaceFile file = must(parseSpace(text, "s.yaml"));
    return errorOf(
        JointProblem::create(file, testTarget(file.target), std::move(w), {}));
  };
  EXPECT_HAS(create(kSmallSpace, {}), "no models");
  EXPECT_HAS(create(kSmallSpace, {smallCNN(), smallCNN()}), "'cnn'");
  EXPECT_HAS(create(std::string(kSmallSpace) + "models: {vgg: {weight: 2}}\n",
                    {smallCNN()}),
             "'vgg'");

  SpaceFile file = must(parseSpace(kSmallSpace, "s.yaml"));
  machine::TargetSpec open = testTarget(file.target);
  open.knobs.push_back({"array.rows", {32, 64}});
  EXPECT_HAS(errorOf(JointProblem::create(file, open, {smallCNN()}, {})),
             "'machine.rows' lists 128");
  open = testTarget(file.target);
  open.knobs.push_back({"global_buffer.size_mib", {1, 2}});
  EXPECT_HAS(errorOf(JointProblem::create(file, open, {smallCNN()}, {})),
             "machine.global_buffer.size_mib");
}

/// Kinds that the target has no figures for are neither free nor silently left
/// out of the search.
TEST(JointProblem, RefusesKindsWithoutFigures) {
  auto create = [&](llvm::StringRef text) {
    SpaceFile file = must(parseSpace(text, "s.yaml"));
    return JointProblem::create(file, testTarget(file.target), {smallCNN()},
                                {});
  };
  const std::string space = "target: rram-32nm\n"
                            "knobs:\n"
                            "  machine.rows: [64, 128]\n"
                            "  machine.adc.kind: [survey, flash]\n";
  const std::string message = errorOf(create(space));
  EXPECT_HAS(message, "s.yaml: 'adc.flash_fj'");
  EXPECT_HAS(message, "are missing, but 'adc.kind' is flash");
  EXPECT_HAS(message, "or list its figures as knobs");
  EXPECT_HAS(errorOf(create(space + "  machine.adc.flash_fj: [1, 2]\n"
                                    "  machine.adc.flash_um2: [1]\n")),
             "s.yaml: 'adc.flash_ns' (Time of a decision, ns) is missing");
  EXPECT_TRUE(bool(create(space + "  machine.adc.flash_fj: [1, 2]\n"
                                  "  machine.adc.flash_um2: [1]\n"
                                  "  machine.adc.flash_ns: [0.5]\n")));
}

TEST(JointProblem, RangeOfConvertersIsAKnob) {
  auto p = problem(R"(target: rram-32nm
knobs:
  machine.rows: [128]
  machine.adc_bits: [6, 9]
  machine.adc.clip_bits: [0, 2, 4]
  pass.encoding: [differential]
)");
  auto refused = [&](search::Genome genome) {
    return llvm::is_contained(broken(*p, evaluate(*p, genome)), "adc_range");
  };
  EXPECT_FALSE(refused({0, 0, 0, 0}));
  EXPECT_FALSE(refused({0, 0, 1, 0}));
  EXPECT_TRUE(refused({0, 0, 2, 0})); // the sums have 9 bits
  EXPECT_FALSE(refused({0, 1, 0, 0}));
  EXPECT_TRUE(refused({0, 1, 1, 0}));
  EXPECT_EQ(p->decode({0, 0, 1, 0}).machine.adc.clip_bits, 2);
}

TEST(JointProblem, ExistingRulesAllHaveNames) {
  auto p = problem(kSmallSpace);
  for (const std::string &name : p->constraintNames())
    EXPECT_FALSE(name.empty());
  EXPECT_EQ(p->constraintNames().back(), "sqnr_db >= 10");
}

} // namespace
