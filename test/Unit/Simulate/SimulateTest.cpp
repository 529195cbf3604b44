//===- SimulateTest.cpp - Times and counts of small programs --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Simulate/Simulate.h"

#include "Builder.h"
#include "imc/Machine/Kind.h"

#include <gtest/gtest.h>

#include <set>

using namespace imc;
using namespace imc::test;
using program::Instruction;
using program::Opcode;
using simulate::Result;

namespace {

machine::Machine tiny() {
  machine::TargetSpec spec = llvm::cantFail(machine::loadTarget(
      "rram-32nm", {std::string(IMC_SOURCE_DIR) + "/targets"}));
  machine::Machine m = llvm::cantFail(spec.machine());
  m.array.rows = 16;
  m.array.cols = 16;
  m.hierarchy = {2, 2, 2};
  return m;
}

struct Case {
  machine::Machine machine;
  mapping::Knobs knobs;
  cost::Prices prices;
  Builder builder;
  Case(const machine::Machine &m, mapping::Knobs k = {})
      : machine(m), knobs(k), prices(cost::priceDesign(m, k)), builder(m, k) {}
  bool add(const std::string &name, const program::Geometry &g,
           const workload::Product &p, int64_t copies, int64_t blocks,
           bool written = false) {
    return builder.product(name, g, mapping::tile(p, machine, knobs), copies,
                           blocks, written);
  }
  bool matmul(int64_t m, int64_t k, int64_t n, int64_t copies, int64_t blocks) {
    return add("matmul", matmulGeometry(m, k, n), workload::matmul(m, k, n),
               copies, blocks);
  }
  Result run() {
    return llvm::cantFail(simulate::simulate(builder.program, prices, machine));
  }
  std::string refused(const machine::Machine &m) {
    llvm::Expected<Result> r = simulate::simulate(builder.program, prices, m);
    return r ? "" : llvm::toString(r.takeError());
  }
  std::string refused() { return refused(machine); }
};

void expectTime(double a, double b) { EXPECT_NEAR(a, b, 1e-12 * b); }

/// Time of the instructions of one block that have the chip for themselves.
struct Alone {
  double load, mvm, store;
};
Alone alone(const Case &c, int64_t windows, int64_t k, int64_t n) {
  const cost::Prices &p = c.prices;
  const double in = double(windows * k * 8), out = double(windows * n * 8),
               sums = double(windows * n) *
                      double(c.machine.shift_add.accumulator_bits);
  const double columns = double(std::min<int64_t>(c.machine.adc.share, 16));
  const double arrays =
      double(windows) *
      (8 * std::max(p.read_cycles, columns) * p.cycle + p.setup);
  return {
      std::max({in * p.global_bit, in * p.noc_bit_time, in * p.tile_bit}) +
          p.noc_hops,
      std::max(arrays, (in + sums) * p.tile_bit),
      std::max({out * p.global_bit, out * p.noc_bit_time, sums * p.tile_bit}) +
          p.noc_hops};
}

TEST(Simulate, OneBlockTakesTheSumOfItsInstructions) {
  Case c(tiny());
  ASSERT_TRUE(c.matmul(1, 16, 4, 1, 1));
  const Result r = c.run();
  const Alone a = alone(c, 1, 16, 4);
  const double fill = std::min(c.prices.read_cycles, 16.0) * c.prices.cycle;
  expectTime(r.seconds, a.load + a.mvm + fill + a.store);
  EXPECT_EQ(r.instructions, 1 + 1 + 3 + 3); // a step for each core, too
}

TEST(Simulate, BlocksOverlapAndTheSlowestServerSetsThePace) {
  Case c(tiny());
  ASSERT_TRUE(c.matmul(64, 16, 4, 1, 16)); // 16 blocks of 4 windows
  const Result r = c.run();
  const Alone a = alone(c, 4, 16, 4);
  ASSERT_GT(a.mvm, a.load + a.store);
  const double fill = std::min(c.prices.read_cycles, 16.0) * c.prices.cycle;
  expectTime(r.seconds, a.load + 16 * a.mvm + fill + a.store);
  ASSERT_EQ(r.parts.size(), 1u);
  // The arrays waited for the first load only, and it was the way that it took.
  double stalls = 0;
  for (double s : r.parts[0].stalls)
    stalls += s;
  expectTime(stalls, a.load);
  expectTime(r.parts[0].busy, 16 * a.mvm + fill);
  EXPECT_EQ(r.steps.at(0).bound_by, cost::Time::Compute);
}

TEST(Simulate, GroupsShareTheLinkOfABus) {
  machine::Machine m = tiny();
  m.noc.link_bits = 1;
  m.global_buffer.width_bits = 1 << 16;
  auto seconds = [&](const char *kind) {
    m.noc.kind = machine::kindIndex(machine::Slot::Noc, kind);
    Case c(m);
    EXPECT_TRUE(c.matmul(8, 16, 4, 8, 1));
    const Result r = c.run();
    // What each link carried: two groups take the same load.
    EXPECT_EQ(r.links.size(), 2u);
    EXPECT_EQ(r.links[1] == 0, c.prices.noc_links == 1) << kind;
    return r.seconds;
  };
  m.noc.hop_cycles = 0;
  const double mesh = seconds("mesh"), bus = seconds("bus");
  EXPECT_GT(bus, 1.5 * mesh);
  EXPECT_EQ(seconds("htree"), bus);
}

TEST(Simulate, TheGlobalPortServesOneRequestAtATime) {
  // Four cores load at once: the last one gets its rows after all others.
  machine::Machine m = tiny();
  m.global_buffer.width_bits = 1;
  m.noc.link_bits = 1 << 20;
  Case c(m);
  ASSERT_TRUE(c.matmul(8, 16, 4, 8, 1));
  const Result r = c.run();
  const double port = 8 * (16 + 4) * 8 * c.prices.global_bit;
  expectTime(r.global_buffer, port);
  EXPECT_GE(r.seconds, port);
  EXPECT_EQ(r.steps.at(0).bound_by, cost::Time::GlobalBuffer);
  EXPECT_GT(r.parts[3].stalls[size_t(simulate::Stall::GlobalBuffer)],
            r.parts[0].stalls[size_t(simulate::Stall::GlobalBuffer)] * 3.5);
}

TEST(Simulate, LoopsDoWhatTheirIterationsDo) {
  Case looped(tiny()), flat(tiny());
  for (Case *c : {&looped, &flat})
    ASSERT_TRUE(c->matmul(100, 16, 4, 3, 7));
  for (program::Stream &s : flat.builder.program.streams) {
    std::vector<Instruction> out;
    for (size_t i = 0; i < s.instructions.size(); ++i) {
      if (s.instructions[i].opcode != Opcode::Loop) {
        out.push_back(s.instructions[i]);
        continue;
      }
      size_t end = i;
      while (s.instructions[end].opcode != Opcode::End)
        ++end;
      for (int64_t n = 0; n < s.instructions[i].count; ++n)
        for (size_t b = i + 1; b < end; ++b) {
          out.push_back(s.instructions[b]);
          out.back().first += n * out.back().stride[0];
          out.back().stride[0] = 0;
        }
      i = end;
    }
    s.instructions = out;
  }
  const Result a = looped.run(), b = flat.run();
  EXPECT_EQ(a.seconds, b.seconds);
  EXPECT_EQ(a.instructions, b.instructions);
  EXPECT_EQ(a.total_energy_j, b.total_energy_j);
}

TEST(Simulate, StepsWaitForAllCores) {
  Case c(tiny());
  ASSERT_TRUE(c.matmul(40, 16, 4, 1, 4));
  c.builder.kernel("relu", 4000, 64);
  ASSERT_TRUE(c.matmul(40, 16, 4, 1, 4));
  const Result r = c.run();
  ASSERT_EQ(r.steps.size(), 3u);
  EXPECT_EQ(r.steps[1].start, r.steps[0].end);
  EXPECT_EQ(r.steps[2].start, r.steps[1].end);
  EXPECT_EQ(r.seconds, r.steps[2].end);
  expectTime(r.steps[1].seconds, 4000 * c.prices.lane_operation);
  EXPECT_EQ(r.steps[1].bound_by, cost::Time::Digital);
  expectTime(r.steps[0].seconds, r.steps[2].seconds);
  EXPECT_EQ(r.kernels[0].counts.operations, 4000);
  EXPECT_EQ(r.kernels[0].start, r.steps[1].start);
}

TEST(Simulate, WritingComesBeforeLoadsAndBesideFetching) {
  Case c(tiny());
  mapping::Tiling t =
      mapping::tile(workload::matmul(4, 16, 4), c.machine, c.knobs);
  ASSERT_TRUE(c.builder.product("w", matmulGeometry(4, 16, 4), t, 1, 1, true));
  const Result r = c.run();
  const double fetch = 16 * 4 * 8 * c.prices.memory_bit_time,
               write = 16 * c.prices.row_write;
  ASSERT_GT(write, fetch);
  const Alone a = alone(c, 4, 16, 4);
  const double fill = std::min(c.prices.read_cycles, 16.0) * c.prices.cycle;
  expectTime(r.seconds, write + a.load + a.mvm + fill + a.store);
  EXPECT_EQ(r.products[0].counts.reload_bits, 16 * 4 * 8);
  EXPECT_EQ(r.products[0].counts.row_writes, 16);
  EXPECT_EQ(r.products[0].counts.cell_writes, 16 * 4 * 4);
  expectTime(r.parts[0].stalls[size_t(simulate::Stall::Programming)], write);
}

TEST(Simulate, WaitsForTheRowsOfATensor) {
  // The second product starts when four of eight rows are stored.
  Case c(tiny());
  ASSERT_TRUE(c.matmul(8, 16, 4, 1, 8));
  ASSERT_TRUE(c.matmul(8, 16, 4, 1, 1));
  program::Program &p = c.builder.program;
  p.tensors[0].rows = 8;
  p.schedule = program::Schedule::Stream;
  // Both products in one step, on cores of their own.
  for (Opcode after : {Opcode::Step}) {
    std::vector<program::Stream> streams;
    for (program::Stream &s : p.streams)
      if (s.instructions[0].opcode != after)
        streams.push_back(s);
    p.streams = streams;
  }
  p.parts[1].core = 3;
  p.streams[1].core = 3;
  p.streams[1].instructions.insert(p.streams[1].instructions.begin(),
                                   {Opcode::Wait, 0, 0, {0, 0}, 4});
  const Result r = c.run();
  EXPECT_GT(r.products[1].start, r.products[0].start);
  EXPECT_LT(r.products[1].start, r.products[0].end);
  const Alone a = alone(c, 1, 16, 4);
  const double fill = std::min(c.prices.read_cycles, 16.0) * c.prices.cycle;
  expectTime(r.products[1].start, a.load + 4 * a.mvm + fill + a.store);
  expectTime(r.cores[3].stalls[size_t(simulate::Stall::Tensor)],
             r.products[1].start);
}

/// All fields of one step of a product by the closed forms.
cost::Counts closed(const Case &c, const workload::Product &p,
                    const mapping::Tiling &t, int64_t copies, int64_t rounds) {
  return cost::actions({"layer", "conv2d", "", p}, t, copies, rounds, c.machine,
                       c.knobs);
}

/// Words that the parts load, element by element: channels of their rows of the
/// matrix, image rows of their windows, and what lies between.
int64_t loadedWords(const program::Program &program) {
  int64_t words = 0;
  for (const program::Part &p : program.parts) {
    const program::Product &product = program.products[size_t(p.product)];
    const program::Geometry &g = product.geometry;
    const mapping::Tiling &t = product.tiling;
    if (p.windows == 0)
      continue;
    std::set<int64_t> channels;
    for (int64_t slot = p.slot_begin; slot < p.slot_end; ++slot) {
      const int64_t strip = slot / t.column_tiles, pack = strip / t.strips,
                    s = strip % t.strips;
      for (int64_t r = s * t.rows; r < (s + 1) * t.rows && r < t.pack_rows; ++r)
        if (pack * t.pack_rows + r < g.groups * g.rows)
          channels.insert((pack * t.pack_rows + r) / g.kernel_elements);
    }
    std::set<int64_t> rows;
    int64_t highest = -1;
    auto rowsOf = [&](int64_t w) {
      const int64_t image = w / (g.windows_per_row * g.window_rows),
                    y = w / g.windows_per_row % g.window_rows;
      return image * g.image_rows + y * g.stride_rows;
    };
    for (int64_t w = 0; w < p.first_window; ++w)
      highest = std::max(highest, rowsOf(w) + g.kernel_rows - 1);
    const int64_t before = highest;
    for (int64_t w = p.first_window; w < p.first_window + p.windows; ++w) {
      for (int64_t r = 0; r < g.kernel_rows; ++r)
        rows.insert(rowsOf(w) + r);
      highest = std::max(highest, rowsOf(w) + g.kernel_rows - 1);
    }
    // Rows that nobody needs come with the window after them.
    for (int64_t r = before + 1; r <= highest; ++r)
      rows.insert(r);
    if (p.first_window + p.windows == g.windows)
      for (int64_t r = highest + 1;
           r < g.windows / g.windows_per_row / g.window_rows * g.image_rows;
           ++r)
        rows.insert(r);
    // Padding holds nothing.
    for (auto row = rows.begin(); row != rows.end();)
      if (g.tensor_rows > 0 &&
          (*row % g.image_rows < g.padding_rows ||
           *row % g.image_rows >= g.padding_rows + g.tensor_rows))
        row = rows.erase(row);
      else
        ++row;
    const int64_t all = g.groups * g.rows / g.kernel_elements;
    words += int64_t(rows.size() * channels.size()) * (g.row_elements / all);
  }
  return words;
}

TEST(Simulate, CountsAreThoseOfTheLoopNest) {
  std::mt19937_64 random(11);
  int checked = 0, spread = 0, alone = 0, rewritten = 0;
  for (int tries = 0; checked < 400 && tries < 20000; ++tries) {
    mapping::Knobs k;
    k.group_packing = mapping::GroupPacking(random() % 3);
    k.input_bits = 1 + int64_t(random() % 8);
    k.weight_bits = 2 + int64_t(random() % 7);
    if (random() % 2)
      k.encoding = mapping::Encoding::Differential;
    Case c(smallMachine(random), k);
    if (!mapping::check(k, c.machine).empty())
      continue;
    const ConvShape s = smallConv(random);
    const workload::Product p = s.product();
    const program::Geometry g = s.geometry();
    const mapping::Tiling t = mapping::tile(p, c.machine, k);
    const int64_t copies =
        std::min<int64_t>(p.windows, random() % 2 ? 1 : 1 + random() % 9);
    const bool written = random() % 4 == 0;
    if (!c.builder.product("p", g, t, copies, 1 + random() % 9, written))
      continue;
    ++checked;
    const Result r = c.run();
    const cost::Counts &n = r.products[0].counts;
    const int64_t rounds = c.builder.program.products[0].rounds;
    const cost::Counts f = closed(c, p, t, copies, rounds);
    const std::string what = "case " + std::to_string(checked) + " copies " +
                             std::to_string(copies) + " arrays " +
                             std::to_string(t.arrays());
    EXPECT_EQ(n.row_drives, f.row_drives) << what;
    EXPECT_EQ(n.cell_reads, f.cell_reads) << what;
    EXPECT_EQ(n.idle_reads, f.idle_reads) << what;
    EXPECT_EQ(n.conversions, f.conversions) << what;
    EXPECT_EQ(n.strip_adds, f.strip_adds) << what;
    EXPECT_EQ(n.global_writes, f.global_writes) << what;
    EXPECT_EQ(n.reload_bits, f.reload_bits) << what;
    EXPECT_EQ(n.cell_writes, f.cell_writes) << what;
    EXPECT_EQ(n.phase_columns, f.phase_columns) << what;
    const double words = double(loadedWords(c.builder.program));
    EXPECT_EQ(n.global_reads, words * double(k.input_bits)) << what;
    rewritten += rounds > 1;
    spread += t.arrays() > c.machine.hierarchy.macros_per_tile;
    if (t.arrays() > c.machine.hierarchy.macros_per_tile || copies > 1)
      continue;
    // One part: nothing is shared, nothing is cut.
    ++alone;
    EXPECT_EQ(n.tile_reads, f.tile_reads) << what;
    EXPECT_EQ(n.tile_writes, f.tile_writes) << what;
    EXPECT_EQ(n.global_reads, f.global_reads) << what;
    EXPECT_EQ(n.noc_bits, f.noc_bits) << what;
    EXPECT_EQ(n.serial_phases, f.serial_phases) << what;
    EXPECT_EQ(n.arrays, f.arrays) << what;
    EXPECT_EQ(n.row_writes, f.row_writes) << what;
  }
  EXPECT_EQ(checked, 400);
  EXPECT_GT(spread, 60);
  EXPECT_GT(alone, 60);
  EXPECT_GT(rewritten, 3);
}

//===----------------------------------------------------------------------===//
// What is refused
//===----------------------------------------------------------------------===//

TEST(SimulateInvalid, AnotherChip) {
  Case c(tiny());
  ASSERT_TRUE(c.matmul(8, 16, 4, 1, 1));
  machine::Machine other = c.machine;
  other.hierarchy.groups = 3;
  other.array.cols = 32;
  const std::string message = c.refused(other);
  EXPECT_NE(message.find("cores is 4 in the program and 6 on the machine"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("array_cols is 16"), std::string::npos) << message;
}

TEST(SimulateInvalid, MessagesThatNeverCome) {
  // Two strips of a copy on two cores; the first one forgets to send.
  machine::Machine m = tiny();
  m.hierarchy.macros_per_tile = 1;
  Case c(m);
  ASSERT_TRUE(c.matmul(4, 32, 4, 1, 2));
  auto &code = c.builder.program.streams[2].instructions;
  for (size_t i = 0; i < code.size(); ++i)
    if (code[i].opcode == Opcode::Send)
      code.erase(code.begin() + int64_t(i));
  const std::string message = c.refused();
  EXPECT_NE(message.find("deadlock"), std::string::npos) << message;
  EXPECT_NE(message.find("`receive` of part 1 ('matmul', windows 0 to 2) waits "
                         "for message 0 of part 0"),
            std::string::npos)
      << message;
}

TEST(SimulateInvalid, ProductsWithoutInputs) {
  Case c(tiny());
  ASSERT_TRUE(c.matmul(4, 16, 4, 1, 2));
  auto &code = c.builder.program.streams[2].instructions;
  for (size_t i = 0; i < code.size(); ++i)
    if (code[i].opcode == Opcode::Load)
      code.erase(code.begin() + int64_t(i));
  const std::string message = c.refused();
  EXPECT_NE(message.find("`mvm` of part 0 ('matmul', windows 0 to 2) waits for "
                         "its `load`"),
            std::string::npos)
      << message;
}

TEST(SimulateInvalid, IndicesAndLoops) {
  auto with = [](std::vector<Instruction> code) {
    Case c(tiny());
    EXPECT_TRUE(c.matmul(4, 16, 4, 1, 2));
    c.builder.program.streams.push_back({0, std::move(code)});
    return c.refused();
  };
  auto says = [](const std::string &message, const char *text) {
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  // program::check stands before the run.
  says(with({{Opcode::Load, 9, 0, {0, 0}, 1}}), "the part is 9");
  says(with({{Opcode::End, 0, 0, {0, 0}, 0}}), "'end' without a loop");
  says(with({{Opcode::Loop, 0, 0, {0, 0}, 1},
             {Opcode::Loop, 0, 0, {0, 0}, 1},
             {Opcode::Loop, 0, 0, {0, 0}, 1}}),
       "loops may be two deep");
  // What only the run finds.
  says(with({{Opcode::Send, 0, 0, {0, 0}, 1}}), "sends and has no next part");
  says(with({{Opcode::Step, 1, 0, {0, 0}, 0}, {Opcode::Step, 0, 0, {0, 0}, 0}}),
       "goes from step 1 back to step 0");
}

TEST(SimulateInvalid, PartsOfOtherCores) {
  Case c(tiny());
  ASSERT_TRUE(c.matmul(4, 16, 4, 1, 2));
  c.builder.program.parts[0].core = 1;
  const std::string message = c.refused();
  EXPECT_NE(message.find("part 0 is on core 1, not on that of the stream"),
            std::string::npos)
      << message;
}

TEST(SimulateInvalid, SpillsWithoutMemory) {
  machine::Machine m = tiny();
  m.memory.kind = 0; // none
  Case c(m);
  ASSERT_TRUE(c.matmul(4, 16, 4, 1, 2));
  c.builder.program.streams[1].instructions.push_back(
      {Opcode::Spill, 0, 0, {0, 0}, 64});
  const std::string message = c.refused();
  EXPECT_NE(message.find("set machine.memory.kind"), std::string::npos)
      << message;
}

} // namespace
