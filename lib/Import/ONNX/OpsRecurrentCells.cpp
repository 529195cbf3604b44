//===- OpsRecurrentCells.cpp - The steps of LSTM, GRU, RNN ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Recurrent.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace imc::onnximport {

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

std::optional<Activation> Activation::named(StringRef name) {
  using A = std::optional<Activation>;
  std::optional<float> none;
  return llvm::StringSwitch<A>(name.lower())
      .Case("affine", A({Kind::Affine, 1.0f, 0.0f}))
      .Case("elu", A({Kind::Elu, 1.0f, none}))
      .Case("hardsigmoid", A({Kind::HardSigmoid, 0.2f, 0.5f}))
      .Case("leakyrelu", A({Kind::LeakyRelu, 0.01f, none}))
      .Case("relu", A({Kind::Relu, none, none}))
      .Case("scaledtanh", A({Kind::ScaledTanh, 1.0f, 1.0f}))
      .Case("sigmoid", A({Kind::Sigmoid, none, none}))
      .Case("softplus", A({Kind::Softplus, none, none}))
      .Case("softsign", A({Kind::Softsign, none, none}))
      .Case("tanh", A({Kind::Tanh, none, none}))
      .Case("thresholdedrelu", A({Kind::ThresholdedRelu, 1.0f, none}))
      .Default(std::nullopt);
}

Value Activation::apply(OpBuilder &b, Location l, Value x) const {
  Type type = x.getType();
  auto number = [&](double value) { return scalar(b, l, type, value); };
  auto above = [&](double limit, Value yes, Value no) -> Value {
    return arith::SelectOp::create(
        b, l, compare(b, l, Comparison::Greater, x, number(limit), false), yes,
        no);
  };
  switch (kind) {
  case Kind::Affine:
    return add(b, l, multiply(b, l, number(*alpha), x), number(*beta));
  case Kind::Elu: {
    Value below =
        multiply(b, l, number(*alpha), math::ExpM1Op::create(b, l, x));
    return above(0.0, x, below);
  }
  case Kind::HardSigmoid: {
    Value line = add(b, l, multiply(b, l, number(*alpha), x), number(*beta));
    return minimum(b, l, maximum(b, l, line, number(0.0), false), number(1.0),
                   false);
  }
  case Kind::LeakyRelu:
    return above(0.0, x, multiply(b, l, number(*alpha), x));
  case Kind::Relu:
    return maximum(b, l, x, number(0.0), false);
  case Kind::ScaledTanh: {
    Value inner = math::TanhOp::create(b, l, multiply(b, l, number(*beta), x));
    return multiply(b, l, number(*alpha), inner);
  }
  case Kind::Sigmoid: {
    Value exponential =
        math::ExpOp::create(b, l, arith::NegFOp::create(b, l, x));
    return divide(b, l, number(1.0), add(b, l, exponential, number(1.0)),
                  false);
  }
  case Kind::Softplus: {
    // max(x, 0) + log(1 + exp(-|x|)) does not overflow.
    Value magnitude = math::AbsFOp::create(b, l, x);
    Value small =
        math::ExpOp::create(b, l, arith::NegFOp::create(b, l, magnitude));
    return add(b, l, maximum(b, l, x, number(0.0), false),
               math::Log1pOp::create(b, l, small));
  }
  case Kind::Softsign:
    return divide(b, l, x,
                  add(b, l, number(1.0), math::AbsFOp::create(b, l, x)), false);
  case Kind::Tanh:
    return math::TanhOp::create(b, l, x);
  case Kind::ThresholdedRelu:
    return above(*alpha, x, number(0.0));
  }
  llvm_unreachable("all kinds are above");
}

Value Recurrence::activate(OpBuilder &b, Location l, int64_t direction,
                           int64_t index, Value x) const {
  if (clip) {
    x = maximum(b, l, x, scalar(b, l, x.getType(), -*clip), false);
    x = minimum(b, l, x, scalar(b, l, x.getType(), *clip), false);
  }
  int64_t perDirection = activations.size() / directions;
  return activations[direction * perDirection + index].apply(b, l, x);
}

//===----------------------------------------------------------------------===//
// RNN
//===----------------------------------------------------------------------===//

namespace {

class Simple : public Recurrence {
public:
  explicit Simple(Node &node) : Recurrence(node, /*gates=*/1, /*states=*/1) {}

private:
  LogicalResult prepare(int64_t direction) override {
    FailureOr<Value> r = matrix(2, direction, 0, 1);
    if (failed(r))
      return failure();
    weight = *r;
    return success();
  }
  SmallVector<Value> step(OpBuilder &b, Location l, int64_t direction, Value x,
                          ArrayRef<Value> state) override {
    Value h = product(b, l, state[0], weight);
    return combine(b, l, {whole(x), whole(h)}, 1,
                   [&](OpBuilder &nested, Location inner, ValueRange v) {
                     return SmallVector<Value>{
                         activate(nested, inner, direction, 0,
                                  add(nested, inner, v[0], v[1]))};
                   });
  }
  Value weight;
};

//===----------------------------------------------------------------------===//
// GRU: gates z (update), r (reset), h (hidden)
//===----------------------------------------------------------------------===//

class Gated : public Recurrence {
public:
  explicit Gated(Node &node) : Recurrence(node, /*gates=*/3, /*states=*/1) {}

  LogicalResult readForm() {
    if (failed(node.attribute("linear_before_reset", linearBeforeReset)))
      return failure();
    biasInside = linearBeforeReset != 0;
    return success();
  }

private:
  LogicalResult prepare(int64_t direction) override {
    // With the reset after the product, one product serves all gates.
    FailureOr<Value> first = matrix(2, direction, 0, biasInside ? 3 : 2);
    FailureOr<Value> last =
        biasInside ? FailureOr<Value>(Value()) : matrix(2, direction, 2, 1);
    if (failed(first) || failed(last))
      return failure();
    weight = *first;
    hiddenWeight = *last;
    hiddenBias = Value();
    if (!biasInside || !node.hasInput(3))
      return success();
    FailureOr<Value> bias = vector(3, direction, 5 * hidden, hidden);
    if (failed(bias))
      return failure();
    hiddenBias = *bias;
    return success();
  }

  SmallVector<Value> step(OpBuilder &b, Location l, int64_t direction, Value x,
                          ArrayRef<Value> state) override {
    Value h = state[0];
    Value recurrent = product(b, l, h, weight);
    auto open = [&](OpBuilder &nested, Location inner, Value a, Value c) {
      return activate(nested, inner, direction, 0, add(nested, inner, a, c));
    };
    // (1 - z)·candidate + z·h
    auto blend = [&](OpBuilder &nested, Location inner, Value z,
                     Value candidate, Value old) {
      Value rest =
          subtract(nested, inner, scalar(nested, inner, element(), 1.0), z);
      return SmallVector<Value>{add(nested, inner,
                                    multiply(nested, inner, rest, candidate),
                                    multiply(nested, inner, z, old))};
    };
    Operand xz = whole(gate(b, l, x, 0)), xr = whole(gate(b, l, x, 1)),
            xh = whole(gate(b, l, x, 2));
    Operand rz = whole(gate(b, l, recurrent, 0)),
            rr = whole(gate(b, l, recurrent, 1));
    if (biasInside) {
      SmallVector<Operand> operands{
          xz, xr, xh, rz, rr, whole(gate(b, l, recurrent, 2)), whole(h)};
      if (hiddenBias)
        operands.push_back(Operand{hiddenBias, {1}});
      return combine(
          b, l, operands, 1,
          [&](OpBuilder &nested, Location inner, ValueRange v) {
            Value z = open(nested, inner, v[0], v[3]);
            Value r = open(nested, inner, v[1], v[4]);
            Value linear =
                hiddenBias ? add(nested, inner, v[5], v[7]) : Value(v[5]);
            Value sum =
                add(nested, inner, v[2], multiply(nested, inner, r, linear));
            return blend(nested, inner, z,
                         activate(nested, inner, direction, 1, sum), v[6]);
          });
    }
    // The reset scales the state before the product of the hidden gate.
    SmallVector<Value> reset =
        combine(b, l, {xr, rr, whole(h)}, 1,
                [&](OpBuilder &nested, Location inner, ValueRange v) {
                  Value r = open(nested, inner, v[0], v[1]);
                  return SmallVector<Value>{multiply(nested, inner, r, v[2])};
                });
    Value candidate = product(b, l, reset[0], hiddenWeight);
    return combine(b, l, {xz, xh, rz, whole(candidate), whole(h)}, 1,
                   [&](OpBuilder &nested, Location inner, ValueRange v) {
                     Value z = open(nested, inner, v[0], v[2]);
                     Value sum = add(nested, inner, v[1], v[3]);
                     return blend(nested, inner, z,
                                  activate(nested, inner, direction, 1, sum),
                                  v[4]);
                   });
  }

  int64_t linearBeforeReset = 0;
  Value weight, hiddenWeight, hiddenBias;
};

//===----------------------------------------------------------------------===//
// LSTM: gates i (input), o (output), f (forget), c (cell); peepholes i, o, f
//===----------------------------------------------------------------------===//

class LongShortTerm : public Recurrence {
public:
  explicit LongShortTerm(Node &node)
      : Recurrence(node, /*gates=*/4, /*states=*/2) {}

  LogicalResult readForm() { return node.attribute("input_forget", coupled); }

private:
  LogicalResult prepare(int64_t direction) override {
    FailureOr<Value> r = matrix(2, direction, 0, 4);
    if (failed(r))
      return failure();
    weight = *r;
    peepholes.clear();
    for (int64_t i = 0; node.hasInput(7) && i < 3; ++i) {
      FailureOr<Value> p = vector(7, direction, i * hidden, hidden);
      if (failed(p))
        return failure();
      peepholes.push_back(*p);
    }
    return success();
  }

  SmallVector<Value> step(OpBuilder &b, Location l, int64_t direction, Value x,
                          ArrayRef<Value> state) override {
    Value recurrent = product(b, l, state[0], weight);
    SmallVector<Operand> operands;
    for (int64_t i = 0; i < 4; ++i)
      operands.push_back(whole(gate(b, l, x, i)));
    for (int64_t i = 0; i < 4; ++i)
      operands.push_back(whole(gate(b, l, recurrent, i)));
    operands.push_back(whole(state[1]));
    for (Value p : peepholes)
      operands.push_back(Operand{p, {1}});
    return combine(
        b, l, operands, 2, [&](OpBuilder &nested, Location n, ValueRange v) {
          auto sum = [&](int64_t i) { return add(nested, n, v[i], v[4 + i]); };
          auto peep = [&](int64_t i, Value s, Value cell) {
            return peepholes.empty()
                       ? s
                       : add(nested, n, s, multiply(nested, n, v[9 + i], cell));
          };
          Value old = v[8];
          Value in = activate(nested, n, direction, 0, peep(0, sum(0), old));
          Value forget =
              coupled
                  ? subtract(nested, n, scalar(nested, n, element(), 1.0), in)
                  : activate(nested, n, direction, 0, peep(2, sum(2), old));
          Value candidate = activate(nested, n, direction, 1, sum(3));
          Value cell = add(nested, n, multiply(nested, n, forget, old),
                           multiply(nested, n, in, candidate));
          Value out = activate(nested, n, direction, 0, peep(1, sum(1), cell));
          int64_t perDirection = activations.size() / directions;
          Value shown =
              activations[direction * perDirection + 2].apply(nested, n, cell);
          return SmallVector<Value>{multiply(nested, n, out, shown), cell};
        });
  }

  int64_t coupled = 0;
  Value weight;
  SmallVector<Value> peepholes;
};

} // namespace

LogicalResult lowerRNN(Node &node) {
  Simple cell(node);
  if (failed(cell.readShapes()) || failed(cell.readActivations({"Tanh"})))
    return failure();
  return cell.run();
}

LogicalResult lowerGRU(Node &node) {
  Gated cell(node);
  if (failed(cell.readShapes()) ||
      failed(cell.readActivations({"Sigmoid", "Tanh"})) ||
      failed(cell.readForm()))
    return failure();
  return cell.run();
}

LogicalResult lowerLSTM(Node &node) {
  LongShortTerm cell(node);
  if (failed(cell.readShapes()) ||
      failed(cell.readActivations({"Sigmoid", "Tanh", "Tanh"})) ||
      failed(cell.readForm()))
    return failure();
  return cell.run();
}

} // namespace imc::onnximport
