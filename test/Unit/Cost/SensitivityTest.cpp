//===- SensitivityTest.cpp - Steps of knobs -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Sensitivity.h"

#include "Common.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace imc;
using namespace imc::cost;

using Pair = std::pair<std::optional<double>, std::optional<double>>;

static Pair around(const char *path, double value,
                   std::vector<double> list = {}, double zero = 0) {
  return neighbours(*machine::findField(path), value, list, zero);
}

TEST(Sensitivity, StepsFollowTheListOfAKnob) {
  EXPECT_EQ(around("array.rows", 128, {32, 512, 64, 256}), Pair(64, 256));
  EXPECT_EQ(around("array.rows", 64, {32, 64, 96}), Pair(32, 96));
  EXPECT_EQ(around("array.rows", 32, {32, 64}), Pair(std::nullopt, 64));
  EXPECT_EQ(around("array.rows", 64, {64}), Pair(std::nullopt, std::nullopt));
}

TEST(Sensitivity, StepsWithoutAListStayInRange) {
  EXPECT_EQ(around("array.rows", 128), Pair(64, 256));
  EXPECT_EQ(around("array.rows", 1), Pair(std::nullopt, 2));
  EXPECT_EQ(around("array.rows", 8192), Pair(4096, std::nullopt));
  EXPECT_EQ(around("adc.bits", 8), Pair(7, 9));
  EXPECT_EQ(around("cell.bits", 8), Pair(7, std::nullopt));
  EXPECT_EQ(around("technology.vdd_v", 0.85), Pair(0.8, 0.9));
  EXPECT_EQ(around("memory.bandwidth_gb_s", 25.6), Pair(12.8, 51.2));
  EXPECT_EQ(around("memory.kind", 1), Pair(0, 2));
  // A clock of 0 is the shortest one.
  EXPECT_EQ(around("timing.cycle_time_ns", 0, {}, 3), Pair(1.5, 6));
}

TEST(Sensitivity, ChangesAreThoseOfTwoEvaluations) {
  const machine::Machine m = test::shipped("rram-32nm");
  const Sensitivity s =
      sensitivity(Pricer(test::networks()), m,
                  {{"memory.bandwidth_gb_s", {12.8, 25.6, 51.2}}}, {});
  bool seen = false;
  for (const KnobSteps &knob : s.knobs) {
    seen |= knob.knob == "machine.memory.bandwidth_gb_s";
    if (knob.knob != "machine.adc_bits")
      continue;
    EXPECT_EQ(knob.value, "10");
    EXPECT_EQ(knob.down.value, "9");
    machine::Machine nine = m;
    nine.adc.bits = 9;
    const Cost cost = evaluate(test::networks(), nine, {});
    EXPECT_EQ(knob.down.cost.models[1].energy_j, cost.models[1].energy_j);
    EXPECT_EQ(knob.down.cost.models[1].sqnr_db, cost.models[1].sqnr_db);
    EXPECT_LT(changeOfEdap(s, knob.down, 1), 0);
    EXPECT_GT(changeOfEdap(s, knob.up, 1), 0);
    EXPECT_TRUE(llvm::is_contained(changes(s, knob.down), "sqnr_db"));
  }
  EXPECT_TRUE(seen) << "an open knob without a short name";
  EXPECT_EQ(s.knobs.size(),
            machine::aliases().size() + 1 + mapping::knobSchema().size());
}

TEST(Sensitivity, NewViolationsAreNamed) {
  // VGG16 just fits: half of the groups are too few.
  const machine::Machine m = test::shipped("rram-32nm");
  const Sensitivity s = sensitivity(Pricer({test::vgg16()}), m, {}, {});
  for (const KnobSteps &knob : s.knobs)
    if (knob.knob == "machine.groups") {
      EXPECT_EQ(newViolations(s.base, knob.down.cost, 0),
                std::vector<std::string>{"capacity"});
      EXPECT_TRUE(newViolations(s.base, knob.up.cost, 0).empty());
      EXPECT_TRUE(newViolations(knob.down.cost, s.base, 0).empty());
    }
}

TEST(Sensitivity, ContradictionsAreRefusedWithTheirReason) {
  const machine::Machine m = test::shipped("sram-32nm");
  const Sensitivity s = sensitivity(Pricer({test::resnet18()}), m, {}, {});
  auto bits = llvm::find_if(s.knobs, [](const KnobSteps &knob) {
    return knob.knob == "machine.cell_bits";
  });
  ASSERT_NE(bits, s.knobs.end());
  EXPECT_FALSE(bits->up.exists());
  EXPECT_NE(bits->up.refused.find("stores 1 bit"), std::string::npos);
  EXPECT_EQ(changes(s, bits->up), std::vector<std::string>{"refused"});
  EXPECT_EQ(changeOfEdap(s, bits->up, 0), 0);
}

TEST(Sensitivity, TheLargestChangeComesFirst) {
  const machine::Machine m = test::shipped("rram-32nm");
  const Sensitivity s = sensitivity(Pricer({test::resnet18()}), m, {}, {});
  const llvm::json::Array table = toJSON(s, 0);
  ASSERT_EQ(table.size(), s.knobs.size());
  double last = 1e300;
  for (const llvm::json::Value &row : table) {
    double size = 0;
    for (const char *side : {"down", "up"})
      if (const llvm::json::Object *step = row.getAsObject()->getObject(side))
        if (const llvm::json::Object *change = step->getObject("change"))
          size = std::max(size, std::abs(*change->getNumber("edap_js_mm2")));
    EXPECT_LE(size, last) << row.getAsObject()->getString("knob")->str();
    last = size;
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  printSensitivity(s, 0, "resnet18", os);
  for (const KnobSteps &knob : s.knobs)
    EXPECT_NE(text.find(knob.knob + " "), std::string::npos) << knob.knob;
}
