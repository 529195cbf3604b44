//===- QDQ.cpp - Float ops between dequantization and quantization --------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a float op means for the codes or sums behind its inputs:
//   Conv, Gemm, MatMul   of two dequantized tensors: an integer product, whose
//                        real result is its sums, scaled
//   Add                  of a dequantized bias: added to the sums
//   Relu, Clip           of scaled sums: a range
//   MaxPool, Reshape, …  of dequantized codes: the same op on the codes, as
//                        dequantization keeps order and place
// What is not listed, or does not fit, is computed in floats by its definition;
// where it is a product of 16-bit codes, with a warning.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Deferred.h"
#include "IntegerProduct.h"
#include "dialects/imc/IR/IMC.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;

namespace imc::onnximport {

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Input `i` as codes with one scale.
static const Dequantized *activation(const Node &node, unsigned i) {
  Deferred *later = node.uncomputed(i).deferred();
  const Dequantized *codes = later ? later->dequantized() : nullptr;
  return codes && codes->perTensor() && codes->x.value() &&
                 isProductCode(codes->x.onnxType())
             ? codes
             : nullptr;
}

/// Input `i` as known codes with one scale, or one per channel, which
/// is dimension `channel`.
static const Dequantized *storedWeight(const Node &node, unsigned i,
                                       int64_t channel) {
  Deferred *later = node.uncomputed(i).deferred();
  const Dequantized *codes = later ? later->dequantized() : nullptr;
  return codes && (codes->perTensor() || codes->axis == channel) &&
                 later->isKnown() && isProductCode(codes->x.onnxType())
             ? codes
             : nullptr;
}

/// A bias of `channels` elements in units of `unit`: integers whose scale is
/// the unit, up to the rounding of a scale that was computed in another order.
static std::optional<std::vector<int64_t>> integerBias(const Binding &bias,
                                                       ArrayRef<double> unit) {
  Deferred *later = bias.deferred();
  const Dequantized *codes = later ? later->dequantized() : nullptr;
  if (!codes || !later->isKnown() || codes->x.onnxType() != onnxtype::Int32)
    return std::nullopt;
  const Constant &known = *codes->x.constant();
  int64_t channels = unit.size();
  if (known.numElements() != channels || known.shape().empty() ||
      known.shape().back() != channels ||
      (!codes->perTensor() && codes->axis != int64_t(known.shape().size()) - 1))
    return std::nullopt;
  std::vector<int64_t> values;
  for (int64_t n = 0; n < channels; ++n) {
    if (codes->zeroAt(n) != 0 ||
        !(std::abs(codes->scaleAt(n) - unit[n]) <= std::ldexp(unit[n], -22)))
      return std::nullopt;
    values.push_back(known.integer(n));
  }
  return values;
}

static void addTo(std::vector<int64_t> &sums, ArrayRef<int64_t> values) {
  for (auto [sum, value] : llvm::zip_equal(sums, values))
    sum += value;
}

/// The product of the real numbers behind `x` and `w` from its sums, with bias
/// input 2, if there is one.
static FailureOr<bool> finishProduct(Node &node, const Dequantized &x,
                                     const Dequantized &w, const Sums &sums,
                                     ArrayRef<int64_t> shape) {
  ScaledSums scaled{sums.acc, sums.bias, {}};
  for (int64_t n = 0; n < sums.channels(); ++n)
    scaled.multiplier.push_back(double(x.scale[0]) * double(w.scaleAt(n)));
  if (!node.hasInput(2)) {
    if (failed(node.result(defer(shape, node.loc, std::move(scaled)))))
      return failure();
    return true;
  }
  if (std::optional<std::vector<int64_t>> bias =
          integerBias(node.uncomputed(2), scaled.multiplier)) {
    addTo(scaled.bias, *bias);
    if (failed(node.result(defer(shape, node.loc, std::move(scaled)))))
      return failure();
    return true;
  }
  // A bias of real numbers is added to the real result.
  Binding product = defer(shape, node.loc, std::move(scaled));
  Binding bias = node.input(2);
  if (node.op() == "Conv") {
    SmallVector<int64_t, 4> spread(shape.size(), 1);
    spread[1] = bias.shape()[0];
    if (const Constant *known = bias.constant())
      bias = known->reshaped(spread);
    else
      bias = Binding(reshape(node.builder, node.loc, bias.value(), spread),
                     bias.onnxType());
  }
  FailureOr<Binding> sum = node.call("Add", {product, bias});
  if (failed(sum) || failed(node.result(*sum)))
    return failure();
  return true;
}

static Codes codesOf(const Dequantized &from, int64_t axis) {
  return Codes{from.x, from.zero, {}, axis};
}

/// Terms of sums of 16-bit codes: so many products of two differences of codes,
/// each below 2^16, and a bias of INT32 stay below 2^53, where a double holds
/// every sum (R7).
static constexpr int64_t kMaxWideTerms = int64_t(1) << 20;

/// Why a product is not computed on its codes.
constexpr const char *kInputForm =
    "the input is stored, or has several scales or scales of run time, or too "
    "few dimensions";
constexpr const char *kWeightForm =
    "the weight is computed, or has other scales than one or one for each "
    "output channel, or another rank";
constexpr const char *kManyTerms =
    "its sums have more than 2^20 terms, so that a double may not hold them";

/// Whether sums of `terms` products of codes are exact in the double that
/// scales them.
static bool sumsFit(const Dequantized &x, const Dequantized &w, int64_t terms) {
  return terms <= kMaxWideTerms ||
         (!isWideCode(x.x.onnxType()) && !isWideCode(w.x.onnxType()));
}

static FailureOr<bool> lowerConv(Node &node, StringRef &why) {
  const Dequantized *x = activation(node, 0), *w = storedWeight(node, 1, 0);
  why = x ? kWeightForm : kInputForm;
  if (!x || !w || x->x.shape().size() < 3 ||
      w->x.shape().size() != x->x.shape().size())
    return false;
  why = kManyTerms;
  if (int64_t filters = w->x.shape()[0];
      filters > 0 && !sumsFit(*x, *w, w->x.constant()->numElements() / filters))
    return false;
  if (node.hasInput(2) &&
      *node.shape(2) != SmallVector<int64_t, 4>{w->x.shape()[0]})
    return false; // refused by the float lowering
  FailureOr<Sums> sums = convolveCodes(node, codesOf(*x, 1), codesOf(*w, 0));
  if (failed(sums))
    return failure();
  return finishProduct(node, *x, *w, *sums, shapeOf(sums->acc));
}

static FailureOr<bool> lowerMatMul(Node &node, StringRef &why) {
  Deferred *right = node.uncomputed(1).deferred();
  int64_t last = right ? int64_t(right->shape.size()) - 1 : 0;
  const Dequantized *x = activation(node, 0), *w = storedWeight(node, 1, last);
  // Of two activations, neither of which is stored.
  if (!w)
    w = activation(node, 1);
  why = x ? kWeightForm : kInputForm;
  if (!x || !w || x->x.shape().size() < 2 || w->x.shape().size() < 2 ||
      (w->x.constant() && w->x.shape().size() != 2))
    return false;
  why = kManyTerms;
  if (!sumsFit(*x, *w, x->x.shape().back()))
    return false;
  SmallVector<int64_t, 4> shape;
  FailureOr<Sums> sums =
      multiplyCodes(node, codesOf(*x, 0), codesOf(*w, last), shape);
  if (failed(sums))
    return failure();
  return finishProduct(node, *x, *w, *sums, shape);
}

static FailureOr<bool> lowerGemm(Node &node, StringRef &why) {
  float alpha = 1, beta = 1;
  int64_t transA = 0, transB = 0;
  if (failed(node.attribute("alpha", alpha)) ||
      failed(node.attribute("beta", beta)) ||
      failed(node.attribute("transA", transA)) ||
      failed(node.attribute("transB", transB)))
    return failure();
  const Dequantized *x = activation(node, 0),
                    *w = storedWeight(node, 1, transB ? 0 : 1);
  bool scalesBias = node.hasInput(2) && beta != 1;
  why = transA || alpha != 1 || scalesBias
            ? "alpha, beta or transA do more than multiply and add"
        : x ? kWeightForm
            : kInputForm;
  if (!x || !w || transA || alpha != 1 || scalesBias ||
      x->x.shape().size() != 2 || w->x.shape().size() != 2)
    return false;
  why = kManyTerms;
  if (!sumsFit(*x, *w, x->x.shape()[1]))
    return false;
  int64_t n = w->x.shape()[transB ? 0 : 1];
  if (node.hasInput(2) &&
      broadcastShapes(*node.shape(2), {x->x.shape()[0], n}) !=
          SmallVector<int64_t, 4>{x->x.shape()[0], n})
    return false; // refused by the float lowering
  Codes weight = codesOf(*w, 1);
  if (transB)
    weight.codes = w->x.constant()->transposed({1, 0});
  SmallVector<int64_t, 4> shape;
  FailureOr<Sums> sums = multiplyCodes(node, codesOf(*x, 0), weight, shape);
  if (failed(sums))
    return failure();
  return finishProduct(node, *x, *w, *sums, shape);
}

//===----------------------------------------------------------------------===//
// Around products
//===----------------------------------------------------------------------===//

/// A bias in an op of its own, as after a MatMul.
static FailureOr<bool> lowerAdd(Node &node) {
  for (unsigned i : {0u, 1u}) {
    Deferred *later = node.uncomputed(i).deferred();
    const ScaledSums *sums = later ? later->sums() : nullptr;
    // A result that was needed as a number already is not computed again.
    if (!sums || !later->computed.empty() || std::isfinite(sums->lo) ||
        std::isfinite(sums->hi) ||
        cast<RankedTensorType>(sums->acc.getType()).getRank() != 2 ||
        later->shape.size() < node.shape(1 - i)->size())
      continue;
    std::optional<std::vector<int64_t>> bias =
        integerBias(node.uncomputed(1 - i), sums->multiplier);
    if (!bias)
      continue;
    ScaledSums biased = *sums;
    addTo(biased.bias, *bias);
    if (failed(node.result(defer(later->shape, node.loc, std::move(biased)))))
      return failure();
    return true;
  }
  return false;
}

static float clampTo(float value, float lo, float hi) {
  return std::min(std::max(value, lo), hi);
}

static FailureOr<bool> lowerClamp(Node &node, float lo, float hi) {
  Deferred *later = node.uncomputed(0).deferred();
  const ScaledSums *sums = later ? later->sums() : nullptr;
  if (!sums || !(lo <= hi))
    return false;
  ScaledSums clamped = *sums;
  clamped.lo = clampTo(sums->lo, lo, hi);
  clamped.hi = clampTo(sums->hi, lo, hi);
  if (failed(node.result(defer(later->shape, node.loc, std::move(clamped)))))
    return failure();
  return true;
}

static FailureOr<bool> lowerClip(Node &node) {
  float bounds[2] = {-std::numeric_limits<float>::infinity(),
                     std::numeric_limits<float>::infinity()};
  if (node.version() < 11) {
    if (failed(node.attribute("min", bounds[0])) ||
        failed(node.attribute("max", bounds[1])))
      return failure();
    return lowerClamp(node, bounds[0], bounds[1]);
  }
  for (unsigned i : {1u, 2u}) {
    if (!node.hasInput(i))
      continue;
    const Constant *known = node.constant(i);
    if (!known || !known->isFloat() || !known->hasData() ||
        known->numElements() != 1)
      return false;
    bounds[i - 1] = known->floats()[0];
  }
  return lowerClamp(node, bounds[0], bounds[1]);
}

/// An op that moves elements or takes the largest: done on the codes.
static FailureOr<bool> lowerOnCodes(Node &node) {
  Deferred *later = node.uncomputed(0).deferred();
  const Dequantized *codes = later ? later->dequantized() : nullptr;
  // Indices beside the values (MaxPool) are not deferred.
  if (!codes || node.hasOutput(1) || !node.takes(codes->x.onnxType()))
    return false;
  Dequantized result = *codes;
  if (!codes->perTensor()) {
    // The dimension of the scales is known to move only with a permutation.
    SmallVector<int64_t, 4> order;
    if (node.op() != "Transpose" || failed(node.attribute("perm", order)))
      return false;
    int64_t rank = codes->x.shape().size();
    if (order.empty())
      for (int64_t d = rank - 1; d >= 0; --d)
        order.push_back(d);
    const int64_t *at = llvm::find(order, codes->axis);
    if (at == order.end())
      return false;
    result.axis = at - order.begin();
  } else if (node.op() == "MaxPool" && !(codes->scale[0] > 0)) {
    return false;
  }
  FailureOr<Binding> moved = node.on(codes->x);
  if (failed(moved))
    return failure();
  result.x = *moved;
  if (failed(node.result(defer(moved->shape(), node.loc, std::move(result)))))
    return failure();
  return true;
}

/// A product of 16-bit codes that cannot be one of integers is one of floats,
/// which passes know the bits of as little as those of any other float product.
static FailureOr<bool> warnOfWideCodes(Node &node, FailureOr<bool> lowered,
                                       StringRef why) {
  if (failed(lowered) || *lowered)
    return lowered;
  for (unsigned i : {0u, 1u}) {
    Deferred *later = node.uncomputed(i).deferred();
    const Dequantized *codes = later ? later->dequantized() : nullptr;
    if (!codes || !isWideCode(codes->x.onnxType()))
      continue;
    emitWarning(node.loc)
        << "input " << i << " of the product has codes of "
        << onnxTypeName(codes->x.onnxType())
        << ", which are dequantized, since " << why
        << ": it is computed in floats; quantize it again with --set "
           "pass.weight_bits=16 --set pass.input_bits=16";
    break;
  }
  return lowered;
}

FailureOr<bool> lowerOnIntegers(Node &node) {
  bool any = false;
  for (unsigned i = 0; i < node.numInputs(); ++i)
    any |= node.uncomputed(i).deferred() != nullptr;
  if (!any)
    return false;
  StringRef op = node.op(), why;
  if (op == "Conv" || op == "MatMul" || op == "Gemm") {
    FailureOr<bool> lowered = op == "Conv"     ? lowerConv(node, why)
                              : op == "MatMul" ? lowerMatMul(node, why)
                                               : lowerGemm(node, why);
    return warnOfWideCodes(node, lowered, why);
  }
  if (op == "Add")
    return lowerAdd(node);
  if (op == "Relu")
    return lowerClamp(node, 0, std::numeric_limits<float>::infinity());
  if (op == "Clip")
    return lowerClip(node);
  bool moves = llvm::StringSwitch<bool>(op)
                   .Cases({"Flatten", "Identity", "MaxPool", "Reshape"}, true)
                   .Cases({"Squeeze", "Transpose", "Unsqueeze"}, true)
                   .Default(false);
  return moves ? lowerOnCodes(node) : FailureOr<bool>(false);
}

//===----------------------------------------------------------------------===//
// QuantizeLinear
//===----------------------------------------------------------------------===//

FailureOr<Binding> quantizeDeferred(Node &node, Deferred &x, float scale,
                                    int64_t zero, int onnxType) {
  if (const Dequantized *codes = x.dequantized()) {
    // (x · s) / s rounds to x again as long as the product is a normal number.
    bool same = codes->perTensor() && codes->scale[0] == scale &&
                codes->zero[0] == zero && codes->x.onnxType() == onnxType &&
                scale >= 1e-30f && scale <= 1e30f;
    return same ? codes->x : Binding();
  }
  const ScaledSums &sums = *x.sums();
  auto [least, greatest] = *codeRange(onnxType);
  // A range of real numbers is a range of codes, rounded as they are (R9).
  auto code = [&, least = least, greatest = greatest](float bound) {
    double quotient = std::nearbyint(bound / scale);
    return int64_t(std::min(std::max(quotient + double(zero), double(least)),
                            double(greatest)));
  };
  // An infinite scale has no code for an infinite bound.
  if (!(scale > 0) || !std::isfinite(scale))
    return Binding();
  int64_t lo = code(sums.lo), hi = code(sums.hi);
  OpBuilder &builder = node.builder;
  auto type = cast<RankedTensorType>(sums.acc.getType())
                  .clone(irType(builder.getContext(), onnxType));
  Value q =
      imc::RequantizeOp::create(builder, node.loc, sums.acc,
                                vectorOf(builder, node.loc, sums.bias,
                                         getElementTypeOrSelf(sums.acc)),
                                vectorOf(builder, node.loc, sums.multiplier),
                                scalarOf(builder, node.loc, int32_t(zero)),
                                scalarOf(builder, node.loc, scale),
                                empty(builder, node.loc, type), {lo, hi})
          .getResult();
  return Binding(reshape(builder, node.loc, q, x.shape), onnxType);
}

} // namespace imc::onnximport
