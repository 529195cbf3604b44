//===- TableProduct.cpp - Rows of the table: products ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(Attention)
IMC_ONNX_LOWERING(Einsum)
IMC_ONNX_LOWERING(Gemm)
IMC_ONNX_LOWERING(MatMul)
IMC_ONNX_LOWERING(RotaryEmbedding)

void addProductOps(OpList &list) {
  list.op("Attention", {23, 24, 25}, lowerAttention)
      .inputs(3, 7)
      .results(4)
      .on(Floats)
      .to("linalg.batch_matmul, a linalg.generic for mask and frontier, "
          "softmax "
          "as Softmax, linalg.batch_matmul")
      .except("K or V of another type than Q");
  list.op("RotaryEmbedding", {23}, lowerRotaryEmbedding)
      .inputs(3, 4)
      .on(Floats)
      .to("as Slice, Mul, Sub, Add and Concat");
  list.op("Einsum", {12, 28}, lowerEinsum)
      .inputs(1, -1)
      .on(Numbers, -1)
      .to("linalg.matmul or linalg.batch_matmul per pair of operands, with "
          "linalg.transpose, linalg.reduce and reshapes");
  list.op("Gemm", {6, 7, 9, 11, 13}, lowerGemm)
      .inputs(2, 3)
      .on(Numbers, -1)
      .to("linalg.matmul on a broadcast C; transB, alpha and beta go into "
          "stored weights")
      .except("alpha and beta other than 1 of integers");
  list.op("MatMul", {1, 9, 13}, lowerMatMul)
      .inputs(2)
      .on(Numbers, -1)
      .to("linalg.matmul when either operand is a stored matrix or B is a "
          "matrix, else linalg.batch_matmul");
}

} // namespace imc::onnximport
