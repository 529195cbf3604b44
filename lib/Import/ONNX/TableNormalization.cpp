//===- TableNormalization.cpp - Rows of the table: normalizations ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(BatchNormalization)
IMC_ONNX_LOWERING(GroupNormalization)
IMC_ONNX_LOWERING(InstanceNormalization)
IMC_ONNX_LOWERING(LRN)
IMC_ONNX_LOWERING(LayerNormalization)
IMC_ONNX_LOWERING(LpNormalization)
IMC_ONNX_LOWERING(MeanVarianceNormalization)
IMC_ONNX_LOWERING(RMSNormalization)

void addNormalizationOps(OpList &list) {
  list.op("BatchNormalization", {6, 7, 9, 14, 15}, lowerBatchNormalization)
      .inputs(5)
      .on(Floats)
      .to("linalg.generic (x·s + t; s and t folded per channel at import, or "
          "computed when they are not known)")
      .except("training");
  list.op("GroupNormalization", {18, 21}, lowerGroupNormalization)
      .inputs(3)
      .on(Floats, -1)
      .to("linalg.reduce (sums) and linalg.generic over NxGxC/Gx…");
  list.op("InstanceNormalization", {6, 22}, lowerInstanceNormalization)
      .inputs(3)
      .on(Floats, -1)
      .to("linalg.reduce (sums) and linalg.generic");
  list.op("LRN", {1, 13}, lowerLRN)
      .on(Floats)
      .to("linalg.generic (squares), linalg.pooling_nchw_sum over the "
          "channels, "
          "linalg.generic (math.powf, division)");
  list.op("LayerNormalization", {17}, lowerLayerNormalization)
      .inputs(2, 3)
      .results(3)
      .on(Floats, -1)
      .to("linalg.reduce (sums) and linalg.generic, in the wider of the "
          "input's "
          "type, f32 and stash_type");
  list.op("LpNormalization", {1, 22}, lowerLpNormalization)
      .on(Floats)
      .to("linalg.reduce (norms), linalg.generic (division; 0 where the norm "
          "is "
          "0)");
  list.op("MeanVarianceNormalization", {9, 13}, lowerMeanVarianceNormalization)
      .on(Floats)
      .to("linalg.reduce (sums) and linalg.generic");
  list.op("RMSNormalization", {23}, lowerRMSNormalization)
      .inputs(2)
      .on(Floats)
      .to("linalg.reduce (squares) and linalg.generic, in the wider of the "
          "input's type, f32 and stash_type");
}

} // namespace imc::onnximport
