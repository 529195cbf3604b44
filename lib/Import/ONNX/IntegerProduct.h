//===- IntegerProduct.h - Products of integer codes -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums Σ (x − zx)·(w − zw) in i32, modulo 2^32; in i64 where x or w has codes
// of 16 bits. With a weight that is known at import they are a product in i8
// or i16, which arrays can hold, and corrections:
//
//   Σ (x − zx)(c − r[n]) = Σ x·c − r[n]·Σ x − zx·(Σ c − K·r[n])
//
// where x and zx are signed (unsigned codes less 128 or 32768), c are signed
// codes of the weight's width, and r is what remains of the weight's zero
// point: nothing as long as w − zw fits that width. K is the number of terms,
// padding included, which holds zx. A weight of run time is widened to the type
// of the sums and the zero points are subtracted first.
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

/// i32 or i64 sums with their channels in dimension 1 (NxFxOHxOW or MxN), and
/// what is still to be added to each channel, modulo their width.
struct Sums {
  mlir::Value acc;
  std::vector<int64_t> bias;

  int64_t channels() const {
    return mlir::cast<mlir::RankedTensorType>(acc.getType()).getDimSize(1);
  }
};

/// Codes of 8 or 16 bits, or of 4 bits kept in 8.
bool isProductCode(int onnxType);

/// Codes of 16 bits.
bool isWideCode(int onnxType);

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
