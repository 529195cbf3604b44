//===- TableElementwise.cpp - Rows of the table: element by element -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(Arithmetic)
IMC_ONNX_LOWERING(Cast)
IMC_ONNX_LOWERING(Clip)
IMC_ONNX_LOWERING(Unary)

void addElementwiseOps(OpList &list) {
  list.op("Abs", {6, 13}, lowerUnary).to("linalg.generic (math.absf)");
  list.op("Add", {7, 13, 14}, lowerArithmetic)
      .inputs(2)
      .on(Numbers, 2)
      .to("linalg.generic (arith.addf)")
      .except("integers only when known at import");
  list.op("Cast", {6, 9, 13, 19, 21, 23, 24, 25, 28}, lowerCast)
      .on(AllTypes)
      .to("nothing")
      .except(
          "FLOAT to FLOAT; integers known at import to INT64, INT32 or FLOAT");
  list.op("Clip", {6, 11, 12, 13}, lowerClip)
      .inputs(1, 3)
      .to("linalg.generic (arith.maximumf, arith.minimumf)")
      .except("min and max known at import");
  list.op("Div", {7, 13, 14}, lowerArithmetic)
      .inputs(2)
      .on(Numbers, 2)
      .to("linalg.generic (arith.divf)")
      .except("integers only when known at import");
  list.op("Exp", {6, 13}, lowerUnary).to("linalg.generic (math.exp)");
  list.op("HardSigmoid", {6, 22}, lowerUnary)
      .to("linalg.generic (arith.mulf, arith.addf, arith.maximumf, "
          "arith.minimumf)");
  list.op("HardSwish", {14, 22}, lowerUnary)
      .to("linalg.generic (as HardSigmoid, and arith.mulf)");
  list.op("LeakyRelu", {6, 16}, lowerUnary)
      .to("linalg.generic (arith.cmpf, arith.select)");
  list.op("Mul", {7, 13, 14}, lowerArithmetic)
      .inputs(2)
      .on(Numbers, 2)
      .to("linalg.generic (arith.mulf)")
      .except("integers only when known at import");
  list.op("Neg", {6, 13}, lowerUnary).to("linalg.generic (arith.negf)");
  list.op("Relu", {6, 13, 14}, lowerUnary)
      .to("linalg.generic (arith.maximumf)");
  list.op("Sigmoid", {6, 13}, lowerUnary)
      .to("linalg.generic (math.exp, arith.divf)");
  list.op("Sqrt", {6, 13}, lowerUnary).to("linalg.generic (math.sqrt)");
  list.op("Sub", {7, 13, 14}, lowerArithmetic)
      .inputs(2)
      .on(Numbers, 2)
      .to("linalg.generic (arith.subf)")
      .except("integers only when known at import");
  list.op("Tanh", {6, 13}, lowerUnary).to("linalg.generic (math.tanh)");
}

} // namespace imc::onnximport
