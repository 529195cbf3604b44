//===- PartWork.cpp - What a part does per window -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PartWork.h"

#include <algorithm>

using namespace imc;
using namespace imc::simulate;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Length of [a, b) and [c, d) in common.
static int64_t overlap(int64_t a, int64_t b, int64_t c, int64_t d) {
  return std::max<int64_t>(0, std::min(b, d) - std::max(a, c));
}

PartWork imc::simulate::walkPart(const program::Product &product,
                                 int64_t slotBegin, int64_t slotEnd) {
  const program::Geometry &g = product.geometry;
  const mapping::Tiling &t = product.tiling;
  PartWork w;
  w.arrays = ceilDiv(slotEnd - slotBegin, t.row_sets);
  w.turns = std::min(t.row_sets, slotEnd - slotBegin);
  const int64_t strips = t.strips, tiles = t.column_tiles;
  const int64_t slotsOfPack = strips * tiles, c = t.columns_per_weight;
  w.row_begin = g.groups * g.rows;

  for (int64_t pack = slotBegin / slotsOfPack; pack * slotsOfPack < slotEnd;
       ++pack) {
    // The last pack may have fewer groups.
    const int64_t groups =
        std::min(t.groups_per_pack, g.groups - pack * t.groups_per_pack);
    const int64_t rows = groups * g.rows, outputs = groups * g.cols;
    const int64_t begin = std::max<int64_t>(slotBegin - pack * slotsOfPack, 0);
    const int64_t end = std::min(slotEnd - pack * slotsOfPack, slotsOfPack);
    const int64_t firstRow = pack * t.groups_per_pack * g.rows;

    for (int64_t slot = begin; slot < end; ++slot) {
      const int64_t top = slot / tiles * t.rows,
                    bottom = std::min(top + t.rows, rows);
      const int64_t left = slot % tiles * t.cols,
                    right = std::min(left + t.cols, outputs * c);
      if (top >= bottom || left >= right)
        continue;
      w.row_begin = std::min(w.row_begin, firstRow + top);
      w.row_end = std::max(w.row_end, firstRow + bottom);
      w.driven += bottom - top;
      w.columns += right - left;
      // A weight that the cut on the left goes through has cells in both; it is
      // counted in the first of the part.
      const bool follows = slot > begin && slot % tiles > 0;
      for (int64_t group = top / g.rows; group * g.rows < bottom; ++group) {
        const int64_t high =
            overlap(top, bottom, group * g.rows, (group + 1) * g.rows);
        const int64_t from = group * g.cols, to = (group + 1) * g.cols;
        w.cells += high * overlap(left, right, from * c, to * c);
        w.owned +=
            high * overlap(ceilDiv(left, c), ceilDiv(right, c), from, to);
        w.elements += high * overlap(follows ? ceilDiv(left, c) : left / c,
                                     ceilDiv(right, c), from, to);
      }
      w.idle += (bottom - top) * (right - left);
    }

    // Slots of the part in one column tile.
    auto stripsAt = [&](int64_t tile) {
      return (end + tiles - 1 - tile) / tiles -
             (begin + tiles - 1 - tile) / tiles;
    };
    for (int64_t tile = 0; tile < tiles; ++tile) {
      if (stripsAt(tile) == 0)
        continue;
      const int64_t last = std::min(ceilDiv((tile + 1) * t.cols, c), outputs);
      for (int64_t o = tile * t.cols / c; o < last; ++o) {
        const int64_t t0 = o * c / t.cols, t1 = (o * c + c - 1) / t.cols;
        int64_t slots = 0;
        bool seen = false; // in a tile on the left
        for (int64_t u = t0; u <= t1; ++u) {
          const int64_t n = stripsAt(u);
          slots += n;
          seen |= u < tile && n > 0;
        }
        if (seen)
          continue;
        ++w.outputs;
        w.additions += slots - 1;
        w.received += t0 < begin;
        w.sent += (strips - 1) * tiles + t1 >= end;
      }
    }
  }
  w.idle -= w.cells;
  w.stored = w.outputs - w.sent;
  if (w.row_begin < w.row_end) {
    const int64_t channels = g.groups * g.rows / g.kernel_elements;
    const int64_t used =
        ceilDiv(w.row_end, g.kernel_elements) - w.row_begin / g.kernel_elements;
    w.row_elements = used * (g.row_elements / channels);
  }
  return w;
}
