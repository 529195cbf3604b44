//===- ScalarOps.cpp - Scalar operations of any element type --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace imc::onnximport {

Value integerScalar(OpBuilder &b, Location l, Type type, int64_t value) {
  if (type.isIndex())
    return arith::ConstantIndexOp::create(b, l, value);
  unsigned width = type.getIntOrFloatBitWidth();
  llvm::APInt bits(width, uint64_t(value), /*isSigned=*/true,
                   /*implicitTrunc=*/true);
  return arith::ConstantOp::create(b, l, IntegerAttr::get(type, bits));
}

Value scalar(OpBuilder &b, Location l, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, l, b.getFloatAttr(type, value));
  return integerScalar(b, l, type, int64_t(value));
}

static TypedAttr extreme(Type type, bool isUnsigned, bool highest) {
  if (auto floating = dyn_cast<FloatType>(type))
    return FloatAttr::get(
        type, llvm::APFloat::getInf(floating.getFloatSemantics(), !highest));
  unsigned width = type.getIntOrFloatBitWidth();
  // A BOOL has one bit: false and true.
  if (isUnsigned || width == 1)
    return IntegerAttr::get(type, highest ? llvm::APInt::getMaxValue(width)
                                          : llvm::APInt::getMinValue(width));
  return IntegerAttr::get(type, highest
                                    ? llvm::APInt::getSignedMaxValue(width)
                                    : llvm::APInt::getSignedMinValue(width));
}

TypedAttr lowestValue(Type type, bool isUnsigned) {
  return extreme(type, isUnsigned, /*highest=*/false);
}

TypedAttr highestValue(Type type, bool isUnsigned) {
  return extreme(type, isUnsigned, /*highest=*/true);
}

static bool isFloat(Value value) { return isa<FloatType>(value.getType()); }

Value add(OpBuilder &b, Location l, Value x, Value y) {
  if (isFloat(x))
    return arith::AddFOp::create(b, l, x, y);
  return arith::AddIOp::create(b, l, x, y);
}

Value subtract(OpBuilder &b, Location l, Value x, Value y) {
  if (isFloat(x))
    return arith::SubFOp::create(b, l, x, y);
  return arith::SubIOp::create(b, l, x, y);
}

Value multiply(OpBuilder &b, Location l, Value x, Value y) {
  if (isFloat(x))
    return arith::MulFOp::create(b, l, x, y);
  return arith::MulIOp::create(b, l, x, y);
}

Value divide(OpBuilder &b, Location l, Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return arith::DivFOp::create(b, l, x, y);
  Type type = x.getType();
  Value zero = integerScalar(b, l, type, 0), one = integerScalar(b, l, type, 1);
  Value byZero = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, y, zero);
  if (isUnsigned) {
    Value divisor = arith::SelectOp::create(b, l, byZero, one, y);
    Value quotient = arith::DivUIOp::create(b, l, x, divisor);
    return arith::SelectOp::create(b, l, byZero, zero, quotient);
  }
  // x / -1 is 0 - x, which wraps where the division would trap.
  Value minusOne = integerScalar(b, l, type, -1);
  Value byMinusOne =
      arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, y, minusOne);
  Value special = arith::OrIOp::create(b, l, byZero, byMinusOne);
  Value divisor = arith::SelectOp::create(b, l, special, one, y);
  Value quotient = arith::DivSIOp::create(b, l, x, divisor);
  Value negated = arith::SubIOp::create(b, l, zero, x);
  quotient = arith::SelectOp::create(b, l, byMinusOne, negated, quotient);
  return arith::SelectOp::create(b, l, byZero, zero, quotient);
}

Value maximum(OpBuilder &b, Location l, Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return arith::MaximumFOp::create(b, l, x, y);
  if (isUnsigned || x.getType().isInteger(1))
    return arith::MaxUIOp::create(b, l, x, y);
  return arith::MaxSIOp::create(b, l, x, y);
}

Value minimum(OpBuilder &b, Location l, Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return arith::MinimumFOp::create(b, l, x, y);
  if (isUnsigned || x.getType().isInteger(1))
    return arith::MinUIOp::create(b, l, x, y);
  return arith::MinSIOp::create(b, l, x, y);
}

Value compare(OpBuilder &b, Location l, Comparison how, Value x, Value y,
              bool isUnsigned) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  if (isFloat(x)) {
    static constexpr F predicates[] = {F::OEQ, F::UNE, F::OLT,
                                       F::OLE, F::OGT, F::OGE};
    return arith::CmpFOp::create(b, l, predicates[int(how)], x, y);
  }
  static constexpr I ofSigned[] = {I::eq,  I::ne,  I::slt,
                                   I::sle, I::sgt, I::sge};
  static constexpr I ofUnsigned[] = {I::eq,  I::ne,  I::ult,
                                     I::ule, I::ugt, I::uge};
  bool zeroExtends = isUnsigned || x.getType().isInteger(1);
  return arith::CmpIOp::create(
      b, l, (zeroExtends ? ofUnsigned : ofSigned)[int(how)], x, y);
}

Value convert(OpBuilder &b, Location l, Value x, int fromOnnx, int toOnnx) {
  if (fromOnnx == toOnnx)
    return x;
  Type from = x.getType(), to = irType(b.getContext(), toOnnx);
  bool fromFloat = isFloatType(fromOnnx), toFloat = isFloatType(toOnnx);
  bool fromUnsigned = isUnsignedType(fromOnnx) || fromOnnx == onnxtype::Bool;
  if (toOnnx == onnxtype::Bool)
    return compare(b, l, Comparison::NotEqual, x, scalar(b, l, from, 0.0),
                   fromUnsigned);
  if (fromFloat && toFloat) {
    unsigned wide = from.getIntOrFloatBitWidth(),
             narrow = to.getIntOrFloatBitWidth();
    if (wide == narrow) { // f16 and bf16
      x = arith::ExtFOp::create(b, l, b.getF32Type(), x);
      return arith::TruncFOp::create(b, l, to, x);
    }
    if (wide < narrow)
      return arith::ExtFOp::create(b, l, to, x);
    return arith::TruncFOp::create(b, l, to, x);
  }
  if (toFloat) {
    if (fromUnsigned)
      return arith::UIToFPOp::create(b, l, to, x);
    return arith::SIToFPOp::create(b, l, to, x);
  }
  auto cut = [&](Value value) -> Value {
    bool is4 = toOnnx == onnxtype::Int4 || toOnnx == onnxtype::UInt4;
    if (!is4)
      return value;
    // One element to a byte: the upper half repeats the sign, or is zero.
    Value four = integerScalar(b, l, to, 4);
    value = arith::ShLIOp::create(b, l, value, four);
    if (toOnnx == onnxtype::UInt4)
      return arith::ShRUIOp::create(b, l, value, four);
    return arith::ShRSIOp::create(b, l, value, four);
  };
  if (fromFloat) {
    // Through a wider type, so that what does not fit is cut like an integer.
    unsigned width = to.getIntOrFloatBitWidth();
    bool isUnsigned64 = toOnnx == onnxtype::UInt64;
    Type wide = b.getIntegerType(
        width < 32 ? 32 : (toOnnx == onnxtype::UInt32 ? 64 : width));
    Value whole = isUnsigned64 ? Value(arith::FPToUIOp::create(b, l, wide, x))
                               : Value(arith::FPToSIOp::create(b, l, wide, x));
    if (wide != to)
      whole = arith::TruncIOp::create(b, l, to, whole);
    return cut(whole);
  }
  unsigned wide = from.getIntOrFloatBitWidth(),
           narrow = to.getIntOrFloatBitWidth();
  if (wide > narrow)
    x = arith::TruncIOp::create(b, l, to, x);
  else if (wide < narrow && fromUnsigned)
    x = arith::ExtUIOp::create(b, l, to, x);
  else if (wide < narrow)
    x = arith::ExtSIOp::create(b, l, to, x);
  return cut(x);
}

} // namespace imc::onnximport
