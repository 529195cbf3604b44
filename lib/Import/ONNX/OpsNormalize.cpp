//===- OpsNormalize.cpp - BatchNormalization, Softmax, Dropout ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace imc::onnximport {

/// y = x·s + t per channel, with s = scale / sqrt(var + epsilon) and
/// t = bias − mean·s known at import (in double, rounded once).
LogicalResult lowerBatchNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t training = 0, spatial = 1;
  node.ignoreAttribute("momentum"); // only training uses it
  if (failed(node.attribute("epsilon", epsilon)))
    return failure();
  if (node.version() < 9 && failed(node.attribute("spatial", spatial)))
    return failure();
  if (node.version() >= 14 && failed(node.attribute("training_mode", training)))
    return failure();
  if (training != 0 || spatial != 1) {
    node.error() << (training != 0 ? "training_mode 1" : "spatial 0")
                 << " is not supported; export the model in evaluation mode";
    return failure();
  }
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  if (shape->size() < 2) {
    node.error() << "the input has rank " << shape->size() << ", needs NxC…";
    return failure();
  }
  int64_t channels = (*shape)[1];
  const Constant *parameters[4];
  bool missing = false;
  for (int i = 0; i < 4; ++i) {
    const Constant *p = node.constant(i + 1);
    if (!p || !p->isFloat() || p->shape() != ArrayRef<int64_t>(channels)) {
      node.error() << "input " << i + 1
                   << " must be FLOAT known at import, one value for each of "
                      "the "
                   << channels << " channels";
      return failure();
    }
    parameters[i] = p;
    missing |= p->isMissing();
  }
  FailureOr<Value> x = node.tensor(0);
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(x) || failed(type))
    return failure();

  Constant factor = *parameters[0], shift = *parameters[1];
  if (missing) {
    // Placeholders of scale and bias; running the module is refused.
    factor = Constant::makeMissing(parameters[0]->name(), {channels});
    shift = Constant::makeMissing(parameters[1]->name(), {channels});
  } else {
    std::vector<float> s(channels), t(channels);
    for (int64_t c = 0; c < channels; ++c) {
      double factorOfChannel =
          double(parameters[0]->floats()[c]) /
          std::sqrt(double(parameters[3]->floats()[c]) + double(epsilon));
      s[c] = float(factorOfChannel);
      t[c] = float(double(parameters[1]->floats()[c]) -
                   double(parameters[2]->floats()[c]) * factorOfChannel);
    }
    factor = Constant::makeFloats(factor.name(), {channels}, std::move(s));
    shift = Constant::makeFloats(shift.name(), {channels}, std::move(t));
  }
  Operand s{factor.materialize(node.builder, node.loc), {1}};
  Operand t{shift.materialize(node.builder, node.loc), {1}};
  return node.result(
      elementwise(node.builder, node.loc, *type, {whole(*x), s, t},
                  [](OpBuilder &b, Location l, ValueRange v) -> Value {
                    Value product = arith::MulFOp::create(b, l, v[0], v[1]);
                    return arith::AddFOp::create(b, l, product, v[2]);
                  }));
}

/// exp(x − max) / Σ exp(x − max) along one axis; before version 13 along all
/// axes from `axis` on, as if they were one.
LogicalResult lowerSoftmax(Node &node) {
  bool flattens = node.version() < 13;
  int64_t axis = flattens ? 1 : -1;
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  SmallVector<int64_t, 4> shape(shapeOf(*x));
  int64_t rank = shape.size();
  FailureOr<int64_t> first = node.axis(axis, rank);
  if (failed(first))
    return failure();
  SmallVector<int64_t, 4> axes;
  for (int64_t d = *first; d < (flattens ? rank : *first + 1); ++d)
    axes.push_back(d);

  OpBuilder &builder = node.builder;
  auto type = cast<RankedTensorType>((*x).getType());
  Value largest = reduce(builder, node.loc, *x, axes,
                         -std::numeric_limits<float>::infinity(),
                         [](OpBuilder &b, Location l, Value v, Value most) {
                           return arith::MaximumFOp::create(b, l, most, v);
                         });
  Operand perRow{largest, {}};
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(axes, d))
      perRow.dims.push_back(d);
  Value exponential =
      elementwise(builder, node.loc, type, {whole(*x), perRow},
                  [](OpBuilder &b, Location l, ValueRange v) -> Value {
                    return math::ExpOp::create(
                        b, l, arith::SubFOp::create(b, l, v[0], v[1]));
                  });
  perRow.value = reduce(builder, node.loc, exponential, axes, 0.0f,
                        [](OpBuilder &b, Location l, Value v, Value total) {
                          return arith::AddFOp::create(b, l, total, v);
                        });
  return node.result(
      elementwise(builder, node.loc, type, {whole(exponential), perRow},
                  [](OpBuilder &b, Location l, ValueRange v) -> Value {
                    return arith::DivFOp::create(b, l, v[0], v[1]);
                  }));
}

LogicalResult lowerDropout(Node &node) {
  node.ignoreAttribute(node.version() < 12 ? "ratio" : "seed");
  if (node.hasInput(2)) {
    FailureOr<SmallVector<int64_t, 4>> training =
        node.integers(2, "training_mode");
    if (failed(training))
      return failure();
    if (training->size() != 1 || training->front() != 0) {
      node.error() << "training_mode is true; export the model in evaluation "
                      "mode";
      return failure();
    }
  }
  return lowerIdentity(node);
}

} // namespace imc::onnximport
