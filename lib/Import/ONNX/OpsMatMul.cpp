//===- OpsMatMul.cpp - Gemm, MatMul ---------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of matrices keep the form that the next phase recognises: a
// linalg.matmul whose right operand is a stored matrix if either operand is,
// and whose destination is a broadcast bias or a fill of zero.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"
#include "WideFloat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace imc::onnximport {

//===----------------------------------------------------------------------===//
// Gemm
//===----------------------------------------------------------------------===//

/// x · w + init for matrices, or for stacks of them.
static Value matmul(Node &node, Value x, Value w, Value init) {
  OpBuilder &b = node.builder;
  auto create = [&](Value left, Value right, Value start) -> Value {
    Type type = start.getType();
    if (shapeOf(start).size() == 3)
      return linalg::BatchMatmulOp::create(b, node.loc, TypeRange(type),
                                           ValueRange{left, right},
                                           ValueRange(start))
          .getResult(0);
    return linalg::MatmulOp::create(b, node.loc, TypeRange(type),
                                    ValueRange{left, right}, ValueRange(start))
        .getResult(0);
  };
  Type element = cast<RankedTensorType>(x.getType()).getElementType();
  if (!isa<FloatType>(element))
    return create(x, w, init);
  Type wide = wideType(element);
  auto widened = [&](Value value) {
    return castFloat(b, node.loc, value, wide);
  };
  return castFloat(b, node.loc, create(widened(x), widened(w), widened(init)),
                   element);
}

/// Input `i` reshaped, times `factor`; a stored one is scaled at import.
static FailureOr<Value> scaledInput(Node &node, unsigned i,
                                    ArrayRef<int64_t> shape, float factor) {
  const Constant *known = node.constant(i);
  if (known && known->isFloat())
    return node.tensor(Binding(known->scaled(factor)), shape);
  FailureOr<Value> value = node.tensor(i, shape);
  if (failed(value) || factor == 1.0f)
    return value;
  return elementwise(
      node.builder, node.loc, cast<RankedTensorType>((*value).getType()),
      {whole(*value)}, [&](OpBuilder &b, Location l, ValueRange v) {
        return multiply(b, l, v[0], scalar(b, l, v[0].getType(), factor));
      });
}

/// beta · C broadcast to MxN.
static FailureOr<Value> gemmInit(Node &node, RankedTensorType type,
                                 float beta) {
  if (!node.hasInput(2) || beta == 0.0f)
    return filled(node.builder, node.loc, type, 0.0f);
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(2);
  if (shape->size() > 2 || broadcastShapes(*shape, type.getShape()) !=
                               SmallVector<int64_t, 4>(type.getShape())) {
    node.error() << "C of shape " << shapeText(*shape)
                 << " does not broadcast to the result "
                 << shapeText(type.getShape());
    return failure();
  }
  // Drop the dimensions that are stretched.
  SmallVector<int64_t, 4> kept, added;
  for (int64_t d = 0; d < 2; ++d) {
    int64_t at = d - 2 + int64_t(shape->size());
    int64_t size = at < 0 ? 1 : (*shape)[at];
    bool stretched = at < 0 || (size == 1 && type.getDimSize(d) != 1);
    if (stretched)
      added.push_back(d);
    else
      kept.push_back(size);
  }
  FailureOr<Value> c = failure();
  const Constant *known = node.constant(2);
  if (known && known->isFloat() && beta != 1.0f)
    c = known->scaled(beta).reshaped(kept).materialize(node.builder, node.loc);
  else
    c = node.tensor(2, kept);
  if (failed(c))
    return failure();
  if (!known && beta != 1.0f)
    c = elementwise(node.builder, node.loc,
                    cast<RankedTensorType>((*c).getType()), {whole(*c)},
                    [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                      return arith::MulFOp::create(
                          b, l, v[0], scalar(b, l, v[0].getType(), beta));
                    });
  return added.empty() ? *c
                       : broadcast(node.builder, node.loc, *c, type, added);
}

LogicalResult lowerGemm(Node &node) {
  float alpha = 1.0f, beta = 1.0f;
  int64_t transA = 0, transB = 0;
  if (node.version() < 7)
    node.ignoreAttribute("broadcast"); // what does not fit is refused anyway
  if (failed(node.attribute("alpha", alpha)) ||
      failed(node.attribute("beta", beta)) ||
      failed(node.attribute("transA", transA)) ||
      failed(node.attribute("transB", transB)))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> as = node.shape(0), bs = node.shape(1);
  if (as->size() != 2 || bs->size() != 2) {
    node.error() << "A is " << shapeText(*as) << " and B " << shapeText(*bs)
                 << "; both must be matrices";
    return failure();
  }
  int64_t m = (*as)[transA ? 1 : 0], k = (*as)[transA ? 0 : 1];
  int64_t kb = (*bs)[transB ? 1 : 0], n = (*bs)[transB ? 0 : 1];
  if (k != kb) {
    node.error() << "A is " << shapeText(*as) << " and B " << shapeText(*bs)
                 << " (transA " << transA << ", transB " << transB
                 << "): the inner sizes " << k << " and " << kb << " differ";
    return failure();
  }
  if (!isFloatType(node.elementType(0)) && (alpha != 1.0f || beta != 1.0f)) {
    node.error() << "alpha " << alpha << " and beta " << beta
                 << " of an integer product are not supported, only 1 and 1";
    return failure();
  }
  FailureOr<RankedTensorType> type = node.type({m, n});
  if (failed(type))
    return failure();
  OpBuilder &builder = node.builder;
  // A stored matrix takes alpha and the transposition at import; otherwise they
  // are work of the program.
  const Constant *known = node.constant(1);
  bool scaleB = known && known->isFloat();
  FailureOr<Value> a = scaledInput(node, 0, *as, scaleB ? 1.0f : alpha);
  FailureOr<Value> b = failure();
  if (known) {
    Constant weight = transB ? known->transposed({1, 0}) : *known;
    b = node.tensor(Binding(scaleB ? weight.scaled(alpha) : weight));
  } else {
    b = node.tensor(1);
  }
  if (failed(a) || failed(b))
    return failure();
  if (transA)
    a = transpose(builder, node.loc, *a, {1, 0});
  if (transB && !known)
    b = transpose(builder, node.loc, *b, {1, 0});
  FailureOr<Value> init = gemmInit(node, *type, beta);
  if (failed(init))
    return failure();
  return node.result(matmul(node, *a, *b, *init));
}

//===----------------------------------------------------------------------===//
// MatMul
//===----------------------------------------------------------------------===//

/// A stack of matrices: `matrix` of shape {batch..., rows, columns}.
static FailureOr<Value> stack(Node &node, unsigned i, ArrayRef<int64_t> from,
                              ArrayRef<int64_t> batch, int64_t rows,
                              int64_t columns) {
  // Batch dimensions that the operand has; those it lacks are copied.
  SmallVector<int64_t, 4> kept, added, wide(batch);
  wide.append({rows, columns});
  size_t offset = batch.size() - from.size();
  for (size_t d = 0; d < batch.size(); ++d) {
    bool has = d >= offset && from[d - offset] == batch[d];
    if (has)
      kept.push_back(batch[d]);
    else
      added.push_back(d);
  }
  kept.append({rows, columns});
  FailureOr<RankedTensorType> type = node.type(wide);
  if (failed(type))
    return failure();
  FailureOr<Value> value = node.tensor(i, kept);
  if (failed(value))
    return failure();
  if (!added.empty())
    value = broadcast(node.builder, node.loc, *value, *type, added);
  int64_t count = 1;
  for (int64_t d : batch)
    count *= d;
  return reshape(node.builder, node.loc, *value, {count, rows, columns});
}

static bool isOne(int64_t size) { return size == 1; }

LogicalResult lowerMatMul(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> as = node.shape(0), bs = node.shape(1);
  SmallVector<int64_t, 4> a = *as, b = *bs;
  if (a.empty() || b.empty()) {
    node.error() << "A or B is a scalar; MatMul needs at least one dimension";
    return failure();
  }
  // NumPy: a vector gets a dimension of one, which the result loses again.
  bool vectorA = a.size() == 1, vectorB = b.size() == 1;
  if (vectorA)
    a.insert(a.begin(), 1);
  if (vectorB)
    b.push_back(1);
  int64_t m = a[a.size() - 2], k = a.back(), n = b.back();
  if (b[b.size() - 2] != k) {
    node.error() << "A is " << shapeText(*as) << " and B " << shapeText(*bs)
                 << ": the inner sizes " << k << " and " << b[b.size() - 2]
                 << " differ";
    return failure();
  }
  ArrayRef<int64_t> batchA = ArrayRef(a).drop_back(2);
  ArrayRef<int64_t> batchB = ArrayRef(b).drop_back(2);
  std::optional<SmallVector<int64_t, 4>> batch =
      broadcastShapes(batchA, batchB);
  if (!batch) {
    node.error() << "A is " << shapeText(*as) << " and B " << shapeText(*bs)
                 << ": the leading dimensions do not broadcast";
    return failure();
  }
  SmallVector<int64_t, 4> shape = *batch;
  if (!vectorA)
    shape.push_back(m);
  if (!vectorB)
    shape.push_back(n);
  std::optional<int64_t> count = countElements(*batch);
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type) || !count)
    return failure();

  OpBuilder &builder = node.builder;
  if (llvm::all_of(batchB, isOne)) {
    // A matrix on the right: all rows of A in one product.
    FailureOr<RankedTensorType> flat = node.type({*count * m, n});
    FailureOr<Value> x = node.tensor(0, {*count * m, k});
    FailureOr<Value> w = node.tensor(1, {k, n});
    if (failed(x) || failed(w) || failed(flat))
      return failure();
    Value init = filled(builder, node.loc, *flat, 0.0);
    return node.result(
        reshape(builder, node.loc, matmul(node, *x, *w, init), shape));
  }
  if (llvm::all_of(batchA, isOne) && node.constant(0)) {
    // A stored matrix on the left: (B^T A^T)^T has it on the right.
    Constant weight = node.constant(0)->reshaped({m, k}).transposed({1, 0});
    FailureOr<Value> w = node.tensor(Binding(weight));
    FailureOr<Value> x = node.tensor(1, {*count, k, n});
    FailureOr<RankedTensorType> flat = node.type({*count * n, m});
    if (failed(x) || failed(w) || failed(flat))
      return failure();
    Value rows =
        reshape(builder, node.loc, transpose(builder, node.loc, *x, {0, 2, 1}),
                {*count * n, k});
    Value product =
        matmul(node, rows, *w, filled(builder, node.loc, *flat, 0.0));
    product = reshape(builder, node.loc, product, {*count, n, m});
    return node.result(reshape(builder, node.loc,
                               transpose(builder, node.loc, product, {0, 2, 1}),
                               shape));
  }
  FailureOr<Value> x = stack(node, 0, batchA, *batch, m, k);
  FailureOr<Value> w = stack(node, 1, batchB, *batch, k, n);
  FailureOr<RankedTensorType> flat = node.type({*count, m, n});
  if (failed(x) || failed(w) || failed(flat))
    return failure();
  Value init = filled(builder, node.loc, *flat, 0.0);
  Value product = matmul(node, *x, *w, init);
  return node.result(reshape(builder, node.loc, product, shape));
}

} // namespace imc::onnximport
