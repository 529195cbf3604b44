//===- MixedBitsTest.cpp - Products with bits of their own ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E-MIXED against its definition: a product costs what it costs in a model all
// of whose products have its bits.
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "imc/Cost/Legacy.h"
#include "test/Unit/Schedule/Loops.h"

#include <cmath>

using namespace imc;
using namespace imc::cost;

namespace {

int64_t in(std::mt19937_64 &random, int64_t least, int64_t most) {
  return least + int64_t(random() % uint64_t(most - least + 1));
}

/// Bits of its own for most products, at most those of the knobs.
void mix(workload::Workload &w, const mapping::Knobs &k,
         std::mt19937_64 &random) {
  for (const workload::Layer &layer : w.layers)
    if (layer.product() && random() % 4 != 0) {
      llvm::cantFail(workload::setLayer(w, layer.name, "weight_bits",
                                        in(random, 2, k.weight_bits)));
      llvm::cantFail(workload::setLayer(w, layer.name, "input_bits",
                                        in(random, 1, k.input_bits)));
    }
}

/// The same without bits of single layers.
workload::Workload uniform(workload::Workload w) {
  w.mixed_bits = false;
  for (workload::Layer &layer : w.layers)
    if (auto *product = std::get_if<workload::Product>(&layer.work))
      product->weight_bits = product->input_bits = 0;
  return w;
}

} // namespace

TEST(MixedBits, ALayerCostsWhatItCostsInAUniformModel) {
  std::mt19937_64 random(20261122);
  int compared = 0, narrow = 0, rewritten = 0;
  for (int trial = 0; trial != 60; ++trial) {
    test::Design d = test::randomDesign(
        test::shipped(trial % 2 ? "sram-32nm" : "rram-32nm"), random);
    d.machine.adc.clip_bits = 0;
    d.knobs.replication = mapping::Replication::None;
    d.knobs.segments = mapping::Segments::SwapAll;
    d.knobs.encoding = static_cast<mapping::Encoding>(trial % 2);
    if (!mapping::check(d.knobs, d.machine).empty())
      continue;
    const Prices prices = priceDesign(d.machine, d.knobs);
    for (workload::Workload &network : test::networks()) {
      mix(network, d.knobs, random);
      ASSERT_TRUE(network.mixed_bits);
      const mapping::Plan plan = mapping::plan(network, d.machine, d.knobs);
      const ModelCost mixed =
          evaluate(network, plan, d.machine, d.knobs).models.front();
      const ModelCost plain =
          evaluate(uniform(network), d.machine, d.knobs).models.front();
      double energy = 0, latency = 0, noise = 0;
      int64_t arrays = 0;
      size_t next = 0;
      for (size_t i = 0; i != network.layers.size(); ++i) {
        const workload::Layer &layer = network.layers[i];
        LayerCost alone;
        if (const workload::Product *p = layer.product()) {
          const mapping::PlacedProduct &placed = plan.products[next++];
          const mapping::Knobs own = mapping::knobsOf(*p, d.knobs);
          workload::Layer bare = layer;
          auto &product = std::get<workload::Product>(bare.work);
          product.weight_bits = product.input_bits = 0;
          const mapping::Tiling t = mapping::tile(product, d.machine, own);
          // What an action costs is the chip's.
          priceLayer(bare, t, placed.copies, placed.rounds, d.machine, own,
                     prices, alone, placed.first_array);
          Prices rounded = priceDesign(d.machine, own);
          noise += noiseToSignal(product, t, rounded);
          arrays += t.arrays();
          narrow += own.weight_bits < d.knobs.weight_bits;
          rewritten += placed.rounds > 0;
          EXPECT_EQ(t.columns_per_weight, placed.tiling.columns_per_weight);
          EXPECT_EQ(t.phases, placed.tiling.phases);
          EXPECT_EQ(mixed.layers[i].energy_j, alone.energy_j) << layer.name;
          EXPECT_EQ(mixed.layers[i].counts.reload_bits,
                    alone.counts.reload_bits);
          EXPECT_EQ(mixed.layers[i].counts.conversions,
                    alone.counts.conversions);
        } else {
          alone = plain.layers[i];
          noise += layer.dynamicProduct() && alone.arrays
                       ? noiseToSignal(layer.dynamicProduct()->stored(),
                                       mapping::tile(*layer.dynamicProduct(),
                                                     d.machine, d.knobs),
                                       prices)
                       : 0;
        }
        energy += alone.total_energy_j;
        latency += alone.latency_s;
        ++compared;
      }
      EXPECT_EQ(mixed.energy_j, energy);
      EXPECT_EQ(mixed.latency_s, latency);
      EXPECT_EQ(mixed.logical_arrays, arrays);
      EXPECT_EQ(mixed.sqnr_db, -10 * std::log10(noise));
      ASSERT_FALSE(HasFailure()) << network.name << " " << trial;
    }
  }
  EXPECT_GT(compared, 2000);
  EXPECT_GT(narrow, 500);
  EXPECT_GT(rewritten, 200);
}

TEST(MixedBits, TheFastPathGivesTheSameDoubles) {
  std::mt19937_64 random(7);
  std::vector<workload::Workload> networks = test::networks();
  mapping::Knobs widest;
  for (workload::Workload &network : networks)
    mix(network, widest, random);
  const Pricer pricer(networks);
  DesignCost fast; // one: its memo must tell designs apart
  int broken = 0, feasible = 0;
  for (int trial = 0; trial != 300; ++trial) {
    test::Design d = test::randomDesign(
        test::shipped(trial % 2 ? "sram-32nm" : "rram-32nm"), random);
    // Few kinds of arrays, many encodings and bits per cell.
    d.machine.array.rows = d.machine.array.cols = 64;
    d.machine.hierarchy.macros_per_tile = 8;
    d.knobs.group_packing = mapping::GroupPacking::Single;
    if (trial % 4 != 0)
      d.knobs.weight_bits = d.knobs.input_bits = 8;
    const Cost slow = evaluate(pricer.workloads(), d.machine, d.knobs);
    pricer.price(d.machine, d.knobs, fast);
    ASSERT_EQ(slow.feasible, fast.feasible);
    for (size_t i = 0; i != slow.models.size(); ++i) {
      EXPECT_EQ(slow.models[i].energy_j, fast.models[i].energy_j);
      EXPECT_EQ(slow.models[i].latency_s, fast.models[i].latency_s);
      EXPECT_EQ(slow.models[i].sqnr_db, fast.models[i].sqnr_db);
      EXPECT_EQ(slow.models[i].logical_arrays, fast.models[i].logical_arrays);
    }
    ASSERT_EQ(slow.violations.size(), fast.violations.size());
    for (size_t i = 0; i != slow.violations.size(); ++i)
      broken += slow.violations[i].rule == mapping::Rule::ModelBits;
    feasible += slow.feasible;
    ASSERT_FALSE(HasFailure()) << trial;
  }
  EXPECT_GT(broken, 0);
  EXPECT_GT(feasible, 5);
}

/// A resolution of its own, `bits` or at random, for every product or most.
static void convert(workload::Workload &w, int64_t bits, int64_t most,
                    std::mt19937_64 &random) {
  for (const workload::Layer &layer : w.layers)
    if (layer.product() && (bits || random() % 4 != 0))
      llvm::cantFail(workload::setLayer(w, layer.name, "adc_bits",
                                        bits ? bits : in(random, 4, most)));
}

// Converters that all stop after b bits are those of pass.adc_bits = b.
TEST(MixedBits, ConversionsOfAllLayersAreThoseOfTheKnob) {
  std::mt19937_64 random(41);
  int compared = 0, lossy = 0, fewer = 0;
  for (int trial = 0; trial != 400; ++trial) {
    test::Design d = test::randomDesign(
        test::shipped(trial % 2 ? "sram-32nm" : "rram-32nm"), random);
    d.knobs.adc_bits = 0;
    mapping::Knobs less = d.knobs;
    less.adc_bits = in(random, 4, d.machine.adc.bits);
    if (!mapping::check(d.knobs, d.machine).empty() ||
        !mapping::check(less, d.machine).empty())
      continue;
    std::vector<workload::Workload> own = {test::alexnet(),
                                           test::lstm(5, 2, 0, 70, 0)};
    const Cost want = evaluate(own, d.machine, less);
    const Cost all = evaluate(own, d.machine, d.knobs);
    for (workload::Workload &w : own)
      convert(w, less.adc_bits, 0, random);
    const Cost got = evaluate(own, d.machine, d.knobs);
    EXPECT_EQ(got.area_mm2, want.area_mm2);
    EXPECT_EQ(got.violations.size(), want.violations.size());
    for (size_t i = 0; i != own.size(); ++i) {
      const ModelCost &a = got.models[i], &b = want.models[i];
      EXPECT_EQ(a.energy_by_component_j, b.energy_by_component_j);
      EXPECT_EQ(a.energy_j, b.energy_j);
      EXPECT_EQ(a.latency_s, b.latency_s);
      EXPECT_EQ(a.sqnr_db, b.sqnr_db);
      EXPECT_EQ(a.adc_lost_bits, b.adc_lost_bits);
      EXPECT_EQ(a.adc_error_bound, b.adc_error_bound);
      lossy += a.adc_lost_bits > all.models[i].adc_lost_bits;
      fewer += a.energy_by_component_j[size_t(Energy::Adc)] <
               all.models[i].energy_by_component_j[size_t(Energy::Adc)];
    }
    ++compared;
    ASSERT_FALSE(HasFailure()) << trial;
  }
  EXPECT_GT(compared, 50);
  EXPECT_GT(lossy, 20);
  EXPECT_GT(fewer, 50);
}

// One layer is priced as in a model all of whose converters have its bits, and
// the fast path gives the same doubles, also of loops and of other bits.
TEST(MixedBits, ConversionsOfSingleLayers) {
  std::mt19937_64 random(42);
  int feasible = 0, broken = 0, rewritten = 0, compared = 0;
  DesignCost fast;
  for (int trial = 0; trial != 300; ++trial) {
    test::Design d = test::randomDesign(
        test::shipped(trial % 2 ? "sram-32nm" : "rram-32nm"), random);
    d.knobs.adc_bits = trial % 3 ? 0 : d.knobs.adc_bits;
    std::vector<workload::Workload> models = test::networks();
    models.push_back(test::lstm(5, 2, 0, 700, 0));
    for (workload::Workload &w : models) {
      convert(w, 0, trial % 5 ? mapping::adcBits(d.knobs, d.machine) : 12,
              random);
      if (trial % 2)
        mix(w, d.knobs, random);
    }
    const Cost slow = evaluate(models, d.machine, d.knobs);
    const Pricer pricer(models);
    pricer.price(d.machine, d.knobs, fast);
    EXPECT_EQ(slow.feasible, fast.feasible);
    ASSERT_EQ(slow.violations.size(), fast.violations.size());
    for (size_t i = 0; i != slow.violations.size(); ++i) {
      EXPECT_EQ(slow.violations[i].rule, fast.violations[i].rule);
      EXPECT_EQ(slow.violations[i].value, fast.violations[i].value);
      EXPECT_EQ(slow.violations[i].limit, fast.violations[i].limit);
      broken += slow.violations[i].rule == mapping::Rule::AdcBits;
    }
    for (size_t i = 0; i != models.size(); ++i) {
      EXPECT_EQ(slow.models[i].energy_j, fast.models[i].energy_j);
      EXPECT_EQ(slow.models[i].latency_s, fast.models[i].latency_s);
      EXPECT_EQ(slow.models[i].sqnr_db, fast.models[i].sqnr_db);
      EXPECT_EQ(slow.models[i].adc_lost_bits, fast.models[i].adc_lost_bits);
      EXPECT_EQ(slow.models[i].power_density_w_mm2,
                fast.models[i].power_density_w_mm2);
    }
    feasible += slow.feasible;
    rewritten += slow.models[1].logical_arrays > slow.models[1].capacity;
    const workload::Workload &w = models[trial % models.size()];
    const ModelCost &mixed = slow.models[trial % models.size()];
    for (size_t i = 0; i != w.layers.size(); ++i)
      if (const workload::Product *p = w.layers[i].product();
          p && p->adc_bits &&
          !mapping::checkOwnAdcBits(*p, d.knobs, d.machine)) {
        mapping::Knobs own = d.knobs;
        own.adc_bits = p->adc_bits;
        EXPECT_EQ(mixed.layers[i].energy_j[size_t(Energy::Adc)],
                  mixed.layers[i].counts.conversions *
                      priceDesign(d.machine, own).conversion);
        ++compared;
        break;
      }
    ASSERT_FALSE(HasFailure()) << trial;
  }
  EXPECT_GT(feasible, 5);
  EXPECT_GT(broken, 20);
  EXPECT_GT(rewritten, 20);
  EXPECT_GT(compared, 100);
}

TEST(MixedBitsInvalid, ConversionsThatTheChipDoesNotHave) {
  const machine::Machine m = test::shipped("rram-32nm");
  auto broken = [&](int64_t bits, int64_t common,
                    const machine::Machine &chip) -> std::pair<double, double> {
    workload::Workload w = test::alexnet();
    llvm::cantFail(
        workload::setLayer(w, w.layers.front().name, "adc_bits", bits));
    mapping::Knobs k;
    k.adc_bits = common;
    const Cost cost = evaluate({w}, chip, k);
    for (const mapping::Violation &v : cost.violations)
      if (v.rule == mapping::Rule::AdcBits)
        return {v.value, v.limit};
    return {0, 0};
  };
  using Pair = std::pair<double, double>;
  const int64_t built = m.adc.bits;
  EXPECT_EQ(broken(built, 0, m), Pair(0, 0));
  EXPECT_EQ(broken(built + 1, 0, m), Pair(double(built + 1), double(built)));
  // The chip is built for the bits of the knob.
  EXPECT_EQ(broken(6, 5, m), Pair(6, 5));
  EXPECT_EQ(broken(5, 5, m), Pair(0, 0));
  // The survey's fit begins at 4 bits.
  EXPECT_EQ(broken(3, 0, m), Pair(3, 4));
  workload::Workload w = test::alexnet();
  llvm::cantFail(workload::setLayer(w, w.layers.front().name, "adc_bits", 17));
  EXPECT_NE(llvm::toString(workload::check(w)).find("1 to 16 bits"),
            std::string::npos);
}

TEST(MixedBitsInvalid, LayersAndFieldsThatThereAreNot) {
  workload::Workload w = test::alexnet();
  EXPECT_NE(llvm::toString(workload::setLayer(w, "conv99", "weight_bits", 4))
                .find("has no layer 'conv99' with stored weights"),
            std::string::npos);
  const std::string layer = w.layers.front().name;
  EXPECT_NE(llvm::toString(workload::setLayer(w, layer, "bits", 4))
                .find("has no field 'bits' of its own"),
            std::string::npos);
  EXPECT_FALSE(w.mixed_bits);
  llvm::cantFail(workload::setLayer(w, layer, "weight_bits", 17));
  EXPECT_NE(llvm::toString(workload::check(w)).find("2 to 16 bits"),
            std::string::npos);
}

TEST(MixedBitsInvalid, TheAccountingOfTheSourceHasOneSetOfBits) {
  workload::Workload w = test::alexnet();
  llvm::cantFail(
      workload::setLayer(w, w.layers.front().name, "weight_bits", 4));
  const machine::Machine m = test::shipped("source-2026-rram");
  ASSERT_TRUE(usesLegacy(m));
  const Cost cost = evaluate(w, mapping::plan(w, m, {}), m, {});
  DesignCost fast;
  Pricer({w}).price(m, {}, fast);
  EXPECT_TRUE(llvm::any_of(cost.violations, [](const auto &v) {
    return v.rule == mapping::Rule::Accounting && v.value == 1;
  }));
  EXPECT_FALSE(fast.feasible);
}
