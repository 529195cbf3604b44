//===- TensorTest.cpp - .npy and TensorProto files ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Tensor.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace imc::execute;

static std::string messageOf(llvm::Expected<Tensor> tensor) {
  return tensor ? "" : llvm::toString(tensor.takeError());
}

/// A version 1 header for `dictionary`, without padding, then `payload`.
static std::string npy(const std::string &dictionary, std::string payload,
                       char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += major;
  bytes += '\0';
  bytes += static_cast<char>(dictionary.size());
  bytes += '\0';
  if (major > 1)
    bytes += std::string(2, '\0');
  return bytes + dictionary + payload;
}

TEST(Npy, RoundTripsEveryType) {
  for (ElementType type :
       {ElementType::F16, ElementType::F32, ElementType::F64, ElementType::I8,
        ElementType::U8, ElementType::I16, ElementType::U16, ElementType::I32,
        ElementType::U32, ElementType::I64, ElementType::U64,
        ElementType::Bool}) {
    for (std::vector<int64_t> shape :
         std::vector<std::vector<int64_t>>{{}, {3}, {2, 0, 3}, {2, 3, 1, 4}}) {
      Tensor tensor = Tensor::zeros(type, shape);
      for (size_t i = 0; i < tensor.data.size(); ++i)
        tensor.data[i] =
            static_cast<char>(type == ElementType::Bool ? i % 2 : i * 7);
      std::string bytes = serializeNpy(tensor);
      EXPECT_EQ((bytes.size() - tensor.data.size()) % 64, 0u);
      llvm::Expected<Tensor> read = parseNpy(bytes, "t.npy");
      ASSERT_TRUE(static_cast<bool>(read)) << llvm::toString(read.takeError());
      EXPECT_EQ(read->type, type);
      EXPECT_EQ(read->shape, shape);
      EXPECT_EQ(read->data, tensor.data);
    }
  }
}

TEST(Npy, WidensBFloat16) {
  Tensor tensor = Tensor::zeros(ElementType::BF16, {2});
  tensor.as<uint16_t>()[0] = 0x3fc0;
  tensor.as<uint16_t>()[1] = 0xff80;
  llvm::Expected<Tensor> read = parseNpy(serializeNpy(tensor), "t.npy");
  ASSERT_TRUE(static_cast<bool>(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->type, ElementType::F32);
  EXPECT_EQ(read->at(0), 1.5);
  EXPECT_EQ(read->at(1), -std::numeric_limits<double>::infinity());
}

TEST(Tensor, ReadsValuesOfEveryWidth) {
  Tensor half = Tensor::zeros(ElementType::F16, {6});
  uint16_t bits[] = {0x3c00, 0xc500, 0x0001, 0x7bff, 0xfc00, 0x7e00};
  llvm::copy(bits, half.as<uint16_t>().begin());
  EXPECT_EQ(half.at(0), 1);
  EXPECT_EQ(half.at(1), -5);
  EXPECT_EQ(half.at(2), std::ldexp(1, -24));
  EXPECT_EQ(half.at(3), 65504);
  EXPECT_EQ(half.at(4), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(half.at(5)));
  Tensor wide = Tensor::zeros(ElementType::U64, {1});
  wide.as<uint64_t>()[0] = ~uint64_t(0);
  EXPECT_EQ(wide.at(0), std::ldexp(1, 64));
  Tensor narrow = Tensor::zeros(ElementType::I16, {1});
  narrow.as<int16_t>()[0] = -2;
  EXPECT_EQ(narrow.at(0), -2);
}

TEST(Npy, ReadsVersions2And3) {
  for (char version : {2, 3}) {
    llvm::Expected<Tensor> read =
        parseNpy(npy("{'shape': (2,), 'fortran_order': False, 'descr': '|i1'}",
                     "\x01\xff", version),
                 "t.npy");
    ASSERT_TRUE(static_cast<bool>(read)) << llvm::toString(read.takeError());
    EXPECT_EQ(read->at(0), 1);
    EXPECT_EQ(read->at(1), -1);
  }
}

TEST(Npy, RefusesWithCauseAndWayOut) {
  struct {
    std::string bytes, message;
  } cases[] = {
      {"PK\x03\x04", "the magic string is missing"},
      {npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
           std::string(8, '\0')),
       "'<c8' is not supported; save it as float16, float32"},
      {npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}",
           std::string(4, '\0')),
       "'>f4' is not supported"},
      {npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}",
           std::string(16, '\0')),
       "save numpy.ascontiguousarray(x)"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}",
           std::string(15, '\0')),
       "2x2xf32 needs 16 bytes after the header, found 15"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
           "(4611686018427387904, 4611686018427387904)}",
           ""),
       "found 0"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", ""),
       "expected a non-negative extent"},
      {npy("{'descr': '<f4', 'fortran_order': False}", ""), "lacks"},
      {npy("{'descr': '<f4', 'color': 1}", ""), "unknown key 'color'"},
      {npy("{'descr': '<f4'", ""), "malformed .npy header"},
      {npy("{'descr': '<f4'}", "", 9), "format version 9"},
      {npy("{}", "").substr(0, 10), "truncated"},
  };
  for (const auto &[bytes, message] : cases) {
    std::string got = messageOf(parseNpy(bytes, "bad.npy"));
    EXPECT_NE(got.find(message), std::string::npos) << got;
    EXPECT_EQ(got.rfind("bad.npy: ", 0), 0u) << got;
  }
}

TEST(Npy, EveryTruncationIsRefused) {
  Tensor tensor = Tensor::zeros(ElementType::F32, {2, 3});
  std::string bytes = serializeNpy(tensor);
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(messageOf(parseNpy(bytes.substr(0, length), "t.npy")), "");
}

TEST(TensorProto, ReadsRawPackedAndUnpackedData) {
  // dims = [2] packed, data_type = FLOAT (1), raw_data = {1.0, -2.0}
  std::string raw(
      "\x0a\x01\x02\x10\x01\x4a\x08\x00\x00\x80\x3f\x00\x00\x00\xc0", 15);
  llvm::Expected<Tensor> tensor = parseTensorProto(raw, "t.pb");
  ASSERT_TRUE(static_cast<bool>(tensor)) << llvm::toString(tensor.takeError());
  EXPECT_EQ(tensor->describe(), "2xf32");
  EXPECT_EQ(tensor->at(1), -2.0);

  // dims = 1 and 2, each by itself; data_type = INT64 (7); int64_data packed
  // {5, -1}; a name (field 8), which is skipped
  std::string typed("\x08\x01\x08\x02\x10\x07\x3a\x0b\x05\xff\xff\xff\xff\xff"
                    "\xff\xff\xff\xff\x01\x42\x01x",
                    22);
  tensor = parseTensorProto(typed, "t.pb");
  ASSERT_TRUE(static_cast<bool>(tensor)) << llvm::toString(tensor.takeError());
  EXPECT_EQ(tensor->describe(), "1x2xi64");
  EXPECT_EQ(tensor->at(0), 5);
  EXPECT_EQ(tensor->at(1), -1);

  // data_type = UINT8 (2), int32_data unpacked {200}
  std::string bytes("\x08\x01\x10\x02\x28\xc8\x01", 7);
  tensor = parseTensorProto(bytes, "t.pb");
  ASSERT_TRUE(static_cast<bool>(tensor)) << llvm::toString(tensor.takeError());
  EXPECT_EQ(tensor->at(0), 200);
}

TEST(TensorProto, ReadsTheOtherTypesAndTheirFields) {
  struct {
    std::string bytes, description;
    double value;
  } cases[] = {
      // double_data packed {-2.0}
      {std::string("\x08\x01\x10\x0b\x52\x08\0\0\0\0\0\0\0\xc0", 14), "1xf64",
       -2},
      // uint64_data {3}, as UINT32 and as UINT64
      {std::string("\x08\x01\x10\x0c\x58\x03", 6), "1xu32", 3},
      {std::string("\x08\x01\x10\x0d\x58\x03", 6), "1xu64", 3},
      // int32_data {0x3c00}: the bits of a half and of a bfloat16
      {std::string("\x08\x01\x10\x0a\x28\x80\x78", 7), "1xf16", 1},
      {std::string("\x08\x01\x10\x10\x28\x80\x78", 7), "1xbf16", 0.0078125},
      {std::string("\x08\x01\x10\x04\x28\x80\x78", 7), "1xu16", 0x3c00},
      // INT4, raw_data of three elements in two bytes: -1, 2, 7
      {std::string("\x08\x03\x10\x16\x4a\x02\x2f\x07", 8), "3xi8", -1},
      // UINT4, int32_data with the same byte
      {std::string("\x08\x02\x10\x15\x28\x2f", 6), "2xu8", 15},
  };
  for (const auto &[bytes, description, value] : cases) {
    llvm::Expected<Tensor> tensor = parseTensorProto(bytes, "t.pb");
    ASSERT_TRUE(static_cast<bool>(tensor))
        << llvm::toString(tensor.takeError());
    EXPECT_EQ(tensor->describe(), description);
    EXPECT_EQ(tensor->at(0), value);
  }
}

TEST(TensorProto, RefusesWithCause) {
  struct {
    std::string bytes, message;
  } cases[] = {
      {"\x4a\x08", "truncated"},
      {std::string("\x10\x0e", 2), "data type 14 is not supported"},
      {std::string("\x08\x03\x10\x16\x4a\x01\x2f", 7),
       "3xi8 needs 2 bytes, found 1"},
      {std::string("\x08\x01\x10\x09\x28\x02", 6), "outside bool"},
      {std::string("\x08\x02\x10\x01", 4), "2xf32 needs 8 bytes, found 0"},
      {std::string("\x10\x01\x70\x01", 4), "in another file"},
      {std::string("\x08\x01\x10\x02\x28\xac\x02", 7), "outside u8"},
      {std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01", 13),
       "negative extent"},
  };
  for (const auto &[bytes, message] : cases) {
    std::string got = messageOf(parseTensorProto(bytes, "bad.pb"));
    EXPECT_NE(got.find(message), std::string::npos) << got;
  }
}

TEST(Files, DirectoriesAreReadInOrderAndWrittenWhole) {
  llvm::SmallString<128> directory;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("imc-tensor", directory));
  auto path = [&](const std::string &file) {
    return (directory + "/" + file).str();
  };
  Tensor first = Tensor::zeros(ElementType::F32, {1});
  Tensor second = Tensor::zeros(ElementType::I32, {2});
  ASSERT_FALSE(llvm::errorToBool(writeNpyFiles(
      {path("input_0.npy"), path("input_1.npy")}, {first, second})));
  auto read = readTensors({directory.str().str()}, "input");
  ASSERT_TRUE(static_cast<bool>(read)) << llvm::toString(read.takeError());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[1].describe(), "2xi32");

  auto missing = readTensors({directory.str().str()}, "output");
  EXPECT_NE(llvm::toString(missing.takeError()).find("output_0.npy"),
            std::string::npos);

  // The second target cannot be written: the first one must not appear either.
  llvm::Error error = writeNpyFiles(
      {path("fresh.npy"), path("no-such-folder/x.npy")}, {first, second});
  EXPECT_NE(llvm::toString(std::move(error)).find("cannot be written"),
            std::string::npos);
  EXPECT_FALSE(llvm::sys::fs::exists(path("fresh.npy")));

  std::error_code ec;
  for (llvm::sys::fs::directory_iterator it(directory, ec), end;
       it != end && !ec; it.increment(ec))
    EXPECT_EQ(llvm::StringRef(it->path()).count(".tmp"), 0u) << it->path();
  (void)llvm::sys::fs::remove_directories(directory);
}
