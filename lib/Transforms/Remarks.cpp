//===- Remarks.cpp - What the passes say about their decisions ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Remarks.h"

#include "imc/Cost/Explain.h"
#include "imc/Machine/Kind.h"
#include "imc/Machine/Schema.h"
#include "imc/Mapping/Unfold.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;
using namespace imc;

/// Nothing is computed for remarks that nobody reads.
static bool isOff(Location loc) {
  return loc.getContext()->getRemarkEngine() == nullptr;
}

static remark::RemarkOpts options(StringRef pass, StringRef name) {
  return remark::RemarkOpts::name(name).category(pass).function("main");
}

//===----------------------------------------------------------------------===//
// imc-tile
//===----------------------------------------------------------------------===//

void imc::remarkOnTiling(Location loc, StringRef layer,
                         const workload::Product &product,
                         const mapping::Tiling &tiling,
                         const machine::Machine &machine,
                         const mapping::Knobs &knobs) {
  if (isOff(loc))
    return;
  const StringRef pass = "imc-tile";
  remark::passed(loc, options(pass, "Grid"))
      << remark::metric("layer", layer)
      << remark::metric("arrays", tiling.arrays())
      << remark::metric("packs", tiling.packs)
      << remark::metric("row_strips", tiling.strips)
      << remark::metric("column_tiles", tiling.column_tiles)
      << remark::metric("columns_per_weight", tiling.columns_per_weight)
      << remark::metric("phases", tiling.phases)
      << remark::reason(
             "{0} rows over {1} driven at once; {2} columns x {3} per weight "
             "({4} bits, {5}, {6} per cell) over {7}; {8} input bits, {9} per "
             "phase; {10} of {11} groups share arrays",
             tiling.pack_rows, tiling.rows,
             tiling.pack_cols / tiling.columns_per_weight,
             tiling.columns_per_weight, knobs.weight_bits,
             llvm::cantFail(mapping::printKnob(knobs, "encoding")),
             machine.cell.bits, tiling.cols, knobs.input_bits, machine.dac.bits,
             tiling.groups_per_pack, product.groups);

  if (product.groups > 1 &&
      knobs.group_packing == mapping::GroupPacking::Single) {
    mapping::Knobs packed = knobs;
    packed.group_packing = mapping::GroupPacking::Diagonal;
    const mapping::Tiling other = mapping::tile(product, machine, packed);
    if (other.arrays() < tiling.arrays())
      remark::missed(loc, options(pass, "GroupPacking"))
          << remark::metric("layer", layer)
          << remark::metric("arrays", tiling.arrays())
          << remark::metric("arrays_packed", other.arrays())
          << remark::reason("each of {0} groups has arrays of its own; {1} "
                            "would fit on one diagonal",
                            product.groups, other.groups_per_pack)
          << remark::suggest("pass.group_packing=diagonal");
  }

  const int64_t bits = mapping::adcBits(knobs, machine);
  const int64_t range = mapping::rangeBits(machine);
  const std::string clipped =
      range < tiling.lossless_bits
          ? ", the highest " + std::to_string(tiling.lossless_bits - range) +
                " not covered"
          : "";
  if (mapping::lostBits(knobs, machine) > 0)
    remark::missed(loc, options(pass, "ConverterRange"))
        << remark::metric("layer", layer) << remark::metric("adc_bits", bits)
        << remark::metric("lossless_bits", tiling.lossless_bits)
        << remark::reason("the sum of {0} rows of {1}-bit cells and {2}-bit "
                          "inputs takes {3} bits; the lowest {4} are "
                          "dropped{5}",
                          tiling.rows, machine.cell.bits, machine.dac.bits,
                          tiling.lossless_bits,
                          std::max<int64_t>(0, range - bits), clipped)
        << remark::suggest("machine.adc.bits={0}, or fewer rows at once",
                           tiling.lossless_bits);
}

//===----------------------------------------------------------------------===//
// imc-unfold-windows
//===----------------------------------------------------------------------===//

void imc::remarkOnUnfolding(Location loc, StringRef layer,
                            const workload::Product &product,
                            mapping::unfolding::Pair positions,
                            const machine::Machine &machine,
                            const mapping::Knobs &knobs) {
  if (isOff(loc))
    return;
  const workload::Product wide = mapping::unfolded(product, positions);
  const int64_t before = mapping::tile(product, machine, knobs).arrays(),
                after = mapping::tile(wide, machine, knobs).arrays();
  remark::passed(loc, options("imc-unfold-windows", "Windows"))
      << remark::metric("layer", layer)
      << remark::metric("positions", positions[0] * positions[1])
      << remark::metric("loads", wide.windows)
      << remark::metric("arrays", after)
      << remark::reason(
             "{0}x{1} positions per load: {2} loads of {3} arrays, {4} of {5} "
             "with one position each",
             positions[0], positions[1], wide.windows, after, product.windows,
             before);
}

//===----------------------------------------------------------------------===//
// imc-place
//===----------------------------------------------------------------------===//

namespace {
/// What the products of a model ask for, and what they got.
class Placements {
public:
  Placements(const Design &design, const mapping::Plan &plan,
             const machine::Machine &machine)
      : design(design), plan(plan) {
    for (const mapping::PlacedProduct &placed : plan.products)
      demands.push_back(
          {design.workload.layers[placed.layer].product()->windows,
           placed.tiling.arrays(), 1});
    for (const mapping::ProductGroup &group :
         mapping::groupProducts(design.workload, plan.products))
      groups.push_back(group.demand);
    int64_t dynamic = 0;
    for (const mapping::PlacedDynamic &placed : plan.dynamics)
      dynamic = std::max(dynamic, placed.tiling.arrays());
    allocation = mapping::allocate(groups, dynamic, machine, design.knobs);
    available =
        plan.capacity - mapping::wholeCores(std::min(allocation.spare, dynamic),
                                            allocation.core);
  }

  /// Arrays of all products when none works on more than `windows` windows,
  /// with those that alignment leaves empty.
  int64_t arraysFor(int64_t windows) const {
    return mapping::endOfCopies(groups, windows, allocation.core);
  }

  /// Arrays without which the model does not fit.
  int64_t needed() const { return allocation.needed; }
  /// Arrays that products of two activations may take.
  int64_t spare() const { return allocation.spare; }

  void remarkOn(size_t index, Location loc) const;

private:
  /// What one copy more of this product runs into; empty: nothing.
  std::string obstacle(size_t index) const;

  const Design &design;
  const mapping::Plan &plan;
  std::vector<mapping::Demand> demands; ///< by product
  std::vector<mapping::Demand> groups;  ///< in the order of placement
  mapping::Allocation allocation;
  int64_t available = 0; ///< arrays that products of two activations leave
};
} // namespace

std::string Placements::obstacle(size_t index) const {
  const mapping::Demand &demand = demands[index];
  const int64_t copies = plan.products[index].copies;
  if (copies >= demand.windows)
    return ""; // a copy for every window
  if (!plan.resident && plan.products[index].rounds == 0)
    return "it stays on a chip that is too small for all products, with one "
           "copy";
  if (!allocation.replicates) {
    const int64_t left = plan.capacity - plan.placed_arrays;
    if (left < demand.arrays)
      return llvm::formatv("a copy takes {0} arrays, {1} are left",
                           demand.arrays, left);
    return llvm::formatv("pass.replication is none; {0} arrays stay empty and "
                         "a copy takes {1}",
                         left, demand.arrays);
  }
  if (!allocation.resident) {
    const int64_t most = mapping::copiesInCores(
        allocation.shared() / allocation.core, demand.arrays, allocation.core);
    return llvm::formatv("the product has {0} for itself, and {1} copies "
                         "of {2} arrays are more than its {3} in tiles of {4}",
                         allocation.stay_arrays > 0 ? "the rest of the chip"
                                                    : "the chip",
                         std::max<int64_t>(most, 1) + 1, demand.arrays,
                         allocation.shared(), allocation.core);
  }
  if (!allocation.copies.empty()) {
    // The fewest copies that are faster.
    const int64_t perCopy = (demand.windows + copies - 1) / copies;
    if (perCopy == 1)
      return "";
    const int64_t next = (demand.windows + perCopy - 2) / (perCopy - 1);
    return llvm::formatv("{0} copies, which would be faster, take {1} arrays "
                         "more; {2} of the machine's {3} stay empty",
                         next, (next - copies) * demand.arrays,
                         available - plan.placed_arrays, available);
  }
  // Copies are handed out by windows per copy, so one step takes all products.
  const int64_t next = allocation.windows_per_copy - 1;
  if (next < 1)
    return "";
  return llvm::formatv(
      "{0} windows per copy instead of {1} take {2} arrays for all products "
      "in tiles of {3}, the machine has {4} for them",
      next, allocation.windows_per_copy, arraysFor(next), allocation.core,
      available);
}

void Placements::remarkOn(size_t index, Location loc) const {
  const mapping::PlacedProduct &placed = plan.products[index];
  const mapping::Demand &demand = demands[index];
  const StringRef layer = design.workload.layers[placed.layer].name;
  const StringRef pass = "imc-place";
  const int64_t perCopy = (demand.windows + placed.copies - 1) / placed.copies;
  remark::passed(loc, options(pass, "Copies"))
      << remark::metric("layer", layer)
      << remark::metric("copies", placed.copies)
      << remark::metric("arrays", placed.copies * demand.arrays)
      << remark::metric("windows_per_copy", perCopy)
      << remark::metric("rounds", placed.rounds)
      << remark::reason("{0} windows, {1} arrays per copy, {2} arrays on the "
                        "chip, {3} for one copy of the model",
                        demand.windows, demand.arrays, plan.capacity,
                        plan.logical_arrays);
  if (std::string why = obstacle(index); !why.empty())
    remark::missed(loc, options(pass, "Replication"))
        << remark::metric("layer", layer)
        << remark::metric("copies", placed.copies)
        << remark::metric("Reason", why)
        << remark::metric(
               "Suggestion",
               allocation.replicates ||
                       plan.capacity - plan.placed_arrays < demand.arrays
                   ? "more or larger arrays (machine.groups, machine.rows, "
                     "...), or more bits per cell"
                   : "pass.replication=balanced");
}

/// Where a product of two activations runs, and what the other place costs.
/// `arrays` are those that it may be written into.
static void remarkOnDynamic(Location loc, const workload::Layer &layer,
                            int64_t arrays, const machine::Machine &machine,
                            const mapping::Knobs &knobs,
                            const cost::Prices &prices) {
  using mapping::DynamicProducts;
  const workload::DynamicProduct &product = *layer.dynamicProduct();
  if (!product.isMatrixProduct() || arrays == 0)
    return;
  const mapping::Tiling tiling = mapping::tile(product, machine, knobs);
  cost::LayerCost lanes, written;
  cost::priceLayer(layer, {}, 1, 0, machine, knobs, prices, lanes);
  cost::priceWritten(product, tiling, std::min(arrays, tiling.arrays()),
                     machine, knobs, prices, written);
  // The measure of DynamicProducts::Auto.
  auto energyDelay = [](const cost::LayerCost &c) {
    return c.total_energy_j * c.latency_s;
  };
  const bool better = energyDelay(written) < energyDelay(lanes);
  const bool onArrays =
      mapping::mayUseArrays(product, machine, knobs) &&
      (knobs.dynamic_products == DynamicProducts::Arrays || better);
  auto describe = [&](remark::detail::InFlightRemark remark) {
    remark << remark::metric("layer", layer.name)
           << remark::metric("unit", onArrays ? "arrays" : "digital")
           << remark::metric("arrays_energy_j", written.total_energy_j)
           << remark::metric("arrays_latency_s", written.latency_s)
           << remark::metric("digital_energy_j", lanes.total_energy_j)
           << remark::metric("digital_latency_s", lanes.latency_s);
    if (onArrays != better)
      remark << remark::metric("Suggestion",
                               better && machine.cell.endurance_writes > 0
                                   ? "cells that do not wear out"
                                   : "pass.dynamic_products=auto");
  };
  const remark::RemarkOpts name = options("imc-place", "DynamicProduct");
  if (onArrays == better)
    describe(remark::passed(loc, name));
  else
    describe(remark::missed(loc, name));
}

void imc::remarkOnPlacement(Location moduleLoc, const Design &design,
                            const mapping::Plan &plan,
                            const machine::Machine &machine) {
  if (isOff(moduleLoc))
    return;
  const StringRef pass = "imc-place";
  if (!plan.violations.empty()) {
    const auto needed = static_cast<int64_t>(plan.violations.front().value);
    remark::failed(moduleLoc, options(pass, "Capacity"))
        << remark::metric("arrays", needed)
        << remark::metric("capacity", plan.capacity)
        << remark::reason("cells of kind {0} are not rewritten during an "
                          "inference, and {1} arrays are missing",
                          machine::cellKind(machine).name,
                          needed - plan.capacity)
        << remark::suggest("more or larger arrays, or more bits per cell");
    return;
  }
  const Placements placements(design, plan, machine);
  if (!plan.resident)
    remark::missed(moduleLoc, options(pass, "Residence"))
        << remark::metric("arrays", plan.logical_arrays)
        << remark::metric("capacity", plan.capacity)
        << remark::reason("{0} arrays are missing for one copy of the model, "
                          "so every product is written before it runs",
                          placements.needed() - plan.capacity)
        << remark::suggest("more or larger arrays, or more bits per cell");
  for (auto [index, entry] : llvm::enumerate(design.products)) {
    imc::MVMOp mvm = entry.first.mvm;
    placements.remarkOn(index, mvm.getLoc());
  }
  const cost::Prices prices = cost::priceDesign(machine, design.knobs);
  const int64_t left = placements.spare();
  for (auto [op, layer] : llvm::zip_equal(design.ops, design.workload.layers))
    if (layer.dynamicProduct())
      remarkOnDynamic(op->getLoc(), layer, left, machine, design.knobs, prices);
}

//===----------------------------------------------------------------------===//
// imc-cost
//===----------------------------------------------------------------------===//

static double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

/// One resolution of the converters next to the one that the design has.
static void remarkOnConverterBit(Location loc, const Design &design,
                                 const mapping::Plan &plan,
                                 machine::Machine machine,
                                 const cost::ModelCost &now, int64_t step) {
  mapping::Knobs knobs = design.knobs;
  const int64_t bits = mapping::adcBits(knobs, machine) + step;
  // Bits beyond the machine's would have to be built.
  machine.adc.bits += step;
  if (llvm::Error error = mapping::setKnob(knobs, "adc_bits", bits)) {
    llvm::consumeError(std::move(error)); // no such converter
    return;
  }
  if (llvm::Error error = machine::check(machine)) {
    llvm::consumeError(std::move(error));
    return;
  }
  const cost::Cost cost = cost::evaluate(design.workload, plan, machine, knobs);
  const cost::ModelCost &then = cost.models.front();
  auto percent = [](double from, double to) {
    return llvm::formatv("{0:f2} %", 100 * (ratio(to, from) - 1)).str();
  };
  remark::analysis(loc, options("imc-cost", "ConverterBit"))
      << remark::metric("adc_bits", bits)
      << remark::metric("change", step > 0 ? "one more" : "one less")
      << remark::metric("energy", percent(now.energy_j, then.energy_j))
      << remark::metric("latency", percent(now.latency_s, then.latency_s))
      << remark::metric("sqnr_db", then.sqnr_db)
      << remark::metric("sqnr_db_change", then.sqnr_db - now.sqnr_db)
      << remark::metric("lost_bits", then.adc_lost_bits);
}

void imc::remarkOnCost(Location moduleLoc, const Design &design,
                       const mapping::Plan &plan,
                       const machine::Machine &machine,
                       const cost::Cost &cost) {
  if (isOff(moduleLoc))
    return;
  const StringRef pass = "imc-cost";
  const cost::ModelCost &model = cost.models.front();
  for (auto [op, layer, work] :
       llvm::zip_equal(design.ops, model.layers, design.workload.layers)) {
    const cost::Binding binding = cost::binding({&layer});
    const double cells = static_cast<double>(layer.arrays) * model.array_cells;
    const double compute =
        layer.alone_s[static_cast<size_t>(cost::Time::Compute)];
    remark::analysis(op->getLoc(), options(pass, "Layer"))
        << remark::metric("layer", work.name) << remark::metric("op", work.op)
        << remark::metric("energy_j", layer.total_energy_j)
        << remark::metric("latency_s", layer.latency_s)
        << remark::metric("bound_by", cost::name(layer.bound_by))
        << remark::metric("next_bound", cost::name(binding.next))
        << remark::metric("slack_s", binding.slack_s)
        << remark::metric("utilization", ratio(layer.programmed_cells, cells))
        << remark::metric("compute_share", ratio(compute, layer.latency_s));
    const double leakage =
        layer.energy_j[static_cast<size_t>(cost::Energy::Leakage)];
    if (leakage > 0 && leakage >= *std::max_element(layer.energy_j.begin(),
                                                    layer.energy_j.end()))
      remark::analysis(op->getLoc(), options(pass, "Leakage"))
          << remark::metric("layer", work.name)
          << remark::metric("leakage_j", leakage)
          << remark::metric("share", ratio(leakage, layer.total_energy_j))
          << remark::reason("standby power for {0}, which {1} binds",
                            cost::withPrefix(layer.latency_s, "s"),
                            cost::name(layer.bound_by));
  }
  // Adder trees have no resolution to choose.
  if (design.products.empty() || machine::converterKind(machine).exact)
    return;
  for (int64_t step : {-1, 1})
    remarkOnConverterBit(moduleLoc, design, plan, machine, model, step);
}

//===----------------------------------------------------------------------===//
// imc-check-readout
//===----------------------------------------------------------------------===//

void imc::remarkOnReadout(Location loc, const ReadoutReport &r) {
  if (isOff(loc))
    return;
  const StringRef pass = "imc-check-readout";
  if (!r.known) {
    remark::analysis(loc, options(pass, "NotKnown"))
        << remark::metric("layer", r.layer)
        << remark::metric("policy", r.policy)
        << remark::metric("adc_bits", r.adc_bits)
        << remark::reason("what is lost depends on {0}",
                          r.policy == "layer" || r.policy == "array" ||
                                  r.policy == "column" || r.policy == "phase"
                              ? "data; imc accuracy measures it"
                              : "weights, which are not there");
    return;
  }
  const bool all = r.columns == r.proved_columns;
  auto remark = all ? remark::passed(loc, options(pass, "Lossless"))
                    : remark::missed(loc, options(pass, "ErrorBound"));
  remark << remark::metric("layer", r.layer)
         << remark::metric("policy", r.policy)
         << remark::metric("adc_bits", r.adc_bits)
         << remark::metric("converters", r.columns)
         << remark::metric("proved_lossless", r.proved_columns)
         << remark::metric("error_bound", r.error_bound)
         << remark::reason(
                "{0}",
                all ? std::string("no sum that these weights allow is beyond "
                                  "the codes, which lie 1 apart")
                    : "an output is wrong by at most " +
                          std::to_string(int64_t(std::ceil(r.error_bound))));
}
