//===- OffloadIntegers.h - Integer products on unsigned inputs --*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arrays take unsigned inputs, linalg's named products on i8 and i16 read them
// as signed. A signed input x is x' − h, where x' is the same number with its
// top bit flipped and h that bit (128, 32768), so that, exactly and modulo 2 to
// the width of the sums,
//   Σ_k x[m, k]·w[k, n] = Σ_k x'[m, k]·w[k, n] − h·Σ_k w[k, n].
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_TRANSFORMS_OFFLOADINTEGERS_H
#define IMC_LIB_TRANSFORMS_OFFLOADINTEGERS_H

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/DenseMap.h"

namespace imc::detail {

class IntegerOffloader {
public:
  explicit IntegerOffloader(mlir::IRRewriter &rewriter) : rewriter(rewriter) {}

  /// `x` (i8 or i16, signed) with the top bit of each element flipped. What
  /// flips it already is taken off instead; padding is flipped with its source.
  /// Made once for all products with the same input.
  mlir::Value unsignedInput(mlir::Location loc, mlir::Value x);

  /// Gives the users of `acc`, the sums of an integer product of unsigned
  /// inputs with the constant `w`, what they mean: −h·Σ w is added per
  /// channel if `isSigned`, and `init`, if there is one, per element. Where
  /// all users are imc.requantize, the correction goes into their biases.
  void correct(mlir::Value acc, mlir::Value w, bool channelFirst, bool isSigned,
               mlir::Value init);

private:
  /// −h·Σ w per channel in elements of `sum`, plus `bias` if it is given; a
  /// missing weight when one of them has no data.
  mlir::Value correction(mlir::Location loc, mlir::Value w, int64_t h,
                         mlir::Type sum, bool channelFirst, mlir::Value bias);

  mlir::IRRewriter &rewriter;
  llvm::DenseMap<mlir::Value, mlir::Value> flipped;
};

} // namespace imc::detail

#endif // IMC_LIB_TRANSFORMS_OFFLOADINTEGERS_H
