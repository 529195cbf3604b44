//===- Deferred.cpp - Real numbers that may never be computed -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Deferred.h"
#include "Build.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace imc::onnximport {

bool Deferred::isKnown() const {
  const Dequantized *codes = dequantized();
  return codes && codes->x.constant() && codes->x.constant()->hasData();
}

Binding defer(ArrayRef<int64_t> shape, Location loc,
              std::variant<Dequantized, ScaledSums> what) {
  return Binding(std::make_shared<Deferred>(
      Deferred{SmallVector<int64_t, 4>(shape), loc, std::move(what), {}}));
}

std::optional<std::pair<int64_t, int64_t>> codeRange(int onnxType) {
  switch (onnxType) {
  case onnxtype::Int8:
    return std::make_pair(-128, 127);
  case onnxtype::UInt8:
    return std::make_pair(0, 255);
  case onnxtype::Int16:
    return std::make_pair(-32768, 32767);
  case onnxtype::UInt16:
    return std::make_pair(0, 65535);
  case onnxtype::Int4:
    return std::make_pair(-8, 7);
  case onnxtype::UInt4:
    return std::make_pair(0, 15);
  default:
    return std::nullopt;
  }
}

template <typename T>
static Value constantOf(OpBuilder &builder, Location loc, Type element,
                        ArrayRef<int64_t> shape, ArrayRef<T> values) {
  auto type = RankedTensorType::get(shape, element);
  return arith::ConstantOp::create(builder, loc, type,
                                   DenseElementsAttr::get(type, values));
}

Value vectorOf(OpBuilder &builder, Location loc, ArrayRef<int64_t> values,
               Type element) {
  const unsigned width = element.getIntOrFloatBitWidth();
  SmallVector<APInt> cut;
  for (int64_t value : values)
    cut.push_back(APInt(64, static_cast<uint64_t>(value)).trunc(width));
  return constantOf(builder, loc, element, {int64_t(values.size())},
                    ArrayRef<APInt>(cut));
}

Value vectorOf(OpBuilder &builder, Location loc, ArrayRef<double> values) {
  return constantOf(builder, loc, builder.getF64Type(),
                    {int64_t(values.size())}, values);
}

Value scalarOf(OpBuilder &builder, Location loc, int32_t value) {
  return constantOf(builder, loc, builder.getI32Type(), {},
                    ArrayRef<int32_t>(value));
}

Value scalarOf(OpBuilder &builder, Location loc, float value) {
  return constantOf(builder, loc, builder.getF32Type(), {},
                    ArrayRef<float>(value));
}

/// f32(x − zero) · scale at import.
static Constant dequantize(const Dequantized &codes) {
  const Constant &x = *codes.x.constant();
  std::vector<float> values(x.numElements());
  int64_t inner = 1, size = 1;
  if (!codes.perTensor()) {
    size = x.shape()[codes.axis];
    for (int64_t d : x.shape().drop_front(codes.axis + 1))
      inner *= d;
  }
  for (int64_t i = 0, e = values.size(); i < e; ++i) {
    int64_t channel = codes.perTensor() ? 0 : i / inner % size;
    values[i] = (float(x.integer(i)) - float(codes.zeroAt(channel))) *
                codes.scaleAt(channel);
  }
  return Constant::makeFloats(x.name(), x.shape(), std::move(values));
}

static Value dequantize(OpBuilder &builder, Location loc,
                        const Dequantized &codes, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  SmallVector<Operand, 3> operands = {whole(codes.x.value())};
  auto perChannel = [&](ArrayRef<float> values) {
    if (values.size() > 1)
      operands.push_back({constantOf(builder, loc, builder.getF32Type(),
                                     {int64_t(values.size())}, values),
                          {codes.axis}});
  };
  std::vector<float> zeros(codes.zero.begin(), codes.zero.end());
  perChannel(zeros);
  perChannel(codes.scale);
  int onnxType = codes.x.onnxType();
  return elementwise(builder, loc, type, operands,
                     [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                       unsigned next = 1;
                       auto operand = [&](ArrayRef<float> values) {
                         return values.size() > 1
                                    ? v[next++]
                                    : scalar(b, l, b.getF32Type(), values[0]);
                       };
                       Value x = convert(b, l, v[0], onnxType, onnxtype::Float);
                       if (zeros.size() > 1 || zeros[0] != 0)
                         x = subtract(b, l, x, operand(zeros));
                       return multiply(b, l, x, operand(codes.scale));
                     });
}

static Value scaleSums(OpBuilder &builder, Location loc,
                       const ScaledSums &sums) {
  auto type =
      cast<RankedTensorType>(sums.acc.getType()).clone(builder.getF32Type());
  SmallVector<Operand, 3> operands = {
      whole(sums.acc),
      {vectorOf(builder, loc, sums.bias, getElementTypeOrSelf(sums.acc)), {1}},
      {vectorOf(builder, loc, sums.multiplier), {1}}};
  return elementwise(
      builder, loc, type, operands,
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value sum = arith::AddIOp::create(b, l, v[0], v[1]);
        Value y = arith::TruncFOp::create(
            b, l, b.getF32Type(),
            multiply(b, l, arith::SIToFPOp::create(b, l, b.getF64Type(), sum),
                     v[2]));
        if (std::isfinite(sums.lo))
          y = maximum(b, l, y, scalar(b, l, y.getType(), sums.lo), false);
        if (std::isfinite(sums.hi))
          y = minimum(b, l, y, scalar(b, l, y.getType(), sums.hi), false);
        return y;
      });
}

Binding compute(OpBuilder &builder, Deferred &deferred) {
  if (!deferred.computed.empty())
    return deferred.computed;
  if (deferred.isKnown())
    return deferred.computed = Binding(dequantize(*deferred.dequantized()));
  // Where it is visible to everything that may ask for it later: in the
  // function's own block.
  OpBuilder::InsertionGuard guard(builder);
  while (Operation *parent = builder.getInsertionBlock()->getParentOp()) {
    if (isa<func::FuncOp>(parent))
      break;
    builder.setInsertionPoint(parent);
  }
  Value value = deferred.sums()
                    ? scaleSums(builder, deferred.loc, *deferred.sums())
                    : dequantize(builder, deferred.loc, *deferred.dequantized(),
                                 deferred.shape);
  value = reshape(builder, deferred.loc, value, deferred.shape);
  return deferred.computed = Binding(value, onnxtype::Float);
}

} // namespace imc::onnximport
