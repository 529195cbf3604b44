//===- TensorReader.cpp - TensorProto to Constant -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorReader.h"
#include "onnx-ml.pb.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SwapByteOrder.h"

using namespace mlir;
using onnx::TensorProto;

namespace imc::onnximport {

std::string onnxTypeName(int type) {
  if (TensorProto::DataType_IsValid(type))
    return TensorProto::DataType_Name(TensorProto::DataType(type));
  return "type " + std::to_string(type);
}

/// Bytes of one element in raw or external data, 0 for types that are not read.
static int64_t elementSize(int type) {
  switch (type) {
  case TensorProto::BOOL:
  case TensorProto::INT8:
  case TensorProto::UINT8:
    return 1;
  case TensorProto::INT16:
  case TensorProto::UINT16:
    return 2;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return 4;
  case TensorProto::INT64:
  case TensorProto::UINT64:
    return 8;
  default:
    return 0;
  }
}

template <typename T>
static int64_t loadInteger(const char *data) {
  return int64_t(
      llvm::support::endian::read<T, llvm::endianness::little>(data));
}

/// Element `i` of little-endian integers of ONNX type `type`.
static int64_t loadElement(int type, const char *data, int64_t i) {
  data += i * elementSize(type);
  switch (type) {
  case TensorProto::BOOL:
  case TensorProto::UINT8:
    return loadInteger<uint8_t>(data);
  case TensorProto::INT8:
    return loadInteger<int8_t>(data);
  case TensorProto::UINT16:
    return loadInteger<uint16_t>(data);
  case TensorProto::INT16:
    return loadInteger<int16_t>(data);
  case TensorProto::UINT32:
    return loadInteger<uint32_t>(data);
  case TensorProto::INT32:
    return loadInteger<int32_t>(data);
  default:
    return loadInteger<uint64_t>(data);
  }
}

/// ONNX data is little-endian; resources are in the order of the host, and they
/// want aligned floats.
static std::shared_ptr<Blob> makeFloatBlob(std::shared_ptr<const void> owner,
                                           ArrayRef<char> data) {
  auto blob = std::make_shared<Blob>();
  bool aligned = reinterpret_cast<uintptr_t>(data.data()) % alignof(float) == 0;
  if (!aligned || llvm::sys::IsBigEndianHost) {
    auto copy = std::make_shared<std::vector<float>>(data.size() / 4);
    for (size_t i = 0; i < copy->size(); ++i) {
      uint32_t bits = llvm::support::endian::read32le(data.data() + 4 * i);
      std::memcpy(&(*copy)[i], &bits, 4);
    }
    data = {reinterpret_cast<const char *>(copy->data()), data.size()};
    owner = copy;
  }
  blob->owner = std::move(owner);
  blob->data = data;
  return blob;
}

/// Takes values from the typed field that the ONNX type is stored in.
static std::optional<std::vector<int64_t>>
integersOfField(const TensorProto &tensor, int64_t count) {
  auto take = [&](const auto &field) -> std::optional<std::vector<int64_t>> {
    if (field.size() != count)
      return std::nullopt;
    return std::vector<int64_t>(field.begin(), field.end());
  };
  switch (tensor.data_type()) {
  case TensorProto::INT64:
    return take(tensor.int64_data());
  case TensorProto::UINT32:
  case TensorProto::UINT64:
    return take(tensor.uint64_data());
  default:
    return take(tensor.int32_data());
  }
}

FailureOr<Constant> TensorReader::read(TensorProto &tensor, StringRef name,
                                       const std::string &what, Location loc) {
  auto error = [&] { return emitError(loc) << what << ": "; };
  SmallVector<int64_t, 4> shape(tensor.dims().begin(), tensor.dims().end());
  std::optional<int64_t> count = countElements(shape);
  if (!count) {
    error() << "the shape " << shapeText(shape)
            << " has a negative dimension or more than 2^34 elements; the file "
               "is damaged";
    return failure();
  }
  if (tensor.has_segment()) {
    error() << "is stored in segments, which no longer exist in ONNX; save the "
               "model again with a current exporter";
    return failure();
  }
  int type = tensor.data_type();
  int64_t size = elementSize(type);
  if (size == 0)
    return Constant::makeUnsupported(name, shape, type);
  int64_t bytes = *count * size;

  ArrayRef<char> data;
  std::shared_ptr<const void> owner;
  bool external = tensor.data_location() == TensorProto::EXTERNAL;
  bool raw = tensor.has_raw_data();
  if (external && (raw || tensor.float_data_size() ||
                   tensor.int64_data_size() || tensor.int32_data_size())) {
    error() << "has data inside the file and an external location; the file is "
               "damaged";
    return failure();
  }
  if (external) {
    FailureOr<Blob> blob = readExternal(tensor, bytes, what, loc);
    if (failed(blob))
      return failure();
    if (!blob->owner) {
      if (type == TensorProto::FLOAT)
        return Constant::makeMissing(name, shape);
      error()
          << "is " << onnxTypeName(type)
          << " in external data that does not exist; only float weights may "
             "be absent, put the file beside the model";
      return failure();
    }
    data = blob->data;
    owner = std::move(blob->owner);
  } else if (raw) {
    std::shared_ptr<std::string> text(tensor.release_raw_data());
    data = ArrayRef<char>(text->data(), text->size());
    owner = std::move(text);
    if (int64_t(data.size()) != bytes) {
      error() << "has " << data.size() << " bytes of data, but the shape "
              << shapeText(shape) << " of " << onnxTypeName(type) << " needs "
              << bytes << "; the file is damaged";
      return failure();
    }
  }

  if (type == TensorProto::FLOAT) {
    if (owner)
      return Constant::makeFloat(name, shape,
                                 makeFloatBlob(std::move(owner), data));
    if (tensor.float_data_size() != *count) {
      error() << "has " << tensor.float_data_size() << " values, but the shape "
              << shapeText(shape) << " needs " << *count
              << "; the file is damaged";
      return failure();
    }
    return Constant::makeFloats(name, shape,
                                std::vector<float>(tensor.float_data().begin(),
                                                   tensor.float_data().end()));
  }

  std::vector<int64_t> values;
  if (owner) {
    values.resize(*count);
    for (int64_t i = 0; i < *count; ++i)
      values[i] = loadElement(type, data.data(), i);
  } else {
    std::optional<std::vector<int64_t>> field = integersOfField(tensor, *count);
    if (!field) {
      error() << "has not the " << *count << " values that its shape "
              << shapeText(shape) << " of " << onnxTypeName(type)
              << " needs; the file is damaged";
      return failure();
    }
    values = std::move(*field);
  }
  return Constant::makeIntegers(name, shape, std::move(values), type);
}

FailureOr<std::shared_ptr<llvm::MemoryBuffer>>
TensorReader::openExternal(StringRef location, const std::string &what,
                           Location loc) {
  namespace path = llvm::sys::path;
  namespace fs = llvm::sys::fs;
  auto error = [&] {
    return emitError(loc) << what << ": external data '" << location << "' ";
  };
  // Said by name before any file is touched.
  if (location.empty() || location.contains('\0')) {
    error() << "is not a file name";
    return failure();
  }
  bool upwards = llvm::is_contained(
      llvm::make_range(path::begin(location), path::end(location)), "..");
  if (path::is_absolute(location) || upwards) {
    error() << "lies outside the model's folder, which is refused; move it "
               "beside the model and name it relative to the model";
    return failure();
  }
  if (folder.empty())
    return std::shared_ptr<llvm::MemoryBuffer>();
  auto known = files.find(location);
  if (known != files.end())
    return known->second;

  SmallString<128> full(folder);
  path::append(full, location);
  SmallString<128> real, realFolder;
  if (std::error_code ec = fs::real_path(full, real)) {
    if (ec == std::errc::no_such_file_or_directory) {
      files[location] = nullptr;
      return std::shared_ptr<llvm::MemoryBuffer>();
    }
    error() << "cannot be opened: " << ec.message();
    return failure();
  }
  if (std::error_code ec = fs::real_path(folder, realFolder)) {
    error() << "cannot be opened: folder '" << folder << "': " << ec.message();
    return failure();
  }
  // A symbolic link may lead anywhere, so compare what it resolves to.
  if (!StringRef(real).starts_with(realFolder) ||
      (real.size() > realFolder.size() && !realFolder.ends_with("/") &&
       real[realFolder.size()] != '/')) {
    error() << "is a link to '" << real
            << "' outside the model's folder, which is refused; copy the file "
               "beside the model";
    return failure();
  }
  if (!fs::is_regular_file(real)) {
    error() << "is not a regular file";
    return failure();
  }
  auto buffer = llvm::MemoryBuffer::getFile(real, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    error() << "cannot be read: " << buffer.getError().message();
    return failure();
  }
  std::shared_ptr<llvm::MemoryBuffer> file = std::move(*buffer);
  files[location] = file;
  return file;
}

FailureOr<Blob> TensorReader::readExternal(const TensorProto &tensor,
                                           int64_t bytes,
                                           const std::string &what,
                                           Location loc) {
  std::string location;
  uint64_t offset = 0, length = uint64_t(bytes);
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset" || entry.key() == "length") {
      uint64_t &number = entry.key() == "offset" ? offset : length;
      if (StringRef(entry.value()).getAsInteger(10, number)) {
        emitError(loc) << what << ": external data: " << entry.key() << " '"
                       << entry.value() << "' is not a number of bytes";
        return failure();
      }
    }
  }
  FailureOr<std::shared_ptr<llvm::MemoryBuffer>> file =
      openExternal(location, what, loc);
  if (failed(file))
    return failure();
  if (length != uint64_t(bytes)) {
    emitError(loc) << what << ": external data '" << location << "' has length "
                   << length << ", but the shape needs " << bytes << " bytes";
    return failure();
  }
  if (!*file)
    return Blob();
  uint64_t size = (*file)->getBufferSize();
  if (offset > size || length > size - offset) {
    emitError(loc) << what << ": external data '" << location << "': bytes "
                   << offset << " to " << offset << "+" << length
                   << " lie beyond the end of the file (" << size
                   << " bytes); the file is truncated or belongs to another "
                      "model";
    return failure();
  }
  Blob blob;
  blob.data = ArrayRef<char>((*file)->getBufferStart() + offset, length);
  blob.owner = *file;
  return blob;
}

} // namespace imc::onnximport
