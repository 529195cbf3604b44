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

#include "imc/Cost/Cost.h"
#include "imc/Support/Clones.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace imc::cost::detail {

/// Exact for operands below 2^53 and much faster than integer division.
inline int64_t ceilDiv(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<double>(a + b - 1) /
                              static_cast<double>(b));
}

/// The same, rounded down; of operands that are not negative.
inline int64_t floorDiv(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<double>(a) / static_cast<double>(b));
}

inline double real(int64_t value) { return static_cast<double>(value); }

/// Tiling::arrays(), without a division where arrays hold one tile: nearly
/// always.
inline int64_t arraysOf(const mapping::Tiling &t) {
  return t.row_sets == 1 ? t.tiles() : t.arrays();
}

/// How many of the first n multiples of `step` are no multiples of `period`.
inline int64_t countCut(int64_t n, int64_t step, int64_t period) {
  auto count = [](auto n, auto step, auto period) -> int64_t {
    const auto rest = step % period;
    return rest == 0 ? 0 : n - n / (period / std::gcd(period, rest));
  };
  // 32 bits where they do: division is faster in them.
  if (std::max({n, step, period}) <= std::numeric_limits<uint32_t>::max())
    return count(static_cast<uint32_t>(n), static_cast<uint32_t>(step),
                 static_cast<uint32_t>(period));
  return count(n, step, period);
}

/// Input channels of all groups.
inline int64_t channelsOf(const workload::Product &p) {
  const int64_t rows = p.groups * p.rows;
  return p.kernel_elements == 1 ? rows : rows / p.kernel_elements;
}

/// E-HALO: input elements that a part loads although the part before it has
/// them. Part i computes windows [i n, (i + 1) n) and loads whole rows of the
/// input, without padding: all that its windows span.
IMC_INLINE double haloElements(const workload::Product &p, int64_t n) {
  if (n >= p.windows || p.row_elements == 0)
    return 0;
  const int64_t boundaries = ceilDiv(p.windows, n) - 1;
  // Boundaries lie at the multiples of n; every (w / gcd(w, n))-th of them is a
  // multiple of w, too: of the windows of an output row, or of an image.
  auto atEndsOf = [&](int64_t windows) {
    return n * boundaries < windows
               ? 0
               : boundaries - countCut(boundaries, n, windows);
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

/// Tiles that fit into a core.
inline int64_t slotsOf(const mapping::Tiling &t, const machine::Machine &m) {
  return m.hierarchy.macros_per_tile * t.row_sets;
}

/// A product of one pack in cores of `slots` tiles, which cut it at every
/// multiple of that: at the end of a strip, or inside one.
struct Cuts {
  int64_t all;    ///< of these
  int64_t inside; ///< a strip, of these
  int64_t inLast; ///< inside the last strip, which may have fewer rows

  Cuts(const mapping::Tiling &t, int64_t slots)
      : all(ceilDiv(t.strips * t.column_tiles, slots) - 1),
        inside(countCut(all, slots, t.column_tiles)),
        inLast(all - (t.strips - 1) * t.column_tiles / slots) {}
};

/// Channels on both sides of cuts, of `elements` > 1 rows each, added over the
/// cuts; `high` rows in all.
inline int64_t cutChannels(const mapping::Tiling &t, const Cuts &cuts,
                           int64_t slots, int64_t high, int64_t elements) {
  const int64_t tiles = t.column_tiles, others = t.strips - 1;
  // Between strips: the channel that the cut goes through, if any.
  int64_t sum = 0;
  if (const int64_t between = cuts.all - cuts.inside; between > 0)
    sum = countCut(between, slots / std::gcd(slots, tiles) * t.rows, elements);
  if (cuts.inside == 0)
    return sum;
  // Inside a strip: all of its channels.
  sum += cuts.inLast * (ceilDiv(high, elements) - others * t.rows / elements);
  const int64_t whole = t.rows / elements, part = t.rows - whole * elements;
  if (part == 0)
    return sum + (cuts.inside - cuts.inLast) * whole;
  const int64_t perStrip = tiles / slots, rest = tiles - perStrip * slots;
  if (rest == 0) // perStrip - 1 cuts inside every strip
    return sum + (perStrip - 1) * (others * t.rows / elements +
                                   countCut(others, t.rows, elements));
  // Strip s begins `row` rows into a channel and `slot` slots into a core. It
  // touches whole channels and up to two more, and as many cuts as perStrip - 1
  // and up to two more lie inside it.
  int64_t row = 0, slot = 0;
  for (int64_t s = 0; s != others; ++s) {
    const int64_t rowBehind = row + part - elements,
                  slotBehind = slot + rest - slots;
    sum += (perStrip + (slotBehind > 0)) * (whole + 1 + (rowBehind > 0));
    row = rowBehind >= 0 ? rowBehind : row + part;
    slot = slotBehind >= 0 ? slotBehind : slot + rest;
  }
  return sum;
}

/// Cuts through weights of several columns, in a product whose strips are
/// longer than cores.
inline int64_t cutOutputs(const mapping::Tiling &t, const Cuts &cuts,
                          int64_t slots) {
  const int64_t tiles = t.column_tiles, c = t.columns_per_weight;
  if (t.cols % c == 0)
    return 0;
  // Every strip begins with a whole weight. Where it also ends in an array with
  // a whole one, columns may be counted on through all strips.
  if (tiles * t.cols % c == 0)
    return countCut(cuts.all, slots * t.cols, c);
  if (tiles % slots == 0)
    return t.strips * countCut(tiles / slots - 1, slots * t.cols, c);
  // Cut columns repeat when a cut ends a strip; every `apart`-th array of a
  // strip begins with a whole weight.
  const int64_t apart = c / std::gcd(c, t.cols);
  const int64_t period = tiles / std::gcd(tiles, slots);
  auto among = [&](int64_t n) {
    // How far the next cut column lies from a whole weight, in this strip or
    // in the next one.
    const int64_t step = slots % apart,
                  over = (apart + step - tiles % apart) % apart;
    int64_t column = 0, offset = 0, sum = 0;
    for (int64_t j = 0; j != n; ++j) {
      const int64_t behind = column + slots - tiles;
      offset += behind >= 0 ? over : step;
      column = behind >= 0 ? behind : column + slots;
      offset -= offset >= apart ? apart : 0;
      sum += offset != 0;
    }
    return sum;
  };
  if (cuts.all < period)
    return among(cuts.all);
  return cuts.all / period * among(period) + among(cuts.all % period);
}

/// As sharesOf, of a product of one pack that does not fit into a core and
/// whose weights are no wider than an array; `all` is what one core would take.
inline Shares sharesOfPack(const workload::Product &p, const mapping::Tiling &t,
                           int64_t slots, Shares all) {
  const int64_t high = p.groups * p.rows, wide = p.groups * p.cols;
  const int64_t before = t.strips - 1;
  const Cuts cuts(t, slots);
  // Of parts that are shorter than a strip each has outputs of its own, but for
  // those that a cut goes through; of the others all but the last have all, and
  // the last may hold the end of the last strip only.
  if (slots < t.column_tiles) {
    all.outputs = real(t.strips * wide + cutOutputs(t, cuts, slots));
  } else {
    const int64_t begin = cuts.all * slots - before * t.column_tiles;
    all.outputs = real((cuts.all + 1) * wide -
                       (begin > 0 ? begin * t.cols / t.columns_per_weight : 0));
  }
  const int64_t rows = (cuts.inside - cuts.inLast) * t.rows +
                       cuts.inLast * (high - before * t.rows);
  all.rows += real(rows);
  all.channels +=
      real(p.kernel_elements == 1
               ? rows
               : cutChannels(t, cuts, slots, high, p.kernel_elements));
  return all;
}

/// `slots` tiles of a product fit into a core. A copy that has more is cut at
/// every multiple of that, whatever lies there.
inline Shares sharesOf(const workload::Product &p, const mapping::Tiling &t,
                       int64_t slots) {
  const int64_t tiles = t.tiles(), ofPack = t.strips * t.column_tiles;
  const int64_t elements = p.kernel_elements, c = t.columns_per_weight;
  Shares all = {real(channelsOf(p)), real(p.groups * p.rows),
                real(p.groups * p.cols)};
  // Between packs nothing is cut.
  if (tiles <= slots || ofPack == 1)
    return all;
  if (t.packs == 1 && c <= t.cols)
    return sharesOfPack(p, t, slots, all);
  // Outputs of the column tiles before this one, those that it cuts included.
  auto outputsUpTo = [&](int64_t tile, int64_t outputs) {
    return std::min(outputs, ceilDiv(tile * t.cols, c));
  };
  auto outputsBefore = [&](int64_t tile, int64_t outputs) {
    return std::min(outputs, tile * t.cols / c);
  };
  int64_t channels = 0, rows = 0, outputs = 0;
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
    }
    outputs += outputsOf(begin, last - first);
  }
  all.channels += real(channels);
  all.rows += real(rows);
  all.outputs += real(outputs);
  return all;
}

/// E-PART: weights of which the cores that hold one copy hold cells, added over
/// the cores. Cells of the weights that a cut goes through lie on both sides.
inline double weightsOf(const workload::Product &p, const mapping::Tiling &t,
                        int64_t slots) {
  const int64_t tiles = t.tiles(), ofPack = t.strips * t.column_tiles;
  const int64_t c = t.columns_per_weight;
  int64_t sum = p.weight_elements;
  if (t.cols % c == 0)
    return real(sum);
  for (int64_t cut = slots; cut < tiles; cut += slots) {
    const int64_t pack = cut / ofPack, at = cut - pack * ofPack;
    const int64_t strip = at / t.column_tiles,
                  column = at - strip * t.column_tiles;
    const int64_t output = column * t.cols / c, group = output / p.cols;
    // The last pack may have fewer groups.
    const int64_t groups =
        std::min(t.groups_per_pack, p.groups - pack * t.groups_per_pack);
    if (output * c == column * t.cols || group >= groups)
      continue;
    const int64_t top = strip * t.rows, upper = group * p.rows;
    sum += std::max<int64_t>(0, std::min(top + t.rows, upper + p.rows) -
                                    std::max(top, upper));
  }
  return real(sum);
}

/// How often the cuts between `pieces` pieces of `width` columns each go
/// through a weight of `columns` columns.
inline int64_t cutWeights(int64_t pieces, int64_t width, int64_t columns) {
  if (pieces == 1)
    return 0;
  // 32 bits: their division is several times faster, and both fit.
  const auto w = static_cast<uint32_t>(width),
             c = static_cast<uint32_t>(columns);
  if (w % c == 0)
    return 0;
  // Whole weights lie on the left of every (c / gcd)-th cut.
  return pieces - 1 - (pieces - 1) / (c / std::gcd(w, c));
}

inline Geometry geometryOf(const workload::Product &p, const mapping::Tiling &t,
                           const machine::Machine &m) {
  return {
      sharesOf(p, t, slotsOf(t, m)),
      t.groups_per_pack,
      t.packs,
      t.strips,
      t.column_tiles,
      real(t.packs * cutWeights(t.column_tiles, t.cols, t.columns_per_weight)),
      real(p.rows / t.rows),
      p.rows % t.rows};
}

/// Tiles of one copy.
inline int64_t tilesOf(const Geometry &g) {
  return g.packs * g.strips * g.column_tiles;
}

/// As mapping::cut.
IMC_INLINE void cut(const workload::Product &p, const Geometry &g,
                    mapping::Tiling &t) {
  t.groups_per_pack = g.groups_per_pack;
  t.packs = g.packs;
  t.strips = g.strips;
  t.column_tiles = g.column_tiles;
  t.pack_rows = g.groups_per_pack * p.rows;
  t.pack_cols = g.groups_per_pack * p.cols * t.columns_per_weight;
}

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_PARTS_H
