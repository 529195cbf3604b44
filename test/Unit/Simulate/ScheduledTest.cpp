//===- ScheduledTest.cpp - Scheduled networks on shipped machines ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Members.h"

#include "imc/Program/Verify.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/Simulate.h"

#include "test/Unit/Cost/Common.h"

#include <gtest/gtest.h>

using namespace imc;
using namespace imc::test;

namespace {

/// Networks layer by layer: counts of the closed forms, and no step ends before
/// its busiest server can.
void runAll(const char *target, mapping::Replication replication, int &ran) {
  for (const workload::Workload &network :
       {resnet18(), vgg16(), alexnet(), mobilenetV3Large()}) {
    machine::Machine m = shipped(target);
    // Wide convolutions with copies need more than A-TILEBUF.
    m.tile_buffer.size_kib = 256;
    mapping::Knobs k;
    k.replication = replication;
    const std::string what = std::string(target) + ", " + network.name;
    if (!mapping::check(k, m).empty())
      continue;
    const mapping::Plan plan = mapping::plan(network, m, k);
    if (!plan.violations.empty())
      continue;
    const program::Program program =
        llvm::cantFail(schedule::schedule(network, plan, m, k));
    llvm::Expected<simulate::Result> r =
        simulate::simulate(program, cost::priceDesign(m, k), m);
    ASSERT_TRUE(bool(r)) << what << ": " << llvm::toString(r.takeError());
    ++ran;
    const cost::ModelCost model =
        cost::evaluate(network, plan, m, k).models.front();
    for (const simulate::WorkResult &work : r->products) {
      const cost::Counts &closed = model.layers[size_t(work.layer)].counts;
      for (const Member &member : members)
        EXPECT_EQ(work.counts.*member.value, closed.*member.value)
            << what << ", " << work.name << ": " << member.name;
    }
    double sum = 0;
    for (const simulate::StepResult &step : r->steps) {
      sum += step.seconds;
      for (double busy : step.busy)
        EXPECT_GE(step.seconds, busy * (1 - 1e-9)) << what;
    }
    EXPECT_NEAR(sum, r->seconds, 1e-9 * sum);
    // Without copies arrays bind: what they do is what the closed forms say.
    if (std::string(target) == "rram-32nm" &&
        replication == mapping::Replication::None) {
      EXPECT_NEAR(r->seconds / model.latency_s, 1, 0.02) << what;
    }
  }
}

TEST(Scheduled, NetworksRunOnShippedMachines) {
  int ran = 0;
  for (const char *target : {"rram-32nm", "sram-32nm", "isaac", "puma"})
    for (auto replication :
         {mapping::Replication::None, mapping::Replication::Balanced})
      runAll(target, replication, ran);
  EXPECT_EQ(ran, 28);
}

// Writing overlaps with computing: less time, the same counts.
TEST(Scheduled, WritingAheadSavesTime) {
  machine::Machine m = shipped("sram-32nm");
  m.tile_buffer.size_kib = 1024;
  mapping::Knobs k;
  k.segments = mapping::Segments::Exact;
  workload::Workload network = resnet18();
  for (size_t i = 0; i != network.layers.size(); ++i)
    network.layers[i].inputs = {int64_t(i) - 1};
  int faster = 0;
  for (int64_t macros : {8, 16, 24, 32}) {
    m.hierarchy = {4, 16, macros};
    const mapping::Plan plan = mapping::plan(network, m, k);
    if (plan.resident)
      continue;
    const cost::Prices prices = cost::priceDesign(m, k);
    auto run = [&](bool ahead) {
      const program::Program program = llvm::cantFail(schedule::schedule(
          network, plan, m, k, {program::Schedule::Layers, 0, ahead}));
      EXPECT_EQ(llvm::toString(program::verify(program)), "");
      return llvm::cantFail(simulate::simulate(program, prices, m));
    };
    const simulate::Result late = run(false), early = run(true);
    EXPECT_LE(early.seconds, late.seconds * (1 + 1e-9)) << macros;
    faster += early.seconds < late.seconds * 0.999;
    std::printf("%3lld arrays per core: %.1f us, written ahead %.1f us\n",
                static_cast<long long>(macros), late.seconds * 1e6,
                early.seconds * 1e6);
    for (size_t p = 0; p != late.products.size(); ++p)
      for (const Member &member : members)
        EXPECT_EQ(early.products[p].counts.*member.value,
                  late.products[p].counts.*member.value)
            << member.name;
  }
  EXPECT_GE(faster, 1);
}

TEST(Scheduled, PipelinesBeatLayersPerInference) {
  machine::Machine m = shipped("rram-32nm");
  m.tile_buffer.size_kib = 256;
  const mapping::Knobs k;
  workload::Workload network = resnet18();
  for (size_t i = 0; i != network.layers.size(); ++i)
    network.layers[i].inputs = {int64_t(i) - 1};
  const mapping::Plan plan = mapping::plan(network, m, k);
  const cost::Prices prices = cost::priceDesign(m, k);
  auto run = [&](program::Schedule kind, int64_t inferences) {
    return llvm::cantFail(
        simulate::simulate(llvm::cantFail(schedule::schedule(
                               network, plan, m, k, {kind, inferences})),
                           prices, m));
  };
  const simulate::Result layers = run(program::Schedule::Layers, 0),
                         one = run(program::Schedule::Pipeline, 1),
                         many = run(program::Schedule::Pipeline, 100);
  EXPECT_EQ(many.inferences, 100);
  EXPECT_NEAR(one.seconds, layers.seconds, 0.01 * layers.seconds);
  // A beat lasts as long as the slowest product.
  double slowest = 0;
  for (const simulate::StepResult &step : layers.steps)
    slowest = std::max(slowest, step.seconds);
  EXPECT_GT(many.seconds, 100 * slowest * 0.99);
  EXPECT_LT(many.seconds, 100 * slowest * 1.005 + layers.seconds);
  // Every inference does the same.
  for (size_t p = 0; p != layers.products.size(); ++p)
    for (const Member &member : members)
      EXPECT_EQ(many.products[p].counts.*member.value,
                100 * layers.products[p].counts.*member.value)
          << member.name;
}

} // namespace
