//===- OffloadIntegers.cpp - Integer products on unsigned inputs ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OffloadIntegers.h"

#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/Payload.h"
#include "imc/Transforms/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imc;
using namespace imc::detail;

/// The tensor whose top bits `value` has flipped, if an elementwise op does
/// just that.
static Value flipSource(Value value) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumLoops() != op.getNumParallelLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return {};
  Value result = op.getBlock()->getTerminator()->getOperand(0);
  auto flip = result.getDefiningOp<arith::XOrIOp>();
  APInt bit;
  if (!flip || flip.getLhs() != op.getBlock()->getArgument(0) ||
      !isPayload(flip.getType()) ||
      !matchPattern(flip.getRhs(), m_ConstantInt(&bit)) || !bit.isSignMask())
    return {};
  return op.getDpsInputs()[0];
}

Value IntegerOffloader::unsignedInput(Location loc, Value x) {
  if (Value known = flipped.lookup(x))
    return known;
  Value result = flipSource(x);
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfterValue(x);
  auto type = cast<RankedTensorType>(x.getType());
  const IntegerAttr top = IntegerAttr::get(
      type.getElementType(), APInt::getSignMask(type.getElementTypeBitWidth()));
  auto pad = x.getDefiningOp<tensor::PadOp>();
  if (Value padding = pad ? pad.getConstantPaddingValue() : Value(); padding) {
    Value source = unsignedInput(loc, pad.getSource());
    rewriter.setInsertionPointAfter(pad);
    APInt code;
    if (matchPattern(padding, m_ConstantInt(&code)))
      padding = arith::ConstantOp::create(
          rewriter, pad.getLoc(),
          IntegerAttr::get(type.getElementType(), code ^ top.getValue()));
    else
      padding = arith::XOrIOp::create(
          rewriter, pad.getLoc(), padding,
          arith::ConstantOp::create(rewriter, pad.getLoc(), top));
    result = tensor::PadOp::create(rewriter, pad.getLoc(), type, source,
                                   pad.getMixedLowPad(), pad.getMixedHighPad(),
                                   padding, pad.getNofold());
  } else if (!result) {
    Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                          type.getElementType());
    SmallVector<AffineMap> maps(
        2, rewriter.getMultiDimIdentityMap(type.getRank()));
    SmallVector<utils::IteratorType> iterators(type.getRank(),
                                               utils::IteratorType::parallel);
    result = linalg::GenericOp::create(
                 rewriter, loc, TypeRange(type), ValueRange(x),
                 ValueRange(empty), maps, iterators,
                 [&](OpBuilder &b, Location loc, ValueRange args) {
                   Value bit = arith::ConstantOp::create(b, loc, top);
                   linalg::YieldOp::create(
                       b, loc,
                       arith::XOrIOp::create(b, loc, args[0], bit).getResult());
                 })
                 .getResult(0);
  }
  flipped[x] = result;
  return result;
}

/// The elements of a constant of the given width; empty when they are not
/// there.
static ArrayRef<char> dataOf(Value value, std::vector<char> &storage) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto attr =
      constant ? dyn_cast<ElementsAttr>(constant.getValue()) : ElementsAttr();
  if (!attr)
    return {};
  ArrayRef<char> raw = getRawData(attr, storage);
  int64_t bytes = attr.getNumElements() *
                  (attr.getElementType().getIntOrFloatBitWidth() / 8);
  return static_cast<int64_t>(raw.size()) == bytes ? raw : ArrayRef<char>();
}

/// Element `i` of signed integers of `width` bits, widened.
static int64_t elementOf(ArrayRef<char> raw, unsigned width, int64_t i) {
  const char *at = raw.data() + i * (width / 8);
  auto read = [at](auto value) -> int64_t {
    std::memcpy(&value, at, sizeof(value));
    return value;
  };
  switch (width) {
  case 8:
    return read(int8_t());
  case 16:
    return read(int16_t());
  case 32:
    return read(int32_t());
  default:
    return read(int64_t());
  }
}

Value IntegerOffloader::correction(Location loc, Value w, int64_t h, Type sum,
                                   bool channelFirst, Value bias) {
  auto wType = cast<RankedTensorType>(w.getType());
  int64_t channels = wType.getDimSize(channelFirst ? 0 : 1);
  auto type = RankedTensorType::get({channels}, sum);
  std::string name = getWeightName(w.getDefiningOp()).str() + ".correction";
  std::vector<char> wStorage, biasStorage;
  ArrayRef<char> weights = dataOf(w, wStorage);
  ArrayRef<char> added = bias ? dataOf(bias, biasStorage) : ArrayRef<char>();
  // Without its data, a weight stands for any: counting needs no more.
  if (weights.empty() || (bias && added.empty()))
    return imc::MissingWeightOp::create(rewriter, loc, type, name);
  // Modulo 2^64, and so modulo the width of the sums.
  std::vector<uint64_t> sums(channels, 0);
  int64_t perChannel = wType.getNumElements() / channels;
  const unsigned wWidth = wType.getElementTypeBitWidth(),
                 sumWidth = sum.getIntOrFloatBitWidth();
  for (int64_t i = 0, e = wType.getNumElements(); i < e; ++i)
    sums[channelFirst ? i / perChannel : i % channels] -=
        static_cast<uint64_t>(h * elementOf(weights, wWidth, i));
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(channels * (sumWidth / 8), 64);
  char *out = blob.getMutableData().data();
  for (int64_t n = 0; n < channels; ++n) {
    const uint64_t whole =
        sums[n] +
        (bias ? static_cast<uint64_t>(elementOf(added, sumWidth, n)) : 0);
    const auto half = static_cast<uint32_t>(whole);
    std::memcpy(out + n * (sumWidth / 8),
                sumWidth == 64 ? static_cast<const void *>(&whole) : &half,
                sumWidth / 8);
  }
  return arith::ConstantOp::create(
      rewriter, loc,
      cast<TypedAttr>(makeConstantData(type, name, std::move(blob))));
}

void IntegerOffloader::correct(Value acc, Value w, bool channelFirst,
                               bool isSigned, Value init) {
  if (!isSigned && !init)
    return;
  Location loc = acc.getLoc();
  Type sum = getElementTypeOrSelf(acc),
       input = getElementTypeOrSelf(acc.getDefiningOp()->getOperand(0));
  const int64_t h = int64_t(1) << (input.getIntOrFloatBitWidth() - 1);
  OpBuilder::InsertionGuard guard(rewriter);
  auto isConstant = [](Value value) {
    return isa_and_nonnull<arith::ConstantOp, imc::MissingWeightOp>(
        value.getDefiningOp());
  };
  if (!init && !acc.use_empty() &&
      llvm::all_of(acc.getUses(), [&](OpOperand &use) {
        auto user = dyn_cast<imc::RequantizeOp>(use.getOwner());
        return user && use.get() == user.getAcc() && isConstant(user.getBias());
      })) {
    for (Operation *user : llvm::to_vector(acc.getUsers())) {
      auto requantize = cast<imc::RequantizeOp>(user);
      Value old = requantize.getBias();
      rewriter.setInsertionPoint(requantize);
      Value bias =
          correction(requantize.getLoc(), w, h, sum, channelFirst, old);
      rewriter.modifyOpInPlace(
          requantize, [&] { requantize.getBiasMutable().assign(bias); });
      if (isOpTriviallyDead(old.getDefiningOp()))
        rewriter.eraseOp(old.getDefiningOp());
    }
    return;
  }
  rewriter.setInsertionPointAfterValue(acc);
  auto type = cast<RankedTensorType>(acc.getType());
  int64_t rank = type.getRank();
  SmallVector<Value> inputs = {acc};
  SmallVector<AffineMap> maps = {rewriter.getMultiDimIdentityMap(rank)};
  if (isSigned) {
    inputs.push_back(correction(loc, w, h, sum, channelFirst, Value()));
    maps.push_back(AffineMap::get(rank, 0, rewriter.getAffineDimExpr(1)));
  }
  if (init) {
    inputs.push_back(init);
    maps.push_back(rewriter.getMultiDimIdentityMap(rank));
  }
  maps.push_back(rewriter.getMultiDimIdentityMap(rank));
  Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                        type.getElementType());
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto total = linalg::GenericOp::create(
      rewriter, loc, TypeRange(type), inputs, ValueRange(empty), maps,
      iterators, [&](OpBuilder &b, Location loc, ValueRange args) {
        Value total = args[0];
        for (Value term : args.drop_front().drop_back())
          total = arith::AddIOp::create(b, loc, total, term);
        linalg::YieldOp::create(b, loc, total);
      });
  rewriter.replaceAllUsesExcept(acc, total.getResult(0), total);
}
