//===- TensorProto.cpp - Decode one ONNX TensorProto ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the wire format of protocol buffers directly: a .pb test input has one
// message with a handful of fields, and this library stays free of protobuf
// (only Import/ONNX may see it). Field numbers are those of onnx.proto3's
// TensorProto; unknown fields are skipped, as the format asks.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Tensor.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <optional>

using namespace imc::execute;
using llvm::StringRef;
using llvm::Twine;

namespace {

enum Field : uint64_t {
  Dims = 1,
  DataType = 2,
  FloatData = 4,
  Int32Data = 5,
  Int64Data = 7,
  RawData = 9,
  ExternalData = 13,
  DataLocation = 14,
};

enum WireType : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// A cursor over the bytes; every read fails instead of passing the end.
struct Reader {
  StringRef bytes;

  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes.empty())
        return std::nullopt;
      unsigned char byte = bytes.front();
      bytes = bytes.drop_front();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return value;
    }
    return std::nullopt; // more than ten bytes
  }

  std::optional<StringRef> take(uint64_t size) {
    if (size > bytes.size())
      return std::nullopt;
    StringRef head = bytes.take_front(size);
    bytes = bytes.drop_front(size);
    return head;
  }
};

/// The fields of the message that matter here.
struct Message {
  std::vector<int64_t> dims;
  uint64_t dataType = 0;
  std::vector<float> floats;
  std::vector<int64_t> int32s, int64s;
  std::optional<StringRef> raw;
  bool external = false;
};

} // namespace

static llvm::Error refuse(StringRef name, const Twine &what) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 name + ": " + what);
}

/// Appends a repeated integer field, packed (one length-delimited run) or not.
static bool readIntegers(Reader &reader, unsigned wire,
                         std::vector<int64_t> &values) {
  if (wire == Varint) {
    std::optional<uint64_t> value = reader.varint();
    if (value)
      values.push_back(static_cast<int64_t>(*value));
    return value.has_value();
  }
  std::optional<uint64_t> size;
  std::optional<StringRef> run;
  if (wire != Bytes || !(size = reader.varint()) || !(run = reader.take(*size)))
    return false;
  Reader inner{*run};
  while (!inner.bytes.empty()) {
    std::optional<uint64_t> value = inner.varint();
    if (!value)
      return false;
    values.push_back(static_cast<int64_t>(*value));
  }
  return true;
}

static bool readFloats(Reader &reader, unsigned wire,
                       std::vector<float> &values) {
  std::optional<StringRef> run;
  if (wire == Fixed32) {
    run = reader.take(4);
  } else if (wire == Bytes) {
    if (std::optional<uint64_t> size = reader.varint())
      run = reader.take(*size);
  }
  if (!run || run->size() % 4 != 0)
    return false;
  size_t old = values.size();
  values.resize(old + run->size() / 4);
  if (!run->empty())
    std::memcpy(values.data() + old, run->data(), run->size());
  return true;
}

static bool skip(Reader &reader, unsigned wire) {
  switch (wire) {
  case Varint:
    return reader.varint().has_value();
  case Fixed64:
    return reader.take(8).has_value();
  case Fixed32:
    return reader.take(4).has_value();
  case Bytes:
    if (std::optional<uint64_t> size = reader.varint())
      return reader.take(*size).has_value();
    return false;
  default:
    return false; // groups do not occur in proto3
  }
}

static bool readMessage(Reader reader, Message &message) {
  while (!reader.bytes.empty()) {
    std::optional<uint64_t> tag = reader.varint();
    if (!tag)
      return false;
    unsigned wire = *tag & 7;
    switch (*tag >> 3) {
    case Dims:
      if (!readIntegers(reader, wire, message.dims))
        return false;
      continue;
    case FloatData:
      if (!readFloats(reader, wire, message.floats))
        return false;
      continue;
    case Int32Data:
      if (!readIntegers(reader, wire, message.int32s))
        return false;
      continue;
    case Int64Data:
      if (!readIntegers(reader, wire, message.int64s))
        return false;
      continue;
    case DataType:
    case DataLocation: {
      std::optional<uint64_t> value;
      if (wire != Varint || !(value = reader.varint()))
        return false;
      if (*tag >> 3 == DataType)
        message.dataType = *value;
      else
        message.external |= *value == 1;
      continue;
    }
    case RawData: {
      std::optional<uint64_t> size;
      if (wire != Bytes || !(size = reader.varint()) ||
          !(message.raw = reader.take(*size)))
        return false;
      continue;
    }
    case ExternalData:
      message.external = true;
      [[fallthrough]];
    default:
      if (!skip(reader, wire))
        return false;
    }
  }
  return true;
}

/// TensorProto.DataType -> element type.
static std::optional<ElementType> toElementType(uint64_t dataType) {
  switch (dataType) {
  case 1:
    return ElementType::F32;
  case 2:
    return ElementType::U8;
  case 3:
    return ElementType::I8;
  case 6:
    return ElementType::I32;
  case 7:
    return ElementType::I64;
  case 9:
    return ElementType::Bool;
  default:
    return std::nullopt;
  }
}

/// Narrows the integers of a typed field to the element type.
template <typename T>
static bool store(llvm::ArrayRef<int64_t> values, std::vector<char> &data) {
  data.resize(values.size() * sizeof(T));
  for (auto [i, value] : llvm::enumerate(values)) {
    T narrow = static_cast<T>(value);
    if (narrow != value)
      return false;
    std::memcpy(data.data() + i * sizeof(T), &narrow, sizeof(T));
  }
  return true;
}

llvm::Expected<Tensor> imc::execute::parseTensorProto(StringRef bytes,
                                                      StringRef name) {
  Message message;
  if (!readMessage(Reader{bytes}, message))
    return refuse(name, "not an ONNX TensorProto, or truncated");
  if (message.external)
    return refuse(name, "keeps its data in another file; save the tensor with "
                        "its data inside");
  std::optional<ElementType> type = toElementType(message.dataType);
  if (!type)
    return refuse(name, "TensorProto data type " + Twine(message.dataType) +
                            " is not supported; use float, uint8, int8, "
                            "int32, int64 or bool");
  Tensor tensor;
  tensor.type = *type;
  tensor.shape = message.dims;
  uint64_t size = byteWidth(*type);
  for (int64_t extent : tensor.shape) {
    if (extent < 0)
      return refuse(name, "negative extent " + Twine(extent));
    size = llvm::SaturatingMultiply<uint64_t>(size, extent);
  }
  bool inRange = true;
  if (message.raw) {
    tensor.data.assign(message.raw->begin(), message.raw->end());
  } else {
    switch (*type) {
    case ElementType::F32:
      tensor.data.resize(message.floats.size() * sizeof(float));
      if (!message.floats.empty())
        std::memcpy(tensor.data.data(), message.floats.data(),
                    tensor.data.size());
      break;
    case ElementType::I8:
      inRange = store<int8_t>(message.int32s, tensor.data);
      break;
    case ElementType::U8:
    case ElementType::Bool:
      inRange = store<uint8_t>(message.int32s, tensor.data);
      break;
    case ElementType::I32:
      inRange = store<int32_t>(message.int32s, tensor.data);
      break;
    case ElementType::I64:
      inRange = store<int64_t>(message.int64s, tensor.data);
      break;
    }
  }
  if (!inRange)
    return refuse(name, "holds a value outside " + toString(*type));
  if (tensor.data.size() != size)
    return refuse(name, tensor.describe() + " needs " + Twine(size) +
                            " bytes, found " + Twine(tensor.data.size()));
  return tensor;
}
