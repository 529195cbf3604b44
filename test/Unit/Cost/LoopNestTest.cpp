//===- LoopNestTest.cpp - Counts equal those of executed layers -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The counts of lib/Cost/Layer.h, and the hops of Prices.cpp, against those of
// layers that LoopNest.cpp executes. Each of these changes of one term makes a
// test of this file fail:
//
//   row_drives without column tiles
//   cell_reads without phases
//   idle reads: last pack as full as the others
//   conversions without strips
//   strip additions: one per strip
//   strip additions without weights cut by arrays
//   cuts: every cut goes through a weight
//   inputs: no halo between parts
//   inputs of all channels to every part
//   halo: every copy loads for itself
//   halo: rows of padding are sent
//   halo: end of an output row like its inside
//   halo: end of an image like that of a row
//   parts: a cut strip's channels go to one side
//   parts: a channel between two strips goes to one side
//   parts: a cut strip's rows are read on one side
//   parts: outputs on both sides of a cut are written once
//   parts: a weight that a cut goes through lies on one side
//   parts: one row set per array
//   tile reads: every element once
//   outputs as wide as partial sums
//   network without partial sums
//   overflow of the inputs only
//   tiles without the chip's capacity
//   tiles: copies packed without gaps
//   windows of the busiest copy rounded down
//   turns: all row sets in the last round
//   turns: one
//   columns per phase without the pack
//   cells of one copy
//   rows of arrays spread evenly over the tiles
//   rows of tiles that are all there
//   rows of tiles that copies do not fill
//   rows of full arrays always
//   fetched weights: input bits
//   dynamic products: outputs stay in the tile
//   written operand: fetched from outside
//   written operand: not read
//   written operand: to one tile
//   written operand: past the buffers
//   written operand: no room in the global buffer
//   turns of one round
//   serial products: every window of one copy
//   phases: one per product
//   hops: last row one step further
//   hops: no steps down
//
//===----------------------------------------------------------------------===//

#include "LoopNest.h"
#include "Common.h"

#include <algorithm>
#include <cmath>

using namespace imc;
using namespace imc::cost;
using namespace imc::test;

namespace {

struct Member {
  const char *name;
  double Counts::*value;
  bool traffic; ///< depends on which tile an array lies in
};

const Member members[] = {
    {"row_drives", &Counts::row_drives, false},
    {"cell_reads", &Counts::cell_reads, false},
    {"idle_reads", &Counts::idle_reads, false},
    {"conversions", &Counts::conversions, false},
    {"strip_adds", &Counts::strip_adds, false},
    {"tile_reads", &Counts::tile_reads, true},
    {"tile_writes", &Counts::tile_writes, true},
    {"global_reads", &Counts::global_reads, false},
    {"global_writes", &Counts::global_writes, false},
    {"noc_bits", &Counts::noc_bits, true},
    {"spill_bits", &Counts::spill_bits, false},
    {"reload_bits", &Counts::reload_bits, false},
    {"cell_writes", &Counts::cell_writes, false},
    {"row_writes", &Counts::row_writes, false},
    {"operations", &Counts::operations, false},
    {"macs", &Counts::macs, false},
    {"serial_products", &Counts::serial_products, false},
    {"serial_phases", &Counts::serial_phases, false},
    {"phase_columns", &Counts::phase_columns, false},
    {"arrays", &Counts::arrays, false},
    {"tiles", &Counts::tiles, false},
    {"groups", &Counts::groups, false},
};
static_assert(sizeof(Counts) ==
                  sizeof(members) / sizeof(members[0]) * sizeof(double),
              "a count is not compared");

void expectEqual(const Counts &formula, const Counts &walked,
                 const std::string &what) {
  for (const Member &m : members)
    EXPECT_EQ(formula.*m.value, walked.*m.value) << m.name << " of " << what;
}

/// A small random layer on a small random chip, planned by the mapping.
struct Case {
  Nest nest;
  workload::Product product;
  workload::DynamicProduct dynamic;
  machine::Machine machine;
  mapping::Knobs knobs;
  mapping::PlacedProduct placed;
  std::string text;

  /// As the cost model has them.
  Counts counts() const {
    return actions({"layer", "conv2d", "", product}, placed.tiling,
                   placed.copies, placed.rounds, machine, knobs);
  }
  Execution how(Order order) const {
    return {order, placed.copies, placed.rounds > 0, placed.first_array};
  }
};

class Cases {
public:
  explicit Cases(unsigned seed) : random(seed) {}
  /// The next case that can be built: legal knobs, enough arrays.
  Case next() {
    for (;;) {
      Case c;
      drawLayer(c);
      drawChip(c);
      // Events per walk; keeps the whole test within seconds.
      if (c.product.windows * c.product.groups * c.product.rows *
              c.product.groups * c.product.cols * 40 >
          400000)
        continue;
      // Another product before this one, so that it begins at any array; or one
      // that is larger than the chip, so that both are written each time.
      const bool tooLarge = random() % 3 == 0;
      workload::Workload model;
      model.name = "random";
      model.layers.push_back(
          {"before", "matmul", "",
           tooLarge ? workload::matmul(1, 4000, 400)
                    : workload::matmul(1, pick(1, 30), pick(1, 4))});
      model.layers.push_back({"layer", "conv2d", "", c.product});
      llvm::cantFail(workload::check(model));
      if (!mapping::check(c.knobs, c.machine).empty())
        continue;
      mapping::Plan plan = mapping::plan(model, c.machine, c.knobs);
      if (!plan.violations.empty())
        continue;
      llvm::cantFail(mapping::verify(plan, model, c.machine));
      c.placed = plan.products[1];
      if (c.placed.copies * c.placed.tiling.arrays() > 400)
        continue;
      c.text += " copies " + std::to_string(c.placed.copies) + " rounds " +
                std::to_string(c.placed.rounds) + " first " +
                std::to_string(c.placed.first_array);
      return c;
    }
  }

  /// A product of two activations: `placed` has its tiling only.
  Case nextWritten() {
    for (;;) {
      Case c;
      const int64_t windows = pick(1, 8), rows = pick(1, 30),
                    cols = pick(1, 12), groups = pick(1, 5);
      c.nest = matmulNest(windows, rows, cols, groups);
      workload::DynamicProduct d;
      d.windows = windows;
      d.rows = rows;
      d.cols = cols;
      d.groups = groups;
      d.macs = windows * rows * cols * groups;
      d.input_elements = groups * rows * (windows + cols);
      d.output_elements = groups * windows * cols;
      c.dynamic = d;
      c.product = d.stored();
      c.text = "written " + std::to_string(windows) + "x" +
               std::to_string(rows) + "x" + std::to_string(cols) + "x" +
               std::to_string(groups);
      drawChip(c);
      if (!mapping::check(c.knobs, c.machine).empty())
        continue;
      c.placed.tiling = mapping::tile(c.product, c.machine, c.knobs);
      if (c.placed.tiling.arrays() > 200)
        continue;
      return c;
    }
  }
  int64_t pick(int64_t least, int64_t most) {
    return least + int64_t(random() % uint64_t(most - least + 1));
  }

private:
  std::mt19937_64 random;

  void drawLayer(Case &c) {
    if (random() % 3 == 0) {
      int64_t windows = pick(1, 12), rows = pick(1, 40), cols = pick(1, 12);
      c.nest = matmulNest(windows, rows, cols);
      c.product = workload::matmul(windows, rows, cols);
      c.text = "matmul " + std::to_string(windows) + "x" +
               std::to_string(rows) + "x" + std::to_string(cols);
      return;
    }
    const int64_t groups = random() % 2 ? 1 : pick(2, 9);
    const int64_t batch = pick(1, 2),
                  channels = groups * pick(1, groups > 4 ? 2 : 4),
                  filters = groups * pick(1, groups > 4 ? 2 : 4),
                  kernelH = pick(1, 3), kernelW = pick(1, 3),
                  stride = pick(1, 3), padding = pick(0, 1),
                  height = pick(kernelH, 5), width = pick(kernelW, 5);
    c.nest = convolutionNest(batch, channels, height, width, filters, kernelH,
                             kernelW, stride, padding, groups);
    c.product =
        workload::convolution(batch, channels, height, width, filters, kernelH,
                              kernelW, stride, padding, groups);
    for (int64_t n : {batch, channels, height, width, filters, kernelH, kernelW,
                      stride, padding, groups})
      c.text += (c.text.empty() ? "conv " : "x") + std::to_string(n);
  }

  void drawChip(Case &c) {
    c.machine = shipped(random() % 2 ? "rram-32nm" : "sram-32nm");
    machine::Machine &m = c.machine;
    const bool rram =
        m.cell.kind == machine::kindIndex(machine::Slot::Cell, "rram");
    if (rram)
      m.cell.bits = pick(1, 4);
    m.array.rows = pick(1, random() % 2 ? 8 : 40);
    if (random() % 3 == 0) {
      m.array.active_rows = m.array.rows;
      m.array.rows *= pick(2, 4);
    }
    m.array.cols = pick(1, random() % 2 ? 12 : 120);
    m.hierarchy.macros_per_tile = pick(1, random() % 2 ? 4 : 12);
    m.hierarchy.tiles_per_group = pick(1, 4);
    m.hierarchy.groups = pick(1, rram ? 60 : 8);
    m.adc.share = pick(1, 24);
    m.dac.bits = pick(1, 4);
    m.shift_add.accumulator_bits = pick(4, 40);
    m.global_buffer.size_mib = double(pick(1, 4000)) / 8388608;
    mapping::Knobs &k = c.knobs;
    k.weight_bits = pick(2, 8);
    k.input_bits = pick(1, 8);
    k.encoding = static_cast<mapping::Encoding>(pick(0, 2));
    k.group_packing = static_cast<mapping::GroupPacking>(pick(0, 2));
    if (c.nest.groups > 1 && random() % 2)
      k.group_packing = mapping::GroupPacking::Diagonal;
    k.replication = static_cast<mapping::Replication>(pick(0, 4));
    c.text +=
        (rram ? " on rram " : " on sram ") + std::to_string(m.array.rows) +
        "x" + std::to_string(m.array.cols) + " active " +
        std::to_string(m.array.active_rows) + " cells of " +
        std::to_string(m.cell.bits) + ", " +
        std::to_string(m.hierarchy.groups) + "x" +
        std::to_string(m.hierarchy.tiles_per_group) + "x" +
        std::to_string(m.hierarchy.macros_per_tile) + " dac " +
        std::to_string(m.dac.bits) + " bits " + std::to_string(k.weight_bits) +
        "/" + std::to_string(k.input_bits) + " encoding " +
        std::to_string(int(k.encoding)) + " packing " +
        std::to_string(int(k.group_packing));
  }
};

} // namespace

// Every count of every case, on the arrays that the plan hands out, whatever
// loop is outside. Only the groups of tiles at work may be one more: a layer
// may begin within a group.
TEST(LoopNest, CountsEqualExecution) {
  Cases cases(5);
  int64_t convolutions = 0, grouped = 0, packed = 0, copied = 0, rewritten = 0,
          rounds = 0, turns = 0, strips = 0, spread = 0, spilled = 0, cut = 0,
          idle = 0, halos = 0, bundles = 0, gaps = 0, gapsWritten = 0,
          shared = 0, parts = 0, inside = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    const Case c = cases.next();
    const mapping::Tiling &t = c.placed.tiling;
    const Counts formula = c.counts();
    const int64_t macros = c.machine.hierarchy.macros_per_tile;
    const int64_t ofGroup = macros * c.machine.hierarchy.tiles_per_group;
    for (Order order : {Order::WindowsOutside, Order::TilesOutside}) {
      Walked walked = execute(c.nest, c.machine, c.knobs, c.how(order));
      EXPECT_TRUE(walked.correct) << c.text;
      EXPECT_EQ(walked.packs, t.packs) << c.text;
      EXPECT_EQ(walked.strips, t.strips) << c.text;
      EXPECT_EQ(walked.column_tiles, t.column_tiles) << c.text;
      if (c.placed.first_array % ofGroup != 0) {
        EXPECT_LE(walked.counts.groups - formula.groups, 1) << c.text;
        EXPECT_GE(walked.counts.groups, formula.groups) << c.text;
        walked.counts.groups = formula.groups;
      }
      expectEqual(formula, walked.counts, c.text);
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << "case " << trial;
    const int64_t slots = macros * t.row_sets;
    const double inputs = double(c.product.input_elements * c.knobs.input_bits);
    convolutions += c.text[0] == 'c';
    grouped += t.packs > 1;
    packed += t.groups_per_pack > 1 && t.packs > 1;
    copied += c.placed.copies > 1;
    halos += t.arrays() <= macros && formula.global_reads > inputs;
    shared += t.arrays() > macros && formula.global_reads > inputs;
    bundles += t.arrays() <= macros && c.placed.copies > macros / t.arrays();
    parts += t.arrays() > macros;
    inside += c.placed.first_array % macros != 0;
    gaps += mapping::place(0, t.arrays(), c.placed.copies, macros).end >
            c.placed.copies * t.arrays();
    gapsWritten += c.placed.rounds > 0 && t.arrays() <= macros &&
                   c.placed.copies > macros / t.arrays() &&
                   macros % t.arrays() != 0;
    rewritten += c.placed.rounds > 0;
    rounds += c.placed.rounds > 1;
    turns += t.turns() > 1;
    strips += t.strips > 1;
    spread += t.column_tiles > slots;
    spilled += formula.spill_bits > 0;
    idle += formula.idle_reads > 0;
    cut += t.column_tiles > slots && slots * t.cols % t.columns_per_weight;
  }
  // The random cases reach every branch of the equations.
  const std::pair<const char *, int64_t> reached[] = {
      {"convolutions", convolutions},
      {"grouped", grouped},
      {"packed", packed},
      {"copied", copied},
      {"halos", halos},
      {"shared", shared},
      {"bundles", bundles},
      {"parts", parts},
      {"inside", inside},
      {"gaps", gaps},
      {"gaps written", gapsWritten},
      {"rewritten", rewritten},
      {"rounds", rounds},
      {"turns", turns},
      {"strips", strips},
      {"spread", spread},
      {"spilled", spilled},
      {"idle", idle},
      {"cut", cut}};
  for (auto [branch, count] : reached)
    EXPECT_GE(count, 15) << branch;
}

// The right operand comes from the global buffer and is written first, into as
// many arrays as there are left.
TEST(LoopNest, WrittenOperandsEqualExecution) {
  Cases cases(17);
  int64_t rounds = 0, grouped = 0;
  for (int trial = 0; trial < 300; ++trial) {
    const Case c = cases.nextWritten();
    const int64_t all = c.placed.tiling.arrays();
    // All, or whole tiles.
    const int64_t macros = c.machine.hierarchy.macros_per_tile;
    const int64_t arrays = std::min(
        {all, c.machine.arrays(), macros * cases.pick(1, all / macros + 1)});
    Execution how;
    how.order = trial % 2 ? Order::WindowsOutside : Order::TilesOutside;
    how.rewritten = how.dynamic = true;
    how.arrays = arrays;
    const Walked walked = execute(c.nest, c.machine, c.knobs, how);
    EXPECT_TRUE(walked.correct) << c.text;
    expectEqual(
        writtenActions(c.dynamic, c.placed.tiling, arrays, c.machine, c.knobs),
        walked.counts, c.text + " arrays " + std::to_string(arrays));
    ASSERT_FALSE(::testing::Test::HasFailure()) << "case " << trial;
    rounds += arrays < all;
    grouped += c.dynamic.groups > 1;
  }
  EXPECT_GT(rounds, 50);
  EXPECT_GT(grouped, 50);
}

// Messages walk the mesh router by router: first along the row of the global
// buffer, then down the column.
TEST(LoopNest, HopsEqualWalks) {
  machine::Machine m = shipped("rram-32nm");
  m.technology.vdd_v = m.technology.vdd_nominal_v;
  m.noc.wire_ff_per_um = 0;
  for (int64_t groups = 1; groups <= 1000; ++groups) {
    int64_t width = 1;
    while (width * width < groups)
      ++width;
    int64_t port = 0;
    for (int64_t left = 0, right = width; right - left > 1; ++left, --right)
      ++port;
    int64_t routers = 0;
    for (int64_t g = 0, x = 0, y = 0; g < groups; ++g) {
      int64_t atX = port, atY = 0;
      ++routers; // the one before the buffer
      while (atX != x || atY != y) {
        if (atX != x)
          atX += atX < x ? 1 : -1;
        else
          ++atY;
        ++routers;
      }
      if (++x == width) {
        x = 0;
        ++y;
      }
    }
    m.hierarchy.groups = groups;
    const Prices p = priceDesign(m, {});
    const double mean = double(routers) / double(groups);
    EXPECT_NEAR(p.noc_bit, mean * m.noc.router_pj_per_bit * 1e-12,
                1e-12 * p.noc_bit)
        << groups;
    EXPECT_NEAR(p.noc_hops,
                std::ceil(mean) * double(m.noc.hop_cycles) * p.cycle,
                1e-12 * p.noc_hops)
        << groups;
  }
}

TEST(LoopNest, LanesEqualExecution) {
  std::mt19937_64 random(3);
  auto pick = [&](int64_t least, int64_t most) {
    return least + int64_t(random() % uint64_t(most - least + 1));
  };
  for (int trial = 0; trial < 100; ++trial) {
    machine::Machine m = shipped("sram-32nm");
    m.hierarchy = {pick(1, 5), pick(1, 5), pick(1, 5)};
    m.global_buffer.size_mib = double(pick(1, 4000)) / 8388608;
    mapping::Knobs k;
    k.input_bits = pick(1, 8);
    const int64_t windows = pick(1, 8), rows = pick(1, 8), cols = pick(1, 8),
                  groups = pick(1, 4);
    const mapping::Tiling none;
    workload::DynamicProduct product;
    product.macs = windows * rows * cols * groups;
    product.input_elements = groups * (windows * rows + rows * cols);
    product.output_elements = groups * windows * cols;
    expectEqual(actions({"a", "", "", product}, none, 1, 0, m, k),
                executeOnLanes(windows, rows, cols, groups, m, k).counts,
                "dynamic product " + std::to_string(trial));
    const int64_t inputs = pick(0, 200), outputs = pick(0, 200),
                  operations = pick(0, 4);
    expectEqual(
        actions({"d", "", "",
                 workload::Digital{operations * outputs, inputs, outputs}},
                none, 1, 0, m, k),
        executeElementwise(inputs, outputs, operations, m, k).counts,
        "digital work " + std::to_string(trial));
  }
}
