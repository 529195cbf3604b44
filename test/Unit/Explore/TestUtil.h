//===- TestUtil.h - Temporary folders and error texts ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_EXPLORE_TESTUTIL_H
#define IMC_TEST_UNIT_EXPLORE_TESTUTIL_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "gtest/gtest.h"

#include <string>

/// A folder that disappears with the object.
class TempFolder {
public:
  TempFolder() {
    std::error_code error =
        llvm::sys::fs::createUniqueDirectory("imc-explore", path);
    if (error)
      ADD_FAILURE() << error.message();
  }
  ~TempFolder() { llvm::sys::fs::remove_directories(path); }
  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> full(path);
    llvm::sys::path::append(full, name);
    return full.str().str();
  }

private:
  llvm::SmallString<128> path;
};

/// The text of an expected failure; the test fails when there is none.
template <typename T>
std::string errorOf(llvm::Expected<T> value) {
  if (value) {
    ADD_FAILURE() << "expected an error";
    return "";
  }
  return llvm::toString(value.takeError());
}
inline std::string errorOf(llvm::Error error) {
  if (!error) {
    ADD_FAILURE() << "expected an error";
    return "";
  }
  return llvm::toString(std::move(error));
}

/// The value of a success; ends the program with the message otherwise.
template <typename T>
T must(llvm::Expected<T> value) {
  if (!value) {
    std::string text = llvm::toString(value.takeError());
    llvm::report_fatal_error(llvm::StringRef(text));
  }
  return std::move(*value);
}

inline bool contains(llvm::StringRef text, llvm::StringRef part) {
  return text.contains(part);
}
#define EXPECT_HAS(TEXT, PART)                                                 \
  EXPECT_PRED2(contains, llvm::StringRef(TEXT), llvm::StringRef(PART))

#endif // IMC_TEST_UNIT_EXPLORE_TESTUTIL_H
