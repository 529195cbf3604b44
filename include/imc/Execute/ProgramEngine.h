//===- ProgramEngine.h - Products computed by programs ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes the products of a model by the instructions of a program
// (imc/Simulate/ProductRunner.h), so that the numbers of the whole model show
// whether the program moves and computes the right data.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_PROGRAMENGINE_H
#define IMC_EXECUTE_PROGRAMENGINE_H

#include "imc/Execute/ArrayEngine.h"
#include "imc/Program/Program.h"
#include "imc/Simulate/ProductRunner.h"
#include "imc/Simulate/WideRunner.h"

#include <optional>
#include <vector>

namespace imc::execute {

class ProgramEngine : public ArrayEngine {
public:
  /// A program of the very model that is executed; products are matched in
  /// program order and by name. It must outlive the engine.
  explicit ProgramEngine(const program::Program &program);

  /// Refused, by name: a product that the program does not have in this place,
  /// and other sizes. A product in a loop is one product with the windows of
  /// all iterations in the program, each of which computes its own: the values
  /// show whether the data of a window are right, not whether they were there
  /// where an iteration reads what the one before made.
  llvm::Error prepare(int64_t index, const ArrayProduct &product) override;
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override;
  bool takesWide() const override { return true; }
  void runWide(int64_t index, const void *inputs, int64_t *results) override;

  /// What went wrong since: products whose program read what was not there,
  /// left results out, or did not end. Results are wrong then.
  llvm::Error takeError();
  /// Instructions executed so far.
  int64_t instructions() const { return executed; }

private:
  struct Ready {
    ArrayProduct product;
    int64_t index; ///< in the program
    /// One of them: of operands of up to 8 bits, or of wider ones.
    std::optional<simulate::ProductRunner> runner;
    std::optional<simulate::WideRunner> wide;
    // Windows x outputs, of an iteration.
    std::vector<int32_t> sums;
    std::vector<int64_t> wide_sums;
    int64_t iteration; ///< of the loops around it, the next one
  };
  /// Runs the windows of the next iteration.
  template <typename Runner, typename Code, typename Sum>
  void runNext(Ready &r, Runner &runner, const Code *inputs, Sum *sums);
  const program::Program &program;
  std::vector<int64_t> stored; ///< products with stored weights
  std::vector<Ready> ready;
  std::vector<uint16_t> codes;
  std::string problem;
  int64_t executed = 0;
};

} // namespace imc::execute

#endif // IMC_EXECUTE_PROGRAMENGINE_H
