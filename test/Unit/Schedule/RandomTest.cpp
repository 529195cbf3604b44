//===- RandomTest.cpp - Random networks on random machines ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every schedule that comes out is sound, and what is refused says what is
// missing in numbers. IMC_SCHEDULE_PAIRS sets the number of pairs (300),
// IMC_TEST_SEED the seed.
//
//===----------------------------------------------------------------------===//

#include "Loops.h"

#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/Simulate.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

using namespace imc;

namespace {

int64_t setting(const char *name, int64_t otherwise) {
  const char *text = std::getenv(name);
  return text ? std::strtoll(text, nullptr, 10) : otherwise;
}

/// The kind of a refusal, or nothing when it is none that is known or has no
/// two numbers to compare.
std::string kindOf(const std::string &message) {
  for (const char *kind :
       {"arrays: ", "tile buffer of core ",
        "global buffer: ", "schedule 'pipeline'", "schedule 'stream'"})
    if (message.rfind(kind, 0) == 0 &&
        (kind[0] == 's' ||
         std::count_if(message.begin(), message.end(),
                       [](char c) { return c >= '0' && c <= '9'; }) >= 2))
      return kind;
  return "";
}

TEST(RandomSchedules, AreSoundOrRefusedWithNumbers) {
  const int64_t pairs = setting("IMC_SCHEDULE_PAIRS", 300);
  const int64_t seed = setting("IMC_TEST_SEED", 20261121);
  const machine::Machine rram = test::shippedMachine("rram-32nm"),
                         sram = test::shippedMachine("sram-32nm");
  std::map<std::string, int64_t> outcomes;
  for (int64_t pair = 0; pair != pairs; ++pair) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", pair " +
                 std::to_string(pair));
    test::Random random(uint64_t(seed) * 1000003 + uint64_t(pair));
    workload::Workload network = test::randomNetwork(random);
    const bool loops = pair % 4 == 3 && test::giveLoops(random, network) > 0;
    const test::RandomDesign d = test::randomDesign(random, rram, sram);
    test::giveOwnBits(random, d.knobs, network);
    ASSERT_EQ(llvm::toString(workload::check(network)), "");
    if (!mapping::check(d.knobs, d.machine).empty())
      continue;
    const mapping::Plan plan = mapping::plan(network, d.machine, d.knobs);
    for (program::Schedule kind :
         {program::Schedule::Layers, program::Schedule::Pipeline,
          program::Schedule::Stream}) {
      schedule::Options options;
      options.kind = kind;
      if (kind == program::Schedule::Pipeline)
        options.inferences = network.batch * random.in(1, 12);
      options.write_ahead = random.chance(50);
      llvm::Expected<program::Program> program =
          schedule::schedule(network, plan, d.machine, d.knobs, options);
      const std::string name = program::name(kind).str();
      if (!program) {
        const std::string message = llvm::toString(program.takeError());
        const std::string refusal = kindOf(message);
        EXPECT_NE(refusal, "") << message;
        ++outcomes[name + " refused: " + refusal];
        continue;
      }
      ++outcomes[name];
      outcomes["with loops"] += loops;
      EXPECT_EQ(llvm::toString(program::verify(*program)), "");
      // It runs to its end.
      llvm::Expected<simulate::Result> run = simulate::simulate(
          *program, cost::priceDesign(d.machine, d.knobs), d.machine, {});
      EXPECT_TRUE(bool(run)) << llvm::toString(run.takeError());
      // The text holds everything.
      std::string text;
      llvm::raw_string_ostream os(text);
      program::printText(*program, os);
      llvm::Expected<program::Program> again =
          program::parseText(text, "random");
      ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
      std::string twice;
      llvm::raw_string_ostream second(twice);
      program::printText(*again, second);
      EXPECT_EQ(text, twice);
    }
    if (HasFailure())
      break;
  }
  for (const auto &[outcome, count] : outcomes)
    std::printf("%5lld %s\n", static_cast<long long>(count), outcome.c_str());
  EXPECT_GE(outcomes["layers"], pairs / 4);
  EXPECT_GE(outcomes["pipeline"], pairs / 8);
  EXPECT_GE(outcomes["stream"], pairs / 8);
  EXPECT_GE(outcomes["with loops"], pairs / 20);
}

} // namespace
