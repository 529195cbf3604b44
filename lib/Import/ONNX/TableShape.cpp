//===- TableShape.cpp - Rows of the table: data that moves ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include <limits>

namespace imc::onnximport {

IMC_ONNX_LOWERING(AffineGrid)
IMC_ONNX_LOWERING(CenterCropPad)
IMC_ONNX_LOWERING(Col2Im)
IMC_ONNX_LOWERING(Compress)
IMC_ONNX_LOWERING(Concat)
IMC_ONNX_LOWERING(Constant)
IMC_ONNX_LOWERING(ConstantOfShape)
IMC_ONNX_LOWERING(DFT)
IMC_ONNX_LOWERING(DepthToSpace)
IMC_ONNX_LOWERING(Expand)
IMC_ONNX_LOWERING(Flatten)
IMC_ONNX_LOWERING(Gather)
IMC_ONNX_LOWERING(GatherElements)
IMC_ONNX_LOWERING(GatherND)
IMC_ONNX_LOWERING(GridSample)
IMC_ONNX_LOWERING(MaxRoiPool)
IMC_ONNX_LOWERING(MelWeightMatrix)
IMC_ONNX_LOWERING(OneHot)
IMC_ONNX_LOWERING(Pad)
IMC_ONNX_LOWERING(Range)
IMC_ONNX_LOWERING(Reshape)
IMC_ONNX_LOWERING(Resize)
IMC_ONNX_LOWERING(ReverseSequence)
IMC_ONNX_LOWERING(RoiAlign)
IMC_ONNX_LOWERING(STFT)
IMC_ONNX_LOWERING(ScatterElements)
IMC_ONNX_LOWERING(ScatterND)
IMC_ONNX_LOWERING(Shape)
IMC_ONNX_LOWERING(SignalWindow)
IMC_ONNX_LOWERING(Size)
IMC_ONNX_LOWERING(Slice)
IMC_ONNX_LOWERING(SpaceToDepth)
IMC_ONNX_LOWERING(Split)
IMC_ONNX_LOWERING(Squeeze)
IMC_ONNX_LOWERING(TensorScatter)
IMC_ONNX_LOWERING(Tile)
IMC_ONNX_LOWERING(Transpose)
IMC_ONNX_LOWERING(Unique)
IMC_ONNX_LOWERING(Unsqueeze)
IMC_ONNX_LOWERING(Upsample)

/// Ops that rename or permute dimensions, and constants.
static void addDimensionOps(OpList &list) {
  for (const char *window : {"BlackmanWindow", "HammingWindow", "HannWindow"})
    list.op(window, {17}, lowerSignalWindow)
        .on(SignedIntegers)
        .to("arith.constant where it is used")
        .except("size known at import, at most 2^20");
  list.op("Constant", {1, 9, 11, 12, 13, 19, 21, 23, 24, 25}, lowerConstant)
      .inputs(0)
      .to("arith.constant where it is used")
      .except("value_string(s), sparse_value");
  list.op("ConstantOfShape", {9, 20, 21, 23, 24, 25}, lowerConstantOfShape)
      .on(SignedIntegers)
      .to("linalg.fill")
      .except("shape known at import");
  list.op("DepthToSpace", {1, 11, 13, 28}, lowerDepthToSpace)
      .on(AllTypes)
      .to("tensor.expand_shape, linalg.transpose, tensor.collapse_shape");
  list.op("Flatten", {1, 9, 11, 13, 21, 23, 24, 25}, lowerFlatten)
      .on(AllTypes)
      .to("tensor.collapse_shape or tensor.expand_shape");
  list.op("Identity", {1, 13, 14, 16, 19, 21, 23, 24, 25}, lowerIdentity)
      .on(AllTypes)
      .to("nothing")
      .except("tensors");
  list.op("MelWeightMatrix", {17}, lowerMelWeightMatrix)
      .inputs(5)
      .on(SignedIntegers)
      .to("arith.constant where it is used")
      .except("inputs known at import, at most 2^20 elements");
  list.op("Range", {11, 27}, lowerRange)
      .inputs(3)
      .on(Floats | SignedIntegers, 3)
      .to("linalg.generic")
      .except("inputs known at import");
  list.op("Reshape", {5, 13, 14, 19, 21, 23, 24, 25}, lowerReshape)
      .inputs(2)
      .on(AllTypes)
      .to("tensor.collapse_shape and tensor.expand_shape")
      .except("shape known at import");
  list.op("Shape", {1, 13, 15, 19, 21, 23, 24, 25}, lowerShape)
      .on(AllTypes)
      .to("nothing");
  list.op("Size", {1, 13, 19, 21, 23, 24, 25}, lowerSize)
      .on(AllTypes)
      .to("nothing");
  list.op("SpaceToDepth", {1, 13, 28}, lowerSpaceToDepth)
      .on(AllTypes)
      .to("tensor.expand_shape, linalg.transpose, tensor.collapse_shape");
  list.op("Squeeze", {1, 11, 13, 21, 23, 24, 25}, lowerSqueeze)
      .inputs(1, 2)
      .on(AllTypes)
      .to("tensor.collapse_shape")
      .except("axes known at import");
  list.op("Transpose", {1, 13, 21, 23, 24, 25}, lowerTranspose)
      .on(AllTypes)
      .to("linalg.transpose; a stored weight is transposed at import");
  list.op("Unique", {11, 28}, lowerUnique)
      .results(4)
      .on(AllTypes)
      .to("arith.constant where it is used")
      .except("input known at import, at most 2^20 elements");
  list.op("Unsqueeze", {1, 11, 13, 21, 23, 24, 25}, lowerUnsqueeze)
      .inputs(1, 2)
      .on(AllTypes)
      .to("tensor.expand_shape")
      .except("axes known at import");
}

/// Ops that cut, join, repeat and pad.
static void addCopyOps(OpList &list) {
  list.op("CenterCropPad", {18}, lowerCenterCropPad)
      .inputs(2)
      .on(AllTypes)
      .to("tensor.extract_slice and tensor.pad")
      .except("shape known at import");
  list.op("Compress", {9, 11, 28}, lowerCompress)
      .inputs(2)
      .on(AllTypes)
      .to("tensor.extract_slice or linalg.generic")
      .except("condition known at import");
  list.op("Concat", {4, 11, 13}, lowerConcat)
      .inputs(1, -1)
      .on(AllTypes, -1)
      .to("tensor.insert_slice; stored weights are joined at import");
  list.op("Expand", {8, 13}, lowerExpand)
      .inputs(2)
      .on(AllTypes)
      .to("linalg.broadcast")
      .except("shape known at import");
  list.op("Pad", {2, 11, 13, 18, 19, 21, 23, 24, 25}, lowerPad)
      .inputs(1, 4)
      .on(AllTypes)
      .to("tensor.pad; other modes than constant: linalg.generic")
      .except("pads and axes known at import");
  list.op("Slice", {1, 10, 11, 13}, lowerSlice)
      .inputs(1, 5)
      .on(AllTypes)
      .to("tensor.extract_slice; negative steps: linalg.generic; a stored "
          "weight is cut at import")
      .except("starts, ends, axes, steps known at import");
  list.op("Split", {2, 11, 13, 18}, lowerSplit)
      .inputs(1, 2)
      .results(std::numeric_limits<int>::max())
      .on(AllTypes)
      .to("tensor.extract_slice; a stored weight is cut at import")
      .except("sizes known at import");
  list.op("Tile", {6, 13}, lowerTile)
      .inputs(2)
      .on(AllTypes)
      .to("linalg.broadcast and tensor.collapse_shape")
      .except("repeats known at import");
}

/// Ops that read and write at indices.
static void addIndexOps(OpList &list) {
  list.op("Gather", {1, 11, 13}, lowerGather)
      .inputs(2)
      .on(AllTypes)
      .to("linalg.generic; known indices: tensor.extract_slice if it can be");
  list.op("GatherElements", {11, 13}, lowerGatherElements)
      .inputs(2)
      .on(AllTypes)
      .to("linalg.generic");
  list.op("GatherND", {11, 12, 13}, lowerGatherND)
      .inputs(2)
      .on(AllTypes)
      .to("linalg.generic");
  list.op("OneHot", {9, 11, 28}, lowerOneHot)
      .inputs(3)
      .on(Numbers)
      .to("linalg.generic")
      .except("depth known at import");
  list.op("ReverseSequence", {10, 28}, lowerReverseSequence)
      .inputs(2)
      .on(AllTypes)
      .to("linalg.generic");
  list.op("Scatter", {9, 11}, lowerScatterElements)
      .inputs(3)
      .on(AllTypes)
      .to("scf.for");
  list.op("ScatterElements", {11, 13, 16, 18}, lowerScatterElements)
      .inputs(3)
      .on(AllTypes)
      .to("scf.for");
  list.op("ScatterND", {11, 13, 16, 18}, lowerScatterND)
      .inputs(3)
      .on(AllTypes)
      .to("scf.for");
  list.op("TensorScatter", {24}, lowerTensorScatter)
      .inputs(2, 3)
      .on(AllTypes, 2)
      .to("linalg.generic");
}

/// Ops that interpolate.
static void addSampleOps(OpList &list) {
  list.op("AffineGrid", {20}, lowerAffineGrid)
      .inputs(2)
      .on(Floats)
      .to("linalg.generic")
      .except("size known at import");
  list.op("Col2Im", {18}, lowerCol2Im)
      .inputs(3)
      .on(Numbers)
      .to("linalg.generic")
      .except("image_shape and block_shape known at import");
  list.op("DFT", {17, 20}, lowerDFT)
      .inputs(1, 3)
      .on(Floats)
      .to("linalg.generic with a table of factors, in f64")
      .except("dft_length and axis known at import; at most 2^23 factors");
  list.op("GridSample", {16, 20, 22}, lowerGridSample)
      .inputs(2)
      .on(Floats)
      .to("linalg.generic")
      .except("more than 4 spatial dimensions, 3 if cubic");
  list.op("MaxRoiPool", {1, 22}, lowerMaxRoiPool)
      .inputs(2)
      .on(Floats)
      .to("linalg.generic with scf.for inside");
  list.op("Resize", {10, 11, 13, 18, 19}, lowerResize)
      .inputs(1, 4)
      .on(Numbers)
      .to("linalg.generic with tables of positions and weights")
      .except("scales, sizes, roi known at import");
  list.op("RoiAlign", {10, 16, 22}, lowerRoiAlign)
      .inputs(3)
      .on(Floats)
      .to("linalg.generic with scf.for inside")
      .except("more than 4096 samples along an axis of a bin");
  list.op("STFT", {17}, lowerSTFT)
      .inputs(2, 4)
      .on(Floats)
      .to("linalg.generic with a table of factors, in f64")
      .except("frame_step and frame_length known at import");
  list.op("Upsample", {1, 7, 9}, lowerUpsample)
      .inputs(1, 2)
      .on(Numbers)
      .to("linalg.generic with tables of positions and weights")
      .except("scales known at import");
}

void addShapeOps(OpList &list) {
  addSampleOps(list);
  addDimensionOps(list);
  addCopyOps(list);
  addIndexOps(list);
}

} // namespace imc::onnximport
