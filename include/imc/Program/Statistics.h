//===- Statistics.h - Size of a program -------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_PROGRAM_STATISTICS_H
#define IMC_PROGRAM_STATISTICS_H

#include "imc/Program/Program.h"

#include "llvm/Support/raw_ostream.h"

#include <array>
#include <utility>

namespace imc::program {

/// How large a program is and how much it does.
struct Statistics {
  static constexpr size_t numOpcodes = static_cast<size_t>(Opcode::Spill) + 1;

  int64_t instructions = 0; ///< in memory, all streams
  int64_t executed = 0;     ///< by all cores and the controller, without Loop
                            ///< and End
  std::array<int64_t, numOpcodes> executed_by_opcode{};
  int64_t steps = 0;              ///< the last one + 1
  int64_t global_buffer_peak = 0; ///< bits of tensors alive at once, at most
  int64_t tile_buffer_peak = 0;   ///< bits of the fullest core's parts at once
};

/// Counts a program that check() accepts. O(program), whatever the loop counts.
Statistics statistics(const Program &program);

/// One line each.
void print(const Statistics &statistics, llvm::raw_ostream &os);

/// First and last step in which every part is at work; {-1, -1} where it never
/// is. O(program).
std::vector<std::pair<int64_t, int64_t>> stepsOfParts(const Program &program);

} // namespace imc::program

#endif // IMC_PROGRAM_STATISTICS_H
