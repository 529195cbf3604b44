//===- VectorizeLoops.cpp - Reductions and functions to vector loops ------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's partial reductions need tensors, and networks are on buffers here,
// where products have left and each op is known with its layout. So each op
// goes back to tensors inside a function of its own, is tiled, vectorized and
// bufferized there. Equal ops share a function, and the cost of the upstream
// passes is that of a few ops and not that of a network.
//
//===----------------------------------------------------------------------===//

#include "imc/Conversion/Passes.h"

#include "VectorPatterns.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

namespace imc {
#define GEN_PASS_DEF_VECTORIZELOOPSPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace mlir;

/// Elements that are computed together, whatever the width of the host's
/// registers: it decides the order of sums.
static constexpr int64_t lanes = 16;
/// Sums that are left when the partial ones have been added once.
static constexpr int64_t fewLanes = 4;

/// The buffer that a memref is a view of, if it overlaps with no other one.
static Value distinctBuffer(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  if (auto argument = dyn_cast<BlockArgument>(memref))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp()) ? memref
                                                                 : Value();
  return memref.getDefiningOp<memref::AllocOp>() ||
                 memref.getDefiningOp<memref::GetGlobalOp>()
             ? memref
             : Value();
}

/// Whether upstream computes `op` by arithmetic, which has a vector form; as
/// scalars these are calls of the host's library.
static bool hasPolynomial(Operation *op) {
  return isa<math::ExpOp, math::TanhOp, math::ErfOp>(op) &&
         op->getResult(0).getType().isF32();
}

/// Whether a body may have `op`. Powers are those that become multiplications
/// without changing what infinities and zeros give.
static bool hasVectorForm(Operation *op) {
  if (llvm::any_of(op->getResultTypes(),
                   [](Type type) { return type.isBF16(); }))
    return false; // imc-legalize-scalars comes later
  if (auto power = dyn_cast<math::PowFOp>(op)) {
    FloatAttr exponent;
    return matchPattern(power.getRhs(), m_Constant(&exponent)) &&
           (exponent.getValueAsDouble() == 2 ||
            exponent.getValueAsDouble() == 3);
  }
  return isa_and_nonnull<arith::ArithDialect>(op->getDialect()) ||
         isa<math::ExpOp, math::TanhOp, math::ErfOp, math::SqrtOp,
             math::RsqrtOp, math::AbsFOp, math::FloorOp, math::CeilOp,
             math::RoundEvenOp, math::FmaOp>(op);
}

/// Whether a vector in memory has the bytes of its elements: that of i1 would
/// be bits.
static bool isStorable(Type memref) {
  Type element = cast<MemRefType>(memref).getElementType();
  return element.isF16() || element.isF32() || element.isF64() ||
         element.isInteger(8) || element.isInteger(16) ||
         element.isInteger(32) || element.isInteger(64);
}

/// Whether the loops of `op` run along dimension `dim` of this operand as
/// vectors can: contiguous elements, or the same one.
static bool isContiguousAlong(AffineMap map, Value memref, unsigned dim) {
  if (!map.isProjectedPermutation())
    return false;
  std::optional<unsigned> position =
      map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
  if (!position)
    return true;
  auto [strides, offset] =
      cast<MemRefType>(memref.getType()).getStridesAndOffset();
  return *position + 1 == map.getNumResults() && strides.back() == 1;
}

/// Groups of neighbouring dimensions of the same kind that every operand has
/// one behind the other, or not at all; each dimension by itself if operands
/// cannot be reshaped without a copy.
static SmallVector<ReassociationIndices> mergeable(linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  bool isContiguous = llvm::all_of(op->getOperandTypes(), [](Type type) {
    return cast<MemRefType>(type).getLayout().isIdentity();
  });
  SmallVector<ReassociationIndices> groups;
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    if (isContiguous && !groups.empty() && kinds[dim] == kinds[dim - 1]) {
      ReassociationIndices longer = groups.back();
      longer.push_back(dim);
      if (linalg::areDimSequencesPreserved(maps, {longer})) {
        groups.back() = longer;
        continue;
      }
    }
    groups.push_back({dim});
  }
  return groups;
}

/// Elements that vectors will run along. Not along the first dimension, which
/// may be a batch: how a sample is computed must not depend on how many there
/// are.
static int64_t rowLength(linalg::LinalgOp op) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  unsigned last = op.getNumLoops() - 1;
  ReassociationIndices row = mergeable(op).back();
  int64_t length = 1;
  for (int64_t dim : row)
    if (dim > 0 || last == 0)
      length *= ranges[dim];
  return length;
}

namespace {
enum class Kind { Reduction, Elementwise };

struct VectorizeLoops
    : public imc::impl::VectorizeLoopsPassBase<VectorizeLoops> {
  using VectorizeLoopsPassBase::VectorizeLoopsPassBase;

  void runOnOperation() override;

private:
  std::optional<Kind> classify(linalg::LinalgOp op) const;
  struct Patterns;
  /// Replaces `op` by a call of a function on vectors; of `byText`, if there is
  /// an equal one.
  void outline(linalg::LinalgOp op, Kind kind, const Patterns &patterns,
               SymbolTable &symbols, llvm::StringMap<func::FuncOp> &byText);
  static LogicalResult lower(func::FuncOp function, linalg::LinalgOp op,
                             Kind kind, ArrayRef<ReassociationIndices> groups,
                             const Patterns &patterns);
};
} // namespace

/// How to vectorize `op`; nullopt leaves it to LLVM's loop vectorizer.
std::optional<Kind> VectorizeLoops::classify(linalg::LinalgOp op) const {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumDpsInputs() < 1 || op.getNumLoops() < 1)
    return std::nullopt;
  // Dynamic or empty ones.
  if (llvm::any_of(op.getStaticLoopRanges(),
                   [](int64_t range) { return range <= 0; }))
    return std::nullopt;

  // The result overlaps with no operand, and the body has neither positions nor
  // accesses of its own.
  Value output = distinctBuffer(op.getDpsInitOperand(0)->get());
  if (!output || !isStorable(op.getDpsInitOperand(0)->get().getType()))
    return std::nullopt;
  for (Value input : op.getDpsInputs()) {
    Value buffer =
        isa<MemRefType>(input.getType()) ? distinctBuffer(input) : Value();
    if (!buffer || buffer == output || !isStorable(input.getType()))
      return std::nullopt;
  }
  bool isWorth = allElementwise;
  for (Operation &inner : op.getBlock()->without_terminator()) {
    if (!hasVectorForm(&inner))
      return std::nullopt;
    isWorth |= hasPolynomial(&inner);
  }

  unsigned last = op.getNumLoops() - 1;
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  OpOperand *init = op.getDpsInitOperand(0);
  if (!op.getMatchingIndexingMap(init).isProjectedPermutation() ||
      !llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
        return isContiguousAlong(op.getMatchingIndexingMap(input), input->get(),
                                 last);
      }))
    return std::nullopt;
  if (kinds[last] == utils::IteratorType::parallel)
    return isWorth && op.getNumReductionLoops() == 0 &&
                   rowLength(op) >= minRow &&
                   isContiguousAlong(op.getMatchingIndexingMap(init),
                                     init->get(), last)
               ? std::optional(Kind::Elementwise)
               : std::nullopt;

  // LLVM vectorizes reductions of integers as they are.
  Type type = getElementTypeOrSelf(init->get());
  if (kinds[last] != utils::IteratorType::reduction ||
      !(type.isF32() || type.isF64()))
    return std::nullopt;
  SmallVector<Operation *> combiners;
  if (!matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1 || !arith::getNeutralElement(combiners.front()))
    return std::nullopt;
  // Reduced dimensions other than the last few would need vectors of their
  // own.
  unsigned first = op.getNumLoops() - op.getNumReductionLoops();
  for (unsigned i = 0; i < kinds.size(); ++i)
    if ((kinds[i] == utils::IteratorType::reduction) != (i >= first))
      return std::nullopt;
  return rowLength(op) >= minRow ? std::optional(Kind::Reduction)
                                 : std::nullopt;
}

//===----------------------------------------------------------------------===//
// On tensors
//===----------------------------------------------------------------------===//

/// Merges each group of dimensions, so that vectors fill.
static FailureOr<linalg::LinalgOp>
collapse(RewriterBase &rewriter, linalg::LinalgOp op,
         ArrayRef<ReassociationIndices> groups) {
  if (!isa<linalg::GenericOp>(op.getOperation())) {
    FailureOr<linalg::GenericOp> generic =
        linalg::generalizeNamedOp(rewriter, op);
    if (failed(generic))
      return failure();
    op = cast<linalg::LinalgOp>(generic->getOperation());
  }
  if (groups.size() == op.getNumLoops())
    return op;
  FailureOr<linalg::CollapseResult> collapsed =
      linalg::collapseOpIterationDims(op, groups, rewriter);
  if (failed(collapsed))
    return failure();
  rewriter.replaceOp(op, collapsed->results);
  return collapsed->collapsedOp;
}

/// Loops over all dimensions but the last one, `rows`, and over the last one in
/// steps of `lanes`; what is left of it is an op of its own.
static LogicalResult tile(RewriterBase &rewriter, linalg::LinalgOp op,
                          Kind kind) {
  unsigned last = op.getNumLoops() - 1;
  Attribute zero = rewriter.getIndexAttr(0), one = rewriter.getIndexAttr(1);
  SmallVector<OpFoldResult> sizes(op.getNumLoops(), one);
  sizes.back() = zero;
  if (last > 0) {
    rewriter.setInsertionPoint(op);
    FailureOr<scf::SCFTilingResult> rows =
        scf::tileUsingSCF(rewriter, cast<TilingInterface>(op.getOperation()),
                          scf::SCFTilingOptions().setTileSizes(sizes));
    if (failed(rows))
      return failure();
    rewriter.replaceOp(op, rows->replacements);
    op = cast<linalg::LinalgOp>(rows->tiledOps.back());
  }
  int64_t length = op.getStaticLoopRanges()[last];
  if (length < lanes)
    return failure();
  auto main = cast<TilingInterface>(op.getOperation());
  if (length % lanes) {
    rewriter.setInsertionPoint(op);
    main = linalg::splitOp(rewriter, main, last,
                           rewriter.getIndexAttr(length - length % lanes))
               .first;
    if (!main)
      return failure();
  }
  sizes.assign(last, zero);
  sizes.push_back(rewriter.getIndexAttr(lanes));
  rewriter.setInsertionPoint(main);
  if (kind == Kind::Elementwise) {
    FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
        rewriter, main, scf::SCFTilingOptions().setTileSizes(sizes));
    if (failed(tiled))
      return failure();
    rewriter.replaceOp(main, tiled->replacements);
    return success();
  }
  FailureOr<scf::SCFTilingResult> partial = scf::tileReductionUsingScf(
      rewriter, cast<PartialReductionOpInterface>(main.getOperation()), sizes);
  if (failed(partial))
    return failure();
  rewriter.replaceOp(main, partial->replacements);

  // The partial sums once more: fewer additions that wait for each other.
  auto merge = dyn_cast<PartialReductionOpInterface>(partial->mergeOps.front());
  if (!merge)
    return failure();
  sizes.back() = rewriter.getIndexAttr(fewLanes);
  rewriter.setInsertionPoint(merge);
  partial = scf::tileReductionUsingScf(rewriter, merge, sizes);
  if (failed(partial))
    return failure();
  rewriter.replaceOp(merge, partial->replacements);
  return success();
}

/// Sets of patterns, made once for all functions of a module.
struct VectorizeLoops::Patterns {
  FrozenRewritePatternSet canonicalize, dropUnits, approximate, lowerVectors;

  explicit Patterns(MLIRContext *context) {
    auto make = [&](function_ref<void(RewritePatternSet &)> populate) {
      RewritePatternSet patterns(context);
      populate(patterns);
      imc::addCanonicalizations(patterns);
      return FrozenRewritePatternSet(std::move(patterns));
    };
    canonicalize = make([](RewritePatternSet &) {});
    linalg::ControlDropUnitDims options;
    options.rankReductionStrategy =
        linalg::ControlDropUnitDims::RankReductionStrategy::ExtractInsertSlice;
    dropUnits = make([&](RewritePatternSet &patterns) {
      linalg::populateFoldUnitExtentDimsPatterns(patterns, options);
    });
    approximate = make([](RewritePatternSet &patterns) {
      populateMathAlgebraicSimplificationPatterns(patterns);
      populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
        return llvm::is_contained({math::ExpOp::getOperationName(),
                                   math::TanhOp::getOperationName(),
                                   math::ErfOp::getOperationName()},
                                  name);
      });
    });
    lowerVectors = make([](RewritePatternSet &patterns) {
      vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
      vector::populateVectorMultiReductionLoweringPatterns(
          patterns, vector::VectorMultiReductionLowering::InnerReduction);
      vector::populateVectorBroadcastLoweringPatterns(patterns);
      vector::populateVectorShapeCastLoweringPatterns(patterns);
      vector::populateScalarVectorTransferLoweringPatterns(
          patterns, /*benefit=*/2, /*allowMultipleUses=*/true);
      vector::populateVectorTransferLoweringPatterns(patterns,
                                                     /*maxTransferRank=*/1);
    });
  }
};

/// Tensors to vectors in memory.
LogicalResult VectorizeLoops::lower(func::FuncOp function, linalg::LinalgOp op,
                                    Kind kind,
                                    ArrayRef<ReassociationIndices> groups,
                                    const Patterns &patterns) {
  IRRewriter rewriter(function.getContext());
  rewriter.setInsertionPoint(op);
  FailureOr<linalg::LinalgOp> collapsed = collapse(rewriter, op, groups);
  if (failed(collapsed) || failed(tile(rewriter, *collapsed, kind)))
    return failure();

  // Dimensions of one element are dropped from generic ops only.
  SmallVector<linalg::LinalgOp> named;
  function.walk([&](linalg::LinalgOp op) {
    if (!isa<linalg::GenericOp>(op.getOperation()))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::generalizeNamedOp(rewriter, op)))
      return failure();
  }
  if (failed(applyPatternsGreedily(function, patterns.dropUnits)) ||
      failed(imc::vectorizeAll(rewriter, function)) ||
      failed(applyPatternsGreedily(function, patterns.approximate)))
    return failure();

  // Sums stay in registers.
  SmallVector<LoopLikeOpInterface> loops;
  function.walk([&](LoopLikeOpInterface loop) { loops.push_back(loop); });
  for (LoopLikeOpInterface loop : loops) {
    moveLoopInvariantCode(loop);
    hoistLoopInvariantSubsets(rewriter, loop);
  }
  if (failed(applyPatternsGreedily(function, patterns.canonicalize)))
    return failure();

  // A vector of sums may pass through the stack on its way to shorter ones.
  bufferization::OneShotBufferizationOptions options;
  options.allocationFn = [function](OpBuilder &b, Location loc, MemRefType type,
                                    ValueRange sizes,
                                    unsigned alignment) -> FailureOr<Value> {
    if (!sizes.empty() || type.getNumElements() > lanes)
      return memref::AllocOp::create(b, loc, type, sizes).getResult();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function->getRegion(0).front());
    return memref::AllocaOp::create(b, loc, type,
                                    b.getI64IntegerAttr(alignment))
        .getResult();
  };
  bufferization::BufferizationState state;
  if (failed(bufferization::runOneShotBufferize(function, options, state)))
    return failure();
  DominanceInfo dominance;
  eliminateCommonSubExpressions(rewriter, dominance, function);
  if (failed(applyPatternsGreedily(function, patterns.lowerVectors)))
    return failure();
  // Copies of rows would be slower than LLVM's loops.
  bool isInPlace = true;
  function.walk([&](Operation *inner) {
    isInPlace &= !isa<memref::AllocOp, memref::CopyOp>(inner);
  });
  return success(isInPlace);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

void VectorizeLoops::outline(linalg::LinalgOp op, Kind kind,
                             const Patterns &patterns, SymbolTable &symbols,
                             llvm::StringMap<func::FuncOp> &byText) {
  llvm::SetVector<Value> arguments(op->operand_begin(), op->operand_end());
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  SmallVector<Operation *> constants;
  for (Value value : captured) {
    Operation *definition = value.getDefiningOp();
    if (!definition || !matchPattern(definition, m_Constant()))
      return; // a scalar that the network computes
    constants.push_back(definition);
  }

  OpBuilder b(&getContext());
  Location loc = op.getLoc();
  auto function = func::FuncOp::create(
      loc, "vectors",
      b.getFunctionType(ValueRange(arguments.getArrayRef()).getTypes(), {}));
  function.setPrivate();
  function->setAttr("passthrough", b.getArrayAttr(b.getStringAttr("noinline")));
  for (unsigned i = 0; i < arguments.size(); ++i)
    function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                        b.getUnitAttr());
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  IRMapping mapping;
  for (Operation *constant : constants)
    b.clone(*constant, mapping);
  Value output = op.getDpsInitOperand(0)->get(), outputArgument;

  for (auto [value, argument] : llvm::zip(arguments, body->getArguments())) {
    auto type = cast<MemRefType>(value.getType());
    if (value == output)
      outputArgument = argument;
    mapping.map(value, bufferization::ToTensorOp::create(
                           b, loc,
                           RankedTensorType::get(type.getShape(),
                                                 type.getElementType()),
                           argument, /*restrict=*/true,
                           /*writable=*/value == output));
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(mapping.lookup(operand));
  Operation *onTensors =
      mlir::clone(b, op, mapping.lookup(output).getType(), operands);
  for (Operation *constant : constants)
    constant->getResult(0).replaceUsesWithIf(
        mapping.lookup(constant->getResult(0)), [&](OpOperand &use) {
          return onTensors->isProperAncestor(use.getOwner());
        });
  bufferization::MaterializeInDestinationOp::create(
      b, loc, /*result=*/Type(), onTensors->getResult(0), outputArgument,
      /*restrict=*/true, /*writable=*/true);
  func::ReturnOp::create(b, loc);

  // Networks repeat their blocks. The text has neither locations nor, so far,
  // a distinct name.
  std::string text;
  llvm::raw_string_ostream os(text);
  function.print(os, OpPrintingFlags().useLocalScope());
  auto [known, isNew] = byText.try_emplace(text, function);
  if (isNew) {
    symbols.insert(function);
    // What upstream cannot do is no error: the op stays with LLVM's loops.
    ScopedDiagnosticHandler quiet(&getContext(),
                                  [](Diagnostic &) { return success(); });
    if (failed(lower(function, cast<linalg::LinalgOp>(onTensors), kind,
                     mergeable(op), patterns))) {
      symbols.erase(function);
      known->second = nullptr;
    }
  } else {
    function.erase();
  }
  function = known->second;
  if (!function)
    return; // no form in registers: stays with LLVM's loops
  b.setInsertionPoint(op);
  func::CallOp::create(b, loc, function, arguments.getArrayRef());
  op->erase();
}

/// Whether codes of quantized tensors are in `module`. A code close to the
/// middle of two depends on the last bit of the sum before it.
static bool holdsCodes(ModuleOp module) {
  auto isCodes = [](Type type) {
    auto memref = dyn_cast<BaseMemRefType>(type);
    return memref && (memref.getElementType().isInteger(8) ||
                      memref.getElementType().isInteger(16));
  };
  return module
      .walk([&](Operation *op) {
        return llvm::any_of(op->getOperandTypes(), isCodes) ||
                       llvm::any_of(op->getResultTypes(), isCodes)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

void VectorizeLoops::runOnOperation() {
  if (minRow < lanes) {
    emitError(UnknownLoc::get(&getContext()))
        << "min-row is " << minRow.getValue() << ", expected " << lanes
        << " or more: partial sums have that many elements";
    return signalPassFailure();
  }
  if (holdsCodes(getOperation()))
    return;
  SmallVector<std::pair<linalg::LinalgOp, Kind>> ops;
  getOperation().walk([&](linalg::LinalgOp op) {
    if (std::optional<Kind> kind = classify(op))
      ops.emplace_back(op, *kind);
  });
  if (ops.empty())
    return;
  SymbolTable symbols(getOperation());
  llvm::StringMap<func::FuncOp> byText;
  Patterns patterns(&getContext());
  for (auto [op, kind] : ops)
    outline(op, kind, patterns, symbols, byText);
}
