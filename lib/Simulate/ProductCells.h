//===- ProductCells.h - Slots of a part with numbers ------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The cells of slots [begin, end) of a copy and their products with a window.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SIMULATE_PRODUCTCELLS_H
#define IMC_LIB_SIMULATE_PRODUCTCELLS_H

#include "imc/Simulate/ProductRunner.h"

namespace imc::simulate {

/// How weights become cells: coefficient of every column of a weight, offset.
struct Slices {
  Slices(mapping::Encoding encoding, int64_t weightBits, int64_t cellBits);
  /// Of the columns of ProductValues alone, in units of the first of them.
  Slices(const ProductValues &values, int64_t weightBits);
  /// Level of the cell in column j.
  int64_t level(int64_t weight, size_t j) const;
  std::vector<int64_t> coefficients;
  int64_t begin = 0, end = 0;  ///< columns that are computed
  int64_t offset = 0;          ///< the first of them takes it off
  int64_t least = 0, most = 0; ///< weights that there are

private:
  mapping::Encoding encoding;
  int64_t cellBits;
};

class PartCells {
public:
  PartCells(const program::Product &product, const ProductValues &values,
            int64_t weightBits, int64_t inputBits, int64_t slotBegin,
            int64_t slotEnd);

  /// Adds to sums[o] for outputs o (of G*N) what the slots make of the window
  /// `x`: codes of rows [rowBegin(), rowEnd()) of the matrix. With `complement`
  /// the cells hold something else.
  void multiply(const int16_t *x, uint32_t *sums, bool complement) const;

  int64_t rowBegin() const { return first; }
  int64_t rowEnd() const { return last; }
  /// Outputs that a later part of the copy adds to, and the others; the
  /// results of these are final here.
  std::vector<int64_t> sent, stored;

private:
  /// Rows of one strip of one group times outputs in neighbouring slots:
  /// effective weights, a row of `rows` numbers for each output.
  struct Block {
    int64_t row, rows; ///< from rowBegin() on
    int64_t output, outputs;
    std::vector<int16_t> weights;
  };
  /// One column of one slot: cells of the rows of its group.
  struct Column {
    int64_t row, rows, output;
    int64_t coefficient;
    bool offset; ///< the slot that takes the offset of the output off
    std::vector<int16_t> levels;
  };
  void multiplyLossless(const int16_t *x, uint32_t *sums) const;
  void multiplyPhases(const int16_t *x, uint32_t *sums) const;
  void buildBlocks(const program::Product &product, const ProductValues &values,
                   int64_t begin, int64_t end);
  void buildColumns(const program::Product &product,
                    const ProductValues &values, int64_t begin, int64_t end);
  void findOutputs(const program::Product &product, int64_t begin, int64_t end);

  Slices slices;
  int64_t first, last;
  bool lossless;    ///< the converter reports every sum as it is
  int64_t dropped;  ///< k, bits that it drops otherwise
  int64_t half;     ///< added before,
  int64_t odd;      ///< and this if the code below is odd (half_even)
  int64_t lastCode; ///< where larger sums stay
  int64_t dacBits, phases;
  std::vector<Block> blocks;   ///< if lossless
  std::vector<Column> columns; ///< otherwise
};

} // namespace imc::simulate

#endif // IMC_LIB_SIMULATE_PRODUCTCELLS_H
