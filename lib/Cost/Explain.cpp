//===- Explain.cpp - Why a price is what it is ----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Explain.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <utility>

using namespace imc;
using namespace imc::cost;
using llvm::json::Object;
using llvm::json::Value;

static constexpr size_t index(Time time) { return static_cast<size_t>(time); }

template <size_t N>
static size_t largest(const std::array<double, N> &values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) -
                             values.begin());
}

// E-ROOF: an array at work takes all its driven rows times the weights of its
// columns through all input phases.
Ceilings imc::cost::ceilings(const machine::Machine &m, const mapping::Knobs &k,
                             const Prices &p) {
  Ceilings c;
  const double weights =
      static_cast<double>(m.array.cols) /
      static_cast<double>(mapping::columnsPerWeight(k, m.cell.bits));
  const double phases =
      static_cast<double>((k.input_bits + m.dac.bits - 1) / m.dac.bits);
  const double cycles =
      std::max(p.read_cycles, static_cast<double>(m.columnsPerAdc()));
  c.array_macs_per_s = static_cast<double>(m.drivenRows()) * weights /
                       (phases * cycles * p.cycle + p.setup);
  c.lane_macs_per_s = 1 / p.lane_operation;
  c.global_bytes_per_s = 1 / (8 * p.global_bit);
  c.memory_bytes_per_s = p.has_memory ? 1 / (8 * p.memory_bit_time) : 0;
  return c;
}

// E-BOUND
std::array<double, numTimes> imc::cost::latencyWithout(const LayerCost &layer,
                                                       size_t free) {
  std::array<double, numTimes> streams = layer.alone_s, time{};
  double fetch = layer.fetch_s, write = layer.write_s;
  if (free != numTimes)
    streams[free] = 0;
  if (free == index(Time::Memory))
    fetch = 0;
  if (free == index(Time::Programming))
    write = 0;
  // Chain and Fill come on top of what overlaps.
  for (Time added : {Time::Chain, Time::Fill})
    time[index(added)] = std::exchange(streams[index(added)], 0);
  const size_t bound = largest(streams);
  time[bound] += streams[bound];
  time[index(fetch >= write ? Time::Memory : Time::Programming)] +=
      std::max(fetch, write);
  return time;
}

Binding imc::cost::binding(llvm::ArrayRef<const LayerCost *> layers) {
  auto sum = [&](size_t free) {
    std::array<double, numTimes> times{};
    for (const LayerCost *layer : layers)
      for (auto [total, part] :
           llvm::zip_equal(times, latencyWithout(*layer, free)))
        total += part;
    return times;
  };
  auto total = [](const std::array<double, numTimes> &times) {
    double seconds = 0;
    for (double time : times)
      seconds += time;
    return seconds;
  };
  const std::array<double, numTimes> now = sum(numTimes);
  const size_t by = largest(now);
  const std::array<double, numTimes> then = sum(by);
  return {static_cast<Time>(by), static_cast<Time>(largest(then)),
          total(now) - total(then)};
}

// E-PHASE
Phases imc::cost::phasesOf(llvm::ArrayRef<const LayerCost *> layers) {
  Phases sum;
  for (const LayerCost *layer : layers) {
    const double program = std::max(layer->fetch_s, layer->write_s);
    const double chain = layer->latency_by_s[index(Time::Chain)];
    const double ends = layer->latency_by_s[index(Time::Fill)];
    sum.program_s += program;
    sum.fill_s += ends - layer->drain_s;
    sum.steady_s += layer->latency_s - program - chain - ends;
    sum.chain_s += chain;
    sum.drain_s += layer->drain_s;
  }
  return sum;
}

Phases imc::cost::phasesOf(const ModelCost &model) {
  std::vector<const LayerCost *> layers;
  for (const LayerCost &layer : model.layers)
    layers.push_back(&layer);
  return phasesOf(layers);
}

Object imc::cost::toJSON(const Phases &p) {
  return Object{{"program_s", p.program_s},
                {"fill_s", p.fill_s},
                {"steady_s", p.steady_s},
                {"chain_s", p.chain_s},
                {"drain_s", p.drain_s}};
}

namespace {
/// Adds up what a roofline needs.
struct Traffic {
  double macs = 0, seconds = 0;
  bool lanes = false; ///< products of two activations among them
  double tile = 0, global = 0, noc = 0, memory = 0; ///< bits
  std::array<double, numTimes> alone{};

  void add(const LayerCost &layer) {
    const Counts &c = layer.counts;
    macs += static_cast<double>(layer.run_macs);
    seconds += layer.latency_s;
    lanes |= c.macs > 0;
    tile += c.tile_reads + c.tile_writes;
    global += c.global_reads + c.global_writes;
    noc += c.noc_bits;
    memory += c.spill_bits + c.reload_bits;
    for (auto [total, part] : llvm::zip_equal(alone, layer.alone_s))
      total += part;
    alone[index(Time::Memory)] += layer.fetch_s;
    alone[index(Time::Programming)] += layer.write_s;
  }
};
} // namespace

// E-ROOF
static Roofline makeRoofline(const Traffic &t, double arrays,
                             const Ceilings &ceilings) {
  Roofline r;
  if (t.macs == 0)
    return r;
  r.peak_macs_per_s = arrays * ceilings.array_macs_per_s +
                      (t.lanes ? ceilings.lane_macs_per_s : 0);
  if (t.seconds > 0)
    r.attained_macs_per_s = t.macs / t.seconds;
  r.roof = arrays > 0 ? Time::Compute : Time::Digital;
  r.roof_macs_per_s = r.peak_macs_per_s;
  auto level = [&](RooflineLevel &out, double bits, Time stream,
                   double bandwidth) {
    const double seconds = t.alone[index(stream)];
    out.bytes = bits / 8;
    out.bytes_per_s = bandwidth;
    if (bits == 0)
      return;
    out.macs_per_byte = t.macs / out.bytes;
    if (seconds == 0) // no external memory: the design is infeasible
      return;
    out.bytes_per_s = out.bytes / seconds;
    out.macs_per_s = t.macs / seconds;
    if (out.macs_per_s < r.roof_macs_per_s) {
      r.roof = stream;
      r.roof_macs_per_s = out.macs_per_s;
    }
  };
  level(r.tile_buffer, t.tile, Time::TileBuffer, 0);
  level(r.global_buffer, t.global, Time::GlobalBuffer,
        ceilings.global_bytes_per_s);
  level(r.noc, t.noc, Time::Noc, 0);
  level(r.memory, t.memory, Time::Memory, ceilings.memory_bytes_per_s);
  return r;
}

Roofline imc::cost::roofline(const ModelCost &model,
                             const workload::Workload &workload) {
  Traffic traffic;
  for (const LayerCost &layer : model.layers)
    traffic.add(layer);
  return makeRoofline(traffic, static_cast<double>(model.placed_arrays),
                      model.ceilings);
}

std::vector<NodeCost>
imc::cost::costByNode(const ModelCost &model,
                      const workload::Workload &workload) {
  std::vector<NodeCost> nodes;
  std::vector<std::vector<const LayerCost *>> entries;
  std::vector<bool> hasProduct;
  llvm::StringMap<size_t> slots;
  for (size_t i = 0, e = model.layers.size(); i != e; ++i) {
    const workload::Layer &layer = workload.layers[i];
    const LayerCost &cost = model.layers[i];
    auto [slot, isNew] = slots.try_emplace(layer.name, nodes.size());
    const size_t n = slot->second;
    if (isNew) {
      NodeCost node;
      node.name = layer.name;
      node.op = layer.op;
      node.shape = layer.shape;
      nodes.push_back(std::move(node));
      entries.emplace_back();
      hasProduct.push_back(false);
    }
    NodeCost &node = nodes[n];
    // The product says what the node is; the digital work around it does not.
    if (!layer.digital() && !hasProduct[n]) {
      node.op = layer.op;
      node.shape = layer.shape;
      hasProduct[n] = true;
    }
    node.macs += cost.macs;
    node.arrays += cost.arrays;
    node.copies = std::max(node.copies, cost.copies);
    node.mvms += cost.mvms;
    node.energy_j += cost.total_energy_j;
    node.latency_s += cost.latency_s;
    for (size_t c = 0; c != numEnergies; ++c)
      node.energy_by_j[c] += cost.energy_j[c];
    entries[n].push_back(&cost);
  }
  for (auto [node, layers] : llvm::zip_equal(nodes, entries)) {
    node.binding = binding(layers);
    Traffic traffic;
    double arrays = 0, cells = 0;
    // What the layer itself says, which does not depend on streams alone.
    std::array<double, numTimes> times{};
    for (const LayerCost *layer : layers) {
      traffic.add(*layer);
      arrays += layer->counts.arrays;
      cells += layer->programmed_cells;
      for (auto [total, part] : llvm::zip_equal(times, layer->latency_by_s))
        total += part;
    }
    node.bound_by = static_cast<Time>(largest(times));
    node.alone_s = traffic.alone;
    node.phases = phasesOf(layers);
    if (node.arrays > 0)
      node.utilization =
          cells / (static_cast<double>(node.arrays) * model.array_cells);
    if (node.latency_s > 0)
      node.compute_share = traffic.alone[index(Time::Compute)] / node.latency_s;
    node.roofline = makeRoofline(traffic, arrays, model.ceilings);
  }
  return nodes;
}

static Object toJSON(const RooflineLevel &level) {
  auto orNull = [](double value) -> Value {
    return value > 0 ? Value(value) : Value(nullptr);
  };
  return Object{{"bytes", level.bytes},
                {"bytes_per_s", orNull(level.bytes_per_s)},
                {"macs_per_byte", orNull(level.macs_per_byte)},
                {"macs_per_s", orNull(level.macs_per_s)}};
}

Object imc::cost::toJSON(const Roofline &r) {
  return Object{
      {"peak_macs_per_s", r.peak_macs_per_s},
      {"attained_macs_per_s", r.attained_macs_per_s},
      {"tile_buffer", ::toJSON(r.tile_buffer)},
      {"global_buffer", ::toJSON(r.global_buffer)},
      {"noc", ::toJSON(r.noc)},
      {"memory", ::toJSON(r.memory)},
      {"roof", r.roof_macs_per_s > 0 ? Value(name(r.roof)) : Value(nullptr)},
      {"roof_macs_per_s", r.roof_macs_per_s}};
}

std::string imc::cost::withPrefix(double value, llvm::StringRef unit) {
  static constexpr struct {
    double factor;
    const char *prefix;
  } prefixes[] = {{1e12, "T"}, {1e9, "G"},  {1e6, "M"},  {1e3, "k"},  {1, ""},
                  {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
  if (value == 0)
    return ("0 " + unit).str();
  const double size = value < 0 ? -value : value;
  for (const auto &[factor, prefix] : prefixes)
    if (size >= factor || factor == 1e-12)
      return llvm::formatv("{0:f3} {1}{2}", value / factor, prefix, unit).str();
  return "";
}

/// "adc 1.2 mJ (40 %), cells ..." from the largest down to 1 %.
template <typename Component, size_t N>
static std::string shares(const std::array<double, N> &parts, double whole,
                          llvm::StringRef unit) {
  std::array<size_t, N> order;
  for (size_t i = 0; i != N; ++i)
    order[i] = i;
  llvm::sort(order, [&](size_t a, size_t b) {
    return parts[a] != parts[b] ? parts[a] > parts[b] : a < b;
  });
  std::string text;
  for (size_t i : order) {
    if (parts[i] <= 0 || parts[i] < 0.01 * whole)
      break;
    text += llvm::formatv("{0}{1} {2} ({3:f0} %)", text.empty() ? "" : ", ",
                          name(static_cast<Component>(i)),
                          withPrefix(parts[i], unit), 100 * parts[i] / whole);
  }
  return text.empty() ? "nothing" : text;
}

std::string imc::cost::describe(const Phases &p) {
  std::string text;
  for (auto [name, seconds] :
       {std::pair("program", p.program_s), std::pair("fill", p.fill_s),
        std::pair("steady", p.steady_s), std::pair("chain", p.chain_s),
        std::pair("drain", p.drain_s)})
    if (seconds > 0)
      text += llvm::formatv("{0}{1} {2}", text.empty() ? "" : ", ", name,
                            withPrefix(seconds, "s"));
  return text.empty() ? "nothing" : text;
}

void imc::cost::printExplanation(const ModelCost &model,
                                 const workload::Workload &workload,
                                 llvm::raw_ostream &os) {
  auto roofs = [&](const Roofline &r) {
    if (r.roof_macs_per_s == 0)
      return;
    os << llvm::formatv("    roofline  {0} of {1} peak; lowest roof {2} at {3}",
                        withPrefix(r.attained_macs_per_s, "MAC/s"),
                        withPrefix(r.peak_macs_per_s, "MAC/s"), name(r.roof),
                        withPrefix(r.roof_macs_per_s, "MAC/s"));
    for (auto [level, text] : {std::pair(&r.global_buffer, "global buffer"),
                               std::pair(&r.memory, "external memory")})
      if (level->bytes > 0)
        os << llvm::formatv("; {0:f1} MAC/B of {1} at {2}",
                            level->macs_per_byte, text,
                            withPrefix(level->bytes_per_s, "B/s"));
    os << "\n";
  };
  os << "\n"
     << model.name << ", whole model\n    phases    "
     << describe(phasesOf(model)) << "\n";
  roofs(roofline(model, workload));
  for (const NodeCost &node : costByNode(model, workload)) {
    os << "  " << node.name << " (" << node.op
       << (node.shape.empty() ? "" : ", ") << node.shape << ")\n"
       << "    energy    " << withPrefix(node.energy_j, "J") << ": "
       << shares<Energy>(node.energy_by_j, node.energy_j, "J") << "\n"
       << "    latency   " << withPrefix(node.latency_s, "s")
       << "; streams alone: " << shares<Time>(node.alone_s, node.latency_s, "s")
       << "\n"
       << "    phases    " << describe(node.phases) << "\n"
       << "    bound by  " << name(node.bound_by);
    if (node.latency_s > 0)
      os << llvm::formatv("; without it {0} binds, {1} ({2:f0} %) sooner",
                          name(node.binding.next),
                          withPrefix(node.binding.slack_s, "s"),
                          100 * node.binding.slack_s / node.latency_s);
    os << "\n";
    if (node.arrays > 0)
      os << llvm::formatv("    arrays    {0} x {1} copies, {2:f1} % of their "
                          "cells programmed, at work {3:f1} % of the time\n",
                          node.arrays, node.copies, 100 * node.utilization,
                          100 * node.compute_share);
    roofs(node.roofline);
  }
}
