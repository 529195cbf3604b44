//===- SearchCommand.cpp - imc search and imc report ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchSession.h"
#include "SharedProblem.h"

#include "imc/Explore/Report.h"
#include "imc/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MD5.h"

#include <algorithm>
#include <thread>

using namespace imc::explore;
namespace search = imc::search;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Before the search
//===----------------------------------------------------------------------===//

/// A digest of everything in a workload that a price depends on.
static std::string digest(const imc::workload::Workload &w) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const imc::workload::Layer &layer : w.layers) {
    os << layer.name << '|' << layer.op << '|';
    if (const auto *p = layer.product())
      os << "p," << p->windows << ',' << p->rows << ',' << p->cols << ','
         << p->groups << ',' << p->input_elements << ',' << p->output_elements
         << ',' << p->output_width << ',' << p->kernel_elements << ','
         << p->kernel_width << ',' << p->trips << ',' << p->alternates;
    else if (const auto *d = layer.digital())
      os << "d," << d->operations << ',' << d->input_elements << ','
         << d->output_elements;
    else if (const auto *d = layer.dynamicProduct())
      os << "m," << d->macs << ',' << d->input_elements << ','
         << d->output_elements << ',' << d->windows << ',' << d->rows << ','
         << d->cols << ',' << d->groups << ',' << d->trips;
    os << '\n';
  }
  llvm::MD5 hash;
  hash.update(text);
  return std::string(hash.final().digest());
}

std::string Session::print(json::Value value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

llvm::Error Session::prepare(std::vector<SearchModel> models,
                             const LoadTarget &loadTarget) {
  // Everything that can be wrong is found before the first design is priced.
  if (options.budget == 0)
    return makeError("--budget is 0 designs: allow at least 1");
  if ((options.resume || options.join) && options.study.empty())
    return makeError(llvm::Twine(options.join ? "--join" : "--resume") +
                     " needs --study FILE.db, the study to continue");
  auto how = parseAggregate(options.aggregate);
  if (!how)
    return how.takeError();
  if (options.spaceFile.empty())
    return makeError("no search space: name one with --space FILE");
  auto space = options.spaceText.empty()
                   ? readSpaceFile(options.spaceFile)
                   : parseSpace(options.spaceText, options.spaceFile);
  if (!space)
    return space.takeError();
  auto target = loadTarget(space->target);
  if (!target)
    return target.takeError();
  targetName = space->target;

  std::vector<workload::Workload> workloads;
  std::vector<PredictAccuracy> accuracy;
  for (SearchModel &model : models) {
    paths.push_back(model.path);
    names.push_back(model.workload.name);
    workloads.push_back(std::move(model.workload));
    accuracyDigests.push_back(model.accuracyDigest);
    if (model.accuracy)
      accuracy.push_back(std::move(model.accuracy));
  }
  if (!accuracy.empty() && accuracy.size() != workloads.size())
    return makeError(
        "--accuracy was given for " + llvm::Twine(accuracy.size()) + " of " +
        llvm::Twine(workloads.size()) + " models; give it for each of them");
  Goal goal{options.objectives, *how, std::move(accuracy)};
  auto created = JointProblem::create(std::move(*space), std::move(*target),
                                      std::move(workloads), std::move(goal));
  if (!created)
    return created.takeError();
  problem = std::move(*created);
  if (options.exactLayers) {
    if (options.join)
      return makeError(
          "--exact-layers goes with one process: leave out --join");
    auto made = OuterProblem::create(*problem);
    if (!made)
      return made.takeError();
    outer = std::move(*made);
  }
  chooseAlgorithmOptions();
  if (llvm::Error error = makeAlgorithm().takeError())
    return error;

  for (const std::string *file : {&options.front, &options.report})
    if (!file->empty())
      if (llvm::Error error = checkWritable(*file))
        return error;
  if (!options.report.empty()) {
    auto plotly = findPlotly(options.executable, options.plotly);
    if (!plotly)
      return plotly.takeError();
    plotlyPath = *plotly;
  }
  if (!options.emitDesigns.empty())
    if (std::error_code code =
            llvm::sys::fs::create_directories(options.emitDesigns))
      return makeError("cannot make the folder '" + options.emitDesigns +
                       "': " + code.message() +
                       "; name one that can be written");
  return openStudy();
}

void Session::chooseAlgorithmOptions() {
  chosen = options.algorithmOptions;
  auto setDefault = [&](const search::AlgorithmInfo &info, const char *name,
                        const std::string &value) {
    for (const auto &option : info.options)
      if (option.name == name)
        chosen.emplace(name, value);
  };
  // Small populations converge before they have seen the space. Measured on the
  // shipped spaces: with one objective and 40,000 designs, populations of 400
  // ended at the best known design on 6 of 8 seeds and 800 on all of them; with
  // three objectives 200 of 20,000 gave the largest hypervolume on 6 of 8.
  uint64_t generations = problem->objectiveNames().size() == 1 ? 50 : 100;
  uint64_t population =
      std::clamp<uint64_t>(options.budget / generations, 100, 1000);
  for (const search::AlgorithmInfo &info : search::algorithms())
    if (info.name == options.algorithm) {
      // Energy, latency and area span decades.
      setDefault(info, "log_objectives", "true");
      setDefault(info, "population", std::to_string(population));
    }
}

llvm::Expected<std::unique_ptr<search::Algorithm>> Session::makeAlgorithm() {
  auto algorithm = search::makeAlgorithm(options.algorithm, chosen);
  if (!algorithm)
    return makeError(algorithm.message());
  return std::move(*algorithm);
}

std::vector<std::pair<std::string, std::string>> Session::identity() const {
  json::Array models;
  for (size_t m = 0; m < names.size(); ++m) {
    json::Object model{{"name", names[m]},
                       {"weight", problem->weights()[m]},
                       {"digest", digest(problem->workloads()[m])}};
    // Studies without accuracy look as they always did.
    if (!accuracyDigests[m].empty())
      model["accuracy"] = accuracyDigests[m];
    models.push_back(std::move(model));
  }
  json::Object algorithm;
  for (const auto &[name, value] : chosen)
    algorithm[name] = value;
  return {
      {"imc_version", options.version},
      {"space", problem->spaceFile().source},
      {"target_yaml", machine::toYAML(problem->target())},
      {"models", print(std::move(models))},
      {"objectives", print(json::Array(problem->objectiveNames()))},
      {"aggregate", aggregateName(problem->aggregate())},
      {"algorithm", options.algorithm + (outer ? " with exact layers" : "")},
      {"algorithm_options", print(std::move(algorithm))},
      {"seed", std::to_string(options.seed)},
  };
}

/// A study that goes on with a larger budget keeps its population.
llvm::Error Session::adoptAlgorithmOptions() {
  auto text = study->meta("algorithm_options");
  if (!text)
    return text.takeError();
  auto value = json::parse(text->value_or("{}"));
  if (!value)
    return value.takeError();
  if (const json::Object *stored = value->getAsObject())
    for (const auto &[name, option] : *stored)
      if (!options.algorithmOptions.count(name.str()) &&
          chosen.count(name.str()))
        chosen[name.str()] = option.getAsString().value_or("").str();
  return makeAlgorithm().takeError();
}

/// The options that decide the result, as a shell line.
std::string Session::commandLine() const {
  std::string text = "imc search";
  for (const std::string &path : paths)
    text += " " + path;
  for (const std::string &shape : options.shapes)
    text += " --shape " + shape;
  text += " --space " + quote(options.spaceFile) + " --objectives " +
          llvm::join(problem->wantedObjectives(), ",") + " --aggregate " +
          aggregateName(problem->aggregate()) + " --algorithm " +
          options.algorithm;
  for (const auto &[name, value] : options.algorithmOptions)
    text += " --algorithm-option " + quote(name + "=" + value);
  text += " --budget " + std::to_string(options.budget) + " --seed " +
          std::to_string(options.seed);
  if (options.exactLayers)
    text += " --exact-layers";
  for (const std::string &word : options.words)
    text += " " + quote(word);
  return text;
}

llvm::Error Session::openStudy() {
  if (options.resume || options.join) {
    auto opened = options.join ? Study::openOrCreate(options.study)
                               : Study::open(options.study);
    if (!opened)
      return opened.takeError();
    study.emplace(std::move(*opened));
    if (options.join || !has("imc_version")) {
      // Of several processes the first decides. A study without any words was
      // killed before its search began.
      auto begun = study->claimMeta("imc_version", describe());
      if (!begun)
        return begun.takeError();
      if (*begun)
        return llvm::Error::success();
    }
    if (llvm::Error error = adoptAlgorithmOptions())
      return error;
  }
  auto wanted = identity();
  if (options.resume || options.join) {
    for (const auto &[key, value] : wanted) {
      auto stored = study->meta(key);
      if (!stored)
        return stored.takeError();
      if (*stored == value)
        continue;
      bool isShort = value.size() < 80 && stored->value_or("").size() < 80;
      return makeError(
          "study '" + options.study + "' was made with another " +
          (key == "imc_version" ? "version" : key) +
          (isShort ? " (" + stored->value_or("none") + ", not " + value + ")"
                   : std::string()) +
          ": resume with the same, or name another study file");
    }
    auto rows = study->rows();
    if (!rows)
      return rows.takeError();
    for (EvaluationRow &row : *rows) {
      search::Evaluation known;
      known.objectives = std::move(row.objectives);
      known.violation = row.violation;
      for (const std::string &rule : row.broken) {
        auto at = llvm::find(problem->constraintNames(), rule);
        if (at == problem->constraintNames().end())
          return makeError("study '" + options.study +
                           "' counts violations of the unknown rule '" + rule +
                           "': it is damaged; search again");
        known.reasons.push_back(
            int32_t(at - problem->constraintNames().begin()));
      }
      ids[row.key] = row.id;
      stored.emplace(row.key, std::move(known));
    }
  } else if (!options.study.empty() || !options.report.empty()) {
    // A report without a study file is made from one in memory.
    auto created =
        Study::create(options.study.empty() ? ":memory:" : options.study);
    if (!created)
      return created.takeError();
    study.emplace(std::move(*created));
  } else {
    return llvm::Error::success();
  }

  return study->setMeta(describe());
}

bool Session::has(llvm::StringRef key) const {
  auto value = study->meta(key);
  if (value)
    return value->has_value();
  llvm::consumeError(value.takeError());
  return false;
}

std::vector<std::pair<std::string, std::string>> Session::describe() const {
  auto wanted = identity();
  json::Array knobs, modelPaths, sources;
  for (const KnobChoices &knob : problem->spaceFile().knobs) {
    json::Array values;
    for (size_t i = 0; i < knob.values.size(); ++i)
      values.push_back(knob.text(i));
    knobs.push_back(
        json::Object{{"name", knob.name}, {"values", std::move(values)}});
  }
  for (const std::string &path : paths)
    modelPaths.push_back(path);
  for (const auto &[field, source] : problem->target().sources)
    sources.push_back(json::Array{field, source});
  wanted.push_back({"knobs", print(std::move(knobs))});
  wanted.push_back({"model_files", print(std::move(modelPaths))});
  wanted.push_back({"sources", print(std::move(sources))});
  wanted.push_back({"target", targetName});
  wanted.push_back({"space_file", options.spaceFile});
  wanted.push_back({"space_size", print(problem->spaceFile().size())});
  wanted.push_back(
      {"constraints", print(json::Array(problem->constraintNames()))});
  wanted.push_back({"budget", std::to_string(options.budget)});
  wanted.push_back({"command", commandLine()});
  return wanted;
}

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

unsigned Session::threads() const {
  return options.jobs ? options.jobs
                      : std::max(1u, std::thread::hardware_concurrency());
}

llvm::Error Session::findReferences() {
  if (problem->aggregate() != Aggregate::Regret)
    return llvm::Error::success();
  size_t count = names.size();
  std::vector<std::vector<double>> best(metrics().size(),
                                        std::vector<double>(count, 1));
  if (options.resume || options.join) {
    auto text = study->meta("references");
    if (!text)
      return text.takeError();
    if (*text) {
      auto value = json::parse(**text);
      if (!value)
        return value.takeError();
      for (size_t i = 0; i < metrics().size(); ++i)
        if (const json::Array *row =
                value->getAsObject()->getArray(metrics()[i].name))
          for (size_t m = 0; m < count && m < row->size(); ++m)
            best[i][m] = (*row)[m].getAsNumber().value_or(1);
      problem->setBest(std::move(best));
      return llvm::Error::success();
    }
  }
  for (size_t m = 0; m < count; ++m) {
    SpaceFile space = problem->spaceFile();
    space.keepModels(names[m]);
    space.weights.clear();
    std::vector<PredictAccuracy> accuracy;
    if (problem->hasAccuracy())
      accuracy.push_back(problem->goalOf().accuracy[m]);
    auto single = JointProblem::create(
        std::move(space), problem->target(), {problem->workloads()[m]},
        Goal{problem->objectiveNames(), Aggregate::Max, std::move(accuracy)});
    if (!single)
      return single.takeError();
    auto algorithm = makeAlgorithm();
    if (!algorithm)
      return algorithm.takeError();
    search::RunOptions run(options.budget, options.seed);
    run.threads = threads();
    auto result = search::run(**single, **algorithm, run);
    if (!result)
      return makeError(result.message());
    if (result->archive.empty())
      return makeError(
          "regret compares with the best design for each model alone, but "
          "none of " +
          llvm::Twine(result->evaluated) + " designs for '" + names[m] +
          "' is feasible: raise --budget or relax the constraints");
    bool first = true;
    for (const search::ArchivedDesign &member : result->archive.front()) {
      Decoded d = (*single)->decode(member.design);
      llvm::Expected<std::vector<AccuracyFigures>> believed =
          (*single)->accuracyOf(d);
      if (!believed)
        return believed.takeError();
      NamedNumbers values = (*single)->metricsOf(
          cost::evaluate((*single)->workloadsOf(d), d.machine, d.knobs),
          d.knobs, *believed);
      for (size_t i = 0; i < metrics().size(); ++i)
        if (const double *value = find(values, metrics()[i].name);
            value && metrics()[i].objective)
          best[i][m] = first ? *value : std::min(best[i][m], *value);
      first = false;
    }
  }
  if (study) {
    json::Object references;
    for (size_t i = 0; i < metrics().size(); ++i)
      if (metrics()[i].objective)
        references[metrics()[i].name] = json::Array(best[i]);
    if (llvm::Error error =
            study->setMeta({{"references", print(std::move(references))}}))
      return error;
  }
  problem->setBest(std::move(best));
  return llvm::Error::success();
}

llvm::Error Session::searchDesigns() {
  if (llvm::Error error = findReferences())
    return error;
  auto algorithm = makeAlgorithm();
  if (!algorithm)
    return algorithm.takeError();

  search::RunOptions run(options.budget, options.seed);
  run.threads = threads();
  search::ObjectiveScale scale;
  scale.log = true;
  for (const std::string &name : problem->objectiveNames()) {
    scale.ideal.push_back(findMetric(name)->scaleLow);
    scale.nadir.push_back(findMetric(name)->scaleHigh);
  }
  run.scale = scale;
  if (!stored.empty())
    run.lookup = [&](const search::Genome &design,
                     search::Key key) -> std::optional<search::Evaluation> {
      auto at = stored.find(key.str());
      if (at == stored.end())
        return std::nullopt;
      if (refines() && !at->second.objectives.empty())
        visited.emplace(ids.at(at->first), design);
      return at->second;
    };
  std::vector<EvaluationRow> pending;
  std::vector<std::vector<std::string>> texts; // per knob and choice
  for (const KnobChoices &knob : problem->spaceFile().knobs) {
    texts.emplace_back();
    for (size_t i = 0; i < knob.values.size(); ++i)
      texts.back().push_back(knob.text(i));
  }
  run.onEvaluated = [&](const search::EvaluatedDesign &seen) -> search::Status {
    std::string key = seen.key.str();
    // The number of the design in the order asked: the same whoever stores it.
    int64_t id = int64_t(seen.index) + 1;
    if (seen.evaluation.isFeasible())
      ids[key] = id;
    if (refines() && !seen.evaluation.objectives.empty())
      visited.emplace(id, seen.design);
    if (!study)
      return {};
    EvaluationRow row;
    row.id = id;
    row.generation = int64_t(seen.generation);
    row.key = std::move(key);
    const search::Genome design =
        outer ? outer->solutionOf(seen.design).design : seen.design;
    for (size_t i = 0; i < design.size(); ++i)
      row.values.push_back(texts[i][design[i]]);
    row.objectives = seen.evaluation.objectives;
    row.violation = seen.evaluation.violation;
    for (int32_t reason : seen.evaluation.reasons)
      row.broken.push_back(problem->constraintNames()[reason]);
    pending.push_back(std::move(row));
    return {};
  };
  std::string storeError;
  run.onGeneration = [&](const search::Generation &state) {
    // What was looked up is stored already, with its generation.
    if (study && !(pending.empty() && state.lookedUp == state.evaluated)) {
      if (llvm::Error error = study->append(
              {int64_t(state.index), state.evaluated, state.feasible,
               state.frontSize, state.hypervolume.value_or(0)},
              pending)) {
        storeError = llvm::toString(std::move(error));
        return false;
      }
      pending.clear();
    }
    showProgress(state);
    return true;
  };
  std::optional<SharedProblem> shared;
  if (options.join)
    shared.emplace(searched(), *study);
  auto done = shared ? search::run(*shared, **algorithm, run)
                     : search::run(searched(), **algorithm, run);
  endProgress();
  if (!done)
    return makeError(done.message());
  if (!storeError.empty())
    return makeError(storeError);
  result.emplace(std::move(*done));
  if (outer)
    takeLayers();
  return llvm::Error::success();
}

void Session::takeLayers() {
  search::Archive archive(problem->objectiveNames().size());
  for (const search::ArchivedDesign &member : result->archive.front()) {
    const search::Genome whole = outer->solutionOf(member.design).design;
    const search::Key key = problem->space().encode(whole);
    ids[key.str()] = ids.at(member.key.str());
    archive.insert(whole, key, member.objectives);
  }
  result->archive = std::move(archive);
}

void Session::showProgress(const search::Generation &state) {
  if (options.jsonProgress) {
    json::Object line{
        {"generation", state.index},          {"evaluated", state.evaluated},
        {"budget", options.budget},           {"feasible", state.feasible},
        {"front", uint64_t(state.frontSize)}, {"hypervolume", nullptr}};
    if (state.hypervolume)
      line["hypervolume"] = *state.hypervolume;
    log << json::Value(std::move(line)) << '\n';
    log.flush();
    return;
  }
  if (!log.is_displayed())
    return;
  log << llvm::formatv("\r{0} of {1} designs, {2:f1} % feasible, front {3}, "
                       "hypervolume {4:f4}   ",
                       state.evaluated, options.budget,
                       100.0 * double(state.feasible) / double(state.evaluated),
                       state.frontSize, state.hypervolume.value_or(0));
  log.flush();
  lineOpen = true;
}

void Session::endProgress() {
  if (lineOpen)
    log << '\n';
  lineOpen = false;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

static int report(llvm::Error error, llvm::raw_ostream &log) {
  if (!error)
    return 0;
  log << "error: " << llvm::toString(std::move(error)) << '\n';
  return 1;
}

int imc::explore::searchCommand(const SearchOptions &options,
                                std::vector<SearchModel> models,
                                const LoadTarget &loadTarget,
                                const CompileDesign &compile,
                                llvm::raw_ostream &out,
                                llvm::raw_ostream &log) {
  Session session(options, compile, out, log);
  auto run = [&]() -> llvm::Error {
    if (llvm::Error error = session.prepare(std::move(models), loadTarget))
      return error;
    if (llvm::Error error = session.searchDesigns())
      return error;
    if (llvm::Error error = session.refineFront())
      return error;
    if (llvm::Error error = session.buildFront())
      return error;
    if (llvm::Error error = session.verifyFront())
      return error;
    if (llvm::Error error = session.findGenerality())
      return error;
    if (llvm::Error error = session.simulateFront())
      return error;
    return session.write();
  };
  return report(run(), log);
}

int imc::explore::reportCommand(llvm::StringRef study, llvm::StringRef output,
                                llvm::StringRef executable,
                                llvm::StringRef plotly,
                                llvm::raw_ostream &log) {
  auto run = [&]() -> llvm::Error {
    auto opened = Study::open(study);
    if (!opened)
      return opened.takeError();
    auto path = findPlotly(executable, plotly);
    if (!path)
      return path.takeError();
    return writeReport(*opened, output, *path);
  };
  return report(run(), log);
}
