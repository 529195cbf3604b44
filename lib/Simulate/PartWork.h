//===- PartWork.h - What a part does per window -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The work of slots [begin, end) of a copy, found by walking them, and the
// input rows of windows. O(slots + outputs) per part; parts of equal slots
// share one result.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SIMULATE_PARTWORK_H
#define IMC_LIB_SIMULATE_PARTWORK_H

#include "imc/Program/Program.h"

namespace imc::simulate {

/// Columns and rows are those of the matrix of the product, G*K x G*N.
struct PartWork {
  // Per window.
  int64_t driven = 0;    ///< rows, over the slots
  int64_t columns = 0;   ///< converted, over the slots
  int64_t cells = 0;     ///< programmed cells
  int64_t idle = 0;      ///< driven cells at level 0
  int64_t additions = 0; ///< between the slots of the part
  int64_t outputs = 0;   ///< of which the part has a column
  int64_t received = 0;  ///< of them, those that an earlier part adds to
  int64_t sent = 0;      ///< of them, those that a later part adds to
  int64_t stored = 0;    ///< the others
  int64_t row_begin = 0, row_end = 0; ///< rows of the matrix
  // Per input row.
  int64_t row_elements = 0; ///< words
  // Of the cells.
  int64_t elements = 0; ///< weights with a cell in the part
  int64_t owned = 0;    ///< weights whose first cell is in the part
  int64_t arrays = 0;   ///< of one copy
  int64_t turns = 0;    ///< tiles of the fullest array
};

PartWork walkPart(const program::Product &product, int64_t slotBegin,
                  int64_t slotEnd);

/// First input row of the image that a window needs.
inline int64_t firstRow(const program::Geometry &g, int64_t window) {
  const int64_t row = window / g.windows_per_row;
  return row / g.window_rows * g.image_rows +
         row % g.window_rows * g.stride_rows;
}

/// First input row after those that windows up to this one bring in: its own
/// last row, or the end of the last image.
inline int64_t endRow(const program::Geometry &g, int64_t window) {
  if (window + 1 == g.windows)
    return (g.windows / g.windows_per_row + g.window_rows - 1) / g.window_rows *
           g.image_rows;
  return firstRow(g, window) + g.kernel_rows;
}

/// Rows of the tensor, without padding, among the first `row` input rows.
inline int64_t tensorRows(const program::Geometry &g, int64_t row) {
  if (g.tensor_rows == 0)
    return row;
  const int64_t inImage = row % g.image_rows - g.padding_rows;
  return row / g.image_rows * g.tensor_rows + (inImage < 0 ? 0
                                               : inImage < g.tensor_rows
                                                   ? inImage
                                                   : g.tensor_rows);
}

/// Rows that a part whose windows begin at `begin` loads for windows [first,
/// first + count): from the end of what earlier windows brought, or from its
/// own first row, or from the gap before it.
inline std::pair<int64_t, int64_t> rowsOf(const program::Geometry &g,
                                          int64_t begin, int64_t first,
                                          int64_t count) {
  int64_t from = 0;
  if (first > 0) {
    from = endRow(g, first - 1);
    if (first == begin && firstRow(g, first) < from)
      from = firstRow(g, first);
  }
  return {from, endRow(g, first + count - 1)};
}

} // namespace imc::simulate

#endif // IMC_LIB_SIMULATE_PARTWORK_H
