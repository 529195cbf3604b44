//===- OpsNormalize.cpp - BatchNormalization ----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

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

} // namespace imc::onnximport
