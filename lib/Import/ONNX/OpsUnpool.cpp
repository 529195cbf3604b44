//===- OpsUnpool.cpp - MaxUnpool ------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "OpTable.h"
#include "Window.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// The maxima are scattered into zeros of the shape that the pool's input had,
/// in which Indices count. A larger output_shape has that in its first corner.
LogicalResult lowerMaxUnpool(Node &node) {
  FailureOr<Shape> shape = node.shape(0), places = node.shape(1);
  if (node.elementType(1) != onnxtype::Int64 || *places != *shape) {
    node.error() << "the indices are " << onnxTypeName(node.elementType(1))
                 << " of shape " << shapeText(*places)
                 << ", must be INT64 of the input's shape "
                 << shapeText(*shape);
    return failure();
  }
  Shape kernel;
  if (failed(node.attribute("kernel_shape", kernel)) ||
      failed(checkKernel(node, *shape, kernel)))
    return failure();
  size_t rank = kernel.size();
  Shape strides(rank, 1), pads(2 * rank, 0);
  if (failed(readWindowList(node, "strides", rank, 1, strides)) ||
      failed(readWindowList(node, "pads", 2 * rank, 0, pads)))
    return failure();
  Shape pooled{(*shape)[0], (*shape)[1]};
  for (size_t d = 0; d < rank; ++d)
    pooled.push_back(((*shape)[2 + d] - 1) * strides[d] + kernel[d] - pads[d] -
                     pads[rank + d]);
  FailureOr<RankedTensorType> type = node.type(pooled);
  if (failed(type))
    return failure();
  Shape result = pooled;
  if (node.hasInput(2)) {
    FailureOr<Shape> given = node.integers(2, "output_shape");
    if (failed(given))
      return failure();
    bool fits = given->size() == pooled.size();
    for (size_t d = 0; fits && d < pooled.size(); ++d)
      fits = (*given)[d] >= pooled[d];
    if (!fits) {
      node.error() << "output_shape " << shapeText(*given)
                   << " is smaller than what the window gives, "
                   << shapeText(pooled);
      return failure();
    }
    result = *given;
    if (failed(node.type(result)))
      return failure();
  }

  OpBuilder &builder = node.builder;
  int64_t count = type->getNumElements();
  Value zeros =
      filled(builder, node.loc,
             RankedTensorType::get({count}, type->getElementType()), 0.0);
  auto flat = [&](unsigned i) -> FailureOr<Binding> {
    int64_t elements = 1;
    for (int64_t d : *shape)
      elements *= d;
    FailureOr<Value> value = node.tensor(i, {elements});
    if (failed(value))
      return failure();
    return Binding(*value, node.elementType(i));
  };
  FailureOr<Binding> values = flat(0), indices = flat(1);
  if (failed(values) || failed(indices))
    return failure();
  FailureOr<Binding> scattered =
      node.call("ScatterElements",
                {Binding(zeros, node.elementType(0)), *indices, *values},
                {{"axis", int64_t(0)}});
  if (failed(scattered))
    return failure();
  FailureOr<Value> y = node.tensor(*scattered, pooled);
  if (failed(y))
    return failure();
  Shape high;
  for (auto [to, from] : llvm::zip(result, pooled))
    high.push_back(to - from);
  return node.result(pad(builder, node.loc, *y, Shape(result.size(), 0), high,
                         FloatAttr::get(type->getElementType(), 0.0)));
}

} // namespace imc::onnximport
