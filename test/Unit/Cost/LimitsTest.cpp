//===- LimitsTest.cpp - Designs that cannot exist
//---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <cmath>

using namespace imc;
using namespace imc::cost;
using mapping::Rule;

static mapping::Knobs packed() {
  mapping::Knobs knobs;
  knobs.group_packing = mapping::GroupPacking::Diagonal;
  return knobs;
}

/// The single violation of a design on ResNet-18.
static mapping::Violation only(const machine::Machine &m,
                               const mapping::Knobs &knobs) {
  Cost cost = evaluate({test::resnet18()}, m, knobs);
  EXPECT_FALSE(cost.feasible);
  EXPECT_EQ(cost.violations.size(), 1u);
  return cost.violations.empty() ? mapping::Violation{} : cost.violations[0];
}

TEST(Limits, ShippedTargetsAreFeasible) {
  // All four networks, below the 800 mm2 of the source paper, nothing lost.
  std::vector<workload::Workload> models = test::networks();
  for (const char *target : {"rram-32nm", "sram-32nm"}) {
    Cost cost = evaluate(models, test::shipped(target), packed());
    EXPECT_TRUE(cost.feasible) << target;
    EXPECT_LT(cost.area_mm2, 800) << target;
    for (const ModelCost &model : cost.models) {
      EXPECT_EQ(model.adc_lost_bits, 0) << target;
      EXPECT_LT(model.power_density_w_mm2, 1) << target;
    }
  }
}

TEST(Limits, Capacity) {
  machine::Machine m = test::shipped("rram-32nm");
  m.hierarchy = {1, 256, 1};
  mapping::Violation v = only(m, packed());
  EXPECT_EQ(v.rule, Rule::Capacity);
  EXPECT_EQ(v.value, 727); // 2-bit cells at 256 x 256, as 8-bit at 128 x 128
  EXPECT_EQ(v.limit, 256);
  EXPECT_EQ(v.where, "resnet18");
  EXPECT_STREQ(mapping::ruleUnit(v.rule), "arrays");
  // Tiles of 16 arrays: 1, 3, 3, 3, 3, 2 | 6, 10 | 10 | 10, 4 | and copies of
  // 20, 36, 72, 144 and 32 arrays, which begin a tile each. 57 stay empty.
  m.hierarchy = {1, 16, 16};
  EXPECT_EQ(only(m, packed()).value, 784);
}

TEST(Limits, SupplyVoltage) {
  machine::Machine m = test::shipped("rram-32nm");
  m.technology.vdd_v = 0.35;
  m.timing.cycle_time_ns = 1000;
  mapping::Violation v = only(m, packed());
  EXPECT_EQ(v.rule, Rule::SupplyVoltage);
  EXPECT_EQ(v.value, 0.35);
  EXPECT_EQ(v.limit, 0.35);
  EXPECT_EQ(v.where, "machine.vdd");
  m.technology.vdd_v = 0.36;
  EXPECT_TRUE(evaluate({test::resnet18()}, m, packed()).feasible);
}

TEST(Limits, CycleTime) {
  machine::Machine m = test::shipped("rram-32nm");
  m.timing.cycle_time_ns = 1;
  mapping::Violation v = only(m, packed());
  EXPECT_EQ(v.rule, Rule::CycleTime);
  EXPECT_EQ(v.value, 1);
  // 1.333 ns x 0.85/0.9 x (0.55/0.5)^1.3 = 1.4250 ns.
  EXPECT_NEAR(v.limit, 1.4250, 1e-4);
  EXPECT_EQ(v.where, "machine.cycle_time_ns");
}

TEST(Limits, ExternalMemory) {
  // Too small for ResNet-18 and nowhere to fetch weights from.
  machine::Machine m = test::shipped("sram-32nm");
  m.memory.kind = 0; // none
  m.global_buffer.size_mib = 32;
  mapping::Violation v = only(m, packed());
  EXPECT_EQ(v.rule, Rule::ExternalMemory);
  EXPECT_EQ(v.value, 8.0 * test::resnet18().parameters);
  // Activations that overflow count as well, on a chip that holds the weights.
  m = test::shipped("rram-32nm");
  m.memory.kind = 0; // none
  EXPECT_TRUE(evaluate({test::resnet18()}, m, packed()).feasible);
  m.global_buffer.size_mib = 0.5;
  v = only(m, packed());
  EXPECT_EQ(v.rule, Rule::ExternalMemory);
  EXPECT_GT(v.value, 0);
}

TEST(Limits, PowerDensity) {
  machine::Machine m = test::shipped("rram-32nm");
  m.technology.max_power_density_w_mm2 = 1e-4;
  mapping::Violation v = only(m, packed());
  EXPECT_EQ(v.rule, Rule::PowerDensity);
  EXPECT_GT(v.value, 1e-4);
  EXPECT_EQ(v.limit, 1e-4);
}

TEST(Limits, Knobs) {
  machine::Machine m = test::shipped("rram-32nm");
  mapping::Knobs knobs = packed();
  knobs.adc_bits = 12;
  mapping::Violation v = only(m, knobs);
  EXPECT_EQ(v.rule, Rule::AdcBits);
  EXPECT_EQ(v.value, 12);
  EXPECT_EQ(v.limit, 10);
  knobs = packed();
  knobs.encoding = mapping::Encoding::TwosComplement;
  v = only(m, knobs);
  EXPECT_EQ(v.rule, Rule::Encoding);
  EXPECT_EQ(v.value, 2);
}

TEST(Limits, PeakPower) {
  machine::Machine m = test::shipped("rram-32nm");
  Cost cost = evaluate({test::resnet18()}, m, packed());
  const double peak = cost.models[0].peak_power_density_w_mm2;
  // Some layer is above the mean.
  EXPECT_GT(peak, cost.models[0].power_density_w_mm2);
  m.technology.max_peak_power_density_w_mm2 = peak;
  EXPECT_TRUE(evaluate({test::resnet18()}, m, packed()).feasible);
  m.technology.max_peak_power_density_w_mm2 = 0.99 * peak;
  mapping::Violation v = only(m, packed());
  EXPECT_EQ(v.rule, Rule::PeakPower);
  EXPECT_EQ(v.value, peak);
  EXPECT_EQ(v.limit, 0.99 * peak);
}

TEST(Limits, ModelsThatStayTogether) {
  machine::Machine m = test::shipped("rram-32nm");
  mapping::Knobs knobs = packed();
  knobs.residency = mapping::Residency::Together;
  std::vector<workload::Workload> models = {test::resnet18(), test::alexnet()};
  Cost cost = evaluate(models, m, knobs);
  EXPECT_TRUE(cost.feasible);
  const int64_t arrays =
      cost.models[0].logical_arrays + cost.models[1].logical_arrays;
  // Room for the larger of the two only: in turn yes, together no.
  m.hierarchy = {
      1, std::max(cost.models[0].logical_arrays, cost.models[1].logical_arrays),
      1};
  EXPECT_TRUE(evaluate(models, m, packed()).feasible);
  cost = evaluate(models, m, knobs);
  ASSERT_EQ(cost.violations.size(), 1u);
  EXPECT_EQ(cost.violations[0].rule, Rule::Capacity);
  EXPECT_EQ(cost.violations[0].value, arrays);
  EXPECT_EQ(cost.violations[0].where, "all models");
  // Copies would belong to one of them.
  m = test::shipped("rram-32nm");
  knobs.replication = mapping::Replication::Balanced;
  cost = evaluate(models, m, knobs);
  ASSERT_EQ(cost.violations.size(), 1u);
  EXPECT_EQ(cost.violations[0].rule, Rule::Residency);
  // One model has nobody to share with.
  EXPECT_TRUE(evaluate({test::alexnet()}, m, knobs).feasible);
}

TEST(Limits, ErrorBoundOfDroppedBits) {
  machine::Machine m = test::shipped("rram-32nm");
  m.array.rows = 4;
  m.cell.bits = 1;
  mapping::Knobs knobs;
  knobs.weight_bits = knobs.input_bits = 2;
  m.adc.bits = 3; // sums of 0 to 4
  EXPECT_EQ(errorBound(m, knobs), 0);
  // Two slices (1 + 2), two phases (1 + 2), 2^1 - 1 each; the largest result
  // is 4 rows of 2 times 3.
  m.adc.bits = 2;
  EXPECT_DOUBLE_EQ(errorBound(m, knobs), 9.0 / 24);
  m.adc.bits = 1;
  EXPECT_DOUBLE_EQ(errorBound(m, knobs), 27.0 / 24);
  knobs.encoding = mapping::Encoding::Differential; // a pair of one bit
  m.adc.bits = 2;
  EXPECT_DOUBLE_EQ(errorBound(m, knobs), 2 * 3.0 / 24);
}

TEST(Limits, ErrorBoundOfClippedSums) {
  machine::Machine m = test::shipped("rram-32nm");
  m.array.rows = 4;
  m.cell.bits = 1;
  mapping::Knobs knobs;
  knobs.weight_bits = knobs.input_bits = 2;
  // Sums of 3 bits; codes 0 to 3 in steps of 1: a 7 is read as 3.
  m.adc.bits = 2;
  m.adc.clip_bits = 1;
  EXPECT_DOUBLE_EQ(errorBound(m, knobs), 9.0 * 4 / 24);
  // 0 and 1, then 0 and 2.
  m.adc.bits = 1;
  m.adc.clip_bits = 2;
  EXPECT_DOUBLE_EQ(errorBound(m, knobs), 9.0 * 6 / 24);
  m.adc.clip_bits = 1;
  EXPECT_DOUBLE_EQ(errorBound(m, knobs), 9.0 * 5 / 24);
}

/// What a converter clips costs quality, and only what it gains pays for it.
TEST(Limits, RangeOfConverters) {
  machine::Machine m = test::shipped("rram-32nm");
  m.array.rows = 256;
  m.cell.bits = 2; // sums of 10 bits
  m.adc.bits = 7;
  mapping::Knobs knobs = packed();
  knobs.encoding = mapping::Encoding::Differential;
  std::vector<double> sqnr, bound;
  for (int64_t clip = 0; clip <= 3; ++clip) {
    m.adc.clip_bits = clip;
    Cost cost = evaluate({test::resnet18()}, m, knobs);
    EXPECT_TRUE(cost.feasible) << clip;
    EXPECT_EQ(cost.models[0].adc_lost_bits, 3) << clip;
    sqnr.push_back(cost.models[0].sqnr_db);
    bound.push_back(cost.models[0].adc_error_bound);
  }
  // Sums of such cells have a mean of 96 and a deviation of 14: below 512 and
  // 256 they all fit, in finer steps. Below 128 some do not, but sums of the
  // highest slice, of one bit, do.
  for (int64_t clip = 1; clip <= 3; ++clip)
    EXPECT_GT(sqnr[size_t(clip)], sqnr[size_t(clip - 1)] + 5) << clip;
  // The worst case only gets worse.
  EXPECT_TRUE(std::is_sorted(bound.begin(), bound.end()));
  m.adc.clip_bits = 4;
  Cost cost = evaluate({test::resnet18()}, m, knobs);
  EXPECT_FALSE(cost.feasible);
  ASSERT_EQ(cost.violations.size(), 1u);
  EXPECT_EQ(cost.violations[0].rule, Rule::AdcRange);
  EXPECT_EQ(cost.violations[0].value, 4);
  EXPECT_EQ(cost.violations[0].limit, 3);
  EXPECT_EQ(cost.violations[0].where, "machine.adc.clip_bits");
  EXPECT_LT(cost.models[0].sqnr_db, sqnr[3]);
  // Sums of offset cells have a mean of 192.
  knobs.encoding = mapping::Encoding::Offset;
  for (int64_t clip : {0, 3}) {
    m.adc.clip_bits = clip;
    sqnr[size_t(clip)] =
        evaluate({test::resnet18()}, m, knobs).models[0].sqnr_db;
  }
  EXPECT_LT(sqnr[3], sqnr[0] - 10);
}

TEST(Limits, BitsOfAQuantizedModel) {
  machine::Machine m = test::shipped("rram-32nm");
  workload::Workload model = test::resnet18();
  mapping::Knobs knobs = packed();
  knobs.input_bits = 4;
  EXPECT_TRUE(evaluate({model}, m, knobs).feasible);
  model.model_weight_bits = model.model_input_bits = 8;
  Cost cost = evaluate({model}, m, knobs);
  EXPECT_FALSE(cost.feasible);
  ASSERT_EQ(cost.violations.size(), 1u);
  EXPECT_EQ(cost.violations[0].rule, Rule::ModelBits);
  EXPECT_EQ(cost.violations[0].value, 4);
  EXPECT_EQ(cost.violations[0].limit, 8);
  EXPECT_EQ(cost.violations[0].where, "resnet18");
  EXPECT_STREQ(mapping::ruleName(Rule::ModelBits), "model_bits");
  knobs.input_bits = 8;
  EXPECT_TRUE(evaluate({model}, m, knobs).feasible);
}

TEST(Limits, SeveralAtOnceAreAllNamed) {
  machine::Machine m = test::shipped("rram-32nm");
  m.technology.vdd_v = 0.3;
  m.hierarchy = {1, 1, 1};
  Cost cost = evaluate({test::resnet18(), test::alexnet()}, m, {});
  std::vector<Rule> rules;
  for (const mapping::Violation &v : cost.violations)
    rules.push_back(v.rule);
  EXPECT_EQ(rules, (std::vector<Rule>{Rule::SupplyVoltage, Rule::CycleTime,
                                      Rule::Capacity, Rule::Capacity}));
}

// The RRAM lists of the source paper with the converters free. In the paper's
// own model only designs with 8 bits per cell meet 800 mm2; sharing converters
// over more columns opens the others.
TEST(Limits, PaperSpaceHasFeasibleDesigns) {
  const machine::Machine start = test::shipped("rram-32nm");
  const Pricer pricer({test::resnet18(), test::vgg16(), test::alexnet(),
                       test::mobilenetV3Large()});
  std::mt19937_64 random(3);
  auto pick = [&](std::initializer_list<double> values) {
    return values.begin()[random() % values.size()];
  };
  DesignCost result;
  int feasible = 0, lossless = 0, fewBits = 0;
  const int designs = 20000;
  for (int i = 0; i < designs; ++i) {
    machine::Machine m = start;
    m.technology.vdd_v = 0.5 + 0.05 * double(random() % 8);
    m.cell.bits = 1 + int64_t(random() % 8);
    m.timing.cycle_time_ns = pick({1, 2, 4, 6, 8, 10});
    m.array.rows = int64_t(pick({32, 64, 128, 256, 512}));
    m.array.cols = int64_t(pick({32, 64, 128, 256, 512}));
    m.hierarchy.groups = int64_t(pick({1, 2, 4, 8, 16, 32}));
    m.hierarchy.tiles_per_group = int64_t(pick({4, 8, 16, 32, 64}));
    m.hierarchy.macros_per_tile = int64_t(pick({4, 8, 16, 32, 64, 128}));
    m.global_buffer.size_mib = pick({0.5, 1, 2, 4, 8, 16, 32});
    m.adc.bits = 4 + int64_t(random() % 9);
    m.adc.share = int64_t(pick({8, 16, 32, 64, 128, 256, 512}));
    m.dac.bits = int64_t(pick({1, 2, 4}));
    mapping::Knobs k;
    k.group_packing = static_cast<mapping::GroupPacking>(random() % 2);
    k.encoding = static_cast<mapping::Encoding>(random() % 2);
    k.replication = mapping::Replication::Balanced;
    k.weight_bits = 4 + int64_t(random() % 5);
    k.input_bits = 4 + int64_t(random() % 5);
    pricer.price(m, k, result);
    if (!result.feasible || result.area_mm2 > 800)
      continue;
    ++feasible;
    fewBits += m.cell.bits <= 4;
    bool exact = true;
    for (const ModelFigures &f : result.models)
      exact &= f.adc_lost_bits == 0;
    lossless += exact;
  }
  EXPECT_GT(feasible, designs * 3 / 100);
  EXPECT_LT(feasible, designs * 7 / 100);
  EXPECT_GT(fewBits, 100);
  EXPECT_GT(lossless, 5);
}

TEST(Sanity, Resnet18EnergyIsOfTheOrderOfOtherTools) {
  // 1.37 mJ (AccelForge, ISAAC, zero-cost memory) to 1.9 mJ (source paper, 8
  // bits per cell). Four 2-bit cells per weight instead of one: within 10 x.
  Cost rram = evaluate({test::resnet18()}, test::shipped("rram-32nm"), {});
  EXPECT_GT(rram.models[0].energy_j, 1.37e-3);
  EXPECT_LT(rram.models[0].energy_j, 13.7e-3);
  // One 8-bit cell per weight, 8-bit converters: within 2 x of the source
  // paper's 1.9 mJ.
  machine::Machine m = test::shipped("rram-32nm");
  m.cell.bits = 8;
  m.adc.bits = 8;
  double joule = evaluate({test::resnet18()}, m, {}).models[0].energy_j;
  EXPECT_GT(joule, 1.9e-3 / 2);
  EXPECT_LT(joule, 1.9e-3 * 2);
  // AlexNet on SRAM: 61 MB x 8 bits x 8 pJ = 3.9 mJ is a floor.
  Cost sram = evaluate({test::alexnet()}, test::shipped("sram-32nm"), {});
  EXPECT_GT(sram.models[0].energy_j, 3.9e-3);
  EXPECT_LT(sram.models[0].energy_j, 39e-3);
}

// Every field at either end of its range: numbers stay finite and positive,
// or the machine is refused.
TEST(Limits, ExtremesStayFinite) {
  std::vector<workload::Workload> models = test::networks();
  mapping::Knobs knobs = packed();
  knobs.replication = mapping::Replication::Balanced;
  int priced = 0;
  for (const char *target : {"rram-32nm", "sram-32nm"})
    for (const machine::Component &component : machine::schema())
      for (const machine::Field &field : component.fields)
        for (double end : {field.min, field.max}) {
          machine::Machine m = test::shipped(target);
          field.set(m, end);
          if (llvm::Error refused = machine::check(m)) {
            llvm::consumeError(std::move(refused));
            continue;
          }
          Cost cost = evaluate(models, m, knobs);
          ++priced;
          EXPECT_TRUE(std::isfinite(cost.area_mm2) && cost.area_mm2 > 0)
              << target << " " << field.path() << " " << end;
          for (const ModelCost &model : cost.models)
            EXPECT_TRUE(std::isfinite(model.energy_j) && model.energy_j > 0 &&
                        std::isfinite(model.edap_js_mm2) && model.latency_s > 0)
                << target << " " << field.path() << " " << end;
        }
  EXPECT_GT(priced, 200);
}

TEST(Batch, WeightsAreFetchedOncePerRun) {
  workload::Workload one = test::alexnet();
  workload::Workload eight = workload::batched(one, 8);
  EXPECT_EQ(eight.macs(), one.macs());
  machine::Machine m = test::shipped("sram-32nm");
  Cost a = evaluate({one}, m, {}), b = evaluate({eight}, m, {});
  EXPECT_EQ(b.models[0].macs, one.macs());
  EXPECT_EQ(b.models[0].mvms, 8 * a.models[0].mvms);
  // AlexNet on SRAM is bound by its weights: far less than 8 times.
  EXPECT_LT(b.models[0].latency_s, 4 * a.models[0].latency_s);
  EXPECT_GT(b.models[0].throughput_per_s, 2 * a.models[0].throughput_per_s);
  EXPECT_NEAR(b.models[0].throughput_per_s * b.models[0].latency_s, 8, 1e-9);
}

TEST(Json, Contract) {
  std::vector<workload::Workload> models = test::networks();
  machine::Machine m = test::shipped("rram-32nm");
  m.hierarchy = {1, 16, 64};
  Cost cost = evaluate(models, m, packed());
  llvm::json::Value value =
      toJSON(cost, models, "0.1.0", "rram-32nm",
             {{"machine.groups", "1"}, {"pass.group_packing", "diagonal"}});
  const llvm::json::Object &root = *value.getAsObject();
  for (const char *key : {"version", "target", "feasible", "violations",
                          "area_mm2", "models", "area_by_component_mm2"})
    EXPECT_NE(root.get(key), nullptr) << key;
  const llvm::json::Object &target = *root.getObject("target");
  EXPECT_EQ(target.getString("name"), "rram-32nm");
  EXPECT_EQ(target.getObject("knobs")->getNumber("machine.groups"), 1);
  EXPECT_EQ(target.getObject("knobs")->getString("pass.group_packing"),
            "diagonal");
  EXPECT_EQ(root.getBoolean("feasible"), false);
  const llvm::json::Object &violation =
      *(*root.getArray("violations"))[0].getAsObject();
  EXPECT_EQ(violation.getString("rule"), "capacity");
  EXPECT_EQ(violation.getString("unit"), "arrays");
  EXPECT_EQ(violation.getString("where"), "vgg16");
  EXPECT_EQ(violation.getNumber("limit"), 1024);

  const llvm::json::Array &list = *root.getArray("models");
  ASSERT_EQ(list.size(), models.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const llvm::json::Object &model = *list[i].getAsObject();
    for (const char *key :
         {"name", "parameters", "macs", "energy_j", "latency_s",
          "throughput_per_s", "power_w", "edp_js", "edap_js_mm2", "arrays",
          "mvms", "energy_by_component_j", "latency_by_component_s", "layers"})
      EXPECT_NE(model.get(key), nullptr) << key;
    EXPECT_EQ(model.getInteger("macs"), models[i].macs());
    for (const char *key : {"logical", "placed", "capacity", "utilization"})
      EXPECT_NE(model.getObject("arrays")->get(key), nullptr) << key;
    // Digital work is merged into the node whose name it shares.
    const llvm::json::Array &layers = *model.getArray("layers");
    EXPECT_LT(layers.size(), models[i].layers.size());
    double energy = 0;
    int64_t macs = 0;
    for (const llvm::json::Value &entry : layers) {
      const llvm::json::Object &layer = *entry.getAsObject();
      for (const char *key : {"name", "op", "shape", "macs", "arrays", "copies",
                              "mvms", "energy_j", "latency_s", "bound_by"})
        EXPECT_NE(layer.get(key), nullptr) << key;
      energy += *layer.getNumber("energy_j");
      macs += *layer.getInteger("macs");
    }
    EXPECT_EQ(macs, models[i].macs());
    EXPECT_NEAR(energy, cost.models[i].energy_j, 1e-9 * energy);
    EXPECT_EQ((*layers[0].getAsObject()).getString("op"), "conv2d");
  }
  llvm::json::Object figure = toJSON(figures(m));
  for (const char *key : {"area_mm2", "cycle_time_ns", "energy_per_cycle_pj",
                          "tops", "tops_per_w", "tops_per_mm2", "fj_per_mac"})
    EXPECT_TRUE(figure.getNumber(key).has_value()) << key;
}

TEST(Json, Target) {
  machine::TargetSpec spec = llvm::cantFail(machine::loadTarget(
      "sram-32nm", {std::string(IMC_SOURCE_DIR) + "/targets"}));
  llvm::json::Object object =
      toJSON(spec, figures(llvm::cantFail(spec.machine())));
  EXPECT_EQ(object.getString("name"), "sram-32nm");
  EXPECT_GT(*object.getObject("figures")->getNumber("tops"), 0);
  const llvm::json::Object &expected = *object.getObject("expected");
  EXPECT_EQ(expected.size(), spec.expected.size());
  EXPECT_EQ(expected.getObject("area_mm2")->getNumber("value"), 127);
  EXPECT_EQ(expected.getObject("area_mm2")->getNumber("error"), 0.6);
  EXPECT_TRUE(expected.getObject("area_mm2")->getString("source").has_value());
}
