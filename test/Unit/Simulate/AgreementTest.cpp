//===- AgreementTest.cpp - Executed programs against the cost model -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rung between prices and programs: what a program is counted to do when it
// runs is what the closed forms of lib/Cost say, every count of every layer, so
// that the energies are the same. IMC_AGREEMENT_PAIRS sets the number of random
// pairs of network and machine (400), IMC_TEST_SEED the seed.
//
//===----------------------------------------------------------------------===//

#include "Members.h"

#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/Simulate.h"

#include "test/Unit/Schedule/Loops.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace imc;
using namespace imc::test;

namespace {

int64_t setting(const char *name, int64_t otherwise) {
  const char *text = std::getenv(name);
  return text ? std::strtoll(text, nullptr, 10) : otherwise;
}

TEST(Agreement, ExecutedCountsAreThoseOfTheCostModel) {
  const int64_t pairs = setting("IMC_AGREEMENT_PAIRS", 400);
  const int64_t seed = setting("IMC_TEST_SEED", 20261121);
  const machine::Machine rram = test::shippedMachine("rram-32nm"),
                         sram = test::shippedMachine("sram-32nm");
  int64_t ran = 0, chained = 0, copied = 0, rewritten = 0, written = 0,
          mixed = 0, looped = 0;
  for (int64_t pair = 0; pair != pairs; ++pair) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", pair " +
                 std::to_string(pair));
    test::Random random(uint64_t(seed) * 1000003 + uint64_t(pair));
    workload::Workload network = test::randomNetwork(random);
    const bool loops = pair % 4 == 3 && test::giveLoops(random, network) > 0;
    test::RandomDesign d = test::randomDesign(random, rram, sram);
    d.machine.tile_buffer.size_kib = 4096;
    test::giveOwnBits(random, d.knobs, network);
    if (!mapping::check(d.knobs, d.machine).empty())
      continue;
    const mapping::Plan plan = mapping::plan(network, d.machine, d.knobs);
    if (!plan.violations.empty())
      continue;
    llvm::Expected<program::Program> program = schedule::schedule(
        network, plan, d.machine, d.knobs,
        {program::Schedule::Layers, 0, /*write_ahead=*/pair % 2 == 1});
    if (!program) { // activations that need a memory that there is not
      llvm::consumeError(program.takeError());
      continue;
    }
    const cost::Prices prices = cost::priceDesign(d.machine, d.knobs);
    llvm::Expected<simulate::Result> result =
        simulate::simulate(*program, prices, d.machine);
    ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
    const cost::ModelCost model =
        cost::evaluate(network, plan, d.machine, d.knobs).models.front();
    auto compare = [&](const simulate::WorkResult &work) {
      const cost::LayerCost &layer = model.layers[size_t(work.layer)];
      for (const Member &m : members)
        EXPECT_EQ(work.counts.*m.value, layer.counts.*m.value)
            << work.name << " (layer " << work.layer << "): " << m.name;
      // Leakage is paid by time, all else by counts.
      for (size_t e = 0; e != cost::numEnergies; ++e)
        if (cost::Energy(e) != cost::Energy::Leakage) {
          EXPECT_EQ(work.energy_j[e], layer.energy_j[e])
              << work.name << ": " << cost::name(cost::Energy(e));
        }
    };
    for (const simulate::WorkResult &work : result->products)
      compare(work);
    for (const simulate::WorkResult &work : result->kernels)
      compare(work);
    ++ran;
    looped += loops;
    for (const program::Product &p : program->products) {
      copied += p.copies > 1;
      rewritten += p.rounds > 0 && p.operand < 0;
      written += p.operand >= 0;
      mixed += p.weight_bits > 0 && p.weight_bits < d.knobs.weight_bits;
    }
    for (const program::Part &p : program->parts)
      chained += p.next >= 0;
    if (HasFailure())
      break;
  }
  EXPECT_GE(ran, pairs / 4);
  EXPECT_GE(chained, pairs / 4);
  EXPECT_GE(copied, pairs / 20);
  EXPECT_GE(rewritten, pairs / 20);
  EXPECT_GE(written, pairs / 40);
  EXPECT_GE(mixed, pairs / 20);
  EXPECT_GE(looped, pairs / 20);
}

} // namespace
