//===- Segments.h - Weights that take turns on a chip -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks of weights are used in a given order and have to be in a place when
// they are. What stays, what is replaced, and when, so that as few blocks as
// possible are written? This is paging (Belady, IBM Systems Journal 5(2),
// 1966): replacing the block that is used again last is optimal for a known
// order.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_SEGMENTS_H
#define IMC_MAPPING_SEGMENTS_H

#include "imc/Mapping/Problem.h"

namespace imc::mapping::segments {

struct Block {
  std::string name; ///< for messages, may be empty
  int64_t arrays = 1;
};

/// Places hold one block each, whatever its size.
struct Problem {
  static constexpr llvm::StringLiteral kind = "segments";
  int64_t places = 1;
  int64_t place_arrays = 1; ///< of each place
  std::vector<Block> blocks;
  std::vector<int64_t> order; ///< uses: indices into `blocks`
  int64_t rounds = 1;         ///< times that `order` is gone through

  /// Longest order, all rounds counted.
  static constexpr int64_t maxUses = int64_t(1) << 24;

  /// fifo: replaces what was written first; lru: what was used last longest
  ///   ago.
  /// fixed: the least that a loop can write whose rounds are all alike. Blocks
  ///   stay in all places but one, the others are written in each round.
  ///   Refused when a round uses a block twice.
  /// belady: the optimum.
  static llvm::ArrayRef<llvm::StringRef> algorithms();
  static llvm::Expected<Problem> parse(const llvm::json::Value &value);

  int64_t uses() const { return int64_t(order.size()) * rounds; }
};

/// Before use number `use` (from 0, all rounds counted), `block` is written to
/// `place`, over what was there.
struct Write {
  int64_t use, place, block;
};

struct Solution {
  std::vector<Write> writes; ///< by `use`
  static llvm::Expected<Solution> parse(const llvm::json::Value &value);
};

/// Blocks of different sizes are fine as long as each fits a place; one that
/// does not is refused by name.
llvm::Error check(const Problem &problem);
/// Walks through all uses: each block is in a place when it is used.
llvm::Error verify(const Problem &problem, const Solution &solution);
/// Blocks written.
int64_t objective(const Problem &problem, const Solution &solution);
std::string objectiveUnit(const Problem &problem);
llvm::Expected<Solution> solve(const Problem &problem,
                               llvm::StringRef algorithm);
llvm::json::Value toJSON(const Problem &problem);
llvm::json::Value toJSON(const Solution &solution);

} // namespace imc::mapping::segments

#endif // IMC_MAPPING_SEGMENTS_H
