//===- VerifyTables.cpp - Rules that need no execution --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"
#include "Footprint.h"
#include "Verifier.h"

#include "imc/Program/Statistics.h"

#include "llvm/ADT/STLExtras.h"

#include <map>

using namespace llvm;
using namespace imc::program;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

std::string Verifier::nameOfPart(int64_t i) const {
  return ("part " + Twine(i) + " of '" + p.products[p.parts[i].product].name +
          "'")
      .str();
}

//===----------------------------------------------------------------------===//
// Products and parts
//===----------------------------------------------------------------------===//

void Verifier::tilingOf(const Product &q) {
  const Geometry &g = q.geometry;
  const mapping::Tiling &t = q.tiling;
  const Chip &c = p.chip;
  auto expect = [&](StringRef what, int64_t value, int64_t wanted) {
    if (value != wanted)
      add("tiling", "product '" + q.name + "': " + what + " is " +
                        Twine(value) + ", but its matrix and the chip make " +
                        Twine(wanted));
  };
  expect("tiling rows", t.rows, c.driven_rows);
  expect("tiling cols", t.cols, c.array_cols);
  expect("row_sets", t.row_sets, c.array_rows / c.driven_rows);
  expect("packs", t.packs, ceilDiv(g.groups, t.groups_per_pack));
  expect("pack_rows", t.pack_rows, t.groups_per_pack * g.rows);
  expect("pack_cols", t.pack_cols,
         t.groups_per_pack * g.cols * t.columns_per_weight);
  expect("strips", t.strips, ceilDiv(t.pack_rows, t.rows));
  expect("column_tiles", t.column_tiles, ceilDiv(t.pack_cols, t.cols));
  expect("windows_per_copy", q.windows_per_copy, ceilDiv(g.windows, q.copies));
  if (t.phases > p.inputBits(q))
    add("tiling", "product '" + q.name + "': " + Twine(t.phases) +
                      " phases for inputs of " + Twine(p.inputBits(q)) +
                      " bits");
  if (q.input_bits > c.input_bits || q.weight_bits > c.weight_bits)
    add("tiling", "product '" + q.name + "': weights of " +
                      Twine(p.weightBits(q)) + " and inputs of " +
                      Twine(p.inputBits(q)) +
                      " bits, but the chip is built for " +
                      Twine(c.weight_bits) + " and " + Twine(c.input_bits));
  const int64_t bottom = (g.window_rows - 1) * g.stride_rows + g.kernel_rows;
  if (bottom > g.image_rows)
    add("tiling", "product '" + q.name + "': its windows reach down to row " +
                      Twine(bottom) + " of images of " + Twine(g.image_rows) +
                      " rows");
  if ((q.rounds > 0 || q.operand >= 0) && !c.rewritable)
    add("rewritable", "product '" + q.name +
                          "' writes cells, but those of this chip stay as "
                          "they are: its rounds must be 0");
  if (q.operand >= 0 && q.rounds == 0)
    add("rewritable", "product '" + q.name +
                          "' has an operand but 0 rounds: "
                          "nothing writes it into arrays");
}

void Verifier::partsOf(int64_t product) {
  const Product &q = p.products[product];
  const int64_t tiles = q.tiling.tiles();
  const int64_t m = p.chip.arrays_per_core;
  // Parts that do the same windows are one copy, or one set of copies.
  std::map<int64_t, std::vector<int64_t>> sets;
  int64_t slots = 0;
  for (int64_t i : partsOfProduct[product]) {
    const Part &part = p.parts[i];
    if (part.slot_begin == part.slot_end || part.slot_end > tiles) {
      add("slots", nameOfPart(i) + " has slots " + Twine(part.slot_begin) +
                       " to " + Twine(part.slot_end) + " of " + Twine(tiles));
      continue;
    }
    slots += part.copies * (part.slot_end - part.slot_begin);
    const int64_t arrays = arraysPerCopy(q, part) * part.copies;
    const int64_t begin = part.core * m;
    if (part.first_array < begin || part.first_array + arrays > begin + m)
      add("capacity", nameOfPart(i) + " lies in arrays " +
                          Twine(part.first_array) + " to " +
                          Twine(part.first_array + arrays - 1) + ", but core " +
                          Twine(part.core) + " has " + Twine(begin) + " to " +
                          Twine(begin + m - 1));
    // A copy that one core cannot hold starts a core of its own.
    if (q.tiling.arrays() > m && part.first_array != begin)
      add("alignment",
          nameOfPart(i) + " of a copy of " + Twine(q.tiling.arrays()) +
              " arrays starts at array " + Twine(part.first_array) +
              ", not at the first of "
              "core " +
              Twine(part.core));
    if (part.slot_begin % q.tiling.row_sets != 0)
      add("alignment", nameOfPart(i) + " starts at slot " +
                           Twine(part.slot_begin) +
                           " in the middle of an "
                           "array of " +
                           Twine(q.tiling.row_sets) + " row sets");
    if (part.round >= std::max<int64_t>(1, q.rounds))
      add("rounds", nameOfPart(i) + " is of round " + Twine(part.round) +
                        ", but there are " + Twine(q.rounds));
    if (part.windows == 0)
      continue;
    if (part.windows > part.copies * q.windows_per_copy)
      add("windows", nameOfPart(i) + " has " + Twine(part.windows) +
                         " windows for " + Twine(part.copies) +
                         " copies of at most " + Twine(q.windows_per_copy));
    if (part.block < 1 || part.block > part.windows ||
        (part.block % part.copies != 0 && part.block != part.windows))
      add("block", nameOfPart(i) + ": blocks of " + Twine(part.block) + " of " +
                       Twine(part.windows) + " windows must be a multiple of " +
                       Twine(part.copies) + " copies, or all");
    sets[part.first_window].push_back(i);
  }
  if (slots != q.copies * tiles)
    add("slots", "product '" + q.name + "': its parts have " + Twine(slots) +
                     " slots, but " + Twine(q.copies) + " copies of " +
                     Twine(tiles) + " are " + Twine(q.copies * tiles));

  int64_t window = 0;
  for (auto &[first, parts] : sets) {
    if (first != window)
      add("windows",
          "product '" + q.name + "': windows " +
              Twine(std::min(first, window)) + " to " +
              Twine(std::max(first, window) - 1) +
              (first < window ? " belong to two parts" : " belong to no part"));
    window = first + p.parts[parts.front()].windows;
    copyOf(q, parts);
  }
  if (window != q.geometry.windows)
    add("windows", "product '" + q.name + "': its parts do windows up to " +
                       Twine(window) + " of " + Twine(q.geometry.windows));
}

void Verifier::copyOf(const Product &q, std::vector<int64_t> &parts) {
  sort(parts, [&](int64_t a, int64_t b) {
    return std::pair(p.parts[a].slot_begin, a) <
           std::pair(p.parts[b].slot_begin, b);
  });
  int64_t slot = 0;
  for (size_t n = 0; n < parts.size(); ++n) {
    const Part &part = p.parts[parts[n]];
    const Part &front = p.parts[parts.front()];
    if (part.slot_begin != slot)
      add("slots", "product '" + q.name + "', windows from " +
                       Twine(part.first_window) + ": slots " +
                       Twine(std::min(slot, part.slot_begin)) + " to " +
                       Twine(std::max(slot, part.slot_begin) - 1) +
                       (part.slot_begin < slot ? " belong to two parts"
                                               : " belong to no part"));
    slot = std::max(slot, part.slot_end);
    if (part.windows != front.windows || part.copies != front.copies)
      add("windows", nameOfPart(parts[n]) + " does " + Twine(part.windows) +
                         " windows in " + Twine(part.copies) + " copies, " +
                         nameOfPart(parts.front()) + " of the same copy " +
                         Twine(front.windows) + " in " + Twine(front.copies));
    const bool linked = n > 0 && isLinked(q, part.slot_begin);
    const int64_t previous = linked ? parts[n - 1] : -1;
    if (part.previous != previous)
      add("chain", nameOfPart(parts[n]) + " takes the sums of part " +
                       Twine(part.previous) + ", but must take those of " +
                       Twine(previous) + " (-1: of none)");
    const bool nextLinked =
        n + 1 < parts.size() && isLinked(q, p.parts[parts[n + 1]].slot_begin);
    const int64_t next = nextLinked ? parts[n + 1] : -1;
    if (part.next != next)
      add("chain", nameOfPart(parts[n]) + " hands its sums to part " +
                       Twine(part.next) + ", but must hand them to " +
                       Twine(next) + " (-1: to none)");
  }
  if (slot != q.tiling.tiles())
    add("slots", "product '" + q.name + "', windows from " +
                     Twine(p.parts[parts.front()].first_window) + ": slots " +
                     Twine(slot) + " to " + Twine(q.tiling.tiles() - 1) +
                     " belong to no part");
}

/// Cells that stay belong to one part.
void Verifier::arrays() {
  struct Range {
    int64_t begin, end, part;
  };
  std::vector<Range> ranges;
  for (const auto &[i, part] : enumerate(p.parts)) {
    const int64_t n =
        arraysPerCopy(p.products[part.product], part) * part.copies;
    if (n > 0)
      ranges.push_back(
          {part.first_array, part.first_array + n, static_cast<int64_t>(i)});
  }
  sort(ranges, [](const Range &a, const Range &b) {
    return std::pair(a.begin, a.part) < std::pair(b.begin, b.part);
  });
  // Of those before, the one that ends last, of either kind.
  const Range *stays = nullptr, *written = nullptr;
  for (const Range &range : ranges) {
    const bool isWritten = isRewritten(range.part);
    auto conflict = [&](const Range *other) {
      if (other && other->end > range.begin)
        add("single-writer", nameOfPart(other->part) + " and " +
                                 nameOfPart(range.part) + " both have array " +
                                 Twine(range.begin) +
                                 ", and its cells are not rewritten between "
                                 "them");
    };
    conflict(stays);
    if (!isWritten)
      conflict(written);
    const Range *&last = isWritten ? written : stays;
    if (!last || range.end > last->end)
      last = &range;
  }
}

//===----------------------------------------------------------------------===//
// Tensors and tile buffers
//===----------------------------------------------------------------------===//

void Verifier::writersOfTensors() {
  std::vector<int64_t> writers(p.tensors.size());
  for (const Product &q : p.products)
    ++writers[q.output];
  for (const Kernel &k : p.kernels)
    for (int64_t t : k.outputs)
      ++writers[t];
  for (const auto &[i, t] : enumerate(p.tensors)) {
    const int64_t wanted = t.first_step < 0 ? 0 : 1;
    if (writers[i] != wanted)
      add("single-writer", "tensor '" + t.name + "' is written by " +
                               Twine(writers[i]) + " products and kernels, " +
                               (wanted ? "not by one"
                                       : "though it is an input (first_step "
                                         "-1)"));
    if (t.elements * t.bits * t.versions > t.region.size)
      add("global-buffer",
          "tensor '" + t.name + "': " + Twine(t.versions) + " versions of " +
              Twine(t.elements) + " elements of " + Twine(t.bits) +
              " bits do not fit into " + Twine(t.region.size) + " bits");
  }
}

namespace {

/// A region that is in use from one step to another.
struct Interval {
  int64_t begin, end; ///< bits
  int64_t from, to;   ///< steps, both included
  int64_t owner;
  int64_t period = 0; ///< in every so manieth of them only; 0: in all
  /// Whether both are in use in some step.
  bool meets(const Interval &other) const {
    return from <= other.to && other.from <= to &&
           (period == 0 || period != other.period ||
            (from - other.from) % period == 0);
  }
};

} // namespace

/// Calls `report(a, b)` for pairs that share a bit in a step: at most one pair
/// for each a. O(n^2) where many regions overlap at different times, n log n
/// where they lie apart.
static void
overlaps(std::vector<Interval> &intervals,
         function_ref<void(const Interval &, const Interval &)> report) {
  sort(intervals, [](const Interval &a, const Interval &b) {
    return std::pair(a.begin, a.owner) < std::pair(b.begin, b.owner);
  });
  for (size_t i = 0; i < intervals.size(); ++i)
    for (size_t j = i + 1;
         j < intervals.size() && intervals[j].begin < intervals[i].end; ++j)
      if (intervals[j].begin < intervals[j].end &&
          intervals[i].meets(intervals[j])) {
        report(intervals[i], intervals[j]);
        break;
      }
}

void Verifier::globalBuffer() {
  if (p.chip.global_buffer_bits == 0)
    return;
  std::vector<Interval> intervals;
  for (const auto &[i, t] : enumerate(p.tensors)) {
    if (t.space != Space::Global)
      continue;
    const int64_t end = t.region.offset + t.region.size;
    if (end > p.chip.global_buffer_bits)
      add("global-buffer", "tensor '" + t.name + "' ends at bit " + Twine(end) +
                               ", the global buffer at " +
                               Twine(p.chip.global_buffer_bits));
    intervals.push_back({t.region.offset, end, t.first_step,
                         t.last_step + passes - 1, static_cast<int64_t>(i)});
  }
  overlaps(intervals, [&](const Interval &a, const Interval &b) {
    const Tensor &s = p.tensors[a.owner], &t = p.tensors[b.owner];
    add("global-buffer", "tensors '" + s.name + "' (steps " +
                             Twine(s.first_step) + " to " + Twine(a.to) +
                             ") and '" + t.name + "' (steps " +
                             Twine(t.first_step) + " to " + Twine(b.to) +
                             ") share bit " + Twine(b.begin));
  });
}

void Verifier::tileBuffers() {
  if (p.chip.tile_buffer_bits == 0)
    return;
  std::map<int64_t, std::vector<Interval>> cores;
  const std::vector<std::pair<int64_t, int64_t>> steps = stepsOfParts(p);
  for (const auto &[i, part] : enumerate(p.parts)) {
    if (steps[i].first < 0)
      continue;
    // In a loop, between its loads and stores of a pass.
    const Product &product = p.products[part.product];
    const int64_t first =
        product.passes > 1 ? product.step + part.round : steps[i].first;
    for (const Region &region : {part.lines, part.accumulators}) {
      const int64_t end = region.offset + region.size;
      if (end > p.chip.tile_buffer_bits)
        add("tile-buffer", nameOfPart(i) + " uses the tile buffer of core " +
                               Twine(part.core) + " up to bit " + Twine(end) +
                               ", but it ends at " +
                               Twine(p.chip.tile_buffer_bits));
      cores[part.core].push_back({region.offset, end, first, steps[i].second,
                                  static_cast<int64_t>(i), product.period});
    }
  }
  for (auto &[core, intervals] : cores)
    overlaps(intervals, [&](const Interval &a, const Interval &b) {
      add("tile-buffer", nameOfPart(a.owner) + " and " + nameOfPart(b.owner) +
                             " share bit " + Twine(b.begin) +
                             " of the tile buffer of core " +
                             Twine(p.parts[a.owner].core) + " in step " +
                             Twine(std::max(a.from, b.from)));
    });
}

void Verifier::tables() {
  for (const auto &[i, part] : enumerate(p.parts))
    partsOfProduct[part.product].push_back(static_cast<int64_t>(i));
  for (const Product &q : p.products)
    tilingOf(q);
  // What follows relies on it.
  if (!problems.empty())
    return;
  for (size_t i = 0; i < p.products.size(); ++i)
    partsOf(static_cast<int64_t>(i));
  arrays();
  writersOfTensors();
  globalBuffer();
  tileBuffers();
}
