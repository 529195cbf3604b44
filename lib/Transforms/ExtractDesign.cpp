//===- ExtractDesign.cpp - The decisions that a module records ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Extract.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <algorithm>
#include <tuple>

using namespace mlir;
using namespace imc;

/// Looks through the slices that tiling has put between an op and a loop.
template <typename OpT>
static OpT definingOp(Value value) {
  while (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
    value = slice.getSource();
  return value.getDefiningOp<OpT>();
}

FailureOr<TiledProduct> imc::matchTiledProduct(imc::ShiftAddOp shiftAdd) {
  TiledProduct product;
  product.shiftAdd = shiftAdd;
  Operation *source = shiftAdd.getAcc().getDefiningOp();
  product.mvm = dyn_cast_or_null<imc::MVMOp>(source);
  if (auto nest = dyn_cast_or_null<scf::ForOp>(source)) {
    WalkResult result = nest.walk([&](imc::MVMOp mvm) {
      if (product.mvm)
        return WalkResult::interrupt();
      product.mvm = mvm;
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return shiftAdd.emitOpError(
          "recombines loops with more than one imc.mvm; a product has one");
  }
  if (!product.mvm)
    return shiftAdd.emitOpError(
        "recombines no result of imc.mvm; run imc-tile");
  product.unfold = definingOp<imc::UnfoldOp>(product.mvm.getU());
  product.encode = definingOp<imc::EncodeWeightsOp>(product.mvm.getCells());
  if (!product.unfold || !product.encode)
    return product.mvm.emitOpError("does not take its ")
           << (product.unfold ? "cells from imc.encode_weights"
                              : "inputs from imc.unfold")
           << "; run imc-tile";
  Operation *parent = product.mvm->getParentOp();
  for (; parent != shiftAdd->getParentOp(); parent = parent->getParentOp())
    if (auto loop = dyn_cast_or_null<scf::ForOp>(parent))
      product.loops.push_back(loop);
    else
      return product.mvm.emitOpError(
          "is not in loops beside the imc.shift_add of its product");
  FailureOr<int64_t> trips = countTrips(product.mvm, parent);
  if (failed(trips))
    return failure();
  product.trips = *trips;
  return product;
}

mapping::Tiling imc::readTiling(const TiledProduct &product) {
  auto shape = [](Value value) {
    return cast<ShapedType>(value.getType()).getShape();
  };
  imc::EncodeWeightsOp encode = product.encode;
  imc::MVMOp mvm = product.mvm;
  imc::ShiftAddOp shiftAdd = product.shiftAdd;
  ArrayRef<int64_t> cells = shape(encode.getInit());
  mapping::Tiling tiling;
  tiling.packs = cells[0];
  tiling.strips = cells[1];
  tiling.column_tiles = cells[2];
  tiling.rows = cells[3];
  tiling.cols = cells[4];
  tiling.groups_per_pack = encode.getGroupsPerPack();
  tiling.columns_per_weight = encode.getEncoding().columnsPerWeight();
  tiling.phases = mvm.getInput().phases();
  tiling.lossless_bits = mvm.getReadout().getLosslessBits();
  tiling.pack_rows =
      tiling.groups_per_pack * static_cast<int64_t>(shiftAdd.getGroupRows());
  int64_t channels = shape(shiftAdd.getInit())[1];
  tiling.pack_cols = tiling.groups_per_pack *
                     (channels / static_cast<int64_t>(shiftAdd.getGroups())) *
                     tiling.columns_per_weight;
  return tiling;
}

static bool operator==(const mapping::Tiling &a, const mapping::Tiling &b) {
  return a.packs == b.packs && a.strips == b.strips &&
         a.column_tiles == b.column_tiles && a.rows == b.rows &&
         a.cols == b.cols && a.groups_per_pack == b.groups_per_pack &&
         a.columns_per_weight == b.columns_per_weight && a.phases == b.phases &&
         a.lossless_bits == b.lossless_bits && a.pack_rows == b.pack_rows &&
         a.pack_cols == b.pack_cols;
}

namespace {

/// Collects the knobs of products and reports the first that differs.
class KnobReader {
public:
  mapping::Knobs knobs;

  /// Takes `value` for knob `member` from `op`, or fails when an earlier
  /// product has another value.
  template <typename T>
  LogicalResult read(Operation *op, StringRef name, T mapping::Knobs::*member,
                     T value) {
    if (first && knobs.*member != value)
      return op->emitOpError("has pass.")
             << name << " = " << static_cast<int64_t>(value)
             << ", an earlier product has "
             << static_cast<int64_t>(knobs.*member)
             << "; one module is priced with one setting";
    knobs.*member = value;
    return success();
  }
  /// The resolution of conversions of products that have none of their own.
  LogicalResult readAdc(Operation *op, int64_t bits) {
    const bool before = std::exchange(first, converts);
    const LogicalResult result =
        read(op, "adc_bits", &mapping::Knobs::adc_bits, bits);
    first = before;
    converts = true;
    return result;
  }
  /// The widest of all products: bits may differ (E-MIXED).
  void widen(int64_t mapping::Knobs::*member, int64_t value) {
    knobs.*member = first ? std::max(knobs.*member, value) : value;
  }
  void next() { first = true; }

private:
  bool first = false, converts = false;
};

} // namespace

/// The op was made for the machine whose number is `actual`.
static LogicalResult expect(Operation *op, StringRef field, int64_t found,
                            int64_t actual) {
  if (found == actual)
    return success();
  return op->emitOpError("was made for machine.")
         << field << " = " << found << ", but imc.target has " << actual
         << "; attach the machine before imc-tile and tile again";
}

/// The readout of a product has the bits that were decided for it.
static LogicalResult expectOwnAdc(Operation *mvm, int64_t decided,
                                  int64_t found) {
  if (found == decided)
    return success();
  return mvm->emitOpError("converts ")
         << found << " bits, but '" << IMCDialect::adcBitsAttrName
         << "' of its product is " << decided << "; run imc-tile again";
}

static LogicalResult readKnobs(const TiledProduct &product,
                               const mapping::Tiling &tiling,
                               const machine::Machine &machine,
                               KnobReader &reader) {
  imc::EncodeWeightsOp encode = product.encode;
  imc::MVMOp mvm = product.mvm;
  EncodingAttr encoding = encode.getEncoding();
  if (failed(expect(encode, "array.rows", tiling.rows, machine.drivenRows())) ||
      failed(expect(encode, "array.cols", tiling.cols, machine.array.cols)) ||
      failed(expect(encode, "cell.bits", encoding.getCellBits(),
                    std::min(machine.cell.bits, encoding.getWeightBits()))) ||
      failed(expect(mvm, "dac.bits", mvm.getInput().getDacBits(),
                    std::min(machine.dac.bits, mvm.getInput().getBits()))) ||
      (mvm.getReadout().getPolicy() == ReadoutPolicy::Full &&
       failed(expect(
           mvm, "adc.clip_bits",
           mvm.getReadout().getLosslessBits() - mvm.getReadout().getRangeBits(),
           mapping::losslessBits(machine) - mapping::rangeBits(machine)))))
    return failure();
  // Trip counts and the static shape of the op inside must cover the grid once.
  ArrayRef<int64_t> tile =
      cast<ShapedType>(mvm.getCells().getType()).getShape();
  int64_t covered = product.trips * tile[0] * tile[1] * tile[2];
  if (covered != tiling.tiles())
    return mvm.emitOpError("reads ")
           << covered << " array tiles over all iterations, its weights have "
           << tiling.tiles();
  int64_t adc = mvm.getReadout().getAdcBits();
  imc::ShiftAddOp shiftAdd = product.shiftAdd;
  auto own = shiftAdd->getAttrOfType<IntegerAttr>(IMCDialect::adcBitsAttrName);
  reader.widen(&mapping::Knobs::weight_bits, encoding.getWeightBits());
  reader.widen(&mapping::Knobs::input_bits, mvm.getInput().getBits());
  if (failed(reader.read(encode, "encoding", &mapping::Knobs::encoding,
                         static_cast<mapping::Encoding>(encoding.getKind()))) ||
      (own ? failed(expectOwnAdc(mvm, own.getInt(), adc))
           : failed(reader.readAdc(mvm, adc == machine.adc.bits ? int64_t(0)
                                                                : adc))) ||
      failed(reader.read(
          mvm, "range", &mapping::Knobs::range,
          static_cast<mapping::Range>(mvm.getReadout().getPolicy()))) ||
      failed(
          reader.read(mvm, "ties", &mapping::Knobs::ties,
                      static_cast<mapping::Ties>(mvm.getReadout().getTies()))))
    return failure();
  reader.next();
  return success();
}

FailureOr<Design> imc::extractDesign(ModuleOp module,
                                     const machine::Machine &machine) {
  Design design;
  FailureOr<workload::Workload> workload = extractWorkload(module, &design.ops);
  if (failed(workload))
    return failure();
  design.workload = std::move(*workload);
  KnobReader reader;
  std::vector<mapping::Tiling> tilings;
  for (auto [index, op] : llvm::enumerate(design.ops)) {
    if (auto decision =
            op->getAttrOfType<StringAttr>(IMCDialect::dynamicProductAttrName);
        decision && decision == "arrays") {
      const workload::DynamicProduct *dynamic =
          design.workload.layers[index].dynamicProduct();
      if (!dynamic || !dynamic->isMatrixProduct())
        return op->emitOpError("is given to arrays by '")
               << IMCDialect::dynamicProductAttrName
               << "', but is no product of two matrices of activations";
      design.written.push_back(index);
    }
    if (!design.workload.layers[index].product())
      continue;
    auto shiftAdd = dyn_cast<imc::ShiftAddOp>(op);
    if (!shiftAdd)
      return op->emitOpError(
          "is a product that is not cut into arrays yet; run imc-tile");
    FailureOr<TiledProduct> product = matchTiledProduct(shiftAdd);
    if (failed(product))
      return failure();
    tilings.push_back(readTiling(*product));
    if (failed(readKnobs(*product, tilings.back(), machine, reader)))
      return failure();
    design.products.push_back({*product, index});
  }
  design.knobs = reader.knobs;
  if (auto [weight, input] = commonBits(module); weight != 0) {
    design.knobs.weight_bits = weight;
    design.knobs.input_bits = input;
  }
  if (auto bits =
          module->getAttrOfType<IntegerAttr>(IMCDialect::adcBitsAttrName))
    design.knobs.adc_bits =
        bits.getInt() == machine.adc.bits ? 0 : bits.getInt();
  // Several settings may cut all products alike; any of them describes the
  // module.
  for (auto packing :
       {mapping::GroupPacking::Single, mapping::GroupPacking::Diagonal,
        mapping::GroupPacking::Dense}) {
    design.knobs.group_packing = packing;
    bool same = llvm::all_of(
        llvm::zip_equal(design.products, tilings), [&](auto entry) {
          const auto &[product, tiling] = entry;
          return mapping::tile(
                     *design.workload.layers[product.second].product(), machine,
                     design.knobs) == tiling;
        });
    if (same)
      return std::move(design);
  }
  module.emitError("no setting of pass.group_packing cuts the products as this "
                   "module has them; run imc-tile again on "
                   "the quantized module");
  return failure();
}

FailureOr<mapping::Plan> imc::extractPlan(const Design &design,
                                          const machine::Machine &machine) {
  mapping::Plan plan;
  plan.capacity = machine.arrays();
  const int64_t core = machine.hierarchy.macros_per_tile;
  // [first, end) of every copy, and its product.
  std::vector<std::tuple<int64_t, int64_t, size_t>> ranges;
  for (const auto &[product, layer] : design.products) {
    imc::MVMOp mvm = product.mvm;
    PlacementAttr placement = mvm.getPlacementAttr();
    if (!placement)
      return mvm.emitOpError("has no placement; run imc-place");
    mapping::PlacedProduct placed;
    placed.layer = layer;
    placed.tiling = readTiling(product);
    placed.tiling.row_sets = machine.rowSets();
    if (placement.getRowSets() != machine.rowSets())
      return mvm.emitOpError("is placed on arrays of ")
             << placement.getRowSets() << " row sets, those of imc.target have "
             << machine.rowSets() << "; run imc-place again";
    if (placement.getMacrosPerTile() != core)
      return mvm.emitOpError("is placed on tiles of ")
             << placement.getMacrosPerTile()
             << " arrays, those of imc.target have " << core
             << "; run imc-place again";
    placed.copies = placement.getCopies();
    placed.first_array = placement.getFirstArray();
    int64_t arrays = placed.tiling.arrays();
    if (placement.arraysPerCopy() != arrays)
      return mvm.emitOpError("is placed on ")
             << placement.arraysPerCopy() << " arrays per copy, its tiles need "
             << arrays << "; run imc-place again";
    plan.logical_arrays += arrays;
    for (int64_t copy = 0; copy < placed.copies; ++copy) {
      const int64_t first = placed.firstArrayOf(copy, core);
      ranges.emplace_back(first, first + arrays, plan.products.size());
    }
    plan.products.push_back(placed);
  }
  // Arrays that hold one thing for the whole inference are disjoint and on the
  // chip. Products that share some, or do not end on the chip, take turns: the
  // arrays from their first one on are written again for each, in as many
  // rounds as one copy needs.
  llvm::sort(ranges);
  std::vector<bool> turns(plan.products.size(), false);
  int64_t end = 0; // of the ranges so far
  size_t last = 0; // whose that is
  for (const auto &[first, limit, product] : ranges) {
    if (limit > plan.capacity)
      turns[product] = true;
    if (first < end)
      turns[product] = turns[last] = true;
    if (limit > end) {
      end = limit;
      last = product;
    }
  }
  plan.resident = llvm::none_of(turns, [](bool t) { return t; });
  // Written operands need a tile that holds no weights.
  int64_t stored = 0;
  for (const mapping::ProductGroup &group :
       mapping::groupProducts(design.workload, plan.products))
    stored = mapping::endOfOneCopy(group.demand, core, stored);
  stored = mapping::wholeCores(stored, core);
  if (!design.written.empty() && stored >= plan.capacity) {
    plan.resident = false;
    turns.assign(turns.size(), true);
  }
  const int64_t left = plan.resident ? plan.capacity - stored : plan.capacity;
  for (size_t layer : design.written) {
    mapping::Tiling tiling = mapping::tile(
        *design.workload.layers[layer].dynamicProduct(), machine, design.knobs);
    plan.dynamics.push_back({layer, tiling, std::min(tiling.arrays(), left),
                             mapping::DynamicProducts::Arrays});
  }
  int64_t shared = 0;
  for (auto [index, placed] : llvm::enumerate(plan.products)) {
    const int64_t held = placed.copies * placed.tiling.arrays();
    if (!turns[index]) {
      plan.placed_arrays += held;
      continue;
    }
    const int64_t room = plan.capacity - placed.first_array;
    if (room <= 0) {
      imc::MVMOp mvm = design.products[index].first.mvm;
      return mvm.emitOpError("is placed from array ")
             << placed.first_array << " on, imc.target has " << plan.capacity
             << "; run imc-place again";
    }
    shared = std::max(shared, std::min(held, room));
    placed.rounds =
        std::max<int64_t>(1, llvm::divideCeil(placed.tiling.arrays(), room));
  }
  plan.placed_arrays += shared;
  return plan;
}
