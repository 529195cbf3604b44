//===- Build.cpp - Small builders of linalg and tensor ops ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;

namespace imc::onnximport {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

Value empty(OpBuilder &builder, Location loc, RankedTensorType type) {
  return tensor::EmptyOp::create(builder, loc, type.getShape(),
                                 type.getElementType());
}

Value filled(OpBuilder &builder, Location loc, RankedTensorType type,
             TypedAttr value) {
  Value constant = arith::ConstantOp::create(builder, loc, value);
  return linalg::FillOp::create(builder, loc, constant,
                                empty(builder, loc, type))
      .getResult(0);
}

/// `value` in a float or integer type.
static TypedAttr number(Type type, double value) {
  if (isa<FloatType>(type))
    return FloatAttr::get(type, value);
  return IntegerAttr::get(type, int64_t(value));
}

Value filled(OpBuilder &builder, Location loc, RankedTensorType type,
             double value) {
  return filled(builder, loc, type, number(type.getElementType(), value));
}

Value reshape(OpBuilder &builder, Location loc, Value value,
              ArrayRef<int64_t> shape) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from.getShape() == shape)
    return value;
  auto to = RankedTensorType::get(shape, from.getElementType());
  if (auto groups = getReassociationIndicesForReshape(from, to)) {
    if (from.getRank() > to.getRank())
      return tensor::CollapseShapeOp::create(builder, loc, to, value, *groups);
    if (from.getRank() < to.getRank())
      return tensor::ExpandShapeOp::create(builder, loc, to, value, *groups);
  }
  // Neither way alone: through one dimension.
  int64_t count = from.getNumElements();
  auto flat = RankedTensorType::get({count}, from.getElementType());
  auto all = [](int64_t rank) {
    ReassociationIndices group;
    for (int64_t d = 0; d < rank; ++d)
      group.push_back(d);
    return SmallVector<ReassociationIndices>{group};
  };
  if (from.getRank() != 1)
    value =
        from.getRank() == 0
            ? Value(tensor::ExpandShapeOp::create(
                  builder, loc, flat, value, ArrayRef<ReassociationIndices>()))
            : Value(tensor::CollapseShapeOp::create(builder, loc, flat, value,
                                                    all(from.getRank())));
  if (to.getRank() == 1)
    return value;
  if (to.getRank() == 0)
    return tensor::CollapseShapeOp::create(builder, loc, to, value,
                                           ArrayRef<ReassociationIndices>());
  return tensor::ExpandShapeOp::create(builder, loc, to, value,
                                       all(to.getRank()));
}

Value pad(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> low,
          ArrayRef<int64_t> high, TypedAttr padding) {
  auto zero = [](int64_t n) { return n == 0; };
  if (llvm::all_of(low, zero) && llvm::all_of(high, zero))
    return value;
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t, 4> shape(type.getShape());
  SmallVector<OpFoldResult> lows, highs;
  for (size_t d = 0; d < shape.size(); ++d) {
    shape[d] += low[d] + high[d];
    lows.push_back(builder.getIndexAttr(low[d]));
    highs.push_back(builder.getIndexAttr(high[d]));
  }
  Value constant = arith::ConstantOp::create(builder, loc, padding);
  return tensor::PadOp::create(
      builder, loc, RankedTensorType::get(shape, type.getElementType()), value,
      lows, highs, constant);
}

Value transpose(OpBuilder &builder, Location loc, Value value,
                ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t, 4> shape;
  for (int64_t d : permutation)
    shape.push_back(type.getDimSize(d));
  Value init =
      empty(builder, loc, RankedTensorType::get(shape, type.getElementType()));
  return linalg::TransposeOp::create(builder, loc, value, init, permutation)
      ->getResult(0);
}

Value broadcast(OpBuilder &builder, Location loc, Value value,
                RankedTensorType type, ArrayRef<int64_t> added) {
  return linalg::BroadcastOp::create(builder, loc, value,
                                     empty(builder, loc, type), added)
      ->getResult(0);
}

Operand whole(Value value) {
  Operand operand{value, {}};
  for (size_t d = 0; d < shapeOf(value).size(); ++d)
    operand.dims.push_back(d);
  return operand;
}

Value elementwise(
    OpBuilder &builder, Location loc, RankedTensorType type,
    ArrayRef<Operand> operands,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  unsigned rank = type.getRank();
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs;
  for (const Operand &operand : operands) {
    SmallVector<AffineExpr> results;
    for (int64_t d : operand.dims)
      results.push_back(builder.getAffineDimExpr(d));
    maps.push_back(AffineMap::get(rank, 0, results, builder.getContext()));
    inputs.push_back(operand.value);
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      builder, loc, TypeRange(type), inputs,
      ValueRange(empty(builder, loc, type)), maps, iterators,
      [&](OpBuilder &b, Location l, ValueRange arguments) {
        linalg::YieldOp::create(b, l, body(b, l, arguments.drop_back()));
      });
  return op.getResult(0);
}

Value reduce(OpBuilder &builder, Location loc, Value value,
             ArrayRef<int64_t> axes, double start, Combine combine) {
  auto type = cast<RankedTensorType>(value.getType());
  return reduce(builder, loc, value, axes, number(type.getElementType(), start),
                combine);
}

Value reduce(OpBuilder &builder, Location loc, Value value,
             ArrayRef<int64_t> axes, TypedAttr start, Combine combine) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t, 4> shape;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(axes, d))
      shape.push_back(type.getDimSize(d));
  Value init = filled(
      builder, loc, RankedTensorType::get(shape, type.getElementType()), start);
  auto op = linalg::ReduceOp::create(
      builder, loc, ValueRange(value), ValueRange(init), axes,
      [&](OpBuilder &b, Location l, ValueRange arguments) {
        linalg::YieldOp::create(b, l,
                                combine(b, l, arguments[0], arguments[1]));
      });
  return op->getResult(0);
}

Value mean(OpBuilder &builder, Location loc, Value value,
           ArrayRef<int64_t> axes, bool keep) {
  SmallVector<int64_t, 4> kept(shapeOf(value));
  int64_t count = 1;
  for (int64_t axis : axes) {
    count *= kept[axis];
    kept[axis] = 1;
  }
  Value sum = reduce(builder, loc, value, axes, 0.0f,
                     [](OpBuilder &b, Location l, Value x, Value total) {
                       return arith::AddFOp::create(b, l, total, x);
                     });
  Value result = elementwise(
      builder, loc, cast<RankedTensorType>(sum.getType()), {whole(sum)},
      [&](OpBuilder &b, Location l, ValueRange x) -> Value {
        return arith::DivFOp::create(
            b, l, x[0], scalar(b, l, x[0].getType(), double(count)));
      });
  return keep ? reshape(builder, loc, result, kept) : result;
}

std::optional<SmallVector<int64_t, 4>> broadcastShapes(ArrayRef<int64_t> a,
                                                       ArrayRef<int64_t> b) {
  SmallVector<int64_t, 4> result(std::max(a.size(), b.size()), 1);
  for (ArrayRef<int64_t> shape : {a, b}) {
    size_t offset = result.size() - shape.size();
    for (size_t d = 0; d < shape.size(); ++d) {
      int64_t &dim = result[offset + d];
      if (dim != 1 && shape[d] != 1 && dim != shape[d])
        return std::nullopt;
      dim = dim == 1 ? shape[d] : dim;
    }
  }
  return result;
}

FailureOr<Operand> broadcastInput(Node &node, unsigned i,
                                  ArrayRef<int64_t> shape) {
  return broadcastInput(node, i, *node.shape(i), shape);
}

FailureOr<Operand> broadcastInput(Node &node, unsigned i,
                                  ArrayRef<int64_t> from,
                                  ArrayRef<int64_t> shape) {
  Operand operand;
  SmallVector<int64_t, 4> dropped;
  size_t offset = shape.size() - from.size();
  for (size_t d = 0; d < from.size(); ++d) {
    if (from[d] == 1 && shape[offset + d] != 1)
      continue;
    dropped.push_back(from[d]);
    operand.dims.push_back(offset + d);
  }
  FailureOr<Value> value = node.tensor(i, dropped);
  if (failed(value))
    return failure();
  operand.value = *value;
  return operand;
}

} // namespace imc::onnximport
