//===- Tensor.cpp - Dense tensors and .npy files --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Tensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

using namespace imc::execute;
using llvm::StringRef;
using llvm::Twine;

static llvm::Error refuse(StringRef name, const Twine &what) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 name + ": " + what);
}

namespace {
struct TypeInfo {
  ElementType type;
  StringRef name;
  int64_t bytes;
  /// The 'descr' of .npy; one-byte types have no byte order.
  StringRef npy;
};
} // namespace

static constexpr TypeInfo typeInfos[] = {
    {ElementType::F16, "f16", 2, "<f2"},   {ElementType::BF16, "bf16", 2, ""},
    {ElementType::F32, "f32", 4, "<f4"},   {ElementType::F64, "f64", 8, "<f8"},
    {ElementType::I8, "i8", 1, "|i1"},     {ElementType::U8, "u8", 1, "|u1"},
    {ElementType::I16, "i16", 2, "<i2"},   {ElementType::U16, "u16", 2, "<u2"},
    {ElementType::I32, "i32", 4, "<i4"},   {ElementType::U32, "u32", 4, "<u4"},
    {ElementType::I64, "i64", 8, "<i8"},   {ElementType::U64, "u64", 8, "<u8"},
    {ElementType::Bool, "bool", 1, "|b1"},
};

static const TypeInfo &infoOf(ElementType type) {
  const TypeInfo &info = typeInfos[static_cast<unsigned>(type)];
  assert(info.type == type && "the table is in the order of the enumeration");
  return info;
}

int64_t imc::execute::byteWidth(ElementType type) { return infoOf(type).bytes; }

StringRef imc::execute::toString(ElementType type) { return infoOf(type).name; }

bool imc::execute::isFloat(ElementType type) {
  return type <= ElementType::F64;
}

Tensor Tensor::zeros(ElementType type, llvm::ArrayRef<int64_t> shape) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.data.assign(tensor.numElements() * byteWidth(type), 0);
  return tensor;
}

int64_t Tensor::numElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// The value of IEEE 754 binary16 bits.
static double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  double magnitude;
  if (exponent == 0x1f)
    magnitude = fraction ? std::numeric_limits<double>::quiet_NaN()
                         : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, -24);
  else
    magnitude = std::ldexp(fraction | 0x400, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// A bfloat16 is the upper half of a float.
static float bfloatToFloat(uint16_t bits) {
  return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

double Tensor::at(int64_t index) const {
  switch (type) {
  case ElementType::F16:
    return halfToDouble(as<uint16_t>()[index]);
  case ElementType::BF16:
    return bfloatToFloat(as<uint16_t>()[index]);
  case ElementType::F32:
    return as<float>()[index];
  case ElementType::F64:
    return as<double>()[index];
  case ElementType::I8:
    return as<int8_t>()[index];
  case ElementType::U8:
  case ElementType::Bool:
    return as<uint8_t>()[index];
  case ElementType::I16:
    return as<int16_t>()[index];
  case ElementType::U16:
    return as<uint16_t>()[index];
  case ElementType::I32:
    return as<int32_t>()[index];
  case ElementType::U32:
    return as<uint32_t>()[index];
  case ElementType::I64:
    return static_cast<double>(as<int64_t>()[index]);
  case ElementType::U64:
    return static_cast<double>(as<uint64_t>()[index]);
  }
  llvm_unreachable("covered switch");
}

std::string Tensor::describe() const {
  std::string text;
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text + toString(type).str();
}

//===----------------------------------------------------------------------===//
// .npy
//===----------------------------------------------------------------------===//

namespace {
/// Reads the header, a Python dictionary literal such as
/// {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }.
/// Only the three keys of the format in any order; everything else is refused.
class HeaderParser {
public:
  HeaderParser(StringRef text, StringRef name) : text(text), name(name) {}

  llvm::Error parse() {
    if (!consume("{"))
      return malformed("'{'");
    while (!consume("}")) {
      StringRef key;
      if (!string(key) || !consume(":"))
        return malformed("a key in quotes");
      if (key == "descr") {
        if (!string(descr))
          return refuse(name, "structured or malformed 'descr' in the .npy "
                              "header; write a plain numeric array");
      } else if (key == "fortran_order") {
        if (consume("False"))
          fortranOrder = false;
        else if (consume("True"))
          fortranOrder = true;
        else
          return malformed("True or False");
      } else if (key == "shape") {
        if (llvm::Error error = tuple())
          return error;
      } else {
        return refuse(name, "unknown key '" + key + "' in the .npy header");
      }
      if (!consume(",") && !text.ltrim().starts_with("}"))
        return malformed("',' or '}'");
    }
    return llvm::Error::success();
  }

  StringRef descr;
  bool fortranOrder = false;
  bool hasShape = false;
  std::vector<int64_t> shape;

private:
  llvm::Error malformed(const Twine &expected) {
    return refuse(name, "malformed .npy header: expected " + expected +
                            " before '" + text.take_front(20) + "'");
  }
  bool consume(StringRef token) {
    text = text.ltrim();
    return text.consume_front(token);
  }
  bool string(StringRef &value) {
    text = text.ltrim();
    if (text.empty() || (text[0] != '\'' && text[0] != '"'))
      return false;
    size_t end = text.find(text[0], 1);
    if (end == StringRef::npos)
      return false;
    value = text.substr(1, end - 1);
    text = text.drop_front(end + 1);
    return true;
  }
  llvm::Error tuple() {
    if (!consume("("))
      return malformed("'('");
    hasShape = true;
    while (!consume(")")) {
      int64_t extent;
      text = text.ltrim();
      if (text.consumeInteger(10, extent) || extent < 0)
        return malformed("a non-negative extent");
      text.consume_front("L"); // written by Python 2
      shape.push_back(extent);
      if (!consume(",") && !text.ltrim().starts_with(")"))
        return malformed("',' or ')'");
    }
    return llvm::Error::success();
  }

  StringRef text, name;
};
} // namespace

llvm::Expected<Tensor> imc::execute::parseNpy(StringRef bytes, StringRef name) {
  if (!bytes.starts_with("\x93NUMPY") || bytes.size() < 10)
    return refuse(name, "not a .npy file: the magic string is missing");
  auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned major = byte(6);
  if (major < 1 || major > 3)
    return refuse(name, ".npy format version " + Twine(major) +
                            " is not supported; save it with numpy.save");
  size_t prefix = major == 1 ? 10 : 12;
  if (bytes.size() < prefix)
    return refuse(name, "truncated .npy header");
  size_t length = byte(8) | byte(9) << 8;
  if (major > 1)
    length |= byte(10) << 16 | static_cast<size_t>(byte(11)) << 24;
  if (bytes.size() - prefix < length)
    return refuse(name, "truncated .npy header: " + Twine(length) +
                            " bytes announced, " +
                            Twine(bytes.size() - prefix) + " there");
  HeaderParser header(bytes.substr(prefix, length), name);
  if (llvm::Error error = header.parse())
    return std::move(error);
  if (header.descr.empty() || !header.hasShape)
    return refuse(name, "the .npy header lacks 'descr' or 'shape'");
  if (header.fortranOrder && header.shape.size() > 1)
    return refuse(name, "is in Fortran order; save numpy.ascontiguousarray(x)");

  Tensor tensor;
  StringRef descr = header.descr;
  std::string wanted = descr.str();
  if (wanted == "<i1" || wanted == "<u1")
    wanted[0] = '|';
  const TypeInfo *info = llvm::find_if(
      typeInfos, [&](const TypeInfo &info) { return info.npy == wanted; });
  if (info == std::end(typeInfos))
    return refuse(name, "element type '" + descr +
                            "' is not supported; save it as float16, float32, "
                            "float64, int8 to int64, uint8 to uint64 or bool, "
                            "little endian");
  tensor.type = info->type;

  tensor.shape = header.shape;
  uint64_t count = byteWidth(tensor.type);
  for (int64_t extent : tensor.shape)
    count = llvm::SaturatingMultiply<uint64_t>(count, extent);
  StringRef payload = bytes.drop_front(prefix + length);
  if (payload.size() != count)
    return refuse(name, tensor.describe() + " needs " + Twine(count) +
                            " bytes after the header, found " +
                            Twine(payload.size()));
  tensor.data.assign(payload.begin(), payload.end());
  return tensor;
}

std::string imc::execute::serializeNpy(const Tensor &tensor) {
  if (tensor.type == ElementType::BF16) {
    Tensor wide = Tensor::zeros(ElementType::F32, tensor.shape);
    for (auto [value, bits] :
         llvm::zip(wide.as<float>(), tensor.as<uint16_t>()))
      value = bfloatToFloat(bits);
    return serializeNpy(wide);
  }
  StringRef descr = infoOf(tensor.type).npy;
  std::string header =
      ("{'descr': '" + descr + "', 'fortran_order': False, " + "'shape': (")
          .str();
  for (auto [i, extent] : llvm::enumerate(tensor.shape))
    header += (i ? " " : "") + std::to_string(extent) + ",";
  header += "), }";
  // Magic, version, length and header together are a multiple of 64 bytes.
  header.resize(llvm::alignTo(header.size() + 11, 64) - 11, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(tensor.data.begin(), tensor.data.end());
  return bytes;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> imc::execute::readTensor(StringRef path) {
  StringRef extension = llvm::sys::path::extension(path);
  if (extension != ".npy" && extension != ".pb")
    return refuse(path, "unknown tensor file '" + extension +
                            "'; give .npy or .pb (an ONNX TensorProto)");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return refuse(path, buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  return extension == ".npy" ? parseNpy(bytes, path)
                             : parseTensorProto(bytes, path);
}

llvm::Error imc::execute::writeNpyFiles(llvm::ArrayRef<std::string> paths,
                                        llvm::ArrayRef<Tensor> tensors) {
  assert(paths.size() == tensors.size());
  std::vector<std::string> temporaries;
  auto discard = [&] {
    for (const std::string &temporary : temporaries)
      (void)llvm::sys::fs::remove(temporary);
  };
  for (auto [path, tensor] : llvm::zip(paths, tensors)) {
    llvm::SmallString<128> temporary;
    int fd;
    if (std::error_code error = llvm::sys::fs::createUniqueFile(
            path + ".%%%%%%.tmp", fd, temporary)) {
      discard();
      return refuse(path, "cannot be written: " + error.message());
    }
    temporaries.push_back(temporary.str().str());
    llvm::raw_fd_ostream os(fd, /*shouldClose=*/true);
    os << serializeNpy(tensor);
    os.close();
    if (os.has_error()) {
      std::string message = os.error().message();
      os.clear_error();
      discard();
      return refuse(path, "cannot be written: " + message);
    }
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    if (std::error_code error =
            llvm::sys::fs::rename(temporaries[i], paths[i])) {
      discard();
      return refuse(paths[i], "cannot be written: " + error.message());
    }
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<Tensor>>
imc::execute::readTensors(llvm::ArrayRef<std::string> paths, StringRef prefix) {
  std::vector<std::string> files;
  if (paths.size() == 1 && llvm::sys::fs::is_directory(paths[0])) {
    while (true) {
      std::string found;
      for (StringRef extension : {".npy", ".pb"}) {
        llvm::SmallString<128> file(paths[0]);
        llvm::sys::path::append(file,
                                prefix + "_" + Twine(files.size()) + extension);
        if (!llvm::sys::fs::exists(file))
          continue;
        if (!found.empty())
          return refuse(found, "is there as " + extension +
                                   " too; remove one of the two");
        found = file.str().str();
      }
      if (found.empty())
        break;
      files.push_back(found);
    }
    if (files.empty())
      return refuse(paths[0], "holds neither " + prefix + "_0.npy nor " +
                                  prefix + "_0.pb");
  } else {
    for (const std::string &path : paths) {
      if (llvm::sys::fs::is_directory(path))
        return refuse(path, "give either one directory or a list of files");
      files.push_back(path);
    }
  }
  std::vector<Tensor> tensors;
  for (const std::string &file : files) {
    llvm::Expected<Tensor> tensor = readTensor(file);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}
