//===- OpsProduct.cpp - Conv ----------------------------------------------===//
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

} // namespace imc::onnximport
