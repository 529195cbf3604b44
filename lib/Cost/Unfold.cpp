//===- Unfold.cpp - Positions per load by price ---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Unfold.h"

#include "imc/Cost/Cost.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>
#include <tuple>

using namespace imc;
using namespace imc::cost;
using mapping::Knobs;
using mapping::UnfoldingRule;
using mapping::unfolding::Pair;

namespace {

using Positions = std::vector<Pair>;

/// What a choice costs; less is better.
struct Price {
  bool overflows = true;
  double latency_s = std::numeric_limits<double>::infinity();
  double energy_j = std::numeric_limits<double>::infinity();
  bool operator<(const Price &other) const {
    return std::tie(overflows, latency_s, energy_j) <
           std::tie(other.overflows, other.latency_s, other.energy_j);
  }
};

/// The search of `auto`, for the layers that have no rule of their own.
class Chooser {
public:
  Chooser(const workload::Workload &workload, const machine::Machine &machine,
          const Knobs &knobs)
      : workload(workload), machine(machine), knobs(knobs), quick(knobs) {
    this->knobs.unfolding = UnfoldingRule::Im2col;
    quick.unfolding = UnfoldingRule::Im2col;
    if (knobs.replication == mapping::Replication::ExactBottleneck ||
        knobs.replication == mapping::Replication::ExactSum)
      quick.replication = mapping::Replication::MarginalGain;
  }

  Positions choose();

private:
  Price price(llvm::ArrayRef<Pair> positions, const Knobs &by) const {
    const workload::Workload wide = mapping::unfold(workload, positions);
    const mapping::Plan plan = mapping::plan(wide, machine, by);
    const Cost cost = evaluate(wide, plan, machine, by);
    const ModelCost &model = cost.models.front();
    return {!plan.violations.empty(), model.latency_s, model.energy_j};
  }
  /// Takes a choice that is better than the best one.
  bool take(const Positions &positions) {
    const Price p = price(positions, quick);
    if (!(p < least))
      return false;
    best = positions;
    least = p;
    return true;
  }
  /// What the other rules say; with all arrays first.
  void others();
  /// Whether another choice for some layers alone was better.
  bool improve();

  const workload::Workload &workload;
  const machine::Machine &machine;
  Knobs knobs, quick;
  std::vector<Positions> candidates;
  size_t rules = 0; ///< of candidates, those with all arrays
  Positions best;
  Price least;
};

} // namespace

void Chooser::others() {
  auto ask = [&](UnfoldingRule rule, int64_t arrays) {
    Knobs by = knobs;
    by.unfolding = rule;
    Positions p = mapping::chooseUnfolding(workload, machine, by, arrays);
    if (!llvm::is_contained(candidates, p))
      candidates.push_back(std::move(p));
  };
  for (UnfoldingRule rule : {UnfoldingRule::Im2col, UnfoldingRule::Sdk,
                             UnfoldingRule::VariableWindow,
                             UnfoldingRule::Products, UnfoldingRule::Steps})
    ask(rule, machine.arrays());
  rules = candidates.size();
  for (int64_t arrays = machine.arrays() / 2; arrays > 0; arrays /= 2) {
    const size_t before = candidates.size();
    ask(UnfoldingRule::Products, arrays);
    ask(UnfoldingRule::Steps, arrays);
    // From here on nothing but im2col fits.
    if (candidates.size() == before && before > rules)
      break;
  }
}

bool Chooser::improve() {
  bool better = false;
  std::vector<bool> done(workload.layers.size());
  for (size_t i = 0; i != workload.layers.size(); ++i) {
    const workload::Product *product = workload.layers[i].product();
    if (!product || done[i] || product->hasOwnUnfolding() ||
        product->image_cols == 0)
      continue;
    std::vector<size_t> equal;
    for (size_t j = i; j != workload.layers.size(); ++j)
      if (const workload::Product *other = workload.layers[j].product();
          other && !done[j] && *other == *product) {
        done[j] = true;
        equal.push_back(j);
      }
    std::vector<Pair> choices;
    for (const Positions &p : candidates)
      choices.push_back(p[i]);
    const auto [high, wide] = best[i];
    choices.insert(choices.end(), {{high, wide + 1},
                                   {high + 1, wide},
                                   {high, wide - 1},
                                   {high - 1, wide}});
    llvm::sort(choices);
    choices.erase(llvm::unique(choices), choices.end());
    for (const Pair &pair : choices) {
      if (pair == best[i] || !mapping::mayUnfold(*product, pair))
        continue;
      Positions next = best;
      for (size_t j : equal)
        next[j] = pair;
      better |= take(next);
    }
  }
  return better;
}

Positions Chooser::choose() {
  others();
  for (const Positions &p : candidates)
    take(p);
  while (improve()) {
  }
  if (knobs.replication == quick.replication)
    return best;
  // Other copies may turn the order around.
  candidates.resize(rules);
  candidates.push_back(best);
  least = {};
  for (const Positions &p : candidates)
    if (const Price exact = price(p, knobs); exact < least) {
      least = exact;
      best = p;
    }
  return best;
}

Positions cost::chooseUnfolding(const workload::Workload &workload,
                                const machine::Machine &machine,
                                const Knobs &knobs) {
  Positions positions =
      mapping::chooseUnfolding(workload, machine, knobs, machine.arrays());
  // What is decided is a convolution of one position per load for `auto`.
  workload::Workload rest;
  bool open = false;
  for (const auto &[i, layer] : llvm::enumerate(workload.layers)) {
    const workload::Product *p = layer.product();
    if (!p || mapping::unfoldingOf(*p, knobs) != UnfoldingRule::Auto)
      continue;
    if (!open)
      rest = mapping::unfold(workload, positions);
    open = true;
  }
  if (!open)
    return positions;
  for (const auto &[layer, decided] :
       llvm::zip_equal(workload.layers, rest.layers))
    if (const workload::Product *p = layer.product();
        p && mapping::unfoldingOf(*p, knobs) != UnfoldingRule::Auto)
      std::get<workload::Product>(decided.work).unfolding =
          static_cast<int64_t>(UnfoldingRule::Im2col);
  const Positions chosen = Chooser(rest, machine, knobs).choose();
  for (const auto &[pair, own] : llvm::zip_equal(positions, chosen))
    if (own != Pair{1, 1})
      pair = own;
  return positions;
}

bool cost::unfolds(const workload::Workload &workload, const Knobs &knobs) {
  return knobs.unfolding != UnfoldingRule::Im2col ||
         mapping::hasOwnUnfolding(workload);
}

workload::Workload cost::unfold(workload::Workload workload,
                                const machine::Machine &machine,
                                const Knobs &knobs) {
  if (!unfolds(workload, knobs))
    return workload;
  const Positions positions = cost::chooseUnfolding(workload, machine, knobs);
  return mapping::unfold(std::move(workload), positions);
}
