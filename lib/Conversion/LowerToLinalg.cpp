//===- LowerToLinalg.cpp - imc-lower-to-linalg ----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "imc/Conversion/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

namespace imc {
#define GEN_PASS_DEF_LOWERTOLINALGPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

Value imc::lowering::generic(
    OpBuilder &b, Location loc, unsigned loops, ValueRange inputs, Value init,
    ArrayRef<SmallVector<AffineExpr, 6>> exprs,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  SmallVector<AffineMap> maps;
  for (const auto &results : exprs)
    maps.push_back(AffineMap::get(loops, 0, results, b.getContext()));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  for (AffineExpr expr : exprs.back())
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      iterators[dim.getPosition()] = utils::IteratorType::parallel;
  return linalg::GenericOp::create(
             b, loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &inner, Location innerLoc, ValueRange args) {
               linalg::YieldOp::create(inner, innerLoc,
                                       body(inner, innerLoc, args));
             })
      .getResult(0);
}

namespace {
struct LowerToLinalg : public imc::impl::LowerToLinalgPassBase<LowerToLinalg> {
  void runOnOperation() override {
    if (failed(refuseMissingWeights()))
      return signalPassFailure();

    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<IMCDialect>(op->getDialect()))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops)
      if (failed(lowerOp(rewriter, op)))
        return signalPassFailure();
  }

private:
  /// One error for the first, with the number of the others: a structural
  /// model lacks all of them.
  LogicalResult refuseMissingWeights() {
    SmallVector<MissingWeightOp> missing;
    getOperation().walk([&](MissingWeightOp op) { missing.push_back(op); });
    if (missing.empty())
      return success();
    MissingWeightOp first = missing.front();
    InFlightDiagnostic error =
        first.emitError() << "cannot run: the data of weight '"
                          << first.getName() << "' ("
                          << first.getResult().getType() << ") is not there";
    if (missing.size() > 1)
      error << ", nor that of " << missing.size() - 1 << " more";
    error << "; put the model's external data file beside the model (a "
             "structural model is hydrated first) and import it again";
    return failure();
  }

  LogicalResult lowerOp(IRRewriter &rewriter, Operation *op) {
    for (Value value : llvm::concat<Value>(llvm::to_vector(op->getOperands()),
                                           llvm::to_vector(op->getResults()))) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      if (!type || !type.hasStaticShape())
        return op->emitOpError("cannot be lowered to linalg: ")
               << value.getType()
               << " is not a tensor of static shape; bind symbolic dimensions "
                  "at import (--shape) and run this before bufferization";
    }
    if (auto mvm = dyn_cast<MVMOp>(op);
        mvm && !mvm.getReadout().hasFixedSteps())
      return mvm.emitOpError("cannot be lowered to linalg: policy = ")
             << stringifyReadoutPolicy(mvm.getReadout().getPolicy())
             << " leaves the steps of converters to simulated arrays; use imc "
                "accuracy or imc run --arrays simulated, or tile with "
                "range=full or range=lossless";
    rewriter.setInsertionPoint(op);
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<MatmulOp, Conv2DOp, ChooseQParamsOp, QuantizeOp, DequantizeOp,
              RequantizeOp, UnfoldOp, EncodeWeightsOp, MVMOp, ShiftAddOp>(
            [&](auto concrete) {
              rewriter.replaceOp(concrete, lowering::lower(rewriter, concrete));
              return success();
            })
        .Default([](Operation *other) {
          return other->emitOpError("has no lowering to linalg");
        });
  }
};
} // namespace
