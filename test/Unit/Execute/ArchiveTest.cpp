//===- ArchiveTest.cpp - NumPy archives -----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Archive.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <zip.h>

using namespace imc::execute;

namespace {

class Archive : public ::testing::Test {
protected:
  Archive() {
    llvm::SmallString<128> name;
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("imc", "npz", name));
    path = name.str().str();
  }
  ~Archive() override { (void)llvm::sys::fs::remove(path); }

  /// Writes entries, deflated or stored.
  void write(std::vector<std::pair<std::string, std::string>> files,
             bool deflate) {
    int code = 0;
    zip_t *archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    ASSERT_TRUE(archive);
    for (const auto &[name, bytes] : files) {
      zip_source_t *source =
          zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
      const zip_int64_t index =
          zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
      ASSERT_GE(index, 0);
      zip_set_file_compression(archive, zip_uint64_t(index),
                               deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    }
    ASSERT_EQ(zip_close(archive), 0);
  }
  std::string bytes() {
    return (*llvm::MemoryBuffer::getFile(path))->getBuffer().str();
  }
  void overwrite(llvm::StringRef data) {
    std::error_code error;
    llvm::raw_fd_ostream(path, error) << data;
    ASSERT_FALSE(error);
  }
  std::string message() {
    auto arrays = readNpz(path);
    return arrays ? "no error" : llvm::toString(arrays.takeError());
  }

  std::string path;
};

Tensor counting(int64_t n) {
  Tensor t = Tensor::zeros(ElementType::F32, {n});
  for (int64_t i = 0; i < n; ++i)
    t.as<float>()[size_t(i)] = float(i % 7);
  return t;
}

TEST_F(Archive, ReadsStoredAndDeflatedArrays) {
  for (bool deflate : {false, true}) {
    const Tensor x = counting(5000), y = counting(3);
    write({{"x.npy", serializeNpy(x)}, {"in:y.npy", serializeNpy(y)}}, deflate);
    auto arrays = readNpz(path);
    ASSERT_TRUE(!!arrays) << llvm::toString(arrays.takeError());
    ASSERT_EQ(arrays->size(), 2u);
    EXPECT_EQ(arrays->at("x").data, x.data);
    EXPECT_EQ(arrays->at("in:y").shape, y.shape);
  }
}

TEST_F(Archive, NoArchive) {
  overwrite("\x93NUMPY, but no archive");
  EXPECT_NE(message().find("numpy.savez"), std::string::npos) << message();
}

TEST_F(Archive, MissingFile) {
  llvm::sys::fs::remove(path);
  EXPECT_NE(message().find("No such file"), std::string::npos) << message();
}

TEST_F(Archive, EntryThatIsNoArray) {
  write({{"readme.txt", "hello"}}, false);
  EXPECT_NE(message().find("'readme.txt' is no .npy file"), std::string::npos)
      << message();
}

TEST_F(Archive, DamagedArrayIsFoundByItsChecksum) {
  for (bool deflate : {false, true}) {
    write({{"x.npy", serializeNpy(counting(5000))}}, deflate);
    std::string data = bytes();
    // Within the data, away from all headers.
    data[data.size() / 2] = char(data[data.size() / 2] ^ 0x55);
    overwrite(data);
    EXPECT_NE(message().find("'x'"), std::string::npos) << message();
  }
}

TEST_F(Archive, TruncatedFile) {
  write({{"x.npy", serializeNpy(counting(5000))}}, true);
  const std::string data = bytes();
  overwrite(llvm::StringRef(data).drop_back(data.size() / 3));
  EXPECT_NE(message().find("cannot read"), std::string::npos) << message();
}

TEST_F(Archive, NamesTheArrayThatItCannotRead) {
  write({{"x.npy", serializeNpy(counting(3))}, {"z.npy", "not numpy"}}, true);
  EXPECT_NE(message().find("array 'z'"), std::string::npos) << message();
}

} // namespace
