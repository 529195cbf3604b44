//===- Generality.cpp - What serving several models costs each of them ----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The price of generality: every model's EDAP on the chosen chip (least
// aggregated EDAP of the front) over its EDAP on the best chip that a search
// with the same space, budget and seed finds for it alone.
//
//===----------------------------------------------------------------------===//

#include "SearchSession.h"

#include "imc/Explore/Compare.h"

#include "llvm/Support/FormatVariadic.h"

using namespace imc::explore;
namespace json = llvm::json;

llvm::Error Session::findGenerality() {
  if (!options.generality || front.points.empty())
    return llvm::Error::success();
  const FrontPoint *chosen = leastEDAP(front);
  size_t at = chosen - front.points.data();
  Decoded decoded = problem->decode(genomes[at]);
  auto figures = problem->figuresOf(costs[at], decoded.knobs);

  json::Array rows;
  double worst = 0;
  for (size_t m = 0; m < names.size(); ++m) {
    auto own = searchLeastEdap(problem->spaceFile(), problem->target(),
                               problem->workloads()[m], Aggregate::Max,
                               options.budget, options.seed, threads());
    if (!own)
      return own.takeError();
    double here =
        figures[m].energy_j * figures[m].latency_s * costs[at].area_mm2;
    // A search finds no optimum for sure: the chosen chip may be better for a
    // model than what its own search came to.
    bool isOwn = !own->found || here <= own->edap;
    double best = isOwn ? here : own->edap;
    const Design &design = isOwn ? chosen->design : own->design;
    double area = isOwn ? chosen->areaMm2 : own->areaMm2;
    json::Object knobs;
    for (const auto &[knob, value] : design)
      knobs[knob] = knobValueToJSON(value);
    rows.push_back(
        json::Object{{"name", names[m]},
                     {"here_js_mm2", here},
                     {"own_js_mm2", best},
                     {"ratio", here / best},
                     {"own_area_mm2", area},
                     {"own_design", std::move(knobs)},
                     {"own_command", costCommand(paths[m], options.shapes,
                                                 targetName, design)}});
    worst = std::max(worst, here / best);
  }
  generality = json::Object{{"design", chosen->id},
                            {"metric", "edap_js_mm2"},
                            {"budget", options.budget},
                            {"worst_ratio", worst},
                            {"models", std::move(rows)}};
  return llvm::Error::success();
}

void Session::summarizeGenerality() {
  const json::Object *table = generality.getAsObject();
  if (!table)
    return;
  log << llvm::formatv("price of generality of design {0} (EDAP here over that "
                       "of the model's own best chip)\n",
                       *table->getInteger("design"));
  for (const json::Value &value : *table->getArray("models")) {
    const json::Object &row = *value.getAsObject();
    log << llvm::formatv(
        "{0,24}{1,14}{2,14}{3,10}\n", row.getString("name")->str(),
        llvm::formatv("{0:e4}", *row.getNumber("here_js_mm2")).str(),
        llvm::formatv("{0:e4}", *row.getNumber("own_js_mm2")).str(),
        llvm::formatv("{0:f3}", *row.getNumber("ratio")).str());
  }
}
