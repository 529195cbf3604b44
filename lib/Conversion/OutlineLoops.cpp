//===- OutlineLoops.cpp - One function per loop nest ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Conversion/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

namespace imc {
#define GEN_PASS_DEF_OUTLINELOOPSPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace mlir;

/// The buffer that a memref is a view of.
static Value rootOf(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

namespace {
struct OutlineLoops : public imc::impl::OutlineLoopsPassBase<OutlineLoops> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    byText.clear();
    for (auto function :
         llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal())
        continue;
      SmallVector<scf::ForOp> loops;
      for (Block &block : function.getBody())
        for (auto loop : block.getOps<scf::ForOp>())
          if (loop.getNumResults() == 0)
            loops.push_back(loop);
      // A lone loop gains nothing from a function around it.
      if (loops.size() > 1)
        for (scf::ForOp loop : loops)
          outline(loop, symbols);
    }
  }

private:
  /// The functions made so far, by what is in them.
  llvm::StringMap<func::FuncOp> byText;

  void outline(scf::ForOp loop, SymbolTable &symbols) {
    llvm::SetVector<Value> used;
    used.insert_range(loop->getOperands());
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    SmallVector<Value> arguments;
    SmallVector<Operation *> constants;
    for (Value value : used) {
      // Constants are repeated, so that trip counts stay known.
      Operation *definition = value.getDefiningOp();
      if (definition && matchPattern(definition, m_Constant()))
        constants.push_back(definition);
      else
        arguments.push_back(value);
    }

    OpBuilder builder(&getContext());
    Location loc = loop.getLoc();
    auto outlined = func::FuncOp::create(
        loc, "loops",
        builder.getFunctionType(ValueRange(arguments).getTypes(), {}));
    outlined.setPrivate();
    // LLVM would inline a function that is called once.
    outlined->setAttr("passthrough",
                      builder.getArrayAttr(builder.getStringAttr("noinline")));
    markDistinct(outlined, arguments);
    Block *body = outlined.addEntryBlock();
    builder.setInsertionPointToStart(body);
    IRMapping mapping;
    for (Operation *constant : constants)
      builder.clone(*constant, mapping);
    mapping.map(arguments, body->getArguments());
    builder.clone(*loop, mapping);
    func::ReturnOp::create(builder, loc);
    // Networks repeat their blocks: equal nests share one function. The text
    // has neither locations nor, so far, a distinct name.
    std::string text;
    llvm::raw_string_ostream os(text);
    outlined.print(os, OpPrintingFlags().useLocalScope());
    auto [known, isNew] = byText.try_emplace(text, outlined);
    if (isNew) {
      symbols.insert(outlined);
    } else {
      outlined.erase();
      outlined = known->second;
    }

    builder.setInsertionPoint(loop);
    func::CallOp::create(builder, loc, outlined, arguments);
    loop.erase();
  }

  /// Buffers that are allocated or passed separately do not overlap: saying so
  /// spares the vectorizer its checks at run time.
  void markDistinct(func::FuncOp outlined, ArrayRef<Value> arguments) {
    llvm::SmallDenseMap<Value, unsigned> views;
    auto isBuffer = [](Value value) {
      return isa<BlockArgument>(value) ||
             value.getDefiningOp<memref::AllocOp>();
    };
    for (Value argument : arguments)
      if (isa<MemRefType>(argument.getType()))
        ++views[rootOf(argument)];
    for (auto &[root, count] : views)
      if (!isBuffer(root))
        return;
    for (auto [i, argument] : llvm::enumerate(arguments))
      if (isa<MemRefType>(argument.getType()) && views[rootOf(argument)] == 1)
        outlined.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                            UnitAttr::get(&getContext()));
  }
};
} // namespace
