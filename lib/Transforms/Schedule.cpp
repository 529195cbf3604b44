//===- Schedule.cpp - Layers in steps -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "llvm/ADT/StringMap.h"

namespace imc {
#define GEN_PASS_DEF_SCHEDULEPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

namespace {
struct SchedulePass : public imc::impl::SchedulePassBase<SchedulePass> {
  using SchedulePassBase::SchedulePassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Placed, getArgument())))
      return signalPassFailure();
    std::optional<program::Schedule> found = schedule::findSchedule(kind);
    if (!found) {
      module.emitError("there is no schedule '")
          << kind << "'; kind takes layers, pipeline or stream";
      return signalPassFailure();
    }
    std::vector<Operation *> ops;
    FailureOr<workload::Workload> workload = extractWorkload(module, &ops);
    if (failed(workload))
      return signalPassFailure();
    llvm::StringMap<int64_t> steps;
    Builder builder(&getContext());
    auto assign = [&](Operation *op, int64_t step) {
      op->setAttr(IMCDialect::stepAttrName, builder.getI64IntegerAttr(step));
    };
    for (auto [op, layer] : llvm::zip_equal(ops, workload->layers)) {
      int64_t step = steps.try_emplace(layer.name, steps.size()).first->second;
      assign(op, step);
      // The other ops of a product; they were followed once already.
      if (auto shiftAdd = dyn_cast<imc::ShiftAddOp>(op)) {
        FailureOr<TiledProduct> product = matchTiledProduct(shiftAdd);
        if (failed(product))
          return signalPassFailure();
        for (Operation *part :
             {product->unfold.getOperation(), product->encode.getOperation(),
              product->mvm.getOperation()})
          assign(part, step);
      }
    }
    numSteps += steps.size();
    if (*found == program::Schedule::Layers)
      module->removeAttr(IMCDialect::scheduleAttrName);
    else
      module->setAttr(IMCDialect::scheduleAttrName,
                      builder.getStringAttr(kind));
    setPhase(module, Phase::Scheduled);
  }
};
} // namespace
