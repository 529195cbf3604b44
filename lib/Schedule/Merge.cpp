//===- Merge.cpp - Parts of a core beside each other ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Merge.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <tuple>

using namespace imc::schedule::detail;

/// Blocks that an iteration may spell out where strands have different paces.
static constexpr int64_t mostBlocks = 48;
/// Numbers of iterations that are tried.
static constexpr int64_t mostIterations = 128;

/// The strands in falling order of their blocks: those that are still at work
/// in the last iterations come first.
static std::vector<Strand> sorted(llvm::ArrayRef<Strand> strands) {
  std::vector<Strand> order(strands.begin(), strands.end());
  llvm::sort(order, [](const Strand &a, const Strand &b) {
    return a.blocks > b.blocks;
  });
  return order;
}

double imc::schedule::detail::timeInStep(llvm::ArrayRef<Strand> strands) {
  std::vector<Strand> order = sorted(strands);
  double time = 0, slowest = 0;
  for (size_t i = 0; i != order.size(); ++i) {
    slowest = std::max(slowest, order[i].time);
    const int64_t next = i + 1 < order.size() ? order[i + 1].blocks : 0;
    time += double(order[i].blocks - next) * slowest;
  }
  return time;
}

/// A block of each strand that has some left, as often as possible.
static void appendInStep(std::vector<Strand> left, std::vector<Round> &rounds) {
  for (;;) {
    Round round;
    round.blocks.assign(left.size(), 0);
    for (auto [strand, blocks] : llvm::zip_equal(left, round.blocks)) {
      if (strand.blocks == 0)
        continue;
      round.iterations = round.iterations
                             ? std::min(round.iterations, strand.blocks)
                             : strand.blocks;
      round.time = std::max(round.time, strand.time);
      blocks = 1;
    }
    if (round.iterations == 0)
      return;
    for (Strand &strand : left)
      if (strand.blocks > 0)
        strand.blocks -= round.iterations;
    rounds.push_back(std::move(round));
  }
}

std::vector<Round>
imc::schedule::detail::planRounds(llvm::ArrayRef<Strand> strands) {
  std::vector<Strand> left(strands.begin(), strands.end());
  std::vector<Round> rounds;
  int64_t most = 0;
  bool same = true;
  for (const Strand &strand : left) {
    same &= most == 0 || strand.blocks == most;
    most = std::max(most, strand.blocks);
  }
  if (!same) {
    // `iterations` of as many blocks of each strand as they have room for; 0:
    // none, all in step.
    double best = timeInStep(left);
    int64_t chosen = 0;
    std::vector<Strand> rest = left;
    for (int64_t n = std::min(most, mostIterations); n >= 2; --n) {
      double slowest = 0;
      int64_t blocks = 0;
      for (auto [strand, over] : llvm::zip_equal(left, rest)) {
        slowest = std::max(slowest, double(strand.blocks / n) * strand.time);
        blocks += strand.blocks / n;
        over.blocks = strand.blocks % n;
      }
      if (blocks > std::max<int64_t>(mostBlocks, left.size()))
        break; // fewer iterations have more
      const double time = double(n) * slowest + timeInStep(rest);
      if (time < best * 0.99) {
        best = time;
        chosen = n;
      }
    }
    if (chosen > 0) {
      Round round;
      round.iterations = chosen;
      for (Strand &strand : left) {
        round.blocks.push_back(strand.blocks / chosen);
        round.time =
            std::max(round.time, double(round.blocks.back()) * strand.time);
        strand.blocks %= chosen;
      }
      rounds.push_back(std::move(round));
    }
  }
  appendInStep(std::move(left), rounds);
  return rounds;
}

std::vector<size_t> imc::schedule::detail::orderOf(const Round &round) {
  // Block j of r stands at (2 j + 1) / 2 r of the iteration.
  std::vector<std::tuple<double, size_t>> places;
  for (auto [strand, blocks] : llvm::enumerate(round.blocks))
    for (int64_t j = 0; j != blocks; ++j)
      places.push_back({double(2 * j + 1) / double(2 * blocks), strand});
  llvm::sort(places);
  std::vector<size_t> order;
  for (const auto &[place, strand] : places)
    order.push_back(strand);
  return order;
}
