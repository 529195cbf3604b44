//===- Parts.h - What the parts of a product take ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part is what one core does of a product (E-PART). Inputs, rows, outputs and
// weights that parts share, in closed form as far as cuts repeat: this is most
// of the work of a price. Inline, like Layer.h.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_PARTS_H
#define IMC_LIB_COST_PARTS_H

#include "imc/Mapping/Mapping.h"

#include <algorithm>
#include <numeric>

namespace imc::cost::detail {

/// Exact for operands below 2^53 and much faster than integer division.
inline int64_t ceilDiv(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<double>(a + b - 1) /
                              static_cast<double>(b));
}

inline double real(int64_t value) { return static_cast<double>(value); }

/// E-HALO: input elements that a part loads although the part before it has
/// them. Part i computes windows [i n, (i + 1) n) and loads whole rows of the
/// input, without padding: all that its windows span.
inline double haloElements(const workload::Product &p, int64_t n) {
  if (n >= p.windows || p.row_elements == 0)
    return 0;
  const int64_t boundaries = ceilDiv(p.windows, n) - 1;
  // Boundaries lie at the multiples of n; every (w / gcd(w, n))-th of them is a
  // multiple of w, too: of the windows of an output row, or of an image.
  auto atEndsOf = [&](int64_t windows) {
    if (n * boundaries < windows)
      return int64_t(0);
    return static_cast<int64_t>(real(boundaries * std::gcd(windows, n)) /
                                real(windows));
  };
  const int64_t ofRows = atEndsOf(p.output_width);
  const int64_t perImage = p.output_width * p.output_rows;
  const int64_t ofImages = atEndsOf(perImage);
  const int64_t shared = std::max<int64_t>(0, p.kernel_rows - p.stride_rows);
  int64_t rows =
      (boundaries - ofRows) * p.kernel_rows + (ofRows - ofImages) * shared;

  // Rows of padding among them: at the upper and lower edge of each image.
  const int64_t bottom = p.padding_rows + p.input_rows;
  auto padding = [&](int64_t from, int64_t to) {
    return std::clamp<int64_t>(p.padding_rows - from, 0, to - from) +
           std::clamp<int64_t>(to - bottom, 0, to - from);
  };
  auto atRow = [&](int64_t y) {
    const int64_t from = y * p.stride_rows, to = from + p.kernel_rows;
    const int64_t inside = padding(from, to);
    if (inside == 0)
      return;
    const int64_t below = from + p.stride_rows;
    const int64_t behind = below < to ? padding(below, to) : 0;
    for (int64_t first = y * p.output_width; first < p.windows;
         first += perImage) {
      // Boundaries inside this row of windows, and the one at its end.
      const int64_t last = first + p.output_width;
      const int64_t end = (last - 1) / n;
      rows -= (end - first / n) * inside;
      if (y + 1 != p.output_rows && last / n != end)
        rows -= behind;
    }
  };
  int64_t top = 0;
  for (; top != p.output_rows && top * p.stride_rows < p.padding_rows; ++top)
    atRow(top);
  for (int64_t y = p.output_rows - 1;
       y >= top && y * p.stride_rows + p.kernel_rows > bottom; --y)
    atRow(y);
  return real(rows) * real(p.row_elements);
}

/// E-PART: what the cores that hold one copy take of a window, added over the
/// cores (A-ORDER, A-CORE): what two of them share counts twice.
struct Shares {
  double channels; ///< whose inputs they load
  double rows;     ///< of K that they read
  double outputs;  ///< to which they add
  double weights;  ///< of which they hold cells
};

/// How many of the first n multiples of `step` are no multiples of `period`.
inline int64_t countCut(int64_t n, int64_t step, int64_t period) {
  return step % period == 0 ? 0 : n - n / (period / std::gcd(step, period));
}

/// sharesOf where cores hold whole strips, or strips whole cores: all cuts are
/// alike. `all` is what one core would take.
inline Shares regularShares(const workload::Product &p,
                            const mapping::Tiling &t, int64_t slots,
                            Shares all) {
  const int64_t elements = p.kernel_elements, c = t.columns_per_weight;
  if (slots % t.column_tiles == 0) {
    // Between strips: the channel that a cut goes through, and all outputs.
    const int64_t cuts = ceilDiv(t.tiles(), slots) - 1;
    all.channels +=
        real(countCut(cuts, slots / t.column_tiles * t.rows, elements));
    all.outputs += real(cuts) * all.outputs;
    return all;
  }
  // Through every strip at the same columns, and between the strips.
  const int64_t cuts = t.column_tiles / slots - 1;
  const int64_t edges = countCut(t.strips - 1, t.rows, elements);
  const int64_t halved = countCut(cuts, slots * t.cols, c);
  all.channels += real(cuts) * (all.channels + real(edges)) + real(edges);
  all.rows += real(cuts) * all.rows;
  all.outputs = real(t.strips) * (all.outputs + real(halved));
  all.weights += real(p.rows) * real(halved);
  return all;
}

/// `slots` tiles of a product fit into a core. A copy that has more is cut at
/// every multiple of that, whatever lies there.
inline Shares sharesOf(const workload::Product &p, const mapping::Tiling &t,
                       int64_t slots) {
  const int64_t tiles = t.tiles(), ofPack = t.strips * t.column_tiles;
  Shares all = {real(p.groups * p.rows / p.kernel_elements),
                real(p.groups * p.rows), real(p.groups * p.cols),
                real(p.weight_elements)};
  // Between packs nothing is cut.
  if (tiles <= slots || ofPack == 1)
    return all;
  const int64_t elements = p.kernel_elements, c = t.columns_per_weight;
  if (t.packs == 1 &&
      (slots % t.column_tiles == 0 || t.column_tiles % slots == 0))
    return regularShares(p, t, slots, all);
  // Outputs of the column tiles before this one, those that it cuts included.
  auto outputsUpTo = [&](int64_t tile, int64_t outputs) {
    return std::min(outputs, ceilDiv(tile * t.cols, c));
  };
  auto outputsBefore = [&](int64_t tile, int64_t outputs) {
    return std::min(outputs, tile * t.cols / c);
  };
  // One pack. Of parts that are shorter than a strip each has outputs of its
  // own, but for those that a cut goes through; of the others all but the last
  // have all.
  const int64_t high = p.groups * p.rows, wide = p.groups * p.cols;
  if (t.packs == 1 && c <= t.cols && high < (int64_t(1) << 31) &&
      t.pack_cols < (int64_t(1) << 31)) {
    const int64_t cuts = ceilDiv(tiles, slots) - 1;
    const int64_t full = (t.strips - 1) * t.column_tiles;
    if (slots < t.column_tiles) {
      all.outputs = real(t.strips * wide);
    } else {
      // The last part may hold the end of the last strip only.
      const int64_t begin = cuts * slots;
      const int64_t last =
          begin <= full ? wide : wide - outputsBefore(begin - full, wide);
      all.outputs = real(cuts * wide + last);
    }
    const int64_t inside = countCut(cuts, slots, t.column_tiles);
    const int64_t inLast = cuts - full / slots;
    const int64_t rows =
        (inside - inLast) * t.rows + inLast * (high - (t.strips - 1) * t.rows);
    all.rows += real(rows);
    const bool whole = t.cols % c == 0;
    if (elements == 1 && whole) {
      all.channels += real(rows);
      return all;
    }
    // 32 bits: their division is several times faster, and a matrix has fewer
    // rows.
    const auto per = static_cast<uint32_t>(elements),
               height = static_cast<uint32_t>(t.rows),
               bottom = static_cast<uint32_t>(high);
    const int64_t strips = slots / t.column_tiles,
                  columns = slots % t.column_tiles;
    int64_t strip = 0, column = 0;
    const auto width = static_cast<uint32_t>(t.cols),
               perWeight = static_cast<uint32_t>(c);
    uint64_t channels = 0;
    int64_t halved = 0, weights = 0;
    for (int64_t j = 0; j != cuts; ++j) {
      strip += strips;
      column += columns;
      if (column >= t.column_tiles) {
        column -= t.column_tiles;
        ++strip;
      }
      const auto top = static_cast<uint32_t>(strip) * height;
      const uint32_t first = top / per;
      if (column == 0) {
        channels += first * per != top;
        continue;
      }
      const uint32_t end = std::min(top + height, bottom);
      channels += (end + per - 1) / per - first;
      if (whole)
        continue;
      const uint32_t left = static_cast<uint32_t>(column) * width;
      const uint32_t output = left / perWeight;
      if (output * perWeight == left || output >= wide)
        continue;
      ++halved;
      const int64_t group = output / p.cols;
      weights +=
          std::max<int64_t>(0, std::min<int64_t>(end, (group + 1) * p.rows) -
                                   std::max<int64_t>(top, group * p.rows));
    }
    all.channels += static_cast<double>(channels);
    if (slots < t.column_tiles)
      all.outputs += real(halved);
    all.weights += real(weights);
    return all;
  }
  int64_t channels = 0, rows = 0, outputs = 0, weights = 0;
  for (int64_t cut = slots; cut < tiles;) {
    const int64_t pack = cut / ofPack;
    const int64_t first = pack * ofPack, last = std::min(first + ofPack, tiles);
    if (cut == first) {
      cut += slots;
      continue;
    }
    // The last pack may have fewer groups.
    const int64_t groups =
        std::min(t.groups_per_pack, p.groups - pack * t.groups_per_pack);
    const int64_t high = groups * p.rows, wide = groups * p.cols;
    // Outputs of slots [begin, end) of the pack.
    auto outputsOf = [&](int64_t begin, int64_t end) {
      const int64_t a = begin % t.column_tiles,
                    b = (end - 1) % t.column_tiles + 1;
      const int64_t strips =
          (end - 1) / t.column_tiles - begin / t.column_tiles + 1;
      if (strips == 1)
        return outputsUpTo(b, wide) - outputsBefore(a, wide);
      if (strips > 2 || b >= a)
        return wide;
      return std::min(wide,
                      outputsUpTo(b, wide) + wide - outputsBefore(a, wide));
    };
    outputs -= wide;
    int64_t begin = 0;
    for (; cut < last; cut += slots) {
      const int64_t at = cut - first;
      outputs += outputsOf(begin, at);
      begin = at;
      const int64_t strip = at / t.column_tiles,
                    column = at - strip * t.column_tiles;
      const int64_t top = std::min(strip * t.rows, high);
      if (column == 0) {
        channels += top < high && top % elements != 0;
        continue;
      }
      const int64_t end = std::min(top + t.rows, high);
      if (top == end)
        continue;
      rows += end - top;
      channels += ceilDiv(end, elements) - top / elements;
      // Cells of the weights that the cut goes through lie on both sides.
      const int64_t output = column * t.cols / c;
      if (column * t.cols % c != 0 && output < wide) {
        const int64_t group = output / p.cols;
        weights += std::max<int64_t>(0, std::min(end, (group + 1) * p.rows) -
                                            std::max(top, group * p.rows));
      }
    }
    outputs += outputsOf(begin, last - first);
  }
  all.channels += real(channels);
  all.rows += real(rows);
  all.outputs += real(outputs);
  all.weights += real(weights);
  return all;
}

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_PARTS_H
