//===- OpsConv.cpp - Conv, ConvTranspose ----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Convolution.h"
#include "OpTable.h"
#include "WideFloat.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// The kernel that the weight has, which `kernel_shape` may repeat.
static FailureOr<Shape> readKernel(Node &node, ArrayRef<int64_t> input,
                                   ArrayRef<int64_t> weight) {
  if (input.size() < 3 || weight.size() != input.size()) {
    node.error() << "the input is " << shapeText(input) << ", the weight "
                 << shapeText(weight)
                 << "; both must have the same rank, 3 or more (NxCx…)";
    return failure();
  }
  Shape kernel(weight.drop_front(2)), repeated = kernel;
  if (failed(node.attribute("kernel_shape", repeated)))
    return failure();
  if (repeated != kernel) {
    node.error() << "kernel_shape " << shapeText(repeated)
                 << " contradicts the weight " << shapeText(weight);
    return failure();
  }
  if (failed(checkKernel(node, input, kernel)))
    return failure();
  return kernel;
}

/// A wide result in the type of input 0.
static LogicalResult finish(Node &node, FailureOr<Value> wide) {
  if (failed(wide))
    return failure();
  Type element = irType(node.builder.getContext(), node.elementType(0));
  return node.result(castFloat(node.builder, node.loc, *wide, element));
}

LogicalResult lowerConv(Node &node) {
  FailureOr<Shape> xs = node.shape(0), ws = node.shape(1);
  int64_t group = 1;
  FailureOr<Shape> kernel = readKernel(node, *xs, *ws);
  if (failed(kernel) || failed(node.attribute("group", group)))
    return failure();
  FailureOr<Window> window = readWindow(node, *xs, *kernel, /*pool=*/false);
  if (failed(window) ||
      failed(checkGroups(node, group, (*xs)[1], (*ws)[0], (*ws)[1], *ws)) ||
      failed(checkBias(node, 2, (*ws)[0])))
    return failure();
  FailureOr<Value> input = wideTensor(node, node.input(0));
  if (failed(input))
    return failure();
  Type element = cast<RankedTensorType>((*input).getType()).getElementType();
  FailureOr<Value> x = padWindow(node, *input, *window, /*needed=*/false,
                                 FloatAttr::get(element, 0.0));
  if (failed(x))
    return failure();
  return finish(
      node, convolve(node, *x, node.input(1), node.input(2), group, *window));
}

//===----------------------------------------------------------------------===//
// ConvTranspose
//===----------------------------------------------------------------------===//

/// Sizes and padding of a transposed convolution: `in`, `out`, `begin` and
/// `end` are those of its own input and output.
static FailureOr<Window> readTransposedWindow(Node &node,
                                              ArrayRef<int64_t> input,
                                              ArrayRef<int64_t> kernel) {
  size_t rank = kernel.size();
  Shape strides(rank, 1), dilations(rank, 1), pads(2 * rank, 0);
  Shape more(rank, 0), outputShape;
  bool shapeGiven = node.hasAttribute("output_shape");
  if (failed(node.attribute("output_shape", outputShape)))
    return failure();
  // Some exporters give the batch size and the channels, too.
  if (outputShape.size() == rank + 2)
    outputShape.erase(outputShape.begin(), outputShape.begin() + 2);
  if (shapeGiven && outputShape.size() != rank) {
    node.error() << "output_shape has " << outputShape.size()
                 << " values, the window of this input takes " << rank;
    return failure();
  }
  if (failed(readWindowList(node, "strides", rank, 1, strides)) ||
      failed(readWindowList(node, "dilations", rank, 1, dilations)) ||
      failed(readWindowList(node, "pads", 2 * rank, 0, pads)) ||
      failed(readWindowList(node, "output_padding", rank, 0, more)))
    return failure();
  FailureOr<std::string> autoPad = readAutoPad(node);
  if (failed(autoPad))
    return failure();

  Window window;
  for (size_t d = 0; d < rank; ++d) {
    WindowDim &dim = window.emplace_back();
    dim.in = input[2 + d];
    dim.kernel = kernel[d];
    dim.stride = strides[d];
    dim.dilation = dilations[d];
    int64_t full = dim.stride * (dim.in - 1) + more[d] + dim.extent();
    bool same = StringRef(*autoPad).starts_with("SAME");
    if (shapeGiven || same) {
      // The padding follows from the size. An output_shape larger than all that
      // the input reaches is filled with the bias; SAME never gives more than
      // that, like ONNX's shape inference and onnxruntime.
      dim.out =
          shapeGiven ? outputShape[d] : std::min(dim.in * dim.stride, full);
      int64_t total = std::max<int64_t>(0, full - dim.out);
      dim.begin = *autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      dim.end = total - dim.begin;
    } else {
      dim.begin = *autoPad == "NOTSET" ? pads[d] : 0;
      dim.end = *autoPad == "NOTSET" ? pads[rank + d] : 0;
      dim.out = full - dim.begin - dim.end;
    }
    if (dim.out < 1 || dim.in < 1) {
      node.error() << "the result would have " << dim.out
                   << " elements along a dimension of " << dim.in
                   << "; check the input shape, the padding and output_shape";
      return failure();
    }
  }
  return window;
}

/// The weight CxF/groupx… of a transposed convolution as that of the ordinary
/// one, FxC/groupx…, taps in reverse order.
static FailureOr<Binding> transposedWeight(Node &node, int64_t group) {
  Binding weight = node.input(1);
  Shape shape(weight.shape());
  int64_t channels = shape[0] / group, filters = shape[1];
  Shape grouped{group, channels, filters}, permutation{0, 2, 1}, result;
  for (size_t d = 2; d < shape.size(); ++d) {
    grouped.push_back(shape[d]);
    permutation.push_back(1 + d);
  }
  result = shape;
  result[0] = group * filters;
  result[1] = channels;
  if (const Constant *known = weight.constant()) {
    Shape taps;
    for (size_t d = 2; d < shape.size(); ++d)
      taps.push_back(1 + d);
    return Binding(known->reshaped(grouped)
                       .transposed(permutation)
                       .flipped(taps)
                       .reshaped(result));
  }
  FailureOr<Value> given = node.tensor(weight, grouped);
  if (failed(given))
    return failure();
  // One loop over the result; its reads run backwards along the taps.
  OpBuilder &builder = node.builder;
  Shape loops{group, filters, channels};
  SmallVector<AffineExpr> from{builder.getAffineDimExpr(0),
                               builder.getAffineDimExpr(2),
                               builder.getAffineDimExpr(1)};
  for (size_t d = 2; d < shape.size(); ++d) {
    loops.push_back(shape[d]);
    from.push_back(builder.getAffineConstantExpr(shape[d] - 1) -
                   builder.getAffineDimExpr(1 + d));
  }
  FailureOr<RankedTensorType> type = node.type(loops, weight.onnxType());
  if (failed(type))
    return failure();
  SmallVector<AffineMap> maps{
      AffineMap::get(loops.size(), 0, from, builder.getContext()),
      builder.getMultiDimIdentityMap(loops.size())};
  SmallVector<utils::IteratorType> iterators(loops.size(),
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      builder, node.loc, TypeRange(*type), ValueRange(*given),
      ValueRange(empty(builder, node.loc, *type)), maps, iterators,
      [](OpBuilder &b, Location l, ValueRange v) {
        linalg::YieldOp::create(b, l, v[0]);
      });
  return Binding(reshape(builder, node.loc, op.getResult(0), result),
                 weight.onnxType());
}

/// The input with stride − 1 zeros between its elements, and what surrounds it,
/// so that a window of `window.kernel` at every position gives the result.
static FailureOr<Value> spread(Node &node, Value x, const Window &window) {
  Shape xs(shapeOf(x)), shape{xs[0], xs[1]};
  Shape first(xs.size(), 0), count(xs), offset(xs.size(), 0),
      step(xs.size(), 1);
  bool none = false, moves = false;
  for (auto [d, dim] : llvm::enumerate(window)) {
    shape.push_back(dim.out + dim.extent() - 1);
    // Element i goes to low + i·stride; padding may cut elements off.
    int64_t low = dim.extent() - 1 - dim.begin, last = dim.in - 1;
    step[2 + d] = dim.stride;
    if (low < 0)
      first[2 + d] = (-low + dim.stride - 1) / dim.stride;
    offset[2 + d] = low + first[2 + d] * dim.stride;
    if (offset[2 + d] < shape.back())
      last = std::min(last, first[2 + d] + (shape.back() - 1 - offset[2 + d]) /
                                               dim.stride);
    else
      last = -1;
    count[2 + d] = last - first[2 + d] + 1;
    none |= count[2 + d] <= 0;
    moves |= low != 0 || (dim.stride != 1 && dim.in > 1);
  }
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type))
    return failure();
  auto from = cast<RankedTensorType>(x.getType());
  type = type->clone(from.getElementType());
  if (type == from && !moves)
    return x;
  OpBuilder &builder = node.builder;
  Value zeros = filled(builder, node.loc, *type, 0.0);
  if (none)
    return zeros;
  auto attributes = [&](ArrayRef<int64_t> values) {
    SmallVector<OpFoldResult> list;
    for (int64_t value : values)
      list.push_back(builder.getIndexAttr(value));
    return list;
  };
  if (count != xs)
    x = tensor::ExtractSliceOp::create(
        builder, node.loc, RankedTensorType::get(count, from.getElementType()),
        x, attributes(first), attributes(count),
        attributes(Shape(xs.size(), 1)));
  return tensor::InsertSliceOp::create(builder, node.loc, x, zeros,
                                       attributes(offset), attributes(count),
                                       attributes(step))
      .getResult();
}

LogicalResult lowerConvTranspose(Node &node) {
  FailureOr<Shape> xs = node.shape(0), ws = node.shape(1);
  int64_t group = 1;
  FailureOr<Shape> kernel = readKernel(node, *xs, *ws);
  if (failed(kernel) || failed(node.attribute("group", group)))
    return failure();
  int64_t channels = (*xs)[1];
  if (group < 1 || channels % group != 0 || (*ws)[0] != channels) {
    node.error() << "group " << group << " does not divide the " << channels
                 << " input channels so that the weight " << shapeText(*ws)
                 << " fits";
    return failure();
  }
  // Counted first: a product of two sizes of a damaged file.
  Shape result{(*ws)[1], group};
  if (failed(node.type(result)))
    return failure();
  int64_t filters = (*ws)[1] * group;
  FailureOr<Window> window = readTransposedWindow(node, *xs, *kernel);
  if (failed(window) || failed(checkBias(node, 2, filters)))
    return failure();
  FailureOr<Value> input = wideTensor(node, node.input(0));
  if (failed(input))
    return failure();
  FailureOr<Value> x = spread(node, *input, *window);
  FailureOr<Binding> weight = transposedWeight(node, group);
  if (failed(x) || failed(weight))
    return failure();
  for (WindowDim &dim : *window)
    dim.stride = 1;
  return finish(node,
                convolve(node, *x, *weight, node.input(2), group, *window));
}

} // namespace imc::onnximport
