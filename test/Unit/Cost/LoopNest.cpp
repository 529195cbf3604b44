//===- LoopNest.cpp - Executes the loop nest of one layer -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopNestWalk.h"

#include <algorithm>
#include <random>

using namespace imc;
using namespace imc::test;
using mapping::Encoding;
using mapping::GroupPacking;

/// One word of `bits` bits passes each of the places that `counts` count.
static void move(int64_t bits, std::initializer_list<double *> counts) {
  for (int64_t b = 0; b < bits; ++b)
    for (double *count : counts)
      ++*count;
}

void Walk::makeNumbers() {
  std::mt19937_64 random(how.seed);
  int64_t top = 1;
  for (int64_t b = 0; b < k.input_bits; ++b)
    top += top;
  for (int64_t e = 0; e < nest.elements; ++e)
    x.push_back(int64_t(random() % uint64_t(top)));
  int64_t half = 1;
  for (int64_t b = 1; b < k.weight_bits; ++b)
    half += half;
  // Differential pairs have no most negative value.
  const int64_t least = k.encoding == Encoding::Differential ? 1 - half : -half;
  for (int64_t g = 0; g < nest.groups; ++g) {
    weights.emplace_back(nest.rows);
    for (int64_t r = 0; r < nest.rows; ++r)
      for (int64_t n = 0; n < nest.cols; ++n)
        weights[g][r].push_back(least +
                                int64_t(random() % uint64_t(half - least)));
  }
}

void Walk::makeSlices() {
  // Bits are handed to cells until none is left.
  int64_t bits =
      k.encoding == Encoding::Differential ? k.weight_bits - 1 : k.weight_bits;
  int64_t value = 1;
  while (bits > 0) {
    slices.coefficients.push_back(value);
    if (k.encoding == Encoding::Differential)
      slices.coefficients.push_back(-value);
    for (int64_t b = 0; b < m.cell.bits; ++b)
      value += value;
    bits -= m.cell.bits;
  }
  if (k.encoding == Encoding::TwosComplement)
    slices.coefficients.back() = -slices.coefficients.back();
  if (k.encoding == Encoding::Offset) {
    slices.offset = 1;
    for (int64_t b = 1; b < k.weight_bits; ++b)
      slices.offset += slices.offset;
  }
}

/// Levels of the cells of one weight, in the order of the coefficients.
std::vector<int64_t> Walk::levels(int64_t weight) const {
  std::vector<int64_t> result;
  const int64_t states = int64_t(1) << m.cell.bits;
  if (k.encoding == Encoding::Differential) {
    int64_t plus = weight > 0 ? weight : 0, minus = weight < 0 ? -weight : 0;
    while (result.size() < slices.coefficients.size()) {
      result.push_back(plus % states);
      result.push_back(minus % states);
      plus /= states;
      minus /= states;
    }
    return result;
  }
  // The bits of two's complement are those of the weight as an unsigned number.
  uint64_t rest = uint64_t(weight + slices.offset);
  while (result.size() < slices.coefficients.size()) {
    result.push_back(int64_t(rest % uint64_t(states)));
    rest /= uint64_t(states);
  }
  return result;
}

/// Sets of groups that share arrays.
std::vector<std::vector<int64_t>> Walk::packGroups() const {
  std::vector<std::vector<int64_t>> packs;
  int64_t freeRows = 0, freeColumns = 0;
  for (int64_t g = 0; g < nest.groups; ++g) {
    int64_t columns = 0;
    for (int64_t n = 0; n < nest.cols; ++n)
      columns += int64_t(slices.coefficients.size());
    bool joins = !packs.empty();
    if (k.group_packing == GroupPacking::Single)
      joins = false;
    else if (k.group_packing == GroupPacking::Diagonal)
      joins &= nest.rows <= freeRows && columns <= freeColumns;
    if (!joins) {
      packs.emplace_back();
      freeRows = height;
      freeColumns = m.array.cols;
    }
    packs.back().push_back(g);
    freeRows -= nest.rows;
    freeColumns -= columns;
  }
  return packs;
}

/// Lays the rows and columns of every pack out and cuts them wherever an array
/// is full.
void Walk::cutArrays() {
  for (int64_t copy = 0; copy < how.copies; ++copy) {
    int64_t pack = 0;
    for (const std::vector<int64_t> &groups : packGroups()) {
      std::vector<std::vector<Row>> strips;
      std::vector<std::vector<Column>> tiles;
      for (int64_t g : groups) {
        for (int64_t r = 0; r < nest.rows; ++r) {
          if (strips.empty() || int64_t(strips.back().size()) == height)
            strips.emplace_back();
          strips.back().push_back({g, r});
        }
        for (int64_t n = 0; n < nest.cols; ++n)
          for (size_t j = 0; j < slices.coefficients.size(); ++j) {
            if (tiles.empty() || int64_t(tiles.back().size()) == m.array.cols)
              tiles.emplace_back();
            tiles.back().push_back({g, n, int64_t(j)});
          }
      }
      // A-ORDER: column tile after column tile, then strip after strip.
      for (size_t s = 0; s < strips.size(); ++s)
        for (size_t t = 0; t < tiles.size(); ++t) {
          arrays.push_back({copy,
                            pack,
                            int64_t(s),
                            int64_t(t),
                            strips[s],
                            tiles[t],
                            {},
                            {}});
          out.strips = std::max(out.strips, int64_t(s) + 1);
          out.column_tiles = std::max(out.column_tiles, int64_t(t) + 1);
        }
      ++pack;
    }
    out.packs = pack;
  }
  for (Array &a : arrays) {
    a.level.assign(a.rows.size(), std::vector<int64_t>(a.columns.size(), 0));
    a.holdsWeight.assign(a.rows.size(),
                         std::vector<bool>(a.columns.size(), false));
    for (size_t r = 0; r < a.rows.size(); ++r)
      for (size_t c = 0; c < a.columns.size(); ++c) {
        const Column &column = a.columns[c];
        if (column.group != a.rows[r].group)
          continue;
        a.level[r][c] =
            levels(weights[column.group][a.rows[r].k][column.n])[column.slice];
        a.holdsWeight[r][c] = true;
      }
  }
  // Arrays that add to an output.
  for (const Array &a : arrays) {
    if (a.copy != 0)
      continue;
    std::set<std::pair<int64_t, int64_t>> outputs;
    for (const Column &c : a.columns)
      outputs.insert({c.group, c.n});
    for (auto output : outputs)
      ++arraysOfOutput[output];
  }
}

/// Every copy takes the same number of windows in a row, as few as will do.
void Walk::dealWindows() {
  int64_t share = 0, dealt = 0;
  while (dealt < nest.windows) {
    ++share;
    dealt = 0;
    for (int64_t copy = 0; copy < how.copies; ++copy)
      dealt += share;
  }
  int64_t copy = 0, mine = 0;
  for (int64_t w = 0; w < nest.windows; ++w) {
    if (mine == share) {
      ++copy;
      mine = 0;
    }
    ++mine;
    copyOf.push_back(copy);
  }
}

/// Hands out the arrays of the chip in order. Copies that fit into a tile lie
/// there in bundles, as many as a tile holds, each at the beginning of a tile
/// unless all of it fits into the rest of the one before; a larger copy begins
/// a tile. A chip that is rewritten starts again at its first array when it is
/// full.
void Walk::placeArrays() {
  int64_t chip = 0;
  for (int64_t g = 0; g < m.hierarchy.groups; ++g)
    for (int64_t t = 0; t < m.hierarchy.tiles_per_group; ++t)
      for (int64_t a = 0; a < m.hierarchy.macros_per_tile; ++a)
        ++chip;
  if (how.arrays)
    chip = how.arrays;
  int64_t next = how.firstArray, set = 0, round = 0, inTile = 0;
  std::set<int64_t> used, tiles, groups;
  const Array *before = nullptr;
  for (Array &a : arrays) {
    // A copy begins an array of its own.
    const bool begins = !before || before->copy != a.copy;
    if (before && (begins || ++set == sets)) {
      ++next;
      set = 0;
    }
    if (begins && before) {
      // The arrays of the copy before, and of those in its tile.
      std::set<int64_t> ofCopy, ofTile;
      for (const Array &other : arrays) {
        if (other.copy == before->copy)
          ofCopy.insert(other.physical);
        if (other.copy <= before->copy &&
            other.physical / m.hierarchy.macros_per_tile ==
                before->physical / m.hierarchy.macros_per_tile)
          ofTile.insert(other.copy);
      }
      inTile = int64_t(ofTile.size());
      const bool full =
          (inTile + 1) * int64_t(ofCopy.size()) > m.hierarchy.macros_per_tile;
      if (full)
        while (next % m.hierarchy.macros_per_tile != 0)
          ++next;
    }
    before = &a;
    if (how.rewritten && next == chip) {
      next = 0;
      ++round;
    }
    a.physical = next;
    a.set = set;
    a.writtenIn = a.round = round;
    used.insert(a.physical);
    int64_t tile = a.physical / m.hierarchy.macros_per_tile;
    tiles.insert(tile);
    groups.insert(tile / m.hierarchy.tiles_per_group);
    // A buffer is another one in every round: what it held is gone.
    a.tile = tile + round * m.tiles();
  }
  out.counts.arrays = double(used.size());
  out.counts.tiles = double(tiles.size());
  out.counts.groups = double(groups.size());
}

/// Writes the weights: each is fetched once, each array of a tile is written
/// after the one before it, over the row sets and rows of the layer's fullest.
void Walk::writeCells() {
  for (int64_t g = 0; g < nest.groups; ++g)
    for (int64_t r = 0; r < nest.rows; ++r)
      for (int64_t n = 0; n < nest.cols; ++n)
        for (int64_t b = 0; b < k.weight_bits && !how.dynamic; ++b)
          ++out.counts.reload_bits;
  size_t fullest = 0;
  std::map<std::pair<int64_t, int64_t>, int64_t> setsOf; // (round, array)
  int64_t most = 0;
  for (const Array &a : arrays) {
    fullest = std::max(fullest, a.rows.size());
    most = std::max(most, ++setsOf[{a.writtenIn, a.physical}]);
  }
  std::map<int64_t, int64_t> rowsOfTile;
  for (auto [array, inUse] : setsOf)
    for (int64_t set = 0; set < most; ++set)
      for (size_t r = 0; r < fullest; ++r)
        ++rowsOfTile[array.second / m.hierarchy.macros_per_tile];
  for (const Array &a : arrays) {
    for (const std::vector<bool> &row : a.holdsWeight)
      for (bool weight : row)
        if (weight)
          ++out.counts.cell_writes;
  }
  for (auto [tile, rows] : rowsOfTile)
    out.counts.row_writes = std::max(out.counts.row_writes, double(rows));
  if (!how.dynamic)
    return;
  // Each element leaves the global buffer once and passes the buffer of every
  // tile that has cells of it.
  std::set<std::vector<int64_t>> read, arrived;
  for (const Array &a : arrays)
    for (size_t r = 0; r < a.rows.size(); ++r)
      for (size_t c = 0; c < a.columns.size(); ++c) {
        if (!a.holdsWeight[r][c])
          continue;
        const std::vector<int64_t> element = {a.rows[r].group, a.rows[r].k,
                                              a.columns[c].n};
        const bool first = read.insert(element).second;
        std::vector<int64_t> here = element;
        here.push_back(a.tile);
        const bool firstHere = arrived.insert(here).second;
        if (first)
          move(k.input_bits, {&out.counts.global_reads});
        if (firstHere)
          move(k.input_bits, {&out.counts.noc_bits, &out.counts.tile_writes,
                              &out.counts.tile_reads});
      }
}

/// Whole rows of the input, without padding, leave the global buffer for each
/// tile: from the first that its windows span to the last. What lies between
/// the rows of two tiles, or behind the last, comes with one of them. They
/// bring the channels that rows of its arrays read (A-IM2COL).
void Walk::sendInputs() {
  for (auto &[tile, list] : byTile) {
    std::set<int64_t> copies, channels;
    for (const Array *a : list) {
      copies.insert(a->copy);
      for (const Row &row : a->rows)
        channels.insert(nest.channelOf[row.group * nest.rows + row.k]);
    }
    int64_t begin = -1, end = -1, next = -1;
    for (int64_t w = 0; w < nest.windows; ++w) {
      if (!copies.count(copyOf[w])) {
        if (begin >= 0 && next < 0)
          next = nest.firstLine[w];
        continue;
      }
      if (begin < 0)
        begin = w == 0 ? 0 : nest.firstLine[w];
      end = std::max(end, nest.lastLine[w] + 1);
      next = -1;
    }
    if (begin < 0)
      continue;
    end = std::max(end, next < 0 ? int64_t(nest.lines.size()) : next);
    for (int64_t line = begin; line < end; ++line)
      for (const Nest::Word &word : nest.lines[line])
        if (word.element >= 0 && channels.count(word.channel)) {
          move(k.input_bits, {&out.counts.global_reads, &out.counts.noc_bits,
                              &out.counts.tile_writes});
          out.correct &= inBuffer.insert({tile, word.element}).second;
        }
  }
}

/// One window on the arrays of one tile.
void Walk::computeWindow(int64_t tile, int64_t window) {
  std::set<std::vector<int64_t>> atRows; // words in the row registers
  // (group, n) -> one partial sum per array.
  std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> pieces;
  for (Array *a : byTile[tile]) {
    if (copyOf[window] != a->copy)
      continue;
    std::vector<int64_t> words;
    for (const Row &row : a->rows) {
      int64_t e = nest.source[window][row.group * nest.rows + row.k];
      // What was not sent cannot be read.
      out.correct &= e < 0 || inBuffer.count({tile, e});
      // The arrays of a tile that share a row are driven from one register.
      if (atRows.insert({a->pack, a->strip, row.group, row.k}).second)
        move(k.input_bits, {&out.counts.tile_reads});
      words.push_back(e < 0 ? 0 : x[e]);
    }
    std::vector<int64_t> sums(a->columns.size(), 0);
    int64_t weightOfPhase = 1;
    ++productsOf[a->physical];
    for (int64_t bits = k.input_bits; bits > 0; bits -= m.dac.bits) {
      ++phasesOf[a->physical];
      std::vector<int64_t> line(a->columns.size(), 0);
      for (size_t r = 0; r < words.size(); ++r) {
        ++out.counts.row_drives;
        int64_t digit = words[r] & ((int64_t(1) << m.dac.bits) - 1);
        words[r] >>= m.dac.bits;
        for (size_t c = 0; c < a->columns.size(); ++c) {
          ++(a->holdsWeight[r][c] ? out.counts.cell_reads
                                  : out.counts.idle_reads);
          line[c] += digit * a->level[r][c];
        }
      }
      for (size_t c = 0; c < a->columns.size(); ++c) {
        ++out.counts.conversions;
        sums[c] += weightOfPhase * line[c];
      }
      for (int64_t b = 0; b < m.dac.bits; ++b)
        weightOfPhase += weightOfPhase;
    }
    // The columns of a weight come together behind the converters.
    std::map<std::pair<int64_t, int64_t>, int64_t> ofArray;
    for (size_t c = 0; c < a->columns.size(); ++c) {
      const Column &column = a->columns[c];
      ofArray[{column.group, column.n}] +=
          slices.coefficients[column.slice] * sums[c];
    }
    for (auto [output, sum] : ofArray)
      pieces[output].push_back(sum);
  }
  finish(tile, window, pieces);
}

/// Adds the partial sums of a tile to those that came from the tile before.
void Walk::finish(
    int64_t tile, int64_t window,
    const std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> &pieces) {
  for (const auto &[output, sums] : pieces) {
    Partial &p = partials[{window, output.first, output.second}];
    int64_t sum = sums.front();
    for (size_t i = 1; i < sums.size(); ++i) {
      sum += sums[i];
      ++out.counts.strip_adds;
    }
    if (!p.begun) {
      p.begun = true;
      p.missing = arraysOfOutput[output];
    } else {
      // The sum so far leaves the buffer of its tile and comes over the
      // network.
      move(m.shift_add.accumulator_bits,
           {&out.counts.tile_reads, &out.counts.noc_bits});
      ++out.counts.strip_adds;
      sum += p.sum;
    }
    p.sum = sum;
    p.missing -= int64_t(sums.size());
    move(m.shift_add.accumulator_bits, {&out.counts.tile_writes});
    if (p.missing != 0)
      continue;
    move(m.shift_add.accumulator_bits, {&out.counts.tile_reads});
    move(k.input_bits, {&out.counts.noc_bits, &out.counts.global_writes});
    int64_t expected = 0, inputs = 0;
    for (int64_t r = 0; r < nest.rows; ++r) {
      int64_t e = nest.source[window][output.first * nest.rows + r];
      if (e < 0)
        continue;
      expected += x[e] * weights[output.first][r][output.second];
      inputs += x[e];
    }
    out.correct &= p.sum - slices.offset * inputs == expected;
  }
}

Walked Walk::run() {
  makeNumbers();
  makeSlices();
  cutArrays();
  dealWindows();
  placeArrays();
  for (Array &a : arrays)
    byTile[a.tile].push_back(&a);
  if (how.rewritten)
    writeCells();
  sendInputs();
  // Rounds come one after the other whatever the order.
  for (int64_t round = 0; round <= arrays.back().round; ++round) {
    std::vector<int64_t> tiles;
    for (auto &[tile, list] : byTile)
      if (list.front()->round == round)
        tiles.push_back(tile);
    const bool windows = how.order == Order::WindowsOutside;
    const int64_t many = int64_t(tiles.size());
    for (int64_t o = 0; o < (windows ? nest.windows : many); ++o)
      for (int64_t i = 0; i < (windows ? many : nest.windows); ++i)
        computeWindow(tiles[windows ? i : o], windows ? o : i);
  }
  for (auto [array, phases] : phasesOf)
    out.counts.serial_phases =
        std::max(out.counts.serial_phases, double(phases));
  for (auto [array, products] : productsOf)
    out.counts.serial_products =
        std::max(out.counts.serial_products, double(products));
  for (const Array &a : arrays) {
    // Each converter takes the next columns until it has its share.
    int64_t mine = 0;
    for (size_t c = 0; c < a.columns.size(); ++c) {
      if (mine == m.adc.share)
        mine = 0;
      out.counts.phase_columns =
          std::max(out.counts.phase_columns, double(++mine));
    }
  }
  double used = 0;
  const double capacity = m.global_buffer.size_mib * 1024 * 1024 * 8;
  fillBuffer(capacity, nest.elements, k.input_bits, used,
             out.counts.spill_bits);
  if (how.dynamic)
    fillBuffer(capacity, nest.groups * nest.rows * nest.cols, k.input_bits,
               used, out.counts.spill_bits);
  fillBuffer(capacity, int64_t(partials.size()), k.input_bits, used,
             out.counts.spill_bits);
  for (auto &[where, partial] : partials)
    out.correct &= partial.missing == 0;
  out.correct &=
      int64_t(partials.size()) == nest.windows * nest.groups * nest.cols;
  return std::move(out);
}

Walked imc::test::execute(const Nest &nest, const machine::Machine &machine,
                          const mapping::Knobs &knobs, const Execution &how) {
  return Walk(nest, machine, knobs, how).run();
}
