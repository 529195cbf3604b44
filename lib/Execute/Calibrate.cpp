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

#include "Observe.h"
#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/Payload.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

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
    if (imc::isInModelIntegers(op))
      return WalkResult::advance();
    auto type = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
    if (!type || !type.getElementType().isF32()) {
      op->emitOpError("cannot be calibrated: its input is ")
          << op->getOperand(0).getType()
          << ", expected an f32 tensor; calibrate at phase 'offloaded'";
      return WalkResult::interrupt();
    }
    Operation *parent = op->getParentOp();
    while (isa<scf::ForOp>(parent))
      parent = parent->getParentOp();
    if (parent != function) {
      op->emitOpError("cannot be calibrated inside '")
          << parent->getName()
          << "', only in the function and in scf.for; use ranges measured at "
             "run time";
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

FailureOr<Calibration>
Calibration::measure(ModuleOp module, ArrayRef<std::vector<Tensor>> samples,
                     RangeMethod method) {
  if (samples.empty())
    return module.emitError("cannot calibrate without inputs");
  FailureOr<SmallVector<Operation *>> products = findProducts(module);
  if (failed(products))
    return failure();
  FailureOr<Observer> observer = Observer::compile(
      module, [](ModuleOp copy) -> FailureOr<SmallVector<Value>> {
        FailureOr<SmallVector<Operation *>> products = findProducts(copy);
        if (failed(products))
          return failure();
        SmallVector<Value> inputs;
        for (Operation *product : *products)
          inputs.push_back(withoutPadding(product->getOperand(0)));
        return inputs;
      });
  if (failed(observer))
    return failure();

  Calibration result;
  result.activation = observer->value;
  result.extremes.assign(observer->numValues,
                         {std::numeric_limits<double>::infinity(),
                          -std::numeric_limits<double>::infinity()});
  auto findExtremes = [&](size_t i, const Tensor &tensor) -> LogicalResult {
    auto &[lo, hi] = result.extremes[i];
    for (float value : tensor.as<float>()) {
      if (!std::isfinite(value)) {
        size_t reader =
            llvm::find(observer->value, i) - observer->value.begin();
        return (*products)[reader]->emitOpError(
                   "cannot be calibrated: its input holds ")
               << value << " on the given data";
      }
      lo = std::min<double>(lo, value);
      hi = std::max<double>(hi, value);
    }
    return success();
  };
  if (failed(observer->run(module, samples, findExtremes)))
    return failure();
  // A loop that never runs, an activation without elements.
  for (auto &[lo, hi] : result.extremes)
    if (lo > hi)
      lo = hi = 0;
  if (method == RangeMethod::MinMax)
    return result;
  for (auto [lo, hi] : result.extremes)
    result.histograms.emplace_back(lo, hi);
  auto count = [&](size_t i, const Tensor &tensor) {
    result.histograms[i].add(tensor.as<float>());
    return success();
  };
  if (failed(observer->run(module, samples, count)))
    return failure();
  return result;
}

LogicalResult Calibration::assign(ModuleOp module,
                                  const CalibrationOptions &options) const {
  FailureOr<SmallVector<Operation *>> products = findProducts(module);
  if (failed(products))
    return failure();
  if (products->size() != activation.size())
    return module.emitError("has ")
           << products->size() << " products, " << activation.size()
           << " were measured; calibrate this module";
  assert((!histograms.empty() || options.rule.method == RangeMethod::MinMax) &&
         "no histograms were measured");
  Builder attributes(module.getContext());
  for (auto [product, i] : llvm::zip_equal(*products, activation)) {
    auto own =
        product->getAttrOfType<IntegerAttr>(imc::IMCDialect::inputBitsAttrName);
    const int64_t bits = own ? own.getInt() : options.inputBits;
    auto [lo, hi] =
        options.rule.method == RangeMethod::MinMax
            ? extremes[i]
            : histograms[i].range(options.rule, bits, options.symmetric);
    product->setAttr(imc::IMCDialect::rangeAttrName,
                     attributes.getF64ArrayAttr({lo, hi}));
  }
  return success();
}

LogicalResult imc::execute::calibrate(ModuleOp module,
                                      ArrayRef<std::vector<Tensor>> samples,
                                      const CalibrationOptions &options) {
  FailureOr<Calibration> calibration =
      Calibration::measure(module, samples, options.rule.method);
  return failure(failed(calibration) ||
                 failed(calibration->assign(module, options)));
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
