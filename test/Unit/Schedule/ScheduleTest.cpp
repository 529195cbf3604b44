//===- ScheduleTest.cpp - Programs from placed models ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Random.h"
#include "test/Unit/Models/Networks.h"

#include "imc/Program/Verify.h"
#include "imc/Schedule/Schedule.h"

#include <gtest/gtest.h>

using namespace imc;
using program::Opcode;

namespace {

machine::Machine machineOf(const char *name, int64_t groups, int64_t tiles,
                           int64_t macros) {
  machine::Machine m = test::shippedMachine(name);
  m.hierarchy = {groups, tiles, macros};
  m.tile_buffer.size_kib = 256;
  return m;
}

llvm::Expected<program::Program> make(const workload::Workload &w,
                                      const machine::Machine &m,
                                      mapping::Knobs knobs = {},
                                      schedule::Options options = {}) {
  return schedule::schedule(w, mapping::plan(w, m, knobs), m, knobs, options);
}

std::string refusal(const workload::Workload &w, const machine::Machine &m,
                    mapping::Knobs knobs = {}, schedule::Options options = {}) {
  llvm::Expected<program::Program> program = make(w, m, knobs, options);
  return program ? "" : llvm::toString(program.takeError());
}

TEST(Schedule, NamesOfSchedules) {
  EXPECT_EQ(schedule::findSchedule("layers"), program::Schedule::Layers);
  EXPECT_EQ(schedule::findSchedule("pipeline"), program::Schedule::Pipeline);
  EXPECT_EQ(schedule::findSchedule("stream"), program::Schedule::Stream);
  EXPECT_FALSE(schedule::findSchedule("fast").has_value());
}

TEST(Schedule, CopiesShareTheWindows) {
  // 1 array per copy, 3 arrays per core: copies in the same core form one part.
  workload::Workload w{"small", 0, {}};
  w.layers.push_back({"a", "matmul", "", workload::matmul(100, 100, 10)});
  w = test::chained(std::move(w));
  machine::Machine m = machineOf("rram-32nm", 1, 2, 3);
  mapping::Knobs k;
  k.replication = mapping::Replication::Balanced;
  program::Program p = llvm::cantFail(make(w, m, k));
  ASSERT_EQ(p.products.size(), 1u);
  const int64_t copies = p.products[0].copies;
  ASSERT_GT(copies, 3);
  EXPECT_EQ(p.products[0].windows_per_copy, (100 + copies - 1) / copies);
  int64_t windows = 0, counted = 0;
  ASSERT_EQ(p.parts.size(), 2u);
  for (const program::Part &part : p.parts) {
    EXPECT_EQ(part.first_window, windows);
    windows += part.windows;
    counted += part.copies;
    EXPECT_EQ(part.slot_begin, 0);
    EXPECT_EQ(part.slot_end, p.products[0].tiling.tiles());
    EXPECT_EQ(part.previous, -1);
    EXPECT_EQ(part.next, -1);
  }
  EXPECT_EQ(windows, 100);
  EXPECT_EQ(counted, copies);
}

TEST(Schedule, ALargeCopyIsAChainOfParts) {
  // 4 strips x 2 column tiles at 128 x 128 with 2-bit columns.
  workload::Workload w{"large", 0, {}};
  machine::Machine m = machineOf("rram-32nm", 2, 2, 3);
  mapping::Knobs k;
  const int64_t columns = mapping::columnsPerWeight(k, m.cell.bits);
  w.layers.push_back(
      {"a", "matmul", "",
       workload::matmul(10, 4 * m.drivenRows(), 2 * m.array.cols / columns)});
  w = test::chained(std::move(w));
  program::Program p = llvm::cantFail(make(w, m, k));
  ASSERT_EQ(p.products[0].tiling.arrays(), 8);
  ASSERT_EQ(p.parts.size(), 3u);
  for (size_t i = 0; i != 3; ++i) {
    EXPECT_EQ(p.parts[i].core, int64_t(i));
    EXPECT_EQ(p.parts[i].slot_begin, int64_t(3 * i));
    EXPECT_EQ(p.parts[i].previous, int64_t(i) - 1);
    EXPECT_EQ(p.parts[i].next, i == 2 ? -1 : int64_t(i) + 1);
  }
  // Slots 6 and 7 are the last strip: only the last part stores.
  for (const program::Stream &stream : p.streams)
    for (const program::Instruction &i : stream.instructions) {
      EXPECT_EQ(i.opcode == Opcode::Store && i.index != 2, false);
      EXPECT_EQ(i.opcode == Opcode::Send && i.index == 2, false);
      EXPECT_EQ(i.opcode == Opcode::Receive && i.index == 0, false);
    }
}

TEST(Schedule, RoundsAreSteps) {
  workload::Workload w{"rounds", 0, {}};
  machine::Machine m = machineOf("sram-32nm", 1, 2, 2);
  mapping::Knobs k;
  const int64_t columns = mapping::columnsPerWeight(k, m.cell.bits);
  w.layers.push_back(
      {"a", "matmul", "",
       workload::matmul(7, 9 * m.drivenRows(), m.array.cols / columns)});
  w.layers.push_back({"b", "relu", "", workload::Digital{10, 10, 10}});
  w = test::chained(std::move(w));
  program::Program p = llvm::cantFail(make(w, m, k));
  EXPECT_EQ(p.products[0].rounds, 3);
  EXPECT_EQ(p.kernels[0].step, 3);
  int64_t fetches = 0, writes = 0;
  for (const program::Stream &stream : p.streams)
    for (const program::Instruction &i : stream.instructions) {
      fetches += i.opcode == Opcode::Fetch;
      writes += i.opcode == Opcode::Write;
    }
  EXPECT_EQ(fetches, 3);
  EXPECT_EQ(writes, 5); // 4 + 4 + 1 arrays, two per core
  EXPECT_TRUE(p.chip.rewritable);
}

/// Three products on a chip that holds two: the one in the middle stays.
workload::Workload threeProducts(const machine::Machine &m) {
  const int64_t columns = mapping::columnsPerWeight({}, m.cell.bits);
  workload::Workload w{"three", 0, {}};
  const int64_t rows = m.drivenRows(), cols = m.array.cols / columns;
  w.layers.push_back({"a", "matmul", "", workload::matmul(9, 3 * rows, cols)});
  w.layers.push_back({"b", "matmul", "", workload::matmul(99, rows, cols)});
  w.layers.push_back({"c", "matmul", "", workload::matmul(9, 3 * rows, cols)});
  return test::chained(std::move(w));
}

TEST(Schedule, WhatTakesTurnsIsWrittenAhead) {
  const machine::Machine m = machineOf("sram-32nm", 1, 4, 1);
  mapping::Knobs k;
  k.segments = mapping::Segments::Exact;
  const workload::Workload w = threeProducts(m);
  schedule::Options options;
  // Step of the write of each product, -1: none.
  auto writes = [&](const program::Program &p) {
    std::vector<int64_t> steps(p.products.size(), -1);
    for (const program::Stream &stream : p.streams) {
      int64_t step = 0;
      for (const program::Instruction &i : stream.instructions) {
        if (i.opcode == Opcode::Step)
          step = i.index;
        if (i.opcode == Opcode::Write)
          steps[p.parts[i.index].product] = step;
      }
    }
    return steps;
  };
  program::Program late = llvm::cantFail(make(w, m, k, options));
  EXPECT_EQ(llvm::toString(program::verify(late)), "");
  EXPECT_EQ(writes(late), (std::vector<int64_t>{0, -1, 2}));
  options.write_ahead = true;
  program::Program early = llvm::cantFail(make(w, m, k, options));
  EXPECT_EQ(llvm::toString(program::verify(early)), "");
  EXPECT_EQ(writes(early), (std::vector<int64_t>{0, -1, 1}));
  // With nothing that stays there is no idle array to write.
  k.segments = mapping::Segments::SwapAll;
  EXPECT_EQ(writes(llvm::cantFail(make(w, m, k, options))),
            (std::vector<int64_t>{0, 1, 2}));

  // One step earlier the arrays are at work.
  program::Program broken = early;
  for (program::Stream &stream : broken.streams)
    for (size_t at = 0; at != stream.instructions.size(); ++at)
      if (stream.instructions[at].opcode == Opcode::Write &&
          broken.parts[stream.instructions[at].index].product == 2)
        for (size_t before = at; before-- > 0;)
          if (stream.instructions[before].opcode == Opcode::Step) {
            stream.instructions[before].index = 0;
            break;
          }
  EXPECT_NE(llvm::toString(program::verify(broken)), "");
  // The product is said to run later than it does: nothing waits for it.
  broken = early;
  broken.products[2].step = 3;
  EXPECT_NE(llvm::toString(program::verify(broken)).find("step"),
            std::string::npos);
}

TEST(Schedule, ProgramsStaySmall) {
  machine::Machine m = machineOf("rram-32nm", 64, 16, 64);
  program::Program p = llvm::cantFail(make(test::chained(test::vgg16()), m));
  size_t instructions = 0;
  for (const program::Stream &stream : p.streams)
    instructions += stream.instructions.size();
  EXPECT_LT(instructions, 40 * p.parts.size());
  EXPECT_EQ(llvm::toString(program::check(p)), "");
}

TEST(Schedule, RefusesWithNumbers) {
  workload::Workload w = test::chained(test::resnet18());
  machine::Machine m = machineOf("rram-32nm", 1, 2, 4);
  std::string message = refusal(w, m);
  EXPECT_NE(message.find("arrays: model 'resnet18' needs "), std::string::npos)
      << message;
  EXPECT_NE(message.find(", the chip has 8 "), std::string::npos) << message;

  m = machineOf("sram-32nm", 1, 2, 4);
  m.memory.kind = 0; // none
  message = refusal(w, m);
  EXPECT_NE(message.find("no external memory to fetch weights from"),
            std::string::npos)
      << message;

  m = machineOf("rram-32nm", 64, 16, 8);
  m.tile_buffer.size_kib = 1;
  message = refusal(w, m);
  EXPECT_NE(message.find("tile buffer of core "), std::string::npos) << message;
  EXPECT_NE(message.find("the buffer has 8192: raise "
                         "machine.tile_buffer.size_kib to "),
            std::string::npos)
      << message;

  m = machineOf("rram-32nm", 64, 16, 8);
  m.memory.kind = 0; // none
  m.global_buffer.size_mib = 0.125;
  message = refusal(w, m);
  EXPECT_NE(message.find("global buffer: layer 'conv2d0' (conv2d) needs "),
            std::string::npos)
      << message;

  schedule::Options options;
  options.inferences = 3;
  message = refusal(w, machineOf("rram-32nm", 64, 16, 8), {}, options);
  EXPECT_NE(message.find("not 3: batch the workload"), std::string::npos)
      << message;
}

/// conv, relu, add-like, conv, all on one 16 x 16 image.
workload::Workload small() {
  workload::Workload w{"small", 0, {}};
  const int64_t n = 8 * 16 * 16;
  w.layers.push_back({"conv1", "conv2d", "",
                      workload::convolution(1, 3, 16, 16, 8, 3, 3, 1, 1)});
  w.layers.push_back({"relu", "relu", "", workload::Digital{n, n, n}});
  w.layers.push_back({"half", "mul", "", workload::Digital{n, n, n}});
  w.layers.push_back({"conv2", "conv2d", "",
                      workload::convolution(1, 8, 16, 16, 8, 3, 3, 1, 1)});
  for (workload::Layer &layer : w.layers)
    layer.rowwise = true;
  return test::chained(std::move(w));
}

TEST(Schedule, PipelineLoopsOverBeats) {
  schedule::Options options;
  options.kind = program::Schedule::Pipeline;
  options.inferences = 100;
  program::Program p = llvm::cantFail(
      make(small(), machineOf("rram-32nm", 1, 4, 8), {}, options));
  EXPECT_EQ(llvm::toString(program::verify(p)), "");
  // Both digital layers are one kernel; what lies between them is no tensor.
  ASSERT_EQ(p.kernels.size(), 1u);
  EXPECT_EQ(p.kernels[0].operations, 2 * 8 * 16 * 16);
  EXPECT_EQ(p.kernels[0].step, 1);
  ASSERT_EQ(p.tensors.size(), 4u); // input, conv1, half, conv2
  for (size_t i : {1, 2})
    EXPECT_EQ(p.tensors[i].versions, 2);
  EXPECT_EQ(p.products[1].step, 2);
  int64_t beats = 0, loops = 0;
  for (const program::Stream &stream : p.streams)
    for (const program::Instruction &i : stream.instructions) {
      if (i.opcode == Opcode::Loop && i.count == 98)
        ++loops;
      if (i.opcode == Opcode::Step)
        beats = std::max(beats, i.index + i.stride[0] * 97 + 1);
    }
  // One per core with parts, and one for the others.
  EXPECT_EQ(loops, int64_t(program::coresWithParts(p).size()) + 1);
  EXPECT_EQ(beats, 102);
  // More inferences do not make it longer.
  options.inferences = 100000;
  program::Program longer = llvm::cantFail(
      make(small(), machineOf("rram-32nm", 1, 4, 8), {}, options));
  EXPECT_EQ(longer.streams.size(), p.streams.size());
  // Fewer inferences than levels.
  for (int64_t inferences : {1, 2, 3, 4}) {
    options.inferences = inferences;
    program::Program few = llvm::cantFail(
        make(small(), machineOf("rram-32nm", 1, 4, 8), {}, options));
    EXPECT_EQ(llvm::toString(program::verify(few)), "") << inferences;
  }
}

// Cores without parts cost one stream, not one each, and the verifier follows.
TEST(Schedule, PipelineOnAChipOf8192Cores) {
  schedule::Options options;
  options.kind = program::Schedule::Pipeline;
  options.inferences = 100;
  workload::Workload w = test::resnet18();
  w.layers.push_back({"relu", "relu", "", workload::Digital{1000, 1000, 1000}});
  w = test::chained(std::move(w));
  std::vector<size_t> instructions;
  for (int64_t groups : {16, 512}) {
    program::Program p = llvm::cantFail(
        make(w, machineOf("isaac", groups, 16, 96), {}, options));
    ASSERT_EQ(p.chip.cores, groups * 16);
    instructions.push_back(0);
    int64_t idle = 0;
    for (const program::Stream &stream : p.streams) {
      instructions.back() += stream.instructions.size();
      idle += stream.core == program::Stream::idleCores;
    }
    EXPECT_EQ(idle, 1);
    EXPECT_EQ(llvm::toString(program::verify(p)), "");
  }
  EXPECT_EQ(instructions[0], instructions[1]);
}

TEST(Schedule, StreamWaitsForRows) {
  schedule::Options options;
  options.kind = program::Schedule::Stream;
  workload::Workload w = small();
  const machine::Machine m = machineOf("rram-32nm", 1, 4, 8);
  auto waits = [&](const program::Program &p) {
    std::vector<int64_t> rows; // of conv2's input, in order
    for (const program::Stream &stream : p.streams)
      for (const program::Instruction &i : stream.instructions)
        if (i.opcode == Opcode::Wait && i.index == p.products[1].inputs[0])
          rows.push_back(i.count);
    return rows;
  };
  program::Program p = llvm::cantFail(make(w, m, {}, options));
  EXPECT_EQ(llvm::toString(program::verify(p)), "");
  EXPECT_EQ(p.kernels[0].pieces, 16);
  std::vector<int64_t> rows = waits(p);
  ASSERT_GT(rows.size(), 4u);
  EXPECT_EQ(rows.front(), 2); // 3 rows of the padded image
  EXPECT_EQ(rows.back(), 16);
  // Work that is not element-wise needs everything.
  w.layers[2].rowwise = false;
  p = llvm::cantFail(make(w, m, {}, options));
  EXPECT_EQ(llvm::toString(program::verify(p)), "");
  EXPECT_EQ(p.kernels[0].pieces, 1);
  EXPECT_EQ(waits(p), std::vector<int64_t>{1});
}

/// conv 16 x 16, relu, pooling to 8 x 8, codes with a row of padding around
/// them, conv.
workload::Workload pooled() {
  workload::Workload w{"pooled", 0, {}};
  const int64_t all = 8 * 16 * 16, some = 8 * 8 * 8, padded = 8 * 10 * 10;
  w.layers.push_back({"conv1", "conv2d", "",
                      workload::convolution(1, 3, 16, 16, 8, 3, 3, 1, 1)});
  w.layers.push_back({"relu", "relu", "", workload::Digital{all, all, all}});
  w.layers.push_back(
      {"pool", "pooling_nchw_max", "", workload::Digital{all, all, some}});
  w.layers.push_back(
      {"codes", "quantize", "", workload::Digital{padded, padded, padded}});
  w.layers.push_back({"conv2", "conv2d", "",
                      workload::convolution(1, 8, 8, 8, 8, 3, 3, 1, 1)});
  for (workload::Layer &layer : w.layers)
    layer.rowwise = true;
  return test::chained(std::move(w));
}

TEST(Schedule, PooledRowsStream) {
  schedule::Options options;
  options.kind = program::Schedule::Stream;
  const machine::Machine m = machineOf("rram-32nm", 1, 4, 8);
  auto scheduled = [&](const workload::Workload &w) {
    program::Program p = llvm::cantFail(make(w, m, {}, options));
    EXPECT_EQ(llvm::toString(program::verify(p)), "");
    return p;
  };
  // Rows that somebody waits for, in order.
  auto waits = [](const program::Program &p, int64_t tensor) {
    std::vector<int64_t> rows;
    for (const program::Stream &stream : p.streams)
      for (const program::Instruction &i : stream.instructions)
        if (i.opcode == Opcode::Wait && i.index == tensor &&
            (rows.empty() || rows.back() != i.count))
          rows.push_back(i.count);
    return rows;
  };
  program::Program p = scheduled(pooled());
  ASSERT_EQ(p.kernels.size(), 1u);
  EXPECT_EQ(p.kernels[0].pieces, 8); // one row of the result each
  const int64_t sums = p.kernels[0].inputs[0], codes = p.kernels[0].outputs[0];
  EXPECT_EQ(p.tensors[sums].rows, 16);
  EXPECT_EQ(p.tensors[codes].rows, 8); // padding is not counted
  EXPECT_EQ(waits(p, sums), (std::vector<int64_t>{2, 4, 6, 8, 10, 12, 14, 16}));
  EXPECT_EQ(waits(p, codes).front(), 2);
  EXPECT_EQ(waits(p, codes).back(), 8);
  // Shares of shares, results of no known rows, sums of other sizes, and work
  // that nothing comes to row by row need everything.
  auto whole = [&](auto change) {
    workload::Workload w = pooled();
    change(w);
    program::Program p = scheduled(w);
    EXPECT_EQ(p.kernels.back().pieces, 1);
    EXPECT_EQ(waits(p, p.kernels.back().outputs[0]), std::vector<int64_t>{1});
  };
  whole([](workload::Workload &w) { w.layers[1].op = "pooling_nchw_sum"; });
  whole([](workload::Workload &w) {
    w.layers[4].work = workload::matmul(1, 8 * 8 * 8, 10);
  });
  whole([](workload::Workload &w) {
    std::get<workload::Digital>(w.layers[1].work).output_elements -= 8;
  });
  whole([](workload::Workload &w) {
    w.layers[2].inputs = {workload::Layer::modelInput};
  });
}

TEST(Schedule, RefusalsOfSchedules) {
  schedule::Options pipeline;
  pipeline.kind = program::Schedule::Pipeline;
  schedule::Options stream;
  stream.kind = program::Schedule::Stream;
  machine::Machine m = machineOf("rram-32nm", 1, 4, 8);
  EXPECT_NE(refusal(workload::batched(small(), 2), m, {}, pipeline)
                .find("schedule 'pipeline' passes one inference after the "
                      "other, the workload does 2 at once"),
            std::string::npos);
  m.global_buffer.size_mib = 0.002;
  EXPECT_NE(refusal(small(), m, {}, pipeline)
                .find("global buffer: the pipeline of model 'small' holds "),
            std::string::npos);
  EXPECT_NE(refusal(small(), m, {}, stream)
                .find("global buffer: without steps model 'small' holds all "),
            std::string::npos);
  m = machineOf("sram-32nm", 1, 1, 1);
  m.array.rows = m.array.cols = 32;
  for (const schedule::Options &options : {pipeline, stream})
    EXPECT_NE(refusal(small(), m, {}, options)
                  .find("needs all weights of model 'small' to stay on the "
                        "chip: "),
              std::string::npos);
  workload::Workload loop = small();
  loop.layers[1].inputs = {0, 2};
  EXPECT_NE(refusal(loop, machineOf("rram-32nm", 1, 4, 8), {}, stream)
                .find("cannot cut the loop that goes from layer 'half' (mul) "
                      "back to layer 'relu' (relu)"),
            std::string::npos);
}

TEST(Schedule, OperandsNeedTheirLayer) {
  workload::Workload w{"attention", 0, {}};
  w.layers.push_back({"q", "matmul", "", workload::matmul(8, 16, 16)});
  w.layers.push_back(
      {"scores", "batch_matmul", "",
       workload::DynamicProduct{8 * 16 * 8, 256, 64, 8, 16, 8, 1}});
  w = test::chained(std::move(w));
  mapping::Knobs k;
  k.dynamic_products = mapping::DynamicProducts::Arrays;
  machine::Machine m = machineOf("sram-32nm", 2, 2, 4);
  EXPECT_NE(refusal(w, m, k).find("right operand"), std::string::npos);
  w.layers[1].right_inputs = {0};
  program::Program p = llvm::cantFail(make(w, m, k));
  ASSERT_EQ(p.products.size(), 2u);
  EXPECT_EQ(p.products[1].operand, p.products[0].output);
  EXPECT_EQ(p.products[1].rounds, 1);
  EXPECT_EQ(p.kernels.size(), 0u);
}

} // namespace
