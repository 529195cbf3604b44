//===- Belief.h - Simulations and what they say of the rest -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two fidelities of one network's accuracy. Designs that were simulated have
// the simulated value. All others have that of Model.h, corrected by kriging
// (Kriging.h) over the closed form's own terms to the differences between
// simulations and model.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_BELIEF_H
#define IMC_ACCURACY_BELIEF_H

#include "imc/Accuracy/Model.h"

namespace imc::accuracy {

/// What is believed of one design. Shares in [0, 1].
struct Believed {
  double top1 = 0;
  double deviation = 0;  ///< between draws of the device; 0 without one
  double closedForm = 0; ///< top-1 by the model, before simulations
  bool simulated = false;
  /// Share of draws at or above `floor`, by a normal distribution.
  double yield(double floor) const;
};

/// Not thread safe.
class Belief {
public:
  explicit Belief(std::shared_ptr<const Model> model)
      : model(std::move(model)) {}

  /// Everything of a design that results depend on, as text.
  static std::string keyOf(const ArraySettings &settings);

  /// Fails as Model::predict does.
  llvm::Expected<Believed> of(const ArraySettings &settings) const;
  /// A simulation: mean over draws and deviation between them. of() gives them
  /// for these settings from now on.
  llvm::Error learn(const ArraySettings &settings, double top1,
                    double deviation);
  /// Fits the correction anew to all that was learned, in the order of the
  /// keys: the same for any order of learning.
  void refit();

  const Model &closedForm() const { return *model; }

private:
  struct Known {
    double top1 = 0, deviation = 0;
    double closedForm = 0;
    std::vector<double> place; ///< in the space of the terms
  };
  std::shared_ptr<const Model> model;
  std::map<std::string, Known> known;
  Kriging correction;
};

} // namespace imc::accuracy

#endif // IMC_ACCURACY_BELIEF_H
