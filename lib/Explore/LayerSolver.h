//===- LayerSolver.h - Decisions about layers, exactly ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inner level of a two-level search: machine and pass knobs are given, the
// knobs of single layers take the values of the least objective.
//
// What a layer adds to energy, time, noise and arrays hardly depends on the
// others: only on the core that it begins in, of those that share a link
// (E-TIME-7). So each choice of a layer has a lower bound over these places,
// and choices add up: an assignment under a cap on arrays (imc/Search/
// Assignment.h) gives a first answer, branch and bound over the layers, with
// the linear relaxations of arrays and noise, ends when no assignment is left
// that could be better. What is compared are prices of the whole model, so the
// answer is that of pricing every combination.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_LAYERSOLVER_H
#define IMC_LIB_EXPLORE_LAYERSOLVER_H

#include "imc/Explore/JointProblem.h"

#include <mutex>
#include <unordered_map>

namespace imc::explore {

class LayerSolver {
public:
  /// Refuses: no knobs of layers; several objectives, or one that layers do
  /// not decide alone; models that share the chip; unfolding, which looks at
  /// all layers together.
  static llvm::Expected<std::unique_ptr<LayerSolver>>
  create(const JointProblem &problem);

  struct Solution {
    search::Genome design; ///< with the layers' values
    search::Evaluation evaluation;
    /// No other values of these knobs are better; otherwise none is better by
    /// more than `gap` (relative, of one model).
    bool proven = true;
    double gap = 0;
  };
  /// `outer`: a design; its knobs of layers have no meaning. Thread safe.
  Solution solve(const search::Genome &outer) const;

  bool isOfLayer(size_t knob) const {
    return problem.layerOf[knob].has_value();
  }

private:
  /// One combination of the values of a layer's knobs: no price is below.
  struct Choice {
    double energy, latency, noise, arrays;
    std::vector<int32_t> values; ///< parallel to Layer::knobs
  };
  struct Layer {
    std::string name;
    std::vector<size_t> knobs;
    std::vector<Choice> choices;
  };
  class Search;
  explicit LayerSolver(const JointProblem &problem) : problem(problem) {}
  Layer tableOf(size_t model, const std::string &name,
                const std::vector<size_t> &knobs, const Decoded &outer,
                const cost::Prices &prices) const;
  Choice priceLayers(const workload::Workload &layers, const Decoded &outer,
                     const cost::Prices &prices) const;

  const JointProblem &problem;
  size_t metric = 0; ///< the objective
  /// By model: layers with knobs in program order.
  std::vector<std::vector<std::pair<std::string, std::vector<size_t>>>> layers;
};

/// The outer level as a problem of its own: knobs of layers have one value.
class OuterProblem final : public search::Problem {
public:
  static llvm::Expected<std::unique_ptr<OuterProblem>>
  create(const JointProblem &problem);

  const search::Space &space() const override { return outer; }
  const std::vector<std::string> &objectiveNames() const override {
    return problem.objectiveNames();
  }
  const std::vector<std::string> &constraintNames() const override {
    return problem.constraintNames();
  }
  void evaluate(const search::Genome *designs, size_t count,
                search::Evaluation *results) const override;
  struct Figures {
    uint64_t proven = 0, bounded = 0; ///< designs whose layers were solved
    double gap = 0;                   ///< of the latter, the largest
  };
  Figures figures() const;
  /// With the values of the layers.
  LayerSolver::Solution solutionOf(const search::Genome &design) const;

private:
  OuterProblem(const JointProblem &problem, search::Space outer,
               std::unique_ptr<LayerSolver> solver)
      : problem(problem), outer(std::move(outer)), solver(std::move(solver)) {}
  const JointProblem &problem;
  search::Space outer;
  std::unique_ptr<LayerSolver> solver;
  mutable std::mutex mutex; ///< guards what follows
  mutable std::unordered_map<std::string, LayerSolver::Solution> known;
};

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_LAYERSOLVER_H
