//===- latency_table.cpp - Closed-form against simulated latency ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Schedules networks layer by layer on machines that hold them and on machines
// that rewrite their cells, with one copy of each product and with balanced
// ones, simulates the programs, and prints by how much the closed forms
// (E-TIME-1 to E-TIME-9) differ, with mean and worst. Energies but leakage are
// compared bit for bit on the way.
//
//   latency_table [--layers N] [--pipeline N] [--machine NAME] [NETWORK...]
//     --layers N   the N layers that differ most, of each pair; of pipelines
//                  the N beats
//     --pipeline N N inferences as a pipeline (E-TIME-10) instead, on the
//                  machines that hold everything
//     --machine    one machine only
//     NETWORK      file stems in ../shared/models or IMC_SHARED/models; "lstm"
//                  and "gru" are built in (32 steps, 256 inputs, 512 states)
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Pipeline.h"
#include "imc/Import/ONNX.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/Simulate.h"
#include "imc/Transforms/Extract.h"
#include "test/Unit/Schedule/Loops.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <map>

using namespace imc;

namespace {

/// A chip; 0 leaves what the target's file says.
struct Chip {
  const char *name;
  const char *target;
  mapping::Replication replication;
  int64_t groups, tile_kib, array, macros, global_mib;
};
constexpr auto one = mapping::Replication::None;
constexpr auto balanced = mapping::Replication::Balanced;

const Chip chips[] = {
    // Hold everything, GPT-2 medium included.
    {"rram", "rram-32nm", one, 64, 0, 0, 0, 0},
    {"rram, copies", "rram-32nm", balanced, 64, 256, 0, 0, 0},
    {"sram", "sram-32nm", one, 64, 0, 256, 64, 0},
    {"sram, copies", "sram-32nm", balanced, 64, 256, 256, 64, 0},
    {"isaac x 8", "isaac", one, 336, 64, 0, 0, 84},
    {"isaac x 8, copies", "isaac", balanced, 336, 256, 0, 0, 84},
    {"puma x 8", "puma", one, 1104, 64, 0, 0, 69},
    {"puma x 8, copies", "puma", balanced, 1104, 256, 0, 0, 69},
    // Rewrite their cells for nearly every product.
    {"sram, rewritten", "sram-32nm", one, 0, 0, 0, 0, 0},
    {"sram, rewritten, copies", "sram-32nm", balanced, 0, 0, 0, 0, 0},
};

machine::Machine build(const Chip &chip) {
  machine::TargetSpec spec = llvm::cantFail(machine::loadTarget(
      chip.target, {std::string(IMC_SOURCE_DIR) + "/targets"}));
  machine::Machine m = llvm::cantFail(spec.machine());
  if (chip.groups > 0)
    m.hierarchy.groups = chip.groups;
  if (chip.tile_kib > 0)
    m.tile_buffer.size_kib = double(chip.tile_kib);
  if (chip.global_mib > 0)
    m.global_buffer.size_mib = double(chip.global_mib);
  if (chip.array > 0) {
    m.array.rows = m.array.cols = chip.array;
    m.hierarchy.macros_per_tile = chip.macros;
    m.adc.bits = 9; // as many rows lose nothing
  }
  return m;
}

struct Differences {
  int64_t count = 0;
  double sum = 0, worst = 0;
  std::string where;
  void add(double difference, const std::string &what) {
    ++count;
    sum += std::abs(difference);
    if (std::abs(difference) > std::abs(worst)) {
      worst = difference;
      where = what;
    }
  }
};

void printLayers(const cost::ModelCost &model,
                 const workload::Workload &network,
                 const program::Program &program,
                 const simulate::Result &result, size_t count) {
  std::vector<std::pair<double, int64_t>> order;
  const std::map<int64_t, double> seconds =
      simulate::secondsByLayer(program, result);
  for (auto [layer, simulated] : seconds)
    order.push_back(
        {-std::abs(model.layers[size_t(layer)].latency_s - simulated), layer});
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < std::min(count, order.size()); ++i) {
    const size_t layer = size_t(order[i].second);
    const cost::LayerCost &c = model.layers[layer];
    llvm::outs() << llvm::format(
        "    %-30s simulated %.5g, closed form %.5g, %.2f %% of all; bound by "
        "%s, %lld copies of %lld arrays\n",
        network.layers[layer].name.substr(0, 30).c_str(),
        seconds.at(order[i].second), c.latency_s,
        100 * (c.latency_s - seconds.at(order[i].second)) / result.seconds,
        cost::name(c.bound_by), static_cast<long long>(c.copies),
        static_cast<long long>(c.arrays));
  }
}

void printBeats(const cost::PipelineCost &closed,
                const simulate::Result &result, size_t count) {
  // Equal beats are one step.
  std::vector<std::pair<double, size_t>> order;
  std::vector<double> seconds;
  size_t beat = 0;
  for (const simulate::StepResult &step : result.steps) {
    double sum = 0;
    for (int64_t i = 0; i != step.executions; ++i)
      sum += closed.beats[beat++];
    order.push_back({-std::abs(sum - step.seconds), seconds.size()});
    seconds.push_back(sum);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < std::min(count, order.size()); ++i) {
    const simulate::StepResult &step = result.steps[order[i].second];
    const double sum = seconds[order[i].second];
    llvm::outs() << llvm::format(
        "    beat %4lld: simulated %.5g, closed form %.5g, %.2f %% of all;",
        static_cast<long long>(step.index), step.seconds, sum,
        100 * (sum - step.seconds) / result.seconds);
    for (size_t t = 0; t != cost::numTimes; ++t)
      if (step.busy[t] > 0)
        llvm::outs() << llvm::format(" %s %.4g", cost::name(cost::Time(t)),
                                     step.busy[t]);
    llvm::outs() << "\n";
  }
}

/// Whether all energies but leakage are the same doubles.
bool sameEnergy(const cost::ModelCost &model, const simulate::Result &result) {
  for (const std::vector<simulate::WorkResult> *list :
       {&result.products, &result.kernels})
    for (const simulate::WorkResult &work : *list)
      for (size_t e = 0; e != cost::numEnergies; ++e)
        if (cost::Energy(e) != cost::Energy::Leakage &&
            work.energy_j[e] != model.layers[size_t(work.layer)].energy_j[e])
          return false;
  return true;
}

} // namespace

int main(int argc, char **argv) {
  size_t layers = 0;
  int64_t inferences = 0;
  std::string only;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--layers" && i + 1 < argc)
      layers = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--machine" && i + 1 < argc)
      only = argv[++i];
    else if (word == "--pipeline" && i + 1 < argc)
      inferences = std::strtoll(argv[++i], nullptr, 10);
    else
      names.push_back(word);
  }
  if (names.empty())
    names = {"alexnet",
             "densenet201",
             "gpt2_medium",
             "mobilebert",
             "mobilenet_v3_large",
             "resnet18",
             "resnet50",
             "vgg16",
             "vit_b_16"};
  const char *shared = std::getenv("IMC_SHARED");
  const std::string folder =
      (shared ? shared : std::string(IMC_SOURCE_DIR) + "/../shared") +
      "/models/";

  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<IMCDialect>();
  registerONNXImportDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();

  Differences all;
  std::map<std::string, Differences> byChip;
  bool same = true;
  std::map<std::string, workload::Workload> recurrent = {
      {"lstm", test::lstm(32, 1, 256, 512, 64)},
      {"gru", test::gru(32, 1, 256, 512)}};
  for (const std::string &name : names) {
    const bool isBuiltIn = recurrent.count(name);
    if (!isBuiltIn && !llvm::sys::fs::exists(folder + name + ".onnx")) {
      llvm::errs() << "latency_table: no " << folder << name
                   << ".onnx; put the models beside the checkout or set "
                      "IMC_SHARED\n";
      return 1;
    }
    mlir::FailureOr<workload::Workload> network = mlir::failure();
    if (isBuiltIn) {
      if (inferences > 0) {
        llvm::errs() << "latency_table: pipelines have no loops: " << name
                     << "\n";
        return 1;
      }
      network = recurrent[name];
    } else {
      mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> module =
          importONNX(folder + name + ".onnx", &context);
      if (failed(module))
        return 1;
      network = extractWorkload(**module);
    }
    if (failed(network))
      return 1;
    network->name = name;
    for (const Chip &chip : chips) {
      if (!only.empty() && only != chip.name)
        continue;
      machine::Machine m = build(chip);
      const bool pipeline = inferences > 0;
      if (pipeline) {
        // Room for the blocks of all parts of a core and for all activations.
        m.tile_buffer.size_kib = 2048;
        m.global_buffer.size_mib = 512;
      }
      mapping::Knobs knobs;
      knobs.replication = chip.replication;
      const mapping::Plan plan = mapping::plan(*network, m, knobs);
      // Rewriting and pipelining do not go together.
      if (pipeline && !plan.resident)
        continue;
      llvm::Expected<program::Program> program =
          pipeline
              ? schedule::schedule(*network, plan, m, knobs,
                                   {program::Schedule::Pipeline, inferences})
              : schedule::schedule(*network, plan, m, knobs);
      llvm::outs() << llvm::format("%-20s %-24s ", name.c_str(), chip.name);
      if (!program) {
        llvm::outs() << llvm::toString(program.takeError()) << "\n";
        continue;
      }
      const simulate::Result result = llvm::cantFail(
          simulate::simulate(*program, cost::priceDesign(m, knobs), m));
      const cost::ModelCost model =
          cost::evaluate(*network, plan, m, knobs).models.front();
      cost::PipelineCost beats;
      if (pipeline)
        beats = cost::pipelineCost(*network, plan, m, knobs, inferences);
      const double closed = pipeline ? beats.seconds : model.latency_s;
      const double difference = closed / result.seconds - 1;
      all.add(difference, name + " on " + chip.name);
      byChip[chip.name].add(difference, name);
      const bool equal = pipeline || sameEnergy(model, result);
      same &= equal;
      llvm::outs() << llvm::format(
          "simulated %.6g s, closed form %.6g s, %+.2f %%%s\n", result.seconds,
          closed, 100 * difference, equal ? "" : ", ENERGY DIFFERS");
      if (layers > 0 && !pipeline)
        printLayers(model, *network, *program, result, layers);
      if (layers > 0 && pipeline)
        printBeats(beats, result, layers);
      llvm::outs().flush();
    }
  }
  for (const auto &[name, d] : byChip)
    llvm::outs() << llvm::format(
        "%-24s %2lld networks, mean %.2f %%, worst %+.2f %% (%s)\n",
        name.c_str(), static_cast<long long>(d.count),
        100 * d.sum / double(d.count), 100 * d.worst, d.where.c_str());
  if (all.count == 0)
    return 1;
  llvm::outs() << llvm::format(
      "%lld pairs: mean %.2f %% (goal 1 %%: %s), worst %+.2f %% on %s (goal 5 "
      "%%: %s), energies %s\n",
      static_cast<long long>(all.count), 100 * all.sum / double(all.count),
      all.sum / double(all.count) <= 0.01 ? "met" : "missed", 100 * all.worst,
      all.where.c_str(), std::abs(all.worst) <= 0.05 ? "met" : "missed",
      same ? "equal" : "DIFFER");
  return 0;
}
