//===- Turns.h - Parts that take turns at the global buffer -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The global buffer serves in the order in which requests come, and a part has
// no more than a load and two stores there at a time. While it is busy
// throughout, a request waits as long as all the others take that are there
// (E-TIME-11): products of many parts hold up those of few, which end late,
// when the buffer has little to do. Units: s.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_TURNS_H
#define IMC_LIB_COST_TURNS_H

#include <vector>

namespace imc::cost::detail {

/// What a part takes for one inference, or all parts of a core, which go on
/// block by block together.
struct Turns {
  double count = 0; ///< equal ones
  double blocks = 0;
  double buffer = 0; ///< on the global buffer
  double steady = 0; ///< arrays, or the busiest link of the product
  double port = 0;   ///< of the tile buffer
  double loads = 0;  ///< requests: blocks that need rows of their own
  double load = 0;   ///< ... one after the other where nobody else asks
  // Of a block: where it waits for loads, and what loads and products take.
  double share = 0, toLoad = 0;
  double toStore = 0; ///< of a block: products and store, with the way
  // Behind the last block: where the buffer is busy until then, and where not.
  double last = 0, ends = 0;

  /// Parts of one core take turns there, too.
  void join(const Turns &other);
  /// Seconds from one block to the next where each request waits for `wait`.
  double cycle(double wait) const;
};

/// When the last of them is done, where all begin at once; 0 where the buffer
/// is never busy throughout. Parts of one block are left out: they ask once,
/// and their cores are the first to be ready for a beat.
double latestOf(std::vector<Turns> parts);

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_TURNS_H
