//===- OpsAttention.cpp - Attention, RotaryEmbedding ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both products of attention are products of two activations: linalg's
// batch_matmul, which the offload pass marks as such. Mask, causal frontier and
// window are one elementwise op on the scores, without a tensor for the bias.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;

namespace imc::onnximport {

namespace {

/// Letters: B batch, H heads of Q, G heads of K and V, Q queries, T keys,
/// D head size.
class AttentionLowering {
public:
  explicit AttentionLowering(Node &node)
      : node(node), b(node.builder), l(node.loc), type(node.elementType(0)) {}
  LogicalResult lower();

private:
  LogicalResult readAttributes();
  /// Input `i` as BxheadsxSxD; from BxSx(heads·D) if it has three dimensions.
  FailureOr<Binding> split(unsigned i, int64_t heads);
  LogicalResult checkShapes(ArrayRef<int64_t> q, ArrayRef<int64_t> k,
                            ArrayRef<int64_t> v);
  /// Heads repeated so that there are as many as queries have.
  FailureOr<Binding> repeatHeads(Binding x);
  FailureOr<Binding> scaled(const Binding &x, double factor);
  FailureOr<Binding> softcapped(const Binding &scores);
  FailureOr<Binding> masked(const Binding &scores);
  FailureOr<Value> maskTensor(SmallVectorImpl<int64_t> &dims);
  FailureOr<Binding> softmax(const Binding &scores);
  LogicalResult finishOutput(Binding y);

  Node &node;
  OpBuilder &b;
  Location l;
  const int type;
  int64_t causal = 0, qHeads = 0, kvHeads = 0, precision = 0, outputMode = 0;
  int64_t left = -1, right = -1;
  float scale = 0.0f, softcap = 0.0f;
  bool flat = false; ///< three dimensions
  int64_t batch = 0, heads = 0, groups = 0, queries = 0, keys = 0, past = 0;
};

} // namespace

LogicalResult AttentionLowering::readAttributes() {
  if (failed(node.attribute("is_causal", causal)) ||
      failed(node.attribute("q_num_heads", qHeads)) ||
      failed(node.attribute("kv_num_heads", kvHeads)) ||
      failed(node.attribute("softmax_precision", precision)) ||
      failed(node.attribute("qk_matmul_output_mode", outputMode)) ||
      failed(node.attribute("softcap", softcap)))
    return failure();
  if (node.version() >= 25 &&
      (failed(node.attribute("left_window_size", left)) ||
       failed(node.attribute("right_window_size", right))))
    return failure();
  SmallVector<int64_t, 4> q = *node.shape(0);
  flat = q.size() == 3;
  if (q.size() != 3 && q.size() != 4) {
    node.error() << "Q is " << shapeText(q)
                 << "; it must have 3 or 4 dimensions";
    return failure();
  }
  if (left < -1 || right < -1 || outputMode < 0 || outputMode > 3 ||
      (precision != 0 && !isFloatType(int(precision)))) {
    node.error() << "window " << left << ", " << right
                 << ", qk_matmul_output_mode " << outputMode
                 << " or softmax_precision " << precision << " is not defined";
    return failure();
  }
  for (unsigned i : {1, 2})
    if (node.elementType(i) != type) {
      node.error() << "input " << i << " is "
                   << onnxTypeName(node.elementType(i)) << ", Q is "
                   << onnxTypeName(type) << "; only one type is supported";
      return failure();
    }
  if (node.hasInput(4) != node.hasInput(5) ||
      (node.hasInput(4) && node.hasInput(6))) {
    node.error() << "past_key and past_value come together, and without "
                    "nonpad_kv_seqlen";
    return failure();
  }
  if (flat && (qHeads < 1 || kvHeads < 1)) {
    node.error() << "q_num_heads " << qHeads << " and kv_num_heads " << kvHeads
                 << " must be given for inputs of three dimensions";
    return failure();
  }
  return success();
}

FailureOr<Binding> AttentionLowering::split(unsigned i, int64_t count) {
  SmallVector<int64_t, 4> shape = *node.shape(i);
  if (shape.size() != (flat ? 3u : 4u) || (flat && shape[2] % count != 0)) {
    node.error() << "input " << i << " is " << shapeText(shape)
                 << ", which does not fit Q " << shapeText(*node.shape(0))
                 << " with " << count << " heads";
    return failure();
  }
  if (!flat)
    return node.input(i);
  FailureOr<Value> value =
      node.tensor(i, {shape[0], shape[1], count, shape[2] / count});
  if (failed(value))
    return failure();
  return Binding(transpose(b, l, *value, {0, 2, 1, 3}), type);
}

LogicalResult AttentionLowering::checkShapes(ArrayRef<int64_t> q,
                                             ArrayRef<int64_t> k,
                                             ArrayRef<int64_t> v) {
  batch = q[0];
  heads = q[1];
  groups = k[1];
  queries = q[2];
  keys = k[2];
  bool fits = k[0] == batch && v[0] == batch && v[1] == groups &&
              v[2] == keys && k[3] == q[3] && groups > 0 &&
              heads % groups == 0 && q[3] > 0 && batch > 0;
  if (fits)
    return success();
  node.error() << "Q " << shapeText(q) << ", K " << shapeText(k) << " and V "
               << shapeText(v) << " (batch, heads, sequence, size) do not fit";
  return failure();
}

FailureOr<Binding> AttentionLowering::repeatHeads(Binding x) {
  if (heads == groups)
    return x;
  ArrayRef<int64_t> s = x.shape();
  SmallVector<int64_t, 5> wide{s[0], s[1], heads / groups, s[2], s[3]};
  FailureOr<RankedTensorType> wideType = node.type(wide);
  FailureOr<Value> value = node.tensor(x);
  if (failed(value) || failed(wideType))
    return failure();
  Value copied = broadcast(b, l, *value, *wideType, {2});
  return Binding(reshape(b, l, copied, {wide[0], heads, wide[3], wide[4]}),
                 type);
}

FailureOr<Binding> AttentionLowering::scaled(const Binding &x, double factor) {
  return node.call("Mul", {x, node.number(factor, type)});
}

FailureOr<Binding> AttentionLowering::softcapped(const Binding &scores) {
  FailureOr<Value> x = node.tensor(scores);
  if (failed(x))
    return failure();
  return Binding(
      elementwise(b, l, cast<RankedTensorType>((*x).getType()), {whole(*x)},
                  [&](OpBuilder &n, Location inner, ValueRange v) {
                    Value cap = scalar(n, inner, v[0].getType(), softcap);
                    Value ratio = divide(n, inner, v[0], cap, false);
                    return multiply(n, inner,
                                    math::TanhOp::create(n, inner, ratio), cap);
                  }),
      type);
}

FailureOr<Value> AttentionLowering::maskTensor(SmallVectorImpl<int64_t> &dims) {
  SmallVector<int64_t, 4> shape = *node.shape(3);
  FailureOr<Value> mask = node.tensor(3);
  if (failed(mask))
    return failure();
  const int64_t full[] = {batch, heads, queries, keys};
  auto misfit = [&] {
    node.error() << "attn_mask " << shapeText(shape)
                 << " does not broadcast to " << shapeText(full);
    return failure();
  };
  if (shape.empty() || shape.size() > 4 || shape.back() > keys)
    return misfit();
  if (shape.back() < keys) {
    // What the mask does not reach takes no part.
    Type element = cast<RankedTensorType>((*mask).getType()).getElementType();
    SmallVector<int64_t, 4> low(shape.size(), 0), high(shape.size(), 0);
    high.back() = keys - shape.back();
    TypedAttr nothing = lowestValue(element, true);
    mask = pad(b, l, *mask, low, high, nothing);
    shape.back() = keys;
  }
  SmallVector<int64_t, 4> kept;
  size_t offset = 4 - shape.size();
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1 && full[offset + d] != 1)
      continue;
    if (shape[d] != full[offset + d])
      return misfit();
    kept.push_back(shape[d]);
    dims.push_back(offset + d);
  }
  return reshape(b, l, *mask, kept);
}

FailureOr<Binding> AttentionLowering::masked(const Binding &scores) {
  bool hasMask = node.hasInput(3), hasLengths = node.hasInput(6);
  if (!hasMask && !hasLengths && causal == 0 && left < 0 && right < 0)
    return scores;
  FailureOr<Value> x = node.tensor(scores);
  if (failed(x))
    return failure();
  SmallVector<Operand> operands{whole(*x)};
  if (hasMask) {
    SmallVector<int64_t, 4> dims;
    FailureOr<Value> mask = maskTensor(dims);
    if (failed(mask))
      return failure();
    operands.push_back({*mask, dims});
  }
  if (hasLengths) {
    if (*node.shape(6) != SmallVector<int64_t, 4>{batch} ||
        node.elementType(6) != onnxtype::Int64) {
      node.error() << "nonpad_kv_seqlen must be INT64 of shape " << batch;
      return failure();
    }
    FailureOr<Value> lengths = node.tensor(6);
    if (failed(lengths))
      return failure();
    operands.push_back({*lengths, {0}});
  }
  int maskType = hasMask ? node.elementType(3) : 0;
  return Binding(
      elementwise(
          b, l, cast<RankedTensorType>((*x).getType()), operands,
          [&](OpBuilder &n, Location inner, ValueRange v) {
            Type element = v[0].getType(), i64 = n.getI64Type();
            auto integer = [&](int64_t value) {
              return integerScalar(n, inner, i64, value);
            };
            auto position = [&](int64_t dim) -> Value {
              return arith::IndexCastOp::create(
                  n, inner, i64, linalg::IndexOp::create(n, inner, dim));
            };
            Value none = arith::ConstantOp::create(n, inner,
                                                   lowestValue(element, false));
            Value result = v[0];
            auto require = [&](Value allowed) {
              result = arith::SelectOp::create(n, inner, allowed, result, none);
            };
            auto atMost = [&](Value a, Value c) {
              return compare(n, inner, Comparison::LessEqual, a, c, false);
            };
            if (hasMask && maskType == onnxtype::Bool)
              require(v[1]);
            else if (hasMask)
              result = add(n, inner, result,
                           convert(n, inner, v[1], maskType, type));
            // Position of the query among the keys.
            Value length = hasLengths ? v.back() : Value();
            Value offset = hasLengths
                               ? subtract(n, inner, length, integer(queries))
                               : integer(past);
            Value query = add(n, inner, position(2), offset);
            Value key = position(3);
            if (causal != 0)
              require(atMost(key, query));
            if (left >= 0)
              require(atMost(subtract(n, inner, query, key), integer(left)));
            if (right >= 0)
              require(atMost(subtract(n, inner, key, query), integer(right)));
            if (hasLengths)
              require(compare(n, inner, Comparison::Less, key, length, false));
            return result;
          }),
      type);
}

FailureOr<Binding> AttentionLowering::softmax(const Binding &scores) {
  Binding input = scores;
  int computed = precision != 0 ? int(precision) : type;
  if (computed != type) {
    FailureOr<Binding> wide =
        node.call("Cast", {input}, {{"to", int64_t(computed)}});
    if (failed(wide))
      return failure();
    input = *wide;
  }
  FailureOr<Value> x = node.tensor(input);
  if (failed(x))
    return failure();
  auto tensorType = cast<RankedTensorType>((*x).getType());
  Type element = tensorType.getElementType();
  Operand perRow{reduce(b, l, *x, {3}, lowestValue(element, false),
                        [](OpBuilder &n, Location i, Value v, Value most) {
                          return maximum(n, i, most, v, false);
                        }),
                 {0, 1, 2}};
  // A row without any key: its greatest score is -inf, its result is zero.
  Value exponential = elementwise(
      b, l, tensorType, {whole(*x), perRow},
      [&](OpBuilder &n, Location i, ValueRange v) -> Value {
        Value none =
            arith::ConstantOp::create(n, i, lowestValue(element, false));
        Value zero = scalar(n, i, element, 0.0);
        Value allMasked = compare(n, i, Comparison::Equal, v[1], none, false);
        Value shift = arith::SelectOp::create(n, i, allMasked, zero, v[1]);
        return math::ExpOp::create(n, i, subtract(n, i, v[0], shift));
      });
  perRow.value = reduce(b, l, exponential, {3}, 0.0,
                        [](OpBuilder &n, Location i, Value v, Value total) {
                          return add(n, i, total, v);
                        });
  Binding result(
      elementwise(b, l, tensorType, {whole(exponential), perRow},
                  [&](OpBuilder &n, Location i, ValueRange v) -> Value {
                    Value zero = scalar(n, i, element, 0.0);
                    Value one = scalar(n, i, element, 1.0);
                    Value isZero =
                        compare(n, i, Comparison::Equal, v[1], zero, false);
                    Value divisor =
                        arith::SelectOp::create(n, i, isZero, one, v[1]);
                    return divide(n, i, v[0], divisor, false);
                  }),
      computed);
  if (computed == type)
    return result;
  return node.call("Cast", {result}, {{"to", int64_t(type)}});
}

LogicalResult AttentionLowering::finishOutput(Binding y) {
  if (!flat)
    return node.result(y, 0);
  FailureOr<Value> value = node.tensor(y);
  if (failed(value))
    return failure();
  int64_t size = shapeOf(*value)[3];
  Value rows = transpose(b, l, *value, {0, 2, 1, 3});
  return node.result(reshape(b, l, rows, {batch, queries, heads * size}), 0);
}

LogicalResult AttentionLowering::lower() {
  if (failed(readAttributes()))
    return failure();
  FailureOr<Binding> q = split(0, qHeads);
  FailureOr<Binding> k = failed(q) ? q : split(1, kvHeads);
  FailureOr<Binding> v = failed(k) ? k : split(2, kvHeads);
  if (failed(v))
    return failure();
  if (node.hasInput(4)) {
    past = node.shape(4)->size() == 4 ? (*node.shape(4))[2] : 0;
    k = node.call("Concat", {node.input(4), *k}, {{"axis", int64_t(2)}});
    v = failed(k)
            ? k
            : node.call("Concat", {node.input(5), *v}, {{"axis", int64_t(2)}});
    if (failed(v))
      return failure();
  }
  if (failed(checkShapes(q->shape(), k->shape(), v->shape())))
    return failure();
  if (failed(node.result(*k, 1)) || failed(node.result(*v, 2)))
    return failure();
  double factor = 1.0 / std::sqrt(double(q->shape()[3]));
  if (node.hasAttribute("scale")) {
    if (failed(node.attribute("scale", scale)))
      return failure();
    factor = scale;
  }
  if (factor < 0.0) {
    node.error() << "scale " << factor << " is negative";
    return failure();
  }
  // As the specification does it: both sides take the square root.
  k = repeatHeads(*k);
  v = failed(k) ? k : repeatHeads(*v);
  q = failed(v) ? v : scaled(*q, std::sqrt(factor));
  k = failed(q) ? q : scaled(*k, std::sqrt(factor));
  if (failed(k))
    return failure();
  FailureOr<Binding> keysLast = node.call(
      "Transpose", {*k}, {{"perm", SmallVector<int64_t, 4>{0, 1, 3, 2}}});
  if (failed(keysLast))
    return failure();
  SmallVector<Binding, 4> stages;
  FailureOr<Binding> scores = node.call("MatMul", {*q, *keysLast});
  auto stage = [&](FailureOr<Binding> next) {
    scores = next;
    if (succeeded(next))
      stages.push_back(*next);
    return next;
  };
  if (failed(stage(scores)) ||
      failed(stage(softcap > 0.0f ? softcapped(*scores) : scores)) ||
      failed(stage(masked(*scores))) || failed(stage(softmax(*scores))))
    return failure();
  if (failed(node.result(stages[outputMode], 3)))
    return failure();
  FailureOr<Binding> y = node.call("MatMul", {*scores, *v});
  return failed(y) ? failure() : finishOutput(*y);
}

LogicalResult lowerAttention(Node &node) {
  return AttentionLowering(node).lower();
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding
//===----------------------------------------------------------------------===//

LogicalResult lowerRotaryEmbedding(Node &node) {
  int64_t interleaved = 0, rotated = 0, heads = 0;
  if (failed(node.attribute("interleaved", interleaved)) ||
      failed(node.attribute("rotary_embedding_dim", rotated)) ||
      failed(node.attribute("num_heads", heads)))
    return failure();
  SmallVector<int64_t, 4> shape = *node.shape(0);
  bool flat = shape.size() == 3;
  if ((!flat && shape.size() != 4) ||
      (flat && (heads < 1 || shape[2] % heads != 0))) {
    node.error() << "X is " << shapeText(shape) << " with num_heads " << heads
                 << "; it must be (batch, heads, sequence, size) or (batch, "
                    "sequence, heads * size)";
    return failure();
  }
  int type = node.elementType(0);
  // (batch, sequence, heads, size)
  Binding x = node.input(0);
  auto transposed = [&](const Binding &value) {
    return node.call("Transpose", {value},
                     {{"perm", SmallVector<int64_t, 4>{0, 2, 1, 3}}});
  };
  auto reshaped = [&](const Binding &value, ArrayRef<int64_t> to) {
    return node.call("Reshape", {value, node.list(to)});
  };
  FailureOr<Binding> rows =
      flat ? reshaped(x, {shape[0], shape[1], heads, shape[2] / heads})
           : transposed(x);
  if (failed(rows))
    return failure();
  SmallVector<int64_t, 4> full(rows->shape());
  int64_t size = full[3];
  if (rotated == 0)
    rotated = size;
  if (rotated < 2 || rotated > size || rotated % 2 != 0) {
    node.error() << "rotary_embedding_dim " << rotated
                 << " must be even and at most the head size " << size;
    return failure();
  }
  auto slice = [&](const Binding &value, int64_t begin, int64_t end,
                   int64_t step) {
    return node.call("Slice", {value, node.list({begin}), node.list({end}),
                               node.list({3}), node.list({step})});
  };
  // Angles: (batch, sequence, 1, rotated / 2), from the rows that position_ids
  // name if it is there.
  auto angles = [&](unsigned i) -> FailureOr<Binding> {
    FailureOr<Binding> cache =
        node.hasInput(3) ? node.call("Gather", {node.input(i), node.input(3)})
                         : FailureOr<Binding>(node.input(i));
    if (failed(cache))
      return failure();
    ArrayRef<int64_t> is = cache->shape();
    if (is.size() != 3 || is[0] != full[0] || is[1] != full[1] ||
        is[2] != rotated / 2) {
      node.error() << "input " << i << " gives angles of shape "
                   << shapeText(is) << ", must be " << full[0] << "x" << full[1]
                   << "x" << rotated / 2;
      return failure();
    }
    return reshaped(*cache, {is[0], is[1], 1, is[2]});
  };
  FailureOr<Binding> cosine = angles(1), sine = angles(2);
  if (failed(cosine) || failed(sine))
    return failure();
  int64_t half = rotated / 2;
  FailureOr<Binding> first =
      interleaved ? slice(*rows, 0, rotated, 2) : slice(*rows, 0, half, 1);
  FailureOr<Binding> second = interleaved ? slice(*rows, 1, rotated, 2)
                                          : slice(*rows, half, rotated, 1);
  if (failed(first) || failed(second))
    return failure();
  auto combine = [&](StringRef op, const Binding &a,
                     const Binding &c) -> FailureOr<Binding> {
    FailureOr<Binding> left = node.call("Mul", {a, *first});
    FailureOr<Binding> right = node.call("Mul", {c, *second});
    if (failed(left) || failed(right))
      return failure();
    return node.call(op, {*left, *right});
  };
  FailureOr<Binding> real = combine("Sub", *cosine, *sine);
  FailureOr<Binding> imaginary = combine("Add", *sine, *cosine);
  if (failed(real) || failed(imaginary))
    return failure();
  FailureOr<Binding> turned = failure();
  if (interleaved) {
    SmallVector<int64_t, 5> column{full[0], full[1], full[2], half, 1};
    FailureOr<Binding> a = reshaped(*real, column);
    FailureOr<Binding> c = reshaped(*imaginary, column);
    if (failed(a) || failed(c))
      return failure();
    turned = node.call("Concat", {*a, *c}, {{"axis", int64_t(4)}});
    if (succeeded(turned))
      turned = reshaped(*turned, {full[0], full[1], full[2], rotated});
  } else {
    turned = node.call("Concat", {*real, *imaginary}, {{"axis", int64_t(3)}});
  }
  if (succeeded(turned) && rotated < size) {
    FailureOr<Binding> rest = slice(*rows, rotated, size, 1);
    if (failed(rest))
      return failure();
    turned = node.call("Concat", {*turned, *rest}, {{"axis", int64_t(3)}});
  }
  if (failed(turned))
    return failure();
  FailureOr<Binding> result =
      flat ? reshaped(*turned, shape) : transposed(*turned);
  if (failed(result))
    return failure();
  assert(result->onnxType() == type && "rotation keeps the type");
  return node.result(*result);
}

} // namespace imc::onnximport
