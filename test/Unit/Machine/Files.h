//===- Files.h - Machine files for tests ------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_MACHINE_FILES_H
#define IMC_TEST_UNIT_MACHINE_FILES_H

#include "imc/Machine/Target.h"

#include <gtest/gtest.h>

namespace imc::test {

inline std::vector<std::string> targetDirs() {
  return {std::string(IMC_SOURCE_DIR) + "/targets"};
}

/// A complete machine as one document.
inline std::string completeFile() {
  return machine::toYAML(
      llvm::cantFail(machine::loadTarget("rram-32nm", targetDirs())));
}

/// The complete machine with one piece of text exchanged; the piece must be
/// there, so that no case is empty.
inline std::string changed(const std::string &from, const std::string &to) {
  std::string text = completeFile();
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos)
    text.replace(at, from.size(), to);
  return text;
}

/// The message of a description that must not be readable.
inline std::string messageOf(const std::string &text) {
  llvm::Expected<machine::TargetSpec> spec =
      machine::parseTarget(text, "chip.yaml");
  if (spec) {
    ADD_FAILURE() << "was read:\n" << text.substr(0, 400);
    return "";
  }
  return llvm::toString(spec.takeError());
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_MACHINE_FILES_H
