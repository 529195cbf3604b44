//===- TableRecurrent.cpp - Rows of the table: recurrent ops --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(GRU)
IMC_ONNX_LOWERING(LSTM)
IMC_ONNX_LOWERING(RNN)

void addRecurrentOps(OpList &list) {
  list.op("GRU", {3, 7, 14, 22}, lowerGRU)
      .inputs(3, 6)
      .results(2)
      .on(Floats)
      .to("linalg.matmul for the whole sequence, and scf.for over time with "
          "one or two linalg.matmul and a linalg.generic");
  list.op("LSTM", {1, 7, 14, 22}, lowerLSTM)
      .inputs(3, 8)
      .results(3)
      .on(Floats)
      .to("linalg.matmul for the whole sequence, and scf.for over time with "
          "one linalg.matmul and a linalg.generic");
  list.op("RNN", {1, 7, 14, 22}, lowerRNN)
      .inputs(3, 6)
      .results(2)
      .on(Floats)
      .to("as LSTM");
}

} // namespace imc::onnximport
