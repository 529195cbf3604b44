//===- Cost.cpp - The cost of a design on its ops -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the design back from the IR and lets cost::evaluate price it. Nothing
// is priced here.
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "Remarks.h"
#include "dialects/imc/IR/IMC.h"
#include "imc/Cost/Cost.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"

namespace imc {
#define GEN_PASS_DEF_COSTPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

namespace {

/// Builds the dictionaries of `imc.cost`.
class Dictionary {
public:
  explicit Dictionary(MLIRContext *context) : builder(context) {}
  void add(StringRef key, double value) {
    entries.set(key, builder.getF64FloatAttr(value));
  }
  void add(StringRef key, int64_t value) {
    entries.set(key, builder.getI64IntegerAttr(value));
  }
  void add(StringRef key, bool value) {
    entries.set(key, builder.getBoolAttr(value));
  }
  void add(StringRef key, StringRef value) {
    entries.set(key, builder.getStringAttr(value));
  }
  void add(StringRef key, Attribute value) { entries.set(key, value); }
  /// One entry per component; `Component` has a name(). Layers leave out what
  /// they do not use.
  template <typename Component, size_t n>
  void add(StringRef key, const std::array<double, n> &values, bool withZeros) {
    Dictionary inner(builder.getContext());
    for (size_t i = 0; i < n; ++i)
      if (withZeros || values[i] != 0)
        inner.add(cost::name(static_cast<Component>(i)), values[i]);
    add(key, inner.get());
  }
  DictionaryAttr get() { return entries.getDictionary(builder.getContext()); }

private:
  Builder builder;
  NamedAttrList entries;
};

struct CostPass : public imc::impl::CostPassBase<CostPass> {
  using CostPassBase::CostPassBase;

  DictionaryAttr describe(const cost::LayerCost &layer) {
    Dictionary dictionary(&getContext());
    dictionary.add("energy_j", layer.total_energy_j);
    dictionary.add("latency_s", layer.latency_s);
    dictionary.add("bound_by", StringRef(cost::name(layer.bound_by)));
    dictionary.add("macs", layer.macs);
    if (layer.arrays) {
      dictionary.add("arrays", layer.arrays);
      dictionary.add("copies", layer.copies);
      dictionary.add("mvms", layer.mvms);
    }
    dictionary.add<cost::Energy>("energy_by_component_j", layer.energy_j,
                                 false);
    dictionary.add<cost::Time>("latency_by_component_s", layer.latency_by_s,
                               false);
    return dictionary.get();
  }

  DictionaryAttr describe(const cost::Cost &cost,
                          const cost::ModelCost &model) {
    Dictionary dictionary(&getContext());
    dictionary.add("feasible", cost.feasible);
    SmallVector<Attribute> violations;
    for (const mapping::Violation &violation : cost.violations) {
      Dictionary entry(&getContext());
      entry.add("rule", StringRef(mapping::ruleName(violation.rule)));
      entry.add("value", violation.value);
      entry.add("limit", violation.limit);
      entry.add("unit", StringRef(mapping::ruleUnit(violation.rule)));
      entry.add("where", StringRef(violation.where));
      violations.push_back(entry.get());
    }
    dictionary.add("violations", ArrayAttr::get(&getContext(), violations));
    dictionary.add("parameters", model.parameters);
    dictionary.add("macs", model.macs);
    dictionary.add("energy_j", model.energy_j);
    dictionary.add("latency_s", model.latency_s);
    dictionary.add("throughput_per_s", model.throughput_per_s);
    dictionary.add("power_w", model.power_w);
    dictionary.add("power_density_w_mm2", model.power_density_w_mm2);
    dictionary.add("peak_power_density_w_mm2", model.peak_power_density_w_mm2);
    dictionary.add("edp_js", model.edp_js);
    dictionary.add("edap_js_mm2", model.edap_js_mm2);
    dictionary.add("area_mm2", cost.area_mm2);
    dictionary.add("logical_arrays", model.logical_arrays);
    dictionary.add("placed_arrays", model.placed_arrays);
    dictionary.add("capacity", model.capacity);
    dictionary.add("utilization", model.utilization);
    dictionary.add("mvms", model.mvms);
    dictionary.add("sqnr_db", model.sqnr_db);
    dictionary.add("adc_lost_bits", model.adc_lost_bits);
    dictionary.add("adc_error_bound", model.adc_error_bound);
    dictionary.add("load_energy_j", model.load_energy_j);
    dictionary.add("load_latency_s", model.load_latency_s);
    dictionary.add<cost::Energy>("energy_by_component_j",
                                 model.energy_by_component_j, true);
    dictionary.add<cost::Time>("latency_by_component_s",
                               model.latency_by_component_s, true);
    dictionary.add<cost::Area>("area_by_component_mm2",
                               cost.area_by_component_mm2, true);
    return dictionary.get();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Scheduled, getArgument())))
      return signalPassFailure();
    FailureOr<machine::Machine> machine = getMachine(module);
    if (failed(machine))
      return signalPassFailure();
    FailureOr<Design> design = extractDesign(module, *machine);
    if (failed(design))
      return signalPassFailure();
    FailureOr<mapping::Plan> plan = extractPlan(*design, *machine);
    if (failed(plan))
      return signalPassFailure();
    cost::Cost cost =
        cost::evaluate(design->workload, *plan, *machine, design->knobs);

    if (!json.empty()) {
      llvm::json::Value report(cost::toJSON(cost, design->workload));
      llvm::Error error = writeFile(json, [&](llvm::raw_ostream &os) {
        os << llvm::formatv("{0:2}", report) << "\n";
      });
      if (error) {
        module.emitError("imc-cost: ") << llvm::toString(std::move(error));
        return signalPassFailure();
      }
    }
    const cost::ModelCost &model = cost.models.front();
    for (auto [op, layer] : llvm::zip_equal(design->ops, model.layers))
      op->setAttr(IMCDialect::costAttrName, describe(layer));
    remarkOnCost(module.getLoc(), *design, *plan, *machine, cost);
    module->setAttr(IMCDialect::costAttrName, describe(cost, model));
    setPhase(module, Phase::Costed);
  }
};
} // namespace
