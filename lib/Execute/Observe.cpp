//===- Observe.cpp - Values inside a model while it runs ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Observe.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

using namespace imc::execute;
using namespace mlir;

/// Brings a value out of the loops around it: an array with one value per
/// iteration is built on the way.
static FailureOr<Value> carryOut(tensor::CastOp inside, IRRewriter &rewriter) {
  Value value = inside.getResult();
  while (auto loop =
             dyn_cast<scf::ForOp>(value.getDefiningOp()->getParentOp())) {
    std::optional<APInt> trips = loop.getStaticTripCount();
    if (!trips)
      return loop.emitOpError("has no constant number of iterations, so that "
                              "values in it cannot be observed");
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape = {trips->getSExtValue()};
    llvm::append_range(shape, type.getShape());
    rewriter.setInsertionPoint(loop);
    Value all = tensor::EmptyOp::create(rewriter, loop.getLoc(), shape,
                                        type.getElementType());
    Value iteration = loop.getInductionVar(), first = loop.getLowerBound(),
          step = loop.getStep();
    auto insert = [&](OpBuilder &b, Location loc,
                      ArrayRef<BlockArgument> kept) -> SmallVector<Value> {
      Value index = arith::DivUIOp::create(
          b, loc, arith::SubIOp::create(b, loc, iteration, first), step);
      SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0)),
          sizes(shape.size()), strides(shape.size(), b.getIndexAttr(1));
      offsets[0] = index;
      sizes[0] = b.getIndexAttr(1);
      for (size_t d = 1; d < shape.size(); ++d)
        sizes[d] = b.getIndexAttr(shape[d]);
      return {tensor::InsertSliceOp::create(b, loc, value, kept[0], offsets,
                                            sizes, strides)
                  .getResult()};
    };
    FailureOr<LoopLikeOpInterface> replaced =
        cast<LoopLikeOpInterface>(loop.getOperation())
            .replaceWithAdditionalYields(rewriter, all,
                                         /*replaceInitOperandUsesInLoop=*/false,
                                         insert);
    if (failed(replaced))
      return loop.emitOpError("does not let values in it be observed");
    value = (*replaced)->getResults().back();
  }
  return value;
}

FailureOr<Observer> Observer::compile(
    ModuleOp module,
    llvm::function_ref<FailureOr<SmallVector<Value>>(ModuleOp)> pick) {
  OwningOpRef<ModuleOp> copy = module.clone();
  auto function = copy->lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal())
    return module.emitError("the module has no function 'main' to observe");
  if (!function.getBody().hasOneBlock())
    return function.emitError("cannot be observed: 'main' has several blocks");
  FailureOr<SmallVector<Value>> named = pick(*copy);
  if (failed(named))
    return failure();
  Observer observer;
  llvm::SetVector<Value> chosen;
  for (Value value : *named) {
    chosen.insert(value);
    observer.value.push_back(llvm::find(chosen, value) - chosen.begin());
  }
  // Loops are rebuilt with more results, which replaces their block arguments;
  // a cast within keeps track of the value.
  module.getContext()
      ->loadDialect<arith::ArithDialect, scf::SCFDialect,
                    tensor::TensorDialect>();
  IRRewriter rewriter(module.getContext());
  std::vector<std::pair<Value, tensor::CastOp>> tracked;
  for (Value value : chosen) {
    tensor::CastOp cast;
    if (value.getParentRegion() != &function.getBody()) {
      rewriter.setInsertionPointAfterValue(value);
      cast = tensor::CastOp::create(rewriter, value.getLoc(), value.getType(),
                                    value);
    }
    tracked.emplace_back(value, cast);
  }
  SmallVector<Value> values;
  for (auto [value, cast] : tracked) {
    FailureOr<Value> outside = cast ? carryOut(cast, rewriter) : value;
    if (failed(outside))
      return failure();
    values.push_back(*outside);
  }
  observer.numValues = values.size();
  observer.first = function.getNumResults();
  auto returnOp =
      cast<func::ReturnOp>(function.getBody().front().getTerminator());
  SmallVector<unsigned> positions(values.size(), observer.first);
  SmallVector<Type> types;
  for (Value value : values)
    types.push_back(value.getType());
  returnOp.getOperandsMutable().append(values);
  if (failed(function.insertResults(positions, types,
                                    SmallVector<DictionaryAttr>(types.size()))))
    return failure();
  FailureOr<std::unique_ptr<Executor>> compiled = Executor::compile(*copy);
  if (failed(compiled))
    return failure();
  observer.executor = std::move(*compiled);
  return std::move(observer);
}

LogicalResult
Observer::run(ModuleOp module, ArrayRef<std::vector<Tensor>> samples,
              llvm::function_ref<LogicalResult(size_t, const Tensor &)> see) {
  for (const std::vector<Tensor> &sample : samples) {
    llvm::Expected<std::vector<Tensor>> outputs = executor->run(sample);
    if (!outputs)
      return module.emitError("cannot run on the given data: ")
             << llvm::toString(outputs.takeError());
    for (size_t i = 0; i < numValues; ++i)
      if (failed(see(i, (*outputs)[first + i])))
        return failure();
  }
  return success();
}
