//===- simulate_program.cpp - Instructions simulated per second -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// VGG16 layer by layer on the RRAM chip, about 10^6 executed instructions,
// beside the same number of pushes and pops of a queue of events as long as the
// chip has cores: what any event-driven simulation pays at least.
//
//   simulate_program        items_per_second = executed instructions per second
//   the last line: the ratio and whether the goal is met
//
//===----------------------------------------------------------------------===//

#include "imc/Simulate/Simulate.h"
#include "test/Unit/Simulate/Builder.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <queue>

using namespace imc;

namespace {

struct Loaded {
  machine::Machine machine;
  mapping::Knobs knobs;
  cost::Prices prices;
  program::Program program;
  int64_t instructions = 0;
};

const Loaded &vgg16() {
  static const Loaded loaded = [] {
    machine::TargetSpec spec = llvm::cantFail(machine::loadTarget(
        "rram-32nm", {std::string(IMC_SOURCE_DIR) + "/targets"}));
    Loaded l{llvm::cantFail(spec.machine()), {}, {}, {}};
    l.prices = cost::priceDesign(l.machine, l.knobs);
    test::Builder builder(l.machine, l.knobs);
    int64_t channels = 3, size = 224;
    auto add = [&](const test::ConvShape &s) {
      const mapping::Tiling t = mapping::tile(s.product(), l.machine, l.knobs);
      const int64_t copies = std::min<int64_t>(
          s.geometry().windows, std::max<int64_t>(1, 1024 / t.arrays()));
      // Each product has the chip for itself; volatile or not does not matter
      // to the loop.
      if (!builder.product("layer", s.geometry(), t, copies, 320, true))
        std::abort();
    };
    for (int64_t filters : {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512,
                            512, 0, 512, 512, 512, 0}) {
      if (filters == 0) {
        size /= 2;
        builder.kernel("pool", channels * size * size, channels * size * size);
        continue;
      }
      for (int rep = 0; rep < 4; ++rep) {
        test::ConvShape s;
        s.channels = channels;
        s.filters = filters;
        s.height = s.width = size + 2;
        s.kernel_h = s.kernel_w = 3;
        add(s);
      }
      channels = filters;
    }
    for (auto [in, out] : {std::pair<int64_t, int64_t>{25088, 4096},
                           {4096, 4096},
                           {4096, 1000}}) {
      test::ConvShape s;
      s.channels = in;
      s.filters = out;
      add(s);
    }
    l.program = std::move(builder.program);
    return l;
  }();
  return loaded;
}

double simulatedPerSecond = 0, queuePerSecond = 0;

void simulate(benchmark::State &state) {
  const Loaded &l = vgg16();
  int64_t instructions = 0;
  for (auto _ : state) {
    const simulate::Result r =
        llvm::cantFail(simulate::simulate(l.program, l.prices, l.machine));
    benchmark::DoNotOptimize(r.seconds);
    instructions += r.instructions;
    state.counters["instructions"] = double(r.instructions);
  }
  state.SetItemsProcessed(instructions);
}
BENCHMARK(simulate)->Unit(benchmark::kMillisecond);

void eventQueue(benchmark::State &state) {
  std::priority_queue<std::pair<double, uint64_t>> queue;
  for (uint64_t i = 0; i < 1024; ++i)
    queue.push({-double(i * 7919 % 1024), i});
  uint64_t i = 0;
  for (auto _ : state) {
    const double now = queue.top().first;
    queue.pop();
    queue.push({now - double(1 + i * 7919 % 1024), ++i});
  }
  state.SetItemsProcessed(int64_t(i));
}
BENCHMARK(eventQueue);

class Reporter : public benchmark::ConsoleReporter {
public:
  void ReportRuns(const std::vector<Run> &runs) override {
    for (const Run &run : runs) {
      const double rate = run.counters.at("items_per_second");
      (run.benchmark_name() == "simulate" ? simulatedPerSecond
                                          : queuePerSecond) = rate;
    }
    ConsoleReporter::ReportRuns(runs);
  }
};

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  std::printf("simulated instructions per second %.3g, ratio to the bare event "
              "queue %.3g; goal 3e6: %s\n",
              simulatedPerSecond, simulatedPerSecond / queuePerSecond,
              simulatedPerSecond >= 3e6 ? "met" : "missed");
}
