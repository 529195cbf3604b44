//===- HaloTest.cpp - Input rows that several copies load -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <algorithm>
#include <set>

using namespace imc;
using namespace imc::cost;

namespace {

/// A convolution as its loops see it; everything else follows by walking.
struct Image {
  int64_t batch, channels, width, paddedRows, outputRows, outputWidth,
      kernelRows, dilation, stride, padding, height;

  /// Whether a row of all images is one of padding.
  bool isPadding(int64_t row) const {
    const int64_t y = row % paddedRows;
    return y < padding || y >= padding + height;
  }
};

} // namespace

/// Rows that arrive at a copy although an earlier copy holds them, when copy k
/// loads what lies from the first row of its first window up to the first of
/// the next copy's, and all rows that its windows read, without padding. Row by
/// row: rows of image b are b * paddedRows and following.
static int64_t walkHalo(const Image &image, int64_t copies) {
  std::vector<std::vector<int64_t>> rowsOf; // of each window
  for (int64_t b = 0; b < image.batch; ++b)
    for (int64_t oy = 0; oy < image.outputRows; ++oy)
      for (int64_t ox = 0; ox < image.outputWidth; ++ox) {
        rowsOf.emplace_back();
        for (int64_t ky = 0; ky < image.kernelRows; ++ky)
          rowsOf.back().push_back(b * image.paddedRows + oy * image.stride +
                                  ky * image.dilation);
      }
  const auto windows = int64_t(rowsOf.size());
  int64_t share = 1;
  while (share * copies < windows)
    ++share;
  int64_t loads = 0;
  std::set<int64_t> all;
  for (int64_t first = 0; first < windows; first += share) {
    std::set<int64_t> mine;
    const int64_t next = first + share;
    const int64_t until = next < windows ? rowsOf[size_t(next)].front()
                                         : image.batch * image.paddedRows;
    for (int64_t row = rowsOf[size_t(first)].front(); row < until; ++row)
      mine.insert(row);
    for (int64_t w = first; w < std::min(next, windows); ++w)
      for (int64_t row = rowsOf[size_t(w)].front();
           row <= rowsOf[size_t(w)].back(); ++row)
        mine.insert(row);
    for (auto row = mine.begin(); row != mine.end();)
      row = image.isPadding(*row) ? mine.erase(row) : std::next(row);
    loads += int64_t(mine.size());
    all.insert(mine.begin(), mine.end());
  }
  return loads - int64_t(all.size());
}

TEST(Halo, EqualsLoadedRowsOfRandomConvolutions) {
  std::mt19937_64 random(23);
  auto pick = [&](int64_t least, int64_t most) {
    return least + int64_t(random() % uint64_t(most - least + 1));
  };
  machine::Machine m = test::shipped("rram-32nm");
  m.global_buffer.size_mib = 1024;
  mapping::Knobs k;
  int64_t halos = 0, ends = 0, idle = 0, images = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    Image image = {pick(1, 3), pick(1, 4), 0,          0, 0, 0,
                   pick(1, 5), pick(1, 3), pick(1, 4), 0, 0};
    const int64_t kernel = (image.kernelRows - 1) * image.dilation + 1;
    const int64_t padding = pick(0, 2);
    const int64_t height = pick(std::max<int64_t>(1, kernel - 2 * padding), 20);
    image.padding = padding;
    image.height = height;
    image.paddedRows = height + 2 * padding;
    image.outputRows = (image.paddedRows - kernel) / image.stride + 1;
    image.outputWidth = pick(1, 12);
    image.width = pick(1, 15);
    workload::Product p;
    p.windows = image.batch * image.outputRows * image.outputWidth;
    p.rows = image.channels * image.kernelRows;
    p.cols = 3;
    p.weight_elements = p.rows * p.cols;
    p.input_elements = image.batch * image.channels * height * image.width;
    p.output_elements = p.windows * p.cols;
    p.output_width = image.outputWidth;
    p.output_rows = image.outputRows;
    p.kernel_rows = kernel;
    p.stride_rows = image.stride;
    p.row_elements = image.channels * image.width;
    p.padding_rows = padding;
    p.input_rows = height;
    p.kernel_elements = image.kernelRows;
    p.image_rows = image.paddedRows;
    llvm::cantFail(workload::check({"m", 0, {{"l", "conv2d", "", p}}}));
    const mapping::Tiling t = mapping::tile(p, m, k);
    // Every copy is a part.
    m.hierarchy.macros_per_tile = t.arrays();
    const int64_t copies = pick(1, p.windows);
    const Counts c = actions({"l", "conv2d", "", p}, t, copies, 0, m, k);
    const int64_t halo = walkHalo(image, copies) * p.row_elements;
    EXPECT_EQ(c.global_reads, double((p.input_elements + halo) * k.input_bits))
        << "trial " << trial << ": " << copies << " copies";
    // What is loaded again has to fit once only.
    EXPECT_EQ(c.spill_bits, 0);
    halos += halo > 0;
    const int64_t share = (p.windows + copies - 1) / copies;
    ends += share % image.outputWidth == 0 && copies > 1;
    idle += (copies - 1) * share >= p.windows;
    images += share % (image.outputWidth * image.outputRows) == 0 && copies > 1;
  }
  EXPECT_GT(halos, 1000);
  EXPECT_GT(ends, 100);
  EXPECT_GT(idle, 100);
  EXPECT_GT(images, 20);
}

TEST(Halo, HandWorked) {
  machine::Machine m = test::shipped("rram-32nm");
  m.hierarchy.macros_per_tile = 1;
  const mapping::Knobs k;
  // 8 x 8 outputs of a 3 x 3 kernel with padding 1, 2 channels.
  const workload::Product p = workload::convolution(1, 2, 8, 8, 4, 3, 3, 1, 1);
  const mapping::Tiling t = mapping::tile(p, m, k);
  auto loaded = [&](int64_t copies) {
    return actions({"l", "", "", p}, t, copies, 0, m, k).global_reads /
           double(k.input_bits);
  };
  EXPECT_EQ(loaded(1), 128);
  // Between output rows 3 and 4: rows 4 and 5 go to both.
  EXPECT_EQ(loaded(2), 128 + 2 * 16);
  // 22 windows each: both boundaries lie inside a row, three rows each.
  EXPECT_EQ(loaded(3), 128 + 2 * 3 * 16);
  // A copy for each window: 56 boundaries inside rows, 14 of them in the
  // uppermost and lowest, where one row is padding, and 7 between rows.
  EXPECT_EQ(loaded(64), 128 + (42 * 3 + 14 * 2 + 7 * 2) * 16);
  // Eight copies to a core: their windows are an output row.
  m.hierarchy.macros_per_tile = 8;
  EXPECT_EQ(loaded(64), 128 + 7 * 2 * 16);
  m.hierarchy.macros_per_tile = 1;
  // Windows of a matrix product share nothing.
  const workload::Product matrix = workload::matmul(64, 10, 10);
  EXPECT_EQ(
      actions({"l", "", "", matrix}, mapping::tile(matrix, m, k), 7, 0, m, k)
          .global_reads,
      double(640 * k.input_bits));
  // Two images share nothing.
  const workload::Workload two =
      workload::batched({"m", 0, {{"l", "conv2d", "", p}}}, 2);
  EXPECT_EQ(actions(two.layers[0], t, 2, 0, m, k).global_reads,
            double(256 * k.input_bits));
}
