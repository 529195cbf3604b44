//===- OpsElementwise.cpp - Elementwise ops of several operands -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Expression.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

//===----------------------------------------------------------------------===//
// Broadcasting
//===----------------------------------------------------------------------===//

/// The shape of input 1 as it stands beside input 0. Up to opset 6 a smaller
/// one had to be announced, and could start at any dimension of input 0.
static FailureOr<Shape> secondShape(Node &node) {
  FailureOr<Shape> a = node.shape(0), b = node.shape(1);
  if (node.version() >= 7)
    return b;
  int64_t broadcast = 0;
  int64_t rank = a->size(), size = b->size();
  int64_t first = rank - size;
  if (failed(node.attribute("broadcast", broadcast)) ||
      failed(node.attribute("axis", first)))
    return failure();
  if (!broadcast || countElements(*b) == 1)
    return b;
  if (first < 0)
    first += rank;
  if (first < 0 || first > rank - size) {
    node.error() << "axis " << first << " does not put an operand of shape "
                 << shapeText(*b) << " into one of " << shapeText(*a);
    return failure();
  }
  b->resize(rank - first, 1);
  return b;
}

/// The operands of `node`, all of whose inputs broadcast to one shape, and the
/// result's type.
static FailureOr<std::pair<RankedTensorType, SmallVector<Operand, 3>>>
broadcastInputs(Node &node, int onnxType) {
  Shape result;
  SmallVector<Shape, 3> shapes;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    FailureOr<Shape> shape = i == 1 ? secondShape(node) : node.shape(i);
    if (failed(shape))
      return failure();
    std::optional<Shape> together = broadcastShapes(result, *shape);
    if (!together) {
      node.error() << "shapes " << shapeText(result) << " and "
                   << shapeText(*shape) << " do not broadcast";
      return failure();
    }
    result = *together;
    shapes.push_back(*shape);
  }
  FailureOr<RankedTensorType> type = node.type(result, onnxType);
  if (failed(type))
    return failure();
  SmallVector<Operand, 3> operands;
  for (auto [i, shape] : llvm::enumerate(shapes)) {
    FailureOr<Operand> operand = broadcastInput(node, i, shape, result);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  return std::make_pair(*type, operands);
}

/// One body over all inputs; the result is of `onnxType`.
static LogicalResult combineInputs(
    Node &node, int onnxType,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  auto found = broadcastInputs(node, onnxType);
  if (failed(found))
    return failure();
  return node.result(
      elementwise(node.builder, node.loc, found->first, found->second, body), 0,
      onnxType);
}

//===----------------------------------------------------------------------===//
// Arithmetic, logic and comparison
//===----------------------------------------------------------------------===//

LogicalResult lowerArithmetic(Node &node) {
  // At run time such a division gives 0; where it can be seen it is an error.
  const Constant *divisor = node.op() == "Div" ? node.constant(1) : nullptr;
  if (divisor && divisor->isInteger() &&
      llvm::is_contained(divisor->integers(), 0)) {
    node.error() << "divides integers by 0; the divisor '" << divisor->name()
                 << "' is known and holds a 0";
    return failure();
  }
  bool isUnsigned = node.isUnsigned(0);
  return combineInputs(node, node.elementType(0),
                       [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                         if (node.op() == "Add")
                           return add(b, l, v[0], v[1]);
                         if (node.op() == "Sub")
                           return subtract(b, l, v[0], v[1]);
                         if (node.op() == "Mul")
                           return multiply(b, l, v[0], v[1]);
                         return divide(b, l, v[0], v[1], isUnsigned);
                       });
}

LogicalResult lowerLogic(Node &node) {
  StringRef op = node.op();
  op.consume_front("Bitwise");
  return combineInputs(node, node.elementType(0),
                       [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                         if (op == "And")
                           return arith::AndIOp::create(b, l, v[0], v[1]);
                         if (op == "Or")
                           return arith::OrIOp::create(b, l, v[0], v[1]);
                         return arith::XOrIOp::create(b, l, v[0], v[1]);
                       });
}

LogicalResult lowerComparison(Node &node) {
  Comparison how = node.op() == "Equal"         ? Comparison::Equal
                   : node.op() == "Less"        ? Comparison::Less
                   : node.op() == "Greater"     ? Comparison::Greater
                   : node.op() == "LessOrEqual" ? Comparison::LessEqual
                                                : Comparison::GreaterEqual;
  bool isUnsigned = node.isUnsigned(0);
  return combineInputs(node, onnxtype::Bool,
                       [&](OpBuilder &b, Location l, ValueRange v) {
                         return compare(b, l, how, v[0], v[1], isUnsigned);
                       });
}

/// Amounts outside of [0, bits) leave what extending the sign leaves.
LogicalResult lowerBitShift(Node &node) {
  std::string direction;
  if (failed(node.attribute("direction", direction)))
    return failure();
  if (direction != "LEFT" && direction != "RIGHT") {
    node.error() << "direction is '" << direction
                 << "'; it must be 'LEFT' or 'RIGHT'";
    return failure();
  }
  bool isUnsigned = node.isUnsigned(0);
  return combineInputs(
      node, node.elementType(0),
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Type type = v[0].getType();
        unsigned width = type.getIntOrFloatBitWidth();
        Value zero = integerScalar(b, l, type, 0);
        Value last = integerScalar(b, l, type, width - 1);
        // Read as unsigned, a negative amount is a large one.
        Value inside =
            arith::CmpIOp::create(b, l, arith::CmpIPredicate::ule, v[1], last);
        if (direction == "RIGHT" && !isUnsigned) {
          Value amount = arith::SelectOp::create(b, l, inside, v[1], last);
          return arith::ShRSIOp::create(b, l, v[0], amount);
        }
        Value amount = arith::SelectOp::create(b, l, inside, v[1], zero);
        Value shifted = direction == "LEFT"
                            ? Value(arith::ShLIOp::create(b, l, v[0], amount))
                            : Value(arith::ShRUIOp::create(b, l, v[0], amount));
        return arith::SelectOp::create(b, l, inside, shifted, zero);
      });
}

//===----------------------------------------------------------------------===//
// Mod and Pow
//===----------------------------------------------------------------------===//

/// The remainder with the sign of x (`truncates`) or of y. Zero for y = 0.
static Value integerRemainder(OpBuilder &b, Location l, Value x, Value y,
                              bool isUnsigned, bool truncates) {
  Type type = x.getType();
  Value zero = integerScalar(b, l, type, 0), one = integerScalar(b, l, type, 1);
  Value byZero = compare(b, l, Comparison::Equal, y, zero, isUnsigned);
  if (isUnsigned) {
    Value divisor = arith::SelectOp::create(b, l, byZero, one, y);
    Value rest = arith::RemUIOp::create(b, l, x, divisor);
    return arith::SelectOp::create(b, l, byZero, zero, rest);
  }
  // By 1 and by -1 the rest is 0; the latter could trap.
  Value byMinusOne = compare(b, l, Comparison::Equal, y,
                             integerScalar(b, l, type, -1), isUnsigned);
  Value special = arith::OrIOp::create(b, l, byZero, byMinusOne);
  Value divisor = arith::SelectOp::create(b, l, special, one, y);
  Value rest = arith::RemSIOp::create(b, l, x, divisor);
  if (truncates)
    return rest;
  Value isWhole = compare(b, l, Comparison::Equal, rest, zero, isUnsigned);
  Value signs = arith::XOrIOp::create(b, l, rest, divisor);
  Value differ = compare(b, l, Comparison::Less, signs, zero, isUnsigned);
  Value moved = arith::AddIOp::create(b, l, rest, divisor);
  Value floored = arith::SelectOp::create(b, l, differ, moved, rest);
  return arith::SelectOp::create(b, l, isWhole, rest, floored);
}

static Expression floatRemainder(Expression x, Expression y, bool truncates) {
  Expression rest = x.emit<arith::RemFOp>(x.value(), y.value());
  if (truncates)
    return rest;
  // Zero gets the sign of y; a rest of the other sign moves by y.
  Expression zero = x.emit<math::CopySignOp>(x.number(0.0).value(), y.value());
  Expression isZero = rest == 0.0;
  Expression restNegative = rest < 0.0, divisorNegative = y < 0.0;
  Expression differ =
      x.emit<arith::XOrIOp>(restNegative.value(), divisorNegative.value());
  Expression floored = select(differ, rest + y, rest);
  // A NaN compares like a positive rest, and stays NaN when moved.
  return select(isZero, zero, floored);
}

LogicalResult lowerMod(Node &node) {
  int64_t fmod = 0;
  if (failed(node.attribute("fmod", fmod)))
    return failure();
  int type = node.elementType(0);
  bool isUnsigned = node.isUnsigned(0);
  if (isFloatType(type) && fmod == 0 && node.version() < 28) {
    node.error() << "fmod is 0; before opset 28 floats need fmod=1";
    return failure();
  }
  return combineInputs(node, type, [&](OpBuilder &b, Location l, ValueRange v) {
    if (!isFloatType(type))
      return integerRemainder(b, l, v[0], v[1], isUnsigned, fmod != 0);
    Value y = v[1];
    if (y.getType().getIntOrFloatBitWidth() == 16)
      y = arith::ExtFOp::create(b, l, b.getF32Type(), y);
    return inSingle(b, l, v[0], [&](Expression x) {
      return floatRemainder(x, x.with(y), fmod != 0);
    });
  });
}

/// x^y for integers by repeated squaring; what does not fit wraps. A negative
/// exponent leaves 1/x^|y| rounded toward zero.
static Value integerPower(OpBuilder &b, Location l, Value x, Value y,
                          bool isUnsigned) {
  Type type = x.getType(), wide = b.getI64Type();
  // Beyond 63, powers of other numbers than -1, 0 and 1 do not fit, and those
  // three only ask whether the exponent is odd.
  Value one = integerScalar(b, l, wide, 1);
  Value odd = arith::AndIOp::create(b, l, y, one);
  Value large = arith::OrIOp::create(b, l, integerScalar(b, l, wide, 62), odd);
  Value isLarge = compare(b, l, Comparison::Greater, y,
                          integerScalar(b, l, wide, 63), isUnsigned);
  Value exponent = arith::SelectOp::create(b, l, isLarge, large, y);
  Value result = integerScalar(b, l, type, 1), square = x;
  for (int bit = 0; bit < 6; ++bit) {
    Value mask = integerScalar(b, l, wide, int64_t(1) << bit);
    Value isSet = compare(b, l, Comparison::NotEqual,
                          arith::AndIOp::create(b, l, exponent, mask),
                          integerScalar(b, l, wide, 0), false);
    Value product = multiply(b, l, result, square);
    result = arith::SelectOp::create(b, l, isSet, product, result);
    if (bit < 5)
      square = multiply(b, l, square, square);
  }
  if (isUnsigned)
    return result;
  Value zero = integerScalar(b, l, type, 0);
  Value unit = integerScalar(b, l, type, 1),
        minusUnit = integerScalar(b, l, type, -1);
  Value isOne = compare(b, l, Comparison::Equal, x, unit, false);
  Value isMinusOne = compare(b, l, Comparison::Equal, x, minusUnit, false);
  Value isOdd = compare(b, l, Comparison::NotEqual, odd,
                        integerScalar(b, l, wide, 0), false);
  Value ofMinusOne = arith::SelectOp::create(b, l, isOdd, minusUnit, unit);
  Value inverse = arith::SelectOp::create(b, l, isMinusOne, ofMinusOne, zero);
  inverse = arith::SelectOp::create(b, l, isOne, unit, inverse);
  Value isNegative =
      compare(b, l, Comparison::Less, y, integerScalar(b, l, wide, 0), false);
  return arith::SelectOp::create(b, l, isNegative, inverse, result);
}

/// The result has the type of the base. Floats are computed in FLOAT, or in
/// DOUBLE when base or exponent need it.
LogicalResult lowerPow(Node &node) {
  int base = node.elementType(0), exponent = node.elementType(1);
  for (int type : {base, exponent})
    if (!(typeSetOf(type) & Numbers)) {
      node.error() << "is not defined for " << onnxTypeName(type);
      return failure();
    }
  bool integers = !isFloatType(base) && !isFloatType(exponent);
  auto isWide = [](int type) {
    return type == onnxtype::Double ||
           (isIntegerType(type) && bytesPerElement(type) >= 4);
  };
  int through = isWide(base) || isWide(exponent) ? int(onnxtype::Double)
                                                 : int(onnxtype::Float);
  // Exact and much cheaper; variances of decomposed normalizations need it.
  const Constant *known = node.constant(1);
  bool squares = known && known->hasData() && known->numElements() == 1 &&
                 known->shape().size() <= node.shape(0)->size() &&
                 (isFloatType(exponent) ? known->real(0)
                                        : double(known->integer(0))) == 2.0;
  return combineInputs(
      node, base, [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        if (squares)
          return multiply(b, l, v[0], v[0]);
        if (integers)
          return integerPower(b, l, v[0],
                              convert(b, l, v[1], exponent, onnxtype::Int64),
                              isUnsignedType(exponent));
        Value x = convert(b, l, v[0], base, through);
        Value y = convert(b, l, v[1], exponent, through);
        return convert(b, l, math::PowFOp::create(b, l, x, y), through, base);
      });
}

//===----------------------------------------------------------------------===//
// Many operands
//===----------------------------------------------------------------------===//

LogicalResult lowerVariadic(Node &node) {
  int type = node.elementType(0);
  bool isUnsigned = node.isUnsigned(0);
  if (node.numInputs() == 1)
    return lowerIdentity(node);
  return combineInputs(
      node, type, [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        auto combine = [&](Value x, Value y) {
          if (node.op() == "Max")
            return maximum(b, l, x, y, isUnsigned);
          if (node.op() == "Min")
            return minimum(b, l, x, y, isUnsigned);
          return add(b, l, x, y); // Sum, Mean
        };
        Value result = v[0];
        for (Value next : v.drop_front())
          result = combine(result, next);
        if (node.op() != "Mean")
          return result;
        Value count = scalar(b, l, result.getType(), double(v.size()));
        return divide(b, l, result, count, isUnsigned);
      });
}

LogicalResult lowerWhere(Node &node) {
  if (node.elementType(1) != node.elementType(2)) {
    node.error() << "chooses between " << onnxTypeName(node.elementType(1))
                 << " and " << onnxTypeName(node.elementType(2))
                 << "; the op takes one type for both, the file is damaged";
    return failure();
  }
  return combineInputs(node, node.elementType(1),
                       [](OpBuilder &b, Location l, ValueRange v) -> Value {
                         return arith::SelectOp::create(b, l, v[0], v[1], v[2]);
                       });
}

/// x where it is not negative, else x·slope. The slope broadcasts to x; up to
/// opset 6 it holds one number per channel.
LogicalResult lowerPRelu(Node &node) {
  FailureOr<Shape> shape = node.shape(0), slope = node.shape(1);
  Shape from = *slope;
  if (node.version() < 7 && countElements(*slope) != 1 && shape->size() > 2)
    from.append(shape->size() - 2, 1);
  std::optional<Shape> together = broadcastShapes(*shape, from);
  if (!together || *together != *shape) {
    node.error() << "a slope of shape " << shapeText(*slope)
                 << " does not broadcast to the input " << shapeText(*shape);
    return failure();
  }
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(type))
    return failure();
  FailureOr<Value> x = node.tensor(0);
  FailureOr<Operand> factor = broadcastInput(node, 1, from, *shape);
  if (failed(x) || failed(factor))
    return failure();
  bool isUnsigned = node.isUnsigned(0);
  return node.result(elementwise(
      node.builder, node.loc, *type, {whole(*x), *factor},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value zero = scalar(b, l, v[0].getType(), 0.0);
        Value isNegative =
            compare(b, l, Comparison::Less, v[0], zero, isUnsigned);
        Value scaled = multiply(b, l, v[0], v[1]);
        return arith::SelectOp::create(b, l, isNegative, scaled, v[0]);
      }));
}

} // namespace imc::onnximport
