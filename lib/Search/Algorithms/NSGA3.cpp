//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/NSGA3.h"
#include "Algorithms/Genetic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace imc::search;

//===----------------------------------------------------------------------===//
// Directions
//===----------------------------------------------------------------------===//

/// Number of points of p divisions, or `most` + 1 if there are more.
static std::size_t countPoints(std::size_t m, std::size_t p, std::size_t most) {
  // C(p + m - 1, m - 1); each partial product is a binomial coefficient.
  std::size_t count = 1;
  for (std::size_t i = 1; i < m; ++i) {
    count = count * (p + i) / i;
    if (count > most)
      return most + 1;
  }
  return count;
}

static void addPoints(std::size_t m, std::size_t p, double shrink,
                      std::vector<double> &rows) {
  std::vector<std::size_t> parts(m, 0);
  parts[m - 1] = p;
  for (;;) {
    for (std::size_t part : parts)
      rows.push_back(shrink * double(part) / double(p) +
                     (1 - shrink) / double(m));
    // The next composition of p: one moves from the last part that has any to
    // the part before it, the rest of that part to the end.
    std::size_t last = m - 1;
    while (last > 0 && parts[last] == 0)
      --last;
    if (last == 0)
      return;
    const std::size_t rest = parts[last] - 1;
    parts[last] = 0;
    ++parts[last - 1];
    parts[m - 1] = rest;
  }
}

std::vector<double> imc::search::dasDennisDirections(std::size_t m,
                                                     std::size_t most) {
  std::vector<double> rows;
  if (m == 1)
    return {1};
  std::size_t p = 1;
  while (countPoints(m, p + 1, most) <= most)
    ++p;
  addPoints(m, p, 1, rows);
  if (p >= m)
    return rows;
  // Fewer divisions than objectives leave the inside of the simplex empty: a
  // second, half as large layer fills it.
  const std::size_t outer = countPoints(m, p, most);
  std::size_t inner = 0;
  while (inner < p && countPoints(m, inner + 1, most) + outer <= most)
    ++inner;
  if (inner > 0)
    addPoints(m, inner, 0.5, rows);
  return rows;
}

//===----------------------------------------------------------------------===//
// Survival
//===----------------------------------------------------------------------===//

/// Solves Ax = 1 (A: m rows of m values) by elimination with pivots; false if A
/// is singular to working precision.
static bool solveForOnes(std::vector<double> a, std::size_t m,
                         std::vector<double> &x) {
  x.assign(m, 1);
  for (std::size_t c = 0; c < m; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < m; ++r)
      if (std::fabs(a[r * m + c]) > std::fabs(a[pivot * m + c]))
        pivot = r;
    if (!(std::fabs(a[pivot * m + c]) > 1e-12))
      return false;
    for (std::size_t k = 0; k < m; ++k)
      std::swap(a[c * m + k], a[pivot * m + k]);
    std::swap(x[c], x[pivot]);
    for (std::size_t r = c + 1; r < m; ++r) {
      const double factor = a[r * m + c] / a[c * m + c];
      for (std::size_t k = c; k < m; ++k)
        a[r * m + k] -= factor * a[c * m + k];
      x[r] -= factor * x[c];
    }
  }
  for (std::size_t c = m; c-- > 0;) {
    for (std::size_t k = c + 1; k < m; ++k)
      x[c] -= a[c * m + k] * x[k];
    x[c] /= a[c * m + c];
  }
  return true;
}

namespace {
class NSGA3 final : public Genetic {
public:
  explicit NSGA3(const GeneticOptions &options) : Genetic("nsga3", options) {}

  Status start(const SearchContext &context) override {
    const std::size_t m = context.objectiveNames.size();
    if (m > options.population)
      return Error{"nsga3: population " + std::to_string(options.population) +
                   " is below the number of objectives, " + std::to_string(m) +
                   "; raise it to at least that"};
    directions = dasDennisDirections(m, options.population);
    ideal.assign(m, std::numeric_limits<double>::infinity());
    extremes.clear();
    return Genetic::start(context);
  }

private:
  std::vector<Index> survivors(const Individuals &all) override;
  void normalise(const Individuals &all);
  void associate(const Individuals &all, const std::vector<Index> &rows);
  void fillByNiche(const std::vector<Index> &front, std::size_t wanted,
                   std::vector<Index> &chosen);

  std::vector<double> directions;   // m per row
  std::vector<double> ideal;        // least level ever
  std::vector<double> extremes;     // levels, m rows of m
  std::vector<double> spans;        // intercepts - ideal
  std::vector<std::uint32_t> niche; // of each row of `all`
  std::vector<double> distance;     // from the direction of its niche
};
} // namespace

/// Ideal point, extreme points and intercepts, from the first front and what
/// they were before.
void NSGA3::normalise(const Individuals &all) {
  const std::size_t m = numObjectives();
  const std::vector<Index> &front = fronts().front();
  std::vector<double> worst(m, -std::numeric_limits<double>::infinity());
  for (Index i : front)
    for (std::size_t j = 0; j < m; ++j) {
      ideal[j] = std::min(ideal[j], all.levels[i * m + j]);
      worst[j] = std::max(worst[j], all.levels[i * m + j]);
    }

  // In units of the front's own spans, so that no objective's unit matters;
  // where it has none, of all that is known.
  std::vector<double> unit(m), reach = worst;
  for (std::size_t i = 0; i < extremes.size(); ++i)
    reach[i % m] = std::max(reach[i % m], extremes[i]);
  for (const std::vector<Index> &other : fronts())
    for (Index i : other)
      for (std::size_t j = 0; j < m; ++j)
        reach[j] = std::max(reach[j], all.levels[i * m + j]);
  for (std::size_t j = 0; j < m; ++j)
    unit[j] = worst[j] > ideal[j]   ? worst[j] - ideal[j]
              : reach[j] > ideal[j] ? reach[j] - ideal[j]
                                    : 1;

  // The extreme point of an axis is the one that looks nearest to it: smallest
  // largest excess over the ideal, all other axes weighing a million times.
  std::vector<const double *> candidates;
  const std::vector<double> before = extremes;
  for (std::size_t j = 0; j < before.size() / m; ++j)
    candidates.push_back(&before[j * m]);
  for (Index i : front)
    candidates.push_back(&all.levels[i * m]);
  extremes.assign(m * m, 0);
  for (std::size_t axis = 0; axis < m; ++axis) {
    const double *best = nullptr;
    double least = std::numeric_limits<double>::infinity();
    for (const double *row : candidates) {
      double size = 0;
      for (std::size_t j = 0; j < m; ++j) {
        // Tiny excesses are rounding, not a reason to prefer a point.
        const double excess = (row[j] - ideal[j]) / unit[j];
        if (excess > 1e-3 || j == axis)
          size = std::max(size, excess * (j == axis ? 1 : 1e6));
      }
      if (size < least) {
        least = size;
        best = row;
      }
    }
    std::copy(best, best + m, extremes.begin() + axis * m);
  }

  std::vector<double> plane(m * m), inverse;
  for (std::size_t i = 0; i < m * m; ++i)
    plane[i] = (extremes[i] - ideal[i % m]) / unit[i % m];
  bool usable = solveForOnes(plane, m, inverse);
  spans.assign(m, 0);
  for (std::size_t j = 0; usable && j < m; ++j) {
    spans[j] = 1 / inverse[j];
    usable = inverse[j] > 0 && std::isfinite(spans[j]) && spans[j] > 1e-6;
    spans[j] *= unit[j];
  }
  // Where the extreme points span no plane, or one that misses the axes, the
  // front itself gives the scale.
  if (!usable)
    spans = unit;
}

void NSGA3::associate(const Individuals &all, const std::vector<Index> &rows) {
  const std::size_t m = numObjectives(), n = directions.size() / m;
  std::vector<double> inverseNorm(n), x(m);
  for (std::size_t d = 0; d < n; ++d) {
    double square = 0;
    for (std::size_t j = 0; j < m; ++j)
      square += directions[d * m + j] * directions[d * m + j];
    inverseNorm[d] = 1 / square;
  }
  for (Index i : rows) {
    double square = 0;
    for (std::size_t j = 0; j < m; ++j) {
      x[j] = (all.levels[i * m + j] - ideal[j]) / spans[j];
      square += x[j] * x[j];
    }
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t d = 0; d < n; ++d) {
      double dot = 0;
      for (std::size_t j = 0; j < m; ++j)
        dot += x[j] * directions[d * m + j];
      // Squared distance from the line through the origin.
      const double away = square - dot * dot * inverseNorm[d];
      if (away < best) {
        best = away;
        niche[i] = Index(d);
      }
    }
    distance[i] = best;
  }
}

/// Part I, algorithm 4: the emptiest niche takes its nearest candidate if it
/// has no member yet, any other time one at random.
void NSGA3::fillByNiche(const std::vector<Index> &front, std::size_t wanted,
                        std::vector<Index> &chosen) {
  const std::size_t n = directions.size() / numObjectives();
  std::vector<std::uint32_t> count(n, 0);
  for (Index i : chosen)
    ++count[niche[i]];
  std::vector<std::vector<Index>> waiting(n);
  for (Index i : front)
    waiting[niche[i]].push_back(i);
  std::vector<std::uint32_t> open;
  for (std::uint32_t d = 0; d < n; ++d)
    if (!waiting[d].empty())
      open.push_back(d);
  Stream stream(seedOf(), generationNow(), 0, /*purpose=*/0x4E534733u);
  while (chosen.size() < wanted) {
    std::uint32_t least = UINT32_MAX, ties = 0;
    for (std::uint32_t d : open) {
      ties = count[d] < least ? 1 : ties + (count[d] == least);
      least = std::min(least, count[d]);
    }
    std::uint32_t pick = stream.below(ties), place = 0;
    while (count[open[place]] != least || pick-- > 0)
      ++place;
    const std::uint32_t d = open[place];
    std::vector<Index> &candidates = waiting[d];
    std::size_t taken = 0;
    if (least == 0) {
      for (std::size_t i = 1; i < candidates.size(); ++i)
        if (distance[candidates[i]] < distance[candidates[taken]])
          taken = i;
    } else {
      taken = stream.below(Index(candidates.size()));
    }
    chosen.push_back(candidates[taken]);
    candidates.erase(candidates.begin() + taken);
    ++count[d];
    if (candidates.empty())
      open.erase(open.begin() + place);
  }
}

std::vector<Genetic::Index> NSGA3::survivors(const Individuals &all) {
  std::vector<Index> best;
  const std::size_t wanted = std::min(options.population, all.size());
  if (!fronts().empty()) {
    normalise(all);
    niche.assign(all.size(), 0);
    distance.assign(all.size(), 0);
    for (const std::vector<Index> &front : fronts()) {
      if (best.size() == wanted)
        break;
      const bool fits = best.size() + front.size() <= wanted;
      associate(all, front);
      if (fits)
        best.insert(best.end(), front.begin(), front.end());
      else
        fillByNiche(front, wanted, best);
    }
  }
  if (best.size() == wanted)
    return best;
  // Copies of objectives, then the infeasible, both by rank.
  std::vector<char> taken(all.size(), false);
  for (Index i : best)
    taken[i] = true;
  std::vector<Index> others;
  for (Index i = 0; i < all.size(); ++i)
    if (!taken[i])
      others.push_back(i);
  std::sort(others.begin(), others.end(), [&](Index a, Index b) {
    return rank[a] != rank[b] ? rank[a] < rank[b] : a < b;
  });
  others.resize(wanted - best.size());
  best.insert(best.end(), others.begin(), others.end());
  return best;
}

Expected<std::unique_ptr<Algorithm>>
imc::search::makeNSGA3(const NSGA3Options &options) {
  const GeneticOptions shared{options.population, options.difference,
                              options.crossover, options.mutations,
                              options.logObjectives};
  if (Status status = Genetic::check("nsga3", shared); !status)
    return status.error();
  return std::unique_ptr<Algorithm>(new NSGA3(shared));
}

namespace imc::search {
AlgorithmInfo describeNSGA3() {
  AlgorithmInfo info;
  info.name = "nsga3";
  info.summary = "NSGA-III: spreads designs over given directions, for three "
                 "and more objectives";
  info.options = Genetic::describe(NSGA3Options());
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    NSGA3Options options;
    if (Status status = Genetic::read(text, options); !status)
      return status.error();
    return makeNSGA3(options);
  };
  return info;
}
} // namespace imc::search
