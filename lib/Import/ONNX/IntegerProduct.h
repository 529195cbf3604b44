//===- IntegerProduct.h - Products of integer codes -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums Σ (x − zx)·(w − zw) in i32, modulo 2^32. With a weight that is known at
// import they are a product in i8, which arrays can hold, and corrections:
//
//   Σ (x − zx)(c − r[n]) = Σ x·c − r[n]·Σ x − zx·(Σ c − K·r[n])
//
// where x and zx are signed (unsigned codes less 128), c are signed 8-bit
// codes, and r is what remains of the weight's zero point: nothing as long as
// w − zw fits 8 bits. K is the number of terms, padding included, which holds
// zx. A weight of run time is widened to i32 and the zero points are
// subtracted first.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_INTEGERPRODUCT_H
#define IMC_LIB_IMPORT_ONNX_INTEGERPRODUCT_H

#include "Node.h"

namespace imc::onnximport {

/// Codes with their zero point, which is a number or, at run time, a tensor of
/// the codes' type with one element, or one per index of dimension `axis`.
struct Codes {
  Binding codes;
  std::vector<int64_t> zero = {0}; ///< unless `zeroTensor`
  mlir::Value zeroTensor;
  int64_t axis = 0;
};

/// i32 sums with their channels in dimension 1 (NxFxOHxOW or MxN), and what is
/// still to be added to each channel.
struct Sums {
  mlir::Value acc;
  std::vector<int32_t> bias;

  int64_t channels() const {
    return mlir::cast<mlir::RankedTensorType>(acc.getType()).getDimSize(1);
  }
};

/// Codes of 8 bits, or of 4 bits kept in 8.
bool isByteCode(int onnxType);

/// Convolution of NxCxHxW with FxC/groupxKHxKW; reads the window's attributes
/// of `node`.
mlir::FailureOr<Sums> convolveCodes(Node &node, const Codes &x, const Codes &w);

/// Matrix product by NumPy's rule for operands of rank ≥ 2, leading dimensions
/// flattened: the sums are (∏ leading · M)xN. `shape` becomes the shape of the
/// product.
mlir::FailureOr<Sums> multiplyCodes(Node &node, const Codes &x, const Codes &w,
                                    llvm::SmallVector<int64_t, 4> &shape);

/// acc + bias as a tensor.
mlir::Value addBias(Node &node, const Sums &sums);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_INTEGERPRODUCT_H
