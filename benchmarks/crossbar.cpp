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
//   crossbar [--isa=portable|avx2|avx512]
//                   items_per_second = windows, or multiplications, per second
//   the last lines: time of a window, goal, ratio to the plain loops
//
//===----------------------------------------------------------------------===//

#include "imc/Crossbar/Device.h"

#include <benchmark/benchmark.h>

#include <algorithm>
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

/// --isa=portable|avx2|avx512
Isa isa = Isa::Best;

void runProduct(benchmark::State &state, const Workload &w, Product &product,
                Options options, int64_t items) {
  options.isa = isa;
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

/// Without slices, as aihwkit's tiles (test/python/test_aihwkit.py): one cell
/// of 7 bits per polarity, one phase of 6, 9 bits with noise for each pair.
void unsliced(benchmark::State &state) {
  Workload w(128, 128, 64, Encoding::Differential);
  w.arrays.one_converter_per_pair = true;
  w.arrays.cell_bits = 7;
  w.arrays.input_bits = w.arrays.dac_bits = 6;
  w.arrays.cols = 256;
  for (uint8_t &x : w.codes)
    x &= 63;
  Product product = w.product();
  Readout readout;
  readout.adc_bits = 9;
  readout.range = Range::Given;
  readout.full_scale = 1e6;
  readout.step = Step::Free;
  readout.ties = Ties::HalfEven;
  llvm::cantFail(product.setReadout(readout));
  Device device = idealDevice();
  device.sigma_relative = 0.05;
  device.converter_noise_sigma_lsb = 1.275;
  llvm::cantFail(product.program(device, {}));
  runProduct(state, w, product, {}, 64);
}
BENCHMARK(unsliced);

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

/// As cellsPlain, with spread cells, noise of every cell of every read, and one
/// window.
void readNoisePlain(benchmark::State &state) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> cells(128 * 512);
  for (float &cell : cells)
    cell = float(random() % 4) * (1 + 0.05f * normal(random));
  const Workload w(128, 128, 1, Encoding::Offset);
  std::vector<int32_t> y(128);
  for (auto _ : state) {
    std::fill(y.begin(), y.end(), 0);
    for (int64_t p = 0; p < 8; ++p) {
      float sums[512] = {};
      for (int64_t k = 0; k < 128; ++k)
        if (w.codes[size_t(k)] >> p & 1)
          for (int64_t c = 0; c < 512; ++c)
            sums[c] +=
                cells[size_t(k * 512 + c)] * (1 + 0.02f * normal(random));
      for (int64_t j = 0; j < 4; ++j)
        for (int64_t n = 0; n < 128; ++n)
          y[size_t(n)] += std::clamp(int32_t(sums[j * 128 + n] + 0.5f), 0, 63)
                          << (2 * j + p);
    }
    benchmark::DoNotOptimize(y.data());
  }
  state.SetItemsProcessed(int64_t(state.iterations()));
}
BENCHMARK(readNoisePlain);

/// Bit lines by the tridiagonal (Thomas) algorithm, column by column.
void bitLinesPlain(benchmark::State &state) {
  const Workload w(128, 128, 1, Encoding::Offset);
  std::mt19937 random(1);
  std::vector<float> cells(512 * 128);
  for (float &cell : cells)
    cell = float(random() % 4) * 33e-6f;
  std::vector<float> upper(128), right(128);
  float total = 0;
  for (auto _ : state) {
    for (int64_t p = 0; p < 8; ++p)
      for (int64_t c = 0; c < 512; ++c) {
        for (int64_t k = 0; k < 128; ++k) {
          const float x = float(w.codes[size_t(k)] >> p & 1);
          const float g = x * cells[size_t(c * 128 + k)];
          const float above = k ? upper[size_t(k - 1)] : 0;
          const float pivot = 1 / (g + (k ? 2.0f : 1.0f) - above);
          upper[size_t(k)] = pivot;
          right[size_t(k)] = (g * x + (k ? right[size_t(k - 1)] : 0)) * pivot;
        }
        total += right[127];
      }
    benchmark::DoNotOptimize(total);
  }
  state.SetItemsProcessed(int64_t(state.iterations()));
}
BENCHMARK(bitLinesPlain);

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
  for (int i = 1; i < argc; ++i)
    for (Isa candidate : {Isa::Portable, Isa::AVX2, Isa::AVX512})
      if (std::string(argv[i]) == std::string("--isa=") + isaName(candidate))
        isa = candidate;
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  std::printf("kernels: %s\n", isaName(isa == Isa::Best ? bestIsa() : isa));
  for (const char *name : {"proved", "provedOneArray"})
    if (reporter.rates.count(name) && reporter.rates.count("provedPlain"))
      std::printf("%-32s %8.1f GMAC/s, %6.1f x the plain loop; goal 25: %s\n",
                  name, reporter.rates[name] / 1e9,
                  reporter.rates[name] / reporter.rates["provedPlain"],
                  reporter.rates[name] >= 25e9 ? "met" : "missed");
  const struct {
    const char *name, *plain;
    double goal;
  } goals[] = {
      {"integerCells/offset", "cellsPlain", 12},
      {"integerCells/offsetOneWindow", "cellsPlain", 12},
      {"integerCells/differential", "cellsPlain", 12},
      {"integerCells/differentialPairs", "cellsPlain", 12},
      {"deviceCells/offset", "cellsPlain", 20},
      {"deviceCells/offsetOneWindow", "cellsPlain", 20},
      {"deviceCells/differential", "cellsPlain", 20},
      {"deviceCells/differentialPairs", "cellsPlain", 20},
      {"deviceCells/readNoiseOffset", "readNoisePlain", 60},
      {"deviceCells/readNoiseDifferential", "readNoisePlain", 60},
      {"deviceCells/readNoisePairs", "readNoisePlain", 60},
      {"deviceCells/bitLinesOffset", "bitLinesPlain", 300},
      {"deviceCells/bitLinesDifferential", "bitLinesPlain", 300},
  };
  for (const auto &g : goals)
    if (reporter.rates.count(g.name) && reporter.rates.count(g.plain)) {
      const double micros = 1e6 / reporter.rates[g.name];
      std::printf("%-34s %8.2f us a window, %6.1f x %s; goal %g: %s\n", g.name,
                  micros, reporter.rates[g.name] / reporter.rates[g.plain],
                  g.plain, g.goal, micros <= g.goal ? "met" : "missed");
    }
}
