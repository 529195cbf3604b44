//===- OpsPool.cpp - Pools and means ------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "OpTable.h"
#include "Window.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>

using namespace mlir;

namespace imc::onnximport {

namespace {
struct Pool {
  Window window;
  Value x;
  RankedTensorType type; ///< of the result
};
} // namespace

static FailureOr<Pool> readPool(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  SmallVector<int64_t, 4> kernel;
  if (failed(node.attribute("kernel_shape", kernel)))
    return failure();
  if (kernel.size() != 2) {
    node.error() << "attribute 'kernel_shape' has " << kernel.size()
                 << " values; only 2-D windows over NxCxHxW are supported";
    return failure();
  }
  FailureOr<Window> window = readWindow(node, *shape, kernel, /*pool=*/true);
  if (failed(window))
    return failure();
  FailureOr<RankedTensorType> type =
      node.type({(*shape)[0], (*shape)[1], (*window)[0].out, (*window)[1].out});
  FailureOr<Value> x = node.tensor(0);
  if (failed(type) || failed(x))
    return failure();
  return Pool{*window, *x, *type};
}

static Value windowShape(Node &node, const Window &window) {
  return tensor::EmptyOp::create(
      node.builder, node.loc,
      ArrayRef<int64_t>{window[0].kernel, window[1].kernel},
      node.builder.getF32Type());
}

LogicalResult lowerMaxPool(Node &node) {
  int64_t storageOrder = 0;
  if (failed(node.attribute("storage_order", storageOrder)))
    return failure();
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool))
    return failure();
  // Padding never wins: the kernel is larger than it, so every window sees
  // data.
  float lowest = -std::numeric_limits<float>::infinity();
  FailureOr<Value> x =
      padWindow(node, pool->x, pool->window, /*needed=*/true, lowest);
  if (failed(x))
    return failure();
  Value init = filled(node.builder, node.loc, pool->type, lowest);
  auto op = linalg::PoolingNchwMaxOp::create(
      node.builder, node.loc, TypeRange(pool->type),
      ValueRange{*x, windowShape(node, pool->window)}, ValueRange(init),
      stridesOf(node, pool->window), dilationsOf(node, pool->window));
  return node.result(op.getResult(0));
}

/// How many elements of the window at output position `o` count: those on data,
/// and those on the padding that the model asks for if `includePad`. What
/// ceil_mode adds beyond that never counts.
static int64_t countElements(const WindowDim &dim, int64_t o, bool includePad) {
  int64_t low = includePad ? -dim.begin : 0;
  int64_t high = dim.in + (includePad ? dim.end : 0);
  int64_t start = o * dim.stride - dim.begin;
  // Taps k in [0, kernel) with low <= start + k·dilation < high.
  int64_t first =
      start >= low ? 0 : (low - start + dim.dilation - 1) / dim.dilation;
  int64_t last = start >= high
                     ? 0
                     : std::min(dim.kernel, (high - start + dim.dilation - 1) /
                                                dim.dilation);
  return std::max<int64_t>(0, last - first);
}

LogicalResult lowerAveragePool(Node &node) {
  int64_t includePad = 0;
  if (failed(node.attribute("count_include_pad", includePad)))
    return failure();
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool))
    return failure();
  const Window &window = pool->window;
  OpBuilder &builder = node.builder;
  if (shapeOf(pool->x) == pool->type.getShape() && window[0].kernel == 1 &&
      window[1].kernel == 1)
    return node.result(pool->x); // exporters write such pools; they do nothing

  // The number of counted elements is a product of one factor per dimension.
  std::vector<float> counts[2];
  bool uniform = true;
  for (int d = 0; d < 2; ++d) {
    if (window[d].out > (int64_t(1) << 20)) {
      node.error() << "the result has " << window[d].out
                   << " rows or columns; more than 2^20 are refused";
      return failure();
    }
    for (int64_t o = 0; o < window[d].out; ++o)
      counts[d].push_back(float(countElements(window[d], o, includePad != 0)));
    uniform &= llvm::all_equal(counts[d]);
  }
  FailureOr<Value> x = padWindow(node, pool->x, window, /*needed=*/true, 0.0f);
  if (failed(x))
    return failure();
  Value init = filled(builder, node.loc, pool->type, 0.0f);
  Value sum = linalg::PoolingNchwSumOp::create(
                  builder, node.loc, TypeRange(pool->type),
                  ValueRange{*x, windowShape(node, window)}, ValueRange(init),
                  stridesOf(node, window), dilationsOf(node, window))
                  .getResult(0);
  if (uniform) {
    float count = counts[0][0] * counts[1][0];
    return node.result(
        elementwise(builder, node.loc, pool->type, {whole(sum)},
                    [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                      return arith::DivFOp::create(
                          b, l, v[0], scalar(b, l, v[0].getType(), count));
                    }));
  }
  Operand rows{Value(), {2}}, columns{Value(), {3}};
  for (int d = 0; d < 2; ++d) {
    auto type = RankedTensorType::get({window[d].out}, builder.getF32Type());
    (d == 0 ? rows : columns).value = arith::ConstantOp::create(
        builder, node.loc, DenseElementsAttr::get(type, ArrayRef(counts[d])));
  }
  return node.result(
      elementwise(builder, node.loc, pool->type, {whole(sum), rows, columns},
                  [](OpBuilder &b, Location l, ValueRange v) -> Value {
                    Value count = arith::MulFOp::create(b, l, v[1], v[2]);
                    return arith::DivFOp::create(b, l, v[0], count);
                  }));
}

LogicalResult lowerGlobalAveragePool(Node &node) {
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  int64_t rank = shapeOf(*x).size();
  if (rank < 3) {
    node.error() << "the input has rank " << rank << ", needs NxCx…";
    return failure();
  }
  SmallVector<int64_t, 4> axes;
  for (int64_t d = 2; d < rank; ++d)
    axes.push_back(d);
  return node.result(mean(node.builder, node.loc, *x, axes, /*keep=*/true));
}

} // namespace imc::onnximport
