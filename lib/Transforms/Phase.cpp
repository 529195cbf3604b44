//===- Phase.cpp - Phases of a module -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Phase.h"

#include "dialects/imc/IR/IMC.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace imc;

StringRef imc::stringifyPhase(Phase phase) {
  return getPhaseNames()[static_cast<size_t>(phase)];
}

std::optional<Phase> imc::symbolizePhase(StringRef text) {
  ArrayRef<StringRef> names = getPhaseNames();
  const auto *it = llvm::find(names, text);
  if (it == names.end())
    return std::nullopt;
  return static_cast<Phase>(it - names.begin());
}

std::string imc::listPhases() {
  std::string text;
  for (StringRef name : getPhaseNames())
    text += (text.empty() ? "" : ", ") + name.str();
  return text;
}

FailureOr<Phase> imc::getPhase(ModuleOp module) {
  Attribute attr = module->getAttr(IMCDialect::phaseAttrName);
  if (!attr)
    return Phase::Imported;
  if (auto text = dyn_cast<StringAttr>(attr))
    if (std::optional<Phase> phase = symbolizePhase(text.getValue()))
      return *phase;
  module.emitError("module attribute imc.phase = ")
      << attr << " is no phase; phases are " << listPhases();
  return failure();
}

void imc::setPhase(ModuleOp module, Phase phase) {
  module->setAttr(IMCDialect::phaseAttrName,
                  StringAttr::get(module.getContext(), stringifyPhase(phase)));
}

LogicalResult imc::requirePhase(ModuleOp module, Phase expected,
                                StringRef passName) {
  FailureOr<Phase> phase = getPhase(module);
  if (failed(phase))
    return failure();
  if (*phase == expected)
    return success();
  InFlightDiagnostic diag = module.emitError()
                            << passName << " takes a module in phase '"
                            << stringifyPhase(expected)
                            << "', but imc.phase says '"
                            << stringifyPhase(*phase) << "'; ";
  if (*phase < expected)
    diag << "run the passes up to '" << stringifyPhase(expected)
         << "' first, e.g. with the pipeline imc-to-"
         << stringifyPhase(expected);
  else
    diag << "start again from the module in phase '" << stringifyPhase(expected)
         << "'";
  return diag;
}
