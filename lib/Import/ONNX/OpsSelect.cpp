//===- OpsSelect.cpp - TopK, cumulative ops, triangles, NonZero -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Expression.h"
#include "Fold.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

static SmallVector<OpFoldResult> indexAttributes(OpBuilder &builder,
                                                 ArrayRef<int64_t> values) {
  SmallVector<OpFoldResult> result;
  for (int64_t value : values)
    result.push_back(builder.getIndexAttr(value));
  return result;
}

//===----------------------------------------------------------------------===//
// CumSum and CumProd
//===----------------------------------------------------------------------===//

/// `x` moved by `distance` along `axis` (backward if `reverse`), with `neutral`
/// where nothing moves in.
static Value moved(OpBuilder &builder, Location loc, Value x, int64_t axis,
                   int64_t distance, bool reverse, TypedAttr neutral) {
  auto type = cast<RankedTensorType>(x.getType());
  if (distance >= type.getDimSize(axis)) // all of it moves out
    return filled(builder, loc, type, neutral);
  Shape sizes(type.getShape());
  Shape offsets(sizes.size(), 0), ones(sizes.size(), 1), low(sizes.size(), 0);
  Shape high = low;
  sizes[axis] -= distance;
  offsets[axis] = reverse ? distance : 0;
  (reverse ? high : low)[axis] = distance;
  Value kept = tensor::ExtractSliceOp::create(
      builder, loc, RankedTensorType::get(sizes, type.getElementType()), x,
      indexAttributes(builder, offsets), indexAttributes(builder, sizes),
      indexAttributes(builder, ones));
  return pad(builder, loc, kept, low, high, neutral);
}

/// Each step doubles how many elements an element has seen: x_i · x_{i-1}, then
/// pairs of pairs, … (K. E. Iverson's and Hillis and Steele's scan).
LogicalResult lowerCumulative(Node &node) {
  int64_t exclusive = 0, reverse = 0;
  if (failed(node.attribute("exclusive", exclusive)) ||
      failed(node.attribute("reverse", reverse)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<Shape> axes = node.integers(1, "axis");
  if (failed(axes))
    return failure();
  if (axes->size() != 1) {
    node.error() << "axis holds " << axes->size()
                 << " numbers; it must be one number";
    return failure();
  }
  FailureOr<int64_t> axis = node.axis(axes->front(), shape->size());
  FailureOr<Value> input = node.tensor(0);
  if (failed(axis) || failed(input))
    return failure();

  OpBuilder &builder = node.builder;
  Location loc = node.loc;
  int type = node.elementType(0);
  bool isStored = type == onnxtype::Float16 || type == onnxtype::BFloat16;
  int through = isStored ? int(onnxtype::Float) : type;
  Type element = irType(builder.getContext(), through);
  auto wideType = RankedTensorType::get(*shape, element);
  auto cast = [&](Value value, RankedTensorType to, int fromOnnx, int toOnnx) {
    return elementwise(builder, loc, to, {whole(value)},
                       [&](OpBuilder &b, Location l, ValueRange v) {
                         return convert(b, l, v[0], fromOnnx, toOnnx);
                       });
  };
  Value x = isStored ? cast(*input, wideType, type, through) : *input;
  bool sums = node.op() == "CumSum";
  double start = sums ? 0.0 : 1.0;
  TypedAttr neutral =
      isa<FloatType>(element)
          ? TypedAttr(FloatAttr::get(element, start))
          : TypedAttr(IntegerAttr::get(element, int64_t(start)));
  int64_t size = (*shape)[*axis];
  if (exclusive != 0 && size > 0)
    x = moved(builder, loc, x, *axis, 1, reverse != 0, neutral);
  for (int64_t distance = 1; distance < size; distance *= 2) {
    Value before =
        moved(builder, loc, x, *axis, distance, reverse != 0, neutral);
    x = elementwise(builder, loc, wideType, {whole(x), whole(before)},
                    [&](OpBuilder &b, Location l, ValueRange v) {
                      return sums ? add(b, l, v[1], v[0])
                                  : multiply(b, l, v[1], v[0]);
                    });
  }
  if (isStored) {
    FailureOr<RankedTensorType> resultType = node.type(*shape);
    x = cast(x, *resultType, through, type);
  }
  return node.result(x, 0, type);
}

//===----------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------===//

/// A signed integer of the same width that orders like the element: from the
/// least to the greatest, NaN above all numbers, or the other way round.
static Value orderKey(OpBuilder &b, Location l, Value x, bool isUnsigned,
                      bool largest) {
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Type type = b.getIntegerType(width);
  Value key = x;
  if (isa<FloatType>(x.getType())) {
    // +0 and -0 are equal. Negative numbers order by their bits downward.
    Expression number(b, l, x);
    Value isNumber = (!isNaN(number)).value();
    Value canonical = (number + 0.0).value();
    Value bits = arith::BitcastOp::create(b, l, type, canonical);
    Value negative = arith::ShRSIOp::create(
        b, l, bits, integerScalar(b, l, type, width - 1));
    Value rest =
        arith::ShRUIOp::create(b, l, negative, integerScalar(b, l, type, 1));
    Value ordered = arith::XOrIOp::create(b, l, bits, rest);
    Value top = arith::ConstantOp::create(
        b, l, highestValue(type, /*isUnsigned=*/false));
    key = arith::SelectOp::create(b, l, isNumber, ordered, top);
  } else if (isUnsigned) {
    Value sign = arith::ConstantOp::create(
        b, l, lowestValue(type, /*isUnsigned=*/false));
    key = arith::XOrIOp::create(b, l, x, sign);
  }
  if (largest)
    return key;
  return arith::XOrIOp::create(b, l, key, integerScalar(b, l, type, -1));
}

/// The keys and the indices (i64) that come next after `previous` in the order
/// of descending keys, ascending indices within a key.
static std::pair<Value, Value> nextInOrder(OpBuilder &builder, Location loc,
                                           Value keys, int64_t axis,
                                           Value previousKey,
                                           Value previousIndex) {
  auto type = cast<RankedTensorType>(keys.getType());
  auto keyType = cast<RankedTensorType>(previousKey.getType());
  auto indexType = cast<RankedTensorType>(previousIndex.getType());
  unsigned rank = type.getRank();
  SmallVector<AffineExpr> dims;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[axis] = utils::IteratorType::reduction;
  for (unsigned d = 0; d < rank; ++d)
    if (d != axis)
      dims.push_back(builder.getAffineDimExpr(d));
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  AffineMap rest = AffineMap::get(rank, 0, dims, builder.getContext());
  Value bestKey =
      filled(builder, loc, keyType, lowestValue(type.getElementType(), false));
  Value bestIndex = filled(builder, loc, indexType, -1.0);
  auto op = linalg::GenericOp::create(
      builder, loc, TypeRange{keyType, indexType},
      ValueRange{keys, previousKey, previousIndex},
      ValueRange{bestKey, bestIndex},
      ArrayRef<AffineMap>{all, rest, rest, rest, rest}, iterators,
      [&](OpBuilder &b, Location l, ValueRange v) {
        auto is = [&](Comparison how, Value x, Value y) {
          return compare(b, l, how, x, y, /*isUnsigned=*/false);
        };
        Value key = v[0], best = v[3], bestAt = v[4];
        Value position = arith::IndexCastOp::create(
            b, l, b.getI64Type(), linalg::IndexOp::create(b, l, axis));
        Value below = is(Comparison::Less, key, v[1]);
        Value same = is(Comparison::Equal, key, v[1]);
        Value later = is(Comparison::Greater, position, v[2]);
        Value tied = arith::AndIOp::create(b, l, same, later);
        Value remains = arith::OrIOp::create(b, l, below, tied);
        Value higher = is(Comparison::Greater, key, best);
        Value none = is(Comparison::Less, bestAt,
                        integerScalar(b, l, b.getI64Type(), 0));
        Value better = arith::OrIOp::create(b, l, higher, none);
        better = arith::AndIOp::create(b, l, remains, better);
        Value newKey = arith::SelectOp::create(b, l, better, key, best);
        Value newAt = arith::SelectOp::create(b, l, better, position, bestAt);
        linalg::YieldOp::create(b, l, ValueRange{newKey, newAt});
      });
  return {op.getResult(0), op.getResult(1)};
}

/// k times the next in order: n·k comparisons, without moving the elements.
/// sorted=0 leaves the order open; it is the same.
LogicalResult lowerTopK(Node &node) {
  int64_t axis = -1, largest = 1, sorted = 1, k = -1;
  if (failed(node.attribute("axis", axis)) ||
      (node.version() < 10 && failed(node.attribute("k", k))) ||
      (node.version() >= 11 && (failed(node.attribute("largest", largest)) ||
                                failed(node.attribute("sorted", sorted)))))
    return failure();
  if (node.version() >= 10) {
    FailureOr<Shape> known = node.integers(1, "K");
    if (failed(known))
      return failure();
    if (known->size() != 1) {
      node.error() << "K holds " << known->size()
                   << " numbers; it must be one number";
      return failure();
    }
    k = known->front();
  } else if (node.hasInput(1)) {
    node.error() << "has a second input; before opset 10 k is an attribute, "
                    "the file is damaged";
    return failure();
  }
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<int64_t> dim = node.axis(axis, shape->size());
  if (failed(dim))
    return failure();
  int64_t size = (*shape)[*dim];
  if (k < 0 || k > size) {
    node.error() << "K is " << k << ", axis " << axis << " has " << size
                 << " elements";
    return failure();
  }
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();

  OpBuilder &builder = node.builder;
  Location loc = node.loc;
  auto type = cast<RankedTensorType>((*x).getType());
  Type element = type.getElementType(), index = builder.getI64Type();
  Shape none(*shape);
  none[*dim] = k;
  if (llvm::is_contained(none, 0)) { // no elements: nothing to search
    if (failed(node.result(
            empty(builder, loc, RankedTensorType::get(none, element)), 0,
            node.elementType(0))))
      return failure();
    return node.result(empty(builder, loc, RankedTensorType::get(none, index)),
                       1, onnxtype::Int64);
  }
  Type keyElement = builder.getIntegerType(element.getIntOrFloatBitWidth());
  bool isUnsigned = node.isUnsigned(0);
  Value keys =
      elementwise(builder, loc, RankedTensorType::get(*shape, keyElement),
                  {whole(*x)}, [&](OpBuilder &b, Location l, ValueRange v) {
                    return orderKey(b, l, v[0], isUnsigned, largest != 0);
                  });
  Shape rest(*shape), one(*shape), result(*shape), ones(shape->size(), 1);
  rest.erase(rest.begin() + *dim);
  one[*dim] = 1;
  result[*dim] = k;
  auto indexType = RankedTensorType::get(result, index);
  // Nothing comes before the first: the highest key at index -1.
  Value start[] = {
      empty(builder, loc, indexType),
      filled(builder, loc, RankedTensorType::get(rest, keyElement),
             highestValue(keyElement, /*isUnsigned=*/false)),
      filled(builder, loc, RankedTensorType::get(rest, index), -1.0)};
  auto constantIndex = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value lower = constantIndex(0), upper = constantIndex(k),
        step = constantIndex(1);
  auto loop = scf::ForOp::create(
      builder, loc, lower, upper, step, ValueRange(start),
      [&](OpBuilder &b, Location l, Value i, ValueRange v) {
        auto [key, at] = nextInOrder(b, l, keys, *dim, v[1], v[2]);
        SmallVector<OpFoldResult> offsets =
            indexAttributes(b, Shape(shape->size(), 0));
        offsets[*dim] = i;
        Value chosen = tensor::InsertSliceOp::create(b, l, at, v[0], offsets,
                                                     indexAttributes(b, one),
                                                     indexAttributes(b, ones));
        // Into the loop's own tensors, so that they become one buffer each.
        Value nextKey = linalg::CopyOp::create(b, l, key, v[1]).getResult(0);
        Value nextAt = linalg::CopyOp::create(b, l, at, v[2]).getResult(0);
        scf::YieldOp::create(b, l, ValueRange{chosen, nextKey, nextAt});
      });
  Value indices = loop.getResult(0);
  Value values = elementwise(
      builder, loc, RankedTensorType::get(result, element), {whole(indices)},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        SmallVector<Value> at;
        for (size_t d = 0; d < shape->size(); ++d)
          at.push_back(int64_t(d) == *dim
                           ? Value(arith::IndexCastOp::create(
                                 b, l, b.getIndexType(), v[0]))
                           : Value(linalg::IndexOp::create(b, l, d)));
        return tensor::ExtractOp::create(b, l, *x, at);
      });
  if (failed(node.result(values, 0, node.elementType(0))))
    return failure();
  return node.result(indices, 1, onnxtype::Int64);
}

//===----------------------------------------------------------------------===//
// Matrices by position
//===----------------------------------------------------------------------===//

/// column − row of the element that a body computes, as i64.
static Value diagonal(OpBuilder &b, Location l, unsigned rank) {
  auto at = [&](unsigned dim) -> Value {
    return arith::IndexCastOp::create(b, l, b.getI64Type(),
                                      linalg::IndexOp::create(b, l, dim));
  };
  Value column = at(rank - 1), row = at(rank - 2);
  return subtract(b, l, column, row);
}

LogicalResult lowerTrilu(Node &node) {
  int64_t upper = 1;
  if (failed(node.attribute("upper", upper)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  if (shape->size() < 2) {
    node.error() << "the input has rank " << shape->size()
                 << "; it must be a matrix or a batch of matrices";
    return failure();
  }
  FailureOr<RankedTensorType> type = node.type(*shape);
  FailureOr<Value> x = node.tensor(0);
  if (failed(type) || failed(x))
    return failure();
  SmallVector<Operand, 2> operands{whole(*x)};
  int64_t known = 0;
  if (node.hasInput(1)) {
    FailureOr<Shape> size = node.shape(1);
    if (node.elementType(1) != onnxtype::Int64 || countElements(*size) != 1) {
      node.error() << "k is a tensor of " << onnxTypeName(node.elementType(1))
                   << " of shape " << shapeText(*size)
                   << "; it must be one INT64";
      return failure();
    }
    const Constant *constant = node.constant(1);
    if (constant && constant->isInteger()) {
      known = constant->integer(0);
    } else {
      FailureOr<Value> k = node.tensor(1, {});
      if (failed(k))
        return failure();
      operands.push_back({*k, {}});
    }
  }
  return node.result(
      elementwise(node.builder, node.loc, *type, operands,
                  [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                    Value distance = diagonal(b, l, shape->size());
                    Value k = v.size() > 1
                                  ? v[1]
                                  : integerScalar(b, l, b.getI64Type(), known);
                    Comparison how = upper != 0 ? Comparison::GreaterEqual
                                                : Comparison::LessEqual;
                    Value keeps =
                        compare(b, l, how, distance, k, /*isUnsigned=*/false);
                    Value zero = scalar(b, l, v[0].getType(), 0.0);
                    return arith::SelectOp::create(b, l, keeps, v[0], zero);
                  }),
      0, node.elementType(0));
}

LogicalResult lowerEyeLike(Node &node) {
  int64_t type = node.elementType(0), k = 0;
  if (failed(node.attribute("dtype", type)) || failed(node.attribute("k", k)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  if (shape->size() != 2) {
    node.error() << "the input has rank " << shape->size()
                 << "; it must be a matrix";
    return failure();
  }
  FailureOr<RankedTensorType> resultType =
      node.type(*shape, llvm::isInt<32>(type) ? int(type) : 0);
  if (failed(resultType))
    return failure();
  return node.result(
      elementwise(node.builder, node.loc, *resultType, {},
                  [&](OpBuilder &b, Location l, ValueRange) -> Value {
                    Value distance = diagonal(b, l, 2);
                    Value hit = compare(b, l, Comparison::Equal, distance,
                                        integerScalar(b, l, b.getI64Type(), k),
                                        /*isUnsigned=*/false);
                    Type element = resultType->getElementType();
                    Value one = scalar(b, l, element, 1.0);
                    Value zero = scalar(b, l, element, 0.0);
                    return arith::SelectOp::create(b, l, hit, one, zero);
                  }),
      0, int(type));
}

/// A byte becomes 8 bytes per dimension, which a small file could abuse.
static constexpr int64_t kMaxIndices = int64_t(1) << 24;

/// How many elements are not zero decides the shape, so they must be known.
LogicalResult lowerNonZero(Node &node) {
  const Constant *known = node.constant(0);
  if (!known || !known->hasData()) {
    node.error() << "how many elements are not zero is computed from the data "
                    "at run time; only inputs known at import are supported, "
                    "select with Where instead of by index";
    return failure();
  }
  ArrayRef<int64_t> shape = known->shape();
  int64_t rank = shape.size(), count = known->numElements();
  std::vector<int64_t> found;
  for (int64_t i = 0; i < count; ++i) {
    if (known->isInteger() ? known->integer(i) == 0 : known->real(i) == 0)
      continue;
    found.push_back(i);
    if (int64_t(found.size()) * rank > kMaxIndices) {
      node.error() << "has more than " << kMaxIndices
                   << " indices; only masks and the like are supported";
      return failure();
    }
  }
  std::vector<int64_t> indices(rank * found.size());
  for (auto [position, flat] : llvm::enumerate(found)) {
    int64_t rest = flat;
    for (int64_t d = rank; d-- > 0; rest /= shape[d])
      indices[d * found.size() + position] = rest % shape[d];
  }
  return node.result(Constant::makeIntegers(
      "indices", {rank, int64_t(found.size())}, indices));
}

//===----------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------===//

/// Inference: the input itself and a mask of ones.
LogicalResult lowerDropout(Node &node) {
  int64_t isTest = 1;
  if (node.version() < 7) {
    isTest = 0;
    if (failed(node.attribute("is_test", isTest)))
      return failure();
  }
  node.ignoreAttribute(node.version() < 12 ? "ratio" : "seed");
  bool trains = isTest == 0;
  if (node.version() >= 12 && node.hasInput(2)) {
    FailureOr<Shape> training = node.integers(2, "training_mode");
    if (failed(training))
      return failure();
    trains = training->size() != 1 || training->front() != 0;
    // A ratio of 0 drops nothing, in training either.
    const Constant *ratio = node.hasInput(1) ? node.constant(1) : nullptr;
    if (trains && ratio && ratio->hasData() && ratio->numElements() == 1 &&
        isFloatType(ratio->onnxType()) && ratio->real(0) == 0)
      trains = false;
  }
  if (trains) {
    node.error() << (node.version() < 7 ? "is_test is 0"
                                        : "training_mode is true")
                 << "; export the model in evaluation mode";
    return failure();
  }
  if (node.hasOutput(1)) {
    int type = node.version() < 10 ? node.elementType(0) : int(onnxtype::Bool);
    FailureOr<RankedTensorType> maskType = node.type(*node.shape(0), type);
    if (failed(maskType))
      return failure();
    // Nearly always unused: known, it costs nothing until something asks for
    // it.
    int64_t count = maskType->getNumElements();
    LogicalResult status = success();
    if (count <= kMaxFoldedElements) {
      SmallVector<int64_t> ones(count, 1);
      FailureOr<Binding> mask =
          Binding(Constant::makeIntegers("mask", maskType->getShape(), ones));
      if (isFloatType(type))
        mask = node.call("Cast", {*mask}, {{"to", int64_t(type)}});
      else
        mask = Binding(
            Constant::makeIntegers("mask", maskType->getShape(), ones, type));
      status = failed(mask) ? failure() : node.result(*mask, 1);
    } else {
      Value one = filled(node.builder, node.loc, *maskType, 1.0);
      status = node.result(one, 1, type);
    }
    if (failed(status))
      return failure();
  }
  return lowerIdentity(node);
}

} // namespace imc::onnximport
