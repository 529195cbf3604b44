//===- LoopRoles.h - What the loops of a product are for --------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the indexing maps of a linalg op with two inputs, x and w, and one
// output y = Σ x·w. Upstream's inferContractionDims and inferConvolutionDims
// answer the same question apart; layouts are normalised for both at once, and
// for convolutions whose kernel has no loop (1×1 with a stride).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_TRANSFORMS_LOOPROLES_H
#define IMC_LIB_TRANSFORMS_LOOPROLES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace imc::detail {

struct LoopRoles {
  /// A dimension of the image: x is read at stride·out + dilation·filter.
  struct Image {
    unsigned out;
    std::optional<unsigned> filter;
    int64_t stride = 1, dilation = 1;
  };

  /// Loops over dimensions of x and y; of w and y; of x and w (summed); of all
  /// three (groups), in the order of the loops.
  llvm::SmallVector<unsigned> rows, columns, reductions, depth;
  llvm::SmallVector<Image> images;
  /// Dimension of x, w and y that a loop runs over (for an image: where x is
  /// read by it), −1 when none is.
  llvm::SmallVector<int64_t> inX, inW, inY;

  /// The roles, or nothing when the op is no such product: a body that does not
  /// multiply and add, a loop that none of these roles describes. `swapped`
  /// takes the first input for w.
  static std::optional<LoopRoles> infer(mlir::linalg::LinalgOp op,
                                        bool swapped);
};

/// True when the bodies compute the same: a product, a sum, and casts of the
/// same kind on the inputs. `swapped` exchanges the inputs of `op`.
bool hasBodyOf(mlir::linalg::LinalgOp op, mlir::linalg::LinalgOp other,
               bool swapped);

} // namespace imc::detail

#endif // IMC_LIB_TRANSFORMS_LOOPROLES_H
