//===- AdoptModule.cpp - One function main from another importer ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// IREE's util and hal dialects are not linked in: their ops arrive in MLIR's
// generic form and are recognised by name.
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/SymbolTable.h"

namespace imc {
#define GEN_PASS_DEF_ADOPTMODULEPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

static bool isNamed(Operation *op, StringRef name) {
  return op->getName().getStringRef() == name;
}

/// The tensors of a function of IREE: `hal.tensor.import` makes them of the
/// buffers that come in.
static SmallVector<Operation *> findImports(Operation *function) {
  SmallVector<Operation *> imports;
  function->walk([&](Operation *op) {
    if (isNamed(op, "hal.tensor.import"))
      imports.push_back(op);
  });
  return imports;
}

namespace {

/// Makes func.func of util.func, and tensors of hal's buffers.
class Unwrapper {
public:
  explicit Unwrapper(ModuleOp module) : module(module), builder(module) {}
  LogicalResult run();

private:
  LogicalResult convert(Operation *function);
  LogicalResult convertOp(Operation *op);

  ModuleOp module;
  OpBuilder builder;
};

} // namespace

LogicalResult Unwrapper::convertOp(Operation *op) {
  builder.setInsertionPoint(op);
  auto replace = [&](ValueRange values) {
    op->replaceAllUsesWith(values);
    op->erase();
    return success();
  };
  // A barrier passes its tensors through; the fence that follows them is for
  // asynchronous callers.
  if (isNamed(op, "hal.tensor.barrier"))
    return replace(op->getOperands().take_front(op->getNumResults()));
  if (isNamed(op, "hal.tensor.export"))
    return replace(op->getOperands().take_front(1));
  if (isNamed(op, "util.optimization_barrier"))
    return replace(op->getOperands());
  if (isNamed(op, "util.return")) {
    func::ReturnOp::create(builder, op->getLoc(), op->getOperands());
    op->erase();
  } else if (isNamed(op, "util.call")) {
    auto callee = op->getAttrOfType<FlatSymbolRefAttr>("callee");
    if (!callee)
      return op->emitError("util.call without a callee");
    return replace(func::CallOp::create(builder, op->getLoc(), callee,
                                        op->getResultTypes(), op->getOperands())
                       .getResults());
  }
  return success();
}

LogicalResult Unwrapper::convert(Operation *function) {
  auto name = function->getAttrOfType<StringAttr>("sym_name");
  if (!name || function->getNumRegions() != 1 ||
      !function->getRegion(0).hasOneBlock())
    return function->emitError(
        "util.func needs a name and a body of one block; print the module with "
        "iree-compile --compile-to=input --mlir-print-op-generic");
  Block &body = function->getRegion(0).front();
  // Arguments become the tensors that were imported from them, in their order;
  // other arguments of IREE's calling convention (fences) are dropped.
  SmallVector<Operation *> imports = findImports(function);
  llvm::sort(imports, [](Operation *a, Operation *b) {
    return cast<BlockArgument>(a->getOperand(0)).getArgNumber() <
           cast<BlockArgument>(b->getOperand(0)).getArgNumber();
  });
  SmallVector<std::string> names;
  for (Operation *import : imports) {
    BlockArgument argument =
        body.addArgument(import->getResult(0).getType(), import->getLoc());
    auto label = import->getAttrOfType<StringAttr>("name");
    names.push_back(label ? label.str() : "");
    import->replaceAllUsesWith(ValueRange(argument));
    import->erase();
  }
  SmallVector<Operation *> ops;
  function->walk([&](Operation *op) {
    if (op != function)
      ops.push_back(op);
  });
  for (Operation *op : ops)
    if (failed(convertOp(op)))
      return failure();
  body.eraseArguments([](BlockArgument argument) {
    return !isa<TensorType>(argument.getType()) && argument.use_empty();
  });

  builder.setInsertionPoint(function);
  auto type = builder.getFunctionType(body.getArgumentTypes(),
                                      body.getTerminator()->getOperandTypes());
  StringRef newName = name.getValue();
  newName.consume_back("$async");
  auto func = func::FuncOp::create(builder, function->getLoc(), newName, type);
  if (auto visibility = function->getAttrOfType<StringAttr>("sym_visibility"))
    func.setVisibility(visibility == "private"
                           ? SymbolTable::Visibility::Private
                           : SymbolTable::Visibility::Public);
  func.getBody().takeBody(function->getRegion(0));
  for (auto [i, label] : llvm::enumerate(names))
    if (!label.empty() && i < func.getNumArguments())
      func.setArgAttr(i, IMCDialect::nameAttrName,
                      builder.getStringAttr(label));
  function->erase();
  return success();
}

LogicalResult Unwrapper::run() {
  for (Operation &op : llvm::make_early_inc_range(*module.getBody())) {
    if (!isNamed(&op, "util.func"))
      continue;
    // The synchronous stub beside an asynchronous function only waits for it.
    bool waits = false;
    op.walk(
        [&](Operation *inner) { waits |= isNamed(inner, "hal.fence.await"); });
    if (waits && findImports(&op).empty()) {
      op.erase();
      continue;
    }
    if (!llvm::all_of(findImports(&op), [](Operation *import) {
          return isa<BlockArgument>(import->getOperand(0));
        }))
      return op.emitError("a buffer that is imported is no argument of the "
                          "function; start from iree-compile "
                          "--compile-to=input");
    if (failed(convert(&op)))
      return failure();
  }
  return success();
}

/// Puts the initial values of globals in the place of their loads. A global
/// whose value is a parameter of an archive is a weight without data.
static LogicalResult inlineGlobals(ModuleOp module) {
  llvm::StringMap<Operation *> globals;
  for (Operation &op : *module.getBody())
    if (isa<ml_program::GlobalOp>(op) || isNamed(&op, "util.global"))
      if (auto name = op.getAttrOfType<StringAttr>("sym_name"))
        globals[name.getValue()] = &op;
  SmallVector<Operation *> loads;
  WalkResult result = module.walk([&](Operation *op) {
    if (isa<ml_program::GlobalLoadOp, ml_program::GlobalLoadConstOp>(op) ||
        isNamed(op, "util.global.load"))
      loads.push_back(op);
    else if (isa<ml_program::GlobalStoreOp>(op) ||
             isNamed(op, "util.global.store")) {
      op->emitError("writes a global: a model with state cannot be mapped; "
                    "export it with its state as inputs and outputs");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  for (Operation *load : loads) {
    auto symbol = load->getAttrOfType<SymbolRefAttr>("global");
    Operation *global =
        symbol ? globals.lookup(symbol.getLeafReference()) : nullptr;
    if (!global)
      return load->emitError("loads a global that is not in the module");
    Attribute value = global->getAttr(
        isa<ml_program::GlobalOp>(global) ? "value" : "initial_value");
    OpBuilder builder(load);
    Value replacement;
    auto type = dyn_cast<RankedTensorType>(load->getResult(0).getType());
    if (auto elements = dyn_cast_or_null<ElementsAttr>(value);
        elements && elements.getType() == load->getResult(0).getType())
      replacement = arith::ConstantOp::create(builder, load->getLoc(),
                                              cast<TypedAttr>(elements));
    else if (type && type.hasStaticShape() && type.getRank() > 0)
      replacement = imc::MissingWeightOp::create(
          builder, load->getLoc(), type, symbol.getLeafReference().getValue());
    else
      return load->emitError("global '")
             << symbol.getLeafReference().getValue()
             << "' has no initial value that is a tensor constant; give the "
                "module with its weights inside";
    load->replaceAllUsesWith(ValueRange(replacement));
    load->erase();
  }
  for (auto &entry : globals)
    entry.second->erase();
  return success();
}

/// The function that becomes main.
static FailureOr<func::FuncOp> findEntry(ModuleOp module, StringRef wanted) {
  SmallVector<func::FuncOp> candidates;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    if (function.getSymName() == wanted)
      return function;
    if (function.isPublic())
      candidates.push_back(function);
  }
  auto list = [&]() {
    std::string text;
    for (func::FuncOp function : candidates)
      text += (text.empty() ? "'" : ", '") + function.getSymName().str() + "'";
    return text;
  };
  if (!wanted.empty()) {
    module.emitError("no function '")
        << wanted << "' with a body; public functions are " << list();
    return failure();
  }
  if (candidates.size() == 1)
    return candidates[0];
  if (candidates.empty()) {
    Operation *first =
        module.getBody()->empty() ? nullptr : &module.getBody()->front();
    InFlightDiagnostic diag =
        module.emitError("no public func.func with a body; ");
    if (first)
      diag << "the module holds '" << first->getName() << "'; ";
    diag << "bring the model as one func.func on tensors";
    return diag;
  }
  module.emitError("several public functions, ")
      << list()
      << ": one becomes main; make the others private or pass entry=NAME to "
         "imc-adopt-module";
  return failure();
}

/// Refuses what no later phase could read: inputs and outputs that are not
/// tensors of static shape, and ops of dialects that nobody here knows.
static LogicalResult checkEntry(func::FuncOp entry) {
  auto check = [&](Type type, StringRef kind, unsigned index) {
    auto describe = [&]() {
      auto diag = entry.emitError() << kind << " " << index << " of '"
                                    << entry.getSymName() << "' is ";
      diag << type;
      return diag;
    };
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return LogicalResult(describe()
                           << "; inputs and outputs are ranked tensors");
    if (auto integer = dyn_cast<IntegerType>(tensor.getElementType());
        integer && !integer.isSignless())
      return LogicalResult(describe()
                           << "; make its element type signless (for TOSA: "
                              "--tosa-convert-integer-type-to-signless)");
    if (!tensor.getElementType().isIntOrFloat())
      return LogicalResult(describe()
                           << "; element types are integers and floats");
    for (auto [d, extent] : llvm::enumerate(tensor.getShape()))
      if (ShapedType::isDynamic(extent))
        return LogicalResult(
            describe() << ": dimension " << d
                       << " is not static; fix it before the model is "
                          "lowered (ONNX: set the input's dimension; PyTorch: "
                          "export without dynamic shapes), or import the "
                          ".onnx file itself with --shape");
    return success();
  };
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
    if (failed(check(type, "input", i)))
      return failure();
  for (auto [i, type] : llvm::enumerate(entry.getResultTypes()))
    if (failed(check(type, "output", i)))
      return failure();
  return success();
}

static LogicalResult checkOps(ModuleOp module) {
  WalkResult result = module.walk([&](Operation *op) {
    if (op->isRegistered())
      return WalkResult::advance();
    op->emitError("op '")
        << op->getName()
        << "' is of a dialect that this tool does not have; lower the module "
           "to TOSA, or to linalg on tensors, with the tool that made it";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// Attributes of other dialects on the module and its functions, and those of
/// dialects that are not linked in anywhere (torch.*, iree.*, …), say nothing
/// to later phases, and would keep the module from being read again.
static void dropForeignAttributes(Operation *op) {
  SmallVector<StringAttr> foreign;
  for (NamedAttribute attr : op->getDiscardableAttrs()) {
    Dialect *dialect = attr.getNameDialect();
    bool known = isa<ModuleOp, func::FuncOp>(op)
                     ? isa_and_nonnull<IMCDialect>(dialect)
                     : dialect != nullptr;
    if (attr.getName().strref().contains('.') && !known)
      foreign.push_back(attr.getName());
  }
  for (StringAttr name : foreign)
    op->removeDiscardableAttr(name);
}

/// `imc.name` of ports: kept, taken from the name that other front ends write,
/// or counted.
static void namePorts(func::FuncOp entry) {
  Builder builder(entry.getContext());
  auto nameOf = [&](DictionaryAttr attrs, StringRef kind, unsigned i) {
    for (StringRef key :
         {StringRef(IMCDialect::nameAttrName),
          StringRef("ml_program.identifier"), StringRef("iree.identifier")})
      if (auto name = attrs ? attrs.getAs<StringAttr>(key) : StringAttr();
          name && !name.empty())
        return name;
    return builder.getStringAttr(kind + "_" + Twine(i));
  };
  auto make = [&](DictionaryAttr old, StringAttr name) {
    NamedAttrList attrs;
    if (old)
      for (NamedAttribute attr : old)
        if (isa_and_nonnull<IMCDialect>(attr.getNameDialect()))
          attrs.append(attr);
    attrs.set(IMCDialect::nameAttrName, name);
    return attrs.getDictionary(entry.getContext());
  };
  for (unsigned i = 0, e = entry.getNumArguments(); i < e; ++i) {
    DictionaryAttr old = entry.getArgAttrDict(i);
    entry.setArgAttrs(i, make(old, nameOf(old, "input", i)));
  }
  for (unsigned i = 0, e = entry.getNumResults(); i < e; ++i) {
    DictionaryAttr old = entry.getResultAttrDict(i);
    entry.setResultAttrs(i, make(old, nameOf(old, "output", i)));
  }
}

namespace {
struct AdoptModulePass
    : public imc::impl::AdoptModulePassBase<AdoptModulePass> {
  using AdoptModulePassBase::AdoptModulePassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(Unwrapper(module).run()) || failed(inlineGlobals(module)))
      return signalPassFailure();
    FailureOr<func::FuncOp> main = findEntry(module, entry);
    if (failed(main) || failed(checkOps(module)) || failed(checkEntry(*main)))
      return signalPassFailure();
    for (auto function : module.getOps<func::FuncOp>())
      if (function != *main)
        function.setPrivate();
    main->setPublic();
    if (main->getSymName() != "main") {
      SymbolTable symbols(module);
      if (Operation *other = symbols.lookup("main"))
        if (failed(symbols.renameToUnique(other, {})))
          return signalPassFailure();
      if (failed(symbols.rename(*main, "main")))
        return signalPassFailure();
    }
    module.walk(dropForeignAttributes);
    namePorts(*main);
  }
};
} // namespace
