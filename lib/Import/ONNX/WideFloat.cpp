//===- WideFloat.cpp - Sums of 16-bit floats in 32 bits -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WideFloat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace imc::onnximport {

Type wideType(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32
             ? Float32Type::get(type.getContext())
             : type;
}

Value castFloatScalar(OpBuilder &b, Location l, Value x, Type type) {
  unsigned from = x.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (x.getType() == type)
    return x;
  if (from == to) // f16 and bf16
    return arith::TruncFOp::create(
        b, l, type, arith::ExtFOp::create(b, l, b.getF32Type(), x));
  return from < to ? Value(arith::ExtFOp::create(b, l, type, x))
                   : Value(arith::TruncFOp::create(b, l, type, x));
}

Value castFloat(OpBuilder &builder, Location loc, Value value, Type element) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getElementType() == element)
    return value;
  return elementwise(builder, loc, type.clone(element), {whole(value)},
                     [&](OpBuilder &b, Location l, ValueRange x) {
                       return castFloatScalar(b, l, x[0], element);
                     });
}

FailureOr<Value> wideTensor(Node &node, const Binding &binding,
                            ArrayRef<int64_t> shape) {
  int type = binding.onnxType();
  const Constant *known = binding.constant();
  bool narrow = type == onnxtype::Float16 || type == onnxtype::BFloat16;
  if (narrow && known && known->hasData()) {
    std::vector<float> values(known->numElements());
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = float(known->real(i));
    return node.tensor(Binding(Constant::makeFloats(
                           known->name(), known->shape(), std::move(values))),
                       shape);
  }
  FailureOr<Value> value = node.tensor(binding, shape);
  if (failed(value))
    return failure();
  return castFloat(
      node.builder, node.loc, *value,
      wideType(cast<RankedTensorType>((*value).getType()).getElementType()));
}

FailureOr<Value> wideTensor(Node &node, const Binding &binding) {
  return wideTensor(node, binding, SmallVector<int64_t, 4>(binding.shape()));
}

} // namespace imc::onnximport
