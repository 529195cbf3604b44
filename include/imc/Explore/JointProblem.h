//===- JointProblem.h - Machine and mapping as one search problem ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A genome picks one value per knob of a space file. The problem turns it into
// a machine and pass knobs, prices every model with the same functions that the
// cost pass calls, and aggregates the figures. Combinations that cannot exist
// are infeasible under the name of the rule that they break; a bound of the
// space file is such a rule, named by its text ("area_mm2 <= 800").
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_JOINTPROBLEM_H
#define IMC_EXPLORE_JOINTPROBLEM_H

#include "imc/Cost/Pricer.h"
#include "imc/Explore/Front.h"
#include "imc/Explore/SpaceFile.h"
#include "imc/Search/Problem.h"

#include <functional>
#include <memory>
#include <optional>

namespace imc::explore {

/// What arrays leave of a model's accuracy, in closed form.
struct AccuracyFigures {
  double top1 = 0;  ///< share of samples, mean over draws of the device
  double yield = 0; ///< share of draws whose top-1 is above the floor
};
/// Thread safe. The error says why a design has no figures.
using PredictAccuracy = std::function<llvm::Expected<AccuracyFigures>(
    const machine::Machine &machine, const mapping::Knobs &knobs)>;

/// What decides the value of a design beside the space.
struct Goal {
  std::vector<std::string> objectives; ///< empty: those of the space file
  Aggregate aggregate = Aggregate::Geomean;
  /// One per model, or none; metrics of accuracy need them.
  std::vector<PredictAccuracy> accuracy;
};

/// A decision about one layer of a model.
struct LayerValue {
  size_t model;
  std::string layer; ///< name in the model
  const mapping::KnobInfo *field;
  int64_t value;
};

/// A machine with pass decisions: what a design means.
struct Decoded {
  machine::Machine machine;
  mapping::Knobs knobs;
  std::vector<LayerValue> layers{};
};

class JointProblem final : public search::Problem {
public:
  /// Refuses: no models; two models of one name; a weight for a model that is
  /// not there; a machine knob of the space whose value the target's own knob
  /// does not list; knobs that the target leaves open and the space does not
  /// set; knobs of layers that no model has, with values that no design of it
  /// can have, or beside objectives that do not know them; whatever SpaceFile
  /// and search::Space refuse.
  static llvm::Expected<std::unique_ptr<JointProblem>>
  create(SpaceFile space, machine::TargetSpec target,
         std::vector<workload::Workload> workloads, Goal goal);

  const search::Space &space() const override { return genes; }
  const std::vector<std::string> &objectiveNames() const override {
    return goal.objectives;
  }
  /// The objectives as they were asked for, before Aggregate::Pareto made one
  /// per model of each.
  const std::vector<std::string> &wantedObjectives() const { return wanted; }
  /// Rules of the cost model, "machine" (fields that contradict each other),
  /// "accuracy" (without figures; only where accuracy is asked for), then the
  /// constraints of the space in its order.
  const std::vector<std::string> &constraintNames() const override {
    return rules;
  }
  /// Objectives are left out where the chip cannot exist: its figures would
  /// mean nothing. Constraints on them are then not checked either.
  void evaluate(const search::Genome *designs, size_t count,
                search::Evaluation *results) const override;

  /// What the cost model knows of many designs at once (capacity, area and, in
  /// the accounting of the source paper, all objectives): what
  /// `branch_and_bound` proves optima with.
  const search::Bounds *bounds() const override { return proofBounds.get(); }

  /// What the problem was made from. The target has no open knobs left; fields
  /// that the space sets hold values of no meaning there (see decode()).
  const SpaceFile &spaceFile() const { return file; }
  const machine::TargetSpec &target() const { return spec; }
  llvm::ArrayRef<workload::Workload> workloads() const {
    return pricer->workloads();
  }
  /// With what the design decides for single layers.
  std::vector<workload::Workload> workloadsOf(const Decoded &design) const;
  const std::vector<double> &weights() const { return modelWeights; }
  /// Energy and latency of one inference of every model, switching included.
  std::vector<cost::ModelFigures> figuresOf(const cost::Cost &cost,
                                            const mapping::Knobs &knobs) const;
  /// Models take turns and each turn writes the arrays (see SpaceFile).
  bool chargesSwitching(const mapping::Knobs &knobs) const {
    return file.inferencesPerSwitch > 0 && workloads().size() > 1 &&
           knobs.residency == mapping::Residency::Alone;
  }
  Aggregate aggregate() const { return goal.aggregate; }

  /// Least value per model of every metric with MetricScope::Model, found by a
  /// search for that model alone; Aggregate::Regret divides by it. Indexed
  /// [metric index in metrics()][model].
  void setBest(std::vector<std::vector<double>> values) {
    best = std::move(values);
  }

  /// The knob values of a genome as text, in the order of the space.
  Design designOf(const search::Genome &genome) const;
  /// Machine and pass knobs of a genome.
  Decoded decode(const search::Genome &genome) const;
  /// The genome of a design; fails when a value is not in the space.
  llvm::Expected<search::Genome> genomeOf(const Design &design) const;

  /// Values of all metrics of a design whose models cost this much, aggregated
  /// (objectives) or of the worst model (constraint-only metrics). Order of
  /// metrics(); those of accuracy only with Goal::accuracy and figures in
  /// `accuracy`, one per model. A pure function of energies, latencies, area
  /// and these figures.
  /// With Aggregate::Pareto those of each model follow, as `metric:model`.
  NamedNumbers metricsOf(const cost::Cost &cost, const mapping::Knobs &knobs,
                         llvm::ArrayRef<AccuracyFigures> accuracy = {}) const;

  /// Whether an objective or a constraint is about accuracy.
  bool needsAccuracy() const { return accuracyRule != 0; }
  bool hasAccuracy() const { return !goal.accuracy.empty(); }
  const Goal &goalOf() const { return goal; }
  /// From now on accuracy is what these say, one per model.
  void setAccuracy(std::vector<PredictAccuracy> accuracy) {
    goal.accuracy = std::move(accuracy);
  }
  /// Figures of all models on a design.
  llvm::Expected<std::vector<AccuracyFigures>>
  accuracyOf(const Decoded &design) const;

private:
  friend class ProofBounds;
  friend class LayerSolver;
  struct Figures {
    double areaMm2;
    llvm::ArrayRef<cost::ModelFigures> models;
    llvm::ArrayRef<AccuracyFigures> accuracy; ///< by model, or empty
  };
  /// An objective: a metric of metrics(), of one model or of all.
  struct Objective {
    size_t metric;
    std::optional<size_t> model;
  };
  JointProblem(search::Space genes) : genes(std::move(genes)) {}
  /// Metric `index` of metrics() of a model.
  static double modelMetric(size_t index, const Figures &figures, size_t model);
  /// Metric `index` over all models; `scratch` saves an allocation per design.
  double aggregated(size_t index, const Figures &figures,
                    std::vector<double> &scratch) const;
  /// The largest or smallest value of metric `index` over the models.
  double worst(size_t index, bool largest, const Figures &figures) const;
  double valueOf(const Objective &objective, const Figures &figures,
                 std::vector<double> &scratch) const;
  void set(Decoded &decoded, size_t knob, double value) const;
  /// Looks up the layers of the space's knobs and tries all values.
  llvm::Error findLayers();
  /// The design in figures, by the Pricer where it can.
  void price(const Decoded &decoded, cost::DesignCost &priced) const;

  search::Space genes;
  SpaceFile file;
  machine::TargetSpec spec;
  machine::Machine base;
  std::unique_ptr<cost::Pricer> pricer;
  Goal goal;
  std::vector<Objective> objectives;
  std::vector<std::string> wanted;
  std::vector<double> modelWeights;
  std::vector<std::vector<double>> best;
  std::vector<std::string> rules;
  size_t accuracyRule = 0; ///< 0: accuracy is not asked for
  size_t firstConstraint = 0;

  /// Model and layer of every knob of the space that is one of a layer.
  std::vector<std::optional<std::pair<size_t, std::string>>> layerOf;
  bool hasLayers = false;

  /// A constraint with its metric or knob looked up; exactly one is given.
  struct Bound {
    const Constraint *constraint;
    const MetricInfo *metric;
    const machine::Field *field;
    const mapping::KnobInfo *pass;
  };
  std::vector<Bound> limits;
  std::unique_ptr<search::Bounds> proofBounds;
};

} // namespace imc::explore

#endif // IMC_EXPLORE_JOINTPROBLEM_H
