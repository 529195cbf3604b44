//===- Serve.cpp - Search and pricing for other programs ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Serve.h"

#include "Server.h"

using namespace imc::explore;
namespace search = imc::search;

//===----------------------------------------------------------------------===//
// Prices
//===----------------------------------------------------------------------===//

json::Array imc::explore::knobsOf(const SpaceFile &file) {
  json::Array knobs;
  for (const KnobChoices &knob : file.knobs) {
    json::Array values;
    for (size_t i = 0; i < knob.values.size(); ++i)
      values.push_back(knobValueToJSON(knob.text(i)));
    json::Object when;
    for (const KnobCondition &c : knob.conditions) {
      json::Array among;
      for (size_t i : c.choices)
        among.push_back(knobValueToJSON(file.knobs[c.knob].text(i)));
      when[file.knobs[c.knob].name] = std::move(among);
    }
    knobs.push_back(json::Object{{"name", knob.name},
                                 {"values", std::move(values)},
                                 {"ordered", knob.isOrdered()},
                                 {"when", std::move(when)}});
  }
  return knobs;
}

llvm::Expected<json::Object> Server::space() const {
  if (!joint)
    return makeError("this server was started without --space: there is no "
                     "space but that of 'open'");
  return json::Object{{"knobs", knobsOf(joint->spaceFile())},
                      {"size", joint->spaceFile().size()},
                      {"objectives", json::Array(joint->objectiveNames())},
                      {"constraints", json::Array(joint->constraintNames())},
                      {"target", joint->spaceFile().target}};
}

llvm::Expected<json::Object> Server::price(const json::Object &request) const {
  if (!joint)
    return makeError("this server was started without models and --space: it "
                     "has no prices");
  const json::Array *designs = request.getArray("designs");
  if (!designs)
    return makeError("price: 'designs' must be a list of designs");
  std::vector<search::Genome> genomes;
  for (const json::Value &value : *designs) {
    const json::Object *object = value.getAsObject();
    if (!object)
      return makeError("price: a design is an object of knobs and values");
    Design design;
    for (const auto &[name, choice] : *object)
      design.emplace_back(name.str(), knobValueFromJSON(choice));
    auto genome = joint->genomeOf(design);
    if (!genome)
      return genome.takeError();
    genomes.push_back(std::move(*genome));
  }
  std::vector<search::Evaluation> results(genomes.size());
  joint->evaluate(genomes.data(), genomes.size(), results.data());
  json::Array evaluations;
  for (const search::Evaluation &result : results) {
    json::Array broken;
    for (int32_t reason : result.reasons)
      broken.push_back(joint->constraintNames()[reason]);
    json::Value objectives = nullptr;
    if (!result.objectives.empty())
      objectives = json::Array(result.objectives);
    evaluations.push_back(json::Object{{"objectives", std::move(objectives)},
                                       {"violation", result.violation},
                                       {"violations", std::move(broken)}});
  }
  return json::Object{{"evaluations", std::move(evaluations)}};
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

int imc::explore::serveCommand(const ServeOptions &options,
                               std::vector<SearchModel> models,
                               const LoadTarget &loadTarget, std::istream &in,
                               llvm::raw_ostream &out, llvm::raw_ostream &log) {
  auto make = [&]() -> llvm::Expected<std::unique_ptr<JointProblem>> {
    if (options.spaceFile.empty()) {
      if (!models.empty())
        return makeError("models without --space: nothing to price them on");
      return nullptr;
    }
    auto how = parseAggregate(options.aggregate);
    if (!how)
      return how.takeError();
    if (*how == Aggregate::Regret)
      return makeError("regret needs a search for every model first: choose "
                       "max, mean, geomean, product or pareto");
    auto space = options.spaceText.empty()
                     ? readSpaceFile(options.spaceFile)
                     : parseSpace(options.spaceText, options.spaceFile);
    if (!space)
      return space.takeError();
    auto target = loadTarget(space->target);
    if (!target)
      return target.takeError();
    std::vector<workload::Workload> workloads;
    for (SearchModel &model : models)
      workloads.push_back(std::move(model.workload));
    return JointProblem::create(std::move(*space), std::move(*target),
                                std::move(workloads),
                                Goal{options.objectives, *how, {}});
  };
  auto joint = make();
  if (!joint) {
    log << "error: " << llvm::toString(joint.takeError()) << '\n';
    return 1;
  }
  Server server(options.version, std::move(*joint));
  std::string line;
  while (std::getline(in, line)) {
    if (llvm::StringRef(line).trim().empty())
      continue;
    auto request = json::parse(line);
    json::Value reply = nullptr;
    if (!request) {
      reply = json::Object{{"error", "not a line of JSON: " +
                                         llvm::toString(request.takeError())}};
    } else if (const json::Object *object = request->getAsObject()) {
      if (object->getString("do") == llvm::StringRef("quit"))
        return 0;
      auto answer = server.answer(*object);
      if (answer)
        reply = std::move(*answer);
      else
        reply = json::Object{{"error", llvm::toString(answer.takeError())}};
    } else {
      reply = json::Object{{"error", "a request is a JSON object"}};
    }
    out << reply << '\n';
    out.flush();
  }
  return 0;
}
