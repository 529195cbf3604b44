//===- Convolution.h - Convolutions of any rank as 2-D ones -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The next phase recognises 2-D convolutions, so convolutions of every rank
// become one. A 1-D one gets a height of 1. Of a 3-D one, each output plane is
// a 2-D convolution over the input planes under its window, stacked as
// channels:
//   x NxCxDxHxW -> (N·OD)x(C·KD)xHxW, w FxCxKDxKHxKW = Fx(C·KD)xKHxKW.
// Its weight is the same bytes in the same order.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_CONVOLUTION_H
#define IMC_LIB_IMPORT_ONNX_CONVOLUTION_H

#include "Window.h"

namespace imc::onnximport {

/// Refuses a group that does not divide the channels and filters, or a bias of
/// another size. `filters` and `channels` of all groups together.
mlir::LogicalResult checkGroups(Node &node, int64_t group, int64_t channels,
                                int64_t filters, int64_t channelsPerGroup,
                                llvm::ArrayRef<int64_t> weight);
mlir::LogicalResult checkBias(Node &node, unsigned input, int64_t filters);

/// x (padded, NxCx…, wide float) convolved with `weight` (FxC/groupx…) plus
/// `bias` (F, or empty), in the form that the next phase recognises; the result
/// has the wide float type. Codes have sums by `sumTypeOf`. Kernel, strides,
/// dilations and `out` of `window` count; all shapes have been checked.
mlir::FailureOr<mlir::Value> convolve(Node &node, mlir::Value x,
                                      const Binding &weight,
                                      const Binding &bias, int64_t group,
                                      const Window &window);

/// The type of the sums of products of integers: i32, or i64 where one of them
/// is wider than i8 but for i32.
mlir::Type sumTypeOf(mlir::Type x, mlir::Type w);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_CONVOLUTION_H
