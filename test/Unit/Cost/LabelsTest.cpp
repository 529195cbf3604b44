//===- LabelsTest.cpp - Equations in code and in the documents
//-------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

static const std::string root = IMC_SOURCE_DIR;

/// All matches of a pattern with one group, in the files below `folder`.
static std::set<std::string> labels(const std::string &folder,
                                    const char *pattern) {
  std::set<std::string> found;
  std::error_code error;
  auto scan = [&](llvm::StringRef path) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    ASSERT_TRUE(bool(buffer)) << path.str();
    llvm::StringRef text = (*buffer)->getBuffer();
    llvm::Regex regex(pattern);
    llvm::SmallVector<llvm::StringRef, 2> match;
    while (regex.match(text, &match)) {
      found.insert(match[1].str());
      text = text.drop_front(size_t(match[0].end() - text.begin()));
    }
  };
  if (!llvm::sys::fs::is_directory(folder)) {
    scan(folder);
    return found;
  }
  for (llvm::sys::fs::recursive_directory_iterator it(folder, error), end;
       it != end && !error; it.increment(error))
    if (llvm::sys::fs::is_regular_file(it->path()))
      scan(it->path());
  return found;
}

static std::set<std::string> cited(const char *pattern) {
  std::set<std::string> all;
  for (const char *folder : {"/lib/Cost", "/include/imc/Cost", "/lib/Mapping",
                             "/targets", "/lib/Machine", "/include/imc/Machine",
                             "/lib/Validate", "/include/imc/Validate"})
    all.merge(labels(root + folder, pattern));
  return all;
}

static std::set<std::string> without(const std::set<std::string> &a,
                                     const std::set<std::string> &b) {
  std::set<std::string> rest;
  for (const std::string &label : a)
    if (!b.count(label))
      rest.insert(label);
  return rest;
}

TEST(Labels, EveryEquationIsCitedAndDefined) {
  std::set<std::string> code =
      cited("[^A-Za-z](E-[A-Z]+(-[0-9]+)?)[^A-Za-z0-9]");
  std::set<std::string> document =
      labels(root + "/docs/spec/cost-model.md", "\\*\\*(E-[A-Z0-9-]+)\\*\\*");
  document.merge(
      labels(root + "/docs/spec/legacy.md", "\\*\\*(E-[A-Z0-9-]+)\\*\\*"));
  EXPECT_GT(document.size(), 20u);
  // E-ADC and E-COUNT stand for their families.
  for (const char *family : {"E-ADC", "E-COUNT", "E-LEG", "E-TIME"})
    code.erase(family);
  EXPECT_EQ(without(code, document), std::set<std::string>());
  EXPECT_EQ(without(document, code), std::set<std::string>());
}

TEST(Labels, EveryAssumptionIsDefined) {
  std::set<std::string> code = cited("[^A-Za-z](A-[A-Z0-9]+)[^A-Za-z0-9]");
  code.merge(labels(root + "/docs/spec/cost-model.md",
                    "[^A-Za-z](A-[A-Z0-9]+)[^A-Za-z0-9]"));
  std::set<std::string> document =
      labels(root + "/docs/spec/assumptions.md", "\\*\\*(A-[A-Z0-9]+)\\*\\*");
  EXPECT_GT(document.size(), 10u);
  EXPECT_EQ(without(code, document), std::set<std::string>());
}
