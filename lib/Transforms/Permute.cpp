//===- Permute.cpp - Tensors in another order or shape --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Permute.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static Value emptyTensor(OpBuilder &builder, Location loc,
                         RankedTensorType type) {
  return tensor::EmptyOp::create(builder, loc, type.getShape(),
                                 type.getElementType());
}

SmallVector<int64_t> imc::detail::inverse(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> result(permutation.size());
  for (auto [i, p] : llvm::enumerate(permutation))
    result[p] = i;
  return result;
}

bool imc::detail::isIdentity(ArrayRef<int64_t> permutation) {
  return llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size()));
}

bool imc::detail::keepsOrder(ArrayRef<int64_t> shape,
                             ArrayRef<int64_t> permutation) {
  int64_t last = -1;
  for (int64_t p : permutation) {
    if (shape[p] == 1)
      continue;
    if (p < last)
      return false;
    last = p;
  }
  return true;
}

Value imc::detail::filled(OpBuilder &builder, Location loc,
                          RankedTensorType type, Value scalar) {
  return linalg::FillOp::create(builder, loc, scalar,
                                emptyTensor(builder, loc, type))
      .getResult(0);
}

Value imc::detail::broadcast(OpBuilder &builder, Location loc, Value value,
                             ArrayRef<int64_t> shape,
                             ArrayRef<int64_t> dimensions) {
  if (dimensions.empty())
    return value;
  Value init = emptyTensor(builder, loc, typeOf(value).clone(shape));
  return linalg::BroadcastOp::create(builder, loc, value, init, dimensions)
      ->getResult(0);
}

Value imc::detail::reshape(OpBuilder &builder, Location loc, Value value,
                           ArrayRef<int64_t> shape) {
  RankedTensorType from = typeOf(value), to = from.clone(shape);
  if (from == to)
    return value;
  if (from.getRank() != to.getRank())
    if (auto groups = getReassociationIndicesForReshape(from, to)) {
      if (from.getRank() > to.getRank())
        return tensor::CollapseShapeOp::create(builder, loc, to, value,
                                               *groups);
      return tensor::ExpandShapeOp::create(builder, loc, to, value, *groups);
    }
  // Neither shape refines the other: go through one dimension.
  value = reshape(builder, loc, value, {from.getNumElements()});
  return reshape(builder, loc, value, shape);
}

Value imc::detail::permute(OpBuilder &builder, Location loc, Value value,
                           ArrayRef<int64_t> permutation) {
  if (isIdentity(permutation))
    return value;
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shape;
  for (int64_t p : permutation)
    shape.push_back(type.getDimSize(p));
  if (auto transpose = value.getDefiningOp<linalg::TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t p : permutation)
      composed.push_back(transpose.getPermutation()[p]);
    return permute(builder, loc, transpose.getInput(), composed);
  }
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return filled(builder, loc, type.clone(shape), fill.value());
  if (value.getDefiningOp<tensor::EmptyOp>())
    return emptyTensor(builder, loc, type.clone(shape));
  if (auto repeat = value.getDefiningOp<linalg::BroadcastOp>()) {
    // Dimensions of the input keep their meaning; the order may change.
    SmallVector<int64_t> inputOf(type.getRank(), -1), order, added;
    int64_t next = 0;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (!llvm::is_contained(repeat.getDimensions(), d))
        inputOf[d] = next++;
    for (auto [i, p] : llvm::enumerate(permutation)) {
      if (inputOf[p] < 0)
        added.push_back(i);
      else
        order.push_back(inputOf[p]);
    }
    return broadcast(builder, loc,
                     permute(builder, loc, repeat.getInput(), order), shape,
                     added);
  }
  if (keepsOrder(type.getShape(), permutation))
    return reshape(builder, loc, value, shape);
  Value init = emptyTensor(builder, loc, type.clone(shape));
  return linalg::TransposeOp::create(builder, loc, value, init, permutation)
      ->getResult(0);
}
