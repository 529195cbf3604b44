//===- PrepareLoops.cpp - Loop orders that vectorize ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Conversion/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace imc {
#define GEN_PASS_DEF_PREPARELOOPSPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace mlir;

/// Below this trip count the innermost loop would not fill a vector.
static constexpr int64_t shortestInnerLoop = 4;

/// The order of loops for a product: outer output dimensions, then the
/// reductions in their order, then the output dimensions that a vector runs
/// along. Empty when the order is fine or no better one is known.
static SmallVector<unsigned> loopOrder(linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  if (op.getNumDpsInits() != 1 || op.getNumDpsInputs() < 2 ||
      !llvm::is_contained(iterators, utils::IteratorType::reduction))
    return {};
  AffineMap output = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (output.getNumResults() == 0)
    return {};
  auto last = dyn_cast<AffineDimExpr>(output.getResults().back());
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  if (!last || iterators[last.getPosition()] != utils::IteratorType::parallel ||
      ranges[last.getPosition()] < shortestInnerLoop)
    return {};

  // Dimensions that slide over the input together with a kernel dimension.
  llvm::SmallDenseSet<unsigned> inner = {last.getPosition()};
  for (OpOperand *input : op.getDpsInputOperands())
    for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults())
      if (!isa<AffineDimExpr, AffineConstantExpr>(expr))
        expr.walk([&](AffineExpr e) {
          if (auto dim = dyn_cast<AffineDimExpr>(e))
            if (iterators[dim.getPosition()] == utils::IteratorType::parallel)
              inner.insert(dim.getPosition());
        });

  SmallVector<unsigned> outerLoops, reductions, innerLoops;
  for (auto [i, iterator] : llvm::enumerate(iterators)) {
    if (iterator == utils::IteratorType::reduction)
      reductions.push_back(i);
    else if (i != last.getPosition())
      (inner.contains(i) ? innerLoops : outerLoops).push_back(i);
  }
  SmallVector<unsigned> order = outerLoops;
  llvm::append_range(order, reductions);
  llvm::append_range(order, innerLoops);
  order.push_back(last.getPosition());
  if (llvm::is_sorted(order))
    return {};
  return order;
}

/// Whether the elementwise producer of `operand` should become part of its
/// user: no second use, which would need its value stored anyway, and no
/// element computed twice.
static bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || !operand->get().hasOneUse() ||
      producer.getNumResults() != 1)
    return false;
  // A reduction that reads an element once may compute it, too; windows and
  // products read it several times.
  return consumer.getMatchingIndexingMap(operand).isPermutation() &&
         producer.getMatchingIndexingMap(producer.getDpsInitOperand(0))
             .isPermutation();
}

namespace {
struct PrepareLoops : public imc::impl::PrepareLoopsPassBase<PrepareLoops> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    linalg::populateDecomposePadPatterns(patterns);
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();

    IRRewriter rewriter(&getContext());
    SmallVector<std::pair<linalg::LinalgOp, SmallVector<unsigned>>> orders;
    getOperation().walk([&](linalg::LinalgOp op) {
      SmallVector<unsigned> order = loopOrder(op);
      if (!order.empty())
        orders.emplace_back(op, order);
    });
    for (auto &[op, order] : orders) {
      rewriter.setInsertionPoint(op);
      auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      if (!generic) {
        FailureOr<linalg::GenericOp> generalized =
            linalg::generalizeNamedOp(rewriter, op);
        if (failed(generalized))
          continue; // runs in the op's own order
        generic = *generalized;
      }
      // Fails only for a wrong permutation, which would be our error.
      if (failed(linalg::interchangeGenericOp(rewriter, generic, order)))
        return signalPassFailure();
    }
  }
};
} // namespace
