//===- CheckTest.cpp - Tables that hang together --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/Verify.h"

#include <gtest/gtest.h>

#include <functional>

using namespace imc::program;
using namespace imc::program::test;

/// What check() says of convolutions() after a change.
static std::string after(const std::function<void(Program &)> &change) {
  Program program = convolutions();
  change(program);
  return llvm::toString(check(program));
}

static Instruction &loopOf(Program &program) {
  for (Stream &stream : program.streams)
    for (Instruction &i : stream.instructions)
      if (i.opcode == Opcode::Loop)
        return i;
  abort();
}

TEST(CheckTest, SoundProgramsPass) {
  for (const Program &program :
       {convolutions(), reloading(), attention(), pipelined(), streaming()})
    EXPECT_EQ(llvm::toString(check(program)), "");
}

TEST(CheckTest, RangesOfFields) {
  EXPECT_EQ(after([](Program &p) { p.inferences = 0; }),
            "range: inferences is 0, but must lie in 1 to 9007199254740992");
  EXPECT_EQ(after([](Program &p) { p.chip.driven_rows = 17; }),
            "range: chip: driven_rows is 17, but an array has 16 rows");
  EXPECT_EQ(after([](Program &p) { p.tensors[1].versions = 5; }),
            "range: tensor 1 'conv1': 6144 bits do not hold 5 versions of "
            "equal size");
  EXPECT_EQ(after([](Program &p) { p.tensors[1].first_step = 2; }),
            "range: tensor 1 'conv1': last_step 1 lies before first_step 2");
  EXPECT_EQ(after([](Program &p) { p.parts[1].copies = -1; }),
            "range: part 1: copies is -1, but must lie in 1 to "
            "9007199254740992");
  EXPECT_EQ(after([](Program &p) {
              p.parts[0].slot_begin = 3;
              p.parts[0].slot_end = 1;
            }),
            "range: part 0: slots end at 1, before they begin at 3");
  EXPECT_EQ(after([](Program &p) { p.schedule = static_cast<Schedule>(9); }),
            "range: schedule 9 is none");
  EXPECT_EQ(after([](Program &p) { p.products[0].tiling.strips = 0; }),
            "range: product 0 'conv1': tiling strips is 0, but must lie in 1 "
            "to 9007199254740992");
}

TEST(CheckTest, Indices) {
  EXPECT_EQ(after([](Program &p) { p.products[0].output = 6; }),
            "index: product 0 'conv1': output is 6, but there are 6 tensors");
  EXPECT_EQ(after([](Program &p) { p.products[0].inputs = {99}; }),
            "index: product 0 'conv1': an input is 99, but there are 6 "
            "tensors");
  EXPECT_EQ(after([](Program &p) { p.parts[0].core = 8; }),
            "index: part 0: core is 8, but the chip has 8");
  EXPECT_EQ(after([](Program &p) {
              p.parts[0].previous = 77;
            }).find("index: part 0: previous is 77, but there are"),
            0u);
  EXPECT_EQ(after([](Program &p) { p.kernels[0].outputs = {9}; }),
            "index: kernel 0 'relu1': an output is 9, but there are 6 "
            "tensors");
  EXPECT_EQ(after([](Program &p) { p.streams[1].core = 8; }),
            "index: stream 1: core is 8, but the chip has 8");
  EXPECT_NE(after([](Program &p) { loopOf(p).opcode = Opcode::Load; }), "");
}

TEST(CheckTest, Loops) {
  EXPECT_EQ(after([](Program &p) {
              p.streams[1].instructions.push_back(
                  {Opcode::End, 0, 0, {0, 0}, 0});
            }).find("loop: stream 1, instruction"),
            0u);
  EXPECT_EQ(after([](Program &p) {
              p.streams[2].instructions.push_back(
                  {Opcode::Loop, 0, 0, {0, 0}, 1});
            }),
            "loop: stream 2: 1 loops have no 'end'");
  EXPECT_EQ(after([](Program &p) {
              p.streams[1].instructions = {{Opcode::Loop, 0, 0, {0, 0}, 1},
                                           {Opcode::Loop, 0, 0, {0, 0}, 1},
                                           {Opcode::Loop, 0, 0, {0, 0}, 1},
                                           {Opcode::End},
                                           {Opcode::End},
                                           {Opcode::End}};
            }),
            "loop: stream 1, instruction 2: a loop in two others: loops may be "
            "two deep");
  EXPECT_EQ(after([](Program &p) {
              p.streams[1].instructions = {{Opcode::Load, 0, 0, {1, 0}, 1}};
            }),
            "loop: stream 1, instruction 0: a stride of 'i', but only 0 loops "
            "are around it");
}

TEST(CheckTest, Overflow) {
  const int64_t large = int64_t(1) << 52;
  EXPECT_EQ(after([&](Program &p) {
              p.streams[1].instructions = {{Opcode::Loop, 0, 0, {0, 0}, large},
                                           {Opcode::Load, 0, 0, {7, 0}, 1},
                                           {Opcode::End}};
            }).find("overflow: stream 1, instruction 1: the value exceeds"),
            0u);
  EXPECT_EQ(after([&](Program &p) {
              p.streams[1].instructions = {{Opcode::Loop, 0, 0, {0, 0}, large},
                                           {Opcode::Loop, 0, 0, {0, 0}, large},
                                           {Opcode::Load, 0, 0, {0, 0}, 1},
                                           {Opcode::End},
                                           {Opcode::End}};
            }).find("overflow: stream 1, instruction 1: more than"),
            0u);
  EXPECT_EQ(after([&](Program &p) {
              p.products[0].geometry.cols = large;
            }).find("overflow: product 0 'conv1': windows * rows * cols"),
            0u);
  EXPECT_EQ(after([&](Program &p) {
              for (Tensor &t : p.tensors)
                t.region.size = large;
            }),
            "overflow: the regions of all tensors have more than "
            "9007199254740992 bits");
}

TEST(CheckTest, InstructionsOfTheirStream) {
  EXPECT_EQ(after([](Program &p) {
              p.streams[1].instructions.push_back({Opcode::Spill, 0, 0, {}, 1});
            }).find("stream: stream 1, instruction"),
            0u);
  EXPECT_EQ(after([](Program &p) {
              p.streams[0].instructions.push_back({Opcode::Mvm, 0, 0, {}, 1});
            }).find("stream: stream 0, instruction"),
            0u);
  EXPECT_EQ(after([](Program &p) {
              p.streams[1].instructions.push_back({Opcode::Write, 0, 1, {}, 0});
            }).find("range: stream 1, instruction"),
            0u);
}

TEST(CheckTest, FirstTwentyAreListed) {
  std::string all = after(
      [](Program &p) { p.streams[1].instructions.assign(30, {Opcode::End}); });
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 20);
  EXPECT_NE(all.find("\nand 10 more"), std::string::npos);
}
