//===- OpsGather.cpp - Ops that read at indices of the data ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Indices that are known are checked at import. Those computed at run time
// wrap when they are negative, and are then limited to the tensor.
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// Refuses input `i` when it has another type than INT32 or INT64.
static LogicalResult checkIndexType(Node &node, unsigned i) {
  int type = node.elementType(i);
  if (type == onnxtype::Int32 || type == onnxtype::Int64)
    return success();
  node.error() << "indices must be INT32 or INT64, are " << onnxTypeName(type);
  return failure();
}

/// Refuses a gather from nothing.
static LogicalResult checkNotEmpty(Node &node, ArrayRef<int64_t> data,
                                   ArrayRef<int64_t> result) {
  if (countElements(data) != 0 || countElements(result) == 0)
    return success();
  node.error() << "reads elements of an empty tensor of shape "
               << shapeText(data);
  return failure();
}

LogicalResult lowerGather(Node &node) {
  int64_t axis = 0;
  if (failed(node.attribute("axis", axis)) || failed(checkIndexType(node, 1)))
    return failure();
  FailureOr<Shape> data = node.shape(0), indices = node.shape(1);
  int64_t rank = data->size();
  FailureOr<int64_t> checked = node.axis(axis, rank);
  if (failed(checked))
    return failure();
  axis = *checked;
  int64_t size = (*data)[axis];
  Shape shape(data->begin(), data->begin() + axis);
  shape.append(*indices);
  shape.append(data->begin() + axis + 1, data->end());
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type) || failed(checkIndices(node, 1, size)) ||
      failed(checkNotEmpty(node, *data, shape)))
    return failure();
  const Constant *known = node.constant(1);
  if (known && known->isInteger() && known->numElements() <= kMaxPositions) {
    SmallVector<Positions, 4> positions;
    for (int64_t dim : *data)
      positions.push_back(Positions::all(dim));
    Shape at = known->integers();
    for (int64_t &i : at)
      i += i < 0 ? size : 0;
    positions[axis] = Positions::of(at);
    FailureOr<Binding> taken = take(node, node.input(0), positions);
    if (failed(taken))
      return failure();
    if (const Constant *part = taken->constant())
      return node.result(part->reshaped(shape));
    return node.result(reshape(node.builder, node.loc, taken->value(), shape));
  }
  FailureOr<Value> x = node.tensor(0), at = node.tensor(1);
  if (failed(x) || failed(at))
    return failure();
  Operand position{*at, {}};
  for (size_t d = 0; d < indices->size(); ++d)
    position.dims.push_back(axis + d);
  return node.result(elementwise(
      node.builder, node.loc, *type, {position},
      [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
        SmallVector<Value, 4> loops = loopIndices(b, l, shape.size());
        SmallVector<Value, 4> from(loops.begin(), loops.begin() + axis);
        from.push_back(wrappedIndex(b, l, elements[0], false, size));
        from.append(loops.begin() + axis + indices->size(), loops.end());
        return extract(b, l, *x, from);
      }));
}

LogicalResult lowerGatherElements(Node &node) {
  int64_t axis = 0;
  if (failed(node.attribute("axis", axis)) || failed(checkIndexType(node, 1)))
    return failure();
  FailureOr<Shape> data = node.shape(0), shape = node.shape(1);
  FailureOr<int64_t> checked = node.axis(axis, data->size());
  if (failed(checked))
    return failure();
  axis = *checked;
  bool fits = data->size() == shape->size();
  for (size_t d = 0; fits && d < data->size(); ++d)
    fits = int64_t(d) == axis || (*shape)[d] <= (*data)[d];
  if (!fits) {
    node.error() << "indices of shape " << shapeText(*shape)
                 << " do not fit data of shape " << shapeText(*data)
                 << " along axis " << axis;
    return failure();
  }
  int64_t size = (*data)[axis];
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(type) || failed(checkIndices(node, 1, size)) ||
      failed(checkNotEmpty(node, *data, *shape)))
    return failure();
  FailureOr<Value> x = node.tensor(0), at = node.tensor(1);
  if (failed(x) || failed(at))
    return failure();
  return node.result(elementwise(
      node.builder, node.loc, *type, {whole(*at)},
      [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
        SmallVector<Value, 4> from = loopIndices(b, l, shape->size());
        from[axis] = wrappedIndex(b, l, elements[0], false, size);
        return extract(b, l, *x, from);
      }));
}

LogicalResult lowerGatherND(Node &node) {
  int64_t batch = 0;
  if (node.version() >= 12 && failed(node.attribute("batch_dims", batch)))
    return failure();
  FailureOr<Shape> data = node.shape(0), indices = node.shape(1);
  int64_t rank = data->size(), indexRank = indices->size();
  int64_t depth = indexRank == 0 ? 0 : indices->back();
  bool fits = indexRank >= 1 && batch >= 0 && batch < indexRank &&
              batch <= rank && depth >= 1 && depth <= rank - batch;
  for (int64_t d = 0; fits && d < batch; ++d)
    fits = (*data)[d] == (*indices)[d];
  if (!fits) {
    node.error() << "indices of shape " << shapeText(*indices)
                 << " with batch_dims " << batch << " do not fit data of shape "
                 << shapeText(*data);
    return failure();
  }
  Shape shape(indices->begin(), indices->end() - 1);
  shape.append(data->begin() + batch + depth, data->end());
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type) || failed(checkIndexType(node, 1)) ||
      failed(checkIndices(node, 1,
                          ArrayRef<int64_t>(*data).slice(batch, depth))) ||
      failed(checkNotEmpty(node, *data, shape)))
    return failure();
  FailureOr<Value> x = node.tensor(0), at = node.tensor(1);
  if (failed(x) || failed(at))
    return failure();
  return node.result(elementwise(
      node.builder, node.loc, *type, {},
      [&](OpBuilder &b, Location l, ValueRange) -> Value {
        SmallVector<Value, 4> loops = loopIndices(b, l, shape.size());
        SmallVector<Value, 4> from(loops.begin(), loops.begin() + batch);
        SmallVector<Value, 4> position(loops.begin(),
                                       loops.begin() + indexRank - 1);
        position.emplace_back();
        for (int64_t k = 0; k < depth; ++k) {
          position.back() = integerScalar(b, l, b.getIndexType(), k);
          from.push_back(wrappedIndex(b, l, extract(b, l, *at, position), false,
                                      (*data)[batch + k]));
        }
        from.append(loops.begin() + indexRank - 1, loops.end());
        return extract(b, l, *x, from);
      }));
}

LogicalResult lowerOneHot(Node &node) {
  int64_t axis = -1;
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<double> depth = node.scalar(1, "the depth");
  if (failed(depth))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<int64_t> checked = node.axis(axis, shape->size() + 1);
  if (failed(checked))
    return failure();
  if (!(*depth >= 1) || *depth > double(kMaxElements) ||
      countElements(*node.shape(2)) != 2) {
    node.error() << "depth " << *depth << " must be from 1 to 2^34, and "
                 << shapeText(*node.shape(2))
                 << " values must be two: off and on";
    return failure();
  }
  int64_t count = int64_t(*depth);
  Operand index{Value(), {}};
  for (int64_t d = 0; d < int64_t(shape->size()); ++d)
    index.dims.push_back(d < *checked ? d : d + 1);
  shape->insert(shape->begin() + *checked, count);
  int onnxType = node.elementType(2);
  FailureOr<RankedTensorType> type = node.type(*shape, onnxType);
  FailureOr<Value> indices = node.tensor(0), values = node.tensor(2, {2});
  if (failed(type) || failed(indices) || failed(values))
    return failure();
  index.value = *indices;
  int from = node.elementType(0);
  Value result = elementwise(
      node.builder, node.loc, *type, {index},
      [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
        Value i = loopIndices(b, l, shape->size())[*checked];
        // An index matches its position and that position less the depth.
        Value here = arith::IndexCastOp::create(b, l, b.getI64Type(), i);
        Value negative =
            subtract(b, l, here, integerScalar(b, l, b.getI64Type(), count));
        Value on;
        if (isFloatType(from)) {
          Value x = convert(b, l, elements[0], from, onnxtype::Double);
          here = convert(b, l, here, onnxtype::Int64, onnxtype::Double);
          negative = convert(b, l, negative, onnxtype::Int64, onnxtype::Double);
          on = arith::OrIOp::create(
              b, l, compare(b, l, Comparison::Equal, x, here, false),
              compare(b, l, Comparison::Equal, x, negative, false));
        } else {
          Value x = convert(b, l, elements[0], from, onnxtype::Int64);
          on = compare(b, l, Comparison::Equal, x, here, false);
          if (!isUnsignedType(from))
            on = arith::OrIOp::create(
                b, l, on, compare(b, l, Comparison::Equal, x, negative, false));
        }
        Value off =
            extract(b, l, *values, integerScalar(b, l, b.getIndexType(), 0));
        Value one =
            extract(b, l, *values, integerScalar(b, l, b.getIndexType(), 1));
        return arith::SelectOp::create(b, l, on, one, off);
      });
  return node.result(result, 0, onnxType);
}

LogicalResult lowerReverseSequence(Node &node) {
  int64_t batchAxis = 1, timeAxis = 0;
  if (failed(node.attribute("batch_axis", batchAxis)) ||
      failed(node.attribute("time_axis", timeAxis)))
    return failure();
  FailureOr<Shape> shape = node.shape(0), lengths = node.shape(1);
  int64_t rank = shape->size();
  FailureOr<int64_t> batch = node.axis(batchAxis, rank);
  FailureOr<int64_t> time = node.axis(timeAxis, rank);
  if (failed(batch) || failed(time))
    return failure();
  if (*batch == *time || *lengths != Shape{(*shape)[*batch]} ||
      node.elementType(1) != onnxtype::Int64) {
    node.error() << "sequence_lens of shape " << shapeText(*lengths)
                 << " must be one INT64 per element of axis " << *batch
                 << " of " << shapeText(*shape)
                 << ", and time_axis another axis";
    return failure();
  }
  FailureOr<RankedTensorType> type = node.type(*shape);
  FailureOr<Value> x = node.tensor(0), count = node.tensor(1);
  if (failed(type) || failed(x) || failed(count))
    return failure();
  int64_t steps = (*shape)[*time];
  return node.result(elementwise(
      node.builder, node.loc, *type, {Operand{*count, {*batch}}},
      [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
        SmallVector<Value, 4> from = loopIndices(b, l, rank);
        Value t = from[*time];
        Value length =
            arith::IndexCastOp::create(b, l, b.getIndexType(), elements[0]);
        Value last =
            subtract(b, l, length, integerScalar(b, l, b.getIndexType(), 1));
        Value within = compare(b, l, Comparison::Less, t, length, false);
        Value mirrored = clampedIndex(b, l, subtract(b, l, last, t), steps);
        from[*time] = arith::SelectOp::create(b, l, within, mirrored, t);
        return extract(b, l, *x, from);
      }));
}

LogicalResult lowerTensorScatter(Node &node) {
  int64_t axis = -2;
  std::string mode = "linear";
  if (failed(node.attribute("axis", axis)) ||
      failed(node.attribute("mode", mode)))
    return failure();
  FailureOr<Shape> shape = node.shape(0), update = node.shape(1);
  int64_t rank = shape->size();
  FailureOr<int64_t> checked = node.axis(axis, rank);
  if (failed(checked))
    return failure();
  axis = *checked;
  bool fits = update->size() == shape->size() && axis > 0 &&
              (mode == "linear" || mode == "circular");
  for (int64_t d = 0; fits && d < rank; ++d)
    fits =
        d == axis ? (*update)[d] <= (*shape)[d] : (*update)[d] == (*shape)[d];
  bool placed = node.hasInput(2);
  if (!fits || (placed && (*node.shape(2) != Shape{(*shape)[0]} ||
                           node.elementType(2) != onnxtype::Int64))) {
    node.error() << "an update of shape " << shapeText(*update) << " in mode '"
                 << mode << "' does not fit a cache of shape "
                 << shapeText(*shape) << " along axis " << axis
                 << " (not the first), with one INT64 write index per batch";
    return failure();
  }
  int64_t size = (*shape)[axis], length = (*update)[axis];
  FailureOr<RankedTensorType> type = node.type(*shape);
  FailureOr<Value> past = node.tensor(0), part = node.tensor(1);
  if (failed(type) || failed(past) || failed(part))
    return failure();
  if (countElements(*update) == 0)
    return node.result(*past);
  SmallVector<Operand> operands = {whole(*past)};
  if (placed) {
    FailureOr<Value> at = node.tensor(2);
    if (failed(at))
      return failure();
    operands.push_back({*at, {0}});
  }
  // Read from where the element came, which needs no order of writing.
  return node.result(elementwise(
      node.builder, node.loc, *type, operands,
      [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
        SmallVector<Value, 4> from = loopIndices(b, l, rank);
        Type index = b.getIndexType();
        Value t = from[axis];
        if (placed) {
          Value start = arith::IndexCastOp::create(b, l, index, elements[1]);
          t = subtract(b, l, t, start);
          if (mode == "circular") {
            Value period = integerScalar(b, l, index, size);
            t = arith::RemSIOp::create(b, l, t, period);
            Value negative = compare(b, l, Comparison::Less, t,
                                     integerScalar(b, l, index, 0), false);
            t = arith::SelectOp::create(b, l, negative, add(b, l, t, period),
                                        t);
          }
        }
        Value written = isInside(b, l, t, length);
        from[axis] = clampedIndex(b, l, t, length);
        return arith::SelectOp::create(b, l, written,
                                       extract(b, l, *part, from), elements[0]);
      }));
}

} // namespace imc::onnximport
