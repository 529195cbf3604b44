//===- Residents.cpp - Blocks that stay on a chip that is too small -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Residents.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>

using namespace imc::mapping;
using namespace imc::mapping::residents;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Text form, input, solution
//===----------------------------------------------------------------------===//

llvm::ArrayRef<StringRef> Problem::algorithms() {
  static const StringRef names[] = {"sweep", "in_order", "greedy", "exact"};
  return names;
}

Expected<Problem> Problem::parse(const json::Value &value) {
  return parseFields<Problem>(
      value, "problem", Problem::kind, [](Fields &fields, Problem &p) {
        p.arrays = fields.integer("arrays");
        p.shared = fields.integer("shared", 1);
        fields.objects("blocks", [&](Fields &block) {
          p.blocks.push_back({block.string("name", ""), block.integer("arrays"),
                              block.integer("cells")});
        });
      });
}

Expected<Solution> Solution::parse(const json::Value &value) {
  return parseFields<Solution>(
      value, "solution", Problem::kind,
      [](Fields &fields, Solution &s) { s.stay = fields.integers("stay"); });
}

json::Value imc::mapping::residents::toJSON(const Problem &p) {
  json::Array blocks;
  for (const Block &b : p.blocks)
    blocks.push_back(json::Object{
        {"name", b.name}, {"arrays", b.arrays}, {"cells", b.cells}});
  return json::Object{{"problem", Problem::kind},
                      {"arrays", p.arrays},
                      {"shared", p.shared},
                      {"blocks", std::move(blocks)}};
}

json::Value imc::mapping::residents::toJSON(const Solution &s) {
  return json::Object{{"solution", Problem::kind},
                      {"stay", json::Array(s.stay)}};
}

Error imc::mapping::residents::check(const Problem &p) {
  if (p.arrays < 1 || p.arrays > largestNumber)
    return invalid("'arrays' is " + Twine(p.arrays) +
                   ", must be from 1 to 2^53");
  if (p.shared < 1 || p.shared > p.arrays)
    return invalid("'shared' is " + Twine(p.shared) + ", must be from 1 to " +
                   Twine(p.arrays) + ", the arrays of the chip");
  if (p.blocks.empty())
    return invalid("'blocks' is empty");
  int64_t arrays = largestNumber, cells = largestNumber;
  for (const auto &[i, b] : llvm::enumerate(p.blocks))
    for (auto [field, value, left] : {std::tuple("arrays", b.arrays, &arrays),
                                      std::tuple("cells", b.cells, &cells)}) {
      if (value < 1 || value > *left)
        return invalid(label("blocks", int64_t(i), b.name) + ": '" + field +
                       "' is " + Twine(value) +
                       ", must be at least 1, and 2^53 in all blocks");
      *left -= value;
    }
  return Error::success();
}

Error imc::mapping::residents::verify(const Problem &p, const Solution &s) {
  int64_t used = 0, before = -1;
  for (const auto &[i, block] : llvm::enumerate(s.stay)) {
    if (block <= before || block >= int64_t(p.blocks.size()))
      return invalid("'stay[" + Twine(i) + "]' is " + Twine(block) +
                     ", must be less than " + Twine(p.blocks.size()) +
                     " and larger than the entry before");
    used += p.blocks[size_t(block)].arrays;
    before = block;
  }
  const bool all = s.stay.size() == p.blocks.size();
  const int64_t room = all ? p.arrays : p.arrays - p.shared;
  if (used > room)
    return invalid("what stays takes " + Twine(used) + " arrays, " +
                   Twine(used - room) + " more than " +
                   (all ? "there are" : "the others leave"));
  return Error::success();
}

int64_t imc::mapping::residents::objective(const Problem &p,
                                           const Solution &s) {
  int64_t cells = 0;
  for (const Block &b : p.blocks)
    cells += b.cells;
  for (int64_t block : s.stay)
    cells -= p.blocks[size_t(block)].cells;
  return cells;
}

std::string imc::mapping::residents::objectiveUnit(const Problem &p) {
  return "cells written per round";
}

//===----------------------------------------------------------------------===//
// Algorithms
//===----------------------------------------------------------------------===//

static Solution firstFit(const Problem &p, llvm::ArrayRef<int64_t> order) {
  Solution s;
  int64_t room = p.arrays - p.shared;
  for (int64_t block : order)
    if (p.blocks[size_t(block)].arrays <= room) {
      room -= p.blocks[size_t(block)].arrays;
      s.stay.push_back(block);
    }
  llvm::sort(s.stay);
  return s;
}

static Expected<Solution> exact(const Problem &p) {
  const int64_t room = p.arrays - p.shared;
  const auto count = int64_t(p.blocks.size());
  if (room + 1 > Problem::maxTable / count)
    return invalid("exact needs a table of " + Twine(count) + " blocks x " +
                   Twine(room + 1) +
                   " arrays, more than 2^32 entries; use greedy");
  // saved[r]: most cells of the blocks so far that stay in r arrays.
  std::vector<int64_t> saved(size_t(room) + 1, 0);
  std::vector<std::vector<bool>> stays;
  for (const Block &b : p.blocks) {
    std::vector<bool> taken(size_t(room) + 1, false);
    for (int64_t r = room; r >= b.arrays; --r)
      if (int64_t with = saved[size_t(r - b.arrays)] + b.cells;
          with > saved[size_t(r)]) {
        saved[size_t(r)] = with;
        taken[size_t(r)] = true;
      }
    stays.push_back(std::move(taken));
  }
  Solution s;
  int64_t left = room;
  for (int64_t i = count; i-- > 0;)
    if (stays[size_t(i)][size_t(left)]) {
      left -= p.blocks[size_t(i)].arrays;
      s.stay.push_back(i);
    }
  std::reverse(s.stay.begin(), s.stay.end());
  return s;
}

Expected<Solution> imc::mapping::residents::solve(const Problem &p,
                                                  StringRef algorithm) {
  Expected<size_t> index =
      indexOf(algorithm, Problem::algorithms(), "algorithm");
  if (!index)
    return index.takeError();
  if (*index == 0)
    return Solution();
  std::vector<int64_t> order(p.blocks.size());
  std::iota(order.begin(), order.end(), int64_t(0));
  // Nobody shares anything when all fit.
  int64_t needed = 0;
  for (const Block &b : p.blocks)
    needed += b.arrays;
  if (needed <= p.arrays)
    return Solution{order};
  if (*index == 3)
    return exact(p);
  if (*index == 2)
    llvm::sort(order, [&](int64_t a, int64_t b) {
      const Block &x = p.blocks[size_t(a)], &y = p.blocks[size_t(b)];
      __extension__ typedef __int128 Wide;
      const Wide left = Wide(x.cells) * y.arrays,
                 right = Wide(y.cells) * x.arrays;
      return left > right || (left == right && a < b);
    });
  return firstFit(p, order);
}
