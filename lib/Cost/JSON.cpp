//===- JSON.cpp - Costs as JSON
//--------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Explain.h"

#include <algorithm>

using namespace imc;
using namespace imc::cost;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace {

template <typename Component, size_t N>
Object breakdown(const std::array<double, N> &parts) {
  Object object;
  for (size_t i = 0; i != N; ++i)
    object[name(static_cast<Component>(i))] = parts[i];
  return object;
}

} // namespace

static Array layersOf(const ModelCost &model,
                      const workload::Workload &workload) {
  Array layers;
  for (const NodeCost &node : costByNode(model, workload))
    layers.push_back(
        Object{{"name", node.name},
               {"op", node.op},
               {"shape", node.shape},
               {"macs", node.macs},
               {"arrays", node.arrays},
               {"copies", node.copies},
               {"mvms", node.mvms},
               {"energy_j", node.energy_j},
               {"latency_s", node.latency_s},
               {"bound_by", name(node.bound_by)},
               {"next_bound", name(node.binding.next)},
               {"slack_s", node.binding.slack_s},
               {"utilization", node.utilization},
               {"compute_share", node.compute_share},
               {"energy_by_component_j", breakdown<Energy>(node.energy_by_j)},
               {"latency_by_stream_s", breakdown<Time>(node.alone_s)},
               {"latency_phases", toJSON(node.phases)},
               {"roofline", toJSON(node.roofline)}});
  return layers;
}

Object imc::cost::toJSON(const Cost &cost,
                         llvm::ArrayRef<workload::Workload> workloads) {
  assert(cost.models.size() == workloads.size() &&
         "the workloads that the cost was made from");
  Array violations;
  for (const mapping::Violation &v : cost.violations)
    violations.push_back(Object{{"rule", mapping::ruleName(v.rule)},
                                {"value", v.value},
                                {"limit", v.limit},
                                {"unit", mapping::ruleUnit(v.rule)},
                                {"where", v.where}});
  Array models;
  for (size_t i = 0, e = cost.models.size(); i != e; ++i) {
    const ModelCost &m = cost.models[i];
    models.push_back(Object{
        {"name", m.name},
        {"parameters", m.parameters},
        {"macs", m.macs},
        {"energy_j", m.energy_j},
        {"latency_s", m.latency_s},
        {"throughput_per_s", m.throughput_per_s},
        {"power_w", m.power_w},
        {"power_density_w_mm2", m.power_density_w_mm2},
        {"peak_power_density_w_mm2", m.peak_power_density_w_mm2},
        {"edp_js", m.edp_js},
        {"edap_js_mm2", m.edap_js_mm2},
        {"sqnr_db", m.sqnr_db},
        {"adc_lost_bits", m.adc_lost_bits},
        {"adc_error_bound", m.adc_error_bound},
        {"load_energy_j", m.load_energy_j},
        {"load_latency_s", m.load_latency_s},
        {"arrays", Object{{"logical", m.logical_arrays},
                          {"placed", m.placed_arrays},
                          {"capacity", m.capacity},
                          {"utilization", m.utilization}}},
        {"mvms", m.mvms},
        {"energy_by_component_j", breakdown<Energy>(m.energy_by_component_j)},
        {"latency_by_component_s", breakdown<Time>(m.latency_by_component_s)},
        {"latency_phases", toJSON(phasesOf(m))},
        {"roofline", toJSON(roofline(m, workloads[i]))},
        {"layers", layersOf(m, workloads[i])}});
  }
  return Object{
      {"feasible", cost.feasible},
      {"violations", std::move(violations)},
      {"area_mm2", cost.area_mm2},
      {"models", std::move(models)},
      {"area_by_component_mm2", breakdown<Area>(cost.area_by_component_mm2)}};
}

Value imc::cost::toJSON(
    const Cost &cost, llvm::ArrayRef<workload::Workload> workloads,
    llvm::StringRef version, llvm::StringRef target,
    llvm::ArrayRef<std::pair<std::string, std::string>> knobs) {
  Object values;
  for (const auto &[knob, text] : knobs) {
    // Numbers as numbers, names as strings.
    double number = 0;
    if (!llvm::StringRef(text).getAsDouble(number))
      values[knob] = number;
    else
      values[knob] = text;
  }
  Object object = toJSON(cost, workloads);
  object["version"] = version;
  object["target"] = Object{{"name", target}, {"knobs", std::move(values)}};
  return object;
}

Object imc::cost::toJSON(const Figures &f) {
  return Object{{"area_mm2", f.area_mm2},
                {"cycle_time_ns", f.cycle_time_ns},
                {"energy_per_cycle_pj", f.energy_per_cycle_pj},
                {"tops", f.tops},
                {"tops_per_w", f.tops_per_w},
                {"tops_per_mm2", f.tops_per_mm2},
                {"fj_per_mac", f.fj_per_mac}};
}

Object imc::cost::toJSON(const machine::TargetSpec &spec,
                         const Figures &figures) {
  Object expected;
  for (const machine::ExpectedFigure &e : spec.expected)
    expected[e.name] =
        Object{{"value", e.value}, {"source", e.source}, {"error", e.error}};
  return Object{{"name", spec.name},
                {"figures", toJSON(figures)},
                {"expected", std::move(expected)}};
}
