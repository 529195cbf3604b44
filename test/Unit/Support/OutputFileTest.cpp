//===- OutputFileTest.cpp - Files are written whole or not at all ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Support/OutputFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"

using namespace llvm;

namespace {

class OutputFileTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("imc-output", folder));
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  std::string path(StringRef name) const {
    SmallString<128> result(folder);
    sys::path::append(result, name);
    return std::string(result);
  }
  int entries() const {
    int count = 0;
    std::error_code code;
    for (sys::fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      ++count;
    return count;
  }

  SmallString<128> folder;
};

TEST_F(OutputFileTest, ReplacesTheFileAndLeavesNoTemporary) {
  for (StringRef text : {"first", "second"})
    ASSERT_FALSE(errorToBool(
        imc::writeFile(path("a"), [&](raw_ostream &os) { os << text; })));
  auto buffer = MemoryBuffer::getFile(path("a"));
  ASSERT_TRUE(buffer);
  EXPECT_EQ((*buffer)->getBuffer(), "second");
  EXPECT_EQ(entries(), 1);
}

TEST_F(OutputFileTest, NamesThePathWhenTheFolderIsMissing) {
  bool called = false;
  Error error = imc::writeFile(path("no/such/folder/a"),
                               [&](raw_ostream &) { called = true; });
  ASSERT_TRUE(bool(error));
  std::string message = toString(std::move(error));
  EXPECT_NE(message.find("no/such/folder/a"), std::string::npos);
  EXPECT_NE(message.find("existing, writable folder"), std::string::npos);
  EXPECT_FALSE(called);
  EXPECT_EQ(entries(), 0);
}

TEST_F(OutputFileTest, RefusesAFolderAndAnEmptyPath) {
  EXPECT_TRUE(errorToBool(imc::checkWritable(folder)));
  EXPECT_TRUE(errorToBool(imc::checkWritable("")));
  EXPECT_FALSE(errorToBool(imc::checkWritable("-")));
}

TEST_F(OutputFileTest, CheckingLeavesNothingBehind) {
  ASSERT_FALSE(errorToBool(imc::checkWritable(path("later"))));
  EXPECT_EQ(entries(), 0);
}

} // namespace
