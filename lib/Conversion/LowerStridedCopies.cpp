//===- LowerStridedCopies.cpp - Non-contiguous memref.copy to linalg ------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Conversion/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "mlir/IR/PatternMatch.h"

namespace imc {
#define GEN_PASS_DEF_LOWERSTRIDEDCOPIESPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace mlir;

namespace {
struct LowerStridedCopies
    : public imc::impl::LowerStridedCopiesPassBase<LowerStridedCopies> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) {
      // As MLIR's own lowering of copies sees it: also a slice of some channels
      // of one image.
      auto isContiguous = [](Value value) {
        auto type = dyn_cast<MemRefType>(value.getType());
        return !type || type.getLayout().isIdentity() ||
               memref::isStaticShapeAndContiguousRowMajor(type);
      };
      if (!isContiguous(copy.getSource()) || !isContiguous(copy.getTarget()))
        copies.push_back(copy);
    });
    for (memref::CopyOp copy : copies) {
      rewriter.setInsertionPoint(copy);
      rewriter.replaceOpWithNewOp<linalg::CopyOp>(copy, copy.getSource(),
                                                  copy.getTarget());
    }
  }
};
} // namespace
