//===- BoxBoundsTest.cpp - Bounds of spaces of any size -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchTestUtil.h"
#include "imc/Search/Random.h"
#include "imc/Search/Run.h"
#include "lib/Explore/LeastPrices.h"
#include "test/Unit/Models/Networks.h"

#include <cmath>
#include <limits>

using namespace imc::explore;
using namespace imc;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Every machine of targets/, every field moved: only the prices that are said
// to depend on it change.
TEST(BoxBounds, PricesDependOnNothingElse) {
  int moved = 0, dependent = 0;
  for (const char *target :
       {"rram-32nm", "sram-32nm", "isaac", "puma", "neurram", "survey-rram",
        "survey-sram-analog", "survey-sram-digital", "colonnade-65nm",
        "jia-65nm", "papistas-22nm", "zigzag-aimc-28nm", "zigzag-dimc-28nm",
        "isscc2022-15.5-28nm"}) {
    llvm::Expected<machine::TargetSpec> spec =
        machine::loadTarget(target, {std::string(IMC_SOURCE_DIR) + "/targets"});
    ASSERT_TRUE(bool(spec)) << llvm::toString(spec.takeError());
    machine::Machine from = spec->values;
    for (const machine::Knob &knob : spec->knobs)
      llvm::cantFail(machine::setField(from, knob.path, knob.values.front()));
    if (from.timing.cycle_time_ns == 0)
      from.timing.cycle_time_ns = 5;
    const mapping::Knobs passes;
    auto check = [&](const std::string &knob, const machine::Machine &changed,
                     const mapping::Knobs &other) {
      ++moved;
      for (int s = 0; s < LeastPrices::numSlots; ++s) {
        const auto slot = static_cast<LeastPrices::Slot>(s);
        if (LeastPrices::mayDepend(slot, knob, from, /*fixed=*/true)) {
          ++dependent;
          continue;
        }
        const double before = LeastPrices::priceOf(slot, from, passes),
                     after = LeastPrices::priceOf(slot, changed, other);
        // Standby power is told apart by differences.
        const bool rounded = s == LeastPrices::LeakArray ||
                             s == LeastPrices::LeakTile ||
                             s == LeastPrices::LeakRest;
        if (before != after)
          EXPECT_NEAR(before, after, rounded ? 1e-9 * before + 1e-15 : 0)
              << target << ": " << LeastPrices::name(slot) << " by " << knob;
      }
    };
    for (const machine::Component &component : machine::schema())
      for (const machine::Field &field : component.fields) {
        if (!component.has(field, from) ||
            llvm::StringRef(field.name) == "kind")
          continue;
        const double value = field.get(from);
        for (double to : {value * 2, value / 2, value + 1, field.min}) {
          if (llvm::Error error = machine::checkValue(field, to)) {
            llvm::consumeError(std::move(error));
            continue;
          }
          machine::Machine changed = from;
          field.set(changed, to);
          if (field.path() == "timing.cycle_time_ns" && to == 0)
            continue; // the shortest: not `fixed`
          check("machine." + field.path(), changed, passes);
        }
      }
    for (const mapping::KnobInfo &info : mapping::knobSchema())
      for (int64_t to : {info.min, (info.min + info.max) / 2, info.max}) {
        mapping::Knobs other;
        llvm::cantFail(mapping::setKnob(other, info.name, to));
        check(std::string("pass.") + info.name, from, other);
      }
  }
  EXPECT_GT(moved, 1000);
  EXPECT_LT(dependent, moved * LeastPrices::numSlots / 3) << "says something";
}

/// Random boxes, and random designs in each: what the bound says holds for all
/// of them. Returns how many had objectives, and how many were excluded.
std::pair<int, int> sampleBoxes(const JointProblem &problem, uint32_t count) {
  const search::Bounds &bounds = *problem.bounds();
  const search::Space &space = problem.space();
  int bounded = 0, excluded = 0;
  for (uint32_t n = 0; n < count; ++n) {
    search::Stream stream(/*seed=*/11, 0, n);
    search::Genome box(space.numKnobs());
    const uint32_t openness = stream.below(8);
    auto draw = [&](size_t knob) {
      return int32_t(stream.below(uint32_t(space.knobs()[knob].count)));
    };
    for (size_t i = 0; i < box.size(); ++i)
      box[i] = stream.below(8) < openness ? -1 : draw(i);
    const search::Bound bound = bounds.boundBox(box);
    bounded += !bound.objectives.empty();
    excluded += bound.broken >= 0;
    for (int sample = 0; sample < 6; ++sample) {
      search::Genome design = box;
      for (size_t i = 0; i < box.size(); ++i)
        if (box[i] < 0)
          design[i] = draw(i);
      search::Evaluation e;
      problem.evaluate(&design, 1, &e);
      if (!e.isFeasible())
        continue;
      EXPECT_LT(bound.broken, 0)
          << space.describe(design) << " excluded by "
          << problem.constraintNames()[std::max(bound.broken, 0)];
      for (size_t j = 0; j < bound.objectives.size(); ++j)
        EXPECT_GE(e.objectives[j], bound.objectives[j])
            << problem.objectiveNames()[j] << ' ' << space.describe(design)
            << " in {" << space.describe(box) << '}';
    }
  }
  return {bounded, excluded};
}

const Goal kAll = {{"energy_j", "latency_s", "area_mm2", "edap_js_mm2"},
                   Aggregate::Geomean};

TEST(BoxBounds, HoldOfTheLargeSpaces) {
  for (const char *name : {"rram-joint", "rram-extended", "sram-joint"}) {
    SpaceFile file = must(
        readSpaceFile(std::string(IMC_SOURCE_DIR "/spaces/") + name + ".yaml"));
    auto problem = must(JointProblem::create(
        file, testTarget(file.target),
        {test::mobilenetV3Large(), test::resnet18()}, kAll));
    auto [bounded, excluded] = sampleBoxes(*problem, 1000);
    EXPECT_GT(bounded, 200) << name;
    EXPECT_GT(excluded, 20) << name;
  }
}

/// Copies, bits and unfolding of single layers, and all that is relaxed.
const char *const kLayers = R"(
knobs:
  machine.rows: [64, 256]
  machine.cols: [64, 256]
  machine.macros_per_tile: [4, 16, 64]
  machine.groups: [2, 8]
  machine.vdd: [0.6, 0.8]
  machine.cycle_time_ns: [2, 8]
  machine.adc_share: [1, 16]
  machine.adc_bits: [6, 10]
  machine.dac_bits: {values: [1, 2], when: {machine.rows: [256]}}
  pass.weight_bits: [8]
  pass.replication: [none, balanced, exact_sum]
  pass.unfolding: [im2col, variable_window, products, steps, auto]
  layer.cnn:fc.copies: [1]
  layer.cnn:conv2.weight_bits: [4, 8]
  layer.cnn:conv2.input_bits: [5, 8]
  layer.mlp:fc1.copies: [1, 2, 4]
)";

/// Windows of one layer, conversions of another.
const char *const kUnfolded = R"(
knobs:
  machine.rows: [64, 256]
  machine.macros_per_tile: [4, 16, 64]
  machine.groups: [2, 8]
  pass.replication: [none, balanced]
  layer.cnn:conv1.unfolding: [im2col, sdk, steps, auto]
  layer.cnn:conv2.adc_bits: [4, 6, 8]
  layer.cnn:fc.weight_bits: [4, 8]
)";

TEST(BoxBounds, HoldOfLayersAndUnfoldedWindows) {
  for (const char *target : {"rram-32nm", "sram-32nm"})
    for (const char *end :
         {"constraints: {area_mm2: \"<= 200\", sqnr_db: \">= 15\"}\n",
          "constraints: {latency_s: \"<= 1e-3\"}\n"}) {
      for (const char *knobs : {kLayers, kUnfolded}) {
        auto problem = problemOf(std::string("target: ") + target + knobs +
                                     end + "objectives: [energy_j]\n",
                                 {smallCNN(), smallMLP()}, kAll);
        EXPECT_GT(sampleBoxes(*problem, 400).first, 150);
      }
    }
}

// The least bound of all, where everything can be enumerated: the optimum of
// each objective lies at or above it, and with boxes enough it is the optimum.
TEST(BoxBounds, BestFirstEndsAtTheOptimum) {
  const std::string text = std::string("target: rram-32nm") + R"(
knobs:
  machine.rows: [64, 256]
  machine.macros_per_tile: [4, 16, 64]
  machine.cycle_time_ns: [2, 8]
  machine.adc_bits: [6, 10]
  pass.replication: [none, balanced]
  pass.weight_bits: [8]
  layer.mlp:fc1.copies: [1, 2, 4]
  layer.cnn:conv2.weight_bits: [4, 8]
constraints: {sqnr_db: ">= 15"}
objectives: [energy_j]
)";
  auto problem = problemOf(text, {smallCNN(), smallMLP()}, kAll);
  auto made = search::makeAlgorithm("exhaustive", {});
  auto all = search::run(*problem, **made, search::RunOptions(1u << 30, 1));
  ASSERT_TRUE(bool(all));
  const std::vector<double> ideal = all->archive.ideal();
  search::LeastOptions options;
  for (uint64_t boxes : {4, 40, 400, 1000000}) {
    options.boxes = boxes;
    const search::Least least = search::leastObjectives(*problem, options);
    for (size_t j = 0; j < ideal.size(); ++j)
      EXPECT_LE(least.bounds[j], ideal[j]) << boxes;
    if (boxes == 1000000) {
      EXPECT_EQ(least.bounds, ideal);
    }
  }
  // What is known already ends the search at once.
  options.known = ideal;
  const search::Least known = search::leastObjectives(*problem, options);
  EXPECT_EQ(known.bounds, ideal);

  // Nothing is feasible.
  auto none = problemOf(
      llvm::StringRef(text).str().replace(text.find(">= 15"), 5, ">= 60"),
      {smallCNN(), smallMLP()}, kAll);
  options.known.clear();
  for (double bound : search::leastObjectives(*none, options).bounds)
    EXPECT_EQ(bound, kInfinity);
}

// The space of 10^12 designs: a gap for each objective, whatever the algorithm.
TEST(BoxBounds, LargeSpacesHaveAGap) {
  for (const char *name : {"rram-joint", "rram-extended"}) {
    SpaceFile file = must(
        readSpaceFile(std::string(IMC_SOURCE_DIR "/spaces/") + name + ".yaml"));
    auto problem = must(
        JointProblem::create(file, testTarget(file.target), {test::resnet18()},
                             {{"edap_js_mm2"}, Aggregate::Max}));
    search::LeastOptions options;
    options.boxes = 4000;
    const double few = search::leastObjectives(*problem, options).bounds[0];
    options.boxes = 40000;
    const double many = search::leastObjectives(*problem, options).bounds[0];
    EXPECT_GT(few, 0) << name;
    EXPECT_GE(many, few) << "more boxes, no smaller bound";
    auto made = search::makeAlgorithm("nsga2", {{"population", "100"}});
    auto found =
        search::run(*problem, **made, search::RunOptions(4000, /*seed=*/1));
    ASSERT_TRUE(found && !found->archive.empty());
    EXPECT_LE(many, found->archive.ideal()[0]);
    EXPECT_LT(found->archive.ideal()[0] / many, 40) << name;
  }
}

TEST(BoxBounds, SearchNamesBoundsAndWhatHasNone) {
  TestSearch search(std::string(kSmallSpace) +
                    "  power_density_w_mm2: \"<= 1\"\n"
                    "objectives: [edap_js_mm2, power_w]\n");
  ASSERT_EQ(search.run(), 0) << search.log;
  const Front front = search.front();
  EXPECT_EQ(front.search.optimum, "unknown");
  ASSERT_NE(find(front.search.bounds, "edap_js_mm2"), nullptr);
  EXPECT_EQ(find(front.search.bounds, "power_w"), nullptr);
  EXPECT_HAS(search.log, "% of a proven bound of edap_js_mm2");
  EXPECT_HAS(search.log, "without a known bound of power_w");
}

} // namespace
