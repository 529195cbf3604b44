//===- TableWindow.cpp - Rows of the table: windows -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(AveragePool)
IMC_ONNX_LOWERING(GlobalAveragePool)
IMC_ONNX_LOWERING(MaxPool)

void addWindowOps(OpList &list) {
  list.op("AveragePool", {7, 10, 11, 19, 22}, lowerAveragePool)
      .to("tensor.pad, linalg.pooling_nchw_sum, linalg.generic (division by "
          "the "
          "number of counted elements); a 1x1 pool with stride 1 disappears")
      .except("2-D; padding smaller than the kernel");
  list.op("GlobalAveragePool", {1, 22}, lowerGlobalAveragePool)
      .to("linalg.reduce, linalg.generic (division)");
  list.op("MaxPool", {1, 8, 10, 11, 12, 22}, lowerMaxPool)
      .to("tensor.pad (-inf) and linalg.pooling_nchw_max")
      .except("2-D; padding smaller than the kernel; Indices must not be used");
}

} // namespace imc::onnximport
