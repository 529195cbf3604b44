//===- Convolution.cpp - Convolutions of any rank as 2-D ones -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "Build.h"
#include "WideFloat.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

LogicalResult checkGroups(Node &node, int64_t group, int64_t channels,
                          int64_t filters, int64_t channelsPerGroup,
                          ArrayRef<int64_t> weight) {
  if (group >= 1 && channels % group == 0 && filters % group == 0 &&
      channels / group == channelsPerGroup)
    return success();
  node.error() << "group " << group << " does not divide the " << channels
               << " input channels and the " << filters
               << " output channels so that the weight " << shapeText(weight)
               << " fits";
  return failure();
}

LogicalResult checkBias(Node &node, unsigned input, int64_t filters) {
  if (!node.hasInput(input))
    return success();
  FailureOr<Shape> shape = node.shape(input);
  if (*shape == Shape{filters})
    return success();
  node.error() << "the bias has shape " << shapeText(*shape)
               << ", the weight has " << filters << " output channels";
  return failure();
}

Type sumTypeOf(Type x, Type w) {
  auto isWide = [](Type type) {
    return type.isInteger(16) || type.isInteger(64);
  };
  return IntegerType::get(x.getContext(), isWide(x) || isWide(w) ? 64 : 32);
}

/// The destination of a convolution: the bias (reshaped to `channels`) along
/// the dimensions after the first, or zero.
static FailureOr<Value> initial(Node &node, const Binding &bias,
                                RankedTensorType type,
                                ArrayRef<int64_t> channels) {
  if (bias.empty())
    return filled(node.builder, node.loc, type, 0.0);
  FailureOr<Value> value = wideTensor(node, bias, channels);
  if (failed(value))
    return failure();
  Shape added{0};
  for (int64_t d = 1 + channels.size(); d < type.getRank(); ++d)
    added.push_back(d);
  return broadcast(node.builder, node.loc, *value, type, added);
}

/// x NxCxHxW (padded) -> NxFxOHxOW.
static FailureOr<Value> convolve2D(Node &node, Value x, const Binding &weight,
                                   const Binding &bias, int64_t group,
                                   const Window &window, int64_t filters) {
  OpBuilder &builder = node.builder;
  Shape xs(shapeOf(x));
  int64_t n = xs[0], c = xs[1], f = filters, cg = c / group;
  int64_t kh = window[0].kernel, kw = window[1].kernel;
  int64_t oh = window[0].out, ow = window[1].out;
  auto element = cast<RankedTensorType>(x.getType()).getElementType();
  if (element.isInteger())
    element =
        sumTypeOf(element, irType(builder.getContext(), weight.onnxType()));
  auto type = RankedTensorType::get({n, f, oh, ow}, element);
  Attribute strides = stridesOf(node, window);
  Attribute dilations = dilationsOf(node, window);

  // One filter per channel; the ordinary form where there is only one channel.
  bool depthwise = group == c && f == c && c > 1;
  if (group == 1 || depthwise) {
    FailureOr<Value> w = wideTensor(
        node, weight, depthwise ? Shape{c, kh, kw} : Shape{f, c, kh, kw});
    FailureOr<Value> init = initial(node, bias, type, {f});
    if (failed(w) || failed(init))
      return failure();
    Operation *op;
    if (depthwise)
      op = linalg::DepthwiseConv2DNchwChwOp::create(
          builder, node.loc, TypeRange(type), ValueRange{x, *w},
          ValueRange(*init), strides, dilations);
    else
      op = linalg::Conv2DNchwFchwOp::create(
          builder, node.loc, TypeRange(type), ValueRange{x, *w},
          ValueRange(*init), strides, dilations);
    return op->getResult(0);
  }

  // Groups become a dimension of their own.
  Value grouped = reshape(builder, node.loc, x, {n, group, cg, xs[2], xs[3]});
  FailureOr<Value> w = wideTensor(node, weight, {group, f / group, cg, kh, kw});
  auto groupedType =
      RankedTensorType::get({n, group, f / group, oh, ow}, element);
  FailureOr<Value> init = initial(node, bias, groupedType, {group, f / group});
  if (failed(w) || failed(init))
    return failure();
  auto op = linalg::Conv2DNgchwGfchwOp::create(
      builder, node.loc, TypeRange(groupedType), ValueRange{grouped, *w},
      ValueRange(*init), strides, dilations);
  return reshape(builder, node.loc, op.getResult(0), type.getShape());
}

/// x NxCxDs…xHxW -> (N·ODs)x(C·KDs)xHxW for all spatial dimensions but the last
/// two: for each output position along Ds what its window sees there.
static FailureOr<Value> stackPlanes(Node &node, Value x, const Window &window) {
  Shape xs(shapeOf(x));
  unsigned planes = window.size() - 2;
  // Loops: n, ods…, c, kds…, h, w.
  Shape shape{xs[0]};
  for (unsigned d = 0; d < planes; ++d)
    shape.push_back(window[d].out);
  shape.push_back(xs[1]);
  for (unsigned d = 0; d < planes; ++d)
    shape.push_back(window[d].kernel);
  shape.append({xs[xs.size() - 2], xs.back()});
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type))
    return failure();
  int64_t rows = xs[0], columns = xs[1];
  for (unsigned d = 0; d < planes; ++d) {
    rows *= window[d].out;
    columns *= window[d].kernel;
  }
  OpBuilder &builder = node.builder;
  type = type->clone(cast<RankedTensorType>(x.getType()).getElementType());
  auto dim = [&](unsigned d) { return builder.getAffineDimExpr(d); };
  SmallVector<AffineExpr> from{dim(0), dim(1 + planes)};
  for (unsigned d = 0; d < planes; ++d)
    from.push_back(dim(1 + d) * window[d].stride +
                   dim(2 + planes + d) * window[d].dilation);
  unsigned rank = shape.size();
  from.append({dim(rank - 2), dim(rank - 1)});
  SmallVector<AffineMap> maps{
      AffineMap::get(rank, 0, from, builder.getContext()),
      builder.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      builder, node.loc, TypeRange(*type), ValueRange(x),
      ValueRange(empty(builder, node.loc, *type)), maps, iterators,
      [](OpBuilder &b, Location l, ValueRange v) {
        linalg::YieldOp::create(b, l, v[0]);
      });
  return reshape(builder, node.loc, op.getResult(0),
                 {rows, columns, shape[rank - 2], shape[rank - 1]});
}

FailureOr<Value> convolve(Node &node, Value x, const Binding &weight,
                          const Binding &bias, int64_t group,
                          const Window &window) {
  OpBuilder &builder = node.builder;
  Shape xs(shapeOf(x));
  int64_t filters = weight.shape()[0];
  Shape shape{xs[0], filters};
  for (const WindowDim &dim : window)
    shape.push_back(dim.out);
  if (failed(node.type(shape)))
    return failure();
  if (window.size() == 2)
    return convolve2D(node, x, weight, bias, group, window, filters);

  if (window.size() == 1) {
    Window flat{WindowDim(), window[0]};
    FailureOr<Value> y = convolve2D(
        node, reshape(builder, node.loc, x, {xs[0], xs[1], 1, xs[2]}), weight,
        bias, group, flat, filters);
    if (failed(y))
      return failure();
    return reshape(builder, node.loc, *y, shape);
  }

  FailureOr<Value> stacked = stackPlanes(node, x, window);
  if (failed(stacked))
    return failure();
  Window last(window.end() - 2, window.end());
  FailureOr<Value> y =
      convolve2D(node, *stacked, weight, bias, group, last, filters);
  if (failed(y))
    return failure();
  // (N·ODs)xFxOHxOW -> NxODsxFx… -> NxFxODsx…
  Shape planes{xs[0]}, permutation{0, int64_t(window.size()) - 1};
  for (size_t d = 0; d + 2 < window.size(); ++d) {
    planes.push_back(window[d].out);
    permutation.push_back(1 + d);
  }
  planes.append({filters, last[0].out, last[1].out});
  permutation.append({int64_t(window.size()), int64_t(window.size()) + 1});
  return transpose(builder, node.loc, reshape(builder, node.loc, *y, planes),
                   permutation);
}

} // namespace imc::onnximport
