//===- TargetFuzzTest.cpp - Damaged machine files never crash
//---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"

#include <random>

using namespace imc;
using namespace imc::machine;

// Truncations, flipped bits, and pieces moved elsewhere: each result is either
// read and then consistent, or refused with a place.
TEST(TargetFuzz, DamagedFiles) {
  const std::string whole = test::completeFile();
  std::mt19937_64 random(11);
  int refused = 0, read = 0;
  for (int trial = 0; trial < 400; ++trial) {
    std::string text = whole;
    switch (trial % 4) {
    case 0:
      text.resize(random() % text.size());
      break;
    case 1:
      for (int i = 0; i < 3; ++i)
        text[random() % text.size()] ^= char(1 << random() % 8);
      break;
    case 2: {
      std::string piece = text.substr(random() % text.size(), random() % 60);
      text.insert(random() % text.size(), piece);
      break;
    }
    case 3:
      text.erase(random() % text.size(), random() % 20);
      break;
    }
    llvm::Expected<TargetSpec> spec = parseTarget(text, "chip.yaml");
    if (!spec) {
      ++refused;
      std::string message = llvm::toString(spec.takeError());
      EXPECT_EQ(message.rfind("chip.yaml", 0), 0u) << message;
      continue;
    }
    ++read;
    if (spec->knobs.empty()) {
      llvm::Expected<Machine> machine = spec->machine();
      EXPECT_TRUE(bool(machine));
      if (!machine)
        llvm::consumeError(machine.takeError());
    }
    llvm::Expected<TargetSpec> again = parseTarget(toYAML(*spec), "again");
    EXPECT_TRUE(bool(again));
    if (!again)
      llvm::consumeError(again.takeError());
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(read, 10);
}
