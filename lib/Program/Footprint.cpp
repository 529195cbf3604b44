//===- Footprint.cpp - What a part holds, needs and makes -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Footprint.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <algorithm>

using namespace imc::program;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Slots of one pack.
static int64_t slotsPerPack(const Product &p) {
  return p.tiling.strips * p.tiling.column_tiles;
}

/// Outputs of a pack; the last one may have fewer groups.
static int64_t weightsInPack(const Product &p, int64_t pack) {
  const int64_t groups =
      std::min(p.tiling.groups_per_pack,
               p.geometry.groups - pack * p.tiling.groups_per_pack);
  return std::max<int64_t>(groups, 0) * p.geometry.cols;
}

/// Adds up count(pack, begin, end) over the packs that slots [begin, end) lie
/// in; whole packs between the first and the last are all alike.
static int64_t
overPacks(const Product &p, int64_t begin, int64_t end,
          llvm::function_ref<int64_t(int64_t, int64_t, int64_t)> count) {
  if (begin >= end)
    return 0;
  const int64_t n = slotsPerPack(p);
  const int64_t first = begin / n, last = (end - 1) / n;
  if (first == last)
    return count(first, begin - first * n, end - first * n);
  int64_t sum =
      count(first, begin - first * n, n) + count(last, 0, end - last * n);
  if (last - first > 1)
    sum += (last - first - 1) * count(first + 1, 0, n);
  return sum;
}

int64_t imc::program::arraysPerCopy(const Product &product, const Part &part) {
  if (part.slot_end <= part.slot_begin)
    return 0;
  const int64_t sets = product.tiling.row_sets;
  return (part.slot_end - 1) / sets - part.slot_begin / sets + 1;
}

int64_t imc::program::weightsOf(const Product &product, const Part &part) {
  const mapping::Tiling &t = product.tiling;
  // Outputs with columns in column tiles [begin, end).
  auto range = [&](int64_t pack, int64_t begin, int64_t end) {
    const int64_t weights = weightsInPack(product, pack);
    return std::pair(
        std::min(begin * t.cols / t.columns_per_weight, weights),
        std::min(ceilDiv(end * t.cols, t.columns_per_weight), weights));
  };
  return overPacks(
      product, part.slot_begin, part.slot_end,
      [&](int64_t pack, int64_t begin, int64_t end) {
        const int64_t first = begin % t.column_tiles;
        const int64_t last = (end - 1) % t.column_tiles;
        if (end - begin >= t.column_tiles)
          return weightsInPack(product, pack);
        if (first <= last) {
          auto [lo, hi] = range(pack, first, last + 1);
          return hi - lo;
        }
        // The end of one strip and the beginning of the next; a wide weight may
        // lie in both.
        auto [lowBegin, lowEnd] = range(pack, 0, last + 1);
        auto [highBegin, highEnd] = range(pack, first, t.column_tiles);
        return lowEnd - lowBegin + highEnd - std::max(highBegin, lowEnd);
      });
}

int64_t imc::program::storedWeightsOf(const Product &product,
                                      const Part &part) {
  const mapping::Tiling &t = product.tiling;
  const int64_t lastStrip = (t.strips - 1) * t.column_tiles;
  return overPacks(
      product, part.slot_begin, part.slot_end,
      [&](int64_t pack, int64_t begin, int64_t end) -> int64_t {
        begin = std::max(begin - lastStrip, int64_t(0));
        end = std::max(end - lastStrip, int64_t(0));
        const int64_t weights = weightsInPack(product, pack);
        // Weights that end before column tile `tile` begins. The
        // last tile holds the rest, however wide it is.
        auto endedBefore = [&](int64_t tile) {
          return tile >= t.column_tiles
                     ? weights
                     : std::min(tile * t.cols / t.columns_per_weight, weights);
        };
        return endedBefore(end) - endedBefore(begin);
      });
}

bool imc::program::isLinked(const Product &product, int64_t slot) {
  const mapping::Tiling &t = product.tiling;
  if (slot % slotsPerPack(product) == 0)
    return false;
  if (t.strips > 1)
    return true;
  // One strip: does the cut go through a weight that exists?
  const int64_t column = slot % t.column_tiles * t.cols;
  return column % t.columns_per_weight != 0 &&
         column / t.columns_per_weight <
             weightsInPack(product, slot / slotsPerPack(product));
}

int64_t imc::program::rowWordsOf(const Product &product, const Part &part) {
  const Geometry &g = product.geometry;
  const mapping::Tiling &t = product.tiling;
  if (part.slot_begin >= part.slot_end)
    return 0;
  auto stripOf = [&](int64_t slot) { return slot / t.column_tiles; };
  auto rowOf = [&](int64_t strip) {
    return strip / t.strips * t.pack_rows + strip % t.strips * t.rows;
  };
  const int64_t last = stripOf(part.slot_end - 1);
  const int64_t lastPack = last / t.strips;
  const int64_t lo = rowOf(stripOf(part.slot_begin));
  const int64_t hi = std::min(
      {rowOf(last) + t.rows, (lastPack + 1) * t.pack_rows, g.groups * g.rows});
  const int64_t channels = g.groups * g.rows / g.kernel_elements;
  if (channels == 0 || hi <= lo)
    return 0;
  const int64_t needed =
      ceilDiv(hi, g.kernel_elements) - lo / g.kernel_elements;
  return needed * (g.row_elements / channels);
}

int64_t imc::program::rowsUnder(const Geometry &g, int64_t begin, int64_t end) {
  // Of n rows of windows in one image.
  auto inImage = [&](int64_t n) {
    return n == 0 ? 0
           : g.stride_rows >= g.kernel_rows
               ? n * g.kernel_rows
               : (n - 1) * g.stride_rows + g.kernel_rows;
  };
  const int64_t first = begin / g.windows_per_row;
  const int64_t last = (end - 1) / g.windows_per_row;
  const int64_t firstImage = first / g.window_rows;
  const int64_t lastImage = last / g.window_rows;
  if (firstImage == lastImage)
    return inImage(last - first + 1);
  return inImage(g.window_rows - first % g.window_rows) +
         (lastImage - firstImage - 1) * inImage(g.window_rows) +
         inImage(last % g.window_rows + 1);
}

int64_t imc::program::tensorRowsBefore(const Geometry &g, int64_t rows,
                                       int64_t end) {
  const int64_t perImage = g.windows_per_row * g.window_rows;
  if (end <= 0)
    return 0;
  if (end >= g.windows || g.windows % perImage != 0)
    return rows;
  const int64_t images = g.windows / perImage;
  if (rows % images != 0)
    return rows;
  const int64_t window = end - 1;
  const int64_t y = window / g.windows_per_row % g.window_rows;
  const int64_t inImage = std::clamp<int64_t>(
      y * g.stride_rows + g.kernel_rows - g.padding_rows, 0, rows / images);
  return window / perImage * (rows / images) + inImage;
}
