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

#include "imc/Machine/Target.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include <optional>

#include "dialects/imc/IR/IMCDialect.h.inc"
#include "dialects/imc/IR/IMCEnums.h.inc"

namespace imc {
/// Cells of one array.
struct ArrayShape {
  int64_t rows;
  int64_t columns;
};
} // namespace imc

#include "dialects/imc/IR/IMCInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/imc/IR/IMCAttributes.h.inc"

namespace imc {

/// The phases of a module, in order (docs/Architecture.md, section 2): the
/// values that the module attribute `imc.phase` may have.
llvm::ArrayRef<llvm::StringRef> getPhaseNames();

/// The machine attribute of the closest op, from `op` outwards, that has one;
/// null if none has.
TargetAttr getTarget(mlir::Operation *op);

/// Its numbers. Emits an error at `op` if there is no machine, or if it has
/// open fields, which are named.
mlir::FailureOr<machine::Machine> getMachine(mlir::Operation *op);

/// Output length of a window of `kernel` taps over `size` (padded) positions:
/// (size − dilation·(kernel − 1) − 1) div stride + 1; ≤ 0 when none fits.
int64_t windowCount(int64_t size, int64_t kernel, int64_t stride,
                    int64_t dilation);

/// How one dimension of an operand follows one iterator i: iterations [o, o +
/// n) touch elements [scale·o, scale·o + scale·(n − 1) + span).
struct Access {
  /// The iterator; none if every iteration touches the whole dimension.
  std::optional<unsigned> iterator;
  int64_t scale = 1;
  int64_t span = 1;
};

/// The loops of an op and, per operand and dimension, what they touch. An
/// extent of an iterator is that of any dimension that it cuts without overlap
/// (scale = span).
struct IterationSpace {
  llvm::SmallVector<mlir::utils::IteratorType> iterators;
  llvm::SmallVector<llvm::SmallVector<Access>> accesses;
};

namespace detail {
// The machine as an attribute (IMCComponent.cpp, IMCTarget.cpp).

/// A value of a field as the attribute that components hold: i64, f64 or
/// string; and back, with an error that names field, value and range.
mlir::Attribute fieldAttribute(mlir::MLIRContext *context,
                               const machine::Field &field, double value);
llvm::Expected<double> fieldValue(const machine::Field &field,
                                  mlir::Attribute value);

/// The parameters of the TargetAttr of a description.
llvm::SmallVector<ComponentAttr>
targetComponents(mlir::MLIRContext *context, const machine::TargetSpec &spec);
mlir::DictionaryAttr targetSources(mlir::MLIRContext *context,
                                   const machine::TargetSpec &spec);
mlir::ArrayAttr targetExpectations(mlir::MLIRContext *context,
                                   const machine::TargetSpec &spec);

/// The attribute `#imc.<name>` of a component of the machine's schema.
mlir::Attribute parseComponent(mlir::DialectAsmParser &parser,
                               llvm::StringRef name);

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

// The methods of TilingInterface and PartialReductionOpInterface, for an op
// with the given iteration space (IMCTiling.cpp, IMCPartialReduction.cpp).
using OpFoldResults = llvm::ArrayRef<mlir::OpFoldResult>;

llvm::SmallVector<mlir::Range>
iterationDomain(mlir::DestinationStyleOpInterface op,
                const IterationSpace &space, mlir::OpBuilder &b);

/// The part of an operand that a tile of iterations touches.
void operandTile(mlir::DestinationStyleOpInterface op,
                 const IterationSpace &space, unsigned operand,
                 mlir::OpBuilder &b, OpFoldResults offsets, OpFoldResults sizes,
                 llvm::SmallVectorImpl<mlir::OpFoldResult> &tileOffsets,
                 llvm::SmallVectorImpl<mlir::OpFoldResult> &tileSizes);

/// The same op on slices of its operands. `destination`, if given, is used in
/// place of the slice of the op's own destination.
llvm::FailureOr<mlir::TilingResult>
tile(mlir::DestinationStyleOpInterface op, const IterationSpace &space,
     mlir::OpBuilder &b, OpFoldResults offsets, OpFoldResults sizes,
     mlir::Value destination = {});

/// The iterations that touch the given parts of operands; fails where a part
/// does not follow from iterations one to one.
llvm::LogicalResult
iterationTile(mlir::DestinationStyleOpInterface op, const IterationSpace &space,
              mlir::OpBuilder &b, llvm::ArrayRef<unsigned> operands,
              llvm::ArrayRef<llvm::SmallVector<mlir::OpFoldResult>> offsets,
              llvm::ArrayRef<llvm::SmallVector<mlir::OpFoldResult>> sizes,
              llvm::SmallVectorImpl<mlir::OpFoldResult> &tileOffsets,
              llvm::SmallVectorImpl<mlir::OpFoldResult> &tileSizes);

/// Zeros of the shape of the result and one more dimension per reduction.
llvm::FailureOr<llvm::SmallVector<mlir::Value>>
partialInit(mlir::DestinationStyleOpInterface op, mlir::OpBuilder &b,
            mlir::Location loc, OpFoldResults tileSizes,
            const llvm::SetVector<unsigned> &reductions);

llvm::FailureOr<mlir::TilingResult>
tilePartially(mlir::DestinationStyleOpInterface op, const IterationSpace &space,
              mlir::OpBuilder &b, mlir::Location loc,
              mlir::ReductionTilingStrategy strategy, mlir::ValueRange init,
              OpFoldResults offsets, OpFoldResults sizes,
              const llvm::SetVector<unsigned> &reductions,
              OpFoldResults splitReductionIvs);

/// Adds the partial sums to the op's own destination.
llvm::FailureOr<mlir::MergeResult>
mergePartials(mlir::DestinationStyleOpInterface op, mlir::OpBuilder &b,
              mlir::Location loc, mlir::ValueRange partials,
              const llvm::SetVector<unsigned> &reductions);

llvm::LogicalResult
partialPosition(mlir::DestinationStyleOpInterface op,
                const IterationSpace &space, mlir::OpBuilder &b,
                mlir::ReductionTilingStrategy strategy, OpFoldResults offsets,
                OpFoldResults sizes,
                const llvm::SetVector<unsigned> &reductions,
                OpFoldResults splitReductionIvs,
                llvm::SmallVectorImpl<mlir::OpFoldResult> &tileOffsets,
                llvm::SmallVectorImpl<mlir::OpFoldResult> &tileSizes);
} // namespace detail
} // namespace imc

namespace imc {
// PartialReductionOpInterface of MLIR 22.1 declares its methods with these
// names unqualified.
using mlir::Location;
using mlir::MergeResult;
using mlir::ReductionTilingStrategy;
using mlir::SmallVector;
using mlir::TilingResult;
using mlir::Value;
using mlir::ValueRange;
} // namespace imc

#define GET_OP_CLASSES
#include "dialects/imc/IR/IMCOps.h.inc"

#endif // IMC_DIALECTS_IMC_IR_IMC_H
