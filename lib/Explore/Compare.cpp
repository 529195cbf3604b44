//===- Compare.cpp - Joint search against other ways to design ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Compare.h"

#include "imc/Search/Run.h"
#include "imc/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace imc::explore;
namespace cost = imc::cost;
namespace machine = imc::machine;
namespace search = imc::search;
namespace workload = imc::workload;
namespace json = llvm::json;

static constexpr const char *kEdap = "edap_js_mm2";

/// Designs for the largest model that are remembered, best first.
static constexpr size_t kTried = 4096;

//===----------------------------------------------------------------------===//
// One search
//===----------------------------------------------------------------------===//

namespace {
/// Prices designs, keeping the best few of what it saw.
struct Best {
  double edap;
  search::Key key;
  search::Genome design;
  bool operator<(const Best &other) const {
    return edap != other.edap ? edap < other.edap : key < other.key;
  }
};
} // namespace

/// The best `count` feasible designs, best first.
static llvm::Expected<std::vector<Best>>
searchBest(const JointProblem &problem, uint64_t budget, uint64_t seed,
           unsigned jobs, size_t count, uint64_t &evaluated, double &seconds) {
  bool small = problem.spaceFile().size() <= double(budget);
  search::AlgorithmOptions options;
  if (!small)
    options = {{"log_objectives", "true"},
               {"population",
                std::to_string(std::clamp<uint64_t>(budget / 50, 100, 1000))}};
  auto algorithm =
      search::makeAlgorithm(small ? "exhaustive" : "nsga2", options);
  if (!algorithm)
    return makeError(algorithm.message());
  std::vector<Best> best; // a heap, worst on top
  search::RunOptions run(budget, seed);
  run.threads = std::max(1u, jobs);
  run.hypervolumeObjectives = 0;
  run.onEvaluated = [&](const search::EvaluatedDesign &seen) -> search::Status {
    if (!seen.evaluation.isFeasible())
      return {};
    Best mine{seen.evaluation.objectives[0], seen.key, {}};
    if (best.size() == count && !(mine < best.front()))
      return {};
    mine.design = seen.design;
    best.push_back(std::move(mine));
    std::push_heap(best.begin(), best.end());
    if (best.size() > count) {
      std::pop_heap(best.begin(), best.end());
      best.pop_back();
    }
    return {};
  };
  auto result = search::run(problem, **algorithm, run);
  if (!result)
    return makeError(result.message());
  evaluated += result->evaluated;
  seconds += result->seconds;
  std::sort_heap(best.begin(), best.end());
  return best;
}

static llvm::Expected<std::unique_ptr<JointProblem>>
problemOf(SpaceFile space, const machine::TargetSpec &target,
          llvm::ArrayRef<workload::Workload> models, Aggregate aggregate) {
  std::vector<std::string> names;
  for (const workload::Workload &model : models)
    names.push_back(model.name);
  space.keepModels(names);
  return JointProblem::create(std::move(space), target, models.vec(),
                              Goal{{kEdap}, aggregate, {}});
}

/// Fills in what the best design is and costs.
static void describe(const JointProblem &problem, const search::Genome &genome,
                     WayResult &way) {
  Decoded decoded = problem.decode(genome);
  cost::Cost cost = cost::evaluate(problem.workloadsOf(decoded),
                                   decoded.machine, decoded.knobs);
  way.found = true;
  way.design = problem.designOf(genome);
  way.edap = *find(problem.metricsOf(cost, decoded.knobs), kEdap);
  way.areaMm2 = cost.area_mm2;
  way.modelEdap.clear();
  for (const cost::ModelFigures &m : problem.figuresOf(cost, decoded.knobs))
    way.modelEdap.push_back(m.energy_j * m.latency_s * cost.area_mm2);
}

llvm::Expected<WayResult> imc::explore::searchLeastEdap(
    SpaceFile space, const machine::TargetSpec &target,
    llvm::ArrayRef<workload::Workload> models, Aggregate aggregate,
    uint64_t budget, uint64_t seed, unsigned jobs) {
  auto problem = problemOf(std::move(space), target, models, aggregate);
  if (!problem)
    return problem.takeError();
  WayResult way;
  auto best =
      searchBest(**problem, budget, seed, jobs, 1, way.evaluated, way.seconds);
  if (!best)
    return best.takeError();
  if (!best->empty())
    describe(**problem, best->front().design, way);
  return way;
}

//===----------------------------------------------------------------------===//
// The ways
//===----------------------------------------------------------------------===//

namespace {
enum Way { Joint, MachineOnly, PassesFirst, MachineFirst, LargestOnly };
constexpr const char *kWays[] = {"joint", "machine only", "passes first",
                                 "machine first", "largest only"};

struct Comparison {
  const CompareOptions &options;
  const machine::TargetSpec &target;
  const SpaceFile &space;
  llvm::ArrayRef<workload::Workload> models;
  Aggregate aggregate;
  size_t largest = 0;

  SpaceFile only(llvm::StringRef keep, const Design &fixed) const {
    return stageOf(space, target.values, keep, fixed);
  }

  llvm::Expected<WayResult> least(SpaceFile stage, uint64_t budget,
                                  uint64_t seed) const {
    // A space without any knob of a stage leaves that stage out.
    if (stage.knobs.empty())
      return WayResult{};
    return searchLeastEdap(std::move(stage), target, models, aggregate, budget,
                           seed, options.jobs);
  }

  llvm::Expected<WayResult>
  stages(llvm::StringRef first, llvm::StringRef second, uint64_t seed) const {
    auto start = least(only(first, {}), options.budget / 2, seed);
    if (!start)
      return start.takeError();
    Design fixed;
    for (const auto &knob : start->design)
      if (isOfStage(knob.first, first))
        fixed.push_back(knob);
    auto end =
        least(only(second, fixed), options.budget - start->evaluated, seed);
    if (!end)
      return end.takeError();
    end->evaluated += start->evaluated;
    end->seconds += start->seconds;
    return end;
  }

  llvm::Expected<WayResult> forLargest(uint64_t seed) const {
    auto alone = problemOf(space, target, models[largest], Aggregate::Max);
    if (!alone)
      return alone.takeError();
    WayResult way;
    auto best = searchBest(**alone, options.budget / 2, seed, options.jobs,
                           kTried, way.evaluated, way.seconds);
    if (!best)
      return best.takeError();
    // The passes adapt to all models, on its best machine that can serve them.
    std::vector<Design> tried;
    for (const Best &design : *best) {
      Design chip;
      for (auto &knob : (*alone)->designOf(design.design))
        if (llvm::StringRef(knob.first).starts_with("machine."))
          chip.push_back(std::move(knob));
      if (llvm::is_contained(tried, chip))
        continue;
      SpaceFile passes = only("pass.", chip);
      uint64_t left = options.budget - way.evaluated;
      if (!tried.empty() && passes.size() > double(left))
        break;
      tried.push_back(std::move(chip));
      auto end = least(std::move(passes), left, seed);
      if (!end)
        return end.takeError();
      end->evaluated += way.evaluated;
      end->seconds += way.seconds;
      way = std::move(*end);
      if (way.found)
        return way;
    }
    if (best->empty())
      return way;
    // What it would cost all models to live with that chip, and what it breaks.
    auto all = problemOf(space, target, models, aggregate);
    if (!all)
      return all.takeError();
    // Layers of the other models are as the space lists them first.
    Design chosen = (*alone)->designOf(best->front().design);
    for (const KnobChoices &knob : (*all)->spaceFile().knobs)
      if (!knob.layer.empty() && !find(chosen, knob.name))
        chosen.emplace_back(knob.name, knob.text(0));
    auto genome = (*all)->genomeOf(chosen);
    if (!genome)
      return genome.takeError();
    search::Evaluation evaluation;
    (*all)->evaluate(&*genome, 1, &evaluation);
    if (evaluation.objectives.empty())
      return way;
    describe(**all, *genome, way);
    for (int32_t reason : evaluation.reasons)
      way.broken.push_back((*all)->constraintNames()[reason]);
    return way;
  }

  llvm::Expected<WayResult> run(Way way, uint64_t seed) const {
    switch (way) {
    case Joint:
      return least(space, options.budget, seed);
    case MachineOnly:
      return least(only("machine.", {}), options.budget, seed);
    case PassesFirst:
      return stages("pass.", "machine.", seed);
    case MachineFirst:
      return stages("machine.", "pass.", seed);
    case LargestOnly:
      return forLargest(seed);
    }
    llvm_unreachable("way without a search");
  }
};

/// Median, least and largest of some numbers.
struct Spread {
  double median = NAN, least = NAN, most = NAN;
  explicit Spread(std::vector<double> values) {
    if (values.empty())
      return;
    llvm::sort(values);
    size_t n = values.size();
    median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    least = values.front();
    most = values.back();
  }
  std::string text() const {
    if (std::isnan(median))
      return "none feasible";
    if (least == most)
      return llvm::formatv("{0:f2}", median).str();
    return llvm::formatv("{0:f2} ({1:f2}–{2:f2})", median, least, most).str();
  }
};
} // namespace

static json::Value toJSON(const WayResult &way,
                          llvm::ArrayRef<std::string> names) {
  json::Object object{{"found", way.found},
                      {"evaluated", way.evaluated},
                      {"seconds", way.seconds}};
  if (!way.found)
    return object;
  object["broken"] = json::Array(way.broken);
  json::Object design, models;
  for (const auto &[knob, value] : way.design)
    design[knob] = knobValueToJSON(value);
  for (size_t m = 0; m < way.modelEdap.size(); ++m)
    models[names[m]] = way.modelEdap[m];
  object[kEdap] = way.edap;
  object["area_mm2"] = way.areaMm2;
  object["design"] = std::move(design);
  object["models"] = std::move(models);
  return object;
}

int imc::explore::compareCommand(const CompareOptions &options,
                                 std::vector<SearchModel> models,
                                 const LoadTarget &loadTarget,
                                 const CompileDesign &compile,
                                 llvm::raw_ostream &out,
                                 llvm::raw_ostream &log) {
  auto run = [&]() -> llvm::Error {
    if (options.budget < 2)
      return makeError("--budget is " + llvm::Twine(options.budget) +
                       ": two stages need at least 2 designs");
    if (options.seeds.empty())
      return makeError("no seeds: name at least one with --seeds 1,2,3");
    auto aggregate = parseAggregate(options.aggregate);
    if (!aggregate)
      return aggregate.takeError();
    if (*aggregate == Aggregate::Regret || *aggregate == Aggregate::Pareto)
      return makeError(llvm::Twine("the ways are compared by one number, and "
                                   "--aggregate ") +
                       options.aggregate +
                       " has none: choose max, mean, geomean or product");
    for (const std::string &way : options.ways)
      if (way != "own" && !llvm::is_contained(kWays, way))
        return makeError("unknown way '" + way + "'; there are " +
                         llvm::join(llvm::ArrayRef<const char *>(kWays), ", ") +
                         " and own (every model's own best chip)");
    auto space = options.spaceText.empty()
                     ? readSpaceFile(options.spaceFile)
                     : parseSpace(options.spaceText, options.spaceFile);
    if (!space)
      return space.takeError();
    auto target = loadTarget(space->target);
    if (!target)
      return target.takeError();
    if (!options.json.empty() && options.json != "-")
      if (llvm::Error error = checkWritable(options.json))
        return error;
    std::vector<std::string> names;
    std::vector<workload::Workload> workloads;
    for (SearchModel &model : models) {
      names.push_back(model.workload.name);
      workloads.push_back(std::move(model.workload));
    }
    if (workloads.empty())
      return makeError("no models: name at least one");
    space->models = names;
    Comparison comparison{options, *target, *space, workloads, *aggregate};
    for (size_t m = 0; m < workloads.size(); ++m)
      if (workloads[m].parameters > workloads[comparison.largest].parameters)
        comparison.largest = m;

    // results[way][seed]; own[model][seed]: each model's own best chip.
    std::vector<std::vector<WayResult>> results(std::size(kWays)),
        own(workloads.size());
    for (uint64_t seed : options.seeds) {
      for (size_t way = 0; way < std::size(kWays); ++way) {
        if (way != Joint && !options.ways.empty() &&
            !llvm::is_contained(options.ways, kWays[way])) {
          results[way].emplace_back();
          continue;
        }
        auto result = comparison.run(Way(way), seed);
        if (!result)
          return result.takeError();
        log << llvm::formatv(
            "seed {0}, {1}: {2} designs in {3:f2} s, {4}\n", seed, kWays[way],
            result->evaluated, result->seconds,
            result->found ? llvm::formatv("{0:e4}", result->edap).str()
                          : std::string("none feasible"));
        results[way].push_back(std::move(*result));
      }
      for (size_t m = 0; m < workloads.size(); ++m) {
        if (!options.ways.empty() && !llvm::is_contained(options.ways, "own")) {
          own[m].emplace_back();
          continue;
        }
        auto result =
            searchLeastEdap(*space, *target, workloads[m], Aggregate::Max,
                            options.budget, seed, options.jobs);
        if (!result)
          return result.takeError();
        own[m].push_back(std::move(*result));
      }
    }

    // The best joint design is rebuilt by the passes.
    const WayResult *best = nullptr;
    for (const WayResult &way : results[Joint])
      if (way.found && (!best || way.edap < best->edap))
        best = &way;
    if (best && compile) {
      auto problem = problemOf(*space, *target, workloads, *aggregate);
      if (!problem)
        return problem.takeError();
      auto genome = (*problem)->genomeOf(best->design);
      if (!genome)
        return genome.takeError();
      Decoded decoded = (*problem)->decode(*genome);
      cost::Cost priced = cost::evaluate((*problem)->workloadsOf(decoded),
                                         decoded.machine, decoded.knobs);
      for (size_t m = 0; m < workloads.size(); ++m) {
        auto built = compile(m, decoded, "");
        if (!built)
          return built.takeError();
        if (built->models[0].edap_js_mm2 != priced.models[m].edap_js_mm2)
          return makeError("the best joint design costs '" + names[m] + "' " +
                           shortest(priced.models[m].edap_js_mm2) +
                           " J s mm2 in the search and " +
                           shortest(built->models[0].edap_js_mm2) +
                           " when compiled: a defect of the cost model");
      }
    }

    std::string table;
    llvm::raw_string_ostream text(table);
    text << llvm::formatv(
        "EDAP over that of the joint search of the same seed, median (least–"
        "largest) of {0} seeds; {1} of {2} models, {3} designs per way and "
        "seed\n\n| way | {1} |",
        options.seeds.size(), options.aggregate, names.size(), options.budget);
    for (const std::string &name : names)
      text << ' ' << name << " |";
    text << " feasible seeds |\n|---|---|";
    for (size_t m = 0; m < names.size(); ++m)
      text << "---|";
    text << "---|\n";
    for (size_t way = 0; way < std::size(kWays); ++way) {
      std::vector<double> whole;
      std::vector<std::vector<double>> each(names.size());
      std::vector<std::string> broken;
      size_t found = 0;
      for (size_t s = 0; s < options.seeds.size(); ++s) {
        const WayResult &a = results[way][s], &joint = results[Joint][s];
        found += a.found && a.broken.empty();
        for (const std::string &rule : a.broken)
          if (!llvm::is_contained(broken, rule))
            broken.push_back(rule);
        if (!a.found || !joint.found)
          continue;
        whole.push_back(a.edap / joint.edap);
        for (size_t m = 0; m < names.size(); ++m)
          each[m].push_back(a.modelEdap[m] / joint.modelEdap[m]);
      }
      text << "| " << kWays[way] << " | " << Spread(whole).text() << " |";
      for (std::vector<double> &ratios : each)
        text << ' ' << Spread(std::move(ratios)).text() << " |";
      text << ' ' << found;
      if (!broken.empty())
        text << " (breaks " << llvm::join(broken, ", ") << ')';
      text << " |\n";
    }
    text
        << "\nPrice of generality: EDAP on the joint chip over that on the "
           "model's own best chip\n\n| model | joint chip, J s mm2 | own best, "
           "J s mm2 | ratio |\n|---|---|---|---|\n";
    for (size_t m = 0; m < names.size(); ++m) {
      std::vector<double> here, alone, ratio;
      for (size_t s = 0; s < options.seeds.size(); ++s) {
        if (results[Joint][s].found)
          here.push_back(results[Joint][s].modelEdap[m]);
        if (own[m][s].found)
          alone.push_back(own[m][s].edap);
        if (results[Joint][s].found && own[m][s].found)
          ratio.push_back(results[Joint][s].modelEdap[m] / own[m][s].edap);
      }
      text << llvm::formatv("| {0} | {1:e4} | {2:e4} | {3} |\n", names[m],
                            Spread(here).median, Spread(alone).median,
                            Spread(ratio).text());
    }
    if (options.json != "-")
      out << table;
    if (options.json.empty())
      return llvm::Error::success();

    json::Array seeds, ways, owns;
    for (uint64_t seed : options.seeds)
      seeds.push_back(seed);
    for (size_t way = 0; way < std::size(kWays); ++way) {
      json::Array runs;
      for (const WayResult &result : results[way])
        runs.push_back(::toJSON(result, names));
      ways.push_back(
          json::Object{{"way", kWays[way]}, {"seeds", std::move(runs)}});
    }
    for (size_t m = 0; m < names.size(); ++m) {
      json::Array runs;
      for (const WayResult &result : own[m])
        runs.push_back(::toJSON(result, names[m]));
      owns.push_back(
          json::Object{{"model", names[m]}, {"seeds", std::move(runs)}});
    }
    json::Value value = json::Object{{"version", options.version},
                                     {"space", options.spaceFile},
                                     {"target", space->target},
                                     {"aggregate", options.aggregate},
                                     {"budget", options.budget},
                                     {"seeds", std::move(seeds)},
                                     {"models", json::Array(names)},
                                     {"largest", names[comparison.largest]},
                                     {"ways", std::move(ways)},
                                     {"own_best", std::move(owns)},
                                     {"table", table}};
    return writeFile(options.json, [&](llvm::raw_ostream &stream) {
      stream << llvm::formatv("{0:2}\n", value);
    });
  };
  if (llvm::Error error = run()) {
    log << "error: " << llvm::toString(std::move(error)) << '\n';
    return 1;
  }
  return 0;
}
