//===- IMC.h - The imc dialect: ops, attributes, interfaces ----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one header of the dialect. What each op and attribute means is said in
// the TableGen files beside it (and on docs/reference/imc-ops.md, which is
// generated from them); why it is so, in dialects/imc/Rationale.md.
//
// Builders: every op in destination-passing style has a builder without result
// types. It gives the op the type of its destination as result if the
// destination is a tensor, and no result if it is a memref:
//
//   Value y = MatmulOp::create(builder, loc, x, w, init).getResult();
//
//===----------------------------------------------------------------------===//

#ifndef IMC_DIALECTS_IMC_IR_IMC_H
#define IMC_DIALECTS_IMC_IR_IMC_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "dialects/imc/IR/IMCDialect.h.inc"
#include "dialects/imc/IR/IMCEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/imc/IR/IMCAttributes.h.inc"

namespace imc {

/// The phases of a module, in order (docs/Architecture.md, section 2): the
/// values that the module attribute `imc.phase` may have.
llvm::ArrayRef<llvm::StringRef> getPhaseNames();

/// Output length of a window of `kernel` taps over `size` (padded) positions:
/// (size − dilation·(kernel − 1) − 1) div stride + 1; ≤ 0 when none fits.
int64_t windowCount(int64_t size, int64_t kernel, int64_t stride,
                    int64_t dilation);

/// The grid of array tiles that the groups of a product occupy, as
/// `imc.encode_weights` lays them out.
struct TileGrid {
  int64_t packs;        ///< P = ceil(groups / groupsPerPack)
  int64_t rowStrips;    ///< S = ceil(groupsPerPack·K / R)
  int64_t columnStrips; ///< T = ceil(groupsPerPack·N·J / C)
};

/// Closed form of the grid for K rows and N columns of weights per group, J
/// columns of cells per weight, and arrays of `arrayRows` × `arrayColumns`.
TileGrid getTileGrid(int64_t groups, int64_t groupsPerPack, int64_t groupRows,
                     int64_t groupColumns, int64_t columnsPerWeight,
                     int64_t arrayRows, int64_t arrayColumns);

namespace detail {
// What the ops in destination-passing style share; called by generated code.

/// The result types that go with a destination: its type if it is a tensor,
/// none if it is a memref.
llvm::SmallVector<mlir::Type, 1> resultTypes(mlir::Value init);

/// None on tensors; on memrefs, reads of the inputs, and a write of the
/// destination, which is also read if the op `accumulates`.
void getDestinationEffects(
    mlir::DestinationStyleOpInterface op, bool accumulates,
    llvm::SmallVectorImpl<
        mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>
        &effects);

mlir::Speculation::Speculatability
getDestinationSpeculatability(mlir::DestinationStyleOpInterface op);

/// The result has the shape of the destination.
llvm::LogicalResult
reifyDestinationShapes(mlir::DestinationStyleOpInterface op, mlir::OpBuilder &b,
                       mlir::ReifiedRankedShapedTypeDims &shapes);

mlir::bufferization::AliasingValueList
getDestinationAliases(mlir::DestinationStyleOpInterface op,
                      mlir::OpOperand &operand);

/// Replaces the op by the same op on buffers.
llvm::LogicalResult
bufferizeDestinationOp(mlir::DestinationStyleOpInterface op,
                       mlir::RewriterBase &rewriter,
                       const mlir::bufferization::BufferizationOptions &options,
                       mlir::bufferization::BufferizationState &state);
} // namespace detail
} // namespace imc

#define GET_OP_CLASSES
#include "dialects/imc/IR/IMCOps.h.inc"

#endif // IMC_DIALECTS_IMC_IR_IMC_H
