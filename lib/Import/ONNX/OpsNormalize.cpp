//===- OpsNormalize.cpp - BatchNormalization ------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"
#include "WideFloat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <array>
#include <cmath>

using namespace mlir;

namespace imc::onnximport {

/// The parameters of a batch normalization: scale, bias, mean, variance.
using Parameters = std::array<Binding, 4>;

/// s = scale / sqrt(var + epsilon) and t = bias − mean·s of known parameters,
/// in double and rounded once to `element` (f32 or f64).
static std::pair<Constant, Constant>
foldParameters(const Parameters &given, float epsilon, bool isDouble) {
  std::array<const Constant *, 4> p;
  for (size_t i = 0; i < 4; ++i)
    p[i] = given[i].constant();
  ArrayRef<int64_t> shape = p[0]->shape();
  int64_t count = p[0]->numElements();
  std::vector<double> s(count), t(count);
  for (int64_t c = 0; c < count; ++c) {
    s[c] = p[0]->real(c) / std::sqrt(p[3]->real(c) + double(epsilon));
    t[c] = p[1]->real(c) - p[2]->real(c) * s[c];
  }
  auto make = [&](StringRef name, std::vector<double> values) {
    if (isDouble)
      return Constant::make(name, shape, onnxtype::Double,
                            makeBlob(std::move(values)));
    return Constant::makeFloats(
        name, shape, std::vector<float>(values.begin(), values.end()));
  };
  return {make(p[0]->name(), std::move(s)), make(p[1]->name(), std::move(t))};
}

/// The same of parameters that the program computes, in the type `wide`.
static FailureOr<std::pair<Value, Value>>
computeParameters(Node &node, const Parameters &given, float epsilon,
                  Type wide) {
  std::array<Value, 4> p;
  for (size_t i = 0; i < 4; ++i) {
    FailureOr<Value> value = node.tensor(given[i]);
    if (failed(value))
      return failure();
    p[i] = castFloat(node.builder, node.loc, *value, wide);
  }
  auto type = cast<RankedTensorType>(p[0].getType());
  Value s =
      elementwise(node.builder, node.loc, type, {whole(p[0]), whole(p[3])},
                  [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                    Value sum = add(b, l, v[1], scalar(b, l, wide, epsilon));
                    return arith::DivFOp::create(
                        b, l, v[0], math::SqrtOp::create(b, l, sum));
                  });
  Value t = elementwise(
      node.builder, node.loc, type, {whole(p[1]), whole(p[2]), whole(s)},
      [](OpBuilder &b, Location l, ValueRange v) {
        return subtract(b, l, v[0], multiply(b, l, v[1], v[2]));
      });
  return std::make_pair(s, t);
}

/// Refuses what only training does.
static LogicalResult checkEvaluation(Node &node) {
  int64_t training = 0, isTest = 1;
  if (node.version() >= 14 && failed(node.attribute("training_mode", training)))
    return failure();
  if (node.version() < 7) {
    isTest = 0;
    if (failed(node.attribute("is_test", isTest)))
      return failure();
  }
  if (training == 0 && isTest != 0)
    return success();
  node.error() << (training != 0 ? "training_mode 1" : "is_test 0")
               << " is not supported; export the model in evaluation mode";
  return failure();
}

/// y = x·s + t per channel, or per element of a sample (spatial 0).
LogicalResult lowerBatchNormalization(Node &node) {
  float epsilon = 1e-5f;
  int64_t spatial = 1;
  node.ignoreAttribute("momentum"); // only training uses it
  if (failed(node.attribute("epsilon", epsilon)) ||
      (node.version() < 9 && failed(node.attribute("spatial", spatial))) ||
      failed(checkEvaluation(node)))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  if (shape->empty()) {
    node.error() << "the input is a scalar, needs NxC…";
    return failure();
  }
  // A vector has one channel.
  SmallVector<int64_t, 4> per{1}, dims;
  if (shape->size() > 1 && spatial == 0) {
    per.assign(shape->begin() + 1, shape->end());
    for (size_t d = 1; d < shape->size(); ++d)
      dims.push_back(d);
  } else if (shape->size() > 1) {
    per = {(*shape)[1]};
    dims = {1};
  }
  Parameters parameters;
  bool missing = false, known = true;
  for (int i = 0; i < 4; ++i) {
    parameters[i] = node.input(i + 1);
    if (!isFloatType(parameters[i].onnxType()) ||
        parameters[i].shape() != ArrayRef<int64_t>(per)) {
      node.error() << "input " << i + 1 << " is "
                   << onnxTypeName(parameters[i].onnxType()) << " of shape "
                   << shapeText(parameters[i].shape())
                   << ", must be floats of shape " << shapeText(per)
                   << " (one value per channel)";
      return failure();
    }
    const Constant *constant = parameters[i].constant();
    known &= constant != nullptr;
    missing |= constant && constant->isMissing();
  }
  FailureOr<Value> x = node.tensor(0);
  FailureOr<RankedTensorType> type = node.type(*shape);
  if (failed(x) || failed(type))
    return failure();
  Type element = type->getElementType(), wide = wideType(element);

  std::pair<Value, Value> st;
  if (known) {
    // Placeholders of scale and bias where the data is missing; running such a
    // module is refused.
    auto [s, t] =
        missing
            ? std::make_pair(
                  Constant::makeMissing(parameters[0].constant()->name(), per),
                  Constant::makeMissing(parameters[1].constant()->name(), per))
            : foldParameters(parameters, epsilon, wide.isF64());
    FailureOr<Value> factor = node.tensor(Binding(s));
    FailureOr<Value> shift = node.tensor(Binding(t));
    if (failed(factor) || failed(shift))
      return failure();
    st = {castFloat(node.builder, node.loc, *factor, wide),
          castFloat(node.builder, node.loc, *shift, wide)};
  } else {
    FailureOr<std::pair<Value, Value>> computed =
        computeParameters(node, parameters, epsilon, wide);
    if (failed(computed))
      return failure();
    st = *computed;
  }
  if (shape->size() == 1)
    st = {reshape(node.builder, node.loc, st.first, {}),
          reshape(node.builder, node.loc, st.second, {})};
  return node.result(elementwise(
      node.builder, node.loc, *type,
      {whole(*x), {st.first, dims}, {st.second, dims}},
      [&](OpBuilder &b, Location l, ValueRange v) {
        Value product = multiply(b, l, castFloatScalar(b, l, v[0], wide), v[1]);
        return castFloatScalar(b, l, add(b, l, product, v[2]), element);
      }));
}

} // namespace imc::onnximport
