//===- UnfoldingTest.cpp - Convolutions as matrices -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Unfolding.h"

#include <gtest/gtest.h>

#include <random>

using namespace imc::mapping::unfolding;

/// Empty if there is none.
static std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// A solution that was verified.
static Solution solved(const Problem &p, llvm::StringRef algorithm) {
  EXPECT_EQ(text(check(p)), "");
  llvm::Expected<Solution> s = solve(p, algorithm);
  if (!s) {
    ADD_FAILURE() << algorithm.str() << ": " << text(s.takeError());
    return {};
  }
  EXPECT_EQ(text(verify(p, *s)), "") << algorithm.str();
  return *s;
}

static int64_t best(const Problem &p, llvm::StringRef algorithm) {
  return objective(p, solved(p, algorithm));
}

static Layer square(int64_t image, int64_t kernel, int64_t channels,
                    int64_t outputs) {
  Layer l;
  l.channels = channels;
  l.outputs = outputs;
  l.image = {image, image};
  l.kernel = {kernel, kernel};
  return l;
}

/// The layers of VW-SDK (Rhe et al., DATE 2022), Table I: images without
/// padding, strides of 1, each layer once.
static Problem vgg13(int64_t size) {
  Problem p;
  p.rows = p.cols = size;
  p.layers = {square(224, 3, 3, 64),   square(224, 3, 64, 64),
              square(112, 3, 64, 128), square(112, 3, 128, 128),
              square(56, 3, 128, 256), square(56, 3, 256, 256),
              square(28, 3, 256, 512), square(28, 3, 512, 512),
              square(14, 3, 512, 512), square(14, 3, 512, 512)};
  return p;
}
static Problem resnet18(int64_t size) {
  Problem p;
  p.rows = p.cols = size;
  p.layers = {square(112, 7, 3, 64), square(56, 3, 64, 64),
              square(28, 3, 128, 128), square(14, 3, 256, 256),
              square(7, 3, 512, 512)};
  return p;
}

TEST(Unfolding, PublishedCycles) {
  EXPECT_EQ(best(vgg13(512), "im2col"), 243736);
  EXPECT_EQ(best(vgg13(512), "sdk"), 114697);
  EXPECT_EQ(best(vgg13(512), "variable_window"), 77102);
  EXPECT_EQ(best(resnet18(512), "im2col"), 20041);
  EXPECT_EQ(best(resnet18(512), "sdk"), 7240);
  EXPECT_EQ(best(resnet18(512), "variable_window"), 4294);
  // Arrays that may end within a channel or an output never need more.
  for (int64_t size : {64, 128, 256, 512})
    for (const Problem &p : {vgg13(size), resnet18(size)})
      EXPECT_LE(best(p, "exact"), best(p, "variable_window")) << size;
  // The window of ResNet-18's first layer: 10 x 8 with 6 channels at most.
  const Choice first = solved(resnet18(512), "variable_window").choices[0];
  EXPECT_EQ(first.positions[0] * first.positions[1], 8);
  EXPECT_EQ(first.rows, 480);
}

TEST(Unfolding, PIMCOMPsFive) {
  // (H, W, P) of I = 100 channels, O = 70 outputs, K = 3.
  Problem p;
  p.rows = p.cols = 128;
  const Layer l = square(10, 3, 100, 70);
  const Layout w = Layout::Window, s = Layout::Split, f = Layout::Shift;
  struct Case {
    std::array<Layout, 2> layout;
    int64_t rows, cols, matrices, arrays, loads;
  };
  for (const Case &c :
       {Case{{s, s}, 100, 70, 9, 9, 64}, Case{{f, f}, 100, 630, 1, 5, 100},
        Case{{s, w}, 300, 70, 3, 9, 64}, Case{{f, w}, 300, 210, 1, 6, 80},
        Case{{w, w}, 900, 70, 1, 8, 64}}) {
    const std::optional<Figures> got =
        figures(p, l, {c.layout, {1, 1}, 128, 128});
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->rows, c.rows);
    EXPECT_EQ(got->cols, c.cols);
    EXPECT_EQ(got->matrices, c.matrices);
    EXPECT_EQ(got->arrays, c.arrays);
    EXPECT_EQ(got->loads, c.loads);
    EXPECT_EQ(got->products, c.arrays * c.loads);
  }
}

static Layer randomLayer(std::mt19937_64 &random, int64_t most) {
  auto draw = [&](int64_t from, int64_t to) {
    return from + int64_t(random() % uint64_t(to - from + 1));
  };
  Layer l;
  l.channels = draw(1, most);
  l.outputs = draw(1, most);
  l.groups = draw(0, 3) ? 1 : draw(1, 3);
  for (int d : {0, 1}) {
    l.kernel[d] = draw(1, 4);
    l.stride[d] = draw(1, 5);
    l.dilation[d] = draw(1, 4);
    l.image[d] = (l.kernel[d] - 1) * l.dilation[d] + draw(1, 9);
  }
  return l;
}

/// All layouts and positions, arrays filled.
static std::vector<Choice> allChoices(const Problem &p, const Layer &l) {
  std::vector<Choice> all;
  for (Layout y : {Layout::Window, Layout::Split, Layout::Shift})
    for (Layout x : {Layout::Window, Layout::Split, Layout::Shift})
      for (int64_t h = 1; h <= (y == Layout::Window ? l.positions(0) : 1); ++h)
        for (int64_t w = 1; w <= (x == Layout::Window ? l.positions(1) : 1);
             ++w)
          all.push_back({{y, x}, {h, w}, p.rows, p.cols});
  return all;
}

TEST(Unfolding, ExecutedTheyAreTheConvolution) {
  std::mt19937_64 random(11);
  for (int trial = 0; trial != 300; ++trial) {
    Problem p;
    p.rows = int64_t(1 + random() % 40);
    p.cols = int64_t(1 + random() % 40);
    const Layer l = randomLayer(random, 3);
    p.layers = {l};
    ASSERT_EQ(text(check(p)), "");
    auto numbers = [&](int64_t count) {
      std::vector<int64_t> v(static_cast<size_t>(count));
      for (int64_t &x : v)
        x = int64_t(random() % 201) - 100;
      return v;
    };
    const auto image = numbers(l.groups * l.channels * l.image[0] * l.image[1]);
    const auto weights =
        numbers(l.groups * l.outputs * l.channels * l.kernel[0] * l.kernel[1]);
    std::vector<int64_t> expected;
    for (int64_t g = 0; g != l.groups; ++g)
      for (int64_t o = 0; o != l.outputs; ++o)
        for (int64_t y = 0; y != l.positions(0); ++y)
          for (int64_t x = 0; x != l.positions(1); ++x) {
            int64_t sum = 0;
            for (int64_t c = 0; c != l.channels; ++c)
              for (int64_t i = 0; i != l.kernel[0]; ++i)
                for (int64_t j = 0; j != l.kernel[1]; ++j)
                  sum +=
                      image[size_t(((g * l.channels + c) * l.image[0] +
                                    y * l.stride[0] + i * l.dilation[0]) *
                                       l.image[1] +
                                   x * l.stride[1] + j * l.dilation[1])] *
                      weights[size_t((((g * l.outputs + o) * l.channels + c) *
                                          l.kernel[0] +
                                      i) *
                                         l.kernel[1] +
                                     j)];
            expected.push_back(sum);
          }
    std::vector<Choice> choices;
    for (llvm::StringRef algorithm : Problem::algorithms())
      choices.push_back(solved(p, algorithm).choices[0]);
    const std::vector<Choice> all = allChoices(p, l);
    for (int i = 0; i != 6; ++i) {
      choices.push_back(all[random() % all.size()]);
      choices.back().rows = int64_t(1 + random() % uint64_t(p.rows));
      choices.back().cols = int64_t(1 + random() % uint64_t(p.cols));
    }
    for (const Choice &c : choices) {
      ASSERT_EQ(text(verify(p, {{c}})), "");
      const imc::mapping::unfolding::Run run = execute(p, l, c, image, weights);
      ASSERT_EQ(run.outputs, expected) << trial;
      // What was done is what is counted.
      const std::optional<Figures> f = figures(p, l, c);
      ASSERT_TRUE(f.has_value());
      ASSERT_EQ(run.loads, f->loads) << trial;
      ASSERT_EQ(run.arrays, f->arrays) << trial;
      ASSERT_EQ(run.products, f->products) << trial;
      ASSERT_EQ(run.conversions, f->conversions) << trial;
      ASSERT_EQ(run.inputs, f->inputs) << trial;
    }
  }
}

TEST(Unfolding, ExactIsTheOptimum) {
  std::mt19937_64 random(12);
  int refused = 0, greedyWorse = 0, windows = 0;
  for (int trial = 0; trial != 1500; ++trial) {
    Problem p;
    p.rows = int64_t(4 + random() % 60);
    p.cols = int64_t(4 + random() % 60);
    p.columns_per_weight = int64_t(1 + random() % 4);
    p.objective = static_cast<Objective>(random() % 4);
    for (uint64_t n = 1 + random() % 2; n != 0; --n) {
      p.layers.push_back(randomLayer(random, 12));
      p.layers.back().columns_per_weight = int64_t(random() % 3);
    }
    if (random() % 4)
      p.arrays = int64_t(1 + random() % 120);
    // Every pair of choices.
    std::optional<int64_t> least;
    const std::vector<Choice> first = allChoices(p, p.layers[0]);
    std::vector<Choice> second = {{}};
    if (p.layers.size() == 2)
      second = allChoices(p, p.layers[1]);
    for (const Choice &a : first)
      for (const Choice &b : second) {
        const std::optional<Figures> fa = figures(p, p.layers[0], a);
        std::optional<Figures> fb = Figures();
        if (p.layers.size() == 2)
          fb = figures(p, p.layers[1], b);
        if (p.arrays > 0 && fa->arrays + fb->arrays > p.arrays)
          continue;
        const int64_t amount =
            p.objective == Objective::Products ? fa->products + fb->products
            : p.objective == Objective::Steps  ? fa->loads + fb->loads
            : p.objective == Objective::Conversions
                ? fa->conversions + fb->conversions
                : fa->inputs + fb->inputs;
        least = std::min(least.value_or(amount), amount);
      }
    if (!least) {
      ++refused;
      EXPECT_NE(text(solve(p, "exact").takeError()).find("arrays"),
                std::string::npos);
      continue;
    }
    ASSERT_EQ(best(p, "exact"), *least) << trial;
    const int64_t other = best(p, "greedy");
    ASSERT_GE(other, *least);
    greedyWorse += other > *least;
    const Choice c = solved(p, "exact").choices[0];
    windows += c.positions[0] * c.positions[1] > 1;
  }
  EXPECT_GT(refused, 20);
  EXPECT_LT(refused, 500);
  EXPECT_GT(greedyWorse, 0);
  EXPECT_GT(windows, 50);
}

TEST(Unfolding, Check) {
  auto wrong = [](auto change) {
    Problem p = resnet18(512);
    p.layers[1].name = "conv";
    change(p);
    return text(check(p));
  };
  EXPECT_EQ(wrong([](Problem &) {}), "");
  EXPECT_EQ(wrong([](Problem &p) { p.rows = 0; }),
            "'rows' is 0, must be from 1 to 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.arrays = -1; }),
            "'arrays' is -1, must be from 0 to 2^53");
  EXPECT_EQ(wrong([](Problem &p) { p.layers.clear(); }), "'layers' is empty");
  EXPECT_EQ(wrong([](Problem &p) { p.layers[1].stride[1] = 0; }),
            "layers[1] 'conv': 'stride[1]' is 0, must be from 1 to 2^24");
  EXPECT_EQ(wrong([](Problem &p) { p.layers[1].dilation[0] = 28; }),
            "layers[1] 'conv': the kernel spans 57 of 56 rows of the image");
  EXPECT_EQ(wrong([](Problem &p) {
              p.layers[1].channels = p.layers[1].outputs = int64_t(1) << 24;
            }),
            "layers[1] 'conv': counts more than 2^53");
}

TEST(Unfolding, Verify) {
  Problem p = resnet18(512);
  p.layers[1].name = "conv";
  p.arrays = 20;
  const Solution good = solved(p, "im2col"); // 1 + 2 + 3 + 5 + 9 arrays
  auto wrong = [&](auto change) {
    Solution s = good;
    change(s);
    return text(verify(p, s));
  };
  EXPECT_EQ(wrong([](Solution &) {}), "");
  EXPECT_EQ(wrong([](Solution &s) { s.choices.pop_back(); }),
            "'choices' has 4 entries for 5 layers");
  EXPECT_EQ(wrong([](Solution &s) { s.choices[1].positions[1] = 55; }),
            "layers[1] 'conv': 'positions[1]' is 55, must be from 1 to 54");
  EXPECT_EQ(wrong([](Solution &s) {
              s.choices[1].layout[0] = Layout::Shift;
              s.choices[1].positions[0] = 2;
            }),
            "layers[1] 'conv': 'positions[0]' is 2, must be from 1 to 1");
  EXPECT_EQ(wrong([](Solution &s) { s.choices[1].rows = 513; }),
            "layers[1] 'conv': 'rows' is 513, must be from 1 to 512, those of "
            "an array");
  EXPECT_EQ(wrong([](Solution &s) { s.choices[1].cols = 0; }),
            "layers[1] 'conv': 'cols' is 0, must be from 1 to 512, those of an "
            "array");
  EXPECT_EQ(wrong([](Solution &s) { s.choices[1].cols = 16; }),
            "layers[4] ends at array 26 of 20");
  p.arrays = 18;
  EXPECT_EQ(text(verify(p, good)), "layers[4] ends at array 20 of 18");
}

TEST(Unfolding, RefusedAndText) {
  Problem p = resnet18(512);
  p.layers[1].name = "conv";
  p.objective = Objective::Conversions;
  p.arrays = 18;
  EXPECT_EQ(text(solve(p, "im2col").takeError()),
            "the layers need 20 arrays, 'arrays' is 18");
  p.arrays = 14;
  EXPECT_EQ(text(solve(p, "exact").takeError()),
            "the layers need 16 arrays, 'arrays' is 14");
  p.arrays = 8;
  EXPECT_EQ(text(solve(p, "greedy").takeError()),
            "layers[4]: needs more arrays than 'arrays', 8");
  EXPECT_EQ(text(solve(p, "best").takeError()),
            "unknown algorithm 'best'; there are im2col, shift, sdk, "
            "variable_window, windows, greedy, exact");

  llvm::Expected<Problem> again = Problem::parse(toJSON(p));
  ASSERT_TRUE(bool(again)) << text(again.takeError());
  EXPECT_EQ(toJSON(*again), toJSON(p));
  p.arrays = 30;
  const Solution s = solved(p, "exact");
  llvm::Expected<Solution> same = Solution::parse(toJSON(s));
  ASSERT_TRUE(bool(same)) << text(same.takeError());
  EXPECT_EQ(toJSON(*same), toJSON(s));

  auto wrong = [](llvm::StringRef json) {
    return text(
        Problem::parse(llvm::cantFail(llvm::json::parse(json))).takeError());
  };
  EXPECT_EQ(wrong(R"({"problem": "unfolding", "rows": 4, "cols": 4,
                      "layers": [{"channels": 1, "outputs": 1, "image": [1]}]})"),
            "'layers[0].image' must be [height, width]");
  EXPECT_EQ(wrong(R"({"problem": "unfolding", "rows": 4, "cols": 4,
                      "layers": [{"channels": 1}]})"),
            "'layers[0].outputs' is missing");
  EXPECT_EQ(wrong(R"({"problem": "unfolding", "rows": 4, "cols": 4,
                      "objective": "time", "layers": []})"),
            "'objective' is 'time', must be one of products, steps, "
            "conversions, inputs");
}
