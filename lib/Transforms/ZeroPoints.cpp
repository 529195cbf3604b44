//===- ZeroPoints.cpp - Products of integers with zero points -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ZeroPoints.h"

#include "Permute.h"
#include "imc/Transforms/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace imc;
using namespace imc::detail;

namespace {

/// One quantized product: x, w, their zero points, y.
class Separator {
public:
  Separator(IRRewriter &rewriter, linalg::LinalgOp op)
      : rewriter(rewriter), op(op), loc(op.getLoc()),
        maps(op.getIndexingMapsArray()) {}
  LogicalResult run();

private:
  Value product(Value init);
  /// Sums operand `index` (0 or 1) over the loops that y does not have; `dims`
  /// receives the dimensions of y that are left.
  Value sum(unsigned index, SmallVector<int64_t> &dims);
  /// The same of a constant, computed now; nothing when the data is not there.
  std::optional<SmallVector<int32_t>> sumConstant(SmallVector<int64_t> &dims);
  /// y + factor · term, where term has the dimensions `dims` of y.
  Value addScaled(Value y, Value term, ArrayRef<int64_t> dims, int32_t factor);
  Value constant(int32_t value) {
    return arith::ConstantOp::create(rewriter, loc,
                                     rewriter.getI32IntegerAttr(value));
  }
  RankedTensorType yType() {
    return cast<RankedTensorType>(op.getDpsInits()[0].getType());
  }

  IRRewriter &rewriter;
  linalg::LinalgOp op;
  Location loc;
  SmallVector<AffineMap> maps;
};

} // namespace

Value Separator::product(Value init) {
  SmallVector<AffineMap> three = {maps[0], maps[1], maps[4]};
  Value x = op.getDpsInputs()[0], w = op.getDpsInputs()[1];
  auto generic = linalg::GenericOp::create(
      rewriter, loc, TypeRange(init.getType()), ValueRange{x, w},
      ValueRange(init), three, op.getIteratorTypesArray(),
      [](OpBuilder &b, Location loc, ValueRange args) {
        Type type = args[2].getType();
        Value x = arith::ExtSIOp::create(b, loc, type, args[0]);
        Value w = arith::ExtSIOp::create(b, loc, type, args[1]);
        Value p = arith::MulIOp::create(b, loc, x, w);
        linalg::YieldOp::create(
            b, loc, Value(arith::AddIOp::create(b, loc, args[2], p)));
      });
  return generic.getResult(0);
}

/// Positions in `y` of the plain loops of `map`, in the order of y.
static SmallVector<int64_t> sharedDims(AffineMap map, AffineMap y) {
  SmallVector<int64_t> dims;
  for (auto [i, expr] : llvm::enumerate(y.getResults())) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (llvm::any_of(map.getResults(),
                     [loop](AffineExpr e) { return e.isFunctionOfDim(loop); }))
      dims.push_back(i);
  }
  return dims;
}

Value Separator::sum(unsigned index, SmallVector<int64_t> &dims) {
  AffineMap y = maps[4];
  dims = sharedDims(maps[index], y);
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> results;
  llvm::SmallBitVector used(op.getNumLoops());
  for (int64_t d : dims) {
    shape.push_back(yType().getDimSize(d));
    results.push_back(y.getResult(d));
    used.set(cast<AffineDimExpr>(y.getResult(d)).getPosition());
  }
  // Loops of this operand: those of y that it has, and those that are summed.
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<int64_t, 8> extents = op.getStaticLoopRanges();
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (iterators[loop] == utils::IteratorType::reduction &&
        maps[index].isFunctionOfDim(loop))
      used.set(loop);
  SmallVector<AffineExpr> renumbered(op.getNumLoops(),
                                     rewriter.getAffineConstantExpr(0));
  SmallVector<utils::IteratorType> kept;
  SmallVector<AffineExpr> window;
  SmallVector<int64_t> windowShape;
  for (unsigned loop : used.set_bits()) {
    renumbered[loop] = rewriter.getAffineDimExpr(kept.size());
    kept.push_back(iterators[loop]);
    // A window is read through x only: an empty tensor gives its extent.
    if (iterators[loop] == utils::IteratorType::reduction) {
      window.push_back(renumbered[loop]);
      windowShape.push_back(extents[loop]);
    }
  }
  auto remap = [&](ArrayRef<AffineExpr> exprs) {
    SmallVector<AffineExpr> result;
    for (AffineExpr expr : exprs)
      result.push_back(expr.replaceDims(renumbered));
    return AffineMap::get(kept.size(), 0, result, rewriter.getContext());
  };
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, windowShape,
      getElementTypeOrSelf(op.getDpsInputs()[index].getType()));
  Value init = filled(rewriter, loc, yType().clone(shape), constant(0));
  auto generic = linalg::GenericOp::create(
      rewriter, loc, TypeRange(init.getType()),
      ValueRange{op.getDpsInputs()[index], empty}, ValueRange(init),
      ArrayRef<AffineMap>{
          remap(maps[index].getResults()),
          AffineMap::get(kept.size(), 0, window, rewriter.getContext()),
          remap(results)},
      kept, [](OpBuilder &b, Location loc, ValueRange args) {
        Value x = arith::ExtSIOp::create(b, loc, args[2].getType(), args[0]);
        linalg::YieldOp::create(
            b, loc, Value(arith::AddIOp::create(b, loc, args[2], x)));
      });
  return generic.getResult(0);
}

std::optional<SmallVector<int32_t>>
Separator::sumConstant(SmallVector<int64_t> &dims) {
  std::optional<ConstantView> view = ConstantView::match(op.getDpsInputs()[1]);
  if (!view || view->isMissing() ||
      !view->getType().getElementType().isInteger(8))
    return std::nullopt;
  auto constantOp = dyn_cast_or_null<arith::ConstantOp>(
      view->materialize(rewriter).getDefiningOp());
  std::vector<char> storage;
  ArrayRef<char> data =
      getRawData(cast<ElementsAttr>(constantOp.getValue()), storage);
  ArrayRef<int64_t> shape = view->getType().getShape();
  if (static_cast<int64_t>(data.size()) != view->getType().getNumElements())
    return std::nullopt;
  dims = sharedDims(maps[1], maps[4]);
  int64_t count = 1;
  SmallVector<int64_t> stride(shape.size(), 0);
  // Row-major over `dims`; a dimension that is summed has stride 0.
  for (int64_t d : llvm::reverse(dims)) {
    for (auto [i, expr] : llvm::enumerate(maps[1].getResults()))
      if (expr == maps[4].getResult(d))
        stride[i] = count;
    count *= yType().getDimSize(d);
  }
  SmallVector<int32_t> sums(count, 0);
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t at = 0;
  for (char value : data) {
    sums[at] = static_cast<int32_t>(static_cast<uint32_t>(sums[at]) +
                                    static_cast<int8_t>(value));
    for (int64_t d = shape.size() - 1; d >= 0; --d) {
      at += stride[d];
      if (++index[d] < shape[d])
        break;
      at -= stride[d] * shape[d];
      index[d] = 0;
    }
  }
  if (constantOp->use_empty())
    rewriter.eraseOp(constantOp);
  return sums;
}

Value Separator::addScaled(Value y, Value term, ArrayRef<int64_t> dims,
                           int32_t factor) {
  unsigned rank = yType().getRank();
  SmallVector<AffineExpr> results;
  for (int64_t d : dims)
    results.push_back(rewriter.getAffineDimExpr(d));
  AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
  AffineMap part = AffineMap::get(rank, 0, results, rewriter.getContext());
  Value init = tensor::EmptyOp::create(rewriter, loc, yType().getShape(),
                                       yType().getElementType());
  Value scale = constant(factor);
  auto generic = linalg::GenericOp::create(
      rewriter, loc, TypeRange(y.getType()), ValueRange{y, term},
      ValueRange(init), ArrayRef<AffineMap>{identity, part, identity},
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value product = arith::MulIOp::create(b, loc, args[1], scale);
        linalg::YieldOp::create(
            b, loc, Value(arith::AddIOp::create(b, loc, args[0], product)));
      });
  return generic.getResult(0);
}

LogicalResult Separator::run() {
  int32_t points[2];
  for (int i : {0, 1}) {
    APInt value;
    if (!matchPattern(op.getDpsInputs()[2 + i], m_ConstantInt(&value)))
      return op.emitOpError("its ")
             << (i == 0 ? "input" : "weight")
             << " zero point is computed at run time; arrays need it when "
                "they are written: give a constant, or quantize the operand "
                "before the product";
    points[i] = static_cast<int32_t>(value.getSExtValue());
  }
  if (!yType().getElementType().isInteger(32))
    return op.emitOpError("accumulates in ")
           << yType().getElementType() << "; integer products accumulate in "
           << "i32";
  rewriter.setInsertionPoint(op);
  uint32_t n = 1;
  SmallVector<int64_t, 8> extents = op.getStaticLoopRanges();
  for (auto [extent, iterator] :
       llvm::zip_equal(extents, op.getIteratorTypesArray()))
    if (iterator == utils::IteratorType::reduction)
      n *= static_cast<uint32_t>(extent);

  Value init = op.getDpsInits()[0];
  auto inputZero = static_cast<uint32_t>(points[0]),
       weightZero = static_cast<uint32_t>(points[1]);
  // What is known now: −p·Σ w + n·p·q, one number per channel.
  SmallVector<int64_t> dims;
  std::optional<SmallVector<int32_t>> sums;
  if (inputZero != 0)
    sums = sumConstant(dims);
  Value weightSums;
  SmallVector<int64_t> weightDims;
  if (inputZero != 0 && !sums)
    weightSums = sum(1, weightDims);
  uint32_t shift = n * inputZero * weightZero;
  Value late; // a correction that could not join the bias
  if (sums) {
    for (int32_t &s : *sums)
      s = static_cast<int32_t>(shift - inputZero * static_cast<uint32_t>(s));
    SmallVector<int64_t> shape, rest;
    for (int64_t d = 0; d < yType().getRank(); ++d) {
      if (llvm::is_contained(dims, d))
        shape.push_back(yType().getDimSize(d));
      else
        rest.push_back(d);
    }
    auto vectorType = yType().clone(shape);
    auto make = [&](ArrayRef<int32_t> values) -> Value {
      return arith::ConstantOp::create(
          rewriter, loc, DenseElementsAttr::get(vectorType, values));
    };
    auto fill = init.getDefiningOp<linalg::FillOp>();
    auto repeat = init.getDefiningOp<linalg::BroadcastOp>();
    APInt start;
    DenseIntElementsAttr bias;
    if (fill && matchPattern(fill.value(), m_ConstantInt(&start))) {
      for (int32_t &s : *sums)
        s = static_cast<int32_t>(static_cast<uint32_t>(s) +
                                 static_cast<uint32_t>(start.getSExtValue()));
      init = broadcast(rewriter, loc, make(*sums), yType().getShape(), rest);
    } else if (repeat && repeat.getInput().getType() == vectorType &&
               repeat.getDimensions() == ArrayRef<int64_t>(rest) &&
               matchPattern(repeat.getInput(), m_Constant(&bias))) {
      for (auto [s, b] : llvm::zip_equal(*sums, bias.getValues<int32_t>()))
        s = static_cast<int32_t>(static_cast<uint32_t>(s) +
                                 static_cast<uint32_t>(b));
      init = broadcast(rewriter, loc, make(*sums), yType().getShape(), rest);
    } else {
      late = make(*sums);
    }
  }
  Value y = product(init);
  if (late)
    y = addScaled(y, late, dims, 1);
  if (weightSums) {
    y = addScaled(y, weightSums, weightDims,
                  static_cast<int32_t>(0u - inputZero));
    if (shift != 0) {
      Value total = filled(rewriter, loc, yType().clone({}),
                           constant(static_cast<int32_t>(shift)));
      y = addScaled(y, total, {}, 1);
    }
  }
  if (weightZero != 0) {
    SmallVector<int64_t> inputDims;
    Value inputSums = sum(0, inputDims);
    y = addScaled(y, inputSums, inputDims,
                  static_cast<int32_t>(0u - weightZero));
  }
  rewriter.replaceOp(op, y);
  return success();
}

FailureOr<int64_t> imc::detail::separateZeroPoints(ModuleOp module) {
  SmallVector<linalg::LinalgOp> ops;
  module.walk([&](linalg::LinalgOp op) {
    bool quantized =
        isa<linalg::QuantizedMatmulOp, linalg::QuantizedBatchMatmulOp,
            linalg::Conv2DNchwFchwQOp, linalg::Conv2DNgchwGfchwQOp,
            linalg::Conv2DNhwcFhwcQOp, linalg::Conv2DNhwcHwcfQOp,
            linalg::Conv2DNhwgcGfhwcQOp, linalg::DepthwiseConv2DNhwcHwcQOp,
            linalg::DepthwiseConv2DNhwcHwcmQOp, linalg::Conv3DNdhwcDhwcfQOp>(
            op.getOperation());
    if (quantized && op.hasPureTensorSemantics() && !op.hasDynamicShape())
      ops.push_back(op);
  });
  IRRewriter rewriter(module.getContext());
  for (linalg::LinalgOp op : ops)
    if (failed(Separator(rewriter, op).run()))
      return failure();
  return ops.size();
}
