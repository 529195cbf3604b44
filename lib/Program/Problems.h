//===- Problems.h - A list of what is wrong ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_PROGRAM_PROBLEMS_H
#define IMC_LIB_PROGRAM_PROBLEMS_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>

namespace imc::program {

/// Collects "rule: what" lines; keeps the first 20 and counts the rest.
class Problems {
public:
  void add(llvm::StringRef rule, const llvm::Twine &what) {
    if (++count > kept)
      return;
    if (count > 1)
      text += '\n';
    text += (rule + ": " + what).str();
  }
  bool empty() const { return count == 0; }
  size_t size() const { return count; }

  llvm::Error take() const {
    if (empty())
      return llvm::Error::success();
    if (count <= kept)
      return llvm::createStringError(text);
    return llvm::createStringError(text + "\nand " + llvm::Twine(count - kept) +
                                   " more");
  }

private:
  static constexpr size_t kept = 20;
  size_t count = 0;
  std::string text;
};

} // namespace imc::program

#endif // IMC_LIB_PROGRAM_PROBLEMS_H
