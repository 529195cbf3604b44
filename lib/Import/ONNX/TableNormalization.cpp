//===- TableNormalization.cpp - Rows of the table: normalizations ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(BatchNormalization)

void addNormalizationOps(OpList &list) {
  list.op("BatchNormalization", {7, 9, 14, 15}, lowerBatchNormalization)
      .inputs(5)
      .to("linalg.generic (x·s + t, s and t folded per channel at import)")
      .except("inference; scale, bias, mean and variance known at import");
}

} // namespace imc::onnximport
