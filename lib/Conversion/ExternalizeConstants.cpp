//===- ExternalizeConstants.cpp - Large constants to arguments ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

namespace imc {
#define GEN_PASS_DEF_EXTERNALIZECONSTANTSPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace mlir;

namespace {
struct ExternalizeConstants
    : public imc::impl::ExternalizeConstantsPassBase<ExternalizeConstants> {
  using ExternalizeConstantsPassBase::ExternalizeConstantsPassBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (failed(externalize(function)))
        return signalPassFailure();
  }

private:
  bool isLarge(arith::ConstantOp constant) const {
    auto type = dyn_cast<RankedTensorType>(constant.getType());
    if (!type)
      return false;
    // Only these store one element per addressable unit, as compiled code
    // expects; i1 is packed in attributes.
    Type element = type.getElementType();
    if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0)
      return false;
    if (type.getNumElements() * element.getIntOrFloatBitWidth() / 8 < minBytes)
      return false;
    if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
      return !dense.isSplat();
    return isa<DenseResourceElementsAttr>(constant.getValue());
  }

  LogicalResult externalize(func::FuncOp function) {
    llvm::MapVector<Attribute, SmallVector<arith::ConstantOp>> constants;
    function.walk([&](arith::ConstantOp constant) {
      if (isLarge(constant))
        constants[constant.getValue()].push_back(constant);
    });
    if (constants.empty())
      return success();
    if (!SymbolTable::symbolKnownUseEmpty(function, getOperation()))
      return function.emitOpError()
             << "holds large constants and is called within the module, whose "
                "calls would have to pass them; run 'inline' first";

    Builder builder(&getContext());
    auto readOnly = builder.getNamedAttr(
        bufferization::BufferizationDialect::kWritableAttrName,
        builder.getBoolAttr(false));
    for (auto &[value, ops] : constants) {
      unsigned index = function.getNumArguments();
      DictionaryAttr attributes = builder.getDictionaryAttr(
          {builder.getNamedAttr(imc::externalConstantAttrName, value),
           readOnly});
      if (failed(function.insertArgument(index, ops.front().getType(),
                                         attributes, ops.front().getLoc())))
        return failure();
      for (arith::ConstantOp op : ops) {
        op.getResult().replaceAllUsesWith(function.getArgument(index));
        op.erase();
      }
    }
    return success();
  }
};
} // namespace
