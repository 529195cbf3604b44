//===- ReplicationAlgorithms.cpp - Greedy and exact replication -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Replication.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>

using namespace imc::mapping::replication;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Fewest copies that are faster than `copies`; 0 if none are.
static int64_t nextCopies(const Layer &l, int64_t copies) {
  int64_t steps = ceilDiv(l.windows, copies);
  return steps == 1 ? 0 : ceilDiv(l.windows, steps - 1);
}

static int64_t spareArrays(const Problem &p) {
  int64_t spare = p.arrays;
  for (const Layer &l : p.layers)
    spare -= l.arrays;
  return spare;
}

static std::vector<int64_t> speedUpSlowest(const Problem &p) {
  std::vector<int64_t> copies(p.layers.size(), 1);
  std::priority_queue<std::pair<int64_t, size_t>> queue; // (time, layer)
  for (const auto &[i, l] : llvm::enumerate(p.layers))
    queue.emplace(l.windows * l.time, i);
  int64_t spare = spareArrays(p);
  while (true) {
    size_t i = queue.top().second;
    const Layer &l = p.layers[i];
    int64_t next = nextCopies(l, copies[i]);
    if (next == 0 || (next - copies[i]) * l.arrays > spare)
      return copies;
    spare -= (next - copies[i]) * l.arrays;
    copies[i] = next;
    queue.pop();
    queue.emplace(ceilDiv(l.windows, next) * l.time, i);
  }
}

namespace {

__extension__ typedef __int128 Wide;

/// A number of copies that no smaller one equals in time. There are about
/// 2 sqrt(windows) of them per layer.
struct Option {
  int64_t copies, arrays, time;
};

/// Arrays for one copy of everything, then steps that save `gain` for `arrays`.
struct Step {
  int64_t gain, arrays;
  size_t layer;
  int64_t copies;
};

bool savesMorePerArray(const Step &a, const Step &b) {
  return Wide(a.gain) * b.arrays > Wide(b.gain) * a.arrays;
}

} // namespace

static std::vector<Option> optionsOf(const Layer &l, int64_t limit) {
  std::vector<Option> options;
  for (int64_t c = 1; c != 0 && c * l.arrays <= limit; c = nextCopies(l, c))
    options.push_back({c, c * l.arrays, ceilDiv(l.windows, c) * l.time});
  return options;
}

/// The step from `now` that saves most per array with at most `spare` arrays;
/// gain 0 if there is none.
static Step bestStep(llvm::ArrayRef<Option> options, size_t now, size_t layer,
                     int64_t spare) {
  Step best{0, 1, layer, 0};
  for (const Option &o : options.drop_front(now + 1)) {
    Step step{options[now].time - o.time, o.arrays - options[now].arrays, layer,
              o.copies};
    if (step.arrays > spare)
      break;
    // Of equal rates the larger step: fewer of them follow.
    if (!savesMorePerArray(best, step))
      best = step;
  }
  return best;
}

static std::vector<int64_t> saveMostPerArray(const Problem &p) {
  int64_t spare = spareArrays(p);
  std::vector<int64_t> copies(p.layers.size(), 1);
  std::vector<std::vector<Option>> options;
  // The first layer wins a tie.
  auto later = [](const Step &a, const Step &b) {
    if (savesMorePerArray(a, b) || savesMorePerArray(b, a))
      return savesMorePerArray(b, a);
    return a.layer > b.layer;
  };
  std::priority_queue<Step, std::vector<Step>, decltype(later)> queue(later);
  auto push = [&](size_t i) {
    const std::vector<Option> &list = options[i];
    auto now = llvm::find_if(
        list, [&](const Option &o) { return o.copies == copies[i]; });
    if (Step step = bestStep(list, now - list.begin(), i, spare); step.gain > 0)
      queue.push(step);
  };
  for (const auto &[i, l] : llvm::enumerate(p.layers)) {
    options.push_back(optionsOf(l, spare + l.arrays));
    push(i);
  }
  while (!queue.empty()) {
    Step step = queue.top();
    queue.pop();
    if (step.arrays <= spare) {
      spare -= step.arrays;
      copies[step.layer] = step.copies;
    }
    push(step.layer); // one that does not fit any more shrinks
  }
  return copies;
}

std::vector<int64_t> imc::mapping::replication::marginalGain(const Problem &p) {
  return p.objective == Objective::Sum ? saveMostPerArray(p)
                                       : speedUpSlowest(p);
}

/// Fewest copies with which every layer is done within `time`, which is at
/// least the time of each window; empty if they do not fit.
static std::vector<int64_t> within(const Problem &p, int64_t time) {
  std::vector<int64_t> copies;
  Wide used = 0;
  for (const Layer &l : p.layers) {
    copies.push_back(ceilDiv(l.windows, time / l.time));
    used += Wide(copies.back()) * l.arrays;
  }
  return used <= p.arrays ? copies : std::vector<int64_t>();
}

static std::vector<int64_t> exactBottleneck(const Problem &p) {
  int64_t low = 0, high = 0; // low: too fast, high: fits
  for (const Layer &l : p.layers) {
    low = std::max(low, l.time - 1);
    high = std::max(high, l.windows * l.time);
  }
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    (within(p, middle).empty() ? low : high) = middle;
  }
  return within(p, high);
}

/// Price of an array at which the linear relaxation spends the budget: saving
/// per array of the first step of the convex hulls that no longer fits. The
/// last result is false if everything fits.
static std::tuple<int64_t, int64_t, bool>
priceOfAnArray(const Problem &p, llvm::ArrayRef<std::vector<Option>> options) {
  std::vector<Step> steps;
  for (const auto &[i, list] : llvm::enumerate(options))
    for (size_t now = 0; now + 1 < list.size();) {
      Step step = bestStep(list, now, i, std::numeric_limits<int64_t>::max());
      steps.push_back(step);
      while (list[now].copies != step.copies)
        ++now;
    }
  llvm::sort(steps, savesMorePerArray);
  int64_t spare = spareArrays(p);
  for (const Step &step : steps) {
    if (step.arrays > spare)
      return {step.gain, step.arrays, true};
    spare -= step.arrays;
  }
  return {0, 1, false};
}

static std::vector<int64_t> exactSum(const Problem &p) {
  const size_t count = p.layers.size();
  const int64_t spare = spareArrays(p);
  std::vector<std::vector<Option>> options;
  for (const Layer &l : p.layers)
    options.push_back(optionsOf(l, spare + l.arrays));
  auto [gain, arrays, scarce] = priceOfAnArray(p, options);
  std::vector<int64_t> best = marginalGain(p);
  if (!scarce)
    return best; // every layer at its fastest

  // Lagrangian relaxation: arrays cost gain / arrays each. In units of
  // 1 / arrays an option costs arrays * time + gain * (its arrays). A solution
  // that is better than `best` exceeds the sum of the cheapest options by at
  // most `slack`.
  auto priced = [gain = gain, arrays = arrays](int64_t time, int64_t used) {
    return Wide(arrays) * time + Wide(gain) * used;
  };
  std::vector<Wide> cheapest(count);
  Wide slack = priced(objective(p, {best}) - 1, p.arrays);
  for (size_t i = 0; i != count; ++i) {
    cheapest[i] = priced(options[i][0].time, options[i][0].arrays);
    for (const Option &o : options[i])
      cheapest[i] = std::min(cheapest[i], priced(o.time, o.arrays));
    slack -= cheapest[i];
  }
  for (size_t i = 0; i != count; ++i)
    llvm::erase_if(options[i], [&](const Option &o) {
      return priced(o.time, o.arrays) - cheapest[i] > slack;
    });
  std::vector<int64_t> rest(count + 1, 0); // fewest arrays of layers i...
  for (size_t i = count; i-- > 0;) {
    if (options[i].empty())
      return best;
    rest[i] = rest[i + 1] + options[i].front().arrays;
  }

  struct State {
    int64_t arrays, time;
    uint32_t previous, option;
  };
  std::vector<std::vector<State>> layers(count + 1);
  layers[0].push_back({0, 0, 0, 0});
  Wide done = 0; // cheapest options of the layers so far
  std::vector<State> next;
  for (size_t i = 0; i != count; ++i) {
    done += cheapest[i];
    next.clear();
    for (const auto &[s, state] : llvm::enumerate(layers[i]))
      for (const auto &[o, option] : llvm::enumerate(options[i])) {
        State to{state.arrays + option.arrays, state.time + option.time,
                 uint32_t(s), uint32_t(o)};
        if (to.arrays + rest[i + 1] > p.arrays)
          break;
        if (priced(to.time, to.arrays) - done <= slack)
          next.push_back(to);
      }
    llvm::sort(next, [](const State &a, const State &b) {
      return std::tie(a.arrays, a.time, a.previous) <
             std::tie(b.arrays, b.time, b.previous);
    });
    for (const State &state : next)
      if (layers[i + 1].empty() || state.time < layers[i + 1].back().time)
        layers[i + 1].push_back(state);
  }
  // The last state is the fastest. Within the slack there are also slower ones
  // that take fewer arrays.
  if (layers[count].empty() ||
      layers[count].back().time >= objective(p, {best}))
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
