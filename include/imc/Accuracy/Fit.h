//===- Fit.h - Simulate designs and fit the model of accuracy ---*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One network on many designs: it is compiled once for each pair of weight and
// input bits, and every design is an array engine of its own.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_FIT_H
#define IMC_ACCURACY_FIT_H

#include "imc/Accuracy/Evaluate.h"
#include "imc/Accuracy/Model.h"

#include <functional>

namespace imc::accuracy {

/// Brings a copy of the imported module to phase `tiled` with these bits.
using TileModule =
    std::function<llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>(
        int64_t weightBits, int64_t inputBits)>;

struct SimulationOptions {
  int64_t threads = 1;
  std::optional<crossbar::Device> device;
  int64_t trials = 1; ///< of a device
  uint64_t seed = 0;
  double timeS = 0;
  /// Leading samples of the data whose sums fix calibrated ranges.
  int64_t calibrationSamples = 32;
  bool measureErrors = false; ///< of the products, beside exact ones
};

/// What a design is worth by simulation: as accuracy::evaluate.
struct Simulation {
  std::vector<Score> trials;
  /// Mean square of each product's errors, over all trials; empty unless
  /// asked for.
  std::vector<double> layerError;
  Spread top1() const;
};

class DesignBench {
public:
  /// `data` must outlive the bench.
  DesignBench(const Dataset &data, TileModule tile);
  ~DesignBench();

  /// Top-1 of the products in integers of 8 bits, and the model's layers with
  /// `windows` windows of each, from the first samples; gains measured on
  /// `gainSamples` of them, and what calibrated ranges follow from those that
  /// simulate() calibrates on.
  llvm::Error
  observe(Model &model, int64_t windows, int64_t gainSamples,
          int64_t calibrationSamples = SimulationOptions().calibrationSamples);

  /// Top-1 of products in integers of these bits.
  llvm::Expected<double> integers(int64_t weightBits, int64_t inputBits);

  llvm::Expected<Simulation> simulate(const ArraySettings &settings,
                                      const SimulationOptions &options);

private:
  struct Compiled;
  llvm::Expected<Compiled *> compiled(int64_t weightBits, int64_t inputBits);
  const Dataset &data;
  TileModule tile;
  std::map<std::pair<int64_t, int64_t>, std::unique_ptr<Compiled>> known;
};

} // namespace imc::accuracy

#endif // IMC_ACCURACY_FIT_H
