//===- AccuracyCommand.cpp - imc accuracy ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "imc/Accuracy/Evaluate.h"
#include "imc/Execute/Archive.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Phase.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct AccuracyOptions {
  std::string model, data, noise, json, output, range, ties,
      step = "power_of_two", criterion = "quantile";
  CalibrationArguments calibration;
  DesignOptions design;
  accuracy::DatasetOptions dataset;
  accuracy::EvaluateOptions evaluate;
};

/// Reads the choices that have names.
Error readChoices(const AccuracyOptions &options,
                  accuracy::EvaluateOptions &evaluate) {
  auto refuse = [](StringRef option, StringRef choices, StringRef value) {
    return createStringError("--" + option + " takes " + choices + ", not '" +
                             value + "'");
  };
  execute::CrossbarOptions &arrays = evaluate.arrays;
  if (!options.range.empty()) {
    arrays.range =
        llvm::StringSwitch<std::optional<crossbar::Range>>(options.range)
            .Case("lossless", crossbar::Range::Lossless)
            .Case("full", crossbar::Range::Full)
            .Case("filled", crossbar::Range::Filled)
            .Case("layer", crossbar::Range::Layer)
            .Case("array", crossbar::Range::Array)
            .Case("column", crossbar::Range::Column)
            .Case("phase", crossbar::Range::Phase)
            .Default(std::nullopt);
    if (!arrays.range)
      return refuse("range",
                    "lossless, full, filled, layer, array, column or phase",
                    options.range);
  }
  if (!options.ties.empty()) {
    arrays.ties =
        llvm::StringSwitch<std::optional<crossbar::Ties>>(options.ties)
            .Case("half_up", crossbar::Ties::HalfUp)
            .Case("half_even", crossbar::Ties::HalfEven)
            .Case("floor", crossbar::Ties::Floor)
            .Default(std::nullopt);
    if (!arrays.ties)
      return refuse("ties", "half_up, half_even or floor", options.ties);
  }
  auto step = llvm::StringSwitch<std::optional<crossbar::Step>>(options.step)
                  .Case("power_of_two", crossbar::Step::PowerOfTwo)
                  .Case("free", crossbar::Step::Free)
                  .Default(std::nullopt);
  if (!step)
    return refuse("step", "power_of_two or free", options.step);
  arrays.step = *step;
  auto criterion =
      llvm::StringSwitch<std::optional<crossbar::Criterion>>(options.criterion)
          .Case("quantile", crossbar::Criterion::Quantile)
          .Case("squared_error", crossbar::Criterion::SquaredError)
          .Default(std::nullopt);
  if (!criterion)
    return refuse("criterion", "quantile or squared_error", options.criterion);
  arrays.criterion = *criterion;
  if (options.noise.empty() && evaluate.trials > 1)
    return createStringError(
        "--trials " + Twine(evaluate.trials) +
        " asks for draws of devices: name one with --noise");
  return Error::success();
}

json::Object toJSON(const accuracy::Score &s) {
  json::Object o{{"top1", s.top1()}, {"right", s.right}};
  if (s.has_top5)
    o["top5"] = s.top5();
  return o;
}

json::Array toJSON(ArrayRef<accuracy::Confusion> pairs) {
  json::Array out;
  for (const accuracy::Confusion &c : pairs)
    out.push_back(json::Object{
        {"label", c.label}, {"predicted", c.predicted}, {"count", c.count}});
  return out;
}

/// JSON has no infinity: a product without error has null.
json::Value decibels(const accuracy::ProductError &e) {
  return std::isinf(e.snrDb()) ? json::Value(nullptr) : json::Value(e.snrDb());
}

json::Object report(const AccuracyOptions &options,
                    const accuracy::EvaluateOptions &evaluate,
                    const accuracy::Dataset &data,
                    const accuracy::Evaluation &e) {
  const bool five = e.host.has_top5;
  json::Array notes, top1, layers, worst;
  for (const std::string &note : data.notes)
    notes.push_back(note);
  for (const accuracy::Score &s : e.trials)
    top1.push_back(s.top1());
  for (const accuracy::LayerReport &l : e.layers)
    layers.push_back(
        json::Object{{"name", l.error.name},
                     {"snr_db", decibels(l.error)},
                     {"results", l.error.results},
                     {"differing", l.error.differing},
                     {"largest_error", l.error.largest},
                     {"columns", l.proof.columns},
                     {"columns_proved_lossless", l.proof.proved_columns},
                     {"conversions", l.converters.conversions},
                     {"saturated", l.converters.saturated}});
  for (const accuracy::AloneReport &w : e.worst) {
    json::Object o = toJSON(w.score);
    o["name"] = e.layers[size_t(w.layer)].error.name;
    o["confusions"] = toJSON(w.confusions);
    worst.push_back(std::move(o));
  }
  json::Object arrays{{"top1", e.top1().mean},
                      {"top1_deviation", e.top1().deviation},
                      {"top1_by_trial", std::move(top1)},
                      {"agreement", e.agreement},
                      {"output_snr_db", decibels(e.output)}};
  if (five) {
    arrays["top5"] = e.top5().mean;
    arrays["top5_deviation"] = e.top5().deviation;
  }
  json::Object o{
      {"version", IMC_VERSION},
      {"model", modelName(options.model)},
      {"target", options.design.target},
      {"data", json::Object{{"file", sys::path::filename(options.data)},
                            {"samples", int64_t(data.labels.size())},
                            {"notes", std::move(notes)}}},
      {"range", options.range.empty() ? "as compiled" : options.range},
      {"noise", options.noise.empty() ? json::Value(nullptr)
                                      : json::Value(options.noise)},
      {"trials", evaluate.trials},
      {"seed", int64_t(evaluate.seed)},
      {"time_s", evaluate.time_s},
      {"top1", e.top1().mean},
      {"top1_deviation", e.top1().deviation},
      {"imported", toJSON(e.host)},
      {"quantized", toJSON(e.integers)},
      {"arrays", std::move(arrays)},
      {"layers", std::move(layers)},
      {"worst_layers", std::move(worst)},
      {"confusions", toJSON(e.confusions)}};
  return o;
}

std::string percent(double share) {
  return formatv("{0:F1} %", 100 * share).str();
}

void print(const AccuracyOptions &options,
           const accuracy::EvaluateOptions &evaluate,
           const accuracy::Dataset &data, const accuracy::Evaluation &e) {
  const bool five = e.host.has_top5;
  outs() << modelName(options.model) << " on " << options.design.target << ", "
         << data.labels.size() << " samples of "
         << sys::path::filename(options.data) << "\n";
  for (const std::string &note : data.notes)
    outs() << "  " << note << "\n";
  auto line = [&](StringRef what, StringRef top1, StringRef top5) {
    outs() << formatv("  {0,-34} {1,16}", what, top1);
    if (five)
      outs() << formatv(" {0,16}", top5);
    outs() << "\n";
  };
  auto both = [](const accuracy::Spread &s, int64_t trials) {
    return trials > 1
               ? formatv("{0:F2} ± {1:F2} %", 100 * s.mean, 100 * s.deviation)
                     .str()
               : percent(s.mean);
  };
  line("step", "top-1", "top-5");
  line("imported", percent(e.host.top1()), percent(e.host.top5()));
  line("quantized, products in integers", percent(e.integers.top1()),
       percent(e.integers.top5()));
  line(evaluate.device ? "arrays, " + std::to_string(evaluate.trials) +
                             " draws of " + evaluate.device->name
                       : std::string("arrays, ideal devices"),
       both(e.top1(), evaluate.trials), both(e.top5(), evaluate.trials));
  outs() << formatv("  same class as in integers {0}, signal to noise of the "
                    "outputs ",
                    percent(e.agreement));
  if (e.output.error == 0)
    outs() << "without noise\n";
  else
    outs() << formatv("{0:F1} dB\n", e.output.snrDb());
  outs() << formatv("  {0,-36} {1,9} {2,12} {3,12} {4,10}\n", "layer", "SNR dB",
                    "proved cols", "saturated", "largest");
  for (const accuracy::LayerReport &l : e.layers) {
    const std::string snr =
        l.error.error == 0 ? "exact" : formatv("{0:F1}", l.error.snrDb()).str();
    outs() << formatv(
        "  {0,-36} {1,9} {2,12} {3,12} {4,10}\n", l.error.name, snr,
        percent(double(l.proof.proved_columns) /
                double(std::max<int64_t>(1, l.proof.columns))),
        percent(double(l.converters.saturated) /
                double(std::max<int64_t>(1, l.converters.conversions))),
        l.error.largest);
  }
  for (const accuracy::AloneReport &w : e.worst) {
    outs() << formatv("  only '{0}' on arrays: top-1 {1}",
                      e.layers[size_t(w.layer)].error.name,
                      percent(w.score.top1()));
    for (const accuracy::Confusion &c : w.confusions)
      outs() << formatv(", {0} taken for {1} {2}x", c.label, c.predicted,
                        c.count);
    outs() << "\n";
  }
}

/// Outputs of each trial as trial_<n>.npy, samples x classes in f64.
Error writeOutputs(StringRef folder, ArrayRef<accuracy::Outputs> trials) {
  if (std::error_code error = sys::fs::create_directories(folder))
    return createStringError(error, "cannot make '" + folder +
                                        "': " + error.message());
  std::vector<std::string> paths;
  std::vector<execute::Tensor> tensors;
  for (auto [i, trial] : enumerate(trials)) {
    execute::Tensor tensor = execute::Tensor::zeros(
        execute::ElementType::F64, {trial.samples, trial.classes});
    llvm::copy(trial.values, tensor.as<double>().begin());
    tensors.push_back(std::move(tensor));
    SmallString<128> path(folder);
    sys::path::append(path, "trial_" + std::to_string(i) + ".npy");
    paths.push_back(std::string(path));
  }
  return execute::writeNpyFiles(paths, tensors);
}

int runAccuracy(const AccuracyOptions &options) {
  accuracy::EvaluateOptions evaluate = options.evaluate;
  if (Error error = readChoices(options, evaluate))
    return fail(std::move(error));
  if (!options.noise.empty()) {
    Expected<crossbar::Device> device =
        crossbar::loadDevice(options.noise, targetFolders());
    if (!device)
      return fail(device.takeError());
    evaluate.device = std::move(*device);
  }
  Session session;
  Expected<Design> design = session.loadDesign(options.design);
  if (!design)
    return fail(design.takeError());
  FailureOr<OwningOpRef<ModuleOp>> imported =
      session.loadModel(options.model, options.design.shapes, /*batch=*/1);
  if (failed(imported))
    return 1;
  Expected<accuracy::Dataset> data =
      accuracy::readDataset(**imported, options.data, options.dataset);
  if (!data)
    return fail(data.takeError());

  OwningOpRef<ModuleOp> tiled = (*imported)->clone();
  CompileOptions compile = design->compileOptions();
  if (failed(calibrate(*tiled, Phase::Tiled, options.calibration, compile)) ||
      failed(compileTo(*tiled, Phase::Tiled, compile)))
    return 1;
  Expected<accuracy::Evaluation> result =
      accuracy::evaluate(**imported, *tiled, *data, evaluate);
  if (!result) {
    const std::string message = toString(result.takeError());
    return message.empty() ? 1 : fail(message);
  }
  if (!options.output.empty())
    if (Error error = writeOutputs(options.output, result->outputs))
      return fail(std::move(error));
  if (options.json != "-")
    print(options, evaluate, *data, *result);
  if (options.json.empty())
    return 0;
  if (Error error = writeFile(options.json, [&](raw_ostream &os) {
        os << formatv("{0:2}\n",
                      json::Value(report(options, evaluate, *data, *result)));
      }))
    return fail(std::move(error));
  return 0;
}

} // namespace

void addAccuracyCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<AccuracyOptions>();
  accuracy::EvaluateOptions &evaluate = options->evaluate;
  CLI::App *command = app.add_subcommand(
      "accuracy", "How often a model is right on labelled samples when arrays "
                  "compute its products");
  command
      ->add_option("MODEL", options->model, "The model (.onnx, .mlir, .mlirbc)")
      ->required();
  command
      ->add_option("--data", options->data,
                   "A .npz file: an array per input (its name, in:NAME, or x), "
                   "labels y or labels")
      ->required();
  options->design.addTo(*command, /*targetRequired=*/true);
  command
      ->add_option("--samples", options->dataset.samples,
                   "Take at most so many samples")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--skip", options->dataset.skip,
                   "Leave out so many samples from the first")
      ->check(CLI::NonNegativeNumber);
  options->calibration.addTo(*command);
  command->add_option("--range", options->range,
                      "What converters cover, instead of what the design says "
                      "(pass.range): lossless, full, filled, or calibrated per "
                      "layer, array, column, phase");
  command
      ->add_option("--calibration-samples", evaluate.calibration_samples,
                   "Leading samples that fix calibrated ranges of converters")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--quantile", evaluate.arrays.quantile,
                   "Share of sums that a calibrated range holds")
      ->check(CLI::Range(1e-6, 1.0));
  command
      ->add_option("--criterion", options->criterion,
                   "What calibration looks for: quantile or squared_error")
      ->capture_default_str();
  command->add_option("--ties", options->ties,
                      "Sums between two codes, instead of what the design says "
                      "(pass.ties): half_up, half_even or floor");
  command
      ->add_option("--step", options->step,
                   "Distance of codes: power_of_two or free")
      ->capture_default_str();
  command->add_option("--noise", options->noise,
                      "Devices: one of targets/devices (pcm-aihwkit, rram-wan, "
                      "...) or a file; without, cells and converters are "
                      "ideal");
  command->add_option("--trials", evaluate.trials, "Draws of devices")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", evaluate.seed, "Seed of the draws");
  command
      ->add_option("--time", evaluate.time_s,
                   "Seconds since programming, for drift and read noise")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--threads", evaluate.arrays.threads,
                   "Threads; the results are the same for any number")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--worst", evaluate.worst,
                   "So many of the noisiest layers are run alone")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--output", options->output,
                      "Folder for the outputs of each trial (trial_0.npy, ...: "
                      "samples x classes)");
  command->add_option("--json", options->json, "A file, or - for stdout");
  command->callback([options, &status] { status = runAccuracy(*options); });
}

} // namespace imc::driver
