//===- Calibrate.cpp - Measure the ranges of activations ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy of the function returns, beside its results, the input of every
// product. Each is counted as soon as a sample has run, and none is kept.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Calibrate.h"

#include "imc/Execute/Executor.h"

#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>
#include <limits>

using namespace imc::execute;
using namespace mlir;

/// The products of `main` in program order, or a diagnostic.
static FailureOr<SmallVector<Operation *>> findProducts(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal()) {
    module.emitError("cannot calibrate: the module has no function 'main'");
    return failure();
  }
  SmallVector<Operation *> products;
  WalkResult result = function.walk([&](Operation *op) {
    if (!isa<imc::MatmulOp, imc::Conv2DOp>(op))
      return WalkResult::advance();
    // The model's own integers have their scales.
    if (op->hasAttr(imc::IMCDialect::inputBitsAttrName) &&
        getElementTypeOrSelf(op->getOperand(0)).isInteger(8))
      return WalkResult::advance();
    auto type = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
    if (!type || !type.getElementType().isF32()) {
      op->emitOpError("cannot be calibrated: its input is ")
          << op->getOperand(0).getType()
          << ", expected an f32 tensor; calibrate at phase 'offloaded'";
      return WalkResult::interrupt();
    }
    if (op->getParentOp() != function) {
      op->emitOpError("cannot be calibrated inside '")
          << op->getParentOp()->getName()
          << "'; calibrate before tiling, at phase 'offloaded'";
      return WalkResult::interrupt();
    }
    products.push_back(op);
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (products.empty()) {
    module.emitError("cannot calibrate: there is no imc.matmul or imc.conv2d "
                     "in f32; run imc-offload first, or leave the calibration "
                     "out for a model that is in integers");
    return failure();
  }
  return products;
}

/// What a product reads before zeros are put around it. They would only blur
/// the histogram: every range holds zero (R1).
static Value withoutPadding(Value x) {
  while (auto pad = x.getDefiningOp<tensor::PadOp>()) {
    Value padding = pad.getConstantPaddingValue();
    if (!padding || !matchPattern(padding, m_AnyZeroFloat()))
      break;
    x = pad.getSource();
  }
  return x;
}

namespace {
/// The activations that a compiled copy of a module makes for its products.
class Observer {
public:
  /// Fails with a diagnostic.
  LogicalResult prepare(ModuleOp module, ArrayRef<Operation *> products);

  /// Calls `see(i, values)` for activation i, in order, of every sample.
  LogicalResult
  run(ModuleOp module, ArrayRef<std::vector<Tensor>> samples,
      llvm::function_ref<LogicalResult(size_t, ArrayRef<float>)> see);

  /// The activation that each product reads; products may share one.
  SmallVector<size_t> activation;
  size_t numActivations = 0;

private:
  std::unique_ptr<Executor> executor;
  size_t first = 0;
};
} // namespace

LogicalResult Observer::prepare(ModuleOp module,
                                ArrayRef<Operation *> products) {
  OwningOpRef<ModuleOp> copy = module.clone();
  auto function = copy->lookupSymbol<func::FuncOp>("main");
  FailureOr<SmallVector<Operation *>> copies = findProducts(*copy);
  if (failed(copies))
    return failure();
  if (!function.getBody().hasOneBlock())
    return function.emitError("cannot calibrate: 'main' has several blocks");
  auto returnOp =
      cast<func::ReturnOp>(function.getBody().front().getTerminator());
  first = function.getNumResults();
  llvm::SetVector<Value> values;
  for (Operation *product : *copies) {
    Value x = withoutPadding(product->getOperand(0));
    values.insert(x);
    activation.push_back(llvm::find(values, x) - values.begin());
  }
  numActivations = values.size();
  SmallVector<unsigned> positions(values.size(), first);
  SmallVector<Type> types;
  for (Value value : values)
    types.push_back(value.getType());
  returnOp.getOperandsMutable().append(values.getArrayRef());
  if (failed(function.insertResults(positions, types,
                                    SmallVector<DictionaryAttr>(types.size()))))
    return failure();
  FailureOr<std::unique_ptr<Executor>> compiled = Executor::compile(*copy);
  if (failed(compiled))
    return failure();
  executor = std::move(*compiled);
  return success();
}

LogicalResult
Observer::run(ModuleOp module, ArrayRef<std::vector<Tensor>> samples,
              llvm::function_ref<LogicalResult(size_t, ArrayRef<float>)> see) {
  for (const std::vector<Tensor> &sample : samples) {
    llvm::Expected<std::vector<Tensor>> outputs = executor->run(sample);
    if (!outputs)
      return module.emitError("cannot calibrate: ")
             << llvm::toString(outputs.takeError());
    for (size_t i = 0; i < numActivations; ++i)
      if (failed(see(i, std::as_const((*outputs)[first + i]).as<float>())))
        return failure();
  }
  return success();
}

LogicalResult imc::execute::calibrate(ModuleOp module,
                                      ArrayRef<std::vector<Tensor>> samples,
                                      const CalibrationOptions &options) {
  if (samples.empty())
    return module.emitError("cannot calibrate without inputs");
  FailureOr<SmallVector<Operation *>> products = findProducts(module);
  if (failed(products))
    return failure();
  Observer observer;
  if (failed(observer.prepare(module, *products)))
    return failure();

  std::vector<std::pair<double, double>> extremes(
      observer.numActivations, {std::numeric_limits<double>::infinity(),
                                -std::numeric_limits<double>::infinity()});
  auto findExtremes = [&](size_t i, ArrayRef<float> values) -> LogicalResult {
    auto &[lo, hi] = extremes[i];
    for (float value : values) {
      if (!std::isfinite(value)) {
        size_t reader =
            llvm::find(observer.activation, i) - observer.activation.begin();
        return (*products)[reader]->emitOpError(
                   "cannot be calibrated: its input holds ")
               << value << " on the given data";
      }
      lo = std::min<double>(lo, value);
      hi = std::max<double>(hi, value);
    }
    return success();
  };
  if (failed(observer.run(module, samples, findExtremes)))
    return failure();

  std::vector<Histogram> histograms;
  if (options.rule.method != RangeMethod::MinMax) {
    for (auto [lo, hi] : extremes)
      histograms.emplace_back(lo, hi);
    auto count = [&](size_t i, ArrayRef<float> values) {
      histograms[i].add(values);
      return success();
    };
    if (failed(observer.run(module, samples, count)))
      return failure();
  }
  Builder attributes(module.getContext());
  for (auto [product, activation] :
       llvm::zip_equal(*products, observer.activation)) {
    auto [lo, hi] =
        histograms.empty()
            ? extremes[activation]
            : histograms[activation].range(options.rule, options.inputBits);
    product->setAttr(imc::IMCDialect::rangeAttrName,
                     attributes.getF64ArrayAttr({lo, hi}));
  }
  return success();
}

llvm::Expected<std::vector<std::vector<Tensor>>>
imc::execute::splitSamples(ModuleOp module, ArrayRef<Tensor> tensors) {
  auto refuse = [](const Twine &what) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), what);
  };
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function)
    return refuse("the module has no function 'main'");
  if (function.getNumArguments() != tensors.size())
    return refuse("the model takes " + Twine(function.getNumArguments()) +
                  " input(s), but " + Twine(tensors.size()) + " were given");
  int64_t count = -1;
  for (auto [i, type, tensor] :
       llvm::enumerate(function.getArgumentTypes(), tensors)) {
    auto shaped = dyn_cast<RankedTensorType>(type);
    ArrayRef<int64_t> have = tensor.shape;
    int64_t samples = 1;
    bool fits = shaped && shaped.hasStaticShape() &&
                have.size() == static_cast<size_t>(shaped.getRank());
    if (fits && !have.empty()) {
      int64_t extent = shaped.getDimSize(0);
      fits = extent > 0 && have[0] > 0 && have[0] % extent == 0 &&
             have.drop_front() == shaped.getShape().drop_front();
      samples = fits ? have[0] / extent : 0;
    }
    if (!fits || (count >= 0 && samples != count)) {
      std::string expected;
      llvm::raw_string_ostream(expected) << type;
      return refuse("input " + Twine(i) + " is " + tensor.describe() +
                    ", which is no whole number of samples of type " +
                    expected + ", or another number than the inputs before");
    }
    count = samples;
  }
  std::vector<std::vector<Tensor>> samples(std::max<int64_t>(count, 1));
  for (const Tensor &tensor : tensors) {
    size_t bytes = tensor.data.size() / samples.size();
    for (auto [i, sample] : llvm::enumerate(samples)) {
      Tensor part;
      part.type = tensor.type;
      part.shape = tensor.shape;
      if (!part.shape.empty())
        part.shape[0] /= samples.size();
      part.data.assign(tensor.data.begin() + i * bytes,
                       tensor.data.begin() + (i + 1) * bytes);
      sample.push_back(std::move(part));
    }
  }
  return samples;
}
