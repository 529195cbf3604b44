//===- SearchAccuracy.h - Accuracy of a search's designs -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TOOLS_IMC_SEARCHACCURACY_H
#define IMC_TOOLS_IMC_SEARCHACCURACY_H

#include "imc/Accuracy/Belief.h"
#include "imc/Accuracy/Fit.h"
#include "imc/Explore/SearchCommand.h"

namespace imc::driver {

/// Simulates designs of networks as their models of accuracy were fitted, and
/// says what these models and the simulations together make believe.
class SearchAccuracy final : public explore::AccuracyBelief {
public:
  /// Draws of a device; those of the fit are others again.
  enum Draws : uint64_t { Learn = 0x1ea2, Check = 0x5eed };

  /// `floor` of top-1 for yields; `trials` draws of devices per simulation.
  SearchAccuracy(std::vector<std::shared_ptr<const accuracy::Model>> models,
                 double floor, int64_t trials, int64_t threads, uint64_t seed);

  /// The next network, `imported` at batch 1, and its labelled data. Refused:
  /// data that its model was not fitted to.
  llvm::Error add(mlir::OwningOpRef<mlir::ModuleOp> imported,
                  machine::TargetSpec target, llvm::StringRef data);

  llvm::Expected<explore::SimulatedAccuracy>
  simulateWith(size_t model, const explore::Decoded &design, Draws draws);

  std::string key(size_t model, const explore::Decoded &design) const override;
  llvm::Expected<explore::SimulatedAccuracy>
  simulate(size_t model, const explore::Decoded &design) override {
    return simulateWith(model, design, Learn);
  }
  llvm::Error learn(size_t model, const explore::Decoded &design,
                    const explore::SimulatedAccuracy &simulated) override;
  void refit() override;
  llvm::Expected<explore::AccuracyFigures>
  figures(size_t model, const explore::Decoded &design) const override;
  bool isExact(size_t model) const override;

private:
  struct Network {
    explicit Network(std::shared_ptr<const accuracy::Model> model)
        : belief(std::move(model)) {}
    accuracy::Belief belief;
    mlir::OwningOpRef<mlir::ModuleOp> imported;
    accuracy::Dataset data;
    std::unique_ptr<accuracy::DesignBench> bench;
  };
  std::vector<std::unique_ptr<Network>> networks;
  size_t added = 0;
  double floor;
  int64_t trials, threads;
  uint64_t seed;
};

} // namespace imc::driver

#endif // IMC_TOOLS_IMC_SEARCHACCURACY_H
