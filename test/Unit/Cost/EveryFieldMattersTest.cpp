//===- EveryFieldMattersTest.cpp - Nothing that a file says is ignored ----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Explain.h"
#include "imc/Cost/Legacy.h"
#include "imc/Cost/Sensitivity.h"

#include "Common.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <iostream>
#include <map>
#include <set>

using namespace imc;
using namespace imc::cost;
using machine::Machine;

/// Small models that meet what a machine can meet: a product of one tile, one
/// that overflows every buffer, more weights than a chip holds, groups, windows
/// in one image, digital work, and products of two activations.
static std::vector<workload::Workload> probes() {
  auto model = [](const char *name, std::vector<workload::Layer> layers) {
    workload::Workload w;
    w.name = name;
    w.layers = std::move(layers);
    return w;
  };
  auto matmul = [](int64_t m, int64_t k, int64_t n) {
    return workload::Layer{"fc", "matmul", "", workload::matmul(m, k, n)};
  };
  const workload::Layer conv{
      "conv", "conv2d", "",
      workload::convolution(1, 16, 14, 14, 24, 3, 3, 1, 1)};
  const workload::Layer depthwise{
      "depthwise", "conv2d", "",
      workload::convolution(1, 24, 14, 14, 24, 3, 3, 1, 1, 24)};
  const workload::Layer relu{"relu", "relu", "",
                             workload::Digital{50000, 50000, 50000}};
  const workload::Layer heavy{"gelu", "gelu", "",
                              workload::Digital{5000000, 5000, 5000}};
  const workload::Layer attention{
      "attention", "batch_matmul", "",
      workload::DynamicProduct{1 << 20, 3 << 14, 1 << 14, 64, 64, 32, 8}};
  return {
      model("tile", {matmul(64, 12, 1)}),
      // On one core nothing of it stays, on others some.
      model("turns", {matmul(4, 6000, 3000), matmul(4, 100, 10),
                      matmul(4, 9000, 3000), matmul(4, 60, 12)}),
      model("single", {matmul(1, 700, 40)}),
      model("network", {conv, relu, depthwise, relu, matmul(1, 4704, 100)}),
      model("groups", {depthwise}),
      model("digital", {heavy, relu}),
      model("stream", {{"outer", "batch_matmul", "",
                        workload::DynamicProduct{1 << 20, 1 << 26, 1 << 20}}}),
      model("attention", {attention, matmul(16, 64, 192)}),
      // 600 MiB of activations, 1 GiB of weights.
      model("wide", {matmul(int64_t(600) << 20 >> 4, 15, 1)}),
      model("wider", {matmul(int64_t(1536) << 20 >> 4, 15, 1)}),
      model("tall", {matmul(int64_t(600) << 20 >> 13, 1 << 13, 1)}),
      model("deep", {matmul(2, 1 << 15, 1 << 15)}),
  };
}

namespace {
/// What a design amounts to. Two designs that agree in it have the same price.
struct Signature {
  std::vector<double> totals;  ///< what `imc cost` and `imc targets` print
  std::vector<double> streams; ///< what `imc cost --explain` adds: every stream
                               ///< of every layer alone
};
} // namespace

/// Pass decisions that everything is stepped from: it has to matter in one of
/// them.
static std::vector<mapping::Knobs> startingPoints() {
  mapping::Knobs plain, packed;
  packed.group_packing = mapping::GroupPacking::Diagonal;
  packed.replication = mapping::Replication::Balanced;
  packed.dynamic_products = mapping::DynamicProducts::Arrays;
  return {plain, packed};
}

static Signature signature(const std::vector<workload::Workload> &models,
                           const Machine &m) {
  Signature s;
  for (const mapping::Knobs &knobs : startingPoints()) {
    const Cost cost = evaluate(models, m, knobs);
    s.totals.push_back(cost.area_mm2);
    for (const ModelCost &model : cost.models) {
      s.totals.insert(s.totals.end(),
                      {model.energy_j, model.latency_s, model.sqnr_db,
                       static_cast<double>(model.adc_lost_bits),
                       model.load_energy_j, model.load_latency_s});
      for (const LayerCost &layer : model.layers) {
        s.streams.insert(s.streams.end(), layer.alone_s.begin(),
                         layer.alone_s.end());
        s.streams.insert(s.streams.end(), {layer.fetch_s, layer.write_s});
      }
    }
    for (const mapping::Violation &v : cost.violations)
      s.totals.insert(s.totals.end(),
                      {static_cast<double>(v.rule) + 1, v.value, v.limit});
  }
  const Figures f = figures(m);
  s.totals.insert(s.totals.end(),
                  {f.area_mm2, f.cycle_time_ns, f.energy_per_cycle_pj, f.tops});
  return s;
}

namespace {
/// A field or knob that may change nothing on some machines, and why.
struct Exception {
  const char *path; ///< `*` stands for anything
  const char *reason;
  bool (*applies)(const Machine &m);
};
} // namespace

static bool matches(llvm::StringRef pattern, llvm::StringRef path) {
  auto [head, tail] = pattern.split('*');
  return head.size() == pattern.size()
             ? path == pattern
             : path.starts_with(head) && path.ends_with(tail);
}

static bool isLegacy(const Machine &m) { return usesLegacy(m); }
static bool isClosed(const Machine &m) { return !usesLegacy(m); }
static bool isExact(const Machine &m) {
  return machine::converterKind(m).exact;
}
static bool atNominalSupply(const Machine &m) {
  return m.technology.vdd_v == m.technology.vdd_nominal_v;
}
static bool hasOneBitInputs(const Machine &m) {
  return m.dac.bits == 1 && (machine::driverKind(m).name == "line" ||
                             machine::driverKind(m).name == "ladder");
}
static bool hasNoMemory(const Machine &m) {
  return machine::memoryKind(m).absent;
}
static bool hasNoBuffers(const Machine &m) {
  const machine::BufferFit &f = m.buffer_fit;
  return f.read_pj == 0 && f.write_pj == 0 && f.area_mm2 == 0 &&
         f.leakage_mw == 0 && f.access_ns == 0;
}

static double ownOf(const char *path, const Machine &m) {
  return machine::findField(path)->get(m);
}
static bool hasOwnTree(const Machine &m) {
  return ownOf("adc.tree_gates", m) > 0;
}
static bool hasOwnPath(const Machine &m) {
  return ownOf("shift_add.place_gates", m) > 0;
}
static bool hasNoPlaceAdders(const Machine &m) {
  const double own = ownOf("shift_add.place_adders", m);
  const int64_t results =
      isExact(m) ? m.dac.bits : mapping::columnsPerWeight({}, m.cell.bits);
  return own == 0 || (own < 0 && results <= 1);
}

static const Exception exceptions[] = {
    // Knobs.
    {"cell.bits", "cells of this kind store 1 bit",
     [](const Machine &m) { return machine::cellKind(m).one_bit; }},
    {"adc.bits", "adder trees are as wide as their sums", isExact},
    {"adc.share", "the source converts all columns within a clock", isLegacy},
    {"pass.replication", "the source always replicates over the whole chip",
     isLegacy},
    {"pass.dynamic_products", "the source has no products of two activations",
     isLegacy},
    {"pass.range", "prices look at no weights and no data (E-SQNR)",
     [](const Machine &) { return true; }},
    {"pass.ties", "converters have steps of 1",
     [](const Machine &m) {
       return mapping::adcBits({}, m) >= mapping::rangeBits(m);
     }},
    {"pass.unfolding", "arrays have the columns of one weight",
     [](const Machine &m) {
       return isClosed(m) &&
              m.array.cols < 2 * mapping::columnsPerWeight({}, m.cell.bits);
     }},
    {"pass.residency", "the source checks networks one by one", isLegacy},
    {"pass.segments", "the source rewrites all arrays", isLegacy},
    {"pass.segments", "cells keep their weights",
     [](const Machine &m) {
       return isClosed(m) && machine::cellKind(m).nonvolatile;
     }},
    {"pass.segments", "all arrays are in one core",
     [](const Machine &m) {
       return isClosed(m) && !machine::cellKind(m).nonvolatile &&
              m.tiles() == 1;
     }},
    {"pass.replication", "one array holds one copy",
     [](const Machine &m) { return isClosed(m) && m.arrays() == 1; }},
    // What belongs to parts that the machine does not have.
    {"accounting.*", "constants of the other accounting", isClosed},
    {"accounting.write_pj", "the source writes volatile cells only",
     [](const Machine &m) {
       return isLegacy(m) && machine::cellKind(m).nonvolatile;
     }},
    {"accounting.narrow_exponent", "the terms that it shapes are 0",
     [](const Machine &m) {
       return isLegacy(m) && m.accounting.narrow_row_area_um2 == 0 &&
              m.accounting.narrow_row_pj == 0;
     }},
    {"memory.bandwidth_gb_s", "no memory outside the chip", hasNoMemory},
    {"buffer_fit.read_*_exponent", "exponents of a factor of 0",
     [](const Machine &m) { return m.buffer_fit.read_pj == 0; }},
    {"buffer_fit.write_*_exponent", "exponents of a factor of 0",
     [](const Machine &m) { return m.buffer_fit.write_pj == 0; }},
    {"buffer_fit.area_*_exponent", "exponents of a factor of 0",
     [](const Machine &m) { return m.buffer_fit.area_mm2 == 0; }},
    {"buffer_fit.leakage_size_exponent", "exponent of a factor of 0",
     [](const Machine &m) { return m.buffer_fit.leakage_mw == 0; }},
    {"buffer_fit.access_size_exponent", "exponent of a factor of 0",
     [](const Machine &m) { return m.buffer_fit.access_ns == 0; }},
    {"technology.min_lifetime_years", "the cells do not wear out",
     [](const Machine &m) { return m.cell.endurance_writes == 0; }},
    {"dac.energy_fj_per_bit", "a 1-bit input is the driver itself",
     hasOneBitInputs},
    {"dac.wire_ff_per_um", "the cells have no width",
     [](const Machine &m) { return m.cell.area_f2 == 0; }},
    {"adc.sense_*", "the survey covers converters from 4 bits on",
     [](const Machine &m) { return m.adc.bits >= 4; }},
    {"adc.tree_sum_gates", "the tree's path is its own", hasOwnTree},
    {"adc.tree_carry_in_gates", "the tree's path is its own", hasOwnTree},
    {"adc.tree_carry_gates", "the tree's path is its own", hasOwnTree},
    {"shift_add.place_sum_gates", "the adders' path is their own", hasOwnPath},
    {"shift_add.place_carry_in_gates", "the adders' path is their own",
     hasOwnPath},
    {"shift_add.place_carry_gates", "the adders' path is their own",
     hasOwnPath},
    {"shift_add.place_activity", "no such adders", hasNoPlaceAdders},
    {"adc.tree_adders", "adders without figures",
     [](const Machine &m) {
       return ownOf("adc.tree_adder_ff", m) == 0 &&
              ownOf("adc.tree_adder_um2", m) == 0;
     }},
    {"shift_add.place_register_um2", "no flip-flops",
     [](const Machine &m) {
       return ownOf("shift_add.place_accumulator_bits", m) == 0 &&
              ownOf("shift_add.place_registers", m) == 0;
     }},
    {"adc.form_gated", "no weight is 0",
     [](const Machine &m) { return m.activity.weight_density == 1; }},
    {"shift_add.place_sum_gates", "at most two partial results are added",
     [](const Machine &m) {
       return (isExact(m) ? m.dac.bits
                          : mapping::columnsPerWeight({}, m.cell.bits)) <= 2;
     }},
    {"buffer_fit.access_ns", "the longest access takes one cycle",
     [](const Machine &m) {
       const machine::Operating o = operate(m, {});
       return machine::findField("buffer_fit.access_ns")->max * o.slower <=
              o.cycle.in(units::ns);
     }},
    // The machine works where its figures are quoted.
    {"technology.node_law", "the node is the quoted one",
     [](const Machine &m) {
       return m.technology.quoted_node_nm == 0 ||
              m.technology.quoted_node_nm == m.technology.node_nm;
     }},
    {"technology.alpha", "the supply is the nominal one", atNominalSupply},
    {"technology.energy_exponent", "the supply is the nominal one",
     atNominalSupply},
};

static const Exception *excused(llvm::StringRef path, const Machine &m) {
  for (const Exception &e : exceptions)
    if (matches(e.path, path) && e.applies(m))
      return &e;
  return nullptr;
}

static machine::TargetSpec specOf(const std::string &target) {
  return llvm::cantFail(
      machine::loadTarget(target, {std::string(IMC_SOURCE_DIR) + "/targets"}));
}

TEST(EveryField, EveryKnobOfEveryMachineMatters) {
  const Pricer pricer(probes());
  for (const std::string &target : test::shippedTargets()) {
    machine::TargetSpec spec = specOf(target);
    const std::vector<machine::Knob> open = spec.knobs;
    spec.resolveAll();
    const Machine m = llvm::cantFail(spec.machine());
    std::map<std::string, std::set<std::string>> effects;
    for (const mapping::Knobs &knobs : startingPoints()) {
      const Sensitivity s = sensitivity(pricer, m, open, knobs);
      for (const KnobSteps &knob : s.knobs)
        for (const Step *step : {&knob.down, &knob.up})
          for (const std::string &effect : changes(s, *step))
            effects[knob.knob].insert(effect);
      for (const KnobSteps &knob : s.knobs)
        effects[knob.knob]; // also those without a step
    }
    for (const auto &[knob, what] : effects) {
      const machine::Field *field = machine::findField(knob);
      const std::string path = field ? field->path() : knob;
      // A step that is refused is no step.
      const bool alive = what.size() > what.count("refused");
      if (const Exception *e = excused(path, m)) {
        EXPECT_FALSE(alive)
            << target << ": " << knob
            << " matters after all; drop the exception '" << e->reason << "'";
        continue;
      }
      EXPECT_TRUE(alive) << target << ": no step of " << knob
                         << " changes anything";
    }
  }
}

/// Values of a field near its own: a factor of 1.5, and the next integers.
static std::vector<double> near(const machine::Field &field, double value) {
  if (field.type == machine::FieldType::Enumeration)
    return {value - 1, value + 1};
  if (field.type == machine::FieldType::Integer)
    return {std::round(value * 1.5),
            std::round(value / 1.5),
            value - 1,
            value + 1,
            value * 2,
            std::floor(value / 2)};
  return {value == 0 ? 1 : value * 1.5, value / 1.5};
}

/// What the field changes at these values; false, false: nothing, or there is
/// no such machine.
struct Effect {
  bool totals = false, streams = false;
};
static Effect effectOf(const machine::Field &field,
                       const std::vector<double> &values,
                       const std::vector<workload::Workload> &models,
                       const Machine &base, const Signature &before) {
  Effect effect;
  for (double value : values) {
    value = std::clamp(value, field.min, field.max);
    if (value == field.get(base))
      continue;
    Machine m = base;
    field.set(m, value);
    if (llvm::Error error = machine::check(m)) {
      llvm::consumeError(std::move(error));
      continue;
    }
    const Signature after = signature(models, m);
    effect.totals |= after.totals != before.totals;
    effect.streams |= after.streams != before.streams;
  }
  return effect;
}

/// Every field of a machine changes something, or says why it does not.
static void expectAllMatter(const std::string &target, const Machine &base) {
  const std::vector<workload::Workload> models = probes();
  const Signature before = signature(models, base);
  std::vector<std::string> hidden, far;
  for (const machine::Component &component : machine::schema())
    for (const machine::Field &field : component.fields) {
      // Another kind needs fields that this machine does not have.
      if (!component.has(field, base) || &field == component.kindField())
        continue;
      const std::string path = field.path();
      // The closed forms of the source read their own constants and the
      // knobs of its search; the test above steps those.
      if (isLegacy(base) && llvm::StringRef(component.name) != "accounting")
        continue;
      const Effect close =
          effectOf(field, near(field, field.get(base)), models, base, before);
      // A limit of 0 is none: the far value of limits is a small one.
      std::vector<double> extremes = {field.min, field.max};
      if (field.type == machine::FieldType::Real && field.min == 0)
        extremes.push_back(1e-9 * field.max);
      const Effect ends = effectOf(field, extremes, models, base, before);
      if (const Exception *e = excused(path, base)) {
        EXPECT_FALSE(close.totals || ends.totals)
            << target << ": " << path << " matters after all; drop the "
            << "exception '" << e->reason << "'";
        continue;
      }
      EXPECT_TRUE(close.totals || close.streams || ends.totals)
          << target << ": no value of " << path << ", now " << field.get(base)
          << ", changes anything";
      if (!close.totals && close.streams)
        hidden.push_back(path);
      else if (!close.totals && ends.totals)
        far.push_back(path);
    }
  auto report = [&](const char *what, const std::vector<std::string> &names) {
    if (!names.empty())
      std::cout << target << ": " << what << ": " << llvm::join(names, ", ")
                << "\n";
  };
  report("streams that something slower hides", hidden);
  report("limits and clocks that only a far value moves", far);
}

TEST(EveryField, EveryFieldOfEveryMachineMatters) {
  for (const std::string &target : test::shippedTargets()) {
    machine::TargetSpec spec = specOf(target);
    spec.resolveAll();
    expectAllMatter(target, llvm::cantFail(spec.machine()));
  }
}

// Kinds that no shipped machine has: their component files in place of those of
// rram-32nm. Together they are all kinds of these components.
TEST(EveryField, EveryFieldOfOtherComponentsMatters) {
  std::set<std::string> seen;
  for (const std::vector<std::string> &files :
       std::vector<std::vector<std::string>>{
           {"buffer-edram-32nm", "noc-htree-32nm", "memory-ddr4-3200"},
           {"buffer-registers-32nm", "noc-bus-32nm", "digital-simd-32nm"}}) {
    std::string text =
        "name: " + files.front() + "\ninclude:\n  - ../rram-32nm/target.yaml\n";
    for (const std::string &file : files)
      text += "  - " + file + ".yaml\n";
    // As fast as the logic: at a fixed clock no delay needs another cycle.
    text += "timing:\n  cycle_time_ns: 0\n";
    llvm::Expected<machine::TargetSpec> spec = machine::parseTarget(
        text, std::string(IMC_SOURCE_DIR) + "/targets/components/none.yaml");
    ASSERT_TRUE(bool(spec)) << llvm::toString(spec.takeError());
    const Machine m = llvm::cantFail(spec->machine());
    expectAllMatter(spec->name, m);
    for (const machine::Socket &socket : machine::sockets())
      seen.insert(machine::kindsOf(socket.slot)[size_t(socket.kind(m))].name);
  }
  for (const char *kind : {"edram", "registers", "bus", "htree", "dram_sheet",
                           "simd", "fit", "lanes", "lpddr4"})
    EXPECT_TRUE(seen.count(kind)) << kind;
}
