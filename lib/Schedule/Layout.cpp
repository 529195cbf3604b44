//===- Layout.cpp - Parts of products -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layout.h"

#include <algorithm>
#include <utility>

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using program::Chip;
using program::Geometry;
using program::Part;
using program::Product;

int64_t detail::firstRow(const Geometry &g, int64_t windowRow) {
  return windowRow / g.window_rows * g.image_rows +
         windowRow % g.window_rows * g.stride_rows;
}

RowRange detail::rowsUnder(const Geometry &g, int64_t first, int64_t last) {
  return {firstRow(g, first / g.windows_per_row),
          firstRow(g, (last - 1) / g.windows_per_row) + g.kernel_rows};
}

namespace {

/// Where a slot lies in the grid of its copy.
struct Position {
  int64_t pack, strip, column;
};

} // namespace

static Position positionOf(const mapping::Tiling &t, int64_t slot) {
  return {slot / t.column_tiles / t.strips, slot / t.column_tiles % t.strips,
          slot % t.column_tiles};
}

/// Groups of a pack; the last one may have fewer.
static int64_t groupsOf(const Product &p, int64_t pack) {
  return std::min(p.tiling.groups_per_pack,
                  p.geometry.groups - pack * p.tiling.groups_per_pack);
}

int64_t detail::channelsOf(const Product &product, int64_t begin, int64_t end) {
  const mapping::Tiling &t = product.tiling;
  const Geometry &g = product.geometry;
  auto rowsOfStrip = [&](const Position &p) {
    int64_t pack = p.pack * t.pack_rows,
            rows = groupsOf(product, p.pack) * g.rows;
    return std::pair(pack + std::min(p.strip * t.rows, rows),
                     pack + std::min((p.strip + 1) * t.rows, rows));
  };
  // Slots follow one another strip after strip, so their rows do as well.
  int64_t low = rowsOfStrip(positionOf(t, begin)).first;
  int64_t high = rowsOfStrip(positionOf(t, end - 1)).second;
  return high <= low
             ? 0
             : ceilDiv(high, g.kernel_elements) - low / g.kernel_elements;
}

int64_t detail::weightsOf(const Product &product, int64_t begin, int64_t end) {
  const mapping::Tiling &t = product.tiling;
  const int64_t slotsOfPack = t.strips * t.column_tiles;
  int64_t count = 0;
  for (int64_t pack = begin / slotsOfPack; pack * slotsOfPack < end; ++pack) {
    const int64_t outputs = groupsOf(product, pack) * product.geometry.cols;
    // Slots of this pack, numbered from its first.
    const int64_t low = std::max<int64_t>(0, begin - pack * slotsOfPack);
    const int64_t high = std::min(slotsOfPack, end - pack * slotsOfPack);
    // Outputs [first, last) of column tiles [a, b).
    auto outputsOf = [&](int64_t a, int64_t b) {
      return std::pair(
          std::min(outputs, a * t.cols / t.columns_per_weight),
          std::min(outputs, ceilDiv(b * t.cols, t.columns_per_weight)));
    };
    const int64_t firstColumn = low % t.column_tiles;
    const int64_t lastColumn = (high - 1) % t.column_tiles;
    const int64_t strips =
        (high - 1) / t.column_tiles - low / t.column_tiles + 1;
    if (strips == 1) {
      auto [a, b] = outputsOf(firstColumn, lastColumn + 1);
      count += b - a;
    } else if (strips > 2 || lastColumn + 1 >= firstColumn) {
      count += outputs;
    } else {
      // The end of one strip and the beginning of the next; an output may have
      // columns in both.
      const int64_t head = outputsOf(0, lastColumn + 1).second;
      const int64_t tail = outputsOf(firstColumn, t.column_tiles).first;
      count += std::min(outputs, head + outputs - tail);
    }
  }
  return count;
}

bool detail::isLinked(const Product &product, int64_t slot) {
  const mapping::Tiling &t = product.tiling;
  if (slot % (t.strips * t.column_tiles) == 0)
    return false;
  if (t.strips > 1)
    return true;
  const int64_t column = slot % t.column_tiles * t.cols;
  return column % t.columns_per_weight != 0 &&
         column < groupsOf(product, slot / t.column_tiles) *
                      product.geometry.cols * t.columns_per_weight;
}

bool detail::storesAny(const Product &product, int64_t begin, int64_t end) {
  const mapping::Tiling &t = product.tiling;
  const int64_t slotsOfPack = t.strips * t.column_tiles;
  for (int64_t pack = begin / slotsOfPack; pack * slotsOfPack < end; ++pack) {
    const int64_t outputs = groupsOf(product, pack) * product.geometry.cols;
    const int64_t low = std::max<int64_t>(0, begin - pack * slotsOfPack);
    const int64_t high = std::min(slotsOfPack, end - pack * slotsOfPack);
    // Outputs are complete up to here, column tiles of the last strip; those
    // of the part begin at the left once it has more than one strip.
    const int64_t tiles = high - (t.strips - 1) * t.column_tiles;
    const int64_t complete =
        std::min(outputs, tiles * t.cols / t.columns_per_weight);
    const bool oneStrip = (high - 1) / t.column_tiles == low / t.column_tiles;
    const int64_t first =
        oneStrip ? low % t.column_tiles * t.cols / t.columns_per_weight : 0;
    if (tiles > 0 && (tiles == t.column_tiles ? outputs : complete) > first)
      return true;
  }
  return false;
}

int64_t detail::lineBits(const Product &product, const Part &part,
                         int64_t block, int64_t wordBits) {
  const Geometry &g = product.geometry;
  const int64_t end = part.first_window + part.windows;
  int64_t rows = 0;
  if (g.windows_per_row == 1 && g.kernel_rows == 1 && g.stride_rows == 1 &&
      g.window_rows == g.image_rows) {
    rows = std::min(2 * block, part.windows); // a matrix: a row per window
  } else {
    // How many rows lie under two blocks depends on where in a row of windows
    // and in an image the first one begins.
    for (int64_t w = part.first_window; w < end; w += block) {
      RowRange range = rowsUnder(g, w, std::min(end, w + 2 * block));
      rows = std::max(rows, range.end - range.begin);
    }
  }
  const int64_t channels = g.groups * g.rows / g.kernel_elements;
  return rows * channelsOf(product, part.slot_begin, part.slot_end) *
         (g.row_elements / channels) * wordBits;
}

int64_t detail::accumulatorBits(const Product &product, const Part &part,
                                int64_t block, int64_t bits) {
  return 2 * block * weightsOf(product, part.slot_begin, part.slot_end) * bits;
}

/// Appends a part that takes its share of the windows.
static void addPart(const Product &product, int64_t index, int64_t copiesBefore,
                    Part part, std::vector<Part> &parts) {
  part.product = index;
  const int64_t windows = product.geometry.windows;
  part.first_window =
      std::min(windows, copiesBefore * product.windows_per_copy);
  part.windows = std::min(windows - part.first_window,
                          part.copies * product.windows_per_copy);
  parts.push_back(part);
}

void detail::cutParts(const Product &product, int64_t index, int64_t first,
                      int64_t available, const Chip &chip,
                      std::vector<Part> &parts) {
  const mapping::Tiling &t = product.tiling;
  const int64_t arrays = t.arrays(), perCore = chip.arrays_per_core;
  int64_t at = first;
  if (arrays <= perCore && arrays <= available) {
    for (int64_t copy = 0; copy < product.copies;) {
      if (at % perCore + arrays > perCore)
        at = ceilDiv(at, perCore) * perCore;
      Part part;
      part.core = at / perCore;
      part.first_array = at;
      part.copies =
          std::min(product.copies - copy, (perCore - at % perCore) / arrays);
      part.slot_end = t.tiles();
      addPart(product, index, copy, part, parts);
      copy += part.copies;
      at += part.copies * arrays;
    }
    return;
  }
  for (int64_t copy = 0; copy < product.copies; ++copy) {
    if (product.copies > 1)
      at = ceilDiv(at, perCore) * perCore;
    // Array i of the copy lies `i mod available` after its first, in round
    // i / available; parts end with cores and rounds.
    for (int64_t i = 0; i < arrays;) {
      const int64_t within = i % available, array = at + within;
      const int64_t count =
          std::min({perCore - array % perCore, available - within, arrays - i});
      Part part;
      part.core = array / perCore;
      part.round = i / available;
      part.first_array = array;
      part.slot_begin = i * t.row_sets;
      part.slot_end = std::min((i + count) * t.row_sets, t.tiles());
      if (i > 0 && isLinked(product, part.slot_begin)) {
        part.previous = parts.size() - 1;
        parts.back().next = parts.size();
      }
      addPart(product, index, copy, part, parts);
      i += count;
    }
    at += arrays;
  }
}
