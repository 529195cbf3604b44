//===- CrossbarEngine.cpp - Products on simulated arrays ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/CrossbarEngine.h"

#include <algorithm>

using namespace imc;
using namespace imc::execute;

/// Errors of the library do not know the product.
static llvm::Error nameProduct(llvm::Error error, const std::string &name) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "product '" + name +
                                     "': " + llvm::toString(std::move(error)));
}

// What the library calls the choices of readouts, in the order of mapping's.
static constexpr crossbar::Encoding encodings[] = {
    crossbar::Encoding::Offset, crossbar::Encoding::Differential,
    crossbar::Encoding::TwosComplement};
static constexpr crossbar::Range ranges[] = {
    crossbar::Range::Full,  crossbar::Range::Filled, crossbar::Range::Lossless,
    crossbar::Range::Layer, crossbar::Range::Array,  crossbar::Range::Column,
    crossbar::Range::Phase};
static constexpr crossbar::Ties ties[] = {
    crossbar::Ties::HalfUp, crossbar::Ties::HalfEven, crossbar::Ties::Floor};
static_assert(size_t(mapping::Encoding::TwosComplement) == 2 &&
              size_t(mapping::Encoding::Differential) == 1);
static_assert(size_t(mapping::Range::Filled) == 1 &&
              size_t(mapping::Range::Lossless) == 2 &&
              size_t(mapping::Range::Layer) == 3 &&
              size_t(mapping::Range::Array) == 4 &&
              size_t(mapping::Range::Column) == 5 &&
              size_t(mapping::Range::Phase) == 6);
static_assert(size_t(mapping::Ties::HalfEven) == 1 &&
              size_t(mapping::Ties::Floor) == 2);

llvm::Error CrossbarEngine::prepare(int64_t, const ArrayProduct &p) {
  Windows windows(p);
  crossbar::Shape shape;
  shape.groups = windows.groups();
  shape.k = windows.depth();
  shape.n = windows.columns();
  shape.groups_per_pack = p.groups_per_pack;
  crossbar::Arrays arrays;
  arrays.encoding = encodings[size_t(p.encoding)];
  arrays.weight_bits = p.weight_bits;
  arrays.cell_bits = p.cell_bits;
  arrays.input_bits = p.input_bits;
  arrays.dac_bits = p.dac_bits;
  arrays.rows = p.tiling.rows;
  arrays.cols = p.tiling.cols;
  // Weights of fewer bits than a cell holds are encoded in as many levels as
  // they have; the converter still covers what the machine's cells can add up.
  const int64_t columns = crossbar::columnsPerWeight(arrays);
  const bool alone = p.cell_bits >= p.weight_bits - 1;
  while (alone && arrays.cell_bits < 8 &&
         crossbar::losslessBits(arrays) < p.tiling.lossless_bits)
    ++arrays.cell_bits;
  if (crossbar::columnsPerWeight(arrays) != columns)
    arrays.cell_bits = p.cell_bits;
  std::optional<crossbar::Cut> cut;
  std::vector<int8_t> weights;
  if (p.isWide()) {
    llvm::Expected<crossbar::Cut> made = crossbar::Cut::make(shape, arrays);
    if (!made)
      return nameProduct(made.takeError(), p.name);
    cut = *made;
    llvm::Expected<std::vector<int8_t>> pieces =
        cut->weights(Windows::wideWeights(p));
    if (!pieces)
      return nameProduct(pieces.takeError(), p.name);
    weights = std::move(*pieces);
  } else {
    weights = Windows::weights(p);
  }
  llvm::Expected<crossbar::Product> product = crossbar::Product::create(
      cut ? cut->shape() : shape, cut ? cut->arrays() : arrays, weights);
  if (!product)
    return nameProduct(product.takeError(), p.name);

  if (crossbar::losslessBits(arrays) != p.tiling.lossless_bits)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "product '" + p.name +
            "': lossless_bits = " + std::to_string(p.tiling.lossless_bits) +
            ", but sums of " + std::to_string(arrays.rows) + " rows take " +
            std::to_string(crossbar::losslessBits(arrays)) +
            " bits; state these");

  crossbar::Readout readout;
  readout.adc_bits = p.adc_bits;
  readout.ties = options.ties.value_or(ties[size_t(p.ties)]);
  readout.step = options.step;
  readout.criterion = options.criterion;
  readout.quantile = options.quantile;
  readout.range = ranges[size_t(p.range)];
  if (p.range_bits < p.tiling.lossless_bits) {
    readout.range = crossbar::Range::Bits;
    readout.range_bits = p.range_bits;
  }
  if (options.range) {
    readout.range = *options.range;
    if (readout.range == crossbar::Range::Lossless)
      readout.adc_bits = 0;
  }
  if (cut && cut->inputPieces() > 1 && readout.range == crossbar::Range::Phase)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "product '" + p.name + "': inputs of " + std::to_string(p.input_bits) +
            " bits are driven as " + std::to_string(cut->inputPieces()) +
            " pieces, whose phases the range 'phase' does not tell apart; "
            "take the range array or column, or at most 8 input bits");
  if (!isCalibrated(readout.range))
    if (llvm::Error error = product->setReadout(readout))
      return nameProduct(std::move(error), p.name);
  ready.push_back({p.name,
                   windows,
                   std::move(*product),
                   readout,
                   {},
                   0,
                   std::move(cut),
                   p.input_bits > 8});
  return llvm::Error::success();
}

bool CrossbarEngine::convert(Ready &r, const uint8_t *x, int64_t windows,
                             int32_t *sums) {
  crossbar::Options run;
  run.threads = options.threads;
  run.first_window = r.ran;
  llvm::Error error = llvm::Error::success();
  if (calibrating && isCalibrated(r.readout.range)) {
    error = r.product.calibrate(x, windows, r.readout.range, run);
    crossbar::Readout lossless;
    lossless.range = crossbar::Range::Lossless;
    lossless.adc_bits = 0;
    if (!error)
      error = r.product.setReadout(lossless);
  }
  if (!error)
    error = r.product.run(x, windows, sums, run, &r.statistics);
  r.ran += windows;
  if (!error)
    return true;
  keep(nameProduct(std::move(error), r.name));
  return false;
}

void CrossbarEngine::keep(llvm::Error error) {
  if (problem.empty())
    problem = llvm::toString(std::move(error));
  else
    llvm::consumeError(std::move(error));
}

void CrossbarEngine::run(int64_t index, const uint8_t *inputs,
                         int32_t *results) {
  Ready &r = ready[size_t(index)];
  const Windows &w = r.windows;
  const uint8_t *x = w.gather(inputs, codes);
  int32_t *sums = w.sums(results, scratch);
  if (!convert(r, x, w.rows(), sums))
    std::fill_n(sums, w.rows() * w.groups() * w.columns(), 0);
  w.scatter(sums, results);
}

void CrossbarEngine::runWide(int64_t index, const void *inputs,
                             int64_t *results) {
  Ready &r = ready[size_t(index)];
  const Windows &w = r.windows;
  const crossbar::Cut &cut = *r.cut;
  const uint16_t *x = w.gather(inputs, r.wide_inputs, wideCodes);
  int64_t *sums = w.sums(results, wideScratch);
  const int64_t windows = w.rows() * cut.inputPieces(),
                outputs = w.groups() * w.columns();
  scratch.resize(size_t(windows * outputs * cut.weightPieces()));
  llvm::Error error = cut.codes(x, w.rows(), codes);
  if (error)
    keep(nameProduct(std::move(error), r.name));
  else if (convert(r, codes.data(), windows, scratch.data()))
    cut.combine(scratch.data(), x, w.rows(), sums);
  if (!problem.empty())
    std::fill_n(sums, w.rows() * outputs, 0);
  w.scatter(sums, results);
}

bool CrossbarEngine::calibrates() const {
  return llvm::any_of(
      ready, [](const Ready &r) { return isCalibrated(r.readout.range); });
}

llvm::Error CrossbarEngine::finishCalibration() {
  calibrating = false;
  for (Ready &r : ready) {
    if (llvm::Error error = r.product.setReadout(r.readout))
      return nameProduct(std::move(error), r.name);
    r.statistics = {};
    r.ran = 0;
  }
  return takeError();
}

llvm::Error CrossbarEngine::program(const crossbar::Device &device,
                                    const crossbar::Draw &draw) {
  for (auto [index, r] : llvm::enumerate(ready)) {
    crossbar::Draw own = draw;
    own.layer = int64_t(index);
    if (llvm::Error error = r.product.program(device, own, options.threads))
      return nameProduct(std::move(error), r.name);
    r.statistics = {};
    r.ran = 0;
  }
  return llvm::Error::success();
}

llvm::Error CrossbarEngine::takeError() {
  if (problem.empty())
    return llvm::Error::success();
  llvm::Error error =
      llvm::createStringError(llvm::inconvertibleErrorCode(), problem);
  problem.clear();
  return error;
}
