//===- OpsElementwise.cpp - Elementwise ops -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace mlir;

namespace imc::onnximport {

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

static Value arithmetic(StringRef op, OpBuilder &b, Location l, Value x,
                        Value y, bool isUnsigned) {
  if (op == "Add")
    return add(b, l, x, y);
  if (op == "Sub")
    return subtract(b, l, x, y);
  if (op == "Mul")
    return multiply(b, l, x, y);
  return divide(b, l, x, y, isUnsigned);
}

LogicalResult lowerArithmetic(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> a = node.shape(0), b = node.shape(1);
  std::optional<SmallVector<int64_t, 4>> shape = broadcastShapes(*a, *b);
  if (!shape) {
    node.error() << "shapes " << shapeText(*a) << " and " << shapeText(*b)
                 << " do not broadcast";
    return failure();
  }
  // At run time such a division gives 0; where it can be seen it is an error.
  const Constant *divisor = node.op() == "Div" ? node.constant(1) : nullptr;
  if (divisor && divisor->isInteger() &&
      llvm::is_contained(divisor->integers(), 0)) {
    node.error() << "divides integers by 0; the divisor '" << divisor->name()
                 << "' is known and holds a 0";
    return failure();
  }

  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(type))
    return failure();
  FailureOr<Operand> left = broadcastInput(node, 0, *shape);
  FailureOr<Operand> right = broadcastInput(node, 1, *shape);
  if (failed(left) || failed(right))
    return failure();
  return node.result(elementwise(
      node.builder, node.loc, *type, {*left, *right},
      [&](OpBuilder &nested, Location l, ValueRange v) {
        return arithmetic(node.op(), nested, l, v[0], v[1], node.isUnsigned(0));
      }));
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

/// max(0, min(1, alpha·x + beta)).
static Value hardSigmoid(OpBuilder &b, Location l, Value x, float alpha,
                         float beta) {
  Value scaled =
      arith::MulFOp::create(b, l, x, scalar(b, l, x.getType(), alpha));
  Value shifted =
      arith::AddFOp::create(b, l, scaled, scalar(b, l, x.getType(), beta));
  Value low =
      arith::MaximumFOp::create(b, l, shifted, scalar(b, l, x.getType(), 0.0f));
  return arith::MinimumFOp::create(b, l, low, scalar(b, l, x.getType(), 1.0f));
}

static Value unary(StringRef op, OpBuilder &b, Location l, Value x, float alpha,
                   float beta) {
  if (op == "Relu")
    return arith::MaximumFOp::create(b, l, x, scalar(b, l, x.getType(), 0.0f));
  if (op == "LeakyRelu") {
    Value negative = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OLT, x,
                                           scalar(b, l, x.getType(), 0.0f));
    Value scaled =
        arith::MulFOp::create(b, l, x, scalar(b, l, x.getType(), alpha));
    return arith::SelectOp::create(b, l, negative, scaled, x);
  }
  if (op == "HardSigmoid")
    return hardSigmoid(b, l, x, alpha, beta);
  if (op == "HardSwish")
    return arith::MulFOp::create(b, l, x, hardSigmoid(b, l, x, alpha, beta));
  if (op == "Sigmoid") {
    Value one = scalar(b, l, x.getType(), 1.0f);
    Value exponential =
        math::ExpOp::create(b, l, arith::NegFOp::create(b, l, x));
    Value sum = arith::AddFOp::create(b, l, exponential, one);
    return arith::DivFOp::create(b, l, one, sum);
  }
  if (op == "Tanh")
    return math::TanhOp::create(b, l, x);
  if (op == "Exp")
    return math::ExpOp::create(b, l, x);
  if (op == "Sqrt")
    return math::SqrtOp::create(b, l, x);
  if (op == "Neg")
    return arith::NegFOp::create(b, l, x);
  assert(op == "Abs" && "the table sends no other op here");
  return math::AbsFOp::create(b, l, x);
}

LogicalResult lowerCast(Node &node) {
  int64_t to = 0;
  node.ignoreAttribute("saturate");   // of 8-bit floats, which are refused
  node.ignoreAttribute("round_mode"); // of 8-bit floats, which are refused
  if (failed(node.attribute("to", to)))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  int from = node.elementType(0);
  if (from == int(to))
    return lowerIdentity(node);
  FailureOr<RankedTensorType> type = node.type(*shape, int(to));
  if (failed(type))
    return failure();
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  return node.result(elementwise(node.builder, node.loc, *type, {whole(*x)},
                                 [&](OpBuilder &b, Location l, ValueRange v) {
                                   return convert(b, l, v[0], from, int(to));
                                 }),
                     0, int(to));
}

LogicalResult lowerUnary(Node &node) {
  // The defaults of ONNX; HardSwish has no attributes but these constants.
  float alpha = llvm::StringSwitch<float>(node.op())
                    .Case("LeakyRelu", 0.01f)
                    .Case("HardSigmoid", 0.2f)
                    .Case("HardSwish", 1.0f / 6.0f)
                    .Default(0.0f);
  float beta = 0.5f;
  bool hasAlpha = node.op() == "LeakyRelu" || node.op() == "HardSigmoid";
  if (hasAlpha && failed(node.attribute("alpha", alpha)))
    return failure();
  if (node.op() == "HardSigmoid" && failed(node.attribute("beta", beta)))
    return failure();
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  return node.result(elementwise(
      node.builder, node.loc, cast<RankedTensorType>((*x).getType()),
      {whole(*x)}, [&](OpBuilder &b, Location l, ValueRange v) {
        return unary(node.op(), b, l, v[0], alpha, beta);
      }));
}

LogicalResult lowerClip(Node &node) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  float low = -infinity, high = infinity;
  if (node.version() < 11) {
    if (failed(node.attribute("min", low)) ||
        failed(node.attribute("max", high)))
      return failure();
  } else {
    for (int i : {1, 2}) {
      if (!node.hasInput(i))
        continue;
      FailureOr<double> bound = node.scalar(i, i == 1 ? "min" : "max");
      if (failed(bound))
        return failure();
      (i == 1 ? low : high) = *bound;
    }
  }
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  if (low == -infinity && high == infinity)
    return node.result(*x);
  return node.result(elementwise(
      node.builder, node.loc, cast<RankedTensorType>((*x).getType()),
      {whole(*x)}, [&](OpBuilder &b, Location l, ValueRange v) {
        Value y = v[0];
        if (low != -infinity)
          y = arith::MaximumFOp::create(b, l, y,
                                        scalar(b, l, y.getType(), low));
        if (high != infinity)
          y = arith::MinimumFOp::create(b, l, y,
                                        scalar(b, l, y.getType(), high));
        return y;
      }));
}

} // namespace imc::onnximport
