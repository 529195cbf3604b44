//===- LoopNestWalk.h - State of an executed loop nest ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to LoopNest.cpp: the arrays of a layer and the steps of its walk.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_COST_LOOPNESTWALK_H
#define IMC_TEST_UNIT_COST_LOOPNESTWALK_H

#include "LoopNest.h"

#include <map>
#include <set>

namespace imc::test {

struct Row {
  int64_t group, k;
};
struct Column {
  int64_t group, n, slice;
};

/// What one array of one copy drives at once (a row set): its rows and columns
/// from the top left on, and the cells in them. A cell of another group's row
/// is at level 0.
struct Array {
  int64_t copy, pack, strip, columnTile;
  std::vector<Row> rows;
  std::vector<Column> columns;
  std::vector<std::vector<int64_t>> level; ///< [row][column]
  std::vector<std::vector<bool>> holdsWeight;
  int64_t physical = 0, set = 0; ///< where it is written
  int64_t writtenIn = 0;         ///< round
  int64_t round = 0;             ///< in which it computes
  int64_t tile = 0;              ///< buffer that feeds it, a running number
};

/// How a weight becomes cells: levels and what a column sum counts for.
struct Slices {
  std::vector<int64_t> coefficients;
  int64_t offset = 0; ///< of the encoding
};

class Walk {
public:
  Walk(const Nest &nest, const machine::Machine &m, const mapping::Knobs &k,
       const Execution &how)
      : nest(nest), m(m), k(k), how(how),
        height(m.array.active_rows ? m.array.active_rows : m.array.rows) {
    for (int64_t rows = height; rows <= m.array.rows; rows += height)
      ++sets;
    for (int64_t a = 0; a < m.hierarchy.macros_per_tile; ++a)
      for (int64_t s = 0; s < sets; ++s)
        ++slotsOfTile;
  }
  Walked run();

private:
  void makeNumbers();
  void makeSlices();
  std::vector<int64_t> levels(int64_t weight) const;
  std::vector<std::vector<int64_t>> packGroups() const;
  void cutArrays();
  void dealWindows();
  void placeArrays();
  void writeCells();
  void sendInputs();
  void computeWindow(int64_t tile, int64_t window);
  void finish(int64_t tile, int64_t window,
              const std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>>
                  &pieces);

  const Nest &nest;
  const machine::Machine &m;
  const mapping::Knobs &k;
  const Execution &how;
  int64_t height;          ///< rows that an array drives at once
  int64_t sets = 0;        ///< of them per array
  int64_t slotsOfTile = 0; ///< in all arrays of a tile
  Walked out;

  std::vector<int64_t> x;                                 ///< input elements
  std::vector<std::vector<std::vector<int64_t>>> weights; ///< [g][k][n]
  Slices slices;
  std::vector<Array> arrays; ///< copy after copy
  std::map<int64_t, std::vector<Array *>> byTile;
  std::set<std::pair<int64_t, int64_t>> inBuffer; ///< (tile, element)
  std::vector<int64_t> copyOf;                    ///< of each window
  std::map<int64_t, int64_t> phasesOf;            ///< physical array -> phases
  std::map<int64_t, int64_t> productsOf; ///< physical array -> products
  /// Partial sums on their way: (window, group, n) -> sum, missing arrays.
  struct Partial {
    int64_t sum = 0, missing = 0;
    bool begun = false;
  };
  std::map<std::vector<int64_t>, Partial> partials;
  std::map<std::pair<int64_t, int64_t>, int64_t> arraysOfOutput; ///< per copy
};

} // namespace imc::test

#endif // IMC_TEST_UNIT_COST_LOOPNESTWALK_H
