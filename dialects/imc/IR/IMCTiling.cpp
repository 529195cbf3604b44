//===- IMCTiling.cpp - Tiling of the imc ops ------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each op gives its iteration space as a table; slicing, fusion and the
// inverse questions are the same code for all of them.
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace imc;
using imc::detail::OpFoldResults;

//===----------------------------------------------------------------------===//
// Iteration spaces
//===----------------------------------------------------------------------===//

static constexpr auto parallel = utils::IteratorType::parallel;
static constexpr auto reduction = utils::IteratorType::reduction;

/// A dimension that no iterator cuts.
static Access whole() { return {}; }
/// A dimension with one element per iteration.
static Access by(unsigned iterator) { return {iterator}; }
/// A dimension with `count` elements per iteration.
static Access by(unsigned iterator, int64_t count) {
  return {iterator, count, count};
}

IterationSpace MatmulOp::getIterationSpace() {
  enum { m, n, k };
  return {{parallel, parallel, reduction},
          {{by(m), by(k)}, {by(k), by(n)}, {by(m), by(n)}}};
}

IterationSpace Conv2DOp::getIterationSpace() {
  // The verifier has seen to it that the extents of w used here are static.
  auto w = cast<ShapedType>(getW().getType());
  auto window = [&](unsigned iterator, int i) -> Access {
    return {iterator, getStrides()[i],
            getDilations()[i] * (w.getDimSize(2 + i) - 1) + 1};
  };
  if (getGroups() == 1) {
    enum { n, f, oh, ow, c };
    return {{parallel, parallel, parallel, parallel, reduction},
            {{by(n), by(c), window(oh, 0), window(ow, 1)},
             {by(f), by(c), whole(), whole()},
             {by(n), by(f), by(oh), by(ow)}}};
  }
  enum { n, g, oh, ow };
  int64_t in = w.getDimSize(1);
  int64_t out = w.getDimSize(0) / static_cast<int64_t>(getGroups());
  return {{parallel, parallel, parallel, parallel},
          {{by(n), by(g, in), window(oh, 0), window(ow, 1)},
           {by(g, out), whole(), whole(), whole()},
           {by(n), by(g, out), by(oh), by(ow)}}};
}

/// One parallel iterator per dimension of `like`.
static SmallVector<Access> elementwise(Value like) {
  SmallVector<Access> accesses;
  for (int64_t i = 0, e = cast<ShapedType>(like.getType()).getRank(); i < e;
       ++i)
    accesses.push_back(by(i));
  return accesses;
}

/// A scale or zero point: one for all, or one per iteration of the rows.
static SmallVector<Access> perRow(Value scale) {
  if (cast<ShapedType>(scale.getType()).getRank() == 0)
    return {};
  return {by(0)};
}

IterationSpace QuantizeOp::getIterationSpace() {
  SmallVector<Access> all = elementwise(getX());
  return {SmallVector<utils::IteratorType>(all.size(), parallel),
          {all, perRow(getScale()), perRow(getZeroPoint()), all}};
}

IterationSpace DequantizeOp::getIterationSpace() {
  SmallVector<Access> all = elementwise(getAcc());
  SmallVector<Access> channel = {by(1)};
  return {SmallVector<utils::IteratorType>(all.size(), parallel),
          {all, perRow(getXScale()), perRow(getXZeroPoint()), channel, channel,
           channel, all}};
}

IterationSpace RequantizeOp::getIterationSpace() {
  SmallVector<Access> all = elementwise(getAcc());
  SmallVector<Access> channel = {by(1)};
  SmallVector<SmallVector<Access>> accesses = {all, channel, channel, {}};
  if (getStep())
    accesses.emplace_back();
  accesses.push_back(all);
  return {SmallVector<utils::IteratorType>(all.size(), parallel), accesses};
}

IterationSpace MVMOp::getIterationSpace() {
  enum { p, m, s, t, c };
  return {{parallel, parallel, reduction, parallel, parallel},
          {{by(p), by(m), by(s), whole()},
           {by(p), by(s), by(t), whole(), by(c)},
           {by(p), by(m), by(t), by(c)}}};
}

//===----------------------------------------------------------------------===//
// TilingInterface
//===----------------------------------------------------------------------===//

static OpFoldResult extent(OpBuilder &b, Location loc, Value value,
                           int64_t dim) {
  if (isa<TensorType>(value.getType()))
    return tensor::getMixedSize(b, loc, value, dim);
  return memref::getMixedSize(b, loc, value, dim);
}

/// factor·value + constant
static OpFoldResult linear(OpBuilder &b, Location loc, OpFoldResult value,
                           int64_t factor, int64_t constant) {
  AffineExpr v = b.getAffineDimExpr(0);
  return affine::makeComposedFoldedAffineApply(b, loc, v * factor + constant,
                                               {value});
}

SmallVector<Range> imc::detail::iterationDomain(DestinationStyleOpInterface op,
                                                const IterationSpace &space,
                                                OpBuilder &b) {
  SmallVector<Range> domain(space.iterators.size());
  for (auto [operand, accesses] : llvm::enumerate(space.accesses))
    for (auto [dim, access] : llvm::enumerate(accesses)) {
      if (!access.iterator || access.scale != access.span ||
          domain[*access.iterator].size)
        continue;
      OpFoldResult size = extent(b, op.getLoc(), op->getOperand(operand), dim);
      if (access.scale != 1) {
        AffineExpr s = b.getAffineDimExpr(0);
        size = affine::makeComposedFoldedAffineApply(
            b, op.getLoc(), s.floorDiv(access.scale), {size});
      }
      domain[*access.iterator] = {b.getIndexAttr(0), size, b.getIndexAttr(1)};
    }
  return domain;
}

void imc::detail::operandTile(DestinationStyleOpInterface op,
                              const IterationSpace &space, unsigned operand,
                              OpBuilder &b, OpFoldResults offsets,
                              OpFoldResults sizes,
                              SmallVectorImpl<OpFoldResult> &tileOffsets,
                              SmallVectorImpl<OpFoldResult> &tileSizes) {
  Location loc = op.getLoc();
  for (auto [dim, access] : llvm::enumerate(space.accesses[operand])) {
    if (!access.iterator) {
      tileOffsets.push_back(b.getIndexAttr(0));
      tileSizes.push_back(extent(b, loc, op->getOperand(operand), dim));
      continue;
    }
    OpFoldResult offset = offsets[*access.iterator];
    OpFoldResult size = sizes[*access.iterator];
    tileOffsets.push_back(linear(b, loc, offset, access.scale, 0));
    tileSizes.push_back(
        linear(b, loc, size, access.scale, access.span - access.scale));
  }
}

/// Whether a slice is the whole of a value of static shape.
static bool isWhole(Value value, OpFoldResults offsets, OpFoldResults sizes) {
  auto type = cast<ShapedType>(value.getType());
  for (int64_t i = 0, e = type.getRank(); i < e; ++i)
    if (!isConstantIntValue(offsets[i], 0) || type.isDynamicDim(i) ||
        !isConstantIntValue(sizes[i], type.getDimSize(i)))
      return false;
  return true;
}

FailureOr<TilingResult> imc::detail::tile(DestinationStyleOpInterface op,
                                          const IterationSpace &space,
                                          OpBuilder &b, OpFoldResults offsets,
                                          OpFoldResults sizes,
                                          Value destination) {
  Location loc = op.getLoc();
  unsigned init = op.getDpsInitOperand(0)->getOperandNumber();
  SmallVector<Value> operands;
  SmallVector<Operation *> slices;
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    if (i == init && destination) {
      operands.push_back(destination);
      continue;
    }
    SmallVector<OpFoldResult> tileOffsets, tileSizes;
    operandTile(op, space, i, b, offsets, sizes, tileOffsets, tileSizes);
    if (isWhole(operand, tileOffsets, tileSizes)) {
      operands.push_back(operand);
      continue;
    }
    SmallVector<OpFoldResult> strides(tileOffsets.size(), b.getIndexAttr(1));
    Operation *slice;
    if (isa<TensorType>(operand.getType()))
      slice = tensor::ExtractSliceOp::create(b, loc, operand, tileOffsets,
                                             tileSizes, strides);
    else
      slice = memref::SubViewOp::create(b, loc, operand, tileOffsets, tileSizes,
                                        strides);
    slices.push_back(slice);
    operands.push_back(slice->getResult(0));
  }

  // A tile of a grouped convolution has fewer groups, which is an attribute.
  std::optional<int64_t> groups;
  if (auto conv = dyn_cast<Conv2DOp>(op.getOperation());
      conv && conv.getGroups() != 1) {
    groups = getConstantIntValue(sizes[1]);
    if (!groups)
      return op->emitOpError("has ")
             << conv.getGroups()
             << " groups, which can only be tiled by a size that divides them: "
                "the number of groups of a tile is an attribute";
  }

  Operation *tiled = mlir::clone(b, op, resultTypes(operands[init]), operands);
  if (groups)
    cast<Conv2DOp>(tiled).setGroups(*groups);
  return TilingResult{{tiled}, SmallVector<Value>(tiled->getResults()), slices};
}

LogicalResult imc::detail::iterationTile(
    DestinationStyleOpInterface op, const IterationSpace &space, OpBuilder &b,
    ArrayRef<unsigned> operands, ArrayRef<SmallVector<OpFoldResult>> offsets,
    ArrayRef<SmallVector<OpFoldResult>> sizes,
    SmallVectorImpl<OpFoldResult> &tileOffsets,
    SmallVectorImpl<OpFoldResult> &tileSizes) {
  SmallVector<Range> domain = iterationDomain(op, space, b);
  SmallVector<bool> fixed(domain.size());
  for (auto [operand, offset, size] : llvm::zip_equal(operands, offsets, sizes))
    for (auto [dim, access] : llvm::enumerate(space.accesses[operand])) {
      if (!access.iterator) {
        // Part of a dimension that every iteration needs whole.
        auto type = cast<ShapedType>(op->getOperand(operand).getType());
        if (!isConstantIntValue(offset[dim], 0) ||
            !isConstantIntValue(size[dim], type.getDimSize(dim)))
          return failure();
        continue;
      }
      Range &range = domain[*access.iterator];
      // Windows overlap and groups may be cut: no whole iterations.
      if (access.scale != 1 || access.span != 1)
        return failure();
      if (fixed[*access.iterator] &&
          (range.offset != offset[dim] || range.size != size[dim]))
        return failure();
      fixed[*access.iterator] = true;
      range.offset = offset[dim];
      range.size = size[dim];
    }
  for (const Range &range : domain) {
    tileOffsets.push_back(range.offset);
    tileSizes.push_back(range.size);
  }
  return success();
}
