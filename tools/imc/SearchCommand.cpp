//===- SearchCommand.cpp - imc search, imc report -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchAccuracy.h"
#include "Session.h"
#include "SpaceModule.h"

#include "imc/Accuracy/Fit.h"
#include "imc/Explore/Compare.h"
#include "imc/Explore/Serve.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Transforms/Phase.h"
#include "imc/Transforms/ReadCost.h"

#include <CLI/CLI.hpp>

#include <iostream>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct SearchCommandOptions {
  std::vector<std::string> models, shapes, algorithmOptions;
  std::string objectives;
  bool prove = false;
  std::vector<std::string> accuracy; ///< models of accuracy, one per model
  std::vector<std::string> data;     ///< one per model: simulate the front
  double floor = 0;                  ///< of top-1, for yields
  int64_t trials = 1, threads = 1;
  explore::SearchOptions search;
};

/// Compiles designs through the real passes, from modules that were imported
/// and offloaded once: no knob changes what lies before quantization.
class DesignCompiler {
public:
  DesignCompiler(Session &session, machine::TargetSpec target)
      : session(session), target(std::move(target)) {}

  void add(OwningOpRef<ModuleOp> module) {
    modules.push_back(std::move(module));
  }

  Expected<cost::Cost> compile(size_t model, const explore::Decoded &decoded,
                               StringRef output) {
    OwningOpRef<ModuleOp> module(modules[model]->clone());
    CompileOptions options;
    options.target = target;
    options.target->values = decoded.machine;
    options.target->knobs.clear();
    options.knobs = decoded.knobs;
    for (const explore::LayerValue &layer : decoded.layers)
      if (layer.model == model) {
        Expected<LayerBits> bits = parseLayerBits(
            "layer." + layer.layer + "." + layer.field->name + "=" +
            mapping::formatKnob(*layer.field, layer.value));
        if (!bits)
          return bits.takeError();
        options.quantization.layers.push_back(std::move(*bits));
      }
    if (failed(compileTo(*module, Phase::Costed, options)))
      return createStringError(inconvertibleErrorCode(),
                               "the design does not compile (see above)");
    if (!output.empty())
      if (Error error = session.writeModule(*module, output))
        return std::move(error);
    FailureOr<cost::Cost> cost = readCost(*module);
    if (failed(cost))
      return createStringError(inconvertibleErrorCode(),
                               "the compiled design carries no cost");
    return std::move(*cost);
  }

private:
  Session &session;
  machine::TargetSpec target;
  std::vector<OwningOpRef<ModuleOp>> modules;
};

/// Models with their workloads, and a compiler for designs of them.
class Models {
public:
  LogicalResult load(llvm::ArrayRef<std::string> paths,
                     llvm::ArrayRef<std::string> shapes) {
    for (const std::string &path : paths) {
      FailureOr<OwningOpRef<ModuleOp>> module = session.loadModel(path, shapes);
      if (failed(module))
        return failure();
      FailureOr<workload::Workload> workload = session.extract(**module, path);
      if (failed(workload))
        return failure();
      explore::SearchModel model;
      model.path = path;
      model.workload = std::move(*workload);
      models.push_back(std::move(model));
      modules.push_back(std::move(*module));
    }
    return success();
  }
  /// Models of accuracy and the simulation of the front, as `options` say;
  /// these must outlive the search.
  Error readAccuracy(SearchCommandOptions &options) {
    // They belong to networks by the digest of their files.
    known.resize(models.size());
    for (const std::string &path : options.accuracy) {
      Expected<accuracy::Model> read = accuracy::Model::read(path);
      if (!read)
        return read.takeError();
      bool used = false;
      for (size_t m = 0; m != models.size(); ++m) {
        Expected<std::string> digest = accuracy::fileDigest(models[m].path);
        if (!digest)
          return digest.takeError();
        if (*digest != read->modelDigest)
          continue;
        used = true;
        known[m] = std::make_shared<const accuracy::Model>(*read);
        Expected<std::string> text = accuracy::fileDigest(path);
        if (!text)
          return text.takeError();
        models[m].accuracyDigest =
            *text + " floor " + std::to_string(options.floor);
        models[m].accuracy = [model = known[m], floor = options.floor](
                                 const machine::Machine &machine,
                                 const mapping::Knobs &knobs)
            -> Expected<explore::AccuracyFigures> {
          Expected<accuracy::Prediction> p =
              model->predict(accuracy::settingsOf(machine, knobs));
          if (!p)
            return p.takeError();
          return explore::AccuracyFigures{p->top1, p->yield(floor)};
        };
      }
      if (!used)
        return createStringError(
            "'" + path + "' was fitted to a network '" + read->name +
            "' whose file had the digest " + read->modelDigest +
            ", which none of the models has; fit it anew with imc "
            "accuracy-model");
    }
    if (!options.data.empty()) {
      if (options.data.size() != models.size() ||
          llvm::is_contained(known, nullptr))
        return createStringError(
            "--simulate-front takes one file of data for each of the " +
            Twine(models.size()) +
            " models, which each need --accuracy as well");
      data = options.data;
      paths = options.models;
      shapes = options.shapes;
      std::vector<std::shared_ptr<const accuracy::Model>> fits(known);
      belief = std::make_unique<SearchAccuracy>(std::move(fits), options.floor,
                                                options.trials, options.threads,
                                                options.search.seed);
      options.search.belief = belief.get();
      // Draws that neither the fit nor the belief has seen.
      options.search.simulate = [this](size_t m,
                                       const explore::Decoded &design) {
        return belief->simulateWith(m, design, SearchAccuracy::Check);
      };
    }
    return Error::success();
  }
  explore::LoadTarget loadTarget() {
    return [this](StringRef name) -> Expected<machine::TargetSpec> {
      Expected<machine::TargetSpec> target = session.loadTarget(name);
      if (target && !compiler) {
        for (size_t m = 0; m != paths.size(); ++m) {
          FailureOr<OwningOpRef<ModuleOp>> imported =
              session.loadModel(paths[m], shapes, /*batch=*/1);
          if (failed(imported))
            return createStringError("the network cannot be read (see above)");
          if (Error error = belief->add(std::move(*imported), *target, data[m]))
            return std::move(error);
        }
        compiler = std::make_unique<DesignCompiler>(session, *target);
        for (OwningOpRef<ModuleOp> &module : modules)
          compiler->add(std::move(module));
      }
      return target;
    };
  }
  explore::CompileDesign compile() {
    return
        [this](size_t model, const explore::Decoded &design, StringRef output) {
          return compiler->compile(model, design, output);
        };
  }
  /// A space that is a module becomes the text of its short form.
  LogicalResult readSpace(const std::string &file, std::string &text) {
    StringRef name = file;
    if (!name.ends_with(".mlir") && !name.ends_with(".mlirbc"))
      return success();
    Expected<explore::SpaceFile> space = driver::readSpace(session, file);
    if (!space)
      return failure(fail(space.takeError()));
    text = space->source;
    return success();
  }
  std::vector<explore::SearchModel> models;

private:
  Session session;
  std::vector<OwningOpRef<ModuleOp>> modules;
  std::unique_ptr<DesignCompiler> compiler;
  std::vector<std::shared_ptr<const accuracy::Model>> known; ///< by model
  std::unique_ptr<SearchAccuracy> belief; ///< or none; after the session
  std::vector<std::string> data, paths, shapes;
};

int runSearch(SearchCommandOptions &options) {
  if (!options.objectives.empty()) {
    SmallVector<StringRef> names;
    StringRef(options.objectives).split(names, ',', -1, /*KeepEmpty=*/false);
    options.search.objectives.assign(names.begin(), names.end());
  }
  for (const std::string &text : options.algorithmOptions) {
    auto [name, value] = StringRef(text).split('=');
    if (name.empty() || name.size() == text.size()) {
      errs() << "error: --algorithm-option '" << text
             << "' is not NAME=VALUE, as population=200\n";
      return 1;
    }
    options.search.algorithmOptions[name.str()] = value.str();
  }
  options.search.version = IMC_VERSION;
  options.search.executable = programPath();
  options.search.shapes = options.shapes;
  auto say = [&](StringRef name, std::string value) {
    options.search.words.push_back(("--" + name).str());
    options.search.words.push_back(std::move(value));
  };
  for (const std::string &file : options.accuracy)
    say("accuracy", file);
  if (options.floor > 0)
    say("floor", explore::shortest(options.floor));
  for (const std::string &file : options.data)
    say("simulate-front", file);
  if (!options.data.empty()) {
    say("trials", std::to_string(options.trials));
    say("simulate-budget", std::to_string(options.search.simulateBudget));
  }

  Models models;
  if (failed(models.readSpace(options.search.spaceFile,
                              options.search.spaceText)) ||
      failed(models.load(options.models, options.shapes)))
    return 1;
  if (Error error = models.readAccuracy(options))
    return fail(std::move(error));
  return explore::searchCommand(options.search, std::move(models.models),
                                models.loadTarget(), models.compile(), outs(),
                                errs());
}

struct CompareCommandOptions {
  std::vector<std::string> models, shapes;
  std::string seeds = "1,2,3,4,5";
  explore::CompareOptions compare;
};

int runCompare(CompareCommandOptions &options) {
  options.compare.version = IMC_VERSION;
  options.compare.seeds.clear();
  SmallVector<StringRef> seeds;
  StringRef(options.seeds).split(seeds, ',', -1, /*KeepEmpty=*/false);
  for (StringRef text : seeds) {
    uint64_t seed;
    if (text.getAsInteger(10, seed)) {
      errs() << "error: --seeds: '" << text
             << "' is no number: write 1,2,3,4,5\n";
      return 2;
    }
    options.compare.seeds.push_back(seed);
  }
  Models models;
  if (failed(models.readSpace(options.compare.spaceFile,
                              options.compare.spaceText)) ||
      failed(models.load(options.models, options.shapes)))
    return 1;
  return explore::compareCommand(options.compare, std::move(models.models),
                                 models.loadTarget(), models.compile(), outs(),
                                 errs());
}

struct ServeCommandOptions {
  std::vector<std::string> models, shapes;
  std::string objectives;
  explore::ServeOptions serve;
};

int runServe(ServeCommandOptions &options) {
  SmallVector<StringRef> names;
  StringRef(options.objectives).split(names, ',', -1, /*KeepEmpty=*/false);
  options.serve.objectives.assign(names.begin(), names.end());
  options.serve.version = IMC_VERSION;
  Models models;
  if (failed(
          models.readSpace(options.serve.spaceFile, options.serve.spaceText)) ||
      failed(models.load(options.models, options.shapes)))
    return 1;
  return explore::serveCommand(options.serve, std::move(models.models),
                               models.loadTarget(), std::cin, outs(), errs());
}

struct ReportOptions {
  std::string study, output, plotly;
};

} // namespace

void addSearchCommands(CLI::App &app, int &status) {
  auto options = std::make_shared<SearchCommandOptions>();
  explore::SearchOptions &search = options->search;
  CLI::App *command = app.add_subcommand(
      "search", "Search machine knobs and compiler decisions jointly");
  command
      ->add_option("MODEL", options->models, "Models (.onnx, .mlir, .mlirbc)")
      ->required();
  command
      ->add_option("--space", search.spaceFile,
                   "The knobs, constraints and objectives (YAML)")
      ->required();
  command->add_option("--objectives", options->objectives,
                      "Comma-separated: energy_j, latency_s, area_mm2, "
                      "edp_js, edap_js_mm2, top1_loss, yield_loss (default: "
                      "those of the space)");
  command->add_option("--accuracy", options->accuracy,
                      "Models of the networks' accuracy (imc accuracy-model), "
                      "for top1, top1_loss, top1_yield and yield_loss");
  command
      ->add_option("--floor", options->floor,
                   "Least top-1 of a draw that counts for the yield")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--simulate-front", options->data,
                      "Labelled data (.npz) per model: simulate the accuracy "
                      "of designs until every design of the front is");
  command
      ->add_option("--simulate-budget", search.simulateBudget,
                   "Simulations at most while the front is looked for; 0: "
                   "believe the closed form and simulate its front")
      ->capture_default_str();
  command
      ->add_option("--trials", options->trials,
                   "Draws of the device for each design of the front")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--threads", options->threads,
                   "Threads of a simulation; results are the same for any")
      ->check(CLI::PositiveNumber);
  command->add_option("--aggregate", search.aggregate,
                      "Over models: max, mean, geomean, product, regret or "
                      "pareto (every model's value is an objective)");
  command->add_option("--algorithm", search.algorithm,
                      "nsga2, nsga3, regularized_evolution, local_search, "
                      "sobol, random, branch_and_bound or exhaustive");
  command->add_option("--algorithm-option", options->algorithmOptions,
                      "Option of the algorithm, NAME=VALUE");
  CLI::Option *budget =
      command->add_option("--budget", search.budget, "Designs to evaluate");
  command
      ->add_flag("--prove", options->prove,
                 "Branch and bound until the optimum is proven, or a gap when "
                 "--budget ends it")
      ->excludes("--algorithm");
  command->add_option("--seed", search.seed, "Seed of the search");
  command->add_option("--jobs", search.jobs,
                      "Threads; the result is the same for any number");
  command->add_option("--study", search.study,
                      "SQLite file that keeps every evaluation");
  command->add_flag("--resume", search.resume, "Continue the study");
  command->add_flag("--join", search.join,
                    "Begin the study or share its work with the other "
                    "processes that joined it");
  command->add_option("--front", search.front,
                      "Write the front as JSON to a file, or - for stdout");
  command->add_option("--report", search.report, "Write an HTML report");
  command->add_option("--emit-designs", search.emitDesigns,
                      "Folder for the compiled modules and costs of the front");
  command->add_flag("--exact-layers", search.exactLayers,
                    "Give every design of the other knobs the best values of "
                    "the knobs of layers, proven (one objective)");
  command->add_flag("--generality", search.generality,
                    "Compare the chosen chip with every model's own best one "
                    "(one more search per model)");
  command->add_flag("--json-progress", search.jsonProgress,
                    "Progress as JSON lines on standard error");
  command->add_option("--shape", options->shapes,
                      "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
  command->add_option("--plotly", search.plotly,
                      "plotly.min.js to put into the report");
  command->callback([options, budget, &status] {
    if (options->prove) {
      options->search.algorithm = "branch_and_bound";
      // As many as there are; a number that JSON holds exactly.
      if (budget->count() == 0)
        options->search.budget = uint64_t(1) << 53;
    }
    status = runSearch(*options);
  });

  auto compared = std::make_shared<CompareCommandOptions>();
  explore::CompareOptions &compare = compared->compare;
  command = app.add_subcommand(
      "compare", "Joint search against sequential, machine-only and "
                 "largest-model-only design, at equal budget");
  command
      ->add_option("MODEL", compared->models, "Models (.onnx, .mlir, .mlirbc)")
      ->required();
  command->add_option("--space", compare.spaceFile, "The space (YAML)")
      ->required();
  command->add_option("--aggregate", compare.aggregate,
                      "Over models: max, mean, geomean or product");
  command->add_option("--budget", compare.budget, "Designs per way and seed");
  command->add_option("--seeds", compared->seeds, "Seeds: 1,2,3,4,5");
  command
      ->add_option("--ways", compare.ways,
                   "Only these beside joint: machine only,passes first,machine "
                   "first,largest only,own (default: all)")
      ->delimiter(',');
  command->add_option("--jobs", compare.jobs,
                      "Threads; the result is the same for any number");
  command->add_option("--json", compare.json,
                      "Write all designs as JSON to a file, or - for stdout");
  command->add_option("--shape", compared->shapes,
                      "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
  command->callback([compared, &status] { status = runCompare(*compared); });

  auto served = std::make_shared<ServeCommandOptions>();
  command = app.add_subcommand(
      "serve", "Ask/tell and prices for other programs: one JSON object per "
               "line (docs/spec/serve.md)");
  command->add_option("MODEL", served->models,
                      "Models (.onnx, .mlir, .mlirbc)");
  command->add_option("--space", served->serve.spaceFile, "The space (YAML)");
  command->add_option("--objectives", served->objectives,
                      "Comma-separated (default: those of the space)");
  command->add_option("--aggregate", served->serve.aggregate,
                      "Over models: max, mean, geomean, product or pareto");
  command->add_option("--shape", served->shapes,
                      "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
  command->callback([served, &status] { status = runServe(*served); });

  auto report = std::make_shared<ReportOptions>();
  command = app.add_subcommand("report", "Draw a study as one HTML page");
  command->add_option("STUDY", report->study, "A study (.db)")->required();
  command->add_option("-o", report->output, "The page (.html)")->required();
  command->add_option("--plotly", report->plotly,
                      "plotly.min.js to put into the report");
  command->callback([report, &status] {
    status = explore::reportCommand(report->study, report->output,
                                    programPath(), report->plotly, errs());
  });
}

} // namespace imc::driver
