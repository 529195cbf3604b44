//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Pareto.h"

#include <algorithm>
#include <cmath>

using namespace imc::search;

double imc::search::portableLog2(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent); // exact, in [0.5, 1)
  if (mantissa < 0.70710678118654752440) {
    mantissa *= 2;
    --exponent;
  }
  // ln z = 2 (s + s^3/3 + s^5/5 + ...) with s = (z - 1) / (z + 1), |s| < 0.172:
  // the terms left out are below 2^-56.
  const double s = (mantissa - 1) / (mantissa + 1);
  const double t = s * s;
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2)
    sum = sum * t + 1.0 / k;
  return exponent + 2.8853900817779268 /* 2 / ln 2 */ * (s * sum);
}

namespace {
/// Points inside the reference box, row after row.
using Rows = std::vector<double>;
} // namespace

static double volume2(const Rows &rows, const double *reference) {
  std::vector<std::pair<double, double>> points;
  points.reserve(rows.size() / 2);
  for (std::size_t i = 0; i < rows.size(); i += 2)
    points.push_back({rows[i], rows[i + 1]});
  std::sort(points.begin(), points.end());
  double volume = 0, top = reference[1];
  for (const auto &[x, y] : points)
    if (y < top) {
      volume += (reference[0] - x) * (top - y);
      top = y;
    }
  return volume;
}

/// Sweeps the third objective upwards; between two values the volume grows by
/// the area under the staircase of the points passed so far.
static double volume3(const Rows &rows, const double *reference) {
  struct Point {
    double x, y, z;
  };
  std::vector<Point> points;
  points.reserve(rows.size() / 3);
  for (std::size_t i = 0; i < rows.size(); i += 3)
    points.push_back({rows[i], rows[i + 1], rows[i + 2]});
  std::sort(points.begin(), points.end(), [](const Point &a, const Point &b) {
    return a.z != b.z ? a.z < b.z : a.x != b.x ? a.x < b.x : a.y < b.y;
  });

  struct Step {
    double x, y; // x ascends, y descends
  };
  std::vector<Step> steps;
  double volume = 0, area = 0, level = 0;
  for (const Point &point : points) {
    auto first =
        std::lower_bound(steps.begin(), steps.end(), point.x,
                         [](const Step &step, double x) { return step.x < x; });
    double top = first == steps.begin() ? reference[1] : (first - 1)->y;
    if (first != steps.end() && first->x == point.x)
      top = std::min(top, first->y);
    if (top <= point.y)
      continue;
    volume += area * (point.z - level);
    level = point.z;
    // The new step gains the strips up to each old step that it replaces.
    top = first == steps.begin() ? reference[1] : (first - 1)->y;
    double x = point.x;
    auto end = first;
    for (; end != steps.end() && end->y >= point.y; ++end) {
      area += (end->x - x) * (top - point.y);
      x = end->x;
      top = end->y;
    }
    area +=
        ((end == steps.end() ? reference[0] : end->x) - x) * (top - point.y);
    if (first == end) {
      steps.insert(first, {point.x, point.y});
    } else {
      *first = {point.x, point.y};
      steps.erase(first + 1, end);
    }
  }
  return volume + area * (reference[2] - level);
}

/// Keeps the rows that no other row covers.
static Rows nonDominated(const Rows &rows, std::size_t m) {
  const std::size_t n = rows.size() / m;
  Rows kept;
  for (std::size_t i = 0; i < n; ++i) {
    const double *row = &rows[i * m];
    bool covered = false;
    for (std::size_t j = 0; j < n && !covered; ++j)
      covered = j != i && covers(&rows[j * m], row, m) &&
                (j < i || !covers(row, &rows[j * m], m));
    if (!covered)
      kept.insert(kept.end(), row, row + m);
  }
  return kept;
}

static double volume(const Rows &rows, std::size_t m, const double *reference);

/// Worst value of the last objective first: clipped by such a row, all later
/// rows share its last value, and one dimension falls away.
static double volumeWFG(const Rows &rows, std::size_t m,
                        const double *reference) {
  const std::size_t n = rows.size() / m;
  std::vector<const double *> order(n);
  for (std::size_t i = 0; i < n; ++i)
    order[i] = &rows[i * m];
  std::sort(order.begin(), order.end(), [m](const double *a, const double *b) {
    for (std::size_t k = m; k-- > 0;)
      if (a[k] != b[k])
        return a[k] > b[k];
    return false;
  });
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double *row = order[i];
    double inclusive = 1;
    for (std::size_t k = 0; k + 1 < m; ++k)
      inclusive *= reference[k] - row[k];
    Rows clipped;
    clipped.reserve((n - i - 1) * (m - 1));
    for (std::size_t j = i + 1; j < n; ++j)
      for (std::size_t k = 0; k + 1 < m; ++k)
        clipped.push_back(std::max(row[k], order[j][k]));
    total += (reference[m - 1] - row[m - 1]) *
             (inclusive - volume(clipped, m - 1, reference));
  }
  return total;
}

static double volume(const Rows &rows, std::size_t m, const double *reference) {
  if (rows.empty())
    return 0;
  if (m == 1)
    return reference[0] - *std::min_element(rows.begin(), rows.end());
  if (m == 2)
    return volume2(rows, reference);
  if (m == 3)
    return volume3(rows, reference);
  return volumeWFG(nonDominated(rows, m), m, reference);
}

double imc::search::hypervolume(const double *rows, std::size_t n,
                                std::size_t m, const double *reference) {
  if (m == 0)
    return 0;
  Rows inside;
  inside.reserve(n * m);
  for (std::size_t i = 0; i < n; ++i) {
    const double *row = rows + i * m;
    bool better = true;
    for (std::size_t k = 0; k < m; ++k)
      better = better && row[k] < reference[k];
    if (better)
      inside.insert(inside.end(), row, row + m);
  }
  return volume(inside, m, reference);
}
