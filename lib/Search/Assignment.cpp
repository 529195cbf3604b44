//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

using namespace imc::search;

namespace {
/// A choice that no other of its layer beats, with its place in the input.
struct Option {
  double cost, weight;
  std::uint32_t index;
};
using Options = std::vector<Option>; // weight ascends, cost descends

/// A partial sum over the first layers.
struct State {
  double cost, weight;
  std::uint32_t parent, option;
};

/// The linear relaxation of some layers: everything at its lightest, then the
/// steps of the convex hulls by what they save per weight.
struct Relaxation {
  double weight = 0, cost = 0;        // at the lightest
  std::vector<double> weights, costs; // after 1, 2, ... whole steps

  /// Least cost of the relaxation within `room` >= weight.
  double bound(double room) const {
    const std::size_t n = whole(room);
    const double w = n ? weights[n - 1] : weight, c = n ? costs[n - 1] : cost;
    if (n == weights.size())
      return c;
    const double share = (room - w) / (weights[n] - w);
    return c + share * (costs[n] - c);
  }
  /// Steps that fit whole; what they lead to is a real assignment.
  std::size_t whole(double room) const {
    return std::upper_bound(weights.begin(), weights.end(), room) -
           weights.begin();
  }
};

struct Step {
  double weight, cost;     // differences: cost < 0
  std::uint32_t layer, to; // the option that it leads to
};
} // namespace

static Options undominated(const std::vector<Choice> &choices) {
  Options sorted;
  for (std::size_t i = 0; i < choices.size(); ++i)
    sorted.push_back({choices[i].cost, choices[i].weight, std::uint32_t(i)});
  std::sort(sorted.begin(), sorted.end(), [](const Option &a, const Option &b) {
    return a.weight != b.weight ? a.weight < b.weight
           : a.cost != b.cost   ? a.cost < b.cost
                                : a.index < b.index;
  });
  Options kept;
  for (const Option &option : sorted)
    if (kept.empty() || option.cost < kept.back().cost)
      kept.push_back(option);
  return kept;
}

/// The steps of the lower convex hull of a layer's options, steepest first.
static void addSteps(const Options &options, std::uint32_t layer,
                     std::vector<Step> &steps) {
  std::vector<std::uint32_t> hull;
  const auto slope = [&](std::uint32_t a, std::uint32_t b) {
    return (options[b].cost - options[a].cost) /
           (options[b].weight - options[a].weight);
  };
  for (std::uint32_t i = 0; i < options.size(); ++i) {
    while (hull.size() >= 2 &&
           slope(hull[hull.size() - 2], hull.back()) >= slope(hull.back(), i))
      hull.pop_back();
    hull.push_back(i);
  }
  for (std::size_t i = 1; i < hull.size(); ++i)
    steps.push_back({options[hull[i]].weight - options[hull[i - 1]].weight,
                     options[hull[i]].cost - options[hull[i - 1]].cost, layer,
                     hull[i]});
}

namespace {
class Solver {
public:
  Solver(const std::vector<std::vector<Choice>> &layers, double cap,
         std::size_t statesLimit)
      : layers(layers), cap(cap + 1e-12 * std::fabs(cap)),
        statesLimit(statesLimit) {}

  std::optional<Assignment> solve();

private:
  void prepare();
  void expand(std::size_t depth);
  void improve(std::size_t depth, std::uint32_t state);
  Assignment answer() const;
  double slack() const { return 1e-12 * std::fabs(best); }

  const std::vector<std::vector<Choice>> &layers;
  double cap;
  std::size_t statesLimit;

  std::vector<std::size_t> order;       // layers as they are decided
  std::vector<Options> options;         // in that order
  std::vector<std::vector<Step>> steps; // of the layers from each depth on
  std::vector<Relaxation> rest;         // likewise
  std::vector<std::vector<State>> states;

  double best = std::numeric_limits<double>::infinity();
  std::vector<std::uint32_t> bestOptions; // by depth
  bool proven = true;
  double lowerBound = std::numeric_limits<double>::infinity();
};
} // namespace

void Solver::prepare() {
  const std::size_t n = layers.size();
  order.resize(n);
  std::iota(order.begin(), order.end(), 0);
  std::vector<Options> byLayer;
  for (const std::vector<Choice> &choices : layers)
    byLayer.push_back(undominated(choices));
  // Layers that decide most come first: what is left is bounded tightly.
  const auto span = [&](std::size_t i) {
    return byLayer[i].front().cost - byLayer[i].back().cost;
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return span(a) != span(b) ? span(a) > span(b) : a < b;
  });
  for (std::size_t i : order)
    options.push_back(std::move(byLayer[i]));

  steps.resize(n + 1);
  rest.resize(n + 1);
  for (std::size_t depth = n; depth-- > 0;) {
    steps[depth] = steps[depth + 1];
    addSteps(options[depth], std::uint32_t(depth), steps[depth]);
    std::sort(steps[depth].begin(), steps[depth].end(),
              [](const Step &a, const Step &b) {
                const double x = a.cost / a.weight, y = b.cost / b.weight;
                return x != y               ? x < y
                       : a.layer != b.layer ? a.layer < b.layer
                                            : a.to < b.to;
              });
    Relaxation &relaxation = rest[depth];
    relaxation.weight = rest[depth + 1].weight + options[depth].front().weight;
    relaxation.cost = rest[depth + 1].cost + options[depth].front().cost;
    double weight = relaxation.weight, cost = relaxation.cost;
    for (const Step &step : steps[depth]) {
      relaxation.weights.push_back(weight += step.weight);
      relaxation.costs.push_back(cost += step.cost);
    }
  }
}

/// Completes a partial sum greedily and keeps the result if it is the best.
void Solver::improve(std::size_t depth, std::uint32_t state) {
  const State &from = states[depth][state];
  const Relaxation &left = rest[depth];
  const std::size_t count = left.whole(cap - from.weight);
  const double cost = from.cost + (count ? left.costs[count - 1] : left.cost);
  if (cost >= best)
    return;
  best = cost;
  bestOptions.assign(options.size(), 0);
  std::uint32_t at = state;
  for (std::size_t d = depth; d-- > 0;) {
    bestOptions[d] = states[d + 1][at].option;
    at = states[d + 1][at].parent;
  }
  for (std::size_t i = 0; i < count; ++i)
    bestOptions[steps[depth][i].layer] = steps[depth][i].to;
}

void Solver::expand(std::size_t depth) {
  const std::vector<State> &before = states[depth];
  const Relaxation &left = rest[depth + 1];
  std::vector<State> &after = states[depth + 1];
  for (std::uint32_t s = 0; s < before.size(); ++s)
    for (std::uint32_t o = 0; o < options[depth].size(); ++o) {
      const State next{before[s].cost + options[depth][o].cost,
                       before[s].weight + options[depth][o].weight, s, o};
      if (next.weight + left.weight > cap)
        break;
      if (next.cost + left.bound(cap - next.weight) - slack() <= best)
        after.push_back(next);
    }
  std::sort(after.begin(), after.end(), [](const State &a, const State &b) {
    return a.weight != b.weight   ? a.weight < b.weight
           : a.cost != b.cost     ? a.cost < b.cost
           : a.parent != b.parent ? a.parent < b.parent
                                  : a.option < b.option;
  });
  std::size_t kept = 0;
  for (const State &state : after)
    if (kept == 0 || state.cost < after[kept - 1].cost)
      after[kept++] = state;
  after.resize(kept);
  for (std::uint32_t s = 0; s < after.size(); ++s)
    improve(depth + 1, s);
  // What was kept for an older best may go now.
  kept = 0;
  for (const State &state : after)
    if (state.cost + left.bound(cap - state.weight) - slack() <= best)
      after[kept++] = state;
  after.resize(kept);
  if (after.size() <= statesLimit)
    return;
  // Too many: the most promising stay, the rest becomes a bound.
  const auto promise = [&](const State &state) {
    return state.cost + left.bound(cap - state.weight);
  };
  std::nth_element(
      after.begin(), after.begin() + statesLimit, after.end(),
      [&](const State &a, const State &b) { return promise(a) < promise(b); });
  for (std::size_t i = statesLimit; i < after.size(); ++i)
    lowerBound = std::min(lowerBound, promise(after[i]));
  after.resize(statesLimit);
  proven = false;
}

Assignment Solver::answer() const {
  Assignment result;
  result.choices.resize(layers.size());
  for (std::size_t depth = 0; depth < order.size(); ++depth)
    result.choices[order[depth]] = options[depth][bestOptions[depth]].index;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    result.cost += layers[i][result.choices[i]].cost;
    result.weight += layers[i][result.choices[i]].weight;
  }
  result.proven = proven || lowerBound >= best;
  result.lowerBound = result.proven ? result.cost : lowerBound;
  for (const std::vector<State> &layer : states)
    result.states += layer.size();
  return result;
}

std::optional<Assignment> Solver::solve() {
  prepare();
  if (rest[0].weight > cap)
    return std::nullopt;
  states.resize(layers.size() + 1);
  states[0].push_back({0, 0, 0, 0});
  improve(0, 0);
  for (std::size_t depth = 0; depth < layers.size(); ++depth)
    expand(depth);
  return answer();
}

Expected<std::optional<Assignment>>
imc::search::assignLayers(const std::vector<std::vector<Choice>> &layers,
                          double cap, std::size_t statesLimit) {
  if (layers.empty())
    return Error{"an assignment has no layers; give at least one"};
  if (std::isnan(cap))
    return Error{"the cap of an assignment is not a number"};
  if (statesLimit == 0)
    return Error{"an assignment may keep 0 partial sums; allow at least 1"};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].empty())
      return Error{"layer " + std::to_string(i) +
                   " has no choices; give it at least one"};
    for (std::size_t j = 0; j < layers[i].size(); ++j) {
      const Choice &choice = layers[i][j];
      if (!std::isfinite(choice.cost) || !std::isfinite(choice.weight) ||
          choice.weight < 0)
        return Error{"choice " + std::to_string(j) + " of layer " +
                     std::to_string(i) + " has cost " +
                     std::to_string(choice.cost) + " and weight " +
                     std::to_string(choice.weight) +
                     "; both must be finite and the weight not negative: leave "
                     "out what cannot be built"};
    }
  }
  return Solver(layers, cap, statesLimit).solve();
}
