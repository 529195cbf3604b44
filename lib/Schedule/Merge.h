//===- Merge.h - Parts of a core beside each other --------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A core issues in order, so that parts which are to work at once have to take
// turns block by block. A strand is the blocks of one part; rounds are loops in
// each iteration of which every strand takes a fixed number of blocks. Two
// blocks of a part are in flight, so an iteration lasts about as long as its
// slowest strand: with all strands at the same pace, the beat lasts as long as
// its slowest part instead of the sum of all.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SCHEDULE_MERGE_H
#define IMC_LIB_SCHEDULE_MERGE_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace imc::schedule::detail {

/// Blocks of one part: how many, and how long one takes, in any unit that the
/// strands of a core share.
struct Strand {
  int64_t blocks = 0;
  double time = 0;
};

/// A loop: `iterations` times `blocks[s]` blocks of each strand s.
struct Round {
  int64_t iterations = 0;
  std::vector<int64_t> blocks;
  double time = 0; ///< of an iteration: of its slowest strand
};

/// Time of strands that take one block each per iteration as long as they have
/// some: the sum over iterations of the slowest strand. O(n log n).
double timeInStep(llvm::ArrayRef<Strand> strands);

/// Rounds that do all blocks of all strands. One round where all have equally
/// many; otherwise, of one loop whose iterations take up to `mostBlocks` blocks
/// followed by loops for what is left over, the choice with the least time.
std::vector<Round> planRounds(llvm::ArrayRef<Strand> strands);

/// Strands of the blocks of one iteration, in an order that spreads those of
/// each evenly.
std::vector<size_t> orderOf(const Round &round);

} // namespace imc::schedule::detail

#endif // IMC_LIB_SCHEDULE_MERGE_H
