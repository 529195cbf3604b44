//===- Verifier.h - Proves a program --------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two halves: what the tables alone prove (VerifyTables.cpp), and one abstract
// execution of all streams (VerifyRun.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_PROGRAM_VERIFIER_H
#define IMC_LIB_PROGRAM_VERIFIER_H

#include "Problems.h"

#include "imc/Program/Program.h"

#include <vector>

namespace imc::program {

class Verifier {
public:
  explicit Verifier(const Program &program);

  llvm::Error run();

private:
  friend class Execution;

  void add(llvm::StringRef rule, const llvm::Twine &what) {
    problems.add(rule, what);
  }
  std::string nameOfPart(int64_t part) const;
  template <class Record>
  int64_t passesOf(const Record &record) const {
    return p.schedule == Schedule::Pipeline ? passes : record.passes;
  }
  bool isRewritten(int64_t part) const {
    return p.products[p.parts[part].product].rounds > 0;
  }

  void tables();
  void tilingOf(const Product &product);
  void partsOf(int64_t product);
  void copyOf(const Product &product, std::vector<int64_t> &parts);
  void arrays();
  void writersOfTensors();
  void globalBuffer();
  void tileBuffers();

  void execute();

  const Program &p;
  const int64_t passes; ///< of everything, in a pipeline
  std::vector<std::vector<int64_t>> partsOfProduct;
  Problems problems;
};

} // namespace imc::program

#endif // IMC_LIB_PROGRAM_VERIFIER_H
