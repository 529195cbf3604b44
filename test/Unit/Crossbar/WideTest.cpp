//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operands of 9 to 16 bits (X-WIDE) against integers of 64 bits, and against
// one slice and phase at a time where converters lose something.
//
//===----------------------------------------------------------------------===//

#include "imc/Crossbar/Wide.h"
#include "imc/Crossbar/Device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace imc::crossbar;

namespace {
struct WideCase {
  Shape shape;
  Arrays arrays;
  int64_t m = 3;
  std::vector<int16_t> weights;
  std::vector<uint16_t> codes;

  int64_t outputs() const { return shape.groups * shape.n; }
};
} // namespace

static WideCase randomCase(std::mt19937 &random) {
  auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  WideCase c;
  c.shape.groups = pick(1, 3);
  c.shape.k = pick(1, 90);
  c.shape.n = pick(1, 9);
  c.shape.groups_per_pack = pick(1, c.shape.groups);
  c.arrays.encoding = pick(0, 1) ? Encoding::Differential : Encoding::Offset;
  c.arrays.one_converter_per_pair =
      c.arrays.encoding == Encoding::Differential && pick(0, 1);
  // At least one of them beyond a byte.
  const int64_t which = pick(0, 2);
  c.arrays.weight_bits = which == 0   ? pick(2, 8)
                         : pick(0, 1) ? 16
                                      : pick(9, 16);
  c.arrays.input_bits = which == 1 ? pick(1, 8) : pick(0, 1) ? 16 : pick(9, 16);
  c.arrays.cell_bits = pick(1, 8);
  c.arrays.dac_bits = pick(1, 8);
  c.arrays.rows = pick(1, 64);
  c.arrays.cols = 2 * pick(1, 40);
  const int64_t top = (int64_t(1) << (c.arrays.weight_bits - 1)) - 1;
  const bool lowest = c.arrays.encoding == Encoding::Offset;
  c.weights.resize(size_t(c.shape.groups * c.shape.k * c.shape.n));
  for (int16_t &w : c.weights)
    w = int16_t(pick(0, 9) ? pick(lowest ? -top - 1 : -top, top)
                           : (pick(0, 1) ? top : -top));
  c.codes.resize(size_t(c.m * c.shape.groups * c.shape.k));
  for (uint16_t &x : c.codes)
    x = uint16_t(pick(0, (int64_t(1) << c.arrays.input_bits) - 1));
  return c;
}

static std::vector<int64_t> run(const Cut &cut, const Product &product,
                                const WideCase &c, const Options &options) {
  std::vector<uint8_t> pieces;
  llvm::cantFail(cut.codes(c.codes.data(), c.m, pieces));
  std::vector<int32_t> sums(
      size_t(c.m * cut.inputPieces() * c.outputs() * cut.weightPieces()));
  llvm::cantFail(product.run(pieces.data(), c.m * cut.inputPieces(),
                             sums.data(), options));
  std::vector<int64_t> y(size_t(c.m * c.outputs()), -1);
  cut.combine(sums.data(), c.codes.data(), c.m, y.data());
  return y;
}

/// Slices, phases, strips and converters from docs/crossbar.md, in 64 bits and
/// without pieces.
static std::vector<int64_t> oracle(const WideCase &c, int64_t adcBits) {
  const Arrays &a = c.arrays;
  const Shape &s = c.shape;
  const bool differential = a.encoding == Encoding::Differential;
  const int64_t half = int64_t(1) << (a.weight_bits - 1);
  const int64_t slices =
      (a.weight_bits - differential + a.cell_bits - 1) / a.cell_bits;
  const int64_t needed = losslessBits(a);
  const int64_t shift = std::max<int64_t>(0, needed - adcBits);
  const int64_t high =
      (int64_t(1) << (std::min(adcBits, needed) - a.one_converter_per_pair)) -
      1;
  const int64_t low = a.one_converter_per_pair ? -high - 1 : 0;
  auto read = [&](int64_t sum) {
    const int64_t bias = shift ? int64_t(1) << (shift - 1) : 0;
    return std::clamp((sum + bias) >> shift, low, high) * (int64_t(1) << shift);
  };
  std::vector<int64_t> y;
  for (int64_t w = 0; w < c.m; ++w)
    for (int64_t g = 0; g < s.groups; ++g)
      for (int64_t n = 0; n < s.n; ++n) {
        int64_t total = 0;
        const int64_t local = g % s.groups_per_pack;
        for (int64_t j = 0; j < slices; ++j)
          for (int64_t bit = 0; bit < a.input_bits; bit += a.dac_bits) {
            int64_t plus = 0, minus = 0;
            for (int64_t r = 0; r < s.k; ++r) {
              const int64_t value = c.weights[size_t((g * s.k + r) * s.n + n)];
              const int64_t mask = (int64_t(1) << a.cell_bits) - 1;
              const int64_t digit =
                  c.codes[size_t((w * s.groups + g) * s.k + r)] >> bit &
                  ((int64_t(1) << a.dac_bits) - 1);
              auto cell = [&](int64_t v) {
                return v >> (a.cell_bits * j) & mask;
              };
              if (differential) {
                plus += digit * cell(std::max<int64_t>(value, 0));
                minus += digit * cell(std::max<int64_t>(-value, 0));
              } else {
                plus += digit * cell(value + half);
              }
              // The last row of the strip, or of the group.
              if (r + 1 != s.k && (local * s.k + r + 1) % a.rows)
                continue;
              const int64_t codes = a.one_converter_per_pair
                                        ? read(plus - minus)
                                        : read(plus) - read(minus);
              total += codes * (int64_t(1) << (a.cell_bits * j + bit));
              plus = minus = 0;
            }
          }
        if (!differential)
          for (int64_t r = 0; r < s.k; ++r)
            total -= half * c.codes[size_t((w * s.groups + g) * s.k + r)];
        y.push_back(total);
      }
  return y;
}

TEST(Wide, LosslessIsTheIntegerProduct) {
  std::mt19937 random(5);
  int cases = 0;
  for (int i = 0; i < 600; ++i) {
    const WideCase c = randomCase(random);
    llvm::Expected<Cut> cut = Cut::make(c.shape, c.arrays);
    if (!cut) { // pairs of 8-bit cells, slices of one bit
      llvm::consumeError(cut.takeError());
      continue;
    }
    ++cases;
    Product product = llvm::cantFail(Product::create(
        cut->shape(), cut->arrays(), llvm::cantFail(cut->weights(c.weights))));
    std::vector<int64_t> wanted;
    for (int64_t w = 0; w < c.m; ++w)
      for (int64_t g = 0; g < c.shape.groups; ++g)
        for (int64_t n = 0; n < c.shape.n; ++n) {
          int64_t sum = 0;
          for (int64_t r = 0; r < c.shape.k; ++r)
            sum +=
                int64_t(
                    c.codes[size_t((w * c.shape.groups + g) * c.shape.k + r)]) *
                c.weights[size_t((g * c.shape.k + r) * c.shape.n + n)];
          wanted.push_back(sum);
        }
    EXPECT_EQ(run(*cut, product, c, {}), wanted) << i;
    Options sums;
    sums.use_proofs = false;
    sums.threads = 2;
    EXPECT_EQ(run(*cut, product, c, sums), wanted) << i;
    for (int64_t g = 0; g < c.shape.groups; ++g)
      for (int64_t n = 0; n < c.shape.n; ++n)
        EXPECT_EQ(cut->errorBound(product, g, n), 0);
  }
  EXPECT_GT(cases, 450);
}

TEST(Wide, ConvertersReadSlicesAndPhasesOfTheWhole) {
  std::mt19937 random(6);
  int lossy = 0;
  for (int i = 0; i < 400; ++i) {
    const WideCase c = randomCase(random);
    llvm::Expected<Cut> cut = Cut::make(c.shape, c.arrays);
    if (!cut) {
      llvm::consumeError(cut.takeError());
      continue;
    }
    Product product = llvm::cantFail(Product::create(
        cut->shape(), cut->arrays(), llvm::cantFail(cut->weights(c.weights))));
    EXPECT_EQ(losslessBits(cut->arrays()), losslessBits(c.arrays));
    Readout r;
    r.adc_bits = 3 + i % 4;
    llvm::cantFail(product.setReadout(r));
    const std::vector<int64_t> y = run(*cut, product, c, {});
    EXPECT_EQ(y, oracle(c, r.adc_bits)) << i;
    const std::vector<int64_t> exact = oracle(c, 40);
    lossy += y != exact;
    for (size_t at = 0; at != y.size(); ++at) {
      const auto column = int64_t(at) % c.outputs();
      ASSERT_LE(
          std::abs(double(y[at]) - double(exact[at])),
          cut->errorBound(product, column / c.shape.n, column % c.shape.n));
    }
  }
  EXPECT_GT(lossy, 100);
}

/// Cells of a device without spread are ideal cells; with spread and reads
/// every piece has draws of its own.
TEST(Wide, ProgramsPieces) {
  std::mt19937 random(7);
  WideCase c = randomCase(random);
  c.shape = {1, 64, 4, 1};
  c.arrays = {};
  c.arrays.weight_bits = c.arrays.input_bits = 16;
  c.weights.assign(256, 12345);
  c.codes.assign(size_t(c.m * 64), 0x0101); // two equal pieces
  const Cut cut = llvm::cantFail(Cut::make(c.shape, c.arrays));
  EXPECT_EQ(cut.inputPieces(), 2);
  EXPECT_EQ(cut.weightPieces(), 2);
  Product product = llvm::cantFail(Product::create(
      cut.shape(), cut.arrays(), llvm::cantFail(cut.weights(c.weights))));
  const std::vector<int64_t> ideal = run(cut, product, c, {});
  llvm::cantFail(product.program(idealDevice(), {}));
  EXPECT_EQ(run(cut, product, c, {}), ideal);
  Device noisy = idealDevice();
  noisy.read_sigma_us = 5;
  llvm::cantFail(product.program(noisy, {}));
  std::vector<uint8_t> pieces;
  llvm::cantFail(cut.codes(c.codes.data(), c.m, pieces));
  std::vector<int32_t> sums(size_t(c.m * 2 * 8));
  llvm::cantFail(product.run(pieces.data(), c.m * 2, sums.data()));
  EXPECT_NE(std::vector<int32_t>(sums.begin(), sums.begin() + 8),
            std::vector<int32_t>(sums.begin() + 8, sums.begin() + 16));
}

static std::string refusal(const Shape &shape, const Arrays &arrays) {
  llvm::Expected<Cut> cut = Cut::make(shape, arrays);
  return cut ? std::string() : llvm::toString(cut.takeError());
}

TEST(Wide, RefusesWhatPiecesDoNotHold) {
  const Shape shape{1, 8, 2, 1};
  Arrays a;
  a.weight_bits = 17;
  EXPECT_EQ(refusal(shape, a), "'weight_bits' is 17, must be 2 to 16");
  a.weight_bits = 16;
  EXPECT_EQ(refusal(shape, a), "");
  a.encoding = Encoding::TwosComplement;
  EXPECT_EQ(refusal(shape, a),
            "weights of 16 bits in twos_complement have one sign column for "
            "all slices; simulated arrays take them as offset or differential");
  a.encoding = Encoding::Differential;
  a.cell_bits = 8;
  EXPECT_EQ(refusal(shape, a),
            "weights of 16 bits in pairs of 8-bit cells have magnitudes beyond "
            "a signed byte; simulated arrays take cells of at most 7 bits, or "
            "offset");
  a.encoding = Encoding::Offset;
  EXPECT_EQ(refusal(shape, a), "");
  a.weight_bits = 11;
  a.cell_bits = 1;
  EXPECT_EQ(refusal(shape, a), "11 slices of one bit, which no piece of 2 to 8 "
                               "bits divides; take other weight_bits or "
                               "cell_bits");
  a = {};
  a.input_bits = 16;
  a.signed_inputs = true;
  EXPECT_EQ(refusal(shape, a),
            "inputs of 16 bits are cut into phases of unsigned codes; "
            "'signed_inputs' takes at most 8");
  a.signed_inputs = false;
  EXPECT_EQ(refusal({1, 40000, 2, 1}, a),
            "sums of 40000 rows with pieces of 8 and 8 bits may leave 32 bits; "
            "cut the layer into 32768 rows or fewer");
  const Cut cut = llvm::cantFail(Cut::make(shape, a));
  std::vector<uint8_t> pieces;
  Arrays narrow = a;
  narrow.input_bits = 12;
  const Cut twelve = llvm::cantFail(Cut::make(shape, narrow));
  const std::vector<uint16_t> codes(8, 4096);
  EXPECT_EQ(llvm::toString(twelve.codes(codes.data(), 1, pieces)),
            "code 0 is 4096, inputs have 12 bits");
  EXPECT_EQ(
      llvm::toString(cut.weights(std::vector<int16_t>(16, 128)).takeError()),
      "weight 0 is 128, the encoding holds -128 to 127");
}
