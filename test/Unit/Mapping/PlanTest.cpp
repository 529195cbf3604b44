//===- PlanTest.cpp - Replication and placement
//-----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Mapping/Mapping.h"
#include "test/Unit/Models/Networks.h"

#include <gtest/gtest.h>

#include <random>

using namespace imc;
using namespace imc::mapping;

static machine::Machine chip(int64_t macros, const char *kind = "rram") {
  machine::Machine m;
  m.array.rows = m.array.cols = 128;
  m.cell.kind = machine::kindIndex(machine::Slot::Cell, kind);
  m.cell.bits = 8;
  m.dac.bits = 1;
  m.hierarchy.macros_per_tile = macros;
  return m;
}

/// Bundle after bundle, array by array: the first array of each copy, and the
/// end.
static int64_t walkCopies(int64_t cursor, int64_t arrays, int64_t copies,
                          int64_t core,
                          std::vector<int64_t> *firsts = nullptr) {
  int64_t bundle = 0, taken = 0;
  while (taken + arrays <= core) {
    taken += arrays;
    ++bundle;
  }
  for (int64_t c = 0; c < copies; ++c) {
    // What has to lie in one core from here on.
    int64_t together = arrays;
    if (bundle > 0)
      together = c % bundle == 0 ? std::min(bundle, copies - c) * arrays : 0;
    // The last bundle of several is where a full one would be.
    if (bundle > 0 && c > 0 && c % bundle == 0)
      together = bundle * arrays;
    int64_t room = 1;
    while ((cursor + room) % core != 0)
      ++room;
    if (together > room)
      while (cursor % core != 0)
        ++cursor;
    if (firsts)
      firsts->push_back(cursor);
    cursor += arrays;
  }
  return cursor;
}

static int64_t arraysFor(llvm::ArrayRef<Demand> demands, int64_t t,
                         int64_t core) {
  int64_t end = 0;
  for (const Demand &d : demands)
    for (int64_t i = 0; i < d.count; ++i)
      end = walkCopies(end, d.arrays, (d.windows + t - 1) / t, core);
  return end;
}

// The closed form against walking through the chip.
TEST(Cores, CopiesLieWhereNextFitPutsThem) {
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 5000; ++trial) {
    const int64_t core = int64_t(1 + random() % 40),
                  arrays = int64_t(1 + random() % 60),
                  copies = int64_t(1 + random() % 30),
                  cursor = int64_t(random() % 200);
    std::vector<int64_t> firsts;
    const int64_t end = walkCopies(cursor, arrays, copies, core, &firsts);
    const Placed placed = place(cursor, arrays, copies, core);
    EXPECT_EQ(placed.first, firsts.front());
    EXPECT_EQ(placed.end, end);
    for (int64_t c = 0; c < copies; ++c)
      EXPECT_EQ(firstArrayOf(c, copies, placed.first, arrays, core),
                firsts[size_t(c)]);
    EXPECT_EQ(endOfCopies({{copies, arrays, 1}}, 1, core, cursor), end);
    int64_t one = cursor;
    for (int64_t i = 0; i < copies; ++i)
      one = walkCopies(one, arrays, 1, core);
    EXPECT_EQ(endOfOneCopy({{1, arrays, copies}}, core, cursor), one);
    const int64_t cores = int64_t(random() % 20);
    const int64_t most = copiesInCores(cores, arrays, core);
    EXPECT_LE(walkCopies(0, arrays, most, core), cores * core);
    EXPECT_GT(walkCopies(0, arrays, most + 1, core), cores * core);
  }
}

TEST(Balance, HandWorked) {
  // 100 and 10 windows, 1 array each, 12 arrays: t = 10 needs 10 + 1 = 11,
  // t = 9 needs 12 + 2 = 14.
  EXPECT_EQ(balancedWindows({{100, 1, 1}, {10, 1, 1}}, 12, 1), 10);
  // No room to spare.
  EXPECT_EQ(balancedWindows({{100, 1, 1}, {10, 1, 1}}, 2, 1), 100);
  // More room than windows.
  EXPECT_EQ(balancedWindows({{100, 1, 1}, {10, 1, 1}}, 1000, 1), 1);
  EXPECT_EQ(balancedWindows({{7, 3, 2}}, 6, 1), 7);
  // Three arrays per copy, one copy in a core of four: 16 arrays hold 4 copies,
  // not 5.
  EXPECT_EQ(balancedWindows({{20, 3, 1}}, 16, 1), 4);
  EXPECT_EQ(balancedWindows({{20, 3, 1}}, 16, 4), 5);
  // The single array takes what the last copy leaves free.
  EXPECT_EQ(balancedWindows({{20, 3, 1}, {1, 1, 1}}, 16, 4), 5);
}

TEST(Balance, IsTheSmallestThatFits) {
  std::mt19937_64 random(7);
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<Demand> demands(1 + random() % 6);
    const int64_t core = int64_t(1 + random() % (trial % 2 ? 1 : 40));
    int64_t least = 0, largest = 1;
    for (Demand &d : demands) {
      d = {int64_t(1 + random() % (1 << random() % 17)),
           int64_t(1 + random() % 50), int64_t(1 + random() % 3)};
      largest = std::max(largest, d.windows);
    }
    least = arraysFor(demands, largest, core);
    EXPECT_EQ(endOfOneCopy(demands, core), least);
    int64_t capacity = least + int64_t(random() % (8 * least));
    int64_t t = balancedWindows(demands, capacity, core);
    EXPECT_LE(arraysFor(demands, t, core), capacity);
    EXPECT_EQ(endOfCopies(demands, t, core), arraysFor(demands, t, core));
    if (t > 1) {
      EXPECT_GT(arraysFor(demands, t - 1, core), capacity);
    }
    EXPECT_LE(t, largest);
  }
}

TEST(Plan, OneCopyEach) {
  Plan p = plan(test::resnet18(), chip(1000), Knobs());
  EXPECT_EQ(p.logical_arrays, 727);
  EXPECT_EQ(p.placed_arrays, 727);
  EXPECT_EQ(p.capacity, 1000);
  EXPECT_TRUE(p.resident);
  EXPECT_FALSE(bool(verify(p, test::resnet18(), chip(1000))));
}

TEST(Plan, BalancedBeatsNoneAndFits) {
  Knobs knobs;
  knobs.replication = Replication::Balanced;
  // The chip of the published balance rule: 9216 arrays of 128 x 128. There
  // the slowest layer of ResNet-18 is left with 33 windows (that rule stops at
  // half of the budget); using all arrays must do better.
  workload::Workload network = test::resnet18();
  Plan p = plan(network, chip(9216), knobs);
  EXPECT_FALSE(bool(verify(p, network, chip(9216))));
  int64_t slowest = 0;
  for (const PlacedProduct &placed : p.products) {
    int64_t windows = network.layers[placed.layer].product()->windows;
    slowest = std::max(slowest, (windows + placed.copies - 1) / placed.copies);
  }
  EXPECT_LT(slowest, 33);
  EXPECT_LE(p.placed_arrays, 9216);
  EXPECT_GT(p.placed_arrays, 5334);
}

TEST(Plan, ExactRulesAreNeverSlower) {
  const Replication rules[] = {
      Replication::None, Replication::Balanced, Replication::MarginalGain,
      Replication::ExactBottleneck, Replication::ExactSum};
  int faster = 0;
  for (const workload::Workload &network :
       {test::alexnet(), test::resnet18(), test::resnet50(), test::vgg16(),
        test::mobilenetV3Large()})
    for (int64_t core : {1, 8, 12})
      for (int64_t tiles : {900, 3000, 12000}) {
        machine::Machine m = chip(core);
        m.hierarchy = {1, tiles * 8 / core, core};
        m.array.active_rows = core == 12 ? 32 : 0; // turns differ
        if (plan(network, m, Knobs()).violations.size())
          continue;
        int64_t slowest[5], sum[5];
        for (size_t r = 0; r != 5; ++r) {
          Knobs knobs;
          knobs.replication = rules[r];
          const Plan p = plan(network, m, knobs);
          ASSERT_EQ(llvm::toString(verify(p, network, m)), "");
          slowest[r] = sum[r] = 0;
          for (const PlacedProduct &placed : p.products) {
            const int64_t windows =
                network.layers[placed.layer].product()->windows;
            const int64_t time = (windows + placed.copies - 1) / placed.copies *
                                 placed.tiling.turns();
            slowest[r] = std::max(slowest[r], time);
            sum[r] += time;
          }
        }
        for (size_t r = 0; r != 5; ++r) {
          EXPECT_LE(slowest[3], slowest[r]) << network.name << " " << core;
          EXPECT_LE(sum[4], sum[r]) << network.name << " " << core;
        }
        faster += sum[4] < sum[1];
      }
  EXPECT_GT(faster, 30);
}

TEST(Plan, CapacityOfNonVolatileChip) {
  machine::Machine m = chip(1);
  m.hierarchy.tiles_per_group = 726;
  Plan p = plan(test::resnet18(), m, Knobs());
  ASSERT_EQ(p.violations.size(), 1u);
  EXPECT_EQ(p.violations[0].rule, Rule::Capacity);
  EXPECT_EQ(p.violations[0].value, 727);
  EXPECT_EQ(p.violations[0].limit, 726);
  EXPECT_EQ(p.violations[0].where, "resnet18");
  EXPECT_TRUE(bool(verify(p, test::resnet18(), m)) &&
              "a violated plan must not verify");
  // In cores of 8, copies of 9, 18, 36 and 72 arrays begin one each. What
  // alignment leaves empty is needed, too.
  m.hierarchy = {1, 92, 8};
  p = plan(test::resnet18(), m, Knobs());
  ASSERT_EQ(p.violations.size(), 1u);
  EXPECT_EQ(p.violations[0].limit, 736);
  EXPECT_EQ(p.logical_arrays, 727);
  int64_t end = 0;
  for (const PlacedProduct &placed : p.products)
    end = std::max(end, placed.first_array + placed.tiling.arrays());
  EXPECT_EQ(p.violations[0].value, end);
  EXPECT_GT(end, 736);
}

TEST(Plan, VolatileChipRewrites) {
  machine::Machine m = chip(100, "sram");
  Knobs knobs;
  knobs.replication = Replication::Balanced;
  workload::Workload network = test::resnet18();
  Plan p = plan(network, m, knobs);
  EXPECT_TRUE(p.violations.empty());
  EXPECT_FALSE(p.resident);
  EXPECT_EQ(p.placed_arrays, 100);
  EXPECT_FALSE(bool(verify(p, network, m)));
  // conv1: 147 rows, 64 columns: 2 arrays, 50 copies. The last 3x3 layer:
  // 36 x 4 = 144 arrays in 2 rounds.
  EXPECT_EQ(p.products.front().copies, 50);
  EXPECT_EQ(p.products[p.products.size() - 2].rounds, 2);
  EXPECT_EQ(p.products[p.products.size() - 2].copies, 1);
}

// Any product on any machine: the independent verifier agrees, and every weight
// has its cells.
TEST(Plan, RandomPlansVerify) {
  std::mt19937_64 random(17);
  auto below = [&](uint64_t n) { return int64_t(1 + random() % n); };
  int resident = 0, rewritten = 0, refused = 0, decided = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    machine::Machine m = chip(below(4000), random() % 2 ? "sram" : "rram");
    m.array.rows = below(300);
    m.array.cols = below(300);
    m.cell.bits = below(8);
    m.dac.bits = below(8);
    m.hierarchy.groups = below(4);
    if (random() % 2) {
      m.hierarchy.tiles_per_group = below(m.hierarchy.macros_per_tile);
      m.hierarchy.macros_per_tile = below(64);
    }
    Knobs knobs;
    knobs.weight_bits = 1 + below(7);
    knobs.input_bits = below(8);
    knobs.encoding = static_cast<Encoding>(random() % 2);
    knobs.group_packing = static_cast<GroupPacking>(random() % 3);
    knobs.replication = static_cast<Replication>(random() % 5);
    knobs.segments = static_cast<Segments>(random() % 3);
    workload::Workload network{"random", 0, {}};
    for (int64_t i = below(6); i > 0; --i) {
      workload::Product p;
      p.windows = below(500);
      p.rows = below(600);
      p.cols = below(200);
      p.groups = random() % 2 ? 1 : below(40);
      p.weight_elements = p.groups * p.rows * p.cols;
      // Copies of one layer, so that each has windows.
      if (random() % 8 == 0) {
        const int64_t perCopy = below(p.windows);
        p.copies = (p.windows + perCopy - 1) / perCopy;
      }
      network.layers.push_back({"l", "conv2d", "", p});
      // Equal products get arrays together.
      if (random() % 4 == 0)
        network.layers.push_back(
            network.layers[random() % network.layers.size()]);
    }
    Plan placed = plan(network, m, knobs);
    if (!placed.violations.empty()) {
      ++refused;
      EXPECT_GT(placed.violations.front().value, placed.capacity);
      EXPECT_GE(placed.violations.front().value, placed.logical_arrays);
      // Decided copies must stay on volatile chips, too.
      EXPECT_TRUE(machine::cellKind(m).nonvolatile ||
                  llvm::any_of(network.layers, [](const auto &layer) {
                    return layer.product()->copies > 1;
                  }));
      continue;
    }
    (placed.resident ? resident : rewritten) += 1;
    llvm::Error error = verify(placed, network, m);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    EXPECT_LE(placed.placed_arrays, placed.capacity);
    for (const PlacedProduct &p : placed.products) {
      const workload::Product &product = *network.layers[p.layer].product();
      const Tiling &t = p.tiling;
      if (product.copies) {
        EXPECT_EQ(p.copies, product.copies);
        decided += product.copies > 1;
      }
      // Every copy has a window.
      const int64_t perCopy = (product.windows + p.copies - 1) / p.copies;
      EXPECT_LT((p.copies - 1) * perCopy, product.windows);
      // Arrays are needed: with one strip, column tile or pack less, something
      // would be left out.
      EXPECT_LT((t.strips - 1) * t.rows, t.groups_per_pack * product.rows);
      EXPECT_LT((t.column_tiles - 1) * t.cols,
                t.groups_per_pack * product.cols * t.columns_per_weight);
      EXPECT_LT((t.packs - 1) * t.groups_per_pack, product.groups);
      // Each weight has enough bits in its columns.
      int64_t magnitude = knobs.encoding == Encoding::Differential
                              ? 2 * (knobs.weight_bits - 1)
                              : knobs.weight_bits;
      EXPECT_GE(t.columns_per_weight * m.cell.bits, magnitude);
      EXPECT_GE(t.phases * m.dac.bits, knobs.input_bits);
      EXPECT_LT((t.phases - 1) * m.dac.bits, knobs.input_bits);
    }
  }
  EXPECT_GT(resident, 100);
  EXPECT_GT(rewritten, 100);
  EXPECT_GT(refused, 100);
  EXPECT_GT(decided, 100);
}

TEST(Plan, CopiesOfOneLayer) {
  workload::Workload network{"net", 0, {}};
  for (const char *name : {"a", "b"}) {
    workload::Product p;
    p.windows = 7;
    p.rows = p.cols = 16;
    p.weight_elements = 256;
    network.layers.push_back({name, "matmul", "", p});
  }
  machine::Machine m = chip(1);
  m.hierarchy.groups = 8;
  auto refusal = [&](const char *layer, const char *field, int64_t value) {
    return llvm::toString(workload::setLayer(network, layer, field, value));
  };
  EXPECT_EQ(refusal("c", "copies", 2),
            "model 'net' has no layer 'c' with stored weights; those with some "
            "are 'a', 'b'");
  EXPECT_EQ(
      refusal("a", "rows", 2),
      "layer 'a' of model 'net' has no field 'rows' of its own; there are "
      "weight_bits, input_bits, copies, adc_bits and unfolding");
  EXPECT_NE(refusal("a", "copies", 5).find("take 4"), std::string::npos);
  EXPECT_EQ(refusal("a", "copies", 4), "");
  Plan placed = plan(network, m, Knobs());
  EXPECT_EQ(placed.products[0].copies, 4);
  EXPECT_EQ(placed.products[1].copies, 1);
  // The rule gives the rest to the other layer.
  Knobs knobs;
  knobs.replication = Replication::Balanced;
  placed = plan(network, m, knobs);
  EXPECT_EQ(placed.products[0].copies, 4);
  EXPECT_EQ(placed.products[1].copies, 4);
  EXPECT_EQ(refusal("b", "copies", 7), "");
  placed = plan(network, m, knobs);
  ASSERT_EQ(placed.violations.size(), 1u);
  EXPECT_EQ(placed.violations[0].value, 11);
}

// verify() must notice what plan() would never do.
TEST(Verify, NoticesBrokenPlans) {
  workload::Workload network = test::alexnet();
  machine::Machine m = chip(1);
  m.hierarchy.tiles_per_group = 4000;
  const Plan good = plan(network, m, Knobs());
  ASSERT_FALSE(bool(verify(good, network, m)));
  struct Case {
    const char *message;
    void (*damage)(Plan &);
  };
  const Case cases[] = {
      {"holds two copies", [](Plan &p) { p.products[2].first_array -= 1; }},
      {"ends at array", [](Plan &p) { p.products[7].first_array = 3999; }},
      {"copies for", [](Plan &p) { p.products[7].copies = 2; }},
      {"copies for", [](Plan &p) { p.products[0].copies = 0; }},
      {"not placed", [](Plan &p) { p.products.pop_back(); }},
      {"not placed", [](Plan &p) { std::swap(p.products[0], p.products[1]); }},
      {"the model has 8", [](Plan &p) { p.products.push_back({}); }},
      {"leaves rows out", [](Plan &p) { p.products[0].tiling.strips = 1; }},
      {"leaves columns out",
       [](Plan &p) { p.products[5].tiling.column_tiles -= 1; }},
      {"leaves groups out", [](Plan &p) { p.products[0].tiling.packs = 0; }},
      {"another size", [](Plan &p) { p.products[0].tiling.rows = 256; }},
      {"before the first", [](Plan &p) { p.products[0].first_array = -1; }},
      {"not volatile", [](Plan &p) { p.resident = false; }},
  };
  for (const Case &c : cases) {
    Plan broken = good;
    c.damage(broken);
    llvm::Error error = verify(broken, network, m);
    ASSERT_TRUE(bool(error)) << c.message;
    std::string message = llvm::toString(std::move(error));
    EXPECT_NE(message.find(c.message), std::string::npos) << message;
  }
}

// The same plan on cores of 8 arrays: copies may not cross the end of one.
TEST(Verify, NoticesCopiesAcrossCores) {
  const workload::Workload network = test::alexnet();
  machine::Machine m = chip(8);
  m.hierarchy.tiles_per_group = 1000;
  const Plan good = plan(network, m, Knobs());
  ASSERT_FALSE(bool(verify(good, network, m)));
  int moved = 0;
  for (size_t i = 0; i < good.products.size(); ++i) {
    const int64_t arrays = good.products[i].tiling.arrays();
    for (int64_t shift = 1; shift < 8; ++shift) {
      Plan broken = good;
      broken.products[i].first_array = 7000 + shift; // nothing else is there
      llvm::Error error = verify(broken, network, m);
      const bool crosses = (7000 % 8 + shift) % 8 + arrays > 8;
      EXPECT_EQ(bool(error), crosses) << i << " " << shift;
      const std::string message = llvm::toString(std::move(error));
      EXPECT_EQ(message.find("across the end of a core of 8 arrays") !=
                    std::string::npos,
                crosses)
          << message;
      moved += crosses;
    }
  }
  EXPECT_GT(moved, 20);
}

// Equal products lie together, others in order of first appearance.
TEST(Plan, EqualProductsLieTogether) {
  machine::Machine m = chip(4);
  m.hierarchy.tiles_per_group = 100;
  const workload::Product a = workload::matmul(9, 128 * 3, 128),
                          b = workload::matmul(9, 128, 128);
  workload::Workload network{"mixed", 0, {}};
  for (const workload::Product &p : {a, b, a, b})
    network.layers.push_back({"l", "matmul", "", p});
  const Plan p = plan(network, m, Knobs());
  EXPECT_FALSE(bool(verify(p, network, m)));
  EXPECT_EQ(p.products[0].first_array, 0);
  EXPECT_EQ(p.products[2].first_array, 4); // 3 is too short a rest
  EXPECT_EQ(p.products[1].first_array, 7);
  EXPECT_EQ(p.products[3].first_array, 8);
  EXPECT_EQ(p.placed_arrays, 8);
  EXPECT_EQ(p.logical_arrays, 8);
}
