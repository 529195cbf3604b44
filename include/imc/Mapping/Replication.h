//===- Replication.h - Copies of layers on a budget of arrays ---*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many copies of each layer fit a chip best. A layer with c copies works
// through its windows in ceil(windows / c) steps, each as long as its time per
// window; the objective is the time of the slowest layer (throughput of a
// pipeline) or the sum (layer by layer).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_REPLICATION_H
#define IMC_MAPPING_REPLICATION_H

#include "imc/Mapping/Problem.h"

namespace imc::mapping::replication {

struct Layer {
  std::string name;    ///< for messages, may be empty
  int64_t windows = 1; ///< M
  int64_t arrays = 1;  ///< of one copy
  int64_t time = 1;    ///< of one window, in any unit that all layers share
  int64_t count = 1;   ///< equal layers, which get equally many copies each
  int64_t copies = 0;  ///< decided before; 0: to be found
  int64_t fewest() const { return copies > 0 ? copies : 1; }
};

enum class Objective { Bottleneck, Sum };

/// Give every layer at least one copy, and at most as many as it has windows,
/// or those that are decided, without using more than `arrays`. Copies are
/// placed in order, aligned to cores (Cores.h).
struct Problem {
  static constexpr llvm::StringLiteral kind = "replication";
  Objective objective = Objective::Bottleneck;
  int64_t arrays = 0;
  int64_t core = 1; ///< arrays of a core; 1: no copy needs to be aligned
  std::vector<Layer> layers;

  static constexpr int64_t maxWindows = int64_t(1) << 32; ///< of all layers

  /// none: one copy each, or those that are decided.
  /// balanced: all layers take as few windows per copy as fit, whatever their
  ///   times (mapping::balancedWindows).
  /// marginal_gain: one step after the other. Bottleneck: the slowest layer
  ///   gets the fewest copies that make it faster. Sum: the step that saves
  ///   most per array.
  /// exact: proven optimum. Bottleneck: bisection over the time. Sum: dynamic
  ///   programming over the layers; states (first free array, time) that
  ///   another dominates or whose Lagrangian bound reaches the best known
  ///   solution are left out.
  static llvm::ArrayRef<llvm::StringRef> algorithms();
  static llvm::Expected<Problem> parse(const llvm::json::Value &value);
};

struct Solution {
  std::vector<int64_t> copies; ///< of Problem::layers
  static llvm::Expected<Solution> parse(const llvm::json::Value &value);
};

/// Names the layer and the shortage when one copy of each does not fit.
llvm::Error check(const Problem &problem);
llvm::Error verify(const Problem &problem, const Solution &solution);
int64_t objective(const Problem &problem, const Solution &solution);
std::string objectiveUnit(const Problem &problem);
llvm::Expected<Solution> solve(const Problem &problem,
                               llvm::StringRef algorithm);
llvm::json::Value toJSON(const Problem &problem);
llvm::json::Value toJSON(const Solution &solution);

/// First free array behind so many copies.
int64_t endOf(const Problem &problem, llvm::ArrayRef<int64_t> copies);

/// One copy of each layer, or those that are decided.
std::vector<int64_t> fewestCopies(const Problem &problem);

/// The algorithms without names, for planners. They need check() to pass.
std::vector<int64_t> marginalGain(const Problem &problem);
std::vector<int64_t> exact(const Problem &problem);

} // namespace imc::mapping::replication

#endif // IMC_MAPPING_REPLICATION_H
