//===- Segments.cpp - Weights that take turns on a chip -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Segments.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <set>

using namespace imc::mapping;
using namespace imc::mapping::segments;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Text form, input, solution
//===----------------------------------------------------------------------===//

llvm::ArrayRef<StringRef> Problem::algorithms() {
  static const StringRef names[] = {"fifo", "lru", "fixed", "belady"};
  return names;
}

Expected<Problem> Problem::parse(const json::Value &value) {
  return parseFields<Problem>(
      value, "problem", Problem::kind, [](Fields &fields, Problem &p) {
        p.places = fields.integer("places");
        p.place_arrays = fields.integer("place_arrays", 1);
        fields.objects("blocks", [&](Fields &block) {
          p.blocks.push_back(
              {block.string("name", ""), block.integer("arrays", 1)});
        });
        // Without an order, one after the other.
        if (fields.has("order")) {
          p.order = fields.integers("order");
        } else {
          for (size_t i = 0; i != p.blocks.size(); ++i)
            p.order.push_back(int64_t(i));
        }
        p.rounds = fields.integer("rounds", 1);
      });
}

Expected<Solution> Solution::parse(const json::Value &value) {
  return parseFields<Solution>(
      value, "solution", Problem::kind, [](Fields &fields, Solution &s) {
        for (const std::vector<int64_t> &write : fields.tuples("writes", 3))
          s.writes.push_back({write[0], write[1], write[2]});
      });
}

json::Value imc::mapping::segments::toJSON(const Problem &p) {
  json::Array blocks;
  for (const Block &b : p.blocks)
    blocks.push_back(json::Object{{"name", b.name}, {"arrays", b.arrays}});
  return json::Object{
      {"problem", Problem::kind},       {"places", p.places},
      {"place_arrays", p.place_arrays}, {"blocks", std::move(blocks)},
      {"order", json::Array(p.order)},  {"rounds", p.rounds}};
}

json::Value imc::mapping::segments::toJSON(const Solution &s) {
  json::Array writes;
  for (const Write &w : s.writes)
    writes.push_back(json::Array{w.use, w.place, w.block});
  return json::Object{{"solution", Problem::kind},
                      {"writes", std::move(writes)}};
}

static std::string nameOf(const Problem &p, int64_t block) {
  return label("blocks", block, p.blocks[block].name);
}

Error imc::mapping::segments::check(const Problem &p) {
  for (auto [field, value] :
       {std::pair("places", p.places), std::pair("rounds", p.rounds),
        std::pair("place_arrays", p.place_arrays)})
    if (value < 1 || value > largestNumber)
      return invalid(Twine("'") + field + "' is " + Twine(value) +
                     ", must be from 1 to 2^53");
  if (p.order.empty())
    return invalid("'order' is empty: no block is used");
  if (p.rounds > Problem::maxUses / int64_t(p.order.size()))
    return invalid("'order' x 'rounds' has " + Twine(p.order.size()) + " x " +
                   Twine(p.rounds) + " uses, must be at most 2^24");
  for (const auto &[i, b] : llvm::enumerate(p.blocks))
    if (b.arrays < 1 || b.arrays > p.place_arrays)
      return invalid(nameOf(p, int64_t(i)) + " takes " + Twine(b.arrays) +
                     " arrays, a place has " + Twine(p.place_arrays) +
                     "; cut it into blocks that fit");
  for (const auto &[i, block] : llvm::enumerate(p.order))
    if (block < 0 || block >= int64_t(p.blocks.size()))
      return invalid("'order[" + Twine(i) + "]' is " + Twine(block) +
                     ", must be from 0 to " + Twine(p.blocks.size() - 1) +
                     ", an index into 'blocks'");
  return Error::success();
}

Error imc::mapping::segments::verify(const Problem &p, const Solution &s) {
  llvm::DenseMap<int64_t, int64_t> held;             // place to block
  std::vector<int64_t> standing(p.blocks.size(), 0); // places with this block
  size_t next = 0;
  auto what = [&](size_t i) { return "'writes[" + std::to_string(i) + "]'"; };
  for (int64_t use = 0, end = p.uses(); use != end; ++use) {
    for (; next != s.writes.size() && s.writes[next].use == use; ++next) {
      const Write &w = s.writes[next];
      if (w.place < 0 || w.place >= p.places)
        return invalid(what(next) + " names place " + Twine(w.place) + " of " +
                       Twine(p.places));
      if (w.block < 0 || w.block >= int64_t(p.blocks.size()))
        return invalid(what(next) + " names block " + Twine(w.block) + " of " +
                       Twine(p.blocks.size()));
      auto [here, empty] = held.try_emplace(w.place, w.block);
      if (!empty)
        --standing[size_t(here->second)];
      here->second = w.block;
      ++standing[size_t(w.block)];
    }
    int64_t block = p.order[size_t(use) % p.order.size()];
    if (standing[size_t(block)] == 0)
      return invalid("use " + Twine(use) + ": " + nameOf(p, block) +
                     " is in no place");
  }
  if (next != s.writes.size())
    return invalid(what(next) + " is before use " + Twine(s.writes[next].use) +
                   ": writes must be in the order of uses, the last of which "
                   "is " +
                   Twine(p.uses() - 1));
  return Error::success();
}

int64_t imc::mapping::segments::objective(const Problem &p, const Solution &s) {
  return int64_t(s.writes.size());
}

std::string imc::mapping::segments::objectiveUnit(const Problem &p) {
  return "blocks written";
}

//===----------------------------------------------------------------------===//
// Algorithms
//===----------------------------------------------------------------------===//

/// Writes a block when it is used and not there, over the block with the
/// smallest rank. `rank(use, block, written)` is asked after each use of a
/// block, `written` if that use had to write it; a negative one keeps the old.
template <typename Rank>
static Solution replaceSmallest(const Problem &p, Rank rank) {
  Solution s;
  std::vector<int64_t> place(p.blocks.size(), -1), ranks(p.blocks.size(), 0);
  std::set<std::pair<int64_t, int64_t>> held; // (rank, block)
  int64_t used = 0;                           // places
  for (int64_t use = 0, end = p.uses(); use != end; ++use) {
    const int64_t block = p.order[size_t(use) % p.order.size()];
    int64_t &here = place[size_t(block)];
    const bool written = here < 0;
    if (written) {
      if (used < p.places) {
        here = used++;
      } else {
        const int64_t victim = held.begin()->second;
        held.erase(held.begin());
        std::swap(here, place[size_t(victim)]);
      }
      s.writes.push_back({use, here, block});
    }
    if (int64_t value = rank(use, block, written); value >= 0) {
      held.erase({ranks[size_t(block)], block});
      ranks[size_t(block)] = value;
    }
    held.emplace(ranks[size_t(block)], block);
  }
  return s;
}

static Solution belady(const Problem &p) {
  // Use after each use; those that never come again rank lowest.
  const int64_t end = p.uses();
  std::vector<int64_t> last(p.blocks.size(), end),
      following(static_cast<size_t>(end));
  for (int64_t use = end; use-- > 0;) {
    int64_t &next = last[size_t(p.order[size_t(use) % p.order.size()])];
    following[size_t(use)] = next;
    next = use;
  }
  return replaceSmallest(p, [&](int64_t use, int64_t block, bool written) {
    return end - following[size_t(use)];
  });
}

static Expected<Solution> fixed(const Problem &p) {
  std::vector<int64_t> first(p.blocks.size(), -1);
  for (const auto &[i, block] : llvm::enumerate(p.order)) {
    int64_t &seen = first[size_t(block)];
    if (seen >= 0)
      return invalid("fixed needs a round that uses each block once: " +
                     nameOf(p, block) + " is 'order[" + Twine(seen) +
                     "]' and 'order[" + Twine(i) + "]'; use belady");
    seen = int64_t(i);
  }
  // While a block is used that does not stay, it takes a place: at most all
  // other places keep theirs.
  const auto count = int64_t(p.order.size());
  const int64_t stay = count <= p.places ? count : p.places - 1;
  Solution s;
  for (int64_t round = 0; round != p.rounds; ++round)
    for (int64_t i = round == 0 ? 0 : stay; i != count; ++i)
      s.writes.push_back(
          {round * count + i, std::min(i, p.places - 1), p.order[size_t(i)]});
  return s;
}

Expected<Solution> imc::mapping::segments::solve(const Problem &p,
                                                 StringRef algorithm) {
  Expected<size_t> index =
      indexOf(algorithm, Problem::algorithms(), "algorithm");
  if (!index)
    return index.takeError();
  switch (*index) {
  case 0:
    return replaceSmallest(p, [](int64_t use, int64_t block, bool written) {
      return written ? use : -1;
    });
  case 1:
    return replaceSmallest(
        p, [](int64_t use, int64_t block, bool written) { return use; });
  case 2:
    return fixed(p);
  default:
    return belady(p);
  }
}
