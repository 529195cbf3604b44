//===- SpaceFileTest.cpp - Search spaces in YAML --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/SpaceFile.h"

#include "TestUtil.h"

using namespace imc::explore;

namespace {

std::vector<std::string> texts(const KnobChoices &knob) {
  std::vector<std::string> out;
  for (size_t i = 0; i < knob.values.size(); ++i)
    out.push_back(knob.text(i));
  return out;
}
using Texts = std::vector<std::string>;

TEST(SpaceFile, ReadsEveryForm) {
  SpaceFile space = must(parseSpace(R"(
target: rram-32nm
knobs:
  machine.array.rows: [64, 128]
  machine.vdd: {min: 0.5, max: 0.65, step: 0.05}
  machine.cols: {min: 32, max: 256, factor: 2}
  machine.cell.kind: [rram, sram]
  pass.encoding: [differential, offset]
  pass.weight_bits: 8
constraints:
  area_mm2: "<= 800"
  machine.rows: [">= 64", "<=  128"]
models: {resnet18: {weight: 2.5}, vgg16: }
)",
                                    "s.yaml"));
  ASSERT_EQ(space.knobs.size(), 6u);
  EXPECT_EQ(space.knobs[0].name, "machine.rows");
  EXPECT_EQ(texts(space.knobs[0]), (Texts{"64", "128"}));
  EXPECT_EQ(texts(space.knobs[1]), (Texts{"0.5", "0.55", "0.6", "0.65"}));
  EXPECT_EQ(texts(space.knobs[2]), (Texts{"32", "64", "128", "256"}));
  EXPECT_FALSE(space.knobs[3].isOrdered());
  EXPECT_EQ(texts(space.knobs[4]), (Texts{"differential", "offset"}));
  EXPECT_EQ(texts(space.knobs[5]), (Texts{"8"}));
  EXPECT_EQ(space.size(), 2 * 4 * 4 * 2 * 2 * 1);
  ASSERT_EQ(space.constraints.size(), 3u);
  EXPECT_EQ(space.constraints[0].text(), "area_mm2 <= 800");
  EXPECT_EQ(space.constraints[1].text(), "machine.rows >= 64");
  EXPECT_EQ(space.objectives, (Texts{"energy_j", "latency_s", "area_mm2"}));
  EXPECT_EQ(space.weights, (std::vector<std::pair<std::string, double>>{
                               {"resnet18", 2.5}, {"vgg16", 1}}));
}

struct Wrong {
  const char *name, *text;
  std::vector<const char *> says;
};

class WrongSpace : public testing::TestWithParam<Wrong> {};

TEST_P(WrongSpace, IsRefusedWithPlaceAndWayOut) {
  std::string error = errorOf(parseSpace(GetParam().text, "s.yaml"));
  EXPECT_HAS(error, "s.yaml:");
  for (const char *part : GetParam().says)
    EXPECT_HAS(error, part);
}

#define HEAD "target: rram-32nm\nknobs:\n  machine.rows: [64, 128]\n"
INSTANTIATE_TEST_SUITE_P(
    SpaceFile, WrongSpace,
    testing::Values(
        Wrong{"Empty", "", {"a search space is a map"}},
        Wrong{"NotYaml", "target: [", {"not valid YAML"}},
        Wrong{"NoTarget", "knobs: {machine.rows: [64]}", {"no target"}},
        Wrong{"NoKnobs", "target: t\n", {"the space is empty"}},
        Wrong{"EmptyKnobs", "target: t\nknobs: {}\n", {"the space is empty"}},
        Wrong{"UnknownKey", HEAD "knob: 3\n", {"s.yaml:4", "'knob'", "knobs"}},
        Wrong{"UnknownKnob",
              "target: t\nknobs:\n  machine.rovs: [64]\n",
              {"s.yaml:3", "machine.rovs", "did you mean 'machine.rows'"}},
        Wrong{"KnobWithoutKind",
              "target: t\nknobs:\n  rows: [64]\n",
              {"s.yaml:3", "'rows'", "machine."}},
        Wrong{"UnknownPassKnob",
              "target: t\nknobs:\n  pass.speed: [1]\n",
              {"s.yaml:3", "pass.speed", "pass.weight_bits"}},
        Wrong{"IllegalValue",
              "target: t\nknobs:\n  machine.rows: [64, -3]\n",
              {"s.yaml:3", "machine.rows", "-3"}},
        Wrong{"IllegalWord",
              "target: t\nknobs:\n  pass.encoding: [offset, signed]\n",
              {"s.yaml:3", "pass.encoding", "signed", "differential"}},
        Wrong{"EmptyList",
              "target: t\nknobs:\n  machine.rows: []\n",
              {"s.yaml:3", "machine.rows", "empty"}},
        Wrong{"TwiceValue",
              "target: t\nknobs:\n  machine.rows: [64, 64]\n",
              {"s.yaml:3", "machine.rows", "twice"}},
        Wrong{"TwiceKey", HEAD "  machine.rows: [64]\n", {"s.yaml:4", "twice"}},
        Wrong{"TwiceAlias",
              HEAD "  machine.array.rows: [64]\n",
              {"s.yaml:4", "machine.array.rows", "'machine.rows'"}},
        Wrong{"EmptyRange",
              "target: t\nknobs:\n  machine.rows: {min: 9, max: 8, step: 1}\n",
              {"s.yaml:3", "machine.rows", "empty"}},
        Wrong{"RangeWithoutMax",
              "target: t\nknobs:\n  machine.rows: {min: 9, step: 1}\n",
              {"s.yaml:3", "min and max"}},
        Wrong{"RangeOfNames",
              "target: t\nknobs:\n  pass.encoding: {min: 0, max: 1, step: 1}\n",
              {"s.yaml:3", "pass.encoding", "list"}},
        Wrong{"UnknownMetric",
              HEAD "constraints:\n  area: \"<= 3\"\n",
              {"s.yaml:5", "'area'", "area_mm2"}},
        Wrong{"BadBound",
              HEAD "constraints:\n  area_mm2: 800\n",
              {"s.yaml:5", "area_mm2", "800", "<= NUMBER"}},
        Wrong{"Contradiction",
              HEAD "constraints:\n  area_mm2: [\">= 9\", \"<= 8\"]\n",
              {"s.yaml:5", "area_mm2", "contradict", "9", "8"}},
        Wrong{"Impossible",
              HEAD "constraints:\n  area_mm2: \"<= 0\"\n",
              {"s.yaml:5", "area_mm2", "no design"}},
        Wrong{"BoundEmptiesKnob",
              HEAD "constraints:\n  machine.rows: \"<= 32\"\n",
              {"machine.rows <= 32", "none of the values"}},
        Wrong{"BoundOnNames",
              HEAD "constraints:\n  pass.encoding: \"<= 1\"\n",
              {"s.yaml:5", "pass.encoding", "no order"}},
        Wrong{"NoObjectives",
              HEAD "objectives: []\n",
              {"s.yaml:4", "no objectives"}},
        Wrong{"UnknownObjective",
              HEAD "objectives: [energy]\n",
              {"s.yaml:4", "'energy'", "did you mean 'energy_j'"}},
        Wrong{"ConstraintAsObjective",
              HEAD "objectives: [sqnr_db]\n",
              {"s.yaml:4", "'sqnr_db'"}},
        Wrong{"TwiceObjective",
              HEAD "objectives: [energy_j, energy_j]\n",
              {"s.yaml:4", "twice"}},
        Wrong{"Weight",
              HEAD "models: {a: {weight: 0}}\n",
              {"s.yaml:4", "'a'", "0", "positive"}},
        Wrong{"WeightKey",
              HEAD "models: {a: {wait: 1}}\n",
              {"s.yaml:4", "'wait'"}}),
    [](const auto &info) { return std::string(info.param.name); });

TEST(SpaceFile, ShippedSpacesHaveTheSizesOfTheSourcePaper) {
  // Without the knobs that the paper did not search: 12,096,000 and 1,512,000.
  for (auto [name, size] : {std::pair("rram", 12096000.), {"sram", 1512000.}}) {
    SpaceFile space = must(readSpaceFile(std::string(IMC_SOURCE_DIR) +
                                         "/spaces/" + name + "-joint.yaml"));
    double product = 1;
    for (const KnobChoices &knob : space.knobs)
      if (knob.name != "machine.adc_share" && knob.name != "machine.adc_bits" &&
          knob.field)
        product *= double(knob.values.size());
    EXPECT_EQ(product, size) << name;
    EXPECT_GT(space.size(), 1e9) << name;
  }
}

TEST(SpaceFile, ViolationIsRelativeAndNeverLost) {
  Constraint c{"area_mm2", true, 800, "mm2"};
  EXPECT_EQ(c.violation(800), 0);
  EXPECT_DOUBLE_EQ(c.violation(1200), 0.5);
  EXPECT_GT(c.violation(std::nan("")), 0);
  Constraint least{"sqnr_db", false, 20, "dB"};
  EXPECT_EQ(least.violation(20), 0);
  EXPECT_DOUBLE_EQ(least.violation(15), 0.25);
}

} // namespace
