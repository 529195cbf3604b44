//===- GraphImporter.cpp - ONNX graph to module -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "OpTable.h"
#include "mlir/IR/Verifier.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace imc::onnximport {

GraphImporter::GraphImporter(onnx::ModelProto &model, StringRef file,
                             MLIRContext *context,
                             const ONNXImportOptions &options)
    : model(model), graph(*model.mutable_graph()), file(file.str()),
      context(context), options(options), reader(options.folder),
      builder(context) {}

Location GraphImporter::fileLoc() const {
  return FileLineColLoc::get(context, file, 0, 0);
}

InFlightDiagnostic GraphImporter::error() const { return emitError(fileLoc()); }

FailureOr<OwningOpRef<ModuleOp>> GraphImporter::import() {
  StringRef stem = llvm::sys::path::stem(file);
  module =
      ModuleOp::create(fileLoc(), stem.empty() ? StringRef("model") : stem);
  if (failed(checkModel()) || failed(resolveBindings()) ||
      failed(readInitializers()) || failed(createFunction()))
    return failure();
  for (int i = 0; i < graph.node_size(); ++i)
    if (failed(importNode(i)))
      return failure();
  if (failed(finish()))
    return failure();
  return std::move(module);
}

LogicalResult GraphImporter::checkModel() {
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
  if (graph.sparse_initializer_size() != 0) {
    error() << "sparse initializers are not supported; store the weights dense";
    return failure();
  }
  if (graph.output_size() == 0) {
    error() << "the graph has no output; the file is damaged or not a model";
    return failure();
  }
  // Who produces what, to tell a cycle from a name that nobody defines.
  for (int i = 0; i < graph.node_size(); ++i)
    for (const std::string &output : graph.node(i).output())
      if (!output.empty() && !producers.try_emplace(output, i).second) {
        error() << "value '" << output << "' is the output of node "
                << producers[output] << " and again of node " << i
                << "; every value has one producer, the file is damaged";
        return failure();
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
    auto [it, added] = dimBindings.try_emplace(name, value);
    if (added || it->second == value)
      return success();
    error() << "dimension '" << name << "' is bound to " << it->second
            << " and to " << value << "; give one value";
    return failure();
  };
  for (const ONNXShapeBinding &binding : options.shapes) {
    for (int64_t dim : binding.dims)
      if (dim < 1 || dim > kMaxElements) {
        error() << "the binding of '" << binding.name << "' has the dimension "
                << dim << ", which is not between 1 and 2^34";
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

LogicalResult GraphImporter::readInitializers() {
  llvm::StringSet<> seen;
  for (onnx::TensorProto &tensor : *graph.mutable_initializer()) {
    std::string name = tensor.name();
    if (name.empty() || !seen.insert(name).second || producers.contains(name)) {
      error() << "initializer '" << name
              << "' has no name or one that is defined twice; the file is "
                 "damaged";
      return failure();
    }
    FailureOr<Constant> constant =
        reader.read(tensor, name, "initializer '" + name + "'", fileLoc());
    if (failed(constant))
      return failure();
    symbols.try_emplace(name, std::move(*constant));
  }

  // Trained are the stored float tensors that some node computes with. One
  // value alone (a bound, an exponent) is a constant of the program.
  llvm::StringSet<> counted;
  for (const onnx::NodeProto &node : graph.node())
    for (const std::string &input : node.input()) {
      auto found = symbols.find(input);
      if (found == symbols.end() || !counted.insert(input).second)
        continue;
      const Constant &constant = std::get<Constant>(found->second);
      if (constant.isFloat() && !constant.shape().empty())
        parameters += constant.numElements();
    }
  return success();
}

FailureOr<SmallVector<int64_t, 4>>
GraphImporter::inputShape(const onnx::ValueInfoProto &input) {
  const auto &tensor = input.type().tensor_type();
  if (!input.type().has_tensor_type() ||
      tensor.elem_type() != onnx::TensorProto::FLOAT) {
    error() << "input '" << input.name() << "' is "
            << (input.type().has_tensor_type()
                    ? onnxTypeName(tensor.elem_type())
                    : std::string("no tensor"))
            << "; inputs must be FLOAT tensors";
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
    // Some exporters write 0 or -1 for "not fixed".
    if (dim.has_dim_value() && dim.dim_value() > 0) {
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
  if (!count || *count == 0 || shape.size() > kMaxRank) {
    error() << "input '" << input.name() << "' of shape " << shapeText(shape)
            << " has no elements, more than 2^34, or more than " << kMaxRank
            << " dimensions";
    return failure();
  }
  return shape;
}

LogicalResult GraphImporter::createFunction() {
  SmallVector<Type> types;
  std::vector<std::string> names;
  for (const onnx::ValueInfoProto &input : graph.input()) {
    auto known = symbols.find(input.name());
    bool isWeight = known != symbols.end() &&
                    std::holds_alternative<Constant>(known->second);
    if (isWeight)
      continue;
    if (input.name().empty() || known != symbols.end() ||
        producers.contains(input.name())) {
      error() << "input '" << input.name()
              << "' has no name or one that is defined twice; the file is "
                 "damaged";
      return failure();
    }
    FailureOr<SmallVector<int64_t, 4>> shape = inputShape(input);
    if (failed(shape))
      return failure();
    types.push_back(RankedTensorType::get(*shape, builder.getF32Type()));
    names.push_back(input.name());
    symbols.try_emplace(input.name(), Value()); // set below, reserves the name
  }
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, fileLoc(), "main",
                                  builder.getFunctionType(types, {}));
  Block *body = function.addEntryBlock();
  for (auto [i, name] : llvm::enumerate(names)) {
    function.setArgAttr(i, "imc.name", builder.getStringAttr(name));
    symbols.insert_or_assign(name, Binding(Value(body->getArgument(i))));
  }
  builder.setInsertionPointToEnd(body);
  return success();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::string GraphImporter::nodeName(const onnx::NodeProto &node, int index) {
  std::string name = node.name();
  if (name.empty() && node.output_size() > 0)
    name = node.output(0);
  if (name.empty())
    name = node.op_type();
  if (nodeNames.insert(name).second)
    return name;
  std::string unique = name + "@" + std::to_string(index);
  while (!nodeNames.insert(unique).second)
    unique += "'";
  emitWarning(FileLineColLoc::get(context, file, index, 0))
      << "node name '" << name << "' occurs again; the node is called '"
      << unique << "'";
  return unique;
}

LogicalResult GraphImporter::checkInputs(const onnx::NodeProto &node, int index,
                                         StringRef name, Location loc) {
  for (const std::string &input : node.input()) {
    if (input.empty() || symbols.contains(input))
      continue;
    auto diag = emitError(loc)
                << "node '" << name << "' (" << node.op_type() << ", opset "
                << opset << "): input '" << input << "' ";
    auto producer = producers.find(input);
    if (producer == producers.end())
      diag << "is defined nowhere; the file is damaged";
    else
      diag << "is produced by node " << producer->second
           << ", which is not before node " << index
           << ": the graph has a cycle or is not sorted";
    return failure();
  }
  return success();
}

LogicalResult GraphImporter::importNode(int index) {
  onnx::NodeProto &proto = *graph.mutable_node(index);
  std::string name = nodeName(proto, index);
  Location loc = NameLoc::get(builder.getStringAttr(name),
                              FileLineColLoc::get(context, file, index, 0));
  auto error = [&] {
    return emitError(loc) << "node '" << name << "' (" << proto.op_type()
                          << ", opset " << opset << "): ";
  };
  if (!proto.domain().empty() && proto.domain() != "ai.onnx") {
    error() << "ops of domain '" << proto.domain()
            << "' are not supported; export without vendor ops and with the "
               "model's functions inlined";
    return failure();
  }
  const OpEntry *entry = findOp(proto.op_type());
  if (!entry) {
    error() << "the op is not supported: "
            << explainUnsupported(proto.op_type());
    return failure();
  }
  if (opset < entry->versions.front()) {
    error() << "the op exists since opset " << entry->versions.front();
    return failure();
  }
  int inputs = proto.input_size(), most = entry->maxInputs;
  if (inputs < entry->minInputs || (most >= 0 && inputs > most)) {
    auto diag = error();
    diag << "has " << inputs << " inputs, the op takes " << entry->minInputs;
    if (most < 0)
      diag << " or more";
    else if (most != entry->minInputs)
      diag << " to " << most;
    return failure();
  }
  int required = most < 0 ? inputs : entry->minInputs;
  for (int i = 0; i < required; ++i)
    if (proto.input(i).empty()) {
      error() << "input " << i << " is left out but required";
      return failure();
    }
  if (proto.output_size() == 0) {
    error() << "has no output";
    return failure();
  }
  llvm::StringSet<> usedNames;
  for (int i = entry->outputs; i < proto.output_size(); ++i)
    usedNames.insert(proto.output(i));
  usedNames.erase("");
  if (!usedNames.empty()) {
    // A second output that nobody reads (a mask, indices) is harmless.
    for (const onnx::NodeProto &other : graph.node())
      for (const std::string &input : other.input())
        if (usedNames.contains(input)) {
          error() << "output '" << input << "' is used, but only the first "
                  << entry->outputs << " of this op is supported";
          return failure();
        }
  }
  if (failed(checkInputs(proto, index, name, loc)))
    return failure();

  Node node(proto, *entry, opset, name, loc, builder, symbols, reader);
  if (failed(entry->lower(node)))
    return failure();
  return node.checkAttributes();
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
  llvm::StringSet<> seen;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    auto found = symbols.find(output.name());
    if (found == symbols.end() || !seen.insert(output.name()).second) {
      error() << "output '" << output.name()
              << (found == symbols.end() ? "' is produced by no node"
                                         : "' is listed twice")
              << "; the file is damaged";
      return failure();
    }
    Value value;
    if (const auto *constant = std::get_if<Constant>(&found->second)) {
      std::optional<int64_t> count = countElements(constant->shape());
      if (constant->kind() == Constant::Kind::Unsupported || !count ||
          *count == 0) {
        error() << "output '" << output.name() << "' is a constant of "
                << onnxTypeName(constant->onnxType()) << " and shape "
                << shapeText(constant->shape())
                << ", which is not supported as an output";
        return failure();
      }
      value = constant->materialize(builder, fileLoc());
    } else {
      value = std::get<Value>(found->second);
    }
    checkOutputShape(output, value);
    results.push_back(value);
    types.push_back(value.getType());
  }
  func::ReturnOp::create(builder, fileLoc(), results);
  function.setFunctionType(
      builder.getFunctionType(function.getFunctionType().getInputs(), types));
  for (auto [i, output] : llvm::enumerate(graph.output()))
    function.setResultAttr(i, "imc.name", builder.getStringAttr(output.name()));
  (*module)->setAttr("imc.phase", builder.getStringAttr("imported"));
  (*module)->setAttr("imc.parameters", builder.getI64IntegerAttr(parameters));
  return verify(*module);
}

} // namespace imc::onnximport
