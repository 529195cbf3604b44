//===- ProofBounds.cpp - What many designs of a space have in common ------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProofBounds.h"

#include "imc/Cost/Legacy.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::explore;
namespace search = imc::search;
namespace machine = imc::machine;
namespace mapping = imc::mapping;
namespace cost = imc::cost;

/// Combinations of open knobs whose areas are priced at most.
constexpr size_t mostAreas = 512;
/// Combinations of knobs that are priced for one bound of the closed model at
/// most. Branch and bound has few nodes near the root, and they say how far a
/// stopped search is; boxes are many.
constexpr double mostBelow = 1 << 14, mostNearRoot = 1 << 17, mostOfBox = 16;
constexpr size_t nearRoot = 2;

/// Power falls with time; only products of energy, time and area are known to
/// grow with each.
static bool growsWithAll(llvm::StringRef metric) {
  return metric == "energy_j" || metric == "latency_s" ||
         metric == "area_mm2" || metric == "edp_js" || metric == "edap_js_mm2";
}

ProofBounds::Role ProofBounds::roleOf(const KnobChoices &knob) const {
  if (!knob.field) {
    // Decisions that change no circuit: priceDesign does not read them.
    for (const char *name : {"group_packing", "replication", "dynamic_products",
                             "residency", "segments"})
      if (llvm::StringRef(knob.pass->name) == name)
        return legacy ? Role::Structure : Role::Mapping;
    return Role::Structure;
  }
  if (!legacy)
    return Role::Structure;
  const std::string path = knob.field->path();
  if (path == "technology.vdd_v")
    return Role::Supply;
  if (path == "global_buffer.size_mib")
    return Role::Buffer;
  if (path == "timing.cycle_time_ns")
    return Role::Clock;
  return Role::Structure;
}

ProofBounds::ProofBounds(const JointProblem &problem)
    : problem(problem), legacy(cost::usesLegacy(problem.base)) {
  const auto &knobs = problem.file.knobs;
  const std::pair<const char *, int *> known[] = {
      {"cell.bits", &bits},
      {"array.rows", &rows},
      {"array.cols", &cols},
      {"hierarchy.macros_per_tile", &macros},
      {"hierarchy.tiles_per_group", &tiles},
      {"hierarchy.groups", &groups},
      {"global_buffer.size_mib", &buffer},
      {"timing.cycle_time_ns", &clock}};
  const std::pair<const char *, int *> others[] = {
      {"machine.array.active_rows", &activeRows},
      {"machine.adc.share", &adcShare},
      {"machine.dac.bits", &dacBits},
      {"machine.shift_add.accumulator_bits", &accumulator},
      {"pass.replication", &replication},
      {"pass.dynamic_products", &dynamic},
      {"pass.weight_bits", &weightBits},
      {"pass.input_bits", &inputBits},
      {"pass.encoding", &encoding},
      {"pass.segments", &segments},
      {"pass.group_packing", &packing}};
  const char *const ofNoise[] = {
      "machine.array.rows", "machine.array.active_rows",
      "machine.cell.bits",  "machine.cell.kind",
      "machine.dac.bits",   "machine.adc.bits",
      "machine.adc.kind",   "machine.adc.clip_bits",
      "pass.weight_bits",   "pass.input_bits",
      "pass.adc_bits",      "pass.encoding",
      "pass.ties",          "pass.range"};
  for (size_t i = 0; i < knobs.size(); ++i) {
    // A chip may change its accounting by a knob.
    const bool ofLayer = !knobs[i].layer.empty();
    const std::string name =
        knobs[i].field ? "machine." + knobs[i].field->path()
        : ofLayer      ? knobs[i].name
                       : std::string("pass.") + knobs[i].pass->name;
    nothingKnown |= llvm::StringRef(name).starts_with("machine.accounting.");
    kindIsOpen |= name == "machine.cell.kind";
    layered |= ofLayer;
    if (ofLayer) {
      const llvm::StringRef field = knobs[i].pass->name;
      copiesKnobs |= field == "copies";
      unfolds |= field == "unfolding";
      stops |= field == "adc_bits";
    }
    allUnfold |= name == "pass.unfolding";
    for (const auto &[other, knob] : others)
      if (name == other)
        *knob = static_cast<int>(i);
    if (ofLayer || llvm::is_contained(ofNoise, name))
      noiseKnobs.push_back(i);
    own.push_back(knobs[i].field ? knobs[i].field->get(problem.base)
                  : knobs[i].layer.empty()
                      ? double(llvm::cantFail(mapping::getKnob(
                            mapping::Knobs(), knobs[i].pass->name)))
                      : 0);
    for (const auto &[path, knob] : known)
      if (knobs[i].field && knobs[i].field->path() == path)
        *knob = static_cast<int>(i);
  }
  unfolds |= allUnfold;
  for (size_t i = 0; i < knobs.size(); ++i)
    roles.push_back(roleOf(knobs[i]));

  // What decides capacity comes first, then other structure, then what the
  // closed forms leave to the end.
  auto add = [&](Role role) {
    for (size_t i = 0; i < knobs.size(); ++i)
      if (roles[i] == role && !llvm::is_contained(knobOrder, i))
        knobOrder.push_back(i);
  };
  for (const auto &[path, knob] : known)
    if (*knob >= 0 && roles[*knob] == Role::Structure)
      knobOrder.push_back(*knob);
  add(Role::Structure);
  structural = knobOrder.size();
  add(Role::Supply);
  add(Role::Clock);
  add(Role::Buffer);
  mapping = knobOrder.size();
  add(Role::Mapping);
  places.resize(knobOrder.size());
  for (size_t i = 0; i < knobOrder.size(); ++i)
    places[knobOrder[i]] = i;

  for (size_t c = 0; c < problem.limits.size(); ++c) {
    const JointProblem::Bound &b = problem.limits[c];
    if (!b.metric)
      continue;
    const llvm::StringRef metric = b.metric->name;
    const int index = static_cast<int>(problem.firstConstraint + c);
    const double limit = b.constraint->limit;
    if (!b.constraint->atMost) {
      const double most = std::pow(10, -limit / 10) * (1 + 1e-9);
      if (metric == "sqnr_db" && (sqnrConstraint < 0 || most < mostNoise)) {
        sqnrConstraint = index;
        mostNoise = most;
      }
    } else if (metric == "area_mm2") {
      if (areaConstraint < 0 || limit < areaLimit) {
        areaConstraint = index;
        areaLimit = limit;
      }
    } else if (growsWithAll(metric)) {
      upperLimits.emplace_back(b.metric - metrics().data(), limit, index);
    }
  }
  if (!legacy && !nothingKnown) {
    prices = std::make_unique<LeastPrices>(knobs, problem.base);
    prepareBoxes();
  }
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::optional<bool> ProofBounds::isActive(const search::Genome &design,
                                          size_t knob) const {
  bool decided = true;
  for (const KnobCondition &c : problem.file.knobs[knob].conditions) {
    if (!open[c.knob] && !llvm::is_contained(c.choices, size_t(design[c.knob])))
      return false;
    const std::optional<bool> parent = isActive(design, c.knob);
    if (parent && !*parent)
      return false;
    decided &= !open[c.knob] && parent.has_value();
  }
  return decided ? std::optional<bool>(true) : std::nullopt;
}

void ProofBounds::eachValue(const search::Genome &design, size_t knob,
                            llvm::function_ref<void(double)> visit) const {
  if (chosen[knob])
    return visit(*chosen[knob]);
  const KnobChoices &choices = problem.file.knobs[knob];
  std::optional<bool> active = true;
  if (!choices.conditions.empty())
    active = isActive(design, knob);
  bool seen = false; // the value that it has without effect
  auto take = [&](double value) {
    seen |= value == own[knob];
    visit(value);
  };
  if (active.value_or(true)) {
    if (open[knob])
      for (double value : choices.values)
        take(value);
    else
      take(choices.values[design[knob]]);
  }
  if (!active.value_or(false) && !seen)
    visit(own[knob]);
}

size_t ProofBounds::countValues(const search::Genome &design,
                                size_t knob) const {
  size_t count = 0;
  eachValue(design, knob, [&](double) { ++count; });
  return count;
}

double ProofBounds::least(const search::Genome &design, size_t knob) const {
  double value = infinity;
  eachValue(design, knob, [&](double v) { value = std::min(value, v); });
  return value;
}

double ProofBounds::largest(const search::Genome &design, size_t knob) const {
  double value = -infinity;
  eachValue(design, knob, [&](double v) { value = std::max(value, v); });
  return value;
}

void ProofBounds::decode(const search::Genome &design, Decoded &decoded) const {
  decoded.machine = problem.base;
  decoded.knobs = {};
  for (size_t i = 0; i < design.size(); ++i)
    problem.set(decoded, i, least(design, i));
}

bool ProofBounds::decodeValid(const search::Genome &design) const {
  decode(design, scratch);
  llvm::Error error = machine::check(scratch.machine);
  const bool valid = !error;
  llvm::consumeError(std::move(error));
  return valid;
}

void ProofBounds::forEach(const search::Genome &design,
                          llvm::ArrayRef<size_t> knobs,
                          llvm::function_ref<void()> visit) const {
  if (knobs.empty())
    return visit();
  const size_t knob = knobs.front();
  llvm::SmallVector<double, 16> values;
  eachValue(design, knob, [&](double value) { values.push_back(value); });
  const std::optional<double> before = chosen[knob];
  for (double value : values) {
    chosen[knob] = value;
    forEach(design, knobs.drop_front(), visit);
  }
  chosen[knob] = before;
}

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

double ProofBounds::mostCells(const search::Genome &design) const {
  const machine::Machine &base = problem.base;
  auto most = [&](int knob, int64_t otherwise) {
    return knob >= 0 ? largest(design, static_cast<size_t>(knob))
                     : static_cast<double>(otherwise);
  };
  return most(rows, base.array.rows) * most(cols, base.array.cols) *
         most(macros, base.hierarchy.macros_per_tile) *
         most(tiles, base.hierarchy.tiles_per_group) *
         most(groups, base.hierarchy.groups);
}

/// Columns that a weight takes at least, over all bits and encodings that are
/// open.
int64_t ProofBounds::fewestColumns(const search::Genome &design) const {
  int64_t columns = std::numeric_limits<int64_t>::max();
  std::vector<size_t> deciding;
  for (size_t i = 0; i < design.size(); ++i) {
    const KnobChoices &knob = problem.file.knobs[i];
    if (knob.pass ? llvm::StringRef(knob.pass->name) == "weight_bits" ||
                        llvm::StringRef(knob.pass->name) == "encoding"
                  : static_cast<int>(i) == bits)
      deciding.push_back(i);
  }
  forEach(design, deciding, [&] {
    Decoded decoded;
    decoded.machine.cell.bits = problem.base.cell.bits;
    for (size_t i : deciding)
      problem.set(decoded, i, least(design, i));
    columns = std::min(columns, mapping::columnsPerWeight(
                                    decoded.knobs, decoded.machine.cell.bits));
  });
  return columns;
}

/// Every weight of a model has its cells on a non-volatile chip, in the
/// accounting of the source paper without groups (E-LEG-7).
bool ProofBounds::cellsMissing(const search::Genome &design) const {
  const double cells = mostCells(design);
  const int64_t columns = fewestColumns(design);
  for (const workload::Workload &model : problem.workloads()) {
    double needed = 0;
    for (const workload::Layer &layer : model.layers)
      if (const workload::Product *p = layer.product())
        needed += legacy ? static_cast<double>(p->rows * p->cols * columns)
                         : static_cast<double>(p->weight_elements * columns);
    if (needed > cells)
      return true;
  }
  return false;
}

/// E-LEG-1 by intervals.
double ProofBounds::leastLegacyArea(const search::Genome &design) const {
  const machine::Machine &base = problem.base;
  const machine::Accounting &a = base.accounting;
  auto range = [&](int knob, double otherwise) {
    if (knob < 0)
      return std::pair(otherwise, otherwise);
    return std::pair(least(design, static_cast<size_t>(knob)),
                     largest(design, static_cast<size_t>(knob)));
  };
  const auto x = range(rows, static_cast<double>(base.array.rows));
  const auto y = range(cols, static_cast<double>(base.array.cols));
  const auto g = range(groups, static_cast<double>(base.hierarchy.groups));
  const auto t =
      range(tiles, static_cast<double>(base.hierarchy.tiles_per_group));
  const auto m =
      range(macros, static_cast<double>(base.hierarchy.macros_per_tile));
  const auto glb = range(buffer, base.global_buffer.size_mib);
  // The one coefficient that may be negative takes the larger end.
  const double tileCount =
      a.tile_area_mm2 < 0 ? g.second * t.second : g.first * t.first;
  const double arrays = g.first * t.first * m.first;
  return a.chip_area_mm2 + a.buffer_area_mm2_per_mib * glb.first +
         a.group_area_mm2 * g.first + a.tile_area_mm2 * tileCount +
         arrays * 1e-6 *
             (a.array_area_um2 + a.row_area_um2 * x.first +
              a.column_area_um2 * y.first +
              a.cell_area_um2 * x.first * y.first);
}

/// E-LEG-3, E-LEG-5 and E-LEG-6 by intervals, for structure that is open. Of
/// the energy: cells, one conversion per result, and of volatile chips the
/// weights that are fetched and written once. Of the time: every clock uses
/// each cell of the chip once at most, and every layer takes one.
void ProofBounds::boundLegacyOpen(const search::Genome &design, double area,
                                  search::Bound &bound) const {
  decode(design, scratch); // least values; of names the first, unused here
  const machine::Machine &m = scratch.machine;
  const machine::Accounting &a = m.accounting;
  const double cells = mostCells(design);
  const auto columns = static_cast<double>(fewestColumns(design));
  const auto weightBits = static_cast<double>(scratch.knobs.weight_bits);
  const double supply = m.technology.vdd_v / m.technology.vdd_nominal_v;
  const bool isVolatile = !machine::cellKind(problem.base).nonvolatile;
  const double cell =
      a.cell_pj * (isVolatile ? supply * supply : 1) * columns * 1e-12;
  const double write = a.write_pj * supply * supply * columns * 1e-12;
  const double fetch = machine::memoryKind(m).absent
                           ? 0
                           : m.memory.energy_pj_per_bit * weightBits * 1e-12;
  std::vector<cost::ModelFigures> models;
  for (const workload::Workload &workload : problem.workloads()) {
    cost::ModelFigures figures;
    for (const workload::Layer &layer : workload.layers) {
      const workload::Product *p = layer.product();
      if (!p)
        continue;
      const auto vectors = static_cast<double>(p->windows * p->trips);
      const auto weights = static_cast<double>(p->weight_elements);
      figures.energy_j += vectors * weights * cell +
                          vectors * static_cast<double>(p->groups * p->cols) *
                              columns * a.conversion_pj * 1e-12;
      if (isVolatile)
        figures.energy_j += weights * (write + fetch);
      figures.latency_s +=
          std::max(1.0, std::floor(vectors * weights * columns / cells)) *
          m.timing.cycle_time_ns * 1e-9;
    }
    models.push_back(figures);
  }
  bound.objectives = lowObjectives({area, models, {}});
}

/// Objectives of figures that no design is below.
std::vector<double>
ProofBounds::lowObjectives(const JointProblem::Figures &figures) const {
  std::vector<double> low, values;
  for (const JointProblem::Objective &objective : problem.objectives) {
    const bool grows = growsWithAll(metrics()[objective.metric].name);
    low.push_back(grows ? problem.valueOf(objective, figures, values) * slack
                        : -infinity);
  }
  return low;
}

//===----------------------------------------------------------------------===//
// The model over what is open
//===----------------------------------------------------------------------===//

/// Structure is fixed: energies for every open supply, with the smallest open
/// clock and buffer.
void ProofBounds::boundLegacy(const search::Genome &design,
                              search::Bound &bound) const {
  std::vector<size_t> supplies;
  for (size_t i = 0; i < roles.size(); ++i)
    if (roles[i] == Role::Supply)
      supplies.push_back(i);
  int broken = -1;
  bool some = false;
  std::vector<double> low(problem.objectives.size(), infinity);
  forEach(design, supplies, [&] {
    if (!decodeValid(design)) {
      std::fill(low.begin(), low.end(), -infinity);
      some = true;
      return;
    }
    problem.pricer->price(scratch.machine, scratch.knobs, priced);
    if (areaConstraint >= 0 && priced.area_mm2 * slack > areaLimit) {
      broken = areaConstraint;
      return;
    }
    for (const cost::RuleBroken &rule : priced.violations)
      if (rule.rule == mapping::Rule::Capacity ||
          rule.rule == mapping::Rule::Accounting ||
          rule.rule == mapping::Rule::SupplyVoltage ||
          rule.rule == mapping::Rule::ExternalMemory) {
        broken = static_cast<int>(rule.rule);
        return;
      }
    some = true;
    const std::vector<double> here =
        lowObjectives({priced.area_mm2, priced.models, {}});
    for (size_t j = 0; j < low.size(); ++j)
      low[j] = std::min(low[j], here[j]);
  });
  if (some)
    bound.objectives = std::move(low);
  else
    bound.broken = broken;
}

/// True if every combination of the open knobs that decide area is too large.
bool ProofBounds::areaExceeded(const search::Genome &design) const {
  std::vector<size_t> deciding;
  size_t combinations = 1;
  for (size_t i = 0; i < design.size(); ++i) {
    const size_t count = countValues(design, i);
    if (count == 1 || roles[i] == Role::Mapping)
      continue;
    deciding.push_back(i);
    combinations *= count;
    if (combinations > mostAreas)
      return false;
  }
  bool fits = false;
  forEach(design, deciding, [&] {
    if (fits)
      return;
    if (!decodeValid(design))
      return; // cannot exist either
    fits = cost::priceDesign(scratch.machine, scratch.knobs).area_mm2 * slack <=
           areaLimit;
  });
  return !fits;
}

bool ProofBounds::isDecided(const search::Genome &design) const {
  for (size_t i = 0; i < design.size(); ++i)
    if (roles[i] == Role::Structure && countValues(design, i) > 1)
      return false;
  return true;
}

search::Bound ProofBounds::bound(const search::Genome &design,
                                 size_t fixed) const {
  open.assign(design.size(), false);
  for (size_t i = 0; i < design.size(); ++i)
    open[i] = places[i] >= fixed;
  return boundNode(design, fixed, fixed <= nearRoot ? mostNearRoot : mostBelow);
}

search::Bound ProofBounds::boundBox(const search::Genome &design) const {
  search::Genome some = design;
  open.assign(design.size(), false);
  size_t fixed = 0;
  for (size_t i = 0; i < design.size(); ++i) {
    open[i] = design[i] < 0;
    fixed += !open[i];
    some[i] = std::max(design[i], 0);
  }
  return boundNode(some, fixed, mostOfBox);
}

search::Bound ProofBounds::boundNode(const search::Genome &design, size_t fixed,
                                     double mostCombinations) const {
  search::Bound bound;
  if (nothingKnown)
    return bound;
  chosen.assign(design.size(), std::nullopt);

  // What holds of cells holds for knobs that leave the kind of cell alone.
  const bool nonvolatile = machine::cellKind(problem.base).nonvolatile;
  if (legacy) {
    if (nonvolatile && !kindIsOpen && fixed <= structural &&
        cellsMissing(design)) {
      bound.broken = static_cast<int>(mapping::Rule::Capacity);
      return bound;
    }
    const double area = leastLegacyArea(design) * slack;
    if (areaConstraint >= 0 && area > areaLimit)
      bound.broken = areaConstraint;
    else if (isDecided(design))
      boundLegacy(design, bound);
    else if (!kindIsOpen)
      boundLegacyOpen(design, std::max(area, 0.0), bound);
    return bound;
  }
  boundRelaxed(design, bound);
  if (bound.broken >= 0)
    return bound;
  if (areaConstraint >= 0 && mostCombinations > mostOfBox && fixed <= mapping &&
      areaExceeded(design)) {
    bound.broken = areaConstraint;
    return bound;
  }
  if (kindIsOpen || layered || unfolds)
    return bound;
  search::Bound closed;
  boundClosed(design, mostCombinations, closed);
  if (closed.broken >= 0)
    return closed;
  for (size_t j = 0; j < closed.objectives.size(); ++j)
    bound.objectives[j] = std::max(bound.objectives[j], closed.objectives[j]);
  return bound;
}
