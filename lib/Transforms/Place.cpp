//===- Place.cpp - Tiles get arrays ---------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "Remarks.h"
#include "dialects/imc/IR/IMC.h"
#include "imc/Cost/Cost.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"

namespace imc {
#define GEN_PASS_DEF_PLACEPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

namespace {
struct PlacePass : public imc::impl::PlacePassBase<PlacePass> {
  using PlacePassBase::PlacePassBase;

  /// The plan does not fit: both numbers, and the product that takes most.
  void reportCapacity(const Design &design, const mapping::Plan &plan) {
    size_t index = 0;
    for (size_t i = 0; i < plan.products.size(); ++i)
      if (plan.products[i].tiling.arrays() >
          plan.products[index].tiling.arrays())
        index = i;
    InFlightDiagnostic diag =
        getOperation().emitError("imc-place: one copy of the model takes ")
        << static_cast<int64_t>(plan.violations.front().value)
        << " arrays (those included that alignment to tiles leaves empty), "
           "the machine has "
        << plan.capacity
        << " that keep their weights; take more or larger arrays "
           "(machine.groups, "
           "machine.rows, ...) or more bits per cell";
    imc::MVMOp mvm = design.products[index].first.mvm;
    diag.attachNote(mvm.getLoc())
        << "layer '"
        << design.workload.layers[design.products[index].second].name
        << "' alone takes " << plan.products[index].tiling.arrays();
  }

  /// Writes on every product of two activations where it runs.
  void decideDynamicProducts(const Design &design, const mapping::Plan &plan,
                             const machine::Machine &machine) {
    cost::Cost cost =
        cost::evaluate(design.workload, plan, machine, design.knobs);
    for (auto [op, work, layer] : llvm::zip_equal(
             design.ops, design.workload.layers, cost.models.front().layers))
      if (work.dynamicProduct())
        op->setAttr(IMCDialect::dynamicProductAttrName,
                    StringAttr::get(&getContext(),
                                    layer.arrays ? "arrays" : "digital"));
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Tiled, getArgument())))
      return signalPassFailure();
    FailureOr<machine::Machine> machine = getMachine(module);
    if (failed(machine))
      return signalPassFailure();
    FailureOr<Design> design = extractDesign(module, *machine);
    if (failed(design))
      return signalPassFailure();
    const std::pair<const char *, std::string> options[] = {
        {"replication", replication},
        {"dynamic_products", dynamicProducts},
        {"segments", segments}};
    for (const auto &[knob, value] : options)
      if (llvm::Error error =
              mapping::setKnob(design->knobs, knob, StringRef(value))) {
        module.emitError("imc-place: ") << llvm::toString(std::move(error));
        return signalPassFailure();
      }
    mapping::Plan plan =
        mapping::plan(design->workload, *machine, design->knobs);
    remarkOnPlacement(module.getLoc(), *design, plan, *machine);
    if (!plan.violations.empty()) {
      reportCapacity(*design, plan);
      return signalPassFailure();
    }
    if (llvm::Error error = mapping::verify(plan, design->workload, *machine)) {
      module.emitError("imc-place: ") << llvm::toString(std::move(error));
      return signalPassFailure();
    }
    for (auto [placed, entry] :
         llvm::zip_equal(plan.products, design->products)) {
      const mapping::Tiling &tiling = placed.tiling;
      entry.first.mvm.setPlacementAttr(PlacementAttr::get(
          &getContext(), placed.first_array, placed.copies, tiling.packs,
          tiling.strips, tiling.column_tiles, tiling.row_sets,
          machine->hierarchy.macros_per_tile));
    }
    decideDynamicProducts(*design, plan, *machine);
    numArrays += plan.placed_arrays;
    setPhase(module, Phase::Placed);
  }
};
} // namespace
