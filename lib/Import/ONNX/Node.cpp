//===- Node.cpp - One ONNX node while it is lowered -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"
#include "Build.h"
#include "Deferred.h"
#include "Fold.h"
#include "OpTable.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using onnx::AttributeProto;

namespace imc::onnximport {

Binding::Binding(std::shared_ptr<Deferred> deferred)
    : what(std::move(deferred)), type(onnxtype::Float) {}

ArrayRef<int64_t> Binding::shape() const {
  if (const Deferred *later = deferred())
    return later->shape;
  if (const Constant *known = constant())
    return known->shape();
  return cast<RankedTensorType>(value().getType()).getShape();
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

LogicalResult Node::checkTypes() const {
  for (unsigned i = 0; i < numInputs(); ++i) {
    if (!hasInput(i))
      continue;
    int given = elementType(i);
    if (typeSetOf(given) == 0) {
      error() << "input '" << proto.input(i) << "' is " << onnxTypeName(given)
              << ", which is not supported; export the model in float32 or "
                 "with integers of 4 to 64 bits";
      return failure();
    }
    if (i == 0 && (typeSetOf(given) & entry.types) == 0) {
      error() << "input '" << proto.input(0) << "' is " << onnxTypeName(given)
              << "; the op is supported for " << describeTypes(entry.types)
              << ", export the model with one of these";
      return failure();
    }
    bool likeFirst = i > 0 && (entry.sameType < 0 || int(i) < entry.sameType);
    if (likeFirst && hasInput(0) && given != elementType(0)) {
      error() << "input '" << proto.input(i) << "' is " << onnxTypeName(given)
              << ", input '" << proto.input(0) << "' "
              << onnxTypeName(elementType(0))
              << "; the op takes one type for both, the file is damaged";
      return failure();
    }
  }
  return success();
}

bool Node::allInputsKnown() const {
  for (unsigned i = 0; i < numInputs(); ++i) {
    if (!hasInput(i))
      continue;
    const Binding &input = symbols.find(proto.input(i))->second;
    if (input.deferred() ? !input.deferred()->isKnown()
                         : !input.constant() || !input.constant()->hasData())
      return false;
  }
  for (unsigned i = 0; i < numInputs(); ++i)
    if (hasInput(i))
      computed(i);
  return true;
}

LogicalResult Node::lower() {
  if (failed(checkTypes()))
    return failure();
  FailureOr<bool> onIntegers = lowerOnIntegers(*this);
  if (failed(onIntegers))
    return failure();
  if (*onIntegers)
    return checkAttributes();
  if (!allInputsKnown()) {
    if (failed(entry.lower(*this)))
      return failure();
    return checkAttributes();
  }
  // Parts of a known op are known too, so this nests.
  Block *block = builder.getInsertionBlock();
  Operation *before = block->empty() ? nullptr : &block->back();
  Placeholders outer;
  std::swap(outer, state.placeholders);
  bool outerFolding = std::exchange(state.folding, true);
  LogicalResult status = entry.lower(*this);
  if (succeeded(status) && succeeded(status = checkAttributes()))
    fold(block, before);
  state.folding = outerFolding;
  state.placeholders = std::move(outer);
  return status;
}

void Node::fold(Block *block, Operation *before) {
  Evaluator evaluator(state.placeholders, state.foldBudget);
  for (unsigned i = 0; i < numOutputs(); ++i) {
    auto found = symbols.find(proto.output(i));
    if (!hasOutput(i) || found == symbols.end() || !found->second.value())
      continue;
    int onnxType = found->second.onnxType();
    if (std::optional<Constant> value = evaluator.evaluate(
            found->second.value(), proto.output(i), onnxType))
      found->second = Binding(std::move(*value));
  }
  // What the remaining outputs do not need goes; what they need gets the data.
  llvm::SmallPtrSet<Operation *, 8> needed;
  for (unsigned i = 0; i < numOutputs(); ++i)
    if (auto found = symbols.find(proto.output(i)); found != symbols.end())
      if (Value value = found->second.value())
        if (Operation *op = value.getDefiningOp())
          needed.insert(op);
  Operation *last = block->empty() ? nullptr : &block->back();
  for (Operation *op = last; op != before;) {
    Operation *previous = op->getPrevNode();
    if (op->use_empty() && !needed.contains(op)) {
      if (op->getNumResults() == 1)
        state.placeholders.erase(op->getResult(0));
      op->erase();
    }
    op = previous;
  }
  OpBuilder::InsertionGuard guard(builder);
  for (auto &[value, constant] : state.placeholders) {
    Value placeholder = value;
    Operation *op = placeholder.getDefiningOp();
    builder.setInsertionPoint(op);
    Value data = constant.materialize(builder, loc);
    for (unsigned i = 0; i < numOutputs(); ++i)
      if (auto found = symbols.find(proto.output(i));
          found != symbols.end() && found->second.value() == placeholder)
        found->second = Binding(data, found->second.onnxType());
    placeholder.replaceAllUsesWith(data);
    op->erase();
  }
}

FailureOr<SmallVector<Binding, 1>>
Node::callMany(StringRef opName, ArrayRef<Binding> inputs,
               ArrayRef<CallAttribute> attributes, unsigned outputs) {
  const OpEntry *called = findOp(opName);
  assert(called && "only ops of the table are called");
  onnx::NodeProto part;
  part.set_op_type(opName.str());
  SymbolTable local;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    std::string inputName = input.empty() ? "" : "input" + std::to_string(i);
    part.add_input(inputName);
    if (!input.empty())
      local.try_emplace(inputName, input);
  }
  for (unsigned i = 0; i < outputs; ++i)
    part.add_output("output" + std::to_string(i));
  for (const CallAttribute &attribute : attributes) {
    AttributeProto &target = *part.add_attribute();
    target.set_name(attribute.name.str());
    if (auto *integer = std::get_if<int64_t>(&attribute.value)) {
      target.set_type(AttributeProto::INT);
      target.set_i(*integer);
    } else if (auto *number = std::get_if<float>(&attribute.value)) {
      target.set_type(AttributeProto::FLOAT);
      target.set_f(*number);
    } else if (auto *text = std::get_if<std::string>(&attribute.value)) {
      target.set_type(AttributeProto::STRING);
      target.set_s(*text);
    } else {
      target.set_type(AttributeProto::INTS);
      for (int64_t i : std::get<SmallVector<int64_t, 4>>(attribute.value))
        target.add_ints(i);
    }
  }
  Node node(part, *called, kMaxOpset, name, loc, builder, local, state);
  node.caller = caller + entry.name.str() + " -> ";
  if (failed(node.lower()))
    return failure();
  SmallVector<Binding, 1> results;
  for (unsigned i = 0; i < outputs; ++i)
    results.push_back(local.lookup(part.output(i)));
  return results;
}

FailureOr<Binding> Node::call(StringRef opName, ArrayRef<Binding> inputs,
                              ArrayRef<CallAttribute> attributes) {
  FailureOr<SmallVector<Binding, 1>> results =
      callMany(opName, inputs, attributes, 1);
  if (failed(results))
    return failure();
  return results->front();
}

FailureOr<Binding> Node::on(Binding input0) {
  onnx::NodeProto part = proto;
  SymbolTable local;
  for (unsigned i = 0; i < numInputs(); ++i)
    if (hasInput(i))
      local.try_emplace(proto.input(i), uncomputed(i));
  part.set_input(0, "input0");
  // The node's own may have no name.
  part.clear_output();
  part.add_output("output0");
  local.insert_or_assign("input0", std::move(input0));
  Node node(part, entry, opset, name, loc, builder, local, state);
  node.caller = caller;
  if (failed(node.lower()))
    return failure();
  for (const AttributeProto &attribute : proto.attribute())
    used.insert(attribute.name());
  return local.lookup("output0");
}

bool Node::mayCopy(int64_t elements, int onnxType) const {
  int64_t width = bytesPerElement(onnxType);
  if (elements > state.copyBudget / width)
    return false;
  state.copyBudget -= elements * width;
  return true;
}

Binding Node::number(double value, int onnxType) const {
  auto bits16 = [&](const llvm::fltSemantics &semantics) {
    llvm::APFloat number(value);
    bool losesInfo;
    number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return makeBlob(std::vector<uint16_t>{
        uint16_t(number.bitcastToAPInt().getZExtValue())});
  };
  switch (onnxType) {
  case onnxtype::Float:
    return Constant::makeFloats("constant", {}, {float(value)});
  case onnxtype::Double:
    return Constant::make("constant", {}, onnxType,
                          makeBlob(std::vector<double>{value}));
  case onnxtype::Float16:
    return Constant::make("constant", {}, onnxType,
                          bits16(llvm::APFloat::IEEEhalf()));
  case onnxtype::BFloat16:
    return Constant::make("constant", {}, onnxType,
                          bits16(llvm::APFloat::BFloat()));
  default:
    return Constant::makeIntegers("constant", {}, {int64_t(value)}, onnxType);
  }
}

Binding Node::list(ArrayRef<int64_t> values) const {
  return Constant::makeIntegers("constant", {int64_t(values.size())}, values);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

InFlightDiagnostic Node::error() const {
  return emitError(loc) << "node '" << name << "' (" << caller << entry.name
                        << ", opset " << opset << "): ";
}

StringRef Node::op() const { return entry.name; }

bool Node::takes(int onnxType) const {
  return (typeSetOf(onnxType) & entry.types) != 0;
}

int64_t Node::version() const {
  int64_t version = entry.versions.front();
  for (int v : entry.versions)
    if (v <= opset)
      version = v;
  return version;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

unsigned Node::numInputs() const { return proto.input_size(); }
unsigned Node::numOutputs() const { return proto.output_size(); }

bool Node::hasInput(unsigned i) const {
  return i < numInputs() && !proto.input(i).empty();
}

bool Node::hasOutput(unsigned i) const {
  return i < numOutputs() && !proto.output(i).empty();
}

Binding Node::input(unsigned i) const {
  return hasInput(i) ? computed(i) : Binding();
}

Binding Node::uncomputed(unsigned i) const {
  return hasInput(i) ? symbols.lookup(proto.input(i)) : Binding();
}

const Binding &Node::computed(unsigned i) const {
  Binding &input = symbols.find(proto.input(i))->second;
  if (Deferred *later = input.deferred())
    input = compute(builder, *later);
  return input;
}

const Constant *Node::constant(unsigned i) const {
  return computed(i).constant();
}

FailureOr<SmallVector<int64_t, 4>> Node::shape(unsigned i) const {
  return SmallVector<int64_t, 4>(symbols.find(proto.input(i))->second.shape());
}

int Node::elementType(unsigned i) const {
  return symbols.find(proto.input(i))->second.onnxType();
}

FailureOr<Value> Node::tensor(unsigned i) const { return tensor(computed(i)); }

FailureOr<Value> Node::tensor(unsigned i, ArrayRef<int64_t> newShape) const {
  return tensor(computed(i), newShape);
}

FailureOr<Value> Node::tensor(const Binding &binding) const {
  return tensor(binding, SmallVector<int64_t, 4>(binding.shape()));
}

FailureOr<Value> Node::tensor(const Binding &binding,
                              ArrayRef<int64_t> newShape) const {
  FailureOr<RankedTensorType> wanted = type(newShape, binding.onnxType());
  if (failed(wanted))
    return failure();
  const Constant *known = binding.constant();
  if (!known)
    return reshape(builder, loc, binding.value(), newShape);
  if (failed(count(*known)))
    return failure();
  Constant reshaped = known->reshaped(newShape);
  if (!state.folding || !known->hasData())
    return reshaped.materialize(builder, loc);
  // Evaluated or replaced by the data once the node is lowered.
  Value placeholder = tensor::EmptyOp::create(builder, loc, wanted->getShape(),
                                              wanted->getElementType());
  state.placeholders.try_emplace(placeholder, std::move(reshaped));
  return placeholder;
}

FailureOr<SmallVector<int64_t, 4>> Node::integers(unsigned i,
                                                  const char *what) const {
  // In some versions an attribute, so the table cannot require the input.
  if (!hasInput(i)) {
    error() << "input " << i << " (" << what << ") is missing";
    return failure();
  }
  const Constant *known = constant(i);
  if (!known) {
    error() << what << " ('" << proto.input(i)
            << "') is computed from the data at run time; only shapes known at "
               "import are supported, simplify or export the model with fixed "
               "shapes";
    return failure();
  }
  if (!known->isInteger()) {
    error() << what << " ('" << proto.input(i) << "') must be integers, is "
            << onnxTypeName(known->onnxType());
    return failure();
  }
  return known->integers();
}

FailureOr<double> Node::scalar(unsigned i, const char *what) const {
  const Constant *known = constant(i);
  if (!known || !known->hasData() || known->numElements() != 1) {
    error() << what << " ('" << proto.input(i)
            << "') must be one number known at import";
    return failure();
  }
  return known->isInteger() ? double(known->integer(0)) : known->real(0);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

FailureOr<RankedTensorType> Node::type(ArrayRef<int64_t> shape) const {
  return type(shape, hasInput(0) ? elementType(0) : int(onnxtype::Float));
}

FailureOr<RankedTensorType> Node::type(ArrayRef<int64_t> shape,
                                       int onnxType) const {
  if (!countElements(shape) || shape.size() > kMaxRank) {
    error() << "a tensor of shape " << shapeText(shape)
            << " has a negative dimension, more than 2^34 elements, or more "
               "than "
            << kMaxRank
            << " dimensions; check the input shape and the attributes";
    return failure();
  }
  Type element = irType(builder.getContext(), onnxType);
  if (!element) {
    error() << "a tensor of " << onnxTypeName(onnxType)
            << " is not supported; export the model in float32 or with "
               "integers of 4 to 64 bits";
    return failure();
  }
  return RankedTensorType::get(shape, element);
}

LogicalResult Node::count(const Constant &constant) const {
  state.computedBytes += constant.takeCount();
  if (state.computedBytes <= kMaxComputedBytes + 8 * state.storedBytes)
    return success();
  error() << "tensors computed at import take more than "
          << ((kMaxComputedBytes + 8 * state.storedBytes) >> 20)
          << " MiB; compute less from constants, or store the results";
  return failure();
}

LogicalResult Node::result(Binding value, unsigned i) {
  if (const Constant *constant = value.constant();
      constant && failed(count(*constant)))
    return failure();
  if (hasOutput(i))
    symbols.insert_or_assign(proto.output(i), std::move(value));
  return success();
}

LogicalResult Node::result(Value value, unsigned i, int onnxType) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  if (onnxType == 0 && hasInput(0) &&
      irType(builder.getContext(), elementType(0)) == element)
    onnxType = elementType(0);
  if (onnxType == 0)
    onnxType = defaultOnnxType(element);
  assert(irType(builder.getContext(), onnxType) == element &&
         "the result has the element type that it is said to have");
  return result(Binding(value, onnxType), i);
}

LogicalResult Node::result(Constant value, unsigned i) {
  return result(Binding(std::move(value)), i);
}

FailureOr<int64_t> Node::axis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank) {
    error() << "axis " << axis << " is outside a tensor of rank " << rank;
    return failure();
  }
  return axis < 0 ? axis + rank : axis;
}

LogicalResult Node::axes(SmallVectorImpl<int64_t> &axes, int64_t rank) const {
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t &value : axes) {
    FailureOr<int64_t> checked = axis(value, rank);
    if (failed(checked))
      return failure();
    value = *checked;
    if (!seen.insert(value).second) {
      error() << "axis " << value << " is given twice";
      return failure();
    }
  }
  return success();
}

} // namespace imc::onnximport
