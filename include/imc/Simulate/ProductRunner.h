//===- ProductRunner.h - Runs a product of a program on values --*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes the instructions of one product on numbers: every part computes its
// own slots and windows, from input rows that its loads brought and with cells
// that its writes left, and partial sums go from part to part as they are sent.
// What is read before it is there is poison: the complement of the true value.
// A program that moves the wrong data therefore yields wrong results.
//
// Arithmetic is that of docs/Architecture.md, section 3: cells by the encoding,
// input phases, readout `full`. Where a converter neither drops bits nor clips
// (adc_bits and range_bits >= lossless bits of the tiling), its value is the
// column sum itself; recombination is linear,
//   sum_j a_j sum_p 2^(dp) sum_r x_p[r] u_j[r] = sum_r x[r] sum_j a_j u_j[r],
// so that a slot may be computed with the weight that the cells in it add up
// to, without phases and slices. Otherwise every phase of every column is
// computed, rounded and saturated by itself.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SIMULATE_PRODUCTRUNNER_H
#define IMC_SIMULATE_PRODUCTRUNNER_H

#include "imc/Program/Program.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace imc::simulate {

/// What the tables of a program do not say of a product.
struct ProductValues {
  bool matrix = false; ///< input M x K; otherwise N x C x H x W, padded
  // Windows on the image; all 1 of a matrix.
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t stride_w = 1;
  int64_t width = 1;  ///< of an input row, padded
  int64_t height = 1; ///< of an image, padded
  // Cells and converters.
  mapping::Encoding encoding = mapping::Encoding::Offset;
  int64_t cell_bits = 1, dac_bits = 1;
  int64_t adc_bits = 0;   ///< resolution used
  int64_t range_bits = 0; ///< of the sums that the converter covers; 0: all
  mapping::Ties ties = mapping::Ties::HalfUp;
  /// groups x rows x cols (G x K x N).
  llvm::ArrayRef<int16_t> weights;
  // A piece of wide operands (WideRunner.h).
  /// Columns of each weight that are computed, in units of the first of them;
  /// 0, 0: all. The piece with the last one takes the encoding's offset off.
  int64_t column_begin = 0, column_end = 0;
  int64_t input_bits = 0; ///< of the codes of a run; 0: the program's
};

/// What a run found besides the results.
struct RunReport {
  int64_t instructions = 0; ///< of the product
  int64_t poison_rows = 0;  ///< input rows read that no load had brought
  int64_t poison_cells = 0; ///< windows on arrays that hold other cells
  int64_t poison_sums = 0;  ///< windows sent or stored without their `mvm`, or
                            ///< sent and never received
  int64_t missing_results = 0; ///< never stored
  int64_t double_results = 0;  ///< stored more than once
  bool clean() const {
    return poison_rows + poison_cells + poison_sums + missing_results +
               double_results ==
           0;
  }
};

class ProductRunner {
public:
  /// `program` must outlive the runner; weights are copied into cells. Refused:
  /// what program::check refuses, a geometry that does not agree with `values`,
  /// and weights outside of what the encoding holds.
  static llvm::Expected<ProductRunner> create(const program::Program &program,
                                              int64_t product,
                                              const ProductValues &values);
  ProductRunner(ProductRunner &&);
  ~ProductRunner();

  /// One pass of the product. Input: codes of the images, N x C x H x W with
  /// their padding, or M x K. Results: windows x (G*N), row-major. Refused:
  /// streams that wait for each other for ever, and sizes that differ.
  llvm::Error run(llvm::ArrayRef<uint8_t> input,
                  llvm::MutableArrayRef<int32_t> results,
                  RunReport *report = nullptr);

  /// The same for windows [first, first + count) alone, whole images of one
  /// pass, counted over all passes: an iteration of a loop, whose windows a
  /// program holds as one product or as passes of one. Input and results are
  /// those of these windows; the others are not computed, and instructions that
  /// have none of these are not counted.
  llvm::Error run(int64_t first, int64_t count, llvm::ArrayRef<uint8_t> input,
                  llvm::MutableArrayRef<int32_t> results,
                  RunReport *report = nullptr);

private:
  struct Impl;
  explicit ProductRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace imc::simulate

#endif // IMC_SIMULATE_PRODUCTRUNNER_H
