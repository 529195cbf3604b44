//===- TableWindow.cpp - Rows of the table: windows -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(AveragePool)
IMC_ONNX_LOWERING(Conv)
IMC_ONNX_LOWERING(ConvTranspose)
IMC_ONNX_LOWERING(DeformConv)
IMC_ONNX_LOWERING(GlobalAveragePool)
IMC_ONNX_LOWERING(GlobalLpPool)
IMC_ONNX_LOWERING(GlobalMaxPool)
IMC_ONNX_LOWERING(LpPool)
IMC_ONNX_LOWERING(MaxPool)
IMC_ONNX_LOWERING(MaxUnpool)

void addWindowOps(OpList &list) {
  list.op("AveragePool", {1, 7, 10, 11, 19, 22}, lowerAveragePool)
      .on(Floats)
      .to("tensor.pad, linalg.pooling_nchw_sum (1-D as height 1; "
          "linalg.generic "
          "from 3-D on), linalg.generic (division by the number of counted "
          "elements); a pool of one element with stride 1 disappears")
      .except("padding not smaller than the window");
  list.op("Conv", {1, 11, 22}, lowerConv)
      .inputs(2, 3)
      .on(Floats, -1)
      .to("tensor.pad and linalg.conv_2d_nchw_fchw, "
          "linalg.depthwise_conv_2d_nchw_chw (one filter per channel) or "
          "linalg.conv_2d_ngchw_gfchw (other groups) on a broadcast bias; 1-D "
          "as height 1, from 3-D on with the planes under the window stacked "
          "as channels; FLOAT16 and BFLOAT16 in f32");
  list.op("ConvTranspose", {1, 11, 22}, lowerConvTranspose)
      .inputs(2, 3)
      .on(Floats, -1)
      .to("tensor.insert_slice (stride − 1 zeros between elements), then as "
          "Conv with reversed taps; stored weights are reversed at import");
  list.op("DeformConv", {19, 22}, lowerDeformConv)
      .inputs(3, 5)
      .on(Floats, -1)
      .to("linalg.generic (linear samples of all taps), then as Conv with a "
          "window of one element over C·KH·KW channels")
      .except("2-D");
  list.op("GlobalAveragePool", {1, 22}, lowerGlobalAveragePool)
      .on(Floats)
      .to("linalg.reduce, linalg.generic (division)");
  list.op("GlobalLpPool", {2, 22}, lowerGlobalLpPool)
      .on(Floats)
      .to("linalg.generic (powers), linalg.reduce, linalg.generic (root)");
  list.op("GlobalMaxPool", {1, 22}, lowerGlobalMaxPool)
      .on(Floats)
      .to("linalg.reduce");
  list.op("LpPool", {2, 11, 18, 22}, lowerLpPool)
      .on(Floats)
      .to("linalg.generic (powers), tensor.pad, linalg.pooling_nchw_sum, "
          "linalg.generic (root)")
      .except("padding not smaller than the window");
  list.op("MaxPool", {1, 8, 10, 11, 12, 22}, lowerMaxPool)
      .on(Floats | Integers)
      .results(2)
      .to("tensor.pad (lowest value) and linalg.pooling_nchw_max (1-D as "
          "height "
          "1); linalg.generic from 3-D on, for unsigned codes, and with "
          "Indices")
      .except("padding not smaller than the window; integers of 32 and 64 "
              "bits");
  list.op("MaxUnpool", {9, 11, 22}, lowerMaxUnpool)
      .inputs(2, 3)
      .on(Floats)
      .to("as ScatterElements into zeros; an index outside writes nothing")
      .except(
          "output_shape known at import and no smaller than what the window "
          "gives");
}

} // namespace imc::onnximport
