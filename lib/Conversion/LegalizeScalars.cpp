//===- LegalizeScalars.cpp - Scalar ops that LLVM lacks -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The upstream passes run only on modules that need them: most models are f32,
// and compile time of small ones is mostly the number of passes.
//
//===----------------------------------------------------------------------===//

#include "imc/Conversion/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/PassManager.h"

namespace imc {
#define GEN_PASS_DEF_LEGALIZESCALARSPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace mlir;

namespace {
struct LegalizeScalars
    : public imc::impl::LegalizeScalarsPassBase<LegalizeScalars> {
  void runOnOperation() override {
    bool hasBFloat = false, hasIntegerPower = false;
    SmallVector<arith::TruncFOp> doubleToBFloat;
    getOperation().walk([&](Operation *op) {
      for (Value result : op->getResults())
        hasBFloat |= result.getType().isBF16();
      hasIntegerPower |= isa<math::IPowIOp>(op);
      if (auto truncate = dyn_cast<arith::TruncFOp>(op))
        if (truncate.getType().isBF16() && truncate.getIn().getType().isF64())
          doubleToBFloat.push_back(truncate);
    });
    IRRewriter rewriter(&getContext());
    for (arith::TruncFOp op : doubleToBFloat) {
      rewriter.setInsertionPoint(op);
      Value single = arith::TruncFOp::create(rewriter, op.getLoc(),
                                             rewriter.getF32Type(), op.getIn());
      rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), single);
    }

    OpPassManager pm(ModuleOp::getOperationName());
    if (hasIntegerPower)
      pm.addPass(createConvertMathToFuncs());
    if (hasBFloat) {
      pm.addPass(math::createMathExtendToSupportedTypes());
      arith::ArithEmulateUnsupportedFloatsOptions emulate;
      emulate.sourceTypeStrs = {"bf16"};
      pm.addPass(arith::createArithEmulateUnsupportedFloats(emulate));
      arith::ArithExpandOpsPassOptions expand;
      expand.includeBf16 = true;
      pm.addPass(arith::createArithExpandOpsPass(expand));
    }
    if (!pm.empty() && failed(runPipeline(pm, getOperation())))
      return signalPassFailure();
  }
};
} // namespace
