//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What simulations of some designs make believe of the others.
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Belief.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace imc;
using namespace imc::accuracy;

static std::shared_ptr<const Model> oneLayer() {
  std::mt19937 random(5);
  auto m = std::make_shared<Model>();
  m->integers = 0.9;
  m->chance = 0.1;
  LayerData layer;
  layer.name = "layer";
  layer.shape.k = 200;
  layer.shape.n = 10;
  layer.windows = 32;
  layer.gain = 1;
  for (int64_t i = 0; i < layer.shape.k * layer.shape.n; ++i)
    layer.weights.push_back(int8_t(int(random() % 255) - 127));
  for (int64_t i = 0; i < layer.windows * layer.shape.k; ++i)
    layer.codes.push_back(uint8_t(random() % 256));
  m->layers.push_back(std::move(layer));
  m->shared.assign(4, 0.1);
  m->midpoint = 0.05;
  return m;
}

static ArraySettings settings(int64_t rows, int64_t adcBits) {
  ArraySettings s;
  s.arrays.rows = rows;
  s.readout.adc_bits = adcBits;
  return s;
}

static Believed of(const Belief &belief, const ArraySettings &s) {
  return llvm::cantFail(belief.of(s));
}

TEST(Belief, SimulationsAreBelieved) {
  Belief belief(oneLayer());
  const ArraySettings s = settings(128, 6);
  const Believed before = of(belief, s);
  EXPECT_FALSE(before.simulated);
  EXPECT_EQ(before.top1, before.closedForm);
  llvm::cantFail(belief.learn(s, 0.321, 0.05));
  belief.refit();
  const Believed after = of(belief, s);
  EXPECT_TRUE(after.simulated);
  EXPECT_EQ(after.top1, 0.321);
  EXPECT_EQ(after.deviation, 0.05);
  EXPECT_EQ(after.closedForm, before.closedForm);
  EXPECT_NEAR(after.yield(0.321), 0.5, 1e-12);
  EXPECT_GT(after.yield(0.2), 0.98);
}

TEST(Belief, KeysTellApartWhatResultsDependOn) {
  const ArraySettings s = settings(128, 6);
  const std::string key = Belief::keyOf(s);
  EXPECT_EQ(key, Belief::keyOf(settings(128, 6)));
  std::vector<ArraySettings> others(8, s);
  others[0].arrays.rows = 64;
  others[1].arrays.cell_bits += 1;
  others[2].arrays.dac_bits += 1;
  others[3].arrays.weight_bits -= 1;
  others[4].arrays.input_bits -= 1;
  others[5].readout.adc_bits = 7;
  others[6].readout.ties = crossbar::Ties::Floor;
  others[7].arrays.encoding = crossbar::Encoding::Differential;
  for (const ArraySettings &other : others)
    EXPECT_NE(key, Belief::keyOf(other));
}

/// A deviation that follows the closed form's own terms is learned from a few
/// designs for the rest; what nothing follows is not.
TEST(Belief, LearnsWhatFollowsTheTerms) {
  std::vector<ArraySettings> all;
  for (int64_t rows : {32, 48, 64, 96, 128, 160, 192, 256})
    for (int64_t bits : {3, 4, 5, 6, 7})
      all.push_back(settings(rows, bits));
  auto truth = [](double closedForm) {
    return closedForm - 0.2 * (closedForm - 0.1) * (0.9 - closedForm) / 0.16;
  };
  Belief belief(oneLayer());
  for (size_t i = 0; i < all.size(); i += 2)
    llvm::cantFail(
        belief.learn(all[i], truth(of(belief, all[i]).closedForm), 0));
  belief.refit();
  double before = 0, after = 0;
  for (size_t i = 1; i < all.size(); i += 2) {
    const Believed b = of(belief, all[i]);
    EXPECT_FALSE(b.simulated);
    before += std::pow(b.closedForm - truth(b.closedForm), 2);
    after += std::pow(b.top1 - truth(b.closedForm), 2);
  }
  EXPECT_GT(before, 0.01);
  EXPECT_LT(after, 0.1 * before);

  // Noise of one sign and the other is no reason to believe otherwise.
  Belief noisy(oneLayer());
  for (size_t i = 0; i < all.size(); i += 2)
    llvm::cantFail(noisy.learn(
        all[i], of(noisy, all[i]).closedForm + (i % 4 ? 0.02 : -0.02), 0));
  noisy.refit();
  for (size_t i = 1; i < all.size(); i += 2) {
    const Believed b = of(noisy, all[i]);
    EXPECT_NEAR(b.top1, b.closedForm, 0.02);
  }
}

TEST(Belief, OrderOfLearningDoesNotMatter) {
  std::vector<ArraySettings> all;
  for (int64_t rows : {32, 64, 128, 256})
    for (int64_t bits : {3, 4, 5, 6})
      all.push_back(settings(rows, bits));
  auto model = oneLayer();
  Belief forward(model), backward(model);
  for (size_t i = 0; i < all.size() - 1; ++i) {
    const double value = 0.2 + 0.6 * double(i * 7 % 11) / 11;
    llvm::cantFail(forward.learn(all[i], value, 0));
  }
  for (size_t i = all.size() - 1; i-- > 0;) {
    const double value = 0.2 + 0.6 * double(i * 7 % 11) / 11;
    llvm::cantFail(backward.learn(all[i], value, 0));
  }
  forward.refit();
  backward.refit();
  EXPECT_EQ(of(forward, all.back()).top1, of(backward, all.back()).top1);
}

TEST(Belief, WhatTheClosedFormRefusesIsRefused) {
  Belief belief(oneLayer());
  ArraySettings s = settings(128, 6);
  s.readout.range = crossbar::Range::Column;
  EXPECT_TRUE(llvm::errorToBool(belief.of(s).takeError()));
  EXPECT_TRUE(llvm::errorToBool(belief.learn(s, 0.5, 0)));
}
