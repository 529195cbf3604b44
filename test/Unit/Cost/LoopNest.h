//===- LoopNest.h - Executes the loop nest of one layer ---------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An oracle for the counts of the cost model: a layer is executed on a chip
// word by word, cell by cell and event by event, and what happens is counted
// with increments and sets. Nothing is derived from a formula: where a weight
// lies follows from laying rows and columns down one after the other, how many
// tiles share a strip from looking at where its arrays ended up. The walk
// computes with random numbers and compares its outputs with the plain product,
// so that a step left out shows.
//
// It executes docs/spec/cost-model.md under the assumptions named there:
// A-ORDER, A-CORE, A-IM2COL, A-WRITE, A-WORD, A-RELOAD. Units of the
// counts are those of cost::Counts.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_COST_LOOPNEST_H
#define IMC_TEST_UNIT_COST_LOOPNEST_H

#include "imc/Cost/Cost.h"

#include <cstdint>
#include <vector>

namespace imc::test {

/// A product as its windows see it: which input element each row of each group
/// reads in each window.
struct Nest {
  int64_t windows = 0, rows = 0, cols = 0, groups = 1;
  int64_t elements = 0; ///< of the input tensor
  /// [window][group * rows + row]: index of an element, -1 for padding.
  std::vector<std::vector<int64_t>> source;
  /// [group * rows + row]: the input channel that it reads.
  std::vector<int64_t> channelOf;

  /// One word of a row of the input: an element, or -1 for a zero of padding.
  struct Word {
    int64_t element, channel;
  };
  /// Rows of all images, padding above and below included, and the first and
  /// last of them that each window spans. A window of a matrix product is a
  /// row.
  std::vector<std::vector<Word>> lines;
  std::vector<int64_t> firstLine, lastLine;
};

/// Per group, windows x rows times rows x cols.
Nest matmulNest(int64_t windows, int64_t rows, int64_t cols,
                int64_t groups = 1);

/// A convolution, all sizes as in workload::convolution.
Nest convolutionNest(int64_t batch, int64_t channels, int64_t height,
                     int64_t width, int64_t filters, int64_t kernelHeight,
                     int64_t kernelWidth, int64_t stride, int64_t padding,
                     int64_t groups);

/// Which loop is outside: all tiles do one window before the next comes, or one
/// tile does all its windows before the next begins.
enum class Order { WindowsOutside, TilesOutside };

struct Execution {
  Order order = Order::WindowsOutside;
  int64_t copies = 1;
  bool rewritten = false; ///< the cells are written before the layer runs
  int64_t firstArray = 0; ///< of the first copy
  /// The weights are activations: they come from the global buffer each time.
  bool dynamic = false;
  int64_t arrays = 0; ///< that it may use; 0: those of the chip
  unsigned seed = 1;  ///< of the numbers that are multiplied
};

/// What happened.
struct Walked {
  cost::Counts counts;
  /// Outputs equal those of the plain product.
  bool correct = true;
  /// The largest row that was driven and column that was read, to compare with
  /// the cut of the mapping.
  int64_t packs = 0, strips = 0, column_tiles = 0;
};

/// Executes a product with stored weights. All bits of the converters are used.
Walked execute(const Nest &nest, const machine::Machine &machine,
               const mapping::Knobs &knobs, const Execution &how);

/// Puts words into a buffer until it is full; the rest overflows.
void fillBuffer(double capacityBits, int64_t words, int64_t wordBits,
                double &used, double &overflow);

/// Executes a product of two activations on the lanes: per group, windows x
/// rows times rows x cols, both from the global buffer.
Walked executeOnLanes(int64_t windows, int64_t rows, int64_t cols,
                      int64_t groups, const machine::Machine &machine,
                      const mapping::Knobs &knobs);

/// Executes element-wise work: `operations` per output element, inputs that are
/// read once.
Walked executeElementwise(int64_t inputs, int64_t outputs,
                          int64_t operationsPerOutput,
                          const machine::Machine &machine,
                          const mapping::Knobs &knobs);

} // namespace imc::test

#endif // IMC_TEST_UNIT_COST_LOOPNEST_H
