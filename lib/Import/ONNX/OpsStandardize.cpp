//===- OpsStandardize.cpp - Normalizations by the data's own moments ------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Statistics run in the wide type (f32 for 16-bit floats) or in that of
// stash_type if it is wider still; the result is rounded once. The variance is
// the mean of the squared differences from the mean, never E(x²) − E(x)².
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "OpTable.h"
#include "WideFloat.h"
#include "Window.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// Dimensions `first` to the last.
static Shape from(int64_t first, int64_t rank) {
  Shape axes;
  for (int64_t d = first; d < rank; ++d)
    axes.push_back(d);
  return axes;
}

/// An operand that lacks the dimensions `axes` of a tensor of `rank`.
static Operand without(Value value, ArrayRef<int64_t> axes, int64_t rank) {
  Operand operand{value, {}};
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(axes, d))
      operand.dims.push_back(d);
  return operand;
}

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static Value squares(Node &node, Value x) {
  return elementwise(node.builder, node.loc, typeOf(x), {whole(x)},
                     [](OpBuilder &b, Location l, ValueRange v) {
                       return multiply(b, l, v[0], v[0]);
                     });
}

/// x minus its mean over `axes`, which is given without them.
static Value center(Node &node, Value x, Value average,
                    ArrayRef<int64_t> axes) {
  auto type = typeOf(x);
  return elementwise(node.builder, node.loc, type,
                     {whole(x), without(average, axes, type.getRank())},
                     [](OpBuilder &b, Location l, ValueRange v) {
                       return subtract(b, l, v[0], v[1]);
                     });
}

/// 1 / sqrt(value + epsilon).
static Value inverseRoot(Node &node, Value value, float epsilon) {
  auto type = typeOf(value);
  Type element = type.getElementType();
  return elementwise(
      node.builder, node.loc, type, {whole(value)},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value sum = add(b, l, v[0], scalar(b, l, element, epsilon));
        return arith::DivFOp::create(b, l, scalar(b, l, element, 1.0),
                                     math::SqrtOp::create(b, l, sum));
      });
}

namespace {
struct Standardized {
  Value centered;
  Value mean, inverse; ///< without the reduced dimensions
};
} // namespace

static Standardized standardize(Node &node, Value x, ArrayRef<int64_t> axes,
                                float epsilon) {
  Standardized result;
  result.mean = mean(node.builder, node.loc, x, axes, /*keep=*/false);
  result.centered = center(node, x, result.mean, axes);
  Value variance = mean(node.builder, node.loc, squares(node, result.centered),
                        axes, /*keep=*/false);
  result.inverse = inverseRoot(node, variance, epsilon);
  return result;
}

/// centered · inverse (· scale) (+ bias) as `type`; scale and bias are operands
/// of any float type, null when they are left out.
static Value scaleAndShift(Node &node, RankedTensorType type, Value centered,
                           Operand inverse, Operand scale, Operand bias) {
  Type wide = typeOf(centered).getElementType();
  SmallVector<Operand> operands{whole(centered), std::move(inverse)};
  bool scaled = bool(scale.value), shifted = bool(bias.value);
  if (scaled)
    operands.push_back(std::move(scale));
  if (shifted)
    operands.push_back(std::move(bias));
  return elementwise(
      node.builder, node.loc, type, operands,
      [&](OpBuilder &b, Location l, ValueRange v) {
        Value result = multiply(b, l, v[0], v[1]);
        if (scaled)
          result = multiply(b, l, result, castFloatScalar(b, l, v[2], wide));
        if (shifted)
          result = add(b, l, result, castFloatScalar(b, l, v.back(), wide));
        return castFloatScalar(b, l, result, type.getElementType());
      });
}

/// stash_type: the type of statistics. Gives the wider of it and the input's
/// wide type, in which they are computed.
static FailureOr<Type> readStashType(Node &node, int &stashType) {
  int64_t given = onnxtype::Float;
  if (failed(node.attribute("stash_type", given)))
    return failure();
  bool known = given == onnxtype::Float || given == onnxtype::Double ||
               given == onnxtype::Float16 || given == onnxtype::BFloat16;
  if (!known) {
    node.error() << "stash_type " << given
                 << " is none of 1 (FLOAT), 10 (FLOAT16), 11 (DOUBLE), 16 "
                    "(BFLOAT16)";
    return failure();
  }
  stashType = int(given);
  MLIRContext *context = node.builder.getContext();
  Type stash = wideType(irType(context, stashType));
  Type own = wideType(irType(context, node.elementType(0)));
  return stash.getIntOrFloatBitWidth() > own.getIntOrFloatBitWidth() ? stash
                                                                     : own;
}

/// Input 0 in the float type `wide`.
static FailureOr<Value> inputAs(Node &node, Type wide) {
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  return castFloat(node.builder, node.loc, *x, wide);
}

/// Scale or bias that broadcasts to `shape`.
static FailureOr<Operand> parameter(Node &node, unsigned i, const char *what,
                                    ArrayRef<int64_t> shape) {
  if (!node.hasInput(i))
    return Operand{Value(), {}};
  FailureOr<Shape> own = node.shape(i);
  if (own->size() > shape.size() ||
      broadcastShapes(*own, shape) != Shape(shape)) {
    node.error() << what << " of shape " << shapeText(*own)
                 << " does not broadcast to the input " << shapeText(shape);
    return failure();
  }
  return broadcastInput(node, i, shape);
}

/// Scale or bias with one value for each of `count` `things`, reshaped to
/// `shape`.
static FailureOr<Value> vector(Node &node, unsigned i, const char *what,
                               int64_t count, const char *things,
                               ArrayRef<int64_t> shape) {
  FailureOr<Shape> own = node.shape(i);
  if (*own != Shape{count}) {
    node.error() << what << " has shape " << shapeText(*own)
                 << ", needs one value for each of the " << count << " "
                 << things;
    return failure();
  }
  return node.tensor(i, shape);
}

LogicalResult lowerLayerNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t axis = -1;
  int stashType = onnxtype::Float;
  if (failed(node.attribute("epsilon", epsilon)) ||
      failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Type> wide = readStashType(node, stashType);
  FailureOr<Shape> shape = node.shape(0);
  int64_t rank = shape->size();
  FailureOr<int64_t> first = node.axis(axis, rank);
  if (failed(wide) || failed(first))
    return failure();
  FailureOr<Value> x = inputAs(node, *wide);
  FailureOr<Operand> scale = parameter(node, 1, "Scale", *shape);
  FailureOr<Operand> bias = parameter(node, 2, "B", *shape);
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(x) || failed(scale) || failed(bias) || failed(type))
    return failure();
  Shape axes = from(*first, rank);
  Standardized parts = standardize(node, *x, axes, epsilon);
  if (failed(node.result(scaleAndShift(node, *type, parts.centered,
                                       without(parts.inverse, axes, rank),
                                       std::move(*scale), std::move(*bias)))))
    return failure();
  Shape kept(*shape);
  for (int64_t d : axes)
    kept[d] = 1;
  Type stash = irType(node.builder.getContext(), stashType);
  for (auto [i, value] :
       {std::pair(1, parts.mean), std::pair(2, parts.inverse)})
    if (node.hasOutput(i) &&
        failed(node.result(
            castFloat(node.builder, node.loc,
                      reshape(node.builder, node.loc, value, kept), stash),
            i, stashType)))
      return failure();
  return success();
}

LogicalResult lowerRMSNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t axis = -1;
  int stashType = onnxtype::Float;
  if (failed(node.attribute("epsilon", epsilon)) ||
      failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Type> wide = readStashType(node, stashType);
  FailureOr<Shape> shape = node.shape(0);
  int64_t rank = shape->size();
  FailureOr<int64_t> first = node.axis(axis, rank);
  if (failed(wide) || failed(first))
    return failure();
  int scaleType = node.elementType(1);
  if (!isFloatType(scaleType)) {
    node.error() << "scale is " << onnxTypeName(scaleType)
                 << ", must be of a float type";
    return failure();
  }
  FailureOr<Value> x = inputAs(node, *wide);
  FailureOr<Operand> scale = parameter(node, 1, "scale", *shape);
  FailureOr<RankedTensorType> type = node.type(*shape, scaleType);
  if (failed(x) || failed(scale) || failed(type))
    return failure();
  Shape axes = from(*first, rank);
  Value power =
      mean(node.builder, node.loc, squares(node, *x), axes, /*keep=*/false);
  Value inverse = inverseRoot(node, power, epsilon);
  return node.result(scaleAndShift(node, *type, *x,
                                   without(inverse, axes, rank),
                                   std::move(*scale), {Value(), {}}),
                     0, scaleType);
}

LogicalResult lowerInstanceNormalization(Node &node) {
  float epsilon = 1e-5f;
  if (failed(node.attribute("epsilon", epsilon)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  int64_t rank = shape->size();
  if (rank < 3) {
    node.error() << "the input has rank " << rank << ", needs NxCx…";
    return failure();
  }
  int64_t channels = (*shape)[1];
  FailureOr<Value> scale =
      vector(node, 1, "scale", channels, "channels", {channels});
  FailureOr<Value> bias =
      vector(node, 2, "B", channels, "channels", {channels});
  FailureOr<Value> x = wideTensor(node, node.input(0));
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(scale) || failed(bias) || failed(x) || failed(type))
    return failure();
  Shape axes = from(2, rank);
  Standardized parts = standardize(node, *x, axes, epsilon);
  return node.result(scaleAndShift(node, *type, parts.centered,
                                   without(parts.inverse, axes, rank),
                                   {*scale, {1}}, {*bias, {1}}));
}

LogicalResult lowerGroupNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t groups = 0;
  int stashType = onnxtype::Float;
  bool perChannel = node.version() >= 21;
  Type wide = wideType(irType(node.builder.getContext(), node.elementType(0)));
  if (failed(node.attribute("epsilon", epsilon)) ||
      failed(node.attribute("num_groups", groups)))
    return failure();
  if (perChannel) {
    FailureOr<Type> stash = readStashType(node, stashType);
    if (failed(stash))
      return failure();
    wide = *stash;
  }
  FailureOr<Shape> shape = node.shape(0);
  if (shape->size() < 2) {
    node.error() << "the input has rank " << shape->size() << ", needs NxC…";
    return failure();
  }
  int64_t channels = (*shape)[1];
  if (groups < 1 || channels % groups != 0) {
    node.error() << "num_groups " << groups << " does not divide the "
                 << channels << " channels";
    return failure();
  }
  Shape grouped{(*shape)[0], groups, channels / groups};
  grouped.append(shape->begin() + 2, shape->end());
  FailureOr<RankedTensorType> type = node.type(grouped);
  Shape values = perChannel ? Shape{groups, channels / groups} : Shape{groups};
  Shape along = perChannel ? Shape{1, 2} : Shape{1};
  int64_t count = perChannel ? channels : groups;
  const char *things = perChannel ? "channels" : "groups";
  FailureOr<Value> scale = vector(node, 1, "scale", count, things, values);
  FailureOr<Value> bias = vector(node, 2, "bias", count, things, values);
  if (failed(type) || failed(scale) || failed(bias))
    return failure();
  FailureOr<Value> x = inputAs(node, wide);
  if (failed(x))
    return failure();
  Shape axes = from(2, grouped.size());
  Standardized parts = standardize(
      node, reshape(node.builder, node.loc, *x, grouped), axes, epsilon);
  Value y = scaleAndShift(node, *type, parts.centered,
                          without(parts.inverse, axes, grouped.size()),
                          {*scale, along}, {*bias, along});
  return node.result(reshape(node.builder, node.loc, y, *shape));
}

LogicalResult lowerMeanVarianceNormalization(Node &node) {
  Shape axes{0, 2, 3};
  if (failed(node.attribute("axes", axes)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  if (axes.empty()) {
    node.error() << "axes is empty; there is nothing to normalize over";
    return failure();
  }
  if (failed(node.axes(axes, shape->size())))
    return failure();
  FailureOr<Value> x = wideTensor(node, node.input(0));
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(x) || failed(type))
    return failure();
  llvm::sort(axes);
  Value average = mean(node.builder, node.loc, *x, axes, /*keep=*/false);
  Value centered = center(node, *x, average, axes);
  Value variance =
      mean(node.builder, node.loc, squares(node, centered), axes, false);
  Type wide = typeOf(variance).getElementType();
  return node.result(elementwise(
      node.builder, node.loc, *type,
      {whole(centered), without(variance, axes, shape->size())},
      [&](OpBuilder &b, Location l, ValueRange v) {
        // What the op's definition adds so that constants become 0.
        Value deviation = add(b, l, math::SqrtOp::create(b, l, v[1]),
                              scalar(b, l, wide, 1e-9));
        return castFloatScalar(b, l,
                               arith::DivFOp::create(b, l, v[0], deviation),
                               type->getElementType());
      }));
}

LogicalResult lowerLpNormalization(Node &node) {
  int64_t axis = -1, p = 2;
  if (failed(node.attribute("axis", axis)) || failed(node.attribute("p", p)))
    return failure();
  if (p != 1 && p != 2) {
    node.error() << "p is " << p << "; the op is defined for 1 and 2";
    return failure();
  }
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<int64_t> along = node.axis(axis, shape->size());
  if (failed(along))
    return failure();
  FailureOr<Value> x = wideTensor(node, node.input(0));
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(x) || failed(type))
    return failure();
  Type wide = typeOf(*x).getElementType();
  Value sum = reduce(node.builder, node.loc, *x, {*along}, 0.0,
                     [&](OpBuilder &b, Location l, Value v, Value total) {
                       Value power = p == 1
                                         ? Value(math::AbsFOp::create(b, l, v))
                                         : multiply(b, l, v, v);
                       return add(b, l, total, power);
                     });
  return node.result(elementwise(
      node.builder, node.loc, *type,
      {whole(*x), without(sum, {*along}, shape->size())},
      [&](OpBuilder &b, Location l, ValueRange v) {
        Value norm = p == 1 ? v[1] : Value(math::SqrtOp::create(b, l, v[1]));
        Value zero = scalar(b, l, wide, 0.0);
        Value isZero = compare(b, l, Comparison::Equal, norm, zero, false);
        Value ratio = arith::DivFOp::create(b, l, v[0], norm);
        return castFloatScalar(
            b, l, arith::SelectOp::create(b, l, isZero, zero, ratio),
            type->getElementType());
      }));
}

/// y = x / (bias + alpha / size · Σ x²)^beta, the sum over `size` channels
/// around each one.
LogicalResult lowerLRN(Node &node) {
  float alpha = 1e-4f, beta = 0.75f, bias = 1.0f;
  int64_t size = 0;
  if (failed(node.attribute("alpha", alpha)) ||
      failed(node.attribute("beta", beta)) ||
      failed(node.attribute("bias", bias)) ||
      failed(node.attribute("size", size)))
    return failure();
  if (size < 1 || size > (1 << 20)) {
    node.error() << "size is " << size << ", must be between 1 and 2^20";
    return failure();
  }
  FailureOr<Shape> shape = node.shape(0);
  if (shape->size() < 2) {
    node.error() << "the input has rank " << shape->size() << ", needs NxC…";
    return failure();
  }
  FailureOr<Value> x = wideTensor(node, node.input(0));
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(x) || failed(type))
    return failure();
  // The channels as the height of one image, everything after them its width.
  OpBuilder &builder = node.builder;
  int64_t width = 1;
  for (int64_t d : ArrayRef<int64_t>(*shape).drop_front(2))
    width *= d;
  Shape image{(*shape)[0], 1, (*shape)[1], width};
  Window window(2);
  window[0].in = window[0].out = (*shape)[1];
  window[0].kernel = size;
  window[0].begin = (size - 1) / 2;
  window[0].end = size - 1 - window[0].begin;
  window[1].in = window[1].out = width;
  Type wide = typeOf(*x).getElementType();
  FailureOr<Value> padded = padWindow(
      node, reshape(builder, node.loc, squares(node, *x), image), window,
      /*needed=*/false, FloatAttr::get(wide, 0.0));
  if (failed(padded))
    return failure();
  auto imageType = RankedTensorType::get(image, wide);
  Value taps = empty(builder, node.loc, RankedTensorType::get({size, 1}, wide));
  Value sum =
      linalg::PoolingNchwSumOp::create(
          builder, node.loc, TypeRange(imageType), ValueRange{*padded, taps},
          ValueRange(filled(builder, node.loc, imageType, 0.0)),
          stridesOf(node, window), dilationsOf(node, window))
          .getResult(0);
  sum = reshape(builder, node.loc, sum, *shape);
  return node.result(elementwise(
      builder, node.loc, *type, {whole(*x), whole(sum)},
      [&](OpBuilder &b, Location l, ValueRange v) {
        Value share = multiply(
            b, l, v[1], scalar(b, l, wide, double(alpha) / double(size)));
        Value power = math::PowFOp::create(
            b, l, add(b, l, share, scalar(b, l, wide, bias)),
            scalar(b, l, wide, beta));
        return castFloatScalar(b, l, arith::DivFOp::create(b, l, v[0], power),
                               type->getElementType());
      }));
}

} // namespace imc::onnximport
