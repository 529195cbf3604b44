//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Impl.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

using namespace imc::crossbar;

llvm::Error imc::crossbar::fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

void imc::crossbar::parallelFor(int64_t threads, int64_t count,
                                const std::function<void(int64_t)> &work) {
  threads = std::min(threads, count);
  std::atomic<int64_t> next{0};
  auto loop = [&] {
    for (int64_t i; (i = next.fetch_add(1)) < count;)
      work(i);
  };
  std::vector<std::thread> others;
  for (int64_t t = 1; t < threads; ++t)
    others.emplace_back(loop);
  loop();
  for (std::thread &other : others)
    other.join();
}

//===----------------------------------------------------------------------===//
// Cells and phases
//===----------------------------------------------------------------------===//

Slices::Slices(const Arrays &a) {
  const int64_t n = a.weight_bits, b = a.cell_bits;
  const int64_t half = int64_t(1) << (n - 1), mask = (int64_t(1) << b) - 1;
  least = a.encoding == Encoding::Differential ? -(half - 1) : -half;
  most = half - 1;
  const bool offsetBinary = a.encoding == Encoding::Offset;
  if (offsetBinary)
    offset = half;
  const int64_t cut = ceilDiv(offsetBinary ? n : n - 1, b);
  auto column = [&](auto level) {
    levels.emplace_back();
    for (int64_t w = -128; w < 128; ++w)
      levels.back()[size_t(w + 128)] =
          w < least || w > most ? 0 : uint8_t(level(w));
    return columns++;
  };
  for (int64_t j = 0; j < cut; ++j) {
    const int64_t low = b * j, coefficient = int64_t(1) << low;
    switch (a.encoding) {
    case Encoding::Offset:
      converters.push_back(
          {coefficient,
           column([&](int64_t w) { return (w + half) >> low & mask; }), -1});
      break;
    case Encoding::Differential: {
      const int64_t plus = column(
          [&](int64_t w) { return std::max<int64_t>(w, 0) >> low & mask; });
      const int64_t minus = column(
          [&](int64_t w) { return std::max<int64_t>(-w, 0) >> low & mask; });
      if (a.one_converter_per_pair) {
        converters.push_back({coefficient, plus, minus});
      } else {
        converters.push_back({coefficient, plus, -1});
        converters.push_back({-coefficient, minus, -1});
      }
      break;
    }
    case Encoding::TwosComplement:
      converters.push_back({coefficient, column([&](int64_t w) {
                              return (w & (half - 1)) >> low & mask;
                            }),
                            -1});
      break;
    }
  }
  if (a.encoding == Encoding::TwosComplement)
    converters.push_back(
        {-half, column([&](int64_t w) { return w < 0 ? 1 : 0; }), -1});
}

std::vector<Phase> imc::crossbar::phasesOf(const Arrays &a) {
  std::vector<Phase> phases;
  const int64_t magnitude = a.signed_inputs ? a.input_bits - 1 : a.input_bits;
  for (int64_t bit = 0; bit < magnitude; bit += a.dac_bits)
    phases.push_back(
        {bit, std::min(a.dac_bits, magnitude - bit), int32_t(1) << bit});
  if (a.signed_inputs)
    phases.push_back({magnitude, 1, -(int32_t(1) << magnitude)});
  return phases;
}

int64_t imc::crossbar::convertersPerWeight(const Arrays &arrays) {
  return int64_t(Slices(arrays).converters.size());
}

int64_t imc::crossbar::columnsPerWeight(const Arrays &arrays) {
  return Slices(arrays).columns;
}

static bool hasSignedConverters(const Arrays &a) {
  return a.encoding == Encoding::Differential && a.one_converter_per_pair;
}

int64_t imc::crossbar::losslessBits(const Arrays &a) {
  const int64_t most = a.rows * ((int64_t(1) << a.dac_bits) - 1) *
                       ((int64_t(1) << a.cell_bits) - 1);
  int64_t bits = 0;
  while (most >> bits)
    ++bits;
  return bits + (hasSignedConverters(a) ? 1 : 0);
}

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

Product::Impl::Impl(const Shape &shape, const Arrays &arrays)
    : shape(shape), arrays(arrays), slices(arrays), phases(phasesOf(arrays)) {
  is_signed = hasSignedConverters(arrays);
  packs = ceilDiv(shape.groups, shape.groups_per_pack);
  strips = ceilDiv(rowsOfPack(), arrays.rows);
  const int64_t outputs = shape.groups_per_pack * shape.n;
  tiles = ceilDiv(outputs * slices.columns, arrays.cols);
  stride = padded(outputs);
  cols = numConverters() * stride;
  for (int64_t g = 0; g < shape.groups; ++g) {
    Segment s;
    s.group = g;
    s.pack = g / shape.groups_per_pack;
    s.local_group = g % shape.groups_per_pack;
    const int64_t begin = s.local_group * shape.k;
    for (int64_t at = begin; at < begin + shape.k; at += s.rows) {
      s.strip = at / arrays.rows;
      s.first_row = at - begin;
      s.rows = std::min((s.strip + 1) * arrays.rows, begin + shape.k) - at;
      segments.push_back(s);
    }
  }
}

void Product::Impl::computeBounds() {
  bounds.assign(size_t(packs * strips * cols), 0);
  const int64_t digit = (int64_t(1) << arrays.dac_bits) - 1;
  std::vector<int32_t> plus(size_t(shape.n)), minus(plus.size());
  for (int64_t j = 0; j < numConverters(); ++j) {
    std::array<int32_t, 256> cells;
    for (int w = -128; w < 128; ++w)
      cells[size_t(w + 128)] = int32_t(slices.cell(size_t(j), int8_t(w)));
    for (const Segment &s : segments) {
      std::fill(plus.begin(), plus.end(), 0);
      std::fill(minus.begin(), minus.end(), 0);
      for (int64_t r = s.first_row; r < s.first_row + s.rows; ++r) {
        const int8_t *w = &weights[size_t((s.group * shape.k + r) * shape.n)];
        for (int64_t n = 0; n < shape.n; ++n) {
          const int32_t cell = cells[size_t(w[n] + 128)];
          plus[size_t(n)] += std::max(cell, 0);
          minus[size_t(n)] += std::max(-cell, 0);
        }
      }
      for (int64_t n = 0; n < shape.n; ++n)
        bounds[entryOf(s.group, n, j, s.strip)] =
            int32_t(std::max(plus[size_t(n)], minus[size_t(n)]) * digit);
    }
  }
}

static llvm::Error inRange(const char *what, int64_t value, int64_t least,
                           int64_t most) {
  if (value >= least && value <= most)
    return llvm::Error::success();
  return fail(std::string("'") + what + "' is " + std::to_string(value) +
              ", must be " + std::to_string(least) + " to " +
              std::to_string(most));
}

llvm::Expected<Product> Product::create(const Shape &shape,
                                        const Arrays &arrays,
                                        llvm::ArrayRef<int8_t> weights) {
  const int64_t large = int64_t(1) << 24;
  struct {
    const char *name;
    int64_t value, least, most;
  } limits[] = {
      {"groups", shape.groups, 1, large},
      {"k", shape.k, 1, large},
      {"n", shape.n, 1, large},
      {"groups_per_pack", shape.groups_per_pack, 1, shape.groups},
      {"weight_bits", arrays.weight_bits, 2, 8},
      {"cell_bits", arrays.cell_bits, 1, 8},
      {"input_bits", arrays.input_bits, arrays.signed_inputs ? 2 : 1, 8},
      {"dac_bits", arrays.dac_bits, 1, 8},
      {"rows", arrays.rows, 1, 4096},
      {"cols", arrays.cols, 1, large},
  };
  for (const auto &limit : limits)
    if (llvm::Error error =
            inRange(limit.name, limit.value, limit.least, limit.most))
      return std::move(error);
  if (arrays.one_converter_per_pair) {
    if (arrays.encoding != Encoding::Differential)
      return fail("'one_converter_per_pair' needs the differential encoding, "
                  "which has pairs of columns");
    if (arrays.cols % 2)
      return fail("arrays of " + std::to_string(arrays.cols) +
                  " columns cut a pair of columns in two; with one converter "
                  "per pair 'cols' must be even");
  }
  const int64_t count = shape.groups * shape.k * shape.n;
  if (int64_t(weights.size()) != count)
    return fail("there are " + std::to_string(weights.size()) +
                " weights, the shape has " + std::to_string(count));
  auto impl = std::make_unique<Impl>(shape, arrays);
  for (size_t i = 0; i != weights.size(); ++i)
    if (weights[i] < impl->slices.least || weights[i] > impl->slices.most)
      return fail("weight " + std::to_string(i) + " is " +
                  std::to_string(weights[i]) + ", the encoding holds " +
                  std::to_string(impl->slices.least) + " to " +
                  std::to_string(impl->slices.most));
  impl->weights = weights.vec();
  impl->computeBounds();
  Product product(std::move(impl));
  Readout lossless;
  lossless.adc_bits = 0;
  lossless.range = Range::Lossless;
  if (llvm::Error error = product.setReadout(lossless))
    return std::move(error);
  return std::move(product);
}

Product::Product(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Product::Product(Product &&) = default;
Product &Product::operator=(Product &&) = default;
Product::~Product() = default;

const Shape &Product::shape() const { return impl->shape; }
const Arrays &Product::arrays() const { return impl->arrays; }
const Readout &Product::readout() const { return impl->readout; }
int64_t Product::packs() const { return impl->packs; }
int64_t Product::strips() const { return impl->strips; }
int64_t Product::columnTiles() const { return impl->tiles; }
void Product::erase() { impl->programmed.reset(); }
