//===- IMCOpBase.td - Base classes of the imc ops ---------------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operand types, and the classes that give an op destination-passing style,
// tiling and partial reduction.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_OP_BASE_TD
#define IMC_OP_BASE_TD

include "dialects/imc/IR/IMCDialect.td"
include "dialects/imc/IR/IMCAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/BuiltinTypes.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"
include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"

//===----------------------------------------------------------------------===//
// Types and base classes
//===----------------------------------------------------------------------===//

/// A ranked tensor or a memref of one of the element types and ranks.
class IMC_Shaped<list<Type> elements, list<int> ranks> : AnyTypeOf<[
    TensorRankOf<elements, ranks>, MemRefRankOf<elements, ranks>]>;
class IMC_AnyRank<list<Type> elements> : AnyTypeOf<[
    RankedTensorOf<elements>, MemRefOf<elements>]>;

class IMC_Op<string mnemonic, list<Trait> traits = []>
    : Op<IMC_Dialect, mnemonic, traits>;

/// An op in destination-passing style with one destination `init`. On tensors
/// it is free of side effects and returns the new value of the destination; on
/// memrefs it has no result and writes the destination in place.
class IMC_DestinationOp<string mnemonic, list<Trait> traits = []>
    : IMC_Op<mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ConditionallySpeculatable>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<BufferizableOpInterface, [
          "bufferizesToMemoryRead", "bufferizesToMemoryWrite",
          "getAliasingValues", "bufferize"]>])> {
  let results = (outs Optional<AnyRankedTensor>:$result);
  let hasVerifier = 1;
  /// Whether the old value of the destination takes part in the new one.
  bit accumulates = 0;
  code destinationDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// Whether the old value of the destination takes part in the new one.
    static constexpr bool accumulates() { return }] # !if(accumulates, "true", "false") # [{; }
  }];
  let extraClassDeclaration = destinationDeclaration;
  code destinationDefinition = [{
    void $cppClass::getEffects(
        ::mlir::SmallVectorImpl<::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>> &effects) {
      ::imc::detail::getDestinationEffects(*this, accumulates(), effects);
    }
    ::mlir::Speculation::Speculatability $cppClass::getSpeculatability() {
      return ::imc::detail::getDestinationSpeculatability(*this);
    }
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &b, ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::imc::detail::reifyDestinationShapes(*this, b, shapes);
    }
    bool $cppClass::bufferizesToMemoryRead(
        ::mlir::OpOperand &operand, const ::mlir::bufferization::AnalysisState &state) {
      return !isDpsInit(&operand) || accumulates();
    }
    bool $cppClass::bufferizesToMemoryWrite(
        ::mlir::OpOperand &operand, const ::mlir::bufferization::AnalysisState &state) {
      return isDpsInit(&operand);
    }
    ::mlir::bufferization::AliasingValueList $cppClass::getAliasingValues(
        ::mlir::OpOperand &operand, const ::mlir::bufferization::AnalysisState &state) {
      return ::imc::detail::getDestinationAliases(*this, operand);
    }
    ::llvm::LogicalResult $cppClass::bufferize(
        ::mlir::RewriterBase &rewriter, const ::mlir::bufferization::BufferizationOptions &options,
        ::mlir::bufferization::BufferizationState &state) {
      return ::imc::detail::bufferizeDestinationOp(*this, rewriter, options, state);
    }
  }];
  let extraClassDefinition = destinationDefinition;
}

/// One that can also be tiled: it says by `getIterationSpace` which part of every
/// operand a tile of iterations touches, and all of TilingInterface follows.
class IMC_TiledOp<string mnemonic, list<Trait> traits = []>
    : IMC_DestinationOp<mnemonic, !listconcat(traits, [
        DeclareOpInterfaceMethods<TilingInterface, [
          "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
          "getResultTilePosition", "generateResultTileValue",
          "getTiledImplementationFromOperandTiles",
          "getIterationDomainTileFromOperandTiles",
          "getIterationDomainTileFromResultTile"]>])> {
  code tiledDeclaration = destinationDeclaration # [{
    /// The iterations of the op and what each touches.
    ::imc::IterationSpace getIterationSpace();
  }];
  let extraClassDeclaration = tiledDeclaration;
  code tiledDefinition = destinationDefinition # [{
    ::mlir::SmallVector<::mlir::utils::IteratorType> $cppClass::getLoopIteratorTypes() {
      return getIterationSpace().iterators;
    }
    ::mlir::SmallVector<::mlir::Range> $cppClass::getIterationDomain(::mlir::OpBuilder &b) {
      return ::imc::detail::iterationDomain(*this, getIterationSpace(), b);
    }
    ::mlir::FailureOr<::mlir::TilingResult> $cppClass::getTiledImplementation(
        ::mlir::OpBuilder &b, ::mlir::ArrayRef<::mlir::OpFoldResult> offsets,
        ::mlir::ArrayRef<::mlir::OpFoldResult> sizes) {
      return ::imc::detail::tile(*this, getIterationSpace(), b, offsets, sizes);
    }
    ::llvm::LogicalResult $cppClass::getResultTilePosition(
        ::mlir::OpBuilder &b, unsigned resultNumber, ::mlir::ArrayRef<::mlir::OpFoldResult> offsets,
        ::mlir::ArrayRef<::mlir::OpFoldResult> sizes,
        ::mlir::SmallVector<::mlir::OpFoldResult> &resultOffsets,
        ::mlir::SmallVector<::mlir::OpFoldResult> &resultSizes) {
      ::imc::detail::operandTile(*this, getIterationSpace(), getInitMutable().getOperandNumber(), b,
                                 offsets, sizes, resultOffsets, resultSizes);
      return ::mlir::success();
    }
    ::mlir::FailureOr<::mlir::TilingResult> $cppClass::generateResultTileValue(
        ::mlir::OpBuilder &b, unsigned resultNumber, ::mlir::ArrayRef<::mlir::OpFoldResult> offsets,
        ::mlir::ArrayRef<::mlir::OpFoldResult> sizes) {
      ::mlir::SmallVector<::mlir::OpFoldResult> tileOffsets, tileSizes;
      if (::mlir::failed(getIterationDomainTileFromResultTile(b, resultNumber, offsets, sizes,
                                                              tileOffsets, tileSizes)))
        return ::mlir::failure();
      return getTiledImplementation(b, tileOffsets, tileSizes);
    }
    ::mlir::FailureOr<::mlir::TilingResult> $cppClass::getTiledImplementationFromOperandTiles(
        ::mlir::OpBuilder &b, ::mlir::ArrayRef<unsigned> operandNumbers,
        ::mlir::ArrayRef<::mlir::SmallVector<::mlir::OpFoldResult>> allOffsets,
        ::mlir::ArrayRef<::mlir::SmallVector<::mlir::OpFoldResult>> allSizes) {
      ::mlir::SmallVector<::mlir::OpFoldResult> tileOffsets, tileSizes;
      if (::mlir::failed(getIterationDomainTileFromOperandTiles(b, operandNumbers, allOffsets, allSizes,
                                                                tileOffsets, tileSizes)))
        return ::mlir::failure();
      return getTiledImplementation(b, tileOffsets, tileSizes);
    }
    ::llvm::LogicalResult $cppClass::getIterationDomainTileFromOperandTiles(
        ::mlir::OpBuilder &b, ::mlir::ArrayRef<unsigned> operandNumbers,
        ::mlir::ArrayRef<::mlir::SmallVector<::mlir::OpFoldResult>> allOffsets,
        ::mlir::ArrayRef<::mlir::SmallVector<::mlir::OpFoldResult>> allSizes,
        ::mlir::SmallVectorImpl<::mlir::OpFoldResult> &tileOffsets,
        ::mlir::SmallVectorImpl<::mlir::OpFoldResult> &tileSizes) {
      return ::imc::detail::iterationTile(*this, getIterationSpace(), b, operandNumbers, allOffsets,
                                          allSizes, tileOffsets, tileSizes);
    }
    ::llvm::LogicalResult $cppClass::getIterationDomainTileFromResultTile(
        ::mlir::OpBuilder &b, unsigned resultNumber, ::mlir::ArrayRef<::mlir::OpFoldResult> offsets,
        ::mlir::ArrayRef<::mlir::OpFoldResult> sizes,
        ::mlir::SmallVectorImpl<::mlir::OpFoldResult> &tileOffsets,
        ::mlir::SmallVectorImpl<::mlir::OpFoldResult> &tileSizes) {
      return ::imc::detail::iterationTile(
          *this, getIterationSpace(), b, {getInitMutable().getOperandNumber()},
          {::llvm::to_vector(offsets)}, {::llvm::to_vector(sizes)}, tileOffsets, tileSizes);
    }
  }];
  let extraClassDefinition = tiledDefinition;
}

/// One with a reduction that can also be split into partial sums.
class IMC_ReductionOp<string mnemonic, list<Trait> traits = []>
    : IMC_TiledOp<mnemonic, !listconcat(traits, [
        DeclareOpInterfaceMethods<PartialReductionOpInterface, [
          "generateInitialTensorForPartialReduction", "tileToPartialReduction",
          "mergeReductions", "getPartialResultTilePosition"]>])> {
  let accumulates = 1;
  let extraClassDefinition = tiledDefinition # [{
    ::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>> $cppClass::generateInitialTensorForPartialReduction(
        ::mlir::OpBuilder &b, ::mlir::Location loc, ::mlir::ArrayRef<::mlir::OpFoldResult> tileSizes,
        const ::mlir::SetVector<unsigned> &reductionDims) {
      return ::imc::detail::partialInit(*this, b, loc, tileSizes, reductionDims);
    }
    ::mlir::FailureOr<::mlir::TilingResult> $cppClass::tileToPartialReduction(
        ::mlir::OpBuilder &b, ::mlir::Location loc, ::mlir::ReductionTilingStrategy strategy,
        ::mlir::ValueRange init, ::mlir::ArrayRef<::mlir::OpFoldResult> offsets,
        ::mlir::ArrayRef<::mlir::OpFoldResult> sizes, const ::llvm::SetVector<unsigned> &reductionDims,
        ::mlir::ArrayRef<::mlir::OpFoldResult> splitReductionIvs) {
      return ::imc::detail::tilePartially(*this, getIterationSpace(), b, loc, strategy, init, offsets,
                                          sizes, reductionDims, splitReductionIvs);
    }
    ::mlir::FailureOr<::mlir::MergeResult> $cppClass::mergeReductions(
        ::mlir::OpBuilder &b, ::mlir::Location loc, ::mlir::ValueRange partialReduce,
        const ::mlir::SetVector<unsigned> &reductionDims) {
      return ::imc::detail::mergePartials(*this, b, loc, partialReduce, reductionDims);
    }
    ::llvm::LogicalResult $cppClass::getPartialResultTilePosition(
        ::mlir::OpBuilder &b, unsigned resultNumber, ::mlir::ReductionTilingStrategy strategy,
        ::mlir::ArrayRef<::mlir::OpFoldResult> offsets, ::mlir::ArrayRef<::mlir::OpFoldResult> sizes,
        const ::mlir::SetVector<unsigned> &reductionDims,
        ::mlir::ArrayRef<::mlir::OpFoldResult> splitReductionIvs,
        ::mlir::SmallVector<::mlir::OpFoldResult> &resultOffsets,
        ::mlir::SmallVector<::mlir::OpFoldResult> &resultSizes) {
      return ::imc::detail::partialPosition(*this, getIterationSpace(), b, strategy, offsets, sizes,
                                            reductionDims, splitReductionIvs, resultOffsets, resultSizes);
    }
  }];
}

#endif // IMC_OP_BASE_TD
