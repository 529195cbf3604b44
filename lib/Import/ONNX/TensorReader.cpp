//===- TensorReader.cpp - TensorProto to Constant -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorReader.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SwapByteOrder.h"

using namespace mlir;
using onnx::TensorProto;

namespace imc::onnximport {

/// Bytes that `count` elements take in raw or external data, where two 4-bit
/// elements share a byte; 0 for types that are not read.
static int64_t storedBytes(int type, int64_t count) {
  if (type == onnxtype::Int4 || type == onnxtype::UInt4)
    return (count + 1) / 2;
  return count * bytesPerElement(type);
}

/// Elements of ONNX (little-endian, packed) as a Constant holds them: aligned,
/// in the order of the host, 4-bit elements one to a byte.
static std::shared_ptr<Blob> makeBlob(int type, int64_t count,
                                      std::shared_ptr<const void> owner,
                                      ArrayRef<char> data,
                                      bool mapped = false) {
  if (type == onnxtype::Int4 || type == onnxtype::UInt4) {
    std::vector<int8_t> values;
    for (int64_t i = 0; i < count; ++i) {
      int8_t nibble = (uint8_t(data[i / 2]) >> (i % 2 ? 4 : 0)) & 15;
      values.push_back(type == onnxtype::Int4 && nibble > 7 ? nibble - 16
                                                            : nibble);
    }
    return makeBlob(std::move(values));
  }
  if (type == onnxtype::Bool &&
      llvm::any_of(data, [](char byte) { return byte != 0 && byte != 1; })) {
    // Every byte but 0 means true.
    std::vector<int8_t> values;
    for (char byte : data)
      values.push_back(byte != 0);
    return makeBlob(std::move(values));
  }
  int64_t size = bytesPerElement(type);
  bool aligned = reinterpret_cast<uintptr_t>(data.data()) % size == 0;
  if (!aligned || llvm::sys::IsBigEndianHost) {
    // Words, so that any element type is aligned.
    auto copy = std::make_shared<std::vector<uint64_t>>((data.size() + 7) / 8);
    char *bytes = reinterpret_cast<char *>(copy->data());
    std::memcpy(bytes, data.data(), data.size());
    if (llvm::sys::IsBigEndianHost)
      for (size_t i = 0; i + size <= data.size(); i += size)
        std::reverse(bytes + i, bytes + i + size);
    if (mapped)
      releasePages({owner, data, true, false, {}});
    data = {bytes, data.size()};
    owner = copy;
    mapped = false;
  }
  auto blob = std::make_shared<Blob>();
  blob->mapped = mapped;
  blob->owner = std::move(owner);
  blob->data = data;
  return blob;
}

/// Takes the elements from the typed field that the ONNX type is stored in, or
/// null when the field has not `count` of them.
static std::shared_ptr<Blob> blobOfField(const TensorProto &tensor,
                                         int64_t count) {
  auto take = [&](auto zero, const auto &field) -> std::shared_ptr<Blob> {
    using T = decltype(zero);
    if (field.size() != count)
      return nullptr;
    std::vector<T> values;
    values.reserve(count);
    for (auto value : field)
      values.push_back(T(value));
    return makeBlob(std::move(values));
  };
  switch (int type = tensor.data_type()) {
  case TensorProto::FLOAT:
    return take(float(), tensor.float_data());
  case TensorProto::DOUBLE:
    return take(double(), tensor.double_data());
  case TensorProto::INT64:
    return take(int64_t(), tensor.int64_data());
  case TensorProto::UINT32:
    return take(uint32_t(), tensor.uint64_data());
  case TensorProto::UINT64:
    return take(uint64_t(), tensor.uint64_data());
  case TensorProto::INT4:
  case TensorProto::UINT4: {
    // Each entry is a byte with two elements.
    if (tensor.int32_data_size() != (count + 1) / 2)
      return nullptr;
    std::vector<char> packed(tensor.int32_data().begin(),
                             tensor.int32_data().end());
    return makeBlob(type, count, nullptr, packed);
  }
  default:
    // Bits of 16-bit floats, and the small integers.
    switch (bytesPerElement(type)) {
    case 1:
      return take(uint8_t(), tensor.int32_data());
    case 2:
      return take(uint16_t(), tensor.int32_data());
    default:
      return take(int32_t(), tensor.int32_data());
    }
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
  if (bytesPerElement(type) == 0)
    return Constant::makeUnsupported(name, shape, type);
  int64_t bytes = storedBytes(type, *count);

  ArrayRef<char> data;
  std::shared_ptr<const void> owner;
  bool mapped = false;
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
    mapped = blob->mapped;
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

  std::shared_ptr<Blob> blob =
      owner ? makeBlob(type, *count, std::move(owner), data, mapped)
            : blobOfField(tensor, *count);
  if (!blob) {
    error() << "has not the " << *count << " values that its shape "
            << shapeText(shape) << " of " << onnxTypeName(type)
            << " needs; the file is damaged";
    return failure();
  }
  return Constant::make(name, shape, type, std::move(blob));
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
  // Asked before the file is opened (opening a FIFO would wait), and again of
  // the file that was opened, in case it was exchanged in between.
  auto check = [&](std::error_code ec, const fs::file_status &status) {
    if (ec) {
      error() << "cannot be read: " << ec.message();
      return failure();
    }
    if (!fs::is_regular_file(status)) {
      error() << "is not a regular file";
      return failure();
    }
    if (status.getLinkCount() > 1) {
      error() << "has " << status.getLinkCount()
              << " names (hard links), of which another may lie outside the "
                 "model's folder, which is refused; copy the file beside the "
                 "model";
      return failure();
    }
    return success();
  };
  fs::file_status status;
  std::error_code ec = fs::status(real, status);
  if (failed(check(ec, status)))
    return failure();
  llvm::Expected<fs::file_t> opened = fs::openNativeFileForRead(real);
  if (!opened) {
    error() << "cannot be read: " << llvm::toString(opened.takeError());
    return failure();
  }
  llvm::scope_exit close([&] { fs::closeFile(*opened); });
  ec = fs::status(*opened, status);
  if (failed(check(ec, status)))
    return failure();
  auto buffer = llvm::MemoryBuffer::getOpenFile(
      *opened, real, status.getSize(), /*RequiresNullTerminator=*/false);
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
  blob.mapped =
      (*file)->getBufferKind() == llvm::MemoryBuffer::MemoryBuffer_MMap;
  return blob;
}

} // namespace imc::onnximport
