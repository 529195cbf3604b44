//===- Fit.cpp - Simulate designs and fit the model of accuracy -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Fit.h"

#include "imc/Execute/Windows.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <random>

using namespace imc;
using namespace imc::accuracy;
using llvm::Error;
using llvm::Expected;

namespace {
/// Hands products to whichever engine stands in for them.
class Switch final : public execute::ArrayEngine {
public:
  Error prepare(int64_t, const execute::ArrayProduct &product) override {
    products.push_back(product);
    return Error::success();
  }
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override {
    engine->run(index, inputs, results);
  }
  Error use(execute::ArrayEngine &other) {
    for (auto [index, product] : llvm::enumerate(products))
      if (Error error = other.prepare(int64_t(index), product))
        return error;
    engine = &other;
    return Error::success();
  }
  std::vector<execute::ArrayProduct> products;
  execute::ArrayEngine *engine = nullptr;
};

/// Exact products that keep windows of their inputs, over `executions`.
class Recorder final : public execute::ArrayEngine {
public:
  Recorder(int64_t windows, int64_t executions)
      : least(windows), executions(executions) {}
  Error prepare(int64_t index, const execute::ArrayProduct &p) override {
    const execute::Windows windows(p);
    LayerData layer;
    layer.name = p.name;
    layer.shape.groups = windows.groups();
    layer.shape.k = windows.depth();
    layer.shape.n = windows.columns();
    layer.weights = execute::Windows::weights(p);
    largest = std::max(largest, int64_t(layer.weights.size()));
    layers.push_back(std::move(layer));
    all.push_back(windows);
    return exact.prepare(index, p);
  }
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override {
    exact.run(index, inputs, results);
    LayerData &layer = layers[size_t(index)];
    // As many operations for each product: what converters clip is seldom, and
    // convolutions have many windows and few weights.
    const int64_t wanted =
        std::clamp(least * largest / int64_t(layer.weights.size()), least,
                   std::max(least, mostWindows));
    const execute::Windows &w = all[size_t(index)];
    const uint8_t *codes = w.gather(inputs, scratch);
    // Anywhere in the image, but the same place in every run of this program.
    std::minstd_rand random(uint32_t(1 + layer.windows * 7919 + index));
    random.discard(8);
    const int64_t here =
        std::min({w.rows(), (wanted + executions - 1) / executions,
                  wanted - layer.windows});
    for (int64_t i = 0; i < here; ++i) {
      const auto at = int64_t(random() % uint64_t(w.rows()));
      const int64_t width = w.groups() * w.depth();
      layer.codes.insert(layer.codes.end(), codes + at * width,
                         codes + (at + 1) * width);
      ++layer.windows;
    }
  }
  std::vector<LayerData> layers;

private:
  /// Has eight of what one window in a thousand shows; some hundred kilobytes
  /// of a first convolution.
  static constexpr int64_t mostWindows = 8192;
  int64_t least, executions, largest = 1;
  execute::IntegerEngine exact;
  std::vector<execute::Windows> all;
  std::vector<uint8_t> scratch;
};

/// Exact products that keep the windows of a few samples: all of them, or as
/// many as `maxBytes` hold, evenly spread.
class CalibrationRecorder final : public execute::ArrayEngine {
public:
  Error prepare(int64_t index, const execute::ArrayProduct &p) override {
    const execute::Windows windows(p);
    Kept k{windows, windows.groups() * windows.depth(), 1, 0, {}};
    kept.push_back(std::move(k));
    return exact.prepare(index, p);
  }
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override {
    exact.run(index, inputs, results);
    Kept &k = kept[size_t(index)];
    const uint8_t *codes = k.windows.gather(inputs, scratch);
    for (int64_t w = 0; w < k.windows.rows(); ++w) {
      if (k.seen++ % k.every)
        continue;
      k.codes.insert(k.codes.end(), codes + w * k.width,
                     codes + (w + 1) * k.width);
      if (int64_t(k.codes.size()) <= std::max(maxBytes, k.width))
        continue;
      // Every other one of these.
      const int64_t count = int64_t(k.codes.size()) / k.width;
      for (int64_t i = 1; 2 * i < count; ++i)
        std::copy_n(k.codes.begin() + 2 * i * k.width, k.width,
                    k.codes.begin() + i * k.width);
      k.codes.resize(size_t((count + 1) / 2 * k.width));
      k.every *= 2;
    }
  }
  struct Kept {
    execute::Windows windows;
    int64_t width, every, seen;
    std::vector<uint8_t> codes;
  };
  std::vector<Kept> kept;

private:
  static constexpr int64_t maxBytes = int64_t(1) << 20;
  execute::IntegerEngine exact;
  std::vector<uint8_t> scratch;
};

/// Exact products, one of them with normal noise, another scale or an offset.
class Injector final : public execute::ArrayEngine {
public:
  Error prepare(int64_t index, const execute::ArrayProduct &p) override {
    Size size;
    for (int64_t extent : p.output_shape)
      size.all *= extent;
    // Channels of a convolution come before rows and columns.
    size.inner = p.isConvolution() ? p.output_shape[2] * p.output_shape[3] : 1;
    size.outputs =
        p.isConvolution() ? p.output_shape[1] : p.output_shape.back();
    sizes.push_back(size);
    return exact.prepare(index, p);
  }
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override {
    exact.run(index, inputs, results);
    if (index != product)
      return;
    const Size &size = sizes[size_t(index)];
    for (int64_t i = 0; i < size.all; ++i) {
      const double y = results[i];
      results[i] = int32_t(std::lround(
          y * (1 + gain) + offset +
          (biases.empty() ? 0.0
                          : biases[size_t(i / size.inner % size.outputs)]) +
          (sigma > 0 ? normal(random) * sigma : 0)));
    }
  }
  void inject(int64_t which, double deviation, double relative, double constant,
              double byOutput) {
    product = which;
    sigma = deviation;
    gain = relative;
    offset = constant;
    random.seed(uint32_t(which + 1));
    normal.reset();
    biases.clear();
    if (byOutput > 0)
      for (int64_t o = 0; o < sizes[size_t(which)].outputs; ++o)
        biases.push_back(normal(random) * byOutput);
  }

private:
  execute::IntegerEngine exact;
  struct Size {
    int64_t all = 1, inner = 1, outputs = 1;
  };
  std::vector<Size> sizes;
  std::vector<double> biases; ///< by output; empty: none
  int64_t product = -1;
  double sigma = 0, gain = 0, offset = 0;
  std::mt19937 random;
  std::normal_distribution<double> normal;
};

/// The first samples of `data`.
Dataset firstOf(const Dataset &data, int64_t samples) {
  Dataset few;
  const int64_t batch = data.batchSize();
  const int64_t batches = std::clamp<int64_t>((samples + batch - 1) / batch, 1,
                                              int64_t(data.batches.size()));
  few.batches.assign(data.batches.begin(), data.batches.begin() + batches);
  few.labels.assign(data.labels.begin(), data.labels.begin() + batches * batch);
  return few;
}

/// Mean square of results around their mean by output.
double signalOf(const LayerData &l) {
  const int64_t width = l.shape.groups * l.shape.k;
  double square = 0;
  for (int64_t g = 0; g < l.shape.groups; ++g)
    for (int64_t n = 0; n < l.shape.n; ++n) {
      double sum = 0, squares = 0;
      for (int64_t w = 0; w < l.windows; ++w) {
        int64_t y = 0;
        for (int64_t k = 0; k < l.shape.k; ++k)
          y += int64_t(l.codes[size_t(w * width + g * l.shape.k + k)]) *
               l.weights[size_t((g * l.shape.k + k) * l.shape.n + n)];
        sum += double(y);
        squares += double(y) * double(y);
      }
      square +=
          squares / double(l.windows) - std::pow(sum / double(l.windows), 2);
    }
  return square / double(l.shape.groups * l.shape.n);
}

/// Errors of outputs that can change an order: less the mean of each sample,
/// and less what is proportional to the clean outputs.
std::vector<double> errorsOf(const Outputs &clean, const Outputs &noisy) {
  std::vector<double> error(clean.values.size()), signal(clean.values.size());
  double along = 0, square = 0;
  for (int64_t s = 0; s < clean.samples; ++s) {
    const auto first = size_t(s * clean.classes),
               last = size_t((s + 1) * clean.classes);
    double mean = 0, shift = 0;
    for (size_t i = first; i != last; ++i) {
      mean += clean.values[i] / double(clean.classes);
      shift += (noisy.values[i] - clean.values[i]) / double(clean.classes);
    }
    for (size_t i = first; i != last; ++i) {
      signal[i] = clean.values[i] - mean;
      error[i] = noisy.values[i] - clean.values[i] - shift;
      along += signal[i] * error[i];
      square += signal[i] * signal[i];
    }
  }
  if (square <= 0)
    return error;
  // Relative to what the clean outputs have become.
  const double root = std::sqrt(square) * std::max(0.1, 1 + along / square);
  for (size_t i = 0; i != error.size(); ++i)
    error[i] = (error[i] - along / square * signal[i]) / root;
  return error;
}

double dot(const std::vector<double> &a, const std::vector<double> &b) {
  double sum = 0;
  for (size_t i = 0; i != a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}
} // namespace

/// As ops name it; `Bits` is in range_bits.
static mapping::Range rangeOf(crossbar::Range range) {
  switch (range) {
  case crossbar::Range::Filled:
    return mapping::Range::Filled;
  case crossbar::Range::Lossless:
    return mapping::Range::Lossless;
  case crossbar::Range::Layer:
    return mapping::Range::Layer;
  case crossbar::Range::Array:
    return mapping::Range::Array;
  case crossbar::Range::Column:
    return mapping::Range::Column;
  case crossbar::Range::Phase:
    return mapping::Range::Phase;
  case crossbar::Range::Full:
  case crossbar::Range::Bits:
  case crossbar::Range::Given: // No design has it.
    break;
  }
  return mapping::Range::Full;
}

struct DesignBench::Compiled {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Switch engine;
  std::unique_ptr<execute::Executor> executor;
};

DesignBench::DesignBench(const Dataset &data, TileModule tile)
    : data(data), tile(std::move(tile)) {}
DesignBench::~DesignBench() = default;

Spread Simulation::top1() const {
  std::vector<double> values;
  for (const Score &s : trials)
    values.push_back(s.top1());
  return spread(values);
}

Expected<DesignBench::Compiled *> DesignBench::compiled(int64_t weightBits,
                                                        int64_t inputBits) {
  std::unique_ptr<Compiled> &entry = known[{weightBits, inputBits}];
  if (entry)
    return entry.get();
  auto made = std::make_unique<Compiled>();
  // Diagnostics say what is wrong.
  auto failed = [] {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "");
  };
  llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> module =
      tile(weightBits, inputBits);
  if (mlir::failed(module))
    return failed();
  made->module = std::move(*module);
  execute::ExecutorOptions options;
  options.engine = &made->engine;
  llvm::FailureOr<std::unique_ptr<execute::Executor>> executor =
      execute::Executor::compile(*made->module, options);
  if (mlir::failed(executor))
    return failed();
  made->executor = std::move(*executor);
  entry = std::move(made);
  return entry.get();
}

Error DesignBench::observe(Model &model, int64_t windows, int64_t gainSamples,
                           int64_t calibrationSamples) {
  Expected<Compiled *> made = compiled(8, 8);
  if (!made)
    return made.takeError();
  Compiled &c = **made;
  Recorder recorder(windows, int64_t(data.batches.size()));
  if (Error error = c.engine.use(recorder))
    return error;
  Expected<Outputs> exact = runAll(*c.executor, data);
  if (!exact)
    return exact.takeError();
  Expected<Score> integers = score(*exact, data.labels);
  if (!integers)
    return integers.takeError();
  model.integers = integers->top1();
  model.layers = std::move(recorder.layers);
  model.samples = int64_t(data.labels.size());
  model.chance = 1 / double(exact->classes);
  for (const LayerData &l : model.layers)
    if (l.windows == 0)
      return llvm::createStringError("product '" + l.name +
                                     "' is never executed on the data");

  CalibrationRecorder calibration;
  if (Error error = c.engine.use(calibration))
    return error;
  Expected<Outputs> calibrated =
      runAll(*c.executor, firstOf(data, calibrationSamples));
  if (!calibrated)
    return calibrated.takeError();
  for (auto [layer, k] : llvm::zip_equal(model.layers, calibration.kept)) {
    layer.calibrationWindows = int64_t(k.codes.size()) / k.width;
    layer.calibration = std::move(k.codes);
  }

  const Dataset few = firstOf(data, gainSamples);
  Injector injector;
  if (Error error = c.engine.use(injector))
    return error;
  auto runWith = [&](int64_t product, double sigma, double gain, double offset,
                     double byOutput) {
    injector.inject(product, sigma, gain, offset, byOutput);
    return runAll(*c.executor, few);
  };
  Expected<Outputs> clean = runWith(-1, 0, 0, 0, 0);
  if (!clean)
    return clean.takeError();
  // Of the signal's amplitude. As large as what designs have that are worth a
  // prediction: networks are not linear, offsets of rounding are the largest.
  constexpr double noiseSize = 0.3, gainSize = 0.1, offsetSize = 0.5;
  const size_t count = model.layers.size();
  std::vector<std::vector<double>> errors(2 * count);
  for (size_t l = 0; l != count; ++l) {
    LayerData &layer = model.layers[l];
    const double amplitude = std::sqrt(signalOf(layer));
    const double kinds[4][4] = {{noiseSize * amplitude, 0, 0, 0},
                                {0, gainSize, 0, 0},
                                {0, 0, offsetSize * amplitude, 0},
                                {0, 0, 0, noiseSize * amplitude}};
    for (int kind = 0; kind != 4; ++kind) {
      const double *k = kinds[kind];
      Expected<Outputs> noisy = runWith(int64_t(l), k[0], k[1], k[2], k[3]);
      if (!noisy)
        return noisy.takeError();
      std::vector<double> e = errorsOf(*clean, *noisy);
      if (kind == 0)
        layer.gain = dot(e, e) / (noiseSize * noiseSize);
      else if (kind == 3)
        layer.biasGain = dot(e, e) / (noiseSize * noiseSize);
      else
        errors[size_t(kind - 1) * count + l] = std::move(e);
    }
  }
  model.shared.assign(4 * count * count, 0);
  auto size = [&](size_t i) { return i < count ? gainSize : offsetSize; };
  for (size_t i = 0; i != 2 * count; ++i)
    for (size_t j = 0; j != 2 * count; ++j)
      model.shared[i * 2 * count + j] =
          dot(errors[i], errors[j]) / (size(i) * size(j));
  return Error::success();
}

Expected<double> DesignBench::integers(int64_t weightBits, int64_t inputBits) {
  Expected<Compiled *> made = compiled(weightBits, inputBits);
  if (!made)
    return made.takeError();
  execute::IntegerEngine exact;
  if (Error error = (*made)->engine.use(exact))
    return std::move(error);
  Expected<Outputs> outputs = runAll(*(*made)->executor, data);
  if (!outputs)
    return outputs.takeError();
  Expected<Score> s = score(*outputs, data.labels);
  if (!s)
    return s.takeError();
  return s->top1();
}

Expected<Simulation> DesignBench::simulate(const ArraySettings &settings,
                                           const SimulationOptions &options) {
  const crossbar::Arrays &a = settings.arrays;
  Expected<Compiled *> made = compiled(a.weight_bits, a.input_bits);
  if (!made)
    return made.takeError();
  Compiled &c = **made;
  for (execute::ArrayProduct &p : c.engine.products) {
    const execute::Windows windows(p);
    crossbar::Shape shape;
    shape.groups = windows.groups();
    shape.k = windows.depth();
    shape.n = windows.columns();
    p.groups_per_pack = groupsPerPack(shape, settings);
    p.encoding = a.encoding == crossbar::Encoding::Offset
                     ? mapping::Encoding::Offset
                 : a.encoding == crossbar::Encoding::Differential
                     ? mapping::Encoding::Differential
                     : mapping::Encoding::TwosComplement;
    p.cell_bits = a.cell_bits;
    p.dac_bits = a.dac_bits;
    p.tiling.rows = a.rows;
    p.tiling.cols = a.cols;
    p.tiling.lossless_bits = crossbar::losslessBits(a);
    p.adc_bits = settings.readout.adc_bits;
    p.range_bits = settings.readout.range == crossbar::Range::Bits
                       ? settings.readout.range_bits
                       : p.tiling.lossless_bits;
    p.range = rangeOf(settings.readout.range);
  }
  execute::CrossbarOptions arrays;
  arrays.threads = options.threads;
  arrays.ties = settings.readout.ties;
  arrays.step = settings.readout.step;
  arrays.criterion = settings.readout.criterion;
  arrays.quantile = settings.readout.quantile;
  execute::CrossbarEngine engine(arrays);
  execute::IntegerEngine exact;
  ErrorMeter meter(engine, exact);
  if (Error error = c.engine.use(
          options.measureErrors ? static_cast<execute::ArrayEngine &>(meter)
                                : engine))
    return std::move(error);
  if (engine.calibrates()) {
    engine.beginCalibration();
    Expected<Outputs> outputs =
        runAll(*c.executor, firstOf(data, options.calibrationSamples));
    if (!outputs)
      return outputs.takeError();
    if (Error error = engine.finishCalibration())
      return std::move(error);
    meter.reset();
  }
  Simulation result;
  const int64_t trials = options.device ? options.trials : 1;
  for (int64_t trial = 0; trial < trials; ++trial) {
    if (options.device) {
      crossbar::Draw draw;
      draw.seed = options.seed;
      draw.trial = trial;
      draw.time_s = options.timeS;
      if (Error error = engine.program(*options.device, draw))
        return std::move(error);
    }
    Expected<Outputs> outputs = runAll(*c.executor, data);
    if (Error error = engine.takeError()) {
      if (!outputs)
        llvm::consumeError(outputs.takeError());
      return std::move(error);
    }
    if (!outputs)
      return outputs.takeError();
    Expected<Score> s = score(*outputs, data.labels);
    if (!s)
      return s.takeError();
    result.trials.push_back(std::move(*s));
  }
  for (const ProductError &e : meter.errors())
    result.layerError.push_back(e.error / double(e.results));
  return result;
}
