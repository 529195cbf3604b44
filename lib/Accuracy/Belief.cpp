//===- Belief.cpp - Simulations and what they say of the rest -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Belief.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace imc;
using namespace imc::accuracy;
using llvm::Error;
using llvm::Expected;

double Believed::yield(double floor) const {
  Prediction p;
  p.top1 = top1;
  p.deviation = deviation;
  return p.yield(floor);
}

std::string Belief::keyOf(const ArraySettings &s) {
  const crossbar::Arrays &a = s.arrays;
  const crossbar::Readout &r = s.readout;
  std::string text;
  auto add = [&](const char *name, int64_t value) {
    text += (text.empty() ? "" : " ") + std::string(name) + "=" +
            std::to_string(value);
  };
  add("rows", a.rows);
  add("cols", a.cols);
  add("cell_bits", a.cell_bits);
  add("dac_bits", a.dac_bits);
  add("weight_bits", a.weight_bits);
  add("input_bits", a.input_bits);
  add("encoding", int64_t(a.encoding));
  add("adc_bits", r.adc_bits);
  add("range", int64_t(r.range));
  add("range_bits", r.range == crossbar::Range::Bits ? r.range_bits : 0);
  add("ties", int64_t(r.ties));
  add("packing", int64_t(s.packing));
  return text;
}

std::vector<double> Belief::placeOf(const Prediction &p) const {
  // Terms of all products together weigh as much as the prediction itself.
  const double scale = 1 / std::sqrt(double(p.layers.size()));
  std::vector<double> place;
  for (auto [e, rounding] : llvm::zip_equal(p.layers, p.roundings)) {
    place.push_back(scale * std::log10(1e-4 + e.residual + e.bias + rounding));
    place.push_back(scale * 4 * e.gain);
    place.push_back(scale * std::asinh(3 * e.offset));
  }
  const double share = std::clamp(p.top1, 0.01, 0.99);
  place.push_back(std::log(share / (1 - share)));
  return place;
}

static double distance(const std::vector<double> &a,
                       const std::vector<double> &b) {
  double square = 0;
  for (size_t i = 0; i != a.size(); ++i)
    square += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(square);
}

double Belief::correction(const std::vector<double> &place) const {
  double sum = 0;
  for (const auto &[centre, weight] : centres)
    sum += weight * std::exp(-distance(centre, place) / range);
  return sum;
}

Expected<Believed> Belief::of(const ArraySettings &settings) const {
  Believed out;
  if (auto at = known.find(keyOf(settings)); at != known.end()) {
    out.top1 = at->second.top1;
    out.deviation = at->second.deviation;
    out.closedForm = at->second.closedForm;
    out.simulated = true;
    return out;
  }
  Expected<Prediction> p = model->predict(settings);
  if (!p)
    return p.takeError();
  out.closedForm = p->top1;
  out.deviation = p->deviation;
  out.top1 = p->top1;
  if (!centres.empty())
    out.top1 = std::clamp(p->top1 + correction(placeOf(*p)), 0.0, 1.0);
  return out;
}

Error Belief::learn(const ArraySettings &settings, double top1,
                    double deviation) {
  Expected<Prediction> p = model->predict(settings);
  if (!p)
    return p.takeError();
  known[keyOf(settings)] = {top1, deviation, p->top1, placeOf(*p)};
  return Error::success();
}

/// Inverse of a symmetric positive definite matrix (n x n, by rows), by
/// elimination without pivots; what is not positive definite cannot occur with
/// a covariance and a nugget.
static std::vector<double> inverse(std::vector<double> a, size_t n) {
  for (size_t k = 0; k != n; ++k) {
    const double pivot = 1 / a[k * n + k];
    a[k * n + k] = 1;
    for (size_t j = 0; j != n; ++j)
      a[k * n + j] *= pivot;
    for (size_t i = 0; i != n; ++i) {
      if (i == k)
        continue;
      const double factor = a[i * n + k];
      a[i * n + k] = 0;
      for (size_t j = 0; j != n; ++j)
        a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return a;
}

void Belief::refit() {
  centres.clear();
  const size_t n = known.size();
  // Two or three say nothing of a range.
  if (n < 4)
    return;
  std::vector<const Known *> all;
  for (const auto &[key, k] : known)
    all.push_back(&k);
  std::vector<double> apart(n * n), off(n);
  for (size_t i = 0; i != n; ++i) {
    off[i] = all[i]->top1 - all[i]->closedForm;
    for (size_t j = 0; j != n; ++j)
      apart[i * n + j] = distance(all[i]->place, all[j]->place);
  }
  double least = 0;
  for (double value : off)
    least += value * value; // no correction at all
  // What no term explains, in parts of what the process does.
  constexpr double nugget = 0.15;
  for (double tried : {0.25, 0.5, 1.0, 2.0, 4.0}) {
    std::vector<double> covariance(n * n);
    for (size_t i = 0; i != n * n; ++i)
      covariance[i] = std::exp(-apart[i] / tried);
    for (size_t i = 0; i != n; ++i)
      covariance[i * n + i] += nugget;
    const std::vector<double> inverted = inverse(std::move(covariance), n);
    std::vector<double> weights(n);
    double sum = 0;
    for (size_t i = 0; i != n; ++i) {
      for (size_t j = 0; j != n; ++j)
        weights[i] += inverted[i * n + j] * off[j];
      // The error of predicting i from the others.
      const double e = weights[i] / inverted[i * n + i];
      sum += e * e;
    }
    if (sum >= least)
      continue;
    least = sum;
    range = tried;
    centres.clear();
    for (size_t i = 0; i != n; ++i)
      centres.emplace_back(all[i]->place, weights[i]);
  }
}
