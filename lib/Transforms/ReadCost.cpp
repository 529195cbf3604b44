//===- ReadCost.cpp - What imc-cost wrote, as a struct --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/ReadCost.h"

#include "dialects/imc/IR/IMC.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace {

/// Reads entries by name and remembers the first one that is not there.
class Reader {
public:
  explicit Reader(DictionaryAttr entries) : entries(entries) {}

  double real(StringRef key) {
    auto value = entries.getAs<FloatAttr>(key);
    return value ? value.getValueAsDouble() : miss<double>(key);
  }
  int64_t integer(StringRef key) {
    auto value = entries.getAs<IntegerAttr>(key);
    return value ? value.getInt() : miss<int64_t>(key);
  }
  template <typename Component, size_t n>
  void components(StringRef key, std::array<double, n> &values) {
    auto inner = entries.getAs<DictionaryAttr>(key);
    if (!inner) {
      miss<int>(key);
      return;
    }
    Reader reader(inner);
    for (size_t i = 0; i < n; ++i)
      values[i] = reader.real(imc::cost::name(static_cast<Component>(i)));
    if (missing.empty())
      missing = reader.missing;
  }

  DictionaryAttr entries;
  std::string missing;

private:
  template <typename T>
  T miss(StringRef key) {
    if (missing.empty())
      missing = key.str();
    return T();
  }
};

} // namespace

FailureOr<imc::cost::Cost> imc::readCost(ModuleOp module) {
  auto dictionary =
      module->getAttrOfType<DictionaryAttr>(IMCDialect::costAttrName);
  if (!dictionary)
    return module.emitError("has no imc.cost; run imc-cost first");

  Reader reader(dictionary);
  cost::Cost cost;
  cost::ModelCost model;
  model.name = module.getSymName().value_or("").str();
  model.parameters = reader.integer("parameters");
  model.macs = reader.integer("macs");
  model.energy_j = reader.real("energy_j");
  model.latency_s = reader.real("latency_s");
  model.throughput_per_s = reader.real("throughput_per_s");
  model.power_w = reader.real("power_w");
  model.power_density_w_mm2 = reader.real("power_density_w_mm2");
  model.peak_power_density_w_mm2 = reader.real("peak_power_density_w_mm2");
  model.edp_js = reader.real("edp_js");
  model.edap_js_mm2 = reader.real("edap_js_mm2");
  model.logical_arrays = reader.integer("logical_arrays");
  model.placed_arrays = reader.integer("placed_arrays");
  model.capacity = reader.integer("capacity");
  model.utilization = reader.real("utilization");
  model.mvms = reader.integer("mvms");
  model.sqnr_db = reader.real("sqnr_db");
  model.adc_lost_bits = reader.integer("adc_lost_bits");
  model.adc_error_bound = reader.real("adc_error_bound");
  model.load_energy_j = reader.real("load_energy_j");
  model.load_latency_s = reader.real("load_latency_s");
  reader.components<cost::Energy>("energy_by_component_j",
                                  model.energy_by_component_j);
  reader.components<cost::Time>("latency_by_component_s",
                                model.latency_by_component_s);
  cost.area_mm2 = reader.real("area_mm2");
  reader.components<cost::Area>("area_by_component_mm2",
                                cost.area_by_component_mm2);
  auto feasible = dictionary.getAs<BoolAttr>("feasible");
  auto violations = dictionary.getAs<ArrayAttr>("violations");
  if (!reader.missing.empty() || !feasible || !violations)
    return module.emitError("imc.cost has no entry '")
           << (!reader.missing.empty() ? StringRef(reader.missing)
               : !feasible             ? StringRef("feasible")
                                       : StringRef("violations"))
           << "'; run imc-cost again";
  cost.feasible = feasible.getValue();
  cost.models.push_back(std::move(model));
  return cost;
}
