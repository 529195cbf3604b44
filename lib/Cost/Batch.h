//===- Batch.h - Products that are priced side by side ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a product is cut differs from one to the next; what its blocks then take
// and use is the same arithmetic for all. The fast path collects the former in
// columns, so that the latter runs on as many products at a time as a vector of
// the processor holds. The expressions are those of Latency.h and Layer.h.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_BATCH_H
#define IMC_LIB_COST_BATCH_H

#include "Layer.h"

namespace imc::cost::detail {

/// Up to `size` products of a design. One entry per product in each column;
/// names and units are those of Round, Operands and Flow.
struct Batch {
  static constexpr size_t size = 32;
  using Column = double[size];

  size_t used;
  // Of its last round.
  Column parts, senders, storers, sharing, windows, block, blocks, crossings,
      together, serial, first_load, loads, ratio, reads, sums, sent, stored,
      global, link;
  // What its counts follow from (Operands), and phaseColumns.
  Column all_windows, groups, rows, cols, weights, input_elements,
      output_elements, columns_per_weight, phases, groups_per_pack, packs,
      strips, column_tiles, cut_weights, part_rows, part_outputs, inputs, word,
      phase_columns;
  Column arrays; ///< at work
  // Where cells are written, and rounds that fill the chip.
  Column reload_bits, cell_writes, rounds, fetched_full, fetched_last,
      rows_full, rows_last, full_seconds, full_arrays;
  // What is not used here: E-SQNR, equal products.
  Column noise;
  int64_t members[size];
  // What becomes of it: J, s, W, bits between chip and memory.
  Column energy, latency, power, memory_bits;

  bool full() const { return used == size; }

  /// Of a product whose cells are written only where `writes`: then `full` is a
  /// round that fills the chip.
  IMC_INLINE void push(const Operands &o, double phaseColumns, double working,
                       const Flow &f, double productNoise, int64_t ofDemand,
                       bool writes, const Passage &full, double reloadBits,
                       double cellWrites) {
    const size_t i = used++;
    noise[i] = productNoise;
    members[i] = ofDemand;
    const Round &r = f.last;
    parts[i] = r.parts;
    senders[i] = r.senders;
    storers[i] = r.storers;
    sharing[i] = r.sharing;
    windows[i] = r.windows;
    block[i] = r.block;
    blocks[i] = r.blocks;
    crossings[i] = r.crossings;
    together[i] = r.together;
    serial[i] = r.serial;
    first_load[i] = r.first_load;
    loads[i] = r.loads;
    ratio[i] = r.ratio;
    reads[i] = r.reads;
    sums[i] = r.sums;
    sent[i] = r.sent;
    stored[i] = r.stored;
    global[i] = r.global;
    link[i] = r.link;
    all_windows[i] = o.windows;
    groups[i] = o.groups;
    rows[i] = o.rows;
    cols[i] = o.cols;
    weights[i] = o.weights;
    input_elements[i] = o.input_elements;
    output_elements[i] = o.output_elements;
    columns_per_weight[i] = o.columns_per_weight;
    phases[i] = o.phases;
    groups_per_pack[i] = o.groups_per_pack;
    packs[i] = o.packs;
    strips[i] = o.strips;
    column_tiles[i] = o.column_tiles;
    cut_weights[i] = o.cut_weights;
    part_rows[i] = o.part_rows;
    part_outputs[i] = o.part_outputs;
    inputs[i] = o.inputs;
    word[i] = o.word;
    phase_columns[i] = phaseColumns;
    arrays[i] = working;
    if (!writes)
      return;
    reload_bits[i] = reloadBits;
    cell_writes[i] = cellWrites;
    const bool begun = f.writes, several = begun && f.rounds > 0;
    rounds[i] = several ? f.rounds : 0;
    fetched_full[i] = several ? f.fetched_full : 0;
    rows_full[i] = several ? f.rows_full : 0;
    full_seconds[i] = several ? full.seconds : 0;
    full_arrays[i] = several ? full.arrays : 0;
    fetched_last[i] = begun ? f.fetched_last : 0;
    rows_last[i] = begun ? f.rows_last : 0;
  }

  IMC_INLINE Round round(size_t i) const {
    Round r;
    r.parts = parts[i];
    r.senders = senders[i];
    r.storers = storers[i];
    r.sharing = sharing[i];
    r.windows = windows[i];
    r.block = block[i];
    r.blocks = blocks[i];
    r.crossings = crossings[i];
    r.together = together[i] != 0;
    r.serial = serial[i];
    r.first_load = first_load[i];
    r.loads = loads[i];
    r.ratio = ratio[i];
    r.reads = reads[i];
    r.sums = sums[i];
    r.sent = sent[i];
    r.stored = stored[i];
    r.global = global[i];
    r.link = link[i];
    return r;
  }

  IMC_INLINE Operands operands(size_t i) const {
    Operands o;
    o.windows = all_windows[i];
    o.groups = groups[i];
    o.rows = rows[i];
    o.cols = cols[i];
    o.weights = weights[i];
    o.input_elements = input_elements[i];
    o.output_elements = output_elements[i];
    o.columns_per_weight = columns_per_weight[i];
    o.phases = phases[i];
    o.groups_per_pack = groups_per_pack[i];
    o.packs = packs[i];
    o.strips = strips[i];
    o.column_tiles = column_tiles[i];
    o.cut_weights = cut_weights[i];
    o.part_rows = part_rows[i];
    o.part_outputs = part_outputs[i];
    o.inputs = inputs[i];
    o.word = word[i];
    return o;
  }

  IMC_INLINE Flow flow(size_t i, bool writes) const {
    Flow f;
    f.last = round(i);
    f.operand = 0;
    // Without rounds that fill the chip all of them is zero.
    f.writes = writes;
    if (writes) {
      f.rounds = rounds[i];
      f.fetched_full = fetched_full[i];
      f.fetched_last = fetched_last[i];
      f.rows_full = rows_full[i];
      f.rows_last = rows_last[i];
    }
    return f;
  }

  /// Fills what becomes of all entries.
  void price(const machine::Machine &machine, const Prices &prices,
             bool writes);
};

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_BATCH_H
