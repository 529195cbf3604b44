//===- JointProblem.cpp - Machine and mapping as one search problem -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/JointProblem.h"
#include "ProofBounds.h"
#include "imc/Cost/Legacy.h"
#include "imc/Machine/Unset.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cassert>
#include <cmath>

using namespace imc::explore;
namespace search = imc::search;
namespace machine = imc::machine;
namespace mapping = imc::mapping;
namespace cost = imc::cost;

static constexpr size_t kNumRules =
    static_cast<size_t>(mapping::Rule::Residency) + 1;
static bool isAccuracy(llvm::StringRef metric) {
  return metric.contains("top1") || metric == "yield_loss";
}
/// Index of "machine" among the constraint names, after the rules.
static constexpr size_t kMachineRule = kNumRules;

/// How a knob's neighbouring values relate, for the variation operators.
static search::KnobKind kindOf(const KnobChoices &knob) {
  if (!knob.isOrdered())
    return search::KnobKind::Categorical;
  // pass.adc_bits = 0 says "the machine's", which is no neighbour of 4 bits,
  // but one odd value does not spoil the order of the rest.
  return search::KnobKind::Ordinal;
}

llvm::Expected<std::unique_ptr<JointProblem>>
JointProblem::create(SpaceFile file, machine::TargetSpec spec,
                     std::vector<workload::Workload> workloads, Goal goal) {
  auto fail = [&](const llvm::Twine &message) {
    return makeError(file.file + ": " + message);
  };
  if (workloads.empty())
    return fail("no models: name at least one on the command line");
  std::vector<std::string> names;
  for (const workload::Workload &w : workloads) {
    if (llvm::is_contained(names, w.name))
      return fail("two models are called '" + w.name +
                  "': rename one (the file name is the model's name)");
    names.push_back(w.name);
  }
  if (file.models.empty())
    file.models = names;
  std::vector<double> weights(workloads.size(), 1);
  for (const auto &[name, weight] : file.weights) {
    auto at = llvm::find(names, name);
    if (at == names.end())
      return fail("models: weight for '" + name +
                  "', which is not searched; the models are " +
                  llvm::join(names, ", "));
    weights[at - names.begin()] = weight;
  }
  if (goal.objectives.empty())
    goal.objectives = file.objectives;
  if (llvm::Error error = checkObjectives(goal.objectives))
    return std::move(error);

  // The space decides the knobs that the target leaves open, within the values
  // that the target allows.
  std::vector<search::Knob> genes;
  for (const KnobChoices &knob : file.knobs) {
    genes.push_back(
        {knob.name, static_cast<int32_t>(knob.values.size()), kindOf(knob)});
    for (const KnobCondition &c : knob.conditions)
      genes.back().conditions.push_back(
          {c.knob, {c.choices.begin(), c.choices.end()}});
    if (!knob.field)
      continue;
    std::string path = knob.field->path();
    if (const machine::Knob *open = spec.findKnob(path)) {
      for (size_t i = 0; i < knob.values.size(); ++i)
        if (!llvm::is_contained(open->values, knob.values[i]))
          return fail("'" + knob.name + "' lists " + knob.text(i) +
                      ", which the knob of target '" + spec.name +
                      "' does not allow; remove it here or add it there");
      llvm::erase_if(spec.knobs,
                     [&](const machine::Knob &k) { return k.path == path; });
    }
  }
  if (!spec.knobs.empty()) {
    std::vector<std::string> open;
    for (const machine::Knob &k : spec.knobs)
      open.push_back("machine." + k.path);
    return fail("target '" + spec.name + "' leaves open " +
                llvm::join(open, ", ") +
                ", which the space does not set; list them under knobs");
  }
  // Kinds that have no figures would make every design of theirs impossible.
  machine::Machine probe = spec.values;
  for (const KnobChoices &knob : file.knobs)
    if (knob.field)
      knob.field->set(probe, knob.values.front());
  for (const KnobChoices &knob : file.knobs) {
    if (!knob.field || llvm::StringRef(knob.field->name) != "kind")
      continue;
    for (double kind : knob.values) {
      machine::Machine other = probe;
      knob.field->set(other, kind);
      if (llvm::Error error = machine::checkGiven(other))
        return fail(llvm::toString(std::move(error)) +
                    ", or list its figures as knobs");
    }
  }
  auto space = search::Space::create(std::move(genes));
  if (!space)
    return fail(space.message());

  std::unique_ptr<JointProblem> problem(new JointProblem(std::move(*space)));
  for (size_t r = 0; r < kNumRules; ++r)
    problem->rules.push_back(mapping::ruleName(static_cast<mapping::Rule>(r)));
  problem->rules.push_back("machine");
  bool accuracy = llvm::any_of(goal.objectives, isAccuracy);
  for (const Constraint &c : file.constraints)
    accuracy |= isAccuracy(c.metric);
  if (accuracy) {
    if (goal.accuracy.empty())
      return fail("objectives and constraints on top1, top1_loss, top1_yield "
                  "and yield_loss need a model of the accuracy of each "
                  "network: give them with --accuracy FILE (imc "
                  "accuracy-model makes them)");
    if (llvm::Error wrong = checkForAccuracy(file))
      return std::move(wrong);
    problem->accuracyRule = problem->rules.size();
    problem->rules.push_back("accuracy");
  }
  problem->firstConstraint = problem->rules.size();
  for (const Constraint &c : file.constraints)
    problem->rules.push_back(c.text());
  std::vector<std::string> objectiveNames;
  for (const std::string &name : goal.objectives) {
    size_t metric = findMetric(name) - metrics().data();
    bool each = goal.aggregate == Aggregate::Pareto &&
                metrics()[metric].scope == MetricScope::Model;
    if (!each) {
      problem->objectives.push_back({metric, std::nullopt});
      objectiveNames.push_back(name);
      continue;
    }
    for (size_t m = 0; m < names.size(); ++m) {
      problem->objectives.push_back({metric, m});
      objectiveNames.push_back(name + ":" + names[m]);
    }
  }
  problem->wanted = std::move(goal.objectives);
  goal.objectives = std::move(objectiveNames);
  problem->base = spec.values;
  problem->file = std::move(file);
  for (const Constraint &c : problem->file.constraints) {
    bool isMachine = llvm::StringRef(c.metric).starts_with("machine.");
    bool isPass = llvm::StringRef(c.metric).starts_with("pass.");
    problem->limits.push_back(
        {&c, findMetric(c.metric),
         isMachine ? machine::findField(c.metric) : nullptr,
         isPass ? mapping::findKnob(c.metric) : nullptr});
  }
  problem->spec = std::move(spec);
  problem->goal = std::move(goal);
  problem->modelWeights = std::move(weights);
  problem->pricer = std::make_unique<cost::Pricer>(std::move(workloads));
  if (llvm::Error error = problem->findLayers())
    return std::move(error);
  problem->proofBounds = std::make_unique<ProofBounds>(*problem);
  return problem;
}

/// Whether one layer cannot have both: copies, and several positions per load.
static bool excludes(const KnobChoices &copies, const KnobChoices &unfolding) {
  return llvm::StringRef(copies.pass->name) == "copies" &&
         llvm::StringRef(unfolding.pass->name) == "unfolding" &&
         llvm::any_of(unfolding.values, [](double rule) { return rule != 0; });
}

llvm::Error JointProblem::findLayers() {
  layerOf.resize(file.knobs.size());
  llvm::ArrayRef<workload::Workload> models = workloads();
  for (size_t k = 0; k < file.knobs.size(); ++k) {
    const KnobChoices &knob = file.knobs[k];
    if (knob.layer.empty())
      continue;
    auto fail = [&](const llvm::Twine &message) {
      return makeError(file.file + ": '" + knob.name + "': " + message);
    };
    for (size_t m = 0; m < models.size() && !layerOf[k]; ++m)
      if (llvm::StringRef layer = mapping::layerOfModel(
              knob.layer, models[m].name, file.models.size());
          !layer.empty())
        layerOf[k] = {m, layer.str()};
    if (!layerOf[k])
      return fail("with several models a layer is MODEL:NAME, and the models "
                  "are " +
                  llvm::join(file.models, ", "));
    const auto &[model, layer] = *layerOf[k];
    for (size_t other = 0; other < k; ++other)
      if (layerOf[other] == layerOf[k] && file.knobs[other].pass == knob.pass)
        return fail("is the knob '" + file.knobs[other].name +
                    "', which stands above already; keep one");
      else if (layerOf[other] == layerOf[k] &&
               (excludes(knob, file.knobs[other]) ||
                excludes(file.knobs[other], knob)))
        return fail("copies keep one position per load, so that it does not "
                    "go with '" +
                    file.knobs[other].name + "' above; keep one");
    for (double value : knob.values) {
      workload::Workload scratch = models[model];
      if (llvm::Error error = workload::setLayer(
              scratch, layer, knob.pass->name, static_cast<int64_t>(value)))
        return fail(llvm::toString(std::move(error)));
    }
    if (cost::usesLegacy(base))
      return fail("target '" + spec.name +
                  "' is priced as its source does, which decides for all "
                  "layers at once; leave the knob out");
    hasLayers = true;
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Genomes
//===----------------------------------------------------------------------===//

void JointProblem::set(Decoded &decoded, size_t knob, double value) const {
  const KnobChoices &choices = file.knobs[knob];
  if (choices.field) {
    choices.field->set(decoded.machine, value);
    return;
  }
  if (layerOf[knob]) {
    decoded.layers.push_back({layerOf[knob]->first, layerOf[knob]->second,
                              choices.pass, static_cast<int64_t>(value)});
    return;
  }
  // The space file has checked every value, so this cannot fail.
  llvm::cantFail(mapping::setKnob(decoded.knobs, choices.pass->name,
                                  static_cast<int64_t>(value)));
}

std::vector<imc::workload::Workload>
JointProblem::workloadsOf(const Decoded &design) const {
  std::vector<workload::Workload> models = workloads().vec();
  // All values were tried before.
  for (const LayerValue &value : design.layers)
    llvm::cantFail(workload::setLayer(models[value.model], value.layer,
                                      value.field->name, value.value));
  return models;
}

Decoded JointProblem::decode(const search::Genome &genome) const {
  Decoded decoded{base, {}};
  for (size_t i = 0; i < genome.size(); ++i)
    if (file.isActive(i, genome))
      set(decoded, i, file.knobs[i].values[genome[i]]);
  return decoded;
}

Design JointProblem::designOf(const search::Genome &genome) const {
  Design design;
  for (size_t i = 0; i < genome.size(); ++i)
    if (file.isActive(i, genome))
      design.emplace_back(file.knobs[i].name, file.knobs[i].text(genome[i]));
  return design;
}

llvm::Expected<search::Genome>
JointProblem::genomeOf(const Design &design) const {
  search::Genome genome;
  for (const KnobChoices &knob : file.knobs) {
    const std::string *text = find(design, knob.name);
    bool active = file.isActive(genome.size(), genome);
    if (!active && !text) {
      genome.push_back(0);
      continue;
    }
    if (!active)
      return makeError("'" + knob.name +
                       "' has no effect beside the values before it: leave it "
                       "out of the design");
    if (!text)
      return makeError("the design has no value for '" + knob.name + "'");
    size_t i = 0;
    while (i < knob.values.size() && knob.text(i) != *text)
      ++i;
    if (i == knob.values.size())
      return makeError("'" + knob.name + "' = " + *text +
                       " is not a value of the space");
    genome.push_back(static_cast<int32_t>(i));
  }
  return genome;
}

//===----------------------------------------------------------------------===//
// Metrics
//===----------------------------------------------------------------------===//

namespace {
/// Positions in metrics(); a test holds the two together.
enum Metric : size_t {
  EnergyJ,
  LatencyS,
  AreaMm2,
  PowerW,
  PowerDensity,
  EdpJs,
  EdapJsMm2,
  AdcLostBits,
  SqnrDb,
  Top1,
  Top1Loss,
  Top1Yield,
  YieldLoss,
};
} // namespace

/// Losses are objectives, which are positive and looked at on a logarithmic
/// scale: the last of a thousand samples or draws counts as half of one.
static double loss(double share) { return std::max(5e-4, 1 - share); }

double JointProblem::modelMetric(size_t index, const Figures &figures,
                                 size_t model) {
  const cost::ModelFigures &m = figures.models[model];
  const double areaMm2 = figures.areaMm2;
  switch (index) {
  case EnergyJ:
    return m.energy_j;
  case LatencyS:
    return m.latency_s;
  case AreaMm2:
    return areaMm2;
  case PowerW:
    return m.energy_j / m.latency_s;
  case PowerDensity:
    return m.power_density_w_mm2;
  case EdpJs:
    return m.energy_j * m.latency_s;
  case EdapJsMm2:
    return m.energy_j * m.latency_s * areaMm2;
  case AdcLostBits:
    return double(m.adc_lost_bits);
  case SqnrDb:
    return m.sqnr_db;
  case Top1:
    return figures.accuracy[model].top1;
  case Top1Loss:
    return loss(figures.accuracy[model].top1);
  case Top1Yield:
    return figures.accuracy[model].yield;
  case YieldLoss:
    return loss(figures.accuracy[model].yield);
  }
  llvm_unreachable("metric without a value");
}

double JointProblem::aggregated(size_t index, const Figures &figures,
                                std::vector<double> &scratch) const {
  if (metrics()[index].scope == MetricScope::Chip)
    return figures.areaMm2;
  scratch.clear();
  for (size_t m = 0; m != figures.models.size(); ++m)
    scratch.push_back(modelMetric(index, figures, m));
  // Before the searches for single models are done there is no regret yet.
  if (goal.aggregate == Aggregate::Regret)
    return explore::aggregate(goal.aggregate, scratch, modelWeights,
                              best.at(index));
  return explore::aggregate(goal.aggregate, scratch, modelWeights, {});
}

double JointProblem::worst(size_t index, bool largest,
                           const Figures &figures) const {
  double value = modelMetric(index, figures, 0);
  for (size_t m = 1; m < figures.models.size(); ++m) {
    double other = modelMetric(index, figures, m);
    value = largest ? std::max(value, other) : std::min(value, other);
  }
  return value;
}

double JointProblem::valueOf(const Objective &objective, const Figures &figures,
                             std::vector<double> &scratch) const {
  if (!objective.model)
    return aggregated(objective.metric, figures, scratch);
  return modelWeights[*objective.model] *
         modelMetric(objective.metric, figures, *objective.model);
}

llvm::Expected<std::vector<AccuracyFigures>>
JointProblem::accuracyOf(const Decoded &design) const {
  std::vector<AccuracyFigures> all;
  for (const PredictAccuracy &predict : goal.accuracy) {
    llvm::Expected<AccuracyFigures> one = predict(design.machine, design.knobs);
    if (!one)
      return one.takeError();
    all.push_back(*one);
  }
  return all;
}

std::vector<cost::ModelFigures>
JointProblem::figuresOf(const cost::Cost &cost,
                        const mapping::Knobs &knobs) const {
  std::vector<cost::ModelFigures> models;
  bool switches = chargesSwitching(knobs);
  for (const cost::ModelCost &m : cost.models) {
    cost::ModelFigures figures;
    figures.energy_j = m.energy_j;
    figures.latency_s = m.latency_s;
    if (switches) {
      figures.energy_j += m.load_energy_j / file.inferencesPerSwitch;
      figures.latency_s += m.load_latency_s / file.inferencesPerSwitch;
    }
    figures.power_density_w_mm2 = m.power_density_w_mm2;
    figures.sqnr_db = m.sqnr_db;
    figures.adc_lost_bits = m.adc_lost_bits;
    models.push_back(figures);
  }
  return models;
}

NamedNumbers
JointProblem::metricsOf(const cost::Cost &cost, const mapping::Knobs &knobs,
                        llvm::ArrayRef<AccuracyFigures> accuracy) const {
  std::vector<cost::ModelFigures> models = figuresOf(cost, knobs);
  Figures figures{cost.area_mm2, models, accuracy};
  NamedNumbers values;
  std::vector<double> scratch;
  for (size_t i = 0; i < metrics().size(); ++i) {
    const MetricInfo &info = metrics()[i];
    if (isAccuracy(info.name) && accuracy.empty())
      continue;
    // Power is bounded, not traded: the report wants the worst model. As an
    // objective it is aggregated like the others.
    bool isObjective = llvm::any_of(
        objectives, [&](const Objective &o) { return o.metric == i; });
    bool power = i == PowerW || i == PowerDensity;
    double value =
        isObjective || (info.objective && !power)
            ? aggregated(i, figures, scratch)
            : worst(i,
                    /*largest=*/i != SqnrDb && i != Top1 && i != Top1Yield,
                    figures);
    values.emplace_back(info.name, value);
  }
  for (size_t o = 0; o < objectives.size(); ++o)
    if (objectives[o].model)
      values.emplace_back(goal.objectives[o],
                          valueOf(objectives[o], figures, scratch));
  return values;
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

/// How far outside a relative violation is, for sums over rules: doublings
/// rather than multiples, so that one rule which is missed by a factor of a
/// thousand does not hide what happens to the others. Positive and finite.
static double doublings(double relative) {
  if (!std::isfinite(relative))
    return 32;
  return std::log2(1 + std::clamp(relative, 1e-9, 4e9));
}

/// A design that cannot be built is farther away than any that merely misses a
/// bound. Knobs that contradict each other are cured by changing one of them,
/// so the search first gets chips that exist and then shrinks them; with one
/// scale for both it stalls between too few arrays and too much area (RRAM
/// space, sqnr_db >= 10, budget 20,000: no feasible design on any of four
/// seeds, and 2,600 to 3,300 on each of three seeds with this step).
static constexpr double kCannotExist = 8;

static double distance(double value, double limit) {
  return kCannotExist +
         doublings(std::abs(value - limit) / std::max(std::abs(limit), 1e-12));
}

void JointProblem::price(const Decoded &decoded,
                         cost::DesignCost &priced) const {
  if (!hasLayers)
    return pricer->price(decoded.machine, decoded.knobs, priced);
  // Products that the Pricer prices once may differ here.
  const cost::Cost cost =
      cost::evaluate(workloadsOf(decoded), decoded.machine, decoded.knobs);
  priced.feasible = cost.feasible;
  priced.area_mm2 = cost.area_mm2;
  priced.models.clear();
  for (const cost::ModelCost &m : cost.models) {
    cost::ModelFigures figures;
    figures.energy_j = m.energy_j;
    figures.latency_s = m.latency_s;
    figures.power_density_w_mm2 = m.power_density_w_mm2;
    figures.sqnr_db = m.sqnr_db;
    figures.adc_lost_bits = m.adc_lost_bits;
    priced.models.push_back(figures);
  }
  priced.violations.clear();
  for (const mapping::Violation &v : cost.violations)
    priced.violations.push_back({v.rule, -1, v.value, v.limit});
  // The accounting may be a knob.
  if (cost::usesLegacy(decoded.machine))
    priced.violations.push_back(
        {mapping::Rule::Accounting, -1, double(decoded.layers.size()), 0});
}

void JointProblem::evaluate(const search::Genome *designs, size_t count,
                            search::Evaluation *results) const {
  cost::DesignCost priced;
  std::vector<double> scratch;
  std::vector<double> broken(rules.size());
  Decoded decoded;
  for (size_t d = 0; d < count; ++d) {
    const search::Genome &genome = designs[d];
    search::Evaluation &result = results[d];
    decoded.machine = base;
    decoded.knobs = {};
    decoded.layers.clear();
    for (size_t i = 0; i < genome.size(); ++i)
      if (file.knobs[i].conditions.empty() || file.isActive(i, genome))
        set(decoded, i, file.knobs[i].values[genome[i]]);

    std::fill(broken.begin(), broken.end(), 0);
    auto finish = [&] {
      for (size_t r = 0; r < broken.size(); ++r)
        if (broken[r] > 0)
          result.violate(static_cast<int32_t>(r), broken[r]);
    };
    if (llvm::Error error = machine::check(decoded.machine)) {
      llvm::consumeError(std::move(error));
      broken[kMachineRule] = kCannotExist + 1;
      finish();
      continue;
    }
    price(decoded, priced);
    for (const cost::RuleBroken &rule : priced.violations)
      broken[static_cast<size_t>(rule.rule)] +=
          distance(rule.value, rule.limit);
    bool exists = priced.violations.empty() && priced.feasible;

    std::vector<AccuracyFigures> accuracy;
    if (exists && needsAccuracy()) {
      llvm::Expected<std::vector<AccuracyFigures>> known = accuracyOf(decoded);
      if (!known) {
        llvm::consumeError(known.takeError());
        broken[accuracyRule] = kCannotExist + 1;
        exists = false;
      } else {
        accuracy = std::move(*known);
      }
    }
    // The fast path does not know what writing a model costs.
    std::vector<cost::ModelFigures> switched;
    if (exists && chargesSwitching(decoded.knobs))
      switched = figuresOf(
          cost::evaluate(workloadsOf(decoded), decoded.machine, decoded.knobs),
          decoded.knobs);
    Figures figures{priced.area_mm2,
                    switched.empty() ? llvm::ArrayRef(priced.models)
                                     : llvm::ArrayRef(switched),
                    accuracy};
    for (size_t c = 0; c < limits.size(); ++c) {
      const Bound &bound = limits[c];
      double value;
      if (bound.metric) {
        // Figures of a chip that cannot exist mean nothing; its area does.
        if (!exists && bound.metric->scope != MetricScope::Chip)
          continue;
        value = worst(bound.metric - metrics().data(), bound.constraint->atMost,
                      figures);
      } else if (bound.field) {
        value = bound.field->get(decoded.machine);
      } else {
        value = double(
            llvm::cantFail(mapping::getKnob(decoded.knobs, bound.pass->name)));
      }
      if (double outside = bound.constraint->violation(value); outside > 0)
        broken[firstConstraint + c] += doublings(outside);
    }
    finish();
    if (!exists)
      continue;
    for (const Objective &objective : objectives)
      result.objectives.push_back(valueOf(objective, figures, scratch));
    if (result.isFeasible() && !llvm::all_of(result.objectives, [](double v) {
          return std::isfinite(v) && v > 0;
        })) {
      // A design that costs nothing or cannot be counted is a defect of its
      // description, never the best design.
      result.objectives.clear();
      result.violate(kMachineRule, kCannotExist + 1);
    }
  }
}
