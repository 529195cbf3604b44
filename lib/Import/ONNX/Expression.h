//===- Expression.h - Scalar formulas in bodies of ops ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formulas of float elements written as formulas: `x * sigmoid(x)` emits the
// operations of arith and math. Numbers beside an expression become constants
// of its type. Where both operands emit something they are named first: the
// order of emission must not depend on the C++ compiler.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_EXPRESSION_H
#define IMC_LIB_IMPORT_ONNX_EXPRESSION_H

#include "ScalarOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace imc::onnximport {

/// A float (or, as the result of a comparison, an i1) and where to emit what is
/// computed from it.
class Expression {
public:
  Expression(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value)
      : builder(&builder), loc(loc), held(value) {}

  mlir::Value value() const { return held; }
  mlir::Type type() const { return held.getType(); }

  /// A number of the same type.
  Expression number(double x) const {
    return with(scalar(*builder, loc, type(), x));
  }
  Expression with(mlir::Value value) const {
    return Expression(*builder, loc, value);
  }
  template <typename Op, typename... Arguments>
  Expression emit(Arguments... arguments) const {
    return with(Op::create(*builder, loc, arguments...));
  }

  Expression operator-() const { return emit<mlir::arith::NegFOp>(held); }
  Expression operator!() const {
    return emit<mlir::arith::XOrIOp>(held,
                                     integerScalar(*builder, loc, type(), 1));
  }
  Expression operator&&(Expression y) const {
    return emit<mlir::arith::AndIOp>(held, y.held);
  }
  Expression operator||(Expression y) const {
    return emit<mlir::arith::OrIOp>(held, y.held);
  }

#define IMC_BINARY(SYMBOL, OP, ...)                                            \
  Expression operator SYMBOL(Expression y) const {                             \
    return emit<mlir::arith::OP>(__VA_ARGS__ held, y.held);                    \
  }                                                                            \
  Expression operator SYMBOL(double y) const { return *this SYMBOL number(y); }
#define IMC_PREDICATE(NAME) mlir::arith::CmpFPredicate::NAME,
  IMC_BINARY(+, AddFOp, )
  IMC_BINARY(-, SubFOp, )
  IMC_BINARY(*, MulFOp, )
  IMC_BINARY(/, DivFOp, )
  IMC_BINARY(<, CmpFOp, IMC_PREDICATE(OLT))
  IMC_BINARY(<=, CmpFOp, IMC_PREDICATE(OLE))
  IMC_BINARY(>, CmpFOp, IMC_PREDICATE(OGT))
  IMC_BINARY(>=, CmpFOp, IMC_PREDICATE(OGE))
  IMC_BINARY(==, CmpFOp, IMC_PREDICATE(OEQ))
#undef IMC_PREDICATE
#undef IMC_BINARY

private:
  mlir::OpBuilder *builder;
  mlir::Location loc;
  mlir::Value held;
};

inline Expression select(Expression condition, Expression x, Expression y) {
  return condition.emit<mlir::arith::SelectOp>(condition.value(), x.value(),
                                               y.value());
}
/// NaN wins over any number.
inline Expression max(Expression x, double y) {
  return x.emit<mlir::arith::MaximumFOp>(x.value(), x.number(y).value());
}
inline Expression min(Expression x, double y) {
  return x.emit<mlir::arith::MinimumFOp>(x.value(), x.number(y).value());
}
inline Expression isNaN(Expression x) {
  return x.emit<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::UNO, x.value(),
                                     x.value());
}

#define IMC_FUNCTION(NAME, OP)                                                 \
  inline Expression NAME(Expression x) {                                       \
    return x.emit<mlir::math::OP>(x.value());                                  \
  }
IMC_FUNCTION(abs, AbsFOp)
IMC_FUNCTION(erf, ErfOp)
IMC_FUNCTION(exp, ExpOp)
IMC_FUNCTION(expm1, ExpM1Op)
IMC_FUNCTION(log, LogOp)
IMC_FUNCTION(log1p, Log1pOp)
IMC_FUNCTION(sqrt, SqrtOp)
IMC_FUNCTION(tanh, TanhOp)
#undef IMC_FUNCTION

/// 1 / (1 + exp(−x)); 0 and 1 far out.
inline Expression sigmoid(Expression x) {
  Expression one = x.number(1.0);
  Expression denominator = exp(-x) + one;
  return one / denominator;
}
/// log(1 + exp(x)) without overflow.
inline Expression softplus(Expression x) {
  Expression positive = max(x, 0.0);
  Expression rest = log1p(exp(-abs(x)));
  return positive + rest;
}

/// Calls `formula` with FLOAT16 and BFLOAT16 elements widened to f32, and
/// narrows its result: 16 bits are a storage format here.
mlir::Value inSingle(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                     llvm::function_ref<Expression(Expression)> formula);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_EXPRESSION_H
