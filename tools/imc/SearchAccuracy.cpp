//===- SearchAccuracy.cpp - Accuracy of a search's designs ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchAccuracy.h"

#include "Session.h"

using namespace imc::driver;
using namespace imc;
using llvm::Error;
using llvm::Expected;

SearchAccuracy::SearchAccuracy(
    std::vector<std::shared_ptr<const accuracy::Model>> models, double floor,
    int64_t trials, int64_t threads, uint64_t seed)
    : floor(floor), trials(trials), threads(threads), seed(seed) {
  for (std::shared_ptr<const accuracy::Model> &model : models)
    networks.push_back(std::make_unique<Network>(std::move(model)));
}

Error SearchAccuracy::add(mlir::OwningOpRef<mlir::ModuleOp> imported,
                          machine::TargetSpec target, llvm::StringRef data) {
  Network &network = *networks[added++];
  const accuracy::Model &model = network.belief.closedForm();
  Expected<std::string> digest = accuracy::fileDigest(data);
  if (!digest)
    return digest.takeError();
  if (*digest != model.dataDigest)
    return llvm::createStringError(
        "'" + data + "' (MD5 " + *digest +
        ") is not the data that the accuracy of '" + model.name +
        "' was fitted to (" + model.dataDigest +
        "); give that file, or fit anew with imc accuracy-model");
  network.imported = std::move(imported);
  accuracy::DatasetOptions options;
  options.samples = model.samples;
  options.skip = model.skip;
  Expected<accuracy::Dataset> read =
      accuracy::readDataset(*network.imported, data, options);
  if (!read)
    return read.takeError();
  network.data = std::move(*read);
  network.bench = std::make_unique<accuracy::DesignBench>(
      network.data, tileWith(*network.imported, std::move(target)));
  return Error::success();
}

Expected<explore::SimulatedAccuracy>
SearchAccuracy::simulateWith(size_t m, const explore::Decoded &design,
                             Draws draws) {
  Network &network = *networks[m];
  const accuracy::Model &model = network.belief.closedForm();
  accuracy::SimulationOptions options;
  options.device = model.device;
  options.timeS = model.timeS;
  options.trials = trials;
  options.threads = threads;
  options.seed = seed + draws;
  Expected<accuracy::Simulation> result = network.bench->simulate(
      accuracy::settingsOf(design.machine, design.knobs), options);
  if (!result)
    return result.takeError();
  explore::SimulatedAccuracy out;
  out.top1 = result->top1().mean;
  out.deviation = result->top1().deviation;
  out.trials = int64_t(result->trials.size());
  for (const accuracy::Score &s : result->trials)
    out.yield += s.top1() >= floor;
  out.yield /= double(out.trials);
  return out;
}

std::string SearchAccuracy::key(size_t m,
                                const explore::Decoded &design) const {
  const accuracy::Model &model = networks[m]->belief.closedForm();
  std::string text = accuracy::Belief::keyOf(
                         accuracy::settingsOf(design.machine, design.knobs)) +
                     " data=" + model.dataDigest + "+" +
                     std::to_string(model.skip) + "+" +
                     std::to_string(model.samples);
  // What draws depend on; the device is part of the model that studies name.
  if (model.device)
    text += " trials=" + std::to_string(trials) +
            " seed=" + std::to_string(seed) + " floor=" + std::to_string(floor);
  return text;
}

Error SearchAccuracy::learn(size_t m, const explore::Decoded &design,
                            const explore::SimulatedAccuracy &simulated) {
  return networks[m]->belief.learn(
      accuracy::settingsOf(design.machine, design.knobs), simulated.top1,
      simulated.deviation);
}

void SearchAccuracy::refit() {
  for (std::unique_ptr<Network> &network : networks)
    network->belief.refit();
}

Expected<explore::AccuracyFigures>
SearchAccuracy::figures(size_t m, const explore::Decoded &design) const {
  Expected<accuracy::Believed> b = networks[m]->belief.of(
      accuracy::settingsOf(design.machine, design.knobs));
  if (!b)
    return b.takeError();
  return explore::AccuracyFigures{b->top1, b->yield(floor)};
}

bool SearchAccuracy::isExact(size_t m) const {
  return !networks[m]->belief.closedForm().device;
}
