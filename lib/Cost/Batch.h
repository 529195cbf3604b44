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

// Fields of Round and of Operands that prices follow from.
// clang-format off: breaks and indents these lists anew each time
#define IMC_ROUND_COLUMNS(X)                                                   \
  X(parts) X(senders) X(storers) X(sharing) X(windows) X(block) X(blocks)      \
  X(crossings) X(together) X(serial) X(first_load) X(loads) X(ratio) X(reads)  \
  X(sums) X(sent) X(stored) X(global) X(link)
#define IMC_OPERAND_COLUMNS(X)                                                 \
  X(windows) X(groups) X(rows) X(cols) X(weights) X(input_elements)            \
  X(output_elements) X(columns_per_weight) X(phases) X(groups_per_pack)        \
  X(packs) X(strips) X(column_tiles) X(cut_weights) X(part_rows)               \
  X(part_outputs) X(inputs) X(word)
// clang-format on

/// Up to `size` products of a design. One entry per product in each column;
/// names and units are those of Round, Operands and Flow.
struct Batch {
  static constexpr size_t size = 32;
  using Column = double[size];

  size_t used;
#define IMC_COLUMN(name) Column name;
  struct {
    IMC_ROUND_COLUMNS(IMC_COLUMN)
  } last; ///< round
  struct {
    IMC_OPERAND_COLUMNS(IMC_COLUMN)
  } of; ///< what its counts follow from
#undef IMC_COLUMN
  Column phase_columns;
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
#define IMC_COLUMN(name) last.name[i] = r.name;
    IMC_ROUND_COLUMNS(IMC_COLUMN)
#undef IMC_COLUMN
#define IMC_COLUMN(name) of.name[i] = o.name;
    IMC_OPERAND_COLUMNS(IMC_COLUMN)
#undef IMC_COLUMN
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
#define IMC_COLUMN(name) r.name = last.name[i];
    IMC_ROUND_COLUMNS(IMC_COLUMN)
#undef IMC_COLUMN
    return r;
  }

  IMC_INLINE Operands operands(size_t i) const {
    Operands o;
#define IMC_COLUMN(name) o.name = of.name[i];
    IMC_OPERAND_COLUMNS(IMC_COLUMN)
#undef IMC_COLUMN
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

#undef IMC_ROUND_COLUMNS
#undef IMC_OPERAND_COLUMNS

#endif // IMC_LIB_COST_BATCH_H
