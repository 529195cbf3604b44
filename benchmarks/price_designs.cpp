//===- price_designs.cpp - Designs priced per second
//-----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many four-network designs one core prices per second: the fast path that
// the search uses, beside the detailed evaluation in the same run. The designs
// are random points of the RRAM and SRAM knob lists of the source paper with
// random pass knobs.
//
//   price_designs                       items_per_second = designs per second
//   the last line: the ratio and whether the goals are met
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Pricer.h"
#include "imc/Machine/Target.h"
#include "test/Unit/Models/Networks.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>

using namespace imc;

namespace {

struct Design {
  machine::Machine machine;
  mapping::Knobs knobs;
};

std::vector<workload::Workload> networks() {
  return {test::resnet18(), test::vgg16(), test::alexnet(),
          test::mobilenetV3Large()};
}

/// As the importer sees them: quantisation before, scaling and activation after
/// each product.
std::vector<workload::Workload> withDigitalWork() {
  std::vector<workload::Workload> models = networks();
  for (workload::Workload &model : models) {
    std::vector<workload::Layer> layers;
    for (const workload::Layer &layer : model.layers) {
      const workload::Product &p = *layer.product();
      const int64_t in = p.input_elements, out = p.output_elements;
      layers.push_back(
          {layer.name, "quantize", "", workload::Digital{5 * in, in, in}});
      layers.push_back(layer);
      layers.push_back(
          {layer.name, "dequantize", "", workload::Digital{4 * out, out, out}});
      layers.push_back(
          {layer.name, "relu", "", workload::Digital{out, out, out}});
    }
    model.layers = std::move(layers);
  }
  return models;
}

/// So many that what the pricer keeps of one is no whole design of another.
constexpr size_t kDesigns = 16384;

/// Random designs around a shipped target; the same ones in every run. With
/// `fitting`, only those that hold all models and replicate: the dearest kind.
std::vector<Design> designs(const char *target, size_t count,
                            bool fitting = false) {
  machine::TargetSpec spec = llvm::cantFail(
      machine::loadTarget(target, {std::string(IMC_SOURCE_DIR) + "/targets"}));
  const Design start{llvm::cantFail(spec.machine()), {}};
  std::mt19937_64 random(1);
  auto pick = [&](std::initializer_list<double> values) {
    return values.begin()[random() % values.size()];
  };
  const cost::Pricer pricer(networks());
  cost::DesignCost probe;
  std::vector<Design> list;
  while (list.size() < count) {
    Design d = start;
    machine::Machine &m = d.machine;
    m.technology.vdd_v = 0.5 + 0.05 * double(random() % 8);
    if (machine::cellKind(m).nonvolatile)
      m.cell.bits = 1 + int64_t(random() % 8);
    m.timing.cycle_time_ns = pick({1, 2, 4, 6, 8, 10});
    m.array.rows = int64_t(pick({32, 64, 128, 256, 512}));
    m.array.cols = int64_t(pick({32, 64, 128, 256, 512}));
    m.hierarchy.groups = int64_t(pick({1, 2, 4, 8, 16, 32}));
    m.hierarchy.tiles_per_group = int64_t(pick({4, 8, 16, 32, 64}));
    m.hierarchy.macros_per_tile = int64_t(pick({4, 8, 16, 32, 64, 128}));
    m.global_buffer.size_mib = pick({0.5, 1, 2, 4, 8, 16, 32});
    m.adc.bits = 4 + int64_t(random() % 9);
    m.adc.share = int64_t(pick({1, 4, 8, 16, 64, 128}));
    m.dac.bits = int64_t(pick({1, 2, 4}));
    d.knobs.weight_bits = 4 + int64_t(random() % 5);
    d.knobs.input_bits = 4 + int64_t(random() % 5);
    d.knobs.encoding = static_cast<mapping::Encoding>(random() % 2);
    d.knobs.group_packing = static_cast<mapping::GroupPacking>(random() % 3);
    d.knobs.replication = static_cast<mapping::Replication>(random() % 2);
    if (fitting) {
      d.knobs.replication = mapping::Replication::Balanced;
      pricer.price(m, d.knobs, probe);
      bool fits = true;
      for (const cost::ModelFigures &f : probe.models)
        fits &= f.logical_arrays <= probe.capacity;
      if (!fits)
        continue;
    }
    list.push_back(d);
  }
  return list;
}

double secondsPerDesign[4][2]; // [kind of design][detailed]

template <typename Price>
void run(benchmark::State &state, const char *target, int index, size_t count,
         Price price, double &seconds) {
  const std::vector<Design> list = designs(target, count, index == 2);
  size_t next = 0;
  for (auto _ : state) {
    price(list[next]);
    next = (next + 1) % list.size();
  }
  state.SetItemsProcessed(int64_t(state.iterations()));
  // Measured apart from the library's timers, over one pass of all designs.
  auto begin = clock();
  for (const Design &d : list)
    price(d);
  seconds = double(clock() - begin) / CLOCKS_PER_SEC / double(list.size());
}

void fast(benchmark::State &state, const char *target, int index) {
  const cost::Pricer pricer(index == 3 ? withDigitalWork() : networks());
  cost::DesignCost result;
  run(
      state, target, index, kDesigns,
      [&](const Design &d) {
        pricer.price(d.machine, d.knobs, result);
        benchmark::DoNotOptimize(result.area_mm2);
      },
      secondsPerDesign[index][0]);
}

void detailed(benchmark::State &state, const char *target, int index) {
  const std::vector<workload::Workload> models =
      index == 3 ? withDigitalWork() : networks();
  run(
      state, target, index, 1024,
      [&](const Design &d) {
        cost::Cost result = cost::evaluate(models, d.machine, d.knobs);
        benchmark::DoNotOptimize(result.area_mm2);
      },
      secondsPerDesign[index][1]);
}

} // namespace

BENCHMARK_CAPTURE(fast, rram, "rram-32nm", 0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(fast, sram, "sram-32nm", 1)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(fast, rram_balanced, "rram-32nm", 2)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(fast, rram_digital, "rram-32nm", 3)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(detailed, rram, "rram-32nm", 0)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(detailed, sram, "sram-32nm", 1)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(detailed, rram_balanced, "rram-32nm", 2)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(detailed, rram_digital, "rram-32nm", 3)
    ->Unit(benchmark::kMicrosecond);

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  const cost::Pricer pricer(networks());
  std::printf("4 networks, %zu layers, %zu different ones\n",
              pricer.totalLayers(), pricer.uniqueLayers());
  benchmark::RunSpecifiedBenchmarks();
  const char *const names[4] = {"rram-32nm", "sram-32nm",
                                "rram-32nm, all resident and replicated",
                                "rram-32nm, with digital work"};
  for (int i = 0; i != 4; ++i) {
    const double *s = secondsPerDesign[i];
    if (s[0] > 0 && s[1] > 0)
      std::printf("%s: %.0f designs per CPU-second, %.1f x the detailed "
                  "evaluation (goal 20000: %s; standing goal 100000: %s)\n",
                  names[i], 1 / s[0], s[1] / s[0],
                  1 / s[0] >= 20000 ? "met" : "missed",
                  1 / s[0] >= 100000 ? "met" : "missed");
  }
  return 0;
}
