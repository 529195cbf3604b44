//===- Front.cpp - The front file of a search -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Front.h"

#include <algorithm>

using namespace imc::explore;
namespace json = llvm::json;

const FrontPoint *imc::explore::leastEDAP(const Front &front) {
  const FrontPoint *best = nullptr;
  double least = 0;
  for (const FrontPoint &point : front.points) {
    const double *edap = find(point.metrics, "edap_js_mm2");
    if (edap && (!best || *edap < least)) {
      best = &point;
      least = *edap;
    }
  }
  return best;
}

json::Value imc::explore::toJSON(const FrontPoint &point,
                                 const std::vector<std::string> &objectives) {
  json::Object design;
  json::Array order; // JSON objects are unordered; --set order is not
  for (const auto &[knob, value] : point.design) {
    design[knob] = knobValueToJSON(value);
    order.push_back(knob);
  }
  json::Object chosen;
  for (const std::string &name : objectives)
    if (const double *value = find(point.metrics, name))
      chosen[name] = *value;
  json::Array models;
  for (const ModelFigures &m : point.models) {
    json::Object figures{
        {"name", m.name},
        {"energy_j", m.energyJ},
        {"latency_s", m.latencyS},
        {"power_w", m.powerW},
        {"edp_js", m.edpJs},
        {"edap_js_mm2", m.edapJsMm2},
        {"energy_by_component_j", toJSON(m.energyByComponentJ)},
        {"latency_by_component_s", toJSON(m.latencyByComponentS)}};
    if (!m.accuracy.empty())
      figures["accuracy"] = toJSON(m.accuracy);
    models.push_back(std::move(figures));
  }
  json::Object object{
      {"id", point.id},
      {"design", std::move(design)},
      {"knob_order", std::move(order)},
      {"objectives", std::move(chosen)},
      {"metrics", toJSON(point.metrics)},
      {"models", std::move(models)},
      {"area_mm2", point.areaMm2},
      {"area_by_component_mm2", toJSON(point.areaByComponentMm2)},
      {"command", point.command},
      {"cost_command", point.costCommand}};
  if (!point.notPlaced.empty())
    object["not_placed"] = point.notPlaced;
  return object;
}

json::Value imc::explore::toJSON(const Front &front) {
  const SearchFigures &s = front.search;
  json::Object search{{"algorithm", s.algorithm},
                      {"seed", s.seed},
                      {"budget", s.budget},
                      {"evaluated", s.evaluated},
                      {"feasible", s.feasible},
                      {"seconds", s.seconds},
                      {"evaluations_per_s", s.evaluationsPerSecond},
                      {"hypervolume", nullptr},
                      {"optimum", s.optimum},
                      {"gap", nullptr},
                      {"verified", s.verified}};
  if (s.simulations) {
    search["simulations"] = *s.simulations;
    search["unsimulated"] = s.unsimulated.value_or(0);
  }
  if (s.layersProven) {
    json::Object layers{{"proven", *s.layersProven},
                        {"bounded", s.layersBounded.value_or(0)},
                        {"gap", nullptr}};
    if (s.layersGap)
      layers["gap"] = *s.layersGap;
    search["layers"] = std::move(layers);
  }
  if (s.hypervolume)
    search["hypervolume"] = *s.hypervolume;
  if (s.gap)
    search["gap"] = *s.gap;
  if (!s.gaps.empty())
    search["gaps"] = toJSON(s.gaps);
  if (!s.bounds.empty())
    search["bounds"] = toJSON(s.bounds);
  json::Array points;
  for (const FrontPoint &point : front.points)
    points.push_back(toJSON(point, front.objectives));
  return json::Object{{"version", front.version},
                      {"target", front.target},
                      {"objectives", json::Array(front.objectives)},
                      {"aggregate", front.aggregate},
                      {"search", std::move(search)},
                      {"points", std::move(points)}};
}

namespace {
/// Reads fields of one JSON object and remembers the first thing wrong.
class Reader {
public:
  Reader(const json::Value &value, std::string where)
      : object(value.getAsObject()), where(std::move(where)) {
    if (!object)
      problem = this->where + ": expected object";
  }

  void get(llvm::StringRef key, std::string &out) {
    if (const json::Value *v = need(key)) {
      if (auto text = v->getAsString())
        out = text->str();
      else
        wrong(key, "string");
    }
  }
  void get(llvm::StringRef key, double &out) {
    if (const json::Value *v = need(key)) {
      if (auto number = v->getAsNumber())
        out = *number;
      else
        wrong(key, "number");
    }
  }
  void get(llvm::StringRef key, uint64_t &out) {
    if (const json::Value *v = need(key)) {
      if (auto number = v->getAsUINT64())
        out = *number;
      else
        wrong(key, "unsigned integer");
    }
  }
  void get(llvm::StringRef key, int64_t &out) {
    if (const json::Value *v = need(key)) {
      if (auto number = v->getAsInteger())
        out = *number;
      else
        wrong(key, "integer");
    }
  }
  void get(llvm::StringRef key, std::optional<double> &out) {
    if (const json::Value *v = need(key)) {
      if (auto number = v->getAsNumber())
        out = *number;
      else if (!v->getAsNull())
        wrong(key, "number or null");
    }
  }
  void get(llvm::StringRef key, NamedNumbers &out) {
    const json::Value *v = need(key);
    if (!v)
      return;
    const json::Object *map = v->getAsObject();
    if (!map)
      return wrong(key, "object");
    for (const auto &entry : *map) {
      auto number = entry.second.getAsNumber();
      if (!number)
        return wrong((key + "." + entry.first.str()).str(), "number");
      out.emplace_back(entry.first.str(), *number);
    }
    // llvm::json keeps objects in a hash map: give them one order.
    std::sort(out.begin(), out.end());
  }
  const json::Array *array(llvm::StringRef key) {
    const json::Value *v = need(key);
    if (!v)
      return nullptr;
    if (!v->getAsArray())
      wrong(key, "array");
    return v->getAsArray();
  }
  const json::Value *need(llvm::StringRef key) {
    if (!problem.empty())
      return nullptr;
    const json::Value *v = object->get(key);
    if (!v)
      problem = where + ": field '" + key.str() + "' is absent";
    return v;
  }
  void wrong(llvm::StringRef key, llvm::StringRef kind) {
    if (problem.empty())
      problem = where + "." + key.str() + ": expected " + kind.str();
  }
  llvm::Error finish() {
    return problem.empty() ? llvm::Error::success() : makeError(problem);
  }

private:
  const json::Object *object;
  std::string where;
  std::string problem;
};

llvm::Expected<ModelFigures> modelFromJSON(const json::Value &value,
                                           const std::string &where) {
  Reader reader(value, where);
  ModelFigures m;
  reader.get("name", m.name);
  reader.get("energy_j", m.energyJ);
  reader.get("latency_s", m.latencyS);
  reader.get("power_w", m.powerW);
  reader.get("edp_js", m.edpJs);
  reader.get("edap_js_mm2", m.edapJsMm2);
  reader.get("energy_by_component_j", m.energyByComponentJ);
  reader.get("latency_by_component_s", m.latencyByComponentS);
  // Only searches that ask for accuracy have it.
  if (value.getAsObject() && value.getAsObject()->get("accuracy"))
    reader.get("accuracy", m.accuracy);
  if (llvm::Error error = reader.finish())
    return std::move(error);
  return m;
}
} // namespace

llvm::Expected<FrontPoint>
imc::explore::frontPointFromJSON(const json::Value &value,
                                 llvm::StringRef where) {
  Reader reader(value, where.str());
  FrontPoint point;
  reader.get("id", point.id);
  reader.get("metrics", point.metrics);
  reader.get("area_mm2", point.areaMm2);
  reader.get("area_by_component_mm2", point.areaByComponentMm2);
  reader.get("command", point.command);
  reader.get("cost_command", point.costCommand);
  if (value.getAsObject() && value.getAsObject()->get("not_placed"))
    reader.get("not_placed", point.notPlaced);
  const json::Value *design = reader.need("design");
  const json::Array *order = reader.array("knob_order");
  const json::Array *models = reader.array("models");
  if (design && !design->getAsObject())
    reader.wrong("design", "object");
  if (llvm::Error error = reader.finish())
    return std::move(error);
  for (const json::Value &name : *order) {
    auto knob = name.getAsString();
    const json::Value *set = knob ? design->getAsObject()->get(*knob) : nullptr;
    if (!set)
      return makeError(where + ".knob_order: names a knob that 'design' lacks");
    point.design.emplace_back(knob->str(), knobValueFromJSON(*set));
  }
  for (size_t i = 0; i < models->size(); ++i) {
    auto model = modelFromJSON((*models)[i], where.str() + ".models[" +
                                                 std::to_string(i) + "]");
    if (!model)
      return model.takeError();
    point.models.push_back(std::move(*model));
  }
  return point;
}

llvm::Expected<Front> imc::explore::frontFromJSON(const json::Value &value) {
  Reader reader(value, "front");
  Front front;
  reader.get("version", front.version);
  reader.get("target", front.target);
  reader.get("aggregate", front.aggregate);
  const json::Array *objectives = reader.array("objectives");
  const json::Array *points = reader.array("points");
  const json::Value *search = reader.need("search");
  if (llvm::Error error = reader.finish())
    return std::move(error);
  for (const json::Value &name : *objectives) {
    auto text = name.getAsString();
    if (!text)
      return makeError("front.objectives: expected an array of strings");
    front.objectives.push_back(text->str());
  }
  Reader figures(*search, "front.search");
  SearchFigures &s = front.search;
  figures.get("algorithm", s.algorithm);
  figures.get("seed", s.seed);
  figures.get("budget", s.budget);
  figures.get("evaluated", s.evaluated);
  figures.get("feasible", s.feasible);
  figures.get("seconds", s.seconds);
  figures.get("evaluations_per_s", s.evaluationsPerSecond);
  figures.get("hypervolume", s.hypervolume);
  figures.get("optimum", s.optimum);
  figures.get("gap", s.gap);
  figures.get("verified", s.verified);
  for (auto [key, into] : {std::pair("gaps", &s.gaps), {"bounds", &s.bounds}})
    if (search->getAsObject() && search->getAsObject()->get(key))
      figures.get(key, *into);
  if (const json::Object *object = search->getAsObject())
    for (auto [key, into] : {std::pair("simulations", &s.simulations),
                             {"unsimulated", &s.unsimulated}})
      if (auto number = object->getInteger(key))
        *into = uint64_t(*number);
  if (const json::Object *object = search->getAsObject())
    if (const json::Value *layers = object->get("layers")) {
      Reader reader(*layers, "search.layers");
      uint64_t proven = 0, bounded = 0;
      reader.get("proven", proven);
      reader.get("bounded", bounded);
      reader.get("gap", s.layersGap);
      if (llvm::Error error = reader.finish())
        return std::move(error);
      s.layersProven = proven;
      s.layersBounded = bounded;
    }
  if (llvm::Error error = figures.finish())
    return std::move(error);
  for (size_t i = 0; i < points->size(); ++i) {
    auto point =
        frontPointFromJSON((*points)[i], "points[" + std::to_string(i) + "]");
    if (!point)
      return point.takeError();
    front.points.push_back(std::move(*point));
  }
  return front;
}
