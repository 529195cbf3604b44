//===- NodeAttributes.cpp - Attributes of an ONNX node --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"
#include "OpTable.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using onnx::AttributeProto;

namespace imc::onnximport {

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

LogicalResult Node::attribute(StringRef attributeName,
                              std::vector<std::string> &value) {
  LogicalResult status = success();
  if (const AttributeProto *found =
          find(attributeName, AttributeProto::STRINGS, status))
    value.assign(found->strings().begin(), found->strings().end());
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
  FailureOr<Constant> value = state.reader.read(
      const_cast<AttributeProto *>(found)->mutable_t()[0], name, what, loc);
  if (succeeded(value) && value->hasData()) {
    state.copyBudget += value->bytes().size();
    state.storedBytes += value->takeCount();
  }
  return value;
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

} // namespace imc::onnximport
