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

/// What designs of a search differ in; the rest of a machine stays where it is.
struct Choice {
  double vdd, cycle_time_ns, size_mib;
  int16_t cell_bits, rows, cols, groups, tiles, macros, adc_bits, share,
      dac_bits;
  int8_t weight_bits, input_bits, encoding, packing, replication;

  void apply(Design &d) const {
    machine::Machine &m = d.machine;
    m.technology.vdd_v = vdd;
    m.cell.bits = cell_bits;
    m.timing.cycle_time_ns = cycle_time_ns;
    m.array.rows = rows;
    m.array.cols = cols;
    m.hierarchy.groups = groups;
    m.hierarchy.tiles_per_group = tiles;
    m.hierarchy.macros_per_tile = macros;
    m.global_buffer.size_mib = size_mib;
    m.adc.bits = adc_bits;
    m.adc.share = share;
    m.dac.bits = dac_bits;
    d.knobs.weight_bits = weight_bits;
    d.knobs.input_bits = input_bits;
    d.knobs.encoding = static_cast<mapping::Encoding>(encoding);
    d.knobs.group_packing = static_cast<mapping::GroupPacking>(packing);
    d.knobs.replication = static_cast<mapping::Replication>(replication);
  }
};

Design startOf(const char *target) {
  machine::TargetSpec spec = llvm::cantFail(
      machine::loadTarget(target, {std::string(IMC_SOURCE_DIR) + "/targets"}));
  return {llvm::cantFail(spec.machine()), {}};
}

/// Random designs around a shipped target; the same ones in every run. With
/// `fitting`, only those that hold all models and replicate: the dearest kind.
std::vector<Choice> designs(const Design &start, size_t count, bool fitting) {
  std::mt19937_64 random(1);
  auto pick = [&](std::initializer_list<double> values) {
    return values.begin()[random() % values.size()];
  };
  auto number = [&](std::initializer_list<double> values) {
    return static_cast<int16_t>(pick(values));
  };
  auto below = [&](int n) { return static_cast<int8_t>(random() % n); };
  const cost::Pricer pricer(networks());
  cost::DesignCost probe;
  Design d = start;
  std::vector<Choice> list;
  while (list.size() < count) {
    Choice c;
    c.vdd = 0.5 + 0.05 * below(8);
    c.cell_bits = machine::cellKind(start.machine).nonvolatile
                      ? static_cast<int16_t>(1 + below(8))
                      : static_cast<int16_t>(start.machine.cell.bits);
    c.cycle_time_ns = pick({1, 2, 4, 6, 8, 10});
    c.rows = number({32, 64, 128, 256, 512});
    c.cols = number({32, 64, 128, 256, 512});
    c.groups = number({1, 2, 4, 8, 16, 32});
    c.tiles = number({4, 8, 16, 32, 64});
    c.macros = number({4, 8, 16, 32, 64, 128});
    c.size_mib = pick({0.5, 1, 2, 4, 8, 16, 32});
    c.adc_bits = static_cast<int16_t>(4 + below(9));
    c.share = number({1, 4, 8, 16, 64, 128});
    c.dac_bits = number({1, 2, 4});
    c.weight_bits = static_cast<int8_t>(4 + below(5));
    c.input_bits = static_cast<int8_t>(4 + below(5));
    c.encoding = below(2);
    c.packing = below(3);
    c.replication = below(2);
    if (fitting) {
      c.replication = static_cast<int8_t>(mapping::Replication::Balanced);
      c.apply(d);
      pricer.price(d.machine, d.knobs, probe);
      bool fits = true;
      for (const cost::ModelFigures &f : probe.models)
        fits &= f.logical_arrays <= probe.capacity;
      if (!fits)
        continue;
    }
    list.push_back(c);
  }
  return list;
}

double secondsPerDesign[4][2]; // [kind of design][detailed]

template <typename Price>
void run(benchmark::State &state, const char *target, int index, size_t count,
         Price price, double &seconds) {
  Design design = startOf(target);
  const std::vector<Choice> list = designs(design, count, index == 2);
  auto priceNext = [&](const Choice &c) {
    c.apply(design);
    price(design);
  };
  size_t next = 0;
  for (auto _ : state) {
    priceNext(list[next]);
    next = (next + 1) % list.size();
  }
  state.SetItemsProcessed(int64_t(state.iterations()));
  // Measured apart from the library's timers, over one pass of all designs.
  auto begin = clock();
  for (const Choice &c : list)
    priceNext(c);
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
