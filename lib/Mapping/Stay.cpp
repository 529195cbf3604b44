//===- Stay.cpp - Products that stay on a chip that is too small ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E-STAY. Residents.h solves the choice for a given room. Here the room depends
// on the choice: what stays must not cost those that take turns a round more
// than they have on the whole chip. For each room that the most demanding of
// them may need, all that need more stay and the rest is a knapsack; the best
// of these is the optimum. Products come in groups of equal ones, so the exact
// algorithm keeps the list of all (arrays, cells) that no other choice beats
// (Nemhauser and Ullmann, Management Science 15(9), 1969), group after group: a
// few hundred entries where a table over the arrays has thousands.
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <tuple>

using namespace imc::mapping;

namespace {

/// Equal products that may stay.
struct Choice {
  size_t demand;
  int64_t arrays, cells, count;
};

/// Members of some groups in `arrays` arrays; `taken` of the last of them.
struct State {
  int64_t arrays, cells;
  size_t before; ///< in the list of the group before
  int64_t taken;
};

} // namespace

/// First free array behind what stays.
static int64_t endOf(llvm::ArrayRef<Demand> demands,
                     llvm::ArrayRef<int64_t> members, int64_t core) {
  int64_t cursor = 0;
  for (auto [demand, count] : llvm::zip_equal(demands, members))
    for (int64_t i = 0; i != count; ++i)
      cursor = place(cursor, demand.arrays, 1, core).end;
  return cursor;
}

/// Arrays of a product, in whole cores where it does not share them.
static int64_t footprint(const Demand &demand, int64_t core) {
  return demand.arrays > core ? wholeCores(demand.arrays, core) : demand.arrays;
}

/// Whole cores in which a product has as few rounds as on the whole chip.
static int64_t roomOf(const Demand &demand, int64_t capacity, int64_t core) {
  const int64_t rounds = (demand.arrays + capacity - 1) / capacity;
  return wholeCores((demand.arrays + rounds - 1) / rounds, core);
}

/// More cells per array; of equals the first.
static bool isDenser(const Choice &a, const Choice &b) {
  const double left =
      static_cast<double>(a.cells) * static_cast<double>(b.arrays);
  const double right =
      static_cast<double>(b.cells) * static_cast<double>(a.arrays);
  return left > right || (left == right && a.demand < b.demand);
}

static void takeGreedily(std::vector<Choice> choices, int64_t room,
                         std::vector<int64_t> &members) {
  llvm::sort(choices, isDenser);
  for (const Choice &c : choices) {
    const int64_t taken = std::min(c.count, room / c.arrays);
    members[c.demand] += taken;
    room -= taken * c.arrays;
  }
}

static void takeExactly(llvm::ArrayRef<Choice> choices, int64_t room,
                        std::vector<int64_t> &members) {
  std::vector<std::vector<State>> lists{{{0, 0, 0, 0}}};
  for (const Choice &c : choices) {
    std::vector<State> all;
    for (auto [index, state] : llvm::enumerate(lists.back()))
      for (int64_t k = 0; k <= c.count && state.arrays + k * c.arrays <= room;
           ++k)
        all.push_back(
            {state.arrays + k * c.arrays, state.cells + k * c.cells, index, k});
    llvm::sort(all, [](const State &a, const State &b) {
      return std::tuple(a.arrays, -a.cells, a.before, a.taken) <
             std::tuple(b.arrays, -b.cells, b.before, b.taken);
    });
    std::vector<State> kept;
    for (const State &state : all)
      if (kept.empty() || state.cells > kept.back().cells)
        kept.push_back(state);
    lists.push_back(std::move(kept));
  }
  // The last entry has most cells.
  size_t at = lists.back().size() - 1;
  for (size_t i = choices.size(); i-- > 0;) {
    const State &state = lists[i + 1][at];
    members[choices[i].demand] += state.taken;
    at = state.before;
  }
}

Stay imc::mapping::chooseStay(llvm::ArrayRef<Demand> demands, int64_t capacity,
                              int64_t core, Segments rule) {
  Stay best{std::vector<int64_t>(demands.size(), 0), 0, 0};
  if (rule == Segments::SwapAll)
    return best;
  std::vector<int64_t> rooms;
  for (const Demand &demand : demands)
    rooms.push_back(roomOf(demand, capacity, core));
  llvm::sort(rooms);
  rooms.erase(std::unique(rooms.begin(), rooms.end()), rooms.end());

  for (int64_t shared : rooms) {
    const int64_t limit = capacity - shared;
    int64_t room = limit;
    Stay stay{std::vector<int64_t>(demands.size(), 0), 0, 0};
    std::vector<Choice> choices;
    for (auto [index, demand] : llvm::enumerate(demands)) {
      const int64_t arrays = footprint(demand, core);
      if (roomOf(demand, capacity, core) <= shared) {
        choices.push_back({index, arrays, demand.cells, demand.count});
        continue;
      }
      stay.members[index] = demand.count;
      room -= demand.count * arrays;
    }
    if (room < 0) // those that need more do not fit
      continue;
    if (rule == Segments::Exact)
      takeExactly(choices, room, stay.members);
    else
      takeGreedily(choices, room, stay.members);
    // Alignment to cores leaves arrays empty: what saves least makes room.
    llvm::sort(choices, isDenser);
    while (!choices.empty() && endOf(demands, stay.members, core) > limit) {
      if (int64_t &members = stay.members[choices.back().demand]; members > 0)
        --members;
      else
        choices.pop_back();
    }
    // A single product that takes turns would find its weights still there:
    // then everything fits after all, if not in the order of the plan.
    auto turns = [&] {
      int64_t count = 0, arrays = 0;
      for (auto [demand, members] : llvm::zip_equal(demands, stay.members))
        if (demand.count > members) {
          count += demand.count - members;
          arrays = demand.arrays;
        }
      return std::pair(count, arrays);
    };
    while (!choices.empty()) {
      const auto [count, arrays] = turns();
      const int64_t begin =
          wholeCores(endOf(demands, stay.members, core), core);
      if (count != 1 || arrays > capacity - begin)
        break;
      if (int64_t &members = stay.members[choices.back().demand]; members > 0)
        --members;
      else
        choices.pop_back();
    }
    const int64_t end = endOf(demands, stay.members, core);
    for (auto [demand, count] : llvm::zip_equal(demands, stay.members))
      stay.cells += demand.cells * count;
    stay.arrays = wholeCores(end, core);
    if (end <= limit && stay.cells > best.cells)
      best = std::move(stay);
  }
  return best;
}
