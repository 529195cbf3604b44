//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Algorithms/Genetic.h"
#include "imc/Search/Pareto.h"

#include <algorithm>

using namespace imc::search;

using Index = Genetic::Index;

Status Genetic::start(const SearchContext &context) {
  space = &context.space;
  names = context.objectiveNames;
  seed = context.seed;
  generation = 0;
  seen.clear();
  sampler.start(*space, seed);
  individuals = offspring = Individuals();
  members.clear();
  rank.clear();
  crowding.clear();
  answered.clear();
  firstId = 0;
  outstanding = 0;
  return {};
}

//===----------------------------------------------------------------------===//
// Ask
//===----------------------------------------------------------------------===//

Batch Genetic::ask(std::size_t limit) {
  Batch batch;
  if (outstanding > 0)
    return batch;
  if (offspring.size() > 0)
    select();

  batch.firstId = firstId;
  std::size_t wanted = std::min(limit, options.population);
  const bool filling = individuals.size() < options.population;
  if (filling)
    wanted = std::min(wanted, options.population - individuals.size());
  batch.designs.reserve(wanted);
  Genome design;
  for (Index i = 0; i < wanted; ++i) {
    if (!(filling ? sample(design) : makeChild(i, design)))
      break;
    batch.designs.push_back(design);
  }
  // A space smaller than the population is finished when it is sampled.
  const std::size_t count = batch.designs.size();
  const std::size_t m = names.size();
  offspring.genes.clear();
  for (const Genome &asked : batch.designs)
    offspring.genes.insert(offspring.genes.end(), asked.begin(), asked.end());
  offspring.objectives.assign(count * m, 0);
  offspring.levels.assign(count * m, 0);
  offspring.violation.assign(count, 0);
  answered.assign(count, false);
  outstanding = count;
  ++generation;
  return batch;
}

bool Genetic::sample(Genome &design) { return sampler.next(design, seen); }

std::vector<Genome> Genetic::population() const {
  const std::size_t k = space ? space->numKnobs() : 0;
  std::vector<Genome> designs;
  for (std::size_t i = 0; i < individuals.size(); ++i)
    designs.emplace_back(individuals.genes.begin() + i * k,
                         individuals.genes.begin() + (i + 1) * k);
  return designs;
}

Index Genetic::tournament(Stream &stream) const {
  const Index n = Index(individuals.size());
  const Index a = stream.below(n), b = stream.below(n);
  if (rank[a] != rank[b])
    return rank[a] < rank[b] ? a : b;
  return crowding[b] > crowding[a] ? b : a;
}

void Genetic::crossGenes(Stream &stream, Index a, Index b,
                         Genome &child) const {
  const std::size_t k = space->numKnobs();
  const std::int32_t *x = &individuals.genes[a * k];
  const std::int32_t *y = &individuals.genes[b * k];
  for (std::size_t i = 0; i < k; ++i) {
    if (x[i] == y[i])
      continue;
    const std::uint32_t draw = stream.next();
    const std::int32_t low = std::min(x[i], y[i]);
    const std::int32_t span = std::max(x[i], y[i]) - low;
    // One gene in four of an ordered knob takes a value from between.
    if (space->knobs()[i].isOrdered() && span > 1 && (draw & 6) == 0)
      child[i] = low + std::int32_t(stream.below(std::uint32_t(span) + 1));
    else
      child[i] = draw & 1 ? x[i] : y[i];
  }
}

/// Moves the child by the difference between two similar individuals.
/// Constraints tie knobs together (fewer rows allow fewer ADC bits); a step
/// that keeps to such a tie is rare as two mutations, but it is what tells many
/// neighbours apart.
void Genetic::addDifference(Stream &stream, Genome &child) const {
  constexpr int candidates = 8;
  const std::size_t k = space->numKnobs();
  const Index n = Index(individuals.size());
  const auto genes = [&](Index i) { return &individuals.genes[i * k]; };
  const std::int32_t *from = genes(stream.below(n)), *to = from;
  std::size_t least = SIZE_MAX;
  for (int c = 0; c < candidates; ++c) {
    const std::int32_t *other = genes(stream.below(n));
    std::size_t differing = 0;
    for (std::size_t i = 0; i < k; ++i)
      differing += from[i] != other[i];
    if (differing > 0 && differing < least) {
      least = differing;
      to = other;
    }
  }
  for (std::size_t i = 0; i < k; ++i) {
    if (from[i] == to[i])
      continue;
    const Knob &knob = space->knobs()[i];
    child[i] = knob.isOrdered()
                   ? std::clamp(child[i] + to[i] - from[i], 0, knob.count - 1)
                   : to[i];
  }
}

void imc::search::mutateGene(Stream &stream, const Knob &info,
                             std::int32_t &gene) {
  if (info.count < 2)
    return;
  if (!info.isOrdered()) {
    const std::int32_t other =
        std::int32_t(stream.below(std::uint32_t(info.count) - 1));
    gene = other + (other >= gene);
    return;
  }
  // Steps of all magnitudes: up to 1, 2, 4, ... values, each equally likely. On
  // a few values that is one step mostly; on a fine grid it is free of scale.
  std::uint32_t magnitudes = 0;
  for (std::int32_t rest = info.count - 1; rest > 0; rest >>= 1)
    ++magnitudes;
  const std::uint32_t draw = stream.next();
  const std::int32_t step =
      1 + std::int32_t(stream.below(1u << stream.below(magnitudes)));
  std::int32_t moved = draw & 1 ? gene + step : gene - step;
  if (moved < 0 || moved >= info.count)
    moved = draw & 1 ? gene - step : gene + step;
  gene = std::clamp(moved, 0, info.count - 1);
}

/// A design never asked before, or false if none is left.
bool Genetic::makeChild(Index number, Genome &child) {
  const std::size_t k = space->numKnobs();
  Stream stream(seed, generation, number);
  const Index a = tournament(stream);
  child.assign(&individuals.genes[a * k], &individuals.genes[a * k] + k);
  if (stream.chance(options.difference))
    addDifference(stream, child);
  else if (stream.chance(options.crossover))
    crossGenes(stream, a, tournament(stream), child);
  const double probability = options.mutations / double(k);
  for (std::size_t i = 0; i < k; ++i)
    if (stream.chance(probability))
      mutateGene(stream, space->knobs()[i], child[i]);

  // Known designs walk on, one mutation at a time, until they are new. Long
  // walks mean that the neighbourhood is used up; then chance decides.
  constexpr int longestWalk = 64;
  for (int i = 0; i <= longestWalk; ++i) {
    space->canonicalize(child);
    if (seen.insert(space->encode(child)))
      return true;
    const Index gene = stream.below(Index(k));
    mutateGene(stream, space->knobs()[gene], child[gene]);
  }
  return sample(child);
}

//===----------------------------------------------------------------------===//
// Tell
//===----------------------------------------------------------------------===//

Status Genetic::tell(std::uint64_t id, const Evaluation &evaluation) {
  const std::uint64_t i = id - firstId;
  if (id < firstId || i >= answered.size() || answered[i])
    return Error{name + ": design " + std::to_string(id) +
                 " was told but is not outstanding; tell each id of the last "
                 "ask() once"};
  const std::size_t m = names.size();
  offspring.violation[i] = evaluation.violation;
  if (evaluation.isFeasible())
    for (std::size_t j = 0; j < m; ++j) {
      const double value = evaluation.objectives[j];
      if (options.logObjectives && !(value > 0))
        return Error{
            name + ": objective '" + names[j] + "' is " +
            std::to_string(value) + " for design {" +
            space->describe(
                Genome(offspring.genes.begin() + i * space->numKnobs(),
                       offspring.genes.begin() + (i + 1) * space->numKnobs())) +
            "}, but logarithms need positive values; set "
            "log_objectives=false"};
      offspring.objectives[i * m + j] = value;
      offspring.levels[i * m + j] =
          options.logObjectives ? portableLog2(value) : value;
    }
  answered[i] = true;
  --outstanding;
  return {};
}

//===----------------------------------------------------------------------===//
// Survival
//===----------------------------------------------------------------------===//

/// Fills `rank` and `members`: fronts of the feasible, then feasible designs
/// whose objectives another one has already, then the infeasible by violation.
void Genetic::rankAll(const Individuals &all) {
  const std::size_t n = all.size(), m = names.size();
  std::vector<Index> feasible, infeasible;
  for (Index i = 0; i < n; ++i)
    (all.violation[i] == 0 ? feasible : infeasible).push_back(i);
  rank.assign(n, 0);
  crowding.assign(n, 0);

  // Equal objectives: the older individual (smaller number) stands for all.
  const auto row = [&](Index i) { return &all.objectives[i * m]; };
  std::sort(feasible.begin(), feasible.end(), [&](Index a, Index b) {
    const double *x = row(a), *y = row(b);
    for (std::size_t j = 0; j < m; ++j)
      if (x[j] != y[j])
        return x[j] < y[j];
    return a < b;
  });
  std::vector<Index> distinct, copies;
  for (Index i : feasible)
    (distinct.empty() || !std::equal(row(i), row(i) + m, row(distinct.back()))
         ? distinct
         : copies)
        .push_back(i);

  std::vector<double> rows;
  rows.reserve(distinct.size() * m);
  for (Index i : distinct)
    rows.insert(rows.end(), row(i), row(i) + m);
  const std::vector<Index> fronts =
      nonDominatedSort(rows.data(), distinct.size(), m);
  Index next = 0;
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    rank[distinct[i]] = fronts[i];
    next = std::max(next, fronts[i] + 1);
  }
  members.assign(next, {});
  for (Index i : distinct)
    members[rank[i]].push_back(i);

  for (Index i : copies)
    rank[i] = next;
  next += !copies.empty();

  std::sort(infeasible.begin(), infeasible.end(), [&](Index a, Index b) {
    return all.violation[a] < all.violation[b];
  });
  for (std::size_t i = 0; i < infeasible.size(); ++i) {
    if (i > 0 &&
        all.violation[infeasible[i]] != all.violation[infeasible[i - 1]])
      ++next;
    rank[infeasible[i]] = next;
  }
}

/// Joins the answered batch and keeps the best `population` individuals.
void Genetic::select() {
  const std::size_t k = space->numKnobs(), m = names.size();
  Individuals all = std::move(individuals);
  const auto append = [](auto &to, const auto &from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(all.genes, offspring.genes);
  append(all.objectives, offspring.objectives);
  append(all.levels, offspring.levels);
  append(all.violation, offspring.violation);
  firstId += offspring.size();
  offspring = Individuals();
  answered.clear();

  rankAll(all);
  const std::vector<Index> best = survivors(all);
  individuals = Individuals();
  std::vector<Index> keptRank;
  std::vector<double> keptCrowding;
  for (Index i : best) {
    const auto copy = [i](auto &to, const auto &from, std::size_t width) {
      to.insert(to.end(), from.begin() + i * width,
                from.begin() + (i + 1) * width);
    };
    copy(individuals.genes, all.genes, k);
    copy(individuals.objectives, all.objectives, m);
    copy(individuals.levels, all.levels, m);
    copy(individuals.violation, all.violation, 1);
    keptRank.push_back(rank[i]);
    keptCrowding.push_back(crowding[i]);
  }
  rank = std::move(keptRank);
  crowding = std::move(keptCrowding);
}

Status Genetic::check(const std::string &name, const GeneticOptions &options) {
  const auto wrong = [&](const char *option, const std::string &value,
                         const char *range) -> Status {
    return Error{name + ": " + option + " is " + value + "; choose " + range};
  };
  if (options.population < 4 || options.population > 1000000)
    return wrong("population", std::to_string(options.population),
                 "4 to 1000000");
  if (!(options.crossover >= 0 && options.crossover <= 1))
    return wrong("crossover", std::to_string(options.crossover),
                 "a probability from 0 to 1");
  if (!(options.difference >= 0 && options.difference <= 1))
    return wrong("difference", std::to_string(options.difference),
                 "a probability from 0 to 1");
  if (!(options.mutations >= 0 && options.mutations <= 1000))
    return wrong("mutations", std::to_string(options.mutations),
                 "0 to 1000 genes per child");
  return {};
}
