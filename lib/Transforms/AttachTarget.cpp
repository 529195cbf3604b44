//===- AttachTarget.cpp - A machine for the module ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Machine/Target.h"
#include "imc/Machine/Unset.h"

namespace imc {
#define GEN_PASS_DEF_ATTACHTARGETPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

LogicalResult imc::attachTarget(ModuleOp module,
                                const machine::TargetSpec &spec) {
  // Open fields are legal here: passes that need numbers name them. Figures
  // that no file gives are not.
  llvm::Error error = spec.knobs.empty() ? spec.machine().takeError()
                                         : machine::checkGiven(spec.values);
  if (error) {
    module.emitError("imc-attach-target: ") << llvm::toString(std::move(error));
    return failure();
  }
  module->setAttr(IMCDialect::targetAttrName,
                  TargetAttr::get(module.getContext(), spec));
  return success();
}

std::vector<std::string> imc::getDefaultTargetDirs() {
  return {IMC_TARGETS_DIR};
}

namespace {
struct AttachTargetPass
    : public imc::impl::AttachTargetPassBase<AttachTargetPass> {
  using AttachTargetPassBase::AttachTargetPassBase;

  LogicalResult fail(llvm::Error error) {
    getOperation().emitError("imc-attach-target: ")
        << llvm::toString(std::move(error));
    return failure();
  }

  LogicalResult attach() {
    ModuleOp module = getOperation();
    if (file.empty())
      return module.emitError("imc-attach-target: no machine given; write "
                              "file=NAME or file=PATH (imc targets lists "
                              "the names)");
    std::vector<std::string> folders(dirs.begin(), dirs.end());
    if (folders.empty())
      folders = getDefaultTargetDirs();
    llvm::Expected<machine::TargetSpec> spec =
        machine::loadTarget(file, folders);
    if (!spec)
      return fail(spec.takeError());
    for (const std::string &setting : set) {
      auto [knob, value] = StringRef(setting).split('=');
      if (value.empty())
        return module.emitError("imc-attach-target: setting '")
               << setting
               << "' is not of the form KNOB=VALUE, e.g. machine.rows=256";
      if (llvm::Error error = spec->resolve(knob.trim(), value.trim()))
        return fail(std::move(error));
    }
    return attachTarget(module, *spec);
  }

  void runOnOperation() override {
    if (failed(attach()))
      signalPassFailure();
  }
};
} // namespace
