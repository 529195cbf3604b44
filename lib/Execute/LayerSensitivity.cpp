//===- LayerSensitivity.cpp - Which layers need their bits ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/LayerSensitivity.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Execute/Executor.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/LayerBits.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::execute;
using namespace mlir;

namespace {
/// The first output of every sample, one after the other.
struct Outputs {
  std::vector<double> values;
  int64_t classes = 1;
};
} // namespace

static FailureOr<Outputs> runAll(ModuleOp module,
                                 ArrayRef<std::vector<Tensor>> samples) {
  FailureOr<std::unique_ptr<Executor>> executor = Executor::compile(module);
  if (failed(executor))
    return failure();
  Outputs outputs;
  for (const std::vector<Tensor> &sample : samples) {
    llvm::Expected<std::vector<Tensor>> results = (*executor)->run(sample);
    if (!results)
      return module.emitError("cannot run on the given data: ")
             << llvm::toString(results.takeError());
    if (results->empty() || results->front().shape.empty())
      return module.emitError("has no output with classes to compare");
    const Tensor &first = results->front();
    outputs.classes = first.shape.back();
    for (int64_t i = 0, e = first.numElements(); i < e; ++i)
      outputs.values.push_back(first.at(i));
  }
  return outputs;
}

/// Index of the first of the largest elements.
static int64_t largest(ArrayRef<double> row) {
  return std::max_element(row.begin(), row.end()) - row.begin();
}

static OutputError compare(const Outputs &got, const Outputs &want,
                           ArrayRef<int64_t> labels) {
  OutputError result;
  double signal = 0, noise = 0;
  for (auto [x, y] : llvm::zip_equal(got.values, want.values)) {
    signal += y * y;
    noise += (x - y) * (x - y);
  }
  result.snrDb = noise > 0 ? 10 * std::log10(signal / noise)
                           : std::numeric_limits<double>::infinity();
  result.rows = static_cast<int64_t>(want.values.size()) / want.classes;
  for (int64_t i = 0; i < result.rows; ++i) {
    auto row = [&](const Outputs &outputs) {
      return ArrayRef(outputs.values).slice(i * want.classes, want.classes);
    };
    const int64_t chosen = largest(row(got));
    result.agreeing += chosen == largest(row(want));
    result.right += !labels.empty() && chosen == labels[i];
  }
  return result;
}

FailureOr<std::vector<LayerSensitivity>>
imc::execute::layerSensitivity(ModuleOp module,
                               ArrayRef<std::vector<Tensor>> samples,
                               const SensitivityOptions &options) {
  FailureOr<Calibration> calibration =
      Calibration::measure(module, samples, options.calibration.rule.method);
  if (failed(calibration))
    return failure();
  FailureOr<Outputs> original = runAll(module, samples);
  if (failed(original))
    return failure();
  const auto rows =
      static_cast<int64_t>(original->values.size()) / original->classes;
  if (!options.labels.empty() &&
      static_cast<int64_t>(options.labels.size()) != rows)
    return module.emitError("has ")
           << rows << " rows of outputs on the given data, but there are "
           << options.labels.size() << " labels";

  llvm::SetVector<StringRef> layers;
  std::vector<std::string> names;
  module.walk([&](Operation *op) {
    if (isa<imc::MatmulOp, imc::Conv2DOp>(op) &&
        getElementTypeOrSelf(op->getOperand(0)).isF32())
      names.push_back(imc::getLayerName(op->getLoc()));
  });
  for (const std::string &name : names)
    layers.insert(name);

  std::vector<LayerSensitivity> result;
  result.push_back({"", compare(*original, *original, options.labels)});
  auto add = [&](StringRef layer) -> LogicalResult {
    OwningOpRef<ModuleOp> copy = module.clone();
    imc::LayerBits bits{layer.str(), options.layerBits, options.layerBits};
    if (!layer.empty() && failed(imc::setLayerBits(*copy, bits)))
      return failure();
    if (failed(calibration->assign(*copy, options.calibration)) ||
        failed(options.quantize(*copy)))
      return failure();
    FailureOr<Outputs> outputs = runAll(*copy, samples);
    if (failed(outputs))
      return failure();
    result.push_back(
        {layer.str(), compare(*outputs, *original, options.labels)});
    return success();
  };
  if (failed(add("")))
    return failure();
  for (StringRef layer : layers)
    if (failed(add(layer)))
      return failure();
  return result;
}
