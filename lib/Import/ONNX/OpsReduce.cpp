//===- OpsReduce.cpp - Reductions, ArgMax and ArgMin ----------------------===//
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
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

//===----------------------------------------------------------------------===//
// Reduce*
//===----------------------------------------------------------------------===//

/// Reads `axes` (an attribute, later an input) ascending. Without any, all are
/// meant, unless noop_with_empty_axes says none.
static FailureOr<Shape> reducedAxes(Node &node, int64_t rank) {
  Shape axes;
  int64_t noop = 0;
  bool isInput = node.version() >= (node.op() == "ReduceSum" ? 13 : 18);
  if (!isInput) {
    if (node.hasInput(1)) {
      node.error() << "has a second input; up to this version axes is an "
                      "attribute, the file is damaged";
      return failure();
    }
    if (failed(node.attribute("axes", axes)))
      return failure();
  } else {
    if (failed(node.attribute("noop_with_empty_axes", noop)))
      return failure();
    if (node.hasInput(1)) {
      FailureOr<Shape> known = node.integers(1, "axes");
      if (failed(known))
        return failure();
      axes = *known;
    }
  }
  if (failed(node.axes(axes, rank)))
    return failure();
  if (axes.empty() && noop == 0)
    for (int64_t d = 0; d < rank; ++d)
      axes.push_back(d);
  llvm::sort(axes);
  return axes;
}

/// `linalg.reduce` that computes in `type`: `start`, then
/// `combine(element, accumulated)`.
static Value reduceIn(OpBuilder &builder, Location loc, Value x,
                      ArrayRef<int64_t> axes, TypedAttr start,
                      Combine combine) {
  Shape shape;
  for (auto [d, size] : llvm::enumerate(shapeOf(x)))
    if (!llvm::is_contained(axes, int64_t(d)))
      shape.push_back(size);
  Value init = filled(builder, loc,
                      RankedTensorType::get(shape, start.getType()), start);
  auto op = linalg::ReduceOp::create(
      builder, loc, ValueRange(x), ValueRange(init), axes,
      [&](OpBuilder &b, Location l, ValueRange v) {
        linalg::YieldOp::create(b, l, combine(b, l, v[0], v[1]));
      });
  return op->getResult(0);
}

/// One function of every element, into elements of `type`.
static Value map(OpBuilder &builder, Location loc, Value x, Type type,
                 llvm::function_ref<Value(OpBuilder &, Location, Value)> body) {
  return elementwise(
      builder, loc, RankedTensorType::get(shapeOf(x), type), {whole(x)},
      [&](OpBuilder &b, Location l, ValueRange v) { return body(b, l, v[0]); });
}

/// log Σ exp(x) = m + log Σ exp(x − m) with the maximum m, which keeps exp in
/// range; an infinite maximum must not be subtracted from itself.
static Value logSumExp(OpBuilder &builder, Location loc, Value x,
                       ArrayRef<int64_t> axes) {
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType();
  Value most = reduceIn(builder, loc, x, axes, lowestValue(element, false),
                        [](OpBuilder &b, Location l, Value v, Value most) {
                          return maximum(b, l, most, v, false);
                        });
  Operand perRow{map(builder, loc, most, element,
                     [](OpBuilder &b, Location l, Value v) {
                       Expression m(b, l, v);
                       Expression infinite =
                           abs(m) == std::numeric_limits<double>::infinity();
                       return select(infinite, m.number(0.0), m).value();
                     }),
                 {}};
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(axes, d))
      perRow.dims.push_back(d);
  Value exponential = elementwise(builder, loc, type, {whole(x), perRow},
                                  [](OpBuilder &b, Location l, ValueRange v) {
                                    Expression x(b, l, v[0]);
                                    return exp(x - x.with(v[1])).value();
                                  });
  Value sum =
      reduceIn(builder, loc, exponential, axes, FloatAttr::get(element, 0.0),
               [](OpBuilder &b, Location l, Value v, Value total) {
                 return add(b, l, total, v);
               });
  return elementwise(builder, loc, cast<RankedTensorType>(sum.getType()),
                     {whole(sum), whole(perRow.value)},
                     [](OpBuilder &b, Location l, ValueRange v) {
                       Expression s(b, l, v[0]);
                       return (log(s) + s.with(v[1])).value();
                     });
}

/// What each element contributes: |x|, x² or x, in the type of the computation.
static Value contribution(StringRef op, OpBuilder &b, Location l, Value x,
                          bool isUnsigned) {
  if (op == "ReduceSumSquare" || op == "ReduceL2")
    return multiply(b, l, x, x);
  if (op != "ReduceL1" || isUnsigned)
    return x;
  if (isa<FloatType>(x.getType()))
    return math::AbsFOp::create(b, l, x);
  Value zero = integerScalar(b, l, x.getType(), 0);
  Value isNegative = compare(b, l, Comparison::Less, x, zero, false);
  Value negated = subtract(b, l, zero, x);
  return arith::SelectOp::create(b, l, isNegative, negated, x);
}

LogicalResult lowerReduce(Node &node) {
  StringRef op = node.op();
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<Shape> axes = reducedAxes(node, shape->size());
  int64_t keep = 1;
  if (failed(axes) || failed(node.attribute("keepdims", keep)))
    return failure();
  Shape resultShape;
  int64_t count = 1;
  for (auto [d, size] : llvm::enumerate(*shape)) {
    bool reduced = llvm::is_contained(*axes, int64_t(d));
    if (reduced)
      count *= size;
    if (!reduced || keep != 0)
      resultShape.push_back(reduced ? 1 : size);
  }
  int type = node.elementType(0);
  bool isUnsigned = node.isUnsigned(0);
  FailureOr<RankedTensorType> resultType = node.type(resultShape);
  FailureOr<Value> input = node.tensor(0);
  if (failed(resultType) || failed(input))
    return failure();

  // 16 bits only store; roots and logarithms of integers pass through DOUBLE.
  bool extremum = op == "ReduceMax" || op == "ReduceMin";
  bool curved = op == "ReduceL2" || op.starts_with("ReduceLog");
  int through = type;
  if (type == onnxtype::Float16 || type == onnxtype::BFloat16)
    through = extremum ? type : int(onnxtype::Float);
  else if (!isFloatType(type) && curved)
    through = onnxtype::Double;
  OpBuilder &builder = node.builder;
  Location loc = node.loc;
  Type element = irType(builder.getContext(), through);
  bool signless = isUnsigned && through == type;

  Value x = *input;
  if (op == "ReduceLogSumExp") {
    if (through != type)
      x = map(builder, loc, x, element, [&](OpBuilder &b, Location l, Value v) {
        return convert(b, l, v, type, through);
      });
    // Of a single element, the logarithm undoes the exponential.
    if (!axes->empty())
      x = logSumExp(builder, loc, x, *axes);
  } else if (axes->empty()) {
    x = map(builder, loc, x, element, [&](OpBuilder &b, Location l, Value v) {
      return contribution(op, b, l, convert(b, l, v, type, through), signless);
    });
  } else {
    TypedAttr start = builder.getZeroAttr(element);
    if (extremum)
      start = op == "ReduceMax" ? lowestValue(element, isUnsigned)
                                : highestValue(element, isUnsigned);
    else if (op == "ReduceProd")
      start = isa<FloatType>(element) ? TypedAttr(FloatAttr::get(element, 1.0))
                                      : TypedAttr(IntegerAttr::get(element, 1));
    x = reduceIn(builder, loc, x, *axes, start,
                 [&](OpBuilder &b, Location l, Value v, Value total) {
                   v = convert(b, l, v, type, through);
                   if (op == "ReduceMax")
                     return maximum(b, l, total, v, isUnsigned);
                   if (op == "ReduceMin")
                     return minimum(b, l, total, v, isUnsigned);
                   if (op == "ReduceProd")
                     return multiply(b, l, total, v);
                   return add(b, l, total, contribution(op, b, l, v, signless));
                 });
  }

  bool divides = op == "ReduceMean" && !axes->empty();
  bool finishes = divides || op == "ReduceL2" || op == "ReduceLogSum";
  if (finishes || through != type)
    x = map(builder, loc, x, resultType->getElementType(),
            [&](OpBuilder &b, Location l, Value v) {
              if (divides)
                v = divide(b, l, v, scalar(b, l, element, double(count)),
                           signless);
              else if (op == "ReduceL2")
                v = math::SqrtOp::create(b, l, v);
              else if (op == "ReduceLogSum")
                v = math::LogOp::create(b, l, v);
              return convert(b, l, v, through, type);
            });
  return node.result(reshape(builder, loc, x, resultShape), 0, type);
}

//===----------------------------------------------------------------------===//
// ArgMax, ArgMin and Hardmax
//===----------------------------------------------------------------------===//

/// Where along `axis` the greatest (or least) element stands, as i64; the first
/// of equal ones, or the last. A NaN wins over any number, like in NumPy.
static Value indexOfExtremum(OpBuilder &builder, Location loc, Value x,
                             int64_t axis, bool greatest, bool last,
                             bool isUnsigned) {
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType(), index = builder.getI64Type();
  unsigned rank = type.getRank();
  Shape shape;
  SmallVector<AffineExpr> dims;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[axis] = utils::IteratorType::reduction;
  for (unsigned d = 0; d < rank; ++d) {
    if (d == axis)
      continue;
    shape.push_back(type.getDimSize(d));
    dims.push_back(builder.getAffineDimExpr(d));
  }
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  AffineMap rest = AffineMap::get(rank, 0, dims, builder.getContext());
  auto valueType = RankedTensorType::get(shape, element);
  auto indexType = RankedTensorType::get(shape, index);
  Value values = filled(builder, loc, valueType,
                        greatest ? lowestValue(element, isUnsigned)
                                 : highestValue(element, isUnsigned));
  Value indices = filled(builder, loc, indexType, 0.0);
  auto op = linalg::GenericOp::create(
      builder, loc, TypeRange{valueType, indexType}, ValueRange{x},
      ValueRange{values, indices}, ArrayRef<AffineMap>{all, rest, rest},
      iterators, [&](OpBuilder &b, Location l, ValueRange v) {
        Comparison how =
            greatest ? (last ? Comparison::GreaterEqual : Comparison::Greater)
                     : (last ? Comparison::LessEqual : Comparison::Less);
        Value better = compare(b, l, how, v[0], v[1], isUnsigned);
        if (isa<FloatType>(element)) {
          Value newNaN = arith::CmpFOp::create(b, l, arith::CmpFPredicate::UNO,
                                               v[0], v[0]);
          if (!last) {
            Value oldNumber = arith::CmpFOp::create(
                b, l, arith::CmpFPredicate::ORD, v[1], v[1]);
            newNaN = arith::AndIOp::create(b, l, newNaN, oldNumber);
          }
          better = arith::OrIOp::create(b, l, better, newNaN);
        }
        Value position = arith::IndexCastOp::create(
            b, l, index, linalg::IndexOp::create(b, l, axis));
        Value value = arith::SelectOp::create(b, l, better, v[0], v[1]);
        Value where = arith::SelectOp::create(b, l, better, position, v[2]);
        linalg::YieldOp::create(b, l, ValueRange{value, where});
      });
  return op.getResult(1);
}

LogicalResult lowerArgExtremum(Node &node) {
  int64_t axis = 0, keep = 1, last = 0;
  if (failed(node.attribute("axis", axis)) ||
      failed(node.attribute("keepdims", keep)) ||
      (node.version() >= 12 &&
       failed(node.attribute("select_last_index", last))))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<int64_t> dim = node.axis(axis, shape->size());
  if (failed(dim))
    return failure();
  if ((*shape)[*dim] == 0) {
    node.error() << "axis " << axis
                 << " has no elements, so none is the greatest or least";
    return failure();
  }
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  Value indices =
      indexOfExtremum(node.builder, node.loc, *x, *dim, node.op() == "ArgMax",
                      last != 0, node.isUnsigned(0));
  if (keep != 0) {
    (*shape)[*dim] = 1;
    indices = reshape(node.builder, node.loc, indices, *shape);
  }
  return node.result(indices, 0, onnxtype::Int64);
}

/// 1 at the first greatest element along the axis, else 0; before version 13
/// along all axes from `axis` on, as if they were one.
LogicalResult lowerHardmax(Node &node) {
  bool flattens = node.version() < 13;
  int64_t axis = flattens ? 1 : -1;
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  int64_t rank = shape->size();
  FailureOr<int64_t> dim = node.axis(axis, rank);
  if (failed(dim))
    return failure();
  Shape rows{1, 1, 1};
  for (int64_t d = 0; d < rank; ++d)
    rows[d < *dim ? 0 : d == *dim || flattens ? 1 : 2] *= (*shape)[d];
  FailureOr<RankedTensorType> type = node.type(rows);
  FailureOr<Value> x = node.tensor(0, rows);
  if (failed(type) || failed(x))
    return failure();
  Value first = indexOfExtremum(node.builder, node.loc, *x, 1, true, false,
                                /*isUnsigned=*/false);
  Value result =
      elementwise(node.builder, node.loc, *type, {Operand{first, {0, 2}}},
                  [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                    Value position = arith::IndexCastOp::create(
                        b, l, b.getI64Type(), linalg::IndexOp::create(b, l, 1));
                    Value hit = compare(b, l, Comparison::Equal, position, v[0],
                                        /*isUnsigned=*/false);
                    Type element = type->getElementType();
                    Value one = scalar(b, l, element, 1.0);
                    Value zero = scalar(b, l, element, 0.0);
                    return arith::SelectOp::create(b, l, hit, one, zero);
                  });
  return node.result(reshape(node.builder, node.loc, result, *shape), 0,
                     node.elementType(0));
}

//===----------------------------------------------------------------------===//
// Softmax and LogSoftmax
//===----------------------------------------------------------------------===//

/// exp(x − max) / Σ exp(x − max) along one axis, or x − max − log Σ exp(x −
/// max); before version 13 along all axes from `axis` on, as if they were one.
LogicalResult lowerSoftmax(Node &node) {
  bool flattens = node.version() < 13;
  int64_t axis = flattens ? 1 : -1;
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Value> input = node.tensor(0);
  if (failed(input))
    return failure();
  Value x = *input;
  int64_t rank = shapeOf(x).size();
  FailureOr<int64_t> first = node.axis(axis, rank);
  if (failed(first))
    return failure();
  Shape axes;
  for (int64_t d = *first; d < (flattens ? rank : *first + 1); ++d)
    axes.push_back(d);

  OpBuilder &builder = node.builder;
  Location loc = node.loc;
  int type = node.elementType(0), through = type;
  auto resultType = cast<RankedTensorType>(x.getType());
  if (resultType.getElementTypeBitWidth() == 16) {
    through = onnxtype::Float;
    x = map(builder, loc, x, builder.getF32Type(),
            [&](OpBuilder &b, Location l, Value v) {
              return convert(b, l, v, type, through);
            });
  }
  auto wideType = cast<RankedTensorType>(x.getType());
  Type element = wideType.getElementType();
  Value largest = reduceIn(builder, loc, x, axes, lowestValue(element, false),
                           [](OpBuilder &b, Location l, Value v, Value most) {
                             return maximum(b, l, most, v, false);
                           });
  Operand perRow{largest, {}};
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(axes, d))
      perRow.dims.push_back(d);
  auto sum = [&](Value value) {
    return reduceIn(builder, loc, value, axes, FloatAttr::get(element, 0.0),
                    [](OpBuilder &b, Location l, Value v, Value total) {
                      return add(b, l, total, v);
                    });
  };
  Value result;
  if (node.op() == "Softmax") {
    Value exponential = elementwise(
        builder, loc, wideType, {whole(x), perRow},
        [](OpBuilder &b, Location l, ValueRange v) {
          return exp(Expression(b, l, subtract(b, l, v[0], v[1]))).value();
        });
    perRow.value = sum(exponential);
    result = elementwise(builder, loc, resultType, {whole(exponential), perRow},
                         [&](OpBuilder &b, Location l, ValueRange v) {
                           Value quotient =
                               divide(b, l, v[0], v[1], /*isUnsigned=*/false);
                           return convert(b, l, quotient, through, type);
                         });
  } else {
    Value shifted = elementwise(builder, loc, wideType, {whole(x), perRow},
                                [](OpBuilder &b, Location l, ValueRange v) {
                                  return subtract(b, l, v[0], v[1]);
                                });
    Value exponential = map(builder, loc, shifted, element,
                            [](OpBuilder &b, Location l, Value v) -> Value {
                              return math::ExpOp::create(b, l, v);
                            });
    perRow.value = map(builder, loc, sum(exponential), element,
                       [](OpBuilder &b, Location l, Value v) -> Value {
                         return math::LogOp::create(b, l, v);
                       });
    result = elementwise(builder, loc, resultType, {whole(shifted), perRow},
                         [&](OpBuilder &b, Location l, ValueRange v) {
                           return convert(b, l, subtract(b, l, v[0], v[1]),
                                          through, type);
                         });
  }
  return node.result(result, 0, type);
}

} // namespace imc::onnximport
