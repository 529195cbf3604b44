//===- WideRunner.cpp - Products of wide operands on values ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Simulate/WideRunner.h"

#include "ProductCells.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

using namespace imc;
using namespace imc::simulate;

static llvm::Error failIn(const std::string &product,
                          const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "product '" + product + "': " + message);
}

/// The largest sum of a piece whose columns add up to at most `added` or
/// -`subtracted`. Each conversion may report half a step more than there is.
static double largestSum(const program::Product &product,
                         const ProductValues &values, double added,
                         double subtracted, double inputs) {
  const mapping::Tiling &t = product.tiling;
  const int64_t range = values.range_bits ? values.range_bits : t.lossless_bits;
  const int64_t dropped = std::max<int64_t>(0, range - values.adc_bits);
  const double half = dropped > 0 ? double(int64_t(1) << dropped) / 2 : 0;
  return (double(product.geometry.rows) * std::max(added, subtracted) +
          half * double(t.strips) * (added + subtracted)) *
         inputs;
}

llvm::Expected<WideRunner> WideRunner::create(const program::Program &program,
                                              int64_t product,
                                              const ProductValues &values) {
  // What does not agree is for the runner of a piece to say.
  if (product < 0 || product >= int64_t(program.products.size()))
    return ProductRunner::create(program, product, values).takeError();
  const program::Product &p = program.products[size_t(product)];
  const Slices slices(values.encoding, program.weightBits(p), values.cell_bits);
  WideRunner wide;
  wide.name = p.name;
  wide.inputBits = program.inputBits(p);
  wide.pieceBits = wide.inputBits <= 8 ? wide.inputBits
                                       : 8 / values.dac_bits * values.dac_bits;

  ProductValues piece = values;
  piece.input_bits = wide.pieceBits;
  for (int64_t j = 0; j != slices.end;) {
    const int64_t unit = std::abs(slices.coefficients[size_t(j)]);
    // Columns of up to 8 bits together; both of a pair.
    double added = 0, subtracted = 0;
    piece.column_begin = j;
    while (j != slices.end) {
      const int64_t place = std::abs(slices.coefficients[size_t(j)]) / unit;
      if (place << values.cell_bits > 256 && j > piece.column_begin)
        break;
      (slices.coefficients[size_t(j)] > 0 ? added : subtracted) +=
          double(place * ((int64_t(1) << values.cell_bits) - 1));
      ++j;
    }
    piece.column_end = j;
    if (const double sum =
            largestSum(p, values, added, subtracted,
                       double((int64_t(1) << wide.pieceBits) - 1));
        sum > std::numeric_limits<int32_t>::max())
      return failIn(p.name, "sums of " + std::to_string(p.geometry.rows) +
                                " rows, " + std::to_string(wide.pieceBits) +
                                " bits of inputs and columns " +
                                std::to_string(piece.column_begin) + " to " +
                                std::to_string(j) + " of weights may reach " +
                                std::to_string(sum) +
                                ", beyond the 31 bits of a run; use fewer "
                                "cell.bits or dac.bits");
    llvm::Expected<ProductRunner> runner =
        ProductRunner::create(program, product, piece);
    if (!runner)
      return runner.takeError();
    wide.pieces.push_back({std::move(*runner), unit});
  }
  return wide;
}

llvm::Error WideRunner::run(int64_t first, int64_t count,
                            llvm::ArrayRef<uint16_t> input,
                            llvm::MutableArrayRef<int64_t> results,
                            RunReport *report) {
  for (uint16_t code : input)
    if (code >> inputBits != 0)
      return failIn(name, "input code " + std::to_string(code) +
                              " has more than " + std::to_string(inputBits) +
                              " bits");
  codes.resize(input.size());
  sums.resize(results.size());
  std::fill(results.begin(), results.end(), 0);
  RunReport all;
  bool begun = false;
  for (int64_t bit = 0; bit < inputBits; bit += pieceBits) {
    const int mask = (1 << pieceBits) - 1;
    for (size_t i = 0; i != input.size(); ++i)
      codes[i] = uint8_t(input[i] >> bit & mask);
    for (Piece &piece : pieces) {
      RunReport one;
      if (llvm::Error error = piece.runner.run(first, count, codes, sums, &one))
        return error;
      all.instructions = begun ? all.instructions : one.instructions;
      begun = true;
      all.poison_rows += one.poison_rows;
      all.poison_cells += one.poison_cells;
      all.poison_sums += one.poison_sums;
      all.missing_results += one.missing_results;
      all.double_results += one.double_results;
      const int64_t unit = piece.unit * (int64_t(1) << bit);
      for (size_t i = 0; i != sums.size(); ++i)
        results[i] += unit * sums[i];
    }
  }
  if (report)
    *report = all;
  return llvm::Error::success();
}
