//===- VerifyTest.cpp - Sound programs pass -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/Verify.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

using namespace imc::program;
using namespace imc::program::test;

TEST(VerifyTest, SoundProgramsPass) {
  EXPECT_EQ(llvm::toString(verify(convolutions())), "");
  EXPECT_EQ(llvm::toString(verify(reloading())), "");
  EXPECT_EQ(llvm::toString(verify(attention())), "");
  EXPECT_EQ(llvm::toString(verify(pipelined())), "");
  EXPECT_EQ(llvm::toString(verify(streaming())), "");
}

/// pipelined() on a chip of 8,192 cores; those without parts share a stream of
/// their steps and kernels.
static Program large() {
  Program p = pipelined();
  p.chip.cores = 8192;
  const std::set<int64_t> withParts = coresWithParts(p);
  EXPECT_LT(withParts.size(), 8u);
  Stream idle = p.streams[0];
  idle.core = Stream::idleCores;
  llvm::erase_if(idle.instructions, [](const Instruction &i) {
    return i.opcode != Opcode::Step && i.opcode != Opcode::Vector &&
           i.opcode != Opcode::Loop && i.opcode != Opcode::End;
  });
  // Loops over blocks have nothing left in them.
  std::vector<Instruction> &body = idle.instructions;
  for (size_t at = 0; at + 1 < body.size();)
    if (body[at].opcode == Opcode::Loop && body[at + 1].opcode == Opcode::End) {
      body.erase(body.begin() + at, body.begin() + at + 2);
      at = 0;
    } else {
      ++at;
    }
  llvm::erase_if(p.streams, [&](const Stream &stream) {
    return !withParts.count(stream.core);
  });
  p.streams.push_back(std::move(idle));
  return p;
}

TEST(VerifyTest, IdleCoresShareAStream) {
  EXPECT_EQ(llvm::toString(verify(large())), "");
  // Without it nobody does their share of the kernel.
  Program p = large();
  p.streams.pop_back();
  EXPECT_NE(llvm::toString(verify(p)).find("of 8192 cores"), std::string::npos);
  // What an idle core may not do: the work of a part.
  p = large();
  p.streams.back().instructions.push_back({Opcode::Load, 0, 0, {0, 0}, 1});
  EXPECT_NE(llvm::toString(verify(p)).find("core: 'load' of windows 0 to 0"),
            std::string::npos);
  // Two streams that all cores share, one behind the other: steps go back.
  p = large();
  p.streams.push_back(p.streams.back());
  EXPECT_NE(llvm::toString(verify(p)).find("goes back from step"),
            std::string::npos);
  // -3 is the least.
  p = large();
  p.streams.back().core = -4;
  EXPECT_NE(llvm::toString(verify(p)).find("core is -4"), std::string::npos);
}

TEST(VerifyTest, RandomProgramsPass) {
  std::mt19937_64 generator(11);
  for (int i = 0; i < 500; ++i) {
    Program program = random(generator);
    ASSERT_EQ(llvm::toString(verify(program)), "") << text(program);
  }
}
