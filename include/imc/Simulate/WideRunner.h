//===- WideRunner.h - Products of wide operands on values -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arrays see slices of a weight and phases of an input only, so a product of
// operands of 9 to 16 bits is run as pieces of at most 8 bits each, one after
// the other on the same program (X-WIDE in docs/crossbar.md): piece h of the
// weights has the columns of its slices, piece i of the inputs their phases,
//   y = sum_i 2^(t d i) sum_h unit_h y'[i, h].
// Every piece has to find its data where the program brought it.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SIMULATE_WIDERUNNER_H
#define IMC_SIMULATE_WIDERUNNER_H

#include "imc/Simulate/ProductRunner.h"

namespace imc::simulate {

class WideRunner {
public:
  /// Of any product of 1 to 16 bits, `values` without a piece. Refused: what
  /// ProductRunner refuses, and sums of a piece beyond int32.
  static llvm::Expected<WideRunner> create(const program::Program &program,
                                           int64_t product,
                                           const ProductValues &values);

  /// As ProductRunner::run. Counts of the report are those of all pieces, but
  /// for the instructions: those of one.
  llvm::Error run(int64_t first, int64_t count, llvm::ArrayRef<uint16_t> input,
                  llvm::MutableArrayRef<int64_t> results,
                  RunReport *report = nullptr);

private:
  WideRunner() = default;
  struct Piece {
    ProductRunner runner;
    int64_t unit;
  };
  std::vector<Piece> pieces; ///< of the weights
  std::string name;
  int64_t inputBits = 0;
  int64_t pieceBits = 0; ///< of an input
  std::vector<uint8_t> codes;
  std::vector<int32_t> sums;
};

} // namespace imc::simulate

#endif // IMC_SIMULATE_WIDERUNNER_H
