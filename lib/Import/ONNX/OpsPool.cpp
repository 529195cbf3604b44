//===- OpsPool.cpp - Pools ------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "OpTable.h"
#include "WideFloat.h"
#include "Window.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

namespace {
struct Pool {
  Window window;
  Value x;
  RankedTensorType type; ///< of the result, in the type of the input
};
} // namespace

static FailureOr<Pool> readPool(Node &node) {
  FailureOr<Shape> shape = node.shape(0);
  Shape kernel;
  if (!node.hasAttribute("kernel_shape")) {
    node.error() << "attribute 'kernel_shape' is missing";
    return failure();
  }
  if (failed(node.attribute("kernel_shape", kernel)))
    return failure();
  FailureOr<Window> window = readWindow(node, *shape, kernel, /*pool=*/true);
  if (failed(window))
    return failure();
  Shape result{(*shape)[0], (*shape)[1]};
  for (const WindowDim &dim : *window)
    result.push_back(dim.out);
  FailureOr<RankedTensorType> type = node.type(result);
  FailureOr<Value> x = node.tensor(0);
  if (failed(type) || failed(x))
    return failure();
  return Pool{*window, *x, *type};
}

/// Only its shape, the kernel's, matters to the ops that take it.
static Value windowShape(Node &node, const Window &window, Type element) {
  Shape kernel;
  for (const WindowDim &dim : window)
    kernel.push_back(dim.kernel);
  return empty(node.builder, node.loc, RankedTensorType::get(kernel, element));
}

/// One `linalg.generic` that reduces the window at each position of `inits`
/// (NxC and the window's `out`). Loops: n, c, positions…, taps…. `body` gets
/// the element of x, one of the window's shape, and what is reduced so far.
static linalg::GenericOp reduceWindows(
    Node &node, Value x, const Window &window, ValueRange inits,
    llvm::function_ref<SmallVector<Value, 2>(OpBuilder &, Location, ValueRange)>
        body) {
  OpBuilder &builder = node.builder;
  unsigned spatial = window.size(), rank = 2 + 2 * spatial;
  SmallVector<AffineExpr> from, to, taps;
  auto dim = [&](unsigned d) { return builder.getAffineDimExpr(d); };
  for (unsigned d = 0; d < 2; ++d) {
    from.push_back(dim(d));
    to.push_back(dim(d));
  }
  for (unsigned d = 0; d < spatial; ++d) {
    from.push_back(dim(2 + d) * window[d].stride +
                   dim(2 + spatial + d) * window[d].dilation);
    to.push_back(dim(2 + d));
    taps.push_back(dim(2 + spatial + d));
  }
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(rank, 0, exprs, builder.getContext());
  };
  SmallVector<AffineMap> maps{map(from), map(taps)};
  maps.append(inits.size(), map(to));
  SmallVector<utils::IteratorType> iterators(2 + spatial,
                                             utils::IteratorType::parallel);
  iterators.append(spatial, utils::IteratorType::reduction);
  Type element = cast<RankedTensorType>(x.getType()).getElementType();
  return linalg::GenericOp::create(
      builder, node.loc, inits.getTypes(),
      ValueRange{x, windowShape(node, window, element)}, inits, maps, iterators,
      [&](OpBuilder &b, Location l, ValueRange v) {
        linalg::YieldOp::create(b, l, body(b, l, v));
      });
}

/// A pool of a 1-D window as one of height 1, so that both have one form.
static Window withHeight(const Window &window) {
  return window.size() == 1 ? Window{WindowDim(), window[0]} : window;
}

static Value insertHeight(Node &node, Value x) {
  Shape shape(shapeOf(x));
  if (shape.size() == 3)
    shape.insert(shape.begin() + 2, 1);
  return reshape(node.builder, node.loc, x, shape);
}

/// The sums of the windows of x (padded), in its wide type.
static Value sumWindows(Node &node, Value x, const Window &window,
                        ArrayRef<int64_t> result) {
  OpBuilder &builder = node.builder;
  Type element = wideType(cast<RankedTensorType>(x.getType()).getElementType());
  if (window.size() > 2) {
    Value init =
        filled(builder, node.loc, RankedTensorType::get(result, element), 0.0);
    return reduceWindows(node, x, window, init,
                         [&](OpBuilder &b, Location l, ValueRange v) {
                           Value wide = castFloatScalar(b, l, v[0], element);
                           return SmallVector<Value, 2>{add(b, l, v[2], wide)};
                         })
        .getResult(0);
  }
  Window flat = withHeight(window);
  auto type = RankedTensorType::get(
      {result[0], result[1], flat[0].out, flat[1].out}, element);
  auto op = linalg::PoolingNchwSumOp::create(
      builder, node.loc, TypeRange(type),
      ValueRange{insertHeight(node, x), windowShape(node, flat, element)},
      ValueRange(filled(builder, node.loc, type, 0.0)), stridesOf(node, flat),
      dilationsOf(node, flat));
  return reshape(builder, node.loc, op.getResult(0), result);
}

//===----------------------------------------------------------------------===//
// MaxPool
//===----------------------------------------------------------------------===//

/// Maxima and where they are in the input, counted row-major or, with
/// `columnMajor`, with the first spatial dimension fastest.
static std::pair<Value, Value> maximaWithIndices(Node &node, const Pool &pool,
                                                 Value x, bool columnMajor) {
  OpBuilder &builder = node.builder;
  const Window &window = pool.window;
  bool isUnsigned = node.isUnsigned(0);
  Type element = pool.type.getElementType();
  Value values =
      filled(builder, node.loc, pool.type, lowestValue(element, isUnsigned));
  // -1: nothing seen yet. Padding is never taken, even where data is as low.
  Value places = filled(
      builder, node.loc,
      RankedTensorType::get(pool.type.getShape(), builder.getI64Type()), -1.0);
  int64_t channels = pool.type.getDimSize(1);
  auto op = reduceWindows(
      node, x, window, ValueRange{values, places},
      [&](OpBuilder &b, Location l, ValueRange v) {
        Type i64 = b.getI64Type();
        auto loop = [&](unsigned d) -> Value {
          return arith::IndexCastOp::create(b, l, i64,
                                            linalg::IndexOp::create(b, l, d));
        };
        auto number = [&](int64_t value) {
          return integerScalar(b, l, i64, value);
        };
        auto both = [&](Value p, Value q) -> Value {
          return arith::AndIOp::create(b, l, p, q);
        };
        Value isData, place;
        // Horner's rule from the slowest dimension to the fastest.
        auto append = [&](Value at, int64_t size) {
          place =
              place ? add(b, l, multiply(b, l, place, number(size)), at) : at;
        };
        SmallVector<Value, 3> positions;
        for (auto [d, dim] : llvm::enumerate(window)) {
          Value start = multiply(b, l, loop(2 + d), number(dim.stride));
          Value tap =
              multiply(b, l, loop(2 + window.size() + d), number(dim.dilation));
          Value at = subtract(b, l, add(b, l, start, tap), number(dim.begin));
          positions.push_back(at);
          Value inside =
              both(compare(b, l, Comparison::GreaterEqual, at, number(0),
                           /*isUnsigned=*/false),
                   compare(b, l, Comparison::Less, at, number(dim.in),
                           /*isUnsigned=*/false));
          isData = isData ? both(isData, inside) : inside;
        }
        append(loop(0), 1);
        append(loop(1), channels);
        for (size_t i = 0; i < window.size(); ++i) {
          size_t d = columnMajor ? window.size() - 1 - i : i;
          append(positions[d], window[d].in);
        }
        Value value = v[0], best = v[2], bestPlace = v[3];
        Value better =
            compare(b, l, Comparison::Greater, value, best, isUnsigned);
        if (isa<FloatType>(element)) {
          // The first NaN wins over all numbers.
          Value nan = arith::CmpFOp::create(b, l, arith::CmpFPredicate::UNO,
                                            value, value);
          Value number = arith::CmpFOp::create(b, l, arith::CmpFPredicate::ORD,
                                               best, best);
          better = arith::OrIOp::create(b, l, better, both(nan, number));
        }
        Value none = compare(b, l, Comparison::Less, bestPlace, number(0),
                             /*isUnsigned=*/false);
        Value take = both(isData, arith::OrIOp::create(b, l, better, none));
        return SmallVector<Value, 2>{
            arith::SelectOp::create(b, l, take, value, best),
            arith::SelectOp::create(b, l, take, place, bestPlace)};
      });
  return {op.getResult(0), op.getResult(1)};
}

LogicalResult lowerMaxPool(Node &node) {
  int64_t storageOrder = 0;
  if (failed(node.attribute("storage_order", storageOrder)))
    return failure();
  if (storageOrder != 0 && storageOrder != 1) {
    node.error() << "storage_order " << storageOrder
                 << " is neither 0 (row-major) nor 1 (column-major)";
    return failure();
  }
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool))
    return failure();
  Type element = pool->type.getElementType();
  // ONNX pools INT8 and UINT8; codes of 16 bits come from QDQ models.
  if (element.isInteger() && !element.isInteger(8) && !element.isInteger(16)) {
    node.error() << "input 0 is " << onnxTypeName(node.elementType(0))
                 << "; of the integers only those of 8 and 16 bits are "
                    "pooled, cast the input";
    return failure();
  }
  // Padding never wins over data.
  TypedAttr lowest = lowestValue(element, node.isUnsigned(0));
  FailureOr<Value> x =
      padWindow(node, pool->x, pool->window, /*needed=*/true, lowest);
  if (failed(x))
    return failure();
  OpBuilder &builder = node.builder;
  if (node.hasOutput(1)) {
    auto [values, places] =
        maximaWithIndices(node, *pool, *x, storageOrder == 1);
    if (failed(node.result(values)))
      return failure();
    return node.result(places, 1, onnxtype::Int64);
  }
  if (pool->window.size() > 2 || node.isUnsigned(0)) {
    Value init = filled(builder, node.loc, pool->type, lowest);
    auto op = reduceWindows(node, *x, pool->window, init,
                            [&](OpBuilder &b, Location l, ValueRange v) {
                              return SmallVector<Value, 2>{maximum(
                                  b, l, v[2], v[0], node.isUnsigned(0))};
                            });
    return node.result(op.getResult(0));
  }
  Window flat = withHeight(pool->window);
  auto type =
      RankedTensorType::get({pool->type.getDimSize(0), pool->type.getDimSize(1),
                             flat[0].out, flat[1].out},
                            element);
  Value init = filled(builder, node.loc, type, lowest);
  auto op = linalg::PoolingNchwMaxOp::create(
      builder, node.loc, TypeRange(type),
      ValueRange{insertHeight(node, *x), windowShape(node, flat, element)},
      ValueRange(init), stridesOf(node, flat), dilationsOf(node, flat));
  return node.result(
      reshape(builder, node.loc, op.getResult(0), pool->type.getShape()));
}

//===----------------------------------------------------------------------===//
// AveragePool
//===----------------------------------------------------------------------===//

/// How many elements of the window at output position `o` count: those on data,
/// and those on the padding that the model asks for if `includePad`. What
/// ceil_mode adds beyond that never counts.
static int64_t countElements(const WindowDim &dim, int64_t o, bool includePad) {
  int64_t low = includePad ? -dim.begin : 0;
  int64_t high = dim.in + (includePad ? dim.end : 0);
  int64_t start = o * dim.stride - dim.begin;
  // Taps k in [0, kernel) with low <= start + k·dilation < high.
  int64_t first =
      start >= low ? 0 : (low - start + dim.dilation - 1) / dim.dilation;
  int64_t last = start >= high
                     ? 0
                     : std::min(dim.kernel, (high - start + dim.dilation - 1) /
                                                dim.dilation);
  // Never 0 on an input with data; without any there is no window to divide.
  return std::max<int64_t>(1, last - first);
}

/// A vector of `values` in a float type of 32 or 64 bits.
static Value floatVector(Node &node, ArrayRef<double> values, Type element) {
  auto type = RankedTensorType::get({int64_t(values.size())}, element);
  SmallVector<Attribute> numbers;
  for (double value : values)
    numbers.push_back(FloatAttr::get(element, value));
  return arith::ConstantOp::create(node.builder, node.loc,
                                   DenseElementsAttr::get(type, numbers));
}

LogicalResult lowerAveragePool(Node &node) {
  int64_t includePad = 0;
  if (failed(node.attribute("count_include_pad", includePad)))
    return failure();
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool))
    return failure();
  const Window &window = pool->window;
  OpBuilder &builder = node.builder;
  if (shapeOf(pool->x) == pool->type.getShape() &&
      llvm::all_of(window, [](const WindowDim &dim) {
        return dim.kernel == 1 && dim.stride == 1;
      }))
    return node.result(pool->x); // exporters write such pools; they do nothing

  Type element = pool->type.getElementType(), wide = wideType(element);
  FailureOr<Value> x = padWindow(node, pool->x, window, /*needed=*/true,
                                 FloatAttr::get(element, 0.0));
  if (failed(x))
    return failure();
  Value sum = sumWindows(node, *x, window, pool->type.getShape());

  // The number of counted elements is a product of one factor per dimension: a
  // constant, or one that depends on the position.
  double constant = 1;
  SmallVector<Operand> operands{whole(sum)};
  for (auto [d, dim] : llvm::enumerate(window)) {
    if (dim.out > (int64_t(1) << 20)) {
      node.error() << "the result has " << dim.out
                   << " elements along a dimension; more than 2^20 are refused";
      return failure();
    }
    std::vector<double> counts;
    for (int64_t o = 0; o < dim.out; ++o)
      counts.push_back(double(countElements(dim, o, includePad != 0)));
    if (llvm::all_equal(counts))
      constant *= counts.empty() ? 1 : counts.front();
    else
      operands.push_back({floatVector(node, counts, wide), {2 + int64_t(d)}});
  }
  return node.result(
      elementwise(builder, node.loc, pool->type, operands,
                  [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                    Value count = constant != 1 || v.size() == 1
                                      ? scalar(b, l, wide, constant)
                                      : Value();
                    for (Value factor : v.drop_front())
                      count = count ? multiply(b, l, count, factor) : factor;
                    Value mean = arith::DivFOp::create(b, l, v[0], count);
                    return castFloatScalar(b, l, mean, element);
                  }));
}

//===----------------------------------------------------------------------===//
// LpPool
//===----------------------------------------------------------------------===//

static FailureOr<int64_t> readNorm(Node &node) {
  int64_t p = 2;
  if (failed(node.attribute("p", p)))
    return failure();
  if (p < 1 || p > (1 << 20)) {
    node.error() << "p is " << p << ", which must be between 1 and 2^20";
    return failure();
  }
  return p;
}

/// |x|^p in the wide type.
static Value powers(Node &node, Value x, int64_t p) {
  auto type = cast<RankedTensorType>(x.getType());
  Type wide = wideType(type.getElementType());
  return elementwise(
      node.builder, node.loc, type.clone(wide), {whole(x)},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value value = castFloatScalar(b, l, v[0], wide);
        if (p == 2)
          return multiply(b, l, value, value);
        value = math::AbsFOp::create(b, l, value);
        return p == 1 ? value
                      : Value(math::PowFOp::create(
                            b, l, value, scalar(b, l, wide, double(p))));
      });
}

/// The p-th root of a sum in the type of input 0.
static Value root(Node &node, Value sum, int64_t p) {
  auto type = cast<RankedTensorType>(sum.getType());
  Type wide = type.getElementType();
  Type element = irType(node.builder.getContext(), node.elementType(0));
  if (p == 1)
    return castFloat(node.builder, node.loc, sum, element);
  return elementwise(
      node.builder, node.loc, type.clone(element), {whole(sum)},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value value =
            p == 2 ? Value(math::SqrtOp::create(b, l, v[0]))
                   : Value(math::PowFOp::create(
                         b, l, v[0], scalar(b, l, wide, 1.0 / double(p))));
        return castFloatScalar(b, l, value, element);
      });
}

LogicalResult lowerLpPool(Node &node) {
  FailureOr<int64_t> p = readNorm(node);
  if (failed(p))
    return failure();
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool))
    return failure();
  Value x = powers(node, pool->x, *p);
  Type wide = cast<RankedTensorType>(x.getType()).getElementType();
  FailureOr<Value> padded = padWindow(node, x, pool->window, /*needed=*/true,
                                      FloatAttr::get(wide, 0.0));
  if (failed(padded))
    return failure();
  return node.result(
      root(node, sumWindows(node, *padded, pool->window, pool->type.getShape()),
           *p));
}

//===----------------------------------------------------------------------===//
// Global pools
//===----------------------------------------------------------------------===//

/// The dimensions after NxC, of which there must be one.
static FailureOr<Shape> spatialAxes(Node &node) {
  FailureOr<Shape> shape = node.shape(0);
  if (shape->size() < 3) {
    node.error() << "the input has rank " << shape->size() << ", needs NxCx…";
    return failure();
  }
  Shape axes;
  for (size_t d = 2; d < shape->size(); ++d)
    axes.push_back(d);
  return axes;
}

/// `value` (NxC) with a dimension of 1 for each reduced one.
static Value keepAxes(Node &node, Value value, ArrayRef<int64_t> axes) {
  Shape shape(shapeOf(value));
  shape.append(axes.size(), 1);
  return reshape(node.builder, node.loc, value, shape);
}

LogicalResult lowerGlobalAveragePool(Node &node) {
  FailureOr<Shape> axes = spatialAxes(node);
  if (failed(axes))
    return failure();
  FailureOr<Value> x = wideTensor(node, node.input(0));
  if (failed(x))
    return failure();
  Type element = irType(node.builder.getContext(), node.elementType(0));
  Value result = mean(node.builder, node.loc, *x, *axes, /*keep=*/true);
  return node.result(castFloat(node.builder, node.loc, result, element));
}

LogicalResult lowerGlobalMaxPool(Node &node) {
  FailureOr<Shape> axes = spatialAxes(node);
  if (failed(axes))
    return failure();
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  Type element = cast<RankedTensorType>((*x).getType()).getElementType();
  Value result = reduce(node.builder, node.loc, *x, *axes,
                        lowestValue(element, /*isUnsigned=*/false),
                        [](OpBuilder &b, Location l, Value v, Value most) {
                          return maximum(b, l, most, v, /*isUnsigned=*/false);
                        });
  return node.result(keepAxes(node, result, *axes));
}

LogicalResult lowerGlobalLpPool(Node &node) {
  FailureOr<Shape> axes = spatialAxes(node);
  if (failed(axes))
    return failure();
  FailureOr<int64_t> p = readNorm(node);
  if (failed(p))
    return failure();
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  Value sum = reduce(node.builder, node.loc, powers(node, *x, *p), *axes, 0.0,
                     [](OpBuilder &b, Location l, Value v, Value total) {
                       return add(b, l, total, v);
                     });
  return node.result(keepAxes(node, root(node, sum, *p), *axes));
}

} // namespace imc::onnximport
