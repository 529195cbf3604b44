//===- VectorizeProducts.cpp - Large products to kernel calls -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product is recognized by its indexing maps and its body, whatever op it is:
// named ops, their generic form with loops in any order, and what imc ops lower
// to are the same thing here.
//
//===----------------------------------------------------------------------===//

#include "ProductKernels.h"

#include "imc/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

namespace imc {
#define GEN_PASS_DEF_VECTORIZEPRODUCTSPASS
#include "imc/Conversion/Passes.h.inc"
} // namespace imc

using namespace imc::kernels;
using namespace mlir;

/// Matrices with fewer rows than this would read a panel too seldom.
static constexpr int64_t fewestRows = 4;
/// Fewer columns than this would leave most of a register empty.
static constexpr int64_t fewestColumns = 8;

namespace {
/// Which loop dimensions a product has. Empty lists where there are none.
struct Dimensions {
  /// In all three operands, or in one input and the output: the product is
  /// repeated for each of their values.
  SmallVector<unsigned> outer;
  /// Rows and columns of the result; for a convolution filters, and height and
  /// width of the output.
  SmallVector<unsigned> rows, columns;
  /// Reductions: k; for a convolution channels, kernel height and width.
  SmallVector<unsigned> reductions;
};

/// Stride and dilation of one spatial dimension.
struct Window {
  unsigned position, tap;
  int64_t stride, dilation;
};
} // namespace

/// Sees through an extension of `argument`.
static std::optional<Extension> extensionOf(Value value, Value argument) {
  if (value == argument)
    return Extension::None;
  if (auto op = value.getDefiningOp<arith::ExtSIOp>())
    if (op.getIn() == argument)
      return Extension::Signed;
  if (auto op = value.getDefiningOp<arith::ExtUIOp>())
    if (op.getIn() == argument)
      return Extension::Unsigned;
  return std::nullopt;
}

/// The types of a body out + in0·in1, with the extensions of in0 and in1.
static std::optional<ProductTypes> matchBody(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return std::nullopt;
  Block *body = op.getBlock();
  Value result = body->getTerminator()->getOperand(0);
  Type type = result.getType();
  bool isFloat = type.isF32() || type.isF64();
  if (!isFloat && !type.isInteger(32) && !type.isInteger(64))
    return std::nullopt;
  Operation *sum = result.getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum))
    return std::nullopt;
  Value out = body->getArgument(2);
  Value term = sum->getOperand(0) == out   ? sum->getOperand(1)
               : sum->getOperand(1) == out ? sum->getOperand(0)
                                           : Value();
  Operation *multiply = term ? term.getDefiningOp() : nullptr;
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(multiply))
    return std::nullopt;
  for (unsigned first : {0, 1}) {
    std::optional<Extension> left =
        extensionOf(multiply->getOperand(first), body->getArgument(0));
    std::optional<Extension> right =
        extensionOf(multiply->getOperand(1 - first), body->getArgument(1));
    if (left && right)
      return ProductTypes{body->getArgument(0).getType(),
                          body->getArgument(1).getType(), type, *left, *right};
  }
  return std::nullopt;
}

/// position·stride + tap·dilation, where exactly one of the two is a reduction.
static std::optional<Window> matchWindow(AffineExpr expr,
                                         ArrayRef<utils::IteratorType> kinds) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  std::optional<unsigned> position, tap;
  int64_t stride = 1, dilation = 1;
  for (AffineExpr term : {sum.getLHS(), sum.getRHS()}) {
    int64_t factor = 1;
    if (auto product = dyn_cast<AffineBinaryOpExpr>(term)) {
      auto constant = dyn_cast<AffineConstantExpr>(product.getRHS());
      if (product.getKind() != AffineExprKind::Mul || !constant)
        return std::nullopt;
      factor = constant.getValue();
      term = product.getLHS();
    }
    auto dim = dyn_cast<AffineDimExpr>(term);
    if (!dim || factor < 1)
      return std::nullopt;
    if (kinds[dim.getPosition()] == utils::IteratorType::parallel) {
      position = dim.getPosition();
      stride = factor;
    } else {
      tap = dim.getPosition();
      dilation = factor;
    }
  }
  if (!position || !tap)
    return std::nullopt;
  return Window{*position, *tap, stride, dilation};
}

/// The positions of a map's dimensions; empty unless it is a permutation of
/// some of them.
static SmallVector<unsigned> dimsOf(AffineMap map) {
  SmallVector<unsigned> dims;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || llvm::is_contained(dims, dim.getPosition()))
      return {};
    dims.push_back(dim.getPosition());
  }
  return dims;
}

static bool isUnitStride(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  return !strides.empty() && strides.back() == 1;
}

namespace {
struct VectorizeProducts
    : public imc::impl::VectorizeProductsPassBase<VectorizeProducts> {
  using VectorizeProductsPassBase::VectorizeProductsPassBase;

  void runOnOperation() override {
    if (vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
      emitError(UnknownLoc::get(&getContext()))
          << "vector-bits is " << vectorBits.getValue()
          << ", expected 128, 256 or 512";
      return signalPassFailure();
    }
    Library library(getOperation(), VectorUnit{vectorBits});
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() && isLarge(op))
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      std::optional<ProductTypes> types = matchBody(op);
      if (!types)
        continue;
      rewriter.setInsertionPoint(op);
      if (lowerMatrixProduct(rewriter, op, *types, library) ||
          lowerConvolution(rewriter, op, *types, library))
        rewriter.eraseOp(op);
    }
    if (!library.isValid())
      signalPassFailure();
  }

private:
  bool isLarge(linalg::LinalgOp op) const {
    int64_t work = 1;
    for (int64_t range : op.getStaticLoopRanges()) {
      if (ShapedType::isDynamic(range))
        return false;
      work = llvm::SaturatingMultiply<uint64_t>(work, range);
    }
    return work >= minWork;
  }

  /// A view of `memref` at `position` of the `outer` dimensions, with the last
  /// `kept` dimensions of its map.
  static Value viewAt(OpBuilder &b, Location loc, Value memref,
                      ArrayRef<unsigned> dims, ArrayRef<unsigned> outer,
                      ValueRange position, unsigned kept) {
    auto type = cast<MemRefType>(memref.getType());
    unsigned dropped = type.getRank() - kept;
    if (dropped == 0)
      return memref;
    SmallVector<OpFoldResult> offsets, sizes, strides;
    for (unsigned i = 0; i < type.getRank(); ++i) {
      if (i < dropped)
        offsets.push_back(position[llvm::find(outer, dims[i]) - outer.begin()]);
      else
        offsets.push_back(b.getIndexAttr(0));
      sizes.push_back(b.getIndexAttr(i < dropped ? 1 : type.getDimSize(i)));
      strides.push_back(b.getIndexAttr(1));
    }
    MemRefType reduced = memref::SubViewOp::inferRankReducedResultType(
        type.getShape().take_back(kept), type, offsets, sizes, strides);
    return memref::SubViewOp::create(b, loc, reduced, memref, offsets, sizes,
                                     strides);
  }

  /// Runs `body` for every value of the outer dimensions.
  static void forEach(OpBuilder &b, Location loc, linalg::LinalgOp op,
                      ArrayRef<unsigned> outer,
                      function_ref<void(OpBuilder &, ValueRange)> body) {
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    SmallVector<Value> ends;
    for (unsigned dim : outer)
      ends.push_back(arith::ConstantIndexOp::create(b, loc, ranges[dim]));
    scf::buildLoopNest(b, loc, SmallVector<Value>(outer.size(), zero), ends,
                       SmallVector<Value>(outer.size(), one),
                       [&](OpBuilder &b, Location, ValueRange position) {
                         body(b, position);
                       });
  }

  static Value castTo(OpBuilder &b, Location loc, MemRefType type, Value view) {
    return memref::CastOp::create(b, loc, type, view);
  }

  bool lowerMatrixProduct(OpBuilder &b, linalg::LinalgOp op, ProductTypes types,
                          Library &library);
  bool lowerConvolution(OpBuilder &b, linalg::LinalgOp op,
                        const ProductTypes &types, Library &library);
};
} // namespace

bool VectorizeProducts::lowerMatrixProduct(OpBuilder &b, linalg::LinalgOp op,
                                           ProductTypes types,
                                           Library &library) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<unsigned> left = dimsOf(maps[0]), right = dimsOf(maps[1]),
                        out = dimsOf(maps[2]);
  if (left.size() < 2 || right.size() < 2 || out.size() < 2)
    return false;
  Value x = op.getDpsInputOperand(0)->get(),
        w = op.getDpsInputOperand(1)->get(), y = op.getDpsInitOperand(0)->get();
  // The operand that has the rows of the result is the left one.
  if (!llvm::is_contained(left, out[out.size() - 2])) {
    std::swap(left, right);
    std::swap(x, w);
    std::swap(types.a, types.b);
    std::swap(types.extendA, types.extendB);
  }
  unsigned m = out[out.size() - 2], n = out.back(), k = left.back();
  ArrayRef<unsigned> outer = ArrayRef<unsigned>(out).drop_back(2);
  auto hasForm = [&](ArrayRef<unsigned> dims, unsigned first, unsigned last) {
    return dims.back() == last && dims[dims.size() - 2] == first &&
           llvm::all_of(dims.drop_back(2), [&](unsigned dim) {
             return llvm::is_contained(outer, dim);
           });
  };
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  if (!hasForm(left, m, k) || !hasForm(right, k, n) ||
      out.size() + 1 != op.getNumLoops() ||
      op.getIteratorTypesArray()[k] != utils::IteratorType::reduction ||
      ranges[m] < fewestRows || ranges[n] < fewestColumns || !isUnitStride(x) ||
      !isUnitStride(w) || !isUnitStride(y))
    return false;

  Location loc = op.getLoc();
  func::FuncOp kernel = library.product(types);
  forEach(b, loc, op, outer, [&](OpBuilder &b, ValueRange position) {
    func::CallOp::create(
        b, loc, kernel,
        ValueRange{castTo(b, loc, matrixType(types.a),
                          viewAt(b, loc, x, left, outer, position, 2)),
                   castTo(b, loc, matrixType(types.b),
                          viewAt(b, loc, w, right, outer, position, 2)),
                   castTo(b, loc, matrixType(types.c),
                          viewAt(b, loc, y, out, outer, position, 2))});
  });
  return true;
}

bool VectorizeProducts::lowerConvolution(OpBuilder &b, linalg::LinalgOp op,
                                         const ProductTypes &types,
                                         Library &library) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  // x: outer…, c, window, window; w: outer…, f, c, kh, kw; y: outer…, f, oh, ow
  SmallVector<unsigned> filter = dimsOf(maps[1]), out = dimsOf(maps[2]);
  ArrayRef<AffineExpr> image = maps[0].getResults();
  if (filter.size() < 4 || out.size() < 3 || image.size() < 3)
    return false;
  std::optional<Window> height = matchWindow(image[image.size() - 2], kinds);
  std::optional<Window> width = matchWindow(image.back(), kinds);
  SmallVector<unsigned> plain = dimsOf(maps[0].dropResults(
      ArrayRef<int64_t>{static_cast<int64_t>(image.size()) - 2,
                        static_cast<int64_t>(image.size()) - 1}));
  if (!height || !width || plain.empty())
    return false;
  unsigned f = out[out.size() - 3], c = plain.back();
  ArrayRef<unsigned> outer = ArrayRef<unsigned>(out).drop_back(3);
  auto areOuter = [&](ArrayRef<unsigned> dims) {
    return llvm::all_of(
        dims, [&](unsigned dim) { return llvm::is_contained(outer, dim); });
  };
  SmallVector<unsigned> filterEnd = {f, c, height->tap, width->tap};
  SmallVector<unsigned> outEnd = {f, height->position, width->position};
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  Value x = op.getDpsInputOperand(0)->get(),
        w = op.getDpsInputOperand(1)->get(), y = op.getDpsInitOperand(0)->get();
  SmallVector<ReassociationIndices> mergeFilter = {{0}, {1, 2, 3}},
                                    mergePlane = {{0}, {1, 2}};
  int64_t positions = ranges[height->position] * ranges[width->position];
  if (ArrayRef<unsigned>(filter).take_back(4) != ArrayRef(filterEnd) ||
      ArrayRef<unsigned>(out).take_back(3) != ArrayRef(outEnd) ||
      kinds[c] != utils::IteratorType::reduction ||
      !areOuter(ArrayRef<unsigned>(filter).drop_back(4)) ||
      !areOuter(ArrayRef<unsigned>(plain).drop_back()) ||
      out.size() + 3 != op.getNumLoops() || ranges[f] < fewestRows ||
      positions < fewestColumns || !isUnitStride(x) || !isUnitStride(w) ||
      !isUnitStride(y))
    return false;

  // Whether the views inside the loops below can be made matrices.
  auto canMerge = [](Value memref, unsigned kept,
                     ArrayRef<ReassociationIndices> merge) {
    auto type = cast<MemRefType>(memref.getType());
    auto [strides, offset] = type.getStridesAndOffset();
    auto view = MemRefType::get(
        type.getShape().take_back(kept), type.getElementType(),
        StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic,
                               ArrayRef<int64_t>(strides).take_back(kept)));
    return memref::CollapseShapeOp::isGuaranteedCollapsible(view, merge);
  };
  if (!canMerge(w, 4, mergeFilter) || !canMerge(y, 3, mergePlane))
    return false;
  ArrayRef<int64_t> imageShape = cast<MemRefType>(x.getType()).getShape();
  bool isPointwise = ranges[height->tap] == 1 && ranges[width->tap] == 1 &&
                     height->stride == 1 && width->stride == 1 &&
                     imageShape.take_back(2)[0] == ranges[height->position] &&
                     imageShape.take_back(2)[1] == ranges[width->position] &&
                     canMerge(x, 3, mergePlane);

  Location loc = op.getLoc();
  ProductTypes swapped = {types.b, types.a, types.c, types.extendB,
                          types.extendA};
  func::FuncOp kernel =
      isPointwise ? library.product(swapped) : library.convolution(swapped);
  SmallVector<unsigned> xDims(plain);
  xDims.append({0, 0});
  forEach(b, loc, op, outer, [&](OpBuilder &b, ValueRange position) {
    auto matrix = [&](Value memref, ArrayRef<unsigned> dims, unsigned kept,
                      ArrayRef<ReassociationIndices> merge, Type element) {
      Value view = viewAt(b, loc, memref, dims, outer, position, kept);
      Value merged = memref::CollapseShapeOp::create(b, loc, view, merge);
      return castTo(b, loc, matrixType(element), merged);
    };
    SmallVector<Value> arguments = {matrix(w, filter, 4, mergeFilter, types.b),
                                    Value(),
                                    matrix(y, out, 3, mergePlane, types.c)};
    if (isPointwise) {
      arguments[1] = matrix(x, xDims, 3, mergePlane, types.a);
    } else {
      arguments[1] = castTo(b, loc, imageType(types.a),
                            viewAt(b, loc, x, xDims, outer, position, 3));
      for (int64_t value :
           {ranges[width->position], ranges[height->tap], ranges[width->tap],
            height->stride, width->stride, height->dilation, width->dilation})
        arguments.push_back(arith::ConstantIndexOp::create(b, loc, value));
    }
    func::CallOp::create(b, loc, kernel, arguments);
  });
  return true;
}
