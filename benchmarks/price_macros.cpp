//===- price_macros.cpp - Macros and network sets priced per second -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many macros by themselves (cost::figures: area, clock, energy, TOPS and
// the ratios), designs with ResNet-18, and designs with the nine networks of
// the source paper one core prices per second. Designs are random points around
// the analog and the digital template of ZigZag-IMC; zigzag_resnet18.py runs
// ZigZag beside it.
//
//   price_macros      one line per quantity: NAME RATE per CPU-second (goal)
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Pricer.h"
#include "imc/Machine/Target.h"
#include "test/Unit/Models/SourcePaper.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <ctime>
#include <random>

using namespace imc;

/// Random machines around a shipped target; the same ones in every run.
static std::vector<machine::Machine> machines(const char *target) {
  machine::TargetSpec spec = llvm::cantFail(
      machine::loadTarget(target, {std::string(IMC_SOURCE_DIR) + "/targets"}));
  const machine::Machine start = llvm::cantFail(spec.machine());
  std::mt19937_64 random(1);
  std::vector<machine::Machine> list;
  for (int i = 0; i != 4096; ++i) {
    machine::Machine m = start;
    m.array.rows = int64_t(16) << (random() % 6);
    m.array.cols = int64_t(64) << (random() % 6);
    m.technology.vdd_v = 0.6 + 0.05 * double(random() % 9);
    m.adc.bits = 4 + int64_t(random() % 6);
    m.dac.bits = int64_t(1) << (random() % 3);
    m.adc.share = int64_t(1) << (random() % 4);
    list.push_back(m);
  }
  return list;
}

/// Calls per CPU-second over at least one second.
template <typename Price>
static double rate(const std::vector<machine::Machine> &list, Price price) {
  size_t calls = 0;
  const std::clock_t begin = std::clock();
  std::clock_t now = begin;
  while (now - begin < CLOCKS_PER_SEC) {
    for (size_t i = 0; i != 256; ++i)
      price(list[calls++ % list.size()]);
    now = std::clock();
  }
  return double(calls) * CLOCKS_PER_SEC / double(now - begin);
}

static void print(const char *name, double rate, double goal) {
  std::printf("%s: %.0f per CPU-second", name, rate);
  if (goal > 0)
    std::printf(" (goal %.0f: %s)", goal, rate >= goal ? "met" : "missed");
  std::printf("\n");
}

int main() {
  for (const char *target : {"zigzag-aimc-28nm", "zigzag-dimc-28nm"}) {
    const std::vector<machine::Machine> list = machines(target);
    const double macros = rate(list, [](const machine::Machine &m) {
      benchmark::DoNotOptimize(cost::figures(m).tops_per_w);
    });
    print((std::string("macros, ") + target).c_str(), macros, 1e6);
  }
  const struct {
    const char *name;
    std::vector<workload::Workload> models;
  } sets[] = {
      {"ResNet-18", {test::resnet18()}},
      {"nine networks",
       {test::resnet18(), test::vgg16(), test::alexnet(),
        test::mobilenetV3Large(), test::paperResnet50(), test::densenet201(),
        test::paperMobilebert(), test::paperVit(), test::paperGpt2Medium()}},
  };
  const std::vector<machine::Machine> list = machines("zigzag-aimc-28nm");
  for (const auto &set : sets) {
    const cost::Pricer pricer(set.models);
    cost::DesignCost result;
    const double designs = rate(list, [&](const machine::Machine &m) {
      pricer.price(m, {}, result);
      benchmark::DoNotOptimize(result.area_mm2);
    });
    print(set.name, designs, 0);
  }
  return 0;
}
