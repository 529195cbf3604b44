//===- DataMovement.cpp - Reading elements at positions -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

Positions Positions::of(ArrayRef<int64_t> positions) {
  Positions result;
  result.count = positions.size();
  if (positions.empty())
    return result;
  result.start = positions[0];
  if (positions.size() > 1)
    result.step = positions[1] - positions[0];
  for (int64_t i = 0; i < result.count; ++i)
    if (result.start + i * result.step != positions[i] || result.step == 0) {
      result.table.assign(positions.begin(), positions.end());
      break;
    }
  return result;
}

Value extract(OpBuilder &b, Location l, Value tensor, ValueRange indices) {
  return tensor::ExtractOp::create(b, l, tensor, indices);
}

SmallVector<Value, 4> loopIndices(OpBuilder &b, Location l, size_t rank) {
  SmallVector<Value, 4> indices;
  for (size_t d = 0; d < rank; ++d)
    indices.push_back(linalg::IndexOp::create(b, l, d));
  return indices;
}

Value rawIndex(OpBuilder &b, Location l, Value integer, bool isUnsigned,
               int64_t size) {
  Type index = b.getIndexType();
  if (isUnsigned)
    return arith::IndexCastUIOp::create(b, l, index, integer);
  Value signedIndex = arith::IndexCastOp::create(b, l, index, integer);
  Value zero = integerScalar(b, l, index, 0);
  Value fromEnd = arith::AddIOp::create(b, l, signedIndex,
                                        integerScalar(b, l, index, size));
  Value negative =
      arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, signedIndex, zero);
  return arith::SelectOp::create(b, l, negative, fromEnd, signedIndex);
}

Value clampedIndex(OpBuilder &b, Location l, Value index, int64_t size) {
  Value zero = integerScalar(b, l, index.getType(), 0);
  Value last = integerScalar(b, l, index.getType(), size - 1);
  Value low = arith::MaxSIOp::create(b, l, index, zero);
  return arith::MinSIOp::create(b, l, low, last);
}

Value wrappedIndex(OpBuilder &b, Location l, Value integer, bool isUnsigned,
                   int64_t size) {
  return clampedIndex(b, l, rawIndex(b, l, integer, isUnsigned, size), size);
}

Value isInside(OpBuilder &b, Location l, Value index, int64_t size) {
  // One comparison: a negative index is a large unsigned number.
  return arith::CmpIOp::create(b, l, arith::CmpIPredicate::ult, index,
                               integerScalar(b, l, index.getType(), size));
}

LogicalResult checkIndices(Node &node, unsigned input,
                           ArrayRef<int64_t> sizes) {
  const Constant *known = node.constant(input);
  if (!known || !known->isInteger())
    return success();
  for (int64_t i = 0, count = known->numElements(); i < count; ++i) {
    int64_t index = known->integer(i), size = sizes[i % sizes.size()];
    if (index < -size || index >= size) {
      node.error() << "index " << index << " (element " << i << " of input "
                   << input << ") is outside a dimension of size " << size
                   << "; the file is damaged";
      return failure();
    }
  }
  return success();
}

TypedAttr firstElement(MLIRContext *context, const Constant &known) {
  Type type = irType(context, known.onnxType());
  if (isa<FloatType>(type))
    return FloatAttr::get(type, known.real(0));
  llvm::APInt bits(type.getIntOrFloatBitWidth(), uint64_t(known.integer(0)),
                   /*isSigned=*/true, /*implicitTrunc=*/true);
  return IntegerAttr::get(type, bits);
}

static Value sliceWithSteps(OpBuilder &b, Location l, Value value,
                            ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes,
                            ArrayRef<int64_t> steps) {
  auto attributes = [&](ArrayRef<int64_t> values) {
    SmallVector<OpFoldResult> result;
    for (int64_t v : values)
      result.push_back(b.getIndexAttr(v));
    return result;
  };
  return tensor::ExtractSliceOp::create(b, l, value, attributes(offsets),
                                        attributes(sizes), attributes(steps));
}

Value slice(OpBuilder &b, Location l, Value value, ArrayRef<int64_t> offsets,
            ArrayRef<int64_t> sizes) {
  if (shapeOf(value) == sizes)
    return value;
  SmallVector<int64_t, 4> steps(sizes.size(), 1);
  return sliceWithSteps(b, l, value, offsets, sizes, steps);
}

/// Copies the elements of a known tensor.
static Constant copyKnown(const Constant &source, ArrayRef<Positions> positions,
                          ArrayRef<int64_t> shape) {
  int64_t width = bytesPerElement(source.onnxType());
  int64_t count = *countElements(shape);
  auto bytes = std::make_shared<std::vector<uint64_t>>(
      (count * width + 7) / 8); // aligned for every type
  char *target = reinterpret_cast<char *>(bytes->data());
  size_t rank = shape.size();
  SmallVector<int64_t, 4> strides(rank, width);
  for (size_t d = rank; d-- > 1;)
    strides[d - 1] = strides[d] * source.shape()[d];
  // Trailing axes that are whole are copied at once.
  size_t loops = rank;
  int64_t run = width;
  while (loops > 0 && positions[loops - 1].table.empty() &&
         (positions[loops - 1].step == 1 || positions[loops - 1].count == 1)) {
    --loops;
    run *= shape[loops];
    if (shape[loops] != source.shape()[loops])
      break;
  }
  int64_t base = 0;
  for (size_t d = loops; d < rank; ++d)
    base += positions[d].start * strides[d];
  SmallVector<int64_t, 4> index(loops, 0);
  for (int64_t done = 0; done < count * width; done += run) {
    int64_t from = base;
    for (size_t d = 0; d < loops; ++d)
      from += positions[d].at(index[d]) * strides[d];
    std::memcpy(target + done, source.bytes().data() + from, run);
    for (size_t d = loops; d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
  auto blob = std::make_shared<Blob>();
  blob->data = ArrayRef<char>(target, count * width);
  blob->owner = bytes;
  return Constant::make(source.name(), shape, source.onnxType(), blob);
}

FailureOr<Binding> take(Node &node, const Binding &source,
                        ArrayRef<Positions> positions) {
  SmallVector<int64_t, 4> shape, offsets, steps;
  bool ascends = true, whole = true;
  for (auto [p, size] : llvm::zip_equal(positions, source.shape())) {
    shape.push_back(p.count);
    offsets.push_back(p.start);
    steps.push_back(p.count > 1 ? p.step : 1);
    ascends &= p.table.empty() && steps.back() > 0;
    whole &=
        p.table.empty() && p.start == 0 && steps.back() == 1 && p.count == size;
  }
  if (whole)
    return source;
  FailureOr<RankedTensorType> type = node.type(shape, source.onnxType());
  if (failed(type))
    return failure();
  const Constant *known = source.constant();
  if (known && known->hasData() && type->getNumElements() > 0 &&
      type->getNumElements() <= known->numElements() &&
      node.mayCopy(type->getNumElements(), source.onnxType()))
    return Binding(copyKnown(*known, positions, shape));
  OpBuilder &builder = node.builder;
  if (type->getNumElements() == 0)
    return Binding(empty(builder, node.loc, *type), source.onnxType());
  FailureOr<Value> value = node.tensor(source);
  if (failed(value))
    return failure();
  if (ascends)
    return Binding(
        sliceWithSteps(builder, node.loc, *value, offsets, shape, steps),
        source.onnxType());
  // The positions of an axis are one more operand that runs with it.
  SmallVector<Operand> tables;
  SmallVector<int64_t, 4> operandOf(shape.size(), -1);
  for (auto [d, p] : llvm::enumerate(positions)) {
    if (p.table.empty())
      continue;
    FailureOr<Value> table = node.tensor(node.list(p.table));
    if (failed(table))
      return failure();
    operandOf[d] = tables.size();
    tables.push_back({*table, {int64_t(d)}});
  }
  Value result = elementwise(
      builder, node.loc, *type, tables,
      [&](OpBuilder &b, Location l, ValueRange elements) -> Value {
        SmallVector<Value, 4> indices = loopIndices(b, l, shape.size());
        for (auto [d, index] : llvm::enumerate(indices)) {
          if (operandOf[d] >= 0) {
            index = arith::IndexCastOp::create(b, l, b.getIndexType(),
                                               elements[operandOf[d]]);
            continue;
          }
          if (steps[d] != 1)
            index = arith::MulIOp::create(
                b, l, index, integerScalar(b, l, b.getIndexType(), steps[d]));
          if (offsets[d] != 0)
            index = arith::AddIOp::create(
                b, l, index, integerScalar(b, l, b.getIndexType(), offsets[d]));
        }
        return extract(b, l, *value, indices);
      });
  return Binding(result, source.onnxType());
}

} // namespace imc::onnximport
