//===- LocalSearch.h - Pareto local search ----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Paquete, Chiarandini, Stuetzle: Pareto local optimum sets in the biobjective
// traveling salesman problem (in: Metaheuristics for Multiobjective
// Optimisation, LNEMS 535, 2004): every non-dominated design is expanded once
// into all its neighbours, which differ in one knob: an ordered knob by one
// step, a categorical one by any other value. When no member is left to expand
// it starts again from random designs. Before anything is feasible it descends
// in violation.
//
// With one objective this is steepest descent with restarts. Good for polishing
// and where few knobs act together; constraints that tie knobs stop it.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_LOCALSEARCH_H
#define IMC_SEARCH_ALGORITHMS_LOCALSEARCH_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

struct LocalSearchOptions {
  std::size_t starts = 32; ///< random designs of a (re)start, at least 1
  std::size_t batch = 64;  ///< neighbours asked at once, about; at least 1
};

/// The algorithm with checked options.
Expected<std::unique_ptr<Algorithm>>
makeLocalSearch(const LocalSearchOptions &options);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_LOCALSEARCH_H
