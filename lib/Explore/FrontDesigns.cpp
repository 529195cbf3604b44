//===- FrontDesigns.cpp - Price, rebuild and write the front --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchSession.h"

#include "imc/Cost/Legacy.h"
#include "imc/Explore/Report.h"
#include "imc/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <thread>

using namespace imc::explore;
namespace cost = imc::cost;
namespace json = llvm::json;
namespace search = imc::search;

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

std::string imc::explore::quote(llvm::StringRef word) {
  auto plain = [](char c) {
    return llvm::isAlnum(c) || llvm::StringRef("_-./=:,+@%").contains(c);
  };
  if (!word.empty() && llvm::all_of(word, plain))
    return word.str();
  std::string quoted = "'";
  for (char c : word)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// "imc VERB MODELS --shape ... --target T --set ...".
static std::string line(llvm::StringRef verb, llvm::ArrayRef<std::string> paths,
                        llvm::ArrayRef<std::string> shapes,
                        llvm::StringRef target, const Design &design) {
  std::string text = "imc " + verb.str();
  for (const std::string &path : paths)
    text += " " + quote(path);
  for (const std::string &shape : shapes)
    text += " --shape " + quote(shape);
  text += " --target " + quote(target);
  for (const auto &[knob, value] : design)
    text += " --set " + quote(knob + "=" + value);
  return text;
}

std::string imc::explore::compileCommand(llvm::ArrayRef<std::string> paths,
                                         llvm::ArrayRef<std::string> shapes,
                                         llvm::StringRef target,
                                         const Design &design, int64_t id) {
  return line("compile", paths, shapes, target, design) +
         " --to costed -o design-" + std::to_string(id) +
         (paths.size() == 1 ? ".mlir" : "");
}

std::string imc::explore::costCommand(llvm::ArrayRef<std::string> paths,
                                      llvm::ArrayRef<std::string> shapes,
                                      llvm::StringRef target,
                                      const Design &design) {
  return line("cost", paths, shapes, target, design) + " --json -";
}

//===----------------------------------------------------------------------===//
// The front in full
//===----------------------------------------------------------------------===//

template <typename Component, size_t N>
static NamedNumbers named(const std::array<double, N> &values) {
  NamedNumbers out;
  for (size_t i = 0; i < N; ++i)
    out.emplace_back(cost::name(static_cast<Component>(i)), values[i]);
  return out;
}

/// Sets of designs that are bounded for each design that may be priced: a set
/// takes about a quarter of the time of a design of four networks.
constexpr uint64_t boxesPerDesign = 4, mostBoxes = 200'000;

/// How far the best design may be from the optimum. A search without bounds of
/// its own is told, too.
void Session::findBounds() {
  SearchFigures &s = front.search;
  const std::optional<search::Proof> &proof = result->proof;
  // What was believed of accuracy has changed since, and with it the bounds.
  if (!closedForms.empty())
    return;
  // Every design of the space was priced, or a bound excludes it: nothing
  // better can be there.
  if (outer) {
    const OuterProblem::Figures layers = outer->figures();
    s.layersProven = layers.proven;
    s.layersBounded = layers.bounded;
    if (layers.bounded == 0 || std::isfinite(layers.gap))
      s.layersGap = layers.gap;
  }
  const bool all =
      double(result->evaluated) >= problem->spaceFile().size() ||
      (outer && double(result->evaluated) >= double(outer->space().size()));
  if ((all || (proof && proof->complete)) && s.layersBounded.value_or(0) == 0) {
    s.optimum = "proven";
    s.gap = 0;
    return;
  }
  const std::vector<double> ideal = result->archive.ideal();
  search::LeastOptions least;
  least.boxes =
      std::min(std::min(options.budget, mostBoxes) * boxesPerDesign, mostBoxes);
  least.known = ideal;
  std::vector<double> bounds = search::leastObjectives(*problem, least).bounds;
  // What is proven of the outer level is so up to the layers.
  if (proof && s.layersBounded.value_or(0) == 0)
    for (size_t o = 0; o < bounds.size(); ++o)
      bounds[o] = std::max(bounds[o], proof->lowerBounds[o]);
  if (bounds[0] == std::numeric_limits<double>::infinity()) {
    s.optimum = "proven"; // nothing is feasible
    s.gap = 0;
    return;
  }
  for (size_t o = 0; o < bounds.size(); ++o)
    if (bounds[o] > 0) {
      s.bounds.emplace_back(front.objectives[o], bounds[o]);
      if (!ideal.empty())
        s.gaps.emplace_back(front.objectives[o], ideal[o] / bounds[o] - 1);
    }
  if (bounds.size() != 1 || s.gaps.empty())
    return;
  s.gap = s.gaps[0].second;
  s.optimum = *s.gap == 0 ? "proven" : "bound";
}

llvm::Error Session::buildFront() {
  front.version = options.version;
  front.target = targetName;
  front.objectives = problem->objectiveNames();
  front.aggregate = aggregateName(problem->aggregate());
  SearchFigures &s = front.search;
  s.algorithm = options.algorithm;
  s.seed = options.seed;
  s.budget = options.budget;
  s.evaluated = result->evaluated;
  s.feasible = result->feasible;
  s.seconds = result->seconds;
  s.evaluationsPerSecond =
      result->seconds > 0
          ? double(result->evaluated - result->lookedUp) / result->seconds
          : 0;
  if (result->scale && !result->archive.empty() &&
      problem->objectiveNames().size() <= 3)
    s.hypervolume = result->archive.hypervolume(*result->scale);
  findBounds();

  struct Member {
    int64_t id;
    search::ArchivedDesign design;
  };
  std::vector<Member> members;
  for (search::ArchivedDesign &design : result->archive.front())
    members.push_back({ids.at(design.key.str()), std::move(design)});
  llvm::sort(members,
             [](const Member &a, const Member &b) { return a.id < b.id; });

  for (Member &member : members) {
    Decoded decoded = problem->decode(member.design.design);
    cost::Cost full = cost::evaluate(problem->workloadsOf(decoded),
                                     decoded.machine, decoded.knobs);
    FrontPoint point;
    point.id = member.id;
    point.design = problem->designOf(member.design.design);
    std::vector<AccuracyFigures> accuracy;
    if (problem->hasAccuracy()) {
      llvm::Expected<std::vector<AccuracyFigures>> believed =
          problem->accuracyOf(decoded);
      if (!believed)
        return believed.takeError();
      accuracy = std::move(*believed);
    }
    point.metrics = problem->metricsOf(full, decoded.knobs, accuracy);
    point.areaMm2 = full.area_mm2;
    point.areaByComponentMm2 = named<cost::Area>(full.area_by_component_mm2);
    for (const cost::ModelCost &m : full.models) {
      ModelFigures figures;
      figures.name = m.name;
      figures.energyJ = m.energy_j;
      figures.latencyS = m.latency_s;
      figures.powerW = m.power_w;
      figures.edpJs = m.edp_js;
      figures.edapJsMm2 = m.edap_js_mm2;
      figures.energyByComponentJ = named<cost::Energy>(m.energy_by_component_j);
      figures.latencyByComponentS = named<cost::Time>(m.latency_by_component_s);
      if (!accuracy.empty()) {
        const AccuracyFigures &a = accuracy[point.models.size()];
        figures.accuracy = {{"top1", a.top1}, {"top1_yield", a.yield}};
        if (!closedForms.empty()) {
          llvm::Expected<AccuracyFigures> before =
              closedForms[point.models.size()](decoded.machine, decoded.knobs);
          if (!before)
            return before.takeError();
          figures.accuracy.emplace_back("closed_form_top1", before->top1);
        }
      }
      point.models.push_back(std::move(figures));
    }
    point.command = compileCommand(paths, options.shapes, targetName,
                                   point.design, point.id);
    point.costCommand =
        costCommand(paths, options.shapes, targetName, point.design);
    // What the search was told must be what the detailed model says.
    for (size_t o = 0; o < front.objectives.size(); ++o) {
      double detailed = *find(point.metrics, front.objectives[o]);
      if (detailed != member.design.objectives[o])
        return makeError(
            "design " + llvm::Twine(point.id) + ": the search priced " +
            front.objectives[o] + " at " +
            shortest(member.design.objectives[o]) +
            ", the detailed cost model at " + shortest(detailed) +
            ": a study of another version, or a defect of the cost model");
    }
    front.points.push_back(std::move(point));
    genomes.push_back(std::move(member.design.design));
    costs.push_back(std::move(full));
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Rebuilding the designs
//===----------------------------------------------------------------------===//

/// Calls body(what, compiled value, stored value) for every figure of a model.
template <typename Body>
static void eachFigure(const cost::Cost &compiled, const cost::Cost &stored,
                       const cost::ModelCost &a, const cost::ModelCost &b,
                       Body body) {
  body("area_mm2", compiled.area_mm2, stored.area_mm2);
  for (size_t i = 0; i < cost::numAreas; ++i)
    body(std::string("area of ") + cost::name(cost::Area(i)),
         compiled.area_by_component_mm2[i], stored.area_by_component_mm2[i]);
  body("energy_j", a.energy_j, b.energy_j);
  body("latency_s", a.latency_s, b.latency_s);
  body("power_density_w_mm2", a.power_density_w_mm2, b.power_density_w_mm2);
  body("sqnr_db", a.sqnr_db, b.sqnr_db);
  body("adc_lost_bits", double(a.adc_lost_bits), double(b.adc_lost_bits));
  body("arrays", double(a.placed_arrays), double(b.placed_arrays));
  for (size_t i = 0; i < cost::numEnergies; ++i)
    body(std::string("energy of ") + cost::name(cost::Energy(i)),
         a.energy_by_component_j[i], b.energy_by_component_j[i]);
  for (size_t i = 0; i < cost::numTimes; ++i)
    body(std::string("latency of ") + cost::name(cost::Time(i)),
         a.latency_by_component_s[i], b.latency_by_component_s[i]);
}

/// The accounting of the source paper has every layer on the whole chip and
/// counts the cells of weights without groups (E-LEG-7); placing gives each
/// layer arrays of its own. What that needs more than there is, as text.
static std::string notPlaced(const JointProblem &problem,
                             const Decoded &design) {
  if (!cost::usesLegacy(design.machine))
    return "";
  for (const imc::workload::Workload &model : problem.workloads())
    for (const imc::mapping::Violation &v :
         imc::mapping::plan(model, design.machine, design.knobs).violations)
      return "'" + model.name + "' takes " + shortest(v.value) + " " +
             imc::mapping::ruleUnit(v.rule) + " of their own, of " +
             shortest(v.limit);
  return "";
}

llvm::Error Session::verifyDesign(size_t p) {
  FrontPoint &point = front.points[p];
  Decoded decoded = problem->decode(genomes[p]);
  point.notPlaced = notPlaced(*problem, decoded);
  if (!point.notPlaced.empty())
    return llvm::Error::success();
  std::string folder;
  if (!options.emitDesigns.empty()) {
    llvm::SmallString<128> path(options.emitDesigns);
    llvm::sys::path::append(path, "design-" + std::to_string(point.id));
    if (std::error_code code = llvm::sys::fs::create_directories(path))
      return makeError("cannot make the folder '" + path +
                       "': " + code.message());
    folder = path.str().str();
  }
  for (size_t m = 0; m < names.size(); ++m) {
    std::string output;
    if (!folder.empty())
      output = folder + "/" + names[m] + ".mlir";
    auto compiled = compile(m, decoded, output);
    auto fail = [&](const llvm::Twine &message) {
      return makeError("design " + llvm::Twine(point.id) + ", model '" +
                       names[m] + "': " + message + "; rebuild it with: " +
                       compileCommand(paths[m], options.shapes, targetName,
                                      point.design, point.id));
    };
    if (!compiled)
      return fail("does not compile: " + llvm::toString(compiled.takeError()));
    if (compiled->models.size() != 1)
      return fail("the compiler reported the cost of " +
                  llvm::Twine(compiled->models.size()) + " models, not of one");
    std::string wrong;
    eachFigure(*compiled, costs[p], compiled->models[0], costs[p].models[m],
               [&](const std::string &what, double built, double priced) {
                 if (wrong.empty() && !(built == priced))
                   wrong = what + " is " + shortest(built) +
                           " when compiled and " + shortest(priced) +
                           " in the search";
               });
    if (!wrong.empty())
      return fail(wrong);
  }
  if (!folder.empty()) {
    json::Value value = cost::toJSON(costs[p], problem->workloads(),
                                     options.version, targetName, point.design);
    return writeFile(folder + "/cost.json", [&](llvm::raw_ostream &stream) {
      stream << llvm::formatv("{0:2}\n", value);
    });
  }
  return llvm::Error::success();
}

llvm::Error Session::verifyFront() {
  if (!compile)
    return llvm::Error::success();
  std::atomic<size_t> next{0}, verified{0};
  std::mutex mutex;
  size_t firstFailure = front.points.size(); // the same for any thread count
  std::string failure;
  auto work = [&] {
    for (size_t p = next++; p < front.points.size(); p = next++) {
      if (llvm::Error error = verifyDesign(p)) {
        std::lock_guard<std::mutex> lock(mutex);
        std::string text = llvm::toString(std::move(error));
        if (p < firstFailure) {
          firstFailure = p;
          failure = std::move(text);
        }
        next = front.points.size();
        return;
      }
      if (front.points[p].notPlaced.empty())
        ++verified;
    }
  };
  unsigned helpers = options.parallelCompile ? threads() - 1 : 0;
  std::vector<std::thread> pool;
  for (unsigned i = 0; i < helpers; ++i)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  front.search.verified = verified;
  if (!failure.empty())
    return makeError(failure);
  return llvm::Error::success();
}

llvm::Error Session::simulateFront() {
  if (!options.simulate)
    return llvm::Error::success();
  for (size_t p = 0; p != front.points.size(); ++p) {
    FrontPoint &point = front.points[p];
    const Decoded decoded = problem->decode(genomes[p]);
    for (size_t m = 0; m != names.size(); ++m) {
      auto known = simulations.end();
      if (refines()) {
        known = simulations.find({m, options.belief->key(m, decoded)});
        if (known == simulations.end()) // beyond the budget
          continue;
      }
      // What has no draws would give the very same once more.
      llvm::Expected<SimulatedAccuracy> simulated =
          known != simulations.end() && options.belief->isExact(m)
              ? known->second
              : options.simulate(m, decoded);
      if (!simulated)
        return makeError(
            "design " + llvm::Twine(point.id) + ", model '" + names[m] +
            "': cannot be simulated: " + llvm::toString(simulated.takeError()));
      NamedNumbers &a = point.models[m].accuracy;
      a.emplace_back("simulated_top1", simulated->top1);
      a.emplace_back("simulated_deviation", simulated->deviation);
      a.emplace_back("simulated_yield", simulated->yield);
      a.emplace_back("trials", double(simulated->trials));
    }
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

llvm::Error Session::write() {
  json::Value value = toJSON(front);
  if (generality.getAsObject())
    (*value.getAsObject())["generality"] = generality;
  if (study) {
    std::vector<std::pair<int64_t, std::string>> points;
    for (const FrontPoint &point : front.points)
      points.emplace_back(point.id, print(toJSON(point, front.objectives)));
    if (llvm::Error error = study->setFront(points))
      return error;
    json::Object scale;
    if (result->scale)
      scale = json::Object{{"ideal", json::Array(result->scale->ideal)},
                           {"nadir", json::Array(result->scale->nadir)},
                           {"reference", 1.1},
                           {"log2", result->scale->log}};
    if (llvm::Error error = study->setMeta(
            {{"search", print(*value.getAsObject()->get("search"))},
             {"generality", print(generality)},
             {"hypervolume_scale", print(std::move(scale))}}))
      return error;
  }
  if (!options.report.empty())
    if (llvm::Error error = writeReport(*study, options.report, plotlyPath))
      return error;
  auto text = [&](llvm::raw_ostream &stream) {
    stream << llvm::formatv("{0:2}\n", value);
  };
  if (options.front == "-")
    text(out);
  else if (!options.front.empty())
    if (llvm::Error error = writeFile(options.front, text))
      return error;
  summarize();
  return llvm::Error::success();
}

/// "within 3.20 % of a proven bound of energy_j (1.2e-3), ..."
std::string Session::describeBounds() const {
  const SearchFigures &s = front.search;
  if (s.optimum == "proven")
    return front.points.empty() ? "proven: no design is feasible" : "proven";
  std::vector<std::string> parts;
  for (const std::string &objective : front.objectives) {
    const double *bound = find(s.bounds, objective);
    const double *gap = find(s.gaps, objective);
    if (!bound)
      parts.push_back("without a known bound of " + objective);
    else if (!gap)
      parts.push_back(
          llvm::formatv("not below {0:e4} of {1}", *bound, objective).str());
    else if (*gap == 0)
      parts.push_back("proven of " + objective);
    else
      parts.push_back(
          llvm::formatv("within {0:f2} % of a proven bound of {1} ({2:e4})",
                        100 * *gap, objective, *bound)
              .str());
  }
  return llvm::join(parts, ", ");
}

void Session::summarize() {
  const SearchFigures &s = front.search;
  log << llvm::formatv("{0} designs priced in {1:f2} s ({2:f0} per second), "
                       "{3} feasible, {4} on the front",
                       s.evaluated, s.seconds, s.evaluationsPerSecond,
                       s.feasible, front.points.size());
  if (compile)
    log << llvm::formatv(", {0} rebuilt by the passes with equal cost",
                         s.verified);
  log << '\n';
  if (size_t count = llvm::count_if(front.points, [](const FrontPoint &point) {
        return !point.notPlaced.empty();
      }))
    log << llvm::formatv(
        "{0} designs of the front fit as their accounting counts cells, not "
        "with arrays for every layer (imc-place refuses them; "
        "\"not_placed\")\n",
        count);
  if (const std::optional<search::Proof> &proof = result->proof) {
    log << llvm::formatv("{0:f0} designs excluded by bounds: {1:f0} dominated",
                         proof->infeasible + proof->dominated,
                         proof->dominated);
    for (size_t i = 0; i < proof->byConstraint.size(); ++i)
      if (proof->byConstraint[i] > 0)
        log << llvm::formatv(", {0:f0} by {1}", proof->byConstraint[i],
                             problem->constraintNames()[i]);
    log << "; ";
  }
  log << "optimum " << describeBounds() << '\n';
  if (s.layersProven) {
    log << llvm::formatv("layers: best values proven for {0} of {1} designs",
                         *s.layersProven, *s.layersProven + *s.layersBounded);
    if (*s.layersBounded > 0 && s.layersGap)
      log << llvm::formatv(", within {0:f2} % for the others",
                           100 * *s.layersGap);
    log << '\n';
  }
  if (front.points.empty()) {
    log << "warning: no design is feasible; broken rules:";
    for (const search::ConstraintCount &c : result->constraints)
      if (c.broken)
        log << llvm::formatv(" {0} ({1})", c.name, c.broken);
    log << "; raise --budget or relax the constraints\n";
    return;
  }
  std::vector<const FrontPoint *> order;
  for (const FrontPoint &point : front.points)
    order.push_back(&point);
  llvm::sort(order, [](const FrontPoint *a, const FrontPoint *b) {
    double x = *find(a->metrics, "edap_js_mm2");
    double y = *find(b->metrics, "edap_js_mm2");
    return x != y ? x < y : a->id < b->id;
  });
  std::vector<std::string> columns = front.objectives;
  if (!llvm::is_contained(columns, "edap_js_mm2"))
    columns.push_back("edap_js_mm2");
  log << llvm::formatv("{0,8}", "design");
  for (const std::string &column : columns)
    log << llvm::formatv("{0,21}", column);
  log << '\n';
  if (options.simulate) {
    double worst = 0;
    uint64_t open = 0;
    for (const FrontPoint &point : front.points)
      for (const ModelFigures &m : point.models) {
        const double *simulated = find(m.accuracy, "simulated_top1");
        if (simulated)
          worst =
              std::max(worst, std::abs(*simulated - *find(m.accuracy, "top1")));
        open += !simulated;
      }
    if (s.simulations)
      log << llvm::formatv(
          "{0} simulations until every design of the front "
          "was simulated{1}\n",
          *s.simulations,
          open ? llvm::formatv(", but {0}: raise --simulate-budget", open).str()
               : std::string());
    log << llvm::formatv("top-1 of the front simulated: at most {0:f1} points "
                         "from what the search believed\n",
                         100 * worst);
  }
  size_t shown = std::min<size_t>(order.size(), 10);
  for (const FrontPoint *point : llvm::ArrayRef(order).take_front(shown)) {
    log << llvm::formatv("{0,8}", point->id);
    for (const std::string &column : columns)
      log << llvm::formatv(
          "{0,21}",
          llvm::formatv("{0:e4}", *find(point->metrics, column)).str());
    log << '\n';
  }
  if (shown < order.size())
    log << llvm::formatv("  and {0} more\n", order.size() - shown);
  summarizeGenerality();
}
