//===- Layout.h - Parts of products -----------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which slots of which copies every core holds, and what of inputs and results
// they touch.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SCHEDULE_LAYOUT_H
#define IMC_LIB_SCHEDULE_LAYOUT_H

#include "imc/Program/Program.h"

#include <cstdint>
#include <vector>

namespace imc::schedule::detail {

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Rows [begin, end) of the input image, over all images.
struct RowRange {
  int64_t begin = 0, end = 0;
};

/// First input row of a row of windows.
int64_t firstRow(const program::Geometry &g, int64_t windowRow);

/// Rows between the first and the last that windows [first, last) see; rows
/// that they step over are among them.
RowRange rowsUnder(const program::Geometry &g, int64_t first, int64_t last);

/// Channels whose rows of K lie in slots [begin, end), which are contiguous.
int64_t channelsOf(const program::Product &product, int64_t begin, int64_t end);

/// Outputs of one window that have a column in slots [begin, end).
int64_t weightsOf(const program::Product &product, int64_t begin, int64_t end);

/// Whether an output has columns in slots on both sides of the cut before
/// `slot`: then the parts on both sides are neighbours in a chain.
bool isLinked(const program::Product &product, int64_t slot);

/// Whether slots [begin, end) hold the last column of an output: then their
/// part stores results.
bool storesAny(const program::Product &product, int64_t begin, int64_t end);

/// Bits of the input rows that two consecutive blocks of `part` need at most.
int64_t lineBits(const program::Product &product, const program::Part &part,
                 int64_t block, int64_t wordBits);

/// Bits of the partial sums of two blocks.
int64_t accumulatorBits(const program::Product &product,
                        const program::Part &part, int64_t block,
                        int64_t accumulatorBits);

/// Cuts the copies of `products[index]` into parts, appended to `parts` and
/// chained. The first copy starts at array `first`. Copies that fit into a core
/// never straddle one; larger ones start at one. `available` arrays from
/// `first` on may be used; a copy that has more is written in rounds. Blocks
/// and regions are left for later.
void cutParts(const program::Product &product, int64_t index, int64_t first,
              int64_t available, const program::Chip &chip,
              std::vector<program::Part> &parts);

} // namespace imc::schedule::detail

#endif // IMC_LIB_SCHEDULE_LAYOUT_H
