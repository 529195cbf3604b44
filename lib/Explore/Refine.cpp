//===- Refine.cpp - Simulate designs until the front is -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A search prefers what its model of accuracy overrates. So the closed form
// only chooses what is priced; then all that was priced is compared by what is
// believed, the front simulated, the belief fitted anew, and so on until there
// is nothing on the front that was not simulated. Nothing of this changes the
// evaluations of the study, so that searches resume and join as they always
// did; simulations are stored beside them, each as soon as it is made.
//
//===----------------------------------------------------------------------===//

#include "SearchSession.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace imc::explore;
namespace search = imc::search;

llvm::Expected<SimulatedAccuracy> Session::simulateOnce(size_t model,
                                                        const std::string &key,
                                                        const Decoded &design) {
  if (auto at = kept.find({names[model], key}); at != kept.end())
    return at->second;
  llvm::Expected<SimulatedAccuracy> made =
      options.belief->simulate(model, design);
  if (!made)
    return makeError(
        "model '" + names[model] + "' on " + key +
        ": cannot be simulated: " + llvm::toString(made.takeError()));
  if (study)
    if (llvm::Error error = study->addSimulations(
            {{names[model], key, made->top1, made->deviation, made->yield,
              made->trials}}))
      return std::move(error);
  return made;
}

llvm::Error Session::refineFront() {
  if (!refines())
    return llvm::Error::success();
  if (study) {
    auto rows = study->simulations();
    if (!rows)
      return rows.takeError();
    for (SimulationRow &row : *rows)
      kept[{row.model, row.key}] = {row.top1, row.deviation, row.yield,
                                    row.trials};
  }
  AccuracyBelief &belief = *options.belief;
  closedForms = problem->goalOf().accuracy;
  std::vector<PredictAccuracy> believed;
  for (size_t m = 0; m != names.size(); ++m)
    believed.push_back([&belief, m](const machine::Machine &machine,
                                    const mapping::Knobs &knobs) {
      return belief.figures(m, Decoded{machine, knobs});
    });
  problem->setAccuracy(std::move(believed));

  uint64_t unsimulated = 0;
  for (int round = 1;; ++round) {
    search::Archive archive(problem->objectiveNames().size());
    for (const auto &[id, genome] : visited) {
      search::Evaluation answer;
      problem->evaluate(&genome, 1, &answer);
      if (!answer.isFeasible())
        continue;
      const search::Key key = problem->space().encode(genome);
      archive.insert(genome, key, answer.objectives);
      ids[key.str()] = id;
    }
    // In the order of the study, so that a budget ends at the same one.
    std::map<int64_t, search::Genome> members;
    for (search::ArchivedDesign &member : archive.front())
      members.emplace(ids.at(member.key.str()), std::move(member.design));
    const size_t before = simulations.size();
    unsimulated = 0;
    for (const auto &[id, genome] : members) {
      const Decoded design = problem->decode(genome);
      for (size_t m = 0; m != names.size(); ++m) {
        std::string key = belief.key(m, design);
        if (simulations.count({m, key}))
          continue;
        if (simulations.size() == options.simulateBudget) {
          ++unsimulated;
          continue;
        }
        auto simulated = simulateOnce(m, key, design);
        if (!simulated)
          return makeError("design " + llvm::Twine(id) + ": " +
                           llvm::toString(simulated.takeError()));
        if (llvm::Error error = belief.learn(m, design, *simulated))
          return error;
        simulations[{m, std::move(key)}] = *simulated;
      }
    }
    result->archive = std::move(archive);
    if (options.jsonProgress)
      log << llvm::json::Value(llvm::json::Object{
                 {"refinement", round},
                 {"front", uint64_t(members.size())},
                 {"simulations", uint64_t(simulations.size())}})
          << '\n';
    else if (log.is_displayed()) {
      log << llvm::formatv("\rround {0}: {1} designs on the front, {2} "
                           "simulations   ",
                           round, members.size(), simulations.size());
      lineOpen = true;
    }
    if (simulations.size() == before)
      break;
    belief.refit();
  }
  endProgress();
  front.search.simulations = simulations.size();
  front.search.unsimulated = unsimulated;
  return llvm::Error::success();
}
