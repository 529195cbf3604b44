//===- NameLayers.cpp - Names for layers that came without ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace imc {
#define GEN_PASS_DEF_NAMELAYERSPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

/// The name that a front end gave, or nothing: a place in a file is no name.
static StringAttr findName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringAttr name = findName(part))
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return findName(call.getCallee());
  return {};
}

/// Computes something, so that a layer can be called after it.
static bool works(Operation *op) {
  if (isa<linalg::FillOp, tosa::ConstOp>(op) ||
      op->hasTrait<OpTrait::ConstantLike>())
    return false;
  return isa<linalg::LinalgOp>(op) ||
         op->getDialect()->getNamespace() == "tosa";
}

static bool multiplies(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && (linalg::isaContractionOpInterface(linalgOp) ||
                      (linalg::isaConvolutionOpInterface(linalgOp) &&
                       linalgOp.getNumDpsInputs() >= 2));
}

/// What the op computes: its name, or for linalg.generic that of the last
/// computation in its body.
static std::string describe(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  StringRef name = op->getName().stripDialect();
  if (!linalgOp || (name != "generic" && name != "map" && name != "reduce"))
    return name.str();
  for (Operation &body :
       llvm::reverse(linalgOp.getBlock()->without_terminator()))
    if (!isa<arith::ConstantOp, linalg::IndexOp>(body))
      return body.getName().stripDialect().str();
  return "copy";
}

namespace {
struct NameLayersPass : public imc::impl::NameLayersPassBase<NameLayersPass> {
  using NameLayersPassBase::NameLayersPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();

    // Ops that stand at one place of the front end's file are one layer; so are
    // ops with one name. A place or name that comes back after another layer
    // has begun is a layer of its own: layers run one after the other.
    struct Layer {
      std::string name;
      Operation *product = nullptr, *last = nullptr;
      SmallVector<Operation *> ops;
    };
    SmallVector<Layer> layers;
    Location current = UnknownLoc::get(context);
    StringAttr currentName;
    SmallVector<Operation *> pending; // go with the layer that they feed
    module.walk([&](func::FuncOp function) {
      for (Block &block : function.getBody())
        for (Operation &op : block.without_terminator()) {
          StringAttr name = findName(op.getLoc());
          bool same = !layers.empty() &&
                      (name ? name == currentName
                            : !currentName && op.getLoc() == current &&
                                  !isa<UnknownLoc>(op.getLoc()));
          if (!same && !works(&op)) {
            pending.push_back(&op);
            continue;
          }
          if (!same) {
            layers.push_back({});
            layers.back().name = name ? name.str() : "";
            current = op.getLoc();
            currentName = name;
          }
          Layer &layer = layers.back();
          layer.ops.append(pending);
          pending.clear();
          layer.ops.push_back(&op);
          if (works(&op)) {
            layer.last = &op;
            if (!layer.product && multiplies(&op))
              layer.product = &op;
          }
        }
    });
    if (!pending.empty() && layers.empty())
      layers.push_back({});
    if (!pending.empty())
      layers.back().ops.append(pending);

    llvm::StringSet<> taken;
    llvm::StringMap<int64_t> count;
    for (Layer &layer : layers)
      if (!layer.name.empty() && !taken.insert(layer.name).second) {
        std::string base = layer.name;
        for (int64_t n = 2;
             !taken.insert(layer.name = base + "@" + std::to_string(n)).second;)
          ++n;
      }
    for (Layer &layer : layers) {
      if (layer.name.empty()) {
        Operation *op = layer.product ? layer.product : layer.last;
        std::string base = op ? describe(op) : "input";
        do
          layer.name = base + "_" + std::to_string(count[base]++);
        while (!taken.insert(layer.name).second);
      }
      StringAttr name = StringAttr::get(context, layer.name);
      for (Operation *op : layer.ops) {
        Location place = op->getLoc();
        if (auto old = dyn_cast<NameLoc>(place))
          place = old.getChildLoc();
        Location loc = NameLoc::get(name, place);
        op->setLoc(loc);
        op->walk([&](Operation *inner) { inner->setLoc(loc); });
      }
    }

    // Trained weights and biases: the tensors of numbers that are no splats.
    // Counted here, where no pass has copied or split them yet.
    int64_t parameters = 0;
    llvm::DenseSet<Attribute> seen;
    module.walk([&](Operation *op) {
      Attribute value;
      if (auto constant = dyn_cast<arith::ConstantOp>(op))
        value = constant.getValue();
      else if (auto constant = dyn_cast<tosa::ConstOp>(op))
        value = constant.getValues();
      else if (auto missing = dyn_cast<imc::MissingWeightOp>(op))
        parameters += cast<ShapedType>(missing.getType()).getNumElements();
      auto elements = dyn_cast_or_null<ElementsAttr>(value);
      if (!elements || op->use_empty() || !seen.insert(value).second)
        return;
      auto type = cast<ShapedType>(elements.getType());
      auto dense = dyn_cast<DenseElementsAttr>(value);
      bool trained = isa<FloatType>(type.getElementType())
                         ? type.getRank() >= 1
                         : type.getElementType().isInteger() &&
                               type.getRank() >= 2 &&
                               !type.getElementType().isInteger(1);
      if (trained && !(dense && dense.isSplat()))
        parameters += type.getNumElements();
    });
    if (!module->hasAttr(IMCDialect::parametersAttrName))
      module->setAttr(IMCDialect::parametersAttrName,
                      Builder(context).getI64IntegerAttr(parameters));
    numLayers += layers.size();
  }
};
} // namespace
