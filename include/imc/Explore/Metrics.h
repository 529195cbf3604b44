//===- Metrics.h - Numbers that a search minimises or bounds --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One list of metric names, with units, for objectives and constraints, and the
// rules by which the figures of several models become one number.
//
// Objectives are aggregated over the models; a constraint holds for every
// single model, so it looks at the worst one (the largest value under "<=", the
// smallest under ">=").
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_METRICS_H
#define IMC_EXPLORE_METRICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace imc::explore {

/// What the metric is a property of.
enum class MetricScope {
  Model, ///< one value per model: energy_j, latency_s, sqnr_db, ...
  Chip,  ///< one value per design: area_mm2
};

struct MetricInfo {
  const char *name;
  const char *unit;
  MetricScope scope;
  bool objective; ///< may be minimised; the others only constrain
  /// Ends of the logarithmic scale on which hypervolumes are measured: the same
  /// for all searches, so that their hypervolumes compare. 0 when no objective.
  double scaleLow, scaleHigh;
  const char *doc;
};

/// All metrics: energy_j, latency_s, area_mm2, power_w, power_density_w_mm2,
/// edp_js, edap_js_mm2, adc_lost_bits, sqnr_db, top1, top1_loss, top1_yield,
/// yield_loss.
const std::vector<MetricInfo> &metrics();
/// By name; null when there is none. What one model has of a metric
/// (`energy_j:resnet18`, see Aggregate::Pareto) is found as that metric.
const MetricInfo *findMetric(llvm::StringRef name);

/// How values of several models become one. With weights w (positive) and
/// values v (positive):
///   Max      max(w v)              the source paper's `max` when w = 1
///   Mean     sum(w v) / sum(w)     its `mean`
///   Geomean  exp(sum(w ln v) / sum(w))
///   Product  exp(sum(w ln v))      its `all`
///   Regret   max(w v / v*)         v* = the least value that a search for that
///                                  model alone found (Savage's minimax regret,
///                                  JASA 46, 1951, as a ratio)
///   Pareto   no one number: every model's value is an objective of its own
///            (`aggregate` gives the geomean, for tables that want one)
enum class Aggregate { Max, Mean, Geomean, Product, Regret, Pareto };

/// "max", "mean", "geomean", "product", "regret", "pareto"; the error lists
/// them.
llvm::Expected<Aggregate> parseAggregate(llvm::StringRef name);
const char *aggregateName(Aggregate aggregate);

/// Aggregates one value per model. `best` holds v* per model and is read by
/// Regret alone. The three arrays have one entry per model, at least one.
double aggregate(Aggregate how, llvm::ArrayRef<double> values,
                 llvm::ArrayRef<double> weights, llvm::ArrayRef<double> best);

} // namespace imc::explore

#endif // IMC_EXPLORE_METRICS_H
