//===- OpsIntegerProduct.cpp - Products that are integers in ONNX ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ConvInteger, MatMulInteger, QLinearConv and QLinearMatMul.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Deferred.h"
#include "IntegerProduct.h"
#include "OpTable.h"
#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace imc::onnximport {

/// Input `at` with the zero point that is input `zero`, one or one per index of
/// `axis`.
static FailureOr<Codes> readCodes(Node &node, unsigned at, unsigned zero,
                                  int64_t axis) {
  int type = node.elementType(at);
  if (type != onnxtype::Int8 && type != onnxtype::UInt8) {
    node.error() << "input " << at << " is " << onnxTypeName(type)
                 << "; products of INT8 and UINT8 are supported";
    return failure();
  }
  Codes codes{node.input(at), {0}, {}, axis};
  if (!node.hasInput(zero))
    return codes;
  if (node.elementType(zero) != type) {
    node.error() << "the zero point of input " << at << " is "
                 << onnxTypeName(node.elementType(zero)) << ", the input "
                 << onnxTypeName(type) << "; they must have the same type";
    return failure();
  }
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(zero),
                                     whole = node.shape(at);
  std::optional<int64_t> count = countElements(*shape);
  if (axis >= int64_t(whole->size()) ||
      (count != 1 && *shape != SmallVector<int64_t, 4>{(*whole)[axis]})) {
    node.error() << "the zero point of input " << at << " has shape "
                 << shapeText(*shape) << "; it must be one number or one for "
                 << "each index of dimension " << axis << " of "
                 << shapeText(*whole);
    return failure();
  }
  if (const Constant *known = node.constant(zero); known && known->hasData()) {
    SmallVector<int64_t, 4> values = known->integers();
    codes.zero.assign(values.begin(), values.end());
    return codes;
  }
  FailureOr<Value> value = node.tensor(zero);
  if (failed(value))
    return failure();
  codes.zeroTensor = *value;
  return codes;
}

LogicalResult lowerConvInteger(Node &node) {
  FailureOr<Codes> x = readCodes(node, 0, 2, 1), w = readCodes(node, 1, 3, 0);
  if (failed(x) || failed(w))
    return failure();
  if (x->zero.size() > 1 ||
      (x->zeroTensor && countElements(shapeOf(x->zeroTensor)) != 1)) {
    node.error() << "the input has a zero point per channel; one for all is "
                    "supported";
    return failure();
  }
  FailureOr<Sums> sums = convolveCodes(node, *x, *w);
  if (failed(sums))
    return failure();
  return node.result(addBias(node, *sums), 0, onnxtype::Int32);
}

/// The sums of input 0 (zero point: input 2) times input `b`; `shape` is that
/// of the product. Zero points are per row of the left, per column of the
/// right.
static FailureOr<Sums> multiplyInputs(Node &node, unsigned b, unsigned zeroOfB,
                                      SmallVector<int64_t, 4> &shape) {
  FailureOr<SmallVector<int64_t, 4>> left = node.shape(0),
                                     right = node.shape(b);
  FailureOr<Codes> x =
      readCodes(node, 0, 2, std::max<int64_t>(int64_t(left->size()) - 2, 0));
  FailureOr<Codes> w = readCodes(
      node, b, zeroOfB, std::max<int64_t>(int64_t(right->size()) - 1, 0));
  if (failed(x) || failed(w))
    return failure();
  return multiplyCodes(node, *x, *w, shape);
}

LogicalResult lowerMatMulInteger(Node &node) {
  SmallVector<int64_t, 4> shape;
  FailureOr<Sums> sums = multiplyInputs(node, 1, 3, shape);
  if (failed(sums))
    return failure();
  return node.result(
      reshape(node.builder, node.loc, addBias(node, *sums), shape), 0,
      onnxtype::Int32);
}

//===----------------------------------------------------------------------===//
// With scales
//===----------------------------------------------------------------------===//

/// (x_scale · w_scale[n]) / y_scale in the scales' own type, widened to f64:
/// one per channel (R8).
static FailureOr<Value> multiplier(Node &node, unsigned x, unsigned w,
                                   unsigned y, int64_t channels) {
  OpBuilder &builder = node.builder;
  for (unsigned i : {x, w, y}) {
    FailureOr<SmallVector<int64_t, 4>> shape = node.shape(i);
    std::optional<int64_t> count = countElements(*shape);
    bool perChannel = i == w && *shape == SmallVector<int64_t, 4>{channels};
    if (!isFloatType(node.elementType(i)) ||
        node.elementType(i) != node.elementType(x) ||
        (count != 1 && !perChannel)) {
      node.error() << "the scale that is input " << i << " is "
                   << onnxTypeName(node.elementType(i)) << " of shape "
                   << shapeText(*shape) << "; it must be one float"
                   << (i == w ? ", or one per output channel ("
                              : ", of the type of input ")
                   << (i == w ? channels : int64_t(x)) << (i == w ? ")" : "");
      return failure();
    }
  }
  const Constant *xs = node.constant(x), *ws = node.constant(w),
                 *ys = node.constant(y);
  if (node.elementType(x) == onnxtype::Float && xs && xs->hasData() && ws &&
      ws->hasData() && ys && ys->hasData()) {
    std::vector<double> values;
    for (int64_t n = 0; n < channels; ++n) {
      float product =
          xs->floats()[0] * ws->floats()[ws->numElements() == 1 ? 0 : n];
      values.push_back(product / ys->floats()[0]);
    }
    return vectorOf(builder, node.loc, values);
  }
  SmallVector<Operand, 3> operands;
  for (unsigned i : {x, w, y}) {
    bool single = *countElements(*node.shape(i)) == 1;
    FailureOr<Value> scale = single ? node.tensor(i, {}) : node.tensor(i);
    if (failed(scale))
      return failure();
    operands.push_back({*scale, single ? SmallVector<int64_t, 4>{}
                                       : SmallVector<int64_t, 4>{0}});
  }
  int type = node.elementType(x);
  return elementwise(
      builder, node.loc,
      RankedTensorType::get({channels}, builder.getF64Type()), operands,
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value m = divide(b, l, multiply(b, l, v[0], v[1]), v[2], false);
        return convert(b, l, m, type, onnxtype::Double);
      });
}

/// The result of a QLinear op: sums to codes, in `shape`.
static LogicalResult requantize(Node &node, const Sums &sums,
                                FailureOr<Value> bias, unsigned x, unsigned w,
                                unsigned y, ArrayRef<int64_t> shape) {
  OpBuilder &builder = node.builder;
  int yType = node.elementType(y + 1);
  std::optional<int64_t> zeros = countElements(*node.shape(y + 1));
  if ((yType != onnxtype::Int8 && yType != onnxtype::UInt8) || zeros != 1) {
    node.error() << "the zero point of the result is " << onnxTypeName(yType)
                 << " of shape " << shapeText(*node.shape(y + 1))
                 << "; it must be one INT8 or UINT8";
    return failure();
  }
  FailureOr<Value> scale = multiplier(node, x, w, y, sums.channels());
  FailureOr<Value> zero = node.tensor(y + 1, {});
  if (failed(bias) || failed(scale) || failed(zero))
    return failure();
  const Constant *known = node.constant(y + 1);
  Value zeroPoint =
      known && known->hasData()
          ? scalarOf(builder, node.loc, int32_t(known->integer(0)))
          : elementwise(builder, node.loc,
                        RankedTensorType::get({}, builder.getI32Type()),
                        {whole(*zero)},
                        [&](OpBuilder &b, Location l, ValueRange v) {
                          return convert(b, l, v[0], yType, onnxtype::Int32);
                        });
  auto type =
      cast<RankedTensorType>(sums.acc.getType()).clone(builder.getI8Type());
  auto range = *codeRange(yType);
  Value q = imc::RequantizeOp::create(
                builder, node.loc, sums.acc, *bias, *scale, zeroPoint, Value(),
                empty(builder, node.loc, type), {range.first, range.second})
                .getResult();
  return node.result(reshape(builder, node.loc, q, shape), 0, yType);
}

LogicalResult lowerQLinearConv(Node &node) {
  FailureOr<Codes> x = readCodes(node, 0, 2, 1), w = readCodes(node, 3, 5, 0);
  if (failed(x) || failed(w))
    return failure();
  if (countElements(*node.shape(2)) != 1) {
    node.error() << "the input has a zero point per channel; one for all is "
                    "supported";
    return failure();
  }
  FailureOr<Sums> sums = convolveCodes(node, *x, *w);
  if (failed(sums))
    return failure();
  OpBuilder &builder = node.builder;
  FailureOr<Value> bias = failure();
  if (!node.hasInput(8)) {
    bias = vectorOf(builder, node.loc, sums->bias, builder.getI32Type());
  } else {
    FailureOr<SmallVector<int64_t, 4>> shape = node.shape(8);
    if (node.elementType(8) != onnxtype::Int32 ||
        *shape != SmallVector<int64_t, 4>{sums->channels()}) {
      node.error() << "the bias is " << onnxTypeName(node.elementType(8))
                   << " of shape " << shapeText(*shape)
                   << "; it must be INT32 with " << sums->channels()
                   << " elements";
      return failure();
    }
    if (const Constant *known = node.constant(8); known && known->hasData()) {
      for (auto [n, value] : llvm::enumerate(sums->bias))
        value += known->integer(n);
      bias = vectorOf(builder, node.loc, sums->bias, builder.getI32Type());
    } else {
      bias = node.tensor(8);
      if (failed(bias))
        return failure();
      bias = elementwise(
          builder, node.loc, cast<RankedTensorType>(bias->getType()),
          {whole(*bias), whole(vectorOf(builder, node.loc, sums->bias,
                                        builder.getI32Type()))},
          [](OpBuilder &b, Location l, ValueRange v) -> Value {
            return add(b, l, v[0], v[1]);
          });
    }
  }
  return requantize(node, *sums, bias, 1, 4, 6, shapeOf(sums->acc));
}

LogicalResult lowerQLinearMatMul(Node &node) {
  SmallVector<int64_t, 4> shape;
  FailureOr<Sums> sums = multiplyInputs(node, 3, 5, shape);
  if (failed(sums))
    return failure();
  Value bias =
      vectorOf(node.builder, node.loc, sums->bias, node.builder.getI32Type());
  return requantize(node, *sums, bias, 1, 4, 6, shape);
}

} // namespace imc::onnximport
