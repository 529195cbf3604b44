//===- TableQuantize.cpp - Rows of the table: quantization ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(ConvInteger)
IMC_ONNX_LOWERING(DequantizeLinear)
IMC_ONNX_LOWERING(DynamicQuantizeLinear)
IMC_ONNX_LOWERING(MatMulInteger)
IMC_ONNX_LOWERING(QLinearConv)
IMC_ONNX_LOWERING(QLinearMatMul)
IMC_ONNX_LOWERING(QuantizeLinear)

void addQuantizeOps(OpList &list) {
  list.op("ConvInteger", {10}, lowerConvInteger)
      .inputs(2, 4)
      .on(Integers)
      .to("tensor.pad and an integer convolution in i8 with sums in i32; in "
          "i32 when weight or zero points are computed at run time")
      .except("codes of 8 bits");
  list.op("DequantizeLinear", {10, 13, 19, 21, 23, 24, 25, 28},
          lowerDequantizeLinear)
      .inputs(2, 3)
      .on(Integers | Int4s)
      .to("nothing where the op that follows works on the codes, else "
          "linalg.generic (arith.subf, arith.mulf)")
      .except("8-bit and 4-bit floats");
  list.op("DynamicQuantizeLinear", {11}, lowerDynamicQuantizeLinear)
      .results(3)
      .to("two linalg.reduce and linalg.generic (arith.divf, "
          "math.roundeven)");
  list.op("MatMulInteger", {10}, lowerMatMulInteger)
      .inputs(2, 4)
      .on(Integers)
      .to("linalg.matmul in i8 with sums in i32; in i32 when B or its zero "
          "point is computed at run time")
      .except("codes of 8 bits");
  list.op("QLinearConv", {10}, lowerQLinearConv)
      .inputs(8, 9)
      .on(Integers)
      .to("as ConvInteger, then imc.requantize")
      .except("codes of 8 bits; one scale of input and output");
  list.op("QLinearMatMul", {10, 21}, lowerQLinearMatMul)
      .inputs(8)
      .on(Integers)
      .to("as MatMulInteger, then imc.requantize")
      .except("codes of 8 bits; one scale of A and of the result");
  list.op("QuantizeLinear", {10, 13, 19, 21, 23, 24, 25, 28},
          lowerQuantizeLinear)
      .inputs(2, 3)
      .on(F32 | F16 | SignedIntegers)
      .to("imc.requantize after an integer product, else linalg.generic "
          "(arith.divf, math.roundeven)")
      .except("8-bit and 4-bit floats");
}

} // namespace imc::onnximport
