//===- OpsDeformConv.cpp - DeformConv -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// What the taps of each window see is sampled first, Nx(C·KH·KW)xOHxOW; the
// product is then a convolution with a window of one element, whose weight has
// the file's bytes, and which the next phase recognises.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Convolution.h"
#include "DataMovement.h"
#include "OpTable.h"
#include "WideFloat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// The element of x (a float image at `lead`…) at a real position, linear
/// between neighbours, 0 outside of the image. NaN is outside.
static Value sample(OpBuilder &b, Location l, Value image, ValueRange lead,
                    std::array<Value, 2> at, std::array<int64_t, 2> size) {
  Type wide = at[0].getType(), index = b.getIndexType();
  auto both = [&](Value p, Value q) -> Value {
    return arith::AndIOp::create(b, l, p, q);
  };
  Value near;
  std::array<Value, 2> first, fraction;
  for (int d = 0; d < 2; ++d) {
    Value inside = both(compare(b, l, Comparison::Greater, at[d],
                                scalar(b, l, wide, -1), false),
                        compare(b, l, Comparison::Less, at[d],
                                scalar(b, l, wide, double(size[d])), false));
    near = near ? both(near, inside) : inside;
    Value position =
        arith::SelectOp::create(b, l, inside, at[d], scalar(b, l, wide, 0.0));
    Value floor = math::FloorOp::create(b, l, position);
    fraction[d] = subtract(b, l, position, floor);
    Value integer = arith::FPToSIOp::create(b, l, b.getI64Type(), floor);
    first[d] = arith::IndexCastOp::create(b, l, index, integer);
  }
  Value sum, zero = scalar(b, l, wide, 0.0), one = scalar(b, l, wide, 1.0);
  for (int corner = 0; corner < 4; ++corner) {
    SmallVector<Value, 4> indices(lead);
    Value weight, valid = near;
    for (int d = 0; d < 2; ++d) {
      bool second = d == 0 ? corner >= 2 : corner % 2 == 1;
      Value i = second ? add(b, l, first[d], integerScalar(b, l, index, 1))
                       : first[d];
      valid = both(valid, isInside(b, l, i, size[d]));
      indices.push_back(clampedIndex(b, l, i, size[d]));
      Value factor = second ? fraction[d] : subtract(b, l, one, fraction[d]);
      weight = weight ? multiply(b, l, weight, factor) : factor;
    }
    Value value = castFloatScalar(b, l, extract(b, l, image, indices), wide);
    Value part = arith::SelectOp::create(b, l, valid,
                                         multiply(b, l, weight, value), zero);
    sum = sum ? add(b, l, sum, part) : part;
  }
  return sum;
}

LogicalResult lowerDeformConv(Node &node) {
  FailureOr<Shape> xs = node.shape(0), ws = node.shape(1), os = node.shape(2);
  if (xs->size() != 4 || ws->size() != 4 || os->size() != 4) {
    node.error() << "the input is " << shapeText(*xs) << ", the weight "
                 << shapeText(*ws) << ", the offset " << shapeText(*os)
                 << "; only 2-D deformable convolutions are supported";
    return failure();
  }
  Shape kernel{(*ws)[2], (*ws)[3]}, repeated = kernel;
  int64_t group = 1, offsetGroup = 1;
  if (failed(node.attribute("kernel_shape", repeated)) ||
      failed(node.attribute("group", group)) ||
      failed(node.attribute("offset_group", offsetGroup)))
    return failure();
  if (repeated != kernel) {
    node.error() << "kernel_shape " << shapeText(repeated)
                 << " contradicts the weight " << shapeText(*ws);
    return failure();
  }
  FailureOr<Window> window = readWindow(node, *xs, kernel, /*pool=*/false);
  if (failed(window) ||
      failed(checkGroups(node, group, (*xs)[1], (*ws)[0], (*ws)[1], *ws)) ||
      failed(checkBias(node, 3, (*ws)[0])))
    return failure();
  // Counted first: products of sizes of a damaged file.
  if (offsetGroup < 1) {
    node.error() << "offset_group is " << offsetGroup << ", must be 1 or more";
    return failure();
  }
  if (failed(node.type({offsetGroup, kernel[0], kernel[1], (*xs)[1], 2})))
    return failure();
  int64_t n = (*xs)[0], c = (*xs)[1], taps = kernel[0] * kernel[1];
  int64_t oh = (*window)[0].out, ow = (*window)[1].out;
  if (c % offsetGroup != 0 || *os != Shape{n, offsetGroup * taps * 2, oh, ow} ||
      (node.hasInput(4) &&
       *node.shape(4) != Shape{n, offsetGroup * taps, oh, ow})) {
    node.error() << "offset_group " << offsetGroup << " does not divide the "
                 << c << " input channels, or the offset " << shapeText(*os)
                 << (node.hasInput(4)
                         ? " or the mask " + shapeText(*node.shape(4))
                         : std::string())
                 << " does not fit a result of " << oh << "x" << ow;
    return failure();
  }
  if (c == 0 || (*xs)[2] == 0 || (*xs)[3] == 0) {
    node.error() << "the input " << shapeText(*xs) << " has no elements";
    return failure();
  }

  OpBuilder &builder = node.builder;
  int64_t part = c / offsetGroup;
  FailureOr<Value> x = node.tensor(0);
  FailureOr<Value> offset = wideTensor(
      node, node.input(2), {n, offsetGroup, kernel[0], kernel[1], 2, oh, ow});
  // Loops: n, offset group, channel in it, kh, kw, oh, ow.
  FailureOr<RankedTensorType> type =
      node.type({n, offsetGroup, part, kernel[0], kernel[1], oh, ow});
  if (failed(x) || failed(offset) || failed(type))
    return failure();
  Type wide = cast<RankedTensorType>((*offset).getType()).getElementType();
  auto dim = [&](unsigned d) { return builder.getAffineDimExpr(d); };
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(7, 0, exprs, builder.getContext());
  };
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (int64_t d = 0; d < 2; ++d) {
    inputs.push_back(*offset);
    maps.push_back(map({dim(0), dim(1), dim(3), dim(4),
                        builder.getAffineConstantExpr(d), dim(5), dim(6)}));
  }
  bool masked = node.hasInput(4);
  if (masked) {
    FailureOr<Value> mask = wideTensor(
        node, node.input(4), {n, offsetGroup, kernel[0], kernel[1], oh, ow});
    if (failed(mask))
      return failure();
    inputs.push_back(*mask);
    maps.push_back(map({dim(0), dim(1), dim(3), dim(4), dim(5), dim(6)}));
  }
  maps.push_back(builder.getMultiDimIdentityMap(7));
  SmallVector<utils::IteratorType> iterators(7, utils::IteratorType::parallel);
  auto sampledType = RankedTensorType::get(type->getShape(), wide);
  auto sampled = linalg::GenericOp::create(
      builder, node.loc, TypeRange(sampledType), inputs,
      ValueRange(empty(builder, node.loc, sampledType)), maps, iterators,
      [&](OpBuilder &b, Location l, ValueRange v) {
        Type index = b.getIndexType(), i64 = b.getI64Type();
        auto loop = [&](unsigned d) -> Value {
          return linalg::IndexOp::create(b, l, d);
        };
        std::array<Value, 2> at;
        for (int d = 0; d < 2; ++d) {
          const WindowDim &w = (*window)[d];
          Value place = add(
              b, l,
              multiply(b, l, loop(5 + d), integerScalar(b, l, index, w.stride)),
              multiply(b, l, loop(3 + d),
                       integerScalar(b, l, index, w.dilation)));
          place = subtract(b, l, place, integerScalar(b, l, index, w.begin));
          Value real = arith::SIToFPOp::create(
              b, l, wide, arith::IndexCastOp::create(b, l, i64, place));
          at[d] = add(b, l, real, v[d]);
        }
        Value channel =
            add(b, l, multiply(b, l, loop(1), integerScalar(b, l, index, part)),
                loop(2));
        Value value = sample(b, l, *x, ValueRange{loop(0), channel}, at,
                             {(*xs)[2], (*xs)[3]});
        if (masked)
          value = multiply(b, l, value, v[2]);
        linalg::YieldOp::create(b, l, value);
      });

  Shape flat{(*ws)[0], (*ws)[1] * taps, 1, 1};
  Binding weight = node.input(1);
  if (const Constant *known = weight.constant())
    weight = Binding(known->reshaped(flat));
  else
    weight = Binding(reshape(builder, node.loc, weight.value(), flat),
                     weight.onnxType());
  Window one(2);
  one[0].in = one[0].out = oh;
  one[1].in = one[1].out = ow;
  FailureOr<Value> y = convolve(
      node,
      reshape(builder, node.loc, sampled.getResult(0), {n, c * taps, oh, ow}),
      weight, node.input(3), group, one);
  if (failed(y))
    return failure();
  Type element = irType(builder.getContext(), node.elementType(0));
  return node.result(castFloat(builder, node.loc, *y, element));
}

} // namespace imc::onnximport
