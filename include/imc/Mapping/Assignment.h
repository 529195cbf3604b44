//===- Assignment.h - Blocks on the cores of a mesh -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which core holds which block, so that bits travel over as few hops as
// possible: a quadratic assignment problem with room for several blocks per
// core. Distances are those of E-NOC (docs/spec/cost-model.md): cores fill the
// rows of a mesh, messages take XY routes, and the global buffer stands before
// the middle router of the first row.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_ASSIGNMENT_H
#define IMC_MAPPING_ASSIGNMENT_H

#include "imc/Mapping/Problem.h"

namespace imc::mapping::assignment {

struct Block {
  std::string name; ///< for messages, may be empty
  int64_t arrays = 1;
};

/// `from` and `to` are indices of blocks, or -1 for the global buffer.
struct Flow {
  int64_t from, to, bits;
};

struct Problem {
  static constexpr llvm::StringLiteral kind = "assignment";
  int64_t cores = 1;
  int64_t width = 1;           ///< of the mesh; the last row may be shorter
  int64_t arrays_per_core = 1; ///< blocks share a core as far as they fit
  std::vector<Block> blocks;
  std::vector<Flow> traffic;

  static constexpr int64_t maxCores = int64_t(1) << 16;

  /// Hops between the routers of two cores; -1 for the global buffer, whose
  /// messages pass the router of the core too.
  int64_t hops(int64_t a, int64_t b) const;

  /// linear: in order, the next core when a block does not fit.
  /// greedy: the block with most traffic to those that have a core (the first
  ///   one: most traffic) goes where it costs least.
  /// local_search: from the better of the two, moves blocks and exchanges two
  ///   of them as long as that saves.
  static llvm::ArrayRef<llvm::StringRef> algorithms();
  static llvm::Expected<Problem> parse(const llvm::json::Value &value);
};

struct Solution {
  std::vector<int64_t> cores; ///< of Problem::blocks
  static llvm::Expected<Solution> parse(const llvm::json::Value &value);
};

/// Blocks that no core can hold are refused by name, as are more arrays than
/// there are.
llvm::Error check(const Problem &problem);
llvm::Error verify(const Problem &problem, const Solution &solution);
/// Sum of bits x hops.
int64_t objective(const Problem &problem, const Solution &solution);
std::string objectiveUnit(const Problem &problem);
/// Fails when an algorithm leaves a block without a core that has room.
llvm::Expected<Solution> solve(const Problem &problem,
                               llvm::StringRef algorithm);
llvm::json::Value toJSON(const Problem &problem);
llvm::json::Value toJSON(const Solution &solution);

} // namespace imc::mapping::assignment

#endif // IMC_MAPPING_ASSIGNMENT_H
