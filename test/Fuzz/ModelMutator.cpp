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

} // namespace imc::fuzz
