//===- NSGA2.h - NSGA-II for finite mixed spaces ----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The elitist genetic algorithm of Deb, Pratap, Agarwal and Meyarivan (IEEE TEC
// 6(2), 2002): rank by non-domination, spread by crowding, feasible before
// infeasible. What is ours is the discrete part:
//
// - Genes are value indices. Crossover picks each gene from either parent, for
//   ordered knobs sometimes a value between both. Mutation moves an ordered
//   knob by steps of all magnitudes, a categorical knob to any other value.
// - Some children are made by difference instead, as in differential evolution
//   (Storn, Price, J. Global Optimization 11, 1997): one parent, moved by what
//   tells two similar individuals apart. It finds steps in several knobs at
//   once that constraints force to go together. Measured on IMC-MIX
//   (docs/search.md), it does more than any tuning of crossover and mutation.
// - No design is ever asked twice. A child that exists already is mutated
//   further; a space of which everything has been asked ends the search.
// - Of several designs with equal objectives one competes, the others come
// last.
//
// Strong from about 1,000 evaluations on and for two or three objectives; with
// more, nearly everything is non-dominated and crowding steers poorly.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_NSGA2_H
#define IMC_SEARCH_ALGORITHMS_NSGA2_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

struct NSGA2Options {
  /// Designs per generation, at least 4. An odd number is fine.
  std::size_t population = 100;
  /// Probability that a child is made by difference, 0 to 1.
  double difference = 0.3;
  /// Probability that any other child has two parents, 0 to 1.
  double crossover = 0.9;
  /// Expected number of genes that mutation changes in a child, 0 to 1000; more
  /// than the number of knobs changes all. Low, because a child that exists
  /// already is mutated anyway until it is new.
  double mutations = 0.1;
  /// Measure crowding in log2 of the objectives. Right for energy, latency and
  /// area, which span decades; needs positive objectives (tell() says so).
  bool logObjectives = false;
};

/// The algorithm with checked options; refusals name the option and its range.
Expected<std::unique_ptr<Algorithm>> makeNSGA2(const NSGA2Options &options);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_NSGA2_H
