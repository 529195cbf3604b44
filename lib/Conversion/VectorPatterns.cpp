//===- VectorPatterns.cpp - Upstream's transforms of small ops ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorPatterns.h"

#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Hoisting.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

template <typename... Ops>
static void addOps(RewritePatternSet &patterns) {
  (Ops::getCanonicalizationPatterns(patterns, patterns.getContext()), ...);
}

void imc::addCanonicalizations(RewritePatternSet &patterns) {
  addOps<affine::AffineApplyOp, affine::AffineMinOp, memref::CopyOp,
         memref::SubViewOp, memref::CastOp, scf::ForOp, tensor::CastOp,
         tensor::DimOp, tensor::ExtractSliceOp, tensor::InsertSliceOp,
         vector::BroadcastOp, vector::ExtractOp, vector::ShapeCastOp,
         vector::TransferReadOp, vector::TransferWriteOp>(patterns);
}

LogicalResult imc::vectorizeAll(RewriterBase &rewriter, func::FuncOp function) {
  SmallVector<linalg::LinalgOp> ops;
  function.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::VectorizationResult> result =
        linalg::vectorize(rewriter, op);
    if (failed(result))
      return failure();
    rewriter.replaceOp(op, result->replacements);
  }
  return success();
}

static LogicalResult apply(func::FuncOp function,
                           function_ref<void(RewritePatternSet &)> populate) {
  RewritePatternSet patterns(function.getContext());
  populate(patterns);
  return applyPatternsGreedily(function, std::move(patterns));
}

LogicalResult imc::vectorizeTiles(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  SmallVector<linalg::LinalgOp> ops;
  function.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  const Attribute zero = rewriter.getIndexAttr(0),
                  one = rewriter.getIndexAttr(1);
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    FailureOr<scf::SCFTilingResult> steps = scf::tileUsingSCF(
        rewriter, cast<TilingInterface>(op.getOperation()),
        scf::SCFTilingOptions().setTileSizes({zero, zero, one}));
    if (failed(steps))
      return failure();
    rewriter.eraseOp(op);
  }
  if (failed(vectorizeAll(rewriter, function)))
    return failure();

  // Conversions of an operand before it is repeated, then contractions.
  auto contract = [](RewritePatternSet &patterns) {
    vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
    vector::populateSinkVectorOpsPatterns(patterns);
    vector::populateVectorReductionToContractPatterns(patterns);
    imc::addCanonicalizations(patterns);
  };
  if (failed(apply(function, contract)))
    return failure();
  DominanceInfo dominance;
  eliminateCommonSubExpressions(rewriter, dominance, function);
  linalg::hoistRedundantVectorTransfers(function);

  auto lowerContractions = [](RewritePatternSet &patterns) {
    vector::populateVectorContractLoweringPatterns(
        patterns, vector::VectorContractLowering::OuterProduct);
    vector::populateVectorOuterProductLoweringPatterns(patterns);
  };
  auto lowerTransfers = [](RewritePatternSet &patterns) {
    vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
    vector::populateVectorTransposeLoweringPatterns(
        patterns, vector::VectorTransposeLowering::Shuffle1D);
    vector::populateVectorShapeCastLoweringPatterns(patterns);
    populateVectorToSCFConversionPatterns(
        patterns, VectorTransferToSCFOptions().enableFullUnroll());
    vector::populateVectorTransferLoweringPatterns(patterns,
                                                   /*maxTransferRank=*/1);
  };
  if (failed(apply(function, lowerContractions)) ||
      failed(apply(function, lowerTransfers)))
    return failure();
  // What is left of a contraction would be lowered to scalars.
  return failure(
      function
          .walk([](Operation *op) {
            return isa<vector::ContractionOp, vector::MultiDimReductionOp>(op)
                       ? WalkResult::interrupt()
                       : WalkResult::advance();
          })
          .wasInterrupted());
}
