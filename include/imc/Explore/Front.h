//===- Front.h - The front file of a search -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The result of `imc search` as a struct and as JSON. The fields that other
// programs rely on are listed in docs/spec/study.md; every number is written
// with 17 significant digits, so reading a front gives the very same doubles.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_FRONT_H
#define IMC_EXPLORE_FRONT_H

#include "imc/Explore/Design.h"

#include <cstdint>
#include <optional>

namespace imc::explore {

/// What one model costs on one design, per inference at batch 1.
struct ModelFigures {
  std::string name;
  double energyJ = 0;
  double latencyS = 0;
  double powerW = 0;    ///< energy / latency
  double edpJs = 0;     ///< energy * latency
  double edapJsMm2 = 0; ///< energy * latency * chip area
  NamedNumbers energyByComponentJ;
  NamedNumbers latencyByComponentS;
  /// What the search believed and what a simulation gave (top1, top1_yield,
  /// closed_form_top1 where simulations correct it, simulated_top1,
  /// simulated_deviation, simulated_yield, trials); empty
  /// without a model of accuracy.
  NamedNumbers accuracy;
};

/// One non-dominated design.
struct FrontPoint {
  int64_t id = 0;       ///< number of its evaluation in the study, from 1
  Design design;        ///< every knob of the space
  NamedNumbers metrics; ///< aggregated metrics: objectives and the others
  std::vector<ModelFigures> models;
  double areaMm2 = 0;
  NamedNumbers areaByComponentMm2;
  std::string command;     ///< shell line that compiles the design
  std::string costCommand; ///< shell line that prices all models on it
  /// Why the passes do not rebuild it; empty: they do. Only in the accounting
  /// of the source paper, which counts cells where placing needs arrays
  /// (E-LEG-7).
  std::string notPlaced;
};

/// How the search went.
struct SearchFigures {
  std::string algorithm;
  uint64_t seed = 0;
  uint64_t budget = 0;    ///< evaluations allowed
  uint64_t evaluated = 0; ///< distinct designs priced
  uint64_t feasible = 0;
  double seconds = 0;
  double evaluationsPerSecond = 0;
  /// Of the front in log10 of the objectives; absent when nothing is feasible.
  std::optional<double> hypervolume;
  /// "proven" (nothing better, or nothing feasible, is left: every design
  /// priced or excluded by a bound), "bound" or "unknown".
  std::string optimum = "unknown";
  /// Relative distance to the proven bound; 0 when proven, absent if unknown.
  std::optional<double> gap;
  /// The same for every objective alone, where a bound is known.
  NamedNumbers gaps;
  /// No feasible design is below, by objective, where something is known.
  NamedNumbers bounds;
  /// Of searches that solve layers exactly (SearchOptions::exactLayers):
  /// designs whose values of layers are proven the best, the others, and how
  /// far the values of one model of these may be from the best.
  std::optional<uint64_t> layersProven, layersBounded;
  std::optional<double> layersGap;
  /// Designs of the front rebuilt by the passes with exactly equal cost.
  uint64_t verified = 0;
  /// Of searches that simulate (AccuracyBelief): simulations that they used,
  /// and models on designs of the front that the budget left unsimulated.
  std::optional<uint64_t> simulations, unsimulated;
};

struct Front {
  std::string version;
  std::string target;
  std::vector<std::string> objectives;
  std::string aggregate;
  SearchFigures search;
  std::vector<FrontPoint> points; ///< sorted by id
};

/// The point with the least `edap_js_mm2`; null when the front is empty.
const FrontPoint *leastEDAP(const Front &front);

llvm::json::Value toJSON(const FrontPoint &point,
                         const std::vector<std::string> &objectives);
llvm::json::Value toJSON(const Front &front);

/// Fails when a field is absent or of the wrong kind; names it
/// ("points[3].metrics: expected object").
llvm::Expected<FrontPoint> frontPointFromJSON(const llvm::json::Value &value,
                                              llvm::StringRef where);
llvm::Expected<Front> frontFromJSON(const llvm::json::Value &value);

} // namespace imc::explore

#endif // IMC_EXPLORE_FRONT_H
