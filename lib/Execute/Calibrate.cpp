//===- Calibrate.cpp - Measure the ranges of activations ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy of the function returns, beside its results, the extremes of every
// product's input; they are measured by the compiled code, so that no
// activation has to be kept.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Calibrate.h"

#include "imc/Execute/Executor.h"

#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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
    module.emitError("cannot calibrate: there is no imc.matmul or imc.conv2d; "
                     "run imc-offload first");
    return failure();
  }
  return products;
}

/// Minimum or maximum of all elements of `x`, a tensor<f32>.
static Value extreme(OpBuilder &b, Location loc, Value x, bool maximum) {
  float start = std::numeric_limits<float>::infinity();
  Value init = arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(maximum ? -start : start));
  Value empty =
      tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{}, b.getF32Type());
  Value acc = linalg::FillOp::create(b, loc, init, empty).getResult(0);
  unsigned rank = cast<RankedTensorType>(x.getType()).getRank();
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(rank),
                                 AffineMap::get(rank, 0, b.getContext())};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::reduction);
  return linalg::GenericOp::create(
             b, loc, acc.getType(), x, acc, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               Value next =
                   maximum ? arith::MaximumFOp::create(b, loc, args[0], args[1])
                                 .getResult()
                           : arith::MinimumFOp::create(b, loc, args[0], args[1])
                                 .getResult();
               linalg::YieldOp::create(b, loc, next);
             })
      .getResult(0);
}

LogicalResult imc::execute::calibrate(ModuleOp module,
                                      ArrayRef<std::vector<Tensor>> samples) {
  if (samples.empty())
    return module.emitError("cannot calibrate without inputs");
  FailureOr<SmallVector<Operation *>> products = findProducts(module);
  if (failed(products))
    return failure();
  module.getContext()
      ->loadDialect<arith::ArithDialect, linalg::LinalgDialect,
                    tensor::TensorDialect>();

  OwningOpRef<ModuleOp> copy = module.clone();
  auto function = copy->lookupSymbol<func::FuncOp>("main");
  FailureOr<SmallVector<Operation *>> copies = findProducts(*copy);
  if (failed(copies))
    return failure();
  auto returnOp =
      cast<func::ReturnOp>(function.getBody().front().getTerminator());
  if (!function.getBody().hasOneBlock())
    return function.emitError("cannot calibrate: 'main' has several blocks");
  unsigned first = function.getNumResults();
  OpBuilder b(returnOp);
  SmallVector<unsigned> positions;
  SmallVector<Type> types;
  SmallVector<Value> values;
  for (Operation *product : *copies)
    for (bool maximum : {false, true}) {
      values.push_back(
          extreme(b, product->getLoc(), product->getOperand(0), maximum));
      types.push_back(values.back().getType());
      positions.push_back(first);
    }
  returnOp.getOperandsMutable().append(values);
  if (failed(function.insertResults(positions, types,
                                    SmallVector<DictionaryAttr>(types.size()))))
    return failure();

  FailureOr<std::unique_ptr<Executor>> executor = Executor::compile(*copy);
  if (failed(executor))
    return failure();
  std::vector<std::pair<double, double>> ranges(
      products->size(), {std::numeric_limits<double>::infinity(),
                         -std::numeric_limits<double>::infinity()});
  for (const std::vector<Tensor> &sample : samples) {
    llvm::Expected<std::vector<Tensor>> outputs = (*executor)->run(sample);
    if (!outputs)
      return module.emitError("cannot calibrate: ")
             << llvm::toString(outputs.takeError());
    for (auto [i, product] : llvm::enumerate(*products)) {
      double lo = (*outputs)[first + 2 * i].at(0);
      double hi = (*outputs)[first + 2 * i + 1].at(0);
      if (!std::isfinite(lo) || !std::isfinite(hi))
        return product->emitOpError("cannot be calibrated: its input ranges "
                                    "from ")
               << lo << " to " << hi << " on the given data";
      ranges[i] = {std::min(ranges[i].first, lo),
                   std::max(ranges[i].second, hi)};
    }
  }
  Builder attributes(module.getContext());
  for (auto [product, range] : llvm::zip(*products, ranges))
    product->setAttr(imc::IMCDialect::rangeAttrName,
                     attributes.getF64ArrayAttr({range.first, range.second}));
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
