//===- LayerSolver.cpp - Decisions about layers, exactly ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSolver.h"

#include "imc/Machine/Kind.h"
#include "imc/Search/Assignment.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::explore;
namespace search = imc::search;
namespace machine = imc::machine;
namespace mapping = imc::mapping;
namespace cost = imc::cost;
namespace workload = imc::workload;

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Sums of layers are rounded in another order than those of models.
constexpr double slack = 1 - 1e-12;
/// Partial assignments and complete ones that are looked at for one model of a
/// design at most; a search prices thousands of designs.
constexpr uint64_t mostNodes = 200'000, mostPriced = 4000;

static double real(int64_t value) { return static_cast<double>(value); }

llvm::Expected<std::unique_ptr<LayerSolver>>
LayerSolver::create(const JointProblem &problem) {
  const SpaceFile &file = problem.file;
  auto fail = [&](const llvm::Twine &message) {
    return makeError(file.file + ": --exact-layers: " + message);
  };
  if (!problem.hasLayers)
    return fail("no knob of the space is one of a layer; add "
                "layer.NAME.copies or leave the option out");
  if (problem.objectives.size() != 1)
    return fail("the best values of a layer depend on what counts: give one "
                "objective, not " +
                llvm::Twine(problem.objectives.size()));
  const llvm::StringRef name = metrics()[problem.objectives[0].metric].name;
  if (!llvm::is_contained({"energy_j", "latency_s", "edp_js", "edap_js_mm2"},
                          name))
    return fail("layers are chosen by energy_j, latency_s, edp_js or "
                "edap_js_mm2, not by " +
                name);
  if (problem.aggregate() == Aggregate::Regret)
    return fail("regret compares with searches whose layers are sampled; take "
                "another --aggregate");
  if (file.inferencesPerSwitch > 0 && problem.workloads().size() > 1)
    return fail("'switching' writes the copies of all layers; leave it out");
  for (const KnobChoices &knob : file.knobs) {
    const llvm::StringRef pass = knob.pass ? knob.pass->name : "";
    if (knob.layer.empty()
            ? pass == "unfolding" || pass == "residency"
            : !llvm::is_contained(
                  {"copies", "weight_bits", "input_bits", "adc_bits"}, pass))
      return fail("'" + knob.name +
                  "' looks at all layers or models together; leave it out");
  }
  std::unique_ptr<LayerSolver> solver(new LayerSolver(problem));
  solver->metric = problem.objectives[0].metric;
  solver->layers.resize(problem.workloads().size());
  for (size_t m = 0; m < solver->layers.size(); ++m)
    for (const workload::Layer &layer : problem.workloads()[m].layers) {
      auto &known = solver->layers[m];
      if (llvm::any_of(known,
                       [&](const auto &l) { return l.first == layer.name; }))
        continue;
      std::vector<size_t> knobs;
      for (size_t k = 0; k < file.knobs.size(); ++k)
        if (problem.layerOf[k] && problem.layerOf[k]->first == m &&
            problem.layerOf[k]->second == layer.name)
          knobs.push_back(k);
      if (!knobs.empty())
        known.emplace_back(layer.name, std::move(knobs));
    }
  return solver;
}

/// Lower bounds of some layers wherever they lie on the chip.
LayerSolver::Choice LayerSolver::priceLayers(const workload::Workload &layers,
                                             const Decoded &outer,
                                             const cost::Prices &prices) const {
  const machine::Machine &m = outer.machine;
  const mapping::Knobs &k = outer.knobs;
  Choice sum = {0, 0, 0, 0, {}};
  for (const workload::Layer &layer : layers.layers) {
    cost::LayerCost priced;
    const workload::Product *p = layer.product();
    if (!p) {
      const workload::DynamicProduct *d = layer.dynamicProduct();
      if (d && mapping::mayUseArrays(*d, m, k))
        continue; // depends on the arrays that are left
      cost::priceLayer(layer, mapping::Tiling(), 1, 0, m, k, prices, priced);
      sum.energy += priced.total_energy_j;
      sum.latency += priced.latency_s;
      continue;
    }
    const mapping::Tiling t = mapping::tile(*p, m, k);
    const cost::Prices own = cost::pricesOf(*p, prices, m, k);
    const int64_t copies = std::max<int64_t>(p->copies, 1);
    sum.arrays += real(t.arrays() * copies);
    workload::Workload alone;
    alone.layers = {layer};
    alone.mixed_bits = p->hasOwnBits();
    const cost::Cost detailed = cost::evaluate({alone}, m, k);
    sum.noise += std::pow(10, -detailed.models[0].sqnr_db / 10);
    if (!p->copies && k.replication != mapping::Replication::None)
      continue; // the others decide how many copies it gets
    // Cores of a link, as far as there are any.
    const int64_t places =
        prices.noc_links > 1 ? m.hierarchy.tiles_per_group : 1;
    double energy = infinity, latency = infinity;
    for (int64_t core = 0; core < places; ++core) {
      cost::priceLayer(layer, t, copies, 0, m, k, own, priced,
                       core * m.hierarchy.macros_per_tile);
      energy = std::min(energy, priced.total_energy_j);
      latency = std::min(latency, priced.latency_s);
    }
    sum.energy += energy;
    sum.latency += latency;
  }
  return sum;
}

LayerSolver::Layer LayerSolver::tableOf(size_t model, const std::string &name,
                                        const std::vector<size_t> &knobs,
                                        const Decoded &outer,
                                        const cost::Prices &prices) const {
  workload::Workload layers;
  for (const workload::Layer &layer : problem.workloads()[model].layers)
    if (layer.name == name)
      layers.layers.push_back(layer);
  Layer table{name, knobs, {}};
  std::vector<int32_t> values(knobs.size(), 0);
  auto visit = [&](auto &&self, size_t depth) -> void {
    if (depth == knobs.size()) {
      workload::Workload chosen = layers;
      for (size_t i = 0; i < knobs.size(); ++i) {
        const KnobChoices &knob = problem.file.knobs[knobs[i]];
        // All values were tried when the problem was made.
        llvm::cantFail(
            workload::setLayer(chosen, name, knob.pass->name,
                               static_cast<int64_t>(knob.values[values[i]])));
      }
      table.choices.push_back(priceLayers(chosen, outer, prices));
      table.choices.back().values = values;
      return;
    }
    const auto count =
        static_cast<int32_t>(problem.file.knobs[knobs[depth]].values.size());
    for (values[depth] = 0; values[depth] < count; ++values[depth])
      self(self, depth + 1);
  };
  visit(visit, 0);
  return table;
}

//===----------------------------------------------------------------------===//
// One model
//===----------------------------------------------------------------------===//

/// Branch and bound over the layers of one model.
class LayerSolver::Search {
public:
  Search(const LayerSolver &solver, size_t model, const Decoded &outer,
         search::Genome &design)
      : solver(solver), problem(solver.problem), model(model), outer(outer),
        design(design) {}

  /// Writes the best values into the design; false: there are none.
  bool run();
  double best = infinity;      ///< the metric of the model
  double abandoned = infinity; ///< no assignment left out is below

private:
  struct Sums {
    double energy = 0, latency = 0, noise = 0, arrays = 0;
    Sums operator+(const Choice &c) const {
      return {energy + c.energy, latency + c.latency, noise + c.noise,
              arrays + c.arrays};
    }
  };
  /// A relaxation: what layers add at least, with a price on a cap.
  struct Dual {
    double Choice::*cost, Choice::*weight;
    double multiplier, cap;
    std::vector<double> rest; ///< from each layer on
  };
  void addDuals(double Choice::*cost, double Choice::*weight, double cap);
  double boundOf(size_t depth, const Sums &sums) const;
  void seed();
  void price();
  void visit(size_t depth, const Sums &sums, double bound);
  double value(double energy, double latency) const;

  const LayerSolver &solver;
  const JointProblem &problem;
  size_t model;
  const Decoded &outer;
  search::Genome &design;
  std::vector<Layer> layers;
  std::vector<size_t> chosen, bestChosen; ///< by layer
  std::vector<Sums> rest;                 ///< least of each, from a layer on
  std::vector<Dual> duals;
  Sums others;                                ///< layers without knobs
  double arrays = infinity, noise = infinity; ///< caps
  double area = 0;
  uint64_t nodes = 0, priced = 0;
};

double LayerSolver::Search::value(double energy, double latency) const {
  cost::ModelFigures figures;
  figures.energy_j = energy;
  figures.latency_s = latency;
  return JointProblem::modelMetric(solver.metric, {area, figures, {}}, 0);
}

/// The multiplier that bounds all layers best, and its neighbours.
void LayerSolver::Search::addDuals(double Choice::*cost, double Choice::*weight,
                                   double cap) {
  if (cap == infinity)
    return;
  auto bound = [&](double multiplier) {
    double sum = 0;
    for (const Layer &layer : layers) {
      double least = infinity;
      for (const Choice &c : layer.choices)
        least = std::min(least, c.*cost + multiplier * c.*weight);
      sum += least;
    }
    return sum - multiplier * cap;
  };
  double scale = 0;
  for (const Layer &layer : layers)
    for (const Choice &c : layer.choices)
      if (c.*weight > 0)
        scale = std::max(scale, c.*cost / c.*weight);
  if (scale == 0)
    return;
  double best = 0, most = bound(0);
  for (int i = 0; i < 80; ++i) {
    const double multiplier = scale * std::exp2(-i / 2.0);
    if (const double here = bound(multiplier); here > most) {
      most = here;
      best = multiplier;
    }
  }
  if (best == 0)
    return;
  for (double factor : {0.5, 0.85, 1.0, 1.2, 2.0}) {
    Dual dual{cost, weight, best * factor, cap,
              std::vector<double>(layers.size() + 1, 0)};
    for (size_t i = layers.size(); i-- > 0;) {
      double least = infinity;
      for (const Choice &c : layers[i].choices)
        least = std::min(least, c.*cost + dual.multiplier * c.*weight);
      dual.rest[i] = dual.rest[i + 1] + least;
    }
    duals.push_back(std::move(dual));
  }
}

/// No way to complete these sums is below.
double LayerSolver::Search::boundOf(size_t depth, const Sums &sums) const {
  const Sums &left = rest[depth];
  if ((sums.arrays + left.arrays) * slack > arrays ||
      (sums.noise + left.noise) * (1 - 1e-9) > noise)
    return infinity;
  double energy = left.energy, latency = left.latency;
  for (const Dual &dual : duals) {
    const double used =
        dual.weight == &Choice::arrays ? sums.arrays : sums.noise;
    double &here = dual.cost == &Choice::energy ? energy : latency;
    here =
        std::max(here, dual.rest[depth] - dual.multiplier * (dual.cap - used));
  }
  return value(sums.energy + energy, sums.latency + latency) * slack;
}

/// Prices the model as it is chosen.
void LayerSolver::Search::price() {
  ++priced;
  workload::Workload whole = problem.workloads()[model];
  for (size_t i = 0; i < layers.size(); ++i)
    for (size_t k = 0; k < layers[i].knobs.size(); ++k) {
      const KnobChoices &knob = problem.file.knobs[layers[i].knobs[k]];
      const int32_t v = layers[i].choices[chosen[i]].values[k];
      llvm::cantFail(workload::setLayer(whole, layers[i].name, knob.pass->name,
                                        static_cast<int64_t>(knob.values[v])));
    }
  const cost::Cost cost = cost::evaluate({whole}, outer.machine, outer.knobs);
  if (!cost.feasible)
    return;
  const std::vector<cost::ModelFigures> figures =
      problem.figuresOf(cost, outer.knobs);
  const JointProblem::Figures all{cost.area_mm2, figures, {}};
  for (const JointProblem::Bound &limit : problem.limits)
    if (limit.metric && limit.metric->scope == MetricScope::Model &&
        limit.constraint->violation(JointProblem::modelMetric(
            limit.metric - metrics().data(), all, 0)) > 0)
      return;
  const double here = JointProblem::modelMetric(solver.metric, all, 0);
  if (here < best) {
    best = here;
    bestChosen = chosen;
  }
}

/// First answers: the assignment under the cap on arrays that is best by
/// weights of energy and time, which for a product are its slopes.
void LayerSolver::Search::seed() {
  const llvm::StringRef name = metrics()[solver.metric].name;
  double ofEnergy = name != "latency_s", ofLatency = name != "energy_j";
  if (ofEnergy != 0 && ofLatency != 0) {
    ofEnergy = rest[0].latency + others.latency;
    ofLatency = rest[0].energy + others.energy;
  }
  for (int round = 0; round < 6; ++round) {
    std::vector<std::vector<search::Choice>> choices;
    double all = 0;
    for (const Layer &layer : layers) {
      choices.emplace_back();
      double most = 0;
      for (const Choice &c : layer.choices) {
        choices.back().push_back(
            {ofEnergy * c.energy + ofLatency * c.latency, c.arrays});
        most = std::max(most, c.arrays);
      }
      all += most;
    }
    auto found = search::assignLayers(
        choices, std::min(all, arrays - others.arrays), 20'000);
    if (!found || !*found)
      return;
    if ((*found)->choices == chosen)
      return;
    chosen = (*found)->choices;
    price();
    if (name == "energy_j" || name == "latency_s")
      return;
    Sums sums = others;
    for (size_t i = 0; i < layers.size(); ++i)
      sums = sums + layers[i].choices[chosen[i]];
    ofEnergy = sums.latency;
    ofLatency = sums.energy;
  }
}

void LayerSolver::Search::visit(size_t depth, const Sums &sums, double bound) {
  if (++nodes > mostNodes || priced >= mostPriced) {
    abandoned = std::min(abandoned, bound);
    return;
  }
  if (depth == layers.size()) {
    price();
    return;
  }
  std::vector<std::pair<double, size_t>> order;
  for (size_t c = 0; c < layers[depth].choices.size(); ++c)
    order.emplace_back(boundOf(depth + 1, sums + layers[depth].choices[c]), c);
  llvm::sort(order);
  for (auto [below, c] : order) {
    if (below >= best)
      return;
    chosen[depth] = c;
    visit(depth + 1, sums + layers[depth].choices[c], below);
  }
}

bool LayerSolver::Search::run() {
  const machine::Machine &m = outer.machine;
  const cost::Prices prices = cost::priceDesign(m, outer.knobs);
  area = prices.area_mm2;
  workload::Workload without;
  for (const workload::Layer &layer : problem.workloads()[model].layers)
    if (llvm::none_of(solver.layers[model],
                      [&](const auto &l) { return l.first == layer.name; }))
      without.layers.push_back(layer);
  others = Sums() + solver.priceLayers(without, outer, prices);
  for (const auto &[name, knobs] : solver.layers[model]) {
    std::vector<size_t> active;
    for (size_t k : knobs)
      if (problem.file.isActive(k, design))
        active.push_back(k);
    layers.push_back(solver.tableOf(model, name, active, outer, prices));
  }
  // Layers that decide most come first.
  auto span = [](const Layer &layer) {
    double least = infinity, most = 0;
    for (const Choice &c : layer.choices) {
      least = std::min(least, c.latency);
      most = std::max(most, c.latency);
    }
    return most - least;
  };
  std::vector<std::pair<double, size_t>> order;
  for (const auto &[i, layer] : llvm::enumerate(layers))
    order.emplace_back(-span(layer), i);
  llvm::sort(order);
  std::vector<Layer> sorted;
  for (const auto &[less, i] : order)
    sorted.push_back(std::move(layers[i]));
  layers = std::move(sorted);
  if (machine::cellKind(m).nonvolatile)
    arrays = real(m.arrays());
  for (const JointProblem::Bound &limit : problem.limits)
    if (limit.metric && llvm::StringRef(limit.metric->name) == "sqnr_db" &&
        !limit.constraint->atMost)
      noise = std::min(noise, std::pow(10, -limit.constraint->limit / 10));
  rest.resize(layers.size() + 1);
  for (size_t i = layers.size(); i-- > 0;) {
    Sums least = {infinity, infinity, infinity, infinity};
    for (const Choice &c : layers[i].choices) {
      least.energy = std::min(least.energy, c.energy);
      least.latency = std::min(least.latency, c.latency);
      least.noise = std::min(least.noise, c.noise);
      least.arrays = std::min(least.arrays, c.arrays);
    }
    rest[i] = {
        rest[i + 1].energy + least.energy, rest[i + 1].latency + least.latency,
        rest[i + 1].noise + least.noise, rest[i + 1].arrays + least.arrays};
  }
  addDuals(&Choice::latency, &Choice::arrays, arrays - others.arrays);
  addDuals(&Choice::energy, &Choice::arrays, arrays - others.arrays);
  addDuals(&Choice::latency, &Choice::noise, noise - others.noise);
  addDuals(&Choice::energy, &Choice::noise, noise - others.noise);
  for (Dual &dual : duals) // as sums count the other layers, too
    dual.cap += dual.weight == &Choice::arrays ? others.arrays : others.noise;

  chosen.assign(layers.size(), 0);
  if (!layers.empty())
    seed();
  chosen.assign(layers.size(), 0);
  if (const double bound = boundOf(0, others); bound < best)
    visit(0, others, bound);
  for (size_t i = 0; i < layers.size() && best < infinity; ++i)
    for (size_t k = 0; k < layers[i].knobs.size(); ++k)
      design[layers[i].knobs[k]] = layers[i].choices[bestChosen[i]].values[k];
  return best < infinity;
}

LayerSolver::Solution LayerSolver::solve(const search::Genome &outer) const {
  Solution solution;
  solution.design = outer;
  for (size_t k = 0; k < outer.size(); ++k)
    if (isOfLayer(k))
      solution.design[k] = 0;
  Decoded decoded = problem.decode(solution.design);
  decoded.layers.clear();
  auto evaluate = [&] {
    solution.evaluation.clear();
    problem.evaluate(&solution.design, 1, &solution.evaluation);
  };
  // Machines that contradict themselves have no prices.
  if (llvm::Error error = machine::check(decoded.machine)) {
    llvm::consumeError(std::move(error));
    evaluate();
    return solution;
  }
  for (size_t m = 0; m < layers.size(); ++m) {
    Search search(*this, m, decoded, solution.design);
    if (layers[m].empty())
      continue;
    const bool found = search.run();
    if (search.abandoned >= search.best)
      continue;
    solution.proven = false;
    solution.gap = std::max(
        solution.gap, found ? search.best / search.abandoned - 1 : infinity);
  }
  evaluate();
  return solution;
}

//===----------------------------------------------------------------------===//
// The outer level
//===----------------------------------------------------------------------===//

llvm::Expected<std::unique_ptr<OuterProblem>>
OuterProblem::create(const JointProblem &problem) {
  auto solver = LayerSolver::create(problem);
  if (!solver)
    return solver.takeError();
  std::vector<search::Knob> knobs = problem.space().knobs();
  for (size_t k = 0; k < knobs.size(); ++k)
    if ((*solver)->isOfLayer(k)) {
      knobs[k].count = 1;
      knobs[k].conditions.clear();
    }
  auto outer = search::Space::create(std::move(knobs));
  if (!outer)
    return makeError(outer.message());
  return std::unique_ptr<OuterProblem>(
      new OuterProblem(problem, std::move(*outer), std::move(*solver)));
}

LayerSolver::Solution
OuterProblem::solutionOf(const search::Genome &design) const {
  const std::string key = outer.encode(design).str();
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto at = known.find(key); at != known.end())
      return at->second;
  }
  LayerSolver::Solution solution = solver->solve(design);
  std::lock_guard<std::mutex> lock(mutex);
  return known.emplace(key, std::move(solution)).first->second;
}

OuterProblem::Figures OuterProblem::figures() const {
  Figures figures;
  std::lock_guard<std::mutex> lock(mutex);
  for (const auto &[key, solution] : known) {
    ++(solution.proven ? figures.proven : figures.bounded);
    figures.gap = std::max(figures.gap, solution.gap);
  }
  return figures;
}

void OuterProblem::evaluate(const search::Genome *designs, size_t count,
                            search::Evaluation *results) const {
  for (size_t i = 0; i < count; ++i)
    results[i] = solutionOf(designs[i]).evaluation;
}
