//===- TableNormalization.cpp - Rows of the table: normalizations and reductions
//===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(BatchNormalization)
IMC_ONNX_LOWERING(ReduceMean)
IMC_ONNX_LOWERING(Softmax)

void addNormalizationOps(OpList &list) {
  list.op("BatchNormalization", {7, 9, 14, 15}, lowerBatchNormalization)
      .inputs(5)
      .to("linalg.generic (x·s + t, s and t folded per channel at import)")
      .except("inference; scale, bias, mean and variance known at import");
  list.op("ReduceMean", {1, 11, 13, 18}, lowerReduceMean)
      .inputs(1, 2)
      .to("linalg.reduce, linalg.generic (division)")
      .except("axes known at import");
  list.op("Softmax", {1, 11, 13}, lowerSoftmax)
      .to("linalg.reduce (maximum, sum), linalg.generic (math.exp, division)");
}

} // namespace imc::onnximport
