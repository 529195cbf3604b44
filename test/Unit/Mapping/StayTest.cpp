//===- StayTest.cpp - Products that stay on a chip that is too small ------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Mapping/Residents.h"
#include "test/Unit/Models/Networks.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

#include <random>

using namespace imc;
using namespace imc::mapping;

namespace {

Demand demand(int64_t arrays, int64_t cells, int64_t count = 1) {
  return {10, arrays, count, 1, cells};
}

/// Arrays in which a product has as few rounds as on the whole chip.
int64_t needed(const Demand &d, int64_t capacity) {
  int64_t shared = capacity;
  while (shared > 1 && (d.arrays + shared - 2) / (shared - 1) ==
                           (d.arrays + capacity - 1) / capacity)
    --shared;
  return shared;
}

/// Most cells that may stay in cores of one array, by trying everything.
int64_t bruteForce(llvm::ArrayRef<Demand> demands, int64_t capacity) {
  std::vector<int64_t> members(demands.size(), 0);
  int64_t best = 0;
  for (;;) {
    int64_t arrays = 0, cells = 0, room = 0, turns = 0, last = 0;
    for (auto [d, count] : llvm::zip_equal(demands, members)) {
      arrays += d.arrays * count;
      cells += d.cells * count;
      turns += d.count - count;
      if (count < d.count) {
        room = std::max(room, needed(d, capacity));
        last = d.arrays;
      }
    }
    const bool fitsAfterAll = turns == 1 && arrays + last <= capacity;
    if (turns > 0 && arrays + room <= capacity && !fitsAfterAll)
      best = std::max(best, cells);
    size_t i = 0;
    while (i != members.size() && members[i] == demands[i].count)
      members[i++] = 0;
    if (i == members.size())
      return best;
    ++members[i];
  }
}

TEST(Stay, NothingWhereAllAreSwapped) {
  const Stay stay =
      chooseStay({demand(3, 10), demand(4, 20)}, 5, 1, Segments::SwapAll);
  EXPECT_EQ(stay.arrays, 0);
  EXPECT_EQ(stay.cells, 0);
  EXPECT_EQ(stay.members, (std::vector<int64_t>{0, 0}));
}

TEST(Stay, SomeOfEqualProducts) {
  // 10 arrays: the largest needs 4, so two of the three of 3 stay.
  const std::vector<Demand> demands{demand(3, 10, 3), demand(4, 9)};
  for (auto rule : {Segments::ResidentBest, Segments::Exact}) {
    const Stay stay = chooseStay(demands, 10, 1, rule);
    EXPECT_EQ(stay.members, (std::vector<int64_t>{2, 0}));
    EXPECT_EQ(stay.arrays, 6);
    EXPECT_EQ(stay.cells, 20);
  }
}

TEST(Stay, ExactBeatsDensest) {
  // Room for 5: the densest takes 3 and leaves 2 that nothing fits in.
  const std::vector<Demand> demands{demand(3, 33), demand(5, 50), demand(6, 30),
                                    demand(6, 30)};
  EXPECT_EQ(chooseStay(demands, 11, 1, Segments::ResidentBest).cells, 33);
  EXPECT_EQ(chooseStay(demands, 11, 1, Segments::Exact).cells, 50);
}

TEST(Stay, CoresAreNotShared) {
  // Cores of 4: one copy of 3 per core, and the turns begin a core.
  const Stay stay =
      chooseStay({demand(3, 10, 4), demand(4, 10)}, 12, 4, Segments::Exact);
  EXPECT_EQ(stay.members, (std::vector<int64_t>{2, 0}));
  EXPECT_EQ(stay.arrays, 8);
}

TEST(Stay, ProductsInRoundsKeepTheirRounds) {
  // 25 arrays on 10: 3 rounds of 9, so one array may stay.
  EXPECT_EQ(chooseStay({demand(25, 100), demand(1, 5)}, 10, 1, Segments::Exact)
                .members,
            (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(chooseStay({demand(25, 100), demand(2, 5)}, 10, 1, Segments::Exact)
                .arrays,
            0);
}

TEST(Stay, EqualsBruteForce) {
  std::mt19937_64 random(3);
  auto below = [&](uint64_t n) { return int64_t(1 + random() % n); };
  int chosen = 0, better = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    std::vector<Demand> demands;
    int64_t needs = 0;
    for (int64_t i = below(5); i > 0; --i) {
      demands.push_back(demand(below(12), below(100), below(3)));
      needs += demands.back().arrays * demands.back().count;
    }
    const int64_t capacity = below(30);
    if (needs <= capacity)
      continue;
    const Stay exact = chooseStay(demands, capacity, 1, Segments::Exact);
    const Stay greedy =
        chooseStay(demands, capacity, 1, Segments::ResidentBest);
    const int64_t best = bruteForce(demands, capacity);
    EXPECT_EQ(exact.cells, best) << trial;
    EXPECT_LE(greedy.cells, exact.cells);
    chosen += best > 0;
    better += exact.cells > greedy.cells;
  }
  EXPECT_GT(chosen, 300);
  EXPECT_GT(better, 30);
}

// The knapsack alone, against the algorithm of Residents.h.
TEST(Stay, SolvesResidents) {
  std::mt19937_64 random(5);
  auto below = [&](uint64_t n) { return int64_t(1 + random() % n); };
  for (int trial = 0; trial < 300; ++trial) {
    residents::Problem problem;
    // Two that nothing has room beside force the others into `arrays`.
    const int64_t room = 20 + below(60);
    std::vector<Demand> demands{demand(room + 1, 1, 2)};
    problem.arrays = room + 1;
    problem.shared = 1;
    int64_t needs = 0;
    for (int64_t i = 3 + below(12); i > 0; --i) {
      demands.push_back(demand(below(20), below(1000)));
      problem.blocks.push_back(
          {"", demands.back().arrays, demands.back().cells});
      needs += demands.back().arrays;
    }
    if (needs <= problem.arrays) // all stay, nobody shares
      continue;
    int64_t all = 0;
    for (const Demand &d : llvm::drop_begin(demands))
      all += d.cells;
    const auto solution = llvm::cantFail(residents::solve(problem, "exact"));
    const Stay stay = chooseStay(demands, 2 * room + 1, 1, Segments::Exact);
    EXPECT_EQ(stay.cells, all - residents::objective(problem, solution));
  }
}

TEST(Stay, PlansLetItHappen) {
  machine::Machine m;
  m.cell.kind = machine::kindIndex(machine::Slot::Cell, "sram");
  m.array.rows = m.array.cols = 128;
  m.cell.bits = 1;
  m.dac.bits = 1;
  m.hierarchy = {8, 16, 8};
  const workload::Workload network = test::resnet18();
  Knobs knobs;
  const Plan all = plan(network, m, knobs);
  ASSERT_FALSE(all.resident);
  knobs.segments = Segments::Exact;
  const Plan some = plan(network, m, knobs);
  EXPECT_FALSE(some.resident);
  EXPECT_EQ(llvm::toString(verify(some, network, m)), "");
  int64_t staying = 0;
  for (auto [a, b] : llvm::zip_equal(all.products, some.products)) {
    EXPECT_GT(a.rounds, 0);
    EXPECT_TRUE(b.rounds == 0 || b.rounds == a.rounds);
    staying += b.rounds == 0;
  }
  EXPECT_GT(staying, 0);
  EXPECT_LT(staying, int64_t(some.products.size()));
  // A product that stays where others take turns.
  Plan broken = some;
  for (PlacedProduct &placed : broken.products)
    if (placed.rounds > 0) {
      placed.rounds = 0;
      break;
    }
  EXPECT_NE(llvm::toString(verify(broken, network, m)), "");
  broken = some;
  for (PlacedProduct &placed : broken.products)
    if (placed.rounds > 0)
      placed.first_array = 0;
  EXPECT_NE(llvm::toString(verify(broken, network, m)).find("holds two copies"),
            std::string::npos);
  // Cells that keep their weights do not take turns.
  m.cell.kind = machine::kindIndex(machine::Slot::Cell, "rram");
  EXPECT_FALSE(plan(network, m, knobs).violations.empty());
}

} // namespace
