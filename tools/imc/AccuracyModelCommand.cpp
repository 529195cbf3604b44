//===- AccuracyModelCommand.cpp - imc accuracy-model ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DrawnDesigns.h"
#include "Session.h"
#include "SpaceModule.h"

#include "imc/Accuracy/Belief.h"
#include "imc/Accuracy/Choose.h"
#include "imc/Accuracy/Fit.h"
#include "imc/Explore/SpaceFile.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Phase.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

using namespace llvm;
using namespace mlir;

namespace imc::driver {
namespace {

struct ModelOptions {
  std::string model, data, space, noise, json, output;
  std::vector<std::string> shapes;
  std::vector<std::string> also; ///< reports of earlier runs
  accuracy::DatasetOptions dataset;
  accuracy::SimulationOptions simulate;
  int64_t designs = 40, check = 0, windows = 128, gainSamples = 200;
  int64_t checkTrials = 0; ///< 0: as many as those of fitted designs
  uint64_t seed = 0;
};

/// What simulations depend on beside the design.
json::Object madeFrom(const accuracy::Model &model,
                      const accuracy::SimulationOptions &simulate) {
  return json::Object{{"model_digest", model.modelDigest},
                      {"data_digest", model.dataDigest},
                      {"samples", model.samples},
                      {"skip", model.skip},
                      {"device", model.deviceText},
                      {"time_s", model.timeS},
                      {"trials", simulate.device ? simulate.trials : 1},
                      {"seed", simulate.device ? int64_t(simulate.seed) : 0}};
}

struct Simulated {
  Drawn drawn;
  uint64_t seed = 0;           ///< of its draws
  std::vector<double> byTrial; ///< top-1
  std::vector<double> layerError;
  accuracy::Prediction prediction;
  accuracy::Spread top1() const { return accuracy::spread(byTrial); }
};

json::Object toJSON(const Simulated &c, const accuracy::Model &model) {
  json::Array layers, trials;
  for (auto [i, e] : enumerate(c.prediction.layers)) {
    json::Object o{{"name", model.layers[i].name},
                   {"gain", e.gain},
                   {"offset", e.offset},
                   {"bias", e.bias},
                   {"residual", e.residual},
                   {"draws", e.noise + e.noise_bias},
                   {"rounding", c.prediction.roundings[i]}};
    if (!c.layerError.empty())
      o["simulated_error"] = c.layerError[i];
    layers.push_back(std::move(o));
  }
  for (double top1 : c.byTrial)
    trials.push_back(top1);
  return json::Object{{"design", c.drawn.text},
                      {"simulated", c.top1().mean},
                      {"simulated_deviation", c.top1().deviation},
                      {"simulated_by_trial", std::move(trials)},
                      {"seed", int64_t(c.seed)},
                      {"predicted", c.prediction.top1},
                      {"uncorrected", c.prediction.uncorrected},
                      {"predicted_deviation", c.prediction.deviation},
                      {"noise", c.prediction.noise},
                      {"layers", std::move(layers)}};
}

/// Designs have draws of their own: what these have in common would otherwise
/// be taken for the design's.
uint64_t seedOf(uint64_t seed, StringRef key) {
  return seed + (xxh3_64bits(key) & 0x7fffffff);
}

/// Ranks of values from 0; equal ones share their mean rank.
std::vector<double> ranks(ArrayRef<double> values) {
  std::vector<double> out;
  for (double value : values) {
    const auto below =
        llvm::count_if(values, [&](double v) { return v < value; });
    const auto equal = llvm::count(values, value);
    out.push_back(double(below) + double(equal - 1) / 2);
  }
  return out;
}

/// Spearman's rank correlation.
double rankCorrelation(ArrayRef<double> x, ArrayRef<double> y) {
  const std::vector<double> a = ranks(x), b = ranks(y);
  const double mean = double(a.size() - 1) / 2;
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i != a.size(); ++i) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

/// How near predictions are: rank correlation over all designs, differences in
/// points where the simulation is right more often than not.
json::Object compare(ArrayRef<Simulated> designs, StringRef what, bool quiet) {
  std::vector<double> x, y, off;
  for (const Simulated &d : designs) {
    x.push_back(d.prediction.top1);
    y.push_back(d.top1().mean);
    if (y.back() > 0.5)
      off.push_back(100 * std::abs(x.back() - y.back()));
  }
  llvm::sort(off);
  double mean = 0, squares = 0, most = 0;
  int64_t within = 0;
  for (const Simulated &d : designs)
    if (d.top1().mean > 0.5) {
      // Of the mean over draws of a device.
      const double own =
          d.top1().deviation / std::sqrt(double(d.byTrial.size()));
      squares += own * own / double(off.size());
      most = std::max(most, own);
    }
  for (double e : off) {
    mean += e / double(off.size());
    within += e <= 3;
  }
  const double rank = rankCorrelation(x, y);
  json::Object o{{"designs", int64_t(designs.size())},
                 {"rank_correlation", rank},
                 {"above_half", int64_t(off.size())}};
  raw_ostream &os = quiet ? nulls() : outs();
  os << formatv("  {0} {1} designs: rank correlation {2:F3}", designs.size(),
                what, rank);
  if (!off.empty()) {
    const double tail = off[size_t(0.95 * double(off.size() - 1))];
    os << formatv("; {0} above 50 %: {1:F1} points off on average, 95 % "
                  "within {2:F1}, all within {3:F1}, {4} within 3.0",
                  off.size(), mean, tail, off.back(), within);
    o["points_mean"] = mean;
    o["points_95"] = tail;
    o["points_most"] = off.back();
    o["within_3"] = within;
    if (squares > 0) {
      os << formatv("; the simulations' own standard error is {0:F1} points, "
                    "at most {1:F1}",
                    100 * std::sqrt(squares), 100 * most);
      o["simulation_error"] = 100 * std::sqrt(squares);
      o["simulation_error_most"] = 100 * most;
    }
  }
  os << "\n";
  return o;
}

using DesignPair =
    std::pair<accuracy::ArraySettings, accuracy::SimulatedDesign>;
DesignPair pairOf(const Drawn &drawn, ArrayRef<double> byTrial) {
  accuracy::SimulatedDesign s;
  s.text = drawn.text;
  s.top1 = accuracy::spread(byTrial).mean;
  s.deviation = accuracy::spread(byTrial).deviation;
  s.trials = int64_t(byTrial.size());
  return {drawn.settings, std::move(s)};
}
std::vector<DesignPair> pairsOf(ArrayRef<Simulated> designs) {
  std::vector<DesignPair> out;
  for (const Simulated &d : designs)
    out.push_back(pairOf(d.drawn, d.byTrial));
  return out;
}

/// Takes `count` designs out of `pool`: without any that were simulated those
/// that spread evenly over what is predicted, then those far from the others
/// that are worth it, and others where these do not suffice.
Expected<std::vector<Drawn>> chooseDesigns(std::vector<Drawn> &pool,
                                           const accuracy::Model &model,
                                           ArrayRef<Simulated> simulated,
                                           size_t count) {
  std::vector<double> top1;
  std::vector<accuracy::Kriging::Place> known, places[2];
  std::vector<size_t> members[2]; ///< of the pool: worth it, and others
  for (const auto &[i, drawn] : enumerate(pool)) {
    Expected<accuracy::Prediction> p = model.predict(drawn.settings);
    if (!p)
      return p.takeError();
    top1.push_back(p->top1);
    const bool other = !accuracy::isWorthCovering(model, *p);
    members[other].push_back(i);
    places[other].push_back(accuracy::coverOf(model, *p));
  }
  for (const Simulated &d : simulated) {
    Expected<accuracy::Prediction> p = model.predict(d.drawn.settings);
    if (!p)
      return p.takeError();
    known.push_back(accuracy::coverOf(model, *p));
  }
  std::vector<size_t> chosen;
  if (simulated.empty())
    chosen = accuracy::spreadOver(top1, count);
  else
    for (int other : {0, 1})
      for (size_t i :
           accuracy::farthest(known, places[other], count - chosen.size()))
        chosen.push_back(members[other][i]);
  std::vector<Drawn> out;
  for (size_t i : chosen)
    out.push_back(std::move(pool[i]));
  std::set<size_t> gone(chosen.begin(), chosen.end());
  size_t at = 0;
  llvm::erase_if(pool, [&](const Drawn &) { return gone.count(at++) != 0; });
  return out;
}

int runModel(const ModelOptions &options) {
  Session session;
  Expected<explore::SpaceFile> space = readSpace(session, options.space);
  if (!space)
    return fail(space.takeError());
  if (Error wrong = explore::checkForAccuracy(*space))
    return fail(std::move(wrong));
  Expected<machine::TargetSpec> target = session.loadTarget(space->target);
  if (!target)
    return fail(target.takeError());
  accuracy::Model model;
  accuracy::SimulationOptions simulate = options.simulate;
  simulate.seed = options.seed;
  for (auto [name, trials] : {std::pair("--trials", simulate.trials),
                              std::pair("--check-trials", options.checkTrials)})
    if (options.noise.empty() && trials > 1)
      return fail(Twine(name) + " " + Twine(trials) +
                  " asks for draws of devices: name one with --noise");
  if (!options.noise.empty()) {
    Expected<crossbar::Device> device =
        crossbar::loadDevice(options.noise, targetFolders());
    if (!device)
      return fail(device.takeError());
    auto text = MemoryBuffer::getFile(device->file);
    if (!text)
      return fail("cannot read '" + device->file + "'");
    model.deviceText = (*text)->getBuffer().str();
    simulate.device = std::move(*device);
  }
  FailureOr<OwningOpRef<ModuleOp>> imported =
      session.loadModel(options.model, options.shapes, /*batch=*/1);
  if (failed(imported))
    return 1;
  Expected<accuracy::Dataset> data =
      accuracy::readDataset(**imported, options.data, options.dataset);
  if (!data)
    return fail(data.takeError());
  auto stop = [](Error error) {
    const std::string message = toString(std::move(error));
    return message.empty() ? 1 : fail(message);
  };

  accuracy::DesignBench bench(*data, tileWith(**imported, *target));
  model.name = modelName(options.model);
  for (auto [path, digest] : {std::pair(&options.model, &model.modelDigest),
                              std::pair(&options.data, &model.dataDigest)}) {
    Expected<std::string> made = accuracy::fileDigest(*path);
    if (!made)
      return fail(made.takeError());
    *digest = *made;
  }
  model.skip = options.dataset.skip;
  model.device = simulate.device;
  model.timeS = simulate.timeS;
  if (Error error = bench.observe(model, options.windows, options.gainSamples))
    return stop(std::move(error));
  std::vector<int64_t> bits[2] = {{8}, {8}};
  for (const explore::KnobChoices &knob : space->knobs)
    for (int i = 0; i != 2; ++i)
      if (knob.name == (i ? "pass.input_bits" : "pass.weight_bits"))
        bits[i].assign(knob.values.begin(), knob.values.end());
  for (int64_t weightBits : bits[0])
    for (int64_t inputBits : bits[1]) {
      Expected<double> top1 = bench.integers(weightBits, inputBits);
      if (!top1)
        return stop(top1.takeError());
      model.integersAt[{weightBits, inputBits}] = *top1;
    }

  Drawer drawer(*space, target->values, options.seed);
  Earlier earlier;
  const json::Object from = madeFrom(model, simulate);
  for (const std::string &file : options.also)
    if (Error error = readReport(file, from, drawer, earlier))
      return fail(std::move(error));
  std::set<std::string> own; ///< keys that this run took a simulation of

  auto simulateAll = [&](std::vector<Drawn> designs,
                         int64_t trials) -> Expected<std::vector<Simulated>> {
    std::vector<Simulated> out;
    for (Drawn &drawn : designs) {
      Simulated made;
      std::string key = accuracy::Belief::keyOf(drawn.settings);
      own.insert(key);
      accuracy::SimulationOptions how = simulate;
      how.trials = trials;
      if (simulate.device)
        how.seed = made.seed = seedOf(simulate.seed, key);
      made.drawn = std::move(drawn);
      if (auto at = earlier.find(key);
          at != earlier.end() && !simulate.measureErrors &&
          int64_t(at->second.second.size()) == trials) {
        made.byTrial = at->second.second;
      } else {
        Expected<accuracy::Simulation> simulation =
            bench.simulate(made.drawn.settings, how);
        if (!simulation)
          return simulation.takeError();
        for (const accuracy::Score &s : simulation->trials)
          made.byTrial.push_back(s.top1());
        made.layerError = std::move(simulation->layerError);
      }
      out.push_back(std::move(made));
    }
    return out;
  };
  // To compare with, drawn without a look at what is predicted; none of them is
  // fitted to.
  std::set<std::string> blind;
  std::vector<Drawn> others;
  Drawer second(*space, target->values, options.seed + 1000003);
  for (int64_t i = 0; i < options.check; ++i) {
    Expected<Drawn> drawn = second.next();
    if (!drawn)
      return fail(drawn.takeError());
    blind.insert(accuracy::Belief::keyOf(drawn->settings));
    others.push_back(std::move(*drawn));
  }
  // The first designs spread over what is predicted, for the curve; the rest
  // lie far from each other where the correction has to be good. Neither
  // depends on earlier reports.
  const int64_t first =
      std::min(options.designs, std::max<int64_t>(8, options.designs / 4));
  std::set<std::string> seen = blind;
  std::vector<Simulated> fitted;
  std::vector<Drawn> pool;
  for (int64_t more : {first, options.designs - first}) {
    if (more == 0)
      continue;
    if (!fitted.empty())
      if (Error error = model.fit(pairsOf(fitted)))
        return fail(std::move(error));
    Expected<std::vector<Drawn>> drawn = drawer.next(10 * more, seen);
    if (!drawn)
      return fail(drawn.takeError());
    llvm::append_range(pool, std::move(*drawn));
    Expected<std::vector<Drawn>> chosen =
        chooseDesigns(pool, model, fitted, size_t(more));
    if (!chosen)
      return fail(chosen.takeError());
    Expected<std::vector<Simulated>> simulated =
        simulateAll(std::move(*chosen), simulate.trials);
    if (!simulated)
      return stop(simulated.takeError());
    llvm::append_range(fitted, std::move(*simulated));
  }
  if (fitted.empty())
    return fail("all designs of '" + space->file +
                "' that were drawn are among those of --check: none is left "
                "to fit to; check fewer, or widen the space");
  std::vector<DesignPair> pairs = pairsOf(fitted);
  for (const auto &[key, known] : earlier)
    if (!blind.count(key) && !own.count(key))
      pairs.push_back(pairOf(known.first, known.second));
  if (Error error = model.fit(pairs))
    return fail(std::move(error));

  Expected<std::vector<Simulated>> checked =
      simulateAll(std::move(others),
                  options.checkTrials ? options.checkTrials : simulate.trials);
  if (!checked)
    return stop(checked.takeError());
  for (std::vector<Simulated> *list : {&fitted, &*checked})
    for (Simulated &d : *list) {
      Expected<accuracy::Prediction> p = model.predict(d.drawn.settings);
      if (!p)
        return fail(p.takeError());
      d.prediction = std::move(*p);
    }
  // Each fitted one as the others predict it: they all meet themselves.
  for (size_t i = 0; i != fitted.size(); ++i)
    fitted[i].prediction.top1 = model.fitted[i].fromOthers;

  const bool quiet = options.json == "-";
  if (!options.output.empty())
    if (Error error = writeFile(options.output, [&](raw_ostream &os) {
          os << formatv("{0:2}\n", model.toJSON());
        }))
      return fail(std::move(error));
  json::Object report{{"version", IMC_VERSION},
                      {"model", model.name},
                      {"samples", model.samples},
                      {"integers", model.integers},
                      {"chance", model.chance},
                      {"made_from", json::Object(from)},
                      {"designs_fitted", int64_t(model.fitted.size())}};
  auto designsOf = [&](ArrayRef<Simulated> list) {
    json::Array out;
    for (const Simulated &d : list)
      out.push_back(toJSON(d, model));
    return out;
  };
  if (!quiet) {
    outs() << formatv("{0}, {1} samples, {2:F1} % in integers of 8 bits\n",
                      model.name, model.samples, 100 * model.integers);
    outs() << formatv("  {0,-36} {1,12} {2,8} {3,8} {4,8}\n", "layer", "size",
                      "gain", "bias", "weight");
    for (const accuracy::LayerData &l : model.layers)
      outs() << formatv("  {0,-36} {1,12} {2,8} {3,8} {4,8}\n", l.name,
                        (Twine(l.shape.k) + " x " + Twine(l.shape.n)).str(),
                        formatv("{0:F3}", l.gain).str(),
                        formatv("{0:F3}", l.biasGain).str(),
                        formatv("{0:F3}", l.weight).str());
  }
  report["fit"] = compare(fitted, "fitted", quiet);
  report["fitted"] = designsOf(fitted);
  if (!checked->empty()) {
    report["check"] = compare(*checked, "other", quiet);
    report["checked"] = designsOf(*checked);
  }
  if (!options.json.empty())
    if (Error error = writeFile(options.json, [&](raw_ostream &os) {
          os << formatv("{0:2}\n", json::Value(std::move(report)));
        }))
      return fail(std::move(error));
  return 0;
}

} // namespace

void addAccuracyModelCommand(CLI::App &app, int &status) {
  auto options = std::make_shared<ModelOptions>();
  CLI::App *command = app.add_subcommand(
      "accuracy-model",
      "Fit a closed form of a model's accuracy to simulated designs");
  command
      ->add_option("MODEL", options->model, "The model (.onnx, .mlir, .mlirbc)")
      ->required();
  command
      ->add_option("--data", options->data,
                   "A .npz file: an array per input (its name, in:NAME, or x), "
                   "labels y or labels")
      ->required();
  command
      ->add_option("--space", options->space,
                   "The designs that it is for (YAML, as for imc search)")
      ->required();
  command
      ->add_option("--designs", options->designs,
                   "Designs that are simulated and fitted to")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--check", options->check,
                   "Further designs that are simulated and compared")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--also", options->also,
                      "Reports (--json) of earlier runs for the same network, "
                      "data, device and space: fit to their designs too, and "
                      "simulate none of them again");
  command
      ->add_option("--samples", options->dataset.samples,
                   "Take at most so many samples")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--skip", options->dataset.skip,
                   "Leave out so many samples from the first")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--windows", options->windows,
                   "Windows that are kept of the largest product; of others as "
                   "many more as they have fewer weights, at most 8192")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--noise", options->noise,
                      "Devices, as for imc accuracy; without, ideal ones");
  command->add_option("--trials", options->simulate.trials, "Draws of devices")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--check-trials", options->checkTrials,
                   "Draws of devices for designs that are compared; as many as "
                   "--trials unless given")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--time", options->simulate.timeS,
                   "Seconds since programming")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--seed", options->seed,
                      "Seed of the designs, and of the draws of devices, which "
                      "each design has of its own");
  command
      ->add_option("--threads", options->simulate.threads,
                   "Threads; the results are the same for any number")
      ->check(CLI::PositiveNumber);
  command->add_flag("--layer-errors", options->simulate.measureErrors,
                    "Measure the products' errors too (slower)");
  command->add_option("--shape", options->shapes,
                      "Bind symbolic dimensions: NAME=1x3x224x224, or N=1");
  command->add_option("-o", options->output, "The fitted model (JSON)");
  command->add_option("--json", options->json, "Report: a file, or -");
  command->callback([options, &status] { status = runModel(*options); });
}

} // namespace imc::driver
