//===- OpsResize.cpp - Resize and Upsample --------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where an output element lies in the input depends on sizes and attributes
// only, so all coordinates and weights are computed at import, in f64 as in
// the ONNX specification's reference. An axis becomes a table of positions
// (nearest) or of positions and weights (linear, cubic), and axes are resized
// one after the other.
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

namespace {

/// The attributes of Resize.
struct Method {
  std::string mode = "nearest";
  std::string coordinates = "half_pixel";
  std::string nearest = "round_prefer_floor";
  std::string policy = "stretch";
  float cubic = -0.75f;
  float extrapolation = 0.0f;
  int64_t excludeOutside = 0;
  int64_t antialias = 0;
};

/// How one axis is resized.
struct Axis {
  int64_t in = 0;
  int64_t out = 0;
  double scale = 1.0;
  double roiStart = 0.0;
  double roiEnd = 1.0;

  /// Nothing is to do. ONNX's reference takes scales near 1 for 1.
  bool isIdentity(bool cropped) const {
    return in == out && std::fabs(scale - 1.0) < 1e-9 &&
           (!cropped || (roiStart == 0.0 && roiEnd == 1.0));
  }
};

/// Position of output `i` in the input.
double coordinate(const Method &method, const Axis &axis, int64_t i) {
  double x = double(i), last = double(axis.in - 1);
  double length = axis.scale * double(axis.in);
  StringRef how = method.coordinates;
  if (how == "align_corners")
    return length == 1.0 ? 0.0 : x * last / (length - 1.0);
  if (how == "asymmetric")
    return x / axis.scale;
  if (how == "tf_half_pixel_for_nn")
    return (x + 0.5) / axis.scale;
  if (how == "tf_crop_and_resize") {
    double extent = axis.roiEnd - axis.roiStart;
    double at = length == 1.0 ? extent * last / 2.0
                              : x * extent * last / (length - 1.0);
    return at + axis.roiStart * last;
  }
  double center = (x + 0.5) / axis.scale - 0.5;
  if (how == "pytorch_half_pixel")
    return length == 1.0 ? -0.5 : center;
  if (how == "half_pixel_symmetric")
    return center + double(axis.in) / 2.0 * (1.0 - double(axis.out) / length);
  return center; // half_pixel
}

/// The weights of the taps; those of an even number of neighbours, `ratio` in
/// (0, 1] to the right of the one before the middle.
void weightsAt(const Method &method, double scale, double ratio,
               MutableArrayRef<double> weights) {
  int64_t taps = weights.size();
  double stretch = method.antialias ? std::min(scale, 1.0) : 1.0;
  double total = 0.0;
  for (int64_t k = 0; k < taps; ++k) {
    double x = std::fabs(double(k + 1 - taps / 2) - ratio) * stretch;
    double a = method.cubic, w = 0.0;
    if (method.mode == "linear")
      w = std::clamp(1.0 - x, 0.0, 1.0);
    else if (x <= 1.0)
      w = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    else if (x < 2.0)
      w = ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
    weights[k] = w;
    total += w;
  }
  if (method.antialias)
    for (double &w : weights)
      w /= total;
}

/// Number of neighbours of an output element along an axis; even.
double countTaps(const Method &method, double scale) {
  double reach = method.mode == "linear" ? 1.0 : 2.0;
  double stretch = method.antialias ? std::min(scale, 1.0) : 1.0;
  return -2.0 * std::floor(-reach / stretch);
}

/// The neighbour below a coordinate, such that 0 < ratio <= 1 above it.
std::pair<int64_t, double> neighbour(double x, int64_t size) {
  // Far outside nothing changes any more; the limit keeps integers small.
  x = std::isnan(x) ? 0.0 : x;
  x = std::clamp(x, -double(2 * size) - 8.0, double(3 * size) + 8.0);
  double below = std::ceil(x) - 1.0;
  return {int64_t(below), x - below};
}

} // namespace

/// The position that `nearest_mode` chooses.
static int64_t nearestPosition(const Method &method, const Axis &axis,
                               int64_t i) {
  auto [below, ratio] = neighbour(coordinate(method, axis, i), axis.in);
  bool up = ratio == 1.0;
  if (!up && method.nearest == "round_prefer_floor")
    up = ratio > 0.5;
  else if (!up && method.nearest == "round_prefer_ceil")
    up = ratio >= 0.5;
  else if (!up)
    up = method.nearest == "ceil";
  return std::clamp<int64_t>(below + up, 0, axis.in - 1);
}

/// Whether `tf_crop_and_resize` leads outside of the input.
static bool isExtrapolated(const Method &method, const Axis &axis, int64_t i) {
  if (method.coordinates != "tf_crop_and_resize")
    return false;
  double x = coordinate(method, axis, i);
  return !(x >= 0.0 && x <= double(axis.in - 1));
}

/// Weighted sums along dimension `d` of `x` (f32 or f64).
static FailureOr<Value> interpolate(Node &node, Value x, size_t d,
                                    const Method &method, const Axis &axis) {
  int64_t taps = int64_t(countTaps(method, axis.scale));
  Shape positions;
  std::vector<double> weights;
  std::vector<double> row(taps);
  for (int64_t i = 0; i < axis.out; ++i) {
    auto [below, ratio] = neighbour(coordinate(method, axis, i), axis.in);
    weightsAt(method, axis.scale, ratio, row);
    double total = 0.0;
    for (int64_t k = 0; k < taps; ++k) {
      int64_t at = below + 1 - taps / 2 + k;
      bool outside = at < 0 || at >= axis.in;
      if (method.excludeOutside && outside)
        row[k] = 0.0;
      total += row[k];
      positions.push_back(std::clamp<int64_t>(at, 0, axis.in - 1));
    }
    for (double w : row)
      weights.push_back(method.excludeOutside && total != 0.0 ? w / total : w);
  }
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType();
  Constant table =
      element.isF64()
          ? Constant::make("resize", {axis.out, taps}, onnxtype::Double,
                           makeBlob(std::move(weights)))
          : Constant::makeFloats(
                "resize", {axis.out, taps},
                std::vector<float>(weights.begin(), weights.end()));
  FailureOr<Value> factors = node.tensor(Binding(std::move(table)));
  FailureOr<Value> places = node.tensor(
      Binding(Constant::makeIntegers("resize", {axis.out, taps}, positions)));
  if (failed(factors) || failed(places))
    return failure();

  OpBuilder &builder = node.builder;
  Shape shape(type.getShape());
  shape[d] = axis.out;
  FailureOr<RankedTensorType> to = node.type(
      shape, element.isF64() ? int(onnxtype::Double) : int(onnxtype::Float));
  if (failed(to))
    return failure();
  Value init = filled(builder, node.loc, *to, 0.0);
  unsigned rank = shape.size();
  MLIRContext *context = builder.getContext();
  AffineMap tableMap = AffineMap::get(
      rank + 1, 0,
      {builder.getAffineDimExpr(d), builder.getAffineDimExpr(rank)}, context);
  AffineMap outMap =
      AffineMap::getMultiDimIdentityMap(rank + 1, context).dropResult(rank);
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto op = linalg::GenericOp::create(
      builder, node.loc, TypeRange(*to), ValueRange{*places, *factors},
      ValueRange(init), ArrayRef<AffineMap>{tableMap, tableMap, outMap},
      iterators, [&](OpBuilder &b, Location l, ValueRange arguments) {
        SmallVector<Value, 4> from = loopIndices(b, l, rank);
        from[d] =
            arith::IndexCastOp::create(b, l, b.getIndexType(), arguments[0]);
        Value product = multiply(b, l, extract(b, l, x, from), arguments[1]);
        linalg::YieldOp::create(b, l, add(b, l, arguments[2], product));
      });
  return op.getResult(0);
}

/// Integers from sums: rounded to the nearest, half to even, and saturated.
static Value saturated(OpBuilder &b, Location l, Value x, int onnxType) {
  bool isUnsigned = isUnsignedType(onnxType);
  unsigned width = bytesPerElement(onnxType) * 8;
  double high = std::ldexp(1.0, isUnsigned ? width : width - 1);
  // The greatest number of the float type below the limit.
  bool isDouble = x.getType().isF64();
  double top = width > (isDouble ? 52u : 23u)
                   ? (isDouble ? std::nextafter(high, 0.0)
                               : double(std::nextafterf(float(high), 0.0f)))
                   : high - 1.0;
  x = math::RoundEvenOp::create(b, l, x);
  x = arith::MaxNumFOp::create(
      b, l, x, scalar(b, l, x.getType(), isUnsigned ? 0.0 : -high));
  return arith::MinNumFOp::create(b, l, x, scalar(b, l, x.getType(), top));
}

/// Input 0 with its dimensions resized.
static LogicalResult resultResized(Node &node, const Method &method,
                                   ArrayRef<Axis> axes) {
  bool cropped = method.coordinates == "tf_crop_and_resize";
  Shape shape;
  bool isEmpty = false;
  for (const Axis &axis : axes) {
    shape.push_back(axis.out);
    isEmpty |= axis.in == 0 || axis.out == 0;
  }
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type))
    return failure();
  bool sums = method.mode != "nearest";
  for (auto [d, axis] : llvm::enumerate(axes)) {
    if (axis.isIdentity(cropped))
      continue;
    double entries =
        double(axis.out) * (sums ? countTaps(method, axis.scale) : 1.0);
    if (isEmpty || !(entries <= double(kMaxPositions))) {
      node.error() << "cannot resize axis " << d << " from " << axis.in
                   << " to " << axis.out << " elements with the scale "
                   << axis.scale
                   << "; neither may be 0 and the table of positions is "
                      "limited to 2^20";
      return failure();
    }
  }
  int onnxType = node.elementType(0);
  OpBuilder &builder = node.builder;
  Value result;
  if (!sums) {
    SmallVector<Positions, 4> positions;
    for (const Axis &axis : axes) {
      positions.push_back(Positions::all(axis.in));
      if (axis.isIdentity(cropped))
        continue;
      Shape table;
      for (int64_t i = 0; i < axis.out; ++i)
        table.push_back(nearestPosition(method, axis, i));
      positions.back() = Positions::of(table);
    }
    FailureOr<Binding> taken = take(node, node.input(0), positions);
    FailureOr<Value> value =
        failed(taken) ? FailureOr<Value>() : node.tensor(*taken);
    if (failed(value))
      return failure();
    result = *value;
  } else {
    int wide = onnxType == onnxtype::Double || onnxType == onnxtype::Int32 ||
                       onnxType == onnxtype::UInt32 ||
                       onnxType == onnxtype::Int64 ||
                       onnxType == onnxtype::UInt64
                   ? onnxtype::Double
                   : onnxtype::Float;
    FailureOr<Value> x = node.tensor(0);
    if (failed(x))
      return failure();
    auto cast = [&](Value value, int from, int to) {
      if (from == to)
        return value;
      auto target = RankedTensorType::get(shapeOf(value),
                                          irType(builder.getContext(), to));
      return elementwise(builder, node.loc, target, {whole(value)},
                         [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                           bool rounds = isFloatType(from) && !isFloatType(to);
                           return convert(
                               b, l, rounds ? saturated(b, l, e[0], to) : e[0],
                               from, to);
                         });
    };
    Value sum = cast(*x, onnxType, wide);
    for (auto [d, axis] : llvm::enumerate(axes)) {
      if (axis.isIdentity(cropped))
        continue;
      FailureOr<Value> next = interpolate(node, sum, d, method, axis);
      if (failed(next))
        return failure();
      sum = *next;
    }
    result = cast(sum, wide, onnxType);
  }
  if (!cropped)
    return node.result(result);

  // What lies outside of the input has a value of its own.
  SmallVector<Operand> operands = {whole(result)};
  for (auto [d, axis] : llvm::enumerate(axes)) {
    if (axis.isIdentity(cropped))
      continue;
    Shape outside;
    for (int64_t i = 0; i < axis.out; ++i)
      outside.push_back(isExtrapolated(method, axis, i));
    if (!llvm::is_contained(outside, 1))
      continue;
    FailureOr<Value> mask = node.tensor(Binding(
        Constant::makeIntegers("resize", {axis.out}, outside, onnxtype::Bool)));
    if (failed(mask))
      return failure();
    operands.push_back({*mask, {int64_t(d)}});
  }
  if (operands.size() == 1)
    return node.result(result);
  return node.result(elementwise(
      builder, node.loc, *type, operands,
      [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
        Value outside = elements[1];
        for (Value mask : elements.drop_front(2))
          outside = arith::OrIOp::create(b, l, outside, mask);
        Value other =
            scalar(b, l, elements[0].getType(), double(method.extrapolation));
        return arith::SelectOp::create(b, l, outside, other, elements[0]);
      }));
}

/// Reads and checks the attributes.
static FailureOr<Method> readMethod(Node &node) {
  Method method;
  int64_t version = node.version();
  if (failed(node.attribute("mode", method.mode)))
    return failure();
  if (version < 11) {
    // The first Resize, like Upsample before it, says no more.
    method.coordinates = "asymmetric";
    method.nearest = "floor";
  } else if (failed(node.attribute("coordinate_transformation_mode",
                                   method.coordinates)) ||
             failed(node.attribute("nearest_mode", method.nearest)) ||
             failed(node.attribute("cubic_coeff_a", method.cubic)) ||
             failed(node.attribute("exclude_outside", method.excludeOutside)) ||
             failed(
                 node.attribute("extrapolation_value", method.extrapolation))) {
    return failure();
  }
  if (version >= 18 &&
      (failed(node.attribute("antialias", method.antialias)) ||
       failed(node.attribute("keep_aspect_ratio_policy", method.policy))))
    return failure();
  if (version < 11 && method.mode == "bilinear")
    method.mode = "linear";
  SmallVector<StringRef, 8> coordinates = {"half_pixel", "pytorch_half_pixel",
                                           "align_corners", "asymmetric",
                                           "tf_crop_and_resize"};
  if (version == 11)
    coordinates.push_back("tf_half_pixel_for_nn");
  if (version >= 19)
    coordinates.push_back("half_pixel_symmetric");
  auto check = [&](StringRef what, StringRef value,
                   ArrayRef<StringRef> known) -> LogicalResult {
    if (llvm::is_contained(known, value))
      return success();
    node.error() << what << " '" << value << "' does not exist; there are "
                 << llvm::join(known, ", ");
    return failure();
  };
  if (failed(check("mode", method.mode, {"nearest", "linear", "cubic"})) ||
      failed(check("coordinate_transformation_mode", method.coordinates,
                   coordinates)) ||
      failed(check(
          "nearest_mode", method.nearest,
          {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})) ||
      failed(check("keep_aspect_ratio_policy", method.policy,
                   {"stretch", "not_larger", "not_smaller"})))
    return failure();
  if (method.antialias && method.mode == "nearest") {
    node.error() << "antialias needs mode linear or cubic";
    return failure();
  }
  if (!std::isfinite(method.cubic)) {
    node.error() << "cubic_coeff_a is not finite";
    return failure();
  }
  return method;
}

/// Sizes of the axes from scales.
static LogicalResult applyScales(Node &node, ArrayRef<int64_t> axes,
                                 ArrayRef<double> scales,
                                 MutableArrayRef<Axis> result) {
  if (scales.size() != axes.size()) {
    node.error() << "has " << scales.size() << " scales for " << axes.size()
                 << " axes";
    return failure();
  }
  for (auto [d, scale] : llvm::zip(axes, scales)) {
    Axis &axis = result[d];
    // As in ONNX's shape inference, the product is one of f32.
    float size = std::floor(float(axis.in) * float(scale));
    if (!(scale > 0.0) || !(size <= float(kMaxElements))) {
      node.error() << "scale " << scale << " of axis " << d
                   << " must be positive and lead to at most 2^34 elements";
      return failure();
    }
    axis.scale = scale;
    axis.out = int64_t(size);
  }
  return success();
}

/// Sizes and scales of the axes from sizes.
static LogicalResult applySizes(Node &node, StringRef policy,
                                ArrayRef<int64_t> axes, ArrayRef<int64_t> sizes,
                                MutableArrayRef<Axis> result) {
  if (sizes.size() != axes.size()) {
    node.error() << "has " << sizes.size() << " sizes for " << axes.size()
                 << " axes";
    return failure();
  }
  std::optional<double> common;
  for (auto [d, size] : llvm::zip(axes, sizes)) {
    Axis &axis = result[d];
    if (size < 1 || size > kMaxElements || axis.in == 0) {
      node.error() << "axis " << d << " cannot be resized from " << axis.in
                   << " to " << size << " elements";
      return failure();
    }
    axis.out = size;
    axis.scale = double(size) / double(axis.in);
    bool isBetter = !common || (policy == "not_larger" ? axis.scale < *common
                                                       : axis.scale > *common);
    common = isBetter ? axis.scale : common;
  }
  if (policy == "stretch" || !common)
    return success();
  for (int64_t d : axes) {
    double size = *common * double(result[d].in) + 0.5;
    if (size > double(kMaxElements)) {
      node.error() << "the policy " << policy << " scales axis " << d << " by "
                   << *common << " to more than 2^34 elements";
      return failure();
    }
    result[d].scale = *common;
    result[d].out = int64_t(size);
  }
  return success();
}

/// The known numbers of input `i`; empty when it is left out.
static FailureOr<SmallVector<double>> reals(Node &node, unsigned i,
                                            const char *what) {
  SmallVector<double> values;
  if (!node.hasInput(i))
    return values;
  const Constant *known = node.constant(i);
  if (!known || !known->hasData() || !isFloatType(known->onnxType()) ||
      known->numElements() > int64_t(2 * kMaxRank)) {
    node.error() << what << " (input " << i
                 << ") must be floats known at import, one per axis; export "
                    "the model with fixed shapes";
    return failure();
  }
  for (int64_t k = 0; k < known->numElements(); ++k)
    values.push_back(known->real(k));
  return values;
}

LogicalResult lowerResize(Node &node) {
  FailureOr<Method> method = readMethod(node);
  if (failed(method))
    return failure();
  int64_t version = node.version();
  FailureOr<Shape> shape = node.shape(0);
  int64_t rank = shape->size();
  SmallVector<Axis, 4> result;
  Shape axes;
  for (auto [d, size] : llvm::enumerate(*shape)) {
    result.push_back({size, size});
    axes.push_back(d);
  }
  if (version >= 18 && node.hasAttribute("axes")) {
    if (failed(node.attribute("axes", axes)) || failed(node.axes(axes, rank)))
      return failure();
  }
  unsigned scalesInput = version < 11 ? 1 : 2;
  FailureOr<SmallVector<double>> scales = reals(node, scalesInput, "scales");
  if (failed(scales))
    return failure();
  Shape sizes;
  if (version >= 11 && node.hasInput(3)) {
    FailureOr<Shape> given = node.integers(3, "sizes");
    if (failed(given))
      return failure();
    sizes = *given;
  }
  if (scales->empty() == sizes.empty() && rank > 0) {
    node.error() << "takes either scales or sizes, has "
                 << (sizes.empty() ? "neither" : "both");
    return failure();
  }
  if (sizes.empty()
          ? failed(applyScales(node, axes, *scales, result))
          : failed(applySizes(node, method->policy, axes, sizes, result)))
    return failure();
  if (method->coordinates == "tf_crop_and_resize") {
    FailureOr<SmallVector<double>> roi = reals(node, 1, "roi");
    if (failed(roi))
      return failure();
    if (roi->size() != 2 * axes.size() ||
        !llvm::all_of(*roi, [](double x) { return std::isfinite(x); })) {
      node.error() << "tf_crop_and_resize needs a start and an end per axis in "
                      "roi, which has "
                   << roi->size() << " values for " << axes.size() << " axes";
      return failure();
    }
    for (auto [i, d] : llvm::enumerate(axes)) {
      result[d].roiStart = (*roi)[i];
      result[d].roiEnd = (*roi)[axes.size() + i];
    }
  }
  return resultResized(node, *method, result);
}

LogicalResult lowerUpsample(Node &node) {
  FailureOr<Method> method = readMethod(node);
  if (failed(method))
    return failure();
  SmallVector<double> scales;
  if (node.version() < 7) {
    float height = 0.0f, width = 0.0f;
    if (failed(node.attribute("height_scale", height)) ||
        failed(node.attribute("width_scale", width)))
      return failure();
    scales = {1.0, 1.0, height, width};
  } else if (node.version() < 9) {
    std::vector<float> given;
    if (failed(node.attribute("scales", given)))
      return failure();
    scales.assign(given.begin(), given.end());
  } else {
    FailureOr<SmallVector<double>> given = reals(node, 1, "scales");
    if (failed(given))
      return failure();
    scales = *given;
  }
  FailureOr<Shape> shape = node.shape(0);
  SmallVector<Axis, 4> result;
  Shape axes;
  for (auto [d, size] : llvm::enumerate(*shape)) {
    result.push_back({size, size});
    axes.push_back(d);
  }
  if (failed(applyScales(node, axes, scales, result)))
    return failure();
  return resultResized(node, *method, result);
}

} // namespace imc::onnximport
