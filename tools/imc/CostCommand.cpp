//===- CostCommand.cpp - imc cost -----------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Cost/Explain.h"
#include "imc/Cost/Legacy.h"
#include "imc/Cost/Sensitivity.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct CostOptions {
  std::vector<std::string> models;
  std::string json;
  DesignOptions design;
  int64_t batch = 1;
  bool explain = false, sensitivity = false;
};

void printModel(const workload::Workload &workload,
                const cost::ModelCost &model) {
  outs() << "\n"
         << model.name << ": " << model.parameters << " parameters, "
         << model.macs << " MACs, " << model.logical_arrays << " arrays ("
         << model.placed_arrays << " placed of " << model.capacity << "), "
         << model.mvms << " matrix-vector products\n"
         << "  energy " << cost::withPrefix(model.energy_j, "J") << ", latency "
         << cost::withPrefix(model.latency_s, "s") << ", power "
         << cost::withPrefix(model.power_w, "W") << ", EDAP "
         << formatv("{0:e3} J s mm2", model.edap_js_mm2)
         << formatv(", quantization SNR {0:f1} dB\n", model.sqnr_db);
  outs() << formatv("  {0,-34} {1,-18} {2,12} {3,8} {4,7} {5,12} {6,12}  {7}\n",
                    "layer", "op", "MACs", "arrays", "copies", "energy",
                    "latency", "bound by");
  for (const cost::NodeCost &node : cost::costByNode(model, workload))
    outs() << formatv(
        "  {0,-34} {1,-18} {2,12} {3,8} {4,7} {5,12} {6,12}  {7}\n",
        StringRef(node.name).take_back(34), node.op, node.macs, node.arrays,
        node.copies, cost::withPrefix(node.energy_j, "J"),
        cost::withPrefix(node.latency_s, "s"), cost::name(node.bound_by));
  outs() << "  energy by component:";
  for (size_t i = 0; i < cost::numEnergies; ++i)
    if (model.energy_by_component_j[i] > 0)
      outs() << " " << cost::name(static_cast<cost::Energy>(i)) << " "
             << cost::withPrefix(model.energy_by_component_j[i], "J") << ";";
  outs() << "\n";
}

int runCost(const CostOptions &options) {
  if (!options.json.empty())
    if (Error error = checkWritable(options.json))
      return fail(std::move(error));

  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return fail(design.takeError());
  Expected<machine::Machine> machine = design->target->machine();
  if (!machine)
    return fail(machine.takeError());

  if (cost::usesLegacy(*machine))
    if (Error error = design->refuseLayerBits("cost"))
      return fail(std::move(error));

  std::vector<workload::Workload> workloads;
  for (const std::string &path : options.models) {
    FailureOr<workload::Workload> workload =
        session.loadWorkload(path, options.design.shapes);
    if (failed(workload))
      return 1;
    workloads.push_back(workload::batched(*workload, options.batch));
    if (Error error =
            design->setLayers(workloads.back(), modelNames(options.models)))
      return fail(std::move(error));
  }
  cost::Cost cost = cost::evaluate(workloads, *machine, design->knobs);
  std::optional<cost::Sensitivity> steps;
  if (options.sensitivity) {
    // The lists of values of knobs that --set has closed.
    Expected<machine::TargetSpec> spec =
        session.loadTarget(options.design.target);
    if (!spec)
      return fail(spec.takeError());
    steps = cost::sensitivity(cost::Pricer(workloads), *machine, spec->knobs,
                              design->knobs);
  }

  if (!options.json.empty()) {
    std::vector<std::pair<std::string, std::string>> knobs;
    for (StringRef assignment : options.design.sets) {
      auto [name, value] = assignment.split('=');
      knobs.push_back({name.str(), value.str()});
    }
    json::Value report =
        cost::toJSON(cost, workloads, IMC_VERSION, design->target->name, knobs);
    if (steps)
      for (auto [index, model] :
           llvm::enumerate(*report.getAsObject()->getArray("models")))
        (*model.getAsObject())["sensitivity"] = cost::toJSON(*steps, index);
    if (Error error = writeFile(options.json, [&](raw_ostream &os) {
          os << formatv("{0:2}", report) << "\n";
        }))
      return fail(std::move(error));
    if (options.json == "-")
      return 0;
  }
  outs() << design->target->name << formatv(": {0:f3} mm2\n", cost.area_mm2);
  for (const mapping::Violation &violation : cost.violations)
    outs() << "infeasible: " << mapping::ruleName(violation.rule) << " is "
           << format("%g, limit %g ", violation.value, violation.limit)
           << mapping::ruleUnit(violation.rule) << " (" << violation.where
           << ")\n";
  for (auto [workload, model] : llvm::zip_equal(workloads, cost.models))
    printModel(workload, model);
  if (options.explain)
    for (auto [workload, model] : llvm::zip_equal(workloads, cost.models))
      cost::printExplanation(model, workload, outs());
  if (steps)
    for (auto [index, model] : llvm::enumerate(cost.models))
      cost::printSensitivity(*steps, index, model.name, outs());
  return 0;
}

} // namespace

void addCostCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<CostOptions>();
  CLI::App *command = app.add_subcommand(
      "cost", "Price models on a machine: energy, latency, area, EDAP");
  command
      ->add_option("MODEL", options->models, "Models (.onnx, .mlir, .mlirbc)")
      ->required();
  options->design.addTo(*command, /*targetRequired=*/true);
  command
      ->add_option("--batch", options->batch,
                   "Inferences that run through each layer together; weights "
                   "that do not fit are fetched once for all of them")
      ->check(CLI::PositiveNumber);
  command->add_option("--json", options->json,
                      "Write the report as JSON to a file, or - for stdout");
  command->add_flag("--explain", options->explain,
                    "Print components, streams, roofs and what binds for each "
                    "layer");
  command->add_flag("--sensitivity", options->sensitivity,
                    "Step every knob down and up and print what changes, "
                    "largest change of EDAP first");
  command->callback([options, &status] { status = runCost(*options); });
}

} // namespace imc::driver
