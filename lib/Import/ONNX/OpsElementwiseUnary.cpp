//===- OpsElementwiseUnary.cpp - Functions of one element -----------------===//
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
#include <cmath>
#include <limits>

using namespace mlir;

namespace imc::onnximport {

Value inSingle(OpBuilder &b, Location l, Value x,
               llvm::function_ref<Expression(Expression)> formula) {
  Type type = x.getType();
  if (type.getIntOrFloatBitWidth() > 16)
    return formula(Expression(b, l, x)).value();
  Value wide = arith::ExtFOp::create(b, l, b.getF32Type(), x);
  Value result = formula(Expression(b, l, wide)).value();
  if (result.getType() != wide.getType()) // a comparison
    return result;
  return arith::TruncFOp::create(b, l, type, result);
}

/// The elements of input 0 through `body`, as `onnxType` (0: that of input 0).
static LogicalResult
mapElements(Node &node, int onnxType,
            llvm::function_ref<Value(OpBuilder &, Location, Value)> body) {
  if (onnxType == 0)
    onnxType = node.elementType(0);
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  FailureOr<RankedTensorType> type = node.type(*shape, onnxType);
  FailureOr<Value> x = node.tensor(0);
  if (failed(x) || failed(type))
    return failure();
  Value result = elementwise(
      node.builder, node.loc, *type, {whole(*x)},
      [&](OpBuilder &b, Location l, ValueRange v) { return body(b, l, v[0]); });
  return node.result(result, 0, onnxType);
}

static LogicalResult
mapFloats(Node &node, llvm::function_ref<Expression(Expression)> formula,
          int onnxType = 0) {
  return mapElements(node, onnxType, [&](OpBuilder &b, Location l, Value x) {
    return inSingle(b, l, x, formula);
  });
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

namespace {

/// max(0, min(1, alpha·x + beta)).
Expression hardSigmoid(Expression x, double alpha, double beta) {
  return min(max(x * alpha + beta, 0.0), 1.0);
}

/// `positive` where x is positive, else `factor`·(exp(x / alpha) − 1).
Expression exponentialBelowZero(Expression x, Expression positive, double alpha,
                                double factor) {
  Expression isPositive = x > 0.0;
  Expression exponential = expm1(alpha == 1.0 ? x : x / alpha) * factor;
  return select(isPositive, positive, exponential);
}

Expression sign(Expression x) {
  Expression isPositive = x > 0.0, isNegative = x < 0.0;
  // Zero and NaN stay what they are.
  Expression rest = select(isNegative, x.number(-1.0), x);
  return select(isPositive, x.number(1.0), rest);
}

#define IMC_MATH(NAME, OP)                                                     \
  Expression NAME(Expression x, double, double) {                              \
    return x.emit<math::OP>(x.value());                                        \
  }
IMC_MATH(ofAbs, AbsFOp)
IMC_MATH(ofAcos, AcosOp)
IMC_MATH(ofAcosh, AcoshOp)
IMC_MATH(ofAsin, AsinOp)
IMC_MATH(ofAsinh, AsinhOp)
IMC_MATH(ofAtan, AtanOp)
IMC_MATH(ofAtanh, AtanhOp)
IMC_MATH(ofCeil, CeilOp)
IMC_MATH(ofCos, CosOp)
IMC_MATH(ofCosh, CoshOp)
IMC_MATH(ofErf, ErfOp)
IMC_MATH(ofExp, ExpOp)
IMC_MATH(ofFloor, FloorOp)
IMC_MATH(ofLog, LogOp)
IMC_MATH(ofRound, RoundEvenOp)
IMC_MATH(ofSin, SinOp)
IMC_MATH(ofSinh, SinhOp)
IMC_MATH(ofSqrt, SqrtOp)
IMC_MATH(ofTan, TanOp)
IMC_MATH(ofTanh, TanhOp)
#undef IMC_MATH

/// An op of floats with up to two FLOAT attributes, alpha and beta below.
struct Formula {
  StringRef op;
  Expression (*formula)(Expression x, double alpha, double beta);
  StringRef firstName;
  float first = 0;
  StringRef secondName = {};
  float second = 0;
};

const Formula formulas[] = {
    {"Abs", ofAbs, {}},
    {"Acos", ofAcos, {}},
    {"Acosh", ofAcosh, {}},
    {"Asin", ofAsin, {}},
    {"Asinh", ofAsinh, {}},
    {"Atan", ofAtan, {}},
    {"Atanh", ofAtanh, {}},
    {"Ceil", ofCeil, {}},
    {"Celu",
     [](Expression x, double alpha, double) {
       return exponentialBelowZero(x, x, alpha, alpha);
     },
     "alpha", 1.0f},
    {"Cos", ofCos, {}},
    {"Cosh", ofCosh, {}},
    {"Elu",
     [](Expression x, double alpha, double) {
       return exponentialBelowZero(x, x, 1.0, alpha);
     },
     "alpha", 1.0f},
    {"Erf", ofErf, {}},
    {"Exp", ofExp, {}},
    {"Floor", ofFloor, {}},
    {"HardSigmoid", hardSigmoid, "alpha", 0.2f, "beta", 0.5f},
    {"HardSwish",
     [](Expression x, double, double) {
       return x * hardSigmoid(x, 1.0 / 6.0, 0.5);
     },
     {}},
    {"LeakyRelu",
     [](Expression x, double alpha, double) {
       Expression isNegative = x < 0.0;
       return select(isNegative, x * alpha, x);
     },
     "alpha", 0.01f},
    {"Log", ofLog, {}},
    {"Mish",
     [](Expression x, double, double) { return x * tanh(softplus(x)); },
     {}},
    {"Neg", [](Expression x, double, double) { return -x; }, {}},
    {"Reciprocal",
     [](Expression x, double, double) { return x.number(1.0) / x; },
     {}},
    {"Relu", [](Expression x, double, double) { return max(x, 0.0); }, {}},
    {"Round", ofRound, {}},
    {"Selu",
     [](Expression x, double alpha, double gamma) {
       Expression positive = x * gamma;
       return exponentialBelowZero(x, positive, 1.0, alpha * gamma);
     },
     "alpha", 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f},
    {"Shrink",
     [](Expression x, double lambda, double bias) {
       Expression isLow = x<-lambda, isHigh = x> lambda;
       Expression low = x + bias, high = x - bias;
       Expression rest = select(isHigh, high, x.number(0.0));
       return select(isLow, low, rest);
     },
     "lambd", 0.5f, "bias", 0.0f},
    {"Sigmoid", [](Expression x, double, double) { return sigmoid(x); }, {}},
    {"Sign", [](Expression x, double, double) { return sign(x); }, {}},
    {"Sin", ofSin, {}},
    {"Sinh", ofSinh, {}},
    {"Softplus", [](Expression x, double, double) { return softplus(x); }, {}},
    {"Softsign",
     [](Expression x, double, double) { return x / (abs(x) + 1.0); },
     {}},
    {"Sqrt", ofSqrt, {}},
    {"Swish",
     [](Expression x, double alpha, double) {
       return x * sigmoid(alpha == 1.0 ? x : x * alpha);
     },
     "alpha", 1.0f},
    {"Tan", ofTan, {}},
    {"Tanh", ofTanh, {}},
    {"ThresholdedRelu",
     [](Expression x, double alpha, double) {
       Expression isAbove = x > alpha;
       return select(isAbove, x, x.number(0.0));
     },
     "alpha", 1.0f},
};

} // namespace

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

static Value ofInteger(StringRef op, OpBuilder &b, Location l, Value x,
                       bool isUnsigned) {
  Type type = x.getType();
  Value zero = integerScalar(b, l, type, 0);
  auto negative = [&] { return subtract(b, l, zero, x); };
  if (op == "Neg")
    return negative();
  if (op == "Relu")
    return maximum(b, l, x, zero, isUnsigned);
  if (op == "BitwiseNot")
    return arith::XOrIOp::create(b, l, x, integerScalar(b, l, type, -1));
  if (op == "Not")
    return arith::XOrIOp::create(b, l, x, integerScalar(b, l, type, 1));
  Value isNegative = compare(b, l, Comparison::Less, x, zero, isUnsigned);
  if (op == "Abs")
    return arith::SelectOp::create(b, l, isNegative, negative(), x);
  assert(op == "Sign" && "the table sends no other op of integers here");
  Value isZero = compare(b, l, Comparison::Equal, x, zero, isUnsigned);
  Value ofNegative = integerScalar(b, l, type, -1);
  Value rest = arith::SelectOp::create(b, l, isNegative, ofNegative,
                                       integerScalar(b, l, type, 1));
  return arith::SelectOp::create(b, l, isZero, zero, rest);
}

LogicalResult lowerUnary(Node &node) {
  bool isFormula = node.op() == "Shrink" || node.op() == "Erf";
  if (!isFloatType(node.elementType(0)) && !isFormula) {
    bool isUnsigned = node.isUnsigned(0);
    if (isUnsigned && (node.op() == "Abs" || node.op() == "Relu"))
      return lowerIdentity(node);
    return mapElements(node, 0, [&](OpBuilder &b, Location l, Value x) {
      return ofInteger(node.op(), b, l, x, isUnsigned);
    });
  }
  const Formula *formula = llvm::find_if(
      formulas, [&](const Formula &f) { return f.op == node.op(); });
  assert(formula != std::end(formulas) && "the table sends no other op here");
  float first = formula->first, second = formula->second;
  if (!formula->firstName.empty() &&
      failed(node.attribute(formula->firstName, first)))
    return failure();
  if (!formula->secondName.empty() &&
      failed(node.attribute(formula->secondName, second)))
    return failure();
  int type = node.elementType(0);
  if (!isFloatType(type)) // the formula on integers, cut toward zero
    return mapElements(node, 0, [&](OpBuilder &b, Location l, Value x) {
      Value wide = convert(b, l, x, type, onnxtype::Double);
      Expression result =
          formula->formula(Expression(b, l, wide), first, second);
      return convert(b, l, result.value(), onnxtype::Double, type);
    });
  return mapFloats(
      node, [&](Expression x) { return formula->formula(x, first, second); });
}

LogicalResult lowerGelu(Node &node) {
  std::string approximate = "none";
  if (failed(node.attribute("approximate", approximate)))
    return failure();
  if (approximate != "none" && approximate != "tanh") {
    node.error() << "approximate is '" << approximate
                 << "'; 'none' and 'tanh' are supported";
    return failure();
  }
  return mapFloats(node, [&](Expression x) {
    Expression half = x * 0.5;
    if (approximate == "none")
      return half * (erf(x * std::sqrt(0.5)) + 1.0);
    Expression cubic = x * x * x * 0.044715;
    Expression inner = (x + cubic) * std::sqrt(2.0 / M_PI);
    return half * (tanh(inner) + 1.0);
  });
}

LogicalResult lowerIsInf(Node &node) {
  int64_t negative = 1, positive = 1;
  if (failed(node.attribute("detect_negative", negative)) ||
      failed(node.attribute("detect_positive", positive)))
    return failure();
  return mapFloats(
      node,
      [&](Expression x) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        if (negative != 0 && positive != 0)
          return abs(x) == infinity;
        if (negative != 0)
          return x == -infinity;
        if (positive != 0)
          return x == infinity;
        return x < -infinity; // neither: nothing is below
      },
      onnxtype::Bool);
}

LogicalResult lowerIsNaN(Node &node) {
  return mapFloats(node, isNaN, onnxtype::Bool);
}

/// max(low, min(x, high)) with `high` applied last, so that it wins when the
/// bounds cross. A bound that is left out leaves its side open.
LogicalResult lowerClip(Node &node) {
  int type = node.elementType(0);
  bool isUnsigned = node.isUnsigned(0);
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  FailureOr<RankedTensorType> resultType = node.type(*shape);
  FailureOr<Value> x = node.tensor(0);
  if (failed(x) || failed(resultType))
    return failure();

  // A bound is a number, or an operand of the body when it is computed.
  TypedAttr numbers[2];
  Type element = resultType->getElementType();
  int operandOf[2] = {-1, -1};
  SmallVector<Operand, 3> operands{whole(*x)};
  if (node.version() < 11) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    float low = -infinity, high = infinity;
    if (failed(node.attribute("min", low)) ||
        failed(node.attribute("max", high)))
      return failure();
    if (low != -infinity)
      numbers[0] = FloatAttr::get(element, low);
    if (high != infinity)
      numbers[1] = FloatAttr::get(element, high);
  } else {
    for (int i : {0, 1}) {
      if (!node.hasInput(i + 1))
        continue;
      FailureOr<SmallVector<int64_t, 4>> size = node.shape(i + 1);
      if (countElements(*size) != 1) {
        node.error() << (i == 0 ? "min" : "max") << " has shape "
                     << shapeText(*size) << "; it must be one number";
        return failure();
      }
      const Constant *known = node.constant(i + 1);
      if (known && known->isInteger()) {
        numbers[i] = IntegerAttr::get(
            element, llvm::APInt(element.getIntOrFloatBitWidth(),
                                 uint64_t(known->integer(0)),
                                 /*isSigned=*/true, /*implicitTrunc=*/true));
        continue;
      }
      if (known && known->hasData()) {
        double bound = known->real(0);
        if (bound != (i == 0 ? -HUGE_VAL : HUGE_VAL))
          numbers[i] = FloatAttr::get(element, bound);
        continue;
      }
      FailureOr<Value> bound = node.tensor(i + 1, {});
      if (failed(bound))
        return failure();
      operandOf[i] = operands.size();
      operands.push_back({*bound, {}});
    }
  }
  if (!numbers[0] && !numbers[1] && operands.size() == 1)
    return lowerIdentity(node);
  return node.result(
      elementwise(node.builder, node.loc, *resultType, operands,
                  [&](OpBuilder &b, Location l, ValueRange v) {
                    Value y = v[0];
                    for (int i : {0, 1}) {
                      Value bound;
                      if (numbers[i])
                        bound = arith::ConstantOp::create(b, l, numbers[i]);
                      else if (operandOf[i] >= 0)
                        bound = v[operandOf[i]];
                      else
                        continue;
                      y = i == 0 ? maximum(b, l, y, bound, isUnsigned)
                                 : minimum(b, l, y, bound, isUnsigned);
                    }
                    return y;
                  }),
      0, type);
}

} // namespace imc::onnximport
