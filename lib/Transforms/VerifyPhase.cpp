//===- VerifyPhase.cpp - Contracts of the phases --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constraints P1 to P9 of docs/phases, one function each. A phase demands a
// set of them. Every op that breaks one is reported.
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/Payload.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "imc/Transforms/Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringMap.h"
#include <cmath>
#include <cstring>

namespace imc {
#define GEN_PASS_DEF_VERIFYPHASEPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

namespace {

class PhaseVerifier {
public:
  PhaseVerifier(ModuleOp module, Phase phase) : module(module), phase(phase) {}
  LogicalResult run();

private:
  /// Starts the report of a broken constraint.
  InFlightDiagnostic report(Operation *op, StringRef constraint) {
    broken = true;
    return op->emitError() << constraint << " (" << stringifyPhase(phase)
                           << "): ";
  }
  bool from(Phase first) const { return phase >= first; }

  void verifyDialects(Operation *op);
  void verifyProduct(Operation *op);
  void verifyInteger(Operation *op);
  void verifyArrays(imc::ShiftAddOp op, const machine::Machine &machine);
  FailureOr<int64_t> arraysOfOneCopy(int64_t core, bool written);
  void verifyPlacements(const machine::Machine &machine);
  void verifySteps();
  void verifyCosts();

  ModuleOp module;
  Phase phase;
  bool broken = false;
  /// Filled by verifyArrays, in program order.
  std::vector<TiledProduct> products;
};

} // namespace

/// P1: only the dialects of the phases, and static shapes.
void PhaseVerifier::verifyDialects(Operation *op) {
  Dialect *dialect = op->getDialect();
  if (!isa_and_nonnull<BuiltinDialect, func::FuncDialect, linalg::LinalgDialect,
                       tensor::TensorDialect, arith::ArithDialect,
                       math::MathDialect, scf::SCFDialect, imc::IMCDialect>(
          dialect)) {
    report(op, "P1")
        << "op '" << op->getName()
        << "' is of none of the dialects func, linalg, tensor, arith, math, "
        << "scf and imc; lower it to linalg first";
    return;
  }
  for (Type type : op->getResultTypes())
    if (auto shaped = dyn_cast<ShapedType>(type);
        shaped && !shaped.hasStaticShape()) {
      report(op, "P1") << "type " << type
                       << " is not static; bind symbolic dimensions at import";
      return;
    }
}

/// P2: products are at the level of the phase.
void PhaseVerifier::verifyProduct(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    if (!from(Phase::Offloaded))
      return;
    FailureOr<std::optional<LinalgProduct>> product = matchProduct(linalgOp);
    if (failed(product)) {
      broken = true;
    } else if (*product && (*product)->weight) {
      report(op, "P2") << "product with constant weights is still a linalg op; "
                          "run imc-offload";
    } else if (*product && !op->hasAttr(IMCDialect::dynamicProductAttrName)) {
      report(op, "P2") << "product of two activations has no attribute "
                          "imc.dynamic_product; run imc-offload";
    }
    return;
  }
  if (!isa<imc::IMCDialect>(op->getDialect()) ||
      isa<imc::MissingWeightOp, imc::RequantizeOp>(op))
    return;
  if (!from(Phase::Offloaded)) {
    report(op, "P2") << "op '" << op->getName() << "' belongs to a later phase";
    return;
  }
  if (isa<imc::Conv2DOp, imc::MatmulOp>(op)) {
    if (from(Phase::Tiled))
      report(op, "P2") << "product is not cut into arrays; run imc-tile";
    else if (!op->getOperand(1).getDefiningOp<arith::ConstantOp>() &&
             !op->getOperand(1).getDefiningOp<imc::MissingWeightOp>())
      report(op, "P2") << "weight is no constant";
    else if (bool isFloat = getElementTypeOrSelf(op->getOperand(0)).isF32();
             isFloat != !from(Phase::Quantized) &&
             !op->hasAttr(IMCDialect::inputBitsAttrName))
      report(op, "P2") << "product with "
                       << (isFloat ? "f32 operands; run imc-quantize"
                                   : "integer operands");
    return;
  }
  if (isa<imc::ChooseQParamsOp, imc::QuantizeOp, imc::DequantizeOp>(op)) {
    if (!from(Phase::Quantized))
      report(op, "P2") << "op '" << op->getName()
                       << "' belongs to a later phase";
  } else if (!from(Phase::Tiled)) {
    report(op, "P2") << "op '" << op->getName() << "' belongs to a later phase";
  }
}

/// P3: integer sums stand between imc.quantize and imc.dequantize, and weights
/// fit their bits.
void PhaseVerifier::verifyInteger(Operation *op) {
  Value x, w, y = op->getResult(0);
  int64_t weightBits = 8;
  if (auto shiftAdd = dyn_cast<imc::ShiftAddOp>(op)) {
    auto unfold = shiftAdd.getU().getDefiningOp<imc::UnfoldOp>();
    if (!unfold) {
      report(op, "P3") << "inputs do not come from imc.unfold";
      return;
    }
    x = unfold.getX();
    weightBits = shiftAdd.getEncoding().getWeightBits();
  } else {
    x = op->getOperand(0);
    w = op->getOperand(1);
    if (auto bits =
            op->getAttrOfType<IntegerAttr>(IMCDialect::weightBitsAttrName))
      weightBits = bits.getInt();
  }
  // Where the model itself is in integers, its own ops are around the product.
  bool ownIntegers = op->hasAttr(IMCDialect::inputBitsAttrName);
  // Where one load computes several positions, a transpose brings them
  // together.
  const bool apart = op->hasAttr(IMCDialect::zeroMacsAttrName);
  while (apart && isa_and_nonnull<tensor::PadOp, tensor::ExtractSliceOp>(
                      x.getDefiningOp()))
    x = x.getDefiningOp()->getOperand(0);
  if (!ownIntegers && !x.getDefiningOp<imc::QuantizeOp>())
    report(op, "P3") << "input does not come from imc.quantize";
  SmallVector<Value> sums{y};
  while (!ownIntegers && !sums.empty())
    for (Operation *user : sums.pop_back_val().getUsers())
      if (apart && isa<linalg::TransposeOp, tensor::ExtractSliceOp,
                       tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user))
        sums.push_back(user->getResult(0));
      else if (!isa<imc::DequantizeOp>(user))
        report(op, "P3") << "integer sums are used by '" << user->getName()
                         << "'; only imc.dequantize may";
  if (auto constant =
          w ? w.getDefiningOp<arith::ConstantOp>() : arith::ConstantOp()) {
    int64_t top = (int64_t(1) << (weightBits - 1)) - 1;
    int64_t bottom = ownIntegers ? -top - 1 : -top;
    std::vector<char> storage;
    ArrayRef<char> raw =
        getRawData(cast<ElementsAttr>(constant.getValue()), storage);
    const bool wide = getElementTypeOrSelf(w).isInteger(16);
    for (size_t i = 0, count = raw.size() / (wide ? 2 : 1); i != count; ++i) {
      int16_t value = static_cast<int8_t>(raw[i]);
      if (wide)
        std::memcpy(&value, raw.data() + 2 * i, 2);
      if (value > top || value < bottom) {
        report(op, "P3") << "weight " << value << " lies outside ±" << top
                         << " of " << weightBits << " bits";
        break;
      }
    }
  }
}

/// P4: every imc.mvm reads one array of the machine, and all iterations
/// together read every tile once.
void PhaseVerifier::verifyArrays(imc::ShiftAddOp op,
                                 const machine::Machine &machine) {
  FailureOr<TiledProduct> product = matchTiledProduct(op);
  if (failed(product)) {
    broken = true;
    return;
  }
  imc::MVMOp mvm = product->mvm;
  ArrayRef<int64_t> cells =
      cast<ShapedType>(mvm.getCells().getType()).getShape();
  ArrayRef<int64_t> grid =
      cast<ShapedType>(product->encode.getInit().getType()).getShape();
  if (cells[0] != 1 || cells[1] != 1 || cells[2] != 1)
    report(mvm, "P4") << "reads " << cells[0] * cells[1] * cells[2]
                      << " arrays, expected one; run imc-tile";
  else if (cells[3] != machine.drivenRows() || cells[4] != machine.array.cols)
    report(mvm, "P4") << "reads an array of " << cells[3] << "x" << cells[4]
                      << ", the machine's have " << machine.drivenRows() << "x"
                      << machine.array.cols;
  else if (product->trips != grid[0] * grid[1] * grid[2])
    report(mvm, "P4") << "is repeated " << product->trips << " times for "
                      << grid[0] * grid[1] * grid[2] << " arrays";
  else
    products.push_back(*product);
}

/// Arrays that one copy of every product takes when each is put behind the one
/// before it, equal products together, and with a core for operands that are
/// written if there are such.
FailureOr<int64_t> PhaseVerifier::arraysOfOneCopy(int64_t core, bool written) {
  std::vector<Operation *> ops;
  FailureOr<workload::Workload> work = extractWorkload(module, &ops);
  if (failed(work))
    return failure();
  llvm::DenseMap<Operation *, const workload::Product *> productOf;
  for (auto [op, layer] : llvm::zip_equal(ops, work->layers))
    productOf[op] = layer.product();
  std::vector<bool> placed(products.size(), false);
  int64_t next = 0; // array
  auto beginCore = [&] {
    while (next % core != 0)
      ++next;
  };
  for (size_t i = 0; i < products.size(); ++i)
    for (size_t j = i; j < products.size(); ++j) {
      if (placed[j] || !(*productOf.lookup(products[i].shiftAdd) ==
                         *productOf.lookup(products[j].shiftAdd)))
        continue;
      placed[j] = true;
      imc::MVMOp mvm = products[j].mvm;
      const int64_t arrays = mvm.getPlacementAttr().arraysPerCopy();
      int64_t room = core - next % core; // of the core that is begun
      if (arrays > room)
        beginCore();
      next += arrays;
    }
  if (written) {
    beginCore();
    ++next;
  }
  return next;
}

/// P5 and P6: placements describe the tiles, lie on the chip, do not overlap,
/// and no copy crosses the end of a core unless it begins one. Counted array by
/// array: the planner's own reasoning has no part in it.
void PhaseVerifier::verifyPlacements(const machine::Machine &machine) {
  const int64_t capacity = machine.arrays();
  const int64_t core = machine.hierarchy.macros_per_tile;
  for (const TiledProduct &product : products) {
    imc::MVMOp mvm = product.mvm;
    PlacementAttr placement = mvm.getPlacementAttr();
    if (!placement) {
      report(mvm, "P5") << "has no placement; run imc-place";
      return;
    }
    ArrayRef<int64_t> grid =
        cast<ShapedType>(
            imc::EncodeWeightsOp(product.encode).getInit().getType())
            .getShape();
    if (placement.getRowSets() != machine.rowSets()) {
      report(mvm, "P5") << "placement " << placement << " is for arrays of "
                        << placement.getRowSets()
                        << " row sets, the machine's have "
                        << machine.rowSets();
      return;
    }
    if (placement.getMacrosPerTile() != machine.hierarchy.macros_per_tile) {
      report(mvm, "P5") << "placement " << placement << " is for tiles of "
                        << placement.getMacrosPerTile()
                        << " arrays, the machine's have "
                        << machine.hierarchy.macros_per_tile;
      return;
    }
    if (placement.getPacks() != grid[0] ||
        placement.getRowStrips() != grid[1] ||
        placement.getColumnStrips() != grid[2]) {
      report(mvm, "P5") << "placement " << placement
                        << " is for other tiles than the " << grid[0] << "x"
                        << grid[1] << "x" << grid[2] << " of its weights";
      return;
    }
  }
  // Volatile cells may be written again for every layer, but only when one copy
  // of everything does not fit, with an array for the operands that are written
  // where there are such; then products whose arrays meet take turns at them.
  WalkResult written = module.walk([](Operation *op) {
    auto decision =
        op->getAttrOfType<StringAttr>(IMCDialect::dynamicProductAttrName);
    return decision && decision == "arrays" ? WalkResult::interrupt()
                                            : WalkResult::advance();
  });
  FailureOr<int64_t> needed = arraysOfOneCopy(core, written.wasInterrupted());
  if (failed(needed)) {
    broken = true;
    return;
  }
  const bool reloads =
      !machine::cellKind(machine).nonvolatile && *needed > capacity;
  // By array and row set: an array holds as many tiles as it has row sets.
  llvm::DenseMap<std::pair<int64_t, int64_t>, size_t> owner;
  for (auto [index, product] : llvm::enumerate(products)) {
    imc::MVMOp mvm = product.mvm;
    PlacementAttr placement = mvm.getPlacementAttr();
    if (reloads)
      owner.clear();
    // More tiles than arrays are written in rounds; then there is one copy.
    const int64_t begin = placement.firstArrayOf(0);
    if (reloads && begin >= 0 && begin < capacity && begin % core == 0 &&
        begin + placement.arraysPerCopy() > capacity &&
        placement.getCopies() == 1)
      continue;
    for (int64_t copy = 0; copy < placement.getCopies(); ++copy) {
      const int64_t first = placement.firstArrayOf(copy);
      const int64_t last = first + placement.arraysPerCopy() - 1;
      if (first % core != 0 && first / core != last / core) {
        report(mvm, "P6") << "copy " << copy << " is placed on arrays " << first
                          << " to " << last << ", across the end of a tile of "
                          << core << " arrays that it does not begin";
        return;
      }
      for (int64_t pack = 0; pack < placement.getPacks(); ++pack)
        for (int64_t strip = 0; strip < placement.getRowStrips(); ++strip)
          for (int64_t column = 0; column < placement.getColumnStrips();
               ++column) {
            int64_t array = placement.array(copy, pack, strip, column);
            if (array < 0 || array >= capacity) {
              report(mvm, "P6") << "copy " << copy << " is placed on array "
                                << array << ", the machine has " << capacity
                                << " (0 to " << capacity - 1 << ")";
              return;
            }
            auto [held, isNew] = owner.try_emplace(
                std::pair(array, placement.rowSet(pack, strip, column)), index);
            if (!isNew) {
              InFlightDiagnostic diag = report(mvm, "P6") << "array " << array
                                                          << " is placed twice";
              diag.attachNote(products[held->second].mvm.getLoc())
                  << "it already holds a tile of this product";
              return;
            }
          }
    }
  }
}

/// P7 and P8: ops of one layer share a step, steps count from 0 without a gap,
/// and nothing is used before its step.
void PhaseVerifier::verifySteps() {
  llvm::StringMap<std::pair<int64_t, Operation *>> stepOf;
  std::vector<bool> seen;
  // Ops without a step (constants, reshapes, loops) pass on the latest step of
  // what they use.
  llvm::DenseMap<Value, int64_t> ready;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<ModuleOp, FunctionOpInterface>(op))
      return WalkResult::advance();
    auto attr = op->getAttrOfType<IntegerAttr>(IMCDialect::stepAttrName);
    bool works = isa<imc::IMCDialect>(op->getDialect()) &&
                 !isa<imc::MissingWeightOp>(op);
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      works = !isa<linalg::FillOp>(op) && !bringsPositionsTogether(op);
    if (works && !attr) {
      report(op, "P7") << "has no imc.step; run imc-schedule";
      return WalkResult::interrupt();
    }
    int64_t latest = -1;
    for (Value operand : op->getOperands())
      if (auto it = ready.find(operand); it != ready.end())
        latest = std::max(latest, it->second);
    if (attr) {
      int64_t step = attr.getInt();
      auto [entry, isNew] =
          stepOf.try_emplace(getLayerName(op->getLoc()), step, op);
      if (!isNew && entry->second.first != step) {
        InFlightDiagnostic diag = report(op, "P7")
                                  << "layer '" << entry->first()
                                  << "' has step " << step << " here";
        diag.attachNote(entry->second.second->getLoc())
            << "and step " << entry->second.first << " here";
        return WalkResult::interrupt();
      }
      if (latest > step) {
        report(op, "P8") << "step " << step << " uses a result of step "
                         << latest;
        return WalkResult::interrupt();
      }
      latest = step;
      if (step >= static_cast<int64_t>(seen.size()))
        seen.resize(std::min<int64_t>(step, 1 << 20) + 1);
      if (step < static_cast<int64_t>(seen.size()))
        seen[step] = true;
    }
    for (Value result : op->getResults())
      ready[result] = latest;
    // The body of a loop is walked next; its result is ready when what it
    // yields is, and all of a product's loops carry one step.
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      loop.walk([&](Operation *inner) {
        if (auto step =
                inner->getAttrOfType<IntegerAttr>(IMCDialect::stepAttrName))
          for (Value result : loop->getResults())
            ready[result] = std::max(ready[result], step.getInt());
      });
    }
    return isa<linalg::LinalgOp>(op) ? WalkResult::skip()
                                     : WalkResult::advance();
  });
  if (broken)
    return;
  for (auto [step, used] : llvm::enumerate(seen))
    if (!used) {
      report(module, "P7") << "no layer has step " << step << " of "
                           << seen.size();
      return;
    }
}

/// P9: the module and every layer carry their cost, and layers add up to the
/// module.
void PhaseVerifier::verifyCosts() {
  auto total = module->getAttrOfType<DictionaryAttr>(IMCDialect::costAttrName);
  if (!total) {
    report(module, "P9") << "has no imc.cost; run imc-cost";
    return;
  }
  std::vector<Operation *> ops;
  if (failed(extractWorkload(module, &ops))) {
    broken = true;
    return;
  }
  for (StringRef key : {"energy_j", "latency_s"}) {
    double sum = 0;
    for (Operation *op : ops) {
      auto cost = op->getAttrOfType<DictionaryAttr>(IMCDialect::costAttrName);
      auto value = cost ? cost.getAs<FloatAttr>(key) : FloatAttr();
      if (!value) {
        report(op, "P9") << "has no imc.cost with " << key << "; run imc-cost";
        return;
      }
      sum += value.getValueAsDouble();
    }
    auto whole = total.getAs<FloatAttr>(key);
    if (!whole ||
        std::abs(whole.getValueAsDouble() - sum) > 1e-9 * std::abs(sum)) {
      report(module, "P9") << key << " of the layers adds up to " << sum
                           << ", the module says "
                           << (whole ? Attribute(whole)
                                     : Attribute(
                                           UnitAttr::get(module.getContext())));
      return;
    }
  }
}

LogicalResult PhaseVerifier::run() {
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    verifyDialects(op);
    verifyProduct(op);
    bool isProduct = isa<imc::Conv2DOp, imc::MatmulOp>(op) &&
                     isPayload(getElementTypeOrSelf(op->getOperand(0)));
    if (from(Phase::Quantized) && (isProduct || isa<imc::ShiftAddOp>(op)) &&
        op->getNumResults() == 1)
      verifyInteger(op);
    return isa<linalg::LinalgOp>(op) ? WalkResult::skip()
                                     : WalkResult::advance();
  });
  if (broken || !from(Phase::Tiled))
    return failure(broken);
  FailureOr<machine::Machine> machine = getMachine(module);
  if (failed(machine))
    return failure();
  module.walk([&](imc::ShiftAddOp op) { verifyArrays(op, *machine); });
  if (!broken && from(Phase::Placed))
    verifyPlacements(*machine);
  if (!broken && from(Phase::Scheduled))
    verifySteps();
  if (!broken && from(Phase::Costed))
    verifyCosts();
  return failure(broken);
}

LogicalResult imc::verifyPhase(ModuleOp module, Phase phase) {
  return PhaseVerifier(module, phase).run();
}

namespace {
struct VerifyPhasePass
    : public imc::impl::VerifyPhasePassBase<VerifyPhasePass> {
  using VerifyPhasePassBase::VerifyPhasePassBase;

  /// Takes `imc-verify-phase=quantized` as well as
  /// `imc-verify-phase=phase=quantized`.
  LogicalResult initializeOptions(
      StringRef options,
      function_ref<LogicalResult(const Twine &)> errorHandler) override {
    std::string text = options.contains('=') || options.empty()
                           ? options.str()
                           : "phase=" + options.str();
    return VerifyPhasePassBase::initializeOptions(text, errorHandler);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<Phase> wanted = symbolizePhase(phase);
    if (phase.empty()) {
      FailureOr<Phase> found = getPhase(module);
      if (failed(found))
        return signalPassFailure();
      wanted = *found;
    }
    if (!wanted) {
      module.emitError("imc-verify-phase: '")
          << phase.getValue() << "' is no phase; phases are " << listPhases();
      return signalPassFailure();
    }
    if (failed(verifyPhase(module, *wanted)))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
