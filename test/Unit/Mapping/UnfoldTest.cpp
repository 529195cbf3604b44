//===- UnfoldTest.cpp - Several positions per load ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Unfold.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

using namespace imc;
using namespace imc::mapping;
using unfolding::Pair;

/// A chip of square arrays with one column per weight.
static machine::Machine chip(int64_t size, int64_t groups = 64) {
  machine::Machine m;
  m.array.rows = m.array.cols = size;
  m.array.active_rows = 0;
  m.cell.bits = 8;
  m.hierarchy = {groups, 8, 8};
  return m;
}

static workload::Workload unfold(const workload::Workload &w,
                                 const machine::Machine &m, UnfoldingRule rule,
                                 int64_t arrays = 1 << 20) {
  Knobs k;
  k.unfolding = rule;
  return unfold(w, chooseUnfolding(w, m, k, arrays));
}

static workload::Workload
networkOf(std::vector<std::array<int64_t, 4>> squares) {
  workload::Workload w;
  for (auto [image, kernel, channels, outputs] : squares)
    w.layers.push_back({"conv" + std::to_string(w.layers.size()), "conv2d", "",
                        workload::convolution(1, channels, image, image,
                                              outputs, kernel, kernel, 1, 0)});
  return w;
}

/// The layers of VW-SDK (Rhe et al., DATE 2022), Table I.
static workload::Workload vgg13() {
  return networkOf({{224, 3, 3, 64},
                    {224, 3, 64, 64},
                    {112, 3, 64, 128},
                    {112, 3, 128, 128},
                    {56, 3, 128, 256},
                    {56, 3, 256, 256},
                    {28, 3, 256, 512},
                    {28, 3, 512, 512},
                    {14, 3, 512, 512},
                    {14, 3, 512, 512}});
}
static workload::Workload resnet18() {
  return networkOf({{112, 7, 3, 64},
                    {56, 3, 64, 64},
                    {28, 3, 128, 128},
                    {14, 3, 256, 256},
                    {7, 3, 512, 512}});
}

/// Array products of a plan: arrays of one copy times loads.
static int64_t cycles(const workload::Workload &w, const machine::Machine &m) {
  int64_t sum = 0;
  for (const PlacedProduct &placed : plan(w, m, {}).products)
    sum += placed.tiling.arrays() * w.layers[placed.layer].product()->windows;
  return sum;
}

static unfolding::Problem problemOf(const workload::Workload &w,
                                    const machine::Machine &m) {
  unfolding::Problem p;
  p.rows = m.array.rows;
  p.cols = m.array.cols;
  for (const workload::Layer &layer : w.layers) {
    const workload::Product &q = *layer.product();
    unfolding::Layer l;
    l.channels = q.rows / q.kernel_elements;
    l.outputs = q.cols;
    l.image = {q.image_rows, q.image_cols};
    l.kernel = {q.kernel_rows, q.kernel_width};
    p.layers.push_back(l);
  }
  return p;
}

// What the solver counts is what the plan places.
TEST(Unfold, PlansTakeTheCyclesOfTheSolver) {
  for (int64_t size : {128, 256, 512})
    for (const workload::Workload &w : {vgg13(), resnet18()}) {
      const machine::Machine m = chip(size);
      const unfolding::Problem p = problemOf(w, m);
      for (auto [rule, algorithm] :
           {std::pair(UnfoldingRule::Im2col, "im2col"),
            std::pair(UnfoldingRule::Sdk, "sdk"),
            std::pair(UnfoldingRule::Products, "windows")}) {
        const auto s = llvm::cantFail(unfolding::solve(p, algorithm));
        EXPECT_EQ(cycles(unfold(w, m, rule), m), unfolding::objective(p, s))
            << algorithm << " " << size;
      }
      // Plans fill arrays where VW-SDK ends them at whole channels.
      const auto published =
          llvm::cantFail(unfolding::solve(p, "variable_window"));
      EXPECT_LE(cycles(unfold(w, m, UnfoldingRule::VariableWindow), m),
                unfolding::objective(p, published));
    }
  const machine::Machine m = chip(512);
  EXPECT_EQ(cycles(vgg13(), m), 243736);
  EXPECT_EQ(cycles(unfold(vgg13(), m, UnfoldingRule::Sdk), m), 114697);
  EXPECT_EQ(cycles(resnet18(), m), 20041);
  EXPECT_EQ(cycles(unfold(resnet18(), m, UnfoldingRule::Sdk), m), 7240);
}

// Loads, rows, columns and arrays of a random convolution are those of the
// solver's closed forms, and all multiply-accumulates of the model remain.
TEST(Unfold, ProductsHaveTheFiguresOfTheProblem) {
  std::mt19937_64 random(7);
  auto in = [&](int64_t low, int64_t high) {
    return low + int64_t(random() % uint64_t(high - low + 1));
  };
  int gaps = 0, sampled = 0, wide = 0;
  for (int trial = 0; trial != 3000; ++trial) {
    unfolding::Layer l;
    l.channels = in(1, 5);
    l.outputs = in(1, 5);
    l.groups = in(1, 3);
    l.count = in(1, 2);
    Pair positions;
    for (int d : {0, 1}) {
      l.kernel[d] = in(1, 4);
      l.stride[d] = in(1, 4);
      l.dilation[d] = in(1, 3);
      l.image[d] = (l.kernel[d] - 1) * l.dilation[d] + in(1, 12);
      positions[d] = in(1, l.positions(d));
    }
    workload::Product p;
    p.groups = l.groups;
    p.rows = l.channels * l.kernel[0] * l.kernel[1];
    p.cols = l.outputs;
    p.windows = l.count * l.positions(0) * l.positions(1);
    p.weight_elements = p.groups * p.rows * p.cols;
    p.output_elements = p.windows * p.groups * p.cols;
    p.input_elements =
        l.count * l.channels * l.groups * l.image[0] * l.image[1];
    p.output_rows = l.positions(0);
    p.output_width = l.positions(1);
    p.kernel_rows = (l.kernel[0] - 1) * l.dilation[0] + 1;
    p.stride_rows = l.stride[0];
    p.image_rows = p.input_rows = l.image[0];
    p.row_elements = l.channels * l.groups * l.image[1];
    p.kernel_elements = l.kernel[0] * l.kernel[1];
    p.kernel_width = l.kernel[1];
    p.stride_cols = l.stride[1];
    p.dilation_cols = l.dilation[1];
    p.image_cols = l.image[1];

    unfolding::Problem problem;
    problem.rows = in(1, 40);
    problem.cols = in(1, 40);
    unfolding::Choice c;
    c.positions = positions;
    c.rows = problem.rows;
    c.cols = problem.cols;
    const unfolding::Figures f = *unfolding::figures(problem, l, c);
    const auto axes = widen(p, positions);
    if (!axes) {
      ++gaps;
      continue;
    }
    const workload::Product q = unfolded(p, positions);
    EXPECT_EQ(q.windows, f.loads);
    EXPECT_EQ(q.rows, f.rows);
    EXPECT_EQ(q.cols, f.cols);
    const Tiling t = [&] {
      machine::Machine m = chip(1);
      m.array.rows = problem.rows;
      m.array.cols = problem.cols;
      return tile(q, m, {});
    }();
    EXPECT_EQ(t.arrays(), f.arrays);
    EXPECT_EQ(q.macs(), p.macs());
    workload::Workload w;
    w.layers.push_back({"conv", "conv2d", "", q});
    EXPECT_EQ(llvm::toString(workload::check(w)), "");
    // The elements of every position lie in the wide kernel, each once.
    for (int d : {0, 1}) {
      const WideAxis &a = (*axes)[d];
      std::set<int64_t> met;
      for (int64_t n = 0; n != positions[d]; ++n)
        for (int64_t k = 0; k != l.kernel[d]; ++k) {
          const int64_t at = n * a.position + k * a.element;
          met.insert(at);
          EXPECT_EQ(at * a.dilation * a.sample,
                    n * l.stride[d] + k * l.dilation[d]);
        }
      EXPECT_EQ(int64_t(met.size()), a.kernel);
      EXPECT_EQ(*met.rbegin(), a.kernel - 1);
      sampled += a.sample > 1;
    }
    wide += q.windows < p.windows;
  }
  EXPECT_GT(gaps, 100);
  EXPECT_GT(sampled, 100);
  EXPECT_GT(wide, 500);
}

// One copy of everything stays on the chip, and what does not fit stays as it
// is.
TEST(Unfold, StaysWithinTheChip) {
  const workload::Workload w = resnet18();
  int64_t last = 0;
  for (int64_t groups : {1, 2, 4, 64}) {
    const machine::Machine m = chip(128, groups);
    const workload::Workload u = unfold(w, m, UnfoldingRule::Steps);
    const Plan p = plan(u, m, {});
    EXPECT_EQ(p.violations.size(), plan(w, m, {}).violations.size());
    int64_t loads = 0;
    for (const workload::Layer &layer : u.layers)
      loads += layer.product()->windows;
    EXPECT_TRUE(last == 0 || loads <= last) << groups;
    last = loads;
    if (plan(w, m, {}).violations.empty())
      EXPECT_LE(p.placed_arrays, m.arrays());
    else
      EXPECT_EQ(cycles(u, m), cycles(w, m));
  }
  // A fully connected layer has one position per window.
  workload::Workload dense;
  dense.layers.push_back({"fc", "matmul", "", workload::matmul(9, 100, 10)});
  EXPECT_EQ(
      *unfold(dense, chip(128), UnfoldingRule::Products).layers[0].product(),
      *dense.layers[0].product());
}

static Knobs knobsOf(UnfoldingRule rule) {
  Knobs k;
  k.unfolding = rule;
  return k;
}

static void setRule(workload::Workload &w, size_t layer, UnfoldingRule rule) {
  ASSERT_EQ(
      llvm::toString(workload::setLayer(w, w.layers[layer].name, "unfolding",
                                        static_cast<int64_t>(rule))),
      "");
}

// A layer's own rule counts for it, that of the knobs for the others; where all
// layers have one rule it does not matter who says so.
TEST(Unfold, LayersHaveRulesOfTheirOwn) {
  for (const workload::Workload &w : {vgg13(), resnet18()}) {
    const machine::Machine m = chip(256);
    const std::vector<Pair> plain(w.layers.size(), Pair{1, 1});
    for (UnfoldingRule rule : {UnfoldingRule::Im2col, UnfoldingRule::Sdk,
                               UnfoldingRule::VariableWindow,
                               UnfoldingRule::Products, UnfoldingRule::Steps}) {
      const std::vector<Pair> all =
          chooseUnfolding(w, m, knobsOf(rule), m.arrays());
      workload::Workload each = w;
      for (size_t i = 0; i != w.layers.size(); ++i)
        setRule(each, i, rule);
      EXPECT_EQ(
          chooseUnfolding(each, m, knobsOf(UnfoldingRule::Steps), m.arrays()),
          all);
      for (size_t i = 0; i != w.layers.size(); ++i) {
        workload::Workload one = w;
        setRule(one, i, rule);
        const std::vector<Pair> positions =
            chooseUnfolding(one, m, Knobs(), m.arrays());
        for (size_t j = 0; j != w.layers.size(); ++j)
          if (j != i)
            EXPECT_EQ(positions[j], plain[j]);
        // The published rules look at one layer.
        if (rule == UnfoldingRule::Sdk || rule == UnfoldingRule::VariableWindow)
          EXPECT_EQ(positions[i], all[i]);
        // The rest of the chip is its own.
        if (rule == UnfoldingRule::Steps)
          EXPECT_LE(unfolded(*w.layers[i].product(), positions[i]).windows,
                    unfolded(*w.layers[i].product(), all[i]).windows);
        // Once decided, it is a product like any other.
        const workload::Workload u = unfold(one, positions);
        EXPECT_FALSE(hasOwnUnfolding(u));
        EXPECT_EQ(*u.layers[i].product(),
                  unfolded(*w.layers[i].product(), positions[i]));
      }
    }
  }
}

// The layers of `products`, then those of `steps`, have the arrays that are
// left.
TEST(Unfold, RulesShareTheChip) {
  std::mt19937_64 random(5);
  int within = 0, widened = 0;
  for (int trial = 0; trial != 200; ++trial) {
    workload::Workload w = trial % 2 ? vgg13() : resnet18();
    const machine::Machine m = chip(128 << random() % 3, 1 << random() % 6);
    const bool fits = plan(w, m, {}).violations.empty();
    bool published = false;
    for (size_t i = 0; i != w.layers.size(); ++i)
      if (const uint64_t rule = random() % 8; rule < 5) {
        setRule(w, i, static_cast<UnfoldingRule>(rule));
        published |= rule == 1 || rule == 2;
      }
    const Knobs k = knobsOf(static_cast<UnfoldingRule>(random() % 5));
    published |= k.unfolding == UnfoldingRule::Sdk ||
                 k.unfolding == UnfoldingRule::VariableWindow;
    const workload::Workload u =
        unfold(w, chooseUnfolding(w, m, k, m.arrays()));
    int64_t loads = 0, windows = 0;
    for (size_t i = 0; i != w.layers.size(); ++i) {
      loads += u.layers[i].product()->windows;
      windows += w.layers[i].product()->windows;
      if (unfoldingOf(*w.layers[i].product(), k) == UnfoldingRule::Im2col)
        EXPECT_EQ(u.layers[i].product()->windows,
                  w.layers[i].product()->windows);
    }
    widened += loads < windows;
    if (!fits || published)
      continue;
    EXPECT_TRUE(plan(u, m, {}).violations.empty()) << trial;
    ++within;
  }
  EXPECT_GT(within, 10);
  EXPECT_GT(widened, 100);
}

TEST(Unfold, RefusesRulesOfOtherLayers) {
  workload::Workload w = resnet18();
  w.name = "net";
  w.layers.push_back({"fc", "matmul", "", workload::matmul(9, 100, 10)});
  auto refusal = [&](const char *layer, const char *field, int64_t value) {
    return llvm::toString(workload::setLayer(w, layer, field, value));
  };
  EXPECT_EQ(refusal("fc", "unfolding", 1),
            "layer 'fc' of model 'net' is no convolution: each of its windows "
            "is a row of its own, so that loads cannot share them; leave its "
            "unfolding out");
  EXPECT_NE(refusal("conv9", "unfolding", 1).find("has no layer 'conv9'"),
            std::string::npos);
  const std::string both =
      "has copies of its own, which keep one position per load; leave out its "
      "copies or its unfolding";
  EXPECT_EQ(refusal("conv1", "copies", 2), "");
  EXPECT_NE(refusal("conv1", "unfolding", 2).find(both), std::string::npos);
  EXPECT_EQ(refusal("conv1", "unfolding", 0), "");
  EXPECT_EQ(refusal("conv2", "unfolding", 2), "");
  EXPECT_NE(refusal("conv2", "copies", 2).find(both), std::string::npos);
  std::get<workload::Product>(w.layers[2].work).copies = 2;
  EXPECT_NE(llvm::toString(workload::check(w))
                .find("only a convolution without copies of its own"),
            std::string::npos);
  const KnobInfo &field =
      *llvm::cantFail(parseLayerKnob("layer.a.b.unfolding")).field;
  EXPECT_EQ(llvm::cantFail(parseLayerValue("k", field, " steps ")), 4);
  EXPECT_EQ(llvm::toString(parseLayerValue("k", field, "wide").takeError()),
            "'k' is 'wide', must be one of im2col, sdk, variable_window, "
            "products, steps, auto");
  EXPECT_NE(llvm::toString(parseLayerValue("k", field, "4").takeError())
                .find("must be one of"),
            std::string::npos);
}
