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
  DoubleData = 10,
  Uint64Data = 11,
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
  /// Elements of float_data and double_data, as bytes.
  std::vector<char> floats, doubles;
  std::vector<int64_t> int32s, int64s, uint64s;
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

/// Appends a repeated field of elements of 4 or 8 bytes, packed or not.
static bool readFixed(Reader &reader, unsigned wire, size_t width,
                      std::vector<char> &values) {
  std::optional<StringRef> run;
  if (wire == (width == 4 ? Fixed32 : Fixed64)) {
    run = reader.take(width);
  } else if (wire == Bytes) {
    if (std::optional<uint64_t> size = reader.varint())
      run = reader.take(*size);
  }
  if (!run || run->size() % width != 0)
    return false;
  values.insert(values.end(), run->begin(), run->end());
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
      if (!readFixed(reader, wire, 4, message.floats))
        return false;
      continue;
    case DoubleData:
      if (!readFixed(reader, wire, 8, message.doubles))
        return false;
      continue;
    case Uint64Data:
      if (!readIntegers(reader, wire, message.uint64s))
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

/// TensorProto.DataType of the types that pack two elements into a byte.
enum DataType : uint64_t { Uint4 = 21, Int4 = 22 };

/// TensorProto.DataType -> element type.
static std::optional<ElementType> toElementType(uint64_t dataType) {
  switch (dataType) {
  case 1:
    return ElementType::F32;
  case 2:
  case Uint4:
    return ElementType::U8;
  case 3:
  case Int4:
    return ElementType::I8;
  case 4:
    return ElementType::U16;
  case 5:
    return ElementType::I16;
  case 6:
    return ElementType::I32;
  case 7:
    return ElementType::I64;
  case 9:
    return ElementType::Bool;
  case 10:
    return ElementType::F16;
  case 11:
    return ElementType::F64;
  case 12:
    return ElementType::U32;
  case 13:
    return ElementType::U64;
  case 16:
    return ElementType::BF16;
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
    if (static_cast<int64_t>(narrow) != value)
      return false;
    std::memcpy(data.data() + i * sizeof(T), &narrow, sizeof(T));
  }
  return true;
}

/// The typed field that holds elements of `type`, as bytes; false when a value
/// does not fit the type.
static bool storeTyped(const Message &message, ElementType type,
                       std::vector<char> &data) {
  switch (type) {
  case ElementType::F32:
    data = message.floats;
    return true;
  case ElementType::F64:
    data = message.doubles;
    return true;
  case ElementType::I8:
    return store<int8_t>(message.int32s, data);
  case ElementType::U8:
    return store<uint8_t>(message.int32s, data);
  case ElementType::Bool:
    return llvm::all_of(message.int32s,
                        [](int64_t v) { return v >> 1 == 0; }) &&
           store<uint8_t>(message.int32s, data);
  case ElementType::I16:
    return store<int16_t>(message.int32s, data);
  case ElementType::U16:
  case ElementType::F16: // the bits
  case ElementType::BF16:
    return store<uint16_t>(message.int32s, data);
  case ElementType::I32:
    return store<int32_t>(message.int32s, data);
  case ElementType::U32:
    return store<uint32_t>(message.uint64s, data);
  case ElementType::I64:
    return store<int64_t>(message.int64s, data);
  case ElementType::U64:
    return store<uint64_t>(message.uint64s, data);
  }
  llvm_unreachable("covered switch");
}

/// Unpacks `count` elements of four bits, the first one in the low half.
static std::vector<char> unpackNibbles(llvm::ArrayRef<char> packed,
                                       uint64_t count, bool isSigned) {
  std::vector<char> data(count);
  for (uint64_t i = 0; i < count; ++i) {
    int value = static_cast<unsigned char>(packed[i / 2]) >> (i % 2 * 4) & 0xf;
    data[i] = static_cast<char>(isSigned && value > 7 ? value - 16 : value);
  }
  return data;
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
                            " is not supported; use a float, integer or bool "
                            "type");
  bool isNibbles = message.dataType == Uint4 || message.dataType == Int4;
  Tensor tensor;
  tensor.type = *type;
  tensor.shape = message.dims;
  uint64_t size = byteWidth(*type);
  for (int64_t extent : tensor.shape) {
    if (extent < 0)
      return refuse(name, "negative extent " + Twine(extent));
    size = llvm::SaturatingMultiply<uint64_t>(size, extent);
  }
  if (message.raw)
    tensor.data.assign(message.raw->begin(), message.raw->end());
  else if (!storeTyped(message, isNibbles ? ElementType::U8 : *type,
                       tensor.data))
    return refuse(name, "holds a value outside " + toString(*type));
  uint64_t stored = isNibbles ? size / 2 + size % 2 : size;
  if (tensor.data.size() != stored)
    return refuse(name, tensor.describe() + " needs " + Twine(stored) +
                            " bytes, found " + Twine(tensor.data.size()));
  if (isNibbles)
    tensor.data = unpackNibbles(tensor.data, size, message.dataType == Int4);
  return tensor;
}
