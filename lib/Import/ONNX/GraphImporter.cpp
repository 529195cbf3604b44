//===- GraphImporter.cpp - ONNX graph to module -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "Deferred.h"
#include "Fold.h"
#include "OpTable.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace imc::onnximport {

GraphImporter::GraphImporter(onnx::ModelProto &model, StringRef file,
                             MLIRContext *context,
                             const ONNXImportOptions &options)
    : model(model), graph(*model.mutable_graph()), file(file.str()),
      context(context), options(options), reader(options.folder),
      state{reader, kFoldBudget, {}, false}, builder(context) {}

Location GraphImporter::fileLoc() const {
  return FileLineColLoc::get(context, file, 0, 0);
}

InFlightDiagnostic GraphImporter::error() const { return emitError(fileLoc()); }

FailureOr<OwningOpRef<ModuleOp>> GraphImporter::import() {
  StringRef stem = llvm::sys::path::stem(file);
  module =
      ModuleOp::create(fileLoc(), stem.empty() ? StringRef("model") : stem);
  if (failed(checkModel()) || failed(resolveBindings()) ||
      failed(readInitializers(graph, top)))
    return failure();
  countParameters();
  if (failed(createFunction()))
    return failure();
  for (int i = 0; i < graph.node_size(); ++i)
    if (failed(importNode(*graph.mutable_node(i), i, top)))
      return failure();
  if (failed(finish()))
    return failure();
  return std::move(module);
}

LogicalResult GraphImporter::checkModel() {
  int64_t &opset = top.opset;
  for (const onnx::OperatorSetIdProto &set : model.opset_import()) {
    if (!set.domain().empty() && set.domain() != "ai.onnx")
      continue; // refused where a node uses it
    if (opset != 0) {
      error() << "the model imports the default opset twice; the file is "
                 "damaged";
      return failure();
    }
    opset = set.version();
    if (opset < kMinOpset || opset > kMaxOpset) {
      error() << "opset " << opset << " is not supported, " << kMinOpset
              << " to " << kMaxOpset
              << " are; convert the model (onnx.version_converter) or export "
                 "it again with opset_version=17";
      return failure();
    }
  }
  if (opset == 0) {
    error() << "the file names no opset of the default domain: it is not an "
               "ONNX model, or it is damaged";
    return failure();
  }
  if (graph.output_size() == 0) {
    error() << "the graph has no output; the file is damaged or not a model";
    return failure();
  }
  for (const onnx::FunctionProto &function : model.functions()) {
    functionBytes += int64_t(function.ByteSizeLong());
    if (!functions
             .try_emplace(function.domain() + ":" + function.name() + ":" +
                              function.overload(),
                          &function)
             .second) {
      error() << "function '" << function.name() << "' of domain '"
              << function.domain() << "' is defined twice; the file is damaged";
      return failure();
    }
  }
  for (const onnx::ValueInfoProto &output : graph.output())
    top.outputs.insert(output.name());
  return findProducers(graph.node(), top);
}

LogicalResult GraphImporter::findProducers(
    const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
    Scope &scope) {
  for (int i = 0; i < nodes.size(); ++i) {
    for (const std::string &input : nodes[i].input())
      scope.inputs.insert(input);
    for (const std::string &output : nodes[i].output())
      if (!output.empty() && !scope.producers.try_emplace(output, i).second) {
        error() << "value '" << output << "' is the output of node "
                << scope.producers[output] << " and again of node " << i
                << "; every value has one producer, the file is damaged";
        return failure();
      }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::resolveBindings() {
  llvm::StringMap<const onnx::ValueInfoProto *> inputs;
  llvm::StringSet<> dims;
  std::vector<std::string> known;
  llvm::StringSet<> initializers;
  for (const onnx::TensorProto &tensor : graph.initializer())
    initializers.insert(tensor.name());
  for (const onnx::ValueInfoProto &input : graph.input()) {
    if (initializers.contains(input.name()))
      continue; // old files list weights as inputs
    inputs[input.name()] = &input;
    known.push_back("input '" + input.name() + "'");
    for (const auto &dim : input.type().tensor_type().shape().dim())
      if (!dim.dim_param().empty() && dims.insert(dim.dim_param()).second)
        known.push_back("dimension '" + dim.dim_param() + "'");
  }

  auto bindDim = [&](StringRef name, int64_t value) {
    if (value == 0) {
      error() << "dimension '" << name << "' is bound to 0; it must be 1 or "
              << "more";
      return failure();
    }
    auto [it, added] = dimBindings.try_emplace(name, value);
    if (added || it->second == value)
      return success();
    error() << "dimension '" << name << "' is bound to " << it->second
            << " and to " << value << "; give one value";
    return failure();
  };
  for (const ONNXShapeBinding &binding : options.shapes) {
    for (int64_t dim : binding.dims)
      if (dim < 0 || dim > kMaxElements) {
        error() << "the binding of '" << binding.name << "' has the dimension "
                << dim << ", which is not between 0 and 2^34";
        return failure();
      }
    auto input = inputs.find(binding.name);
    if (input == inputs.end()) {
      if (!dims.contains(binding.name) || binding.dims.size() != 1) {
        error() << "'" << binding.name << "' = " << shapeText(binding.dims)
                << " binds nothing; the model has "
                << (known.empty() ? "no inputs" : llvm::join(known, ", "));
        return failure();
      }
      if (failed(bindDim(binding.name, binding.dims.front())))
        return failure();
      continue;
    }
    const auto &tensor = input->second->type().tensor_type();
    if (tensor.has_shape()) {
      if (tensor.shape().dim_size() != int(binding.dims.size())) {
        error() << "input '" << binding.name << "' has "
                << tensor.shape().dim_size() << " dimensions, the binding "
                << shapeText(binding.dims) << " has " << binding.dims.size();
        return failure();
      }
      for (size_t d = 0; d < binding.dims.size(); ++d)
        if (const std::string &name = tensor.shape().dim(d).dim_param();
            !name.empty() && failed(bindDim(name, binding.dims[d])))
          return failure();
    }
    if (!inputBindings.try_emplace(binding.name, binding.dims).second) {
      error() << "input '" << binding.name << "' is bound twice";
      return failure();
    }
  }
  return success();
}

LogicalResult GraphImporter::readInitializers(onnx::GraphProto &from,
                                              Scope &scope) {
  if (from.sparse_initializer_size() != 0) {
    error() << "sparse initializers are not supported; store the weights dense";
    return failure();
  }
  for (onnx::TensorProto &tensor : *from.mutable_initializer()) {
    std::string name = tensor.name();
    if (name.empty() || scope.producers.contains(name) ||
        scope.symbols.contains(name)) {
      error() << "initializer '" << name
              << "' has no name or one that is defined twice; the file is "
                 "damaged";
      return failure();
    }
    FailureOr<Constant> constant =
        reader.read(tensor, name, "initializer '" + name + "'", fileLoc());
    if (failed(constant))
      return failure();
    if (constant->hasData())
      state.copyBudget += constant->bytes().size();
    state.storedBytes += constant->takeCount();
    scope.symbols.try_emplace(name, std::move(*constant));
  }
  return success();
}

void GraphImporter::countParameters() {
  // Trained are the stored float tensors that some node computes with, and the
  // codes of quantized weights, whose scales and zero points are not. One value
  // alone (a bound, an exponent) is a constant of the program.
  llvm::StringSet<> counted;
  for (const onnx::NodeProto &node : graph.node()) {
    auto codes = llvm::StringSwitch<SmallVector<int, 2>>(node.op_type())
                     .Cases({"QuantizeLinear", "DequantizeLinear"}, {0})
                     .Cases({"ConvInteger", "MatMulInteger"}, {0, 1})
                     .Case("QLinearConv", {0, 3, 8})
                     .Case("QLinearMatMul", {0, 3})
                     .Default({});
    for (int i = 0; i < node.input_size(); ++i) {
      auto found = top.symbols.find(node.input(i));
      if (found == top.symbols.end() ||
          (!codes.empty() && !llvm::is_contained(codes, i)) ||
          !counted.insert(node.input(i)).second)
        continue;
      const Constant &constant = *found->second.constant();
      if ((constant.isFloat() || (!codes.empty() && constant.isInteger())) &&
          !constant.shape().empty())
        parameters += constant.numElements();
    }
  }
}

FailureOr<SmallVector<int64_t, 4>>
GraphImporter::inputShape(const onnx::ValueInfoProto &input) {
  const auto &tensor = input.type().tensor_type();
  if (!input.type().has_tensor_type() || typeSetOf(tensor.elem_type()) == 0) {
    error() << "input '" << input.name() << "' is "
            << (input.type().has_tensor_type()
                    ? onnxTypeName(tensor.elem_type())
                    : std::string("no tensor"))
            << "; inputs must be tensors of " << describeTypes(AllTypes);
    return failure();
  }
  auto bound = inputBindings.find(input.name());
  SmallVector<int64_t, 4> shape;
  if (!tensor.has_shape()) {
    if (bound == inputBindings.end()) {
      error() << "input '" << input.name()
              << "' has no shape; bind it with --shape " << input.name()
              << "=<dims>, for example " << input.name() << "=1x3x224x224";
      return failure();
    }
    shape = bound->second;
  }
  for (int d = 0; d < (tensor.has_shape() ? tensor.shape().dim_size() : 0);
       ++d) {
    const auto &dim = tensor.shape().dim(d);
    // Some exporters write 0 or -1 for "not fixed"; but a tensor can be empty.
    bool isEmpty = dim.has_dim_value() && dim.dim_value() == 0 &&
                   bound == inputBindings.end();
    if (isEmpty)
      emitWarning(fileLoc())
          << "dimension " << d << " of input '" << input.name()
          << "' is 0, so the input is empty; if the file means a dimension "
             "that is not fixed, bind the input with --shape "
          << input.name() << "=<dims>";
    if (isEmpty || (dim.has_dim_value() && dim.dim_value() > 0)) {
      shape.push_back(dim.dim_value());
      if (bound != inputBindings.end() && bound->second[d] != dim.dim_value()) {
        error() << "dimension " << d << " of input '" << input.name()
                << "' is fixed to " << dim.dim_value()
                << " in the model and cannot become " << bound->second[d]
                << "; export the model with a symbolic dimension";
        return failure();
      }
      continue;
    }
    auto value = dimBindings.find(dim.dim_param());
    if (bound != inputBindings.end()) {
      shape.push_back(bound->second[d]);
    } else if (!dim.dim_param().empty() && value != dimBindings.end()) {
      shape.push_back(value->second);
    } else if (d == 0 && options.batch > 0) {
      shape.push_back(options.batch);
      if (!dim.dim_param().empty())
        dimBindings.try_emplace(dim.dim_param(), options.batch);
    } else {
      auto diag = error();
      diag << "dimension " << d << " of input '" << input.name() << "' is ";
      if (dim.dim_param().empty())
        diag << "not fixed; bind the input with --shape " << input.name()
             << "=<dims>";
      else
        diag << "the symbol '" << dim.dim_param() << "'; bind it with --shape "
             << dim.dim_param() << "=<n>, or the input with --shape "
             << input.name() << "=<dims>";
      return failure();
    }
  }
  std::optional<int64_t> count = countElements(shape);
  if (!count || shape.size() > kMaxRank) {
    error() << "input '" << input.name() << "' of shape " << shapeText(shape)
            << " has more than 2^34 elements or more than " << kMaxRank
            << " dimensions";
    return failure();
  }
  return shape;
}

LogicalResult GraphImporter::createFunction() {
  SmallVector<Type> types;
  std::vector<const onnx::ValueInfoProto *> inputs;
  for (const onnx::ValueInfoProto &input : graph.input()) {
    auto known = top.symbols.find(input.name());
    if (known != top.symbols.end() && known->second.constant())
      continue;
    if (input.name().empty() || known != top.symbols.end() ||
        top.producers.contains(input.name())) {
      error() << "input '" << input.name()
              << "' has no name or one that is defined twice; the file is "
                 "damaged";
      return failure();
    }
    FailureOr<SmallVector<int64_t, 4>> shape = inputShape(input);
    if (failed(shape))
      return failure();
    int onnxType = input.type().tensor_type().elem_type();
    types.push_back(RankedTensorType::get(*shape, irType(context, onnxType)));
    inputs.push_back(&input);
    top.symbols.try_emplace(input.name()); // set below, reserves the name
  }
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, fileLoc(), "main",
                                  builder.getFunctionType(types, {}));
  Block *body = function.addEntryBlock();
  for (auto [i, input] : llvm::enumerate(inputs)) {
    int onnxType = input->type().tensor_type().elem_type();
    function.setArgAttr(i, "imc.name", builder.getStringAttr(input->name()));
    if (isUnsignedType(onnxType))
      function.setArgAttr(i, "imc.unsigned", builder.getUnitAttr());
    top.symbols.insert_or_assign(input->name(),
                                 Binding(body->getArgument(i), onnxType));
  }
  builder.setInsertionPointToEnd(body);
  return success();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::string GraphImporter::nodeName(const onnx::NodeProto &node, int index,
                                    StringRef prefix) {
  std::string name = node.name();
  if (name.empty() && node.output_size() > 0)
    name = node.output(0);
  if (name.empty())
    name = node.op_type();
  name = prefix.str() + name;
  auto [found, added] = nodeNames.try_emplace(name, 0);
  if (added)
    return name;
  unsigned &again = found->second; // entries stay where they are
  std::string unique = name + "@" + std::to_string(index);
  while (!nodeNames.try_emplace(unique, 0).second)
    unique = name + "@" + std::to_string(index) + "." + std::to_string(++again);
  emitWarning(FileLineColLoc::get(context, file, index, 0))
      << "node name '" << name << "' occurs again; the node is called '"
      << unique << "'";
  return unique;
}

std::string GraphImporter::innerPrefix(StringRef name) {
  // Cut, or a long name would be stored again with every node within.
  constexpr size_t most = 1000;
  return name.take_front(most).str() + "/";
}

LogicalResult GraphImporter::checkInputs(const onnx::NodeProto &node, int index,
                                         const Scope &scope, StringRef name,
                                         Location loc) {
  for (const std::string &input : node.input()) {
    if (input.empty() || scope.symbols.contains(input))
      continue;
    auto diag = emitError(loc)
                << "node '" << name << "' (" << node.op_type() << ", opset "
                << scope.opset << "): input '" << input << "' ";
    auto producer = scope.producers.find(input);
    if (producer == scope.producers.end())
      diag << "is defined nowhere; the file is damaged";
    else
      diag << "is produced by node " << producer->second
           << ", which is not before node " << index
           << ": the graph has a cycle or is not sorted";
    return failure();
  }
  return success();
}

LogicalResult
GraphImporter::checkArity(const onnx::NodeProto &proto, const OpEntry &entry,
                          const Scope &scope,
                          llvm::function_ref<InFlightDiagnostic()> error) {
  int inputs = proto.input_size(), most = entry.maxInputs;
  if (inputs < entry.minInputs || (most >= 0 && inputs > most)) {
    auto diag = error();
    diag << "has " << inputs << " inputs, the op takes " << entry.minInputs;
    if (most < 0)
      diag << " or more";
    else if (most != entry.minInputs)
      diag << " to " << most;
    return failure();
  }
  int required = most < 0 ? inputs : entry.minInputs;
  for (int i = 0; i < required; ++i)
    if (proto.input(i).empty()) {
      error() << "input " << i << " is left out but required";
      return failure();
    }
  if (proto.output_size() == 0) {
    error() << "has no output";
    return failure();
  }
  // A second output that nobody reads (a mask, indices) is harmless.
  for (int i = entry.outputs; i < proto.output_size(); ++i) {
    const std::string &name = proto.output(i);
    if (name.empty() ||
        !(scope.outputs.contains(name) || scope.inputs.contains(name)))
      continue;
    error() << "output '" << name << "' is used, but only the first "
            << entry.outputs << " of this op is supported";
    return failure();
  }
  return success();
}

LogicalResult GraphImporter::importNode(onnx::NodeProto &proto, int index,
                                        Scope &scope) {
  std::string name = nodeName(proto, index, scope.prefix);
  Location loc = NameLoc::get(builder.getStringAttr(name),
                              FileLineColLoc::get(context, file, index, 0));
  auto error = [&] {
    return emitError(loc) << "node '" << name << "' (" << proto.op_type()
                          << ", opset " << scope.opset << "): ";
  };
  auto function = functions.find(proto.domain() + ":" + proto.op_type() + ":" +
                                 proto.overload());
  if (function != functions.end()) {
    if (failed(checkInputs(proto, index, scope, name, loc)))
      return failure();
    return importCall(proto, *function->second, scope, name, loc);
  }
  if (!proto.domain().empty() && proto.domain() != "ai.onnx") {
    error() << "ops of domain '" << proto.domain()
            << "' are not supported, and the model has no function of this "
               "name; export without vendor ops";
    return failure();
  }
  if (proto.op_type() == "If") {
    if (failed(checkInputs(proto, index, scope, name, loc)))
      return failure();
    return importIf(proto, scope, name, loc);
  }
  const OpEntry *entry = findOp(proto.op_type());
  if (!entry) {
    error() << "the op is not supported: "
            << explainUnsupported(proto.op_type());
    return failure();
  }
  if (scope.opset < entry->versions.front()) {
    error() << "the op exists since opset " << entry->versions.front();
    return failure();
  }
  if (failed(checkArity(proto, *entry, scope, error)) ||
      failed(checkInputs(proto, index, scope, name, loc)))
    return failure();
  Node node(proto, *entry, scope.opset, name, loc, builder, scope.symbols,
            state);
  return node.lower();
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

void GraphImporter::checkOutputShape(const onnx::ValueInfoProto &output,
                                     Value value) {
  const auto &tensor = output.type().tensor_type();
  if (!tensor.has_shape())
    return;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  bool same = int(shape.size()) == tensor.shape().dim_size();
  for (size_t d = 0; same && d < shape.size(); ++d) {
    const auto &dim = tensor.shape().dim(d);
    same = !dim.has_dim_value() || dim.dim_value() == shape[d];
  }
  if (!same)
    emitWarning(fileLoc()) << "output '" << output.name() << "' has shape "
                           << shapeText(shape)
                           << ", which is not the shape the file declares";
}

LogicalResult GraphImporter::finish() {
  SmallVector<Value> results;
  SmallVector<Type> types;
  SmallVector<int> outputTypes;
  llvm::StringSet<> seen;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    auto found = top.symbols.find(output.name());
    if (found == top.symbols.end() || !seen.insert(output.name()).second) {
      error() << "output '" << output.name()
              << (found == top.symbols.end() ? "' is produced by no node"
                                             : "' is listed twice")
              << "; the file is damaged";
      return failure();
    }
    if (Deferred *later = found->second.deferred())
      found->second = compute(builder, *later);
    Value value = found->second.value();
    outputTypes.push_back(found->second.onnxType());
    if (const Constant *constant = found->second.constant()) {
      if (constant->kind() == Constant::Kind::Unsupported) {
        error() << "output '" << output.name() << "' is a constant of "
                << onnxTypeName(constant->onnxType()) << " and shape "
                << shapeText(constant->shape())
                << ", which is not supported as an output";
        return failure();
      }
      value = constant->materialize(builder, fileLoc());
    }
    checkOutputShape(output, value);
    results.push_back(value);
    types.push_back(value.getType());
  }
  auto end = func::ReturnOp::create(builder, fileLoc(), results);
  // What nothing has come to use: nodes off the way to an output, and what
  // quantized nodes were computed without.
  for (Operation *op = end->getPrevNode(); op;) {
    Operation *previous = op->getPrevNode();
    if (isOpTriviallyDead(op))
      op->erase();
    op = previous;
  }
  function.setFunctionType(
      builder.getFunctionType(function.getFunctionType().getInputs(), types));
  for (auto [i, output] : llvm::enumerate(graph.output())) {
    function.setResultAttr(i, "imc.name", builder.getStringAttr(output.name()));
    if (isUnsignedType(outputTypes[i]))
      function.setResultAttr(i, "imc.unsigned", builder.getUnitAttr());
  }
  (*module)->setAttr("imc.phase", builder.getStringAttr("imported"));
  (*module)->setAttr("imc.parameters", builder.getI64IntegerAttr(parameters));
  return verify(*module);
}

} // namespace imc::onnximport
