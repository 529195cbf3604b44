//===- BoxBounds.cpp - The closed model over large sets of designs --------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where too many knobs are open to price every combination (ClosedBounds.cpp),
// each price and each count takes its least value over them by itself. What
// trades latency for area, the number of arrays, is tried number by number.
//
//===----------------------------------------------------------------------===//

#include "ProofBounds.h"

#include "imc/Machine/Kind.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::explore;
namespace search = imc::search;
namespace machine = imc::machine;
namespace mapping = imc::mapping;
namespace cost = imc::cost;

/// Combinations of knobs that noise is computed for at one node.
constexpr double mostNoises = 512;

void ProofBounds::prepareBoxes() {
  const auto &knobs = problem.file.knobs;
  for (const workload::Workload &workload : problem.workloads()) {
    const size_t model = boxes.size();
    BoxModel &box = boxes.emplace_back();
    for (const workload::Layer &layer : workload.layers) {
      if (const workload::Digital *d = layer.digital()) {
        box.operations += real(d->operations);
        box.digital_inputs += real(d->input_elements);
        box.digital_outputs += real(d->output_elements);
        continue;
      }
      if (const workload::DynamicProduct *d = layer.dynamicProduct()) {
        box.macs += real(d->macs);
        box.dynamic_inputs += real(d->input_elements);
        box.dynamic_outputs += real(d->output_elements);
        continue;
      }
      BoxProduct next;
      next.product = layer.product();
      for (size_t k = 0; k < knobs.size(); ++k) {
        if (!problem.layerOf[k] || problem.layerOf[k]->first != model ||
            problem.layerOf[k]->second != layer.name)
          continue;
        const llvm::StringRef field = knobs[k].pass->name;
        (field == "copies"        ? next.copies
         : field == "weight_bits" ? next.weight_bits
         : field == "input_bits"  ? next.input_bits
         : field == "unfolding"   ? next.unfolding
                                  : next.other) = static_cast<int>(k);
      }
      // Equal products count as one.
      auto known = llvm::find_if(box.products, [&](const BoxProduct &b) {
        return *b.product == *next.product && b.copies == next.copies &&
               b.weight_bits == next.weight_bits &&
               b.input_bits == next.input_bits &&
               b.unfolding == next.unfolding && b.other == next.other;
      });
      if (known != box.products.end())
        ++known->count;
      else
        box.products.push_back(next);
    }
  }
}

/// The number of arrays of designs of a node, and the fewest and most tiles
/// that go with it.
const std::vector<ProofBounds::Arrays> &
ProofBounds::arraysOf(const search::Genome &design) const {
  const machine::Hierarchy &h = problem.base.hierarchy;
  const std::pair<int, int64_t> levels[] = {{groups, h.groups},
                                            {tiles, h.tiles_per_group},
                                            {macros, h.macros_per_tile}};
  std::vector<int32_t> key;
  for (const auto &[knob, otherwise] : levels)
    key.push_back(knob >= 0 ? values[knob] : 0);
  auto [place, isNew] = arraysKnown.try_emplace(key);
  if (!isNew)
    return place->second;
  std::vector<double> lists[3];
  for (int i = 0; i < 3; ++i) {
    const auto &[knob, otherwise] = levels[i];
    if (knob < 0)
      lists[i] = {real(otherwise)};
    else
      eachValue(design, knob, [&, i = i](double v) { lists[i].push_back(v); });
  }
  std::map<double, Arrays> all;
  for (double g : lists[0])
    for (double t : lists[1])
      for (double m : lists[2]) {
        Arrays &a =
            all.try_emplace(g * t * m, Arrays{g * t * m, infinity, 0, infinity})
                .first->second;
        a.fewest_tiles = std::min(a.fewest_tiles, g * t);
        a.most_tiles = std::max(a.most_tiles, g * t);
        a.core = std::min(a.core, m);
      }
  for (const auto &[number, arrays] : all)
    place->second.push_back(arrays);
  return place->second;
}

/// Columns that a weight of so many bits takes at least, over the encodings and
/// cells that are open.
double ProofBounds::leastColumns(const search::Genome &design,
                                 int64_t weightBits) const {
  std::vector<int32_t> key = {static_cast<int32_t>(weightBits)};
  for (int knob : {encoding, bits})
    key.push_back(knob >= 0 ? values[knob] : 0);
  auto [place, isNew] = columnsKnown.try_emplace(key, 0);
  if (!isNew)
    return place->second;
  int64_t fewest = std::numeric_limits<int64_t>::max();
  mapping::Knobs knobs;
  knobs.weight_bits = weightBits;
  auto ofCells = [&](double cell) {
    fewest = std::min(
        fewest, mapping::columnsPerWeight(knobs, static_cast<int64_t>(cell)));
  };
  auto ofEncoding = [&](double kind) {
    knobs.encoding = static_cast<mapping::Encoding>(kind);
    if (bits >= 0)
      eachValue(design, bits, ofCells);
    else
      ofCells(real(problem.base.cell.bits));
  };
  if (encoding >= 0)
    eachValue(design, encoding, ofEncoding);
  else
    ofEncoding(static_cast<double>(mapping::Knobs().encoding));
  return place->second = real(fewest);
}

/// Columns that a weight of a product takes at most.
double ProofBounds::mostColumns(const search::Genome &design,
                                const BoxProduct &b) const {
  auto high = [&](int knob, double otherwise) {
    return knob >= 0 ? largest(design, static_cast<size_t>(knob)) : otherwise;
  };
  const double own = real(b.product->weight_bits);
  const double common = high(weightBits, real(mapping::Knobs().weight_bits));
  const double weight = b.weight_bits >= 0 ? high(b.weight_bits, 0)
                        : own > 0          ? own
                                           : common;
  const double cell = bits >= 0 ? least(design, static_cast<size_t>(bits))
                                : real(problem.base.cell.bits);
  const double digits = std::ceil(weight / cell);
  if (encoding < 0)
    return digits;
  // A pair per digit, or one column per bit.
  double most = digits;
  eachValue(design, static_cast<size_t>(encoding), [&](double value) {
    switch (static_cast<mapping::Encoding>(value)) {
    case mapping::Encoding::Offset:
      break;
    case mapping::Encoding::Differential:
      most = std::max(most, 2 * digits);
      break;
    case mapping::Encoding::TwosComplement:
      most = std::max(most, weight);
      break;
    }
  });
  return most;
}

/// Noise over signal that no design of the node is below, of every model; what
/// converters add only where few combinations are left.
void ProofBounds::leastNoise(const search::Genome &design,
                             std::vector<double> &noise) const {
  double combinations = 1;
  std::vector<size_t> open;
  std::vector<int32_t> key;
  for (size_t k : noiseKnobs) {
    key.push_back(values[k]);
    const size_t count = countValues(design, k);
    combinations *= real(static_cast<int64_t>(count));
    if (count > 1)
      open.push_back(k);
  }
  auto [place, isNew] = noiseKnown.try_emplace(key);
  if (!isNew) {
    noise = place->second;
    return;
  }
  noise.assign(boxes.size(), infinity);
  auto add = [&](const machine::Machine &m, const mapping::Knobs &k,
                 bool converters) {
    const cost::Prices prices = cost::priceDesign(m, k);
    for (size_t i = 0; i < boxes.size(); ++i) {
      double sum = 0;
      for (const BoxProduct &b : boxes[i].products) {
        double one;
        const bool mixed =
            b.weight_bits >= 0 || b.input_bits >= 0 || b.product->hasOwnBits();
        if (mixed) {
          mapping::Knobs most = mapping::knobsOf(*b.product, k);
          if (b.weight_bits >= 0)
            most.weight_bits = static_cast<int64_t>(
                largest(design, static_cast<size_t>(b.weight_bits)));
          if (b.input_bits >= 0)
            most.input_bits = static_cast<int64_t>(
                largest(design, static_cast<size_t>(b.input_bits)));
          one = cost::priceDesign(m, most).noise_base;
        } else if (converters && b.other < 0 && !widens(b)) {
          one = cost::noiseToSignal(*b.product, mapping::tile(*b.product, m, k),
                                    prices);
        } else {
          one = prices.noise_base;
        }
        sum += real(b.count) * one;
      }
      noise[i] = std::min(noise[i], sum);
    }
  };
  if (combinations <= mostNoises) {
    forEach(design, open, [&] {
      if (!decodeValid(design)) {
        noise.assign(boxes.size(), 0);
        return;
      }
      add(scratch.machine, scratch.knobs, true);
    });
  } else {
    decode(design, scratch);
    if (weightBits >= 0)
      scratch.knobs.weight_bits =
          static_cast<int64_t>(largest(design, weightBits));
    if (inputBits >= 0)
      scratch.knobs.input_bits =
          static_cast<int64_t>(largest(design, inputBits));
    add(scratch.machine, scratch.knobs, false);
  }
  place->second = noise;
}

/// Several positions of a convolution may share a load.
bool ProofBounds::widens(const BoxProduct &b) const {
  return (allUnfold || b.unfolding >= 0) && b.product->kernel_elements > 1;
}

/// The first constraint that figures which no design is below break, or -1.
int ProofBounds::limitBroken(const JointProblem::Figures &low) const {
  for (const auto &[metric, limit, index] : upperLimits)
    if (problem.worst(metric, /*largest=*/true, low) * slack > limit)
      return index;
  return -1;
}

void ProofBounds::boundRelaxed(const search::Genome &design,
                               search::Bound &bound) const {
  using Slot = LeastPrices::Slot;
  values.resize(design.size());
  for (size_t i = 0; i < design.size(); ++i) {
    const auto count =
        static_cast<int32_t>(problem.file.knobs[i].values.size());
    const std::optional<bool> active =
        problem.file.knobs[i].conditions.empty() ? true : isActive(design, i);
    values[i] = !active.value_or(true) ? count
                : active               ? open[i] ? LeastPrices::Any : design[i]
                : open[i]              ? LeastPrices::AnyOrOwn
                                       : count + 1 + design[i];
  }
  double p[LeastPrices::numSlots];
  for (int s = 0; s < LeastPrices::numSlots; ++s) {
    p[s] = prices->least(static_cast<Slot>(s), values) * slack;
  }
  // No supply and clock go together, or no bits of the converter.
  if (p[Slot::Cycle] == infinity || p[Slot::Conversion] == infinity) {
    bound.broken =
        static_cast<int>(p[Slot::Cycle] == infinity ? mapping::Rule::CycleTime
                                                    : mapping::Rule::AdcBits);
    return;
  }

  // The least and largest of what counts depend on.
  const machine::Machine &base = problem.base;
  auto low = [&](int knob, double otherwise) {
    return knob >= 0 ? least(design, static_cast<size_t>(knob)) : otherwise;
  };
  auto high = [&](int knob, double otherwise) {
    return knob >= 0 ? largest(design, static_cast<size_t>(knob)) : otherwise;
  };
  const double mostRows = high(rows, real(base.array.rows)),
               mostCols = high(cols, real(base.array.cols));
  const double driven = activeRows >= 0 ? mostRows
                        : base.array.active_rows > 0
                            ? real(base.array.active_rows)
                            : mostRows;
  const double cells = mostRows * mostCols;
  const double share = std::min(low(adcShare, real(base.adc.share)),
                                low(cols, real(base.array.cols)));
  double leastRows = low(rows, real(base.array.rows));
  if (activeRows >= 0 || base.array.active_rows > 0)
    leastRows =
        std::min(leastRows,
                 std::max(1.0, low(activeRows, real(base.array.active_rows))));
  const double leastCols = low(cols, real(base.array.cols));
  const bool dense =
      high(packing, 0) >= static_cast<double>(mapping::GroupPacking::Dense);
  const double digits = high(dacBits, real(base.dac.bits));
  const mapping::Knobs defaults;
  const double commonWeight = low(weightBits, real(defaults.weight_bits)),
               commonInput = low(inputBits, real(defaults.input_bits));
  const double sums = low(accumulator, real(base.shift_add.accumulator_bits));
  const bool lanes = high(dynamic, 0) == 0;
  // Copies: of a rule, of an unfolding that trades them for columns.
  const bool copied = high(replication, 0) > 0 || unfolds;
  const bool nonvolatile = !kindIsOpen && machine::cellKind(base).nonvolatile;

  // What rounding leaves of the signal.
  if (sqnrConstraint >= 0) {
    leastNoise(design, noises);
    for (double noise : noises)
      if (noise * slack > mostNoise) {
        bound.broken = sqnrConstraint;
        return;
      }
  }

  const size_t numModels = boxes.size();
  works.resize(numModels);
  std::vector<cost::ModelFigures> fixed(numModels), models(numModels);
  std::vector<double> roots(numModels), held(numModels), fetched(numModels),
      perCell(numModels);
  double needed = 0;
  for (size_t m = 0; m < numModels; ++m) {
    const BoxModel &box = boxes[m];
    double energy = box.operations * p[Slot::Operation] +
                    commonInput * (box.digital_inputs * p[Slot::TileRead] +
                                   box.digital_outputs * p[Slot::TileWrite]);
    if (lanes)
      energy += box.macs * p[Slot::Mac] +
                commonInput * ((box.dynamic_inputs + box.dynamic_outputs) *
                                   (p[Slot::TileRead] + p[Slot::TileWrite]) +
                               box.dynamic_inputs * p[Slot::GlobalRead] +
                               box.dynamic_outputs * p[Slot::GlobalWrite] +
                               (box.dynamic_inputs + box.dynamic_outputs) *
                                   p[Slot::NocBit]);
    works[m].clear();
    for (const BoxProduct &b : box.products) {
      if (b.other >= 0)
        continue; // not known what the knob does
      const workload::Product &q = *b.product;
      const bool wide = widens(b);
      const double inputs = b.input_bits >= 0 ? low(b.input_bits, 0)
                            : q.input_bits    ? real(q.input_bits)
                                              : commonInput;
      const double bitsOfWeight = b.weight_bits >= 0 ? low(b.weight_bits, 0)
                                  : q.weight_bits    ? real(q.weight_bits)
                                                     : commonWeight;
      const double columns =
          leastColumns(design, static_cast<int64_t>(bitsOfWeight));
      const double count = real(b.count), K = real(q.rows), G = real(q.groups);
      const double windows = real(q.windows * q.trips);
      const double phases = std::ceil(inputs / digits);
      const double width = real(q.cols) * columns, results = G * real(q.cols);
      const double reads = windows * phases;
      const double strips = std::ceil(K / driven);
      const double loaded = real(q.input_elements * q.trips),
                   stored = real(q.output_elements * q.trips);
      const double rowBits = wide ? 0 : windows * G * K * inputs;
      const double partials = windows * results * sums;
      energy +=
          count * ((wide ? 0
                         : reads * G * K * std::ceil(width / mostCols) *
                               p[Slot::RowDrive]) +
                   reads * K * G * width * p[Slot::CellRead] +
                   reads * strips * G * width *
                       ((stops ? 0 : p[Slot::Conversion]) + p[Slot::ShiftAdd]) +
                   (loaded * inputs + partials) * p[Slot::TileWrite] +
                   (rowBits + partials) * p[Slot::TileRead] +
                   loaded * inputs * p[Slot::GlobalRead] +
                   stored * inputs * p[Slot::GlobalWrite] +
                   (loaded + stored) * inputs * p[Slot::NocBit]);
      // E-TIME-1 of one window on one copy.
      const double computing =
          phases * std::max(p[Slot::ReadSeconds],
                            std::min(share, width) * p[Slot::Cycle]);
      BoxWork work;
      work.count = count;
      work.windows = windows;
      work.trips = real(q.trips);
      work.decided = b.copies >= 0;
      const double mostWide = G * real(q.cols) * mostColumns(design, b);
      work.most_arrays =
          G * std::ceil(K / leastRows) * std::ceil(mostWide / G / leastCols);
      if (dense)
        work.most_arrays =
            std::max(work.most_arrays, std::ceil(G * K / leastRows) *
                                           std::ceil(mostWide / leastCols));
      work.seconds = computing + p[Slot::Setup];
      const double exact = K * G * width / cells;
      work.arrays = wide ? exact : std::ceil(exact);
      // A layer whose copies are decided has these.
      work.copies = copied ? infinity : 1;
      double fewest = 1;
      if (b.copies >= 0) {
        fewest = infinity;
        double most = 0;
        eachValue(design, b.copies, [&](double v) {
          most = std::max(most, v > 0 ? v : work.copies);
          fewest = std::min(fewest, std::max(v, 1.0));
        });
        work.copies = most;
      }
      work.copies = std::min(work.copies, real(q.windows));
      // E-TIME-2: the ports of all tiles, and that of the global buffer.
      work.tile = (loaded * inputs + rowBits + 2 * partials) * p[Slot::TileBit];
      work.global = (loaded + stored) * inputs * p[Slot::GlobalBit];
      held[m] += count * std::ceil(exact) * fewest;
      fetched[m] += count * real(q.weight_elements) * bitsOfWeight;
      perCell[m] = std::max(perCell[m], bitsOfWeight / columns);
      roots[m] += count * std::sqrt(windows * work.seconds * work.arrays);
      energy += count * work.arrays * windows * computing * p[Slot::LeakAtWork];
      works[m].push_back(work);
    }
    needed = std::max(needed, held[m]);
    fixed[m].energy_j = energy;
  }

  const bool anyCopies = copied || copiesKnobs;
  const bool stays = high(segments, 0) > 0;
  // Copies by one number of windows, or one.
  const bool balanced =
      !unfolds && high(replication, 0) <=
                      static_cast<double>(mapping::Replication::Balanced);
  std::vector<double> lowest(problem.objectives.size(), infinity);
  bool some = false;
  int broken = static_cast<int>(mapping::Rule::Capacity);
  const double perArray = p[Slot::AreaCells] + p[Slot::AreaDrivers] +
                          p[Slot::AreaAdc] + p[Slot::AreaShiftAdd] +
                          p[Slot::AreaControl];
  for (const Arrays &a : arraysOf(design)) {
    if (nonvolatile && needed > a.number)
      continue;
    const double area =
        a.number * perArray +
        a.fewest_tiles * (p[Slot::AreaTile] + p[Slot::AreaDigital]) +
        p[Slot::AreaGlobal] + p[Slot::AreaNoc];
    if (areaConstraint >= 0 && area * slack > areaLimit) {
      if (!some)
        broken = areaConstraint;
      break; // more arrays are larger
    }
    const double leakage = a.number * p[Slot::LeakArray] +
                           a.fewest_tiles * p[Slot::LeakTile] +
                           p[Slot::LeakRest];
    bool exists = true;
    for (size_t m = 0; m < numModels; ++m) {
      double products = 0, spread = 0, numProducts = 0, alone = 0;
      for (const BoxWork &w : works[m])
        alone += w.decided ? 0 : w.count * w.arrays * (w.windows / w.trips);
      // As many windows per copy for all products leave too few arrays.
      const double perCopy = std::max(1.0, std::ceil(alone / a.number - 1e-6));
      double equal = 0;
      for (const BoxWork &w : works[m]) {
        // Of the same arrays a larger product takes turns.
        const double most = w.arrays > a.number
                                ? a.number / w.arrays
                                : std::clamp(std::floor(a.number / w.arrays),
                                             1.0, std::max(1.0, w.copies));
        products += w.count * std::max({w.windows * w.seconds / most,
                                        w.tile / a.most_tiles, w.global});
        spread += w.count * std::sqrt(std::max(w.windows * w.seconds * w.arrays,
                                               w.tile * a.core));
        numProducts += w.count;
        const double windows = w.windows / w.trips;
        const double copies = w.decided ? std::max(1.0, w.copies)
                              : copied  ? std::ceil(windows / perCopy)
                                        : 1;
        const double inCore = std::floor(a.core / w.most_arrays);
        const double cores = inCore >= 1
                                 ? std::ceil(copies / inCore)
                                 : copies * std::ceil(w.most_arrays / a.core);
        equal += w.count *
                 std::max({w.seconds * w.trips * std::ceil(windows / copies),
                           w.tile / std::min(cores, a.most_tiles), w.global});
      }
      double operations = boxes[m].operations;
      if (lanes)
        operations += boxes[m].macs;
      const double digital = operations * p[Slot::LaneSeconds] / a.most_tiles;
      models[m] = fixed[m];
      // All on the chip, each with arrays of its own: copies and tiles of a
      // product are at most its arrays over those of one, and two tiles more
      // than its cores. The least sum of time_i / arrays_i is that of Cauchy
      // and Schwarz.
      double latency = products;
      if (anyCopies)
        latency = std::max(latency, roots[m] * roots[m] / a.number);
      latency = std::max(latency, spread * spread /
                                      (a.number + 2 * a.core * numProducts));
      if (balanced)
        latency = std::max(latency, equal);
      if (!nonvolatile) {
        // In turns: what does not stay is fetched for every run.
        const double stay = stays ? a.number * cells * perCell[m] : 0;
        const double bits = std::max(0.0, fetched[m] - stay);
        const double swapped = products + bits * p[Slot::MemorySeconds];
        if (held[m] <= a.number) {
          latency = std::min(latency, swapped);
        } else if (p[Slot::MemoryBit] == infinity) {
          exists = false;
          break;
        } else {
          latency = swapped;
          models[m].energy_j += bits * p[Slot::MemoryBit];
        }
      }
      models[m].latency_s = latency + digital;
      models[m].energy_j += leakage * models[m].latency_s;
    }
    if (!exists) {
      if (!some)
        broken = static_cast<int>(mapping::Rule::ExternalMemory);
      continue;
    }
    const JointProblem::Figures figures{area, models, {}};
    if (int limit = limitBroken(figures); limit >= 0) {
      if (!some)
        broken = limit;
      continue;
    }
    some = true;
    const std::vector<double> here = lowObjectives(figures);
    for (size_t j = 0; j < lowest.size(); ++j)
      lowest[j] = std::min(lowest[j], here[j]);
  }
  if (some)
    bound.objectives = std::move(lowest);
  else
    bound.broken = broken;
}
