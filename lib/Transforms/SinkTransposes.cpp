//===- SinkTransposes.cpp - Keep one layout between products --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every pattern moves a transpose past its user, towards the results of the
// function, or removes it; so the rewriting ends.
//
//===----------------------------------------------------------------------===//

#include "Permute.h"
#include "imc/Transforms/Passes.h"

#include "imc/Transforms/Constants.h"
#include "imc/Transforms/Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace imc {
#define GEN_PASS_DEF_SINKTRANSPOSESPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;
using namespace imc::detail;

/// The transpose of an activation that makes `value`; those of constants are
/// folded when the weights are laid out.
static linalg::TransposeOp findTranspose(Value value) {
  auto transpose = value.getDefiningOp<linalg::TransposeOp>();
  if (!transpose || !transpose.hasPureTensorSemantics() ||
      transpose.hasDynamicShape() || ConstantView::match(value))
    return {};
  return transpose;
}

static bool multiplies(linalg::GenericOp op) {
  return llvm::any_of(op.getBody()->getOperations(), [](Operation &body) {
    return isa<arith::MulFOp, arith::MulIOp>(body);
  });
}

namespace {

/// A transpose that moves nothing, or follows another one.
struct SimplifyTranspose : public OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (!findTranspose(op->getResult(0)))
      return failure();
    auto type = cast<RankedTensorType>(op.getInput().getType());
    if (!op.getInput().getDefiningOp<linalg::TransposeOp>() &&
        !keepsOrder(type.getShape(), op.getPermutation()))
      return failure();
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), op.getInput(), op.getPermutation()));
    return success();
  }
};

/// linalg.generic reads its inputs through maps, so it can read them before
/// they are transposed. An element-wise one then writes in that order too.
struct SinkThroughGeneric : public OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
        op.hasDynamicShape())
      return failure();
    bool elementwise = op.getNumParallelLoops() == op.getNumLoops();
    // Products keep their canonical form.
    if (!elementwise && multiplies(op))
      return failure();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (elementwise &&
        (!maps.back().isPermutation() ||
         op.payloadUsesValueFromOperand(op.getDpsInitOperand(0))))
      elementwise = false;
    SmallVector<Value> inputs(op.getDpsInputs());
    // The loops in the order in which the first transposed operand lies.
    SmallVector<int64_t> order;
    bool changed = false;
    for (auto [i, input] : llvm::enumerate(inputs)) {
      linalg::TransposeOp transpose = findTranspose(input);
      if (!transpose)
        continue;
      if (elementwise && order.empty() && !maps[i].isPermutation())
        continue;
      SmallVector<int64_t> back = inverse(transpose.getPermutation());
      SmallVector<AffineExpr> results;
      for (int64_t d : back)
        results.push_back(maps[i].getResult(d));
      maps[i] = AffineMap::get(maps[i].getNumDims(), 0, results,
                               rewriter.getContext());
      input = transpose.getInput();
      if (elementwise && order.empty())
        for (AffineExpr expr : results)
          order.push_back(cast<AffineDimExpr>(expr).getPosition());
      changed = true;
    }
    if (!changed)
      return failure();
    Value init = op.getDpsInits()[0];
    auto type = cast<RankedTensorType>(init.getType());
    SmallVector<int64_t> permutation; // of the result
    if (elementwise) {
      for (int64_t loop : order)
        for (auto [d, expr] : llvm::enumerate(maps.back().getResults()))
          if (cast<AffineDimExpr>(expr).getPosition() == loop)
            permutation.push_back(d);
      SmallVector<int64_t> shape;
      SmallVector<AffineExpr> results;
      for (int64_t d : permutation) {
        shape.push_back(type.getDimSize(d));
        results.push_back(maps.back().getResult(d));
      }
      maps.back() =
          AffineMap::get(op.getNumLoops(), 0, results, rewriter.getContext());
      init = tensor::EmptyOp::create(rewriter, op.getLoc(), shape,
                                     type.getElementType());
    }
    auto moved = linalg::GenericOp::create(
        rewriter, op.getLoc(), TypeRange(init.getType()), inputs,
        ValueRange(init), maps, op.getIteratorTypesArray());
    rewriter.inlineRegionBefore(op.getRegion(), moved.getRegion(),
                                moved.getRegion().begin());
    if (!elementwise) {
      rewriter.replaceOp(op, moved.getResult(0));
      return success();
    }
    // Number the loops as the result has them.
    SmallVector<unsigned> interchange(order.begin(), order.end());
    if (!isIdentity(order)) {
      FailureOr<linalg::GenericOp> interchanged =
          linalg::interchangeGenericOp(rewriter, moved, interchange);
      if (succeeded(interchanged))
        moved = *interchanged;
    }
    rewriter.setInsertionPointAfter(moved);
    rewriter.replaceOp(op, permute(rewriter, op.getLoc(), moved.getResult(0),
                                   inverse(permutation)));
    return success();
  }
};

struct SinkThroughPad : public OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::PadOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = findTranspose(op.getSource());
    Value padding = op.getConstantPaddingValue();
    if (!transpose || !padding || !op.getResultType().hasStaticShape())
      return failure();
    SmallVector<OpFoldResult> low, high;
    SmallVector<int64_t> shape;
    for (int64_t d : inverse(transpose.getPermutation())) {
      low.push_back(op.getMixedLowPad()[d]);
      high.push_back(op.getMixedHighPad()[d]);
      shape.push_back(op.getResultType().getDimSize(d));
    }
    Value padded = tensor::PadOp::create(
        rewriter, op.getLoc(), op.getResultType().clone(shape),
        transpose.getInput(), low, high, padding, op.getNofold());
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), padded, transpose.getPermutation()));
    return success();
  }
};

struct SinkThroughSlice : public OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = findTranspose(op.getSource());
    if (!transpose || !op.getType().hasStaticShape() ||
        op.getType().getRank() != op.getSourceType().getRank())
      return failure();
    SmallVector<OpFoldResult> offsets, sizes, strides;
    for (int64_t d : inverse(transpose.getPermutation())) {
      offsets.push_back(op.getMixedOffsets()[d]);
      sizes.push_back(op.getMixedSizes()[d]);
      strides.push_back(op.getMixedStrides()[d]);
    }
    Value slice = tensor::ExtractSliceOp::create(
        rewriter, op.getLoc(), transpose.getInput(), offsets, sizes, strides);
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), slice, transpose.getPermutation()));
    return success();
  }
};

/// Dimensions that are split are split before the transpose, too.
struct SinkThroughExpand : public OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = findTranspose(op.getSrc());
    if (!transpose || op.getSrcType().getRank() == 0 ||
        !op.getType().hasStaticShape())
      return failure();
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    SmallVector<ReassociationIndices> before;
    SmallVector<int64_t> shape, order; // of the result, as the source lies
    for (int64_t d : inverse(transpose.getPermutation())) {
      before.emplace_back();
      for (int64_t e : groups[d]) {
        before.back().push_back(shape.size());
        shape.push_back(op.getType().getDimSize(e));
        order.push_back(e);
      }
    }
    Value expanded = tensor::ExpandShapeOp::create(
        rewriter, op.getLoc(), op.getType().clone(shape), transpose.getInput(),
        before);
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), expanded, inverse(order)));
    return success();
  }
};

/// Dimensions that are joined can be joined before the transpose when they are
/// neighbours there.
struct SinkThroughCollapse : public OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = findTranspose(op.getSrc());
    if (!transpose || op.getType().getRank() == 0 ||
        !op.getType().hasStaticShape())
      return failure();
    // The groups as the source has them, with their place in the result.
    SmallVector<std::pair<ReassociationIndices, int64_t>> groups;
    for (auto [i, group] : llvm::enumerate(op.getReassociationIndices())) {
      ReassociationIndices source;
      for (int64_t d : group)
        source.push_back(transpose.getPermutation()[d]);
      for (auto [a, b] : llvm::zip(source, llvm::drop_begin(source)))
        if (b != a + 1)
          return failure();
      groups.push_back({source, i});
    }
    llvm::sort(groups, [](const auto &a, const auto &b) {
      return a.first.front() < b.first.front();
    });
    SmallVector<ReassociationIndices> before;
    SmallVector<int64_t> shape, order;
    for (const auto &[group, i] : groups) {
      before.push_back(group);
      shape.push_back(op.getType().getDimSize(i));
      order.push_back(i);
    }
    Value collapsed = tensor::CollapseShapeOp::create(
        rewriter, op.getLoc(), op.getType().clone(shape), transpose.getInput(),
        before);
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), collapsed, inverse(order)));
    return success();
  }
};

/// Pooling over N×H×W×C that was N×C×H×W before.
template <typename From, typename To>
struct SinkThroughPool : public OpRewritePattern<From> {
  using OpRewritePattern<From>::OpRewritePattern;

  LogicalResult matchAndRewrite(From op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = findTranspose(op.getDpsInputs()[0]);
    const int64_t toLast[] = {0, 2, 3, 1}, toFirst[] = {0, 3, 1, 2};
    if (!transpose || transpose.getPermutation() != ArrayRef<int64_t>(toLast) ||
        !op->getNumResults())
      return failure();
    Location loc = op.getLoc();
    Value init = permute(rewriter, loc, op.getDpsInits()[0], toFirst);
    auto pool =
        To::create(rewriter, loc, TypeRange(init.getType()),
                   ValueRange{transpose.getInput(), op.getDpsInputs()[1]},
                   ValueRange(init), op.getStrides(), op.getDilations());
    rewriter.replaceOp(op, permute(rewriter, loc, pool->getResult(0), toLast));
    return success();
  }
};

/// A sum after a product becomes the product's initial value when it adds one
/// constant per channel: that is the bias, and quantization looks for it there.
struct FoldBias : public OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override;
};

} // namespace

/// The constant per channel that `value` adds to a tensor of `shape` through
/// `map`, as a vector before `product`; null when it is something else.
static Value channelVector(PatternRewriter &rewriter, Operation *product,
                           Value value, AffineMap map, ArrayRef<int64_t> shape,
                           int64_t channel) {
  std::optional<ConstantView> view = ConstantView::match(value);
  if (!view || view->movesData() || view->getType().getRank() == 0 ||
      view->getType().getNumElements() != shape[channel] ||
      view->getRoot()->getBlock() != product->getBlock() ||
      !view->getRoot()->isBeforeInBlock(product))
    return {};
  for (auto [d, expr] : llvm::enumerate(map.getResults())) {
    if (view->getType().getDimSize(d) == 1)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || static_cast<int64_t>(dim.getPosition()) != channel)
      return {};
  }
  view->reshape({shape[channel]});
  return view->materialize(rewriter);
}

LogicalResult FoldBias::matchAndRewrite(linalg::GenericOp op,
                                        PatternRewriter &rewriter) const {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.hasPureTensorSemantics())
    return failure();
  Block *body = op.getBody();
  if (!llvm::hasNItems(body->without_terminator(), 1))
    return failure();
  Operation &sum = body->front();
  if (!isa<arith::AddFOp, arith::AddIOp>(sum) ||
      body->getTerminator()->getOperand(0) != sum.getResult(0))
    return failure();
  SmallVector<Value> added(sum.getOperands());
  if (!llvm::is_contained(added, body->getArgument(0)) ||
      !llvm::is_contained(added, body->getArgument(1)))
    return failure();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (unsigned side : {0u, 1u}) {
    Value y = op.getDpsInputs()[side];
    if (!maps[side].isIdentity() || !maps[2].isIdentity() || !y.hasOneUse())
      continue;
    auto collapse = y.getDefiningOp<tensor::CollapseShapeOp>();
    auto expand = y.getDefiningOp<tensor::ExpandShapeOp>();
    Value source = collapse ? collapse.getSrc() : expand ? expand.getSrc() : y;
    auto product = source.getDefiningOp<linalg::LinalgOp>();
    if (!product || !source.hasOneUse() || product.getNumDpsInits() != 1 ||
        !isZeroFilled(product.getDpsInits()[0]) || !product->getNumResults())
      continue;
    bool grouped = isa<linalg::Conv2DNgchwGfchwOp>(product.getOperation());
    bool conv = isa<linalg::Conv2DNchwFchwOp, linalg::DepthwiseConv2DNchwChwOp>(
        product.getOperation());
    if (!grouped && !conv && !isa<linalg::MatmulOp>(product.getOperation()))
      continue;
    if (!ConstantView::match(product.getDpsInputs()[1]))
      continue;
    auto outer = cast<RankedTensorType>(y.getType());
    auto inner = cast<RankedTensorType>(source.getType());
    // The channels must be a dimension on both sides of the reshape.
    if (collapse &&
        !(grouped && outer.getRank() == 4 &&
          outer.getDimSize(1) == inner.getDimSize(1) * inner.getDimSize(2)))
      continue;
    if (grouped && !collapse)
      continue;
    // The rows of a matrix may be several dimensions; its columns are one.
    if (expand && (conv || outer.getShape().back() != inner.getDimSize(1)))
      continue;
    int64_t channel = conv || grouped ? 1 : outer.getRank() - 1;
    Location loc = product.getLoc();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(product);
    Value vector = channelVector(rewriter, product, op.getDpsInputs()[1 - side],
                                 maps[1 - side], outer.getShape(), channel);
    if (!vector)
      continue;
    SmallVector<int64_t> repeated;
    const int64_t innerChannel = conv || grouped ? 1 : inner.getRank() - 1;
    for (int64_t d = 0; d < inner.getRank(); ++d)
      if (d != innerChannel && !(grouped && d == 2))
        repeated.push_back(d);
    if (grouped)
      vector = reshape(rewriter, loc, vector,
                       {inner.getDimSize(1), inner.getDimSize(2)});
    Value init = broadcast(rewriter, loc, vector, inner.getShape(), repeated);
    rewriter.modifyOpInPlace(
        product, [&]() { product.getDpsInitsMutable()[0].set(init); });
    rewriter.replaceOp(op, y);
    return success();
  }
  return failure();
}

namespace {
struct SinkTransposesPass
    : public imc::impl::SinkTransposesPassBase<SinkTransposesPass> {
  using SinkTransposesPassBase::SinkTransposesPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<
        SimplifyTranspose, SinkThroughGeneric, SinkThroughPad, SinkThroughSlice,
        SinkThroughExpand, SinkThroughCollapse,
        SinkThroughPool<linalg::PoolingNhwcMaxOp, linalg::PoolingNchwMaxOp>,
        SinkThroughPool<linalg::PoolingNhwcSumOp, linalg::PoolingNchwSumOp>>(
        &getContext());
    if (foldBias)
      patterns.add<FoldBias>(&getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
  }
};
} // namespace
