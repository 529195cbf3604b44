//===- OpsElementwiseCast.cpp - Other element types -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Fold.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace imc::onnximport {

/// The bits of the nearest FLOAT16 or BFLOAT16.
static uint16_t halfBits(double value, int type) {
  llvm::APFloat number(value);
  bool losesInfo;
  number.convert(type == onnxtype::Float16 ? llvm::APFloat::IEEEhalf()
                                           : llvm::APFloat::BFloat(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return uint16_t(number.bitcastToAPInt().getZExtValue());
}

/// A stored weight in another float type. Weights are too large for folding,
/// but the later phases must find them as stored weights.
static Constant castWeight(const Constant &weight, int to) {
  int64_t count = weight.numElements();
  bool isInteger = weight.isInteger(),
       isUnsigned64 = weight.onnxType() == onnxtype::UInt64;
  // FLOAT16 is what large files hold; all its values fit a table.
  std::vector<float> ofHalf;
  const auto *halves =
      reinterpret_cast<const uint16_t *>(weight.bytes().data());
  if (weight.onnxType() == onnxtype::Float16)
    for (unsigned bits = 0; bits < 65536; ++bits)
      ofHalf.push_back(
          llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits))
              .convertToFloat());
  auto at = [&](int64_t i) -> double {
    if (!ofHalf.empty())
      return ofHalf[halves[i]];
    if (weight.onnxType() == onnxtype::BFloat16)
      return llvm::bit_cast<float>(uint32_t(halves[i]) << 16);
    if (!isInteger)
      return weight.real(i);
    int64_t value = weight.integer(i);
    return isUnsigned64 ? double(uint64_t(value)) : double(value);
  };
  auto collect = [&](auto convert) {
    std::vector<decltype(convert(0.0))> values(count);
    for (int64_t i = 0; i < count; ++i)
      values[i] = convert(at(i));
    return makeBlob(std::move(values));
  };
  std::shared_ptr<Blob> blob;
  if (to == onnxtype::Float)
    blob = collect([](double x) { return float(x); });
  else if (to == onnxtype::Double)
    blob = collect([](double x) { return x; });
  else
    blob = collect([&](double x) { return halfBits(x, to); });
  return Constant::make(weight.name(), weight.shape(), to, std::move(blob));
}

static LogicalResult castTo(Node &node, int to) {
  int from = node.elementType(0);
  if (from == to)
    return lowerIdentity(node);
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  FailureOr<RankedTensorType> type = node.type(*shape, to);
  if (failed(type))
    return failure();
  const Constant *weight = node.constant(0);
  if (weight && weight->hasData() && isFloatType(to) &&
      weight->numElements() > kMaxFoldedElements)
    return node.result(castWeight(*weight, to));
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  return node.result(elementwise(node.builder, node.loc, *type, {whole(*x)},
                                 [&](OpBuilder &b, Location l, ValueRange v) {
                                   return convert(b, l, v[0], from, to);
                                 }),
                     0, to);
}

/// The element type that the attribute `to` names; 0, which is none, for a
/// number that no type has.
static FailureOr<int> readTarget(Node &node) {
  int64_t to = 0;
  if (failed(node.attribute("to", to)))
    return failure();
  return llvm::isInt<32>(to) ? int(to) : 0;
}

LogicalResult lowerCast(Node &node) {
  node.ignoreAttribute("saturate");   // of 8-bit floats, which are refused
  node.ignoreAttribute("round_mode"); // of 8-bit floats, which are refused
  FailureOr<int> to = readTarget(node);
  return failed(to) ? failure() : castTo(node, *to);
}

/// Only the type of input 1 matters, so what is cast may be known without it.
LogicalResult lowerCastLike(Node &node) {
  node.ignoreAttribute("saturate");   // of 8-bit floats, which are refused
  node.ignoreAttribute("round_mode"); // of 8-bit floats, which are refused
  FailureOr<Binding> result = node.call("Cast", {node.input(0)},
                                        {{"to", int64_t(node.elementType(1))}});
  return failed(result) ? failure() : node.result(*result);
}

LogicalResult lowerBitCast(Node &node) {
  FailureOr<int> target = readTarget(node);
  if (failed(target))
    return failure();
  int to = *target;
  int from = node.elementType(0);
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  FailureOr<RankedTensorType> type = node.type(*shape, to);
  if (failed(type))
    return failure();
  bool packs = (typeSetOf(from) | typeSetOf(to)) & Int4s;
  if (from != to && (packs || bytesPerElement(from) != bytesPerElement(to))) {
    node.error() << "reads " << onnxTypeName(from) << " as " << onnxTypeName(to)
                 << "; only numbers of 8 to 64 bits of the same width can be";
    return failure();
  }
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  Type element = cast<RankedTensorType>((*x).getType()).getElementType();
  if (element == type->getElementType())
    return node.result(*x, 0, to);
  // A BOOL is a byte of value 0 or 1.
  bool isBool = from == onnxtype::Bool || to == onnxtype::Bool;
  return node.result(
      elementwise(node.builder, node.loc, *type, {whole(*x)},
                  [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                    if (isBool)
                      return convert(b, l, v[0], from, to);
                    return arith::BitcastOp::create(
                        b, l, type->getElementType(), v[0]);
                  }),
      0, to);
}

} // namespace imc::onnximport
