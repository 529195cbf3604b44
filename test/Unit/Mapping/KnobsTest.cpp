//===- KnobsTest.cpp - Pass knobs by name
//-----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Mapping/Mapping.h"

#include <gtest/gtest.h>

using namespace imc;
using namespace imc::mapping;

TEST(Knobs, RoundTripEveryValue) {
  for (const KnobInfo &info : knobSchema())
    for (int64_t value = info.min; value <= info.max; ++value) {
      if (llvm::StringRef(info.name) == "adc_bits" && value > 0 && value < 4)
        continue;
      std::string name = std::string("pass.") + info.name;
      Knobs knobs;
      ASSERT_FALSE(bool(setKnob(knobs, name, formatKnob(info, value))));
      EXPECT_EQ(llvm::cantFail(getKnob(knobs, name)), value);
      EXPECT_EQ(llvm::cantFail(printKnob(knobs, name)),
                formatKnob(info, value));
    }
}

TEST(Knobs, RefusesWithNameValueAndRange) {
  struct Case {
    const char *name, *text, *message;
  };
  const Case cases[] = {
      {"pass.weight_bits", "17",
       "'pass.weight_bits' is 17, must be an integer "
       "from 2 to 16"},
      {"pass.weight_bits", "1", "must be an integer from 2 to 16"},
      {"pass.weight_bits", "8.5", "'pass.weight_bits' is '8.5'"},
      {"pass.input_bits", "", "must be an integer from 1 to 16"},
      {"pass.input_bits", "99999999999999999999", "must be an integer"},
      {"pass.adc_bits", "17", "must be an integer from 0 to 16"},
      {"pass.range", "wide",
       "one of full, filled, lossless, layer, array, column, phase"},
      {"pass.ties", "up", "one of half_up, half_even, floor"},
      {"pass.encoding", "offset ,",
       "one of offset, differential, "
       "twos_complement"},
      {"pass.replication", "1", "one of none, balanced"},
      {"pass.segments", "belady",
       "'pass.segments' is 'belady', must be one of swap_all, resident_best, "
       "exact"},
      {"pass.unfolding", "vw_sdk",
       "'pass.unfolding' is 'vw_sdk', must be one of im2col, sdk, "
       "variable_window, products, steps, auto"},
      {"pass.rows", "8",
       "unknown knob 'pass.rows'; there are "
       "pass.weight_bits"},
      {"", "8", "unknown knob ''"},
  };
  for (const Case &c : cases) {
    Knobs knobs;
    llvm::Error error = setKnob(knobs, c.name, llvm::StringRef(c.text));
    ASSERT_TRUE(bool(error)) << c.name << "=" << c.text;
    EXPECT_NE(llvm::toString(std::move(error)).find(c.message),
              std::string::npos)
        << c.name << "=" << c.text;
    EXPECT_TRUE(knobs == Knobs());
  }
}

TEST(Knobs, Legality) {
  machine::Machine m;
  m.cell.bits = 2;
  m.adc.bits = 8;
  Knobs knobs;
  EXPECT_TRUE(check(knobs, m).empty());
  knobs.encoding = Encoding::TwosComplement;
  knobs.adc_bits = 9;
  std::vector<Violation> broken = check(knobs, m);
  ASSERT_EQ(broken.size(), 2u);
  EXPECT_EQ(broken[0].rule, Rule::Encoding);
  EXPECT_EQ(broken[0].value, 2);
  EXPECT_EQ(broken[0].limit, 1);
  EXPECT_EQ(broken[1].rule, Rule::AdcBits);
  EXPECT_EQ(broken[1].value, 9);
  EXPECT_EQ(broken[1].limit, 8);
  m.cell.bits = 1;
  knobs.adc_bits = 8;
  EXPECT_TRUE(check(knobs, m).empty());
}

// 256 rows of 2-bit cells: sums of 10 bits.
TEST(Knobs, ConvertersClipAtMostTheBitsThatTheyLack) {
  machine::Machine m;
  m.array.rows = 256;
  m.cell.bits = 2;
  m.dac.bits = 1;
  m.adc.bits = 7;
  Knobs knobs;
  EXPECT_EQ(rangeBits(m), 10);
  EXPECT_EQ(lostBits(knobs, m), 3);
  m.adc.clip_bits = 3;
  EXPECT_TRUE(check(knobs, m).empty());
  EXPECT_EQ(rangeBits(m), 7);
  EXPECT_EQ(lostBits(knobs, m), 3); // at the other end
  m.adc.clip_bits = 4;
  std::vector<Violation> broken = check(knobs, m);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0].rule, Rule::AdcRange);
  EXPECT_STREQ(ruleName(broken[0].rule), "adc_range");
  EXPECT_STREQ(ruleUnit(broken[0].rule), "bit");
  EXPECT_EQ(broken[0].value, 4);
  EXPECT_EQ(broken[0].limit, 3);
  EXPECT_EQ(broken[0].where, "machine.adc.clip_bits");
  EXPECT_EQ(lostBits(knobs, m), 4);
  // A conversion that stops earlier lacks more.
  knobs.adc_bits = 6;
  EXPECT_TRUE(check(knobs, m).empty());
  // Nothing to gain where nothing is lost, and a range there always is.
  knobs.adc_bits = 0;
  m.adc.bits = 10;
  m.adc.clip_bits = 1;
  ASSERT_EQ(check(knobs, m).size(), 1u);
  EXPECT_EQ(check(knobs, m)[0].limit, 0);
  m.adc.clip_bits = 31;
  EXPECT_EQ(rangeBits(m), 1);
}

TEST(Knobs, DigitalSumsAreNotClipped) {
  machine::Machine m;
  m.array.rows = 64;
  m.adc.kind = machine::kindIndex(machine::Slot::Adc, "adder_tree");
  m.adc.clip_bits = 2;
  Knobs knobs;
  EXPECT_EQ(rangeBits(m), 7);
  EXPECT_EQ(lostBits(knobs, m), 0);
  std::vector<Violation> broken = check(knobs, m);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0].rule, Rule::AdcRange);
  EXPECT_EQ(broken[0].limit, 0);
}
