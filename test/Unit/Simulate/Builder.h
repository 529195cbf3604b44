//===- Builder.h - Small programs for tests ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs layer by layer, written down straight from the rules of docs/isa.md:
// what lib/Schedule does is another matter.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_SIMULATE_BUILDER_H
#define IMC_TEST_UNIT_SIMULATE_BUILDER_H

#include "imc/Cost/Cost.h"
#include "imc/Machine/Target.h"
#include "imc/Program/Program.h"

#include <random>

namespace imc::test {

/// A convolution N x C x H x W (padded), or a matrix product.
struct ConvShape {
  int64_t batch = 1, channels = 1, height = 1, width = 1;
  int64_t filters = 1, kernel_h = 1, kernel_w = 1, stride = 1, dilation = 1,
          groups = 1;
  int64_t padding = 0; ///< rows of height above and below the tensor
  program::Geometry geometry() const;
  workload::Product product() const;
  int64_t outHeight() const {
    return (height - dilation * (kernel_h - 1) - 1) / stride + 1;
  }
  int64_t outWidth() const {
    return (width - dilation * (kernel_w - 1) - 1) / stride + 1;
  }
};
program::Geometry matmulGeometry(int64_t windows, int64_t rows, int64_t cols);

class Builder {
public:
  Builder(const machine::Machine &machine, const mapping::Knobs &knobs);
  /// Appends a product in a step of its own; `rounds` > 0 writes its cells.
  /// False: no room on the chip.
  bool product(const std::string &name, const program::Geometry &geometry,
               const mapping::Tiling &tiling, int64_t copies,
               int64_t blocksPerPart, bool written = false);
  void kernel(const std::string &name, int64_t operations, int64_t bits);

  program::Program program;

private:
  void part(int64_t index);
  program::Stream &stream(int64_t core);
  machine::Machine machine;
  int64_t cursor = 0; ///< array
  int64_t step = 0;
  int64_t blocks = 1;
};

/// A small machine with everything in it.
machine::Machine smallMachine(std::mt19937_64 &random);
/// A small random convolution.
ConvShape smallConv(std::mt19937_64 &random);

} // namespace imc::test

#endif // IMC_TEST_UNIT_SIMULATE_BUILDER_H
