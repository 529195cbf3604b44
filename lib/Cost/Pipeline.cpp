//===- Pipeline.cpp - What a pipeline takes -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Level l works on inference t in beat t + l. A beat takes as long as the
// slowest product of its levels, or as what they share is busy: summed over all
// parts, with the places that the plan gives them; or as parts take that wait
// for their turns at the global buffer (Turns.h). Not on the way of the search,
// so cores may be walked.
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Pipeline.h"

#include "Layer.h"
#include "Turns.h"

#include "llvm/ADT/ArrayRef.h"

using namespace imc;
using namespace imc::cost;
using namespace imc::cost::detail;

std::vector<int64_t>
imc::cost::pipelineLevels(const workload::Workload &workload) {
  std::vector<int64_t> levels(workload.layers.size(), 0);
  for (size_t i = 0; i != workload.layers.size(); ++i)
    for (int64_t input : workload.layers[i].inputs) {
      if (input < 0 || input >= static_cast<int64_t>(i))
        continue;
      // Digital work that follows digital work is done with it.
      const bool apart =
          workload.layers[i].product() || workload.layers[input].product();
      levels[i] = std::max(levels[i], levels[size_t(input)] + apart);
    }
  return levels;
}

namespace {

/// Seconds on one core's tile buffer or on one link.
struct Load {
  size_t where;
  double seconds;
};

/// A product: what each of its parts takes, and where in Level::ports they are.
struct Worker {
  Turns turns;
  size_t begin, end;
};

/// What the layers of a level take for one inference.
struct Level {
  std::vector<Worker> workers;
  double slowest = 0; ///< product by itself
  double behind = 0;  ///< the same, behind its first loads
  double heads = 0; ///< on the global buffer, for the first blocks of all parts
                    ///< and for digital work, which is issued before them
  double global = 0, lanes = 0;
  double everyPort = 0; ///< of digital work, on each core
  double everyLink = 0;
  bool moves = false;
  std::vector<Load> ports, links;
};

/// What the levels at work take together.
class Beat {
public:
  Beat(size_t cores, size_t links)
      : ports(cores, 0.0), links(links, 0.0), users(cores, 0),
        shared(cores, 0) {}

  void add(const Level &level, int sign) {
    for (const Load &load : level.ports) {
      ports[load.where] += sign * load.seconds;
      users[load.where] += sign;
    }
    for (const Load &load : level.links)
      links[load.where] += sign * load.seconds;
    everyPort += sign * level.everyPort;
    everyLink += sign * level.everyLink;
    global += sign * level.global;
    lanes += sign * level.lanes;
  }

  std::array<double, numTimes> times() const {
    std::array<double, numTimes> t{};
    t[at(Time::TileBuffer)] =
        *std::max_element(ports.begin(), ports.end()) + everyPort;
    t[at(Time::Noc)] =
        *std::max_element(links.begin(), links.end()) + everyLink;
    t[at(Time::GlobalBuffer)] = global;
    t[at(Time::Digital)] = lanes;
    return t;
  }

  /// Where they take turns at the global buffer (E-TIME-11).
  double latest(llvm::ArrayRef<Level> levels) {
    double busy = 0;
    for (const Level &level : levels)
      for (const Worker &w : level.workers)
        busy += w.turns.count * w.turns.buffer /
                (w.turns.blocks * w.turns.cycle(0));
    if (busy <= 1) // and less where parts share cores
      return 0;
    std::vector<Turns> all;
    std::vector<size_t> cores; // that parts share, in the order of `all`
    for (const Level &level : levels)
      for (const Worker &w : level.workers) {
        Turns alone = w.turns, one = w.turns;
        alone.count = 0;
        one.count = 1;
        for (size_t i = w.begin; i != w.end; ++i) {
          const size_t core = level.ports[i].where;
          if (users[core] == 1) {
            ++alone.count;
          } else if (shared[core] > 0) {
            all[shared[core] - 1].join(one);
          } else {
            all.push_back(one);
            shared[core] = all.size();
            cores.push_back(core);
          }
        }
        if (alone.count > 0)
          all.push_back(alone);
      }
    for (size_t core : cores)
      shared[core] = 0;
    return latestOf(std::move(all));
  }

private:
  std::vector<double> ports, links;
  std::vector<int> users;     ///< parts by core
  std::vector<size_t> shared; ///< by core: place of its parts, and one
  double everyPort = 0, everyLink = 0, global = 0, lanes = 0;
};

} // namespace

/// What a part takes of a product that takes `t` by itself. `head`: all first
/// loads on the global buffer.
static Turns turnsOf(const Round &r, const Passage &t, double head,
                     const Prices &prices) {
  Turns turns;
  turns.count = r.parts;
  turns.blocks = r.blocks;
  turns.buffer = t.global / r.parts;
  turns.steady = std::max(t.arrays, t.link);
  turns.port = t.port;
  // Windows of one row come with the first of them.
  turns.loads =
      r.crossings > 0 ? std::min(r.blocks, 1 + r.crossings) : r.blocks;
  const double own =
      std::max({prices.tile_bit, prices.noc_bit_time, prices.global_bit});
  turns.load = r.loads * own;
  const double products =
      std::max(t.arrays / r.blocks,
               r.block * (r.reads + r.sums) * prices.tile_bit) +
      prices.noc_hops;
  const double every = std::max(2.0, r.blocks / turns.loads);
  turns.share = 1 / every;
  turns.toLoad = (turns.load / turns.loads + (every - 1) * products) / every;
  turns.toStore =
      r.block * r.stored * std::max(prices.noc_bit_time, prices.global_bit) +
      products;
  turns.last = t.tail + 2 * prices.noc_hops;
  turns.ends = std::max(
      0.0,
      t.seconds - std::max(turns.blocks * turns.cycle(0), t.global) - head);
  return turns;
}

/// Where the parts of a product lie and what each of them moves.
static void addParts(const Round &r, const mapping::PlacedProduct &placed,
                     int64_t bundle, const machine::Machine &m,
                     const Prices &prices, Level &level) {
  const int64_t core = m.hierarchy.macros_per_tile;
  const int64_t perGroup = m.hierarchy.tiles_per_group;
  const int64_t numLinks = static_cast<int64_t>(prices.noc_links);
  const int64_t parts = static_cast<int64_t>(r.parts);
  const int64_t arrays = arraysOf(placed.tiling);
  const int64_t ofCopy = arrays <= core ? 1 : ceilDiv(arrays, core);
  const double mean = r.all_loads / r.parts;
  const int64_t senders = static_cast<int64_t>(r.senders);
  for (int64_t i = 0; i != parts; ++i) {
    const int64_t copy = arrays <= core ? i * bundle : i / ofCopy;
    const int64_t within = arrays <= core ? 0 : i % ofCopy;
    const int64_t where = placed.firstArrayOf(copy, core) / core + within;
    // The last bundle has fewer windows.
    const double share = std::clamp(
        r.windows > 0 ? (real(placed.copies - copy) / real(bundle)) : 1.0, 0.0,
        1.0);
    const double windows = r.windows * (arrays <= core ? share : 1.0);
    const double loads = arrays <= core ? r.loads * share : mean;
    level.ports.push_back(
        {size_t(where),
         (loads + windows * (r.reads + 2 * r.sums)) * prices.tile_bit});
    const bool sends = within < senders;
    const double bits = loads + windows * (sends ? r.sent : r.stored);
    const int64_t group = where / perGroup, link = group % numLinks;
    level.links.push_back({size_t(link), bits * prices.noc_bit_time});
    const int64_t next = (where + 1) / perGroup % numLinks;
    if (sends && next != link)
      level.links.push_back(
          {size_t(next), windows * r.sent * prices.noc_bit_time});
  }
}

PipelineCost imc::cost::pipelineCost(const workload::Workload &workload,
                                     const mapping::Plan &plan,
                                     const machine::Machine &m,
                                     const mapping::Knobs &k,
                                     int64_t inferences) {
  const Prices prices = priceDesign(m, k);
  const std::vector<int64_t> levelOf = pipelineLevels(workload);
  PipelineCost cost;
  cost.inferences = inferences;
  for (int64_t level : levelOf)
    cost.levels = std::max(cost.levels, level + 1);
  std::vector<Level> levels(size_t(cost.levels));
  auto placed = plan.products.begin();
  for (size_t i = 0; i != workload.layers.size(); ++i) {
    const workload::Layer &layer = workload.layers[i];
    Level &level = levels[size_t(levelOf[i])];
    if (const workload::Product *p = layer.product()) {
      const mapping::PlacedProduct &place = *placed++;
      Parts parts;
      const Counts c = countProduct(*p, place.tiling, place.copies, 0,
                                    m.arrays(), m, k, parts);
      Flow f;
      Passage t, full;
      passRounds(f, t, full, c, c.global_reads, parts, *p, Sizes(*p),
                 place.tiling, place.copies, 0, m.arrays(),
                 placeOnLink(place.first_array / m.hierarchy.macros_per_tile,
                             coresOfLink(m, prices)),
                 m, k, prices);
      passageOf(t, full, c, f, prices);
      const double head = f.last.first_load * f.last.ratio * prices.global_bit;
      level.heads += head;
      level.slowest = std::max(level.slowest, t.seconds);
      // The last block goes down the chain when the link is free; a single one
      // while other parts load.
      const double chain = f.last.blocks > 1 ? t.chain : 0;
      level.behind =
          std::max(level.behind, std::max({t.arrays, t.port, t.link}) + chain +
                                     t.tail + 2 * prices.noc_hops);
      level.global += t.global;
      level.moves = true;
      const size_t before = level.ports.size();
      addParts(f.last, place, parts.bundle, m, prices, level);
      level.workers.push_back(
          {turnsOf(f.last, t, head, prices), before, level.ports.size()});
      continue;
    }
    const Counts c = layer.digital()
                         ? countDigital(*layer.digital(), m, k)
                         : countDynamic(*layer.dynamicProduct(), m, k);
    level.lanes += (c.operations + c.macs) * prices.lane_operation;
    level.everyPort +=
        (c.tile_reads + c.tile_writes) * prices.tile_bit / c.tiles;
    const double global =
        (c.global_reads + c.global_writes) * prices.global_bit;
    level.global += global;
    level.heads += global;
    level.everyLink +=
        c.noc_bits * prices.noc_bit_time / std::min(c.groups, prices.noc_links);
    level.moves |= c.noc_bits > 0;
  }

  // E-TIME-10, E-TIME-11
  Beat busy(size_t(m.tiles()), size_t(prices.noc_links));
  const int64_t beats = inferences + cost.levels - 1;
  std::array<double, numTimes> bound{};
  double before = 0;
  int64_t low = 0, high = -1; // levels at work
  for (int64_t beat = 0; beat != beats; ++beat) {
    const int64_t first = std::max<int64_t>(0, beat - inferences + 1);
    const int64_t last = std::min(beat, cost.levels - 1);
    const bool same = beat > 0 && first == low && last == high;
    if (!same) {
      while (high < last)
        busy.add(levels[size_t(++high)], 1);
      while (low < first)
        busy.add(levels[size_t(low++)], -1);
      bound = busy.times();
      double slowest = 0, behind = 0, heads = 0;
      bool moves = false;
      for (int64_t l = low; l <= high; ++l) {
        const Level &level = levels[size_t(l)];
        slowest = std::max(slowest, level.slowest);
        heads += level.heads;
        behind = std::max(behind, level.behind);
        moves |= level.moves;
      }
      const double ends = moves ? 2 * prices.noc_hops : 0;
      for (Time shared : {Time::TileBuffer, Time::Noc, Time::GlobalBuffer})
        if (bound[at(shared)] > 0)
          bound[at(shared)] += ends;
      double &global = bound[at(Time::GlobalBuffer)];
      global = std::max(global, busy.latest(llvm::ArrayRef(levels).slice(
                                    size_t(low), size_t(high - low + 1))));
      bound[at(Time::Compute)] = std::max(slowest, behind + heads);
      before = *std::max_element(bound.begin(), bound.end());
    }
    cost.seconds += before;
    cost.beats.push_back(before);
    if (beat < cost.levels - 1)
      cost.fill_s += before;
    else if (beat >= inferences)
      cost.drain_s += before;
    else
      cost.steady_s += before;
    if (before > cost.beat_s) {
      cost.beat_s = before;
      cost.bound_by = static_cast<Time>(
          std::max_element(bound.begin(), bound.end()) - bound.begin());
    }
  }
  return cost;
}
