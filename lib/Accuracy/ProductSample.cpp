//===- ProductSample.cpp - A product on a sample of windows ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductSample.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

using namespace imc;
using namespace imc::accuracy;
using llvm::Expected;

struct ProductSample::Arrays {
  explicit Arrays(crossbar::Product product) : product(std::move(product)) {}

  std::mutex mutex; ///< of `product`, whose readout changes
  std::optional<crossbar::Product> product; ///< of ideal cells
  std::vector<uint8_t> codes;
  std::vector<int32_t> exact; ///< windows x outputs
  int64_t windows = 0, outputs = 0;
  std::optional<crossbar::SumStatistics> sums; ///< of devices
  double rounding = 0;
};

ProductSample::ProductSample(std::unique_ptr<Arrays> arrays)
    : arrays(std::move(arrays)) {}
ProductSample::ProductSample(ProductSample &&) = default;
ProductSample::~ProductSample() = default;

double ProductSample::rounding() const { return arrays->rounding; }

size_t ProductSample::bytes() const {
  size_t all = arrays->codes.size() + arrays->exact.size() * sizeof(int32_t);
  if (arrays->sums)
    all += arrays->sums->bytes();
  if (arrays->product) {
    // Weights, and at most 16 bits for the level of each of their cells.
    const crossbar::Shape &shape = arrays->product->shape();
    all += size_t(shape.groups * shape.k * shape.n) *
           size_t(1 + 2 * columnsPerWeight(arrays->product->arrays()));
  }
  return all;
}

bool accuracy::isCounted(const ArraySettings &settings) {
  const crossbar::Range range = settings.readout.range;
  return isCalibrated(range) ||
         (range == crossbar::Range::Filled &&
          settings.packing != mapping::GroupPacking::Single);
}

/// Codes of fewer bits, from those of eight: the range stays.
static std::vector<uint8_t> inputsOf(const std::vector<uint8_t> &codes,
                                     int64_t bits) {
  std::vector<uint8_t> out = codes;
  const int64_t top = (int64_t(1) << bits) - 1;
  if (bits < 8)
    for (uint8_t &c : out)
      c = uint8_t((int64_t(c) * top * 2 + 255) / 510);
  return out;
}
static std::vector<int8_t> weightsOf(const std::vector<int8_t> &weights,
                                     const crossbar::Arrays &a) {
  std::vector<int8_t> out = weights;
  const auto top = double((int64_t(1) << (a.weight_bits - 1)) - 1);
  if (a.weight_bits < 8)
    for (int8_t &w : out)
      w = int8_t(std::lround(double(w) * top / 127));
  // Differential pairs and others do not hold the same least weight.
  if (a.encoding == crossbar::Encoding::Differential)
    for (int8_t &w : out)
      w = std::max<int8_t>(w, int8_t(1 - (1 << (a.weight_bits - 1))));
  return out;
}

/// Results of converters that lose nothing.
static Expected<std::vector<int32_t>>
exactResults(crossbar::Product &product, const std::vector<uint8_t> &codes,
             int64_t windows) {
  crossbar::Readout lossless;
  lossless.adc_bits = 0;
  lossless.range = crossbar::Range::Lossless;
  if (llvm::Error error = product.setReadout(lossless))
    return std::move(error);
  const int64_t outputs = product.shape().groups * product.shape().n;
  std::vector<int32_t> out(size_t(windows * outputs));
  if (llvm::Error error = product.run(codes.data(), windows, out.data()))
    return std::move(error);
  return out;
}

Expected<std::vector<int32_t>> accuracy::resultsOf(const LayerData &layer) {
  Expected<crossbar::Product> product =
      crossbar::Product::create(layer.shape, crossbar::Arrays(), layer.weights);
  if (!product)
    return product.takeError();
  return exactResults(*product, layer.codes, layer.windows);
}

namespace {
/// Sums over windows of one output: exact results y, and their errors e.
struct Moments {
  double y = 0, yy = 0, e = 0, ee = 0, ye = 0;
};
} // namespace

/// By output. `results` are in units of `unit` exact ones; both are windows x
/// outputs.
static std::vector<Moments> momentsOf(llvm::ArrayRef<int32_t> exact,
                                      llvm::ArrayRef<int32_t> results,
                                      double unit, int64_t outputs) {
  std::vector<Moments> out(static_cast<size_t>(outputs));
  for (size_t i = 0; i != exact.size(); ++i) {
    const double y = exact[i], e = double(results[i]) * unit - y;
    Moments &s = out[i % size_t(outputs)];
    s.y += y;
    s.yy += y * y;
    s.e += e;
    s.ee += e * e;
    s.ye += y * e;
  }
  return out;
}

/// Errors relative to the exact results around their means by output.
static crossbar::RelativeError relate(llvm::ArrayRef<Moments> outputs,
                                      int64_t windows) {
  const auto m = double(windows), count = double(outputs.size());
  double signal = 0, error = 0, along = 0, mean = 0, square = 0;
  for (const Moments &o : outputs) {
    signal += o.yy - o.y * o.y / m;
    error += o.ee - o.e * o.e / m;
    along += o.ye - o.y * o.e / m;
    mean += o.e / m / count;
    square += (o.e / m) * (o.e / m) / count;
  }
  crossbar::RelativeError out;
  if (signal <= 0)
    return out;
  const double each = signal / (m * count); ///< mean square of a result
  out.gain = along / signal;
  out.offset = mean / std::sqrt(each);
  out.residual = std::max(0.0, error / signal - out.gain * out.gain);
  // Means over so many windows spread by themselves.
  out.bias = std::max(0.0, (square - mean * mean) / each - out.residual / m);
  return out;
}

/// Windows whose sums are counted for devices: correlations of all classes of
/// sums are measured on them, so that few outputs have more. As many results
/// take milliseconds a product.
static int64_t countedWindows(const LayerData &layer) {
  const int64_t outputs =
      std::min<int64_t>(64, layer.shape.groups * layer.shape.n);
  return std::clamp<int64_t>(16384 / outputs, 1, layer.windows);
}

Expected<ProductSample> ProductSample::create(const LayerData &layer,
                                              const ArraySettings &settings,
                                              llvm::ArrayRef<int32_t> results8,
                                              bool device) {
  const crossbar::Arrays &a = settings.arrays;
  crossbar::Shape shape = layer.shape;
  shape.groups_per_pack = groupsPerPack(shape, settings);
  Expected<crossbar::Product> product =
      crossbar::Product::create(shape, a, weightsOf(layer.weights, a));
  if (!product)
    return product.takeError();
  auto made = std::make_unique<Arrays>(std::move(*product));
  made->windows = layer.windows;
  made->outputs = shape.groups * shape.n;
  made->codes = inputsOf(layer.codes, a.input_bits);
  Expected<std::vector<int32_t>> exact =
      exactResults(*made->product, made->codes, made->windows);
  if (!exact)
    return exact.takeError();
  made->exact = std::move(*exact);
  if (a.weight_bits < 8 || a.input_bits < 8) {
    // In units of those of 8 bits.
    const double scale = 255.0 / double((int64_t(1) << a.input_bits) - 1) *
                         127.0 /
                         double((int64_t(1) << (a.weight_bits - 1)) - 1);
    // What any design of these bits has, whatever follows the signal.
    const crossbar::RelativeError e = relate(
        momentsOf(results8, made->exact, scale, made->outputs), made->windows);
    made->rounding = e.residual + e.gain * e.gain;
  }

  const crossbar::Readout &readout = settings.readout;
  if (isCalibrated(readout.range)) {
    if (layer.calibrationWindows == 0)
      return llvm::createStringError(
          "no windows to calibrate the range '" +
          llvm::Twine(rangeName(readout.range)) +
          "' on; make the model with imc accuracy-model");
    const std::vector<uint8_t> seen = inputsOf(layer.calibration, a.input_bits);
    if (llvm::Error error = made->product->calibrate(
            seen.data(), layer.calibrationWindows, readout.range))
      return std::move(error);
  }
  if (device) {
    // Evenly from all.
    const int64_t counted = countedWindows(layer),
                  width = shape.groups * shape.k;
    std::vector<uint8_t> some;
    for (int64_t i = 0; i < counted; ++i) {
      const auto from =
          made->codes.begin() + i * layer.windows / counted * width;
      some.insert(some.end(), from, from + width);
    }
    Expected<crossbar::SumStatistics> sums = crossbar::SumStatistics::measure(
        *made->product, some.data(), counted,
        isCounted(settings) ? readout : crossbar::Readout());
    if (!sums)
      return sums.takeError();
    made->sums = std::move(*sums);
    made->product.reset();
    made->codes = {};
    made->exact = {};
  }
  return ProductSample(std::move(made));
}

Expected<crossbar::RelativeError>
ProductSample::error(const crossbar::Readout &readout,
                     const crossbar::Device *device,
                     const crossbar::LevelMoments *levels) const {
  Arrays &a = *arrays;
  if (device)
    return a.sums->error(readout, device, levels);
  std::vector<int32_t> results(a.exact.size());
  {
    std::lock_guard<std::mutex> lock(a.mutex);
    if (llvm::Error error = a.product->setReadout(readout))
      return std::move(error);
    if (llvm::Error error =
            a.product->run(a.codes.data(), a.windows, results.data()))
      return std::move(error);
  }
  return relate(momentsOf(a.exact, results, /*unit=*/1, a.outputs), a.windows);
}
