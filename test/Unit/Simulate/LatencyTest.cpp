//===- LatencyTest.cpp - Closed-form against simulated latency ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E-TIME explains what a program takes: a quick part of what
// benchmarks/latency_table.cpp does on nine networks, with the same bars.
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Pipeline.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/Simulate.h"

#include "test/Unit/Cost/Common.h"
#include "test/Unit/Models/SourcePaper.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace imc;
using namespace imc::test;

namespace {

struct Pair {
  machine::Machine machine;
  mapping::Knobs knobs;
  workload::Workload network;
};

/// Closed form over simulated latency, less one.
double difference(const Pair &p) {
  const mapping::Plan plan = mapping::plan(p.network, p.machine, p.knobs);
  EXPECT_TRUE(plan.violations.empty());
  const program::Program program =
      llvm::cantFail(schedule::schedule(p.network, plan, p.machine, p.knobs));
  const simulate::Result result = llvm::cantFail(simulate::simulate(
      program, cost::priceDesign(p.machine, p.knobs), p.machine));
  const cost::ModelCost model =
      cost::evaluate(p.network, plan, p.machine, p.knobs).models.front();
  return model.latency_s / result.seconds - 1;
}

machine::Machine chip(const char *target, int64_t groups, double kib) {
  machine::Machine m = shipped(target);
  if (groups > 0)
    m.hierarchy.groups = groups;
  m.tile_buffer.size_kib = kib;
  return m;
}

TEST(Latency, ClosedFormsAreWithinTheirBars) {
  double sum = 0;
  int64_t count = 0;
  for (const char *target : {"rram-32nm", "sram-32nm", "isaac", "puma"})
    for (auto replication :
         {mapping::Replication::None, mapping::Replication::Balanced})
      for (const workload::Workload &network :
           {resnet18(), alexnet(), mobilenetV3Large()}) {
        Pair p{
            chip(target, llvm::StringRef(target) == "rram-32nm" ? 64 : 0, 256),
            {},
            network};
        p.knobs.replication = replication;
        const double d = difference(p);
        EXPECT_LE(std::abs(d), 0.05)
            << network.name << " on " << target << ", replication "
            << static_cast<int>(replication);
        sum += std::abs(d);
        ++count;
      }
  EXPECT_EQ(count, 24);
  EXPECT_LE(sum / double(count), 0.01);
}

/// Every layer reads the one before it.
workload::Workload chained(workload::Workload w) {
  for (size_t i = 0; i != w.layers.size(); ++i)
    w.layers[i].inputs = {static_cast<int64_t>(i) - 1};
  w.layers.back().output = true;
  if (w.input_elements == 0)
    w.input_elements = w.layers.front().product()->input_elements;
  return w;
}

TEST(Latency, PipelinesAreWithinTheirBars) {
  double sum = 0;
  int64_t count = 0;
  for (const char *target : {"rram-32nm", "isaac", "puma"})
    for (auto replication :
         {mapping::Replication::None, mapping::Replication::Balanced})
      for (const workload::Workload &network :
           {chained(resnet18()), chained(alexnet()),
            chained(mobilenetV3Large()), chained(densenet201())}) {
        machine::Machine m =
            chip(target, llvm::StringRef(target) == "rram-32nm" ? 64 : 0, 512);
        m.global_buffer.size_mib = 64;
        mapping::Knobs knobs;
        knobs.replication = replication;
        const mapping::Plan plan = mapping::plan(network, m, knobs);
        const int64_t inferences = 6;
        const program::Program program = llvm::cantFail(
            schedule::schedule(network, plan, m, knobs,
                               {program::Schedule::Pipeline, inferences}));
        const simulate::Result result = llvm::cantFail(
            simulate::simulate(program, cost::priceDesign(m, knobs), m));
        const cost::PipelineCost closed =
            cost::pipelineCost(network, plan, m, knobs, inferences);
        EXPECT_EQ(closed.levels, static_cast<int64_t>(network.layers.size()));
        EXPECT_NEAR(closed.fill_s + closed.steady_s + closed.drain_s,
                    closed.seconds, 1e-12 * closed.seconds);
        EXPECT_GE(closed.beat_s * double(inferences + closed.levels - 1),
                  closed.seconds);
        const double d = closed.seconds / result.seconds - 1;
        EXPECT_LE(std::abs(d), 0.025)
            << network.name << " on " << target << ", replication "
            << static_cast<int>(replication) << ": " << d;
        sum += std::abs(d);
        ++count;
      }
  EXPECT_EQ(count, 24);
  EXPECT_LE(sum / double(count), 0.006);
}

/// One dense layer whose copy fills several cores.
workload::Workload dense(int64_t windows, int64_t rows, int64_t cols) {
  workload::Workload w;
  w.name = "dense";
  w.layers.push_back(
      {"dense", "matmul", "", workload::matmul(windows, rows, cols)});
  w.layers.back().inputs = {workload::Layer::modelInput};
  w.layers.back().output = true;
  w.input_elements = windows * rows;
  return w;
}

// Two products at once: many parts that keep the global buffer busy as long as
// they are at work, and one part that they hold up, which goes on alone.
TEST(Latency, PartsWaitForTheirTurnAtTheGlobalBuffer) {
  for (int64_t copies : {144, 288}) {
    workload::Workload w = dense(64, 128, 64);
    workload::Product many = workload::matmul(copies * 32, 256, 64);
    many.copies = copies;
    w.layers.push_back({"many", "matmul", "", many});
    w.layers.back().inputs = {workload::Layer::modelInput};
    w.layers.back().output = true;
    w.input_elements = many.input_elements;
    const machine::Machine m = chip("isaac", 0, 512);
    const mapping::Plan plan = mapping::plan(w, m, {});
    const program::Program program = llvm::cantFail(
        schedule::schedule(w, plan, m, {}, {program::Schedule::Pipeline, 1}));
    const simulate::Result result = llvm::cantFail(
        simulate::simulate(program, cost::priceDesign(m, {}), m));
    const cost::PipelineCost closed = cost::pipelineCost(w, plan, m, {}, 1);
    // Neither the buffer nor the products alone explain it.
    const std::array<double, cost::numTimes> &busy = result.steps.front().busy;
    EXPECT_GT(result.seconds,
              1.15 * *std::max_element(busy.begin(), busy.end()));
    EXPECT_NEAR(closed.seconds, result.seconds, 0.04 * result.seconds);
    EXPECT_EQ(closed.beats, std::vector<double>{closed.seconds});
  }
}

// Partial sums of one window pass 36 cores, which takes most of the time: the
// largest stream alone is a third of it.
TEST(Latency, ChainsOfPartialSumsBindLayersOfOneWindow) {
  Pair p{chip("rram-32nm", 0, 64), {}, dense(1, 9216, 4096)};
  EXPECT_LE(std::abs(difference(p)), 0.01);
  const mapping::Plan plan = mapping::plan(p.network, p.machine, p.knobs);
  const cost::LayerCost layer =
      cost::evaluate(p.network, plan, p.machine, p.knobs)
          .models.front()
          .layers.front();
  EXPECT_EQ(layer.bound_by, cost::Time::Chain);
  EXPECT_GT(layer.latency_s, 2 * layer.alone_s[size_t(cost::Time::Noc)]);
}

// Four windows: neither loads nor stores overlap with products.
TEST(Latency, FewBlocksAreFilledAndDrained) {
  Pair p{chip("rram-32nm", 0, 64), {}, dense(4, 256, 64)};
  const mapping::Plan plan = mapping::plan(p.network, p.machine, p.knobs);
  const cost::LayerCost layer =
      cost::evaluate(p.network, plan, p.machine, p.knobs)
          .models.front()
          .layers.front();
  EXPECT_LE(std::abs(difference(p)), 0.01);
  EXPECT_GT(layer.drain_s, 0);
  EXPECT_GT(layer.alone_s[size_t(cost::Time::Fill)], layer.drain_s);
}

} // namespace
