//===- NSGA3.h - NSGA-III for three and more objectives ---------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Deb, Jain: An evolutionary many-objective optimization algorithm using
// reference-point-based nondominated sorting approach, part I (IEEE TEC 18(4),
// 2014), with the constraints of part II. Of the last front that fits, those
// survive whose directions are least represented: directions are the points of
// Das and Dennis (SIAM J. Optimization 8(3), 1998) on the simplex, two layers
// of them where the objectives outnumber the divisions, and objectives are
// normalised by the ideal point and the intercepts of the extreme points seen
// so far. Variation is that of `nsga2`.
//
// For evenly spread fronts of three and more objectives; with two, `nsga2` does
// as well.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHMS_NSGA3_H
#define IMC_SEARCH_ALGORITHMS_NSGA3_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

struct NSGA3Options {
  /// Designs per generation, at least 4. As many divisions of the simplex are
  /// taken as give at most this many directions.
  std::size_t population = 100;
  double difference = 0.3; ///< as in NSGA2Options
  double crossover = 0.9;  ///< as in NSGA2Options
  double mutations = 0.1;  ///< as in NSGA2Options
  /// Normalise log2 of the objectives. Right for energy, latency and area,
  /// which span decades; needs positive objectives (tell() says so).
  bool logObjectives = false;
};

/// The algorithm with checked options; refusals name the option and its range.
Expected<std::unique_ptr<Algorithm>> makeNSGA3(const NSGA3Options &options);

/// The directions for m objectives (m >= 1): rows of m values of sum 1, at most
/// `most` (>= m) of them.
std::vector<double> dasDennisDirections(std::size_t m, std::size_t most);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHMS_NSGA3_H
