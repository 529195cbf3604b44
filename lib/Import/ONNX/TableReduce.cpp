//===- TableReduce.cpp - Rows of the table: reductions and selections -----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(ArgExtremum)
IMC_ONNX_LOWERING(Cumulative)
IMC_ONNX_LOWERING(Dropout)
IMC_ONNX_LOWERING(EyeLike)
IMC_ONNX_LOWERING(Hardmax)
IMC_ONNX_LOWERING(NonZero)
IMC_ONNX_LOWERING(Reduce)
IMC_ONNX_LOWERING(Softmax)
IMC_ONNX_LOWERING(TopK)
IMC_ONNX_LOWERING(Trilu)

void addReduceOps(OpList &list) {
  auto reduce = [&](llvm::StringRef name, std::vector<int> versions,
                    llvm::StringRef body, unsigned types = Numbers) {
    list.op(name, std::move(versions), lowerReduce)
        .inputs(1, 2)
        .on(types)
        .to(body)
        .except("axes known at import");
  };
  reduce("ReduceL1", {1, 11, 13, 18}, "linalg.reduce (Σ |x|)");
  reduce("ReduceL2", {1, 11, 13, 18},
         "linalg.reduce (Σ x²), linalg.generic (math.sqrt)");
  reduce("ReduceLogSum", {1, 11, 13, 18, 28},
         "linalg.reduce (Σ x), linalg.generic (math.log)");
  reduce("ReduceLogSumExp", {1, 11, 13, 18, 28},
         "linalg.reduce (maximum, Σ), linalg.generic (math.exp, math.log)");
  reduce("ReduceMax", {1, 11, 12, 13, 18, 20}, "linalg.reduce (maximum)",
         Numbers | Booleans);
  reduce("ReduceMean", {1, 11, 13, 18},
         "linalg.reduce, linalg.generic (division)");
  reduce("ReduceMin", {1, 11, 12, 13, 18, 20}, "linalg.reduce (minimum)",
         Numbers | Booleans);
  reduce("ReduceProd", {1, 11, 13, 18}, "linalg.reduce (Π x)");
  reduce("ReduceSum", {1, 11, 13}, "linalg.reduce (Σ x)");
  reduce("ReduceSumSquare", {1, 11, 13, 18}, "linalg.reduce (Σ x²)");

  for (llvm::StringRef name : {"ArgMax", "ArgMin"})
    list.op(name, {1, 11, 12, 13}, lowerArgExtremum)
        .on(Numbers)
        .to("linalg.generic (comparison, linalg.index, arith.select)")
        .except("an axis without elements");
  list.op("Hardmax", {1, 11, 13}, lowerHardmax)
      .on(Floats)
      .to("linalg.generic (as ArgMax; arith.select)");
  list.op("Softmax", {1, 11, 13}, lowerSoftmax)
      .on(Floats)
      .to("linalg.reduce (maximum, sum), linalg.generic (math.exp, division)");
  list.op("LogSoftmax", {1, 11, 13}, lowerSoftmax)
      .on(Floats)
      .to("linalg.reduce (maximum, sum), linalg.generic (math.exp, math.log)");
  list.op("CumProd", {26}, lowerCumulative)
      .inputs(2)
      .on(Numbers)
      .to("tensor.extract_slice, tensor.pad, linalg.generic (log2 of the axis "
          "times)")
      .except("axis known at import");
  list.op("CumSum", {11, 14}, lowerCumulative)
      .inputs(2)
      .on(Numbers)
      .to("tensor.extract_slice, tensor.pad, linalg.generic (log2 of the axis "
          "times)")
      .except("axis known at import");
  list.op("Dropout", {6, 7, 10, 12, 13, 22}, lowerDropout)
      .inputs(1, 3)
      .results(2)
      .on(Floats)
      .to("nothing; the mask is filled with true")
      .except("inference, or ratio 0");
  list.op("EyeLike", {9, 22}, lowerEyeLike)
      .on(Numbers | Booleans)
      .to("linalg.generic (linalg.index, arith.select)");
  list.op("NonZero", {9, 13}, lowerNonZero)
      .on(AllTypes)
      .to("arith.constant where it is used")
      .except("input known at import");
  list.op("TopK", {1, 10, 11, 24}, lowerTopK)
      .inputs(1, 2)
      .results(2)
      .on(Numbers)
      .to("scf.for over k of linalg.generic (the next in order)")
      .except("k known at import");
  list.op("Trilu", {14}, lowerTrilu)
      .inputs(1, 2)
      .on(AllTypes)
      .to("linalg.generic (linalg.index, arith.select)");
}

} // namespace imc::onnximport
