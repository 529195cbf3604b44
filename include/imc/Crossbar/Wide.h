//===- Wide.h - Operands of 9 to 16 bits ------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products whose weights or inputs have up to 16 bits, as products of up to 8
// (X-WIDE in docs/crossbar.md). Slices and phases are what arrays see of an
// operand, so that cutting both at slices and phases leaves arrays, converters
// and cells as they are: a weight becomes W outputs side by side whose columns
// are its own, a window I windows whose phases are its own, and results are
//   y[m, n] = sum_i 2^(t d i) sum_h 2^(s b h) y'[m I + i, n W + h]  (+ offset)
// in int64, with t phases of d bits and s slices of b bits in a piece.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_CROSSBAR_WIDE_H
#define IMC_CROSSBAR_WIDE_H

#include "imc/Crossbar/Crossbar.h"

#include <vector>

namespace imc::crossbar {

/// How a product is cut into pieces. Operands of up to 8 bits are one piece.
class Cut {
public:
  /// Of a product with 2..16 weight_bits and 1..16 input_bits, unsigned.
  /// Refused, with the field and the way out: twos_complement and differential
  /// cells of 8 bits with more than 8 weight_bits, numbers of slices or phases
  /// that no pieces of at most 8 bits divide, sums of pieces beyond int32.
  static llvm::Expected<Cut> make(const Shape &shape, const Arrays &arrays);

  /// Of the pieces: what Product::create takes.
  const Shape &shape() const { return pieceShape; }
  const Arrays &arrays() const { return pieceArrays; }
  int64_t inputPieces() const { return numInputs; }   ///< I
  int64_t weightPieces() const { return numWeights; } ///< W

  /// G x K x N -> G x K x N*W. Refused: weights beyond the encoding's.
  llvm::Expected<std::vector<int8_t>>
  weights(llvm::ArrayRef<int16_t> values) const;
  /// M x G*K -> M*I x G*K. Refused: codes beyond input_bits.
  llvm::Error codes(const uint16_t *values, int64_t m,
                    std::vector<uint8_t> &pieces) const;
  /// Results M*I x G*N*W of the pieces, and the codes that they are of,
  /// M x G*K -> M x G*N.
  void combine(const int32_t *pieces, const uint16_t *codes, int64_t m,
               int64_t *y) const;
  /// X-BOUND of output n of group g; `product` is that of the pieces.
  double errorBound(const Product &product, int64_t g, int64_t n) const;

private:
  Shape whole, pieceShape;
  Arrays wholeArrays, pieceArrays;
  int64_t numInputs = 1, numWeights = 1;
  int64_t inputShift = 0, weightShift = 0; ///< t d, s b; 0 with one piece
};

} // namespace imc::crossbar

#endif // IMC_CROSSBAR_WIDE_H
