//===- FrontTest.cpp - The front file -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Front.h"

#include "SampleStudy.h"
#include "TestUtil.h"

using namespace imc::explore;
namespace json = llvm::json;

namespace {

std::string print(json::Value value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

TEST(Front, ReadsBackWhatItWrites) {
  Front front = sampleFront();
  std::string text = print(toJSON(front));
  Front again = must(frontFromJSON(must(json::parse(text))));
  EXPECT_EQ(print(toJSON(again)), text);
  ASSERT_EQ(again.points.size(), front.points.size());
  // Knob order and every digit survive.
  EXPECT_EQ(again.points[0].design, front.points[0].design);
  EXPECT_EQ(again.points[0].models[0].energyJ,
            front.points[0].models[0].energyJ);
  EXPECT_EQ(*find(again.points[3].metrics, "latency_s"),
            *find(front.points[3].metrics, "latency_s"));
  EXPECT_EQ(again.search.hypervolume, front.search.hypervolume);
}

TEST(Front, KnobValuesAreNumbersWhereTheyCanBe) {
  EXPECT_EQ(knobValueToJSON("128"), json::Value(128));
  EXPECT_EQ(knobValueToJSON("0.55"), json::Value(0.55));
  EXPECT_EQ(knobValueToJSON("offset"), json::Value("offset"));
  // A form that would not print back the same stays text.
  EXPECT_EQ(knobValueToJSON("0100"), json::Value("0100"));
  EXPECT_EQ(knobValueToJSON("1e3"), json::Value("1e3"));
  for (const char *text : {"128", "0.55", "offset", "-3", "0", "1e-09"})
    EXPECT_EQ(knobValueFromJSON(knobValueToJSON(text)), text);
}

TEST(Front, ChoosesTheLeastEDAP) {
  Front front = sampleFront();
  const FrontPoint *best = leastEDAP(front);
  ASSERT_TRUE(best);
  for (const FrontPoint &p : front.points)
    EXPECT_LE(*find(best->metrics, "edap_js_mm2"),
              *find(p.metrics, "edap_js_mm2"));
  front.points.clear();
  EXPECT_EQ(leastEDAP(front), nullptr);
}

TEST(Front, NamesTheFieldThatIsWrong) {
  json::Value good = toJSON(sampleFront());
  auto with = [&](auto change) {
    json::Value copy = good;
    change(*copy.getAsObject());
    return errorOf(frontFromJSON(copy));
  };
  EXPECT_HAS(with([](json::Object &o) { o.erase("search"); }), "'search'");
  EXPECT_HAS(with([](json::Object &o) { o["points"] = 3; }), "front.points");
  EXPECT_HAS(with([](json::Object &o) {
               (*o["points"].getAsArray())[1].getAsObject()->erase("command");
             }),
             "points[1]: field 'command'");
  EXPECT_HAS(with([](json::Object &o) {
               (*(*o["points"].getAsArray())[0].getAsObject())["metrics"] =
                   json::Object{{"energy_j", "much"}};
             }),
             "points[0].metrics.energy_j: expected number");
}

} // namespace
