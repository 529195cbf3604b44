//===- Assignment.cpp - Blocks on the cores of a mesh ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Assignment.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cstdlib>

using namespace imc::mapping;
using namespace imc::mapping::assignment;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

int64_t Problem::hops(int64_t a, int64_t b) const {
  if (a == b)
    return 0;
  if (a < 0 || b < 0) {
    const int64_t core = std::max(a, b);
    return 1 + std::abs(core % width - width / 2) + core / width;
  }
  return std::abs(a % width - b % width) + std::abs(a / width - b / width);
}

//===----------------------------------------------------------------------===//
// Text form, input, solution
//===----------------------------------------------------------------------===//

llvm::ArrayRef<StringRef> Problem::algorithms() {
  static const StringRef names[] = {"linear", "greedy", "local_search"};
  return names;
}

/// As wide as high, or one column wider.
static int64_t squareWidth(int64_t cores) {
  int64_t width = 1;
  while (width * width < cores && width < Problem::maxCores)
    ++width;
  return width;
}

Expected<Problem> Problem::parse(const json::Value &value) {
  return parseFields<Problem>(
      value, "problem", Problem::kind, [](Fields &fields, Problem &p) {
        p.cores = fields.integer("cores");
        p.width = fields.integer("width", squareWidth(p.cores));
        p.arrays_per_core = fields.integer("arrays_per_core", 1);
        fields.objects("blocks", [&](Fields &block) {
          p.blocks.push_back(
              {block.string("name", ""), block.integer("arrays", 1)});
        });
        for (const std::vector<int64_t> &flow : fields.tuples("traffic", 3))
          p.traffic.push_back({flow[0], flow[1], flow[2]});
      });
}

Expected<Solution> Solution::parse(const json::Value &value) {
  return parseFields<Solution>(
      value, "solution", Problem::kind,
      [](Fields &fields, Solution &s) { s.cores = fields.integers("cores"); });
}

json::Value imc::mapping::assignment::toJSON(const Problem &p) {
  json::Array blocks, traffic;
  for (const Block &b : p.blocks)
    blocks.push_back(json::Object{{"name", b.name}, {"arrays", b.arrays}});
  for (const Flow &f : p.traffic)
    traffic.push_back(json::Array{f.from, f.to, f.bits});
  return json::Object{{"problem", Problem::kind},
                      {"cores", p.cores},
                      {"width", p.width},
                      {"arrays_per_core", p.arrays_per_core},
                      {"blocks", std::move(blocks)},
                      {"traffic", std::move(traffic)}};
}

json::Value imc::mapping::assignment::toJSON(const Solution &s) {
  return json::Object{{"solution", Problem::kind},
                      {"cores", json::Array(s.cores)}};
}

static std::string nameOf(const Problem &p, size_t i) {
  return label("blocks", i, p.blocks[i].name);
}

Error imc::mapping::assignment::check(const Problem &p) {
  if (p.cores < 1 || p.cores > Problem::maxCores)
    return invalid("'cores' is " + Twine(p.cores) +
                   ", must be from 1 to 65536");
  if (p.width < 1 || p.width > p.cores)
    return invalid("'width' is " + Twine(p.width) + ", must be from 1 to " +
                   Twine(p.cores));
  if (p.arrays_per_core < 1 || p.arrays_per_core > largestNumber / p.cores)
    return invalid("'arrays_per_core' is " + Twine(p.arrays_per_core) +
                   ", must be from 1 to 2^53 on all cores");
  if (p.blocks.empty())
    return invalid("'blocks' is empty");
  int64_t left = p.cores * p.arrays_per_core;
  for (const auto &[i, b] : llvm::enumerate(p.blocks)) {
    if (b.arrays < 1 || b.arrays > p.arrays_per_core)
      return invalid(nameOf(p, i) + " has " + Twine(b.arrays) +
                     " arrays, must have 1 to " + Twine(p.arrays_per_core) +
                     ", those of a core");
    left -= b.arrays;
  }
  if (left < 0)
    return invalid("the blocks have " + Twine(-left) +
                   " arrays more than the " + Twine(p.cores) +
                   " cores together");
  const auto count = int64_t(p.blocks.size());
  const int64_t farthest = 1 + p.width + p.cores / p.width;
  int64_t room = largestNumber / farthest;
  for (const auto &[i, f] : llvm::enumerate(p.traffic)) {
    for (int64_t end : {f.from, f.to})
      if (end < -1 || end >= count)
        return invalid("'traffic[" + Twine(i) + "]' names block " + Twine(end) +
                       ", must be from 0 to " + Twine(count - 1) +
                       ", or -1 for the global buffer");
    if (f.bits < 0 || f.bits > room)
      return invalid("'traffic[" + Twine(i) + "]' has " + Twine(f.bits) +
                     " bits, must be 0 or more, and less than 2^53 bits x hops "
                     "in all");
    room -= f.bits;
  }
  return Error::success();
}

Error imc::mapping::assignment::verify(const Problem &p, const Solution &s) {
  if (s.cores.size() != p.blocks.size())
    return invalid("'cores' has " + Twine(s.cores.size()) + " entries for " +
                   Twine(p.blocks.size()) + " blocks");
  std::vector<int64_t> used(size_t(p.cores), 0);
  for (size_t i = 0; i != p.blocks.size(); ++i) {
    const int64_t core = s.cores[i];
    if (core < 0 || core >= p.cores)
      return invalid(nameOf(p, i) + " is on core " + Twine(core) + " of " +
                     Twine(p.cores));
    used[size_t(core)] += p.blocks[i].arrays;
    if (used[size_t(core)] > p.arrays_per_core)
      return invalid(nameOf(p, i) + ": core " + Twine(core) + " would hold " +
                     Twine(used[size_t(core)]) + " arrays of " +
                     Twine(p.arrays_per_core));
  }
  return Error::success();
}

int64_t imc::mapping::assignment::objective(const Problem &p,
                                            const Solution &s) {
  int64_t sum = 0;
  auto coreOf = [&](int64_t block) {
    return block < 0 ? -1 : s.cores[size_t(block)];
  };
  for (const Flow &f : p.traffic)
    sum += f.bits * p.hops(coreOf(f.from), coreOf(f.to));
  return sum;
}

std::string imc::mapping::assignment::objectiveUnit(const Problem &p) {
  return "bits x hops";
}

//===----------------------------------------------------------------------===//
// Algorithms
//===----------------------------------------------------------------------===//

static Error noRoom(const Problem &p, size_t block, StringRef algorithm) {
  return invalid(algorithm + " finds no core with room for " +
                 nameOf(p, block) + " of " + Twine(p.blocks[block].arrays) +
                 " arrays; use another algorithm, or more cores");
}

static Expected<Solution> linear(const Problem &p) {
  Solution s;
  int64_t core = 0, left = p.arrays_per_core;
  for (const auto &[i, b] : llvm::enumerate(p.blocks)) {
    if (b.arrays > left) {
      if (++core == p.cores)
        return noRoom(p, i, "linear");
      left = p.arrays_per_core;
    }
    left -= b.arrays;
    s.cores.push_back(core);
  }
  return s;
}

namespace {

/// Blocks with a core, and what each block sends to and receives from others.
class Placement {
public:
  explicit Placement(const Problem &p)
      : p(p), core(p.blocks.size(), none),
        left(size_t(p.cores), p.arrays_per_core), peers(p.blocks.size()) {
    for (const Flow &f : p.traffic) {
      if (f.from == f.to)
        continue;
      if (f.from >= 0)
        peers[size_t(f.from)].push_back({f.to, f.bits});
      if (f.to >= 0)
        peers[size_t(f.to)].push_back({f.from, f.bits});
    }
  }

  struct Peer {
    int64_t block, bits; ///< -1: the global buffer
  };
  static constexpr int64_t none = -2;

  int64_t coreOf(int64_t block) const {
    return block < 0 ? -1 : core[size_t(block)];
  }
  /// Traffic with blocks that have a core and with the buffer.
  int64_t bits(size_t block) const {
    int64_t sum = 0;
    for (const Peer &peer : peers[block])
      if (coreOf(peer.block) != none)
        sum += peer.bits;
    return sum;
  }
  int64_t allBits(size_t block) const {
    int64_t sum = 0;
    for (const Peer &peer : peers[block])
      sum += peer.bits;
    return sum;
  }
  /// Of a block on core `on`, without its traffic with block `except`.
  int64_t cost(size_t block, int64_t on, int64_t except = none) const {
    int64_t sum = 0;
    for (const Peer &peer : peers[block])
      if (int64_t other = coreOf(peer.block);
          other != none && peer.block != except)
        sum += peer.bits * p.hops(on, other);
    return sum;
  }
  bool fits(size_t block, int64_t on) const {
    return p.blocks[block].arrays <= left[size_t(on)];
  }
  void put(size_t block, int64_t on) {
    if (core[block] != none)
      left[size_t(core[block])] += p.blocks[block].arrays;
    core[block] = on;
    if (on != none)
      left[size_t(on)] -= p.blocks[block].arrays;
  }

  /// Moves the block where it saves most; returns whether it did.
  bool improveByMove(size_t block) {
    const int64_t now = core[block];
    int64_t best = cost(block, now), to = now;
    for (int64_t on = 0; on != p.cores; ++on)
      if (on != now && fits(block, on))
        if (int64_t c = cost(block, on); c < best) {
          best = c;
          to = on;
        }
    if (to != now)
      put(block, to);
    return to != now;
  }

  /// Exchanges two blocks if that saves; returns whether it did.
  bool improveByExchange(size_t a, size_t b) {
    const int64_t onA = core[a], onB = core[b];
    if (onA == onB)
      return false;
    const int64_t grows = p.blocks[a].arrays - p.blocks[b].arrays;
    if (grows > left[size_t(onB)] || -grows > left[size_t(onA)])
      return false;
    // Their own traffic travels as far as before.
    const auto idA = int64_t(a), idB = int64_t(b);
    if (cost(a, onB, idB) + cost(b, onA, idA) >=
        cost(a, onA, idB) + cost(b, onB, idA))
      return false;
    put(a, none);
    put(b, onA);
    put(a, onB);
    return true;
  }

  const Problem &p;
  std::vector<int64_t> core, left;

private:
  std::vector<std::vector<Peer>> peers;
};

} // namespace

static Expected<Solution> greedy(const Problem &p) {
  Placement placed(p);
  for (size_t n = 0; n != p.blocks.size(); ++n) {
    // The first of those with most traffic; large ones first where it is equal,
    // so that they find room.
    size_t next = 0;
    std::tuple<int64_t, int64_t, int64_t> most{-1, 0, 0};
    for (size_t i = 0; i != p.blocks.size(); ++i)
      if (placed.core[i] == Placement::none) {
        std::tuple<int64_t, int64_t, int64_t> key{
            placed.bits(i), placed.allBits(i), p.blocks[i].arrays};
        if (key > most) {
          most = key;
          next = i;
        }
      }
    int64_t to = Placement::none, least = 0;
    for (int64_t on = 0; on != p.cores; ++on)
      if (placed.fits(next, on))
        if (int64_t c = placed.cost(next, on);
            to == Placement::none || c < least) {
          least = c;
          to = on;
        }
    if (to == Placement::none)
      return noRoom(p, next, "greedy");
    placed.put(next, to);
  }
  return Solution{placed.core};
}

static Expected<Solution> localSearch(const Problem &p) {
  Expected<Solution> start = greedy(p);
  Expected<Solution> other = linear(p);
  if (!other) {
    llvm::consumeError(other.takeError());
  } else if (!start || objective(p, *other) < objective(p, *start)) {
    llvm::consumeError(start.takeError());
    start = std::move(*other);
  }
  if (!start)
    return start.takeError();
  Placement placed(p);
  for (const auto &[i, core] : llvm::enumerate(start->cores))
    placed.put(i, core);
  // The objective falls with each step, so this ends.
  for (bool better = true; better;) {
    better = false;
    for (size_t a = 0; a != p.blocks.size(); ++a) {
      better |= placed.improveByMove(a);
      for (size_t b = a + 1; b != p.blocks.size(); ++b)
        better |= placed.improveByExchange(a, b);
    }
  }
  return Solution{placed.core};
}

Expected<Solution> imc::mapping::assignment::solve(const Problem &p,
                                                   StringRef algorithm) {
  Expected<size_t> index =
      indexOf(algorithm, Problem::algorithms(), "algorithm");
  if (!index)
    return index.takeError();
  switch (*index) {
  case 0:
    return linear(p);
  case 1:
    return greedy(p);
  default:
    return localSearch(p);
  }
}
