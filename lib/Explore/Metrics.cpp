//===- Metrics.cpp - Numbers that a search minimises or bounds ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Metrics.h"

#include "imc/Explore/Design.h"

#include <algorithm>
#include <cassert>
#include <cmath>

using namespace imc::explore;

const std::vector<MetricInfo> &imc::explore::metrics() {
  using S = MetricScope;
  static const std::vector<MetricInfo> table = {
      {"energy_j", "J", S::Model, true, 1e-9, 1e1, "Energy of one inference."},
      {"latency_s", "s", S::Model, true, 1e-9, 1e1, "Time of one inference."},
      {"area_mm2", "mm2", S::Chip, true, 1e-2, 1e4, "Area of the chip."},
      {"power_w", "W", S::Model, true, 1e-6, 1e4, "Energy over latency."},
      {"power_density_w_mm2", "W/mm2", S::Model, true, 1e-6, 1e4,
       "Power over area."},
      {"edp_js", "J s", S::Model, true, 1e-18, 1e2, "Energy times latency."},
      {"edap_js_mm2", "J s mm2", S::Model, true, 1e-18, 1e4,
       "Energy times latency times area."},
      {"adc_lost_bits", "bit", S::Model, false, 0, 0,
       "Bits that the converters drop in the worst layer."},
      {"sqnr_db", "dB", S::Model, false, 0, 0,
       "Signal to quantisation noise of the chain of products."},
      {"top1", "", S::Model, false, 0, 0,
       "Share of samples classified rightly, in closed form."},
      {"top1_loss", "", S::Model, true, 1e-3, 1,
       "Share of samples classified wrongly, in closed form."},
      {"top1_yield", "", S::Model, false, 0, 0,
       "Share of draws of the device whose top-1 is above the floor."},
      {"yield_loss", "", S::Model, true, 1e-3, 1,
       "Share of draws of the device whose top-1 is below the floor."},
  };
  return table;
}

const MetricInfo *imc::explore::findMetric(llvm::StringRef name) {
  name = name.split(':').first;
  for (const MetricInfo &info : metrics())
    if (name == info.name)
      return &info;
  return nullptr;
}

static constexpr const char *kAggregates[] = {"max",     "mean",   "geomean",
                                              "product", "regret", "pareto"};

llvm::Expected<Aggregate> imc::explore::parseAggregate(llvm::StringRef name) {
  for (size_t i = 0; i < std::size(kAggregates); ++i)
    if (name == kAggregates[i])
      return static_cast<Aggregate>(i);
  return makeError("unknown aggregate '" + name +
                   "'; there are max, mean, geomean, product, regret, "
                   "pareto");
}

const char *imc::explore::aggregateName(Aggregate aggregate) {
  return kAggregates[static_cast<size_t>(aggregate)];
}

double imc::explore::aggregate(Aggregate how, llvm::ArrayRef<double> values,
                               llvm::ArrayRef<double> weights,
                               llvm::ArrayRef<double> best) {
  assert(!values.empty() && values.size() == weights.size());
  // One model is its own mean, without the rounding of logarithms.
  if (values.size() == 1 && how != Aggregate::Regret)
    if (how == Aggregate::Mean || how == Aggregate::Geomean ||
        how == Aggregate::Pareto || weights[0] == 1)
      return values[0];
  double result = 0, weight = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    weight += weights[i];
    switch (how) {
    case Aggregate::Max:
      result = std::max(result, weights[i] * values[i]);
      break;
    case Aggregate::Mean:
      result += weights[i] * values[i];
      break;
    case Aggregate::Geomean:
    case Aggregate::Product:
    case Aggregate::Pareto:
      result += weights[i] * std::log(values[i]);
      break;
    case Aggregate::Regret:
      assert(best.size() == values.size());
      result = std::max(result, weights[i] * (values[i] / best[i]));
      break;
    }
  }
  switch (how) {
  case Aggregate::Mean:
    return result / weight;
  case Aggregate::Geomean:
  case Aggregate::Pareto:
    return std::exp(result / weight);
  case Aggregate::Product:
    return std::exp(result);
  case Aggregate::Max:
  case Aggregate::Regret:
    return result;
  }
  return result;
}
