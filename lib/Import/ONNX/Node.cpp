//===- Node.cpp - One ONNX node while it is lowered -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"
#include "Build.h"
#include "OpTable.h"
#include "mlir/IR/BuiltinTypes.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using onnx::AttributeProto;

namespace imc::onnximport {

InFlightDiagnostic Node::error() const {
  return emitError(loc) << "node '" << name << "' (" << entry.name << ", opset "
                        << opset << "): ";
}

StringRef Node::op() const { return entry.name; }

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

const Constant *Node::constant(unsigned i) const {
  return std::get_if<Constant>(&symbols.find(proto.input(i))->second);
}

FailureOr<SmallVector<int64_t, 4>> Node::shape(unsigned i) const {
  if (const Constant *known = constant(i))
    return SmallVector<int64_t, 4>(known->shape());
  Value value = std::get<Value>(symbols.find(proto.input(i))->second);
  return SmallVector<int64_t, 4>(
      cast<RankedTensorType>(value.getType()).getShape());
}

FailureOr<Value> Node::tensor(unsigned i) const {
  FailureOr<SmallVector<int64_t, 4>> dims = shape(i);
  return tensor(i, *dims);
}

FailureOr<Value> Node::tensor(unsigned i, ArrayRef<int64_t> newShape) const {
  if (const Constant *known = constant(i)) {
    if (!known->isFloat()) {
      error() << "input '" << proto.input(i) << "' is "
              << onnxTypeName(known->onnxType())
              << "; only FLOAT tensors are computed with, export the model in "
                 "float32";
      return failure();
    }
    if (failed(type(newShape)))
      return failure();
    return known->reshaped(newShape).materialize(builder, loc);
  }
  if (failed(type(newShape)))
    return failure();
  Value value = std::get<Value>(symbols.find(proto.input(i))->second);
  return reshape(builder, loc, value, newShape);
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
  return SmallVector<int64_t, 4>(known->integers());
}

FailureOr<float> Node::scalar(unsigned i, const char *what) const {
  const Constant *known = constant(i);
  if (!known || known->kind() != Constant::Kind::Float ||
      known->numElements() != 1) {
    error() << what << " ('" << proto.input(i)
            << "') must be one FLOAT known at import";
    return failure();
  }
  return known->floats().front();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

bool Node::hasAttribute(StringRef name) const {
  for (const AttributeProto &attribute : proto.attribute())
    if (attribute.name() == name)
      return true;
  return false;
}

const AttributeProto *Node::find(StringRef attributeName, int type,
                                 LogicalResult &status) {
  used.insert(attributeName);
  status = success();
  for (const AttributeProto &attribute : proto.attribute()) {
    if (attribute.name() != attributeName)
      continue;
    if (!attribute.ref_attr_name().empty()) {
      error() << "attribute '" << attributeName
              << "' refers to a function's attribute; inline the model's "
                 "functions first";
      status = failure();
      return nullptr;
    }
    if (attribute.type() != type) {
      auto typeName = [](int t) -> std::string {
        return AttributeProto::AttributeType_IsValid(t)
                   ? AttributeProto::AttributeType_Name(
                         AttributeProto::AttributeType(t))
                   : std::to_string(t);
      };
      error() << "attribute '" << attributeName << "' is of type "
              << typeName(attribute.type()) << " instead of " << typeName(type)
              << "; the file is damaged";
      status = failure();
      return nullptr;
    }
    return &attribute;
  }
  return nullptr;
}

LogicalResult Node::attribute(StringRef attributeName, int64_t &value) {
  LogicalResult status = success();
  if (const AttributeProto *found =
          find(attributeName, AttributeProto::INT, status))
    value = found->i();
  return status;
}

LogicalResult Node::attribute(StringRef attributeName, float &value) {
  LogicalResult status = success();
  if (const AttributeProto *found =
          find(attributeName, AttributeProto::FLOAT, status))
    value = found->f();
  return status;
}

LogicalResult Node::attribute(StringRef attributeName, std::string &value) {
  LogicalResult status = success();
  if (const AttributeProto *found =
          find(attributeName, AttributeProto::STRING, status))
    value = found->s();
  return status;
}

LogicalResult Node::attribute(StringRef attributeName,
                              SmallVector<int64_t, 4> &value) {
  LogicalResult status = success();
  if (const AttributeProto *found =
          find(attributeName, AttributeProto::INTS, status))
    value.assign(found->ints().begin(), found->ints().end());
  return status;
}

LogicalResult Node::attribute(StringRef attributeName,
                              std::vector<float> &value) {
  LogicalResult status = success();
  if (const AttributeProto *found =
          find(attributeName, AttributeProto::FLOATS, status))
    value.assign(found->floats().begin(), found->floats().end());
  return status;
}

FailureOr<Constant> Node::tensorAttribute(StringRef attributeName) {
  LogicalResult status = success();
  const AttributeProto *found =
      find(attributeName, AttributeProto::TENSOR, status);
  if (failed(status))
    return failure();
  if (!found) {
    error() << "attribute '" << attributeName << "' is missing";
    return failure();
  }
  std::string what =
      "node '" + name + "': attribute '" + attributeName.str() + "'";
  // The reader moves the bytes out; the node is not read again.
  return reader.read(const_cast<AttributeProto *>(found)->mutable_t()[0], name,
                     what, loc);
}

LogicalResult Node::checkAttributes() const {
  llvm::StringSet<> seen;
  for (const AttributeProto &attribute : proto.attribute()) {
    if (!seen.insert(attribute.name()).second) {
      error() << "attribute '" << attribute.name()
              << "' is given twice; the file is damaged";
      return failure();
    }
    if (!used.contains(attribute.name())) {
      error() << "attribute '" << attribute.name()
              << "' does not belong to version " << version()
              << " of this op; see docs/reference/onnx-ops.md";
      return failure();
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

FailureOr<RankedTensorType> Node::type(ArrayRef<int64_t> shape) const {
  std::optional<int64_t> count = countElements(shape);
  if (!count || *count == 0 || shape.size() > kMaxRank) {
    error() << "a tensor of shape " << shapeText(shape)
            << " has no elements, more than 2^34, or more than " << kMaxRank
            << " dimensions; check the input shape and the attributes";
    return failure();
  }
  return RankedTensorType::get(shape, builder.getF32Type());
}

LogicalResult Node::bind(Binding value, unsigned i) {
  if (hasOutput(i))
    symbols.insert_or_assign(proto.output(i), std::move(value));
  return success();
}

LogicalResult Node::result(Value value, unsigned i) { return bind(value, i); }

LogicalResult Node::result(Constant value, unsigned i) {
  return bind(std::move(value), i);
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
