//===- LoopTest.cpp - Iterations that follow one another ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E-LOOP: recurrent networks are priced, scheduled, verified and simulated
// iteration by iteration.
//
//===----------------------------------------------------------------------===//

#include "Members.h"

#include "imc/Program/IO.h"
#include "imc/Program/Statistics.h"
#include "imc/Program/Verify.h"
#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/Simulate.h"

#include "test/Unit/Schedule/Loops.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace imc;
using namespace imc::test;

namespace {

struct Executed {
  workload::Workload network;
  program::Program program;
  simulate::Result result;
  cost::ModelCost model;
};

/// Priced, scheduled, verified and simulated; counts and energies agree.
Executed execute(const workload::Workload &network,
                 const machine::Machine &machine, const mapping::Knobs &knobs) {
  llvm::cantFail(workload::check(network));
  const mapping::Plan plan = mapping::plan(network, machine, knobs);
  EXPECT_TRUE(plan.violations.empty());
  Executed run;
  run.network = network;
  run.program =
      llvm::cantFail(schedule::schedule(network, plan, machine, knobs));
  if (llvm::Error error = program::verify(run.program))
    ADD_FAILURE() << llvm::toString(std::move(error));
  run.result = llvm::cantFail(simulate::simulate(
      run.program, cost::priceDesign(machine, knobs), machine));
  run.model = cost::evaluate(network, plan, machine, knobs).models.front();
  for (const auto *list : {&run.result.products, &run.result.kernels})
    for (const simulate::WorkResult &work : *list) {
      const cost::LayerCost &layer = run.model.layers[size_t(work.layer)];
      for (const Member &m : members)
        EXPECT_EQ(work.counts.*m.value, layer.counts.*m.value)
            << work.name << ": " << m.name;
      for (size_t e = 0; e != cost::numEnergies; ++e)
        if (cost::Energy(e) != cost::Energy::Leakage) {
          EXPECT_EQ(work.energy_j[e], layer.energy_j[e])
              << work.name << ": " << cost::name(cost::Energy(e));
        }
    }
  return run;
}

const cost::LayerCost &layerOf(const Executed &run, llvm::StringRef name) {
  for (size_t i = 0; i != run.network.layers.size(); ++i)
    if (run.network.layers[i].name == name)
      return run.model.layers[i];
  llvm_unreachable("no such layer");
}

double recurrent(const Executed &run) {
  return layerOf(run, "recur").latency_s;
}

TEST(Loop, PricedLatencyIsThatOfTheProgram) {
  double sum = 0;
  int64_t count = 0, rewritten = 0;
  for (const char *target : {"rram-32nm", "sram-32nm", "isaac", "puma"})
    for (auto replication :
         {mapping::Replication::None, mapping::Replication::Balanced})
      for (bool small : {false, true})
        for (const workload::Workload &network :
             {lstm(24, 1, 200, 256, 40), lstm(10, 8, 64, 128, 0),
              gru(24, 1, 200, 256), gru(10, 8, 64, 128)}) {
          machine::Machine m = shippedMachine(target);
          const bool isVolatile = llvm::StringRef(target) == "sram-32nm";
          if (small && !isVolatile)
            continue;
          if (small)
            m.hierarchy.groups = 1, m.hierarchy.tiles_per_group = 4;
          else
            m.hierarchy.groups = std::max<int64_t>(m.hierarchy.groups, 64);
          m.tile_buffer.size_kib = 256;
          mapping::Knobs knobs;
          knobs.replication = replication;
          const Executed run = execute(network, m, knobs);
          const double d = run.model.latency_s / run.result.seconds - 1;
          EXPECT_LE(std::abs(d), 0.05)
              << network.name << " on " << target << (small ? ", small" : "")
              << ", replication " << int(replication) << ": " << d;
          sum += std::abs(d);
          ++count;
          for (const program::Product &p : run.program.products)
            rewritten += p.passes > 1 && p.rounds > 0;
        }
  EXPECT_EQ(count, 40);
  EXPECT_GE(rewritten, 6);
  EXPECT_LE(sum / double(count), 0.01) << sum / double(count);
}

// Twice the steps take twice the time, simulated and priced, whatever the
// copies.
TEST(Loop, LatencyIsLinearInTheLengthOfTheSequence) {
  for (auto replication :
       {mapping::Replication::None, mapping::Replication::Balanced}) {
    machine::Machine m = shippedMachine("rram-32nm");
    mapping::Knobs knobs;
    knobs.replication = replication;
    const Executed once = execute(lstm(7, 2, 0, 96, 0), m, knobs),
                   thrice = execute(lstm(21, 2, 0, 96, 0), m, knobs);
    EXPECT_NEAR(thrice.result.seconds, 3 * once.result.seconds,
                1e-9 * once.result.seconds);
    EXPECT_NEAR(thrice.model.latency_s, 3 * once.model.latency_s,
                1e-9 * once.model.latency_s);
    // Loops stay loops.
    EXPECT_EQ(program::statistics(thrice.program).instructions,
              program::statistics(once.program).instructions);
  }
}

// An iteration has one window for each sequence of the batch: more copies have
// nothing to do.
TEST(Loop, CopiesShareOutOneIterationOnly) {
  machine::Machine m = shippedMachine("rram-32nm");
  m.hierarchy.groups = 64;
  mapping::Knobs none, balanced;
  balanced.replication = mapping::Replication::Balanced;
  const workload::Workload alone = lstm(50, 1, 300, 128, 0);
  const Executed one = execute(alone, m, none),
                 more = execute(alone, m, balanced);
  EXPECT_EQ(recurrent(one), recurrent(more));
  EXPECT_GT(recurrent(one), 0);
  EXPECT_LT(more.model.layers[0].latency_s, one.model.layers[0].latency_s / 4)
      << "the projection has all steps at once";
  EXPECT_LT(more.result.seconds, one.result.seconds);
  for (const program::Product &p : more.program.products)
    EXPECT_EQ(p.copies > 1, p.name == "project");
  workload::Workload decided = alone;
  llvm::Error error = workload::setLayer(decided, "recur", "copies", 2);
  EXPECT_EQ(llvm::toString(std::move(error)),
            "layer 'recur' of model 'lstm': of 2 copies 1 would have none of "
            "its 1 windows; take 1");
  // Four sequences: four copies.
  const workload::Workload batch = lstm(50, 4, 300, 128, 0);
  EXPECT_LT(recurrent(execute(batch, m, balanced)),
            recurrent(execute(batch, m, none)));
}

/// Rules that the verifier finds broken.
std::string rulesOf(const program::Program &program) {
  return llvm::toString(program::verify(program));
}

TEST(Loop, TheOrderOfIterationsIsVerified) {
  machine::Machine m = shippedMachine("rram-32nm");
  const Executed run = execute(gru(5, 2, 40, 48), m, {});
  auto broken = [&](llvm::StringRef rule, auto change) {
    program::Program p = run.program;
    change(p);
    const std::string found = rulesOf(p);
    EXPECT_TRUE(llvm::StringRef(found).contains(rule))
        << rule.str() << " not in: " << found;
  };
  auto kernel = [](program::Program &p, llvm::StringRef name) -> auto & {
    return *std::find_if(p.kernels.begin(), p.kernels.end(),
                         [&](const auto &k) { return k.name == name; });
  };
  auto product = [](program::Program &p, llvm::StringRef name) -> auto & {
    return *std::find_if(p.products.begin(), p.products.end(),
                         [&](const auto &q) { return q.name == name; });
  };
  // The state of an iteration written over that which is still read.
  broken("version", [&](program::Program &p) {
    program::Tensor &t = p.tensors[kernel(p, "state").carried.at(0)];
    t.region.size /= t.versions;
    t.versions = 1;
  });
  // What the state is made of is read before it is there: the reset takes the
  // state of its own iteration.
  broken("read-before-write", [&](program::Program &p) {
    kernel(p, "reset").inputs.push_back(kernel(p, "state").carried.at(0));
  });
  // Iterations beside each other.
  broken("step", [&](program::Program &p) { --product(p, "recur").period; });
  broken("step", [&](program::Program &p) {
    for (program::Stream &s : p.streams)
      for (program::Instruction &i : s.instructions)
        if (i.opcode == program::Opcode::Step && i.stride[0] > 0)
          --i.stride[0];
  });
  broken("incomplete",
         [&](program::Program &p) { ++product(p, "candidate").passes; });
  broken("kernel", [&](program::Program &p) {
    for (program::Stream &s : p.streams)
      if (s.core == program::Stream::idleCores)
        for (program::Instruction &i : s.instructions)
          if (i.opcode == program::Opcode::Loop)
            --i.count;
  });
  broken("loop", [&](program::Program &p) { product(p, "recur").period = 0; });
  broken("loop",
         [&](program::Program &p) { product(p, "project").carried = {0}; });
  broken("loop",
         [&](program::Program &p) { p.schedule = program::Schedule::Stream; });
  broken("index",
         [&](program::Program &p) { product(p, "recur").carried = {1000}; });
}

TEST(Loop, WeightsThatDoNotStayAreWrittenPerIteration) {
  machine::Machine m = shippedMachine("sram-32nm");
  m.hierarchy.groups = 1;
  m.hierarchy.tiles_per_group = 4;
  m.tile_buffer.size_kib = 256;
  const Executed two = execute(gru(9, 1, 200, 256), m, {}),
                 one = execute(lstm(9, 1, 200, 256, 0), m, {});
  auto writes = [](const Executed &run, llvm::StringRef name) {
    const cost::LayerCost &layer = layerOf(run, name);
    return layer.counts.cell_writes / layer.programmed_cells;
  };
  EXPECT_EQ(writes(two, "project"), 1);
  EXPECT_EQ(writes(two, "recur"), 9);
  EXPECT_EQ(writes(two, "candidate"), 9);
  // Of a loop with one product they last where all fit.
  for (const program::Product &p : one.program.products)
    EXPECT_EQ(writes(one, p.name), p.passes > 1 && p.rounds > 1 ? 9 : 1);
  // Without the write of an iteration the arrays hold the other product.
  program::Program p = two.program;
  for (program::Stream &s : p.streams)
    llvm::erase_if(s.instructions, [&](const program::Instruction &i) {
      return i.opcode == program::Opcode::Write &&
             p.products[p.parts[i.index].product].name == "candidate";
    });
  EXPECT_TRUE(llvm::StringRef(rulesOf(p)).contains("programmed"));
}

TEST(Loop, ProgramsKeepTheirLoopsInBothForms) {
  const Executed run =
      execute(gru(5, 2, 40, 48), shippedMachine("rram-32nm"), {});
  std::string text, bytes, again;
  llvm::raw_string_ostream(text) << "";
  llvm::raw_string_ostream os(text), binary(bytes), second(again);
  program::printText(run.program, os);
  program::writeBinary(run.program, binary);
  program::printText(llvm::cantFail(program::readBinary(bytes, "binary")),
                     second);
  EXPECT_EQ(text, again);
  again.clear();
  program::printText(llvm::cantFail(program::parseText(text, "text")), second);
  EXPECT_EQ(text, again);
  EXPECT_TRUE(llvm::StringRef(text).contains("passes=5 period=5"));
}

TEST(Loop, LoopsInLoopsAreRefused) {
  workload::Workload w = lstm(6, 2, 0, 64, 0);
  std::get<workload::Product>(w.layers[1].work).trips = 12;
  const machine::Machine m = shippedMachine("rram-32nm");
  const mapping::Knobs knobs;
  llvm::Expected<program::Program> program =
      schedule::schedule(w, mapping::plan(w, m, knobs), m, knobs);
  ASSERT_FALSE(bool(program));
  EXPECT_EQ(llvm::toString(program.takeError()),
            "schedule 'layers' cannot order loops in loops: layer 'state' "
            "(quantize) makes 6 iterations, layer 'recur' (matmul) of the same "
            "loop makes 12: unroll one of the loops");
}

} // namespace
