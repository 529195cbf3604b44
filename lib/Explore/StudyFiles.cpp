//===- StudyFiles.cpp - Check, export and merge studies -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/StudyFiles.h"

#include "imc/Search/Archive.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

#include <map>

using namespace imc::explore;
namespace search = imc::search;
namespace json = llvm::json;

llvm::Expected<ExportFormat>
imc::explore::parseExportFormat(llvm::StringRef name) {
  if (name == "csv")
    return ExportFormat::CSV;
  if (name == "json")
    return ExportFormat::JSON;
  return makeError("unknown export format '" + name +
                   "'; there are csv and json (Parquet and Optuna: "
                   "imc.Study.to_parquet and imc.Study.to_optuna in Python)");
}

static llvm::Expected<std::vector<std::string>> namesOf(const Study &study,
                                                        llvm::StringRef key) {
  auto text = study.need(key);
  if (!text)
    return text.takeError();
  auto value = json::parse(*text);
  if (!value)
    return makeError("study '" + study.path() + "': '" + key +
                     "' is damaged: " + llvm::toString(value.takeError()));
  std::vector<std::string> names;
  if (const json::Array *array = value->getAsArray())
    for (const json::Value &element : *array) {
      if (auto text = element.getAsString())
        names.push_back(text->str());
      else if (const json::Object *object = element.getAsObject())
        names.push_back(object->getString("name").value_or("?").str());
    }
  return names;
}

//===----------------------------------------------------------------------===//
// Export
//===----------------------------------------------------------------------===//

/// A field of RFC 4180.
static void field(llvm::raw_ostream &out, llvm::StringRef text) {
  if (text.find_first_of(",\"\n\r") == llvm::StringRef::npos) {
    out << text;
    return;
  }
  out << '"';
  for (char c : text)
    out << (c == '"' ? "\"\"" : llvm::StringRef(&c, 1));
  out << '"';
}

static void exportCSV(llvm::ArrayRef<std::string> knobs,
                      llvm::ArrayRef<std::string> objectives,
                      llvm::ArrayRef<EvaluationRow> rows,
                      llvm::raw_ostream &out) {
  out << "id,generation,key";
  for (const std::string &name : knobs) {
    out << ',';
    field(out, name);
  }
  for (const std::string &name : objectives)
    out << ',' << name;
  out << ",violation,violations\n";
  for (const EvaluationRow &row : rows) {
    out << row.id << ',' << row.generation << ',' << row.key;
    for (const std::string &value : row.values) {
      out << ',';
      field(out, value);
    }
    for (size_t o = 0; o < objectives.size(); ++o) {
      out << ',';
      if (o < row.objectives.size())
        out << shortest(row.objectives[o]);
    }
    out << ',' << shortest(row.violation) << ',';
    field(out, llvm::join(row.broken, "; "));
    out << '\n';
  }
}

llvm::Error imc::explore::exportStudy(const Study &study, ExportFormat format,
                                      llvm::raw_ostream &out) {
  auto knobs = namesOf(study, "knobs");
  if (!knobs)
    return knobs.takeError();
  auto objectives = namesOf(study, "objectives");
  if (!objectives)
    return objectives.takeError();
  auto rows = study.rows();
  if (!rows)
    return rows.takeError();
  for (const EvaluationRow &row : *rows)
    if (row.values.size() != knobs->size() ||
        (!row.objectives.empty() &&
         row.objectives.size() != objectives->size()))
      return makeError("study '" + study.path() + "': evaluation " +
                       llvm::Twine(row.id) +
                       " has other knobs or objectives than the study: it is "
                       "damaged; search again");
  if (format == ExportFormat::CSV) {
    exportCSV(*knobs, *objectives, *rows, out);
    return llvm::Error::success();
  }
  auto generations = study.generations();
  if (!generations)
    return generations.takeError();
  auto shards = study.shards();
  if (!shards)
    return shards.takeError();
  auto simulations = study.simulations();
  if (!simulations)
    return simulations.takeError();
  auto meta = study.allMeta();
  if (!meta)
    return meta.takeError();

  json::OStream stream(out, 1);
  auto state = [&](const GenerationRow &row) {
    stream.attribute("number", row.number);
    stream.attribute("evaluated", row.evaluated);
    stream.attribute("feasible", row.feasible);
    stream.attribute("front", row.front);
    stream.attribute("hypervolume", row.hypervolume);
  };
  stream.object([&] {
    stream.attribute("schema_version", Study::kSchemaVersion);
    stream.attributeObject("meta", [&] {
      for (const auto &[key, value] : *meta)
        if (key != "search" && key != "command")
          stream.attribute(key, value);
    });
    stream.attributeArray("evaluations", [&] {
      for (const EvaluationRow &row : *rows)
        stream.object([&] {
          stream.attribute("id", row.id);
          stream.attribute("generation", row.generation);
          stream.attribute("key", row.key);
          stream.attributeObject("design", [&] {
            for (size_t k = 0; k < knobs->size(); ++k)
              stream.attribute((*knobs)[k], knobValueToJSON(row.values[k]));
          });
          if (row.objectives.empty())
            stream.attribute("objectives", nullptr);
          else
            stream.attributeObject("objectives", [&] {
              for (size_t o = 0; o < objectives->size(); ++o)
                stream.attribute((*objectives)[o], row.objectives[o]);
            });
          stream.attribute("violation", row.violation);
          stream.attribute("violations", json::Array(row.broken));
        });
    });
    stream.attributeArray("generations", [&] {
      for (const GenerationRow &row : *generations)
        stream.object([&] { state(row); });
    });
    stream.attributeArray("shards", [&] {
      for (const ShardRow &row : *shards)
        stream.object([&] {
          stream.attribute("shard", row.name);
          state(row.state);
        });
    });
    // Studies without simulations look as they always did.
    if (!simulations->empty())
      stream.attributeArray("simulations", [&] {
        for (const SimulationRow &row : *simulations)
          stream.object([&] {
            stream.attribute("model", row.model);
            stream.attribute("key", row.key);
            stream.attribute("top1", row.top1);
            stream.attribute("deviation", row.deviation);
            stream.attribute("yield", row.yield);
            stream.attribute("trials", row.trials);
          });
      });
  });
  out << '\n';
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Check
//===----------------------------------------------------------------------===//

llvm::Expected<std::string> imc::explore::checkStudy(const Study &study) {
  auto rows = study.rows();
  if (!rows)
    return rows.takeError();
  auto generations = study.generations();
  if (!generations)
    return generations.takeError();
  auto front = study.front();
  if (!front)
    return front.takeError();
  size_t feasible = 0;
  for (size_t i = 0; i < rows->size(); ++i) {
    feasible += (*rows)[i].violation == 0;
    if ((*rows)[i].id != int64_t(i) + 1)
      return makeError("study '" + study.path() + "': evaluation " +
                       llvm::Twine(i + 1) +
                       " is absent: rows were removed; search again");
  }
  if (!generations->empty() && generations->back().evaluated != rows->size())
    return makeError("study '" + study.path() + "': its generations count " +
                     llvm::Twine(generations->back().evaluated) +
                     " evaluations and the table holds " +
                     llvm::Twine(rows->size()) +
                     ": rows were removed or added; search again");
  bool ended = bool(llvm::cantFail(study.meta("search")));
  return llvm::formatv("{0}: {1} evaluations, {2} feasible, {3} generations, "
                       "{4} on the front; {5}",
                       study.path(), rows->size(), feasible,
                       generations->size(), front->size(),
                       ended ? "ended" : "not ended (go on with --resume)")
      .str();
}

//===----------------------------------------------------------------------===//
// Merge
//===----------------------------------------------------------------------===//

/// What shards must have in common.
static constexpr const char *kProblem[] = {"imc_version", "space",
                                           "target_yaml", "models",
                                           "objectives",  "aggregate",
                                           "knobs",       "constraints",
                                           "target",      "model_files",
                                           "sources",     "space_size",
                                           "space_file",  "hypervolume_scale"};

namespace {
struct Shard {
  std::string name; ///< "nsga2 seed 3 budget 4000"
  std::map<std::string, std::string> meta;
  std::vector<EvaluationRow> rows;
  std::vector<GenerationRow> generations;
  std::vector<std::string> front;
  std::vector<SimulationRow> simulations;
};
} // namespace

static llvm::Expected<Shard> readShard(const std::string &path) {
  auto study = Study::open(path);
  if (!study)
    return study.takeError();
  Shard shard;
  if (auto ended = study->need("search"); !ended)
    return ended.takeError();
  auto meta = study->allMeta();
  if (!meta)
    return meta.takeError();
  for (auto &[key, value] : *meta)
    shard.meta[key] = std::move(value);
  shard.name = shard.meta["algorithm"] + " seed " + shard.meta["seed"] +
               " budget " + shard.meta["budget"];
  auto rows = study->rows();
  if (!rows)
    return rows.takeError();
  shard.rows = std::move(*rows);
  auto generations = study->generations();
  if (!generations)
    return generations.takeError();
  shard.generations = std::move(*generations);
  auto front = study->front();
  if (!front)
    return front.takeError();
  shard.front = std::move(*front);
  auto simulations = study->simulations();
  if (!simulations)
    return simulations.takeError();
  shard.simulations = std::move(*simulations);
  auto shards = study->shards();
  if (!shards)
    return shards.takeError();
  if (!shards->empty())
    return makeError("study '" + path +
                     "' is a merged one: merge the studies that it was made "
                     "from");
  return shard;
}

/// A front point under its new number; its command names the output by it.
static llvm::Expected<std::string> renumber(llvm::StringRef text,
                                            int64_t newId) {
  auto value = json::parse(text);
  if (!value)
    return value.takeError();
  json::Object *point = value->getAsObject();
  if (!point || !point->getInteger("id") || !point->getString("command"))
    return makeError("a front point is damaged: it has no id or command");
  std::string old = "design-" + std::to_string(*point->getInteger("id"));
  std::string command = point->getString("command")->str();
  size_t at = command.rfind(old);
  if (at != std::string::npos)
    command.replace(at, old.size(), "design-" + std::to_string(newId));
  (*point)["id"] = newId;
  (*point)["command"] = command;
  std::string out;
  llvm::raw_string_ostream(out) << *value;
  return out;
}

/// Evaluation and objectives of a front point.
static llvm::Expected<std::pair<int64_t, std::vector<double>>>
refinedPoint(llvm::StringRef text, llvm::StringRef objectives) {
  auto value = json::parse(text);
  if (!value)
    return value.takeError();
  auto names = json::parse(objectives);
  if (!names)
    return names.takeError();
  const json::Object *point = value->getAsObject();
  const json::Object *values = point ? point->getObject("objectives") : nullptr;
  const std::optional<int64_t> id =
      point ? point->getInteger("id") : std::nullopt;
  std::pair<int64_t, std::vector<double>> out;
  if (id && values && names->getAsArray()) {
    out.first = *id;
    for (const json::Value &name : *names->getAsArray())
      if (auto number = values->getNumber(name.getAsString().value_or("")))
        out.second.push_back(*number);
    if (out.second.size() == names->getAsArray()->size())
      return out;
  }
  return makeError("it lacks its id or objectives: the study is damaged");
}

llvm::Error imc::explore::mergeStudies(llvm::ArrayRef<std::string> inputs,
                                       llvm::StringRef output) {
  if (inputs.size() < 2)
    return makeError("nothing to merge: name at least two studies");
  if (llvm::sys::fs::exists(output))
    return makeError("'" + output +
                     "' exists already: name a new file for the merged study");
  std::vector<Shard> shards;
  for (const std::string &path : inputs) {
    auto shard = readShard(path);
    if (!shard)
      return shard.takeError();
    for (const char *key : kProblem)
      if (!shards.empty() && shard->meta[key] != shards[0].meta[key])
        return makeError("studies '" + inputs[0] + "' and '" + path +
                         "' differ in '" + key +
                         "': only shards of one problem merge");
    if (!shards.empty() &&
        shard->meta["references"] != shards[0].meta["references"])
      return makeError("studies '" + inputs[0] + "' and '" + path +
                       "' measure regret against different references: "
                       "search the shards with one algorithm, seed and budget "
                       "for the references, or merge another aggregate");
    shards.push_back(std::move(*shard));
  }
  llvm::sort(shards,
             [](const Shard &a, const Shard &b) { return a.name < b.name; });
  for (size_t i = 1; i < shards.size(); ++i)
    if (shards[i].name == shards[i - 1].name)
      return makeError("two shards are '" + shards[i].name +
                       "': give every shard its own seed");

  // By key: the union is the same whatever the order of the shards.
  std::map<std::string, const EvaluationRow *> byKey;
  for (const Shard &shard : shards)
    for (const EvaluationRow &row : shard.rows) {
      auto [at, isNew] = byKey.emplace(row.key, &row);
      const EvaluationRow &other = *at->second;
      if (!isNew &&
          (other.objectives != row.objectives || other.values != row.values ||
           other.violation != row.violation || other.broken != row.broken))
        return makeError("design " + row.key +
                         " has different answers in two shards: the evaluator "
                         "is not deterministic, or a study is damaged");
    }
  size_t numObjectives = 0;
  for (const auto &[key, row] : byKey)
    numObjectives = std::max(numObjectives, row->objectives.size());
  // Simulations change what rows say: then a shard's front is what its points
  // say. What is on none was worse in its own shard than what was simulated.
  std::map<std::string, std::vector<double>> refined;
  const bool simulated = llvm::any_of(
      shards, [](const Shard &s) { return !s.simulations.empty(); });
  if (simulated)
    for (const Shard &shard : shards)
      for (const std::string &text : shard.front) {
        auto point = refinedPoint(text, shards[0].meta["objectives"]);
        if (!point)
          return makeError("a front point of '" + shard.name +
                           "': " + llvm::toString(point.takeError()));
        if (point->first < 1 || size_t(point->first) > shard.rows.size())
          return makeError("a front point of '" + shard.name +
                           "' has no evaluation: the study is damaged");
        refined.emplace(shard.rows[size_t(point->first) - 1].key,
                        std::move(point->second));
      }
  search::Archive archive(numObjectives);
  std::vector<EvaluationRow> rows;
  std::map<std::string, int64_t> ids;
  GenerationRow state;
  for (const auto &[key, row] : byKey) {
    EvaluationRow copy = *row;
    copy.id = int64_t(rows.size()) + 1;
    copy.generation = 0;
    ids[key] = copy.id;
    const auto believed = refined.find(key);
    if (copy.violation == 0 || believed != refined.end()) {
      search::Key number;
      if (llvm::StringRef(key).take_front(16).getAsInteger(16, number.hi) ||
          llvm::StringRef(key).drop_front(16).getAsInteger(16, number.lo))
        return makeError("'" + key +
                         "' is no key of a design: the study is "
                         "damaged");
      if (!simulated)
        archive.insert({}, number, copy.objectives);
      else if (believed != refined.end())
        archive.insert({}, number, believed->second);
      state.feasible += copy.violation == 0;
    }
    rows.push_back(std::move(copy));
  }
  state.evaluated = rows.size();
  state.front = archive.size();

  // Whatever no shard dominates stood on the front of its own shard.
  std::map<std::string, std::string> pointOf;
  for (const Shard &shard : shards)
    for (const std::string &text : shard.front) {
      auto value = json::parse(text);
      if (!value)
        return value.takeError();
      const json::Object *object = value->getAsObject();
      std::optional<int64_t> id =
          object ? object->getInteger("id") : std::nullopt;
      if (!id || *id < 1 || size_t(*id) > shard.rows.size())
        return makeError("a front point of '" + shard.name +
                         "' has no evaluation: the study is damaged");
      pointOf.emplace(shard.rows[*id - 1].key, text);
    }
  std::vector<std::pair<int64_t, std::string>> front;
  for (const search::ArchivedDesign &member : archive.front()) {
    std::string key = member.key.str();
    auto text = pointOf.find(key);
    if (text == pointOf.end())
      return makeError("design " + key +
                       " is on no front of a shard: a study "
                       "is damaged");
    auto point = renumber(text->second, ids[key]);
    if (!point)
      return point.takeError();
    front.emplace_back(ids[key], std::move(*point));
  }
  llvm::sort(front);

  std::map<std::string, std::string> meta;
  for (const char *key : kProblem)
    meta[key] = shards[0].meta[key];
  if (shards[0].meta.count("references"))
    meta["references"] = shards[0].meta["references"];
  std::vector<std::string> names;
  std::vector<ShardRow> histories;
  uint64_t budget = 0, verified = 0;
  bool proven = false;
  for (const Shard &shard : shards) {
    names.push_back(shard.name);
    for (const GenerationRow &row : shard.generations)
      histories.push_back({shard.name, row});
    uint64_t own = 0;
    llvm::StringRef(shard.meta.at("budget")).getAsInteger(10, own);
    budget += own;
    auto figures = json::parse(shard.meta.at("search"));
    if (!figures)
      return figures.takeError();
    if (const json::Object *object = figures->getAsObject()) {
      proven |= object->getString("optimum") == llvm::StringRef("proven");
      verified += object->getInteger("verified").value_or(0) > 0;
    }
  }
  auto scaleText = json::parse(meta["hypervolume_scale"]);
  if (!scaleText)
    return scaleText.takeError();
  json::Value hypervolume = nullptr;
  if (const json::Object *object = scaleText->getAsObject();
      object && object->getArray("ideal") && object->getArray("nadir") &&
      !archive.empty() && numObjectives <= 3) {
    search::ObjectiveScale scale;
    scale.log = object->getBoolean("log2").value_or(true);
    for (const json::Value &value : *object->getArray("ideal"))
      scale.ideal.push_back(value.getAsNumber().value_or(0));
    for (const json::Value &value : *object->getArray("nadir"))
      scale.nadir.push_back(value.getAsNumber().value_or(1));
    state.hypervolume = archive.hypervolume(scale);
    hypervolume = state.hypervolume;
  }
  meta["algorithm"] = "merged";
  meta["algorithm_options"] = "{}";
  meta["seed"] = "0";
  meta["budget"] = std::to_string(budget);
  meta["command"] = "imc study merge: " + llvm::join(names, ", ");
  // Every shard's front was rebuilt by its own search or none was.
  json::Value figures = json::Object{
      {"algorithm", "merged"},
      {"seed", 0},
      {"budget", budget},
      {"evaluated", state.evaluated},
      {"feasible", state.feasible},
      {"seconds", 0},
      {"evaluations_per_s", 0},
      {"hypervolume", std::move(hypervolume)},
      {"optimum", proven ? "proven" : "unknown"},
      {"gap", proven ? json::Value(0) : json::Value(nullptr)},
      {"verified",
       verified == shards.size() ? int64_t(front.size()) : int64_t(0)}};
  llvm::raw_string_ostream(meta["search"]) << figures;

  // Made under another name, so that nobody sees half a study.
  std::string temporary = output.str() + ".part";
  auto drop = [&] {
    for (const char *suffix : {"", "-wal", "-shm"})
      llvm::sys::fs::remove(temporary + suffix);
  };
  drop();
  auto write = [&]() -> llvm::Error {
    auto merged = Study::create(temporary);
    if (!merged)
      return merged.takeError();
    if (llvm::Error error =
            merged->setMeta(std::vector<std::pair<std::string, std::string>>(
                meta.begin(), meta.end())))
      return error;
    if (llvm::Error error = merged->append(state, rows))
      return error;
    if (llvm::Error error = merged->setShards(histories))
      return error;
    for (const Shard &shard : shards)
      if (!shard.simulations.empty())
        if (llvm::Error error = merged->addSimulations(shard.simulations))
          return error;
    return merged->setFront(front);
  };
  if (llvm::Error error = write()) {
    drop();
    return error;
  }
  if (std::error_code code = llvm::sys::fs::rename(temporary, output)) {
    drop();
    return makeError("cannot write '" + output + "': " + code.message());
  }
  return llvm::Error::success();
}
