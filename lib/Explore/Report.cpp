//===- Report.cpp - One offline HTML page of a search ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Report.h"

#include "ReportParts.inc" // kReportHTML, kReportCSS, kReportJS

#include "imc/Search/Importance.h"
#include "imc/Support/OutputFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace imc::explore;
namespace json = llvm::json;
namespace search = imc::search;

llvm::Expected<std::string> imc::explore::findPlotly(llvm::StringRef executable,
                                                     llvm::StringRef override) {
  llvm::SmallString<128> path(override);
  if (path.empty()) {
    path =
        llvm::sys::path::parent_path(llvm::sys::path::parent_path(executable));
    llvm::sys::path::append(path, "share", "imc", "plotly.min.js");
  }
  if (!llvm::sys::fs::exists(path))
    return makeError("the report needs Plotly, and '" + path +
                     "' does not exist: install the Python package 'plotly' "
                     "into .venv and build again, or name a plotly.min.js with "
                     "--plotly");
  return path.str().str();
}

static llvm::Expected<json::Value> needJSON(const Study &study,
                                            llvm::StringRef key) {
  auto text = study.need(key);
  if (!text)
    return text.takeError();
  auto value = json::parse(*text);
  if (!value)
    return makeError("study '" + study.path() + "': '" + key +
                     "' is damaged: " + llvm::toString(value.takeError()));
  return value;
}

llvm::Expected<Front> imc::explore::frontFromStudy(const Study &study) {
  auto search = needJSON(study, "search");
  if (!search)
    return search.takeError();
  auto objectives = needJSON(study, "objectives");
  if (!objectives)
    return objectives.takeError();
  json::Object object{{"objectives", std::move(*objectives)},
                      {"search", std::move(*search)}};
  for (auto [field, key] : {std::pair("version", "imc_version"),
                            {"target", "target"},
                            {"aggregate", "aggregate"}}) {
    auto text = study.need(key);
    if (!text)
      return text.takeError();
    object[field] = *text;
  }
  auto texts = study.front();
  if (!texts)
    return texts.takeError();
  json::Array points;
  for (const std::string &text : *texts) {
    auto point = json::parse(text);
    if (!point)
      return makeError("study '" + study.path() +
                       "': a front point is "
                       "damaged: " +
                       llvm::toString(point.takeError()));
    points.push_back(std::move(*point));
  }
  object["points"] = std::move(points);
  auto front = frontFromJSON(json::Value(std::move(object)));
  if (!front)
    return makeError("study '" + study.path() +
                     "': " + llvm::toString(front.takeError()));
  return front;
}

/// Per knob, from a value's text to its place in the list of values, from 1.
static std::vector<llvm::StringMap<int64_t>>
choicesOf(const json::Value &knobs) {
  std::vector<llvm::StringMap<int64_t>> choices;
  for (const json::Value &knob : *knobs.getAsArray()) {
    auto &places = choices.emplace_back();
    if (const json::Object *object = knob.getAsObject())
      if (const json::Array *values = object->getArray("values"))
        for (const json::Value &value : *values)
          places.try_emplace(knobValueFromJSON(value), places.size() + 1);
  }
  return choices;
}

/// PED-ANOVA of every objective over the feasible designs
/// (search::knobImportance).
static json::Array importance(llvm::ArrayRef<const EvaluationRow *> rows,
                              const json::Value &knobs,
                              llvm::ArrayRef<llvm::StringMap<int64_t>> choices,
                              llvm::ArrayRef<std::string> objectives) {
  json::Array table;
  std::vector<search::Knob> list;
  for (const json::Value &knob : *knobs.getAsArray()) {
    const json::Object *object = knob.getAsObject();
    size_t count = choices[list.size()].size();
    if (!object || count == 0)
      return table;
    list.push_back(
        {object->getString("name").value_or("?").str(), int32_t(count)});
  }
  auto space = search::Space::create(list);
  if (!space || rows.size() < 20)
    return table;
  std::vector<search::Genome> designs;
  for (const EvaluationRow *row : rows) {
    search::Genome design;
    for (size_t k = 0; k < std::min(list.size(), row->values.size()); ++k)
      design.push_back(int32_t(choices[k].lookup(row->values[k])) - 1);
    if (!space->contains(design))
      return table; // a study of values that its knobs do not list
    designs.push_back(std::move(design));
  }
  for (size_t o = 0; o < objectives.size(); ++o) {
    std::vector<double> scores;
    for (const EvaluationRow *row : rows)
      scores.push_back(row->objectives[o]);
    std::vector<double> shares =
        search::knobImportance(*space, designs, scores);
    for (size_t k = 0; k < list.size(); ++k)
      if (list[k].count > 1)
        table.push_back(json::Object{{"objective", objectives[o]},
                                     {"knob", list[k].name},
                                     {"share", shares[k]}});
  }
  return table;
}

llvm::Expected<json::Object> imc::explore::reportData(const Study &study,
                                                      size_t cloud) {
  auto front = frontFromStudy(study);
  if (!front)
    return front.takeError();
  json::Value frontJSON = toJSON(*front);
  json::Object data = std::move(*frontJSON.getAsObject());

  for (llvm::StringRef key : {"models", "knobs", "space_size", "sources"}) {
    auto value = needJSON(study, key);
    if (!value)
      return value.takeError();
    data[key] = std::move(*value);
  }

  auto rows = study.rows();
  if (!rows)
    return rows.takeError();
  std::vector<const EvaluationRow *> feasible;
  for (const EvaluationRow &row : *rows)
    if (row.violation == 0 && !row.objectives.empty())
      feasible.push_back(&row);
  auto choices = choicesOf(data["knobs"]);
  size_t stride = cloud ? (feasible.size() + cloud - 1) / cloud : 0;
  json::Array cloudRows, cloudIds, cloudKnobs;
  for (size_t i = 0; stride && i < feasible.size(); i += stride) {
    cloudRows.push_back(json::Array(feasible[i]->objectives));
    cloudIds.push_back(feasible[i]->id);
    json::Array indices;
    for (size_t k = 0; k < feasible[i]->values.size(); ++k)
      indices.push_back(k < choices.size()
                            ? choices[k].lookup(feasible[i]->values[k]) - 1
                            : -1);
    cloudKnobs.push_back(std::move(indices));
  }
  data["cloud"] = json::Object{{"columns", json::Array(front->objectives)},
                               {"rows", std::move(cloudRows)},
                               {"ids", std::move(cloudIds)},
                               {"knobs", std::move(cloudKnobs)}};
  data["importance"] =
      importance(feasible, data["knobs"], choices, front->objectives);
  auto generality = study.meta("generality");
  if (!generality)
    return generality.takeError();
  data["generality"] = nullptr;
  if (*generality) {
    auto value = json::parse(**generality);
    if (!value)
      return makeError(
          "study '" + study.path() +
          "': 'generality' is damaged: " + llvm::toString(value.takeError()));
    data["generality"] = std::move(*value);
  }
  auto shards = study.shards();
  if (!shards)
    return shards.takeError();
  json::Array histories;
  for (const ShardRow &row : *shards)
    histories.push_back(json::Object{{"shard", row.name},
                                     {"evaluated", row.state.evaluated},
                                     {"feasible", row.state.feasible},
                                     {"front", row.state.front},
                                     {"hypervolume", row.state.hypervolume}});
  data["shards"] = std::move(histories);

  auto generations = study.generations();
  if (!generations)
    return generations.takeError();
  json::Array history;
  for (const GenerationRow &g : *generations)
    history.push_back(json::Object{{"generation", g.number},
                                   {"evaluated", g.evaluated},
                                   {"feasible", g.feasible},
                                   {"front", g.front},
                                   {"hypervolume", g.hypervolume}});
  data["history"] = std::move(history);

  auto rejections = study.rejections();
  if (!rejections)
    return rejections.takeError();
  json::Array rejected;
  for (const Rejection &r : *rejections)
    rejected.push_back(json::Object{{"rule", r.rule}, {"count", r.count}});
  data["rejections"] = std::move(rejected);

  // What a reader needs to repeat the search or to doubt it.
  json::Array provenance;
  auto say = [&](llvm::StringRef name, std::string value) {
    if (!value.empty())
      provenance.push_back(json::Array{name, std::move(value)});
  };
  say("imc version", front->version);
  say("Search", front->search.algorithm + ", seed " +
                    std::to_string(front->search.seed) + ", budget " +
                    std::to_string(front->search.budget) + ", " +
                    llvm::formatv("{0:f1} s, {1:f0} designs per second",
                                  front->search.seconds,
                                  front->search.evaluationsPerSecond)
                        .str());
  say("Front designs rebuilt by the passes with equal cost",
      std::to_string(front->search.verified) + " of " +
          std::to_string(front->points.size()));
  say("Hypervolume",
      "volume that the front dominates on fixed logarithmic scales, the same "
      "for all searches (energy 1 nJ to 10 J, latency 1 ns to 10 s, area 0.01 "
      "to 10,000 mm2, reference 1.1; docs/spec/study.md)");
  for (auto [name, key] : {std::pair("Command", "command"),
                           {"Space file", "space_file"},
                           {"Space", "space"},
                           {"Target", "target_yaml"}}) {
    auto value = study.meta(key);
    if (!value)
      return value.takeError();
    say(name, value->value_or(""));
  }
  data["provenance"] = std::move(provenance);

  std::string names;
  for (const json::Value &model : *data["models"].getAsArray()) {
    const json::Object *object = model.getAsObject();
    names += (names.empty() ? "" : ", ") +
             (object ? object->getString("name").value_or("?").str() : "?");
  }
  data["title"] = "Designs of " + front->target + " for " + names;
  return data;
}

/// JSON text that cannot end a <script> element or start a comment in it.
static std::string embed(const json::Object &data) {
  std::string text, safe;
  llvm::raw_string_ostream(text) << json::Value(json::Object(data));
  safe.reserve(text.size());
  for (char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else if (c == '>')
      safe += "\\u003e";
    else if (c == '&')
      safe += "\\u0026";
    else
      safe += c;
  }
  return safe;
}

static std::string escapeHTML(llvm::StringRef text) {
  std::string safe;
  for (char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '&')
      safe += "&amp;";
    else
      safe += c;
  }
  return safe;
}

std::string imc::explore::renderReport(const json::Object &data,
                                       llvm::StringRef plotly) {
  // One pass over the template: inserted text is never searched for marks.
  llvm::StringRef page = kReportHTML;
  std::string out;
  out.reserve(page.size() + plotly.size() + (1 << 20));
  while (!page.empty()) {
    auto [before, rest] = page.split('@');
    out += before.str();
    auto [mark, after] = rest.split('@');
    if (mark == "TITLE")
      out += escapeHTML(data.getString("title").value_or("Joint search"));
    else if (mark == "CSS")
      out += kReportCSS;
    else if (mark == "DATA")
      out += embed(data);
    else if (mark == "PLOTLY")
      out += plotly;
    else if (mark == "JS")
      out += kReportJS;
    page = after;
  }
  return out;
}

llvm::Error imc::explore::writeReport(const Study &study,
                                      llvm::StringRef output,
                                      llvm::StringRef plotlyPath) {
  auto plotly = readTextFile(plotlyPath);
  if (!plotly)
    return plotly.takeError();
  auto data = reportData(study);
  if (!data)
    return data.takeError();
  return writeFile(output, [&](llvm::raw_ostream &stream) {
    stream << renderReport(*data, *plotly);
  });
}
