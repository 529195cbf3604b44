//===- RandomMutationTest.cpp - What the verifier lets pass is harmless ---===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs with one or two random changes. Those that the verifier accepts are
// executed three times in random orders by an oracle that decides by the data
// (Oracle.h): all must compute what their tables say.
// IMC_PROGRAM_MUTANTS=100000 runs more of them.
//
//===----------------------------------------------------------------------===//

#include "Builder.h"
#include "Oracle.h"

#include "imc/Program/Verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

using namespace imc::program;
using namespace imc::program::test;

namespace {

class Mutator {
public:
  Mutator(Program &program, std::mt19937_64 &generator)
      : p(program), random(generator) {}

  void mutate() {
    switch (below(5)) {
    case 0:
      return part();
    case 1:
      return tables();
    default:
      return stream();
    }
  }

private:
  int64_t below(int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  }
  template <class T>
  T &any(std::vector<T> &table) {
    return table[static_cast<size_t>(below(table.size()))];
  }
  void nudge(int64_t &value) {
    static const int64_t steps[] = {-8, -2, -1, 1, 1, 2, 8};
    value += steps[below(7)];
  }

  void stream() {
    std::vector<Instruction> &body = any(p.streams).instructions;
    if (body.empty())
      return;
    const int64_t at = below(body.size());
    Instruction &i = body[static_cast<size_t>(at)];
    switch (below(9)) {
    case 0:
      body.erase(body.begin() + at);
      break;
    case 1:
      body.insert(body.begin() + at, Instruction(i));
      break;
    case 2:
      std::swap(i, any(body));
      break;
    case 3:
      if (static_cast<size_t>(at + 1) < body.size())
        std::swap(i, body[static_cast<size_t>(at + 1)]);
      break;
    case 4: {
      const Instruction moved = i;
      body.erase(body.begin() + at);
      std::vector<Instruction> &other = any(p.streams).instructions;
      other.insert(other.begin() + below(other.size() + 1), moved);
      break;
    }
    case 5:
      nudge(i.first);
      break;
    case 6:
      nudge(i.count);
      break;
    case 7:
      nudge(i.index);
      break;
    default:
      nudge(i.stride[0]);
    }
  }

  void part() {
    if (p.parts.empty())
      return;
    Part &part = any(p.parts);
    int64_t *const fields[] = {
        &part.core,       &part.round,        &part.first_array,
        &part.copies,     &part.slot_begin,   &part.slot_end,
        &part.windows,    &part.first_window, &part.block,
        &part.previous,   &part.next,         &part.lines.offset,
        &part.lines.size, &part.product,      &part.accumulators.offset};
    nudge(*fields[below(15)]);
  }

  void tables() {
    Tensor &t = any(p.tensors);
    Tensor &other = any(p.tensors);
    switch (below(10)) {
    case 0: {
      // Words stay where bytes begin, as the oracle wants them.
      int64_t words = 0;
      nudge(words);
      t.region.offset += 8 * words;
      return;
    }
    case 1:
      t.region.offset = other.region.offset;
      return;
    case 2:
      return nudge(t.first_step);
    case 3:
      return nudge(t.last_step);
    case 4: {
      const int64_t size = t.region.size / t.versions;
      nudge(t.versions);
      t.region.size = size * t.versions;
      return;
    }
    case 5:
      if (!p.products.empty()) {
        Product &q = any(p.products);
        int64_t *const fields[] = {&q.step, &q.copies, &q.rounds, &q.operand,
                                   &q.output};
        nudge(*fields[below(5)]);
      }
      return;
    case 6:
      if (!p.products.empty())
        nudge(any(any(p.products).inputs));
      return;
    case 7:
      if (!p.kernels.empty()) {
        Kernel &k = any(p.kernels);
        int64_t *const fields[] = {&k.step, &k.pieces, &k.inputs[0],
                                   &k.outputs[0]};
        nudge(*fields[below(4)]);
      }
      return;
    case 8:
      return nudge(p.inferences);
    default:
      return nudge(t.rows);
    }
  }

  Program &p;
  std::mt19937_64 &random;
};

/// A random program on a few cores: larger ones take the oracle too long.
Program smallRandom(std::mt19937_64 &generator) {
  while (true) {
    Program p = random(generator);
    int64_t cores = 1, windows = 0;
    for (const Part &part : p.parts)
      cores = std::max(cores, part.core + 1);
    for (const Product &q : p.products)
      windows += q.geometry.windows * p.inferences;
    if (cores > 6 || windows > 300)
      continue;
    p.chip.cores = cores;
    p.streams.erase(
        std::remove_if(p.streams.begin(), p.streams.end(),
                       [&](const Stream &s) { return s.core >= cores; }),
        p.streams.end());
    return p;
  }
}

} // namespace

TEST(OracleTest, SoundProgramsAreHarmless) {
  std::mt19937_64 generator(5);
  for (int i = 0; i < 3; ++i)
    for (const Program &program :
         {convolutions(), reloading(), attention(), pipelined(), streaming()})
      EXPECT_EQ(harm(program, generator), "") << text(program);
  for (int i = 0; i < 30; ++i) {
    Program program = smallRandom(generator);
    ASSERT_EQ(llvm::toString(verify(program)), "") << text(program);
    ASSERT_EQ(harm(program, generator), "") << text(program);
  }
}

TEST(RandomMutationTest, WhatPassesIsHarmless) {
  const char *wanted = std::getenv("IMC_PROGRAM_MUTANTS");
  const int64_t count = wanted ? std::atoll(wanted) : 2000;
  std::mt19937_64 generator(6);
  int64_t broken = 0, refused = 0, harmful = 0, passed = 0;
  Program base;
  for (int64_t i = 0; i < count; ++i) {
    if (i % 20 == 0) {
      Program (*const named[])() = {attention, reloading, pipelined, streaming};
      base = i % 40 == 0 ? named[i / 40 % 4]() : smallRandom(generator);
    }
    Program program = base;
    Mutator mutator(program, generator);
    mutator.mutate();
    if (generator() % 3 == 0)
      mutator.mutate();
    if (text(program) == text(base))
      continue;
    if (llvm::Error error = check(program)) {
      llvm::consumeError(std::move(error));
      ++broken;
      continue;
    }
    if (llvm::Error error = verify(program)) {
      llvm::consumeError(std::move(error));
      ++refused;
      harmful += !harm(program, generator).empty();
      continue;
    }
    ++passed;
    for (int order = 0; order < 3; ++order)
      ASSERT_EQ(harm(program, generator), "") << "mutant " << i << "\n"
                                              << text(program) << "\nof\n"
                                              << text(base);
  }
  std::printf("%lld mutants: %lld with broken tables, %lld refused (%lld of "
              "them do harm in a random order), %lld passed and harmless\n",
              static_cast<long long>(count), static_cast<long long>(broken),
              static_cast<long long>(refused), static_cast<long long>(harmful),
              static_cast<long long>(passed));
  // The oracle is not blind.
  EXPECT_GT(harmful, refused / 4);
  EXPECT_GT(refused, count / 4);
  EXPECT_GT(passed, 0);
}
