//===- Tile.cpp - Products are cut into arrays ----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mapping::tile decides the grid; this file writes it down and leaves the
// cutting to upstream's tiling of imc.mvm.
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "Remarks.h"
#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/Payload.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "imc/Transforms/Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace imc {
#define GEN_PASS_DEF_TILEPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

namespace {

/// One product with its grid.
struct Product {
  Operation *op;
  Value x, w, init;
  workload::Product work;
  mapping::Knobs knobs; ///< with the bits of this product
  mapping::Tiling tiling;
};

class Tiler {
public:
  Tiler(MLIRContext *context, const machine::Machine &machine)
      : rewriter(context), machine(machine) {}
  LogicalResult rewrite(const Product &product);

private:
  Value empty(Location loc, ArrayRef<int64_t> shape, Type element) {
    return tensor::EmptyOp::create(rewriter, loc, shape, element);
  }
  /// Cuts an imc.mvm so that each remaining one reads one array.
  FailureOr<Value> cut(imc::MVMOp mvm, const mapping::Tiling &tiling);

  IRRewriter rewriter;
  const machine::Machine &machine;
};

} // namespace

FailureOr<Value> Tiler::cut(imc::MVMOp mvm, const mapping::Tiling &tiling) {
  // Iterations are (pack, window, row strip, column strip, column); a dimension
  // of one tile needs no loop.
  auto size = [&](int64_t extent) -> OpFoldResult {
    return rewriter.getIndexAttr(extent == 1 ? 0 : 1);
  };
  OpFoldResult whole = rewriter.getIndexAttr(0);
  scf::SCFTilingOptions options;
  options.setTileSizes({size(tiling.packs), whole, size(tiling.strips),
                        size(tiling.column_tiles), whole});
  if (tiling.tiles() == 1)
    return mvm.getResult();
  rewriter.setInsertionPoint(mvm);
  FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(mvm.getOperation()), options);
  if (failed(tiled))
    return mvm.emitOpError("could not be cut into arrays of ")
           << tiling.rows << "x" << tiling.cols << " by upstream tiling";
  Value result = tiled->replacements.front();
  rewriter.replaceOp(mvm, result);
  return result;
}

LogicalResult Tiler::rewrite(const Product &product) {
  Operation *op = product.op;
  Location loc = op->getLoc();
  const mapping::Tiling &t = product.tiling;
  const mapping::Knobs &knobs = product.knobs;
  // A cell or a converter wider than the number it handles is used in part.
  auto encoding = EncodingAttr::get(
      op->getContext(), static_cast<EncodingKind>(knobs.encoding),
      knobs.weight_bits, std::min(machine.cell.bits, knobs.weight_bits));
  auto input = InputAttr::get(op->getContext(), knobs.input_bits,
                              std::min(machine.dac.bits, knobs.input_bits));
  rewriter.setInsertionPoint(op);
  SmallVector<int64_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};
  auto wShape = cast<ShapedType>(product.w.getType()).getShape();
  auto yType = cast<RankedTensorType>(product.init.getType());
  int64_t groups = product.work.groups, channels = yType.getDimSize(1);
  int64_t windows = yType.getNumElements() / channels;
  if (auto conv = dyn_cast<imc::Conv2DOp>(op)) {
    kernel = {wShape[2], wShape[3]};
    strides.assign(conv.getStrides().begin(), conv.getStrides().end());
    dilations.assign(conv.getDilations().begin(), conv.getDilations().end());
  }
  Type i8 = rewriter.getI8Type(), code = getElementTypeOrSelf(product.x),
       integer = yType.getElementType();
  Value u = imc::UnfoldOp::create(
                rewriter, loc, product.x,
                empty(loc, {t.packs, windows, t.strips, t.rows}, code), kernel,
                strides, dilations, groups, t.groups_per_pack)
                .getResult();
  Value cells =
      imc::EncodeWeightsOp::create(
          rewriter, loc, product.w,
          empty(loc, {t.packs, t.strips, t.column_tiles, t.rows, t.cols}, i8),
          encoding, groups, t.groups_per_pack)
          .getResult();
  Value zero = arith::ConstantOp::create(rewriter, loc,
                                         rewriter.getIntegerAttr(integer, 0));
  Value sums =
      linalg::FillOp::create(
          rewriter, loc, zero,
          empty(loc, {t.packs, windows, t.column_tiles, t.cols}, integer))
          .getResult(0);
  auto readout = ReadoutAttr::get(
      rewriter.getContext(), mapping::adcBits(knobs, machine), t.lossless_bits,
      knobs.range == mapping::Range::Full ? mapping::rangeBits(machine)
                                          : t.lossless_bits,
      static_cast<ReadoutPolicy>(knobs.range),
      static_cast<ReadoutTies>(knobs.ties));
  auto mvm = imc::MVMOp::create(rewriter, loc, u, cells, sums, input, readout);
  FailureOr<Value> acc = cut(mvm, t);
  if (failed(acc))
    return failure();
  rewriter.setInsertionPoint(op);
  Value y = imc::ShiftAddOp::create(
                rewriter, loc, *acc, u, empty(loc, yType.getShape(), integer),
                encoding, groups, t.groups_per_pack, product.work.rows)
                .getResult();
  for (StringRef name :
       {IMCDialect::inputBitsAttrName, IMCDialect::copiesAttrName,
        IMCDialect::adcBitsAttrName, IMCDialect::zeroMacsAttrName})
    if (Attribute value = op->getAttr(name))
      y.getDefiningOp()->setAttr(name, value);
  rewriter.replaceOp(op, y);
  // The zeros that the product started from.
  if (Operation *fill = product.init.getDefiningOp();
      fill && isOpTriviallyDead(fill)) {
    Value destination =
        isa<linalg::FillOp>(fill) ? fill->getOperand(1) : Value();
    rewriter.eraseOp(fill);
    if (Operation *producer =
            destination ? destination.getDefiningOp() : nullptr;
        producer && isOpTriviallyDead(producer))
      rewriter.eraseOp(producer);
  }
  return success();
}

/// The least value of the type of a constant weight, −128 or −32768, which has
/// no magnitude of 7 or 15 bits, if some weight is that.
static std::optional<int64_t> lowestWeight(Value w) {
  auto constant = w.getDefiningOp<arith::ConstantOp>();
  if (!constant)
    return std::nullopt;
  std::vector<char> storage;
  ArrayRef<char> raw =
      getRawData(cast<ElementsAttr>(constant.getValue()), storage);
  if (!getElementTypeOrSelf(w).isInteger(16))
    return llvm::is_contained(raw, static_cast<char>(-128))
               ? std::optional<int64_t>(-128)
               : std::nullopt;
  for (size_t at = 0; at + 2 <= raw.size(); at += 2) {
    int16_t value;
    std::memcpy(&value, raw.data() + at, 2);
    if (value == std::numeric_limits<int16_t>::min())
      return value;
  }
  return std::nullopt;
}

namespace {
struct TilePass : public imc::impl::TilePassBase<TilePass> {
  using TilePassBase::TilePassBase;

  /// The knobs of the options and of the bits that quantization has chosen.
  FailureOr<mapping::Knobs> readKnobs() {
    mapping::Knobs knobs;
    std::pair<StringRef, std::string> settings[] = {
        {"encoding", encoding},
        {"group_packing", groupPacking},
        {"range", range},
        {"ties", ties},
        {"adc_bits", std::to_string(adcBits)}};
    for (const auto &[name, value] : settings)
      if (llvm::Error error = mapping::setKnob(knobs, name, StringRef(value))) {
        getOperation().emitError("imc-tile: ")
            << llvm::toString(std::move(error));
        return failure();
      }
    return knobs;
  }

  /// What `op` needs for its rewrite but the tiling; fails with a diagnostic.
  FailureOr<Product> check(Operation *op) {
    Product product{
        op, op->getOperand(0), op->getOperand(1), op->getOperand(2), {}, {},
        {}};
    if (op->getNumResults() != 1 || !isPayload(getElementTypeOrSelf(product.x)))
      return op->emitOpError("cannot be tiled: its operands are ")
             << product.x.getType()
             << ", not tensors of i8 or i16; run imc-quantize";
    if (Attribute rule = op->getAttr(IMCDialect::unfoldingAttrName))
      return op->emitOpError("cannot be tiled: it is to be unfolded by ")
             << rule << "; run imc-unfold-windows before";
    if (!isZeroFilled(product.init))
      return op->emitOpError("cannot be tiled: its sums do not start from "
                             "zero; add the initial value after "
                             "imc.dequantize");
    if (encoding == "differential")
      if (std::optional<int64_t> lowest = lowestWeight(product.w))
        return op->emitOpError("cannot be tiled: a weight is ")
               << *lowest
               << ", which encoding=differential cannot store; use offset "
                  "or twos_complement";
    return product;
  }

  /// Bits of the input: those of the model, or of the imc.quantize that made
  /// it.
  FailureOr<int64_t> inputBits(const Product &product) {
    if (auto bits = product.op->getAttrOfType<IntegerAttr>(
            IMCDialect::inputBitsAttrName))
      return bits.getInt();
    Value x = product.x;
    while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                           tensor::ExtractSliceOp, tensor::PadOp>(
        x.getDefiningOp()))
      x = x.getDefiningOp()->getOperand(0);
    if (auto quantize = x.getDefiningOp<imc::QuantizeOp>())
      return quantize.getBits();
    return product.op->emitOpError("cannot be tiled: its input does not come "
                                   "from imc.quantize, so the number of its "
                                   "bits is unknown; run imc-quantize");
  }

  /// Takes the bits of one product; fails with a diagnostic.
  LogicalResult setBits(Operation *op, StringRef name, int64_t value,
                        mapping::Knobs &knobs) {
    if (llvm::Error error = mapping::setKnob(knobs, name, value))
      return op->emitOpError("cannot be tiled: ")
             << llvm::toString(std::move(error));
    return success();
  }

  /// Limits of the resolution of one product.
  LogicalResult checkConversions(Operation *op, const workload::Product &work,
                                 const mapping::Knobs &knobs,
                                 const machine::Machine &machine) {
    const auto broken = mapping::checkOwnAdcBits(work, knobs, machine);
    if (!broken)
      return success();
    const auto [bits, limit] = *broken;
    return op->emitOpError("cannot be tiled: '")
           << IMCDialect::adcBitsAttrName << "' breaks rule '"
           << mapping::ruleName(mapping::Rule::AdcBits) << "': " << bits
           << " with a limit of " << limit << " bit; take " << limit
           << (bits > limit ? " or fewer, or raise pass.adc_bits" : " or more");
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Quantized, getArgument())))
      return signalPassFailure();
    FailureOr<mapping::Knobs> knobs = readKnobs();
    FailureOr<machine::Machine> machine = getMachine(module);
    std::vector<Operation *> ops;
    if (failed(knobs) || failed(machine))
      return signalPassFailure();
    FailureOr<workload::Workload> workload = extractWorkload(module, &ops);
    if (failed(workload))
      return signalPassFailure();

    std::vector<Product> products;
    bool refused = false, converts = false;
    for (auto [op, layer] : llvm::zip_equal(ops, workload->layers)) {
      if (!layer.product())
        continue;
      FailureOr<Product> product = check(op);
      FailureOr<int64_t> bits =
          failed(product) ? FailureOr<int64_t>(failure()) : inputBits(*product);
      if (failed(bits)) {
        refused = true;
        continue;
      }
      // Weights without the attribute use all bits of i8 (models in integers).
      auto weightBits =
          op->getAttrOfType<IntegerAttr>(IMCDialect::weightBitsAttrName);
      product->knobs = *knobs;
      if (failed(setBits(op, "input_bits", *bits, product->knobs)) ||
          failed(setBits(op, "weight_bits",
                         weightBits ? weightBits.getInt() : 8,
                         product->knobs))) {
        refused = true;
        continue;
      }
      for (auto [what, bits, value] :
           {std::tuple("weights", product->knobs.weight_bits, product->w),
            std::tuple("inputs", product->knobs.input_bits, product->x)})
        if (Type type = getElementTypeOrSelf(value);
            !type.isInteger(payloadWidth(bits))) {
          op->emitOpError("cannot be tiled: its ")
              << what << " have " << bits << " bits in elements of " << type
              << ", expected i" << payloadWidth(bits) << "; run imc-quantize";
          refused = true;
        }
      product->work = *layer.product();
      if (product->work.adc_bits) {
        converts = true;
        if (failed(setBits(op, "adc_bits", product->work.adc_bits,
                           product->knobs)) ||
            failed(checkConversions(op, product->work, *knobs, *machine)))
          refused = true;
      }
      products.push_back(*product);
    }
    if (refused)
      return signalPassFailure();
    for (const mapping::Violation &violation :
         mapping::check(*knobs, *machine)) {
      module.emitError("imc-tile: ")
          << violation.where << " breaks rule '"
          << mapping::ruleName(violation.rule) << "': " << violation.value
          << " with a limit of " << violation.limit << " "
          << mapping::ruleUnit(violation.rule);
      return signalPassFailure();
    }

    Tiler tiler(&getContext(), *machine);
    for (Product &product : products) {
      product.tiling = mapping::tile(product.work, *machine, product.knobs);
      remarkOnTiling(product.op->getLoc(), getLayerName(product.op->getLoc()),
                     product.work, product.tiling, *machine, product.knobs);
      if (failed(tiler.rewrite(product)))
        return signalPassFailure();
      numTiles += product.tiling.tiles();
    }
    numProducts += products.size();
    if (converts)
      module->setAttr(IMCDialect::adcBitsAttrName,
                      IntegerAttr::get(IntegerType::get(&getContext(), 64),
                                       mapping::adcBits(*knobs, *machine)));
    setPhase(module, Phase::Tiled);
  }
};
} // namespace
