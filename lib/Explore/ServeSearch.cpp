//===- ServeSearch.cpp - Ask and tell for other programs ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Server.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace imc::explore;
namespace search = imc::search;

//===----------------------------------------------------------------------===//
// Ask and tell
//===----------------------------------------------------------------------===//

static llvm::Expected<std::vector<std::string>>
stringsOf(const json::Object &object, llvm::StringRef key, bool needed) {
  std::vector<std::string> strings;
  const json::Array *array = object.getArray(key);
  if (!array) {
    if (!needed && !object.get(key))
      return strings;
    return makeError("open: '" + key + "' must be a list of names");
  }
  for (const json::Value &value : *array) {
    auto text = value.getAsString();
    if (!text || text->empty())
      return makeError("open: '" + key + "' must be a list of names");
    strings.push_back(text->str());
  }
  return strings;
}

llvm::Error Server::describe(const json::Object &request) {
  knobList.clear();
  texts.clear();
  const json::Array *knobs = request.getArray("knobs");
  if (!knobs && joint)
    knobList = knobsOf(joint->spaceFile());
  else if (knobs)
    knobList = *knobs;
  else
    return makeError("open: 'knobs' must be a list of {name, values}");
  std::vector<search::Knob> list;
  for (const json::Value &value : knobList) {
    const json::Object *object = value.getAsObject();
    const json::Array *values = object ? object->getArray("values") : nullptr;
    if (!values || !object->getString("name"))
      return makeError("open: a knob needs 'name' and 'values'");
    search::Knob knob;
    knob.name = object->getString("name")->str();
    knob.kind = object->getBoolean("ordered").value_or(false)
                    ? search::KnobKind::Ordinal
                    : search::KnobKind::Categorical;
    texts.emplace_back();
    for (const json::Value &choice : *values) {
      std::string text = knobValueFromJSON(choice);
      if (text.empty() || llvm::is_contained(texts.back(), text))
        return makeError("open: knob '" + knob.name +
                         "' has a value that is neither number nor name, or "
                         "one twice: '" +
                         text + "'");
      texts.back().push_back(std::move(text));
    }
    knob.count = int32_t(texts.back().size());
    if (const json::Object *when = object->getObject("when"))
      for (const auto &entry : *when) {
        llvm::StringRef name = entry.first;
        const json::Value &allowed = entry.second;
        auto at = llvm::find_if(
            list, [&](const search::Knob &k) { return k.name == name.str(); });
        const json::Array *among = allowed.getAsArray();
        if (at == list.end() || !among)
          return makeError("open: knob '" + knob.name + "' depends on '" +
                           name.str() +
                           "', which must stand before it, with a list of its "
                           "values");
        search::Condition condition{size_t(at - list.begin()), {}};
        for (const json::Value &choice : *among) {
          auto &others = texts[condition.knob];
          auto place = llvm::find(others, knobValueFromJSON(choice));
          if (place == others.end())
            return makeError("open: '" + name.str() + "' has no value '" +
                             knobValueFromJSON(choice) + "', on which '" +
                             knob.name + "' depends");
          condition.indices.push_back(int32_t(place - others.begin()));
        }
        knob.conditions.push_back(std::move(condition));
      }
    list.push_back(std::move(knob));
  }
  auto space = search::Space::create(std::move(list));
  if (!space)
    return makeError("open: " + space.message());
  problem = std::make_unique<Described>(std::move(*space));
  if (!knobs && joint && !request.get("objectives")) {
    problem->objectives = joint->objectiveNames();
    problem->constraints = joint->constraintNames();
  } else {
    auto objectives = stringsOf(request, "objectives", /*needed=*/true);
    if (!objectives)
      return objectives.takeError();
    if (objectives->empty())
      return makeError("open: name at least one objective");
    auto constraints = stringsOf(request, "constraints", /*needed=*/false);
    if (!constraints)
      return constraints.takeError();
    problem->objectives = std::move(*objectives);
    problem->constraints = std::move(*constraints);
  }
  problem->constraints.push_back(kFailure);
  return llvm::Error::success();
}

static std::string print(const json::Value &value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

llvm::Error Server::openStudy(const json::Object &request, uint64_t budget,
                              uint64_t seed) {
  study.reset();
  stored.clear();
  auto path = request.getString("study");
  if (!path)
    return llvm::Error::success();
  auto opened =
      request.getBoolean("resume").value_or(false) && Study::exists(*path)
          ? Study::open(*path)
          : Study::create(*path);
  if (!opened)
    return opened.takeError();
  json::Value options = nullptr;
  if (const json::Value *given = request.get("options"))
    options = *given;
  std::vector<std::pair<std::string, std::string>> identity = {
      {"imc_version", version},
      {"knobs", print(json::Array(knobList))},
      {"objectives", print(json::Array(problem->objectives))},
      {"constraints", print(json::Array(problem->constraints))},
      {"aggregate", joint ? aggregateName(joint->aggregate()) : "none"},
      {"algorithm", algorithmName},
      {"algorithm_options", print(options)},
      {"seed", std::to_string(seed)},
      {"budget", std::to_string(budget)}};
  auto begun = opened->claimMeta("imc_version", identity);
  if (!begun)
    return begun.takeError();
  if (!*begun)
    for (const auto &[key, value] : identity) {
      auto there = opened->meta(key);
      if (!there)
        return there.takeError();
      if (*there != value)
        return makeError("study '" + *path + "' was made with another " + key +
                         ": resume with the same, or name another study file");
    }
  auto rows = opened->rows();
  if (!rows)
    return rows.takeError();
  for (EvaluationRow &row : *rows) {
    search::Evaluation known;
    known.objectives = std::move(row.objectives);
    known.violation = row.violation;
    for (const std::string &rule : row.broken) {
      auto at = llvm::find(problem->constraints,
                           llvm::StringRef(rule).starts_with("failure:")
                               ? std::string(kFailure)
                               : rule);
      if (at == problem->constraints.end())
        return makeError("study '" + *path +
                         "' names the unknown constraint '" + rule +
                         "': it is damaged");
      known.reasons.push_back(int32_t(at - problem->constraints.begin()));
    }
    stored.emplace(row.key, std::move(known));
  }
  study.emplace(std::move(*opened));
  return llvm::Error::success();
}

llvm::Expected<json::Object> Server::open(const json::Object &request) {
  auto wantedBudget = request.getInteger("budget");
  auto seed = request.getInteger("seed");
  if (!wantedBudget || *wantedBudget <= 0 || !seed || *seed < 0)
    return makeError("open: 'budget' (above 0) and 'seed' must be whole "
                     "numbers");
  algorithm.reset();
  waiting.clear();
  asked = evaluated = feasible = 0;
  generation = 0;
  if (llvm::Error error = describe(request))
    return std::move(error);
  algorithmName = request.getString("algorithm").value_or("nsga2").str();
  search::AlgorithmOptions options;
  if (const json::Object *given = request.getObject("options"))
    for (const auto &[name, value] : *given)
      options[name.str()] = knobValueFromJSON(value);
  auto made = search::makeAlgorithm(algorithmName, options);
  if (!made)
    return makeError(made.message());
  log = options.count("log_objectives") && options["log_objectives"] == "true";
  budget = uint64_t(*wantedBudget);
  archive.emplace(problem->objectives.size());
  if (llvm::Error error = openStudy(request, budget, uint64_t(*seed)))
    return std::move(error);
  search::Status status = (*made)->start(
      {problem->space(), problem->objectives, uint64_t(*seed), budget});
  if (!status)
    return makeError(status.message());
  algorithm = std::move(*made);
  return json::Object{{"size", problem->space().sizeText()},
                      {"known", int64_t(stored.size())}};
}

bool Server::isActive(const search::Genome &genome, size_t knob) const {
  const auto &knobs = problem->space().knobs();
  return llvm::all_of(
      knobs[knob].conditions, [&](const search::Condition &condition) {
        return isActive(genome, condition.knob) &&
               llvm::is_contained(condition.indices, genome[condition.knob]);
      });
}

json::Object Server::designOf(const search::Genome &genome) const {
  json::Object design;
  for (size_t k = 0; k < genome.size(); ++k)
    if (isActive(genome, k))
      design[problem->space().knobs()[k].name] =
          knobValueToJSON(texts[k][genome[k]]);
  return design;
}

llvm::Error Server::record(uint64_t id, const search::Evaluation &evaluation) {
  auto at = waiting.find(id);
  search::Status status = algorithm->tell(id, evaluation);
  if (!status)
    return makeError(status.message());
  ++evaluated;
  if (evaluation.isFeasible()) {
    ++feasible;
    archive->insert(at->second.design,
                    problem->space().encode(at->second.design),
                    evaluation.objectives);
  }
  waiting.erase(at);
  return llvm::Error::success();
}

llvm::Expected<json::Object> Server::ask(const json::Object &request) {
  if (!algorithm)
    return makeError("ask: no search is open");
  int64_t count = request.getInteger("count").value_or(1);
  if (count <= 0)
    return makeError("ask: 'count' is " + llvm::Twine(count) +
                     ": ask for at least one design");
  json::Array trials;
  bool finished = false;
  while (trials.empty()) {
    if (asked >= budget) {
      finished = waiting.empty();
      break;
    }
    search::Batch batch = algorithm->ask(
        size_t(std::min<uint64_t>(uint64_t(count), budget - asked)));
    if (batch.designs.empty()) {
      finished = waiting.empty();
      break;
    }
    asked += batch.designs.size();
    for (size_t i = 0; i < batch.designs.size(); ++i) {
      uint64_t id = batch.firstId + i;
      waiting[id] = {batch.designs[i], generation};
      // What a study knows is answered here and asked of nobody.
      auto known = stored.find(problem->space().encode(batch.designs[i]).str());
      if (known != stored.end()) {
        if (llvm::Error error = record(id, known->second))
          return std::move(error);
        continue;
      }
      trials.push_back(
          json::Object{{"id", id}, {"design", designOf(batch.designs[i])}});
    }
    ++generation;
  }
  return json::Object{{"trials", std::move(trials)}, {"finished", finished}};
}

llvm::Expected<search::Evaluation>
Server::readAnswer(const json::Object &trial, std::string &failure) const {
  search::Evaluation evaluation;
  auto fail = [&](const llvm::Twine &why) {
    failure = why.str();
    evaluation.clear();
    evaluation.violate(int32_t(problem->constraints.size()) - 1, kFailed);
  };
  if (auto text = trial.getString("failure")) {
    fail(*text);
    return evaluation;
  }
  if (const json::Array *broken = trial.getArray("violations"))
    for (const json::Value &value : *broken) {
      auto rule = value.getAsString();
      auto at = llvm::find(problem->constraints, rule.value_or("").str());
      if (!rule || at == problem->constraints.end())
        return makeError("tell: unknown constraint '" + rule.value_or("") +
                         "'; there are " +
                         llvm::join(problem->constraints, ", "));
      evaluation.reasons.push_back(int32_t(at - problem->constraints.begin()));
    }
  evaluation.violation = trial.getNumber("violation").value_or(0);
  if (!(evaluation.violation >= 0) || !std::isfinite(evaluation.violation)) {
    fail("the violation is " + shortest(evaluation.violation));
    return evaluation;
  }
  if ((evaluation.violation > 0) == evaluation.reasons.empty())
    return makeError("tell: a violation above 0 names its 'violations', and "
                     "only such a one");
  if (evaluation.violation > 0 && !trial.getArray("objectives"))
    return evaluation;
  const json::Array *objectives = trial.getArray("objectives");
  if (!objectives || objectives->size() != problem->objectives.size())
    return makeError("tell: 'objectives' must hold " +
                     llvm::Twine(problem->objectives.size()) + " numbers");
  for (size_t o = 0; o < objectives->size(); ++o) {
    // JSON has no NaN and no infinity: they come as null or as names.
    auto number = (*objectives)[o].getAsNumber();
    if (!number || !std::isfinite(*number)) {
      fail("objective '" + problem->objectives[o] + "' is " +
           (number ? shortest(*number) : print((*objectives)[o])) +
           ", which is no number");
      return evaluation;
    }
    if (log && !(*number > 0)) {
      fail("objective '" + problem->objectives[o] + "' is " +
           shortest(*number) + ", which must be above 0");
      return evaluation;
    }
    evaluation.objectives.push_back(*number);
  }
  return evaluation;
}

llvm::Expected<json::Object> Server::tell(const json::Object &request) {
  if (!algorithm)
    return makeError("tell: no search is open");
  const json::Array *trials = request.getArray("trials");
  if (!trials)
    return makeError("tell: 'trials' must be a list");
  struct Answer {
    uint64_t id;
    search::Evaluation evaluation;
    EvaluationRow row;
  };
  std::vector<Answer> answers;
  json::Array failures;
  for (const json::Value &value : *trials) {
    const json::Object *trial = value.getAsObject();
    auto id = trial ? trial->getInteger("id") : std::nullopt;
    auto at = waiting.find(uint64_t(id.value_or(-1)));
    if (!id || at == waiting.end() ||
        llvm::any_of(answers,
                     [&](const Answer &a) { return a.id == uint64_t(*id); }))
      return makeError("tell: trial " + llvm::Twine(id.value_or(-1)) +
                       " was not asked, or is answered already");
    std::string failure;
    auto evaluation = readAnswer(*trial, failure);
    if (!evaluation)
      return evaluation.takeError();
    Answer answer{uint64_t(*id), std::move(*evaluation), {}};
    answer.row.id = *id + 1;
    answer.row.generation = at->second.generation;
    answer.row.key = problem->space().encode(at->second.design).str();
    for (size_t k = 0; k < texts.size(); ++k)
      answer.row.values.push_back(texts[k][at->second.design[k]]);
    answer.row.objectives = answer.evaluation.objectives;
    answer.row.violation = answer.evaluation.violation;
    for (int32_t reason : answer.evaluation.reasons)
      answer.row.broken.push_back(problem->constraints[reason]);
    if (!failure.empty()) {
      answer.row.broken = {std::string(kFailure) + ": " + failure};
      failures.push_back(json::Object{{"id", *id}, {"reason", failure}});
    }
    answers.push_back(std::move(answer));
  }
  int64_t last = 0;
  std::vector<EvaluationRow> rows;
  for (Answer &answer : answers) {
    last = answer.row.generation;
    rows.push_back(std::move(answer.row));
    if (llvm::Error error = record(answer.id, answer.evaluation))
      return std::move(error);
  }
  if (study && !rows.empty())
    if (llvm::Error error = study->append(
            {last, evaluated, feasible, archive->size(), 0}, rows))
      return std::move(error);
  return json::Object{{"evaluated", evaluated},
                      {"feasible", feasible},
                      {"front", int64_t(archive->size())},
                      {"failures", std::move(failures)}};
}

llvm::Expected<json::Object> Server::front() const {
  if (!archive)
    return makeError("front: no search is open");
  json::Array points;
  for (const search::ArchivedDesign &member : archive->front())
    points.push_back(
        json::Object{{"design", designOf(member.design)},
                     {"objectives", json::Array(member.objectives)}});
  return json::Object{{"objectives", json::Array(problem->objectives)},
                      {"evaluated", evaluated},
                      {"feasible", feasible},
                      {"points", std::move(points)}};
}
