//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Converters that lose nothing leave the product of integers: by proof, as a
// GEMM, and sum by sum, on every instruction set.
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include <gtest/gtest.h>

using namespace imc::crossbar;
using namespace imc::crossbar::test;

static std::vector<Isa> isas() {
  std::vector<Isa> out;
  for (Isa isa : {Isa::Portable, Isa::AVX2, Isa::AVX512})
    if (isSupported(isa))
      out.push_back(isa);
  return out;
}

static std::vector<int32_t> run(const Product &product, const Case &c,
                                const Options &options,
                                Statistics *statistics = nullptr) {
  std::vector<int32_t> y(size_t(c.m * c.shape.groups * c.shape.n), -1);
  llvm::cantFail(
      product.run(c.codes.data(), c.m, y.data(), options, statistics));
  return y;
}

static void expectExact(const Case &c, const std::vector<Isa> &sets) {
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  EXPECT_TRUE(product.proof().lossless());
  EXPECT_EQ(product.proof().arrays, product.proof().proved_arrays);
  const std::vector<int32_t> exact = exactProduct(c);
  for (Isa isa : sets)
    for (bool proofs : {true, false}) {
      Options options;
      options.isa = isa;
      options.use_proofs = proofs;
      Statistics statistics;
      ASSERT_EQ(run(product, c, options, &statistics), exact)
          << c.describe() << " " << isaName(isa) << " proofs " << proofs;
      ASSERT_EQ(statistics.saturated, 0);
      ASSERT_EQ(statistics.conversions == 0, proofs);
    }
}

TEST(Lossless, RandomProducts) {
  std::mt19937 random(1);
  for (int i = 0; i < 1200; ++i)
    ASSERT_NO_FATAL_FAILURE(expectExact(randomCase(random), isas()));
}

/// All encodings x d x b x signedness x rows, with 1,000 windows each.
TEST(Lossless, EncodingsBitsAndRows) {
  std::mt19937 random(2);
  for (int encoding = 0; encoding < 4; ++encoding)
    for (int64_t d : {1, 2, 4})
      for (int64_t b : {1, 2, 4})
        for (bool isSigned : {false, true})
          for (int64_t rows : {1, 7, 64, 128, 512}) {
            Case c;
            c.arrays.encoding = Encoding(encoding % 3);
            if (encoding == 3)
              c.arrays.encoding = Encoding::Differential;
            c.arrays.one_converter_per_pair = encoding == 3;
            c.arrays.dac_bits = d;
            c.arrays.cell_bits = b;
            c.arrays.signed_inputs = isSigned;
            c.arrays.rows = rows;
            c.shape.k = rows;
            c.shape.n = 2;
            c.m = 1000;
            c.fill(random);
            // Some windows and columns at their ends.
            std::fill(c.codes.begin(), c.codes.begin() + rows,
                      isSigned ? 0x80 : 0xFF);
            for (int64_t r = 0; r < rows; ++r)
              c.weights[size_t(2 * r)] =
                  c.arrays.encoding == Encoding::Differential ? -127 : -128;
            ASSERT_NO_FATAL_FAILURE(expectExact(c, {bestIsa()}));
          }
}

TEST(Lossless, LongReductionsWrapModuloTwoToThe32) {
  Case c;
  c.shape.k = 70000;
  c.shape.n = 1;
  c.arrays.cell_bits = 4;
  c.weights.assign(70000, 127);
  c.codes.assign(70000, 255);
  ASSERT_NO_FATAL_FAILURE(expectExact(c, isas()));
}

TEST(Lossless, ThreadsAndPartsOfABatch) {
  std::mt19937 random(3);
  for (int i = 0; i < 40; ++i) {
    Case c = randomCase(random);
    c.m = 130;
    c.fill(random);
    Product product =
        llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
    Readout readout;
    readout.adc_bits =
        std::max<int64_t>(2, losslessBits(c.arrays) - int64_t(random() % 4));
    llvm::cantFail(product.setReadout(readout));
    const std::vector<int32_t> once = run(product, c, {});
    for (int64_t threads : {2, 3, 7}) {
      Options options;
      options.threads = threads;
      ASSERT_EQ(run(product, c, options), once) << c.describe();
    }
    std::vector<int32_t> parts(once.size());
    for (int64_t first = 0; first < c.m; first += 13)
      llvm::cantFail(
          product.run(&c.codes[size_t(first * c.shape.groups * c.shape.k)],
                      std::min<int64_t>(13, c.m - first),
                      &parts[size_t(first * c.shape.groups * c.shape.n)]));
    ASSERT_EQ(parts, once) << c.describe();
  }
}
