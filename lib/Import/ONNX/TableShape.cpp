//===- TableShape.cpp - Rows of the table: data that moves ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(Concat)
IMC_ONNX_LOWERING(Constant)
IMC_ONNX_LOWERING(ConstantOfShape)
IMC_ONNX_LOWERING(Dropout)
IMC_ONNX_LOWERING(Flatten)
IMC_ONNX_LOWERING(Gather)
IMC_ONNX_LOWERING(Pad)
IMC_ONNX_LOWERING(Reshape)
IMC_ONNX_LOWERING(Shape)
IMC_ONNX_LOWERING(Slice)
IMC_ONNX_LOWERING(Squeeze)
IMC_ONNX_LOWERING(Transpose)
IMC_ONNX_LOWERING(Unsqueeze)

void addShapeOps(OpList &list) {
  list.op("Concat", {4, 11, 13}, lowerConcat)
      .inputs(1, -1)
      .on(AllTypes, -1)
      .to("tensor.insert_slice");
  list.op("Constant", {1, 9, 11, 12, 13, 19, 21, 23, 24, 25}, lowerConstant)
      .inputs(0)
      .to("arith.constant where it is used")
      .except("value, value_int(s), value_float(s)");
  list.op("ConstantOfShape", {9, 20, 21, 23, 24, 25}, lowerConstantOfShape)
      .on(SignedIntegers)
      .to("arith.constant where it is used")
      .except("shape known at import, at most 2^20 elements");
  list.op("Dropout", {7, 10, 12, 13, 22}, lowerDropout)
      .inputs(1, 3)
      .on(AllTypes)
      .to("nothing")
      .except("inference; the mask must not be used");
  list.op("Flatten", {1, 9, 11, 13, 21, 23, 24, 25}, lowerFlatten)
      .on(AllTypes)
      .to("tensor.collapse_shape or tensor.expand_shape");
  list.op("Gather", {1, 11, 13}, lowerGather)
      .inputs(2)
      .on(AllTypes)
      .to("nothing")
      .except("shape arithmetic known at import");
  list.op("Identity", {1, 13, 14, 16, 19, 21, 23, 24, 25}, lowerIdentity)
      .on(AllTypes)
      .to("nothing")
      .except("tensors");
  list.op("Pad", {2, 11, 13, 18, 19, 21, 23, 24, 25}, lowerPad)
      .inputs(1, 4)
      .to("tensor.pad")
      .except("mode constant; pads known at import and not negative");
  list.op("Reshape", {5, 13, 14, 19, 21, 23, 24, 25}, lowerReshape)
      .inputs(2)
      .on(AllTypes)
      .to("tensor.collapse_shape and tensor.expand_shape")
      .except("shape known at import");
  list.op("Shape", {1, 13, 15, 19, 21, 23, 24, 25}, lowerShape)
      .on(AllTypes)
      .to("nothing");
  list.op("Slice", {1, 10, 11, 13}, lowerSlice)
      .inputs(1, 5)
      .on(AllTypes)
      .to("nothing")
      .except("shape arithmetic known at import; step 1");
  list.op("Squeeze", {1, 11, 13, 21, 23, 24, 25}, lowerSqueeze)
      .inputs(1, 2)
      .on(AllTypes)
      .to("tensor.collapse_shape")
      .except("axes known at import");
  list.op("Transpose", {1, 13, 21, 23, 24, 25}, lowerTranspose)
      .on(AllTypes)
      .to("linalg.transpose; a stored weight is transposed at import");
  list.op("Unsqueeze", {1, 11, 13, 21, 23, 24, 25}, lowerUnsqueeze)
      .inputs(1, 2)
      .on(AllTypes)
      .to("tensor.expand_shape")
      .except("axes known at import");
}

} // namespace imc::onnximport
