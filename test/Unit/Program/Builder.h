//===- Builder.h - Small programs for tests ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes down sound programs, layer after layer, by the rules of docs/isa.md
// and nothing else: no tensor and no tile buffer is shared that need not be.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_PROGRAM_BUILDER_H
#define IMC_TEST_UNIT_PROGRAM_BUILDER_H

#include "imc/Program/Program.h"

#include <map>
#include <random>
#include <string>
#include <vector>

namespace imc::program::test {

/// 4 cores of 4 arrays of 16 x 16, 8 rows driven at once: two row sets.
Chip smallChip();

/// A convolution with square kernel and stride; `padding` rows above and below.
Geometry convolution(int64_t images, int64_t channels, int64_t height,
                     int64_t width, int64_t outputs, int64_t kernel,
                     int64_t stride, int64_t padding, int64_t groups = 1);
Geometry matrix(int64_t windows, int64_t rows, int64_t cols);

struct ProductOptions {
  int64_t copies = 1;
  int64_t groups_per_pack = 1;
  int64_t columns_per_weight = 2;
  int64_t block_multiple = 1; ///< windows per block, in copies
  bool rewritten = false;     ///< fetched and written, from array 0
  int64_t operand = -1;       ///< tensor written into its arrays
};

class Builder {
public:
  explicit Builder(Chip chip, Schedule schedule = Schedule::Layers,
                   int64_t inferences = 1);

  /// Return the number of a new tensor.
  int64_t input(int64_t elements, int64_t rows = 1);
  int64_t product(const std::string &name, std::vector<int64_t> inputs,
                  Geometry geometry, ProductOptions options = {});
  int64_t kernel(const std::string &name, std::vector<int64_t> inputs,
                 int64_t elements, int64_t rows = 1);

  /// The program, with the streams of its schedule.
  Program finish();

private:
  int64_t tensor(const std::string &name, int64_t elements, int64_t rows);
  void readTensors(const std::vector<int64_t> &inputs, int64_t layer);
  int64_t allocate(int64_t core, int64_t bits);
  void addPart(Part part, int64_t multiple);
  /// Whether a part finishes an output.
  static bool stores(const Product &product, const Part &part);
  // BuilderStreams.cpp
  void emitPart(int64_t part, std::vector<Instruction> &out);
  void layers();
  void pipeline();
  void stream();

  Program p;
  int64_t nextLayer = 0, nextArray = 0, nextGlobalBit = 0;
  std::map<int64_t, int64_t> nextTileBit; ///< by core
};

/// Networks of a few layers that use every feature.
Program convolutions(); ///< copies, chains over cores, groups, kernels
Program reloading();    ///< rewritten cells in rounds, spills
Program attention();    ///< an operand written into arrays
Program pipelined();    ///< Schedule::Pipeline, 5 inferences
Program streaming();    ///< Schedule::Stream
Program random(std::mt19937_64 &generator);

/// Text, for comparing programs.
std::string text(const Program &program);

} // namespace imc::program::test

#endif // IMC_TEST_UNIT_PROGRAM_BUILDER_H
