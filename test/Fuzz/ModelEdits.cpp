//===- ModelEdits.cpp - Edits of a model that mean something --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelMutator.h"
#include <algorithm>
#include <cmath>

using namespace onnx;

namespace imc::fuzz {

TensorProto *ModelMutator::anyTensor(GraphProto &graph) {
  // Half of the time one inside a node (Constant, ConstantOfShape), if any.
  std::vector<TensorProto *> tensors;
  if (below(2) == 0 || graph.initializer_size() == 0)
    for (NodeProto &node : *graph.mutable_node())
      for (AttributeProto &attribute : *node.mutable_attribute())
        if (attribute.has_t())
          tensors.push_back(attribute.mutable_t());
  if (tensors.empty())
    for (TensorProto &tensor : *graph.mutable_initializer())
      tensors.push_back(&tensor);
  return tensors.empty() ? nullptr : tensors[below(tensors.size())];
}

NodeProto *ModelMutator::anyNode(GraphProto &graph) {
  if (graph.node_size() == 0)
    return nullptr;
  return graph.mutable_node(below(graph.node_size()));
}

void ModelMutator::editAttribute(GraphProto &graph) {
  NodeProto *node = anyNode(graph);
  if (!node)
    return;
  if (node->attribute_size() == 0 || below(3) == 0) {
    AttributeProto &attribute = *node->add_attribute();
    if (!vocabulary.attributes.empty())
      attribute.set_name(
          vocabulary.attributes[below(vocabulary.attributes.size())]);
    static const AttributeProto::AttributeType types[] = {
        AttributeProto::INT, AttributeProto::INTS, AttributeProto::FLOAT,
        AttributeProto::STRING, AttributeProto::TENSOR};
    attribute.set_type(types[below(std::size(types))]);
    attribute.set_i(number());
    attribute.set_f(float(number()));
    attribute.set_s(word(graph));
    for (int i = below(5); i > 0; --i)
      attribute.add_ints(number());
    return;
  }
  AttributeProto &attribute =
      *node->mutable_attribute(below(node->attribute_size()));
  switch (below(5)) {
  case 0:
    attribute.set_type(AttributeProto::AttributeType(1 + below(14)));
    break;
  case 1:
    attribute.add_ints(number());
    break;
  case 2:
    if (attribute.ints_size() > 0) {
      attribute.set_ints(below(attribute.ints_size()), number());
      break;
    }
    [[fallthrough]];
  case 3:
    attribute.set_i(number());
    attribute.set_f(below(2) ? NAN : HUGE_VALF);
    break;
  default:
    attribute.set_s(word(graph));
  }
}

void ModelMutator::editTensor(GraphProto &graph) {
  TensorProto *tensor = anyTensor(graph);
  if (!tensor)
    return;
  switch (below(7)) {
  case 0:
    tensor->set_data_type(below(30));
    break;
  case 1:
    tensor->add_dims(below(2) ? 1 : number());
    break;
  case 2:
    for (int i = below(40); i > 0; --i)
      tensor->add_dims(1);
    break;
  case 3: { // an integer of the data: a pad, an axis, a size
    std::string &raw = *tensor->mutable_raw_data();
    int64_t value = number();
    if (tensor->int64_data_size() > 0)
      tensor->set_int64_data(below(tensor->int64_data_size()), value);
    else if (tensor->data_type() == TensorProto::INT64 && raw.size() >= 8)
      raw.replace(8 * below(raw.size() / 8), 8,
                  reinterpret_cast<const char *>(&value), 8);
    else if (raw.size() >= 4)
      raw.replace(4 * below(raw.size() / 4), 4,
                  reinterpret_cast<const char *>(&value), 4);
    break;
  }
  case 4: // an empty tensor that is valid
    tensor->clear_raw_data();
    tensor->clear_float_data();
    tensor->clear_int64_data();
    tensor->clear_int32_data();
    tensor->clear_dims();
    tensor->add_dims(0);
    break;
  case 5:
    tensor->clear_raw_data();
    break;
  default:
    if (tensor->dims_size() > 0)
      tensor->set_dims(below(tensor->dims_size()), number());
  }
}

void ModelMutator::editInput(GraphProto &graph) {
  if (graph.input_size() == 0)
    return;
  auto &tensor = *graph.mutable_input(below(graph.input_size()))
                      ->mutable_type()
                      ->mutable_tensor_type();
  switch (below(5)) {
  case 0:
    tensor.set_elem_type(below(30));
    break;
  case 1:
    tensor.clear_shape();
    break;
  case 2:
    tensor.mutable_shape()->add_dim()->set_dim_value(below(2) ? 1 : number());
    break;
  case 3:
    tensor.mutable_shape()->add_dim()->set_dim_param(below(2) ? "N" : "");
    break;
  default:
    if (tensor.shape().dim_size() > 0)
      tensor.mutable_shape()
          ->mutable_dim(below(tensor.shape().dim_size()))
          ->set_dim_value(below(2) ? below(9) : number());
  }
}

void ModelMutator::editEdges(GraphProto &graph) {
  NodeProto *node = anyNode(graph);
  if (!node)
    return;
  switch (below(6)) {
  case 0:
    node->add_input(valueName(graph));
    break;
  case 1:
    if (node->input_size() > 0)
      node->mutable_input()->RemoveLast();
    break;
  case 2:
    if (node->input_size() > 1)
      node->mutable_input()->SwapElements(below(node->input_size()),
                                          below(node->input_size()));
    break;
  case 3:
    node->add_output(below(2) ? "extra" : valueName(graph));
    break;
  case 4:
    if (node->output_size() > 0)
      node->set_output(below(node->output_size()), valueName(graph));
    break;
  default:
    if (node->input_size() > 0)
      node->set_input(below(node->input_size()), valueName(graph));
  }
}

void ModelMutator::makeExternal(GraphProto &graph) {
  TensorProto *tensor = anyTensor(graph);
  if (!tensor)
    return;
  if (below(8) != 0) {
    tensor->clear_raw_data();
    tensor->clear_float_data();
    tensor->clear_int64_data();
    tensor->clear_int32_data();
  }
  tensor->set_data_location(TensorProto::EXTERNAL);
  tensor->clear_external_data();
  auto add = [&](const char *key, const std::string &value) {
    StringStringEntryProto &entry = *tensor->add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  };
  add("location", externalLocations[below(numExternalLocations)]);
  static const char *const numbers[] = {"0",
                                        "64",
                                        "4096",
                                        "1",
                                        "-8",
                                        "18446744073709551615",
                                        "9223372036854775807",
                                        "1e3",
                                        "",
                                        "4294967296"};
  if (below(2) == 0)
    add("offset", numbers[below(4 + below(7))]);
  if (below(4) == 0)
    add("length", numbers[below(std::size(numbers))]);
  if (below(8) == 0) // as large as the sparse file
    tensor->add_dims(1 << 20);
}

void ModelMutator::makeCycle(GraphProto &graph) {
  if (graph.node_size() == 0)
    return;
  int from = below(graph.node_size());
  int to = from + below(graph.node_size() - from); // itself or a later one
  const NodeProto &later = graph.node(to);
  NodeProto &node = *graph.mutable_node(from);
  std::string name =
      later.output_size() > 0 ? later.output(0) : std::string("x");
  if (node.input_size() > 0)
    node.set_input(below(node.input_size()), name);
  else
    node.add_input(name);
}

void ModelMutator::removeValue(GraphProto &graph) {
  auto remove = [&](auto &field) {
    if (field.empty())
      return;
    field.SwapElements(below(field.size()), field.size() - 1);
    field.RemoveLast();
  };
  switch (below(4)) {
  case 0:
    return remove(*graph.mutable_input());
  case 1:
    return remove(*graph.mutable_node());
  case 2:
    return remove(*graph.mutable_output());
  default:
    return remove(*graph.mutable_initializer());
  }
}

void ModelMutator::repeatName(GraphProto &graph) {
  std::string name = valueName(graph);
  switch (below(5)) {
  case 0:
    if (NodeProto *node = anyNode(graph))
      node->set_name(graph.node(0).name());
    break;
  case 1:
    if (NodeProto *node = anyNode(graph); node && node->output_size() > 0)
      node->set_output(0, name);
    break;
  case 2:
    if (graph.initializer_size() > 0)
      graph.mutable_initializer(below(graph.initializer_size()))
          ->set_name(name);
    break;
  case 3:
    graph.add_output()->set_name(name);
    break;
  default:
    if (graph.input_size() > 0)
      graph.mutable_input(below(graph.input_size()))->set_name(name);
  }
}

void ModelMutator::spliceNode(GraphProto &graph) {
  if (vocabulary.nodes.empty())
    return;
  NodeProto node = vocabulary.nodes[below(vocabulary.nodes.size())];
  for (std::string &input : *node.mutable_input())
    if (!input.empty())
      input = valueName(graph);
  if (below(2) == 0 || graph.node_size() == 0) {
    *graph.add_node() = node; // at the end, its results unused
    return;
  }
  // In the place of another one, under its output names.
  NodeProto &place = *graph.mutable_node(below(graph.node_size()));
  for (int i = 0; i < node.output_size() && i < place.output_size(); ++i)
    node.set_output(i, place.output(i));
  if (below(2) == 0) {
    *node.mutable_input() = place.input();
  }
  place = node;
}

void ModelMutator::wrapInIf(GraphProto &graph) {
  NodeProto *node = anyNode(graph);
  if (!node || node->ByteSizeLong() > 20000)
    return;
  int depth = 1 + (below(4) == 0 ? below(40) : below(3));
  for (int level = 0; level < depth; ++level) {
    NodeProto inner = *node;
    node->Clear();
    node->set_op_type("If");
    node->set_name(inner.name());
    *node->mutable_output() = inner.output();
    std::string condition = below(6) ? "fuzz.true" : valueName(graph);
    node->add_input(condition);
    for (const char *branch : {"then_branch", "else_branch"}) {
      if (below(12) == 0)
        continue;
      // Doubling at each level would grow without bound.
      if (level > 3 && branch[0] == 'e')
        continue;
      AttributeProto &attribute = *node->add_attribute();
      attribute.set_name(branch);
      attribute.set_type(AttributeProto::GRAPH);
      GraphProto &body = *attribute.mutable_g();
      body.set_name(branch);
      *body.add_node() = inner;
      for (const std::string &output : inner.output()) {
        if (below(12) != 0)
          body.add_output()->set_name(output);
      }
    }
  }
  for (const TensorProto &tensor : graph.initializer())
    if (tensor.name() == "fuzz.true")
      return;
  TensorProto &condition = *graph.add_initializer();
  condition.set_name("fuzz.true");
  condition.set_data_type(below(8) ? TensorProto::BOOL : TensorProto::FLOAT);
  if (below(4) == 0)
    condition.add_dims(below(8) ? 1 : 2);
  condition.set_raw_data(std::string(1, char(below(2))));
}

void ModelMutator::makeFunction(ModelProto &model) {
  GraphProto &graph = *model.mutable_graph();
  NodeProto *node = anyNode(graph);
  if (!node || node->ByteSizeLong() > 20000)
    return;
  FunctionProto &function = *model.add_functions();
  function.set_name("Function" + std::to_string(model.functions_size()));
  function.set_domain("fuzz");
  OperatorSetIdProto &opset = *function.add_opset_import();
  opset.set_version(
      model.opset_import_size() > 0 ? model.opset_import(0).version() : 17);
  if (model.functions_size() == 1) {
    OperatorSetIdProto &own = *model.add_opset_import();
    own.set_domain("fuzz");
    own.set_version(1);
    OperatorSetIdProto &inner = *function.add_opset_import();
    inner.set_domain("fuzz");
    inner.set_version(1);
  }
  NodeProto inner = *node;
  for (int i = 0; i < inner.input_size(); ++i) {
    std::string name = "in" + std::to_string(i);
    if (!inner.input(i).empty()) {
      function.add_input(name);
      inner.set_input(i, name);
    }
  }
  for (int i = 0; i < inner.output_size(); ++i) {
    std::string name = "out" + std::to_string(i);
    function.add_output(name);
    inner.set_output(i, name);
  }
  if (below(4) == 0 && inner.attribute_size() > 0) {
    // An attribute that refers to one of the caller.
    AttributeProto &attribute =
        *inner.mutable_attribute(below(inner.attribute_size()));
    attribute.set_ref_attr_name(below(2) ? attribute.name() : "absent");
    function.add_attribute(attribute.name());
  } else {
    node->clear_attribute();
  }
  *function.add_node() = inner;
  if (below(4) == 0) { // it calls itself
    NodeProto &call = *function.add_node();
    call.set_op_type(function.name());
    call.set_domain("fuzz");
    *call.mutable_input() = inner.input();
    call.add_output("self");
  }
  node->set_op_type(function.name());
  node->set_domain("fuzz");
}

void ModelMutator::makeFunctionTower(ModelProto &model) {
  // Each function calls the one below it several times: inlined, the calls
  // multiply. In a ring, they never end.
  GraphProto &graph = *model.mutable_graph();
  int depth = 2 + below(12), calls = 1 + below(8);
  bool ring = below(3) == 0;
  OperatorSetIdProto &own = *model.add_opset_import();
  own.set_domain("tower");
  own.set_version(1);
  for (int level = 0; level < depth; ++level) {
    FunctionProto &function = *model.add_functions();
    function.set_name("Level" + std::to_string(level));
    function.set_domain("tower");
    function.add_input("x");
    function.add_output("y");
    OperatorSetIdProto &base = *function.add_opset_import();
    base.set_version(17);
    OperatorSetIdProto &inner = *function.add_opset_import();
    inner.set_domain("tower");
    inner.set_version(1);
    for (int i = 0; i < calls; ++i) {
      NodeProto &call = *function.add_node();
      call.add_input(i == 0 ? "x" : "y" + std::to_string(i - 1));
      call.add_output(i + 1 == calls ? "y" : "y" + std::to_string(i));
      if (level == 0 && !ring) {
        call.set_op_type("Relu");
      } else {
        int callee = level == 0 ? depth - 1 : level - 1;
        call.set_op_type("Level" + std::to_string(callee));
        call.set_domain("tower");
      }
    }
  }
  NodeProto &top = *graph.add_node();
  top.set_op_type("Level" + std::to_string(depth - 1));
  top.set_domain("tower");
  top.add_input(valueName(graph));
  top.add_output("top of the tower");
  if (below(2) == 0)
    graph.add_output()->set_name("top of the tower");
}

void ModelMutator::nestType(GraphProto &graph) {
  ValueInfoProto *value = below(2) && graph.input_size() > 0
                              ? graph.mutable_input(below(graph.input_size()))
                          : below(2) && graph.output_size() > 0
                              ? graph.mutable_output(below(graph.output_size()))
                              : graph.add_value_info();
  TypeProto *type = value->mutable_type();
  for (int depth = 1 + below(45); depth > 0; --depth)
    type = below(2) ? type->mutable_sequence_type()->mutable_elem_type()
                    : type->mutable_optional_type()->mutable_elem_type();
  type->mutable_tensor_type()->set_elem_type(TensorProto::FLOAT);
}

void ModelMutator::setOpset(ModelProto &model) {
  if (model.opset_import_size() == 0 || below(10) == 0)
    model.add_opset_import();
  model.mutable_opset_import(below(model.opset_import_size()))
      ->set_version(below(12) ? 7 + below(22) : number());
}

void ModelMutator::mutate(ModelProto &model, std::string &kind) {
  GraphProto &graph = *model.mutable_graph();
  auto run = [&](const char *name, auto edit) {
    kind = name;
    edit();
  };
  switch (below(24)) {
  case 0:
  case 1:
  case 2:
  case 3:
    return run("field", [&] { editAnyField(model); });
  case 4:
  case 5:
  case 6:
    return run("attribute", [&] { editAttribute(graph); });
  case 7:
  case 8:
  case 9:
    return run("tensor", [&] { editTensor(graph); });
  case 10:
  case 11:
    return run("input", [&] { editInput(graph); });
  case 12:
  case 13:
    return run("edge", [&] { editEdges(graph); });
  case 14:
    return run("external data", [&] { makeExternal(graph); });
  case 15:
    return run("cycle", [&] { makeCycle(graph); });
  case 16:
    return run("missing value", [&] { removeValue(graph); });
  case 17:
    return run("name twice", [&] { repeatName(graph); });
  case 18:
    return run("foreign node", [&] { spliceNode(graph); });
  case 19:
    return run("op", [&] {
      if (NodeProto *node = anyNode(graph); node && !vocabulary.ops.empty())
        node->set_op_type(vocabulary.ops[below(vocabulary.ops.size())]);
    });
  case 20:
    return run("If", [&] { wrapInIf(graph); });
  case 21:
    return run("function", [&] { makeFunction(model); });
  case 22:
    return below(2) ? run("function tower", [&] { makeFunctionTower(model); })
                    : run("nested type", [&] { nestType(graph); });
  default:
    return run("opset", [&] { setOpset(model); });
  }
}

} // namespace imc::fuzz
