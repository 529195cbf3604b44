//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include <gtest/gtest.h>

using namespace imc::crossbar;
using namespace imc::crossbar::test;

static std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

static std::string refusal(const Case &c) {
  llvm::Expected<Product> product =
      Product::create(c.shape, c.arrays, c.weights);
  if (product)
    return "";
  return llvm::toString(product.takeError());
}

static Case small() {
  Case c;
  c.shape.k = 4;
  c.shape.n = 2;
  c.weights.assign(8, 1);
  c.codes.assign(4, 1);
  return c;
}

TEST(Refusal, Sizes) {
  Case c = small();
  EXPECT_EQ(refusal(c), "");
  c.weights.pop_back();
  EXPECT_EQ(refusal(c), "there are 7 weights, the shape has 8");
  c = small();
  c.shape.n = 0;
  EXPECT_EQ(refusal(c), "'n' is 0, must be 1 to 16777216");
  c = small();
  c.shape.groups_per_pack = 2;
  EXPECT_EQ(refusal(c), "'groups_per_pack' is 2, must be 1 to 1");
  c = small();
  c.arrays.cell_bits = 9;
  EXPECT_EQ(refusal(c), "'cell_bits' is 9, must be 1 to 8");
  c = small();
  c.arrays.rows = 0;
  EXPECT_EQ(refusal(c), "'rows' is 0, must be 1 to 4096");
}

TEST(Refusal, Weights) {
  Case c = small();
  c.arrays.weight_bits = 4;
  c.weights[3] = 8;
  EXPECT_EQ(refusal(c), "weight 3 is 8, the encoding holds -8 to 7");
  c = small();
  c.arrays.encoding = Encoding::Differential;
  c.weights[0] = -128;
  EXPECT_EQ(refusal(c), "weight 0 is -128, the encoding holds -127 to 127");
}

TEST(Refusal, Pairs) {
  Case c = small();
  c.arrays.one_converter_per_pair = true;
  EXPECT_EQ(refusal(c), "'one_converter_per_pair' needs the differential "
                        "encoding, which has pairs of columns");
  c.arrays.encoding = Encoding::Differential;
  c.arrays.cols = 7;
  EXPECT_EQ(refusal(c),
            "arrays of 7 columns cut a pair of columns in two; with one "
            "converter per pair 'cols' must be even");
}

TEST(Refusal, Codes) {
  Case c = small();
  c.arrays.input_bits = 3;
  c.codes = {7, 0, 8, 1};
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  std::vector<int32_t> y(2);
  EXPECT_EQ(messageOf(product.run(c.codes.data(), 1, y.data())),
            "code 2 is 8, inputs have 3 bits");
  c.arrays.signed_inputs = true;
  product = llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  c.codes = {3, 0xFC, 0xFB, 1};
  EXPECT_EQ(messageOf(product.run(c.codes.data(), 1, y.data())),
            "code 2 is -5, inputs have 3 bits with sign");
}

TEST(Refusal, Readouts) {
  Case c = small();
  c.weights.assign(8, 127);
  c.arrays.rows = 4;
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  auto refused = [&](const Readout &r) {
    return messageOf(product.setReadout(r));
  };
  Readout r;
  r.adc_bits = 0;
  EXPECT_EQ(refused(r), "'adc_bits' is 0, must be 1 to 30");
  r.range = Range::Lossless;
  EXPECT_EQ(refused(r), "");
  r.adc_bits = 3;
  EXPECT_EQ(refused(r),
            "converter 0 of column 0, group 0, strip 0 may read sums up to "
            "12, a lossless range of 3 bits ends at 7; give it more bits, or "
            "another range");
  r.adc_bits = 4;
  EXPECT_EQ(refused(r), "");
  r.range = Range::Bits;
  r.range_bits = 5;
  EXPECT_EQ(refused(r), "'range_bits' is 5, must be 1 to 4, the lossless bits");
  r.range = Range::Array;
  EXPECT_EQ(refused(r), "the range 'array' is calibrated: count sums with "
                        "calibrate() first");
  llvm::cantFail(product.calibrate(c.codes.data(), 1, Range::Layer));
  EXPECT_EQ(refused(r), "the range 'array' needs sums counted for each array, "
                        "they were counted for each layer");
  r.range = Range::Phase;
  EXPECT_EQ(refused(r), "the range 'phase' needs sums counted for each phase, "
                        "they were counted for each layer");
  EXPECT_EQ(messageOf(product.calibrate(c.codes.data(), 1, Range::Full)),
            "sums are counted for each layer, array, column or phase, not for "
            "'full'");
  r.range = Range::Full;
  r.quantile = 0;
  EXPECT_EQ(refused(r), "'quantile' is 0.000000, must be above 0 and at most "
                        "1");
}

TEST(Refusal, Windows) {
  Case c = small();
  Product product =
      llvm::cantFail(Product::create(c.shape, c.arrays, c.weights));
  std::vector<int32_t> y(2);
  Options options;
  options.first_window = int64_t(1) << 32;
  EXPECT_EQ(messageOf(product.run(c.codes.data(), 1, y.data(), options)),
            "windows are numbered from 0 to 2^32 - 1, 'first_window' is "
            "4294967296 with 1 windows");
}
