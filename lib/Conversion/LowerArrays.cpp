//===- LowerArrays.cpp - Array-level imc ops to linalg and scf ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index letters are those of docs/Architecture.md, section 3: pack p, window m,
// row strip s, column strip t, row r and column c of an array. Layout changes
// compute, for each element of the result, where it comes from; positions
// without a source read element 0 and are then replaced by zero, so that no
// access leaves its tensor.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace imc;
using namespace imc::lowering;

static Value indexOf(OpBuilder &b, Location loc, unsigned dimension) {
  return linalg::IndexOp::create(b, loc, dimension);
}

/// A generic without inputs: each element of `init` is computed by `body` from
/// its position.
static Value
generate(OpBuilder &b, Location loc, Value init,
         function_ref<Value(OpBuilder &, Location, ArrayRef<Value>)> body) {
  unsigned rank = shapeOf(init).size();
  SmallVector<AffineExpr, 6> dims;
  for (unsigned i = 0; i < rank; ++i)
    dims.push_back(b.getAffineDimExpr(i));
  return generic(b, loc, rank, {}, init, {dims},
                 [&](OpBuilder &b, Location loc, ValueRange) {
                   SmallVector<Value> position;
                   for (unsigned i = 0; i < rank; ++i)
                     position.push_back(indexOf(b, loc, i));
                   return body(b, loc, position);
                 });
}

/// `value` where `valid`, else zero; `indices` are those of a valid element.
static Value loadOrZero(OpBuilder &b, Location loc, Value tensor, Value valid,
                        ArrayRef<Value> indices) {
  Arith a(b, loc);
  SmallVector<Value> safe;
  for (Value index : indices)
    safe.push_back(a.select(valid, index, a.index(0)));
  Value loaded = tensor::ExtractOp::create(b, loc, tensor, safe);
  Value zero =
      arith::ConstantOp::create(b, loc, b.getIntegerAttr(loaded.getType(), 0));
  return a.select(valid, loaded, zero);
}

//===----------------------------------------------------------------------===//
// imc.unfold
//===----------------------------------------------------------------------===//

Values lowering::lower(RewriterBase &b, UnfoldOp op) {
  Value x = op.getX();
  ArrayRef<int64_t> in = shapeOf(x), out = shapeOf(op.getInit());
  int64_t R = out[3];
  int64_t groups = op.getGroups(), perPack = op.getGroupsPerPack();
  if (in.size() == 2) {
    int64_t K = in[1];
    return {generate(b, op.getLoc(), op.getInit(),
                     [&](OpBuilder &b, Location loc, ArrayRef<Value> at) {
                       Arith a(b, loc);
                       Value row = a.add(a.scaled(at[2], R), at[3]);
                       return loadOrZero(b, loc, x, a.lessThan(row, K),
                                         {at[1], row});
                     })};
  }

  int64_t C = in[1] / groups;
  int64_t KH = op.getKernel()[0], KW = op.getKernel()[1];
  int64_t K = C * KH * KW;
  int64_t OH = windowCount(in[2], KH, op.getStrides()[0], op.getDilations()[0]);
  int64_t OW = windowCount(in[3], KW, op.getStrides()[1], op.getDilations()[1]);
  return {generate(
      b, op.getLoc(), op.getInit(),
      [&](OpBuilder &b, Location loc, ArrayRef<Value> at) {
        Arith a(b, loc);
        Value row = a.add(a.scaled(at[2], R), at[3]);
        Value k = a.rem(row, K);
        Value group = a.add(a.scaled(at[0], perPack), a.div(row, K));
        Value valid =
            a.both(a.lessThan(row, perPack * K), a.lessThan(group, groups));
        Value channel = a.add(a.scaled(group, C), a.div(k, KH * KW));
        Value kh = a.div(a.rem(k, KH * KW), KW), kw = a.rem(k, KW);
        Value n = a.div(at[1], OH * OW);
        Value oh = a.div(a.rem(at[1], OH * OW), OW), ow = a.rem(at[1], OW);
        auto tap = [&](Value position, Value kernel, unsigned dimension) {
          return a.add(a.scaled(position, op.getStrides()[dimension]),
                       a.scaled(kernel, op.getDilations()[dimension]));
        };
        return loadOrZero(b, loc, x, valid,
                          {n, channel, tap(oh, kh, 0), tap(ow, kw, 1)});
      })};
}

//===----------------------------------------------------------------------===//
// imc.encode_weights
//===----------------------------------------------------------------------===//

/// Digit `j` (an i32, in column order) of the signed weight `w` (an i32).
static Value digitOf(OpBuilder &b, Location loc, EncodingAttr encoding, Value w,
                     Value j) {
  Arith a(b, loc);
  int64_t bits = encoding.getCellBits();
  Value mask = a.i32((int64_t(1) << bits) - 1);
  Value value = w, digit = j;
  switch (encoding.getKind()) {
  case EncodingKind::Offset:
    value = a.add(w, a.i32(encoding.offset()));
    break;
  case EncodingKind::Differential: {
    // Columns come in pairs: digits of max(w, 0), then of max(-w, 0).
    Value negated = a.sub(a.i32(0), w);
    Value isNegative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                             a.both(j, a.i32(1)), a.i32(0));
    value = arith::MaxSIOp::create(b, loc, a.select(isNegative, negated, w),
                                   a.i32(0));
    digit = arith::ShRUIOp::create(b, loc, j, a.i32(1));
    break;
  }
  case EncodingKind::TwosComplement:
    break; // the shift below is arithmetic, so that the top bit is the sign
  }
  Value shifted =
      arith::ShRSIOp::create(b, loc, value, a.mul(digit, a.i32(bits)));
  return a.both(shifted, mask);
}

Values lowering::lower(RewriterBase &b, EncodeWeightsOp op) {
  Location loc = op.getLoc();
  EncodingAttr encoding = op.getEncoding();
  Value w = op.getW();
  ArrayRef<int64_t> out = shapeOf(op.getInit());
  int64_t R = out[3], C = out[4], J = encoding.columnsPerWeight();
  int64_t groups = op.getGroups(), perPack = op.getGroupsPerPack();
  bool isConv = shapeOf(w).size() == 4;
  if (isConv) {
    // F x C x KH x KW in row-major order is F x K.
    auto type = cast<RankedTensorType>(w.getType());
    SmallVector<ReassociationIndices> merge = {{0}, {1, 2, 3}};
    w = tensor::CollapseShapeOp::create(
        b, loc,
        RankedTensorType::get(
            {type.getDimSize(0), type.getNumElements() / type.getDimSize(0)},
            type.getElementType()),
        w, merge);
  }
  int64_t K = shapeOf(w)[isConv ? 1 : 0];
  int64_t N = shapeOf(w)[isConv ? 0 : 1] / groups;

  return {
      generate(b, loc, op.getInit(),
               [&](OpBuilder &b, Location loc, ArrayRef<Value> at) -> Value {
                 Arith a(b, loc);
                 Value row = a.add(a.scaled(at[1], R), at[3]);
                 Value column = a.add(a.scaled(at[2], C), at[4]);
                 Value weight = a.div(column, J);
                 Value rowGroup = a.div(row, K), columnGroup = a.div(weight, N);
                 Value group = a.add(a.scaled(at[0], perPack), rowGroup);
                 // Off the block diagonal, after the last row or column, or in
                 // a group that the last pack does not have.
                 Value valid = arith::CmpIOp::create(
                     b, loc, arith::CmpIPredicate::eq, rowGroup, columnGroup);
                 valid = a.both(valid, a.lessThan(rowGroup, perPack));
                 valid = a.both(valid, a.lessThan(group, groups));
                 Value k = a.rem(row, K);
                 Value n = a.add(a.scaled(group, N), a.rem(weight, N));
                 SmallVector<Value> indices = {n, k};
                 if (!isConv)
                   std::swap(indices[0], indices[1]);
                 for (Value &index : indices)
                   index = a.select(valid, index, a.index(0));
                 Value stored = tensor::ExtractOp::create(b, loc, w, indices);
                 Value digit = digitOf(b, loc, encoding, a.signExtend(stored),
                                       a.i32Of(a.rem(column, J)));
                 Value cell = a.select(valid, digit, a.i32(0));
                 return arith::TruncIOp::create(b, loc, b.getI8Type(), cell);
               })};
}

//===----------------------------------------------------------------------===//
// imc.mvm
//===----------------------------------------------------------------------===//

/// What the converter reports for the column sum `sum`.
static Value readOut(OpBuilder &b, Location loc, ReadoutAttr readout,
                     Value sum) {
  if (readout.isLossless())
    return sum;
  Arith a(b, loc);
  int64_t shift = readout.shift();
  if (shift == 0)
    return arith::MinUIOp::create(b, loc, sum, a.i32(readout.lastCode()));
  Value k = a.i32(shift);
  Value moved = sum;
  switch (readout.getTies()) {
  case ReadoutTies::HalfUp:
    moved = a.add(sum, a.i32(int64_t(1) << (shift - 1)));
    break;
  case ReadoutTies::HalfEven: {
    Value odd = a.both(arith::ShRUIOp::create(b, loc, sum, k), a.i32(1));
    moved = a.add(a.add(sum, a.i32((int64_t(1) << (shift - 1)) - 1)), odd);
    break;
  }
  case ReadoutTies::Floor:
    break;
  }
  Value code = arith::ShRUIOp::create(b, loc, moved, k);
  code = arith::MinUIOp::create(b, loc, code, a.i32(readout.lastCode()));
  return arith::ShLIOp::create(b, loc, code, k);
}

Values lowering::lower(RewriterBase &b, MVMOp op) {
  Location loc = op.getLoc();
  ArrayRef<int64_t> cellShape = shapeOf(op.getCells());
  int64_t P = cellShape[0], S = cellShape[1], T = cellShape[2],
          R = cellShape[3], C = cellShape[4];
  int64_t M = shapeOf(op.getU())[1];
  int64_t dacBits = op.getInput().getDacBits();
  Arith a(b, loc);
  Value zero = a.index(0), one = a.index(1);
  Value zeroSum = a.i32(0);
  Value mask = a.i32((int64_t(1) << dacBits) - 1);

  // Strip by strip.
  auto strips = scf::ForOp::create(b, loc, zero, a.index(S), one,
                                   ValueRange{op.getInit()});
  b.setInsertionPointToStart(strips.getBody());
  OpFoldResult s = strips.getInductionVar(), first = b.getIndexAttr(0);
  auto sizes = [&](ArrayRef<int64_t> extents) {
    return getAsIndexOpFoldResult(b.getContext(), extents);
  };
  SmallVector<OpFoldResult> ones4(4, b.getIndexAttr(1)),
      ones5(5, b.getIndexAttr(1));
  Value u = tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get({P, M, R}, getElementTypeOrSelf(op.getU())),
      op.getU(), SmallVector<OpFoldResult>{first, first, s, first},
      sizes({P, M, 1, R}), ones4);
  Value cells = tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get({P, T, R, C}, b.getI8Type()), op.getCells(),
      SmallVector<OpFoldResult>{first, s, first, first, first},
      sizes({P, 1, T, R, C}), ones5);

  // Phase by phase, least significant digit first.
  auto phases =
      scf::ForOp::create(b, loc, zero, a.index(op.getInput().phases()), one,
                         ValueRange{strips.getRegionIterArg(0)});
  b.setInsertionPointToStart(phases.getBody());
  Value shift = a.mul(a.i32Of(phases.getInductionVar()), a.i32(dacBits));
  AffineExpr p, m, t, c, r;
  bindDims(b.getContext(), p, m, t, c, r);
  Value sums = generic(
      b, loc, 5, {u, cells}, filled(b, loc, {P, M, T, C}, zeroSum),
      {{p, m, r}, {p, t, r, c}, {p, m, t, c}},
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Arith a(b, loc);
        Value digit = a.both(
            arith::ShRUIOp::create(b, loc, a.zeroExtend(args[0]), shift), mask);
        return a.add(args[2], a.mul(digit, a.zeroExtend(args[1])));
      });
  // Every sum passes the converter before anything is added to it.
  Value acc = generic(
      b, loc, 4, sums, phases.getRegionIterArg(0), {{p, m, t, c}, {p, m, t, c}},
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Arith a(b, loc);
        Type type = args[1].getType();
        Value value = readOut(b, loc, op.getReadout(), args[0]);
        return a.add(args[1],
                     arith::ShLIOp::create(b, loc, a.zeroExtend(value, type),
                                           a.zeroExtend(shift, type)));
      });
  scf::YieldOp::create(b, loc, acc);
  b.setInsertionPointToEnd(strips.getBody());
  scf::YieldOp::create(b, loc, phases.getResult(0));
  b.setInsertionPointAfter(strips);
  return {strips.getResult(0)};
}

//===----------------------------------------------------------------------===//
// imc.shift_add
//===----------------------------------------------------------------------===//

/// Σ of the inputs of every group: P x M x groups_per_pack.
static Value sumInputs(OpBuilder &b, Location loc, ShiftAddOp op) {
  ArrayRef<int64_t> u = shapeOf(op.getU());
  int64_t P = u[0], M = u[1], K = op.getGroupRows(),
          perPack = op.getGroupsPerPack();
  Type code = getElementTypeOrSelf(op.getU()),
       integer = getElementTypeOrSelf(op.getInit());
  SmallVector<ReassociationIndices> joinStrips = {{0}, {1}, {2, 3}};
  Value rows = tensor::CollapseShapeOp::create(
      b, loc, RankedTensorType::get({P, M, u[2] * u[3]}, code), op.getU(),
      joinStrips);
  auto attributes = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(b.getContext(), values);
  };
  rows = tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get({P, M, perPack * K}, code), rows,
      attributes({0, 0, 0}), attributes({P, M, perPack * K}),
      attributes({1, 1, 1}));
  SmallVector<ReassociationIndices> splitGroups = {{0}, {1}, {2, 3}};
  rows = tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get({P, M, perPack, K}, code), rows,
      splitGroups);
  AffineExpr p, m, l, k;
  bindDims(b.getContext(), p, m, l, k);
  Value zero = Arith(b, loc).integer(integer, 0);
  return generic(b, loc, 4, rows, filled(b, loc, {P, M, perPack}, zero),
                 {{p, m, l, k}, {p, m, l}},
                 [&](OpBuilder &b, Location loc, ValueRange args) {
                   Arith a(b, loc);
                   return a.add(args[1], a.zeroExtend(args[0], integer));
                 });
}

Values lowering::lower(RewriterBase &b, ShiftAddOp op) {
  Location loc = op.getLoc();
  EncodingAttr encoding = op.getEncoding();
  int64_t C = shapeOf(op.getAcc())[3], J = encoding.columnsPerWeight();
  ArrayRef<int64_t> out = shapeOf(op.getInit());
  int64_t groups = op.getGroups(), perPack = op.getGroupsPerPack();
  int64_t N = out[1] / groups;
  bool isConv = out.size() == 4;
  SmallVector<int64_t> coefficients = encoding.coefficients();
  Value inputSums;
  if (encoding.offset() != 0)
    inputSums = sumInputs(b, loc, op);

  return {generate(
      b, loc, op.getInit(),
      [&](OpBuilder &b, Location loc, ArrayRef<Value> at) {
        Arith a(b, loc);
        Value m = at[0];
        if (isConv)
          m = a.add(a.scaled(a.add(a.scaled(at[0], out[2]), at[2]), out[3]),
                    at[3]);
        Value group = a.div(at[1], N);
        Value pack = a.div(group, perPack), local = a.rem(group, perPack);
        Value column = a.scaled(a.add(a.scaled(local, N), a.rem(at[1], N)), J);
        Value y;
        for (int64_t j = 0; j < J; ++j) {
          Value position = j == 0 ? column : a.add(column, a.index(j));
          Value sum = tensor::ExtractOp::create(
              b, loc, op.getAcc(),
              ValueRange{pack, m, a.div(position, C), a.rem(position, C)});
          Value term = a.mul(sum, a.integer(sum.getType(), coefficients[j]));
          y = j == 0 ? term : a.add(y, term);
        }
        if (inputSums) {
          Value sum = tensor::ExtractOp::create(b, loc, inputSums,
                                                ValueRange{pack, m, local});
          y = a.sub(y, a.mul(sum, a.integer(sum.getType(), encoding.offset())));
        }
        return y;
      })};
}
