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
                        Value y) {
  if (op == "Add")
    return arith::AddFOp::create(b, l, x, y);
  if (op == "Sub")
    return arith::SubFOp::create(b, l, x, y);
  if (op == "Mul")
    return arith::MulFOp::create(b, l, x, y);
  return arith::DivFOp::create(b, l, x, y);
}

/// The same on the integers of shape arithmetic, wrapping like the ONNX
/// operators; nothing for a division by zero.
static std::optional<int64_t> arithmetic(StringRef op, int64_t x, int64_t y) {
  if (op == "Add")
    return int64_t(uint64_t(x) + uint64_t(y));
  if (op == "Sub")
    return int64_t(uint64_t(x) - uint64_t(y));
  if (op == "Mul")
    return int64_t(uint64_t(x) * uint64_t(y));
  if (y == 0 || (x == std::numeric_limits<int64_t>::min() && y == -1))
    return std::nullopt;
  return x / y;
}

/// Index into `shape`, to which the result index `at` broadcasts.
static int64_t broadcastIndex(int64_t at, ArrayRef<int64_t> result,
                              ArrayRef<int64_t> shape) {
  int64_t index = 0, stride = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t size = shape[shape.size() - 1 - d];
    int64_t resultSize = result[result.size() - 1 - d];
    if (size != 1)
      index += (at % resultSize) * stride;
    at /= resultSize;
    stride *= size;
  }
  return index;
}

static LogicalResult foldArithmetic(Node &node, const Constant &x,
                                    const Constant &y,
                                    ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = countElements(shape);
  if (!count || *count > (int64_t(1) << 20)) {
    node.error() << "integers of shape " << shapeText(shape)
                 << " are more than shape arithmetic needs (2^20); integer "
                    "tensors are not computed with at run time";
    return failure();
  }
  std::vector<int64_t> values;
  for (int64_t i = 0; i < *count; ++i) {
    int64_t a = x.integers()[broadcastIndex(i, shape, x.shape())];
    int64_t b = y.integers()[broadcastIndex(i, shape, y.shape())];
    std::optional<int64_t> value = arithmetic(node.op(), a, b);
    if (!value) {
      node.error() << "the shape arithmetic divides " << a << " by " << b;
      return failure();
    }
    values.push_back(*value);
  }
  return node.result(
      Constant::makeIntegers(x.name(), shape, std::move(values), x.onnxType()));
}

LogicalResult lowerArithmetic(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> a = node.shape(0), b = node.shape(1);
  std::optional<SmallVector<int64_t, 4>> shape = broadcastShapes(*a, *b);
  if (!shape) {
    node.error() << "shapes " << shapeText(*a) << " and " << shapeText(*b)
                 << " do not broadcast";
    return failure();
  }
  const Constant *x = node.constant(0), *y = node.constant(1);
  if (x && y && x->isInteger() && y->isInteger())
    return foldArithmetic(node, *x, *y, *shape);

  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(type))
    return failure();
  FailureOr<Operand> left = broadcastInput(node, 0, *shape);
  FailureOr<Operand> right = broadcastInput(node, 1, *shape);
  if (failed(left) || failed(right))
    return failure();
  return node.result(
      elementwise(node.builder, node.loc, *type, {*left, *right},
                  [&](OpBuilder &nested, Location l, ValueRange v) {
                    return arithmetic(node.op(), nested, l, v[0], v[1]);
                  }));
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

/// max(0, min(1, alpha·x + beta)).
static Value hardSigmoid(OpBuilder &b, Location l, Value x, float alpha,
                         float beta) {
  Value scaled = arith::MulFOp::create(b, l, x, scalar(b, l, alpha));
  Value shifted = arith::AddFOp::create(b, l, scaled, scalar(b, l, beta));
  Value low = arith::MaximumFOp::create(b, l, shifted, scalar(b, l, 0.0f));
  return arith::MinimumFOp::create(b, l, low, scalar(b, l, 1.0f));
}

static Value unary(StringRef op, OpBuilder &b, Location l, Value x, float alpha,
                   float beta) {
  if (op == "Relu")
    return arith::MaximumFOp::create(b, l, x, scalar(b, l, 0.0f));
  if (op == "LeakyRelu") {
    Value negative = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OLT, x,
                                           scalar(b, l, 0.0f));
    Value scaled = arith::MulFOp::create(b, l, x, scalar(b, l, alpha));
    return arith::SelectOp::create(b, l, negative, scaled, x);
  }
  if (op == "HardSigmoid")
    return hardSigmoid(b, l, x, alpha, beta);
  if (op == "HardSwish")
    return arith::MulFOp::create(b, l, x, hardSigmoid(b, l, x, alpha, beta));
  if (op == "Sigmoid") {
    Value one = scalar(b, l, 1.0f);
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
      FailureOr<float> bound = node.scalar(i, i == 1 ? "min" : "max");
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
          y = arith::MaximumFOp::create(b, l, y, scalar(b, l, low));
        if (high != infinity)
          y = arith::MinimumFOp::create(b, l, y, scalar(b, l, high));
        return y;
      }));
}

} // namespace imc::onnximport
