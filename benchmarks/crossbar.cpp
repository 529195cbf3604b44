//===- crossbar.cpp - Matrix-vector products on arrays per second ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A 128 x 128 matrix of 8-bit weights in 2-bit cells (offset: 512 columns;
// differential: 1,024), 1-bit input phases, 64 windows on one thread; and
// products that are proved lossless. Beside them the same arithmetic as plain
// loops over cells, compiled with the same options.
//
//   crossbar        items_per_second = windows, or multiplications, per second
//   the last lines: time of a window, goal, ratio to the plain loops
//
//===----------------------------------------------------------------------===//

#include "imc/Crossbar/Device.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <map>
#include <random>

using namespace imc::crossbar;

namespace {

struct Workload {
  Shape shape;
  Arrays arrays;
  int64_t m;
  std::vector<int8_t> weights;
  std::vector<uint8_t> codes;
  std::vector<int32_t> y;

  Workload(int64_t k, int64_t n, int64_t m, Encoding encoding) : m(m) {
    shape.k = k;
    shape.n = n;
    arrays.encoding = encoding;
    std::mt19937 random(1);
    weights.resize(size_t(k * n));
    for (int8_t &w : weights)
      w = int8_t(int64_t(random() % 255) - 127);
    codes.resize(size_t(m * k));
    for (uint8_t &x : codes)
      x = uint8_t(random());
    y.resize(size_t(m * n));
  }
  Product product() const {
    return llvm::cantFail(Product::create(shape, arrays, weights));
  }
};

void runProduct(benchmark::State &state, const Workload &w, Product &product,
                Options options, int64_t items) {
  std::vector<int32_t> y = w.y;
  for (auto _ : state) {
    llvm::cantFail(product.run(w.codes.data(), w.m, y.data(), options));
    benchmark::DoNotOptimize(y.data());
    options.first_window += w.m;
  }
  state.SetItemsProcessed(int64_t(state.iterations()) * items);
}

//===----------------------------------------------------------------------===//
// Proved products
//===----------------------------------------------------------------------===//

void proved(benchmark::State &state) {
  const Workload w(1152, 256, 196, Encoding::Offset);
  Product product = w.product();
  runProduct(state, w, product, {}, 1152 * 256 * 196);
}
BENCHMARK(proved);

void provedOneArray(benchmark::State &state) {
  const Workload w(128, 128, 64, Encoding::Offset);
  Product product = w.product();
  runProduct(state, w, product, {}, 128 * 128 * 64);
}
BENCHMARK(provedOneArray);

void provedPlain(benchmark::State &state) {
  const Workload w(1152, 256, 196, Encoding::Offset);
  std::vector<int32_t> y = w.y;
  for (auto _ : state) {
    for (int64_t m = 0; m < w.m; ++m) {
      int32_t *row = &y[size_t(m * 256)];
      std::fill(row, row + 256, 0);
      for (int64_t k = 0; k < 1152; ++k) {
        const int32_t x = w.codes[size_t(m * 1152 + k)];
        const int8_t *u = &w.weights[size_t(k * 256)];
        for (int64_t n = 0; n < 256; ++n)
          row[n] += x * u[n];
      }
    }
    benchmark::DoNotOptimize(y.data());
  }
  state.SetItemsProcessed(int64_t(state.iterations()) * 1152 * 256 * 196);
}
BENCHMARK(provedPlain);

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

Readout clipping() {
  Readout readout;
  readout.adc_bits = 6;
  readout.range = Range::Bits;
  readout.range_bits = 6;
  return readout;
}

void integerCells(benchmark::State &state, Encoding encoding, bool pairs,
                  int64_t m) {
  Workload w(128, 128, m, encoding);
  w.arrays.one_converter_per_pair = pairs;
  Product product = w.product();
  llvm::cantFail(product.setReadout(clipping()));
  Options options;
  options.use_proofs = false;
  runProduct(state, w, product, options, m);
}
BENCHMARK_CAPTURE(integerCells, offset, Encoding::Offset, false, 64);
BENCHMARK_CAPTURE(integerCells, offsetOneWindow, Encoding::Offset, false, 1);
BENCHMARK_CAPTURE(integerCells, differential, Encoding::Differential, false,
                  64);
BENCHMARK_CAPTURE(integerCells, differentialPairs, Encoding::Differential, true,
                  64);

/// Cells with 5 % of spread, and what `change` adds.
void deviceCells(benchmark::State &state, Encoding encoding, bool pairs,
                 int64_t m, void (*change)(Device &)) {
  Workload w(128, 128, m, encoding);
  w.arrays.one_converter_per_pair = pairs;
  Product product = w.product();
  llvm::cantFail(product.setReadout(clipping()));
  Device device = idealDevice();
  device.sigma_relative = 0.05;
  change(device);
  llvm::cantFail(product.program(device, {}));
  runProduct(state, w, product, {}, m);
}
void readNoise(Device &device) { device.read_sigma_relative = 0.02; }
void bitLines(Device &device) { device.segment_ohm = 1; }
BENCHMARK_CAPTURE(deviceCells, offset, Encoding::Offset, false, 64,
                  [](Device &) {});
BENCHMARK_CAPTURE(deviceCells, offsetOneWindow, Encoding::Offset, false, 1,
                  [](Device &) {});
BENCHMARK_CAPTURE(deviceCells, differential, Encoding::Differential, false, 64,
                  [](Device &) {});
BENCHMARK_CAPTURE(deviceCells, differentialPairs, Encoding::Differential, true,
                  64, [](Device &) {});
BENCHMARK_CAPTURE(deviceCells, readNoiseOffset, Encoding::Offset, false, 64,
                  readNoise);
BENCHMARK_CAPTURE(deviceCells, readNoiseDifferential, Encoding::Differential,
                  false, 64, readNoise);
BENCHMARK_CAPTURE(deviceCells, readNoisePairs, Encoding::Differential, true, 64,
                  readNoise);
BENCHMARK_CAPTURE(deviceCells, bitLinesOffset, Encoding::Offset, false, 64,
                  bitLines);
BENCHMARK_CAPTURE(deviceCells, bitLinesDifferential, Encoding::Differential,
                  false, 64, bitLines);

/// One draw of the matrix.
void programArray(benchmark::State &state) {
  const Workload w(128, 128, 1, Encoding::Offset);
  Product product = w.product();
  Device device = idealDevice();
  device.sigma_relative = 0.05;
  Draw draw;
  for (auto _ : state) {
    ++draw.seed;
    llvm::cantFail(product.program(device, draw));
  }
  state.SetItemsProcessed(int64_t(state.iterations()) * 128 * 512);
}
BENCHMARK(programArray);

void cellsPlain(benchmark::State &state) {
  const Workload w(128, 128, 64, Encoding::Offset);
  std::vector<int32_t> y = w.y, cells;
  for (int64_t k = 0; k < 128; ++k)
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t n = 0; n < 128; ++n)
        cells.push_back((w.weights[size_t(k * 128 + n)] + 128) >> (2 * j) & 3);
  for (auto _ : state) {
    for (int64_t m = 0; m < 64; ++m) {
      const uint8_t *x = &w.codes[size_t(m * 128)];
      int32_t *row = &y[size_t(m * 128)];
      std::fill(row, row + 128, 0);
      for (int64_t p = 0; p < 8; ++p) {
        int32_t sums[512] = {};
        for (int64_t k = 0; k < 128; ++k)
          if (x[k] >> p & 1)
            for (int64_t c = 0; c < 512; ++c)
              sums[c] += cells[size_t(k * 512 + c)];
        for (int64_t j = 0; j < 4; ++j)
          for (int64_t n = 0; n < 128; ++n)
            row[n] += std::min(sums[j * 128 + n], 63) << (2 * j + p);
      }
    }
    benchmark::DoNotOptimize(y.data());
  }
  state.SetItemsProcessed(int64_t(state.iterations()) * 64);
}
BENCHMARK(cellsPlain);

//===----------------------------------------------------------------------===//
// Goals
//===----------------------------------------------------------------------===//

class Reporter : public benchmark::ConsoleReporter {
public:
  std::map<std::string, double> rates;
  void ReportRuns(const std::vector<Run> &runs) override {
    for (const Run &run : runs)
      rates[run.benchmark_name()] = run.counters.at("items_per_second");
    ConsoleReporter::ReportRuns(runs);
  }
};

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  std::printf("kernels: %s\n", isaName(bestIsa()));
  for (const char *name : {"proved", "provedOneArray"})
    if (reporter.rates.count(name) && reporter.rates.count("provedPlain"))
      std::printf("%-32s %8.1f GMAC/s, %6.1f x the plain loop; goal 25: %s\n",
                  name, reporter.rates[name] / 1e9,
                  reporter.rates[name] / reporter.rates["provedPlain"],
                  reporter.rates[name] >= 25e9 ? "met" : "missed");
  const std::pair<const char *, double> goals[] = {
      {"integerCells/offset", 12},
      {"integerCells/offsetOneWindow", 12},
      {"integerCells/differential", 12},
      {"integerCells/differentialPairs", 12},
      {"deviceCells/offset", 20},
      {"deviceCells/offsetOneWindow", 20},
      {"deviceCells/differential", 20},
      {"deviceCells/differentialPairs", 20},
      {"deviceCells/readNoiseOffset", 60},
      {"deviceCells/readNoiseDifferential", 60},
      {"deviceCells/readNoisePairs", 60},
      {"deviceCells/bitLinesOffset", 300},
      {"deviceCells/bitLinesDifferential", 300},
  };
  for (const auto &[name, goal] : goals)
    if (reporter.rates.count(name) && reporter.rates.count("cellsPlain")) {
      const double micros = 1e6 / reporter.rates[name];
      std::printf(
          "%-32s %8.2f us a window, %6.1f x the plain loop; goal %g: %s\n",
          name, micros, reporter.rates[name] / reporter.rates["cellsPlain"],
          goal, micros <= goal ? "met" : "missed");
    }
}
