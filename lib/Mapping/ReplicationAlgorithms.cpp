//===- ReplicationAlgorithms.cpp - Greedy and exact replication -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Replication.h"

#include "imc/Mapping/Cores.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>

using namespace imc::mapping;
using namespace imc::mapping::replication;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// First free array behind `copies` copies of each of the equal layers.
static int64_t endOfLayers(const Layer &l, int64_t copies, int64_t core,
                           int64_t cursor) {
  for (int64_t n = 0; n != l.count; ++n)
    cursor = place(cursor, l.arrays, copies, core).end;
  return cursor;
}

int64_t imc::mapping::replication::endOf(const Problem &p,
                                         llvm::ArrayRef<int64_t> copies) {
  int64_t end = 0;
  for (const auto &[l, c] : llvm::zip_equal(p.layers, copies))
    end = endOfLayers(l, c, p.core, end);
  return end;
}

std::vector<int64_t> imc::mapping::replication::fewestCopies(const Problem &p) {
  std::vector<int64_t> copies;
  for (const Layer &l : p.layers)
    copies.push_back(l.fewest());
  return copies;
}

/// Fewest copies that are faster than `copies`; 0 if none are allowed.
static int64_t nextCopies(const Layer &l, int64_t copies) {
  if (l.copies)
    return 0;
  int64_t steps = ceilDiv(l.windows, copies);
  return steps == 1 ? 0 : ceilDiv(l.windows, steps - 1);
}

static std::vector<int64_t> speedUpSlowest(const Problem &p) {
  std::vector<int64_t> copies = fewestCopies(p);
  std::priority_queue<std::pair<int64_t, size_t>> queue; // (time, layer)
  for (const auto &[i, l] : llvm::enumerate(p.layers))
    queue.emplace(ceilDiv(l.windows, copies[i]) * l.time, i);
  while (true) {
    const size_t i = queue.top().second;
    const int64_t now = copies[i], next = nextCopies(p.layers[i], now);
    if (next == 0)
      return copies;
    copies[i] = next;
    if (endOf(p, copies) > p.arrays) {
      copies[i] = now;
      return copies;
    }
    queue.pop();
    queue.emplace(ceilDiv(p.layers[i].windows, next) * p.layers[i].time, i);
  }
}

namespace {

__extension__ typedef __int128 Wide;

/// A number of copies that no smaller one equals in time. There are about
/// 2 sqrt(windows) of them per layer.
struct Option {
  int64_t copies;
  int64_t arrays; ///< at least, wherever the first copy begins
  int64_t time;
};

/// More copies that save `gain` for `arrays`.
struct Step {
  int64_t gain, arrays;
  size_t layer, option;
};

bool savesMorePerArray(const Step &a, const Step &b) {
  return Wide(a.gain) * b.arrays > Wide(b.gain) * a.arrays;
}

} // namespace

/// Arrays that `copies` copies take at least. Those of small copies share the
/// first and the last of their cores with others; in the cores between, what is
/// too short for a copy stays empty.
static int64_t leastArrays(int64_t copies, int64_t arrays, int64_t core) {
  if (arrays > core)
    return (copies - 1) * wholeCores(arrays, core) + arrays;
  const int64_t perCore = core / arrays;
  const int64_t between = std::max<int64_t>(0, ceilDiv(copies, perCore) - 2);
  return copies * arrays + between * (core - perCore * arrays);
}

static std::vector<std::vector<Option>> optionsOf(const Problem &p) {
  std::vector<std::vector<Option>> options;
  auto least = [&](const Layer &l, int64_t copies) {
    return l.count * leastArrays(copies, l.arrays, p.core);
  };
  int64_t others = 0;
  for (const Layer &l : p.layers)
    others += least(l, l.fewest());
  for (const Layer &l : p.layers) {
    const int64_t limit = p.arrays - others + least(l, l.fewest());
    std::vector<Option> list;
    for (int64_t c = l.fewest(); c != 0; c = nextCopies(l, c)) {
      const int64_t arrays = least(l, c);
      if (arrays > limit)
        break;
      list.push_back({c, arrays, ceilDiv(l.windows, c) * l.time * l.count});
    }
    options.push_back(std::move(list));
  }
  return options;
}

/// The step from `now` to an option before `end` that saves most per array;
/// gain 0 if there is none.
static Step bestStep(llvm::ArrayRef<Option> options, size_t now, size_t end,
                     size_t layer) {
  Step best{0, 1, layer, now};
  for (size_t o = now + 1; o < end; ++o) {
    Step step{options[now].time - options[o].time,
              options[o].arrays - options[now].arrays, layer, o};
    // Of equal rates the larger step: fewer of them follow.
    if (!savesMorePerArray(best, step))
      best = step;
  }
  return best;
}

static std::vector<int64_t>
saveMostPerArray(const Problem &p,
                 llvm::ArrayRef<std::vector<Option>> options) {
  std::vector<int64_t> copies = fewestCopies(p);
  std::vector<size_t> now(p.layers.size(), 0), ends;
  // The first layer wins a tie.
  auto later = [](const Step &a, const Step &b) {
    if (savesMorePerArray(a, b) || savesMorePerArray(b, a))
      return savesMorePerArray(b, a);
    return a.layer > b.layer;
  };
  std::priority_queue<Step, std::vector<Step>, decltype(later)> queue(later);
  auto push = [&](size_t i) {
    if (Step step = bestStep(options[i], now[i], ends[i], i); step.gain > 0)
      queue.push(step);
  };
  for (size_t i = 0; i != options.size(); ++i) {
    ends.push_back(options[i].size());
    push(i);
  }
  while (!queue.empty()) {
    const Step step = queue.top();
    queue.pop();
    const size_t i = step.layer;
    auto fits = [&](size_t option) {
      copies[i] = options[i][option].copies;
      return endOf(p, copies) <= p.arrays;
    };
    if (fits(step.option)) {
      now[i] = step.option;
    } else {
      // More copies never end earlier, and what does not fit now never will.
      size_t low = now[i], high = step.option;
      while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        (fits(middle) ? low : high) = middle;
      }
      ends[i] = high;
      copies[i] = options[i][now[i]].copies;
    }
    push(i);
  }
  return copies;
}

std::vector<int64_t> imc::mapping::replication::marginalGain(const Problem &p) {
  return p.objective == Objective::Sum ? saveMostPerArray(p, optionsOf(p))
                                       : speedUpSlowest(p);
}

/// Fewest copies with which every layer is done within `time`, which is at
/// least the time of each window.
static std::vector<int64_t> within(const Problem &p, int64_t time) {
  std::vector<int64_t> copies;
  for (const Layer &l : p.layers)
    copies.push_back(l.copies ? l.copies : ceilDiv(l.windows, time / l.time));
  return copies;
}

static std::vector<int64_t> exactBottleneck(const Problem &p) {
  int64_t low = 0, high = 0; // low: too fast, high: fits
  for (const Layer &l : p.layers) {
    if (l.copies)
      continue;
    low = std::max(low, l.time - 1);
    high = std::max(high, l.windows * l.time);
  }
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (endOf(p, within(p, middle)) <= p.arrays ? high : low) = middle;
  }
  return within(p, high);
}

namespace {

/// What an array is worth where the linear relaxation spends the last one:
/// gain / arrays of the first step of the convex hulls that no longer fits.
struct Rate {
  int64_t gain = 0, arrays = 1; ///< gain 0: everything fits
  Wide operator()(int64_t time, int64_t used) const {
    return Wide(arrays) * time + Wide(gain) * used;
  }
};

/// First free array and time of the layers so far, and how they came about.
struct State {
  int64_t end, time;
  uint32_t previous, option;
};

} // namespace

static Rate rateOf(const Problem &p,
                   llvm::ArrayRef<std::vector<Option>> options) {
  std::vector<Step> steps;
  int64_t spare = p.arrays;
  for (const auto &[i, list] : llvm::enumerate(options)) {
    spare -= list.front().arrays;
    for (size_t now = 0; now + 1 < list.size(); now = steps.back().option)
      steps.push_back(bestStep(list, now, list.size(), i));
  }
  llvm::sort(steps, savesMorePerArray);
  for (const Step &step : steps) {
    if (step.arrays > spare)
      return {step.gain, step.arrays};
    spare -= step.arrays;
  }
  return {};
}

static std::vector<int64_t> exactSum(const Problem &p) {
  const size_t count = p.layers.size();
  std::vector<std::vector<Option>> options = optionsOf(p);
  std::vector<int64_t> best = saveMostPerArray(p, options);
  const int64_t known = objective(p, {best});

  // Lagrangian relaxation: an array costs what it is worth. A solution that is
  // better than `best` then exceeds the sum of the cheapest options, each with
  // the fewest arrays that it can take, by at most `slack`.
  const Rate rate = rateOf(p, options);
  std::vector<Wide> cheapest;
  Wide slack = rate(known - 1, p.arrays);
  for (const std::vector<Option> &list : options) {
    Wide least = rate(list[0].time, list[0].arrays);
    for (const Option &o : list)
      least = std::min(least, rate(o.time, o.arrays));
    cheapest.push_back(least);
    slack -= least;
  }
  std::vector<int64_t> rest(count + 1, 0); // fewest arrays of layers i...
  for (size_t i = count; i-- > 0;) {
    llvm::erase_if(options[i], [&](const Option &o) {
      return rate(o.time, o.arrays) - cheapest[i] > slack;
    });
    if (options[i].empty())
      return best;
    rest[i] = rest[i + 1] + options[i].front().arrays;
  }

  std::vector<std::vector<State>> layers(count + 1);
  layers[0].push_back({0, 0, 0, 0});
  Wide done = 0; // cheapest options of the layers so far
  std::vector<State> next;
  for (size_t i = 0; i != count; ++i) {
    const Layer &l = p.layers[i];
    done += cheapest[i];
    next.clear();
    for (const auto &[s, state] : llvm::enumerate(layers[i]))
      for (const auto &[o, option] : llvm::enumerate(options[i])) {
        const State to{endOfLayers(l, option.copies, p.core, state.end),
                       state.time + option.time, uint32_t(s), uint32_t(o)};
        if (to.end + rest[i + 1] > p.arrays)
          break;
        if (rate(to.time, to.end) - done <= slack)
          next.push_back(to);
      }
    llvm::sort(next, [](const State &a, const State &b) {
      return std::tie(a.end, a.time, a.previous) <
             std::tie(b.end, b.time, b.previous);
    });
    // A state that ends later and is not faster is dominated: what follows
    // never ends earlier because it begins later.
    for (const State &state : next)
      if (layers[i + 1].empty() || state.time < layers[i + 1].back().time)
        layers[i + 1].push_back(state);
  }
  // The last state is the fastest. Within the slack there are also slower ones
  // that take fewer arrays.
  if (layers[count].empty() || layers[count].back().time >= known)
    return best;
  size_t at = layers[count].size() - 1;
  for (size_t i = count; i-- > 0;) {
    const State &state = layers[i + 1][at];
    best[i] = options[i][state.option].copies;
    at = state.previous;
  }
  return best;
}

std::vector<int64_t> imc::mapping::replication::exact(const Problem &p) {
  return p.objective == Objective::Sum ? exactSum(p) : exactBottleneck(p);
}
