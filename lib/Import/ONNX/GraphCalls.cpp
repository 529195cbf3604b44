//===- GraphCalls.cpp - Functions of the model and branches ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calls of a model's own functions become their nodes, and `If` the branch
// that its known condition takes.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "OpTable.h"

using namespace mlir;

namespace imc::onnximport {

/// Bounds files whose functions call each other, or branches lie in branches.
static constexpr int kMaxCallDepth = 32;

/// Bounds files whose functions multiply: nodes of inlined functions, and bytes
/// that the calls copy beyond one copy of each function.
static constexpr int64_t kMaxInlinedNodes = 50000;
static constexpr int64_t kMaxInlinedBytes = int64_t(1) << 26;

/// Puts the attributes of a call where the body of the function refers to them;
/// one that was not given falls away.
static void
resolveAttributes(onnx::NodeProto &node,
                  const llvm::StringMap<const onnx::AttributeProto *> &given) {
  auto &attributes = *node.mutable_attribute();
  for (int i = attributes.size(); i-- > 0;) {
    std::string reference = attributes[i].ref_attr_name();
    if (reference.empty())
      continue;
    auto found = given.find(reference);
    if (found == given.end()) {
      attributes.DeleteSubrange(i, 1);
      continue;
    }
    std::string name = attributes[i].name();
    attributes[i] = *found->second;
    attributes[i].set_name(name);
  }
}

LogicalResult GraphImporter::importCall(const onnx::NodeProto &call,
                                        const onnx::FunctionProto &callee,
                                        Scope &scope, StringRef name,
                                        Location loc) {
  auto error = [&] {
    return emitError(loc) << "node '" << name << "' (function " << callee.name()
                          << "): ";
  };
  if (scope.depth >= kMaxCallDepth) {
    error() << "functions call each other more than " << kMaxCallDepth
            << " deep; a function may not call itself, the file is damaged";
    return failure();
  }
  if (call.input_size() > callee.input_size() ||
      call.output_size() > callee.output_size()) {
    error() << "is called with " << call.input_size() << " inputs and "
            << call.output_size() << " outputs, but takes "
            << callee.input_size() << " and gives " << callee.output_size();
    return failure();
  }
  inlinedNodes += callee.node_size();
  inlinedBytes += int64_t(callee.ByteSizeLong());
  if (inlinedNodes > kMaxInlinedNodes ||
      inlinedBytes - functionBytes > kMaxInlinedBytes) {
    error() << "the functions of the model, inlined, have more than "
            << kMaxInlinedNodes << " nodes or " << (kMaxInlinedBytes >> 20)
            << " MiB; the file is damaged, or export it without functions";
    return failure();
  }
  Scope body;
  body.depth = scope.depth + 1;
  body.prefix = innerPrefix(name);
  for (const onnx::OperatorSetIdProto &set : callee.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx")
      body.opset = set.version();
  if (body.opset == 0)
    body.opset = scope.opset;
  if (body.opset < kMinOpset || body.opset > kMaxOpset) {
    error() << "opset " << body.opset << " is not supported, " << kMinOpset
            << " to " << kMaxOpset << " are";
    return failure();
  }
  for (int i = 0; i < callee.input_size(); ++i) {
    bool given = i < call.input_size() && !call.input(i).empty();
    // An optional input that is left out is left out in the body, too.
    if (given &&
        !body.symbols
             .try_emplace(callee.input(i), scope.symbols.lookup(call.input(i)))
             .second) {
      error() << "input '" << callee.input(i)
              << "' is listed twice; the file is damaged";
      return failure();
    }
  }
  llvm::StringMap<const onnx::AttributeProto *> attributes;
  for (const onnx::AttributeProto &standard : callee.attribute_proto())
    attributes[standard.name()] = &standard;
  for (const onnx::AttributeProto &given : call.attribute())
    attributes[given.name()] = &given;
  for (const std::string &output : callee.output())
    body.outputs.insert(output);

  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes = callee.node();
  llvm::StringSet<> leftOut;
  for (int i = 0; i < callee.input_size(); ++i)
    if (!body.symbols.contains(callee.input(i)))
      leftOut.insert(callee.input(i));
  if (failed(findProducers(nodes, body)))
    return failure();
  for (int i = 0; i < nodes.size(); ++i) {
    resolveAttributes(nodes[i], attributes);
    for (std::string &input : *nodes[i].mutable_input())
      if (leftOut.contains(input))
        input.clear();
    if (failed(importNode(nodes[i], i, body)))
      return failure();
  }
  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty())
      continue;
    auto found = body.symbols.find(callee.output(i));
    if (found == body.symbols.end() || found->second.empty()) {
      error() << "output '" << callee.output(i)
              << "' is produced by no node of the function; the file is "
                 "damaged";
      return failure();
    }
    scope.symbols.insert_or_assign(call.output(i), found->second);
  }
  return success();
}

LogicalResult GraphImporter::importIf(onnx::NodeProto &proto, Scope &scope,
                                      StringRef name, Location loc) {
  auto error = [&] {
    return emitError(loc) << "node '" << name << "' (If, opset " << scope.opset
                          << "): ";
  };
  onnx::GraphProto *branches[2] = {nullptr, nullptr};
  for (onnx::AttributeProto &attribute : *proto.mutable_attribute())
    if (attribute.type() == onnx::AttributeProto::GRAPH &&
        (attribute.name() == "then_branch" ||
         attribute.name() == "else_branch"))
      branches[attribute.name() == "then_branch"] = attribute.mutable_g();
  if (proto.input_size() != 1 || proto.input(0).empty() || !branches[0] ||
      !branches[1]) {
    error() << "needs one condition, a then_branch and an else_branch; the "
               "file is damaged";
    return failure();
  }
  const Constant *condition =
      scope.symbols.lookup(proto.input(0)).constant()
          ? scope.symbols.find(proto.input(0))->second.constant()
          : nullptr;
  if (!condition || condition->onnxType() != onnxtype::Bool ||
      !condition->hasData() || condition->numElements() != 1) {
    error() << "the condition '" << proto.input(0)
            << "' is not known at import: " << explainUnsupported("Loop");
    return failure();
  }
  if (scope.depth >= kMaxCallDepth) {
    error() << "branches lie more than " << kMaxCallDepth
            << " deep in each other; simplify the model";
    return failure();
  }
  onnx::GraphProto &branch = *branches[condition->integer(0) != 0];
  if (branch.output_size() != proto.output_size()) {
    error() << "has " << proto.output_size() << " outputs, the branch gives "
            << branch.output_size() << "; the file is damaged";
    return failure();
  }
  // A branch sees the names around it and may not define them again, so its
  // values can live beside them until the branch ends.
  Scope inner;
  inner.depth = scope.depth + 1;
  inner.opset = scope.opset;
  inner.prefix = innerPrefix(name);
  for (const onnx::ValueInfoProto &output : branch.output())
    inner.outputs.insert(output.name());
  if (failed(findProducers(branch.node(), inner)))
    return failure();
  for (const auto &value : inner.producers)
    if (scope.symbols.contains(value.first())) {
      error() << "value '" << value.first()
              << "' of the branch has the name of one around it; every value "
                 "has one producer, the file is damaged";
      return failure();
    }
  std::swap(inner.symbols, scope.symbols);
  LogicalResult status = readInitializers(branch, inner);
  for (int i = 0; succeeded(status) && i < branch.node_size(); ++i)
    status = importNode(*branch.mutable_node(i), i, inner);
  std::swap(inner.symbols, scope.symbols);
  if (failed(status))
    return failure();
  SmallVector<Binding> results;
  for (int i = 0; i < proto.output_size(); ++i) {
    auto found = scope.symbols.find(branch.output(i).name());
    if (found == scope.symbols.end()) {
      error() << "output '" << branch.output(i).name()
              << "' is produced by no node of the branch; the file is damaged";
      return failure();
    }
    results.push_back(found->second);
  }
  for (const auto &value : inner.producers)
    scope.symbols.erase(value.first());
  for (const onnx::TensorProto &tensor : branch.initializer())
    scope.symbols.erase(tensor.name());
  for (int i = 0; i < proto.output_size(); ++i)
    if (!proto.output(i).empty())
      scope.symbols.insert_or_assign(proto.output(i), std::move(results[i]));
  return success();
}

} // namespace imc::onnximport
