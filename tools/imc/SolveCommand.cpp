//===- SolveCommand.cpp - imc solve ---------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Cost/Unfold.h"
#include "imc/Mapping/ModelProblem.h"
#include "imc/Mapping/Problem.h"
#include "imc/Mapping/Unfolding.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Extract.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>

#include <chrono>

using namespace llvm;

namespace imc::driver {
namespace {

struct SolveOptions {
  std::string problem, algorithm, solution, json;
  // Of a model.
  std::string kind = "replication", objective, write;
  int64_t arrays = 0;
  DesignOptions design;
};

Expected<json::Value> readJSON(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!file)
    return mapping::invalid("cannot read '" + path +
                            "': " + file.getError().message());
  Expected<json::Value> value = json::parse((*file)->getBuffer());
  if (!value)
    return mapping::invalid(path + ": " + toString(value.takeError()));
  return value;
}

bool isModel(StringRef path) {
  StringRef extension = sys::path::extension(path);
  return extension == ".onnx" || extension == ".mlir" || extension == ".mlirbc";
}

/// The products of a model with stored weights, before they are matrices of
/// cells: convolutions, and matrix products as convolutions of their rows.
Expected<json::Value> unfoldingOfModel(Session &session,
                                       const machine::Machine &machine,
                                       const mapping::Knobs &knobs,
                                       const SolveOptions &options) {
  namespace unfolding = mapping::unfolding;
  auto module = session.loadModel(options.problem, options.design.shapes);
  if (failed(module))
    return mapping::invalid("cannot read '" + options.problem + "'");
  if (getPhase(**module) == Phase::Imported &&
      failed(compileTo(**module, Phase::Offloaded, {})))
    return mapping::invalid("cannot offload '" + options.problem + "'");
  unfolding::Problem problem;
  problem.rows = machine.drivenRows();
  problem.cols = machine.array.cols;
  problem.columns_per_weight =
      mapping::columnsPerWeight(knobs, machine.cell.bits);
  problem.arrays = options.arrays;
  if (!options.objective.empty())
    problem.objective = static_cast<unfolding::Objective>(
        StringSwitch<int>(options.objective)
            .Case("steps", int(unfolding::Objective::Steps))
            .Case("conversions", int(unfolding::Objective::Conversions))
            .Case("inputs", int(unfolding::Objective::Inputs))
            .Default(int(unfolding::Objective::Products)));
  bool loops = true;
  auto add = [&](mlir::Operation *op, unfolding::Layer layer) {
    layer.name = getLayerName(op->getLoc());
    mlir::FailureOr<int64_t> trips = countTrips(op);
    if (failed(trips)) {
      loops = false;
      return;
    }
    layer.count *= *trips;
    problem.layers.push_back(std::move(layer));
  };
  auto shape = [](mlir::Value value) {
    return cast<mlir::ShapedType>(value.getType()).getShape();
  };
  (*module)->walk([&](mlir::Operation *op) {
    unfolding::Layer layer;
    if (auto conv = dyn_cast<Conv2DOp>(op)) {
      const ArrayRef<int64_t> x = shape(conv.getX()), w = shape(conv.getW());
      layer.groups = conv.getGroups();
      layer.channels = w[1];
      layer.outputs = w[0] / layer.groups;
      layer.count = x[0];
      for (int d : {0, 1}) {
        layer.image[d] = x[size_t(d) + 2];
        layer.kernel[d] = w[size_t(d) + 2];
        layer.stride[d] = conv.getStrides()[size_t(d)];
        layer.dilation[d] = conv.getDilations()[size_t(d)];
      }
      add(op, std::move(layer));
    } else if (auto matmul = dyn_cast<MatmulOp>(op)) {
      layer.image[0] = shape(matmul.getX())[0];
      layer.channels = shape(matmul.getW())[0];
      layer.outputs = shape(matmul.getW())[1];
      add(op, std::move(layer));
    }
  });
  if (!loops)
    return mapping::invalid("'" + options.problem +
                            "' has loops of no constant length");
  if (problem.layers.empty())
    return mapping::invalid(
        "'" + options.problem +
        "' has no products with stored weights that are not cut yet; give the "
        "model at phase quantized or before");
  return toJSON(problem);
}

/// The problem that a model poses on the machine of the options.
Expected<json::Value> problemOfModel(const SolveOptions &options) {
  if (options.design.target.empty())
    return mapping::invalid("'" + options.problem +
                            "' is a model: --target says of which machine");
  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return design.takeError();
  if (Error error = design->refuseLayerBits("solve"))
    return std::move(error);
  Expected<machine::Machine> machine = design->target->machine();
  if (!machine)
    return machine.takeError();
  for (const mapping::Violation &v : mapping::check(design->knobs, *machine))
    return mapping::invalid(formatv("{0} is {1} {2}, may be {3} on '{4}'",
                                    v.where, v.value, mapping::ruleUnit(v.rule),
                                    v.limit, options.design.target));
  const StringRef objective = options.objective;
  const bool unfolds = options.kind == "unfolding";
  const StringRef offered[] = {"bottleneck", "sum",         "products",
                               "steps",      "conversions", "inputs"};
  const ArrayRef<StringRef> names = unfolds ? ArrayRef(offered).drop_front(2)
                                            : ArrayRef(offered).take_front(2);
  if (!objective.empty() && !is_contained(names, objective))
    return mapping::invalid("--objective " + objective + " is not one of " +
                            options.kind + "'s: " + join(names, ", "));
  for (const LayerBits &layer : design->quantization.layers)
    if (unfolds && layer.unfolding)
      return mapping::invalid("--as unfolding looks for the positions of all "
                              "layers; leave --set layer." +
                              layer.layer + ".unfolding out");
  if (unfolds)
    return unfoldingOfModel(session, *machine, design->knobs, options);
  auto workload = session.loadWorkload(options.problem, options.design.shapes);
  if (failed(workload))
    return mapping::invalid("cannot read '" + options.problem + "'");
  if (Error error = design->setLayers(*workload, workload->name))
    return std::move(error);
  *workload = cost::unfold(std::move(*workload), *machine, design->knobs);
  if (options.kind == "packing")
    return toJSON(mapping::packingOf(*workload, *machine, design->knobs));
  mapping::replication::Problem problem = mapping::replicationOf(
      *workload, *machine, design->knobs,
      options.objective == "sum" ? mapping::replication::Objective::Sum
                                 : mapping::replication::Objective::Bottleneck);
  if (options.arrays)
    problem.arrays = options.arrays;
  return toJSON(problem);
}

/// The error, with the file that it is about.
int failIn(StringRef path, Error error) {
  return fail(path + ": " + toString(std::move(error)));
}

int runSolve(const SolveOptions &options) {
  Expected<json::Value> text = isModel(options.problem)
                                   ? problemOfModel(options)
                                   : readJSON(options.problem);
  if (!text)
    return fail(text.takeError());
  if (!options.write.empty())
    if (Error error = writeFile(options.write, [&](raw_ostream &os) {
          os << formatv("{0:2}", *text) << "\n";
        }))
      return fail(std::move(error));
  Expected<std::unique_ptr<mapping::AnyProblem>> problem =
      mapping::parseAnyProblem(*text);
  if (!problem)
    return failIn(options.problem, problem.takeError());
  if (Error error = (*problem)->check())
    return failIn(options.problem, std::move(error));

  // What an algorithm cannot do is an error, unless all of them were asked for.
  struct Row {
    std::string algorithm, refusal;
    std::optional<mapping::Answer> answer;
    double seconds;
  };
  std::vector<Row> rows;
  if (!options.solution.empty()) {
    Expected<json::Value> given = readJSON(options.solution);
    if (!given)
      return fail(given.takeError());
    Expected<mapping::Answer> answer = (*problem)->verify(*given);
    if (!answer)
      return failIn(options.solution, answer.takeError());
    rows.push_back({"given", "", std::move(*answer), 0});
  } else {
    std::vector<std::string> names{options.algorithm};
    if (options.algorithm.empty())
      names = {(*problem)->algorithms().back().str()};
    if (options.algorithm == "all")
      names.assign((*problem)->algorithms().begin(),
                   (*problem)->algorithms().end());
    for (const std::string &name : names) {
      auto start = std::chrono::steady_clock::now();
      Expected<mapping::Answer> answer = (*problem)->solve(name);
      std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      if (answer)
        rows.push_back({name, "", std::move(*answer), time.count()});
      else if (options.algorithm == "all")
        rows.push_back(
            {name, toString(answer.takeError()), std::nullopt, time.count()});
      else
        return failIn(options.problem, answer.takeError());
    }
  }

  if (options.json != "-") {
    outs() << (*problem)->kind() << ": " << (*problem)->unit() << "\n";
    for (const Row &row : rows)
      if (row.answer)
        outs() << format("  %-14s %16lld  %9.3f s\n", row.algorithm.c_str(),
                         (long long)row.answer->objective, row.seconds);
      else
        outs() << format("  %-14s ", row.algorithm.c_str()) << row.refusal
               << "\n";
    if (rows.size() == 1 && options.json.empty())
      outs() << rows[0].answer->solution << "\n";
  }
  if (options.json.empty())
    return 0;
  json::Array results;
  for (Row &row : rows) {
    json::Object result{{"algorithm", row.algorithm}};
    if (row.answer) {
      result["objective"] = row.answer->objective;
      result["solution"] = std::move(row.answer->solution);
    } else {
      result["refused"] = row.refusal;
    }
    results.push_back(std::move(result));
  }
  json::Object root{{"problem", (*problem)->kind()},
                    {"unit", (*problem)->unit()},
                    {"results", std::move(results)}};
  if (Error error = writeFile(options.json, [&](raw_ostream &os) {
        os << formatv("{0:2}", json::Value(std::move(root))) << "\n";
      }))
    return fail(std::move(error));
  return 0;
}

} // namespace

void addSolveCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<SolveOptions>();
  CLI::App *command = app.add_subcommand(
      "solve", "Check a mapping problem, solve it and verify the solution");
  command
      ->add_option("PROBLEM", options->problem,
                   "A problem in JSON (docs/mapping.md), - for stdin, or a "
                   "model, with --target")
      ->required();
  auto *algorithm = command->add_option(
      "--algorithm", options->algorithm,
      "One of the problem's algorithms, or all; without it the problem's best");
  command
      ->add_option("--verify", options->solution,
                   "Verify this solution (JSON) instead of solving")
      ->excludes(algorithm);
  command->add_option("--json", options->json,
                      "Write objectives and solutions as JSON to a file, or - "
                      "for stdout");
  command
      ->add_option("--as", options->kind,
                   "The problem of a model: replication, packing or unfolding")
      ->check(CLI::IsMember({"replication", "packing", "unfolding"}))
      ->capture_default_str();
  command
      ->add_option("--objective", options->objective,
                   "Of a model's replication: bottleneck (if left out) or sum; "
                   "of its unfolding: products (if left out), steps, "
                   "conversions or inputs")
      ->check(CLI::IsMember(
          {"bottleneck", "sum", "products", "steps", "conversions", "inputs"}));
  command
      ->add_option("--arrays", options->arrays,
                   "Budget of a model's replication instead of the machine's, "
                   "or of its unfolding instead of any number")
      ->check(CLI::PositiveNumber);
  command->add_option("--write", options->write,
                      "Write the problem as JSON to a file");
  options->design.addTo(*command, /*targetRequired=*/false);
  command->callback([options, &status] { status = runSolve(*options); });
}

} // namespace imc::driver
