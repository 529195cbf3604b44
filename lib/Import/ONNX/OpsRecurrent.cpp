//===- OpsRecurrent.cpp - LSTM, GRU, RNN ----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The projection of the whole sequence, x·Wᵀ + b, is one product. The
// recurrence is an scf.for over time that carries the state, with the product
// h·Rᵀ in its body: R is stored once, whatever the length of the sequence.
//
// Letters: T steps, B batch, I input size, H hidden size, G gates.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Recurrent.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

//===----------------------------------------------------------------------===//
// Attributes and shapes
//===----------------------------------------------------------------------===//

LogicalResult Recurrence::readShapes() {
  SmallVector<int64_t, 4> x = *node.shape(0), w = *node.shape(1),
                          r = *node.shape(2);
  if (node.version() >= 14 && failed(node.attribute("layout", layout)))
    return failure();
  if (layout != 0 && layout != 1) {
    node.error() << "layout is " << layout << ", 0 and 1 are defined";
    return failure();
  }
  if (x.size() != 3 || w.size() != 3 || r.size() != 3) {
    node.error() << "X is " << shapeText(x) << ", W " << shapeText(w)
                 << " and R " << shapeText(r)
                 << "; each must have three dimensions";
    return failure();
  }
  steps = x[layout == 1 ? 1 : 0];
  batch = x[layout == 1 ? 0 : 1];
  inputSize = x[2];
  hidden = r[2];
  int64_t hiddenSize = hidden;
  std::string direction = "forward";
  if (failed(node.attribute("hidden_size", hiddenSize)) ||
      failed(node.attribute("direction", direction)))
    return failure();
  if (direction != "forward" && direction != "reverse" &&
      direction != "bidirectional") {
    node.error() << "direction '" << direction
                 << "' is none of forward, reverse, bidirectional";
    return failure();
  }
  reverse = direction == "reverse";
  directions = direction == "bidirectional" ? 2 : 1;
  auto expect = [&](const char *what, ArrayRef<int64_t> is,
                    ArrayRef<int64_t> want) {
    if (is == want)
      return success();
    node.error() << what << " is " << shapeText(is) << ", must be "
                 << shapeText(want);
    return failure();
  };
  auto expectInput = [&](unsigned i, const char *what, ArrayRef<int64_t> want) {
    return node.hasInput(i) ? expect(what, *node.shape(i), want) : success();
  };
  SmallVector<int64_t, 3> state{directions, batch, hidden};
  if (layout == 1)
    std::swap(state[0], state[1]);
  if (hiddenSize != hidden || hidden < 1 || inputSize < 1 || batch < 1 ||
      steps < 1) {
    node.error() << "hidden_size " << hiddenSize << ", X " << shapeText(x)
                 << " and R " << shapeText(r)
                 << " do not fit or have a size below 1";
    return failure();
  }
  if (failed(expect("W", w, {directions, gates * hidden, inputSize})) ||
      failed(expect("R", r, {directions, gates * hidden, hidden})) ||
      failed(expectInput(3, "B", {directions, 2 * gates * hidden})) ||
      failed(expectInput(4, "sequence_lens", {batch})) ||
      failed(expectInput(5, "initial_h", state)) ||
      failed(expectInput(6, "initial_c", state)) ||
      failed(expectInput(7, "P", {directions, 3 * hidden})))
    return failure();
  if (node.hasInput(4) && node.elementType(4) != onnxtype::Int32) {
    node.error() << "sequence_lens is " << onnxTypeName(node.elementType(4))
                 << ", must be INT32";
    return failure();
  }
  for (unsigned i : {1, 2, 3, 5, 6, 7})
    if (node.hasInput(i) && node.elementType(i) != node.elementType(0)) {
      node.error() << "input " << i << " is "
                   << onnxTypeName(node.elementType(i)) << ", X is "
                   << onnxTypeName(node.elementType(0));
      return failure();
    }
  return success();
}

LogicalResult Recurrence::readActivations(ArrayRef<StringRef> standard) {
  std::vector<std::string> names;
  std::vector<float> alphas, betas;
  if (node.hasAttribute("clip")) {
    float limit = 0.0f;
    if (failed(node.attribute("clip", limit)))
      return failure();
    clip = limit;
  }
  if (failed(node.attribute("activations", names)) ||
      failed(node.attribute("activation_alpha", alphas)) ||
      failed(node.attribute("activation_beta", betas)))
    return failure();
  if (names.empty())
    for (int64_t d = 0; d < directions; ++d)
      for (StringRef name : standard)
        names.push_back(name.str());
  if (int64_t(names.size()) != directions * int64_t(standard.size())) {
    node.error() << "has " << names.size() << " activations for " << directions
                 << " direction(s) of " << standard.size();
    return failure();
  }
  size_t nextAlpha = 0, nextBeta = 0;
  for (const std::string &name : names) {
    std::optional<Activation> activation = Activation::named(name);
    if (!activation) {
      node.error() << "activation '" << name
                   << "' is not one that ONNX defines; see its documentation "
                      "of "
                   << node.op();
      return failure();
    }
    // The lists hold a value for each activation that has the parameter.
    if (activation->alpha && nextAlpha < alphas.size())
      activation->alpha = alphas[nextAlpha++];
    if (activation->beta && nextBeta < betas.size())
      activation->beta = betas[nextBeta++];
    activations.push_back(*activation);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Parts of the inputs
//===----------------------------------------------------------------------===//

/// Entries [begin, begin + count) of dimension 0 of a tensor.
static Value rowsOf(OpBuilder &b, Location l, Value value, int64_t begin,
                    int64_t count) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets, sizes, strides;
  SmallVector<int64_t, 4> shape(type.getShape());
  shape[0] = count;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    offsets.push_back(b.getIndexAttr(d == 0 ? begin : 0));
    sizes.push_back(b.getIndexAttr(shape[d]));
    strides.push_back(b.getIndexAttr(1));
  }
  if (shape[0] == type.getDimSize(0))
    return value;
  return tensor::ExtractSliceOp::create(
      b, l, RankedTensorType::get(shape, type.getElementType()), value, offsets,
      sizes, strides);
}

FailureOr<Value> Recurrence::vector(unsigned input, int64_t direction,
                                    int64_t begin, int64_t count) {
  SmallVector<int64_t, 4> shape = *node.shape(input);
  if (const Constant *known = node.constant(input)) {
    Constant part = known->reshaped({shape[0] * shape[1]})
                        .rows(direction * shape[1] + begin, count);
    return node.tensor(Binding(part));
  }
  FailureOr<Value> all = node.tensor(input, {shape[0] * shape[1]});
  if (failed(all))
    return failure();
  return rowsOf(node.builder, node.loc, *all, direction * shape[1] + begin,
                count);
}

FailureOr<Value> Recurrence::matrix(unsigned input, int64_t direction,
                                    int64_t gate, int64_t count) {
  SmallVector<int64_t, 4> shape = *node.shape(input);
  int64_t begin = direction * shape[1] + gate * hidden, rows = count * hidden;
  SmallVector<int64_t, 2> flat{shape[0] * shape[1], shape[2]};
  if (const Constant *known = node.constant(input))
    return node.tensor(
        Binding(known->reshaped(flat).rows(begin, rows).transposed({1, 0})));
  FailureOr<Value> all = node.tensor(input, flat);
  if (failed(all))
    return failure();
  return transpose(node.builder, node.loc,
                   rowsOf(node.builder, node.loc, *all, begin, rows), {1, 0});
}

FailureOr<Value> Recurrence::initialState(unsigned input, int64_t direction) {
  FailureOr<RankedTensorType> type = node.type({batch, hidden});
  if (failed(type))
    return failure();
  if (!node.hasInput(input))
    return filled(node.builder, node.loc, *type, 0.0);
  FailureOr<Value> all = node.tensor(input);
  if (failed(all))
    return failure();
  if (layout == 1)
    all = transpose(node.builder, node.loc, *all, {1, 0, 2});
  return reshape(node.builder, node.loc,
                 rowsOf(node.builder, node.loc, *all, direction, 1),
                 {batch, hidden});
}

Value Recurrence::product(OpBuilder &b, Location l, Value x, Value w) {
  auto type = RankedTensorType::get({shapeOf(x)[0], shapeOf(w)[1]}, element());
  return linalg::MatmulOp::create(b, l, TypeRange(type), ValueRange{x, w},
                                  ValueRange(filled(b, l, type, 0.0)))
      .getResult(0);
}

FailureOr<Value> Recurrence::projection(int64_t direction) {
  FailureOr<Value> x = node.tensor(0);
  FailureOr<Value> w = matrix(1, direction, 0, gates);
  FailureOr<RankedTensorType> type = node.type({steps * batch, gates * hidden});
  if (failed(x) || failed(w) || failed(type))
    return failure();
  OpBuilder &b = node.builder;
  if (layout == 1)
    x = transpose(b, node.loc, *x, {1, 0, 2});
  Value rows = reshape(b, node.loc, *x, {steps * batch, inputSize});
  Value y = product(b, node.loc, rows, *w);
  if (node.hasInput(3)) {
    FailureOr<Value> wb = vector(3, direction, 0, gates * hidden);
    FailureOr<Value> rb = vector(3, direction, gates * hidden, gates * hidden);
    if (failed(wb) || failed(rb))
      return failure();
    // A recurrent bias within a product with the reset gate is added there.
    int64_t outside = (gates - (biasInside ? 1 : 0)) * hidden;
    Operand left{*wb, {1}}, right{*rb, {1}};
    y = elementwise(
        b, node.loc, *type, {whole(y), left, right},
        [&](OpBuilder &nested, Location l, ValueRange v) -> Value {
          Value sum = add(nested, l, v[0], v[1]);
          Value both = add(nested, l, sum, v[2]);
          if (outside == gates * hidden)
            return both;
          Value column = linalg::IndexOp::create(nested, l, 1);
          Value limit = arith::ConstantIndexOp::create(nested, l, outside);
          Value within = arith::CmpIOp::create(
              nested, l, arith::CmpIPredicate::ult, column, limit);
          return arith::SelectOp::create(nested, l, within, both, sum);
        });
  }
  return reshape(b, node.loc, y, {steps, batch, gates * hidden});
}

//===----------------------------------------------------------------------===//
// The loop over time
//===----------------------------------------------------------------------===//

SmallVector<Value> Recurrence::combine(
    OpBuilder &b, Location l, ArrayRef<Operand> operands, unsigned results,
    llvm::function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange)>
        body) {
  auto type = RankedTensorType::get({batch, hidden}, element());
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs, inits;
  for (const Operand &operand : operands) {
    SmallVector<AffineExpr> dims;
    for (int64_t d : operand.dims)
      dims.push_back(b.getAffineDimExpr(d));
    maps.push_back(AffineMap::get(2, 0, dims, b.getContext()));
    inputs.push_back(operand.value);
  }
  for (unsigned i = 0; i < results; ++i) {
    maps.push_back(b.getMultiDimIdentityMap(2));
    inits.push_back(empty(b, l, type));
  }
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      b, l, SmallVector<Type>(results, type), inputs, inits, maps, iterators,
      [&](OpBuilder &nested, Location inner, ValueRange arguments) {
        linalg::YieldOp::create(
            nested, inner, body(nested, inner, arguments.drop_back(results)));
      });
  return SmallVector<Value>(op.getResults());
}

Value Recurrence::gate(OpBuilder &b, Location l, Value gatesOfStep,
                       int64_t index, int64_t count) {
  SmallVector<OpFoldResult> offsets{b.getIndexAttr(0),
                                    b.getIndexAttr(index * hidden)};
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(batch),
                                  b.getIndexAttr(count * hidden)};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(
      b, l, RankedTensorType::get({batch, count * hidden}, element()),
      gatesOfStep, offsets, sizes, strides);
}

FailureOr<SmallVector<Value>> Recurrence::runDirection(int64_t direction) {
  OpBuilder &b = node.builder;
  Location l = node.loc;
  bool backwards = reverse || direction == 1;
  FailureOr<Value> projected = projection(direction);
  if (failed(projected) || failed(prepare(direction)))
    return failure();
  SmallVector<Value> carried;
  for (unsigned i = 0; i < states; ++i) {
    FailureOr<Value> state = initialState(5 + i, direction);
    if (failed(state))
      return failure();
    carried.push_back(*state);
  }
  Value lengths;
  if (node.hasInput(4)) {
    FailureOr<Value> given = node.tensor(4);
    if (failed(given))
      return failure();
    lengths = *given;
  }
  auto sequence = RankedTensorType::get({steps, batch, hidden}, element());
  bool wantsSequence = node.hasOutput(0);
  if (wantsSequence)
    carried.push_back(empty(b, l, sequence));

  Value zero = arith::ConstantIndexOp::create(b, l, 0);
  Value one = arith::ConstantIndexOp::create(b, l, 1);
  Value count = arith::ConstantIndexOp::create(b, l, steps);
  auto loop = scf::ForOp::create(
      b, l, zero, count, one, carried,
      [&](OpBuilder &nested, Location inner, Value iteration,
          ValueRange arguments) {
        // Lowering functions build through the node's builder.
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Value time = iteration;
        if (backwards) {
          Value last = arith::ConstantIndexOp::create(b, inner, steps - 1);
          time = arith::SubIOp::create(b, inner, last, iteration);
        }
        int64_t width = gates * hidden;
        SmallVector<OpFoldResult> offsets{time, b.getIndexAttr(0),
                                          b.getIndexAttr(0)};
        SmallVector<OpFoldResult> sizes{
            b.getIndexAttr(1), b.getIndexAttr(batch), b.getIndexAttr(width)};
        SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
        Value x = tensor::ExtractSliceOp::create(
            b, inner, RankedTensorType::get({batch, width}, element()),
            *projected, offsets, sizes, strides);
        SmallVector<Value> old(arguments.take_front(states));
        SmallVector<Value> next = step(b, inner, direction, x, old);
        Value shown = next[0];
        if (lengths)
          shown = holdFinished(b, inner, lengths, time, old, next);
        if (wantsSequence) {
          sizes.back() = b.getIndexAttr(hidden);
          next.push_back(tensor::InsertSliceOp::create(
              b, inner, shown, arguments.back(), offsets, sizes, strides));
        }
        scf::YieldOp::create(b, inner, next);
      });
  return SmallVector<Value>(loop.getResults());
}

Value Recurrence::holdFinished(OpBuilder &b, Location l, Value lengths,
                               Value time, ArrayRef<Value> old,
                               SmallVectorImpl<Value> &next) {
  SmallVector<Operand> operands{Operand{lengths, {0}}};
  for (Value value : old)
    operands.push_back(whole(value));
  for (Value value : next)
    operands.push_back(whole(value));
  SmallVector<Value> results =
      combine(b, l, operands, states + 1,
              [&](OpBuilder &nested, Location inner, ValueRange v) {
                Value length = arith::IndexCastOp::create(
                    nested, inner, nested.getIndexType(), v[0]);
                Value runs = arith::CmpIOp::create(
                    nested, inner, arith::CmpIPredicate::slt, time, length);
                SmallVector<Value> chosen;
                for (unsigned i = 0; i < states; ++i)
                  chosen.push_back(arith::SelectOp::create(
                      nested, inner, runs, v[1 + states + i], v[1 + i]));
                Value none = scalar(nested, inner, element(), 0.0);
                chosen.push_back(arith::SelectOp::create(nested, inner, runs,
                                                         v[1 + states], none));
                return chosen;
              });
  next.assign(results.begin(), results.end() - 1);
  return results.back();
}

/// Joins what the directions give along dimension `axis` of `shape`, where the
/// parts lack that dimension.
static Value join(OpBuilder &b, Location l, ArrayRef<Value> parts, int64_t axis,
                  ArrayRef<int64_t> shape) {
  if (parts.size() == 1)
    return reshape(b, l, parts[0], shape);
  Type element = cast<RankedTensorType>(parts[0].getType()).getElementType();
  Value result = empty(b, l, RankedTensorType::get(shape, element));
  for (auto [i, part] : llvm::enumerate(parts)) {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    for (int64_t d = 0; d < int64_t(shape.size()); ++d) {
      offsets.push_back(b.getIndexAttr(d == axis ? int64_t(i) : 0));
      sizes.push_back(b.getIndexAttr(d == axis ? 1 : shape[d]));
      strides.push_back(b.getIndexAttr(1));
    }
    result = tensor::InsertSliceOp::create(b, l, part, result, offsets, sizes,
                                           strides);
  }
  return result;
}

LogicalResult Recurrence::run() {
  SmallVector<SmallVector<Value>, 2> results; // [direction][state or sequence]
  for (int64_t d = 0; d < directions; ++d) {
    FailureOr<SmallVector<Value>> result = runDirection(d);
    if (failed(result))
      return failure();
    results.push_back(*result);
  }
  OpBuilder &b = node.builder;
  auto partsOf = [&](unsigned i) {
    SmallVector<Value> parts;
    for (const SmallVector<Value> &result : results)
      parts.push_back(result[i]);
    return parts;
  };
  if (node.hasOutput(0)) {
    Value y = join(b, node.loc, partsOf(states), 1,
                   {steps, directions, batch, hidden});
    if (layout == 1)
      y = transpose(b, node.loc, y, {2, 0, 1, 3});
    if (failed(node.result(y, 0)))
      return failure();
  }
  for (unsigned i = 0; i < states; ++i) {
    if (!node.hasOutput(1 + i))
      continue;
    Value y = join(b, node.loc, partsOf(i), 0, {directions, batch, hidden});
    if (layout == 1)
      y = transpose(b, node.loc, y, {1, 0, 2});
    if (failed(node.result(y, 1 + i)))
      return failure();
  }
  return success();
}

} // namespace imc::onnximport
