//===- SimulateCommand.cpp - imc simulate ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Cost/Explain.h"
#include "imc/Cost/Pipeline.h"
#include "imc/Cost/Unfold.h"
#include "imc/Program/IO.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/Simulate.h"
#include "imc/Support/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <CLI/CLI.hpp>

#include <map>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct SimulateOptions {
  std::string file, schedule = "layers", trace, traceSteps, json;
  DesignOptions design;
  int64_t inferences = 1;
  bool writeAhead = false;
};

/// What is simulated, and what the closed forms say of it.
struct Simulated {
  program::Program program;
  std::optional<workload::Workload> workload; ///< of a model
  std::optional<cost::ModelCost> cost;        ///< of `workload`
  std::optional<cost::PipelineCost> pipeline; ///< where that is the schedule

  /// Closed form of the schedule that was taken; a stream has that of layers,
  /// which it is to beat.
  double seconds() const {
    return pipeline ? pipeline->seconds : cost->latency_s;
  }
};

bool isModel(StringRef file) {
  return file.ends_with(".onnx") || file.ends_with(".mlir") ||
         file.ends_with(".mlirbc");
}

/// Schedules a model. Errors that are no diagnostic are returned.
Expected<Simulated> scheduleModel(Session &session,
                                  const SimulateOptions &options,
                                  const machine::Machine &machine,
                                  const Design &design) {
  mapping::Knobs knobs = design.knobs;
  std::optional<program::Schedule> kind =
      schedule::findSchedule(options.schedule);
  if (!kind)
    return createStringError("--schedule takes layers, pipeline or stream, not "
                             "'" +
                             options.schedule + "'");
  if (options.writeAhead && *kind != program::Schedule::Layers)
    return createStringError(
        "--write-ahead is of --schedule layers: in the others all weights "
        "stay");
  FailureOr<workload::Workload> workload =
      session.loadWorkload(options.file, options.design.shapes);
  if (failed(workload))
    return createStringError("");
  // The pipeline passes inference after inference, the others do all at once.
  const bool passes = *kind == program::Schedule::Pipeline;
  Simulated s;
  s.workload = workload::batched(*workload, passes ? 1 : options.inferences);
  if (Error error = design.setLayers(*s.workload, s.workload->name))
    return std::move(error);
  s.workload = cost::unfold(std::move(*s.workload), machine, knobs);
  knobs.unfolding = mapping::UnfoldingRule::Im2col;
  const mapping::Plan plan = mapping::plan(*s.workload, machine, knobs);
  Expected<program::Program> program = schedule::schedule(
      *s.workload, plan, machine, knobs,
      {*kind, passes ? options.inferences : 0, options.writeAhead});
  if (!program)
    return program.takeError();
  s.program = std::move(*program);
  s.cost = cost::evaluate(*s.workload, plan, machine, knobs).models.front();
  if (passes)
    s.pipeline = cost::pipelineCost(*s.workload, plan, machine, knobs,
                                    options.inferences);
  return s;
}

json::Object report(const Simulated &s, const simulate::Result &result,
                    StringRef target) {
  json::Object o = simulate::toJSON(result, s.program);
  o["version"] = IMC_VERSION;
  o["target"] = target.str();
  o["schedule"] = program::name(s.program.schedule);
  if (!s.cost)
    return o;
  o["analytical_seconds"] = s.seconds();
  o["ratio"] = result.seconds / s.seconds();
  o["analytical_energy_j"] = s.cost->energy_j;
  if (s.pipeline)
    o["analytical_pipeline"] =
        json::Object{{"levels", s.pipeline->levels},
                     {"fill_s", s.pipeline->fill_s},
                     {"steady_s", s.pipeline->steady_s},
                     {"drain_s", s.pipeline->drain_s},
                     {"beat_s", s.pipeline->beat_s},
                     {"bound_by", cost::name(s.pipeline->bound_by)}};
  else
    o["analytical_phases"] = cost::toJSON(cost::phasesOf(*s.cost));
  if (s.program.schedule != program::Schedule::Layers)
    return o;
  json::Array layers;
  for (auto [layer, seconds] : simulate::secondsByLayer(s.program, result)) {
    const cost::LayerCost &c = s.cost->layers[size_t(layer)];
    layers.push_back(json::Object{
        {"layer", layer},
        {"name", s.workload->layers[size_t(layer)].name},
        {"op", s.workload->layers[size_t(layer)].op},
        {"seconds", seconds},
        {"analytical_seconds", c.latency_s},
        {"analytical_bound_by", cost::name(c.bound_by)},
        {"analytical_phases", cost::toJSON(cost::phasesOf({&c}))}});
  }
  o["layers"] = std::move(layers);
  return o;
}

void print(const Simulated &s, const simulate::Result &result) {
  outs() << s.program.model << ": schedule "
         << program::name(s.program.schedule) << ", " << result.inferences
         << " inferences in " << cost::withPrefix(result.seconds, "s") << ", "
         << cost::withPrefix(result.total_energy_j, "J") << ", "
         << result.instructions << " instructions\n";
  if (s.cost) {
    outs() << (s.pipeline ? "  beat by beat" : "  layer by layer")
           << " in closed form " << cost::withPrefix(s.seconds(), "s")
           << format(", ratio %.4f\n", result.seconds / s.seconds());
    if (s.pipeline)
      outs() << "  fill " << cost::withPrefix(s.pipeline->fill_s, "s")
             << ", steady " << cost::withPrefix(s.pipeline->steady_s, "s")
             << ", drain " << cost::withPrefix(s.pipeline->drain_s, "s")
             << "; longest beat " << cost::withPrefix(s.pipeline->beat_s, "s")
             << ", bound by " << cost::name(s.pipeline->bound_by) << "\n";
    else
      outs() << "  " << cost::describe(cost::phasesOf(*s.cost)) << "\n";
  }
  outs() << formatv("  {0,-6} {1,-34} {2,10} {3,12} {4,12}  {5}\n", "step",
                    "work", "executions", "start", "seconds", "bound by");
  std::map<int64_t, StringRef> names;
  for (const program::Kernel &k : s.program.kernels)
    names.try_emplace(k.step, k.name);
  for (const program::Product &p : s.program.products)
    for (int64_t r = 0; r < std::max<int64_t>(1, p.rounds); ++r)
      names[p.step + r] = p.name;
  auto nameOf = [&](int64_t step) {
    auto found = names.find(step);
    return found == names.end() ? StringRef() : found->second;
  };
  for (const simulate::StepResult &step : result.steps)
    outs() << formatv("  {0,-6} {1,-34} {2,10} {3,12} {4,12}  {5}\n",
                      step.index, nameOf(step.index).take_back(34),
                      step.executions, cost::withPrefix(step.start, "s"),
                      cost::withPrefix(step.seconds, "s"),
                      cost::name(step.bound_by));
  outs() << "  arrays stood still, summed over parts:";
  for (size_t i = 0; i != simulate::numStalls; ++i) {
    double sum = 0;
    for (const simulate::PartResult &part : result.parts)
      sum += part.stalls[i];
    if (sum > 0)
      outs() << " " << simulate::name(static_cast<simulate::Stall>(i)) << " "
             << cost::withPrefix(sum, "s") << ";";
  }
  outs() << "\n";
}

int runSimulate(const SimulateOptions &options) {
  for (const std::string &path : {options.json, options.trace})
    if (!path.empty())
      if (Error error = checkWritable(path))
        return fail(std::move(error));
  if (options.writeAhead && !isModel(options.file))
    return fail(Twine("--write-ahead schedules models, '") + options.file +
                "' is a program already");
  simulate::Options run;
  if (!options.traceSteps.empty()) {
    auto [first, last] = StringRef(options.traceSteps).split(':');
    if (first.getAsInteger(10, run.trace_begin) ||
        last.getAsInteger(10, run.trace_end) || run.trace_begin < 0 ||
        run.trace_end < run.trace_begin)
      return fail(Twine("--trace-steps takes FIRST:END with FIRST <= END, not "
                        "'") +
                  options.traceSteps + "'");
    if (options.trace.empty())
      return fail("--trace-steps limits a trace; name its file with --trace");
  }
  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return fail(design.takeError());
  Expected<machine::Machine> machine = design->target->machine();
  if (!machine)
    return fail(machine.takeError());
  const mapping::Knobs &knobs = design->knobs;

  Simulated s;
  if (isModel(options.file)) {
    Expected<Simulated> model =
        scheduleModel(session, options, *machine, *design);
    if (!model) {
      const std::string message = toString(model.takeError());
      return message.empty() ? 1 : fail(message);
    }
    s = std::move(*model);
  } else {
    if (Error error = design->refuseLayerBits("simulate PROGRAM"))
      return fail(std::move(error));
    Expected<program::Program> program = program::read(options.file);
    if (!program)
      return fail(program.takeError());
    s.program = std::move(*program);
    const program::Chip &chip = s.program.chip;
    if (chip.weight_bits != knobs.weight_bits ||
        chip.input_bits != knobs.input_bits)
      return fail(
          Twine(options.file) + ": made for " + Twine(chip.weight_bits) +
          "-bit weights and " + Twine(chip.input_bits) +
          "-bit inputs; add --set pass.weight_bits=" + Twine(chip.weight_bits) +
          " --set pass.input_bits=" + Twine(chip.input_bits));
  }

  const cost::Prices prices = cost::priceDesign(*machine, knobs);
  run.conversions = simulate::conversionsOf(s.program, *machine, knobs);
  std::optional<simulate::Result> result;
  auto go = [&](raw_ostream *trace) -> Error {
    run.trace = trace;
    Expected<simulate::Result> r =
        simulate::simulate(s.program, prices, *machine, run);
    if (!r)
      return r.takeError();
    result = std::move(*r);
    return Error::success();
  };
  Error error = Error::success();
  if (options.trace.empty()) {
    error = go(nullptr);
  } else {
    Error inner = Error::success();
    error = writeFile(options.trace, [&](raw_ostream &os) { inner = go(&os); });
    if (inner) {
      consumeError(std::move(error));
      error = std::move(inner);
      sys::fs::remove(options.trace); // it ends in the middle
    }
  }
  if (error)
    return fail(std::move(error));

  if (!options.json.empty()) {
    json::Value value(report(s, *result, design->target->name));
    if (Error failed = writeFile(options.json, [&](raw_ostream &os) {
          os << formatv("{0:2}", value) << "\n";
        }))
      return fail(std::move(failed));
    if (options.json == "-")
      return 0;
  }
  print(s, *result);
  return 0;
}

} // namespace

void addSimulateCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<SimulateOptions>();
  CLI::App *command = app.add_subcommand(
      "simulate", "Execute the programs of all cores in time: latency, stalls, "
                  "counts, trace");
  command
      ->add_option("FILE", options->file,
                   "A model (.onnx, .mlir, .mlirbc) or a program, as text or "
                   "binary")
      ->required();
  options->design.addTo(*command, /*targetRequired=*/true);
  command->add_option("--schedule", options->schedule,
                      "Of a model: layers (the default), pipeline or stream");
  command->add_flag("--write-ahead", options->writeAhead,
                    "Schedule layers: write swapped weights while an earlier "
                    "layer computes on other arrays");
  command
      ->add_option("--inferences", options->inferences,
                   "Inferences of one run: at once, or one after the other in "
                   "the pipeline")
      ->check(CLI::PositiveNumber);
  command->add_option("--trace", options->trace,
                      "Write a trace for Perfetto or chrome://tracing");
  command->add_option("--trace-steps", options->traceSteps,
                      "FIRST:END, the steps that the trace shows");
  command->add_option("--json", options->json,
                      "Write the report as JSON to a file, or - for stdout");
  command->callback([options, &status] { status = runSimulate(*options); });
}

} // namespace imc::driver
