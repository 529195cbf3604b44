//===- Packing.h - Tiles of several products in one array -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rectangles of cells into as few arrays as possible. A tile is driven through
// all of its rows and read through all of its columns, so tiles that work at
// the same time share neither; those of different steps may, because the rows
// of the others stand still.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_PACKING_H
#define IMC_MAPPING_PACKING_H

#include "imc/Mapping/Problem.h"

namespace imc::mapping::packing {

struct Tile {
  std::string name; ///< for messages, may be empty
  int64_t rows = 1, cols = 1;
  int64_t step = 0; ///< tiles of one step work at once
};

/// Tiles are not turned: rows are driven, columns are read.
struct Problem {
  static constexpr llvm::StringLiteral kind = "packing";
  int64_t rows = 1, cols = 1; ///< of an array
  std::vector<Tile> tiles;

  /// Largest array, in cells.
  static constexpr int64_t maxCells = int64_t(1) << 22;

  /// one_per_array: each tile alone.
  /// diagonal: no tiles share rows or columns, whatever their steps; first fit
  ///   with the largest tiles first.
  /// shelf: side by side on shelves as high as their first tile, first fit with
  ///   the highest tiles first; tiles of one step lie on different shelves, in
  ///   different columns.
  static llvm::ArrayRef<llvm::StringRef> algorithms();
  static llvm::Expected<Problem> parse(const llvm::json::Value &value);
};

struct Position {
  int64_t array, row, col; ///< of the first cell
};

struct Solution {
  std::vector<Position> positions; ///< of Problem::tiles
  static llvm::Expected<Solution> parse(const llvm::json::Value &value);
};

llvm::Error check(const Problem &problem);
/// Every tile inside an array, no cell taken twice, and no row or column by two
/// tiles of one step. The message names both tiles.
llvm::Error verify(const Problem &problem, const Solution &solution);
/// Arrays that hold a tile.
int64_t objective(const Problem &problem, const Solution &solution);
std::string objectiveUnit(const Problem &problem);
llvm::Expected<Solution> solve(const Problem &problem,
                               llvm::StringRef algorithm);
llvm::json::Value toJSON(const Problem &problem);
llvm::json::Value toJSON(const Solution &solution);

/// No solution has fewer arrays: cells of all tiles, and rows and columns of
/// the tiles of each step, over those of an array.
int64_t lowerBound(const Problem &problem);

} // namespace imc::mapping::packing

#endif // IMC_MAPPING_PACKING_H
