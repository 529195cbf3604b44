//===- IMCPartialReduction.cpp - Partial sums of the imc products ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A reduction is split into tiles that each add into an accumulator of their
// own; the accumulators form a new innermost dimension of a tensor of partial
// sums, which is added up at the end. One accumulator per tile is what an array
// does: its rows are summed in place. One accumulator per element of a tile is
// not expressible as the same op and is refused.
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace imc;

FailureOr<SmallVector<Value>>
imc::detail::partialInit(DestinationStyleOpInterface op, OpBuilder &b,
                         Location loc, OpFoldResults tileSizes,
                         const llvm::SetVector<unsigned> &reductions) {
  if (!op.hasPureTensorSemantics())
    return op->emitOpError("on memrefs has no partial sums");
  Value init = op.getDpsInitOperand(0)->get();
  SmallVector<OpFoldResult> shape = tensor::getMixedSizes(b, loc, init);
  for (unsigned reduction : reductions)
    shape.push_back(tileSizes[reduction]);
  Type element = cast<RankedTensorType>(init.getType()).getElementType();
  Value empty = tensor::EmptyOp::create(b, loc, shape, element);
  Value zero =
      arith::ConstantOp::create(b, loc, element, b.getZeroAttr(element));
  return SmallVector<Value>{
      linalg::FillOp::create(b, loc, zero, empty).getResult(0)};
}

LogicalResult imc::detail::partialPosition(
    DestinationStyleOpInterface op, const IterationSpace &space, OpBuilder &b,
    ReductionTilingStrategy strategy, OpFoldResults offsets,
    OpFoldResults sizes, const llvm::SetVector<unsigned> &reductions,
    OpFoldResults splitReductionIvs, SmallVectorImpl<OpFoldResult> &tileOffsets,
    SmallVectorImpl<OpFoldResult> &tileSizes) {
  operandTile(op, space, op.getDpsInitOperand(0)->getOperandNumber(), b,
              offsets, sizes, tileOffsets, tileSizes);
  for (auto [i, reduction] : llvm::enumerate(reductions)) {
    if (strategy == ReductionTilingStrategy::PartialReductionOuterParallel) {
      tileOffsets.push_back(splitReductionIvs[i]);
      tileSizes.push_back(b.getIndexAttr(1));
      continue;
    }
    if (!isConstantIntValue(sizes[reduction], 1))
      return op->emitOpError("can keep a partial sum per tile, not per element "
                             "of a tile: use a tile size of 1 for reduction "
                             "dimension ")
             << reduction
             << ", tile it into parallel loops, or tile without partial sums";
    tileOffsets.push_back(b.getIndexAttr(0));
    tileSizes.push_back(b.getIndexAttr(1));
  }
  return success();
}

FailureOr<TilingResult> imc::detail::tilePartially(
    DestinationStyleOpInterface op, const IterationSpace &space, OpBuilder &b,
    Location loc, ReductionTilingStrategy strategy, ValueRange init,
    OpFoldResults offsets, OpFoldResults sizes,
    const llvm::SetVector<unsigned> &reductions,
    OpFoldResults splitReductionIvs) {
  SmallVector<OpFoldResult> tileOffsets, tileSizes;
  if (failed(partialPosition(op, space, b, strategy, offsets, sizes, reductions,
                             splitReductionIvs, tileOffsets, tileSizes)))
    return failure();
  // The accumulator of this tile, without the dimensions of the partial sums.
  // The op may be a copy whose destination is already the tensor of partial
  // sums, so its rank says nothing.
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(ArrayRef(tileSizes).drop_back(reductions.size()),
                             dynamic, shape);
  SmallVector<OpFoldResult> strides(tileOffsets.size(), b.getIndexAttr(1));
  auto slice = tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get(shape, getElementTypeOrSelf(init[0])),
      init[0], tileOffsets, tileSizes, strides);
  FailureOr<TilingResult> result =
      tile(op, space, b, offsets, sizes, slice.getResult());
  if (succeeded(result))
    result->generatedSlices.push_back(slice);
  return result;
}

FailureOr<MergeResult>
imc::detail::mergePartials(DestinationStyleOpInterface op, OpBuilder &b,
                           Location loc, ValueRange partials,
                           const llvm::SetVector<unsigned> &reductions) {
  Value init = op.getDpsInitOperand(0)->get();
  int64_t rank = cast<RankedTensorType>(init.getType()).getRank();
  SmallVector<int64_t> dimensions;
  for (size_t i = 0; i < reductions.size(); ++i)
    dimensions.push_back(rank + i);
  auto sum = linalg::ReduceOp::create(
      b, loc, partials, ValueRange{init}, dimensions,
      [](OpBuilder &b, Location loc, ValueRange values) {
        Value total = isa<FloatType>(values[0].getType())
                          ? arith::AddFOp::create(b, loc, values[0], values[1])
                                .getResult()
                          : arith::AddIOp::create(b, loc, values[0], values[1])
                                .getResult();
        linalg::YieldOp::create(b, loc, total);
      });
  return MergeResult{{sum}, {sum->getResult(0)}};
}
