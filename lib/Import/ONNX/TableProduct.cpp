//===- TableProduct.cpp - Rows of the table: products ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(Conv)
IMC_ONNX_LOWERING(Gemm)
IMC_ONNX_LOWERING(MatMul)

void addProductOps(OpList &list) {
  list.op("Conv", {1, 11, 22}, lowerConv)
      .inputs(2, 3)
      .on(F32, -1)
      .to("tensor.pad and linalg.conv_2d_nchw_fchw, "
          "linalg.depthwise_conv_2d_nchw_chw (one filter per channel) or "
          "linalg.conv_2d_ngchw_gfchw (other groups) on a broadcast bias")
      .except("2-D");
  list.op("Gemm", {7, 9, 11, 13}, lowerGemm)
      .inputs(2, 3)
      .on(F32, -1)
      .to("linalg.matmul on a broadcast C; transB, alpha and beta go into "
          "stored "
          "weights");
  list.op("MatMul", {1, 9, 13}, lowerMatMul)
      .inputs(2)
      .on(F32, -1)
      .to("linalg.matmul, or linalg.batch_matmul when B has rank 3 or more")
      .except("equal leading dimensions when B has rank 3 or more");
}

} // namespace imc::onnximport
