//===- OpsProduct.cpp - Conv, Gemm, MatMul ------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Products keep the form that the next phase recognises: a named linalg op
// whose weight operand is a constant and whose destination is a broadcast bias
// or a fill of zero.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "OpTable.h"
#include "Window.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace imc::onnximport {

//===----------------------------------------------------------------------===//
// Conv
//===----------------------------------------------------------------------===//

/// The destination of a convolution: the bias (shape F, or GxF/G when grouped)
/// along the channels, or zero.
static FailureOr<Value> convInit(Node &node, RankedTensorType type,
                                 ArrayRef<int64_t> channels) {
  if (!node.hasInput(2))
    return filled(node.builder, node.loc, type, 0.0f);
  FailureOr<SmallVector<int64_t, 4>> biasShape = node.shape(2);
  int64_t count = 1;
  for (int64_t c : channels)
    count *= c;
  if (*biasShape != SmallVector<int64_t, 4>{count}) {
    node.error() << "the bias has shape " << shapeText(*biasShape)
                 << ", the weight has " << count << " output channels";
    return failure();
  }
  FailureOr<Value> bias = node.tensor(2, channels);
  if (failed(bias))
    return failure();
  SmallVector<int64_t, 4> added{0};
  for (int64_t d = 1 + channels.size(); d < type.getRank(); ++d)
    added.push_back(d);
  return broadcast(node.builder, node.loc, *bias, type, added);
}

LogicalResult lowerConv(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> xs = node.shape(0), ws = node.shape(1);
  if (xs->size() != 4 || ws->size() != 4) {
    node.error()
        << "the input is " << shapeText(*xs) << ", the weight "
        << shapeText(*ws)
        << "; only 2-D convolutions (NxCxHxW, FxCxKHxKW) are supported";
    return failure();
  }
  int64_t group = 1;
  SmallVector<int64_t, 4> kernel{(*ws)[2], (*ws)[3]}, kernelShape = kernel;
  if (failed(node.attribute("group", group)) ||
      failed(node.attribute("kernel_shape", kernelShape)))
    return failure();
  if (kernelShape != kernel) {
    node.error() << "kernel_shape " << shapeText(kernelShape)
                 << " contradicts the weight " << shapeText(*ws);
    return failure();
  }
  FailureOr<Window> window = readWindow(node, *xs, kernel, /*pool=*/false);
  if (failed(window))
    return failure();
  int64_t n = (*xs)[0], c = (*xs)[1], f = (*ws)[0], cg = (*ws)[1];
  if (group < 1 || c % group != 0 || f % group != 0 || c / group != cg) {
    node.error() << "group " << group << " does not divide the " << c
                 << " input channels and the " << f
                 << " output channels so that the weight " << shapeText(*ws)
                 << " fits";
    return failure();
  }
  int64_t oh = (*window)[0].out, ow = (*window)[1].out;
  FailureOr<RankedTensorType> type = node.type({n, f, oh, ow});
  FailureOr<Value> input = node.tensor(0);
  if (failed(type) || failed(input))
    return failure();
  FailureOr<Value> x = padWindow(node, *input, *window, /*needed=*/false, 0.0f);
  if (failed(x))
    return failure();
  OpBuilder &builder = node.builder;
  Attribute strides = stridesOf(node, *window);
  Attribute dilations = dilationsOf(node, *window);

  // One filter per channel; the ordinary form where there is only one channel.
  bool depthwise = group == c && f == c && c > 1;
  if (group == 1 || depthwise) {
    FailureOr<Value> w =
        depthwise ? node.tensor(1, {c, kernel[0], kernel[1]}) : node.tensor(1);
    FailureOr<Value> init = convInit(node, *type, {f});
    if (failed(w) || failed(init))
      return failure();
    Operation *op;
    if (depthwise)
      op = linalg::DepthwiseConv2DNchwChwOp::create(
          builder, node.loc, TypeRange(*type), ValueRange{*x, *w},
          ValueRange(*init), strides, dilations);
    else
      op = linalg::Conv2DNchwFchwOp::create(
          builder, node.loc, TypeRange(*type), ValueRange{*x, *w},
          ValueRange(*init), strides, dilations);
    return node.result(op->getResult(0));
  }

  // Groups become a dimension of their own.
  ArrayRef<int64_t> padded = shapeOf(*x);
  Value grouped =
      reshape(builder, node.loc, *x, {n, group, cg, padded[2], padded[3]});
  FailureOr<Value> w =
      node.tensor(1, {group, f / group, cg, kernel[0], kernel[1]});
  FailureOr<RankedTensorType> groupedType =
      node.type({n, group, f / group, oh, ow});
  if (failed(w) || failed(groupedType))
    return failure();
  FailureOr<Value> init = convInit(node, *groupedType, {group, f / group});
  if (failed(init))
    return failure();
  auto op = linalg::Conv2DNgchwGfchwOp::create(
      builder, node.loc, TypeRange(*groupedType), ValueRange{grouped, *w},
      ValueRange(*init), strides, dilations);
  return node.result(
      reshape(builder, node.loc, op.getResult(0), type->getShape()));
}

//===----------------------------------------------------------------------===//
// Gemm
//===----------------------------------------------------------------------===//

/// x · w + init for matrices.
static Value matmul(Node &node, Value x, Value w, Value init) {
  return linalg::MatmulOp::create(node.builder, node.loc,
                                  TypeRange(init.getType()), ValueRange{x, w},
                                  ValueRange(init))
      .getResult(0);
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
  FailureOr<RankedTensorType> type = node.type({m, n});
  FailureOr<Value> a = node.tensor(0);
  if (failed(type) || failed(a))
    return failure();
  OpBuilder &builder = node.builder;
  if (transA)
    a = transpose(builder, node.loc, *a, {1, 0});

  // A stored matrix takes alpha and the transposition at import; otherwise they
  // are work of the program.
  FailureOr<Value> b = failure();
  const Constant *known = node.constant(1);
  if (known && known->isFloat()) {
    if (failed(node.type(*bs)))
      return failure();
    Constant weight = transB ? known->transposed({1, 0}) : *known;
    b = weight.scaled(alpha).materialize(builder, node.loc);
  } else {
    b = node.tensor(1);
    if (failed(b))
      return failure();
    if (transB)
      b = transpose(builder, node.loc, *b, {1, 0});
    if (alpha != 1.0f)
      a = elementwise(
          builder, node.loc, cast<RankedTensorType>((*a).getType()),
          {whole(*a)},
          [&](OpBuilder &nested, Location l, ValueRange v) -> Value {
            return arith::MulFOp::create(
                nested, l, v[0], scalar(nested, l, v[0].getType(), alpha));
          });
  }
  FailureOr<Value> init = gemmInit(node, *type, beta);
  if (failed(init))
    return failure();
  return node.result(matmul(node, *a, *b, *init));
}

//===----------------------------------------------------------------------===//
// MatMul
//===----------------------------------------------------------------------===//

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
  SmallVector<int64_t, 4> shape(b.size() == 2 ? batchA : batchB);
  if (b.size() > 2 && batchA != batchB) {
    node.error() << "A is " << shapeText(*as) << " and B " << shapeText(*bs)
                 << ": batched products need equal leading dimensions here, or "
                    "a matrix B";
    return failure();
  }
  if (!vectorA)
    shape.push_back(m);
  if (!vectorB)
    shape.push_back(n);
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type))
    return failure();
  int64_t batch = 1;
  for (int64_t d : batchA)
    batch *= d;

  OpBuilder &builder = node.builder;
  if (b.size() == 2) {
    // A matrix on the right: all rows of A in one product.
    FailureOr<Value> x = node.tensor(0, {batch * m, k});
    FailureOr<Value> w = node.tensor(1, {k, n});
    FailureOr<RankedTensorType> flat = node.type({batch * m, n});
    if (failed(x) || failed(w) || failed(flat))
      return failure();
    Value init = filled(builder, node.loc, *flat, 0.0f);
    return node.result(
        reshape(builder, node.loc, matmul(node, *x, *w, init), shape));
  }
  FailureOr<Value> x = node.tensor(0, {batch, m, k});
  FailureOr<Value> w = node.tensor(1, {batch, k, n});
  FailureOr<RankedTensorType> flat = node.type({batch, m, n});
  if (failed(x) || failed(w) || failed(flat))
    return failure();
  Value init = filled(builder, node.loc, *flat, 0.0f);
  Value product =
      linalg::BatchMatmulOp::create(builder, node.loc, TypeRange(*flat),
                                    ValueRange{*x, *w}, ValueRange(init))
          .getResult(0);
  return node.result(reshape(builder, node.loc, product, shape));
}

} // namespace imc::onnximport
