//===- OpsQuantize.cpp - QuantizeLinear and its inverse -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear by their
// definitions. With constant parameters a dequantization is only noted down
// (Deferred.h), since a product that follows works on the codes themselves.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Deferred.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

namespace {
/// How scale and zero point run along the tensor.
struct Granularity {
  /// Rank-0 or one-element parameters.
  bool perTensor = true;
  int64_t axis = 0;
  /// Elements of the axis that share a parameter.
  int64_t block = 1;
};
} // namespace

/// Reads `axis` and `block_size` and checks the shape of the parameters (inputs
/// 1 and 2) against them.
static FailureOr<Granularity> readGranularity(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> x = node.shape(0), scale = node.shape(1);
  int64_t axis = 1, block = 0;
  if (node.version() >= 13 && failed(node.attribute("axis", axis)))
    return failure();
  if (node.version() >= 21 && failed(node.attribute("block_size", block)))
    return failure();
  Granularity result;
  if (node.hasInput(2)) {
    FailureOr<SmallVector<int64_t, 4>> zero = node.shape(2);
    bool single = countElements(*zero) == 1 && countElements(*scale) == 1;
    if (*zero != *scale && !single) {
      node.error() << "the zero point has shape " << shapeText(*zero)
                   << ", the scale " << shapeText(*scale)
                   << "; they must have the same";
      return failure();
    }
  }
  if (block < 0) {
    node.error() << "block_size is " << block << ", which must not be negative";
    return failure();
  }
  if (countElements(*scale) == 1 && scale->size() <= 1)
    return result;
  FailureOr<int64_t> at = node.axis(axis, x->size());
  if (failed(at))
    return failure();
  result.perTensor = false;
  result.axis = *at;
  SmallVector<int64_t, 4> expected;
  if (block == 0) {
    expected = {(*x)[*at]};
  } else {
    result.block = block;
    expected = *x;
    expected[*at] = ((*x)[*at] + block - 1) / block;
  }
  if (*scale != expected) {
    node.error() << "the scale has shape " << shapeText(*scale)
                 << ", expected a scalar or " << shapeText(expected)
                 << " for axis " << *at << " of the input " << shapeText(*x)
                 << (block ? " with block_size " + std::to_string(block)
                           : std::string());
    return failure();
  }
  return result;
}

/// `linalg.generic` over the elements of `x` and the parameters that belong to
/// each.
static Value
alongParameters(Node &node, Value x, ArrayRef<Value> parameters,
                const Granularity &grain, Type element,
                function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  OpBuilder &builder = node.builder;
  auto type = cast<RankedTensorType>(x.getType()).clone(element);
  int64_t rank = type.getRank();
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(rank)};
  SmallVector<Value> inputs = {x};
  for (Value parameter : parameters) {
    SmallVector<AffineExpr> results;
    if (grain.perTensor) {
      parameter = reshape(builder, node.loc, parameter, {});
    } else {
      for (int64_t d = 0; d < rank; ++d) {
        AffineExpr dim = builder.getAffineDimExpr(d);
        if (d == grain.axis)
          results.push_back(grain.block == 1 ? dim : dim.floorDiv(grain.block));
        else if (shapeOf(parameter).size() > 1)
          results.push_back(dim);
      }
    }
    inputs.push_back(parameter);
    maps.push_back(AffineMap::get(rank, 0, results, builder.getContext()));
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, node.loc, TypeRange(type), inputs,
             ValueRange(empty(builder, node.loc, type)), maps, iterators,
             [&](OpBuilder &b, Location l, ValueRange arguments) {
               linalg::YieldOp::create(b, l, body(b, l, arguments.drop_back()));
             })
      .getResult(0);
}

/// clamp(x + zero, range) as a code; `x` is a whole number, NaN becomes the
/// lowest code (R10). The sum is exact in f64 below 2^52, and beyond the codes
/// above.
static Value toCode(OpBuilder &b, Location l, Value x, Value zero,
                    std::pair<int64_t, int64_t> range, Type code) {
  Type f64 = b.getF64Type();
  if (x.getType() != f64)
    x = arith::ExtFOp::create(b, l, f64, x);
  if (zero)
    x = add(b, l, x, zero);
  x = arith::MaxNumFOp::create(b, l, x, scalar(b, l, f64, range.first));
  x = arith::MinNumFOp::create(b, l, x, scalar(b, l, f64, range.second));
  Value whole = arith::FPToSIOp::create(b, l, b.getI32Type(), x);
  return arith::TruncIOp::create(b, l, code, whole);
}

static bool isSmallFloat(int onnxType) {
  return onnxType >= 17 && onnxType <= 20; // FLOAT8E4M3FN to FLOAT8E5M2FNUZ
}

/// The type of the codes that a QuantizeLinear makes.
static FailureOr<int> codeType(Node &node) {
  int64_t asked = 0;
  if (node.version() >= 21 && failed(node.attribute("output_dtype", asked)))
    return failure();
  int type = node.hasInput(2) ? node.elementType(2)
             : asked          ? int(asked)
                              : int(onnxtype::UInt8);
  if (asked && asked != type) {
    node.error() << "output_dtype is " << onnxTypeName(int(asked))
                 << ", the zero point " << onnxTypeName(type);
    return failure();
  }
  if (!codeRange(type)) {
    node.error() << "quantizes to " << onnxTypeName(type)
                 << (isSmallFloat(type) ? ", an 8-bit float" : "")
                 << "; codes of INT4, UINT4, INT8, UINT8, INT16 and UINT16 are "
                    "supported";
    return failure();
  }
  return type;
}

/// The type that QuantizeLinear divides in. ONNX's reference has NumPy divide,
/// which takes INT32 by FLOAT in double.
static FailureOr<int> divisionType(Node &node) {
  int64_t asked = 0;
  if (node.version() >= 23 && failed(node.attribute("precision", asked)))
    return failure();
  if (asked) {
    if (!isFloatType(int(asked))) {
      node.error() << "precision is " << onnxTypeName(int(asked))
                   << ", which is no type to divide in; use FLOAT";
      return failure();
    }
    return int(asked);
  }
  int x = node.elementType(0), scale = node.elementType(1);
  if (!isFloatType(x) || !isFloatType(scale))
    return int(onnxtype::Double);
  return x == scale ? x : int(onnxtype::Float);
}

/// The value of input `i` when it is one number known at import.
static std::optional<double> single(Node &node, unsigned i) {
  const Constant *known = node.constant(i);
  if (!known || !known->hasData() || known->numElements() != 1)
    return std::nullopt;
  return known->isInteger() ? double(known->integer(0)) : known->real(0);
}

LogicalResult lowerQuantizeLinear(Node &node) {
  FailureOr<Granularity> grain = readGranularity(node);
  FailureOr<int> code = codeType(node), division = divisionType(node);
  if (failed(grain) || failed(code) || failed(division))
    return failure();
  if (node.version() >= 19)
    node.ignoreAttribute("saturate"); // of 8-bit floats only

  std::optional<double> scale = single(node, 1), zeroPoint = 0.0;
  if (node.hasInput(2))
    zeroPoint = single(node, 2);
  if (Deferred *later = node.uncomputed(0).deferred();
      later && grain->perTensor && scale && zeroPoint &&
      *division == onnxtype::Float) {
    FailureOr<Binding> codes =
        quantizeDeferred(node, *later, *scale, int64_t(*zeroPoint), *code);
    if (failed(codes))
      return failure();
    if (!codes->empty())
      return node.result(*codes);
  }

  FailureOr<Value> x = node.tensor(0), s = node.tensor(1);
  if (failed(x) || failed(s))
    return failure();
  SmallVector<Value, 2> parameters = {*s};
  bool hasZero = node.hasInput(2) && (!zeroPoint || *zeroPoint != 0);
  if (hasZero) {
    FailureOr<Value> zero = node.tensor(2);
    if (failed(zero))
      return failure();
    parameters.push_back(*zero);
  }
  int xType = node.elementType(0), sType = node.elementType(1);
  Type codeElement = irType(node.builder.getContext(), *code);
  Value q = alongParameters(
      node, *x, parameters, *grain, codeElement,
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value quotient =
            arith::DivFOp::create(b, l, convert(b, l, v[0], xType, *division),
                                  convert(b, l, v[1], sType, *division));
        Value zero =
            hasZero ? convert(b, l, v[2], *code, onnxtype::Double) : Value();
        return toCode(b, l, math::RoundEvenOp::create(b, l, quotient), zero,
                      *codeRange(*code), codeElement);
      });
  return node.result(q, 0, *code);
}

LogicalResult lowerDequantizeLinear(Node &node) {
  FailureOr<Granularity> grain = readGranularity(node);
  if (failed(grain))
    return failure();
  int xType = node.elementType(0), sType = node.elementType(1);
  int64_t output = 0;
  if (node.version() >= 23 && failed(node.attribute("output_dtype", output)))
    return failure();
  int yType = output ? int(output) : sType;
  if (!isFloatType(sType) || !isFloatType(yType)) {
    node.error() << "the scale is " << onnxTypeName(sType) << ", the result "
                 << onnxTypeName(yType)
                 << "; both must be floats of 16 or 32 bits";
    return failure();
  }
  if (node.hasInput(2) && node.elementType(2) != xType) {
    node.error() << "the zero point is " << onnxTypeName(node.elementType(2))
                 << ", the input " << onnxTypeName(xType)
                 << "; they must have the same type";
    return failure();
  }
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  FailureOr<RankedTensorType> type = node.type(*shape, yType);
  if (failed(type))
    return failure();

  const Constant *scale = node.constant(1);
  const Constant *zero = node.hasInput(2) ? node.constant(2) : nullptr;
  if (sType == onnxtype::Float && yType == onnxtype::Float &&
      grain->block == 1 && scale && scale->hasData() &&
      (!node.hasInput(2) || (zero && zero->hasData()))) {
    Dequantized codes{node.input(0), {}, {0}, grain->axis};
    codes.scale.assign(scale->floats().begin(), scale->floats().end());
    if (zero) {
      SmallVector<int64_t, 4> zeros = zero->integers();
      codes.zero.assign(zeros.begin(), zeros.end());
    }
    // Known codes without data (missing) are a tensor of the program.
    if (const Constant *x = codes.x.constant(); x && !x->hasData()) {
      FailureOr<Value> value = node.tensor(0);
      if (failed(value))
        return failure();
      codes.x = Binding(*value, xType);
    }
    return node.result(defer(*shape, node.loc, std::move(codes)));
  }

  FailureOr<Value> x = node.tensor(0), s = node.tensor(1);
  if (failed(x) || failed(s))
    return failure();
  SmallVector<Value, 2> parameters = {*s};
  if (node.hasInput(2)) {
    FailureOr<Value> z = node.tensor(2);
    if (failed(z))
      return failure();
    parameters.push_back(*z);
  }
  Value y = alongParameters(
      node, *x, parameters, *grain, type->getElementType(),
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value difference = convert(b, l, v[0], xType, onnxtype::Float);
        if (v.size() > 2)
          difference = subtract(b, l, difference,
                                convert(b, l, v[2], xType, onnxtype::Float));
        Value product = multiply(b, l, difference,
                                 convert(b, l, v[1], sType, onnxtype::Float));
        return convert(b, l, product, onnxtype::Float, yType);
      });
  return node.result(y, 0, yType);
}

LogicalResult lowerDynamicQuantizeLinear(Node &node) {
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  OpBuilder &builder = node.builder;
  Location loc = node.loc;
  auto xType = cast<RankedTensorType>(x->getType());
  Type f32 = builder.getF32Type(), i8 = builder.getI8Type();
  SmallVector<int64_t, 4> axes;
  for (int64_t d = 0; d < xType.getRank(); ++d)
    axes.push_back(d);
  // The range includes zero, so the extremes start there.
  Value lo = reduce(builder, loc, *x, axes, 0.0,
                    [](OpBuilder &b, Location l, Value v, Value least) {
                      return minimum(b, l, v, least, false);
                    });
  Value hi = reduce(builder, loc, *x, axes, 0.0,
                    [](OpBuilder &b, Location l, Value v, Value most) {
                      return maximum(b, l, v, most, false);
                    });
  auto scalarType = RankedTensorType::get({}, f32);
  Value scale = elementwise(
      builder, loc, scalarType, {whole(lo), whole(hi)},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value span = subtract(b, l, v[1], v[0]);
        Value none = compare(b, l, Comparison::Equal, v[0], v[1], false);
        span = arith::SelectOp::create(b, l, none, scalar(b, l, f32, 1), span);
        return arith::DivFOp::create(b, l, span, scalar(b, l, f32, 255));
      });
  Value zero = elementwise(
      builder, loc, RankedTensorType::get({}, i8), {whole(lo), whole(scale)},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value start = arith::DivFOp::create(b, l, v[0], v[1]);
        start = subtract(b, l, scalar(b, l, f32, 0), start);
        start = arith::MaxNumFOp::create(b, l, start, scalar(b, l, f32, 0));
        start = arith::MinNumFOp::create(b, l, start, scalar(b, l, f32, 255));
        return toCode(b, l, math::RoundEvenOp::create(b, l, start), Value(),
                      {0, 255}, i8);
      });
  Value y = alongParameters(
      node, *x, {scale, zero}, Granularity(), i8,
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value quotient = arith::DivFOp::create(b, l, v[0], v[1]);
        Value offset = convert(b, l, v[2], onnxtype::UInt8, onnxtype::Double);
        return toCode(b, l, math::RoundEvenOp::create(b, l, quotient), offset,
                      {0, 255}, i8);
      });
  if (failed(node.result(y, 0, onnxtype::UInt8)) ||
      failed(node.result(scale, 1, onnxtype::Float)))
    return failure();
  return node.result(zero, 2, onnxtype::UInt8);
}

} // namespace imc::onnximport
