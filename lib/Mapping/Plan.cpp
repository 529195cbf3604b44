//===- Plan.cpp - Places products on the chip
//------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <tuple>

using namespace imc::mapping;
using llvm::Error;

bool imc::mapping::mayUseArrays(const workload::DynamicProduct &product,
                                const machine::Machine &machine,
                                const Knobs &knobs) {
  if (!product.isMatrixProduct())
    return false;
  return knobs.dynamic_products == DynamicProducts::Arrays ||
         (knobs.dynamic_products == DynamicProducts::Auto &&
          machine.cell.endurance_writes == 0);
}

Allocation imc::mapping::allocate(llvm::ArrayRef<Demand> demands,
                                  int64_t dynamic,
                                  const machine::Machine &machine,
                                  const Knobs &knobs) {
  return allocate(demands,
                  endOfOneCopy(demands, machine.hierarchy.macros_per_tile),
                  dynamic, machine, knobs);
}

Allocation imc::mapping::allocate(llvm::ArrayRef<Demand> demands,
                                  int64_t ofOneCopy, int64_t dynamic,
                                  const machine::Machine &machine,
                                  const Knobs &knobs) {
  Allocation a;
  a.capacity = machine.arrays();
  a.core = machine.hierarchy.macros_per_tile;
  a.needed = ofOneCopy;
  // Written operands begin a core of their own.
  const int64_t stored = wholeCores(a.needed, a.core);
  if (dynamic > 0 && knobs.dynamic_products == DynamicProducts::Arrays)
    a.needed = stored + 1;
  a.fits = a.needed <= a.capacity;
  a.resident =
      a.fits || machine::cellKind(machine).nonvolatile ||
      llvm::any_of(demands, [](const Demand &d) { return d.copies > 1; });
  a.replicates = knobs.replication != Replication::None;
  // A chip that is rewritten anyway is all there for each product.
  a.spare = a.fits ? a.capacity - stored : a.capacity;
  // Written operands want all of such a chip: nothing stays beside them.
  if (!a.resident && dynamic == 0 && knobs.segments != Segments::SwapAll) {
    Stay stay = chooseStay(demands, a.capacity, a.core, knobs.segments);
    if (stay.arrays > 0) {
      a.stay = std::move(stay.members);
      a.stay_arrays = stay.arrays;
      a.spare = a.shared();
    }
  }
  if (a.replicates && a.fits) {
    const int64_t room =
        a.capacity - wholeCores(std::min(a.spare, dynamic), a.core);
    if (knobs.replication == Replication::Balanced)
      a.windows_per_copy = balancedWindows(demands, room, a.core);
    else
      a.copies = replicate(demands, room, a.core, knobs.replication);
  }
  return a;
}

Copies imc::mapping::copiesOf(const Allocation &a,
                              llvm::ArrayRef<Demand> demands, size_t index) {
  if (a.resident)
    return {residentCopies(a, demands, index), 0};
  const int64_t windows = demands[index].windows,
                arrays = demands[index].arrays;
  Copies c{1, 0};
  c.rounds = (arrays + a.shared() - 1) / a.shared();
  if (const int64_t decided = demands[index].copies) {
    c.copies = decided;
    return c;
  }
  if (a.replicates) {
    c.copies = std::clamp<int64_t>(
        copiesInCores(a.shared() / a.core, arrays, a.core), 1, windows);
    // Windows are dealt out ceil(windows / copies) at a time; copies that get
    // none need not be written.
    if (c.copies > 1) {
      const int64_t perCopy = (windows + c.copies - 1) / c.copies;
      c.copies = (windows + perCopy - 1) / perCopy;
    }
  }
  return c;
}

std::vector<ProductGroup>
imc::mapping::groupProducts(const workload::Workload &workload,
                            llvm::ArrayRef<PlacedProduct> products) {
  std::vector<ProductGroup> groups;
  for (size_t i = 0, e = products.size(); i != e; ++i) {
    const workload::Product &product =
        *workload.layers[products[i].layer].product();
    auto known = llvm::find_if(groups, [&](const ProductGroup &g) {
      return *workload.layers[products[g.members.front()].layer].product() ==
             product;
    });
    if (known != groups.end()) {
      ++known->demand.count;
      known->members.push_back(i);
    } else {
      groups.push_back(
          {{product.windows, products[i].tiling.arrays(), 1,
            products[i].tiling.turns() * product.trips,
            product.weight_elements * products[i].tiling.columns_per_weight,
            product.copies},
           {i}});
    }
  }
  return groups;
}

Plan imc::mapping::plan(const workload::Workload &workload,
                        const machine::Machine &machine, const Knobs &knobs) {
  Plan plan;
  plan.capacity = machine.arrays();
  int64_t dynamic = 0;
  for (size_t i = 0, e = workload.layers.size(); i != e; ++i) {
    if (const workload::DynamicProduct *d = workload.layers[i].dynamicProduct();
        d && mayUseArrays(*d, machine, knobs)) {
      plan.dynamics.push_back(
          {i, tile(*d, machine, knobs), 0, knobs.dynamic_products});
      dynamic = std::max(dynamic, plan.dynamics.back().tiling.arrays());
    }
    const workload::Product *product = workload.layers[i].product();
    if (!product)
      continue;
    PlacedProduct placed;
    placed.layer = i;
    placed.tiling = tile(*product, machine, knobs);
    plan.logical_arrays += placed.tiling.arrays();
    plan.products.push_back(placed);
  }

  const std::vector<ProductGroup> groups =
      groupProducts(workload, plan.products);
  std::vector<Demand> demands;
  for (const ProductGroup &group : groups)
    demands.push_back(group.demand);
  Allocation allocation = allocate(demands, dynamic, machine, knobs);
  for (PlacedDynamic &placed : plan.dynamics)
    placed.arrays = std::min(placed.tiling.arrays(), allocation.spare);
  plan.resident = allocation.resident;
  if (!allocation.fits && allocation.resident)
    plan.violations.push_back({Rule::Capacity, double(allocation.needed),
                               double(plan.capacity), workload.name});

  int64_t cursor = 0, staying = 0, turns = 0;
  for (const auto &[index, group] : llvm::enumerate(groups)) {
    const int64_t arrays = group.demand.arrays;
    const Copies decided = copiesOf(allocation, demands, index);
    int64_t stay = allocation.stay.empty() ? 0 : allocation.stay[index];
    for (size_t member : group.members) {
      PlacedProduct &placed = plan.products[member];
      if (!plan.resident && stay-- > 0) {
        const Placed at = place(cursor, arrays, 1, allocation.core);
        placed.first_array = at.first;
        cursor = at.end;
        staying += arrays;
        continue;
      }
      placed.copies = decided.copies;
      placed.rounds = decided.rounds;
      const int64_t held = placed.copies * arrays;
      if (!plan.resident) {
        // The product has what the others leave for itself.
        placed.first_array = allocation.stay_arrays;
        turns = std::max(turns, std::min(held, allocation.shared()));
        continue;
      }
      const Placed at = place(cursor, arrays, placed.copies, allocation.core);
      placed.first_array = at.first;
      cursor = at.end;
      plan.placed_arrays += held;
    }
  }
  plan.placed_arrays += staying + turns;
  return plan;
}

Error imc::mapping::verify(const Plan &plan, const workload::Workload &workload,
                           const machine::Machine &machine) {
  auto fail = [&](const std::string &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "plan of model '" + workload.name +
                                       "': " + message);
  };
  if (!plan.violations.empty()) {
    const Violation &v = plan.violations.front();
    return fail(std::string("breaks ") + ruleName(v.rule));
  }
  if (!plan.resident && machine::cellKind(machine).nonvolatile)
    return fail("rewrites cells that are not volatile");
  size_t next = 0;
  // [first, end) of each copy, and whether it takes turns with others.
  std::vector<std::tuple<int64_t, int64_t, bool>> used;
  int64_t chip = machine.arrays();
  for (size_t i = 0, e = workload.layers.size(); i != e; ++i) {
    const workload::Product *product = workload.layers[i].product();
    if (!product)
      continue;
    std::string where = "layer '" + workload.layers[i].name + "' ";
    if (next == plan.products.size() || plan.products[next].layer != i)
      return fail(where + "is not placed, or not in program order");
    const PlacedProduct &placed = plan.products[next++];
    const Tiling &t = placed.tiling;
    if (t.rows != machine.drivenRows() || t.cols != machine.array.cols)
      return fail(where + "is cut into arrays of another size");
    // Room for every row and column of every group, however it was cut.
    if (t.groups_per_pack < 1 || t.packs * t.groups_per_pack < product->groups)
      return fail(where + "leaves groups out");
    if (t.strips * t.rows < t.groups_per_pack * product->rows)
      return fail(where + "leaves rows out");
    if (t.column_tiles * t.cols <
        t.groups_per_pack * product->cols * t.columns_per_weight)
      return fail(where + "leaves columns out");
    if (placed.copies < 1 || placed.copies > product->windows)
      return fail(where + "has " + std::to_string(placed.copies) +
                  " copies for " + std::to_string(product->windows) +
                  " windows");
    if (placed.first_array < 0)
      return fail(where + "starts before the first array");
    // One core after the other, array by array: where copies lie is
    // firstArrayOf(); that they lie well is counted here.
    const int64_t arrays = t.arrays(), core = machine.hierarchy.macros_per_tile;
    int64_t end = 0;
    for (int64_t c = 0; c < placed.copies; ++c) {
      const int64_t first =
          c == 0 ? placed.first_array : placed.firstArrayOf(c, core);
      const int64_t last = first + arrays;
      const bool begins = first % core == 0;
      if (!begins && first / core != (last - 1) / core)
        return fail(where + "has copy " + std::to_string(c) + " on arrays " +
                    std::to_string(first) + " to " + std::to_string(last - 1) +
                    ", across the end of a core of " + std::to_string(core) +
                    " arrays");
      if (first < end)
        return fail(where + "has two copies on array " + std::to_string(first));
      end = last;
      used.emplace_back(first, std::min(last, chip), placed.rounds > 0);
    }
    if (plan.resident && placed.rounds > 0)
      return fail(where + "is written again, but all weights stay");
    if (placed.rounds > 0) {
      if (placed.first_array >= chip || placed.first_array % core != 0 ||
          placed.rounds * (chip - placed.first_array) < arrays)
        return fail(where + "is not written completely");
      if (placed.copies > 1 && end > chip)
        return fail(where + "has more copies than fit on the chip");
      continue;
    }
    if (end > chip)
      return fail(where + "ends at array " + std::to_string(end) + " of " +
                  std::to_string(chip));
  }
  if (next != plan.products.size())
    return fail("places " + std::to_string(plan.products.size()) +
                " products, the model has " + std::to_string(next));
  std::sort(used.begin(), used.end());
  // Ends of what stays and of what takes turns, so far.
  int64_t held = 0, shared = 0;
  for (auto [first, last, turns] : used) {
    // Products that take turns may meet each other, but nobody else.
    if (first < held || (!turns && first < shared))
      return fail("array " + std::to_string(first) + " holds two copies");
    int64_t &end = turns ? shared : held;
    end = std::max(end, last);
  }
  return Error::success();
}
