//===- AccuracyModelCommand.cpp - imc accuracy-model ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "SpaceModule.h"

#include "imc/Accuracy/Belief.h"
#include "imc/Accuracy/Fit.h"
#include "imc/Explore/SpaceFile.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Phase.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
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
  uint64_t seed = 0;
};

/// A design of the space, as far as results depend on it.
struct Drawn {
  std::string text;
  accuracy::ArraySettings settings;
};

/// Random designs of a space that a machine can have.
class Drawer {
public:
  Drawer(const explore::SpaceFile &space, machine::Machine base, uint64_t seed)
      : space(space), base(std::move(base)), random(seed) {}

  Expected<Drawn> next() {
    for (int attempt = 0; attempt < 10000; ++attempt) {
      std::vector<int32_t> choices;
      for (const explore::KnobChoices &knob : space.knobs)
        choices.push_back(int32_t(random() % knob.values.size()));
      Expected<std::optional<Drawn>> drawn = make(choices);
      if (!drawn)
        return drawn.takeError();
      if (*drawn)
        return std::move(**drawn);
    }
    return createStringError("no design of 10000 that were drawn from '" +
                             space.file +
                             "' can be built; look at machine.adc.clip_bits "
                             "and pass.encoding");
  }

  /// The design that its text names.
  Expected<Drawn> read(StringRef text) const {
    std::vector<int32_t> choices;
    SmallVector<StringRef> words;
    text.split(words, ' ', -1, /*KeepEmpty=*/false);
    for (const explore::KnobChoices &knob : space.knobs) {
      choices.push_back(0);
      for (StringRef word : words)
        if (auto [name, value] = word.split('='); name == knob.name)
          for (size_t i = 0; i != knob.values.size(); ++i)
            if (knob.text(i) == value)
              choices.back() = int32_t(i);
    }
    Expected<std::optional<Drawn>> drawn = make(choices);
    if (!drawn)
      return drawn.takeError();
    if (!*drawn || (*drawn)->text != text)
      return createStringError("'" + text + "' is no design of '" + space.file +
                               "'; name reports of fits to this space");
    return std::move(**drawn);
  }

private:
  /// Nothing if no such machine can be built.
  Expected<std::optional<Drawn>> make(ArrayRef<int32_t> choices) const {
    Drawn drawn;
    machine::Machine machine = base;
    mapping::Knobs knobs;
    for (auto [i, knob] : enumerate(space.knobs)) {
      if (!space.isActive(i, {choices.begin(), choices.end()}))
        continue;
      const auto at = size_t(choices[i]);
      if (knob.field)
        knob.field->set(machine, knob.values[at]);
      else if (Error error = mapping::setKnob(knobs, knob.pass->name,
                                              int64_t(knob.values[at])))
        return std::move(error);
      drawn.text +=
          (drawn.text.empty() ? "" : " ") + knob.name + "=" + knob.text(at);
    }
    if (Error error = machine::check(machine)) {
      consumeError(std::move(error));
      return std::nullopt;
    }
    if (!mapping::check(knobs, machine).empty())
      return std::nullopt;
    drawn.settings = accuracy::settingsOf(machine, knobs);
    return drawn;
  }

  const explore::SpaceFile &space;
  machine::Machine base;
  std::mt19937_64 random;
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

/// Designs that earlier runs simulated, by what results depend on.
using Earlier = std::map<std::string, std::pair<Drawn, std::vector<double>>>;

Error readReport(const std::string &file, const json::Object &wanted,
                 const Drawer &drawer, Earlier &into) {
  auto buffer = MemoryBuffer::getFile(file);
  if (!buffer)
    return createStringError("cannot read '" + file +
                             "': " + buffer.getError().message());
  auto refuse = [&](const Twine &what) {
    return createStringError(file + ": " + what +
                             "; give reports that imc accuracy-model --json "
                             "wrote for this network, data, device and space");
  };
  Expected<json::Value> value = json::parse((*buffer)->getBuffer());
  if (!value)
    return refuse(toString(value.takeError()));
  const json::Object *report = value->getAsObject();
  const json::Object *from = report ? report->getObject("made_from") : nullptr;
  if (!from)
    return refuse("is no report");
  for (const auto &[key, is] : wanted)
    if (const json::Value *was = from->get(key); !was || *was != is)
      return refuse("was made from another " + Twine(StringRef(key)));
  for (const char *list : {"fitted", "checked"}) {
    const json::Array *designs = report->getArray(list);
    if (!designs)
      continue;
    for (const json::Value &v : *designs) {
      const json::Object *design = v.getAsObject();
      auto text = design ? design->getString("design") : std::nullopt;
      const json::Array *trials =
          design ? design->getArray("simulated_by_trial") : nullptr;
      std::vector<double> byTrial;
      if (trials)
        for (const json::Value &t : *trials)
          if (auto top1 = t.getAsNumber())
            byTrial.push_back(*top1);
      if (!text || byTrial.empty())
        return refuse(Twine(list) +
                      ": expected designs with simulated_by_trial");
      Expected<Drawn> drawn = drawer.read(*text);
      if (!drawn)
        return refuse(toString(drawn.takeError()));
      std::string key = accuracy::Belief::keyOf(drawn->settings);
      into.emplace(std::move(key),
                   std::pair(std::move(*drawn), std::move(byTrial)));
    }
  }
  return Error::success();
}

struct Simulated {
  Drawn drawn;
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
                      {"predicted", c.prediction.top1},
                      {"predicted_deviation", c.prediction.deviation},
                      {"noise", c.prediction.noise},
                      {"layers", std::move(layers)}};
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
  double mean = 0;
  int64_t within = 0;
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
  }
  os << "\n";
  return o;
}

/// Of many drawn designs those that spread evenly over what is predicted.
/// None has settings that are among `others`.
Expected<std::vector<Drawn>>
spreadDesigns(Drawer &drawer, const accuracy::Model &model, int64_t count,
              const std::set<std::string> &others) {
  std::vector<std::pair<double, Drawn>> pool;
  for (int64_t i = 0; i < 6 * count; ++i) {
    Expected<Drawn> drawn = drawer.next();
    if (!drawn)
      return drawn.takeError();
    if (others.count(accuracy::Belief::keyOf(drawn->settings)))
      continue;
    Expected<accuracy::Prediction> p = model.predict(drawn->settings);
    if (!p)
      return p.takeError();
    pool.emplace_back(p->top1, std::move(*drawn));
  }
  llvm::sort(pool, [](const auto &a, const auto &b) {
    return std::tie(a.first, a.second.text) < std::tie(b.first, b.second.text);
  });
  const double low = pool.front().first, high = pool.back().first;
  std::vector<bool> taken(pool.size());
  std::vector<Drawn> out;
  for (int64_t i = 0; i < count; ++i) {
    const double wanted = low + (high - low) * double(i) /
                                    double(std::max<int64_t>(1, count - 1));
    size_t best = pool.size();
    if (out.size() == pool.size()) // a small space, and all of it checked
      break;
    for (size_t k = 0; k != pool.size(); ++k)
      if (!taken[k] &&
          (best == pool.size() || std::abs(pool[k].first - wanted) <
                                      std::abs(pool[best].first - wanted)))
        best = k;
    taken[best] = true;
    out.push_back(pool[best].second);
  }
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
  if (options.noise.empty() && simulate.trials > 1)
    return fail("--trials " + Twine(simulate.trials) +
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

  auto simulateAll =
      [&](std::vector<Drawn> designs) -> Expected<std::vector<Simulated>> {
    std::vector<Simulated> out;
    for (Drawn &drawn : designs) {
      std::string key = accuracy::Belief::keyOf(drawn.settings);
      own.insert(key);
      if (auto at = earlier.find(key);
          at != earlier.end() && !simulate.measureErrors) {
        out.push_back({std::move(drawn), at->second.second, {}, {}});
        continue;
      }
      Expected<accuracy::Simulation> simulation =
          bench.simulate(drawn.settings, simulate);
      if (!simulation)
        return simulation.takeError();
      std::vector<double> byTrial;
      for (const accuracy::Score &s : simulation->trials)
        byTrial.push_back(s.top1());
      out.push_back({std::move(drawn),
                     std::move(byTrial),
                     std::move(simulation->layerError),
                     {}});
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
  Expected<std::vector<Drawn>> chosen =
      spreadDesigns(drawer, model, options.designs, blind);
  if (!chosen)
    return fail(chosen.takeError());
  Expected<std::vector<Simulated>> fitted = simulateAll(std::move(*chosen));
  if (!fitted)
    return stop(fitted.takeError());
  std::vector<std::pair<accuracy::ArraySettings, accuracy::SimulatedDesign>>
      pairs;
  for (const Simulated &d : *fitted) {
    accuracy::SimulatedDesign s;
    s.text = d.drawn.text;
    s.top1 = d.top1().mean;
    s.deviation = d.top1().deviation;
    s.trials = int64_t(d.byTrial.size());
    pairs.emplace_back(d.drawn.settings, std::move(s));
  }
  for (const auto &[key, known] : earlier) {
    if (blind.count(key) || own.count(key))
      continue;
    accuracy::SimulatedDesign s;
    s.text = known.first.text;
    s.top1 = accuracy::spread(known.second).mean;
    s.deviation = accuracy::spread(known.second).deviation;
    s.trials = int64_t(known.second.size());
    pairs.emplace_back(known.first.settings, std::move(s));
  }
  if (Error error = model.fit(pairs))
    return fail(std::move(error));

  Expected<std::vector<Simulated>> checked = simulateAll(std::move(others));
  if (!checked)
    return stop(checked.takeError());
  for (std::vector<Simulated> *list : {&*fitted, &*checked})
    for (Simulated &d : *list) {
      Expected<accuracy::Prediction> p = model.predict(d.drawn.settings);
      if (!p)
        return fail(p.takeError());
      d.prediction = std::move(*p);
    }
  // Each fitted one as the others predict it: they all meet themselves.
  for (size_t i = 0; i != fitted->size(); ++i)
    (*fitted)[i].prediction.top1 = model.fitted[i].fromOthers;

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
  report["fit"] = compare(*fitted, "fitted", quiet);
  report["fitted"] = designsOf(*fitted);
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
                   "Windows of each product that its sums are counted on")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--noise", options->noise,
                      "Devices, as for imc accuracy; without, ideal ones");
  command->add_option("--trials", options->simulate.trials, "Draws of devices")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--time", options->simulate.timeS,
                   "Seconds since programming")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--seed", options->seed,
                      "Seed of the designs and of the draws of devices");
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
