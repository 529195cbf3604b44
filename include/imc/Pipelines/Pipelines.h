//===- Pipelines.h - From a model to any phase ----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes of IMCTransforms in their order. Tools and the search call
// compileTo(); textual pipelines `imc-to-<phase>` do the same from `imc-opt`:
//
//   imc-opt model.mlir --imc-to-costed='target=rram-32nm set=machine.rows=256
//                                        weight-bits=8 replication=balanced'
//
//===----------------------------------------------------------------------===//

#ifndef IMC_PIPELINES_PIPELINES_H
#define IMC_PIPELINES_PIPELINES_H

#include "imc/Machine/Target.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Transforms/LayerBits.h"
#include "imc/Transforms/Phase.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <optional>
#include <string>
#include <vector>

namespace imc {

/// The options of imc-quantize (docs/reference/passes-transforms.md) that no
/// knob of the search has. The pass refuses values that it does not know.
struct QuantizationOptions {
  std::string weightGranularity = "per_channel";
  std::string weightScheme = "symmetric";
  std::string weightRange = "minmax";
  std::string inputGranularity = "per_tensor";
  std::string inputScheme = "affine";
  int64_t outputBits = 0;
  /// Bits of single layers.
  std::vector<LayerBits> layers;

  /// Sets an option by its name with underscores, `weight_granularity`; false
  /// when there is none, or when the value is no number where one is needed.
  bool set(llvm::StringRef name, llvm::StringRef value);
};

/// Everything that decides what a model becomes.
struct CompileOptions {
  /// The machine to attach, with its settings made; without one the module must
  /// carry `imc.target` when it goes beyond `quantized`.
  std::optional<machine::TargetSpec> target;
  /// The pass decisions (`pass.*`).
  mapping::Knobs knobs;
  /// Where ranges of activations come from: "dynamic" or "calibrated".
  std::string activations = "dynamic";
  QuantizationOptions quantization;
  /// Check the contract of the phase that is reached.
  bool verify = true;
};

/// Adds the passes that lead a module from phase `from` to phase `to`. The
/// machine is not among them: see compileTo() and imc-attach-target. Adds
/// nothing but the check when `from` is `to`.
void buildPipeline(mlir::OpPassManager &pm, Phase from, Phase to,
                   const CompileOptions &options);

/// The same from phase `imported`.
void buildPipeline(mlir::OpPassManager &pm, Phase to,
                   const CompileOptions &options);

/// Attaches the machine and brings `module` from the phase it is in to `to`;
/// bits of single layers are set on the way, at phase `offloaded`.
/// Fails, with diagnostics, when a pass refuses, when the module is already
/// past `to`, or when the result breaks the contract of `to`; the module is
/// then in no particular state. Needs the dialects of the passes loaded or
/// loadable.
mlir::LogicalResult compileTo(mlir::ModuleOp module, Phase to,
                              const CompileOptions &options);

/// Adds the passes that bring a module of another front end (TOSA, linalg on
/// tensors, in any layout and without our names) to phase `imported`. `entry`
/// is the function that becomes main; empty takes the only public one. The
/// textual pipeline is `imc-normalize-input`.
void buildInputPipeline(mlir::OpPassManager &pm, llvm::StringRef entry = "");

/// Runs that pipeline on a module that has no `imc.phase`; one that has is left
/// as it is. Fails, with diagnostics, on what cannot be taken.
mlir::LogicalResult normalizeInput(mlir::ModuleOp module,
                                   llvm::StringRef entry = "");

/// Makes `imc-to-offloaded` ... `imc-to-costed` and `imc-normalize-input` known
/// to textual pipelines.
void registerIMCPipelines();

} // namespace imc

#endif // IMC_PIPELINES_PIPELINES_H
