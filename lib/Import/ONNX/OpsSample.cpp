//===- OpsSample.cpp - Sampling at computed coordinates -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Coordinates are data here. Arithmetic is in f32 (f64 for DOUBLE); a
// coordinate becomes an index only after it is limited to the tensor, so that
// NaN and infinities read some element, never outside.
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// Most samples along one axis of a region whose size is data.
static constexpr int64_t kMaxSamples = int64_t(1) << 12;

/// The type in which samples of `onnxType` are computed.
static int wideType(int onnxType) {
  return onnxType == onnxtype::Double ? int(onnxtype::Double)
                                      : int(onnxtype::Float);
}

namespace {

/// Float arithmetic in one place of a body.
struct Arithmetic {
  OpBuilder &b;
  Location l;
  Type type;

  Value number(double x) const { return scalar(b, l, type, x); }
  Value add(Value x, Value y) const { return onnximport::add(b, l, x, y); }
  Value sub(Value x, Value y) const { return subtract(b, l, x, y); }
  Value mul(Value x, Value y) const { return multiply(b, l, x, y); }
  Value div(Value x, Value y) const {
    return arith::DivFOp::create(b, l, x, y);
  }
  Value floor(Value x) const { return math::FloorOp::create(b, l, x); }
  Value ceil(Value x) const { return math::CeilOp::create(b, l, x); }
  Value select(Value c, Value x, Value y) const {
    return arith::SelectOp::create(b, l, c, x, y);
  }
  Value both(Value x, Value y) const {
    return arith::AndIOp::create(b, l, x, y);
  }
  Value less(Value x, Value y) const {
    return compare(b, l, Comparison::Less, x, y, false);
  }
  Value atMost(Value x, Value y) const {
    return compare(b, l, Comparison::LessEqual, x, y, false);
  }
  /// Limits `x`; NaN becomes `low`.
  Value clamp(Value x, double low, double high) const {
    x = arith::MaxNumFOp::create(b, l, x, number(low));
    return arith::MinNumFOp::create(b, l, x, number(high));
  }
  /// An index from a float, limited to [low, high].
  Value index(Value x, int64_t low, int64_t high) const {
    Value limited = clamp(x, double(low), double(high));
    Value whole = arith::FPToSIOp::create(b, l, b.getI64Type(), limited);
    return arith::IndexCastOp::create(b, l, b.getIndexType(), whole);
  }
  /// A float from an index.
  Value real(Value index) const {
    Value whole = arith::IndexCastOp::create(b, l, b.getI64Type(), index);
    return arith::SIToFPOp::create(b, l, type, whole);
  }
  Value at(int64_t i) const { return arith::ConstantIndexOp::create(b, l, i); }
};

} // namespace

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {

/// One element that contributes to a sample along an axis.
struct Tap {
  Value index;
  Value valid;  ///< null when always
  Value weight; ///< null for 1
};

struct GridMethod {
  std::string mode;
  std::string padding = "zeros";
  int64_t alignCorners = 0;
};

} // namespace

/// Mirrors `x` at `low` and `high` until it lies between them.
static Value reflect(const Arithmetic &a, Value x, double low, double high) {
  if (high <= low)
    return a.number(low);
  Value below = a.less(x, a.number(low)), above = a.less(a.number(high), x);
  Value distance =
      a.select(below, a.sub(a.number(low), x), a.sub(x, a.number(high)));
  Value times = a.floor(a.div(distance, a.number(high - low)));
  Value rest = a.sub(distance, a.mul(times, a.number(high - low)));
  Value half = a.mul(times, a.number(0.5));
  Value even = compare(a.b, a.l, Comparison::Equal, a.floor(half), half, false);
  Value fromLow = a.add(a.number(low), rest);
  Value fromHigh = a.sub(a.number(high), rest);
  // An even number of mirrors ends on the side where `x` came in.
  Value onLow = compare(a.b, a.l, Comparison::Equal, even, below, false);
  Value mirrored = a.select(onLow, fromLow, fromHigh);
  Value outside = arith::OrIOp::create(a.b, a.l, below, above);
  return a.select(outside, mirrored, x);
}

/// The elements that a coordinate in [-1, 1] of an axis touches.
static SmallVector<Tap, 4> tapsAt(const Arithmetic &a, const GridMethod &method,
                                  Value coordinate, int64_t size) {
  double low = method.alignCorners ? 0.0 : -0.5;
  double high = method.alignCorners ? double(size) - 1.0 : double(size) - 0.5;
  Value x = a.add(coordinate, a.number(1.0));
  if (method.alignCorners)
    x = a.mul(a.mul(x, a.number(0.5)), a.number(double(size - 1)));
  else
    x = a.mul(a.sub(a.mul(x, a.number(double(size))), a.number(1.0)),
              a.number(0.5));
  if (method.mode == "nearest")
    x = math::RoundEvenOp::create(a.b, a.l, x);
  // Farther outside than the reach of all taps, nothing changes any more.
  if (method.padding == "reflection")
    x = reflect(a, x, low, high);
  else
    x = a.clamp(x, -4.0, double(size) + 3.0);

  auto tap = [&](Value position, Value weight) -> Tap {
    Tap result{Value(), Value(), weight};
    if (method.padding == "reflection")
      position = reflect(a, position, low, high);
    else if (method.padding == "zeros")
      result.valid = a.both(a.atMost(a.number(0.0), position),
                            a.atMost(position, a.number(double(size - 1))));
    result.index = a.index(position, 0, size - 1);
    return result;
  };
  if (method.mode == "nearest")
    return {tap(x, Value())};
  Value base = a.floor(x), ratio = a.sub(x, base);
  Value one = a.number(1.0), inverse = a.sub(one, ratio);
  if (method.mode == "linear")
    return {tap(base, inverse), tap(a.add(base, one), ratio)};
  // Keys' cubic convolution with A = -0.75: `d` within 1, and from 1 to 2.
  auto inner = [&](Value d) {
    Value inside = a.sub(a.mul(a.number(1.25), d), a.number(2.25));
    return a.add(a.mul(a.mul(inside, d), d), one);
  };
  auto outer = [&](Value d) {
    d = a.add(d, one);
    Value w = a.add(a.mul(a.number(-0.75), d), a.number(3.75));
    w = a.sub(a.mul(w, d), a.number(6.0));
    return a.add(a.mul(w, d), a.number(3.0));
  };
  return {tap(a.sub(base, one), outer(ratio)), tap(base, inner(ratio)),
          tap(a.add(base, one), inner(inverse)),
          tap(a.add(base, a.number(2.0)), outer(inverse))};
}

/// The sum over the taps of axis `d` and those after it.
static Value sumTaps(const Arithmetic &a, ArrayRef<SmallVector<Tap, 4>> taps,
                     llvm::function_ref<Value(ValueRange)> read,
                     SmallVectorImpl<Value> &indices, Value valid) {
  if (taps.empty()) {
    Value x = read(indices);
    return valid ? a.select(valid, x, a.number(0.0)) : x;
  }
  Value sum;
  for (const Tap &tap : taps.front()) {
    Value inside = valid && tap.valid ? a.both(valid, tap.valid)
                                      : (tap.valid ? tap.valid : valid);
    indices.push_back(tap.index);
    Value part = sumTaps(a, taps.drop_front(), read, indices, inside);
    indices.pop_back();
    if (tap.weight)
      part = a.mul(part, tap.weight);
    sum = sum ? a.add(sum, part) : part;
  }
  return sum;
}

static FailureOr<GridMethod> readGridMethod(Node &node, size_t rank) {
  GridMethod method;
  bool isOld = node.version() < 20;
  method.mode = isOld ? "bilinear" : "linear";
  if (failed(node.attribute("mode", method.mode)) ||
      failed(node.attribute("padding_mode", method.padding)) ||
      failed(node.attribute("align_corners", method.alignCorners)))
    return failure();
  std::string given = method.mode;
  if (isOld)
    method.mode = given == "bilinear"  ? "linear"
                  : given == "bicubic" ? "cubic"
                  : given == "nearest" ? given
                                       : "";
  bool knownMode = method.mode == "nearest" || method.mode == "linear" ||
                   method.mode == "cubic";
  bool knownPadding = method.padding == "zeros" || method.padding == "border" ||
                      method.padding == "reflection";
  // The number of terms grows with the power of the rank.
  if (!knownMode || !knownPadding || rank > (method.mode == "cubic" ? 3 : 4)) {
    node.error() << "mode '" << given << "' with padding_mode '"
                 << method.padding << "' on " << rank
                 << " spatial dimensions is not supported; there are nearest, "
                    "linear (up to 4 dimensions) and cubic (up to 3) with "
                    "zeros, border or reflection";
    return failure();
  }
  return method;
}

LogicalResult lowerGridSample(Node &node) {
  FailureOr<Shape> x = node.shape(0), grid = node.shape(1);
  size_t rank = x->size() < 3 ? 0 : x->size() - 2;
  FailureOr<GridMethod> method = readGridMethod(node, rank);
  if (failed(method))
    return failure();
  if (rank == 0 || grid->size() != rank + 2 || (*grid)[0] != (*x)[0] ||
      grid->back() != int64_t(rank) || (node.version() < 20 && rank != 2) ||
      !isFloatType(node.elementType(1))) {
    node.error() << "a grid of " << onnxTypeName(node.elementType(1)) << " "
                 << shapeText(*grid) << " does not fit data of shape "
                 << shapeText(*x)
                 << "; needed is a float grid of the batch, the output's "
                    "dimensions and one coordinate per spatial dimension";
    return failure();
  }
  Shape shape = {(*x)[0], (*x)[1]};
  shape.append(grid->begin() + 1, grid->end() - 1);
  int onnxType = node.elementType(0), gridType = node.elementType(1);
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type))
    return failure();
  if (countElements(*x) == 0 && type->getNumElements() != 0) {
    node.error() << "samples an empty tensor of shape " << shapeText(*x);
    return failure();
  }
  FailureOr<Value> data = node.tensor(0), places = node.tensor(1);
  if (failed(data) || failed(places))
    return failure();
  int wide = wideType(onnxType);
  return node.result(elementwise(
      node.builder, node.loc, *type, {},
      [&](OpBuilder &b, Location l, ValueRange) -> Value {
        Arithmetic a{b, l, irType(b.getContext(), wide)};
        SmallVector<Value, 4> loops = loopIndices(b, l, shape.size());
        SmallVector<Value, 4> from = {loops[0]};
        from.append(loops.begin() + 2, loops.end());
        from.emplace_back();
        SmallVector<SmallVector<Tap, 4>> taps;
        for (size_t d = 0; d < rank; ++d) {
          // The last dimension has the first coordinate.
          from.back() = a.at(rank - 1 - d);
          Value coordinate =
              convert(b, l, extract(b, l, *places, from), gridType, wide);
          taps.push_back(tapsAt(a, *method, coordinate, (*x)[2 + d]));
        }
        auto read = [&](ValueRange spatial) {
          SmallVector<Value, 4> at = {loops[0], loops[1]};
          llvm::append_range(at, spatial);
          return convert(b, l, extract(b, l, *data, at), onnxType, wide);
        };
        SmallVector<Value, 4> indices;
        Value sum = sumTaps(a, taps, read, indices, Value());
        return convert(b, l, sum, wide, onnxType);
      }));
}

LogicalResult lowerAffineGrid(Node &node) {
  int64_t alignCorners = 0;
  if (failed(node.attribute("align_corners", alignCorners)))
    return failure();
  FailureOr<Shape> size = node.integers(1, "the size");
  if (failed(size))
    return failure();
  FailureOr<Shape> theta = node.shape(0);
  int64_t rank = int64_t(size->size()) - 2;
  if ((rank != 2 && rank != 3) ||
      *theta != Shape({size->front(), rank, rank + 1})) {
    node.error() << "theta of shape " << shapeText(*theta)
                 << " does not fit the size " << shapeText(*size)
                 << "; needed are Nx2x3 for NxCxHxW or Nx3x4 for NxCxDxHxW";
    return failure();
  }
  Shape shape = {size->front()};
  shape.append(size->begin() + 2, size->end());
  shape.push_back(rank);
  FailureOr<RankedTensorType> type = node.type(shape);
  FailureOr<Value> matrix = node.tensor(0);
  if (failed(type) || failed(matrix))
    return failure();
  int onnxType = node.elementType(0), wide = wideType(onnxType);
  return node.result(elementwise(
      node.builder, node.loc, *type, {},
      [&](OpBuilder &b, Location l, ValueRange) -> Value {
        Arithmetic a{b, l, irType(b.getContext(), wide)};
        SmallVector<Value, 4> loops = loopIndices(b, l, shape.size());
        SmallVector<Value, 4> from = {loops[0], loops.back(), Value()};
        Value sum;
        for (int64_t k = 0; k <= rank; ++k) {
          from.back() = a.at(k);
          Value term =
              convert(b, l, extract(b, l, *matrix, from), onnxType, wide);
          if (k < rank) {
            // Coordinate k is that of dimension rank - 1 - k, in [-1, 1].
            int64_t count = shape[rank - k];
            double step = alignCorners
                              ? (count > 1 ? 2.0 / double(count - 1) : 0.0)
                              : 2.0 / double(std::max<int64_t>(count, 1));
            double start = alignCorners ? -1.0 : -1.0 + step / 2.0;
            Value at = a.mul(a.real(loops[rank - k]), a.number(step));
            term = a.mul(term, a.add(at, a.number(start)));
          }
          sum = sum ? a.add(sum, term) : term;
        }
        return convert(b, l, sum, wide, onnxType);
      }));
}

//===----------------------------------------------------------------------===//
// Regions of interest
//===----------------------------------------------------------------------===//

/// Checks X (NxCxHxW) and the regions (`columns` numbers each).
static LogicalResult checkRegions(Node &node, int64_t columns, int64_t height,
                                  int64_t width) {
  FailureOr<Shape> x = node.shape(0), regions = node.shape(1);
  if (x->size() == 4 && regions->size() == 2 && (*regions)[1] == columns &&
      countElements(*x) != 0 && node.elementType(1) == node.elementType(0) &&
      height >= 1 && width >= 1 && height <= kMaxElements &&
      width <= kMaxElements)
    return success();
  node.error() << "regions of shape " << shapeText(*regions)
               << " do not fit data of shape " << shapeText(*x)
               << " and an output of " << height << "x" << width
               << "; needed are NxCxHxW without empty dimensions, " << columns
               << " numbers of its type per region, and positive sizes";
  return failure();
}

/// `body` for each row and column of a grid in the program, which carries a
/// number.
static Value overGrid(
    const Arithmetic &a, Value rowStart, Value rowEnd, Value columnStart,
    Value columnEnd, Value start,
    llvm::function_ref<Value(const Arithmetic &, Value, Value, Value)> body) {
  Value one = a.at(1);
  auto rows = scf::ForOp::create(
      a.b, a.l, rowStart, rowEnd, one, ValueRange(start),
      [&](OpBuilder &b, Location l, Value row, ValueRange carried) {
        auto columns = scf::ForOp::create(
            b, l, columnStart, columnEnd, one, carried,
            [&](OpBuilder &inner, Location at, Value column, ValueRange sum) {
              Arithmetic here{inner, at, a.type};
              scf::YieldOp::create(inner, at, body(here, row, column, sum[0]));
            });
        scf::YieldOp::create(b, l, columns.getResults());
      });
  return rows.getResult(0);
}

LogicalResult lowerRoiAlign(Node &node) {
  std::string mode = "avg", coordinates = "half_pixel";
  int64_t height = 1, width = 1, samples = 0;
  float scale = 1.0f;
  if (failed(node.attribute("mode", mode)) ||
      failed(node.attribute("output_height", height)) ||
      failed(node.attribute("output_width", width)) ||
      failed(node.attribute("sampling_ratio", samples)) ||
      failed(node.attribute("spatial_scale", scale)))
    return failure();
  if (node.version() < 16)
    coordinates = "output_half_pixel";
  else if (failed(
               node.attribute("coordinate_transformation_mode", coordinates)))
    return failure();
  bool shifted = coordinates == "half_pixel", average = mode == "avg";
  if (failed(checkRegions(node, 4, height, width)))
    return failure();
  FailureOr<Shape> x = node.shape(0), regions = node.shape(1);
  if ((!average && mode != "max") ||
      (!shifted && coordinates != "output_half_pixel") || samples < 0 ||
      samples > kMaxSamples || *node.shape(2) != Shape{(*regions)[0]} ||
      node.elementType(2) != onnxtype::Int64) {
    node.error() << "mode '" << mode << "', coordinate_transformation_mode '"
                 << coordinates << "', sampling_ratio " << samples
                 << " and batch indices of shape " << shapeText(*node.shape(2))
                 << " do not fit; needed are avg or max, half_pixel or "
                    "output_half_pixel, 0 to "
                 << kMaxSamples << ", and one INT64 per region";
    return failure();
  }
  Shape shape = {(*regions)[0], (*x)[1], height, width};
  FailureOr<RankedTensorType> type = node.type(shape);
  FailureOr<Value> data = node.tensor(0), boxes = node.tensor(1),
                   batches = node.tensor(2);
  if (failed(type) || failed(data) || failed(boxes) || failed(batches))
    return failure();
  int onnxType = node.elementType(0), wide = wideType(onnxType);
  auto body = [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
    Arithmetic a{b, l, irType(b.getContext(), wide)};
    SmallVector<Value, 4> loops = loopIndices(b, l, 4);
    Value batch = wrappedIndex(b, l, elements[0], false, (*x)[0]);
    // Along the height, then the width: where the bin starts, the distance of
    // its samples, and how many there are.
    Value origin[2], distance[2], count[2];
    for (int d = 0; d < 2; ++d) {
      auto edge = [&](int64_t column) {
        Value at = extract(b, l, *boxes, {loops[0], a.at(column)});
        at = a.mul(convert(b, l, at, onnxType, wide), a.number(scale));
        return shifted ? a.sub(at, a.number(0.5)) : at;
      };
      Value first = edge(d == 0 ? 1 : 0), last = edge(d == 0 ? 3 : 2);
      Value extent = a.sub(last, first);
      if (!shifted) // a region has at least the size of an element
        extent = arith::MaxNumFOp::create(b, l, extent, a.number(1.0));
      Value bin = a.div(extent, a.number(double(d == 0 ? height : width)));
      count[d] =
          samples > 0 ? a.at(samples) : a.index(a.ceil(bin), 0, kMaxSamples);
      distance[d] = a.div(bin, a.real(count[d]));
      origin[d] = a.add(first, a.mul(a.real(loops[2 + d]), bin));
    }
    Value sum = overGrid(
        a, a.at(0), count[0], a.at(0), count[1],
        average
            ? a.number(0.0)
            : scalar(b, l, a.type, -std::numeric_limits<double>::infinity()),
        [&](const Arithmetic &at, Value row, Value column, Value carried) {
          Value steps[2] = {row, column};
          Value low[2], high[2], ratio[2], inside;
          for (int d = 0; d < 2; ++d) {
            int64_t size = (*x)[2 + d];
            Value position = at.add(
                origin[d],
                at.mul(at.add(at.real(steps[d]), at.number(0.5)), distance[d]));
            Value within =
                at.both(at.atMost(at.number(-1.0), position),
                        at.atMost(position, at.number(double(size))));
            inside = inside ? at.both(inside, within) : within;
            position = at.clamp(position, 0.0, double(size - 1));
            low[d] = at.index(position, 0, size - 1);
            high[d] = clampedIndex(
                at.b, at.l, onnximport::add(at.b, at.l, low[d], at.at(1)),
                size);
            ratio[d] = at.sub(position, at.real(low[d]));
          }
          auto corner = [&](bool down, bool right) {
            Value y = down ? ratio[0] : at.sub(at.number(1.0), ratio[0]);
            Value z = right ? ratio[1] : at.sub(at.number(1.0), ratio[1]);
            Value element = extract(at.b, at.l, *data,
                                    {batch, loops[1], down ? high[0] : low[0],
                                     right ? high[1] : low[1]});
            Value product = at.mul(
                at.mul(y, z), convert(at.b, at.l, element, onnxType, wide));
            return at.select(inside, product, at.number(0.0));
          };
          Value parts[4] = {corner(false, false), corner(false, true),
                            corner(true, false), corner(true, true)};
          // The maximum is that of the weighted corners, as ONNX defines it.
          for (Value part : parts)
            carried = average ? at.add(carried, part)
                              : maximum(at.b, at.l, carried, part, false);
          return carried;
        });
    Value total = arith::MulIOp::create(b, l, count[0], count[1]);
    if (average) {
      Value number = arith::MaxSIOp::create(b, l, total, a.at(1));
      sum = a.div(sum, a.real(number));
    } else { // a region without samples is 0
      Value none =
          arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, total, a.at(0));
      sum = a.select(none, a.number(0.0), sum);
    }
    return convert(b, l, sum, wide, onnxType);
  };
  return node.result(elementwise(node.builder, node.loc, *type,
                                 {Operand{*batches, {0}}}, body));
}

LogicalResult lowerMaxRoiPool(Node &node) {
  Shape pooled;
  float scale = 1.0f;
  if (failed(node.attribute("pooled_shape", pooled)) ||
      failed(node.attribute("spatial_scale", scale)))
    return failure();
  if (pooled.size() != 2) {
    node.error() << "pooled_shape must be a height and a width, has "
                 << pooled.size() << " values";
    return failure();
  }
  if (failed(checkRegions(node, 5, pooled[0], pooled[1])))
    return failure();
  FailureOr<Shape> x = node.shape(0), regions = node.shape(1);
  Shape shape = {(*regions)[0], (*x)[1], pooled[0], pooled[1]};
  FailureOr<RankedTensorType> type = node.type(shape);
  FailureOr<Value> data = node.tensor(0), boxes = node.tensor(1);
  if (failed(type) || failed(data) || failed(boxes))
    return failure();
  int onnxType = node.elementType(0), wide = wideType(onnxType);
  auto body = [&](OpBuilder &b, Location l, ValueRange) -> Value {
    Arithmetic a{b, l, irType(b.getContext(), wide)};
    SmallVector<Value, 4> loops = loopIndices(b, l, 4);
    auto region = [&](int64_t column) {
      Value value = extract(b, l, *boxes, {loops[0], a.at(column)});
      return convert(b, l, value, onnxType, wide);
    };
    Value batch = a.index(region(0), 0, (*x)[0] - 1);
    Value first[2], last[2];
    for (int d = 0; d < 2; ++d) {
      int64_t size = (*x)[2 + d];
      auto edge = [&](int64_t column) -> Value {
        return math::RoundOp::create(b, l,
                                     a.mul(region(column), a.number(scale)));
      };
      Value start = edge(d == 0 ? 2 : 1), end = edge(d == 0 ? 4 : 3);
      Value extent = a.add(a.sub(end, start), a.number(1.0));
      extent = arith::MaxNumFOp::create(b, l, extent, a.number(1.0));
      Value bin = a.div(extent, a.number(double(pooled[d])));
      Value place = a.real(loops[2 + d]);
      Value next = a.add(place, a.number(1.0));
      first[d] = a.index(a.add(a.floor(a.mul(place, bin)), start), 0, size);
      last[d] = a.index(a.add(a.ceil(a.mul(next, bin)), start), 0, size);
    }
    Value lowest = a.number(-std::numeric_limits<double>::infinity());
    Value most = overGrid(
        a, first[0], last[0], first[1], last[1], lowest,
        [&](const Arithmetic &at, Value row, Value column, Value carried) {
          Value element =
              extract(at.b, at.l, *data, {batch, loops[1], row, column});
          element = convert(at.b, at.l, element, onnxType, wide);
          return maximum(at.b, at.l, carried, element, false);
        });
    auto isEmpty = [&](int d) -> Value {
      return arith::CmpIOp::create(b, l, arith::CmpIPredicate::sle, last[d],
                                   first[d]);
    };
    Value none = arith::OrIOp::create(b, l, isEmpty(0), isEmpty(1));
    return convert(b, l, a.select(none, a.number(0.0), most), wide, onnxType);
  };
  return node.result(elementwise(node.builder, node.loc, *type, {}, body));
}

} // namespace imc::onnximport
