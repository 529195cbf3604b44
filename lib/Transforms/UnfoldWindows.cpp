//===- UnfoldWindows.cpp - Several positions per load ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// cost::chooseUnfolding decides and mapping::widen says how; this file
// writes it down with ops that all later passes know.
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "Remarks.h"
#include "dialects/imc/IR/IMC.h"
#include "imc/Cost/Unfold.h"
#include "imc/Transforms/Constants.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "imc/Transforms/Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <cstring>

namespace imc {
#define GEN_PASS_DEF_UNFOLDWINDOWSPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;
using mapping::unfolding::Pair;

namespace {

/// Rewrites one convolution.
class Widener {
public:
  Widener(IRRewriter &rewriter, imc::Conv2DOp conv, Pair positions,
          const std::array<mapping::WideAxis, 2> &axes)
      : rewriter(rewriter), conv(conv), loc(conv.getLoc()),
        positions(positions), axes(axes), w(shapeOf(conv.getW())),
        y(shapeOf(conv.getInit())), groups(conv.getGroups()),
        outputs(w[0] / groups) {}

  void rewrite();

private:
  static SmallVector<int64_t> shapeOf(Value value) {
    return SmallVector<int64_t>(
        cast<RankedTensorType>(value.getType()).getShape());
  }
  int64_t count() const { return positions[0] * positions[1]; }
  SmallVector<OpFoldResult> attrs(ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(conv.getContext(), values);
  }
  Value input();
  Value weights();
  /// The positions of the wide result where they belong; those beyond the edge
  /// go.
  Value bringTogether(Value wide);

  IRRewriter &rewriter;
  imc::Conv2DOp conv;
  Location loc;
  Pair positions;
  const std::array<mapping::WideAxis, 2> &axes;
  SmallVector<int64_t> w, y;
  int64_t groups, outputs; ///< outputs of one group
};

} // namespace

Value Widener::input() {
  Value x = conv.getX();
  SmallVector<int64_t> shape = shapeOf(x);
  if (axes[0].sample > 1 || axes[1].sample > 1) {
    const int64_t sizes[] = {shape[0], shape[1], axes[0].inputs,
                             axes[1].inputs};
    x = tensor::ExtractSliceOp::create(
        rewriter, loc, x, attrs({0, 0, 0, 0}), attrs(sizes),
        attrs({1, 1, axes[0].sample, axes[1].sample}));
    shape = shapeOf(x);
  }
  if (axes[0].extent == shape[2] && axes[1].extent == shape[3])
    return x;
  // Only positions that are dropped see these zeros.
  Type code = getElementTypeOrSelf(x);
  Value zero = arith::ConstantOp::create(rewriter, loc,
                                         rewriter.getIntegerAttr(code, 0));
  auto type = RankedTensorType::get(
      {shape[0], shape[1], axes[0].extent, axes[1].extent}, code);
  return tensor::PadOp::create(
      rewriter, loc, type, x, attrs({0, 0, 0, 0}),
      attrs({0, 0, axes[0].extent - shape[2], axes[1].extent - shape[3]}),
      zero);
}

Value Widener::weights() {
  Operation *root = conv.getW().getDefiningOp();
  const SmallVector<int64_t> shape = {w[0] * count(), w[1], axes[0].kernel,
                                      axes[1].kernel};
  Type element = getElementTypeOrSelf(conv.getW());
  const size_t bytes = element.getIntOrFloatBitWidth() / 8;
  auto type = RankedTensorType::get(shape, element);
  if (isa<imc::MissingWeightOp>(root))
    return imc::MissingWeightOp::create(rewriter, root->getLoc(), type,
                                        getWeightName(root));
  std::vector<char> storage;
  ArrayRef<char> from = getRawData(
      cast<ElementsAttr>(cast<arith::ConstantOp>(root).getValue()), storage);
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(type.getNumElements() * bytes, 64);
  MutableArrayRef<char> to = blob.getMutableData();
  llvm::fill(to, 0);
  const char *next = from.data();
  for (int64_t f = 0; f != w[0]; ++f)
    for (int64_t c = 0; c != w[1]; ++c)
      for (int64_t r = 0; r != w[2]; ++r)
        for (int64_t s = 0; s != w[3]; ++s, next += bytes)
          for (int64_t p = 0; p != count(); ++p) {
            const int64_t channel =
                (f / outputs * count() + p) * outputs + f % outputs;
            const int64_t row =
                p / positions[1] * axes[0].position + r * axes[0].element;
            const int64_t column =
                p % positions[1] * axes[1].position + s * axes[1].element;
            const int64_t at =
                ((channel * w[1] + c) * shape[2] + row) * shape[3] + column;
            std::memcpy(to.data() + size_t(at) * bytes, next, bytes);
          }
  return arith::ConstantOp::create(
      rewriter, root->getLoc(), type,
      cast<TypedAttr>(
          makeConstantData(type, getWeightName(root), std::move(blob))));
}

Value Widener::bringTogether(Value wide) {
  const int64_t high = axes[0].windows, across = axes[1].windows;
  Type sum = getElementTypeOrSelf(wide);
  // (image, group, position down, position across, output, row, column) with
  // rows of windows beside their positions.
  const SmallVector<int64_t> apart = {
      y[0], groups, positions[0], positions[1], outputs, high, across};
  const int64_t order[] = {0, 1, 4, 5, 2, 6, 3};
  SmallVector<int64_t> together;
  for (int64_t d : order)
    together.push_back(apart[d]);
  Value split = tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(apart, sum), wide,
      SmallVector<ReassociationIndices>{{0}, {1, 2, 3, 4}, {5}, {6}});
  Value moved =
      linalg::TransposeOp::create(
          rewriter, loc, split,
          Value(tensor::EmptyOp::create(rewriter, loc, together, sum)), order)
          ->getResult(0);
  const SmallVector<int64_t> whole = {y[0], y[1], high * positions[0],
                                      across * positions[1]};
  Value joined = tensor::CollapseShapeOp::create(
      rewriter, loc, RankedTensorType::get(whole, sum), moved,
      SmallVector<ReassociationIndices>{{0}, {1, 2}, {3, 4}, {5, 6}});
  if (whole == y)
    return joined;
  return tensor::ExtractSliceOp::create(rewriter, loc, joined,
                                        attrs({0, 0, 0, 0}), attrs(y),
                                        attrs({1, 1, 1, 1}));
}

void Widener::rewrite() {
  rewriter.setInsertionPoint(conv);
  Type sum = getElementTypeOrSelf(conv.getInit());
  Value x = input();
  const int64_t channels = w[0] * count();
  const SmallVector<int64_t> shape = {y[0], channels, axes[0].windows,
                                      axes[1].windows};
  Value zero =
      arith::ConstantOp::create(rewriter, loc, rewriter.getIntegerAttr(sum, 0));
  Value init = linalg::FillOp::create(
                   rewriter, loc, zero,
                   Value(tensor::EmptyOp::create(rewriter, loc, shape, sum)))
                   .getResult(0);
  const int64_t strides[] = {axes[0].stride, axes[1].stride};
  const int64_t dilations[] = {axes[0].dilation, axes[1].dilation};
  auto wide = imc::Conv2DOp::create(rewriter, loc, x, weights(), init, strides,
                                    dilations, groups);
  for (NamedAttribute attr : conv->getDiscardableAttrs())
    wide->setDiscardableAttr(attr.getName(), attr.getValue());
  const int64_t loads = y[0] * axes[0].windows * axes[1].windows;
  const int64_t all = loads * channels * w[1] * axes[0].kernel * axes[1].kernel;
  const int64_t needed = y[0] * y[1] * y[2] * y[3] * w[1] * w[2] * w[3];
  wide->setAttr(IMCDialect::zeroMacsAttrName,
                rewriter.getI64IntegerAttr(all - needed));
  Operation *fill = conv.getInit().getDefiningOp();
  Operation *weight = conv.getW().getDefiningOp();
  rewriter.replaceOp(conv, bringTogether(wide->getResult(0)));
  Operation *empty = isa_and_nonnull<linalg::FillOp>(fill)
                         ? fill->getOperand(1).getDefiningOp()
                         : nullptr;
  for (Operation *dead : {fill, empty, weight})
    if (dead && isOpTriviallyDead(dead))
      rewriter.eraseOp(dead);
}

namespace {
struct UnfoldWindowsPass
    : public imc::impl::UnfoldWindowsPassBase<UnfoldWindowsPass> {
  using UnfoldWindowsPassBase::UnfoldWindowsPassBase;

  FailureOr<mapping::Knobs> readKnobs() {
    mapping::Knobs knobs;
    const std::string adc = std::to_string(adcBits);
    const std::pair<StringRef, StringRef> settings[] = {
        {"unfolding", unfolding},        {"encoding", encoding},
        {"group_packing", groupPacking}, {"adc_bits", adc},
        {"replication", replication},    {"dynamic_products", dynamicProducts},
        {"segments", segments}};
    for (const auto &[name, value] : settings)
      if (llvm::Error error = mapping::setKnob(knobs, name, value)) {
        getOperation().emitError("imc-unfold-windows: ")
            << llvm::toString(std::move(error));
        return failure();
      }
    return knobs;
  }

  /// Bits of the products that have none of their own (E-MIXED).
  static void setBits(ModuleOp module, ArrayRef<Operation *> ops,
                      const workload::Workload &workload,
                      mapping::Knobs &knobs) {
    auto [weight, input] = commonBits(module);
    if (weight == 0)
      for (auto [op, layer] : llvm::zip_equal(ops, workload.layers))
        if (layer.product()) {
          const auto [ofWeights, ofInputs] = bitsOf(op);
          weight = std::max(weight, ofWeights);
          input = std::max(input, ofInputs);
        }
    if (weight != 0)
      knobs.weight_bits = weight;
    if (input != 0)
      knobs.input_bits = input;
  }

  /// Zeros go between weights, so they must be there or nowhere.
  LogicalResult checkWeights(imc::Conv2DOp conv) {
    if (conv.getW().getDefiningOp<imc::MissingWeightOp>())
      return success();
    auto constant = conv.getW().getDefiningOp<arith::ConstantOp>();
    if (!constant)
      return conv.emitOpError("cannot be unfolded: its weight is no constant; "
                              "use unfolding=im2col");
    std::vector<char> storage;
    if (getRawData(cast<ElementsAttr>(constant.getValue()), storage).empty())
      return conv.emitOpError("cannot be unfolded: the data of its weight '")
             << getWeightName(constant)
             << "' are not in the file; use unfolding=im2col";
    return success();
  }

  /// Whether some product has a rule of its own.
  static bool hasRules(ModuleOp module) {
    return module
        .walk([](imc::Conv2DOp conv) {
          return conv->hasAttr(IMCDialect::unfoldingAttrName)
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Quantized, getArgument())))
      return signalPassFailure();
    if (unfolding == "im2col" && !hasRules(module))
      return;
    FailureOr<mapping::Knobs> knobs = readKnobs();
    if (failed(knobs))
      return signalPassFailure();
    FailureOr<machine::Machine> machine = getMachine(module);
    std::vector<Operation *> ops;
    if (failed(machine))
      return signalPassFailure();
    FailureOr<workload::Workload> workload = extractWorkload(module, &ops);
    if (failed(workload))
      return signalPassFailure();
    setBits(module, ops, *workload, *knobs);
    const std::vector<Pair> positions =
        cost::chooseUnfolding(*workload, *machine, *knobs);
    // Zeros are no parameters.
    module->setAttr(IMCDialect::parametersAttrName,
                    IntegerAttr::get(IntegerType::get(&getContext(), 64),
                                     countParameters(module)));
    IRRewriter rewriter(&getContext());
    for (size_t i = 0; i != ops.size(); ++i) {
      const workload::Product *product = workload->layers[i].product();
      if (!product)
        continue;
      ops[i]->removeAttr(IMCDialect::unfoldingAttrName);
      auto conv = dyn_cast<imc::Conv2DOp>(ops[i]);
      if (positions[i] == Pair{1, 1} || !conv)
        continue;
      if (failed(checkWeights(conv)))
        return signalPassFailure();
      if (!isZeroFilled(conv.getInit())) {
        conv.emitOpError("cannot be unfolded: its sums do not start from "
                         "zero; add the initial value after imc.dequantize");
        return signalPassFailure();
      }
      remarkOnUnfolding(conv.getLoc(), workload->layers[i].name, *product,
                        positions[i], *machine, *knobs);
      Widener(rewriter, conv, positions[i],
              *mapping::widen(*product, positions[i]))
          .rewrite();
      ++numWindows;
    }
  }
};
} // namespace
