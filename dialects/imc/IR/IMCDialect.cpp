//===- IMCDialect.cpp - The imc dialect and its discardable attributes ----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"

#include "imc/Mapping/Mapping.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace imc;

#include "dialects/imc/IR/IMCDialect.cpp.inc"

void IMCDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/imc/IR/IMCOps.cpp.inc"
      >();
}

ArrayRef<StringRef> imc::getPhaseNames() {
  static constexpr StringRef names[] = {"imported", "offloaded", "quantized",
                                        "tiled",    "placed",    "scheduled",
                                        "costed"};
  return names;
}

namespace {
/// What a discardable attribute of the dialect has to look like.
LogicalResult verifyPhase(Operation *op, Attribute value) {
  auto phase = dyn_cast<StringAttr>(value);
  if (phase && llvm::is_contained(getPhaseNames(), phase.getValue()))
    return success();
  return op->emitOpError("'")
         << IMCDialect::phaseAttrName << "' is " << value
         << ", expected a string, one of " << llvm::join(getPhaseNames(), ", ");
}

LogicalResult verifyCount(Operation *op, StringRef name, Attribute value) {
  auto count = dyn_cast<IntegerAttr>(value);
  if (count && count.getType().isSignlessInteger(64) && count.getInt() >= 0)
    return success();
  return op->emitOpError("'")
         << name << "' is " << value << ", expected a 64-bit integer >= 0";
}

LogicalResult verifyUnfolding(Operation *op, Attribute value) {
  const std::vector<const char *> &rules =
      mapping::findKnob("unfolding")->names;
  auto rule = dyn_cast<StringAttr>(value);
  if (!rule || !llvm::is_contained(rules, rule.getValue()))
    return op->emitOpError("'")
           << IMCDialect::unfoldingAttrName << "' is " << value
           << ", expected a string, one of " << llvm::join(rules, ", ");
  if (isa<imc::Conv2DOp>(op))
    return success();
  return op->emitOpError("'") << IMCDialect::unfoldingAttrName
                              << "' belongs on an imc.conv2d: only windows of "
                                 "a convolution share loads";
}

LogicalResult verifyRange(Operation *op, Attribute value) {
  auto range = dyn_cast<ArrayAttr>(value);
  if (range && range.size() == 2) {
    auto lo = dyn_cast<FloatAttr>(range[0]), hi = dyn_cast<FloatAttr>(range[1]);
    if (lo && hi && lo.getType().isF64() && hi.getType().isF64() &&
        lo.getValue().isFinite() && hi.getValue().isFinite() &&
        lo.getValue() <= hi.getValue())
      return success();
  }
  return op->emitOpError("'") << IMCDialect::rangeAttrName << "' is " << value
                              << ", expected [lo, hi], finite f64, lo <= hi";
}

LogicalResult verifyOnModule(Operation *op, StringRef name) {
  if (isa<ModuleOp>(op))
    return success();
  return op->emitOpError("'") << name << "' belongs on a module";
}
} // namespace

LogicalResult IMCDialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == phaseAttrName)
    return failure(failed(verifyOnModule(op, name)) ||
                   failed(verifyPhase(op, value)));
  if (name == parametersAttrName)
    return failure(failed(verifyOnModule(op, name)) ||
                   failed(verifyCount(op, name, value)));
  // Search spaces (imc space): what is searched, on the module; where a knob
  // has an effect, on its op.
  if (name == "imc.space" || name == "imc.when") {
    if (name == "imc.space" && failed(verifyOnModule(op, name)))
      return failure();
    if (isa<DictionaryAttr>(value))
      return success();
    return op->emitOpError("'")
           << name << "' is " << value << ", expected a dictionary";
  }
  if (name == rangeAttrName)
    return verifyRange(op, value);
  if (name == targetAttrName) {
    if (failed(verifyOnModule(op, name)))
      return failure();
    if (isa<TargetAttrInterface>(value))
      return success();
    return op->emitOpError("'")
           << name << "' is " << value
           << ", expected a machine such as #imc.target<...>";
  }
  if (name == scheduleAttrName) {
    if (failed(verifyOnModule(op, name)))
      return failure();
    auto text = dyn_cast<StringAttr>(value);
    if (text && (text == "layers" || text == "pipeline" || text == "stream"))
      return success();
    return op->emitOpError("'")
           << name << "' is " << value
           << ", expected \"layers\", \"pipeline\" or \"stream\"";
  }
  if (name == stepAttrName || name == weightBitsAttrName ||
      name == inputBitsAttrName || name == copiesAttrName ||
      name == adcBitsAttrName || name == zeroMacsAttrName)
    return verifyCount(op, name, value);
  if (name == unfoldingAttrName)
    return verifyUnfolding(op, value);
  if (name == costAttrName) {
    if (isa<DictionaryAttr>(value))
      return success();
    return op->emitOpError("'")
           << name << "' is " << value << ", expected a dictionary";
  }
  if (name == dynamicProductAttrName) {
    if (auto text = dyn_cast<StringAttr>(value);
        isa<UnitAttr>(value) ||
        (text && (text == "digital" || text == "arrays")))
      return success();
    return op->emitOpError("'")
           << name << "' is " << value
           << ", expected a unit attribute, \"digital\" or \"arrays\"";
  }
  if (name == nameAttrName)
    return op->emitOpError("'")
           << name
           << "' belongs on arguments and results of a function, not on an op";
  return op->emitOpError("has unknown attribute '")
         << name << "' of the imc dialect; known on ops are "
         << llvm::join(
                ArrayRef<StringRef>{
                    phaseAttrName, targetAttrName, parametersAttrName,
                    dynamicProductAttrName, rangeAttrName, scheduleAttrName,
                    stepAttrName, weightBitsAttrName, inputBitsAttrName,
                    copiesAttrName, adcBitsAttrName, unfoldingAttrName,
                    zeroMacsAttrName, costAttrName},
                ", ");
}

/// Arguments and results of functions: `imc.name`, a string, and the unit
/// attribute `imc.unsigned` where the integers are unsigned (builtin integers
/// have no sign).
static LogicalResult verifyBoundaryAttribute(Operation *op, StringRef what,
                                             unsigned index,
                                             NamedAttribute attribute) {
  constexpr StringLiteral unsignedAttrName = "imc.unsigned";
  if (attribute.getName() == unsignedAttrName) {
    if (isa<UnitAttr>(attribute.getValue()))
      return success();
    return op->emitOpError("'")
           << unsignedAttrName << "' of " << what << " " << index << " is "
           << attribute.getValue() << ", expected a unit attribute";
  }
  if (attribute.getName() != IMCDialect::nameAttrName)
    return op->emitOpError("has unknown attribute '")
           << attribute.getName().getValue() << "' of the imc dialect on "
           << what << " " << index << "; known there are '"
           << IMCDialect::nameAttrName << "' and '" << unsignedAttrName << "'";
  if (isa<StringAttr>(attribute.getValue()))
    return success();
  return op->emitOpError("'")
         << IMCDialect::nameAttrName << "' of " << what << " " << index
         << " is " << attribute.getValue() << ", expected a string";
}

LogicalResult IMCDialect::verifyRegionArgAttribute(Operation *op,
                                                   unsigned regionIndex,
                                                   unsigned index,
                                                   NamedAttribute attribute) {
  return verifyBoundaryAttribute(op, "argument", index, attribute);
}

LogicalResult
IMCDialect::verifyRegionResultAttribute(Operation *op, unsigned regionIndex,
                                        unsigned index,
                                        NamedAttribute attribute) {
  return verifyBoundaryAttribute(op, "result", index, attribute);
}
