//===- LowerIntegers.cpp - Quantization ops to linalg ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rounding rules of docs/phases/rounding.md, whose labels (R1, R2, …) the
// comments below refer to.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace imc;
using namespace imc::lowering;

/// Clamps to [lo, hi]; a NaN becomes lo, so that the conversion to an integer
/// that follows is always defined (R4).
static Value clampNumber(OpBuilder &b, Location loc, Value x, Value lo,
                         Value hi) {
  return arith::MinNumFOp::create(b, loc,
                                  arith::MaxNumFOp::create(b, loc, x, lo), hi);
}

static SmallVector<AffineExpr, 6> identity(OpBuilder &b, unsigned rank) {
  SmallVector<AffineExpr, 6> dims;
  for (unsigned i = 0; i < rank; ++i)
    dims.push_back(b.getAffineDimExpr(i));
  return dims;
}

Values lowering::lower(RewriterBase &b, ChooseQParamsOp op) {
  Location loc = op.getLoc();
  Arith a(b, loc);
  unsigned rank = shapeOf(op.getX()).size();
  // What the results have: nothing, or the rows.
  ArrayRef<int64_t> shape = shapeOf(op.getScale());
  SmallVector<AffineExpr, 6> kept = identity(b, shape.size());
  // R1: the range includes zero, hence the initial values.
  Value zero = a.f32(0);
  auto extreme = [&](bool maximum) {
    return generic(b, loc, rank, op.getX(), filled(b, loc, shape, zero),
                   {identity(b, rank), kept},
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     if (maximum)
                       return arith::MaximumFOp::create(b, loc, args[0],
                                                        args[1]);
                     return arith::MinimumFOp::create(b, loc, args[0], args[1]);
                   });
  };
  Value lo = extreme(false), hi = extreme(true);
  const bool symmetric = op.getSymmetric();
  float codes = static_cast<float>((1 << op.getBits()) - 1);
  float top = static_cast<float>((1 << (op.getBits() - 1)) - 1);

  Value scale = generic(
      b, loc, shape.size(), {lo, hi}, empty(b, loc, shape, b.getF32Type()),
      {kept, kept, kept},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Arith a(b, loc);
        // R2 and R2S.
        Value range =
            symmetric
                ? arith::MaximumFOp::create(
                      b, loc, arith::NegFOp::create(b, loc, args[0]), args[1])
                      .getResult()
                : arith::SubFOp::create(b, loc, args[1], args[0]).getResult();
        Value step = arith::DivFOp::create(b, loc, range,
                                           a.f32(symmetric ? top : codes));
        Value isZero = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                             step, a.f32(0));
        return a.select(isZero, a.f32(1), step);
      });
  if (symmetric)
    return {scale, filled(b, loc, shape, a.i32(1 << (op.getBits() - 1)))};
  Value zeroPoint =
      generic(b, loc, shape.size(), {lo, scale},
              empty(b, loc, shape, b.getI32Type()), {kept, kept, kept},
              [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                Arith a(b, loc);
                Value quotient = arith::DivFOp::create(
                    b, loc, arith::NegFOp::create(b, loc, args[0]), args[1]);
                Value rounded = math::RoundEvenOp::create(b, loc, quotient);
                return arith::FPToSIOp::create(
                    b, loc, b.getI32Type(),
                    clampNumber(b, loc, rounded, a.f32(0), a.f32(codes)));
              });
  return {scale, zeroPoint};
}

Values lowering::lower(RewriterBase &b, QuantizeOp op) {
  Location loc = op.getLoc();
  unsigned rank = shapeOf(op.getX()).size();
  float codes = static_cast<float>((1 << op.getBits()) - 1);
  // R3: clamp(v + zp, 0, codes) = clamp(v, -zp, codes - zp) + zp for integers
  // v. The right side is computed in f32, where both bounds are exact, since v
  // itself may not fit an i32.
  return {generic(
      b, loc, rank, {op.getX(), op.getScale(), op.getZeroPoint()}, op.getInit(),
      {identity(b, rank), identity(b, shapeOf(op.getScale()).size()),
       identity(b, shapeOf(op.getScale()).size()), identity(b, rank)},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Arith a(b, loc);
        Value zeroPoint =
            arith::SIToFPOp::create(b, loc, b.getF32Type(), args[2]);
        Value v = math::RoundEvenOp::create(
            b, loc, arith::DivFOp::create(b, loc, args[0], args[1]));
        Value lo = arith::NegFOp::create(b, loc, zeroPoint);
        Value hi = arith::SubFOp::create(b, loc, a.f32(codes), zeroPoint);
        Value q = a.add(arith::FPToSIOp::create(b, loc, b.getI32Type(),
                                                clampNumber(b, loc, v, lo, hi)),
                        args[2]);
        return arith::TruncIOp::create(b, loc, args[3].getType(), q);
      })};
}

Values lowering::lower(RewriterBase &b, DequantizeOp op) {
  unsigned rank = shapeOf(op.getAcc()).size();
  SmallVector<AffineExpr, 6> all = identity(b, rank), channel = {all[1]};
  SmallVector<AffineExpr, 6> row = identity(b, shapeOf(op.getXScale()).size());
  // R5: integers first, then the two scales, then the product, then the bias.
  return {generic(
      b, op.getLoc(), rank,
      {op.getAcc(), op.getXScale(), op.getXZeroPoint(), op.getWScale(),
       op.getWSum(), op.getBias()},
      op.getInit(), {all, row, row, channel, channel, channel, all},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Arith a(b, loc);
        Type type = args[0].getType();
        Value integer = a.sub(args[0], a.mul(a.signExtend(args[2], type),
                                             a.signExtend(args[4], type)));
        Value number = arith::SIToFPOp::create(b, loc, b.getF32Type(), integer);
        Value scale = arith::MulFOp::create(b, loc, args[1], args[3]);
        return arith::AddFOp::create(
            b, loc, arith::MulFOp::create(b, loc, number, scale), args[5]);
      })};
}

Values lowering::lower(RewriterBase &b, RequantizeOp op) {
  unsigned rank = shapeOf(op.getAcc()).size();
  SmallVector<AffineExpr, 6> all = identity(b, rank), channel = {all[1]};
  SmallVector<Value> inputs = {op.getAcc(), op.getBias(), op.getMultiplier(),
                               op.getZeroPoint()};
  SmallVector<SmallVector<AffineExpr, 6>> exprs = {all, channel, channel, {}};
  bool divides = op.getStep() != nullptr;
  if (divides) {
    inputs.push_back(op.getStep());
    exprs.push_back({});
  }
  exprs.push_back(all);
  auto payload = cast<IntegerType>(getElementTypeOrSelf(op.getInit()));
  return {generic(
      b, op.getLoc(), rank, inputs, op.getInit(), exprs,
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Arith a(b, loc);
        Type f64 = b.getF64Type();
        auto number = [&](int64_t value) -> Value {
          return arith::ConstantOp::create(
              b, loc, b.getF64FloatAttr(static_cast<double>(value)));
        };
        // R7: the sum in integers of acc's width, the product in f64.
        Value sum = a.add(args[0], args[1]);
        Value v = arith::MulFOp::create(
            b, loc, arith::SIToFPOp::create(b, loc, f64, sum), args[2]);
        Value zeroPoint = arith::SIToFPOp::create(b, loc, f64, args[3]);
        Value q;
        if (divides) {
          // R9: a quotient in f32. An integer below 2^52 plus the zero point
          // is exact in f64, a larger one is beyond the codes either way.
          Value y = arith::TruncFOp::create(b, loc, b.getF32Type(), v);
          Value rounded = math::RoundEvenOp::create(
              b, loc, arith::DivFOp::create(b, loc, y, args[4]));
          q = arith::AddFOp::create(
              b, loc, arith::ExtFOp::create(b, loc, f64, rounded), zeroPoint);
        } else {
          // R8: the zero point takes part in the rounding.
          q = math::RoundEvenOp::create(
              b, loc, arith::AddFOp::create(b, loc, v, zeroPoint));
        }
        // R10.
        q = clampNumber(b, loc, q, number(op.getCodes()[0]),
                        number(op.getCodes()[1]));
        return arith::TruncIOp::create(
            b, loc, payload,
            arith::FPToSIOp::create(b, loc, b.getI32Type(), q));
      })};
}
