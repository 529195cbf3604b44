//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sorting.h"

#include <algorithm>
#include <cassert>
#include <limits>

using namespace imc::search;

using Index = std::uint32_t;

/// Row numbers in lexicographic order of the rows.
static std::vector<Index> lexicographicOrder(const double *rows, std::size_t n,
                                             std::size_t m) {
  std::vector<Index> order(n);
  for (std::size_t i = 0; i < n; ++i)
    order[i] = Index(i);
  std::sort(order.begin(), order.end(), [=](Index a, Index b) {
    const double *x = rows + a * m, *y = rows + b * m;
    for (std::size_t k = 0; k < m; ++k)
      if (x[k] != y[k])
        return x[k] < y[k];
    return a < b;
  });
  return order;
}

static bool equalRows(const double *a, const double *b, std::size_t m) {
  return std::equal(a, a + m, b);
}

//===----------------------------------------------------------------------===//
// Staircases
//===----------------------------------------------------------------------===//

namespace {
/// The non-dominated (y, z) pairs of a set: y ascends while z descends.
struct Staircase {
  struct Step {
    double y, z;
  };
  std::vector<Step> steps;

  /// True if some pair is no larger than (y, z) in both.
  bool covers(double y, double z) const {
    auto after = std::upper_bound(
        steps.begin(), steps.end(), y,
        [](double value, const Step &step) { return value < step.y; });
    return after != steps.begin() && (after - 1)->z <= z;
  }

  /// Adds a pair that is not covered.
  void insert(double y, double z) {
    auto first = std::lower_bound(
        steps.begin(), steps.end(), y,
        [](const Step &step, double value) { return step.y < value; });
    auto end = first;
    while (end != steps.end() && end->z >= z)
      ++end;
    if (first == end) {
      steps.insert(first, {y, z});
      return;
    }
    *first = {y, z};
    steps.erase(first + 1, end);
  }
};
} // namespace

std::vector<Index> detail::sortByStaircases(const double *rows, std::size_t n,
                                            std::size_t m) {
  assert(m >= 1 && m <= 3);
  std::vector<Index> rank(n, 0);
  const std::vector<Index> order = lexicographicOrder(rows, n, m);
  std::vector<Staircase> fronts;
  for (std::size_t i = 0; i < n; ++i) {
    const double *row = rows + order[i] * m;
    if (i > 0 && equalRows(row, rows + order[i - 1] * m, m)) {
      rank[order[i]] = rank[order[i - 1]];
      continue;
    }
    // Whatever dominates this row came before it, and a row that came before
    // dominates it if it is no worse in the remaining objectives. Being covered
    // by front k implies being covered by front k - 1, hence bisection.
    const double y = m > 1 ? row[1] : 0, z = m > 2 ? row[2] : 0;
    std::size_t low = 0, high = fronts.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (fronts[middle].covers(y, z))
        low = middle + 1;
      else
        high = middle;
    }
    if (low == fronts.size())
      fronts.emplace_back();
    fronts[low].insert(y, z);
    rank[order[i]] = Index(low);
  }
  return rank;
}

//===----------------------------------------------------------------------===//
// Divide and conquer
//===----------------------------------------------------------------------===//

namespace {
/// Largest rank by threshold: answers "which is the largest rank among the rows
/// with value <= v?". Values ascend strictly, and so do ranks.
class RankStairs {
public:
  /// One more than that rank, or 0 if there is no such row.
  Index above(double value) const {
    auto after = upper(value);
    return after == steps.begin() ? 0 : (after - 1)->rank + 1;
  }
  void add(double value, Index rank) {
    if (above(value) > rank)
      return;
    auto first = std::lower_bound(
        steps.begin(), steps.end(), value,
        [](const Step &step, double v) { return step.value < v; });
    auto end = first;
    while (end != steps.end() && end->rank <= rank)
      ++end;
    if (first == end) {
      steps.insert(first, {value, rank});
      return;
    }
    *first = {value, rank};
    steps.erase(first + 1, end);
  }

private:
  struct Step {
    double value;
    Index rank;
  };
  std::vector<Step>::const_iterator upper(double value) const {
    return std::upper_bound(
        steps.begin(), steps.end(), value,
        [](double v, const Step &step) { return v < step.value; });
  }
  std::vector<Step> steps;
};

/// Sets of rows are index lists in lexicographic order; all rows differ.
class Division {
public:
  Division(const double *rows, std::size_t m, std::vector<Index> &rank)
      : rows(rows), m(m), rank(rank) {}

  using Set = std::vector<Index>;

  /// Ranks `set` within itself. The rows of the set agree in the objectives
  /// from k on; ranks found so far are lower bounds.
  void within(const Set &set, std::size_t k) {
    if (set.size() < 2)
      return;
    if (set.size() == 2) {
      if (covers(row(set[0]), row(set[1]), k))
        raise(set[1], rank[set[0]] + 1);
      return;
    }
    if (k == 2) {
      RankStairs stairs;
      for (Index i : set) {
        raise(i, stairs.above(row(i)[1]));
        stairs.add(row(i)[1], rank[i]);
      }
      return;
    }
    Set low, high;
    if (!split(set, k - 1, pivot(set, {}, k - 1), low, high)) {
      within(set, k - 1);
      return;
    }
    within(low, k);
    between(low, high, k - 1);
    within(high, k);
  }

  /// Raises the ranks of `high` by the rows of `low`, whose ranks are final.
  /// Every row of `low` is no worse than every row of `high` from objective k
  /// on and differs from it, so being no worse in the first k means dominating.
  void between(const Set &low, const Set &high, std::size_t k) {
    if (low.empty() || high.empty())
      return;
    if (low.size() == 1 || high.size() == 1) {
      for (Index h : high)
        for (Index l : low)
          if (covers(row(l), row(h), k))
            raise(h, rank[l] + 1);
      return;
    }
    if (k == 2) {
      RankStairs stairs;
      auto l = low.begin();
      for (Index h : high) {
        for (; l != low.end() && row(*l)[0] <= row(h)[0]; ++l)
          stairs.add(row(*l)[1], rank[*l]);
        raise(h, stairs.above(row(h)[1]));
      }
      return;
    }
    const auto byLast = [&](Index a, Index b) {
      return row(a)[k - 1] < row(b)[k - 1];
    };
    const double lowMax =
        row(*std::max_element(low.begin(), low.end(), byLast))[k - 1];
    const double highMin =
        row(*std::min_element(high.begin(), high.end(), byLast))[k - 1];
    if (lowMax <= highMin) {
      between(low, high, k - 1);
      return;
    }
    const Cut cut = pivot(low, high, k - 1);
    Set low1, low2, high1, high2;
    split(low, k - 1, cut, low1, low2);
    split(high, k - 1, cut, high1, high2);
    between(low1, high1, k);
    between(low1, high2, k - 1);
    between(low2, high2, k);
  }

private:
  /// Which side equal values go to is chosen for balance, without which many
  /// ties would make the division degenerate.
  struct Cut {
    double value;
    bool equalGoesLow;
  };

  const double *row(Index i) const { return rows + i * m; }
  void raise(Index i, Index least) { rank[i] = std::max(rank[i], least); }

  Cut pivot(const Set &a, const Set &b, std::size_t k) const {
    std::vector<double> values;
    values.reserve(a.size() + b.size());
    for (Index i : a)
      values.push_back(row(i)[k]);
    for (Index i : b)
      values.push_back(row(i)[k]);
    const auto middle = values.begin() + (values.size() - 1) / 2;
    std::nth_element(values.begin(), middle, values.end());
    const double median = *middle;
    std::size_t below = 0, equal = 0;
    for (double value : values) {
      below += value < median;
      equal += value == median;
    }
    const std::size_t above = values.size() - below - equal;
    return {median, below < above};
  }

  /// Returns false if one part is empty.
  bool split(const Set &set, std::size_t k, Cut cut, Set &low,
             Set &high) const {
    for (Index i : set) {
      const double value = row(i)[k];
      const bool isLow =
          value < cut.value || (value == cut.value && cut.equalGoesLow);
      (isLow ? low : high).push_back(i);
    }
    return !low.empty() && !high.empty();
  }

  const double *rows;
  std::size_t m;
  std::vector<Index> &rank;
};
} // namespace

std::vector<Index> detail::sortByDivision(const double *rows, std::size_t n,
                                          std::size_t m) {
  assert(m >= 2);
  std::vector<Index> rank(n, 0);
  const std::vector<Index> order = lexicographicOrder(rows, n, m);
  std::vector<Index> distinct;
  distinct.reserve(n);
  for (std::size_t i = 0; i < n; ++i)
    if (i == 0 || !equalRows(rows + order[i] * m, rows + order[i - 1] * m, m))
      distinct.push_back(order[i]);
  Division(rows, m, rank).within(distinct, m);
  for (std::size_t i = 1; i < n; ++i)
    if (equalRows(rows + order[i] * m, rows + order[i - 1] * m, m))
      rank[order[i]] = rank[order[i - 1]];
  return rank;
}

std::vector<Index> imc::search::nonDominatedSort(const double *rows,
                                                 std::size_t n, std::size_t m) {
  // Inserting into a staircase moves its tail: quadratic in the end, but with a
  // constant so small that it wins up to this size.
  constexpr std::size_t staircaseLimit = 16384;
  if (m <= 1 || (m <= 3 && n <= staircaseLimit))
    return detail::sortByStaircases(rows, n, m);
  return detail::sortByDivision(rows, n, m);
}

//===----------------------------------------------------------------------===//
// Crowding
//===----------------------------------------------------------------------===//

std::vector<double>
imc::search::crowdingDistance(const double *rows, std::size_t m,
                              const std::vector<Index> &members) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::size_t n = members.size();
  std::vector<double> distance(n, n <= 2 ? infinity : 0);
  if (n <= 2)
    return distance;
  std::vector<Index> order(n);
  for (std::size_t k = 0; k < m; ++k) {
    const auto value = [&](Index i) { return rows[members[i] * m + k]; };
    for (std::size_t i = 0; i < n; ++i)
      order[i] = Index(i);
    std::sort(order.begin(), order.end(), [&](Index a, Index b) {
      return value(a) != value(b) ? value(a) < value(b) : a < b;
    });
    const double range = value(order[n - 1]) - value(order[0]);
    distance[order[0]] = distance[order[n - 1]] = infinity;
    if (range <= 0)
      continue;
    for (std::size_t i = 1; i + 1 < n; ++i)
      distance[order[i]] += (value(order[i + 1]) - value(order[i - 1])) / range;
  }
  return distance;
}
