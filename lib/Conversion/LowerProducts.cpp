//===- LowerProducts.cpp - imc.matmul and imc.conv2d to linalg ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

using namespace mlir;
using namespace imc;
using namespace imc::lowering;

/// acc + x·w in f32, or with unsigned x and signed w in i32.
static Value multiplyAccumulate(OpBuilder &b, Location loc, ValueRange args) {
  Value x = args[0], w = args[1], acc = args[2];
  if (isa<FloatType>(acc.getType()))
    return arith::AddFOp::create(b, loc, acc,
                                 arith::MulFOp::create(b, loc, x, w));
  Arith a(b, loc);
  return a.add(acc, a.mul(a.zeroExtend(x, acc.getType()),
                          a.signExtend(w, acc.getType())));
}

Values lowering::lower(RewriterBase &b, MatmulOp op) {
  AffineExpr m, n, k;
  bindDims(b.getContext(), m, n, k);
  return {generic(b, op.getLoc(), 3, {op.getX(), op.getW()}, op.getInit(),
                  {{m, k}, {k, n}, {m, n}}, multiplyAccumulate)};
}

/// Splits dimension `position` of size G·k into (G, k).
static Value splitGroups(OpBuilder &b, Location loc, Value value,
                         unsigned position, int64_t groups) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<ReassociationIndices> reassociation;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (i == position)
      reassociation.push_back({i, i + 1});
    else
      reassociation.push_back({i < position ? i : i + 1});
  }
  shape[position] /= groups;
  shape.insert(shape.begin() + position, groups);
  return tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), value,
      reassociation);
}

Values lowering::lower(RewriterBase &b, Conv2DOp op) {
  Location loc = op.getLoc();
  AffineExpr n, g, f, oh, ow, c, kh, kw;
  auto window = [](AffineExpr position, AffineExpr tap, int64_t stride,
                   int64_t dilation) {
    return position * stride + tap * dilation;
  };
  ArrayRef<int64_t> strides = op.getStrides(), dilations = op.getDilations();
  if (op.getGroups() == 1) {
    bindDims(b.getContext(), n, f, oh, ow, c, kh, kw);
    return {generic(b, loc, 7, {op.getX(), op.getW()}, op.getInit(),
                    {{n, c, window(oh, kh, strides[0], dilations[0]),
                      window(ow, kw, strides[1], dilations[1])},
                     {f, c, kh, kw},
                     {n, f, oh, ow}},
                    multiplyAccumulate)};
  }
  int64_t groups = op.getGroups();
  bindDims(b.getContext(), n, g, f, oh, ow, c, kh, kw);
  Value y = generic(b, loc, 8,
                    {splitGroups(b, loc, op.getX(), 1, groups),
                     splitGroups(b, loc, op.getW(), 0, groups)},
                    splitGroups(b, loc, op.getInit(), 1, groups),
                    {{n, g, c, window(oh, kh, strides[0], dilations[0]),
                      window(ow, kw, strides[1], dilations[1])},
                     {g, f, c, kh, kw},
                     {n, g, f, oh, ow}},
                    multiplyAccumulate);
  SmallVector<ReassociationIndices> merge = {{0}, {1, 2}, {3}, {4}};
  return {tensor::CollapseShapeOp::create(b, loc, op.getInit().getType(), y,
                                          merge)};
}
