//===- Lowering.h - What the lowerings of imc ops share ---------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function per op returns the values that replace its results. Callers have
// checked that all operands are tensors of static shape, and that the op has
// passed its verifier. The insertion point is the op.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_CONVERSION_LOWERING_H
#define IMC_LIB_CONVERSION_LOWERING_H

#include "dialects/imc/IR/IMC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace imc::lowering {

using Values = llvm::SmallVector<mlir::Value, 2>;

// LowerProducts.cpp
Values lower(mlir::RewriterBase &b, MatmulOp op);
Values lower(mlir::RewriterBase &b, Conv2DOp op);
// LowerIntegers.cpp
Values lower(mlir::RewriterBase &b, ChooseQParamsOp op);
Values lower(mlir::RewriterBase &b, QuantizeOp op);
Values lower(mlir::RewriterBase &b, DequantizeOp op);
Values lower(mlir::RewriterBase &b, RequantizeOp op);
// LowerArrays.cpp
Values lower(mlir::RewriterBase &b, UnfoldOp op);
Values lower(mlir::RewriterBase &b, EncodeWeightsOp op);
Values lower(mlir::RewriterBase &b, MVMOp op);
Values lower(mlir::RewriterBase &b, ShiftAddOp op);

/// Integer and index arithmetic with constants, one line each.
class Arith {
public:
  Arith(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, loc, value);
  }
  mlir::Value i32(int64_t value) {
    return mlir::arith::ConstantIntOp::create(b, loc, value, 32);
  }
  mlir::Value f32(float value) {
    return mlir::arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  mlir::Value i32Of(mlir::Value index) {
    return mlir::arith::IndexCastOp::create(b, loc, b.getI32Type(), index);
  }
  mlir::Value integer(mlir::Type type, int64_t value) {
    return mlir::arith::ConstantOp::create(b, loc,
                                           b.getIntegerAttr(type, value));
  }
  /// To `type`, i32 without one; values that have the type already stay.
  mlir::Value zeroExtend(mlir::Value value, mlir::Type type = {}) {
    if (!type)
      type = b.getI32Type();
    if (value.getType() == type)
      return value;
    return mlir::arith::ExtUIOp::create(b, loc, type, value);
  }
  mlir::Value signExtend(mlir::Value value, mlir::Type type = {}) {
    if (!type)
      type = b.getI32Type();
    if (value.getType() == type)
      return value;
    return mlir::arith::ExtSIOp::create(b, loc, type, value);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return mlir::arith::AddIOp::create(b, loc, x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return mlir::arith::SubIOp::create(b, loc, x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return mlir::arith::MulIOp::create(b, loc, x, y);
  }
  /// index · factor + offset, without arithmetic for trivial factors.
  mlir::Value scaled(mlir::Value x, int64_t factor) {
    return factor == 1 ? x : mul(x, index(factor));
  }
  /// Quotient and remainder of an index ≥ 0 by a constant.
  mlir::Value div(mlir::Value x, int64_t divisor) {
    return divisor == 1
               ? x
               : mlir::arith::DivUIOp::create(b, loc, x, index(divisor))
                     .getResult();
  }
  mlir::Value rem(mlir::Value x, int64_t divisor) {
    return divisor == 1
               ? index(0)
               : mlir::arith::RemUIOp::create(b, loc, x, index(divisor))
                     .getResult();
  }
  mlir::Value lessThan(mlir::Value x, int64_t bound) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::ult,
                                       x, index(bound));
  }
  mlir::Value both(mlir::Value x, mlir::Value y) {
    return mlir::arith::AndIOp::create(b, loc, x, y);
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

/// An uninitialized tensor.
inline mlir::Value empty(mlir::OpBuilder &b, mlir::Location loc,
                         llvm::ArrayRef<int64_t> shape, mlir::Type element) {
  return mlir::tensor::EmptyOp::create(b, loc, shape, element);
}

/// A tensor of the scalar `value`.
inline mlir::Value filled(mlir::OpBuilder &b, mlir::Location loc,
                          llvm::ArrayRef<int64_t> shape, mlir::Value value) {
  return mlir::linalg::FillOp::create(b, loc, value,
                                      empty(b, loc, shape, value.getType()))
      .getResult(0);
}

/// `linalg.generic` with one result; `exprs` are the results of one indexing
/// map per input and, last, of the destination, over `loops` dimensions.
/// Dimensions that the destination does not name are reductions.
mlir::Value
generic(mlir::OpBuilder &b, mlir::Location loc, unsigned loops,
        mlir::ValueRange inputs, mlir::Value init,
        llvm::ArrayRef<llvm::SmallVector<mlir::AffineExpr, 6>> exprs,
        llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                       mlir::ValueRange)>
            body);

} // namespace imc::lowering

#endif // IMC_LIB_CONVERSION_LOWERING_H
