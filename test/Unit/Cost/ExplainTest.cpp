//===- ExplainTest.cpp - What binds, and the roofs ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Explain.h"
#include "imc/Cost/Legacy.h"

#include "Common.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace imc;
using namespace imc::cost;

template <size_t N>
static double sum(const std::array<double, N> &parts) {
  double total = 0;
  for (double part : parts)
    total += part;
  return total;
}

static size_t at(Time time) { return static_cast<size_t>(time); }

/// A layer with these streams, in the order of Time.
static LayerCost layerOf(std::array<double, numTimes> streams, double fetch = 0,
                         double write = 0) {
  LayerCost layer;
  layer.alone_s = streams;
  layer.fetch_s = fetch;
  layer.write_s = write;
  return layer;
}

TEST(Explain, SlackIsWhatIsGainedUntilTheNextStreamBinds) {
  // compute 10, tile 2, global 7, noc 1, memory 0, programming -, digital 3.
  LayerCost layer = layerOf({10, 2, 7, 1, 0, 0, 3});
  Binding b = binding({&layer});
  EXPECT_EQ(b.by, Time::Compute);
  EXPECT_EQ(b.next, Time::GlobalBuffer);
  EXPECT_DOUBLE_EQ(b.slack_s, 3);
}

TEST(Explain, WritingComesBeforeTheStreamsAndIsBoundByItsOwn) {
  // 4 s of streams, then writing: 9 s for cells, 6 s for fetching.
  LayerCost layer = layerOf({4, 0, 3, 0, 0, 0, 0}, 6, 9);
  EXPECT_DOUBLE_EQ(sum(latencyWithout(layer)), 13);
  Binding b = binding({&layer});
  EXPECT_EQ(b.by, Time::Programming);
  EXPECT_EQ(b.next, Time::Memory);
  EXPECT_DOUBLE_EQ(b.slack_s, 3);
  // External memory takes part in both.
  layer = layerOf({4, 0, 3, 0, 5, 0, 0}, 9, 6);
  b = binding({&layer});
  EXPECT_EQ(b.by, Time::Memory);
  EXPECT_EQ(b.next, Time::Programming);
  EXPECT_DOUBLE_EQ(b.slack_s, (5 + 9) - (4 + 6));
}

TEST(Explain, LayersOfANodeAddUp) {
  LayerCost product = layerOf({10, 2, 7, 1, 0, 0, 0});
  LayerCost digital = layerOf({0, 2, 0, 0, 0, 0, 6});
  Binding b = binding({&product, &digital});
  EXPECT_EQ(b.by, Time::Compute);
  EXPECT_EQ(b.next, Time::GlobalBuffer);
  EXPECT_DOUBLE_EQ(b.slack_s, 3);
}

// Every machine that there is, with copies and without, and chips that are too
// small: what explains a price adds up to the price.
TEST(Explain, ExplanationsAddUpToPrices) {
  const std::vector<workload::Workload> models = test::networks();
  for (const std::string &target : test::shippedTargets())
    for (auto replication :
         {mapping::Replication::None, mapping::Replication::Balanced})
      for (int64_t groups : {1, 16}) {
        machine::Machine m = test::shipped(target.c_str());
        m.hierarchy.groups = groups;
        mapping::Knobs knobs;
        knobs.replication = replication;
        const Cost cost = evaluate(models, m, knobs);
        for (auto [workload, model] : llvm::zip_equal(models, cost.models)) {
          SCOPED_TRACE(target + ", " + model.name);
          const bool fits =
              llvm::none_of(cost.violations, [](const mapping::Violation &v) {
                return v.rule == mapping::Rule::Capacity;
              });
          double energy = 0, latency = 0;
          for (const LayerCost &layer : model.layers) {
            EXPECT_EQ(latencyWithout(layer), layer.latency_by_s);
            EXPECT_EQ(binding({&layer}).by, layer.bound_by);
          }
          for (const NodeCost &node : costByNode(model, workload)) {
            energy += sum(node.energy_by_j);
            latency += node.latency_s;
            // Nothing takes longer alone than with everything else.
            for (double alone : node.alone_s)
              EXPECT_LE(alone, node.latency_s * (1 + 1e-12));
            EXPECT_EQ(node.binding.by, node.bound_by);
            EXPECT_GE(node.binding.slack_s, 0);
            EXPECT_LE(node.binding.slack_s, node.latency_s);
            EXPECT_GE(node.utilization, 0);
            EXPECT_LE(node.utilization, 1);
            EXPECT_EQ(node.arrays > 0, node.utilization > 0) << node.name;
            EXPECT_LE(node.compute_share, 1 + 1e-12);
            // A model that does not fit has no arrays to reach the peak of.
            if (!fits)
              continue;
            const Roofline &r = node.roofline;
            // No layer goes through its roof, and no roof is above the peak.
            EXPECT_LE(r.attained_macs_per_s, r.roof_macs_per_s * (1 + 1e-12))
                << node.name << " " << name(r.roof);
            EXPECT_LE(r.roof_macs_per_s, r.peak_macs_per_s);
            // The source's accounting has no products of two activations.
            if (!usesLegacy(m) || node.arrays > 0)
              EXPECT_EQ(node.macs > 0, r.peak_macs_per_s > 0) << node.name;
          }
          EXPECT_NEAR(energy, model.energy_j, 1e-9 * model.energy_j);
          EXPECT_NEAR(latency, model.latency_s, 1e-9 * model.latency_s);
          if (fits) {
            const Roofline r = roofline(model, workload);
            EXPECT_LE(r.attained_macs_per_s, r.roof_macs_per_s * (1 + 1e-12));
          }
        }
      }
}

// One array filled to the last cell works at its peak but for the first read.
TEST(Explain, AFullArrayReachesItsPeak) {
  machine::Machine m = test::shipped("rram-32nm");
  const mapping::Knobs knobs;
  workload::Workload w;
  w.name = "full";
  const int64_t windows = 20000;
  workload::Layer layer{"fc", "matmul", "", workload::matmul(windows, 256, 64)};
  w.layers.push_back(layer);
  const Cost cost = evaluate(w, m, knobs);
  const NodeCost node = costByNode(cost.models[0], w).front();
  EXPECT_EQ(node.utilization, 1);
  EXPECT_EQ(node.arrays, 1);
  // 256 rows x 64 weights, 8 phases of 128 conversions of 2 ns each.
  EXPECT_NEAR(node.roofline.peak_macs_per_s, 256 * 64 / (8 * 128 * 2e-9), 1);
  const double reached =
      static_cast<double>(windows * 256 * 64) / node.alone_s[at(Time::Compute)];
  EXPECT_NEAR(reached / node.roofline.peak_macs_per_s, 1, 1e-4);
  // 256 bytes in and 64 out of the global buffer for each window.
  EXPECT_DOUBLE_EQ(node.roofline.global_buffer.macs_per_byte,
                   256. * 64 / (256 + 64));
  EXPECT_EQ(node.roofline.memory.bytes, 0);
  EXPECT_NEAR(node.roofline.memory.bytes_per_s, 25.6e9, 1e-3);
}

// A batch multiplies work and time alike.
TEST(Explain, RooflinesCountTheWholeRun) {
  const machine::Machine m = test::shipped("sram-32nm");
  const std::vector<workload::Workload> one = {test::resnet18()},
                                        many = {workload::batched(one[0], 16)};
  const Cost a = evaluate(one, m, {}), b = evaluate(many, m, {});
  const Roofline r = roofline(a.models[0], one[0]),
                 s = roofline(b.models[0], many[0]);
  EXPECT_EQ(r.peak_macs_per_s, s.peak_macs_per_s);
  EXPECT_DOUBLE_EQ(s.attained_macs_per_s,
                   16 * static_cast<double>(one[0].macs()) /
                       b.models[0].latency_s);
}

TEST(Explain, TablesNameWhatBinds) {
  const machine::Machine m = test::shipped("rram-32nm");
  const std::vector<workload::Workload> w = {test::resnet18()};
  const Cost cost = evaluate(w, m, {});
  std::string text;
  llvm::raw_string_ostream os(text);
  printExplanation(cost.models[0], w[0], os);
  EXPECT_NE(text.find("bound by  compute; without it"), std::string::npos);
  EXPECT_NE(text.find("roofline"), std::string::npos);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_EQ(text.find("inf"), std::string::npos);
}
