//===- WindowsTest.cpp - Products as matrices -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Windows.h"

#include "gtest/gtest.h"

#include <random>

using namespace imc::execute;

namespace {

/// Random codes and weights of a product.
struct Sample {
  ArrayProduct product;
  std::vector<int8_t> weights;
  std::vector<uint8_t> inputs;

  void fill(std::mt19937 &rng, int64_t numWeights, int64_t numInputs) {
    weights.resize(size_t(numWeights));
    inputs.resize(size_t(numInputs));
    for (int8_t &w : weights)
      w = int8_t(int(rng() % 256) - 128);
    for (uint8_t &x : inputs)
      x = uint8_t(rng());
    product.weights = weights;
  }

  std::vector<int32_t> run() {
    int64_t results = 1;
    for (int64_t extent : product.output_shape)
      results *= extent;
    std::vector<int32_t> out(size_t(results), -1);
    IntegerEngine engine;
    EXPECT_FALSE(llvm::errorToBool(engine.prepare(0, product)));
    engine.run(0, inputs.data(), out.data());
    return out;
  }
};

TEST(IntegerEngine, ConvolvesAsItsDefinitionSays) {
  std::mt19937 rng(1);
  auto upTo = [&](int n) { return int64_t(1 + rng() % unsigned(n)); };
  for (int trial = 0; trial < 300; ++trial) {
    Sample s;
    ArrayProduct &p = s.product;
    const int64_t images = upTo(2), groups = upTo(3), c = upTo(3), f = upTo(4);
    p.groups = groups;
    p.kernel = {upTo(3), upTo(3)};
    p.strides = {upTo(3), upTo(2)};
    p.dilations = {upTo(2), upTo(3)};
    const int64_t oh = upTo(4), ow = upTo(5);
    const int64_t h =
        (oh - 1) * p.strides[0] + (p.kernel[0] - 1) * p.dilations[0] + upTo(2);
    const int64_t w =
        (ow - 1) * p.strides[1] + (p.kernel[1] - 1) * p.dilations[1] + upTo(2);
    p.input_shape = {images, groups * c, h, w};
    p.output_shape = {images, groups * f, oh, ow};
    p.weight_shape = {groups * f, c, p.kernel[0], p.kernel[1]};
    s.fill(rng, groups * f * c * p.kernel[0] * p.kernel[1],
           images * groups * c * h * w);
    const std::vector<int32_t> got = s.run();
    size_t at = 0;
    for (int64_t b = 0; b < images; ++b)
      for (int64_t o = 0; o < groups * f; ++o)
        for (int64_t y = 0; y < oh; ++y)
          for (int64_t x = 0; x < ow; ++x, ++at) {
            int32_t sum = 0;
            for (int64_t i = 0; i < c; ++i)
              for (int64_t ky = 0; ky < p.kernel[0]; ++ky)
                for (int64_t kx = 0; kx < p.kernel[1]; ++kx) {
                  const int64_t channel = o / f * c + i;
                  const int64_t row = y * p.strides[0] + ky * p.dilations[0];
                  const int64_t column = x * p.strides[1] + kx * p.dilations[1];
                  sum +=
                      s.inputs[size_t(((b * groups * c + channel) * h + row) *
                                          w +
                                      column)] *
                      s.weights[size_t(
                          ((o * c + i) * p.kernel[0] + ky) * p.kernel[1] + kx)];
                }
            ASSERT_EQ(got[at], sum) << "trial " << trial << " at " << at;
          }
  }
}

TEST(IntegerEngine, MultipliesMatrices) {
  std::mt19937 rng(2);
  for (int trial = 0; trial < 50; ++trial) {
    Sample s;
    ArrayProduct &p = s.product;
    const int64_t m = 1 + rng() % 5, k = 1 + rng() % 40, n = 1 + rng() % 9;
    p.kernel = p.strides = p.dilations = {1, 1};
    p.input_shape = {m, k};
    p.weight_shape = {k, n};
    p.output_shape = {m, n};
    s.fill(rng, k * n, m * k);
    const std::vector<int32_t> got = s.run();
    for (int64_t row = 0; row < m; ++row)
      for (int64_t column = 0; column < n; ++column) {
        int32_t sum = 0;
        for (int64_t i = 0; i < k; ++i)
          sum +=
              s.inputs[size_t(row * k + i)] * s.weights[size_t(i * n + column)];
        ASSERT_EQ(got[size_t(row * n + column)], sum);
      }
  }
}

} // namespace
