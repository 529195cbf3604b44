//===- Kriging.cpp - Corrections learned from a few points ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Kriging.h"

#include <algorithm>
#include <cmath>

using namespace imc::accuracy;

void Kriging::setBlocks(std::vector<size_t> sizes) {
  blocks = std::move(sizes);
  scales.assign(blocks.size(), 1);
  centres.clear();
}

double Kriging::at(const Place &place) const {
  double sum = 0;
  for (const Centre &c : centres) {
    double square = 0;
    size_t i = 0;
    for (size_t b = 0; b != blocks.size(); ++b) {
      double part = 0;
      for (const size_t end = i + blocks[b]; i != end; ++i)
        part += (c.place[i] - place[i]) * (c.place[i] - place[i]);
      square += scales[b] * scales[b] * part;
    }
    sum += c.weight * std::exp(-std::sqrt(square));
  }
  return sum;
}

/// Inverse of a symmetric positive definite matrix (n x n, by rows), by
/// elimination without pivots: a covariance with a nugget needs none.
static void invert(std::vector<double> &a, size_t n) {
  for (size_t k = 0; k != n; ++k) {
    double *row = &a[k * n];
    const double pivot = 1 / row[k];
    row[k] = 1;
    for (size_t j = 0; j != n; ++j)
      row[j] *= pivot;
    for (size_t i = 0; i != n; ++i) {
      if (i == k)
        continue;
      double *other = &a[i * n];
      const double factor = other[k];
      other[k] = 0;
      for (size_t j = 0; j != n; ++j)
        other[j] -= factor * row[j];
    }
  }
}

namespace {
/// One choice of scales and nugget.
struct Trial {
  double cost = 0;
  std::vector<double> weights, others;
};

/// Squared distances by block, and what is fitted.
struct Points {
  size_t n;
  std::vector<std::vector<double>> apart; ///< by block, n x n
  const std::vector<double> &values, &importance;

  Trial tryWith(const std::vector<double> &scales, double nugget) const {
    std::vector<double> covariance(n * n, 0);
    for (size_t b = 0; b != apart.size(); ++b)
      for (size_t i = 0; i != n * n; ++i)
        covariance[i] += scales[b] * scales[b] * apart[b][i];
    for (double &v : covariance)
      v = std::exp(-std::sqrt(v));
    for (size_t i = 0; i != n; ++i)
      covariance[i * n + i] += nugget;
    invert(covariance, n);
    Trial t;
    t.weights.assign(n, 0);
    t.others.assign(n, 0);
    for (size_t i = 0; i != n; ++i) {
      for (size_t j = 0; j != n; ++j)
        t.weights[i] += covariance[i * n + j] * values[j];
      // The error of predicting i from the others.
      const double e = t.weights[i] / covariance[i * n + i];
      t.others[i] = values[i] - e;
      t.cost += importance[i] * e * e;
    }
    return t;
  }
};
} // namespace

std::vector<double> Kriging::fit(const std::vector<Place> &places,
                                 const std::vector<double> &values,
                                 const std::vector<double> &importance,
                                 int rounds) {
  centres.clear();
  const size_t n = places.size();
  std::vector<double> none(n, 0);
  // Two or three say nothing of a scale.
  if (n < 4)
    return none;
  Points points{n, {}, values, importance};
  size_t first = 0;
  for (size_t size : blocks) {
    std::vector<double> &apart = points.apart.emplace_back(n * n, 0);
    for (size_t i = 0; i != n; ++i)
      for (size_t j = 0; j != n; ++j)
        for (size_t k = first; k != first + size; ++k)
          apart[i * n + j] +=
              (places[i][k] - places[j][k]) * (places[i][k] - places[j][k]);
    first += size;
  }
  double nothing = 0;
  for (size_t i = 0; i != n; ++i)
    nothing += importance[i] * values[i] * values[i];

  Trial best = points.tryWith(scales, nugget);
  if (rounds == 0) {
    const std::vector<double> given = scales;
    for (double factor : {0.25, 0.5, 2.0, 4.0}) {
      std::vector<double> tried = given;
      for (double &s : tried)
        s *= factor;
      Trial t = points.tryWith(tried, nugget);
      if (t.cost < best.cost) {
        best = std::move(t);
        scales = tried;
      }
    }
  }
  std::vector<double> step(blocks.size() + 1, 0.8); // of logarithms
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i != step.size(); ++i) {
      bool better = false;
      for (double sign : {1.0, -1.0}) {
        std::vector<double> tried = scales;
        double triedNugget = nugget;
        double &value = i == blocks.size() ? triedNugget : tried[i];
        value = std::clamp(value * std::exp(sign * step[i]), 0.003, 20.0);
        Trial t = points.tryWith(tried, triedNugget);
        if (t.cost < best.cost) {
          best = std::move(t);
          scales = std::move(tried);
          nugget = triedNugget;
          better = true;
          break;
        }
      }
      step[i] *= better ? 1.3 : 0.5;
    }
  if (best.cost >= nothing)
    return none;
  for (size_t i = 0; i != n; ++i)
    centres.push_back({places[i], best.weights[i]});
  return best.others;
}
