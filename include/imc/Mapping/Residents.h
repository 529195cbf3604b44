//===- Residents.h - Blocks that stay on a chip that is too small -*- C++ -*-=//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks of different sizes, each used once per round, on a chip that cannot
// hold all of them. Some stay; the others are written in each round, one after
// the other, to the arrays that are left. Which ones stay, so that as few cells
// as possible are written? A 0/1 knapsack.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_RESIDENTS_H
#define IMC_MAPPING_RESIDENTS_H

#include "imc/Mapping/Problem.h"

namespace imc::mapping::residents {

struct Block {
  std::string name; ///< for messages, may be empty
  int64_t arrays = 1;
  int64_t cells = 1; ///< written in each round unless the block stays
};

struct Problem {
  static constexpr llvm::StringLiteral kind = "residents";
  int64_t arrays = 1;
  /// Arrays that blocks which do not stay share at least. Those that are larger
  /// than what is left are written in several goes.
  int64_t shared = 1;
  std::vector<Block> blocks;

  /// sweep: nothing stays.
  /// in_order: what fits stays, the first blocks first.
  /// greedy: what fits stays, those with most cells per array first.
  /// exact: dynamic programming over the arrays; refused beyond maxTable
  ///   entries.
  static llvm::ArrayRef<llvm::StringRef> algorithms();
  static llvm::Expected<Problem> parse(const llvm::json::Value &value);

  /// Largest blocks x arrays of the exact algorithm's table.
  static constexpr int64_t maxTable = int64_t(1) << 32;
};

struct Solution {
  std::vector<int64_t> stay; ///< indices into Problem::blocks, ascending
  static llvm::Expected<Solution> parse(const llvm::json::Value &value);
};

llvm::Error check(const Problem &problem);
/// What stays fits, and leaves `shared` arrays unless everything stays.
llvm::Error verify(const Problem &problem, const Solution &solution);
/// Cells written per round.
int64_t objective(const Problem &problem, const Solution &solution);
std::string objectiveUnit(const Problem &problem);
llvm::Expected<Solution> solve(const Problem &problem,
                               llvm::StringRef algorithm);
llvm::json::Value toJSON(const Problem &problem);
llvm::json::Value toJSON(const Solution &solution);

} // namespace imc::mapping::residents

#endif // IMC_MAPPING_RESIDENTS_H
