//===- Extract.h - From IR to the structs of the cost model ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes and the search price the same structs (docs/Architecture.md,
// section 4). This file reads them from a module: the workload at any phase,
// and from `placed` on also the plan and the knobs, from what is written in the
// IR and not from what a planner would decide again.
//
// Layers come in program order and carry the name of their ONNX node. Work
// inside loops with constant bounds counts once per iteration.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_EXTRACT_H
#define IMC_TRANSFORMS_EXTRACT_H

#include "dialects/imc/IR/IMC.h"
#include "imc/Machine/Machine.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Workload/Workload.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace imc {

/// The layer that an op belongs to: the name of its NameLoc (an ONNX node), or
/// file, line and column where there is none, or "unnamed".
std::string getLayerName(mlir::Location loc);

/// The ops that one integer product consists of from phase `tiled` on.
struct TiledProduct {
  imc::UnfoldOp unfold;
  imc::EncodeWeightsOp encode;
  imc::MVMOp mvm;
  imc::ShiftAddOp shiftAdd;
  /// The loops around mvm that belong to the product, innermost first.
  llvm::SmallVector<mlir::scf::ForOp, 3> loops;
  /// Iterations of these loops together.
  int64_t trips = 1;
};

/// Follows the operands of `shiftAdd` to the rest of its product. Fails, with a
/// diagnostic that names what is missing, when it is not there, or when a loop
/// has no constant bounds.
mlir::FailureOr<TiledProduct> matchTiledProduct(imc::ShiftAddOp shiftAdd);

/// The tiling that is written in the ops of a product.
mapping::Tiling readTiling(const TiledProduct &product);

/// Whether `op` puts positions that one load computed back where they belong
/// (imc-unfold-windows). Cores store them there: it is no work by itself.
bool bringsPositionsTogether(mlir::Operation *op);

/// Constant number of iterations of the loops between `op` and `outermost`
/// (exclusive; null: the function). Fails, with a diagnostic, on other loops.
mlir::FailureOr<int64_t> countTrips(mlir::Operation *op,
                                    mlir::Operation *outermost = nullptr);

/// Trained weights and biases: `imc.parameters` where the importer has counted
/// them; otherwise the elements of all missing weights and of all constant
/// tensors that are not splats. imc-offload records the number before constants
/// multiply.
int64_t countParameters(mlir::ModuleOp module);

/// pass.weight_bits and pass.input_bits of a module some of whose products have
/// bits of their own; 0 where imc-quantize has not said so.
std::pair<int64_t, int64_t> commonBits(mlir::ModuleOp module);

/// Bits of the weights and inputs of a product in integers, or those that a
/// float one asks for; 0 where they are not known.
std::pair<int64_t, int64_t> bitsOf(mlir::Operation *op);

/// Most bits of the weights and of the inputs of products in the model's own
/// integers (phase `offloaded` or `quantized`); 0 without such products.
std::pair<int64_t, int64_t> modelBits(mlir::ModuleOp module);

/// The model as products, dynamic products and digital work. A module that is
/// not quantized yet yields the workload that it will have then: what
/// imc-offload and imc-quantize (with `activations`) make of a copy without
/// weights, so that the search prices what the passes build. Calls with `ops`
/// count the module as it is; `ops` receives the op that stands for each layer,
/// in the same order (imc.shift_add for a tiled product). Fails, with a
/// diagnostic, on dynamic shapes or loops, on what the passes refuse, and on
/// what workload::check refuses.
mlir::FailureOr<workload::Workload>
extractWorkload(mlir::ModuleOp module,
                std::vector<mlir::Operation *> *ops = nullptr,
                llvm::StringRef activations = "dynamic");

/// Everything that a tiled module says about a design.
struct Design {
  workload::Workload workload;
  /// The op of each layer, parallel to workload.layers.
  std::vector<mlir::Operation *> ops;
  /// The products in program order, with the index of their layer.
  std::vector<std::pair<TiledProduct, size_t>> products;
  /// Layers of the products of two activations that were given to arrays.
  std::vector<size_t> written;
  /// Bits, encoding and converter as found on the ops; group packing is a
  /// setting that yields all tilings of the module. Defaults where there is no
  /// product.
  mapping::Knobs knobs;
};

/// Reads a module of phase `tiled` or later. Fails, with a diagnostic, when
/// products disagree in a knob, or were cut for another machine.
mlir::FailureOr<Design> extractDesign(mlir::ModuleOp module,
                                      const machine::Machine &machine);

/// The plan that the placements of a design describe (phase `placed` or later).
/// A chip is resident when all placements are disjoint and on the chip. Fails,
/// with a diagnostic, when an imc.mvm has no placement.
mlir::FailureOr<mapping::Plan> extractPlan(const Design &design,
                                           const machine::Machine &machine);

} // namespace imc

#endif // IMC_TRANSFORMS_EXTRACT_H
