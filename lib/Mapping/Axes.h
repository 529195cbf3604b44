//===- Axes.h - One dimension of an unfolding -------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_MAPPING_AXES_H
#define IMC_LIB_MAPPING_AXES_H

#include "imc/Mapping/Unfolding.h"

namespace imc::mapping::unfolding::detail {

/// A layout of one dimension, and what it takes of that dimension.
struct Axis {
  Layout layout;
  int64_t positions;
  int64_t loads, matrices, rows;
  int64_t slots; ///< columns per output channel
};
Axis axis(const Layer &layer, int dimension, Layout layout, int64_t positions);

/// None where a figure is more than 2^53.
std::optional<Figures> figures(const Problem &problem, const Layer &layer,
                               const Axis &high, const Axis &wide,
                               int64_t cutRows, int64_t cutCols);

/// The figure that an objective counts.
int64_t amount(Objective objective, const Figures &figures);

/// One position per load, arrays filled to the last row and column.
Choice im2col(const Problem &problem);

} // namespace imc::mapping::unfolding::detail

#endif // IMC_LIB_MAPPING_AXES_H
