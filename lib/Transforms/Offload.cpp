//===- Offload.cpp - Products with a constant matrix become imc ops -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two sweeps: the first classifies every linalg op and reports all that cannot
// be taken, without touching the IR; the second rewrites.
//
//===----------------------------------------------------------------------===//

#include "DeadCode.h"
#include "OffloadIntegers.h"
#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Transforms/Constants.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "imc/Transforms/Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace imc {
#define GEN_PASS_DEF_OFFLOADPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

namespace {

/// The reshapes between an N×(G·C)×H×W and an N×G×C×H×W tensor.
const SmallVector<ReassociationIndices> kGroupReassociation = {
    {0}, {1, 2}, {3}, {4}};

class Offloader {
public:
  explicit Offloader(MLIRContext *context)
      : rewriter(context), integers(rewriter) {}

  void rewrite(const LinalgProduct &product);

  int64_t numFolded = 0;

private:
  /// A constant for the view, made once for all products that ask for the same
  /// one.
  Value weight(const ConstantView &view);
  /// Collapses `value` to `type`, undoing a reshape that made it when there is
  /// one.
  Value collapse(Location loc, Value value, RankedTensorType type,
                 ArrayRef<ReassociationIndices> reassociation);
  /// Replaces `op` by `value`, expanded to the type of `op` where a user needs
  /// it.
  void replaceWithExpanded(Operation *op, Value value,
                           ArrayRef<ReassociationIndices> reassociation);

  /// Where the sums of `product` start: `init` itself, or zero for integers,
  /// whose init is added by `finish`.
  Value startOf(const LinalgProduct &product, Value init);
  /// Marks the new product and corrects its integer sums.
  void finish(const LinalgProduct &product, Value acc, Value init);

  IRRewriter rewriter;
  imc::detail::IntegerOffloader integers;
  std::vector<std::pair<ConstantView, Value>> weights;
};

} // namespace

Value Offloader::weight(const ConstantView &view) {
  for (auto &[known, value] : weights)
    if (known == view)
      return value;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(view.getRoot());
  Value value = view.materialize(rewriter);
  if (value != view.getRoot()->getResult(0))
    ++numFolded;
  weights.push_back({view, value});
  return value;
}

Value Offloader::collapse(Location loc, Value value, RankedTensorType type,
                          ArrayRef<ReassociationIndices> reassociation) {
  if (value.getType() == type)
    return value;
  if (auto expand = value.getDefiningOp<tensor::ExpandShapeOp>())
    if (expand.getSrc().getType() == type)
      return expand.getSrc();
  return tensor::CollapseShapeOp::create(rewriter, loc, type, value,
                                         reassociation);
}

void Offloader::replaceWithExpanded(
    Operation *op, Value value, ArrayRef<ReassociationIndices> reassociation) {
  Value old = op->getResult(0);
  if (old.getType() == value.getType()) {
    rewriter.replaceOp(op, value);
    return;
  }
  for (Operation *user : llvm::make_early_inc_range(old.getUsers()))
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user))
      if (collapse.getType() == value.getType())
        rewriter.replaceOp(collapse, value);
  if (!old.use_empty())
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, old.getType(), value,
                                                       reassociation);
  else
    rewriter.eraseOp(op);
}

Value Offloader::startOf(const LinalgProduct &product, Value init) {
  if (!product.integer || isZeroFilled(init))
    return init;
  auto type = cast<RankedTensorType>(init.getType());
  Value zero = arith::ConstantOp::create(
      rewriter, init.getLoc(), rewriter.getZeroAttr(type.getElementType()));
  Value empty = tensor::EmptyOp::create(rewriter, init.getLoc(),
                                        type.getShape(), type.getElementType());
  return linalg::FillOp::create(rewriter, init.getLoc(), zero, empty)
      .getResult(0);
}

void Offloader::finish(const LinalgProduct &product, Value acc, Value init) {
  if (!product.integer)
    return;
  Operation *op = acc.getDefiningOp();
  auto bitsOfOperand = [&](unsigned index) {
    return rewriter.getI64IntegerAttr(
        getElementTypeOrSelf(op->getOperand(index)).getIntOrFloatBitWidth());
  };
  op->setAttr(IMCDialect::inputBitsAttrName, bitsOfOperand(0));
  // Without the attribute a weight has 8 bits.
  if (IntegerAttr bits = bitsOfOperand(1); bits.getInt() != 8)
    op->setAttr(IMCDialect::weightBitsAttrName, bits);
  integers.correct(acc, op->getOperand(1),
                   product.kind == LinalgProduct::Kind::Conv,
                   product.signedInput, isZeroFilled(init) ? Value() : init);
}

void Offloader::rewrite(const LinalgProduct &product) {
  linalg::LinalgOp op = product.op;
  Location loc = op.getLoc();
  Value w = weight(*product.weight);
  rewriter.setInsertionPoint(op);
  Value x = op.getDpsInputs()[0], init = op.getDpsInits()[0];
  SetVector<Operation *> feeders;
  for (Value operand : op->getOperands())
    if (Operation *producer = operand.getDefiningOp())
      feeders.insert(producer);

  if (product.kind == LinalgProduct::Kind::Conv) {
    // With groups in a dimension of their own, both sides fold to four
    // dimensions.
    auto fold = [](Value value) {
      auto type = cast<RankedTensorType>(value.getType());
      if (type.getRank() == 4)
        return type;
      ArrayRef<int64_t> d = type.getShape();
      return type.clone({d[0], d[1] * d[2], d[3], d[4]});
    };
    x = collapse(loc, x, fold(x), kGroupReassociation);
    init = collapse(loc, init, fold(init), kGroupReassociation);
    if (product.integer && product.signedInput)
      x = integers.unsignedInput(loc, x);
    auto conv = imc::Conv2DOp::create(rewriter, loc, x, w,
                                      startOf(product, init), product.strides,
                                      product.dilations, product.groups);
    replaceWithExpanded(op, conv.getResult(), kGroupReassociation);
    finish(product, conv.getResult(), init);
  } else {
    // Leading dimensions of the left operand are rows of one matrix.
    auto flatten = [](Value value) {
      auto type = cast<RankedTensorType>(value.getType());
      int64_t last = type.getShape().back();
      return type.clone({last == 0 ? 0 : type.getNumElements() / last, last});
    };
    auto reassociation = [](Value value) {
      SmallVector<ReassociationIndices> groups(2);
      int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
      for (int64_t d = 0; d + 1 < rank; ++d)
        groups[0].push_back(d);
      groups[1].push_back(rank - 1);
      return groups;
    };
    x = collapse(loc, x, flatten(x), reassociation(x));
    init = collapse(loc, init, flatten(init), reassociation(init));
    if (product.integer && product.signedInput)
      x = integers.unsignedInput(loc, x);
    auto matmul =
        imc::MatmulOp::create(rewriter, loc, x, w, startOf(product, init));
    replaceWithExpanded(op, matmul.getResult(),
                        reassociation(op.getDpsInits()[0]));
    finish(product, matmul.getResult(), init);
  }
  imc::detail::eraseDead(rewriter, feeders, [&](Operation *dead) {
    llvm::erase_if(weights, [&](auto &entry) {
      return entry.first.getRoot() == dead ||
             entry.second.getDefiningOp() == dead;
    });
  });
}

namespace {
struct OffloadPass : public imc::impl::OffloadPassBase<OffloadPass> {
  using OffloadPassBase::OffloadPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Imported, getArgument())))
      return signalPassFailure();

    std::vector<LinalgProduct> products;
    SmallVector<Operation *> dynamic;
    bool refused = false;
    module.walk([&](linalg::LinalgOp op) {
      FailureOr<std::optional<LinalgProduct>> product = matchProduct(op);
      if (failed(product) || (*product && (*product)->weight &&
                              failed((*product)->weight->checkData(op))))
        refused = true;
      else if (*product && (*product)->weight)
        products.push_back(std::move(**product));
      else if (*product)
        dynamic.push_back(op);
    });
    if (refused)
      return signalPassFailure();

    int64_t parameters = countParameters(module);
    module->setAttr(IMCDialect::parametersAttrName,
                    Builder(&getContext()).getI64IntegerAttr(parameters));
    Offloader offloader(&getContext());
    for (const LinalgProduct &product : products)
      offloader.rewrite(product);
    for (Operation *op : dynamic)
      op->setAttr(IMCDialect::dynamicProductAttrName,
                  UnitAttr::get(&getContext()));
    numProducts += products.size();
    numDynamic += dynamic.size();
    numFolded += offloader.numFolded;
    setPhase(module, Phase::Offloaded);
  }
};
} // namespace
