//===- ModelMutator.cpp - Damage ONNX models on purpose -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelMutator.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/stubs/logging.h>
#include <limits>

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using namespace onnx;

namespace imc::fuzz {

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

static void collectNodes(const GraphProto &graph, Vocabulary &words) {
  for (const NodeProto &node : graph.node()) {
    words.ops.push_back(node.op_type());
    if (words.nodes.size() < 4000 && node.ByteSizeLong() < 4096)
      words.nodes.push_back(node);
    for (const AttributeProto &attribute : node.attribute()) {
      words.attributes.push_back(attribute.name());
      if (attribute.type() == AttributeProto::STRING &&
          attribute.s().size() < 100)
        words.strings.push_back(attribute.s());
      if (attribute.has_g())
        collectNodes(attribute.g(), words);
    }
  }
}

void Vocabulary::collect(const ModelProto &model) {
  collectNodes(model.graph(), *this);
}

void Vocabulary::finish() {
  auto unique = [](std::vector<std::string> &words) {
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
  };
  unique(ops);
  unique(attributes);
  unique(strings);
}

/// Numbers at which arithmetic goes wrong.
int64_t ModelMutator::number() {
  static const int64_t numbers[] = {0,
                                    1,
                                    -1,
                                    2,
                                    -2,
                                    3,
                                    7,
                                    -8,
                                    16,
                                    17,
                                    255,
                                    1000000,
                                    int64_t(1) << 31,
                                    (int64_t(1) << 31) - 1,
                                    -(int64_t(1) << 31),
                                    int64_t(1) << 32,
                                    int64_t(1) << 34,
                                    (int64_t(1) << 34) - 1,
                                    int64_t(1) << 62,
                                    std::numeric_limits<int64_t>::max(),
                                    std::numeric_limits<int64_t>::min()};
  if (below(4) == 0)
    return below(12) - 3;
  return numbers[below(std::size(numbers))];
}

std::string ModelMutator::valueName(const GraphProto &graph) {
  switch (below(8)) {
  case 0:
    return "";
  case 1:
    return "no such value";
  case 2:
  case 3:
    if (graph.initializer_size() > 0)
      return graph.initializer(below(graph.initializer_size())).name();
    [[fallthrough]];
  case 4:
    if (graph.input_size() > 0)
      return graph.input(below(graph.input_size())).name();
    [[fallthrough]];
  default:
    if (graph.node_size() > 0) {
      const NodeProto &node = graph.node(below(graph.node_size()));
      if (node.output_size() > 0)
        return node.output(below(node.output_size()));
    }
    return "x";
  }
}

std::string ModelMutator::word(const GraphProto &graph) {
  auto from = [&](const std::vector<std::string> &words) {
    return words.empty() ? std::string() : words[below(words.size())];
  };
  switch (below(8)) {
  case 0:
    return from(vocabulary.ops);
  case 1:
    return from(vocabulary.attributes);
  case 2:
    return from(vocabulary.strings);
  case 3:
    return std::string("\xff\xfe\0\"\n{%", 7);
  case 4:
    return std::string(below(2) ? 300 : 20000, 'a');
  default:
    return valueName(graph);
  }
}

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

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

std::string ModelMutator::mutateBytes(std::string bytes, std::string &kind) {
  if (bytes.empty())
    bytes = "\b";
  // Half of the time the first or last 4 kB: the middle of a trained model is
  // mostly weights, whose bits are all valid.
  auto pick = [&]() -> size_t {
    size_t size = bytes.size(), span = std::min<size_t>(size, 4096);
    switch (below(4)) {
    case 0:
      return random() % span;
    case 1:
      return size - 1 - random() % span;
    default:
      return random() % size;
    }
  };
  size_t at = pick();
  size_t n = std::min<size_t>(1 + random() % 8, bytes.size() - at);
  switch (below(6)) {
  case 0:
    kind = "truncation";
    bytes.resize(at);
    break;
  case 1: // 0xff makes long variable-length integers
    kind = "bytes set";
    bytes.replace(at, n, std::string(n, char(0xff)));
    break;
  case 2:
    kind = "bytes erased";
    bytes.erase(at, n);
    break;
  case 3:
    kind = "bytes inserted";
    bytes.insert(at, bytes.substr(random() % bytes.size(), n));
    break;
  default:
    kind = "bit flips";
    for (int flips = 1 + below(4); flips > 0; --flips)
      bytes[pick()] ^= char(1u << below(8));
  }
  return bytes;
}

std::string ModelMutator::appendBomb(std::string bytes) {
  // Wire bytes of fields nested in each other, written from the inside.
  auto wrap = [](std::string &payload, int field) {
    std::string head(1, char(field << 3 | 2));
    for (size_t length = payload.size();; length >>= 7) {
      head += char((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
      if (length <= 0x7f)
        break;
    }
    payload = head + payload;
  };
  static const int depths[] = {5, 20, 33, 50, 99, 101, 1000, 3000};
  int depth = depths[below(std::size(depths))];
  std::string payload;
  switch (below(3)) {
  case 0:
    for (int i = 0; i < depth; ++i)
      for (int field : {6, 5, 1}) // graph.node.attribute.g
        wrap(payload, field);
    wrap(payload, 7);
    break;
  case 1:
    for (int i = 0; i < depth; ++i) {
      wrap(payload, 1); // type.sequence_type.elem_type
      wrap(payload, 4);
    }
    wrap(payload, 2); // graph.input.type
    wrap(payload, 11);
    wrap(payload, 7);
    break;
  default: // groups of an unknown field
    payload = std::string(size_t(depth) * 10, char(15 << 3 | 3));
    if (below(2) == 0)
      payload += std::string(payload.size(), char(15 << 3 | 4));
  }
  return bytes + payload;
}

//===----------------------------------------------------------------------===//
// Any field
//===----------------------------------------------------------------------===//

namespace {

/// The generated classes are of protobuf's lite kind, without reflection; this
/// reads the same definitions at run time.
class Schema {
public:
  static Schema &get() {
    static Schema schema;
    return schema;
  }

  std::unique_ptr<Message> make() {
    return std::unique_ptr<Message>(factory.GetPrototype(model)->New());
  }

private:
  Schema() {
    // Mutants hold strings that are not UTF-8; protobuf says so each time.
    google::protobuf::SetLogHandler(nullptr);
    std::ifstream stream(IMC_ONNX_DESCRIPTORS, std::ios::binary);
    google::protobuf::FileDescriptorSet files;
    if (files.ParseFromIstream(&stream))
      for (const auto &file : files.file())
        pool.BuildFile(file);
    model = pool.FindMessageTypeByName("onnx.ModelProto");
    if (!model) {
      std::fprintf(stderr, "no onnx.ModelProto in %s\n", IMC_ONNX_DESCRIPTORS);
      std::abort();
    }
  }

  google::protobuf::DescriptorPool pool;
  google::protobuf::DynamicMessageFactory factory;
  const google::protobuf::Descriptor *model;
};

} // namespace

static void collectMessages(Message &message, std::vector<Message *> &all) {
  if (all.size() > 5000)
    return;
  all.push_back(&message);
  const Reflection &reflection = *message.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor *field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      continue;
    if (!field->is_repeated()) {
      collectMessages(*reflection.MutableMessage(&message, field), all);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      collectMessages(*reflection.MutableRepeatedMessage(&message, field, i),
                      all);
  }
}

void ModelMutator::editAnyField(ModelProto &model) {
  std::unique_ptr<Message> whole = Schema::get().make();
  whole->ParsePartialFromString(model.SerializePartialAsString());
  std::vector<Message *> all;
  collectMessages(*whole, all);
  Message &message = *all[below(all.size())];
  std::vector<Message *> same;
  if (below(6) == 0)
    for (Message *other : all)
      if (other != &message &&
          other->GetDescriptor() == message.GetDescriptor())
        same.push_back(other);
  if (same.empty()) {
    editField(message, model.graph());
  } else {
    // Take another message of the same type in its place (through bytes: one
    // may contain the other).
    Message &other = *same[below(same.size())];
    if (other.ByteSizeLong() > 100000)
      return;
    std::string bytes = other.SerializePartialAsString();
    message.ParsePartialFromString(bytes);
  }
  model.ParsePartialFromString(whole->SerializePartialAsString());
}

void ModelMutator::editField(Message &message, const GraphProto &graph) {
  const Reflection &reflection = *message.GetReflection();
  const auto &descriptor = *message.GetDescriptor();
  std::vector<const FieldDescriptor *> fields;
  reflection.ListFields(message, &fields);
  if (fields.empty() || below(4) == 0)
    fields = {descriptor.field(below(descriptor.field_count()))};
  const FieldDescriptor *field = fields[below(fields.size())];
  bool repeated = field->is_repeated();
  int size = repeated ? reflection.FieldSize(message, field) : 0;
  int choice = below(8);
  if (choice == 0)
    return reflection.ClearField(&message, field);
  if (repeated && size > 0 && choice == 1)
    return reflection.RemoveLast(&message, field);
  if (repeated && size > 1 && choice <= 3)
    return reflection.SwapElements(&message, field, below(size), below(size));
  bool add = repeated && (size == 0 || choice == 4);
  int i = below(size);

  auto set = [&](auto adder, auto setter, auto setterAt, auto value) {
    if (add)
      (reflection.*adder)(&message, field, value);
    else if (repeated)
      (reflection.*setterAt)(&message, field, i, value);
    else
      (reflection.*setter)(&message, field, value);
  };
  switch (field->cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return set(&Reflection::AddInt32, &Reflection::SetInt32,
               &Reflection::SetRepeatedInt32, int32_t(number()));
  case FieldDescriptor::CPPTYPE_INT64:
    return set(&Reflection::AddInt64, &Reflection::SetInt64,
               &Reflection::SetRepeatedInt64, number());
  case FieldDescriptor::CPPTYPE_UINT32:
    return set(&Reflection::AddUInt32, &Reflection::SetUInt32,
               &Reflection::SetRepeatedUInt32, uint32_t(number()));
  case FieldDescriptor::CPPTYPE_UINT64:
    return set(&Reflection::AddUInt64, &Reflection::SetUInt64,
               &Reflection::SetRepeatedUInt64, uint64_t(number()));
  case FieldDescriptor::CPPTYPE_BOOL:
    return set(&Reflection::AddBool, &Reflection::SetBool,
               &Reflection::SetRepeatedBool, below(2) == 0);
  case FieldDescriptor::CPPTYPE_ENUM:
    return set(&Reflection::AddEnumValue, &Reflection::SetEnumValue,
               &Reflection::SetRepeatedEnumValue, below(30));
  case FieldDescriptor::CPPTYPE_FLOAT: {
    static const float values[] = {0.0f, -1.0f, 1e30f, -1e-40f, HUGE_VALF, NAN};
    return set(&Reflection::AddFloat, &Reflection::SetFloat,
               &Reflection::SetRepeatedFloat, values[below(std::size(values))]);
  }
  case FieldDescriptor::CPPTYPE_DOUBLE:
    return set(&Reflection::AddDouble, &Reflection::SetDouble,
               &Reflection::SetRepeatedDouble,
               below(2) ? double(number()) : double(NAN));
  case FieldDescriptor::CPPTYPE_STRING:
    return set(&Reflection::AddString, &Reflection::SetString,
               &Reflection::SetRepeatedString, word(graph));
  case FieldDescriptor::CPPTYPE_MESSAGE:
    break;
  }
  if (!repeated) {
    reflection.MutableMessage(&message, field);
    return;
  }
  // Twice the same element: every name in it is then defined twice.
  std::string bytes = size > 0
                          ? reflection.GetRepeatedMessage(message, field, i)
                                .SerializePartialAsString()
                          : std::string();
  Message *added = reflection.AddMessage(&message, field);
  if (bytes.size() < 100000)
    added->ParsePartialFromString(bytes);
}

//===----------------------------------------------------------------------===//
// Edits with a meaning
//===----------------------------------------------------------------------===//

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
