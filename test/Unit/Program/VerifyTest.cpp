//===- VerifyTest.cpp - Sound programs pass -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/Verify.h"

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

TEST(VerifyTest, RandomProgramsPass) {
  std::mt19937_64 generator(11);
  for (int i = 0; i < 500; ++i) {
    Program program = random(generator);
    ASSERT_EQ(llvm::toString(verify(program)), "") << text(program);
  }
}
