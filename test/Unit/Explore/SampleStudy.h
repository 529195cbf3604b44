//===- SampleStudy.h - An invented front and study for tests --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_EXPLORE_SAMPLESTUDY_H
#define IMC_TEST_UNIT_EXPLORE_SAMPLESTUDY_H

#include "imc/Explore/Front.h"
#include "imc/Explore/Study.h"

#include "TestUtil.h"

#include <cmath>

/// Eight designs on a curve; the numbers mean nothing.
inline imc::explore::Front sampleFront() {
  using namespace imc::explore;
  Front front;
  front.version = "0.1.0";
  front.target = "rram-32nm";
  front.objectives = {"energy_j", "latency_s", "area_mm2"};
  front.aggregate = "geomean";
  front.search.algorithm = "nsga2";
  front.search.seed = 1;
  front.search.budget = 400;
  front.search.evaluated = 400;
  front.search.feasible = 150;
  front.search.seconds = 0.25;
  front.search.evaluationsPerSecond = 1600;
  front.search.hypervolume = 12.5;
  front.search.verified = 8;
  for (int i = 0; i < 8; ++i) {
    FrontPoint p;
    p.id = 40 * i + 7;
    p.design = {{"machine.rows", std::to_string(32 << (i % 5))},
                {"machine.vdd", shortest(0.5 + 0.05 * i)},
                {"pass.weight_bits", std::to_string(4 + i % 5)},
                {"pass.encoding", i % 2 ? "offset" : "differential"}};
    p.areaMm2 = 20 + 90.0 * i + 1.0 / 3;
    p.areaByComponentMm2 = {{"adc", 0.5 * p.areaMm2},
                            {"array", 0.3 * p.areaMm2},
                            {"global_buffer", 0.2 * p.areaMm2}};
    double energy = 1e-4 * std::exp(0.3 * i) / 3;
    double latency = 2e-3 * std::exp(-0.5 * i) / 7;
    for (const char *name : {"<b>evil</b>", "resnet18"}) {
      ModelFigures m;
      m.name = name;
      m.energyJ = energy;
      m.latencyS = latency;
      m.powerW = energy / latency;
      m.edpJs = energy * latency;
      m.edapJsMm2 = m.edpJs * p.areaMm2;
      m.energyByComponentJ = {{"adc", 0.6 * energy},
                              {"array", 0.1 * energy},
                              {"dac", 0.3 * energy}};
      m.latencyByComponentS = {{"array", 0.8 * latency},
                               {"digital", 0.2 * latency}};
      p.models.push_back(std::move(m));
    }
    p.metrics = {{"area_mm2", p.areaMm2},
                 {"edap_js_mm2", energy * latency * p.areaMm2},
                 {"edp_js", energy * latency},
                 {"energy_j", energy},
                 {"latency_s", latency},
                 {"power_w", energy / latency}};
    p.command =
        "imc compile model.onnx --target rram-32nm --set machine.rows=" +
        p.design[0].second + " --set pass.encoding='</script>'";
    p.costCommand = "imc cost model.onnx --target rram-32nm --json -";
    front.points.push_back(std::move(p));
  }
  return front;
}

/// The study of sampleFront(), with rows around the front.
inline imc::explore::Study sampleStudy(llvm::StringRef path) {
  using namespace imc::explore;
  Study study = must(Study::create(path));
  Front front = sampleFront();
  auto print = [](llvm::json::Value value) {
    std::string text;
    llvm::raw_string_ostream(text) << value;
    return text;
  };
  llvm::json::Value json = toJSON(front);
  auto fail = [](llvm::Error error) {
    if (error)
      ADD_FAILURE() << llvm::toString(std::move(error));
  };
  fail(study.setMeta(
      {{"imc_version", front.version},
       {"target", front.target},
       {"aggregate", front.aggregate},
       {"objectives", print(llvm::json::Array(front.objectives))},
       {"search", print(*json.getAsObject()->get("search"))},
       {"models", R"([{"name":"<b>evil</b>","weight":1},)"
                  R"({"name":"resnet18","weight":2}])"},
       {"knobs", R"([{"name":"machine.rows","values":["32","64","128","256",)"
                 R"("512"]},{"name":"machine.vdd","values":["0.5","0.85"]},)"
                 R"({"name":"pass.weight_bits","values":["4","8"]},)"
                 R"({"name":"pass.encoding","values":["offset"]}])"},
       {"space_size", "12096000"},
       {"sources", "{}"},
       {"space", "target: rram-32nm\nknobs: ...\n"},
       {"command", "imc search model.onnx --space s.yaml"}}));
  int64_t id = 0;
  for (int64_t g = 0; g < 8; ++g) {
    std::vector<EvaluationRow> rows;
    for (int64_t i = 0; i < 50; ++i) {
      EvaluationRow row;
      row.id = ++id;
      row.generation = g;
      row.key = std::to_string(id);
      row.values = {"32", "0.5", "8", "offset"};
      double t = std::fmod(id * 0.6180339887, 1.0);
      row.objectives = {1e-4 * std::exp(3 * t), 2e-3 * std::exp(-4 * t * t),
                        50 + 900 * std::fmod(id * 0.414213562, 1.0)};
      if (id % 3) {
        row.violation = 0.5;
        row.broken = {"area_mm2 <= 800"};
        if (id % 2)
          row.broken.push_back("capacity");
      }
      rows.push_back(std::move(row));
    }
    fail(study.append({g, uint64_t(id), uint64_t(id) / 3, uint64_t(2 + g),
                       12.5 * (1 - std::exp(-0.6 * (g + 1)))},
                      rows));
  }
  std::vector<std::pair<int64_t, std::string>> points;
  for (const FrontPoint &p : front.points)
    points.emplace_back(p.id, print(toJSON(p, front.objectives)));
  fail(study.setFront(points));
  return study;
}

#endif // IMC_TEST_UNIT_EXPLORE_SAMPLESTUDY_H
