//===- Window.h - Windows of convolutions and pools -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Kernel, strides, dilations and padding of a window over the dimensions after
// NxC, and the size of what it produces, as Conv and the pools of ONNX share
// them:
//   extent = dilation·(kernel − 1) + 1
//   out    = floor((in + begin + end − extent) / stride) + 1    (ceil_mode:
//   ceil)
// With ceil_mode a last window that would start in the end padding is dropped.
// auto_pad SAME_* gives out = ceil(in / stride) and splits the padding evenly,
// the odd element at the end (UPPER) or the beginning (LOWER).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_WINDOW_H
#define IMC_LIB_IMPORT_ONNX_WINDOW_H

#include "Node.h"

namespace imc::onnximport {

/// One spatial dimension of a window; all in elements.
struct WindowDim {
  int64_t in = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t begin = 0; ///< padding before
  int64_t end = 0;   ///< padding after, as the model says
  int64_t out = 1;

  int64_t extent() const { return dilation * (kernel - 1) + 1; }
  /// Padding after that the last window needs (ceil_mode may need more than
  /// `end`; never less than 0).
  int64_t neededEnd() const {
    return std::max<int64_t>(0, (out - 1) * stride + extent() - in - begin);
  }
};

using Window = llvm::SmallVector<WindowDim, 3>; ///< outermost first

/// Reads a list of integers that has `count` values between `smallest` and
/// 2^28; `values` keeps its default when the attribute is absent.
mlir::LogicalResult readWindowList(Node &node, llvm::StringRef name,
                                   size_t count, int64_t smallest,
                                   llvm::SmallVector<int64_t, 4> &values);

/// Reads auto_pad and refuses what is none of its four values.
mlir::FailureOr<std::string> readAutoPad(Node &node);

/// Refuses kernels without elements or above 2^28, and inputs of another rank
/// than NxC and the kernel's dimensions.
mlir::LogicalResult checkKernel(Node &node, llvm::ArrayRef<int64_t> input,
                                llvm::ArrayRef<int64_t> kernel);

/// Reads strides, dilations, pads, auto_pad (and ceil_mode if `pool`) of a node
/// whose input is NxC and the dimensions of `kernel`.
mlir::FailureOr<Window> readWindow(Node &node, llvm::ArrayRef<int64_t> input,
                                   llvm::ArrayRef<int64_t> kernel, bool pool);

/// `tensor.pad` of the dimensions after the first two for the window: as the
/// model says, or as far as the last window `needed`.
mlir::FailureOr<mlir::Value> padWindow(Node &node, mlir::Value x,
                                       const Window &window, bool needed,
                                       mlir::TypedAttr padding);

/// The attributes `strides` and `dilations` of linalg's ops.
mlir::Attribute stridesOf(Node &node, const Window &window);
mlir::Attribute dilationsOf(Node &node, const Window &window);

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_WINDOW_H
